"""Bringing the web sources of a render to the worker that prepares it, before anything is planned."""

import asyncio
from collections.abc import Mapping
from typing import Final

from renderowl.domain.errors import RenderOwlError
from renderowl.domain.records import Fetched
from renderowl.pipeline import compositions
from renderowl.pipeline.compositions import Ask
from renderowl.services import fetching, sources
from renderowl.services.blueprint import Share
from renderowl.services.fetching import Kind
from renderowl.worker.execution import Execution
from renderowl.worker.reporting import Part, Reporter

AT_ONCE: Final = 4
FETCH_SHARE: Final = 0.05
"""What the percent shows of a render whose sources have all come: how long the rest takes is not known before."""


async def fetch_sources(execution: Execution, ask: Ask) -> dict[str, Fetched]:
    """Copies of all that the spec names by URL. Raises one error naming every field whose source cannot be had."""
    pointers = sources.on_the_web(execution.ctx, compositions.sources(ask))
    if not pointers:
        return {}
    kinds: dict[str, Kind] = dict.fromkeys(compositions.text_sources(ask), "captions")
    kinds |= dict.fromkeys(compositions.font_sources(ask), "font")
    progress = execution.work.render.progress
    reporter = Reporter(execution.ctx, execution.work, Share(1.0, progress.total_frames), execution.watchdog)
    async with reporter.running():
        copies = await execution.unless_stopped(_fetch_all(execution, pointers, kinds, reporter))
    # what was told of the fetching weighs nothing in what follows; the percent that was shown stays
    settled = Reporter(execution.ctx, execution.work, Share(0.0, progress.total_frames), execution.watchdog)
    settled.say(Part("preparing", before=FETCH_SHARE, share=0.0), 1.0)
    await settled.flush()
    return copies


async def _fetch_all(
    execution: Execution, pointers: Mapping[str, list[str]], kinds: Mapping[str, Kind], reporter: Reporter
) -> dict[str, Fetched]:
    folder = execution.new_folder("sources")
    places = asyncio.Semaphore(AT_ONCE)
    shares = dict.fromkeys(pointers, 0.0)
    copies: dict[str, Fetched] = {}
    problems: dict[str, RenderOwlError] = {}
    part = Part("fetching", share=FETCH_SHARE)

    def tell(url: str, share: float) -> None:
        shares[url] = max(shares[url], share)
        reporter.say(part, sum(shares.values()) / len(shares))

    async def one(url: str) -> None:
        def heard(taken: int, whole: int | None) -> None:
            tell(url, taken / whole if whole else 0.0)

        async with places:
            try:
                brought = await fetching.fetch(
                    execution.ctx,
                    execution.tools,
                    execution.work.render.project_id,
                    url,
                    kind=kinds.get(url, "media"),
                    folder=folder,
                    tell=heard,
                )
            except RenderOwlError as error:
                problems[url] = error
                return
        if brought.path is not None:
            await execution.inputs.adopt(brought.copy.content_hash, brought.path)
        copies[url] = brought.copy
        tell(url, 1.0)

    reporter.say(part, 0.0)
    for ended in await asyncio.gather(*(one(url) for url in pointers), return_exceptions=True):
        if ended is not None:
            raise ended
    if problems:
        raise fetching.all_problems(dict(sorted(problems.items())), pointers)
    return copies
