"""From whom a camp takes what it lacks, so that it gets everything once (PROTOCOL.md §8.4).

Five neighbours may hold the same thousand bundles. Whoever compares with one of them waits until what he
lacks has come, and then compares with the next, who has little left to give. And a bundle that is named by
several is asked of one.
"""

from __future__ import annotations

from collections.abc import Container

from sync.bundle import BundleId

# Who was asked, or is about to send, and is silent for so long is not waited for: a satellite answers in
# two seconds.
SILENT_S = 5.0
# However much comes, others may begin after this; what comes goes on.
TURN_S = 60.0
# Ids are as good as chosen by whoever names them: a bound, and the oldest goes.
ASKED_MAX = 10_000
ASK_AGAIN_S = 10.0
# Salting and sketching a set takes 2 µs a bundle here, ten on a Pi. Whoever asks for it often makes a node
# do so for a quarter of its time at most; a small set is not worth counting.
SECONDS_A_BUNDLE = 40e-6
SMALL_SET = 1_024


class Intake:
    """Whose turn it is to send what we lack. Times are engine time, links are named."""

    def __init__(self, links: Container[str]) -> None:
        """`links`: names of the links that are up. Who went away sends nothing more."""
        self._links = links
        self._from = ""
        self._expected = 0
        self._is_over = False
        self._silent_at = self._over_at = self._rested_at = float("-inf")
        self._asked: dict[BundleId, tuple[str, float]] = {}  # in the order in which they were asked for
        self._asking_since = float("-inf")

    # -- turns ------------------------------------------------------------------------------------

    def free_at(self, link: str) -> float:
        """From when on this link may have the turn: a past time, unless another has it."""
        if self._from in ("", link) or self._from not in self._links:
            return float("-inf")
        return min(self._silent_at, self._over_at)

    def is_free(self, link: str, now: float) -> bool:
        """Whether this link may have the turn."""
        return self.free_at(link) <= now

    def clear_at(self) -> float:
        """From when on nothing that was asked for by name is awaited: till then it would be compared as
        lacking.

        Names are free to make up, so this ends after a while, whatever is asked for.
        """
        return min(self._awaited_until(), self._asking_since + TURN_S)

    def _awaited_until(self) -> float:
        """When the last one that was asked for by name is given up."""
        if not self._asked:
            return float("-inf")
        link, at = self._asked[next(reversed(self._asked))]
        return at + SILENT_S if link in self._links else float("-inf")

    def take(self, link: str, now: float) -> None:
        """It is this link's turn: a comparison with it begins."""
        self._from, self._expected, self._is_over = link, 0, False
        self._silent_at, self._over_at = now + SILENT_S, now + TURN_S

    def has(self, link: str, now: float) -> bool:
        """Whether the turn is this link's, and not over."""
        return self._from == link and now < min(self._silent_at, self._over_at)

    def expect(self, link: str, bundles: int, now: float) -> None:
        """So many more bundles are to come by this link."""
        if self._from == link:
            self._expected += bundles
            self._silent_at = now + SILENT_S

    def came(self, link: str, now: float) -> None:
        """A bundle came by this link."""
        if self._from == link:
            self._expected -= 1
            self._silent_at = now + SILENT_S
            self._leave_if_done()

    def end(self, link: str) -> None:
        """This link's comparison is over; its turn is over when what it announced has come."""
        if self._from == link:
            self._is_over = True
            self._leave_if_done()

    def _leave_if_done(self) -> None:
        if self._is_over and self._expected <= 0:
            self._from = ""

    # -- the work of it ---------------------------------------------------------------------------

    def rested_at(self) -> float:
        """From when on a set may be salted again."""
        return self._rested_at

    def salted(self, bundles: int, now: float) -> None:
        """A set of this size was."""
        if bundles > SMALL_SET:
            self._rested_at = now + bundles * SECONDS_A_BUNDLE

    # -- single bundles ---------------------------------------------------------------------------

    def is_asked(self, bundle_id: BundleId, now: float) -> bool:
        """Whether some neighbour that is still there was asked for it a moment ago."""
        link, at = self._asked.get(bundle_id, ("", float("-inf")))
        return link in self._links and now - at < ASK_AGAIN_S

    def ask(self, bundle_id: BundleId, link: str, now: float) -> None:
        """This link is asked for it now."""
        if self._awaited_until() <= now:
            self._asking_since = now
        self._asked.pop(bundle_id, None)
        if len(self._asked) >= ASKED_MAX:
            del self._asked[next(iter(self._asked))]
        self._asked[bundle_id] = (link, now)

    def answered(self, bundle_id: BundleId) -> None:
        """It came, by whatever road. What was asked for by name is none that a comparison announced."""
        link, _ = self._asked.pop(bundle_id, ("", 0.0))
        if link and link == self._from:
            self._expected += 1  # `came` takes it off again
