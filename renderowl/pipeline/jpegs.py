"""Splits a stream of JPEG files that follow each other, as FFmpeg's `mjpeg` muxer writes them, into the files.

Sans-I/O: pieces of any size in, whole files out. The headers are walked by their lengths, so that a table or a comment
that happens to hold the bytes of an end does not end a file; in the picture itself no end can happen (ITU-T T.81, B.1.1.5).
"""

from typing import Final

MAX_JPEG_BYTES: Final = 1024 * 1024
"""A larger file is passed over: a preview of 1280 pixels has some 200 KiB."""

_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_MARK: Final = 0xFF
_SCAN: Final = 0xDA
_WITHOUT_LENGTH: Final = range(0xD0, 0xDA)
"""Restarts, start and end: none of them belongs among the headers."""


class JpegSplitter:
    """Takes the stream in pieces; holds at most one unfinished file of MAX_JPEG_BYTES and the piece just given."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0
        """How far `_held` has been looked at; 0 is before the file's start."""
        self._in_picture = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next piece and return the files that it completes. What is no JPEG file is passed over."""
        self._held += piece
        files = []
        while (end := self._next_end()) is not None:
            if end <= MAX_JPEG_BYTES:
                files.append(bytes(self._held[:end]))
            self._drop(end)
        if len(self._held) > MAX_JPEG_BYTES:
            self._drop(len(self._held) - 1)  # the last byte may be half of the next start
        return files

    def _next_end(self) -> int | None:
        """Where the file that begins the stream ends, or None until more is there."""
        while True:
            if self._at == 0 and not self._find_start():
                return None
            if self._in_picture:
                end = self._held.find(_END, self._at)
                if end < 0:
                    self._at = max(self._at, len(self._held) - 1)
                    return None
                return end + len(_END)
            if len(self._held) < self._at + 4:
                return None
            self._pass_header()

    def _find_start(self) -> bool:
        start = self._held.find(_START)
        if start < 0:
            del self._held[: max(0, len(self._held) - 1)]
            return False
        del self._held[:start]
        self._at = len(_START)
        return True

    def _pass_header(self) -> None:
        """Step over the marker segment at `_at`; it may end beyond what is there."""
        mark, kind = self._held[self._at], self._held[self._at + 1]
        length = int.from_bytes(self._held[self._at + 2 : self._at + 4], "big")
        if mark != _MARK or kind in _WITHOUT_LENGTH or length < 2:
            self._drop(len(_START))  # this was no start of a file: look for the next one
            return
        self._at += 2 + length
        self._in_picture = kind == _SCAN

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._at, self._in_picture = 0, False
