"""A worker is killed after it uploaded its film and before Postgres knew: nothing of it stays when the render ends otherwise."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from renderowl.services.collecting import collect
from renderowl.testing.deployment import TOKEN, Deployment, open_deployment
from renderowl.testing.signals import until
from renderowl.testing.tcp_proxy import TcpProxy

FILM = {
    "composition_id": "timeline",
    "input_props": {
        "width": 640,
        "height": 360,
        "fps": 25,
        "tracks": [{"clips": [{"type": "text", "text": "left behind", "duration": 2, "style": {"font_size": 90}}]}],
    },
}
"""Short enough to be made whole within one claim."""
_TOLD = b"UPDATE steps SET status = $4, finished_at"
"""How a worker says that a step is done, after it has uploaded what the step made."""


@pytest.fixture
async def deployment(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with open_deployment(database_url, redis_url, tmp_path) as opened:
        yield opened


async def test_what_a_killed_worker_had_uploaded_for_a_cancelled_render_is_collected(deployment: Deployment) -> None:
    url = httpx.URL(deployment.ctx.settings.database_url)
    assert url.port is not None
    proxy = TcpProxy(url.port)
    async with proxy.serve() as proxied:
        _, port = await deployment.api()
        await deployment.scheduler()
        worker = await deployment.worker(database_url=str(url.copy_with(port=proxied)))
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {TOKEN}"}
        ) as http:
            proxy.hold_before(_TOLD)  # the film is finished and uploaded, and then there is nobody to tell
            posted = await http.post(f"/projects/{deployment.project_id}/renders", json=FILM)
            assert posted.status_code == 202, posted.text
            path, render_id = posted.headers["location"], posted.json()["id"]

            async def uploaded() -> list[str]:
                prefix = f"projects/{deployment.project_id}/renders/{render_id}/1-"
                return [found.key async for found in deployment.ctx.storage.scan(prefix)]

            assert len(await until(uploaded, timeout_s=120)) >= 1
            await worker.kill()
            proxy.cut()
            assert (await http.post(f"{path}/cancel")).json()["status"] == "cancelled"
            assert await collect(deployment.ctx, ended_for_s=0) >= 1
            assert await uploaded() == []
