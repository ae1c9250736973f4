"""Reading: a JSON document against a struct, with every problem found at once.

`msgspec.convert` stops at the first mistake. This walks the document along `msgspec.inspect`'s description of the struct,
renames aliases, fills variables in, collects all problems with their JSON pointers, and only then lets msgspec build the value.
"""

import difflib
import functools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, cast

import msgspec
from msgspec import inspect as mi

from renderowl.domain.errors import FieldError
from renderowl.domain.spec.fields import Spec, camel

T = TypeVar("T", bound=Spec)
S = TypeVar("S", bound=Spec)
Scalar = str | float | bool

MAX_ERRORS: Final = 100
MAX_DEPTH: Final = 64
"""How deep lists and objects may be nested where a caller may say anything."""
MAX_FILLED_CHARS: Final = 1_000_000
"""What all texts of a document may grow by when variables are filled in."""

_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.-]{0,63})\s*\}\}")


class Reading(msgspec.Struct, Generic[T], frozen=True):
    """What became of a document: the value if there are no errors, and the document under its canonical names.

    `right` are those of its fields that nothing is wrong with; none when there were more errors than are told.
    """

    value: T | None
    given: dict[str, Any]
    right: dict[str, Any]
    errors: tuple[FieldError, ...]


def read(document: object, cls: type[T], *, at: str) -> Reading[T]:
    """Read `document` as a `cls`; `at` is the JSON pointer the paths of errors begin with. Never raises."""
    walker = _Walker()
    kind = _type_info(cls)
    if isinstance(document, Mapping) and "variables" in _names(cls):
        walker.take_variables(document.get("variables"), at + "/variables")
    given, filled = walker.walk(kind, {} if document is None else document, at, {})
    value = walker.build(cls, filled, at) if not walker.errors else None
    errors = tuple(walker.errors[:MAX_ERRORS])
    given = cast(dict[str, Any], given) if isinstance(given, dict) else {}
    wrong = {error.path.removeprefix(at + "/").partition("/")[0] for error in errors}
    right = {name: value for name, value in given.items() if name not in wrong} if len(errors) < MAX_ERRORS else {}
    return Reading(value=value, given=given, right=right, errors=errors)


def canonical(document: Mapping[Any, object], cls: type[Spec]) -> dict[str, object]:
    """Return what a document says of the fields of `cls`, under their canonical names; the first of several counts."""
    names = _names(cls)
    said: dict[str, object] = {}
    for key, value in document.items():
        if isinstance(key, str) and key in names:
            said.setdefault(names[key].encode_name, value)
    return said


def nearest(word: str, known: Sequence[str]) -> str:
    """Return `; did you mean "x"?` for the known word that is nearest, or nothing."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word[:100]).lower()
    close = difflib.get_close_matches(snake, list(known), n=1, cutoff=0.55)
    return f'; did you mean "{close[0]}"?' if close else ""


def pointer(*parts: str | int) -> str:
    """Join the parts of a JSON pointer (RFC 6901)."""
    return "".join("/" + shown(str(part)).replace("~", "~0").replace("/", "~1") for part in parts)


def shown(text: str) -> str:
    """Return a caller's text fit for a message: short, and printable anywhere."""
    short = text if len(text) <= 80 else text[:77] + "..."
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in short)


