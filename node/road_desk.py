"""The links of the node as the coordinators' page sees them: the table of roads, the works, the orders."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from node.link_orders import LinkOrders
from node.roadworks import Roadworks, Work
from radio.link_sight import LinkSight
from radio.road_words import Value, Word, words_of
from radio.roads import KINDS, Kind
from sync.actions import Actor
from web_ui.desk import LinkView
from web_ui.road_desk import FoundView, KindView, RoadView, WordView

_LOG = logging.getLogger("miccheck")


class NodeRoads:
    """`web_ui.road_desk.RoadDesk`, implemented by the running node."""

    def __init__(
        self,
        roads: Roadworks,
        orders: LinkOrders,
        see: Callable[[tuple[LinkSight, ...]], tuple[LinkView, ...]],
    ) -> None:
        """`see` makes views of sights; it may be called in any thread."""
        self._roads = roads
        self._orders = orders
        self._see = see

    def views(self) -> tuple[RoadView, ...]:
        """The links of the settings, in their order."""
        works = enumerate(self._roads.works())
        return tuple(self._view(work, self._orders.is_overruled(index)) for index, work in works)

    def kinds(self) -> tuple[KindView, ...]:
        """What can be added."""
        return tuple(_kind(kind) for kind in KINDS.values())

    def found(self, kind: str) -> tuple[FoundView, ...]:
        """What is plugged in that a link of this kind could use."""
        return tuple(FoundView(each.says, each.words) for each in KINDS[kind].found())

    async def add(self, kind: str, words: Mapping[str, str], actor: Actor) -> str:
        """Add a link and open it; its name. Raises LinkRefused."""
        name = await self._orders.add(kind, words)
        _LOG.info("a %s added the link %s", actor.role.word, name)
        return name

    async def set_stopped(self, name: str, stopped: bool, actor: Actor) -> None:
        """Stop a link, or start it again. Raises LinkRefused."""
        await self._orders.set_stopped(name, stopped)
        _LOG.info("a %s %s the link %s", actor.role.word, "stopped" if stopped else "started", name)

    async def remove(self, name: str, actor: Actor) -> RoadView:
        """Stop a link and take it out of the settings; what it was. Raises LinkRefused."""
        work = await self._orders.remove(name)
        _LOG.info("a %s removed the link %s", actor.role.word, name)
        return replace(self._view(work, fixed=False), links=())

    def _view(self, work: Work, fixed: bool) -> RoadView:
        link = work.link
        kind = KINDS[link.kind]
        said = ((word, getattr(link.settings, word.name)) for word in words_of(kind.settings))
        return RoadView(
            name=work.name,
            kind=kind.name,
            title=kind.title,
            words=tuple((word.name, word.label, _shown(value)) for word, value in said if value != ""),
            links=self._see(work.sights()),
            stopped=link.stopped,
            fixed=fixed,
        )


def _kind(kind: Kind) -> KindView:
    words = tuple(_word(each) for each in words_of(kind.settings))
    return KindView(kind.name, kind.title, kind.about, words)


def _word(word: Word) -> WordView:
    return WordView(word.name, word.label, word.hint, word.needed, _shown(word.default), word.choices)


def _shown(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
