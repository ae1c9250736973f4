"""docs/errors.md says of every error what the code says."""

from pathlib import Path

from renderowl.domain.errors import ERRORS

TEXT = (Path(__file__).parents[3] / "docs" / "errors.md").read_text()


def test_every_error_is_documented_with_its_status_fault_and_class() -> None:
    expected = {
        f"| `{code}` | {cls.status} | {cls.fault} | {cls.failure} | {cls.title} |" for code, cls in ERRORS.items()
    }
    rows = {line for line in TEXT.splitlines() if line.startswith("| `")}
    assert rows == expected
