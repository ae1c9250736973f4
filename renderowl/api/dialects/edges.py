"""What the dialects share at the edge: URLs of ours that mean an asset."""

import contextlib
import re
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from renderowl.services.context import Context

_STORED: Final = re.compile(r"projects/prj_[0-9a-z]{26}/assets/(ast_[0-9a-z]{26})(?=$|\?)")


async def with_assets(ctx: Context, document: Any) -> tuple[Any, Collection[str]]:
    """A document whose signed URLs of stored assets became `asset://<id>`, and the ids of those assets."""
    ours = {url: asset_id async for url, asset_id in _our_urls(ctx, document)}
    return _replaced(document, {url: f"asset://{asset_id}" for url, asset_id in ours.items()}), set(ours.values())


async def _our_urls(ctx: Context, document: Any) -> AsyncIterator[tuple[str, str]]:
    for text in set(_texts(document)):
        found = _STORED.search(text)
        if found is None:
            continue
        signed = urlsplit((await ctx.storage.sign_get(found[0], ttl_s=1)).url)
        with contextlib.suppress(ValueError):
            said = urlsplit(text)
            if (said.scheme, said.netloc, said.path) == (signed.scheme, signed.netloc, signed.path):
                yield text, found[1]


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _replaced(value: Any, texts: Mapping[str, str]) -> Any:
    """The document with these texts replaced; how deep it is was bounded when it was read."""
    if isinstance(value, dict):
        return {name: _replaced(one, texts) for name, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, texts) for one in value]
    return texts.get(value, value) if isinstance(value, str) else value
