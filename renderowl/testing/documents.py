"""The documents that are made from the code and committed, so that a change of a contract is a diff to read.

`make documents` writes them anew; tests compare.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import httpx

from renderowl import settings
from renderowl.actors.asset_prober import AssetProber
from renderowl.app import make_api
from renderowl.bus.redis import RedisBus
from renderowl.db.database import Database
from renderowl.limits.redis import RedisLimiter
from renderowl.pipeline.tools import discover
from renderowl.security.keyring import Keyring
from renderowl.security.outbound import open_outbound
from renderowl.security.tokens import TokenSigner
from renderowl.services import logs
from renderowl.services.context import Context
from renderowl.services.usage import Tally
from renderowl.storage.opening import open_storage
from renderowl.testing import diagrams, realtime_page
from renderowl.ws.hub import Hub

PAGES: Final[Mapping[str, Callable[[], Mapping[str, str]]]] = {
    "lifecycle.md": diagrams.blocks,
    "realtime.md": realtime_page.blocks,
}
"""The pages with blocks between `<!-- generated: name -->` and `<!-- end -->`, and what makes the blocks."""

SERVED: Final = ("openapi.json", "asyncapi.json")
"""What a running API says of itself; kept in `docs/api/`."""

_BLOCK: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SECRET: Final = "none"
"""Signs nothing: nobody calls."""
_NOWHERE: Final = "redis://127.0.0.1:1/0"


async def served(base_url: str = "http://127.0.0.1:8080") -> dict[str, str]:
    """The API's own documents by name, as text. Nothing is connected to."""
    loaded = settings.load({}, public_url=base_url, requests_per_minute_anonymous=0)
    with tempfile.TemporaryDirectory(prefix="renderowl-documents-") as folder:
        storage = open_storage(f"file://{folder}", base_url=base_url, secrets=[b""], access_key="", secret_key="")
        bus, limiter = RedisBus(_NOWHERE), RedisLimiter(_NOWHERE)
        ctx = Context(
            loaded,
            Database("postgresql://127.0.0.1:1/none"),
            storage,
            bus,
            TokenSigner(Keyring([_SECRET])),
            limiter,
            open_outbound(loaded),
        )
        api = make_api(ctx, Hub(ctx), AssetProber(ctx, await discover()), Tally())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(cast(Any, api)), base_url=base_url) as http:
            found = {name: (await http.get(f"/{name}")).json() for name in SERVED}
    # Litestar keeps the paths of one handler in a set
    found["openapi.json"]["paths"] = dict(sorted(found["openapi.json"]["paths"].items()))
    return {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in found.items()}


def regenerate(page: str, blocks: Mapping[str, str]) -> str:
    """The page with each of its generated blocks made anew. Raises KeyError for a block that nothing makes."""
    return _BLOCK.sub(lambda match: match[1] + blocks[match[2]] + match[3], page)


def write(docs: Path) -> None:
    """Write everything below `docs` that is made."""
    logs.configure(settings.load({}, log_level="warning"))
    (docs / "api").mkdir(exist_ok=True)
    for name, text in asyncio.run(served()).items():
        (docs / "api" / name).write_text(text)
    for name, make in PAGES.items():
        page = docs / name
        page.write_text(regenerate(page.read_text(), make()))


if __name__ == "__main__":
    write(Path("docs"))
