"""What media files hold, found out by a process of its own with limits: untrusted bytes are never opened in ours."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec

from renderowl.domain.errors import MediaTooLarge, MediaTypeMismatch, MediaUnreadable, RenderOwlError
from renderowl.pipeline.description import Asked, Description, FormatFacts, StreamFacts, describe
from renderowl.pipeline.magic import SNIFF_BYTES, refused, sniff
from renderowl.pipeline.timeline import Media, MediaKind
from renderowl.pipeline.tools import Toolchain

_STILLS: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/bmp", "image/tiff", "image/gif"})
_UNREADABLE: Final = frozenset({"image/avif", "image/heic"})
_NUT: Final = "video/x-nut"
_AT_ONCE: Final = 100
"""Files that one reader is given; it has no more time for all of them than for one."""
_ALPHA_DECODERS: Final = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Where alpha lies in a second stream of its own, which FFmpeg's own decoders do not see."""
Transfer = Literal["", "pq", "hlg"]
_TRANSFERS: Final[dict[str, Transfer]] = {"smpte2084": "pq", "arib-std-b67": "hlg"}
_ALPHA: Final = ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8")
_SAME: Final[tuple[frozenset[str], ...]] = (
    frozenset({"video/mp4", "video/quicktime", "audio/mp4", "audio/x-m4a", "video/x-m4v"}),
    frozenset({"video/webm", "video/x-matroska", "audio/webm", "audio/x-matroska", "video/matroska"}),
    frozenset({"audio/mpeg", "audio/mp3"}),
    frozenset({"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"}),
    frozenset({"audio/aac", "audio/x-aac", "audio/aacp"}),
    frozenset({"audio/ogg", "video/ogg", "application/ogg", "audio/opus"}),
    frozenset({"audio/flac", "audio/x-flac"}),
    frozenset({"image/jpeg", "image/jpg"}),
    frozenset({"video/x-msvideo", "video/avi"}),
)
"""Names for the same thing: a claim of one is kept by finding another."""


class ProbeLimits(msgspec.Struct, frozen=True):
    """What a file may be, and what reading it may cost."""

    max_pixels: int = 40_000_000
    max_duration_s: float = 12 * 3600.0
    max_streams: int = 32
    timeout_s: float = 30.0
    memory_bytes: int = 2 * 1024**3


class AudioTrack(msgspec.Struct, frozen=True):
    codec: str
    sample_rate: int
    channels: int


class Probed(msgspec.Struct, frozen=True):
    """A media file's facts; `width` and `height` are as seen, after rotation (degrees clockwise)."""

    content_type: str
    kind: MediaKind
    width: int = 0
    height: int = 0
    duration_s: float = 0.0
    fps: float = 0.0
    rotation: int = 0
    is_stretched: bool = False
    transfer: Transfer = ""
    codec: str = ""
    pix_fmt: str = ""
    has_alpha: bool = False
    has_video: bool = False
    audio: AudioTrack | None = None
    frames: int | None = None
    """Counted when asked for, else what the container says, if it does."""
    extradata_hash: str = ""

    @property
    def has_audio(self) -> bool:
        return self.audio is not None

    @property
    def metadata(self) -> dict[str, object]:
        """What the API tells of an asset."""
        return {
            "duration_s": round(self.duration_s, 6),
            "width": self.width,
            "height": self.height,
            "fps": round(self.fps, 3),
            "codec": self.codec,
            "audio": msgspec.to_builtins(self.audio),
        }

    def media(self, src: str, content_hash: str) -> Media:
        """Return the file as the timeline knows it."""
        return Media(
            src=src,
            content_hash=content_hash,
            decoder=_ALPHA_DECODERS.get(self.codec, "") if self.has_alpha else "",
            has_audio=self.has_audio,
            channels=self.audio.channels if self.audio else 0,
            **{name: getattr(self, name) for name in Media.__struct_fields__ if name in self.__struct_fields__},
        )


async def probe(
    path: Path,
    tools: Toolchain,
    *,
    limits: ProbeLimits | None = None,
    claimed: str | None = None,
    ours: bool = False,
) -> Probed:
    """Return a file's facts.

    `ours` is for what a step has made: NUT is allowed, frames are counted one by one and the extradata is hashed.
    Raises MediaTypeMismatch when it is a playlist, a drawing or not what `claimed` says, MediaTooLarge when it exceeds the
    limits, MediaUnreadable for the rest: unknown, truncated, without any picture or sound.
    """
    (found,) = await _look([path], tools, limits or ProbeLimits(), claimed, ours=ours)
    if isinstance(found, RenderOwlError):
        raise found
    return found


async def probe_all(paths: Sequence[Path], tools: Toolchain) -> list[Probed | RenderOwlError]:
    """Return the facts of many files, or what `probe` would raise; cheaper than one by one, which mostly is starting."""
    found: list[Probed | RenderOwlError] = []
    for start in range(0, len(paths), _AT_ONCE):
        found += await _look(paths[start : start + _AT_ONCE], tools, ProbeLimits(), None, ours=False)
    return found


