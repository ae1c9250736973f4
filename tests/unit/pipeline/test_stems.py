"""Stems: however many sounds a film has, no command opens more than a process has room for."""

from collections import Counter

from renderowl.pipeline.command import Command, audio_command, stem_command
from renderowl.pipeline.encoding import Encoding
from renderowl.pipeline.plan import AudioProgramme
from renderowl.pipeline.planned import planned_sounds
from renderowl.pipeline.stems import MOST_SOUNDS, in_stems
from renderowl.pipeline.timeline import AudioClip, Duck, Media, Rate
from renderowl.pipeline.tools import Toolchain

TOOLS = Toolchain("ffmpeg", "test")
MEDIA = {"voice": Media("voice", "audio", "hash", duration_s=3600.0, has_audio=True, channels=1)}
DUCK = Duck(("voices",))


def programme(count: int) -> AudioProgramme:
    clips = tuple(
        AudioClip(f"{n}", 10 * n, 30, "voice", group=("voices", "music")[n % 2], duck=DUCK if n % 2 else None)
        for n in range(count)
    )
    return AudioProgramme("key", Rate(30), 10 * count + 20, clips, MEDIA, 100.0)


def opened(made: Command) -> int:
    return made.argv.count("-i")


def test_no_command_opens_more_inputs_than_a_process_has_room_for() -> None:
    batches, mixed = in_stems(programme(700))
    made = [stem_command(batch, mixed, TOOLS) for batch in batches]
    assert sum(map(opened, made)) == 700
    assert max(map(opened, made)) <= MOST_SOUNDS
    assert opened(audio_command(mixed, Encoding(), TOOLS)) == len(batches) <= MOST_SOUNDS


def test_few_sounds_are_mixed_at_once() -> None:
    few = programme(MOST_SOUNDS)
    assert in_stems(few) == ([], few)


def test_what_is_ducked_and_what_it_is_ducked_against_stay_apart() -> None:
    whole = programme(500)
    batches, mixed = in_stems(whole)
    heard = Counter((batch.stem.group, batch.stem.duck) for batch in batches for _ in batch.clips)
    assert heard == {("voices", None): 250, ("music", DUCK): 250}
    assert [stem.group for stem in mixed.stems] == [batch.stem.group for batch in batches]
    assert all(
        (clip.group, clip.duck) == (batch.stem.group, batch.stem.duck) for batch in batches for clip in batch.clips
    )


def test_a_stem_lasts_from_the_first_of_its_sounds_to_the_end_of_the_last() -> None:
    for batch in in_stems(programme(300))[0]:
        first, last = min(clip.start for clip in batch.clips), max(clip.start + clip.frames for clip in batch.clips)
        assert (batch.stem.begin, batch.stem.length) == (1600 * first, 1600 * (last - first))


def test_a_plan_tells_of_every_command() -> None:
    audio = programme(300)
    steps = list(planned_sounds(audio, Encoding(), TOOLS))
    assert [step.name for step in steps] == [*(f"audio-stem-{n}" for n in range(4)), "audio"]
    assert sum(step.argv.count("-i") for step in steps) == 300 + 4
    assert sum(step.cost for step in steps) == audio.cost
