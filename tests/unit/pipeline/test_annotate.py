"""The clips of a video are cut out with what was noted about them."""

import itertools
from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.glyphs import require_glyphs
from renderowl.pipeline.timeline import Chapter, Media, Seconds, TextContent, Timeline, VideoContent

MATCH = "asset://match"
MEDIA = {MATCH: Media(MATCH, "video", "hm", 1280, 720, 90.0, 25.0, has_video=True, has_audio=True)}


def made(*clips: dict[str, Any], **output: Any) -> Timeline:
    ask = compositions.parse("annotate", {"input_key": MATCH, "params": {"clips": list(clips)}}, output, Limits())
    return compositions.compile(ask, MEDIA)


def refused(*clips: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        made(*clips)
    return {error.path.removeprefix("/input_props/params/clips"): error.message for error in caught.value.errors}


def part(start: float, end: float, **more: Any) -> dict[str, Any]:
    return {"start_time": start, "end_time": end, **more}


def texts(timeline: Timeline) -> list[tuple[str, int, int]]:
    return [(c.content.text, c.start, c.frames) for c in timeline.clips if isinstance(c.content, TextContent)]


def test_clips_are_cut_out_in_order_with_their_sound() -> None:
    timeline = made(part(60, 62), part(10, 11))
    seen = [(c.start, c.frames, c.content.start) for c in timeline.clips if isinstance(c.content, VideoContent)]
    assert seen == [(0, 50, Seconds(60)), (50, 25, Seconds(10))]
    assert [(a.start, a.frames, a.source_start) for a in timeline.audio] == seen
    assert timeline.canvas.frames == 75


def test_rating_tags_and_notes_are_written_while_their_clip_is_seen() -> None:
    timeline = made(part(0, 1, rating=4, tags=["goal", "left foot"], notes="What a run!"), part(5, 6))
    assert texts(timeline) == [
        ("★★★★☆", 0, 25),
        ("#goal #left foot", 0, 25),
        ("What a run!", 0, 25),
        ("★★★☆☆", 25, 25),
    ]
    require_glyphs(timeline)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (128, 72), (320, 640)])
def test_texts_lie_within_the_picture_and_not_over_each_other(width: int, height: int) -> None:
    timeline = made(part(0, 1, tags=["a", "b"], notes="short"), width=width, height=height)
    boxes = [c.box for c in timeline.clips if isinstance(c.content, TextContent)]
    edges = [(box.center_y - box.height / 2, box.center_y + box.height / 2) for box in boxes]
    assert all(-1 <= top < bottom <= height + 1 for top, bottom in edges)
    assert all(before[1] <= after[0] + 1 for before, after in itertools.pairwise(edges))
    assert all(box.center_x - box.width / 2 >= 0 and box.center_x + box.width / 2 <= width for box in boxes)


def test_each_clip_is_a_chapter_named_by_what_is_known() -> None:
    timeline = made(part(0, 1, notes="one\ntwo", tags=["x"]), part(1, 2, tags=["y", "z"]), part(2, 3))
    assert timeline.chapters == (Chapter(0, 25, "one two"), Chapter(25, 25, "y, z"), Chapter(50, 25, "Clip 3"))


def test_all_problems_are_told_at_once() -> None:
    assert refused(part(5, 5, rating=3), part(1, 2, rating=6, tags=[""], note="x"), {"start_time": 1}) == {
        "/0/end_time": "must be later than start_time",
        "/1/rating": "must be at most 5",
        "/1/tags/0": "must not be empty",
        "/1/note": 'unknown field; did you mean "notes"?',
        "/2/end_time": "is required",
    }
    assert refused(part(90, 95), part(80, 95)) == {
        "/0/start_time": "is beyond the source's end at 90 s",
        "/1/end_time": "is beyond the source's end at 90 s",
    }
