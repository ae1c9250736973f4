"""`clip://<id>` stands for the source of the clip with that id."""

from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions

TALK = {"type": "video", "id": "talk", "src": "asset://ast_talk", "duration": 2}


def sources(*clips: dict[str, Any]) -> dict[str, list[str]]:
    props = {"tracks": [{"clips": [clip]} for clip in clips]}
    return compositions.sources(compositions.parse("timeline", props, {}, Limits()))


def test_it_is_the_same_source_whether_the_clip_comes_before_or_after() -> None:
    again = {"type": "audio", "src": "clip://talk"}
    for clips in ((TALK, again), (again, TALK)):
        found = sources(*clips)
        assert found == {"asset://ast_talk": ["/input_props/tracks/0/clips/0/src", "/input_props/tracks/1/clips/0/src"]}


@pytest.mark.parametrize(
    ("clips", "told"),
    [
        ([TALK, {"type": "audio", "src": "clip://tall"}], 'no clip has the id "tall"; did you mean "talk"?'),
        (
            [{"type": "text", "id": "title", "text": "x"}, {"type": "image", "src": "clip://title"}],
            'the clip "title" has no source',
        ),
        (
            [TALK, TALK | {"src": "asset://ast_other"}, {"type": "audio", "src": "clip://talk"}],
            'several clips with different sources have the id "talk"',
        ),
        (
            [{"type": "video", "id": "a", "src": "clip://a"}],
            'the clip "a" names another clip itself',
        ),
    ],
)
def test_what_stands_for_nothing_is_refused_once_and_named(clips: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        sources(*clips)
    (error,) = refused.value.errors
    assert error.message == told
    assert error.path.endswith(f"/tracks/{len(clips) - 1}/clips/0/src")


def test_other_compositions_have_no_clips_to_name() -> None:
    with pytest.raises(ValidationFailed, match="asset://"):
        compositions.parse("captioned_video", {"src": "clip://talk", "captions": []}, {}, Limits())
