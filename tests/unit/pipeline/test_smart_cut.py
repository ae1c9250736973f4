"""A smart cut covers a take exactly, whatever the source's key pictures and reordering; what it copies can be decoded."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderowl.pipeline.smart_cut import LEAST_COPIED_FRAMES, NotCopyable, PacketIndex, numbered, pieces
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


@pytest.mark.parametrize("packets", [[], [(5, True), (6, False)], [(0, True), (2, False)]])
def test_a_source_with_a_gap_is_not_copied(packets: Packets) -> None:
    with pytest.raises(NotCopyable, match="gap or ends"):
        pieces(packets, 3)


EARLY = Fraction(1, 5)
MP4 = "mov,mp4,m4a,3gp,3g2,mj2"


def index(*ticks: int, **facts: Any) -> PacketIndex:
    """A source told in ticks of 1/3000 s."""
    known: dict[str, Any] = {"container": MP4, "codec": "h264", "pix_fmt": "yuv420p", "square": True}
    known |= {"interlaced": False, "colors": (1, 1), "tick": (1, 3000), "origin": (0, 1)}
    return PacketIndex(**known | facts, packets=[(tick, False) for tick in ticks])


def numbers(source: PacketIndex, start: Fraction, rate: Rate, frames: int = 2) -> list[int]:
    return [number for number, _ in numbered(source, start, min(start, EARLY), frames, rate)]


def test_pictures_are_numbered_from_the_one_on_show_when_the_take_begins() -> None:
    assert numbers(index(0, 200, 100, 301), Fraction(1, 30), Rate(30)) == [-1, 1, 0, 2]
    assert numbers(index(100, 200, 300), Fraction(12, 300), Rate(30)) == [0, 1, 2], "the nearest is on show"


@pytest.mark.parametrize(
    ("start", "first"),
    [(Fraction(149, 3000), 1), (Fraction(150, 3000), 1), (Fraction(151, 3000), 2), (Fraction(3150, 3000), 31)],
)
def test_half_way_between_two_pictures_the_earlier_one_is_on_show(start: Fraction, first: int) -> None:
    assert numbers(index(*range(0, 6000, 100)), start, Rate(30)).index(0) == first


RATES = [Rate(24), Rate(24000, 1001), Rate(25), Rate(30), Rate(30000, 1001), Rate(50), Rate(60)]


@given(
    start=st.fractions(0, 40, max_denominator=100_000),
    rate=st.sampled_from(RATES),
    first=st.integers(0, 10_000),
    finer=st.sampled_from([1, 16, 512]),
)
def test_wherever_a_take_of_an_even_source_begins_its_pictures_are_decided(
    start: Fraction, rate: Rate, first: int, finer: int
) -> None:
    begin = max(0, int(start * rate.num / rate.den) - 8)
    ticks = [first + rate.den * finer * number for number in range(begin, begin + 24)]
    tick = Fraction(1, rate.num * finer)
    source = index(*ticks, tick=tick.as_integer_ratio(), origin=(first * tick).as_integer_ratio())
    found = numbers(source, start, rate, frames=8)
    assert found == list(range(found[0], found[0] + 24))
    off = (begin - found[0]) - start * rate.num / rate.den
    assert abs(off) <= Fraction(1, 2) + 2 * max(tick, Fraction(1, 1_000_000)) * rate.num / rate.den


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (index(0, 100, 240, 380), "not evenly 30 a second"),
        (index(0, 100, 100), "not evenly"),
        (index(50, 150, 250), "begin after the take"),
        (index(0, container="mpegts"), "pictures in mpegts are not exact"),
        (index(0, codec="hevc"), "the source is hevc yuv420p"),
        (index(0, interlaced=True), "interlaced"),
        (index(0, colors=(5, 1)), "colours"),
        (index(0, colors=(1, 2)), "colours"),
    ],
)
def test_a_source_whose_pictures_are_not_the_films_is_not_copied(source: PacketIndex, why: str) -> None:
    with pytest.raises(NotCopyable, match=why):
        numbers(source, Fraction(0), Rate(30), frames=3)


def test_times_rounded_to_both_sides_of_half_way_are_not_copied() -> None:
    milliseconds = index(0, 33, 67, 100, 133, 167, 200, 233, 267, 300, 333, tick=(1, 1000))
    assert numbers(milliseconds, Fraction(101, 1000), Rate(30), frames=6).index(0) == 3
    with pytest.raises(NotCopyable, match="repeat or leave out"):
        numbers(milliseconds, Fraction(117, 1000), Rate(30), frames=6)
