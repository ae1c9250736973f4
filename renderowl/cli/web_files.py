"""What a spec on disk names by URL: brought to a folder that lasts as long as the command, by the same guarded way."""

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from renderowl.domain.errors import FieldError, RenderOwlError, ValidationFailed
from renderowl.settings import Settings

if TYPE_CHECKING:
    from renderowl.security.outbound import Bounds, Outbound


async def from_the_web(sources: Mapping[str, list[str]], settings: Settings) -> dict[str, Path]:
    """Files of those of the sources that are URLs; raises ValidationFailed naming every field whose source is not had."""
    web = [src for src in sources if src.lower().startswith(("https://", "http://"))]
    if not web:
        return {}
    from renderowl.security.outbound import Bounds, open_outbound  # loads a client for HTTP: not where it is not used

    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="renderowl-web-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    outbound, bounds = open_outbound(settings), Bounds(settings.max_asset_bytes, settings.source_timeout_s)
    files = {src: folder / str(number) for number, src in enumerate(web)}
    brought = await asyncio.gather(*(_bring(outbound, src, path, bounds) for src, path in files.items()))
    problems = [
        FieldError(pointer, f"{src}: {error.detail}")
        for src, error in zip(web, brought, strict=True)
        if error is not None
        for pointer in sources[src]
    ]
    if problems:
        raise ValidationFailed("the spec names sources that cannot be fetched", errors=problems)
    return files


async def _bring(outbound: "Outbound", src: str, path: Path, bounds: "Bounds") -> RenderOwlError | None:
    from renderowl.services.fetching import download  # loads what a server needs: not where it is not used

    try:
        await download(outbound, src, path, bounds, lambda taken, whole: None)
    except RenderOwlError as error:
        return error
    return None
