"""From audio clips to one sound stream: the whole programme at once, exact to the sample, at 48 kHz in stereo."""

from fractions import Fraction
from typing import Final

from renderowl.pipeline.clock import fraction_of, time_of
from renderowl.pipeline.graph import Stream, combined, input_stream, source
from renderowl.pipeline.layers import Input
from renderowl.pipeline.plan import AudioProgramme
from renderowl.pipeline.timeline import AudioClip, Media, Rate

SAMPLE_RATE: Final = 48_000
_CEILING: Final = 0.966
"""The limiter's: -0.3 dBFS leaves room for what a lossy codec adds."""
_TAIL_S: Final = Fraction(1, 2)
PREROLL_S: Final = Fraction(1, 4)
"""Decoded before a clip's start and cut off: an MP3 decoder that begins anywhere is silent for its first frames."""


def samples(frames: int, rate: Rate) -> int:
    """Return the sample at which a canvas frame begins."""
    return round(time_of(frames, rate) * SAMPLE_RATE)


def programme_sound(programme: AudioProgramme) -> tuple[Stream, list[Input]]:
    """Return the sound of exactly as many samples as the film's frames last, and the inputs it is made of."""
    total = samples(programme.frames, programme.rate)
    inputs: list[Input] = []
    voices = [_voice(clip, programme, inputs) for clip in programme.clips if clip.frames > 0]
    if not voices:
        silence = source("anullsrc@silence", sample_rate=SAMPLE_RATE, channel_layout="stereo")
        return silence.then("atrim", end_sample=total), inputs
    mixed = voices[0]
    if len(voices) > 1:
        mixed = combined("amix", voices, inputs=len(voices), normalize=0, duration="longest", dropout_transition=0)
    if len(voices) > 1 or programme.clips[0].gain > 1:
        mixed = mixed.then("alimiter", limit=_CEILING, level=0, latency=1)
    return mixed.then("apad", whole_len=total).then("atrim", end_sample=total), inputs


def _voice(clip: AudioClip, programme: AudioProgramme, inputs: list[Input]) -> Stream:
    """Return one clip's sound, silence before it included."""
    rate = programme.rate
    begin = samples(clip.start, rate)
    length = samples(clip.start + clip.frames, rate) - begin
    start = fraction_of(clip.source_start)
    early = min(start, PREROLL_S)
    inputs.append(Input(clip.src, _options(clip, start, early, rate)))
    voice = _stereo(input_stream(len(inputs) - 1, "a"), programme.media[clip.src])
    if early:
        voice = voice.then("atrim", start_sample=round(early * SAMPLE_RATE)).then("asetpts", "PTS-STARTPTS")
    for tempo in tempo_steps(clip.speed):
        voice = voice.then("atempo", f"{tempo:g}")
    voice = voice.then("apad", whole_len=length).then("atrim", end_sample=length)
    if clip.gain != 1:
        voice = voice.then("volume", f"{clip.gain:g}")
    if clip.fade_in:
        voice = voice.then("afade", type="in", start_sample=0, nb_samples=samples(clip.fade_in, rate))
    if clip.fade_out:
        fade = min(length, samples(clip.fade_out, rate))
        voice = voice.then("afade", type="out", start_sample=length - fade, nb_samples=fade)
    if begin < 0:  # a cut went through the fade
        return voice.then("atrim", start_sample=-begin).then("asetpts", "PTS-STARTPTS")
    return voice.then("adelay", f"{begin}S", all=1) if begin else voice


def _stereo(sound: Stream, media: Media) -> Stream:
    """Return the sound as 48 kHz stereo on its own clock; a mono source keeps its level, which FFmpeg would halve."""
    if media.channels == 1:
        sound = sound.then("channelmap", map="0-FL|0-FR", channel_layout="stereo")
    sound = sound.then("aresample", SAMPLE_RATE, **{"async": 1, "first_pts": 0})
    return sound.then("aformat", sample_fmts="fltp", channel_layouts="stereo")


def _options(clip: AudioClip, start: Fraction, early: Fraction, rate: Rate) -> tuple[str, ...]:
    needed = early + time_of(clip.frames, rate) * Fraction(clip.speed).limit_denominator(10_000) + _TAIL_S
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
