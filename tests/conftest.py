"""What every test may use."""

from collections.abc import AsyncIterator

import pytest
import structlog

from renderowl.pipeline.tools import Toolchain, discover
from renderowl.testing.media import MadeMedia
from renderowl.testing.origin import Origin, open_origin

pytest_plugins = ["renderowl.testing.fixtures"]

# structlog's own tracebacks show every local variable: slow enough to hold up an event loop for seconds
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session")
async def tools() -> Toolchain:
    """The FFmpeg in use."""
    return await discover()


@pytest.fixture(scope="session")
def media(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> MadeMedia:
    """A maker of test media, each file made once a session."""
    return MadeMedia(tmp_path_factory.mktemp("media"), tools)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    """Somebody else's web server."""
    async with open_origin() as opened:
        yield opened
