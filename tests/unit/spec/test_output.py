"""Output settings say one file that can be made, or what is wrong with them."""

from fractions import Fraction
from typing import Any

import pytest

from renderowl.domain.spec.output import OutputSettings
from renderowl.domain.spec.reading import read


def problems(**fields: Any) -> dict[str, str]:
    return {error.path: error.message for error in read(fields, OutputSettings, at="").errors}


def settings(**fields: Any) -> OutputSettings:
    reading = read(fields, OutputSettings, at="")
    assert reading.value is not None, reading.errors
    return reading.value


@pytest.mark.parametrize(
    "name",
    [
        "a/b.mp4",
        "..\\b.mp4",
        "a\0.mp4",
        "../x.mp4",
        ".mp4",
        "a.webm",
        "video",
        " a.mp4",
        "a:b.mp4",
        "x\n.mp4",
        ".x.mp4",
    ],
)
def test_a_bad_name_is_refused(name: str) -> None:
    assert "/output_name" in problems(output_name=name)


@pytest.mark.parametrize("name", ["film.mp4", "Ünïcode 電影.mp4", "a.b.MP4", "-x.mp4"])
def test_a_good_name_is_kept(name: str) -> None:
    assert settings(output_name=name).name == name


def test_the_name_follows_the_format() -> None:
    assert settings().name == "video.mp4"
    assert settings(format="webm").name == "video.webm"
    assert settings(format="jpg", output_name="a.jpeg").name == "a.jpeg"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"format": "hls"}, "/format"),
        ({"format": "avi"}, "/format"),
        ({"format": "webm", "codec": "h264"}, "/codec"),
        ({"format": "gif", "codec": "h264"}, "/codec"),
        ({"crf": 60}, "/crf"),
        ({"audio_bitrate": "9999k"}, "/audio_bitrate"),
        ({"audio_bitrate": "900k"}, "/audio_bitrate"),
        ({"aspect_ratio": "16x9"}, "/aspect_ratio"),
        ({"aspect_ratio": "1:99"}, "/aspect_ratio"),
        ({"aspect_ratio": "1:1", "width": 100, "height": 200}, "/aspect_ratio"),
        ({"range": {"start": 3, "end": 2}}, "/range/end"),
        ({"preview": {"hls": True}}, "/preview/hls"),
        ({"preview": {"interval_s": 0.1}}, "/preview/interval_s"),
        ({"preview": {"interval_s": 61}}, "/preview/interval_s"),
        ({"preview": {"width": 31}}, "/preview/width"),
        ({"preview": {"width": 1281}}, "/preview/width"),
        ({"thumbnails": {"interval_s": 1}}, "/thumbnails"),
        ({"watermark": {"opacity": 1}}, "/watermark/src"),
        ({"watermark": {"src": "asset://a", "scale": 2}}, "/watermark/scale"),
        ({"watermark": {"src": "asset://a", "position": "under"}}, "/watermark/position"),
        ({"outputs": [{"format": "webm"}]}, "/outputs"),
        ({"poster": {"at": -1}}, "/poster/at"),
        ({"captions": "burned"}, "/captions"),
        ({"preset": "placebo"}, "/preset"),
        ({"fps": 0}, "/fps"),
    ],
)
def test_what_cannot_be_made_is_refused_where_it_is_said(fields: dict[str, Any], path: str) -> None:
    assert list(problems(**fields)) == [path]


def test_a_ratio_is_exact() -> None:
    assert settings(aspectRatio="9:16", width=1080, height=1920).ratio == Fraction(9, 16)


def test_vp9_takes_a_higher_crf() -> None:
    assert settings(format="webm", crf=60).crf == 60
