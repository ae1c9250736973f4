"""Publishing a film: one visible result, and no object without an owner."""

from pathlib import Path
from typing import Any, cast

import pytest

from renderowl.domain.errors import Interrupted, Unavailable
from renderowl.domain.records import Claim
from renderowl.pipeline.assemble import OutputFile
from renderowl.pipeline.run import ProcessLimits
from renderowl.services import steps
from renderowl.services.stopping import StopSignal
from renderowl.services.views import CacheView
from renderowl.storage.base import ObjectInfo
from renderowl.storage.local import LocalStorage
from renderowl.worker import execution as execution_module
from renderowl.worker.assembling import Film, publish
from renderowl.worker.execution import Execution
from renderowl.worker.watchdog import Watchdog

PREFIX = "projects/prj_1/renders/rnd_1/"
MINE = f"{PREFIX}2-mine/0-video.mp4"


class Play:
    """An execution at its end, with Postgres played."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.storage = LocalStorage(folder / "storage", "http://test", [b"secret"])
        self.answers: list[Exception | None] = []
        self.published = False
        self.reported: list[dict[str, Any]] = []
        render = type("R", (), {"id": "rnd_1", "project_id": "prj_1", "attempt": 2})
        self.execution = Execution(
            ctx=cast(Any, type("C", (), {"storage": self.storage})),
            tools=cast(Any, None),
            inputs=cast(Any, None),
            limits=ProcessLimits(),
            claim=Claim("stp_1", 3, "mine", "wrk_1"),
            work=cast(Any, type("W", (), {"render": render})),
            signal=StopSignal(),
            watchdog=Watchdog(0),
            folder=folder,
        )
        self.film = folder / "film.mp4"
        self.film.write_bytes(b"film")
        monkeypatch.setattr(execution_module, "FIRST_WAIT_S", 0.0)
        monkeypatch.setattr(steps, "complete_render", self._complete)
        monkeypatch.setattr(steps, "is_published", self._is_published)

    async def _complete(self, ctx: object, claim: Claim, output: dict[str, Any], *_: object, **__: object) -> None:
        self.reported.append(output)
        if (error := self.answers.pop(0)) is not None:
            raise error

    async def _is_published(self, ctx: object, render_id: str, prefix: str) -> bool:
        assert prefix == f"{PREFIX}2-mine/"
        return self.published

    async def publish(self, *, count: int = 1) -> None:
        plan = type("P", (), {"total_frames": 25})
        files = [OutputFile("video", "../Ein Füm.mp4", self.film, "video/mp4", 4, 1.0, 320, 180, 25.0, 25)] * count
        await publish(self.execution, cast(Any, type("B", (), {"plan": plan})), Film(files, CacheView()))

    async def objects(self) -> list[str]:
        return [one.key async for one in self.storage.scan("projects/")]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    return Play(tmp_path, monkeypatch)


async def test_the_winner_removes_what_losers_left_and_keeps_the_logs(play: Play) -> None:
    for key in (f"{PREFIX}1-old/0-video.mp4", f"{PREFIX}2-other/0-video.mp4", f"{PREFIX}logs/2/audio.txt"):
        await play.storage.put_bytes(key, b"x", content_type="text/plain")
    play.answers = [None]
    await play.publish()
    assert await play.objects() == [MINE, f"{PREFIX}logs/2/audio.txt"]
    (file,) = play.reported[0]["outputs"]
    assert file["key"] == MINE, "nothing of the caller's name is in a key"
    assert (file["name"], file["frames"], file["fps"]) == ("../Ein Füm.mp4", 25, 25.0)


async def test_a_fenced_worker_removes_what_it_uploaded(play: Play) -> None:
    play.answers = [steps.Fenced("stp_1")]
    with pytest.raises(steps.Fenced):
        await play.publish()
    assert await play.objects() == []


async def test_a_commit_whose_answer_was_lost_is_found_to_have_been_ours(play: Play) -> None:
    play.answers = [Unavailable("the connection broke at COMMIT"), steps.Fenced("stp_1")]
    play.published = True
    await play.publish()
    assert await play.objects() == [MINE]


async def test_an_outage_is_waited_for(play: Play) -> None:
    play.answers = [Unavailable("away"), Unavailable("away"), None]
    await play.publish()
    assert len(play.reported) == 3
    assert await play.objects() == [MINE]


async def test_a_step_that_is_stopped_while_uploading_leaves_nothing(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file = play.storage.put_file

    async def put_and_be_cancelled(key: str, path: Path, *, content_type: str) -> ObjectInfo:
        play.execution.signal.set("cancelled")
        return await put_file(key, path, content_type=content_type)

    monkeypatch.setattr(play.storage, "put_file", put_and_be_cancelled)
    with pytest.raises(Interrupted):
        await play.publish(count=2)
    assert await play.objects() == []
    assert play.reported == []
