"""Mixing: as many streams as there are sounds at one moment, each sound where it belongs."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from renderowl.pipeline.graph import compile_graph, source
from renderowl.pipeline.mixing import Placed, mixed, overlap, rows_of

SOUND = source("anullsrc@silence")
PLACES = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), min_size=1, max_size=30)


@given(PLACES)
def test_sounds_take_no_more_rows_than_are_heard_at_once_and_none_covers_another(places: list[tuple[int, int]]) -> None:
    sounds = [Placed(SOUND, begin, length) for begin, length in places]
    rows = rows_of(sounds)
    assert sorted((one.begin, one.end) for row in rows for one in row) == sorted((s.begin, s.end) for s in sounds)
    assert all(before.end <= after.begin for row in rows for before, after in itertools.pairwise(row))
    most = max(sum(other.begin <= one.begin < other.end for other in sounds) for one in sounds)
    assert len(rows) == most
    assert overlap(sounds) == (most > 1)


def test_what_follows_one_another_is_joined_with_the_silence_between() -> None:
    voices = [Placed(source(f"anullsrc@{name}"), begin, 100) for name, begin in (("a", 0), ("b", 100), ("c", 250))]
    text = compile_graph(mixed(voices)).text
    assert "concat=a=1:n=3:v=0" in text
    assert text.count("adelay") == 1
    assert "adelay=50S" in text
    assert "amix" not in text
