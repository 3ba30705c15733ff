"""Several gateways, one list: nothing is lost, and hardly anything comes twice, in any weather."""

import pytest

from tests.letters.gateway_storm import Storm

# Of 2,000 messages 4 may come twice. A few messages cannot show a rate, only that a fault doubles many.
DOUBLED_OF_2000 = 4
DOUBLED_OF_120 = 2


def check(storm, doubled_max):
    storm.run()
    print(storm.line())
    assert storm.lost == 0, f"seed {storm.seed}"
    assert storm.doubled <= doubled_max, f"seed {storm.seed}"
    assert storm.doubled_when_merged == 0, f"seed {storm.seed}"


def test_in_a_storm_the_list_gets_everything_and_hardly_anything_twice(tmp_path):
    """And every crash of it came between the server's 250 and the commit."""
    storm = Storm(
        4, tmp_path, messages=120, span_s=7_200.0, calm_s=1_800.0, outages=2, gossip_cuts=2, crashes=3
    )
    check(storm, DOUBLED_OF_120)
    assert sum(storm.crashed.values()) >= 3


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 11))
def test_a_large_storm(seed, tmp_path):
    check(Storm(seed, tmp_path), DOUBLED_OF_2000)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 6))
def test_a_list_that_gives_nothing_back(seed, tmp_path):
    """Nobody reads the list's mail: only receipts tell, and of a power cut nothing does."""
    storm = Storm(seed, tmp_path, gives_back=False)
    storm.run()
    print(storm.line())
    assert storm.lost == 0
    assert storm.doubled_when_merged == 0
