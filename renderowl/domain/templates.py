"""Templates: `{{trigger.video_url}}` in the texts of a JSON document, filled in once and nowhere else.

Only string leaves are looked at, never names of fields. A path goes through objects and lists of JSON and through nothing
else; its root is one of a few. What is filled in is data: it is not looked at again, and it is never an object or a list.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

import msgspec

from renderowl.domain.errors import FieldError
from renderowl.domain.spec.reading import nearest, pointer, shown

MAX_FILLED_CHARS: Final = 262_144
"""What all texts of a document may grow to together."""

Scalar = str | int | float | bool | None

_MARK: Final = re.compile(r"\{\{([^{}]*)\}\}")
_PATH: Final = re.compile(r"[a-z_][a-z0-9_]{0,63}(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,63}){0,15}")


class _Problem(Exception):
    """Why a text cannot be filled in."""


def problems(document: Any, at: str, roots: Collection[str], keep: Collection[str] = ()) -> list[FieldError]:
    """Every template of a document that could not be filled in whatever there is; `keep` are names that are not ours."""
    found = []
    for path, text in _texts(document, at):
        try:
            for name in _names(text, keep):
                root = name.partition(".")[0]
                if root not in roots:
                    known = " or ".join(f"{one}." for one in sorted(roots))
                    raise _Problem(f"{{{{{name}}}}} must begin with {known}{nearest(root, list(roots))}")
                if "." not in name:
                    raise _Problem(f"{{{{{name}}}}} names nothing within {root}")
        except _Problem as problem:
            found.append(FieldError(path, str(problem)))
    return found


def places(document: Any, at: str, keep: Collection[str] = ()) -> set[str]:
    """The JSON pointers of the texts that something is filled into."""
    return {
        path for path, text in _texts(document, at) if any(name.strip() not in keep for name in _MARK.findall(text))
    }


def fill(document: Any, scope: Mapping[str, Any], at: str, keep: Collection[str] = ()) -> tuple[Any, list[FieldError]]:
    """The document with every template replaced by what `scope` has there, and what could not be.

    A text that is nothing but one template becomes the value itself: a number stays a number.
    """
    found: list[FieldError] = []
    grown = 0

    def filled(text: str, path: str) -> Any:
        nonlocal grown
        try:
            value = _fill(text, scope, keep)
        except _Problem as problem:
            found.append(FieldError(path, str(problem)))
            return text
        if isinstance(value, str):
            grown += len(value)
            if grown > MAX_FILLED_CHARS:
                found.append(FieldError(path, f"filling in makes more than {MAX_FILLED_CHARS} characters"))
                grown = 0
        return value

    return _mapped(document, at, filled), found


def _fill(text: str, scope: Mapping[str, Any], keep: Collection[str]) -> Scalar:
    names = _names(text, keep)
    if not names:
        return text
    values = {name: _look_up(name, scope) for name in names}
    if keep and any(isinstance(value, str) and "{{" in value for value in values.values()):
        raise _Problem("what is filled in has {{ in it, which would be taken for a variable")
    whole = _MARK.fullmatch(text)
    if whole is not None:
        return values[whole[1].strip()]
    return _MARK.sub(lambda mark: mark[0] if mark[1].strip() in keep else _written(mark[1].strip(), values), text)


def _names(text: str, keep: Collection[str]) -> list[str]:
    """The names between braces in a text. Raises _Problem when there are braces that name nothing."""
    names = [inner.strip() for inner in _MARK.findall(text)]
    if "{{" in _MARK.sub("", text):
        raise _Problem("has {{ without a name and }} after it")
    for name in names:
        if name not in keep and not _PATH.fullmatch(name):
            raise _Problem(f"{{{{{shown(name)}}}}} is no path such as {{{{trigger.video_url}}}}")
    return [name for name in names if name not in keep]


def _look_up(name: str, scope: Mapping[str, Any]) -> Scalar:
    value: Any = scope
    walked = ""
    for part in name.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and len(part) < 10 and int(part) < len(value):
            value = value[int(part)]
        else:
            raise _Problem(f"there is no {part!r} in {walked or 'what may be named'}")
        walked = f"{walked}.{part}" if walked else part
    if isinstance(value, Mapping | list):
        raise _Problem(f"{name} is {'a list' if isinstance(value, list) else 'an object'}, and no text or number")
    scalar: Scalar = value
    return scalar


def _written(name: str, values: Mapping[str, Scalar]) -> str:
    value = values[name]
    if value is None:
        raise _Problem(f"{name} is null, which cannot stand within a text")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _texts(value: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for name, child in value.items():
            yield from _texts(child, at + pointer(name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _texts(child, f"{at}/{index}")


def _mapped(value: Any, at: str, change: Callable[[str, str], Any]) -> Any:
    if isinstance(value, str):
        return change(value, at)
    if isinstance(value, Mapping):
        return {name: _mapped(child, at + pointer(name), change) for name, child in value.items()}
    if isinstance(value, list):
        return [_mapped(child, f"{at}/{index}", change) for index, child in enumerate(value)]
    return value
