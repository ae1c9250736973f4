"""A smart cut covers a take exactly, whatever the source's key pictures and reordering; what it copies can be decoded."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderowl.pipeline.smart_cut import LEAST_COPIED_FRAMES, NotCopyable, PacketIndex, numbered, pieces, unproved
from renderowl.pipeline.timeline import Rate

Packets = list[tuple[int, bool]]


@st.composite
def sources(draw: st.DrawFn) -> Packets:
    """Packets of closed GOPs of any length, their pictures reordered as by B-frames of any depth."""
    packets: Packets = []
    begin = draw(st.integers(-80, 0))
    for length in draw(st.lists(st.integers(1, 90), min_size=1, max_size=8)):
        packets.append((begin, True))
        number = begin + 1
        while number < begin + length:
            group = list(range(number, min(number + draw(st.integers(1, 5)), begin + length)))
            packets += [(one, False) for one in [group[-1], *draw(st.permutations(group[:-1]))]]
            number += len(group)
        begin += length
    return packets


@given(packets=sources(), frames=st.integers(1, 300))
def test_the_pieces_are_the_take_and_each_copy_needs_nothing_else(packets: Packets, frames: int) -> None:
    last = max(number for number, _ in packets)
    try:
        made = pieces(packets, frames)
    except NotCopyable:
        if frames <= last + 1 and packets[0][0] <= 0:
            first = next(
                (place for place, (number, is_idr) in enumerate(packets) if is_idr and 0 <= number < frames), None
            )
            assert first is None or frames - packets[first][0] < LEAST_COPIED_FRAMES + 5
        return
    shown = [number for piece in made for number in range(piece.start, piece.start + piece.frames)]
    assert shown == list(range(frames))
    (copy,) = [piece for piece in made if piece.kind == "copy"]
    copied = packets[copy.packet : copy.packet + copy.frames]
    assert copied[0] == (copy.start, True)
    assert sorted(number for number, _ in copied) == list(range(copy.start, copy.start + copy.frames))
    assert frames - copy.start - copy.frames < 5, "no more is encoded at the end than one group of B-frames"


@given(packets=sources(), frames=st.integers(15, 300))
def test_every_range_that_is_decoded_to_prove_the_joints_begins_with_a_key_picture(
    packets: Packets, frames: int
) -> None:
    try:
        made = pieces(packets, frames)
    except NotCopyable:
        return
    ranges = unproved(made, packets)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == frames
    at = 0
    for piece in made:
        joints = range(at, at + (piece.frames if piece.kind == "encode" else 1))
        assert all(any(first <= place < end for first, end in ranges) for place in joints)
        if piece.kind == "copy":
            keys = {at + place for place in range(piece.frames) if packets[piece.packet + place][1]}
            assert all(first in keys or first <= at for first, _ in ranges if first < at + piece.frames)
        at += piece.frames


@pytest.mark.parametrize("packets", [[], [(5, True), (6, False)], [(0, True), (2, False)]])
def test_a_source_with_a_gap_is_not_copied(packets: Packets) -> None:
    with pytest.raises(NotCopyable, match="gap or ends"):
        pieces(packets, 3)


def index(*ticks: int, **facts: Any) -> PacketIndex:
    """A source at 30 pictures a second, told in ticks of 1/3000 s."""
    known = {"codec": "h264", "pix_fmt": "yuv420p", "square": True, "interlaced": False, "colors": (1, 1)} | facts
    return PacketIndex(**known, tick=(1, 3000), origin=(0, 1), packets=[(tick, False) for tick in ticks])


def test_pictures_are_numbered_from_the_one_on_show_when_the_take_begins() -> None:
    assert numbered(index(0, 200, 100, 301), Fraction(1, 30), Rate(30)) == [
        (-1, False),
        (1, False),
        (0, False),
        (2, False),
    ]
    assert numbered(index(100, 200), Fraction(12, 300), Rate(30)) == [(0, False), (1, False)], "the nearest is on show"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (index(0, 100, 240, 300), "not evenly 30 a second"),
        (index(0, 100, 100), "not evenly"),
        (index(50, 150, 250), "half way between two pictures"),
        (index(0, codec="hevc"), "the source is hevc yuv420p"),
        (index(0, interlaced=True), "interlaced"),
        (index(0, colors=(5, 1)), "colours"),
        (index(0, colors=(1, 2)), "colours"),
    ],
)
def test_a_source_whose_pictures_are_not_the_films_is_not_copied(source: PacketIndex, why: str) -> None:
    with pytest.raises(NotCopyable, match=why):
        numbered(source, Fraction(0), Rate(30))
