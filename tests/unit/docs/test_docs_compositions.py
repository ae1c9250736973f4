"""docs/compositions.md names every field there is, and its examples are accepted."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from renderowl.domain.spec.fields import Spec
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.output import OutputSettings
from renderowl.pipeline import compositions

DOCS = Path(__file__).parents[3] / "docs"
DOC = (DOCS / "compositions.md").read_text()
MAX_PICTURES_BYTES = 1_500_000
EXAMPLES = re.findall(r"```json (\w+)\n(.*?)```", DOC, re.DOTALL)


def structs(kind: object) -> set[type[Spec]]:
    """All structs a type is made of."""
    found: set[type[Spec]] = set()
    waiting = [kind]
    while waiting:
        part = waiting.pop()
        if isinstance(part, msgspec.inspect.StructType) and part.cls not in found:
            found.add(part.cls)
            waiting += [field.type for field in part.fields]
        waiting += [getattr(part, name) for name in ("type", "item_type", "value_type") if hasattr(part, name)]
        waiting += getattr(part, "types", ())
    return found


@pytest.mark.parametrize("cls", [OutputSettings, *(found.spec for found in compositions.COMPOSITIONS.values())])
def test_every_field_is_documented(cls: type[Spec]) -> None:
    spans = " ".join(re.findall(r"`([^`\n]+)`", DOC))
    words = set(re.findall(r"[a-z_0-9]+", spans))
    names = {
        field.encode_name
        for struct in structs(msgspec.inspect.type_info(cls))
        for field in msgspec.structs.fields(struct)
    }
    assert names <= words, names - words


def test_every_composition_is_documented() -> None:
    for composition in compositions.COMPOSITIONS.values():
        assert f"\n## {composition.id}\n" in DOC
        assert all(f"`{alias}`" in DOC for alias in composition.aliases)
        assert composition.id in {name for name, _ in EXAMPLES}


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
def test_the_examples_are_accepted(name: str, text: str) -> None:
    document = json.loads(text)
    if name == "output_settings":
        compositions.parse("captioned_video", {"src": "asset://ast_talk"}, document, Limits())
    else:
        compositions.parse(name, document, {}, Limits())


def test_every_picture_is_there_and_shown_and_all_are_small() -> None:
    pictures = {path.relative_to(DOCS).as_posix(): path.stat().st_size for path in (DOCS / "pictures").iterdir()}
    assert set(re.findall(r"!\[[^\]]+\]\(([^)]+)\)", DOC)) == set(pictures)
    assert sum(pictures.values()) < MAX_PICTURES_BYTES
