"""Several gateways, one list: nothing is lost, and hardly anything comes twice, in any weather."""

import pytest

from tests.letters.gateway_storm import Storm

# Of 2,000 messages 4 may come twice. A few messages cannot show a rate, only that a fault doubles many.
DOUBLED_OF_2000 = 4
DOUBLED_OF_120 = 2


def digest(*messages, id_):
    """A letter with others in it, as the list gets it."""
    parts = "".join(
        f"--b\r\n\r\nMessage-ID: <{message.hex()}@miccheck.invalid>\r\n\r\nx\r\n" for message in messages
    )
    head = (
        f"Message-ID: <digest-{id_}@miccheck.invalid>\r\nContent-Type: multipart/digest; boundary=b\r\n\r\n"
    )
    return f"{head}{parts}--b--\r\n".encode()


def test_the_count_of_doubles_merges_letters_and_not_what_is_in_them(tmp_path):
    storm = Storm(1, tmp_path, messages=0, gives_back=False)
    one, two, three = (bytes([n]) * 16 for n in (1, 2, 3))
    for raw in [
        digest(one, two, id_="a"),
        digest(one, two, id_="a"),  # the same again
        digest(two, three, id_="b"),
        f"Message-ID: <{three.hex()}@miccheck.invalid>\r\n\r\nx\r\n".encode(),
    ]:
        storm.host.take(raw, "north")
    for camp in storm.gateways:
        camp.end()
    assert (storm.doubled, storm.doubled_when_merged) == (4, 2)


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
def test_without_digests_nothing_is_double_after_merging(tmp_path):
    storm = Storm(3, tmp_path, digest_above=0)
    storm.run()
    print(storm.line())
    assert (storm.lost, storm.doubled_when_merged) == (0, 0)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 6))
def test_a_list_that_gives_nothing_back(seed, tmp_path):
    """Nobody reads the list's mail: only receipts tell, and of a power cut nothing does. All leave alone."""
    storm = Storm(seed, tmp_path, gives_back=False)
    storm.run()
    print(storm.line())
    assert (storm.lost, storm.doubled_when_merged) == (0, 0)
