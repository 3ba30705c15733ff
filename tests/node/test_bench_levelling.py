"""The bench of levelling on a small scale: that it measures what it says."""

from random import Random

import pytest

from node.bench import levelling
from node.bench.samples import camp_texts
from node.clock import Clock

WALL_S = Clock().wall_s()


def test_comparing_is_all_that_is_said_beside_bundles():
    compared = levelling.compare(camp_texts(), Random(1), WALL_S, shared=700, different=40)
    assert compared.bundles == 40
    # Strata, one sketch, one request: less than a list of 740 short ids.
    assert 1_344 < compared.frame_bytes < 2_960
    assert compared.seconds > 0


@pytest.mark.full
def test_two_nodes_become_level(tmp_path):
    seconds, rate = levelling.level_nodes(camp_texts(), Random(1), WALL_S, tmp_path, 30)
    assert rate == pytest.approx(30 / seconds)
