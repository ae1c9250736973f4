"""Files of local storage while others delete beside them."""

from pathlib import Path
from typing import Any

import pytest

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
