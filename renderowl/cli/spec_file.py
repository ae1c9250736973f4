"""A spec on disk: read, checked against the media beside it and compiled, without any server."""

import asyncio
import atexit
import codecs
import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import rich_click as click

from renderowl.cli.web_files import from_the_web
from renderowl.domain.errors import FieldError, RenderOwlError, ValidationFailed
from renderowl.domain.spec.fields import Spec
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.reading import read
from renderowl.pipeline import compositions, espeak
from renderowl.pipeline.font_files import FontFacts, probe_font
from renderowl.pipeline.glyphs import require_glyphs
from renderowl.pipeline.plan import Plan, make_plan
from renderowl.pipeline.probe import probe_all
from renderowl.pipeline.speech import Spoken, Wanted, speak
from renderowl.pipeline.timeline import Media
from renderowl.pipeline.tools import Toolchain
from renderowl.settings import Settings

LIMITS: Final = Limits(max_duration_s=3 * 3600.0, max_width=7680, max_height=7680, local_files=True)
"""On one's own machine the only limits are those of the encoders."""

_BYTE: Final = re.compile(r" \(byte (\d+)\)$")


class SpecFile(Spec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's contents; `src` values in it are paths relative to the file."""

    composition_id: str
    input_props: dict[str, Any]
    output_settings: dict[str, Any] = msgspec.field(default_factory=dict)


class Prepared(msgspec.Struct, frozen=True):
    """A plan and the files its sources stand for."""

    plan: Plan
    inputs: dict[str, Path]


def read_spec(path: Path) -> SpecFile:
    """Return the file's contents; raises click.UsageError when it is not JSON, ValidationFailed when not a spec."""
    written = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        document = msgspec.json.decode(written)
    except ValueError as error:  # no JSON, or not in UTF-8
        raise click.UsageError(f"{path} is not JSON: {_placed(str(error), written)}") from error
    reading = read(document, SpecFile, at="")
    if reading.value is None:
        raise ValidationFailed(f"{path} is not a spec", errors=reading.errors)
    return reading.value


def _placed(complaint: str, written: bytes) -> str:
    """What the decoder said of a byte, said of a line as editors count them."""
    found = _BYTE.search(complaint)
    if found is None:
        return complaint
    lines = written[: int(found[1])].decode(errors="replace").split("\n")
    what = complaint[: found.start()].removeprefix("JSON is malformed: ")
    return f"line {len(lines)}, column {len(lines[-1]) + 1}: {what}"


async def prepare(path: Path, spec: SpecFile, tools: Toolchain, settings: Settings) -> Prepared:
    """Return the plan of a spec file; raises ValidationFailed with every problem of the spec or of its files."""
    limits = msgspec.structs.replace(LIMITS, plain_http=settings.outbound_plain_http)
    ask = compositions.parse(spec.composition_id, spec.input_props, spec.output_settings, limits)
    sources, text_sources = compositions.sources(ask), compositions.text_sources(ask)
    files = {src: path.parent / src for src in sources} | await from_the_web(sources, settings)
    inputs = {src: file for src, file in files.items() if src not in text_sources}
    font_sources = compositions.font_sources(ask)
    media, fonts = await _look(inputs, font_sources, sources, tools)
    texts = _read_texts({src: files[src] for src in text_sources}, sources)
    for src, spoken in (await _spoken(compositions.speeches(ask))).items():
        media[src], inputs[src] = spoken.media, spoken.path
    timeline = compositions.compile(ask, media, texts, fonts)
    require_glyphs(timeline)
    further = compositions.compile_further(ask, media, texts, fonts)
    return Prepared(make_plan(timeline, ask.output, further=further, fingerprint=tools.fingerprint), inputs)


async def _spoken(wanted: Wanted) -> dict[str, Spoken]:
    """Have the spec's texts spoken, into files that last as long as this command."""
    if not wanted:
        return {}
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="renderowl-speech-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    spoken = await speak(await espeak.discover(), wanted, folder / "said")
    return {speech.src: said for speech, said in spoken.items()}


async def _look(
    inputs: Mapping[str, Path], font_sources: set[str], pointers: Mapping[str, list[str]], tools: Toolchain
) -> tuple[dict[str, Media], dict[str, FontFacts]]:
    media: dict[str, Media] = {}
    fonts: dict[str, FontFacts] = {}
    problems: list[FieldError] = []
    others = [src for src in inputs if src not in font_sources]
    probed = dict(zip(others, await probe_all([inputs[src] for src in others], tools), strict=True))
    for src, file in inputs.items():
        found = probed.get(src)
        try:
            if found is None:
                fonts[src] = await probe_font(file, await asyncio.to_thread(_hash_of, file))
            elif isinstance(found, RenderOwlError):
                raise found
            else:
                media[src] = found.media(src, await asyncio.to_thread(_hash_of, file))
        except RenderOwlError as error:
            problems += [FieldError(pointer, f"{src}: {error.detail}") for pointer in pointers[src]]
    if problems:
        raise ValidationFailed("the spec names files that cannot be used", errors=problems)
    return media, fonts


def _read_texts(files: Mapping[str, Path], pointers: Mapping[str, list[str]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    problems: list[FieldError] = []
    for src, file in files.items():
        try:
            texts[src] = file.read_text(encoding="utf-8-sig")
        except OSError as error:
            problems += [FieldError(pointer, f"{src}: {error.strerror}") for pointer in pointers[src]]
        except UnicodeDecodeError:
            problems += [FieldError(pointer, f"{src}: not text in UTF-8") for pointer in pointers[src]]
    if problems:
        raise ValidationFailed("the spec names files that cannot be used", errors=problems)
    return texts


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
