"""Stems: a film of hundreds of sounds is mixed in groups first, each into one file, and the film's sound track of those.

FFmpeg opens all inputs of a command at once, with two threads for each: some 350 of them exceed the memory limit. What
is ducked, or ducked against, alike shares a stem; a stem holds floats, so that what is added up may exceed one in between.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from renderowl.pipeline.graph import Stream
from renderowl.pipeline.joints import Edges, cut_edges
from renderowl.pipeline.mixing import mixed
from renderowl.pipeline.parts import Input
from renderowl.pipeline.plan import AudioProgramme, Stem
from renderowl.pipeline.sound import audible, may_be_loud, placed_at, voice_of
from renderowl.pipeline.timeline import AudioClip

MOST_SOUNDS: Final = 100
"""That one command mixes."""


class Batch(msgspec.Struct, frozen=True):
    """The sounds of one stem, and how each of them begins and ends in the whole film."""

    stem: Stem
    clips: tuple[AudioClip, ...]
    edges: tuple[Edges, ...]


def in_stems(programme: AudioProgramme) -> tuple[list[Batch], AudioProgramme]:
    """Return what is to be mixed first, and the programme of the stems; of few sounds none, and the programme as it is."""
    clips = audible(programme)
    if len(clips) <= MOST_SOUNDS:
        return [], programme
    alike: dict[object, list[tuple[AudioClip, Edges]]] = {}
    for each in zip(clips, cut_edges(clips, programme.rate), strict=True):
        alike.setdefault((each[0].group, each[0].duck), []).append(each)
    batches: list[Batch] = []
    for sounds in alike.values():
        in_turn = sorted(sounds, key=lambda sound: sound[0].start)
        for first in range(0, len(in_turn), MOST_SOUNDS):
            batches.append(_batch(len(batches), in_turn[first : first + MOST_SOUNDS], programme))
    return batches, msgspec.structs.replace(programme, clips=(), stems=tuple(batch.stem for batch in batches))


def _batch(number: int, sounds: Sequence[tuple[AudioClip, Edges]], programme: AudioProgramme) -> Batch:
    clips, edges = zip(*sounds, strict=True)
    places = [placed_at(clip, programme.rate) for clip in clips]
    begin = min(max(0, first) for first, _ in places)
    stem = Stem(
        src=f"stem://{number}",
        begin=begin,
        length=max(end for _, end in places) - begin,
        group=clips[0].group,
        duck=clips[0].duck,
        is_loud=any(may_be_loud(clip, programme) for clip in clips) or _overlap(places),
    )
    return Batch(stem, clips, edges)


def _overlap(places: Sequence[tuple[int, int]]) -> bool:
    """Tell whether any two of the sounds, which are in the order of their beginnings, are heard at once."""
    return any(begin < end for (_, end), (begin, _) in pairwise(places))


def stem_sound(batch: Batch, programme: AudioProgramme) -> tuple[Stream, list[Input]]:
    """Return the sum of a stem's sounds from its first sample on, and the inputs it is made of."""
    inputs: list[Input] = []
    voices = [voice_of(*sound, programme, inputs) for sound in zip(batch.clips, batch.edges, strict=True)]
    begin = batch.stem.begin
    return mixed([msgspec.structs.replace(one, begin=one.begin - begin) for one in voices]), inputs
