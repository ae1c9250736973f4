"""What every test may use."""

import pytest

from renderowl.pipeline.tools import Toolchain, discover
from renderowl.testing.media import MadeMedia

pytest_plugins = ["renderowl.testing.fixtures"]


@pytest.fixture(scope="session")
async def tools() -> Toolchain:
    """The FFmpeg in use."""
    return await discover()


@pytest.fixture(scope="session")
def media(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> MadeMedia:
    """A maker of test media, each file made once a session."""
    return MadeMedia(tmp_path_factory.mktemp("media"), tools)
