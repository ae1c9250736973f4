"""Annotations mean the same on every Python: from 3.14 on they are read late, when a class has its own names already."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "renderowl"


def _shadowed(cls: ast.ClassDef) -> Iterator[str]:
    """The names in the annotations of a class's fields that are also names of its fields and methods."""
    fields = [part for part in cls.body if isinstance(part, ast.AnnAssign)]
    own = {part.target.id for part in fields if isinstance(part.target, ast.Name)}
    own |= {part.name for part in cls.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
    for field in fields:
        read = {part.id for part in ast.walk(field.annotation) if isinstance(part, ast.Name)}
        yield from (f"{cls.name}: {name}" for name in sorted(read & own))


def _classes(source: str) -> list[ast.ClassDef]:
    return [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]


def test_no_field_takes_a_name_that_annotations_of_its_class_read() -> None:
    found = {
        str(path.relative_to(PACKAGE)): names
        for path in PACKAGE.rglob("*.py")
        if (names := [name for cls in _classes(path.read_text()) for name in _shadowed(cls)])
    }
    assert not found, f"Python 3.14 would read the class's own name there: {found}"


@pytest.mark.parametrize("name", ["field", "method"])
def test_such_a_name_is_found(name: str) -> None:
    (cls,) = _classes("class C:\n    field: Meta(field.MAX)\n    other: method.Kind\n    def method(self): ...")
    assert f"C: {name}" in _shadowed(cls)
