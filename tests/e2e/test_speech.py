"""Texts spoken by eSpeak NG, from a spec to what is heard."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.speech import Speech
from renderowl.pipeline import espeak
from renderowl.pipeline.ask import Said
from renderowl.pipeline.espeak import Espeak
from renderowl.pipeline.speech import speak
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.media import level_db, sound_samples


async def engine() -> Espeak:
    found = await espeak.discover()
    assert isinstance(found, Espeak), "the test tools bring it along"
    return found


async def test_it_speaks_many_languages_the_same_way_each_time(tmp_path: Path) -> None:
    spoken = {}
    texts = {
        Speech("Hello there, this is an owl."): 1.0,
        Speech("Hello there, this is an owl.", "en-US", "f2"): 1.0,
        Speech("Grüße aus dem Wald.", "de-AT"): 0.8,
        Speech("你好，世界。", "zh"): 0.5,
        Speech("\x01100V loud? <break time='9s'/> [[h@'loU]] {}%:'\"\\ $(id)"): 1.0,
    }
    wanted = {one: [Said(one, "/text", "")] for one in texts}
    for number, order in enumerate((wanted, dict(reversed(wanted.items())))):
        spoken[number] = await speak(await engine(), order, tmp_path / f"said{number}")
    for speech, least_s in texts.items():
        first, second = spoken[0][speech], spoken[1][speech]
        assert least_s < first.media.duration_s < 15, speech
        assert first.media.content_hash == second.media.content_hash
    hashes = {each.media.content_hash for each in spoken[0].values()}
    assert len(hashes) == len(texts)


async def test_what_it_does_not_know_is_named(tmp_path: Path) -> None:
    said = {Speech("a", "tlh"): [Said(Speech("a"), "/a", "")], Speech("b", "en", "f9"): [Said(Speech("b"), "/b", "/x")]}
    with pytest.raises(ValidationFailed) as caught:
        await speak(await engine(), said, tmp_path)
    assert [error.path for error in caught.value.errors] == ["/language", "/x/voice"]


async def test_a_film_is_as_long_as_what_is_spoken_in_it(tools: Toolchain, tmp_path: Path) -> None:
    spec = {
        "composition_id": "timeline",
        "input_props": {
            "width": 64,
            "height": 64,
            "tracks": [
                {"clips": [{"type": "color", "color": "#204060", "duration": "end"}]},
                {
                    "clips": [
                        {"type": "tts", "text": "one two three"},
                        {"type": "tts", "text": "four", "crossfade": 0.1},
                    ]
                },
            ],
        },
        "output_settings": {"preset": "ultrafast", "loudness": {"target_lufs": -16}},
    }
    (tmp_path / "spec.json").write_bytes(msgspec.json.encode(spec))
    film = tmp_path / "film.mp4"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "renderowl", "render", str(tmp_path / "spec.json"), "-o", str(film), "--json")
    )
    assert await process.wait() == 0
    samples = await sound_samples(film, tools)
    assert 0.8 < len(samples) / 48_000 < 6
    assert level_db(samples) > -30
