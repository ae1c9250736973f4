"""What a file is by its first bytes; names and claims do not count."""

from typing import Final

SNIFF_BYTES: Final = 4096
_AUDIO_BRANDS: Final = frozenset({b"M4A ", b"M4B ", b"F4A "})
_FIXED: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"true", "font/ttf"),
    (b"\x00\x01\x00\x00\x00", "font/ttf"),
    (b"OTTO", "font/otf"),
    (b"wOF2", "font/woff2"),
    (b"WEBVTT", "text/vtt"),
)
_REFUSED: Final = (
    (b"ffconcat", "a list of other files (ffconcat)"),
    (b"#EXTM3U", "a playlist (HLS)"),
    (b"v=0", "a stream description (SDP)"),
    (b"<svg", "an SVG drawing"),
    (b"<MPD", "a playlist (DASH)"),
    (b"[playlist]", "a playlist (PLS)"),
    (b"#!", "a script"),
)


def sniff(head: bytes) -> str | None:
    """Return the content type of a file that begins with these bytes (`SNIFF_BYTES` are enough), or None."""
    if head[4:8] == b"ftyp":
        return _iso_media(head[8:12])
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free") and len(head) >= 16:
        return "video/quicktime"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head.startswith(b"RIFF"):
        return {b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav", b"WEBP": "image/webp"}.get(head[8:12])
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "video/mp2t"
    for start, content_type in _FIXED:
        if head.removeprefix(b"\xef\xbb\xbf").startswith(start):
            return content_type
    return _mpeg_audio(head) or _text(head)


def refused(head: bytes) -> str | None:
    """Return what a file is when it is of a kind that makes a reader open other files or run something."""
    text = head[:SNIFF_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<") and b"<svg" in text.lower():
        return "an SVG drawing"
    return next((name for start, name in _REFUSED if text.startswith(start)), None)


def _iso_media(brand: bytes) -> str:
    if brand == b"qt  ":
        return "video/quicktime"
    if brand in (b"avif", b"avis", b"heic", b"heix", b"mif1"):
        return "image/avif" if brand.startswith(b"avi") else "image/heic"
    return "audio/mp4" if brand in _AUDIO_BRANDS else "video/mp4"


def _mpeg_audio(head: bytes) -> str | None:
    """Tell ADTS AAC from MPEG audio: both begin with eleven or twelve set bits, AAC has layer 0."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    layer, bitrate, rate = head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return "audio/mpeg" if layer and bitrate != 15 and rate != 3 else None


def _text(head: bytes) -> str | None:
    try:
        text = head.decode("utf-8-sig", errors="strict")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # a character cut in two at the very end is no fault
            return None
        text = head[: error.start].decode("utf-8-sig")
    start = text.lstrip()
    if start[:1] in ("{", "["):
        return "application/json"
    lines = start.splitlines()
    if len(lines) >= 2 and lines[0].strip().isdigit() and "-->" in lines[1]:
        return "application/x-subrip"
    return None
