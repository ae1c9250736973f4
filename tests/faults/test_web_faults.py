"""The web fails, or we do while we talk to it: what was to be sent is delivered or listed, what was to come comes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from renderowl.db import deliveries, webhooks
from renderowl.domain.ids import new_id
from renderowl.domain.records import Delivery
from renderowl.embedded.process import free_port
from renderowl.testing.deployment import Deployment, open_deployment
from renderowl.testing.media import MadeMedia
from renderowl.testing.origin import Asked, open_origin, page, silent
from renderowl.testing.signals import until

OUT: Final[dict[str, Any]] = {"outbound_allow": "127.0.0.1", "outbound_plain_http": "true"}


@pytest.fixture
async def deployment(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with open_deployment(database_url, redis_url, tmp_path) as opened:
        yield opened


async def listed(deployment: Deployment) -> list[Delivery]:
    """Every delivery of the project."""
    return await deliveries.list_page(
        deployment.ctx.db,
        deployment.project_id,
        before_id=None,
        limit=1000,
        status=None,
        webhook_id=None,
        render_id=None,
    )


async def make_due(deployment: Deployment) -> None:
    """Turn the clock of what waits to be tried again."""
    await deployment.ctx.db.execute("UPDATE deliveries SET next_attempt_at = now() WHERE status = 'pending'")


async def send_to(deployment: Deployment, url: str) -> str:
    """A webhook of the project's for this URL."""
    made = await webhooks.insert(
        deployment.ctx.db,
        new_id("whk"),
        deployment.project_id,
        url=url,
        description="",
        events=["render.completed"],
        most=20,
    )
    assert made is not None
    return made.id


async def test_a_receiver_that_was_down_gets_every_event_though_senders_are_killed(deployment: Deployment) -> None:
    port = free_port()
    await send_to(deployment, f"http://127.0.0.1:{port}/hook")
    senders = [await deployment.scheduler(**OUT), await deployment.scheduler(**OUT)]
    await deployment.happen(30, "render.completed")

    async def all_tried() -> bool:
        return all(one.error is not None for one in await listed(deployment))

    await until(all_tried, timeout_s=60)
    assert {one.status for one in await listed(deployment)} == {"pending"}
    for sender in senders:
        await sender.kill()
    await make_due(deployment)
    await deployment.happen(10, "render.completed")
    async with open_origin(port) as receiver:
        receiver.put("/hook", page())
        await deployment.scheduler(**OUT)

        async def all_delivered() -> bool:
            return {one.status for one in await listed(deployment)} == {"delivered"}

        await until(all_delivered, timeout_s=60)
        found = await listed(deployment)
        assert len(found) == 40
        assert {asked.headers["webhook-id"] for asked in receiver.asked} == {one.id for one in found}
        assert len(receiver.asked) == 40


async def test_what_a_sender_was_sending_when_it_was_killed_is_sent_again(deployment: Deployment) -> None:
    async with open_origin() as receiver:
        await send_to(deployment, receiver.put("/hook", silent()))
        killed = await deployment.scheduler(**OUT)
        await deployment.happen(3, "render.completed")

        async def all_asked() -> bool:
            return len(receiver.asked) >= 3

        await until(all_asked, timeout_s=60)
        await killed.kill()
        assert [one.status for one in await listed(deployment)] == ["pending"] * 3
        receiver.put("/hook", page())
        await make_due(deployment)  # their lease has run out
        await deployment.scheduler(**OUT)

        async def all_delivered() -> bool:
            return [one.status for one in await listed(deployment)] == ["delivered"] * 3

        await until(all_delivered, timeout_s=60)


async def test_a_source_that_was_coming_when_its_worker_was_killed_comes_to_the_next(
    deployment: Deployment, media: MadeMedia, tmp_path: Path
) -> None:
    clip = (await media.video(colors=["red"])).read_bytes()
    coming = asyncio.Event()

    async def half(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 Said\r\nContent-Length: {len(clip)}\r\n\r\n".encode() + clip[:1000])
        await writer.drain()
        coming.set()
        await asyncio.Event().wait()

    async with open_origin() as origin:
        src = origin.put("/clip.mp4", half)
        _, port = await deployment.api(**OUT)
        await deployment.scheduler(**OUT)
        killed = await deployment.worker(**OUT)
        clips = [{"type": "video", "src": src}]
        spec = {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": clips}]}
        async with deployment.client(port) as client:
            render_id = (await client.create_render(deployment.project_id, "timeline", spec)).id
            async with asyncio.timeout(60):
                await coming.wait()
            await killed.kill()
            origin.put("/clip.mp4", page(clip))
            await deployment.worker(**OUT)

            async def completed() -> bool:
                render = await client.get_render(deployment.project_id, render_id)
                assert render.status in ("processing", "completed", "queued"), render.error
                return render.status == "completed"

            await until(completed, timeout_s=90)
    rows = await deployment.ctx.db.fetch("SELECT status FROM fetched")
    assert [row["status"] for row in rows] == ["ready"]
    assert len([path for path in (tmp_path / "storage").rglob("sources/*") if path.is_file()]) == 1
