"""The vectors of strata: what tells how much two large sets differ (PROTOCOL.md §12.6)."""

from __future__ import annotations

from sync import strata
from sync.bucketing import SaltedIds
from tests.vectors.air import SALT, bundle_ids, salt_fields


def strata_cases() -> list[dict[str, object]]:
    """Two sets each, their strata, and how much they differ."""
    made = [
        ("both empty", (0, 0), (0, 0)),
        ("level", (0, 40), (0, 40)),
        ("nine differences, known exactly", (0, 40), (5, 44)),
        ("ninety, estimated", (0, 60), (30, 120)),
    ]
    cases: list[dict[str, object]] = []
    for name, here, there in made:
        mine, theirs = (SaltedIds(bundle_ids(*span), SALT).strata() for span in (here, there))
        found = strata.estimate(mine, theirs)
        cases.append(
            {
                "name": name,
                **salt_fields(SALT),
                "here": [bundle_id.hex() for bundle_id in bundle_ids(*here)],
                "there": [bundle_id.hex() for bundle_id in bundle_ids(*there)],
                "strata_here": mine.hex(),
                "strata_there": theirs.hex(),
                "differences": found.differences,
                "exact": found.is_exact,
            }
        )
    return cases
