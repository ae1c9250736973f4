"""Placing: problems of one document told where another has the same fields."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping

from renderowl.domain.errors import FieldError, RenderOwlError


def moved(errors: Iterable[FieldError], places: Mapping[str, str]) -> list[FieldError]:
    """Problems with other JSON pointers: the first of `places` that one begins with is replaced by what it stands for."""
    return [FieldError(_moved(error.path, places), error.message) for error in errors]


@contextlib.contextmanager
def told_at(places: Mapping[str, str]) -> Iterator[None]:
    """Tell what is raised in this block elsewhere: `{"/input_props": ""}`, or `{"": "/data"}` for a part of a document."""
    try:
        yield
    except RenderOwlError as error:
        there = tuple(moved(error.errors, places))
        if there and error.detail.startswith(f"{error.errors[0].path} "):
            error.detail = there[0].path + error.detail.removeprefix(error.errors[0].path)
        error.errors = there
        raise


def once(errors: Iterable[FieldError]) -> list[FieldError]:
    """Problems with one message a place, the first that was found."""
    found: dict[str, FieldError] = {}
    for error in errors:
        found.setdefault(error.path, error)
    return list(found.values())


def _moved(path: str, places: Mapping[str, str]) -> str:
    for place, to in places.items():
        if path == place or path.startswith(place + "/"):
            return to + path[len(place) :]
    return path
