"""A result on its way home: all files of a render in one archive, so that one signed URL takes it whatever it holds.

What comes home was written by somebody else's machine. The archive is read as we write it and as nothing else tar may be:
no sparse file that grows out of nothing, no header that is read into memory whole.
"""

import hashlib
import os
import tarfile
from pathlib import Path
from typing import BinaryIO, Final

from renderowl.pipeline import hls
from renderowl.pipeline.assemble import CONTENT_TYPES, OutputFile
from renderowl.worker.order import MadeFile

_CHUNK_BYTES: Final = 1024**2
_LONGEST_NAME: Final = 255
_TEXT_TYPES: Final = frozenset({hls.PLAYLIST_TYPE, "text/vtt", "application/x-subrip"})
_TYPES: Final = _TEXT_TYPES | {*CONTENT_TYPES.values()}
"""What a render's files may be served as: nothing that a browser runs."""
_MOST_TEXT_BYTES: Final = 32 * 1024**2
"""Playlists are read whole to be served."""


def pack(files: list[OutputFile], archive: Path) -> list[MadeFile]:
    """Put files into an uncompressed archive, each under its number, and describe them."""
    made = []
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
        for number, file in enumerate(files):
            with open(file.path, "rb") as bytes_of:
                member = tarfile.TarInfo(str(number))
                member.size = os.fstat(bytes_of.fileno()).st_size
                tar.addfile(member, bytes_of)
                bytes_of.seek(0)
                digest = hashlib.file_digest(bytes_of, "sha256").hexdigest()
            facts = {name: getattr(file, name) for name in MadeFile.__struct_fields__ if name != "sha256"}
            made.append(MadeFile(**facts, sha256=digest))
    return made


def unpack(archive: Path, made: list[MadeFile], folder: Path) -> list[OutputFile]:
    """The files of a result in `folder`. Raises ValueError for one that is not what the result says, or none of ours."""
    names = [file.name for file in made]
    if len(set(names)) < len(names) or not all(_is_name(name) for name in names):
        raise ValueError("the names of its files are no names of different files")
    for file in made:
        most = _MOST_TEXT_BYTES if file.content_type in _TEXT_TYPES else file.size_bytes
        if file.content_type not in _TYPES or not 0 <= file.size_bytes <= most:
            raise ValueError(f"{file.name} is no file that a render makes")
    with open(archive, "rb") as tar:
        return [_unpacked(tar, number, file, folder / file.name) for number, file in enumerate(made)]


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and not {os.sep, "\x00"} & {*name} and len(name.encode()) <= _LONGEST_NAME


def _unpacked(tar: BinaryIO, number: int, file: MadeFile, path: Path) -> OutputFile:
    try:
        member = tarfile.TarInfo.frombuf(tar.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise ValueError(f"its archive cannot be read: {error}") from None
    said = (member.name, member.type, member.size)
    if said != (str(number), tarfile.REGTYPE, file.size_bytes):
        raise ValueError(f"{file.name} is not what it says")
    digest, left = hashlib.sha256(), file.size_bytes
    with open(path, "xb") as out:
        while chunk := tar.read(min(left, _CHUNK_BYTES)):
            left -= len(chunk)
            digest.update(chunk)
            out.write(chunk)
    if digest.hexdigest() != file.sha256:
        raise ValueError(f"the bytes of {file.name} are not those that were made")
    tar.seek(-file.size_bytes % tarfile.BLOCKSIZE, os.SEEK_CUR)
    facts = {name: getattr(file, name) for name in MadeFile.__struct_fields__ if name != "sha256"}
    return OutputFile(path=path, **facts)
