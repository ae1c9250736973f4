"""A narrated slideshow, made by RenderOwl and by everybody else: CPU, wall time and memory of the very same job.

Scenes of one picture each, as long as their voice, crossfaded, music below that gives way to the voices, 1080p at 30 fps.
The others: the best single FFmpeg command that could be written by hand; a file for each scene, joined and encoded again,
as the service did from which the composition stems; MoviePy; editly. They take turns.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import media
import paths  # noqa: F401 - makes bench/ importable
import peers
from house import FOLDER, Use, ffmpeg, render, run
from results import median, save

XFADE_S: Final = 0.5
FPS: Final = 30
OURS, BY_HAND, BY_SCENE, MOVIEPY = "RenderOwl", "one FFmpeg command", "scene by scene", "MoviePy"
GOAL_BY_HAND: Final = 1.05
GOAL_BY_SCENE: Final = 0.5


class Job:
    """So many scenes with their sources."""

    def __init__(self, scenes: int, each_s: float, preset: str) -> None:
        self.scenes, self.each_s, self.preset = scenes, each_s, preset
        self.pictures = [media.picture(n) for n in range(scenes)]
        self.voices = [media.voice(n, each_s) for n in range(scenes)]
        self.music = media.music(30)

    @property
    def frames(self) -> int:
        return round(self.scenes * self.each_s * FPS)

    @property
    def encoder(self) -> list[str]:
        """Of the hand-made commands: what RenderOwl means by the same settings."""
        return ["-c:v", "libx264", "-preset", self.preset, "-crf", "18", "-pix_fmt", "yuv420p", "-g", "60"]

    def spec(self) -> dict[str, Any]:
        """The job for RenderOwl."""
        pairs = zip(self.pictures, self.voices, strict=True)
        options = {"xfade": XFADE_S, "fit": "cover", "music": self.music, "musicVolume": 0.5, "ducking": True}
        return {
            "scenes": [{"images": [picture], "voiceover": voice} for picture, voice in pairs],
            "renderOptions": options | {"voiceDir": ""},
        }


def ours(job: Job) -> tuple[Use, Path]:
    """By `renderowl render`, two segments at a time."""
    return render("slideshow-ours", "slideshow", job.spec(), {"preset": job.preset, "crf": 18})


def by_hand(job: Job) -> tuple[Use, Path]:
    """One graph, with all that helps: each picture is decoded and scaled once and repeated, only the half seconds in which two
    of them are seen are composed, everything is put behind each other by `concat`. A chain of `xfade` takes a fifth more.
    """
    out = FOLDER / "slideshow-by-hand.mp4"
    fade, each = round(XFADE_S * FPS), round(job.each_s * FPS)
    before, after = fade // 2, fade - fade // 2
    inputs: list[str] = []
    graph: list[str] = []
    order = ""
    for n, picture in enumerate(job.pictures):
        inputs += ["-i", picture]
        is_first, is_last = n == 0, n == job.scenes - 1
        names = [f"[p{n}]", *([] if is_first else [f"[i{n}]"]), *([] if is_last else [f"[o{n}]"])]
        fitted = (
            "scale=1920:1080:force_original_aspect_ratio=increase:flags=bicubic:out_range=tv:out_color_matrix=bt709"
        )
        graph.append(f"[{n}:v]{fitted},crop=1920:1080,setsar=1,format=yuv420p,split={len(names)}{''.join(names)}")
        if not is_first:
            graph.append(f"[o{n - 1}]{_held(fade)}[a{n}]")
            graph.append(f"[i{n}]format=yuva420p,{_held(fade)},fade=alpha=1:nb_frames={fade}[b{n}]")
            graph.append(f"[a{n}][b{n}]overlay,format=yuv420p[t{n}]")
            order += f"[t{n}]"
        graph.append(f"[p{n}]{_held(each - (0 if is_first else after) - (0 if is_last else before))}[s{n}]")
        order += f"[s{n}]"
    graph.append(f"{order}concat=n={2 * job.scenes - 1},settb=1/{FPS},setpts=N[v]")
    inputs, sound = _with_sound(job, inputs, job.scenes)
    (FOLDER / "by-hand.txt").write_text(";\n".join([*graph, *sound]))
    command = [ffmpeg(), "-y", "-v", "error", *inputs, "-/filter_complex", "by-hand.txt"]
    command += ["-map", "[v]", "-map", "[a]", *job.encoder, "-r", str(FPS), "-c:a", "aac", "-b:a", "192k"]
    return run([*command, "-movflags", "+faststart", str(out)], FOLDER), out


def _held(frames: int) -> str:
    return f"loop={frames - 1}:1:0,settb=1/{FPS},setpts=N,fps={FPS}"


def by_scene(job: Job) -> tuple[Use, Path]:
    """A file a scene, then all of them crossfaded and encoded again, then the sound: three generations of files."""
    out = FOLDER / "slideshow-by-scene.mp4"
    fade, each = round(XFADE_S * FPS), round(job.each_s * FPS)
    used = []
    for n, picture in enumerate(job.pictures):
        length = each + (fade - fade // 2 if n < job.scenes - 1 else 0) + (fade // 2 if n else 0)
        fitted = "scale=1920:1080:force_original_aspect_ratio=increase,crop=1920:1080,setsar=1,format=yuv420p"
        still = ["-loop", "1", "-framerate", str(FPS), "-i", picture, "-vf", fitted, "-frames:v", str(length)]
        used.append(run([ffmpeg(), "-y", "-v", "error", *still, *job.encoder, f"scene-{n:03}.mp4"], FOLDER))
    graph, last = [], "0:v"
    for n in range(1, job.scenes):
        offset = (n * each - fade // 2) / FPS
        graph.append(f"[{last}][{n}:v]xfade=transition=fade:duration={XFADE_S}:offset={offset:.6f}[x{n}]")
        last = f"x{n}"
    (FOLDER / "by-scene.txt").write_text(";\n".join(graph))
    inputs = [word for n in range(job.scenes) for word in ("-i", f"scene-{n:03}.mp4")]
    joining = ["-/filter_complex", "by-scene.txt", "-map", f"[{last}]", *job.encoder, "joined.mp4"]
    used.append(run([ffmpeg(), "-y", "-v", "error", *inputs, *joining], FOLDER))
    inputs, sound = _with_sound(job, ["-i", "joined.mp4"], 1)
    mixing = ["-filter_complex", ";".join(sound), "-map", "0:v", "-map", "[a]", "-c:v", "copy", "-c:a", "aac"]
    used.append(run([ffmpeg(), "-y", "-v", "error", *inputs, *mixing, "-b:a", "192k", str(out)], FOLDER))
    return Use(sum(u.cpu_s for u in used), sum(u.wall_s for u in used), max(u.peak_mb for u in used)), out


def _with_sound(job: Job, inputs: list[str], first: int) -> tuple[list[str], list[str]]:
    """The inputs with voices and music from number `first` on, and the graph that mixes them to `[a]`."""
    for name in job.voices:
        inputs = [*inputs, "-i", name]
    inputs = [*inputs, "-stream_loop", "-1", "-i", job.music]
    total_s = job.scenes * job.each_s
    said = "".join(f"[{first + n}:a]" for n in range(job.scenes))
    return inputs, [
        f"{said}concat=n={job.scenes}:v=0:a=1,aresample=48000,aformat=channel_layouts=stereo,asplit[voice][key]",
        f"[{first + job.scenes}:a]aresample=48000,volume=0.5,atrim=0:{total_s},afade=t=out:st={total_s - 2}:d=2[bed]",
        "[bed][key]sidechaincompress=threshold=0.0015:ratio=20:attack=20:release=250:mix=0.75[low]",
        "[voice][low]amix=inputs=2:duration=first:normalize=0,alimiter=limit=0.966:level=0[a]",
    ]


def moviepy(job: Job) -> tuple[Use, Path]:
    """MoviePy in a process of its own; it does not duck, the music is only lower."""
    out = FOLDER / "slideshow-moviepy.mp4"
    return run(
        [peers.moviepy(), peers.SCRIPTS / "moviepy_slideshow.py", _told(job, out)],
        FOLDER,
        {"IMAGEIO_FFMPEG_EXE": ffmpeg()},
    ), out


def editly(job: Job) -> tuple[Use, Path]:
    """editly's own command line. Its encoder is fixed: medium and CRF 18; it crossfades by WebGL and does not duck."""
    out, spec = FOLDER / "slideshow-editly.mp4", FOLDER / "editly.json"
    still = {"type": "image", "zoomDirection": None, "resizeMode": "cover"}
    clips = [{"duration": job.each_s + XFADE_S, "layers": [{**still, "path": name}]} for name in job.pictures]
    voices = [{"path": name, "start": n * job.each_s} for n, name in enumerate(job.voices)]
    size = {"width": 1920, "height": 1080, "fps": FPS, "outPath": str(out)}
    faded = {"transition": {"name": "fade", "duration": XFADE_S}}
    audio = {"audioTracks": [*voices, {"path": job.music, "mixVolume": 0.12}]}
    spec.write_text(json.dumps({**size, "defaults": faded, "clips": clips, **audio, "ffmpegPath": ffmpeg()}))
    return run([peers.editly(), spec], FOLDER), out


