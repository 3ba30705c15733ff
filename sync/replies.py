"""Replies: what is owed to others leaves, bundle by bundle or as a parcel (PROTOCOL.md §15.3, §15.9).

Both are paid from one purse, because an unsigned frame may have asked for either (§15.7); alerts are not, and
do not wait. A parcel is saved for until all of it can be paid, so single bundles wait for it meanwhile.
"""

from __future__ import annotations

from sync.air_frames import AnswerFrame, ParcelFrame
from sync.beaconing import Beaconing
from sync.bundle import BundleClass, BundleId
from sync.frames import SENDER_BYTES
from sync.link import LinkProfile
from sync.offers import Offers
from sync.parcelpost import ParcelPost
from sync.purse import Purse
from sync.relays import Relays

# Half of what we may send is for others' requests. At a time: a parcel of 24 symbols on LongFast and what
# goes with it, where a twentieth of the hour is ours; a shorter one where it is less, but never less than one
# of three symbols.
REPLY_SHARE = 0.5
REPLY_BURST_MS = 75_000.0
REPLY_BURST_OF_DUTY_MS = 1_500_000.0
REPLY_FRAMES_LEAST = 4
# Where the hour is short for what serves few, a parcel that was owed for so long is no longer of those that
# come last: they came never.
FEW_WAIT_FRAMES = 200.0


def reply_purse(link: LinkProfile, now: float) -> Purse:
    """The airtime, in ms, that others' requests may cost on a link."""
    burst_ms = min(REPLY_BURST_MS, REPLY_BURST_OF_DUTY_MS * link.duty_cycle)
    burst_ms = max(burst_ms, REPLY_FRAMES_LEAST * link.airtime_ms(link.mtu))
    return Purse(1_000 * link.duty_cycle * REPLY_SHARE, burst_ms, now)


class Replies:
    """What one camp owes on one link, as it leaves. Times are engine time."""

    def __init__(
        self,
        offers: Offers,
        parcels: ParcelPost,
        purse: Purse,
        relays: Relays,
        beaconing: Beaconing,
        link: LinkProfile,
    ) -> None:
        self._offers = offers
        self._parcels = parcels
        self._purse = purse
        self._relays = relays
        self._beaconing = beaconing
        self._full_ms = link.airtime_ms(link.mtu)
        self._frame_s = self._full_ms / 1_000

    def next_due(self, now: float) -> float:
        """When a bundle or a symbol of a parcel leaves; may be in the past."""
        self._share()
        due = self._parcels.next_due(now)
        if len(self._offers) > 0 and not self._parcels.is_busy:
            due = min(due, max(self._offers.next_due(), self._purse.ready_at(self._full_ms)))
        return due

    def next_alert_due(self) -> float:
        """When an alert that was asked for leaves."""
        return self._offers.next_alert_due()

    def next_bundle(self, now: float, alerts_only: bool = False, is_short: bool = False) -> BundleId | None:
        """A bundle that is owed and due; paid for by the purse, alerts excepted.

        `is_short`: what serves few has to wait.
        """
        serves_few = self._relays.serves_few if is_short else None
        first = self._offers.first_due(now, alerts_only, serves_few)
        if first is None:
            return None
        bundle_id, class_ = first
        if class_ != BundleClass.ALERT and (
            self._parcels.is_busy or not self._purse.take(self._full_ms, now)
        ):
            return None
        self._offers.drop(bundle_id, now)
        self._beaconing.repair(now)
        return bundle_id

    def next_parcel(self, now: float, is_short: bool = False) -> ParcelFrame | AnswerFrame | None:
        """The next symbol of a parcel: it leaves when there is no bundle to send.

        `is_short`: what serves few has to wait.
        """
        camp, since = self._parcels.owed_to[:SENDER_BYTES], self._parcels.owed_since
        is_few = not self._parcels.owes_alert and camp not in self._relays.crowds(now)
        is_young = now - since < FEW_WAIT_FRAMES * self._frame_s
        if is_short and is_few and is_young and not self._parcels.is_leaving_any:
            return None
        self._share()
        frame = self._parcels.next_frame(now)
        if frame is not None:
            self._beaconing.repair(now)
        return frame

    def _share(self) -> None:
        self._parcels.share_with(len(self._offers) > 0)
