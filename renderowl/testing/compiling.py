"""Timelines of a few media that need not exist, and what is refused of clips."""

from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.timeline import Media, Timeline

V, S, P, A, T = "asset://video", "asset://silent", "asset://image", "asset://audio", "asset://captions"
U = "asset://unmeasured"
MEDIA = {
    V: Media(V, "video", "hv", 1280, 720, 10.0, 25.0, has_video=True, has_audio=True),
    S: Media(S, "video", "hs", 720, 1280, 4.0, 30.0, has_video=True),
    P: Media(P, "image", "hi", 800, 400),
    A: Media(A, "audio", "ha", duration_s=6.0, has_audio=True),
    U: Media(U, "audio", "hu", has_audio=True),
}
TEXTS = {T: "1\n00:00:01,000 --> 00:00:02,000\nHello there\n\n2\n00:00:03,000 --> 00:00:99,000\nBye\n"}


def made(composition_id: str, props: Any, output: Any = None, limits: Limits | None = None) -> Timeline:
    """The timeline of a composition over these media."""
    ask = compositions.parse(composition_id, props, output or {}, limits or Limits())
    return compositions.compile(ask, MEDIA, TEXTS)


def timeline(*clips: dict[str, Any], output: Any = None, **props: Any) -> Timeline:
    """That of one track of clips."""
    return made("timeline", {"tracks": [{"clips": list(clips)}], **props}, output)


def refused(*clips: dict[str, Any], output: Any = None, **props: Any) -> dict[str, str]:
    """What is said of clips that cannot be, by where it is said."""
    with pytest.raises(ValidationFailed) as caught:
        timeline(*clips, output=output, **props)
    return {error.path.replace("/input_props/tracks/0/clips/", ""): error.message for error in caught.value.errors}


def video(src: str = V, **fields: Any) -> dict[str, Any]:
    """A clip of a video."""
    return {"type": "video", "src": src, **fields}


def image(**fields: Any) -> dict[str, Any]:
    """A clip of a picture."""
    return {"type": "image", "src": P, **fields}


def color(**fields: Any) -> dict[str, Any]:
    """A clip of one colour."""
    return {"type": "color", "color": "#abc", **fields}
