"""Each hardware encoder is asked in its own words; with VA-API the pictures are brought to the device first."""

import pytest

from renderowl.pipeline.command import segment_command
from renderowl.pipeline.hardware import FAMILIES, hardware_arguments
from renderowl.pipeline.plan import Encoding, Preview
from renderowl.pipeline.timeline import ColorContent
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import Stage

TOOLS = Toolchain("ffmpeg", "9", encoders=frozenset(f"h264_{family}" for family in FAMILIES) | {"libx264"})


@pytest.mark.parametrize(
    ("family", "quality"),
    [
        ("nvenc", "-rc vbr -cq 20 -b:v 0"),
        ("qsv", "-global_quality 20"),
        ("vaapi", "-rc_mode CQP -qp 20"),
        ("videotoolbox", "-q:v 61"),
    ],
)
def test_quality_is_asked_in_each_ones_own_words(family: str, quality: str) -> None:
    said = " ".join(hardware_arguments(family, "h264", 20, 60))
    assert quality in said
    assert "-bf 0 -g 60 -flags +cgop" in said


def test_a_device_takes_pictures_that_are_brought_to_it() -> None:
    tools = Toolchain("ffmpeg", "9", encoders=TOOLS.encoders, hardware="vaapi")
    stage = Stage(tools, frames=10)
    stage.put(ColorContent("#ff0000"))
    (segment,) = stage.plan().segments
    for preview in (Preview(frames=False), Preview(frames=True)):
        command = segment_command(segment, Encoding(), preview, tools)
        assert command.argv.index("-vaapi_device") < command.argv.index("-map")
        assert command.files["graph.txt"].count("format=nv12") == command.files["graph.txt"].count("hwupload") == 1
    assert "hwupload" not in segment_command(segment, Encoding(), Preview(frames=False), TOOLS).files["graph.txt"]
