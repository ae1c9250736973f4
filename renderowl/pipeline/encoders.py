"""Encoder settings: each codec's arguments, pinned so that all segments of a film have the very same extradata."""

from typing import Final

from renderowl.pipeline.clock import fraction_of
from renderowl.pipeline.hardware import hardware_arguments, is_hardware
from renderowl.pipeline.plan import Encoding
from renderowl.pipeline.timeline import Canvas
from renderowl.pipeline.tools import Toolchain

_SPEEDS: Final = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_VP9_CPU_USED: Final = dict(zip(_SPEEDS, (8, 8, 6, 5, 5, 4, 2, 1, 0), strict=True))
_AV1_PRESET: Final = dict(zip(_SPEEDS, (12, 11, 10, 9, 8, 7, 5, 4, 3), strict=True))
_LEVELS: Final = (
    ("3.1", 3_600, 108_000),
    ("4.0", 8_192, 245_760),
    ("4.2", 8_704, 522_240),
    ("5.1", 36_864, 983_040),
    ("5.2", 36_864, 2_073_600),
    ("6.2", 139_264, 16_711_680),
)
"""H.264 levels: name, macroblocks a frame, macroblocks a second."""

_SEARCHING: Final = _SPEEDS[_SPEEDS.index("fast") :]
_SEARCHLESS: Final = ("-x264-params", "subme=2:me=dia:trellis=0:b-adapt=0:chroma-qp-offset=-2")
"""Less than half of the time where nothing moves. The offset is what these presets' psychovisual search sets by itself:
without it the stream had other parameters than its neighbours.
"""

COLOR_TAGS: Final = (
    *("-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
)


def h264_level(canvas: Canvas) -> str:
    """Return the lowest of our levels that allows this canvas; it depends on nothing else, so all segments agree."""
    blocks = -(-canvas.width // 16) * -(-canvas.height // 16)
    rate = blocks * float(fraction_of(canvas.rate))
    return next((name for name, frame, second in _LEVELS if blocks <= frame and rate <= second), _LEVELS[-1][0])


def video_arguments(encoding: Encoding, canvas: Canvas, tools: Toolchain, *, still: bool = False) -> tuple[str, ...]:
    """Return the arguments that encode a segment; raises CodecUnsupported when FFmpeg lacks the encoder.

    One that stands `still` has half as many key pictures, and x264 looks for no motion in it. Not so of HEVC: x265 writes
    what it was asked into the extradata, and segments that differ there cannot be joined.
    """
    gop, crf, preset = str(encoding.gop_frames * (1 + still)), str(encoding.crf), encoding.preset
    fixed_gop = encoding.gop_frames
    if is_hardware(tools, encoding.video_codec):
        tools.require_encoder(f"{encoding.video_codec}_{tools.hardware}")
        return hardware_arguments(tools.hardware, encoding.video_codec, encoding.crf, fixed_gop) + COLOR_TAGS
    match encoding.video_codec:
        case "gif" | "none":  # made from the joined film, which therefore must lose nothing
            return ("-c:v", tools.require_encoder("ffv1"), "-level", "3", "-g", "1", *COLOR_TAGS)
        case "hevc":
            return (
                *("-c:v", tools.require_encoder("libx265"), "-preset", preset, "-crf", crf),
                *(
                    "-x265-params",
                    f"log-level=error:pools=1:frame-threads=1:keyint={fixed_gop}:min-keyint=1:open-gop=0",
                ),
                *("-pix_fmt", "yuv420p", *COLOR_TAGS),
            )
        case "vp9":
            return (
                *("-c:v", tools.require_encoder("libvpx-vp9"), "-crf", crf, "-b:v", "0", "-deadline", "good"),
                *("-cpu-used", str(_VP9_CPU_USED.get(preset, 4)), "-row-mt", "0", "-auto-alt-ref", "1"),
                *("-g", gop, "-pix_fmt", "yuv420p", *COLOR_TAGS),
            )
        case "av1":
            return (
                *("-c:v", tools.require_encoder("libsvtav1"), "-preset", str(_AV1_PRESET.get(preset, 7)), "-crf", crf),
                *("-svtav1-params", "lp=1", "-g", gop, "-pix_fmt", "yuv420p", *COLOR_TAGS),
            )
        case _:
            return (
                *("-c:v", tools.require_encoder("libx264"), "-preset", preset, "-crf", crf),
                *("-profile:v", "high", "-level:v", h264_level(canvas), "-g", gop, "-flags", "+cgop"),
                *(_SEARCHLESS if still and preset in _SEARCHING else ()),
                *("-pix_fmt", "yuv420p", *COLOR_TAGS),
            )


_EDGE_PRESET: Final = "veryfast"


def edge_arguments(encoding: Encoding, canvas: Canvas, tools: Toolchain, delay: int) -> tuple[str, ...]:
    """Return the arguments that encode pictures next to copied ones: coloured as their source says, reordered no further.

    They are seconds of a film whose size its source decides: a slower preset would save next to nothing of it.
    """
    preset = min(encoding.preset, _EDGE_PRESET, key=_SPEEDS.index)
    reordered = {0: ("-bf", "0"), 1: ("-x264-params", "b-pyramid=none")}.get(delay, ())
    return (
        *("-c:v", tools.require_encoder("libx264"), "-preset", preset, "-crf", str(encoding.crf)),
        *("-profile:v", "high", "-level:v", h264_level(canvas), "-g", str(encoding.gop_frames), "-flags", "+cgop"),
        *("-pix_fmt", "yuv420p", *reordered),
    )


def audio_arguments(encoding: Encoding, tools: Toolchain) -> tuple[str, ...]:
    """Return the arguments that encode the sound, and with them nothing of the container."""
    match encoding.audio_codec:
        case "opus":
            return ("-c:a", tools.require_encoder("libopus"), "-b:a", encoding.audio_bitrate)
        case "mp3":
            return ("-c:a", tools.require_encoder("libmp3lame"), "-b:a", encoding.audio_bitrate)
        case "pcm":
            return ("-c:a", "pcm_s16le")
        case _:
            return ("-c:a", "aac", "-b:a", encoding.audio_bitrate)


AUDIO_SUFFIX: Final = {"aac": ".m4a", "opus": ".mka", "mp3": ".mp3", "pcm": ".wav"}
"""The container each sound track waits in for the assembly."""
