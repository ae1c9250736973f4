"""One example of every message of a room, for `/asyncapi.json` and `docs/realtime.md`. A test misses none."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from renderowl.domain.automations import ExecutedBrief
from renderowl.domain.events import Picture, Progress
from renderowl.services.rooms import EventView, RenderState, WebhookBrief
from renderowl.services.views import (
    AssetBrief,
    CacheView,
    OutputFile,
    OutputView,
    PlayableBrief,
    RenderBrief,
    RenderError,
    RetryBrief,
)
from renderowl.ws import frames

_RENDER: Final = "rnd_0m4k2v9c7q"
_AT: Final = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
_WAITING: Final = Progress(0.0, 0, 990)
_HALFWAY: Final = Progress(45.5, 450, 990, "encoding", fps=118.0, speed=3.9, eta_s=4.6)
_DONE: Final = Progress(100.0, 990, 990, "completed")
_FILM: Final = OutputView([OutputFile("video", "film.mp4", "video/mp4", 4_194_304, 33.0, 1280, 720, 30.0, 990)])
_LOST: Final = RenderError("worker_lost", "The worker stopped answering", "us", True)
_BAD: Final = RenderError("media_unreadable", "The media cannot be read", "caller", False)

_ADA: Final = frames.Watcher("con_0m4k2v9c7r", "usr_0m4k2v9c7a", "Ada")
_GRACE: Final = frames.Watcher("con_0m4k2v9c7s", "usr_0m4k2v9c7b")

SAID: Final[tuple[frames.ClientMessage, ...]] = (
    frames.Auth("eyJhbGciOi..."),
    frames.Hello(
        "e7f3a1.1042", frames.Filter(frozenset({_RENDER}), frozenset({"progress", "state"}), 5.0), True, "Ada"
    ),
    frames.Subscribe(frames.Filter(types=frozenset({"state"}))),
    frames.AuthRefresh("eyJhbGciOi..."),
    frames.Pong(),
    frames.RenderCreate(
        "k1",
        {"composition_id": "captioned_video", "input_props": {"src": "asset://ast_0m4k2v9c7p"}, "priority": "high"},
    ),
    frames.RenderCancel("k2", _RENDER),
    frames.RenderRetry("k3", _RENDER),
)

TOLD: Final[tuple[frames.ServerMessage, ...]] = (
    frames.Welcome("con_0m4k2v9c7r", "e7f3a1", 1050, True, 25, _AT, 1, [_ADA]),
    frames.Snapshot(
        1050,
        [
            RenderState(
                id=_RENDER,
                status="processing",
                attempt=1,
                composition_id="captioned_video",
                priority="normal",
                progress=_HALFWAY,
                output=None,
                error=None,
                cache=CacheView(9, 0),
                playable=False,
                metadata={},
                created_at=_AT,
                started_at=_AT,
                completed_at=None,
            )
        ],
        False,
    ),
    frames.RenderProgress(_RENDER, _HALFWAY),
    frames.RenderPreview(_RENDER, Picture(450, 15.0, b"\xff\xd8\xff\xdb...")),
    frames.PresenceNews(2, [_ADA, _GRACE], [_GRACE], []),
    frames.CursorMark(1060),
    frames.Ack("k1", _RENDER, "queued"),
    frames.AuthExpiring(60),
    frames.Ping(),
    frames.Error("conflict", "The render is completed", False, "k2"),
)


def _about_render(status: str, progress: Progress, **more: object) -> dict[str, object]:
    told = {"status": status, "composition_id": "captioned_video", "priority": "normal", "progress": progress, **more}
    brief: dict[str, object] = msgspec.to_builtins(msgspec.convert(told, RenderBrief, from_attributes=True))
    return brief


EVENTS: Final[tuple[EventView, ...]] = (
    EventView("render.queued", 1043, _about_render("queued", _WAITING), _RENDER, attempt=1),
    EventView("render.started", 1044, _about_render("processing", _WAITING), _RENDER, attempt=1),
    EventView("render.completed", 1051, _about_render("completed", _DONE, output=_FILM), _RENDER, attempt=1),
    EventView("render.failed", 1052, _about_render("failed", _HALFWAY, error=_LOST), _RENDER, attempt=1),
    EventView("render.cancelled", 1053, _about_render("cancelled", _HALFWAY), _RENDER, attempt=1),
    EventView("render.retrying", 1045, msgspec.to_builtins(RetryBrief("segment", 1, 3.2, _LOST)), _RENDER, attempt=1),
    EventView("render.playable", 1046, msgspec.to_builtins(PlayableBrief(33.0, True)), _RENDER, attempt=1),
    EventView(
        "asset.ready",
        1040,
        msgspec.to_builtins(AssetBrief("talk.mp4", "video", "ready", {"duration_s": 33.0, "width": 1280}, None)),
        asset_id="ast_0m4k2v9c7p",
    ),
    EventView(
        "asset.failed",
        1041,
        msgspec.to_builtins(AssetBrief("talk.mp4", "video", "failed", None, _BAD)),
        asset_id="ast_0m4k2v9c7p",
    ),
    EventView(
        "automation.executed",
        1054,
        msgspec.to_builtins(
            ExecutedBrief("aut_0m4k2v9c7p", "exe_0m4k2v9c7p", "schedule", "completed", ["rnd_0m4k2v9c7p"])
        ),
    ),
    EventView(
        "webhook.disabled",
        1055,
        msgspec.to_builtins(
            WebhookBrief("whk_0m4k2v9c7p", "https://hooks.example/films", "the receiver answered 410 Gone")
        ),
    ),
)

PLAIN: Final[tuple[frames.PlainRenderProgress | frames.PlainEvent, ...]] = (
    frames.PlainRenderProgress(_RENDER, frames.PlainProgress(45.5, 450, 990)),
    frames.PlainEvent("render.completed", _RENDER, _about_render("completed", _DONE, output=_FILM)),
)


def as_sent(message: msgspec.Struct) -> dict[str, Any]:
    """An example as JSON has it. The sets of a filter have no order of their own: they are sorted."""
    sent: dict[str, Any] = msgspec.to_builtins(message, order="deterministic" if message in SAID else None)
    return sent
