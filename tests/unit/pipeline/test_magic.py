"""What files are by their first bytes."""

import pytest

from renderowl.pipeline.magic import refused, sniff

MP3 = b"\xff\xfb\x90\x64"


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x14ftypqt  ", "video/quicktime"),
        (b"\x00\x00\x00\x1cftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x1cftypavif", "image/avif"),
        (b"\x1aE\xdf\xa3" + b"\x00" * 20 + b"webm", "video/webm"),
        (b"\x1aE\xdf\xa3" + b"\x00" * 20 + b"matroska", "video/x-matroska"),
        (b"RIFF\x00\x00\x00\x00AVI ", "video/x-msvideo"),
        (b"RIFF\x00\x00\x00\x00WAVE", "audio/wav"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"RIFF\x00\x00\x00\x00ACON", None),
        ((b"G" + b"\x00" * 187) * 3, "video/mp2t"),
        (b"ID3\x04", "audio/mpeg"),
        (MP3, "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"BM", "image/bmp"),
        (b"II*\x00", "image/tiff"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nhi\n", "application/x-subrip"),
        (b"\xef\xbb\xbf1\r\n00:00:01,000 --> 00:00:02,000\r\nhi\r\n", "application/x-subrip"),
        (b"WEBVTT\n", "text/vtt"),
        (b' {"a": 1}', "application/json"),
        (b"\x00\x01\x00\x00\x00", "font/ttf"),
        (b"OTTO", "font/otf"),
        (b"wOF2", "font/woff2"),
        (b"plain text", None),
        (b"\xff\xff\xff\xff", None),
        (b"", None),
        (b"\x00" * 600, None),
    ],
)
def test_a_type_is_told_by_its_bytes(head: bytes, content_type: str | None) -> None:
    assert sniff(head) == content_type


@pytest.mark.parametrize(
    "head",
    [
        b"ffconcat version 1.0\nfile x",
        b"\xef\xbb\xbf#EXTM3U\n",
        b"  \n#EXTM3U",
        b"v=0\no=-",
        b"<svg/>",
        b'<?xml version="1.0"?>\n<!-- x --><SVG>',
        b"<MPD>",
        b"[playlist]",
        b"#!/bin/sh",
    ],
)
def test_what_opens_other_files_is_refused(head: bytes) -> None:
    assert refused(head)


@pytest.mark.parametrize("head", [b"\x89PNG\r\n\x1a\n<svg", b"plain", MP3, b"{}"])
def test_media_is_not_refused(head: bytes) -> None:
    assert refused(head) is None
