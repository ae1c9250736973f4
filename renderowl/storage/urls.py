"""Signed URLs of local storage: what they grant, bound by one HMAC over everything they say."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import quote, urlencode

import msgspec

from renderowl.domain.errors import UrlExpired
from renderowl.storage.keys import check_key


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one signed URL allows: a GET of the object, a PUT of it, or a PUT of one part of it."""

    method: Literal["GET", "PUT"]
    key: str
    expires_at: int
    """Unix seconds."""
    content_type: str | None = None
    size_bytes: int | None = None
    upload_id: str | None = None
    part_number: int | None = None
    download_name: str | None = None


_UNSIGNED = ("method", "key")  # in the request line, not in the query


def grant_url(base_url: str, secret: bytes, grant: Grant) -> str:
    """The URL that carries this grant."""
    query = {name: str(value) for name, value in msgspec.to_builtins(grant).items() if name not in _UNSIGNED}
    signature = _signature(secret, grant.method, grant.key, query)
    return f"{base_url}/storage/{quote(grant.key)}?{urlencode({**query, 'signature': signature})}"


def read_grant(secrets: Sequence[bytes], method: str, key: str, query: Mapping[str, str], *, now: float) -> Grant:
    """What the URL of this request, signed with one of `secrets`, grants.

    Raises UrlExpired when anything in it was changed or its time is over.

    HEAD is allowed where GET is. Every parameter is signed, so that an additional one is refused too.
    """
    verb = "GET" if method == "HEAD" else method
    said = {name: value for name, value in query.items() if name != "signature"}
    try:
        signature = query.get("signature", "").encode()
        expected = [_signature(secret, verb, key, said).encode() for secret in secrets]
        if not any(hmac.compare_digest(one, signature) for one in expected):
            raise UrlExpired("The URL was changed or is not ours")
        check_key(key)
        grant = msgspec.convert({**said, "method": verb, "key": key}, Grant, strict=False)
    except ValueError:  # UnicodeEncodeError and msgspec.ValidationError are ValueErrors
        raise UrlExpired("The URL was changed or is not ours") from None
    if now >= grant.expires_at:
        raise UrlExpired("The URL has expired")
    return grant


def _signature(secret: bytes, method: str, key: str, query: Mapping[str, str]) -> str:
    # urlencode escapes newlines, "&" and "=": no two different requests make the same message.
    message = urlencode([("method", method), ("key", key), *sorted(query.items())])
    return hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()
