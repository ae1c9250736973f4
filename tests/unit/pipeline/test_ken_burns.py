"""Ken Burns moves within the picture, over the whole clip, however it is cut or repeated."""

from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.timeline import Box, Clip, Media, ViewKey

MEDIA = {
    "asset://i": Media("asset://i", "image", "hi", 1600, 1600),
    "asset://v": Media("asset://v", "video", "hv", 640, 360, 2.0, 30.0, has_video=True),
}


def clips(**fields: Any) -> tuple[Clip, ...]:
    clip = {"type": "image", "src": "asset://i", "duration": 2, **fields}
    props = {"width": 1600, "height": 800, "fps": 30, "tracks": [{"clips": [clip]}]}
    return compositions.compile(compositions.parse("timeline", props, {}, Limits()), MEDIA).clips


def view(**fields: Any) -> tuple[ViewKey, ...]:
    (clip,) = clips(**fields)
    found: tuple[ViewKey, ...] = clip.content.view  # type: ignore[union-attr]  # a picture
    return found


WHOLE, CLOSE = (0, 400, 1600, 800), (160, 480, 1280, 640)


@pytest.mark.parametrize(
    ("direction", "first", "last"),
    [
        ("in", WHOLE, CLOSE),
        ("out", CLOSE, WHOLE),
        ("left", (320, 480, 1280, 640), (0, 480, 1280, 640)),
        ("right", (0, 480, 1280, 640), (320, 480, 1280, 640)),
        ("up", (160, 560, 1280, 640), (160, 400, 1280, 640)),
        ("down", (160, 400, 1280, 640), (160, 560, 1280, 640)),
    ],
)
def test_it_moves_from_the_first_frame_to_the_last(direction: str, first: Any, last: Any) -> None:
    assert view(kenBurns={"direction": direction, "amount": 0.25}) == (ViewKey(0, *first), ViewKey(59, *last))


def test_a_contained_picture_moves_within_its_own_frame() -> None:
    (clip,) = clips(fit="contain", ken_burns={"amount": 1})
    assert clip.box == Box(800, 400, 800, 800)
    assert view(fit="contain", ken_burns={"amount": 1})[1] == ViewKey(59, 400, 400, 800, 800)


def test_a_loop_goes_on_moving() -> None:
    pieces = clips(type="video", src="asset://v", loop=True, duration=5, ken_burns={})
    frames = [[key.frame for key in piece.content.view] for piece in pieces]  # type: ignore[union-attr]  # a video
    assert frames == [[0, 149], [-60, 89], [-120, 29]]


def test_a_fit_that_cannot_move_is_refused() -> None:
    with pytest.raises(ValidationFailed) as caught:
        clips(fit="blur", ken_burns={"direction": "in"})
    assert [(error.path, error.message) for error in caught.value.errors] == [
        ("/input_props/tracks/0/clips/0/ken_burns", "needs fit cover, contain or fill, not blur")
    ]
