"""Spoken texts of a project: spoken once when a render is asked for, found by workers, given up with their project."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from renderowl.domain.errors import TtsUnavailable, ValidationFailed
from renderowl.pipeline import espeak
from renderowl.pipeline.espeak import Espeak
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import discover
from renderowl.testing.farm import Farm, farm_settings, open_farm

FAST = {"preset": "ultrafast"}


@pytest.fixture
async def farm(database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path) -> AsyncIterator[Farm]:
    async with open_farm(farm_settings(database_url, redis_url, storage_dir, tmp_path / "work")) as opened:
        yield opened


def spoken(*texts: str, **fields: Any) -> dict[str, Any]:
    clips = [{"type": "tts", "text": text, **fields} for text in texts]
    background = {"type": "color", "color": "#204060", "duration": "end"}
    return {"width": 64, "height": 64, "fps": 25, "tracks": [{"clips": [background]}, {"clips": clips}]}


async def versions(farm: Farm) -> list[str]:
    rows = await farm.ctx.db.fetch("SELECT etag FROM fetched WHERE status = 'ready' ORDER BY id")
    return [row["etag"] for row in rows]


async def test_a_text_is_spoken_once_and_the_film_is_as_long_as_it_takes(farm: Farm, tmp_path: Path) -> None:
    render = await farm.completed(await farm.submit(spoken("one two", "three", "one two"), FAST))
    assert len(await versions(farm)) == 2
    found = await probe(await farm.download(render, tmp_path), await discover(), ours=True)
    assert found.has_audio
    media = [row["metadata"] for row in await farm.ctx.db.fetch("SELECT metadata::text FROM fetched")]
    lengths = {msgspec.json.decode(one)["media"]["duration_s"] for one in media}
    assert 0.5 < sum(lengths) < found.duration_s < 2 * sum(lengths)
    await farm.completed(await farm.submit(spoken("three", "one two"), FAST))
    assert len(await versions(farm)) == 2, "nothing was spoken again"


async def test_who_has_no_engine_takes_what_was_spoken_and_another_engine_speaks_anew(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await espeak.discover()
    assert isinstance(engine, Espeak)
    await farm.completed(await farm.submit(spoken("an owl"), FAST))
    monkeypatch.setitem(espeak._found, "engine", None)
    await farm.completed(await farm.submit(spoken("an owl"), FAST))
    with pytest.raises(TtsUnavailable) as caught:
        await farm.submit(spoken("an owl", "two owls", "two owls"), FAST)
    at = "/input_props/tracks/1/clips"
    assert [error.path for error in caught.value.errors] == [f"{at}/1/text", f"{at}/2/text"]
    monkeypatch.setitem(espeak._found, "engine", msgspec.structs.replace(engine, version="espeak-ng-next"))
    await farm.completed(await farm.submit(spoken("an owl"), FAST))
    assert await versions(farm) == [engine.version, "espeak-ng-next"]


async def test_what_cannot_be_spoken_is_refused_before_anything_is_stored(farm: Farm) -> None:
    with pytest.raises(ValidationFailed) as caught:
        await farm.submit(spoken("Qapla'", language="tlh"), FAST)
    assert [error.path for error in caught.value.errors] == ["/input_props/tracks/1/clips/0/language"]
    assert await versions(farm) == []
