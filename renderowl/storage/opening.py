"""One URL decides where objects are kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from renderowl.storage.base import Storage
from renderowl.storage.local import LocalStorage

_ADDRESSINGS: Final[dict[str, Literal["path", "virtual"]]] = {"path": "path", "virtual": "virtual"}


def open_storage(
    url: str, *, base_url: str, secrets: Sequence[bytes], access_key: str = "", secret_key: str = ""
) -> Storage:
    """The storage of `file:///path` or `s3://bucket/prefix?endpoint_url=...&region=...`; nothing is connected yet.

    With an endpoint the bucket's name stands in the path of URLs; `addressing=virtual` puts it in front of the host.
    `base_url` and `secrets` are for the URLs that local storage signs, with the first, and takes; the two keys for S3
    (empty: what boto finds in its environment). Raises ValueError, saying what is wrong, for any other URL.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.fragment:
        raise ValueError("a storage URL has no fragment")
    if parts.scheme == "file":
        if parts.netloc or options or not parts.path.startswith("/") or parts.path == "/":
            raise ValueError("local storage is `file:///path`, with three slashes and nothing behind the path")
        return LocalStorage(Path(unquote(parts.path)), base_url, secrets)
    if parts.scheme == "s3":
        unknown = options.keys() - {"endpoint_url", "region", "addressing"}
        if unknown:
            raise ValueError(f"S3 storage takes endpoint_url, region and addressing, not {', '.join(sorted(unknown))}")
        if not parts.netloc or "@" in parts.netloc or ":" in parts.netloc:
            raise ValueError("S3 storage is `s3://bucket/prefix`; its keys are settings, not part of the URL")
        endpoint_url = options.get("endpoint_url")
        if endpoint_url is not None and not endpoint_url.startswith(("http://", "https://")):
            raise ValueError("endpoint_url starts with http:// or https://")
        region = options.get("region") or "us-east-1"
        addressing = _ADDRESSINGS.get(options.get("addressing", ""))
        if addressing is None and "addressing" in options:
            raise ValueError("addressing is path or virtual")
        from renderowl.storage.s3 import S3Storage  # boto takes half a second to load: only where it is used

        return S3Storage(parts.netloc, unquote(parts.path), endpoint_url, region, access_key, secret_key, addressing)
    raise ValueError("a storage URL is `file:///path` or `s3://bucket/prefix?endpoint_url=...&region=...`")
