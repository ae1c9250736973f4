"""What a key may look like, and how a download is named."""

import unicodedata
from typing import Final
from urllib.parse import quote, unquote

_ENCODED_TIMES: Final = 4
"""How often a key may be percent-encoded over: each time is looked at."""


def check_key(key: str) -> str:
    """Return `key` when it is a relative slash-separated path that cannot leave its root; else raise ValueError.

    Refused: empty, `.` and `..` parts, absolute paths, backslashes, control characters (NUL among them), lone
    surrogates, parts above 255 bytes and keys above 1,024 bytes (what file systems and S3 hold).
    """
    if len(key.encode()) > 1024:
        raise ValueError("a storage key has at most 1,024 bytes")
    if "\\" in key or any(ord(char) < 0x20 or ord(char) == 0x7F for char in key):
        raise ValueError("a storage key holds no backslash and no control character")
    for part in key.split("/"):
        if part in ("", ".", "..") or len(part.encode()) > 255:
            raise ValueError("every part of a storage key is a plain name")
    return key


def check_prefix(prefix: str) -> str:
    """Return `prefix` when it is empty or begins a valid key; else raise ValueError."""
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


def check_given_key(key: str) -> str:
    """Return a key that a caller chose, in Unicode's composed form; else raise ValueError.

    Refused is what `check_key` refuses, also where it is only so once percent-decoded or read by somebody who takes
    look-alikes for what they look like (`..%2f`, a full-width full stop or solidus). Keys of callers name things and
    never are paths of ours; but a neighbour of ours may make paths of them.
    """
    composed = unicodedata.normalize("NFC", key)
    read = composed
    for _ in range(_ENCODED_TIMES):
        for form in (read, unicodedata.normalize("NFKC", read)):
            try:
                check_key(form)
            except UnicodeEncodeError:
                raise ValueError("a key holds no half of a character") from None
        read = unquote(unicodedata.normalize("NFKC", read))
    if unquote(read) != read:
        raise ValueError("a key is not percent-encoded over and over")
    return composed


def content_disposition(download_name: str) -> str:
    """The Content-Disposition (RFC 6266) that saves a download under this name, whatever script it is in."""
    plain = "".join(c if 0x20 <= ord(c) < 0x7F and c not in '"\\%;/' else "_" for c in download_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(download_name, safe='', errors='replace')}"
