"""What is asked for: a composition with its spec and output settings, read and checked."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NoReturn, TypeVar, cast

import msgspec

from renderowl.domain.errors import FieldError, ValidationFailed
from renderowl.domain.spec.fields import Spec
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.output import OutputSettings
from renderowl.domain.spec.reading import MAX_ERRORS, read
from renderowl.domain.spec.speech import Speech
from renderowl.pipeline.timeline import Timeline

if TYPE_CHECKING:
    from renderowl.pipeline.draft import Draft

S = TypeVar("S", bound=Spec)

PROPS: Final = "/input_props"
OUTPUT: Final = "/output_settings"

_SPOKEN_CHARS_PER_S: Final = 60
_ASSET: Final = re.compile(r"asset://[A-Za-z0-9_-]{1,100}")
_HTTPS: Final = re.compile(r"https://[^\s/@]+(/\S*)?", re.IGNORECASE)
_HTTP: Final = re.compile(_HTTPS.pattern.replace("https", "http"), re.IGNORECASE)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,20})://")


class Use(msgspec.Struct, frozen=True):
    """One place of a spec that names a source, `at` being relative to the spec."""

    src: str
    at: str
    kind: Literal["media", "text", "font"] = "media"


class Said(msgspec.Struct, frozen=True):
    """One place of a spec that wants a text spoken; `voice_at` is the object that has the language and the voice."""

    speech: Speech
    text_at: str
    voice_at: str


class Ask(msgspec.Struct, frozen=True):
    """A checked request: what `parse` makes and `compile` takes. The two dicts are the documents in canonical names."""

    composition_id: str
    spec: Spec
    output: OutputSettings
    limits: Limits
    input_props: dict[str, Any]
    output_settings: dict[str, Any]


def _no_problems(spec: Spec, output: OutputSettings, limits: Limits) -> Iterator[FieldError]:
    yield from ()


def _says_nothing(spec: Spec) -> Iterator[Said]:
    yield from ()


def _as_it_is(spec: Any) -> tuple[Any, list[FieldError]]:
    return spec, []


def _same_limits(limits: Limits) -> Limits:
    return limits


def _no_defaults(spec: Spec) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Composition(Generic[S]):
    """A kind of video. One module of `compositions/` makes one and calls it COMPOSITION."""

    id: str
    title: str
    description: str
    spec: type[S]
    sources: Callable[[S], Iterator[Use]]
    compile: Callable[[S, "Draft"], Timeline]
    speeches: Callable[[S], Iterator[Said]] = field(default=_says_nothing)
    aliases: tuple[str, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()
    check: Callable[[S, OutputSettings, Limits], Iterator[FieldError]] = field(default=_no_problems)
    """Finds what is beyond the limits before any media is known; full JSON pointers."""
    resolve: Callable[[S], tuple[S, list[FieldError]]] = field(default=_as_it_is)
    """Puts what a spec says of itself in the place of what refers to it; pointers relative to the spec."""
    limits: Callable[[Limits], Limits] = field(default=_same_limits)
    """What the caller's limits mean for this composition."""
    defaults: Callable[[S], dict[str, Any]] = field(default=_no_defaults)
    """Output settings that hold for this spec unless the caller's own say otherwise."""

    def parse(self, input_props: object, output_settings: object, limits: Limits) -> Ask:
        """Read both documents; raises ValidationFailed with every problem of both."""
        limits = self.limits(limits)
        props = read(input_props, self.spec, at=PROPS)
        output = said = read(output_settings, OutputSettings, at=OUTPUT)
        if props.value is not None and isinstance(output_settings or {}, Mapping):
            defaults = {name: value for name, value in self.defaults(props.value).items() if name not in said.given}
            output = read({**defaults, **cast(Any, output_settings or {})}, OutputSettings, at=OUTPUT)
        errors = [*props.errors, *output.errors]
        mark = output.right.get("watermark")
        if mark is not None and (message := source_problem(mark["src"], limits)):
            errors.append(FieldError(f"{OUTPUT}/watermark/src", message))
        spec = props.value
        if spec is not None:
            spec, unresolved = self.resolve(spec)
            lost = {PROPS + error.path: FieldError(PROPS + error.path, error.message) for error in unresolved}
            errors += lost.values()
            errors += [
                FieldError(PROPS + use.at, message)
                for use in self.sources(spec)
                if PROPS + use.at not in lost and (message := source_problem(use.src, limits))
            ]
            errors += _too_much_said(self.speeches(spec), limits)
            errors += self.check(spec, output.value or OutputSettings(), limits)
        if errors or spec is None or output.value is None:
            refuse(errors)
        return Ask(
            composition_id=self.id,
            spec=spec,
            output=output.value,
            limits=limits,
            input_props=props.given,
            output_settings=said.given,
        )


def _too_much_said(said: Iterator[Said], limits: Limits) -> Iterator[FieldError]:
    """Yield where a spec has more spoken than could be heard in the longest film, at four times a speaker's pace."""
    left = int(limits.max_duration_s * _SPOKEN_CHARS_PER_S)
    for each in said:
        left -= len(each.speech.text)
        if left < 0:
            most = int(limits.max_duration_s * _SPOKEN_CHARS_PER_S)
            yield FieldError(PROPS + each.text_at, f"with this more than {most} characters are spoken, the limit")
            return


def source_problem(src: str, limits: Limits) -> str:
    """Say what is wrong with a source, or nothing."""
    if _ASSET.fullmatch(src) or _HTTPS.fullmatch(src) or (limits.plain_http and _HTTP.fullmatch(src)):
        return ""
    scheme = _SCHEME.match(src)
    if limits.local_files and (scheme is None or scheme[1].lower() == "file"):
        return ""
    return "must be asset://<id> or https://..." + (" or a path" if limits.local_files else "")


def refuse(errors: Sequence[FieldError], kind: type[ValidationFailed] = ValidationFailed) -> NoReturn:
    """Raise ValidationFailed, or a `kind` of it, with these errors."""
    count = len(errors)
    detail = f"{errors[0].path} {errors[0].message}" if errors else ""
    more = f" (and {count - 1} more)" if count > 1 else ""
    raise kind(detail + more, errors=errors[:MAX_ERRORS])
