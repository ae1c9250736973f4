"""Who is in a room, over all API processes, without I/O.

Each process says who is connected to it and repeats that now and then; who is not heard of any more is gone. What
members are told is bounded: a hundred by name, the others by number, and never more often than the hub asks for news.
"""

import heapq
from typing import Final

import msgspec

from renderowl.ws.frames import PresenceNews, Watcher

SHOWN: Final = 100
STALE_S: Final = 60.0
"""A process that has not repeated its roster for so long is gone, and its members with it."""


class Roster(msgspec.Struct, frozen=True):
    """Who is connected to one API process; `at` is that process's clock, in Unix seconds."""

    process: str
    at: float
    count: int
    members: list[Watcher]


class Presence:
    """The rosters of one room."""

    def __init__(self) -> None:
        self.changed = False
        """Whether somebody here came or went since the roster was last asked for."""
        self.asked = False
        """Whether somebody wants to hear of it."""
        self.followed = False
        """Whether the other processes' rosters have been read."""
        self._here: dict[str, Watcher] = {}
        self._elsewhere: dict[str, Roster] = {}
        self._told: dict[str, Watcher] = {}
        self._told_count = 0

    @property
    def here(self) -> bool:
        """True when somebody is connected here."""
        return bool(self._here)

    def arrive(self, watcher: Watcher) -> None:
        """Somebody is connected here."""
        self._here[watcher.connection] = watcher
        self.changed = True

    def leave(self, connection: str) -> None:
        """Somebody no longer is."""
        if self._here.pop(connection, None) is not None:
            self.changed = True

    def roster(self, process: str, at: float) -> Roster:
        """Who is here, to be said to the other processes."""
        self.changed = False
        return Roster(process, at, len(self._here), _first(self._here))

    def hear(self, roster: Roster, now: float) -> None:
        """Another process's roster; an older one than is known changes nothing. `now` in Unix seconds."""
        self._forget_gone(now)  # though nobody here ever asks: processes come and go, the room may stay for months
        known = self._elsewhere.get(roster.process)
        if known is None or known.at <= roster.at:
            self._elsewhere[roster.process] = roster

    def members(self, now: float) -> tuple[int, list[Watcher]]:
        """How many there are, and the first hundred of them by connection; `now` in Unix seconds."""
        self._forget_gone(now)
        known = {watcher.connection: watcher for one in self._elsewhere.values() for watcher in one.members}
        count = len(self._here) + sum(one.count for one in self._elsewhere.values())
        return count, _first(known | self._here)

    def _forget_gone(self, now: float) -> None:
        self._elsewhere = {one.process: one for one in self._elsewhere.values() if now - one.at < STALE_S}

    def news(self, now: float) -> PresenceNews | None:
        """What has changed since the news before; None if nothing has."""
        count, members = self.members(now)
        told, self._told = self._told, {watcher.connection: watcher for watcher in members}
        if told == self._told and count == self._told_count:
            return None
        self._told_count = count
        joined = [watcher for watcher in members if watcher.connection not in told]
        left = [watcher for watcher in told.values() if watcher.connection not in self._told]
        return PresenceNews(count, members, joined, left)


def _first(watchers: dict[str, Watcher]) -> list[Watcher]:
    return [watchers[connection] for connection in heapq.nsmallest(SHOWN, watchers)]
