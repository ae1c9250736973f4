"""FFmpeg's reports, with every trap seen."""

import pytest

from renderowl.pipeline.progress import FfmpegProgress, ProgressParser


def reports(text: str) -> list[FfmpegProgress]:
    parser = ProgressParser()
    made = [parser.feed(line) for line in text.splitlines() if parser.takes(line)]
    return [report for report in made if report is not None]


def test_a_report_ends_with_its_progress_line() -> None:
    text = "frame=33\nfps=12.5\nstream_0_0_q=23.0\nbitrate= 100.0kbits/s\ntotal_size=262144\nout_time_us=1066666\n"
    text += (
        "out_time_ms=1066666\nout_time=00:00:01.066666\ndup_frames=0\ndrop_frames=0\nspeed=4.96x\nprogress=continue\n"
    )
    assert reports(text) == [FfmpegProgress(33, 12.5, 1.066666, 262144, 4.96)]
    assert reports(text[: text.rindex("progress")]) == []


def test_out_time_ms_is_microseconds() -> None:
    assert reports("out_time_ms=2500000\nprogress=end\n") == [FfmpegProgress(out_time_s=2.5, ended=True)]


def test_what_is_not_available_is_zero() -> None:
    text = "frame=0\nfps=0.00\nbitrate=N/A\ntotal_size=N/A\nout_time_us=N/A\nout_time_ms=N/A\nout_time=N/A\nspeed=N/A\n"
    assert reports(text + "progress=continue\n") == [FfmpegProgress()]


def test_sound_alone_reports_no_frame() -> None:
    assert reports("out_time_us=3500000\nspeed=64.6x\nprogress=continue")[0].frame == 0


def test_negative_times_before_the_first_packet_are_zero() -> None:
    assert reports("out_time_us=-9223372036854775807\nprogress=continue\n")[0].out_time_s == 0


def test_values_do_not_leak_into_the_next_report() -> None:
    assert [r.frame for r in reports("frame=5\nprogress=continue\nspeed=1x\nprogress=end\n")] == [5, 0]


@pytest.mark.parametrize("line", ["[libx264 @ 0x1] frame I:1", "Input #0, key=value", "x=y", "", "progress"])
def test_messages_are_not_taken_for_reports(line: str) -> None:
    assert not ProgressParser.takes(line)


def test_only_growth_is_an_advance() -> None:
    a = FfmpegProgress(frame=5, out_time_s=1.0, total_size=10)
    assert not a.is_ahead_of(a)
    assert not FfmpegProgress(frame=5, out_time_s=0.5, total_size=10, speed=9).is_ahead_of(a)
    assert FfmpegProgress(frame=5, out_time_s=1.0, total_size=11).is_ahead_of(a)
    assert FfmpegProgress(frame=6).is_ahead_of(a)
    assert FfmpegProgress(ended=True).is_ahead_of(a)
