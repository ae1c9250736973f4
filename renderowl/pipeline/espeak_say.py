"""Speak texts with eSpeak NG's library: `python -IS espeak_say.py LIBRARY DATA [REQUEST FOLDER]`.

A file to be run, not imported: on some texts the library breaks, which must not be the service. Alone it prints what the
library can; with a JSON list of `{"voice": ..., "text": ...}` it writes `0.wav`, `1.wav`, ... into the folder.
"""

import ctypes
import json
import os
import sys
import wave
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_short, c_size_t, c_ubyte, c_uint, c_void_p
from pathlib import Path
from typing import Any

_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_BY_CHARACTER = 1
_UTF8 = 1

_Callback = CFUNCTYPE(c_int, POINTER(c_short), c_int, c_void_p)


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("languages", c_void_p),
        ("identifier", c_char_p),
        ("gender", c_ubyte),
        ("age", c_ubyte),
        ("variant", c_ubyte),
        ("unused", c_ubyte),
        ("score", c_int),
        ("spare", c_void_p),
    ]


class _Library:
    def __init__(self, library: str, data: str) -> None:
        self.lib = ctypes.CDLL(library)
        self.lib.espeak_Info.restype = c_char_p
        self.lib.espeak_ListVoices.restype = POINTER(POINTER(_Voice))
        self.lib.espeak_Synth.argtypes = [c_char_p, c_size_t, c_uint, c_int, c_uint, c_uint, c_void_p, c_void_p]
        self.rate = self.lib.espeak_Initialize(_SYNCHRONOUS, 0, data.encode() or None, _DO_NOT_EXIT)
        if self.rate <= 0:
            sys.exit("the library's data is not there")
        self.sound = bytearray()
        self._callback = _Callback(self._take)  # kept, or it would be collected while the library still calls it
        self.lib.espeak_SetSynthCallback(self._callback)

    def _take(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self.sound += ctypes.string_at(samples, 2 * count)
        return 0

    def describe(self) -> dict[str, Any]:
        variants = _Voice(languages=ctypes.cast(c_char_p(b"variant"), c_void_p))
        return {
            "version": self.lib.espeak_Info(None).decode().split()[0],
            "voices": [[identifier, _languages(voice)] for identifier, voice in self._listed(None)],
            "variants": [identifier for identifier, _ in self._listed(ctypes.byref(variants))],
        }

    def _listed(self, spec: Any) -> list[tuple[str, _Voice]]:
        found, voices = [], self.lib.espeak_ListVoices(spec)
        index = 0
        while voices[index]:
            voice = voices[index].contents
            found.append((voice.identifier.decode(errors="replace"), voice))
            index += 1
        return found

    def say(self, voice: str, text: str, path: Path) -> None:
        if self.lib.espeak_SetVoiceByName(voice.encode()) != 0:
            sys.exit(f"the voice {voice} cannot be loaded")
        self.sound.clear()
        if hasattr(self.lib, "espeak_ng_SetRandSeed"):  # breath is noise, the same one each time
            self.lib.espeak_ng_SetRandSeed(ctypes.c_long(1))
        said = text.encode()
        if self.lib.espeak_Synth(said, len(said) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None) != 0:
            sys.exit("the text cannot be spoken")
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.rate)
            file.writeframes(bytes(self.sound))


def _languages(voice: _Voice) -> list[list[Any]]:
    """Read a voice's languages, each behind a byte that says how far down the list it is meant."""
    found: list[list[Any]] = []
    place = voice.languages
    while place and (priority := ctypes.string_at(place, 1)[0]):
        name = ctypes.string_at(place + 1)
        found.append([priority, name.decode(errors="replace")])
        place += len(name) + 2
    return found


def main(library: str, data: str, request: str = "", folder: str = "") -> None:
    """Describe the library, or speak what is asked for."""
    engine = _Library(library, data)
    if not request:
        json.dump(engine.describe(), sys.stdout)
        return
    for index, said in enumerate(json.loads(Path(request).read_bytes())):
        # In a process each: how a text sounds would depend on the one before it.
        child = os.fork()
        if child == 0:
            engine.say(said["voice"], said["text"], Path(folder) / f"{index}.wav")
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(f"the engine broke on text {index + 1}")


if __name__ == "__main__":
    main(*sys.argv[1:])
