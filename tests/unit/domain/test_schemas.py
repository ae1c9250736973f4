"""Schemas say the same on every Python, though 3.13 keeps docstrings in another way than those before."""

import msgspec

from renderowl.domain.schemas import components


class _Inner(msgspec.Struct):
    pass


class _Outer(msgspec.Struct):
    inner: _Inner


INDENTED = "Its promise.\n\n    Why so:\n        an example.\n    "
"""How Python 3.12 keeps a docstring; 3.13 keeps it as below."""
PLAIN = "Its promise.\n\nWhy so:\n    an example."


def test_descriptions_lose_the_indentation_of_the_source() -> None:
    _Outer.__doc__ = _Inner.__doc__ = INDENTED
    _, named = components([_Outer], "#/{name}")
    assert {schema["description"] for schema in named.values()} == {PLAIN}
    assert named["_Outer"]["properties"] == {"inner": {"$ref": "#/_Inner"}}
