"""The list of segments, the joints of which must be exact over thousands of them; and sidecar files."""

import re
from fractions import Fraction

import pytest

from renderowl.pipeline.join import join_list, timescale
from renderowl.pipeline.sound import samples, tempo_steps
from renderowl.pipeline.subtitles import srt, vtt
from renderowl.pipeline.timeline import Rate, Subtitle


@pytest.mark.parametrize("rate", [Rate(30), Rate(30000, 1001), Rate(24000, 1001), Rate(25)])
def test_durations_never_drift(rate: Rate) -> None:
    counts = [7, 1, 13, 90] * 500
    total, micros = 0, 0
    for count, text in zip(counts, re.findall(r"duration (\S+)", join_list(counts, rate)), strict=True):
        total += count
        micros += round(float(text) * 1_000_000)
        assert abs(Fraction(micros, 1_000_000) - Fraction(total * rate.den, rate.num)) <= Fraction(1, 2_000_000)


def test_names_in_the_list_are_ours() -> None:
    assert join_list([30, 15], Rate(30)) == (
        "ffconcat version 1.0\nfile part-0.nut\nduration 1.000000\nfile part-1.nut\nduration 0.500000\n"
    )


@pytest.mark.parametrize("rate", [Rate(30), Rate(30000, 1001), Rate(24000, 1001), Rate(25, 2), Rate(60)])
def test_every_frame_is_a_whole_number_of_ticks(rate: Rate) -> None:
    assert timescale(rate) * rate.den % rate.num == 0
    assert timescale(rate) >= 10_000


def test_samples_of_neighbouring_clips_meet() -> None:
    ntsc = Rate(30000, 1001)
    assert samples(0, ntsc) == 0
    assert samples(30, ntsc) == 48048


@pytest.mark.parametrize(("speed", "steps"), [(1.0, []), (1.5, [1.5]), (5.0, [2.0, 2.0, 1.25]), (0.2, [0.5, 0.5, 0.8])])
def test_any_speed_is_made_of_steps_that_keep_every_sample(speed: float, steps: list[float]) -> None:
    assert tempo_steps(speed) == pytest.approx(steps)


def test_sidecars_say_the_text_and_nothing_else() -> None:
    lines = [Subtitle(0, 1.5, "one\n\ntwo"), Subtitle(3661.5, 3662, "<b> & -->")]
    assert srt(lines) == ("1\n00:00:00,000 --> 00:00:01,500\none\ntwo\n\n2\n01:01:01,500 --> 01:01:02,000\n<b> & -->\n")
    assert vtt(lines).endswith("01:01:01.500 --> 01:01:02.000\n&lt;b&gt; &amp; --&gt;\n")
    assert vtt(lines).startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\none\ntwo\n\n")
