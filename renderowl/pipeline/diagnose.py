"""From an exit code and the last messages to the error that says what was wrong and whose fault it is."""

import re
import signal
from typing import Final

from renderowl.domain.errors import (
    CodecUnsupported,
    EncoderFailed,
    LimitExceeded,
    MediaTooLarge,
    MediaUnreadable,
    OutOfDisk,
    OutOfMemory,
    RenderOwlError,
)

_SIGNS: Final[tuple[tuple[str, type[RenderOwlError], str], ...]] = (
    (rf"received signal {signal.SIGXCPU}\b", LimitExceeded, "the processing time limit was reached"),
    (r"^cannot start |^bwrap: ", EncoderFailed, ""),
    (r"No space left on device|Disk quota exceeded", OutOfDisk, "the disk is full"),
    (r"File size limit exceeded|File too large", LimitExceeded, "the output grew over its size limit"),
    (
        r"Cannot allocate memory|malloc of size .* failed|std::bad_alloc|pthread_create\(\) failed|Out of memory",
        OutOfMemory,
        "the memory limit was reached",
    ),
    (r"max_pixels|Picture size \d+x\d+ (?:is invalid|exceeds)", MediaTooLarge, "a picture has too many pixels"),
    (r"Unknown encoder|Encoder not found|Unknown decoder", CodecUnsupported, "the codec is not installed"),
    (r"Decoder \(codec \S+\) not found|no decoder found|Decoding requested, but no decoder", CodecUnsupported, ""),
    (r"Format not on whitelist|not on whitelist", MediaUnreadable, "an input is not plain media"),
    (
        r"Invalid data found when processing input|moov atom not found|could not find codec parameters"
        r"|Invalid PNG signature|matches no streams|Output file does not contain any stream|No such file",
        MediaUnreadable,
        "",
    ),
)
_CODES: Final[dict[int, type[RenderOwlError]]] = {
    228: OutOfDisk,  # 256 - ENOSPC, FFmpeg 6 and later
    244: OutOfMemory,  # 256 - ENOMEM
    229: LimitExceeded,  # 256 - EFBIG
    183: MediaUnreadable,  # AVERROR_INVALIDDATA
}
_SIGNALS: Final[dict[int, tuple[type[RenderOwlError], str]]] = {
    signal.SIGXCPU: (LimitExceeded, "the processing time limit was reached"),
    signal.SIGXFSZ: (LimitExceeded, "the output grew over its size limit"),
    signal.SIGKILL: (OutOfMemory, "the encoder was killed, most likely for want of memory"),
    signal.SIGSEGV: (EncoderFailed, "the encoder crashed"),
    signal.SIGABRT: (EncoderFailed, "the encoder aborted"),
}


def diagnose(returncode: int, tail: str) -> RenderOwlError:
    """Return the error for a process that failed; `tail` is the end of what it wrote to stderr."""
    if returncode < 0:
        kind, sentence = _SIGNALS.get(-returncode, (EncoderFailed, f"the encoder ended with signal {-returncode}"))
        return kind(sentence)
    for pattern, sign, sentence in _SIGNS:
        if found := re.search(pattern, tail, re.IGNORECASE | re.MULTILINE):
            line = tail[tail.rfind("\n", 0, found.start()) + 1 :]
            return sign(_detail(sentence, line))
    return _CODES.get(returncode, EncoderFailed)(_detail(f"FFmpeg ended with code {returncode}", tail))


def _detail(sentence: str, tail: str) -> str:
    """Put the first complaint of `tail` behind our sentence, without the addresses of its objects."""
    lines = [re.sub(r"^\[(\S+)(?: @ 0x[0-9a-f]+)?\] ", r"\1: ", line.strip()) for line in tail.splitlines()]
    complaint = next((line for line in lines if line), "")[:300]
    return f"{sentence}: {complaint}" if sentence and complaint else sentence or complaint
