"""What the pytest plugin costs those who do not ask for it, and the acts of fake renders."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from renderowl.testing import Fail, Percent, plugin
from renderowl.testing.fake_renderer import checked

_DOCS = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()


def test_the_plugin_loads_nothing_of_the_service() -> None:
    code = "import sys, renderowl.testing.plugin; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"litestar", "asyncpg", "redis", "structlog", "piccolo", "httpx", "renderowl.settings"} & set(loaded)


def test_every_fixture_is_documented() -> None:
    fixtures = {name for name in vars(plugin) if name.startswith("renderowl_")}
    assert fixtures == set(re.findall(r"^\| `(renderowl_\w+)`", _DOCS, re.MULTILINE))


def test_an_act_that_cannot_be_played_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="no error code"):
        checked((Fail("no_such_code"),))
    with pytest.raises(ValueError, match="is no act"):
        checked((Percent(1), "fail"))  # type: ignore[arg-type]  # what a test without types may write
