"""docs/configuration.md tells the truth about every setting."""

from pathlib import Path

import msgspec
import pytest

from renderowl.settings import PREFIX, Settings

_DOCUMENT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
_FIELDS = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]


def _row(name: str) -> str:
    default = _FIELDS[name].get("default", "")
    shown = ",".join(map(str, default)) if isinstance(default, list | tuple) else str(default)
    return f"| `{PREFIX}{name.upper()}` | {f'`{shown}`' if shown else ''} | {_FIELDS[name]['description']} |"


@pytest.mark.parametrize("name", _FIELDS)
def test_a_setting_is_documented_with_its_default_and_meaning(name: str) -> None:
    assert _row(name) in _DOCUMENT, f"docs/configuration.md needs this row:\n{_row(name)}"


def test_nothing_is_documented_that_is_not_a_setting() -> None:
    documented = {line.split("`")[1] for line in _DOCUMENT.splitlines() if line.startswith(f"| `{PREFIX}")}
    assert documented == {f"{PREFIX}{name.upper()}" for name in _FIELDS}
