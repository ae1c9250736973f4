"""Files of local storage while others delete beside them."""

import errno
from pathlib import Path
from typing import Any

import pytest

from renderowl.storage import files
from renderowl.storage.files import Draft, open_object


@pytest.mark.parametrize("error", [FileNotFoundError, FileExistsError])
def test_a_folder_that_is_pruned_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    """What pathlib raises when a parent goes between two of its steps, or the folder after it was there."""
    real, pruned = Path.mkdir, []

    def mkdir(self: Path, *args: Any, **more: Any) -> None:
        if not pruned:
            pruned.append(self)
            raise error(self)
        real(self, *args, **more)

    with Draft(tmp_path) as draft:
        draft.write(b"film")
        monkeypatch.setattr(Path, "mkdir", mkdir)
        draft.publish(tmp_path / "a" / "b" / "c", "video/mp4")
    file, footer = open_object(tmp_path / "a" / "b" / "c")
    file.close()
    assert footer.size_bytes == 4


def test_an_object_in_the_place_of_a_folder_is_an_error_and_no_loop(tmp_path: Path) -> None:
    for key in ("a", "a/b"):
        with Draft(tmp_path) as draft:
            draft.write(b"film")
            if key == "a":
                draft.publish(tmp_path / key, "video/mp4")
                continue
            with pytest.raises(OSError, match="a"):
                draft.publish(tmp_path / key, "video/mp4")


def test_where_the_kernel_shares_nothing_between_file_systems_bytes_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EXDEV, "two file systems")

    data = bytes(range(256)) * 5000
    (tmp_path / "source").write_bytes(data + b"the rest")
    for name in ("shared", "copied"):
        with open(tmp_path / "source", "rb") as source, open(tmp_path / name, "wb") as target:
            files.copy(source.fileno(), target.fileno(), len(data))
        assert (tmp_path / name).read_bytes() == data
        monkeypatch.setattr("os.copy_file_range", refuse)


def test_a_file_that_becomes_shorter_while_it_is_copied_is_no_whole_copy(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"short")
    with (
        open(tmp_path / "source", "rb") as source,
        open(tmp_path / "copy", "wb") as target,
        pytest.raises(OSError, match="shorter"),
    ):
        files.copy(source.fileno(), target.fileno(), 6)
