"""One object is one file: its bytes, then a JSON footer, then the footer's length and a magic word.

Bytes and metadata therefore appear by one rename: a crash or a concurrent reader never meets half an object, nor the
bytes of one version with the metadata of another. The media comes first, so that players can open the file as it is.
"""

import errno
import hashlib
import os
import struct
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Self

import msgspec

CHUNK_BYTES: Final = 1024 * 1024
_COPY_BYTES: Final = 64 * CHUNK_BYTES
_CANNOT_COPY: Final = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_TAIL: Final = struct.Struct(">I8s")
_MAGIC: Final = b"ROBJECT1"


class Footer(msgspec.Struct, frozen=True):
    """What is written behind the bytes of an object."""

    size_bytes: int
    content_type: str
    etag: str


class Draft:
    """A file in the making: nobody sees it until `publish`, and leaving the `with` block unpublished removes it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / uuid.uuid4().hex
        # A buffered file locks itself, so that closing it waits for a write that a cancelled caller left in a thread.
        self._file = open(self._path, "xb", buffering=CHUNK_BYTES)  # noqa: SIM115 - closed by publish and __exit__
        self._hash = hashlib.blake2b(digest_size=16)
        self.size_bytes = 0

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self._file.write(data)
        self._hash.update(data)
        self.size_bytes += len(data)

    def append(self, part: Path) -> None:
        """Append the bytes of a stored object, of which its etag is hashed in their stead: nothing of them is read here."""
        file, footer = open_object(part)
        with file:
            self._file.flush()
            copy(file.fileno(), self._file.fileno(), footer.size_bytes)
        self._hash.update(footer.etag.encode())
        self.size_bytes += footer.size_bytes

    def publish(self, target: Path, content_type: str, *, make_folder: bool = True) -> Footer:
        """Put the file in place of `target`, durable before it is visible.

        Raises FileNotFoundError when the folder is missing and `make_folder` is off.
        """
        footer = Footer(self.size_bytes, content_type, self._hash.hexdigest())
        encoded = msgspec.json.encode(footer)
        self._file.write(encoded + _TAIL.pack(len(encoded), _MAGIC))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        while True:
            try:
                if make_folder:
                    target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(self._path, target)
            except (FileNotFoundError, FileExistsError):
                # A concurrent delete may have pruned a folder while it was made, or after that: make it again.
                if not make_folder or not self._path.exists() or target.parent.is_file():
                    raise
                continue
            sync_folder(target.parent)
            return footer

    def discard(self) -> None:
        """Remove the file unless it was published. Of a long one that takes seconds."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()


def open_object(path: Path) -> tuple[BinaryIO, Footer]:
    """Open an object at its first byte; the footer belongs to exactly these bytes, whatever happens to the path.

    Raises FileNotFoundError when there is none, OSError when the file is damaged or is not ours.
    """
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
    except (NotADirectoryError, IsADirectoryError):
        raise FileNotFoundError(path) from None
    try:
        total = os.fstat(file.fileno()).st_size
        if total < _TAIL.size:
            raise OSError(f"{path.name}: not a stored object")
        file.seek(total - _TAIL.size)
        length, magic = _TAIL.unpack(file.read(_TAIL.size))
        if magic != _MAGIC or length > total - _TAIL.size:
            raise OSError(f"{path.name}: not a stored object")
        file.seek(total - _TAIL.size - length)
        try:
            footer = msgspec.json.decode(file.read(length), type=Footer)
        except msgspec.DecodeError as error:
            raise OSError(f"{path.name}: damaged footer: {error}") from error
        if footer.size_bytes != total - _TAIL.size - length:
            raise OSError(f"{path.name}: damaged object")
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, footer


def chunks_of(file: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    """The next `size_bytes` of a file, at most 1 MiB at a time; fewer when it ends before."""
    while size_bytes > 0 and (data := file.read(min(CHUNK_BYTES, size_bytes))):
        size_bytes -= len(data)
        yield data


def copy(source: int, target: int, size_bytes: int) -> None:
    """Copy the first bytes of an open file to where another one is at, within the kernel.

    File systems that share blocks (XFS, Btrfs) copy nothing by that.
    """
    start = 0
    while start < size_bytes:
        count = min(_COPY_BYTES, size_bytes - start)
        try:
            copied = os.copy_file_range(source, target, count, offset_src=start)
        except OSError as error:  # another file system, or one that knows of no such thing
            if error.errno not in _CANNOT_COPY:
                raise
            copied = os.sendfile(target, source, start, count)
        if copied == 0:
            raise OSError("a file became shorter while it was copied")
        start += copied


def sync_folder(folder: Path) -> None:
    """Make renames in this folder durable."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:  # a concurrent delete was faster: nothing is left to make durable
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