def _told(job: Job, out: Path) -> str:
    """The job as the peers' scripts read it."""
    path = FOLDER / "job.json"
    names = {"pictures": job.pictures, "voices": job.voices, "music": job.music}
    path.write_text(
        json.dumps(names | {"each_s": job.each_s, "xfade_s": XFADE_S, "preset": job.preset, "out": str(out)})
    )
    return str(path)


CONTENDERS: Final[dict[str, Callable[[Job], tuple[Use, Path]]]] = {OURS: ours, BY_HAND: by_hand, BY_SCENE: by_scene}
PEERS: Final = {MOVIEPY: moviepy, "editly": editly}


def measure(job: Job, rounds: int, peers_scenes: int) -> None:
    """The hand-made ways on the whole job in turns; then the slow peers on its first scenes, RenderOwl with them."""
    used: dict[str, list[Use]] = {name: [] for name in CONTENDERS}
    for n in range(rounds):
        for name, make in CONTENDERS.items():
            if name == BY_SCENE and n:
                continue  # thrice the work, and far from any goal
            use, film = make(job)
            assert media.frames_of(film) == job.frames, f"{name} made another film"
            used[name].append(use)
            print(f"  {name}: {use.told}", flush=True)
    least = {name: min(uses, key=lambda use: use.cpu_s) for name, uses in used.items()}
    jobs = {name: use.told for name, use in least.items()}
    facts = {"scenes": job.scenes, "film_s": job.frames / FPS, "preset": job.preset, "jobs": jobs}
    about = (
        f"{job.scenes} scenes of {job.each_s:g} s, 1080p30, preset {job.preset}, the least of {rounds} rounds in turns"
    )
    save(
        "render_slideshow",
        title="Slideshow over the best single FFmpeg command, CPU",
        goal=GOAL_BY_HAND,
        result=least[OURS].cpu_s / least[BY_HAND].cpu_s,
        unit="x",
        meaning=f"CPU seconds of `renderowl render`, everything included, over those of a single hand-written command: {about}. "
        f"Wall time: {median([use.wall_s for use in used[OURS]]) / median([use.wall_s for use in used[BY_HAND]]):.2f} x",
        **facts,
        rounds={name: [use.told for use in uses] for name, uses in used.items()},
    )
    save(
        "render_by_scene",
        title="Slideshow over the scene-by-scene way, CPU",
        goal=GOAL_BY_SCENE,
        result=least[OURS].cpu_s / least[BY_SCENE].cpu_s,
        unit="x",
        meaning=f"the same over a file for each scene, then all crossfaded and encoded again, then the sound: {about}",
        **facts,
    )
    measure_peers(Job(peers_scenes, job.each_s, job.preset))


def measure_peers(job: Job) -> None:
    """Programs that draw every frame themselves."""
    jobs = {}
    for name, make in {OURS: ours, **{name: make for name, make in PEERS.items() if peers.has(name)}}.items():
        use, film = make(job)
        assert abs(media.frames_of(film) - job.frames) <= FPS, f"{name} made another film"
        jobs[name] = use
        print(f"  {name}: {use.told}", flush=True)
    save(
        "render_peers",
        title="Slideshow over MoviePy, CPU",
        goal=1.0,
        result=jobs[OURS].cpu_s / jobs[MOVIEPY].cpu_s,
        unit="x",
        meaning=f"CPU seconds of the same job of {job.scenes} scenes of {job.each_s:g} s, preset {job.preset}, once each. "
        "MoviePy does not duck; editly, where npm can build it, neither",
        jobs={name: use.told for name, use in jobs.items()},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each scene")
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peers-scenes", type=int, default=5)
    chosen = parser.parse_args()
    measure(Job(chosen.scenes, chosen.seconds, chosen.preset), chosen.rounds, chosen.peers_scenes)
