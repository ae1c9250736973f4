"""Keys: the hash of everything that decides about a step's result, and of nothing else.

Names do not count: a source stands for its bytes, a clip's id and its place in the film for nothing.
"""

import hashlib

import msgspec

from renderowl.pipeline.encoding import Encoding
from renderowl.pipeline.timeline import (
    AudioClip,
    Canvas,
    CaptionContent,
    Clip,
    ImageContent,
    Media,
    Rate,
    TextContent,
    TextStyle,
    VideoContent,
)


def segment_key(
    canvas: Canvas,
    clips: tuple[Clip, ...],
    media: dict[str, Media],
    encoding: Encoding,
    fingerprint: str,
    *,
    copies: bool = False,
) -> str:
    """Return the key of a segment whose clips are told relative to its start."""
    shown = [msgspec.structs.replace(clip, id="", content=_by_bytes(clip.content, media)) for clip in clips]
    codec = (encoding.video_codec, encoding.crf, encoding.preset, encoding.gop_frames)
    return _hash("take" if copies else "segment", canvas, shown, codec, fingerprint)


def audio_key(
    rate: Rate, frames: int, clips: tuple[AudioClip, ...], media: dict[str, Media], encoding: Encoding, fingerprint: str
) -> str:
    """Return the key of the sound track."""
    heard = [msgspec.structs.replace(clip, id="", src=media[clip.src].content_hash) for clip in clips]
    bitrate = "" if encoding.audio_codec == "pcm" else encoding.audio_bitrate
    return _hash("audio", rate, frames, heard, encoding.audio_codec, bitrate, encoding.loudness, fingerprint)


def _by_bytes(content: object, media: dict[str, Media]) -> object:
    if isinstance(content, VideoContent | ImageContent):
        return msgspec.structs.replace(content, src=media[content.src].content_hash)
    if isinstance(content, TextContent):
        return msgspec.structs.replace(content, style=_style_by_bytes(content.style))
    if isinstance(content, CaptionContent):
        look = msgspec.structs.replace(content.style, text=_style_by_bytes(content.style.text))
        return msgspec.structs.replace(content, style=look)
    return content


def _style_by_bytes(style: TextStyle) -> TextStyle:
    if style.face is None:
        return style
    return msgspec.structs.replace(style, font_family="", face=msgspec.structs.replace(style.face, src=""))


def _hash(*parts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()
