"""From audio clips to one sound stream: the whole programme at once, exact to the sample, at 48 kHz in stereo."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import msgspec

from renderowl.pipeline.clock import exact, fraction_of, time_of
from renderowl.pipeline.effects.path import path
from renderowl.pipeline.graph import Stream, combined, input_stream, source
from renderowl.pipeline.joints import Edges, cut_edges
from renderowl.pipeline.layers import Input
from renderowl.pipeline.mixing import SAMPLE_RATE as SAMPLE_RATE
from renderowl.pipeline.mixing import Placed, mixed, overlap
from renderowl.pipeline.motion import Key
from renderowl.pipeline.plan import AudioProgramme, Stem
from renderowl.pipeline.timeline import AudioClip, Duck, Media, Rate

_CEILING: Final = 0.966
"""The limiter's: -0.3 dBFS leaves room for what a lossy codec adds."""
_TAIL_S: Final = Fraction(1, 2)
_DUCK_THRESHOLD: Final = 0.0015
"""-56 dBFS: any voice is above it, the noise of a room is not."""
_COMPRESSOR_BLOCK: Final = 9600
_SOFT_EDGE: Final = 144
"""Samples, 3 ms: what is cut off in the middle of a wave would click, and a shorter ramp still does."""
PREROLL_S: Final = Fraction(1, 4)
"""Decoded before a clip's start and cut off: an MP3 decoder that begins anywhere is silent for its first frames."""


def samples(frames: int, rate: Rate) -> int:
    """Return the sample at which a canvas frame begins."""
    return round(time_of(frames, rate) * SAMPLE_RATE)


def programme_sound(programme: AudioProgramme, *, limited: bool = True) -> tuple[Stream, list[Input]]:
    """Return the sound of exactly as many samples as the film's frames last, and the inputs it is made of.

    Where a sum may be too loud it is limited, unless its level is still to be set.
    """
    total = samples(programme.frames, programme.rate)
    inputs: list[Input] = []
    clips = audible(programme)
    edges = cut_edges(clips, programme.rate)
    voices = [voice_of(clip, edge, programme, inputs) for clip, edge in zip(clips, edges, strict=True)]
    voices += [_stem(stem, inputs) for stem in programme.stems]
    if not voices:
        silence = source("anullsrc@silence", sample_rate=SAMPLE_RATE, channel_layout="stereo")
        return silence.then("atrim", end_sample=total), inputs
    sound = mixed(under_voices([*clips, *programme.stems], voices, total))
    loud = any(may_be_loud(clip, programme) for clip in clips) or any(stem.is_loud for stem in programme.stems)
    if limited and (loud or overlap(voices)):
        sound = sound.then("alimiter", limit=_CEILING, level=0, latency=1)
    return whole(sound, total), inputs


def audible(programme: AudioProgramme) -> list[AudioClip]:
    """Return the clips that last."""
    return [clip for clip in programme.clips if clip.frames > 0]


def whole(sound: Stream, total: int) -> Stream:
    """Return a sound of exactly `total` samples."""
    return sound.then("apad", whole_len=total).then("atrim", end_sample=total)


def may_be_loud(clip: AudioClip, programme: AudioProgramme) -> bool:
    """Tell whether a sound alone may exceed what can be stored; five channels in two are as loud as all of them."""
    peak = clip.gain * max((key.value for key in clip.envelope), default=1.0)
    return peak > 1 or programme.media[clip.src].channels > 2


def under_voices(clips: Sequence[AudioClip | Stem], sounds: Sequence[Placed], total: int) -> list[Placed]:
    """Return the sounds to be mixed: those that are ducked alike joined to one bed and lowered, the others as they are.

    The compressor is driven far beyond what is asked for and mixed with the untouched bed, so that the amount does not
    depend on how loud the voice is. It swallows its last block, hence the padding.
    """
    heard = list(sounds)
    beds: list[Placed] = []
    for duck in dict.fromkeys(clip.duck for clip in clips if clip.duck is not None):
        keys: list[Placed] = []
        for index, clip in enumerate(clips):
            if clip.group in duck.against and clip.duck != duck:
                voice, key = heard[index].sound.split("a")
                heard[index] = msgspec.structs.replace(heard[index], sound=voice)
                keys.append(msgspec.structs.replace(heard[index], sound=key))
        lowered = [sound for clip, sound in zip(clips, heard, strict=True) if clip.duck == duck]
        beds += [Placed(_ducked(mixed(lowered), mixed(keys), duck, total), 0, total)] if keys else lowered
    return [sound for clip, sound in zip(clips, heard, strict=True) if clip.duck is None] + beds


def _ducked(bed: Stream, key: Stream, duck: Duck, total: int) -> Stream:
    long = total + _COMPRESSOR_BLOCK
    lowered = combined(
        "sidechaincompress",
        [bed.then("apad", whole_len=long), key.then("apad", whole_len=long)],
        threshold=_DUCK_THRESHOLD,
        ratio=20,
        attack=duck.attack_ms,
        release=duck.release_ms,
        mix=f"{1 - 10 ** (duck.amount_db / 20):.6f}",
    )
    return lowered.then("atrim", end_sample=total)


def placed_at(clip: AudioClip, rate: Rate) -> tuple[int, int]:
    """Return the samples of the film at which a clip begins and ends; before zero when a cut went through its fade."""
    return samples(clip.start, rate), samples(clip.start + clip.frames, rate)


