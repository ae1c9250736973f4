"""What FFmpeg says of its progress, line by line (`-progress pipe:2`).

Facts: `out_time_ms` is microseconds, as is `out_time_us`; values are `N/A` before the first packet; an audio-only run
prints no `frame`; 5.1 keeps `out_time` at 0 until the encoder's lookahead is full. A last report short of the end is
usual: only exit code 0 and the counted frames mean that a step is complete.
"""

from typing import Final

import msgspec

_KEYS: Final = frozenset(
    {"frame", "fps", "bitrate", "total_size", "out_time_us", "out_time_ms", "out_time", "dup_frames", "drop_frames"}
    | {"speed", "progress"}
)


class FfmpegProgress(msgspec.Struct, frozen=True):
    """One report: frames and time written so far; what FFmpeg does not say is 0."""

    frame: int = 0
    fps: float = 0.0
    out_time_s: float = 0.0
    total_size: int = 0
    speed: float = 0.0
    ended: bool = False

    def is_ahead_of(self, other: "FfmpegProgress") -> bool:
        """True when any count has grown: a hang is the absence of this, not silence."""
        return (
            self.frame > other.frame or self.out_time_s > other.out_time_s or self.total_size > other.total_size
        ) or (self.ended and not other.ended)


class ProgressParser:
    """Takes stderr line by line; `feed` returns a report when one is complete."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def feed(self, line: str) -> FfmpegProgress | None:
        """Take a line; `takes` tells whether it belongs to a report at all."""
        key, _, value = line.strip().partition("=")
        self._values[key] = value.strip()
        if key != "progress":
            return None
        values, self._values = self._values, {}
        return FfmpegProgress(
            frame=max(0, int(_number(values.get("frame", "")))),
            fps=_number(values.get("fps", "")),
            out_time_s=max(0.0, _number(values.get("out_time_us") or values.get("out_time_ms", "")) / 1_000_000),
            total_size=max(0, int(_number(values.get("total_size", "")))),
            speed=_number(values.get("speed", "").removesuffix("x")),
            ended=value == "end",
        )

    @staticmethod
    def takes(line: str) -> bool:
        """True when the line is part of a report rather than a message."""
        key, separator, _ = line.strip().partition("=")
        return bool(separator) and (key in _KEYS or (key.startswith("stream_") and key.endswith("_q")))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