class _Walker:
    """One walk over one document. Every method returns the value under canonical names, as given and with variables."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []
        self.variables: dict[str, Scalar] = {}
        self.filled_chars = 0

    def fail(self, at: str, message: str) -> tuple[None, None]:
        if len(self.errors) <= MAX_ERRORS:
            self.errors.append(FieldError(at, message))
        return None, None

    def take_variables(self, given: object, at: str) -> None:
        for name, value in given.items() if isinstance(given, Mapping) else ():
            if isinstance(value, str | int | float):
                self.variables[str(name)] = value
                if not _VARIABLE.fullmatch(f"{{{{{name}}}}}"):
                    self.fail(at + pointer(str(name)), "a variable's name has letters, digits, _, - and . only")

    def build(self, cls: type[S], filled: object, at: str) -> S | None:
        try:
            return msgspec.convert(filled, cls)
        except msgspec.ValidationError as error:  # the walk was less strict than msgspec is
            self.fail(at, str(error))
            return None

    def walk(self, kind: mi.Type, value: object, at: str, marks: Mapping[str, Any]) -> tuple[Any, Any]:
        """Check `value` against one type; `marks` are those of `fields.py`."""
        if isinstance(kind, mi.Metadata):
            return self.walk(kind.type, value, at, {**marks, **(kind.extra or {})})
        if isinstance(kind, mi.UnionType):
            return self.union(kind, value, at, marks)
        if isinstance(kind, mi.StructType):
            return self.struct(kind, value, at)
        if isinstance(kind, mi.VarTupleType | mi.ListType):
            return self.items(kind, value, at)
        if isinstance(kind, mi.DictType):
            return self.mapping(kind, value, at)
        if isinstance(kind, mi.AnyType):
            return self.free(value, at)
        return self.leaf(kind, value, at, marks)

    def struct(self, kind: mi.StructType, value: object, at: str) -> tuple[Any, Any]:
        if not isinstance(value, Mapping):
            return self.fail(at, "must be an object")
        before = len(self.errors)
        names = _names(kind.cls)
        given: dict[str, Any] = {}
        filled: dict[str, Any] = {}
        if kind.tag_field is not None:
            given[kind.tag_field] = filled[kind.tag_field] = kind.tag
        said: dict[str, object] = {}
        for key, child in value.items():
            field = names.get(key) if isinstance(key, str) else None
            if key == kind.tag_field:
                continue
            if field is None:
                known = [*(f.encode_name for f in kind.fields), *([kind.tag_field] if kind.tag_field else [])]
                what = f' for {kind.tag_field} "{kind.tag}"' if kind.tag else ""
                # Looking for the nearest name is slow: a body of a hundred thousand unknown ones gets no more hints.
                hint = nearest(str(key), known) if len(self.errors) < MAX_ERRORS else ""
                self.fail(at + pointer(str(key)), f"unknown field{what}{hint}")
                continue
            name = field.encode_name
            if name in said and said[name] != child:
                self.fail(at + pointer(str(key)), f'is "{name}" by another name, and the two say different things')
                continue
            said[name] = child
            if child is None and not field.required:
                continue
            there = at + pointer(name)
            given[name], filled[name] = self.walk(field.type, child, there, {})
        for field in kind.fields:
            if field.required and field.encode_name not in said:
                self.fail(at + pointer(field.encode_name), "is required")
        if len(self.errors) == before and (built := self.build(cast(type[Spec], kind.cls), filled, at)) is not None:
            for path, message in built.problems():
                self.fail(at + path, message)
        return given, filled

    def items(self, kind: mi.VarTupleType | mi.ListType, value: object, at: str) -> tuple[Any, Any]:
        if not isinstance(value, list | tuple):
            return self.fail(at, "must be a list")
        if kind.min_length is not None and len(value) < kind.min_length:
            return self.fail(at, f"must have at least {kind.min_length} item{'s' * (kind.min_length > 1)}")
        if kind.max_length is not None and len(value) > kind.max_length:
            return self.fail(at, f"must have at most {kind.max_length} items, and has {len(value)}")
        pairs = [self.walk(kind.item_type, item, f"{at}/{index}", {}) for index, item in enumerate(value)]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def mapping(self, kind: mi.DictType, value: object, at: str) -> tuple[Any, Any]:
        if not isinstance(value, Mapping):
            return self.fail(at, "must be an object")
        given: dict[str, Any] = {}
        filled: dict[str, Any] = {}
        if kind.max_length is not None and len(value) > kind.max_length:
            return self.fail(at, f"must have at most {kind.max_length} entries")
        for key, child in value.items():
            if not isinstance(key, str) or not _is_plain(key):
                self.fail(at + pointer(str(key)), "must be named by a plain text")
                continue
            given[key], filled[key] = self.walk(kind.value_type, child, at + pointer(key), {})
        return given, filled

    def free(self, value: object, at: str) -> tuple[Any, Any]:
        """Check a value whose shape is the caller's own: it must be possible to store it and to tell it again."""
        waiting: list[tuple[object, str, int]] = [(value, at, 0)]
        while waiting:
            one, there, depth = waiting.pop()
            if isinstance(one, str):
                if not _is_plain(one):
                    return self.fail(there, "must not contain NUL characters or halves of characters")
            elif isinstance(one, Mapping | list | tuple):
                if depth == MAX_DEPTH:
                    return self.fail(there, f"is nested more than {MAX_DEPTH} levels deep")
                inner = one.items() if isinstance(one, Mapping) else enumerate(one)
                for name, child in inner:
                    if isinstance(name, str) and not _is_plain(name):
                        return self.fail(there + pointer(name), "must be named by a plain text")
                    if isinstance(child, str | Mapping | list | tuple):
                        waiting.append((child, there + pointer(name), depth + 1))
        return value, value

    def union(self, kind: mi.UnionType, value: object, at: str, marks: Mapping[str, Any]) -> tuple[Any, Any]:
        options = [option for option in kind.types if not isinstance(option, mi.NoneType)]
        if value is None and len(options) < len(kind.types):
            return None, None
        structs = [option for option in options if isinstance(_bare(option), mi.StructType)]
        if len(structs) > 1 and isinstance(value, Mapping):
            return self.tagged([cast(mi.StructType, _bare(option)) for option in structs], value, at)
        resolved = self.fill(value, at) if isinstance(value, str) else value
        fitting = options if len(options) == 1 else [option for option in options if _takes(_bare(option), resolved)]
        if not fitting:
            return self.fail(at, "must be " + " or ".join(dict.fromkeys(_named(option) for option in options)))
        return self.walk(fitting[0], value, at, {k: v for k, v in marks.items() if k == "looks"})

    def tagged(self, options: Sequence[mi.StructType], value: Mapping[Any, Any], at: str) -> tuple[Any, Any]:
        tag_field = options[0].tag_field or "type"
        there = at + pointer(tag_field)
        tag = value.get(tag_field)
        by_tag = {str(option.tag): option for option in options}
        if isinstance(tag, str) and tag in by_tag:
            return self.struct(by_tag[tag], value, at)
        hint = nearest(tag, list(by_tag)) if isinstance(tag, str) else ""
        return self.fail(there, "must be " + _listed(list(by_tag)) + hint)

    def leaf(self, kind: mi.Type, value: object, at: str, marks: Mapping[str, Any]) -> tuple[Any, Any]:
        filled = self.fill(value, at) if isinstance(value, str) else value
        if isinstance(filled, str) and not _is_plain(filled):
            return self.fail(at, "must not contain NUL characters or halves of characters")
        if isinstance(kind, mi.LiteralType):
            if not isinstance(filled, bool) and filled in kind.values:
                return value, filled
            words = [str(word) for word in kind.values]
            return self.fail(
                at, "must be " + _listed(words) + (nearest(filled, words) if isinstance(filled, str) else "")
            )
        if not _fits(kind, filled):
            return self.fail(at, f"must be {_named(kind)}")
        if isinstance(kind, mi.StrType):
            message = _text_problem(kind, str(filled), marks)
        elif isinstance(kind, mi.IntType | mi.FloatType):
            message = _number_problem(kind, cast(float, filled))
            if not message:
                filled = int(cast(float, filled)) if isinstance(kind, mi.IntType) else float(cast(float, filled))
        else:
            message = ""
        return self.fail(at, message) if message else (value, filled)

    def fill(self, text: str, at: str) -> object:
        """Replace `{{name}}`: a text that is nothing else becomes the variable's value, whatever its type."""
        if "{{" not in text or not self.variables:
            return text
        unknown = sorted({name for name in _VARIABLE.findall(text) if name not in self.variables})
        if unknown:
            self.fail(at, f'no variable is named "{unknown[0]}"{nearest(unknown[0], list(self.variables))}')
            return text
        if whole := _VARIABLE.fullmatch(text):
            return self.variables[whole[1]]
        grown = sum(len(_written(self.variables[name])) for name in _VARIABLE.findall(text))
        self.filled_chars += grown
        if self.filled_chars > MAX_FILLED_CHARS:
            self.fail(at, f"filling the variables in makes more than {MAX_FILLED_CHARS} characters")
            return text
        return _VARIABLE.sub(lambda match: _written(self.variables[match[1]]), text)


