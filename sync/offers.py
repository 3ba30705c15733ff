"""Offers: single bundles that are owed on the air, each until somebody sends it (PROTOCOL.md §15.3)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from sync.bundle import BundleClass, BundleId
from sync.doubt import Answers
from sync.owing import Given, Shelf

# More than are alive in any network that was measured. When full, nothing is added.
OFFERS_MAX = 4_096


class Offers:
    """What one camp owes on one link, bundle by bundle. Times are engine time."""

    def __init__(self, shelf: Shelf, given: Given, answers: Answers) -> None:
        self._shelf = shelf
        self._given = given
        self._answers = answers
        self._owed: OrderedDict[BundleId, tuple[float, BundleClass]] = OrderedDict()

    def add(self, bundle_id: BundleId, camp: bytes, due: float) -> None:
        """Owe a bundle, if it was not sent in vain too often, nor this camp given too many lately."""
        if bundle_id in self._owed or len(self._owed) >= OFFERS_MAX:
            return
        if not self._answers.is_free(bundle_id, due):
            return
        left = self._given.left(camp, due)
        live = self._shelf.with_prefix(bundle_id)
        if live is not None and (left is None or left > 0):
            self._given.give(camp, 1, due)
            self._owed[bundle_id] = (due, live.class_)

    def repeat(self, bundle_id: BundleId, not_before: float) -> None:
        """A mic check is said once more, whoever may ask."""
        self._owed[bundle_id] = (not_before, BundleClass.ALERT)

    def drop(self, bundle_id: BundleId, now: float) -> bool:
        """It was sent, by us or another; whether it was owed."""
        if self._owed.pop(bundle_id, None) is None:
            return False
        self._answers.said(bundle_id, now)
        return True

    def next_due(self) -> float:
        """When the first one is due."""
        return min((due for due, _ in self._owed.values()), default=float("inf"))

    def next_alert_due(self) -> float:
        """When the first alert is due."""
        return min(
            (due for due, class_ in self._owed.values() if class_ == BundleClass.ALERT), default=float("inf")
        )

    def first_due(
        self, now: float, alerts_only: bool, serves_few: Callable[[BundleId], bool] | None = None
    ) -> tuple[BundleId, BundleClass] | None:
        """What is due, alerts first; but what `serves_few`, where that has to wait."""
        due = [(class_, when, each) for each, (when, class_) in self._owed.items() if when <= now]
        if alerts_only:
            due = [each for each in due if each[0] == BundleClass.ALERT]
        if serves_few is not None:
            due = [each for each in due if each[0] == BundleClass.ALERT or not serves_few(each[2])]
        if not due:
            return None
        class_, _, bundle_id = min(due)
        return bundle_id, class_

    def __len__(self) -> int:
        return len(self._owed)
