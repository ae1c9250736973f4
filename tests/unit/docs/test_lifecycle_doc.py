"""docs/lifecycle.md shows the tables as they are."""

from pathlib import Path

from renderowl.testing.diagrams import blocks, state_diagram
from renderowl.testing.documents import regenerate

DOC = Path(__file__).parents[3] / "docs" / "lifecycle.md"


def test_the_diagrams_are_those_of_the_code() -> None:
    text = DOC.read_text()
    assert "queued --> processing" in text
    assert regenerate(text, blocks()) == text, "run: make documents"


def test_starts_and_ends_are_found() -> None:
    diagram = state_diagram({"a": ["b"], "b": []})
    assert "[*] --> a" in diagram
    assert "a --> b" in diagram
    assert "b --> [*]" in diagram
