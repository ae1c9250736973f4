"""Running a program as another user in a directory whose parents are closed to that user."""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from renderowl.embedded.errors import EmbeddedError

ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that embedded programs see of the environment: no locale, time zone or PG* variable of the caller's."""


class Doorway:
    """A path to a directory that works for another user, even when its parents (a home of root's) are closed to them.

    The directory is opened by us and inherited; `/proc/self/fd/N` then leads there without walking the parents.
    """

    def __init__(self, directory: Path, user: int | None) -> None:
        self._user = user
        self.path = str(directory)
        self.pass_fds: tuple[int, ...] = ()
        if user is not None and sys.platform == "linux":
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            self.path = f"/proc/self/fd/{descriptor}"
            self.pass_fds = (descriptor,)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in self.pass_fds:
            os.close(descriptor)

    def run(self, argv: list[str | Path], standard_input: bytes = b"") -> None:
        """Run a program to its end as the user; raises EmbeddedError with its last words when it fails."""
        done = subprocess.run(
            argv,
            input=standard_input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else (),
            pass_fds=self.pass_fds,
            check=False,
        )
        if done.returncode:
            words = done.stdout.decode(errors="replace").strip().splitlines()[-6:]
            raise EmbeddedError(f"{Path(argv[0]).name} failed:\n" + "\n".join(words))
