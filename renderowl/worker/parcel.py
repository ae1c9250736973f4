"""A result on its way home: all files of a render in one archive, so that one signed URL takes it whatever it holds."""

import hashlib
import os
import tarfile
from pathlib import Path
from typing import Final

from renderowl.pipeline.assemble import OutputFile
from renderowl.worker.order import MadeFile

_CHUNK_BYTES: Final = 1024**2


def pack(files: list[OutputFile], archive: Path) -> list[MadeFile]:
    """Put files into an uncompressed archive, each under its number, and describe them."""
    made = []
    with tarfile.open(archive, "w") as tar:
        for number, file in enumerate(files):
            tar.add(file.path, arcname=str(number), recursive=False)
            with open(file.path, "rb") as bytes_of:
                digest = hashlib.file_digest(bytes_of, "sha256").hexdigest()
            facts = {name: getattr(file, name) for name in MadeFile.__struct_fields__ if name != "sha256"}
            made.append(MadeFile(**facts, sha256=digest))
    return made


def unpack(archive: Path, made: list[MadeFile], folder: Path) -> list[OutputFile]:
    """The files of a result in `folder`. Raises ValueError for one that is not what the result says, or no plain file."""
    names = [file.name for file in made]
    if len(set(names)) < len(names) or any(
        os.sep in name or "\x00" in name or name in ("", ".", "..") for name in names
    ):
        raise ValueError("the names of its files are no names of different files")
    found = []
    try:
        with tarfile.open(archive, "r:") as tar:
            for number, file in enumerate(made):
                found.append(_unpacked(tar, number, file, folder / file.name))
    except (tarfile.TarError, KeyError) as error:
        raise ValueError(f"its archive cannot be read: {error}") from None
    return found


def _unpacked(tar: tarfile.TarFile, number: int, file: MadeFile, path: Path) -> OutputFile:
    member = tar.getmember(str(number))
    reader = tar.extractfile(member) if member.isreg() else None
    if reader is None or member.size != file.size_bytes:
        raise ValueError(f"{file.name} is not what it says")
    digest = hashlib.sha256()
    with open(path, "xb") as out:
        for chunk in iter(lambda: reader.read(_CHUNK_BYTES), b""):
            digest.update(chunk)
            out.write(chunk)
    if digest.hexdigest() != file.sha256:
        raise ValueError(f"the bytes of {file.name} are not those that were made")
    facts = {name: getattr(file, name) for name in MadeFile.__struct_fields__ if name != "sha256"}
    return OutputFile(path=path, **facts)
