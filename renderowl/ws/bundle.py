"""Sockets that are sent the same, looked at as little as can be.

Of a connection nothing is looked at but its socket's number, which lies beside those of the others: where rooms are many
and small, whatever else a frame looked at would be fetched from memory first (decision 11).

A number is somebody else's socket as soon as its own is closed: a link leaves its bundle before that.
"""

import os
from collections.abc import Sequence
from typing import Protocol

from renderowl.services import metrics


class Writable(Protocol):
    """A connection that frames can be written to."""

    number: int | None
    """The socket's file descriptor, while it may be written to past the transport."""
    bundle: "Bundle | None"

    def write(self, frames: Sequence[bytes]) -> None:
        """Send the frames, whether or not the peer takes them now. Does nothing once the connection ends."""
        ...

    def carry_on(self, rest: bytes) -> None:
        """Send what the socket itself has not taken."""
        ...


class Bundle:
    """Links that are sent the same frames, one after the other."""

    __slots__ = ("_links", "_numbers", "_others")

    def __init__(self) -> None:
        self._links: dict[int, Writable] = {}
        self._numbers: tuple[int, ...] | None = None
        self._others: set[Writable] = set()
        """Those that have no number."""

    def join(self, link: Writable) -> None:
        """Send to the link too; it takes what it is sent."""
        link.bundle = self
        if link.number is None:
            self._others.add(link)
        else:
            self._links[link.number] = link
            self._numbers = None

    def leave(self, link: Writable) -> None:
        """Send to the link no more."""
        link.bundle = None
        self._others.discard(link)
        if link.number is not None and self._links.pop(link.number, None) is not None:
            self._numbers = None

    def write(self, frames: Sequence[bytes]) -> None:
        """Send the frames to all. Whoever does not take them at once leaves, and takes the rest along."""
        data = b"".join(frames)
        size, write = len(data), os.write
        numbers = self._numbers
        if numbers is None:
            numbers = self._numbers = tuple(self._links)
        for number in numbers:
            try:
                sent = write(number, data)
            except OSError:
                sent = 0
            if sent < size:
                self._links[number].carry_on(data[sent:])
        metrics.HUB_FRAMES.count += len(frames) * len(numbers)
        for link in tuple(self._others):
            link.write(frames)


def send(number: int, data: bytes) -> int:
    """How many bytes of it the socket takes now."""
    try:
        return os.write(number, data)
    except OSError:  # the transport meets it too, and knows what to do
        return 0
