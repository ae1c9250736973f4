"""What a fake renderer does with a render, as a list of acts. Pure."""

from typing import Any

import msgspec


class Percent(msgspec.Struct, frozen=True):
    """Report the render to be so far, 0 to 100. The room keeps at most a few such words a second of each render."""

    percent: float
    stage: str = "encoding"


class Wait(msgspec.Struct, frozen=True):
    """Wait so many seconds of the fixture `renderowl_clock`, which stands still until the test turns it."""

    seconds: float


class Fail(msgspec.Struct, frozen=True):
    """End this try of the step with an error of docs/errors.md; a try that the service allows goes on with the next act."""

    code: str = "encoder_failed"
    detail: str = ""


class Film(msgspec.Struct, frozen=True):
    """Complete the render with this file. Without it, the file is a second of blue."""

    data: bytes
    name: str = "film.mp4"
    content_type: str = "video/mp4"
    facts: dict[str, Any] = {}
    """What the output says of itself besides: `width`, `height`, `duration_s`, `fps`, `frames`."""


Act = Percent | Wait | Fail | Film
