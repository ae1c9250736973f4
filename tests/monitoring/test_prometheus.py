"""deploy/prometheus and deploy/grafana in a real Prometheus, beside processes of ours that live and die (`make test-alerts`).

Minutes of the alert rules are seconds here.
"""

import asyncio
import itertools
import math
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml
from websockets.asyncio.client import connect

from renderowl.embedded.process import die_with_parent, free_port
from renderowl.testing.deployment import TOKEN, Deployment, open_deployment
from renderowl.testing.signals import until

pytestmark = pytest.mark.prometheus

_ROOT = Path(__file__).parents[2]
_PROMETHEUS = _ROOT / "build/prometheus/usr/bin/prometheus"
_RULES = (_ROOT / "deploy/prometheus/alerts.yaml").read_text()
_CONFIG: dict[str, Any] = yaml.safe_load((_ROOT / "deploy/prometheus/prometheus.yaml").read_text())
_DASHBOARD: dict[str, Any] = msgspec.json.decode((_ROOT / "deploy/grafana/renderowl.json").read_bytes())
_PICTURES = {target["expr"] for panel in _DASHBOARD["panels"] for target in panel.get("targets", ())}
_LEASE_S = 2.0
_PATIENCE_S = 60.0


class Watched:
    """API, scheduler and worker, and the Prometheus that scrapes them every second."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.worker_port, self.scheduler_port, self.port = free_port(), free_port(), free_port()
        self.http = httpx.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"})
        self.prometheus = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}")

    async def start(self, folder: Path) -> asyncio.subprocess.Process:
        """Start everything; Prometheus' process."""
        self.api, api_port = await self.deployment.api(lease_s=_LEASE_S)
        self.scheduler = await self.deployment.scheduler(metrics_port=self.scheduler_port, lease_s=_LEASE_S)
        await self.new_worker()
        self.http.base_url = f"http://127.0.0.1:{api_port}/projects/{self.deployment.project_id}/"
        self.room = f"ws://127.0.0.1:{api_port}/ws/projects/{self.deployment.project_id}/renders"
        targets = [f"127.0.0.1:{port}" for port in (api_port, self.scheduler_port, self.worker_port)]
        _CONFIG["scrape_configs"][0]["static_configs"] = [{"targets": targets}]
        config = _CONFIG | {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}}
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        (folder / "alerts.yaml").write_text(re.sub(r"\b(\d+)m\b", r"\1s", _RULES).replace("[1h]", "[60s]"))
        return await asyncio.create_subprocess_exec(
            _PROMETHEUS,
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=error",
            preexec_fn=die_with_parent(signal.SIGKILL),
        )

    async def new_worker(self) -> None:
        """Start the worker, in the place of one that is gone."""
        self.worker = await self.deployment.worker(metrics_port=self.worker_port, lease_s=_LEASE_S, heartbeat_s=0.5)

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """The samples that an expression has now; none while Prometheus is not up."""
        try:
            response = await self.prometheus.get("/api/v1/query", params={"query": query})
        except httpx.TransportError:
            return []
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return []  # it listens, and reads its storage still
        answer = response.json()
        assert answer["status"] == "success", (query, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    async def fired(self, *names: str) -> None:
        """Return once each of these alerts has fired, be it over or not."""

        async def looked() -> bool:
            found = await self.ask('last_over_time(ALERTS{alertstate="firing"}[1h])')
            return set(names) <= {one["metric"]["alertname"] for one in found}

        await until(looked, timeout_s=_PATIENCE_S, every_s=0.5)

    async def quiet(self) -> None:
        """Return once every part is scraped and no alert fires."""

        async def looked() -> bool:
            return len(await self.ask("up == 1")) == 3 and not await self.ask('ALERTS{alertstate="firing"}')

        await until(looked, timeout_s=_PATIENCE_S, every_s=0.5)

    async def submit(self, text: str, *, width: int = 320, height: int = 180, seconds: float = 1) -> str:
        """Submit a film that never stands still; its id."""
        clip = {"type": "text", "text": text, "duration": seconds, "fade_in": seconds}
        props = {"width": width, "height": height, "fps": 25, "tracks": [{"clips": [clip]}]}
        posted = await self.http.post("renders", json={"composition_id": "timeline", "input_props": props})
        assert posted.status_code == 202, posted.text
        render_id: str = posted.json()["id"]
        return render_id

    async def status(self, render_id: str, *statuses: str) -> None:
        """Return once a render has one of these."""

        async def looked() -> bool:
            return (await self.http.get(f"renders/{render_id}")).json()["status"] in statuses

        await until(looked, timeout_s=_PATIENCE_S)

    async def lose_worker_amid(self, render_id: str) -> None:
        """Kill the worker once it encodes this render."""
        held = (
            "SELECT 1 FROM steps JOIN workers ON workers.id = worker_id "
            "WHERE render_id = $1 AND kind = 'segment' AND steps.status = 'running' AND pid = $2"
        )

        async def encodes() -> bool:
            return bool(await self.deployment.ctx.db.fetch_value(held, render_id, self.worker.process.pid))

        await until(encodes, timeout_s=_PATIENCE_S)
        await self.worker.kill()


@pytest.fixture
async def watched(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Watched]:
    async with open_deployment(database_url, redis_url, tmp_path) as deployment:
        watched = Watched(deployment)
        prometheus = await watched.start(tmp_path)
        try:
            await watched.quiet()
            yield watched
        finally:
            prometheus.kill()
            await prometheus.wait()


async def test_every_picture_of_the_dashboard_has_data_and_all_is_quiet(watched: Watched) -> None:
    films = itertools.count()
    missing = {picture: picture.replace("$__rate_interval", "1m") for picture in _PICTURES}

    async def all_seen() -> bool:
        film = await watched.submit(f"film {next(films)}")
        await watched.status(film, "completed")
        for picture, query in list(missing.items()):
            if any(math.isfinite(float(one["value"][1])) for one in await watched.ask(query)):
                del missing[picture]
        return not missing

    async with connect(watched.room, additional_headers={"Authorization": f"Bearer {TOKEN}"}):
        try:
            await until(all_seen, timeout_s=_PATIENCE_S, every_s=1)
        except TimeoutError:
            raise AssertionError(f"without data: {sorted(missing)}") from None
    await watched.quiet()


async def test_alerts_fire_for_what_happens_and_end_with_it(watched: Watched) -> None:
    await watched.worker.kill()
    waiting = await watched.submit("waits")
    await watched.fired("RenderOwlNoWorkers", "RenderOwlPartDown", "RenderOwlQueueStandsStill")
    await watched.new_worker()
    await watched.status(waiting, "completed")
    await watched.quiet()

    poisoned = await watched.submit("loses", width=1920, height=1080, seconds=8)
    for _ in range(2):
        await watched.lose_worker_amid(poisoned)
        await watched.new_worker()
    await watched.lose_worker_amid(poisoned)
    await watched.status(poisoned, "failed")
    await watched.fired("RenderOwlPoisonPill")

    await watched.scheduler.kill()
    await watched.api.kill()
    await watched.fired("RenderOwlSilent")