@functools.cache
def _type_info(cls: type) -> mi.Type:
    """What msgspec finds out about a type: milliseconds for a composition's, each time it is asked."""
    return mi.type_info(cls)


@functools.cache
def _names(cls: type) -> dict[str, mi.Field]:
    """All names a field may be given by."""
    info = cast(mi.StructType, _type_info(cls))
    names: dict[str, mi.Field] = {}
    for field in info.fields:
        extra = (field.type.extra or {}) if isinstance(field.type, mi.Metadata) else {}
        for name in (field.encode_name, *extra.get("aliases", ())):
            names[name] = names[camel(name)] = field
    return names


def _written(value: Scalar) -> str:
    """Write a variable inside a text as JSON would: `true`, `3`, `2.5`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _is_plain(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _bare(kind: mi.Type) -> mi.Type:
    return _bare(kind.type) if isinstance(kind, mi.Metadata) else kind


def _fits(kind: mi.Type, value: object) -> bool:
    """Tell whether a value has the JSON type of `kind`; its bounds are looked at later."""
    match kind:
        case mi.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case mi.IntType():
            return not isinstance(value, bool) and (
                isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            )
        case mi.BoolType():
            return isinstance(value, bool)
        case mi.StrType() | mi.LiteralType():
            return isinstance(value, str)
        case mi.StructType() | mi.DictType():
            return isinstance(value, Mapping)
        case mi.VarTupleType() | mi.ListType():
            return isinstance(value, list | tuple)
    return False


def _takes(kind: mi.Type, value: object) -> bool:
    """Tell whether a value is meant as this option of a union: of the right type and, for a word, one of the known."""
    return _fits(kind, value) and (not isinstance(kind, mi.LiteralType) or value in kind.values)


def _named(kind: mi.Type) -> str:
    bare = _bare(kind)
    if isinstance(bare, mi.LiteralType):
        return _listed([str(word) for word in bare.values])
    names: dict[type[mi.Type], str] = {
        mi.FloatType: "a number",
        mi.IntType: "a whole number",
        mi.BoolType: "true or false",
        mi.StrType: "a text",
        mi.VarTupleType: "a list",
    }
    return names.get(type(bare), "an object")


def _listed(words: Sequence[str]) -> str:
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else "one of " + ", ".join(quoted)


def _text_problem(kind: mi.StrType, text: str, marks: Mapping[str, Any]) -> str:
    if kind.min_length is not None and len(text) < kind.min_length:
        return "must not be empty" if kind.min_length == 1 else f"must have at least {kind.min_length} characters"
    if kind.max_length is not None and len(text) > kind.max_length:
        return f"must have at most {kind.max_length} characters"
    if kind.pattern is not None and re.fullmatch(kind.pattern, text) is None:
        return f"must be {marks.get('looks', 'a text matching ' + kind.pattern)}"
    return ""


def _number_problem(kind: mi.IntType | mi.FloatType, number: float) -> str:
    if isinstance(number, float) and not math.isfinite(number):
        return "must be a finite number"
    if kind.ge is not None and number < kind.ge:
        return f"must be at least {kind.ge:g}"
    if kind.gt is not None and number <= kind.gt:
        return f"must be more than {kind.gt:g}"
    if kind.le is not None and number > kind.le:
        return f"must be at most {kind.le:g}"
    if isinstance(number, int) and abs(number) > 2**53:
        return "is too large a number"
    return ""
