"""The slideshow by MoviePy 2, as its documentation shows how: clips over each other, each fading in over the one before."""

import json
import sys
from pathlib import Path

from moviepy import AudioFileClip, CompositeAudioClip, CompositeVideoClip, ImageClip, afx, vfx

job = json.loads(Path(sys.argv[1]).read_text())
each_s, fade_s, count = job["each_s"], job["xfade_s"], len(job["pictures"])
total_s = each_s * count
pictures = []
for n, name in enumerate(job["pictures"]):
    start = n * each_s - fade_s / 2 if n else 0.0
    end = (n + 1) * each_s + (fade_s / 2 if n < count - 1 else 0.0)
    clip = ImageClip(name, duration=end - start).resized(width=1920)
    clip = clip.cropped(x_center=clip.w / 2, y_center=clip.h / 2, width=1920, height=1080)
    pictures.append((clip.with_effects([vfx.CrossFadeIn(fade_s)]) if n else clip).with_start(start))
voices = [AudioFileClip(name).with_start(n * each_s) for n, name in enumerate(job["voices"])]
music = AudioFileClip(job["music"]).with_effects([afx.AudioLoop(duration=total_s), afx.MultiplyVolume(0.12)])
film = CompositeVideoClip(pictures, size=(1920, 1080)).with_duration(total_s)
film = film.with_audio(CompositeAudioClip([*voices, music]).with_duration(total_s))
coded = {"codec": "libx264", "preset": job["preset"], "ffmpeg_params": ["-crf", "18"], "audio_codec": "aac"}
film.write_videofile(job["out"], fps=30, audio_bitrate="192k", logger=None, **coded)
