"""The pytest plugin: fixtures for suites of programs that use RenderOwl. See `docs/testing.md`.

pytest loads it wherever RenderOwl is installed, so it imports nothing and starts nothing until a fixture is asked for.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from renderowl.testing.recorder import EventRecorder
    from renderowl.testing.running import Caller, Clock, Renderer, RunningService
    from renderowl.testing.signed import WebhookSigner


@pytest.fixture(scope="session")
def renderowl_service(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[RunningService]":
    """A running service with fake renders, one a test process; `.url` is where it is."""
    from renderowl.testing.running import run_service

    with run_service(tmp_path_factory.mktemp("renderowl")) as service:
        yield service


@pytest.fixture
def renderowl_caller(renderowl_service: "RunningService") -> "Caller":
    """A user of this test's own."""
    return renderowl_service.new_caller()


@pytest.fixture
def renderowl_key(renderowl_caller: "Caller") -> str:
    """An API key of the test's user, that may read and write."""
    return renderowl_caller.key


@pytest.fixture
def renderowl_project(renderowl_service: "RunningService", renderowl_caller: "Caller") -> str:
    """The id of an empty project of the test's user."""
    return renderowl_service.new_project(renderowl_caller)


@pytest.fixture
def renderowl_renderer(renderowl_service: "RunningService", renderowl_project: str) -> "Renderer":
    """What becomes of the project's renders: `renderowl_renderer.will(Percent(40), Fail("stalled"))`."""
    from renderowl.testing.running import Renderer

    return Renderer(renderowl_service.fake, renderowl_project)


@pytest.fixture
def renderowl_clock(renderowl_service: "RunningService", renderowl_project: str) -> "Clock":
    """The clock that the project's renders wait by: it stands still until the test turns it."""
    from renderowl.testing.running import Clock

    return Clock(renderowl_service, renderowl_service.fake.casts[renderowl_project].clock)


@pytest.fixture
def renderowl_events(
    renderowl_service: "RunningService", renderowl_key: str, renderowl_project: str
) -> "Iterator[EventRecorder]":
    """All that the project's room tells from now on."""
    from renderowl.testing.recorder import recording

    with recording(renderowl_service, renderowl_key, renderowl_project) as recorder:
        yield recorder


@pytest.fixture
def renderowl_webhook() -> "WebhookSigner":
    """Makes signed webhooks: `renderowl_webhook("render.completed", {...})`; starts nothing."""
    from renderowl.testing.signed import WebhookSigner

    return WebhookSigner()