async def _look(
    paths: Sequence[Path], tools: Toolchain, limits: ProbeLimits, claimed: str | None, *, ours: bool
) -> list[Probed | RenderOwlError]:
    found: list[Probed | RenderOwlError | None] = [None] * len(paths)
    asked: list[Asked] = []
    for number, path in enumerate(paths):
        try:
            content_type = await asyncio.to_thread(_recognise, path, claimed, ours)
        except RenderOwlError as error:
            found[number] = error
        else:
            still = content_type in _STILLS
            absolute = await asyncio.to_thread(path.absolute)
            asked.append(Asked(number, absolute, content_type, "still" if still else "count" if ours else ""))
    described = await describe(asked, tools, timeout_s=limits.timeout_s, memory_bytes=limits.memory_bytes)
    for one, description in zip(asked, described, strict=True):
        try:
            found[one.number] = _judge(description, one, limits)
        except RenderOwlError as error:
            found[one.number] = error
    return [one for one in found if one is not None]


def recognised(path: Path) -> str:
    """Return the content type of a file by its bytes; raises MediaTypeMismatch for playlists, drawings and scripts."""
    try:
        with path.open("rb") as file:
            head = file.read(SNIFF_BYTES)
    except OSError as error:
        raise MediaUnreadable(f"the file cannot be opened: {error.strerror}") from error
    if not head:
        raise MediaUnreadable("the file is empty")
    if head.startswith(b"nut/multimedia container\x00"):
        return _NUT
    if name := refused(head):
        raise MediaTypeMismatch(f"the file is {name}, not media")
    content_type = sniff(head)
    if content_type is None:
        raise MediaUnreadable("the file is of no known media type")
    return content_type


def _recognise(path: Path, claimed: str | None, ours: bool) -> str:
    content_type = recognised(path)
    if content_type == _NUT and not ours:
        raise MediaUnreadable("NUT files are not read")
    if content_type.startswith(("text/", "application/", "font/")) or content_type in _UNREADABLE:
        raise MediaUnreadable(f"{content_type} is neither a picture, a video nor a sound this installation reads")
    same = claimed in (None, "", "application/octet-stream", content_type)
    if not same and not any({claimed, content_type} <= names for names in _SAME):
        raise MediaTypeMismatch(f"the file claims to be {claimed} and is {content_type}")
    return content_type


def _judge(found: Description | MediaUnreadable, one: Asked, limits: ProbeLimits) -> Probed:
    if isinstance(found, MediaUnreadable):
        raise found
    content_type, still, counted = one.content_type, one.mode == "still", one.mode == "count"
    if len(found.streams) > limits.max_streams:
        raise MediaTooLarge(f"the file has {len(found.streams)} streams, at most {limits.max_streams} are allowed")
    video = next((s for s in found.streams if s.codec_type == "video" and not s.disposition.attached_pic), None)
    audio = next((s for s in found.streams if s.codec_type == "audio"), None)
    if video is None and audio is None:
        raise MediaUnreadable("the file has neither pictures nor sound")
    if video is not None and video.width * video.height > limits.max_pixels:
        raise MediaTooLarge(f"a picture of {video.width}x{video.height} is larger than {limits.max_pixels} pixels")
    if video is not None and not video.width * video.height:
        raise MediaUnreadable("the size of the pictures cannot be found out")
    duration_s = _seconds((video or audio), found.format)
    if duration_s > limits.max_duration_s:
        raise MediaTooLarge(f"{duration_s:.0f} s is longer than {limits.max_duration_s:.0f} s")
    track = AudioTrack(audio.codec_name or "", int(audio.sample_rate), audio.channels) if audio else None
    if video is None:
        assert audio is not None
        return Probed(content_type, "audio", duration_s=duration_s, codec=audio.codec_name or "", audio=track)
    rotation = -round(sum(data.rotation for data in video.side_data_list)) % 360
    turned = rotation in (90, 270)
    seen_width = video.width if still else _seen_width(video)
    frames = video.nb_read_packets if counted and video.nb_read_packets else video.nb_frames
    return Probed(
        content_type=content_type,
        kind="image" if still else "video",
        width=video.height if turned else seen_width,
        height=seen_width if turned else video.height,
        duration_s=0.0 if still else duration_s,
        fps=0.0 if still else _ratio(video.avg_frame_rate),
        rotation=rotation,
        is_stretched=seen_width != video.width,
        transfer=_TRANSFERS.get(video.color_transfer, ""),
        codec=video.codec_name or "",
        pix_fmt=video.pix_fmt or "",
        has_alpha=(video.pix_fmt or "").startswith(_ALPHA) or video.tags.get("alpha_mode") == "1",
        has_video=not still,
        audio=track,
        frames=int(frames) if frames else None,
        extradata_hash=video.extradata_hash,
    )


def _seen_width(video: StreamFacts) -> int:
    """The width on a screen with square pixels; shapes that no camera makes are taken for a mistake."""
    top, _, bottom = video.sample_aspect_ratio.partition(":")
    wide, high = (int(part) if part.isdecimal() else 0 for part in (top, bottom or "1"))
    if not wide or not high or not 1 / 4 <= wide / high <= 4:
        return video.width
    return max(2, round(video.width * wide / high))


def _seconds(stream: StreamFacts | None, form: FormatFacts) -> float:
    for text in (stream.duration if stream else None, form.duration):
        with suppress(TypeError, ValueError):
            return max(0.0, float(text or ""))
    return 0.0


def _ratio(text: str) -> float:
    top, _, bottom = text.partition("/")
    return float(top) / float(bottom) if float(bottom or 1) else 0.0
