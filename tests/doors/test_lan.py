"""Two nodes on one LAN, here loopback, find each other without a word in the settings about one another."""

from __future__ import annotations

import pytest

from tests.doors.process import RunningNode, make_camp, output, wait_until

# A post is sealed within minutes of engine time.
LAN = {"MICCHECK__CLOCK__SPEED": "60", "MICCHECK__LAN__INTERFACES": "lo"}


def states(node: RunningNode) -> list[str]:
    """How it goes with each link."""
    return [link["state"] for link in node.ask("GET", "/api/v1/status")[1]["links"]]


@pytest.mark.full
def test_two_nodes_find_each_other_and_a_third_keeps_out_of_it(tmp_path):
    homes = [tmp_path / name for name in ("north", "south", "hermit")]
    for home in homes:
        make_camp(home)
    north, south, hermit = homes
    alone = LAN | {"MICCHECK__LAN__DISCOVER": "false"}
    with (
        RunningNode(north, env=LAN) as here,
        RunningNode(south, env=LAN) as there,
        RunningNode(hermit, env=alone) as apart,
    ):
        wait_until(lambda: states(here) == ["talking"] and states(there) == ["talking"])
        output("post", north, "general", "water at gate 4")
        wait_until(lambda: "water at gate 4" in there.texts())
        assert states(apart) == []
        assert apart.texts() == []
