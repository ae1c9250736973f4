"""The compositions: every module of this package that has a COMPOSITION is one. Adding a kind of video is adding a file."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import msgspec

from renderowl.domain.errors import FieldError, UnknownComposition, ValidationFailed
from renderowl.domain.schemas import components
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.output import OutputSettings
from renderowl.domain.spec.reading import nearest, read, shown
from renderowl.domain.spec.speech import Speech
from renderowl.pipeline.ask import OUTPUT, PROPS, Composition, Said, refuse
from renderowl.pipeline.ask import Ask as Ask
from renderowl.pipeline.draft import Draft
from renderowl.pipeline.font_files import FontFacts
from renderowl.pipeline.timeline import Media, Timeline


def _discover() -> dict[str, Composition[Any]]:
    modules = (import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    found: list[Composition[Any]] = [module.COMPOSITION for module in modules if hasattr(module, "COMPOSITION")]
    return {composition.id: composition for composition in sorted(found, key=lambda composition: composition.id)}


COMPOSITIONS: Final[Mapping[str, Composition[Any]]] = _discover()
"""Every composition by its id."""

_BY_NAME: Final = {name: c for c in COMPOSITIONS.values() for name in (c.id, *c.aliases)}


def canonical_id(composition_id: str) -> str:
    """Return the id of a composition named by id or alias; raises UnknownComposition naming the nearest."""
    composition = _BY_NAME.get(composition_id)
    if composition is None:
        message = f'there is no composition "{shown(composition_id)}"{nearest(composition_id, list(_BY_NAME))}'
        raise UnknownComposition(message, errors=[FieldError("/composition_id", message)])
    return composition.id


def schema(composition_id: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a render's `input_props` and `output_settings` for a composition."""
    composition = COMPOSITIONS[canonical_id(composition_id)]
    (props, output), definitions = components([composition.spec, OutputSettings], "#/$defs/{name}")
    definitions[composition.spec.__name__]["examples"] = list(composition.examples)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": composition.title,
        "description": composition.description,
        "type": "object",
        "properties": {"input_props": props, "output_settings": output},
        "required": ["input_props"],
        "examples": [{"input_props": example, "output_settings": {}} for example in composition.examples],
        "$defs": definitions,
    }


def parse(composition_id: str, input_props: object, output_settings: object, limits: Limits) -> Ask:
    """Read what is asked for; raises UnknownComposition, or ValidationFailed with every problem of both documents.

    Problems of the output settings are told with an unknown composition too: it is not needed to find them.
    """
    try:
        composition = COMPOSITIONS[canonical_id(composition_id)]
    except UnknownComposition as unknown:
        refuse([*unknown.errors, *read(output_settings, OutputSettings, at=OUTPUT).errors], UnknownComposition)
    return composition.parse(input_props, output_settings, limits)


def sources(ask: Ask) -> dict[str, list[str]]:
    """Return every source the ask names, media and texts, with the JSON pointers of the places that name it."""
    found: dict[str, list[str]] = {}
    for use in COMPOSITIONS[ask.composition_id].sources(ask.spec):
        found.setdefault(use.src, []).append(PROPS + use.at)
    if ask.output.watermark is not None:
        found.setdefault(ask.output.watermark.src, []).append(f"{OUTPUT}/watermark/src")
    return found


def text_sources(ask: Ask) -> set[str]:
    """Return those of the sources that are texts, such as caption files: `compile` wants their contents, not a probe."""
    return {use.src for use in COMPOSITIONS[ask.composition_id].sources(ask.spec) if use.kind == "text"}


def speeches(ask: Ask) -> dict[Speech, list[Said]]:
    """Return every text the ask wants spoken, with the places that want it: `compile` wants its sound among the media."""
    found: dict[Speech, list[Said]] = {}
    for said in COMPOSITIONS[ask.composition_id].speeches(ask.spec):
        at = msgspec.structs.replace(said, text_at=PROPS + said.text_at, voice_at=PROPS + said.voice_at)
        found.setdefault(said.speech, []).append(at)
    return found


def font_sources(ask: Ask) -> set[str]:
    """Return those of the sources that are fonts: `compile` wants their facts."""
    return {use.src for use in COMPOSITIONS[ask.composition_id].sources(ask.spec) if use.kind == "font"}


def compile(
    ask: Ask,
    media: Mapping[str, Media],
    texts: Mapping[str, str] | None = None,
    fonts: Mapping[str, FontFacts] | None = None,
) -> Timeline:
    """Make the timeline of an ask, given what is known of its media and fonts and what its texts say, all by source.

    Raises ValidationFailed with every place that does not fit the media, such as a trim beyond the source's end.
    """
    return COMPOSITIONS[ask.composition_id].compile(ask.spec, Draft(ask, media, texts or {}, fonts or {}))


def compile_further(
    ask: Ask,
    media: Mapping[str, Media],
    texts: Mapping[str, str] | None = None,
    fonts: Mapping[str, FontFacts] | None = None,
) -> list[Timeline]:
    """Make the timelines of an ask's further outputs, in their order; raises ValidationFailed with all their problems."""
    composition = COMPOSITIONS[ask.composition_id]
    made: list[Timeline] = []
    errors: list[FieldError] = []
    for index, output in enumerate(ask.output.further):
        found = list(composition.check(ask.spec, output, ask.limits))
        try:
            if not found:
                made.append(compile(msgspec.structs.replace(ask, output=output), media, texts, fonts))
        except ValidationFailed as failed:
            found = list(failed.errors)
        errors += [_of_further(error, f"{OUTPUT}/outputs/{index}") for error in found]
    if errors:
        refuse(errors)
    return made


def _of_further(error: FieldError, at: str) -> FieldError:
    """A problem of a further output, told at its place; what its size makes of the spec's own fields is its problem too."""
    if error.path.startswith(OUTPUT):
        return FieldError(at + error.path.removeprefix(OUTPUT), error.message)
    return FieldError(at, f"{error.path} {error.message}")
