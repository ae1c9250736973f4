"""Finished steps in a directory, found again by their key: what was encoded once is not encoded again."""

from pathlib import Path
from typing import TypeVar

import msgspec

from renderowl.pipeline.encode import EncodedAudio, EncodedSegment

Encoded = TypeVar("Encoded", EncodedSegment, EncodedAudio)


class StepCache:
    """Steps by key; a step counts only when its record is there, and that is written last."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def place(self, key: str, suffix: str) -> Path:
        """Return where the step with this key is to be written."""
        return self._directory / f"{key}{suffix}"

    def find(self, key: str, kind: type[Encoded]) -> Encoded | None:
        """Return the finished step, or None."""
        try:
            found = msgspec.json.decode(self._record(key).read_bytes(), type=kind, dec_hook=lambda _, text: Path(text))
        except (OSError, msgspec.DecodeError):
            return None
        path = self._directory / found.path.name
        whole = path.is_file() and path.stat().st_size == found.size_bytes
        return msgspec.structs.replace(found, path=path) if whole else None

    def keep(self, key: str, encoded: EncodedSegment | EncodedAudio) -> None:
        """Record a finished step."""
        record = msgspec.json.encode(encoded, enc_hook=lambda path: path.name)
        part = self._record(key).with_suffix(".part")
        part.write_bytes(record)
        part.replace(self._record(key))

    def _record(self, key: str) -> Path:
        return self._directory / f"{key}.json"
