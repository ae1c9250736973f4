"""Reading server-sent events."""

from hypothesis import given
from hypothesis import strategies as st

from renderowl.client.sse import EventParser, ServerSent

STREAM = '\ufeff: the room\n\nid: e.1\ndata: {"é":1}\n\ndata: a\r\ndata: b\r\rdata\n\nevent: x\n\nid: e.2\ndata:c\n\n'
EVENTS = [
    ServerSent('{"é":1}', "e.1"),
    ServerSent("a\nb", None),
    ServerSent("", None),
    ServerSent("c", "e.2"),
]  # fmt: skip


@given(st.lists(st.integers(1, 9), max_size=200))
def test_events_are_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    parser, data, events = EventParser(), STREAM.encode(), []
    for size in [*cuts, len(data)]:
        events += parser.feed(data[:size])
        data = data[size:]
    assert events == EVENTS


def test_what_is_not_finished_is_not_told() -> None:
    assert list(EventParser().feed(b"data: half\n")) == []
