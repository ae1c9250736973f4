"""Every way FFmpeg fails has one name."""

import signal

import pytest

from renderowl.domain import errors
from renderowl.pipeline.diagnose import diagnose


@pytest.mark.parametrize(
    ("returncode", "tail", "error"),
    [
        (1, "av_interleaved_write_frame(): No space left on device", errors.OutOfDisk),
        (228, "", errors.OutOfDisk),
        (1, "x264 [error]: malloc of size 44329344 failed", errors.OutOfMemory),
        (187, "x264 [error]: malloc of size 44329344 failed", errors.OutOfMemory),
        (244, "", errors.OutOfMemory),
        (-signal.SIGKILL, "", errors.OutOfMemory),
        (-signal.SIGXCPU, "", errors.LimitExceeded),
        (-signal.SIGXFSZ, "", errors.LimitExceeded),
        (255, "Exiting normally, received signal 24.", errors.LimitExceeded),
        (1, "Error writing trailer: File too large", errors.LimitExceeded),
        (-signal.SIGSEGV, "", errors.EncoderFailed),
        (183, "media-0: Invalid data found when processing input", errors.MediaUnreadable),
        (1, "[mov @ 0x55] moov atom not found", errors.MediaUnreadable),
        (1, "[in#0 @ 0x1] Format not on whitelist 'mov,mp4'", errors.MediaUnreadable),
        (1, "Unknown encoder 'libnope'", errors.CodecUnsupported),
        (1, "Picture size 100000x100000 is invalid", errors.MediaTooLarge),
        (1, "cannot start ffmpeg: No such file or directory", errors.EncoderFailed),
        (1, "something never seen before", errors.EncoderFailed),
        (1, "", errors.EncoderFailed),
    ],
)
def test_each_failure_has_its_error(returncode: int, tail: str, error: type[errors.RenderOwlError]) -> None:
    assert type(diagnose(returncode, tail)) is error


def test_the_sentence_quotes_the_line_that_tells_without_addresses() -> None:
    tail = "noise\n[libx264 @ 0x55cb] using cpu\n[out#0/nut @ 0x1f] No space left on device\nConversion failed!"
    assert diagnose(1, tail).detail == "the disk is full: out#0/nut: No space left on device"
