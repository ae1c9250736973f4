"""From a request to a draft of its film: read whole, its sources found, its timeline laid out. Nothing is stored here."""

import asyncio
from collections.abc import Mapping

import msgspec

from renderowl.domain.records import Fetched
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.compositions import Ask
from renderowl.pipeline.glyphs import require_glyphs
from renderowl.pipeline.timeline import Timeline
from renderowl.services import sources
from renderowl.services.context import Context
from renderowl.services.speaking import have_spoken
from renderowl.settings import Settings


class Draft(msgspec.Struct, frozen=True):
    """A request that was found to be good: read, its sources there, its timeline laid out."""

    ask: Ask
    resolved: sources.Resolved
    timeline: Timeline
    further: list[Timeline]
    """The timelines of the further outputs."""


def limits_of(settings: Settings) -> Limits:
    """The pipeline's limits as the settings have them."""
    return Limits(
        max_duration_s=settings.max_duration_s,
        max_tracks=settings.max_tracks,
        max_layers=settings.max_layers,
        max_width=settings.max_width,
        max_height=settings.max_height,
        plain_http=settings.outbound_plain_http,
    )


async def read_ask(ctx: Context, composition_id: str, input_props: object, output_settings: object) -> Ask:
    """Read a request. Raises UnknownComposition, or ValidationFailed with every problem of both documents."""
    return await asyncio.to_thread(
        compositions.parse, composition_id, input_props, output_settings, limits_of(ctx.settings)
    )


async def draft(ctx: Context, project_id: str, ask: Ask, fetched: Mapping[str, Fetched]) -> Draft:
    """Check a request as far as it can be without rendering. Raises ValidationFailed with every problem.

    `fetched` are our copies of what it names by URL.
    """
    resolved = await sources.resolve(ctx, project_id, compositions.sources(ask), fetched)
    resolved = resolved.with_copies(await have_spoken(ctx, project_id, compositions.speeches(ask)))
    timeline, *further = await asyncio.to_thread(_compile, ask, resolved)
    return Draft(ask, resolved, timeline, further)


def _compile(ask: Ask, resolved: sources.Resolved) -> list[Timeline]:
    known = (resolved.media, resolved.texts, resolved.fonts)
    timeline = compositions.compile(ask, *known)
    require_glyphs(timeline)
    return [timeline, *compositions.compile_further(ask, *known)]


async def count_frames(ctx: Context, project_id: str, ask: Ask) -> int:
    """Check a request before it is accepted and return how many frames it has: 0 while its sources are to be fetched.

    What comes from the web may have changed since it was last looked at: nothing is refused for what it was then.
    """
    named = compositions.sources(ask)
    web = sources.on_the_web(ctx, named)
    if not web:
        return (await draft(ctx, project_id, ask, {})).timeline.canvas.frames
    await sources.resolve(ctx, project_id, {src: at for src, at in named.items() if src not in web}, {})
    await have_spoken(ctx, project_id, compositions.speeches(ask))
    return 0
