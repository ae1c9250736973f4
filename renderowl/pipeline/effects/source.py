"""Where a layer's pictures come from: a still repeated, a video on the canvas' clock, or a plain colour."""

from fractions import Fraction
from typing import Final

from renderowl.pipeline.clock import fraction_of
from renderowl.pipeline.graph import Stream, source
from renderowl.pipeline.timeline import Media, Rate

PREROLL_S: Final = Fraction(1, 5)
"""How much before a clip's start its source is opened: the frame on show at the start may be older than the start."""
_PREROLL_FRAMES: Final = 3
_PREROLL_UNINDEXED_S: Final = Fraction(15)
"""In MPEG-TS, which has no index, FFmpeg finds a place by its time alone and shows nothing until the next key picture: it
must find one sooner. Encoders make one every 10 s at least, if they are not told otherwise (x264: 250 pictures)."""
_UNINDEXED: Final = ("video/mp2t",)
_SOUGHT_EARLIER_S: Final = Fraction(1, 7)
"""FFmpeg looks for a place up to 3/23 s before it where demuxers go by decoding times (its `-ss`), and of a place before
the beginning AVI's makes the second key picture."""
_SDR_NITS: Final = 203
"""The white of a film in a high dynamic range, by ITU-R BT.2408; what is brighter is rolled off."""


def preroll(start: Fraction, media: Media) -> Fraction:
    """Return by how much before `start` to seek, so that a cut anywhere shows the same frames as no cut."""
    frames = Fraction(_PREROLL_FRAMES) / Fraction(media.fps).limit_denominator(1001) if media.fps else PREROLL_S
    least = _PREROLL_UNINDEXED_S if media.content_type in _UNINDEXED else PREROLL_S
    early = max(least, frames)
    return early if start > early + _SOUGHT_EARLIER_S else start


def held(picture: Stream, frames: int, rate: Rate) -> Stream:
    """Repeat one finished picture for `frames` frames: decoded, scaled and filtered once."""
    return (
        picture.then("trim", end_frame=1)
        .then("loop", loop=frames - 1, size=1, start=0)
        .then("settb", f"{rate.den}/{rate.num}")
        .then("setpts", "N")
        .then("fps", f"{rate.num}/{rate.den}")
    )


def retimed(video: Stream, preroll_s: Fraction, speed: float, frames: int, rate: Rate) -> Stream:
    """Put a video on the canvas' clock by its timestamps; if it ends early its last frame stays.

    They are rounded here: `setpts` by itself cuts off what is less than a tick, and an AVI's tick is a whole picture.
    """
    shift = f"(PTS-{float(preroll_s):.6f}/TB)/{speed:g}" if preroll_s else f"PTS/{speed:g}"
    return (
        video.then("setpts", f"round({shift})")
        .then("fps", fps=f"{rate.num}/{rate.den}", start_time=0)
        .then("tpad", stop_mode="clone", stop=-1)
        .then("trim", end_frame=frames)
        .then("setpts", "N")
    )


def squared(video: Stream, media: Media) -> Stream:
    """Return a video whose pixels were not square with pixels that are, as large as it is seen."""
    return video.then("scale", media.width, media.height).then("setsar", 1)


def toned(video: Stream, transfer: str) -> Stream:
    """Bring a high dynamic range down to what BT.709 shows; FFmpeg's `tonemap` wants linear light."""
    coded = {"pq": "smpte2084", "hlg": "arib-std-b67"}[transfer]
    told = {"transferin": coded, "primariesin": "bt2020", "matrixin": "bt2020nc", "rangein": "tv"}
    return (
        video.then("zscale", **told, transfer="linear", primaries="bt709", matrix="gbr", range="pc", npl=_SDR_NITS)
        .then("format", "gbrpf32le")
        .then("tonemap", "mobius", desat=0)
        .then("zscale", transfer="bt709", primaries="bt709", matrix="bt709", range="tv")
        .then("format", "yuv420p10le")
    )


def colored(name: str, color: str, width: int, height: int, rate: Rate) -> Stream:
    """Return two frames of a colour as FFmpeg knows it, to be drawn on or held; `name` tells it from all others."""
    return source(
        f"color@{name}",
        color=color,
        size=f"{width}x{height}",
        rate=f"{rate.num}/{rate.den}",
        duration=f"{float(2 / fraction_of(rate)):.6f}",
    )


def plain(name: str, color: str, width: int, height: int, frames: int, rate: Rate) -> Stream:
    """Return a colour; made and converted once as RGB, so that it is exact in BT.709."""
    alpha = len(color) == 9
    made = colored(name, f"0x{color[1:]}", width, height, rate).then("format", "gbrap" if alpha else "gbrp")
    return held(normalised(made.then("scale", **TO_BT709), alpha), frames, rate)


TO_BT709: Final[dict[str, str]] = {"out_color_matrix": "bt709", "out_range": "tv"}
"""Options of every `scale`: sources of different kinds must give the encoder the very same parameters."""


def normalised(picture: Stream, alpha: bool) -> Stream:
    """Return the picture as 8-bit 4:2:0 BT.709 of limited range, with an alpha plane when asked for, and tagged so."""
    return picture.then("format", "yuva420p" if alpha else "yuv420p").then(
        "setparams", range="tv", color_primaries="bt709", color_trc="bt709", colorspace="bt709"
    )
