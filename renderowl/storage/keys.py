"""What a key may look like, and how a download is named."""

from urllib.parse import quote


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


def content_disposition(download_name: str) -> str:
    """The Content-Disposition (RFC 6266) that saves a download under this name, whatever script it is in."""
    plain = "".join(c if 0x20 <= ord(c) < 0x7F and c not in '"\\%;/' else "_" for c in download_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(download_name, safe='', errors='replace')}"