def _stem(stem: Stem, inputs: list[Input]) -> Placed:
    """Return a stem's sound and its place."""
    inputs.append(Input(stem.src))
    sound = input_stream(len(inputs) - 1, "a").then("aformat", sample_fmts="fltp", channel_layouts="stereo")
    return Placed(whole(sound, stem.length), stem.begin, stem.length)


def voice_of(clip: AudioClip, edges: Edges, programme: AudioProgramme, inputs: list[Input]) -> Placed:
    """Return one clip's sound and its place."""
    rate = programme.rate
    begin, end = placed_at(clip, rate)
    length = end - begin
    start = fraction_of(clip.source_start)
    early = min(start, PREROLL_S)
    inputs.append(Input(clip.src, _options(clip, start, early, rate)))
    voice = _stereo(input_stream(len(inputs) - 1, "a"), programme.media[clip.src])
    if early:
        voice = voice.then("atrim", start_sample=round(early * SAMPLE_RATE)).then("asetpts", "PTS-STARTPTS")
    voice = _paced(voice, clip).then("apad", whole_len=length).then("atrim", end_sample=length)
    if clip.gain != 1:
        voice = voice.then("volume", f"{clip.gain:g}")
    if clip.envelope:
        voice = _shaped(voice, clip, begin, rate)
    voice = _faded(voice, clip, edges, length, rate)
    if begin < 0:  # a cut went through the fade
        voice = voice.then("atrim", start_sample=-begin).then("asetpts", "PTS-STARTPTS")
    return Placed(voice, max(0, begin), length + min(0, begin))


def _paced(voice: Stream, clip: AudioClip) -> Stream:
    """Return the sound at the clip's speed; without its pitch kept it is played faster, as a tape is."""
    if clip.keep_pitch:
        for tempo in tempo_steps(clip.speed):
            voice = voice.then("atempo", f"{tempo:g}")
    elif clip.speed != 1:
        voice = voice.then("asetrate", round(SAMPLE_RATE * clip.speed)).then("aresample", SAMPLE_RATE)
    return voice


def _shaped(voice: Stream, clip: AudioClip, begin: int, rate: Rate) -> Stream:
    """Return the sound under its envelope, each sample by its own gain: in steps it would buzz."""
    gain = path(_in_samples(clip, begin, rate), "n")
    return voice.then("aeval", f"val(0)*{gain}|val(1)*{gain}", channel_layout="same")


def _in_samples(clip: AudioClip, begin: int, rate: Rate) -> list[Key]:
    """Return the envelope's keys by sample of the clip; what jumps does so within a soft edge."""
    keys: list[Key] = []
    for key in clip.envelope:
        sample = samples(clip.start + key.frame, rate) - begin
        if keys and keys[-1].easing == "hold":
            held = keys[-1]
            keys[-1] = Key(held.frame, held.value)
            if sample - _SOFT_EDGE > held.frame:
                keys.append(Key(sample - _SOFT_EDGE, held.value))
        keys.append(Key(sample, key.value, key.easing))
    return keys


def _faded(voice: Stream, clip: AudioClip, edges: Edges, length: int, rate: Rate) -> Stream:
    """Return the sound with its fades, and where it is cut off without one with an edge too short to be heard."""
    edge = min(_SOFT_EDGE, length // 2)
    come = samples(clip.fade_in, rate) or edge * edges.start
    go = min(length, samples(clip.fade_out, rate)) or edge * edges.end
    if come:
        curve = _curve(clip.fade_in, crossed=clip.crossed_in)
        voice = voice.then("afade", type="in", start_sample=0, nb_samples=come, curve=curve)
    if go:
        curve = _curve(clip.fade_out, crossed=clip.crossed_out)
        voice = voice.then("afade", type="out", start_sample=length - go, nb_samples=go, curve=curve)
    return voice


def _curve(fade: int, *, crossed: bool) -> str:
    """Return how a fade goes: straight, or so that the power of two stays even; a soft edge without corners."""
    return "hsin" if not fade else "qsin" if crossed else "tri"


def _stereo(sound: Stream, media: Media) -> Stream:
    """Return the sound as 48 kHz stereo on its own clock; a mono source keeps its level, which FFmpeg would halve.

    Of more channels the centre and the surrounds are added 3 dB down, as ITU-R BS.775 has it, and the low effects left out.
    """
    if media.channels == 1:
        sound = sound.then("channelmap", map="0-FL|0-FR", channel_layout="stereo")
    sound = sound.then("aresample", SAMPLE_RATE, **{"async": 1, "first_pts": 0})
    return sound.then("aformat", sample_fmts="fltp", channel_layouts="stereo")


def _options(clip: AudioClip, start: Fraction, early: Fraction, rate: Rate) -> tuple[str, ...]:
    needed = early + time_of(clip.frames, rate) * exact(clip.speed) + _TAIL_S
    looped = ("-stream_loop", "-1") if clip.loop else ()
    sought = ("-ss", f"{float(start - early):.6f}") if start > early else ()
    return (*looped, *sought, "-t", f"{float(needed):.6f}", "-vn", "-sn", "-dn")


def tempo_steps(speed: float) -> list[float]:
    """Return the factors atempo is given one after the other: each within the 0.5 to 2 where it keeps every sample."""
    steps: list[float] = []
    while speed > 2:
        steps.append(2.0)
        speed /= 2
    while speed < 0.5:
        steps.append(0.5)
        speed /= 0.5
    return [*steps, speed] if speed != 1 else steps
