"""The documents that are made from the code and committed, so that a change of a contract is a diff to read.

`make documents` writes them anew; tests compare.
"""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any, Final, cast

import httpx

from renderowl import settings
from renderowl.actors.asset_prober import AssetProber
from renderowl.app import configure_logging, make_api
from renderowl.bus.redis import RedisBus
from renderowl.db.database import Database
from renderowl.pipeline.tools import discover
from renderowl.security.tokens import TokenSigner
from renderowl.services.context import Context
from renderowl.storage.opening import open_storage
from renderowl.testing.diagrams import regenerate
from renderowl.ws.hub import Hub

SERVED: Final = ("openapi.json", "asyncapi.json")
"""What a running API says of itself; kept in `docs/api/`."""

_KEY: Final = bytes(32)
"""Signs nothing: nobody calls."""


async def served(base_url: str = "http://127.0.0.1:8080") -> dict[str, str]:
    """The API's own documents by name, as text. Nothing is connected to."""
    loaded = settings.load({}, public_url=base_url)
    with tempfile.TemporaryDirectory(prefix="renderowl-documents-") as folder:
        storage = open_storage(f"file://{folder}", base_url=base_url, secret=_KEY, access_key="", secret_key="")
        bus = RedisBus("redis://127.0.0.1:1/0")
        ctx = Context(loaded, Database("postgresql://127.0.0.1:1/none"), storage, bus, TokenSigner(_KEY))
        api = make_api(ctx, Hub(ctx), AssetProber(ctx, await discover()))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(cast(Any, api)), base_url=base_url) as http:
            found = {name: (await http.get(f"/{name}")).json() for name in SERVED}
    return {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in found.items()}


def write(docs: Path) -> None:
    """Write everything below `docs` that is made."""
    configure_logging(settings.load({}, log_level="warning"))
    (docs / "api").mkdir(exist_ok=True)
    for name, text in asyncio.run(served()).items():
        (docs / "api" / name).write_text(text)
    lifecycle = docs / "lifecycle.md"
    lifecycle.write_text(regenerate(lifecycle.read_text()))


if __name__ == "__main__":
    write(Path("docs"))
