"""The multipart uploads of local storage: `<upload id>/` holds a manifest and the parts that have arrived."""

import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from renderowl.storage.base import ObjectMissing, UploadedPart
from renderowl.storage.files import Draft, open_object

_UPLOAD_ID: Final = re.compile(r"[0-9a-f]{32}")
_MANIFEST: Final = "upload.json"


class _Upload(msgspec.Struct, frozen=True):
    key: str
    content_type: str


class LocalUploads:
    """Uploads in parts below `folder`; every method blocks. An upload is known only together with its key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, key: str, content_type: str) -> str:
        """Begin an upload and return its id."""
        upload_id = secrets.token_hex(16)
        draft = self.folder / f".{upload_id}"  # renamed when complete: an upload always has its manifest
        draft.mkdir(parents=True)
        (draft / _MANIFEST).write_bytes(msgspec.json.encode(_Upload(key, content_type)))
        draft.rename(self.folder / upload_id)
        return upload_id

    def publish(self, draft: Draft, key: str, upload_id: str, part_number: int) -> UploadedPart:
        """Make a draft a part of the upload. Raises ObjectMissing when the upload is not known."""
        folder, _ = self._find(key, upload_id)
        try:
            footer = draft.publish(folder / str(part_number), "", make_folder=False)
        except FileNotFoundError:
            raise ObjectMissing(upload_id) from None
        return UploadedPart(part_number, footer.etag, footer.size_bytes)

    def parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        """The parts that have arrived, by number. Raises ObjectMissing when the upload is not known."""
        folder, _ = self._find(key, upload_id)
        parts = []
        for number in sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit()):
            file, footer = open_object(folder / str(number))
            file.close()
            parts.append(UploadedPart(number, footer.etag, footer.size_bytes))
        return parts

    def named(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> tuple[str, list[Path]]:
        """The upload's content type and the objects that these parts are.

        Raises ObjectMissing for an unknown upload, ValueError for a wrong part.
        """
        folder, upload = self._find(key, upload_id)
        arrived = {part.part_number: part.etag for part in self.parts(key, upload_id)}
        numbers = [part.part_number for part in parts]
        if not parts or numbers != sorted(set(numbers)):
            raise ValueError("the parts must be given once each, in ascending order")
        for part in parts:
            if arrived.get(part.part_number) != part.etag.strip('"'):
                raise ValueError(f"part {part.part_number} has not arrived with this etag")
        return upload.content_type, [folder / str(number) for number in numbers]

    def discard(self, key: str, upload_id: str) -> None:
        """Throw the upload away with its parts; an unknown one is no error."""
        try:
            folder, _ = self._find(key, upload_id)
        except ObjectMissing:
            return
        shutil.rmtree(folder, ignore_errors=True)

    def _find(self, key: str, upload_id: str) -> tuple[Path, _Upload]:
        folder = self.folder / upload_id
        if not _UPLOAD_ID.fullmatch(upload_id):
            raise ObjectMissing(upload_id)
        try:
            upload = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=_Upload)
        except FileNotFoundError:
            raise ObjectMissing(upload_id) from None
        if upload.key != key:
            raise ObjectMissing(upload_id)
        return folder, upload
