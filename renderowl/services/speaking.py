"""Speaking: texts of a spec become sounds of its project, each spoken once and kept like a source from the web.

A copy's `etag` is the version of the engine that spoke it. A process without an engine takes what another one has spoken,
so that workers need none.
"""

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from renderowl.db import fetched as rows
from renderowl.domain.errors import Unavailable
from renderowl.domain.ids import new_id
from renderowl.domain.records import Fetched
from renderowl.domain.spec.speech import Speech
from renderowl.pipeline import espeak
from renderowl.pipeline.speech import Spoken, Wanted, speak
from renderowl.services.assets import FOLDER
from renderowl.services.context import Context

_speakers: Final = asyncio.Semaphore(2)
"""Engines at once in one process: they take a core each."""
_STORED_AT_ONCE: Final = 8


async def have_spoken(ctx: Context, project_id: str, wanted: Wanted) -> dict[str, Fetched]:
    """The sounds of these texts by source, those spoken now that were not there.

    Raises TtsUnavailable naming every text that nothing here can speak, ValidationFailed for what the engine cannot.
    """
    if not wanted:
        return {}
    engine = await espeak.discover()
    known = await rows.newest(ctx.db, project_id, [speech.src for speech in wanted])
    fit = {one.id: one for one in known.values() if engine is None or one.etag == engine.version}
    kept = await rows.keep(ctx.db, list(fit))
    there = {one.url: one for one in fit.values() if one.id in kept}
    missing = {speech: places for speech, places in wanted.items() if speech.src not in there}
    if missing:
        with tempfile.TemporaryDirectory(prefix=f"{FOLDER}speech-") as folder:
            async with _speakers:
                spoken = await speak(engine, missing, Path(folder) / "said")
            version = engine.version if engine is not None else ""
            there |= await _store(ctx, project_id, spoken.items(), version)
    return there


async def _store(
    ctx: Context, project_id: str, spoken: Iterable[tuple[Speech, Spoken]], version: str
) -> dict[str, Fetched]:
    gate = asyncio.Semaphore(_STORED_AT_ONCE)

    async def store(speech: Speech, said: Spoken) -> tuple[str, Fetched]:
        copy_id = new_id("src")
        copy = Fetched(
            id=copy_id,
            project_id=project_id,
            url=speech.src,
            etag=version,
            last_modified=None,
            content_hash=said.media.content_hash,
            storage_key=f"projects/{project_id}/sources/{copy_id}",
            size_bytes=said.path.stat().st_size,
            content_type="audio/wav",
            metadata={"media": msgspec.to_builtins(said.media)},
        )
        async with gate:
            await rows.insert(ctx.db, copy)
            await ctx.storage.put_file(copy.storage_key, said.path, content_type=copy.content_type)
            if not await rows.set_ready(ctx.db, copy.id):
                raise Unavailable("the project is being deleted")
        return speech.src, copy

    return dict(await asyncio.gather(*(store(speech, said) for speech, said in spoken)))
