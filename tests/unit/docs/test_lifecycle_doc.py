"""docs/lifecycle.md shows the tables as they are."""

from pathlib import Path

from renderowl.testing.diagrams import regenerate, state_diagram

DOC = Path(__file__).parents[3] / "docs" / "lifecycle.md"


def test_the_diagrams_are_those_of_the_code() -> None:
    text = DOC.read_text()
    assert "queued --> processing" in text
    assert regenerate(text) == text, "run: python -m renderowl.testing.diagrams docs/lifecycle.md"


def test_starts_and_ends_are_found() -> None:
    diagram = state_diagram({"a": ["b"], "b": []})
    assert "[*] --> a" in diagram
    assert "a --> b" in diagram
    assert "b --> [*]" in diagram
