"""Output settings say one file that can be made, or what is wrong with them."""

from fractions import Fraction
from typing import Any

import msgspec
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
        ({"preview": {"hls": True}, "format": "webm"}, "/preview/hls"),
        ({"preview": {"hls": True}, "codec": "hevc"}, "/preview/hls"),
        ({"format": "hls", "codec": "av1"}, "/codec"),
        ({"format": "hls", "output_name": "film.hls"}, "/output_name"),
        ({"preview": {"interval_s": 0.1}}, "/preview/interval_s"),
        ({"preview": {"interval_s": 61}}, "/preview/interval_s"),
        ({"preview": {"width": 31}}, "/preview/width"),
        ({"preview": {"width": 1281}}, "/preview/width"),
        ({"thumbnails": {"interval_s": 0.5}}, "/thumbnails/interval_s"),
        ({"thumbnails": {"width": 9}}, "/thumbnails/width"),
        ({"thumbnails": {}, "format": "gif"}, "/thumbnails"),
        ({"metadata": {"title": "x"}, "format": "gif"}, "/metadata"),
        ({"metadata": {"title": ""}}, "/metadata/title"),
        ({"metadata": {"tilte": "x"}}, "/metadata/tilte"),
        ({"poster": {}, "format": "mp3"}, "/poster"),
        ({"watermark": {"opacity": 1}}, "/watermark/src"),
        ({"watermark": {"src": "asset://a", "scale": 2}}, "/watermark/scale"),
        ({"watermark": {"src": "asset://a", "position": "under"}}, "/watermark/position"),
        ({"outputs": [{}] * 9}, "/outputs"),
        ({"outputs": [{"format": "webm", "codec": "h264"}]}, "/outputs/0/codec"),
        ({"outputs": [{"fromat": "webm"}]}, "/outputs/0/fromat"),
        ({"outputs": [{"outputs": []}]}, "/outputs/0/outputs"),
        ({"outputs": [{}, {"output_name": "VIDEO-2.MP4"}]}, "/outputs/1/output_name"),
        ({"outputs": [{"output_name": "video.mp4"}]}, "/outputs/0/output_name"),
        ({"poster": {}, "outputs": [{"format": "jpg", "output_name": "video.poster.jpg"}]}, "/outputs/0/output_name"),
        (
            {"thumbnails": {}, "outputs": [{"format": "jpg", "output_name": "video.thumbnail-0001.jpg"}]},
            "/outputs/0/output_name",
        ),
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


def test_a_further_file_is_as_the_first_but_for_what_it_says() -> None:
    first = settings(output_name="film.mp4", width=1920, height=1080, codec="hevc", crf=30, poster={"at": 1}, fps=25)
    said = [{"width": 640}, {"format": "webm"}, {"format": "mov", "codec": "hevc", "output_name": "x.mov", "crf": 9}]
    small, webm, mov = msgspec.structs.replace(first, outputs=settings(outputs=said).outputs).further
    assert (small.name, small.width, small.height, small.codec, small.crf) == ("film-2.mp4", 640, None, "hevc", 30)
    assert (webm.name, webm.width, webm.height, webm.video_codec) == ("film-3.webm", 1920, 1080, "vp9")
    assert (mov.name, mov.codec, mov.crf, mov.fps) == ("x.mov", "hevc", 9, 25)
    assert {one.poster for one in (small, webm, mov)} == {None}


def test_files_of_one_stem_are_welcome_while_nothing_beside_them_collides() -> None:
    film = {"output_name": "film.mp4", "poster": {}}
    assert list(problems(**film, outputs=[{"format": "webm", "output_name": "film.webm"}])) == []
    both = [{"format": "webm", "output_name": "film.webm", "poster": {}}]
    assert list(problems(**film, outputs=both)) == ["/outputs/0/output_name"]


def test_subtitles_beside_the_film_are_made_once() -> None:
    (further,) = settings(captions="both", outputs=[{"width": 640}]).further
    assert further.captions == "burn"
    (further,) = settings(captions="sidecar", outputs=[{"width": 640}]).further
    assert further.captions == "none"
