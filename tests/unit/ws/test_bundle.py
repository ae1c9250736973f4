"""Sockets that are sent the same: each gets every byte once and in order, and none is written to that has left."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from renderowl.services import metrics
from renderowl.ws.bundle import Bundle

FRAMES = [b"one,", b"two,"]


class Link:
    """A connection over a real socket, whose `rest` is what the socket did not take."""

    bundle: Bundle | None = None

    def __init__(self, near: socket.socket, far: socket.socket, *, numbered: bool = True) -> None:
        self.near, self.far = near, far
        self.near.setblocking(False)
        self.far.setblocking(False)
        self.number = near.fileno() if numbered else None
        self.rest = b""

    def write(self, frames: Sequence[bytes]) -> None:
        self.near.sendall(b"".join(frames))

    def carry_on(self, rest: bytes) -> None:
        assert self.bundle is not None
        self.bundle.leave(self)
        self.rest += rest

    def got(self) -> bytes:
        got = b""
        try:
            while data := self.far.recv(1 << 20):
                got += data
        except BlockingIOError:
            pass
        return got


@pytest.fixture
def links() -> Iterator[list[Link]]:
    with ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(3)]
        for pair in pairs:
            for end in pair:
                stack.enter_context(end)
        yield [Link(*pair) for pair in pairs]


def bundle_of(links: Sequence[Link]) -> Bundle:
    bundle = Bundle()
    for link in links:
        bundle.join(link)
    return bundle


def test_all_are_sent_all_frames_in_order_and_each_is_counted(links: list[Link]) -> None:
    links[1].number = None
    bundle = bundle_of(links)
    before = metrics.HUB_FRAMES.count
    bundle.write(FRAMES)
    bundle.write([b"three"])
    assert [link.got() for link in links] == [b"one,two,three"] * 3
    assert metrics.HUB_FRAMES.count - before == 6, "who has no number counts its frames itself"


def test_whoever_leaves_is_sent_nothing_even_if_somebody_else_has_its_number_now(links: list[Link]) -> None:
    stays, leaves, other = links
    bundle = bundle_of([stays, leaves])
    bundle.write([b"before,"])
    number = leaves.near.fileno()
    bundle.leave(leaves)
    leaves.near.close()
    with socket.socket(fileno=socket.dup(other.near.fileno())) as taken:
        assert taken.fileno() == number, "the system gives the lowest number that is free"
        bundle.write([b"after"])
        assert other.got() == b""
    assert (stays.got(), leaves.got()) == (b"before,after", b"before,")


def test_whoever_is_full_leaves_with_the_rest_and_the_others_go_on(links: list[Link]) -> None:
    full, gone, other = links
    full.near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the least that the system gives
    gone.far.close()
    bundle = bundle_of(links)
    long = bytes(range(256)) * 200
    bundle.write([long])
    bundle.write(FRAMES)
    took = full.got()
    assert 0 < len(took) < len(long)
    assert took + full.rest == long, "what follows would overtake the rest"
    assert gone.rest == long, "its transport is to meet the error"
    assert other.got() == long + b"".join(FRAMES)


def test_leaving_twice_is_leaving_once(links: list[Link]) -> None:
    bundle = bundle_of(links)
    for _ in range(2):
        bundle.leave(links[0])
    bundle.write(FRAMES)
    assert [link.got() for link in links] == [b"", b"one,two,", b"one,two,"]
