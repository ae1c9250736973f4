"""A strict S3 server for tests: OpenStack Swift, which checks signatures, expiry, types and lengths as moto does not."""

import os
import select
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from renderowl.embedded import process

_REPOSITORY: Final = Path(__file__).parents[2]
_NODE: Final = Path(__file__).with_name("swift_node.py")
_START_TIMEOUT_S: Final = 30.0
_STOP_TIMEOUT_S: Final = 5.0


class StrictS3:
    """Swift's S3 API on a loopback port, in a process of its own with its data in a temporary folder.

    Use as a context manager. Swift comes from the virtual environment that `SWIFT_VENV` names, by default
    `.venv-swift`, where `make test-s3` installs it. Server and data go when this process does, however it ends.
    """

    region: Final = "us-east-1"
    access_key: Final = "test:tester"
    secret_key: Final = "testing"

    def __init__(self) -> None:
        self.url = ""
        self._folder: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        python = Path(os.environ.get("SWIFT_VENV") or _REPOSITORY / ".venv-swift") / "bin" / "python"
        if not python.exists():
            raise FileNotFoundError(f"OpenStack Swift is not installed: there is no {python}; `make test-s3` does it")
        self._folder = Path(tempfile.mkdtemp(prefix="renderowl-swift-"))
        log = self._folder / "swift.log"
        try:
            try:
                os.setxattr(self._folder, "user.renderowl", b"")
            except OSError as error:
                raise RuntimeError(f"{self._folder}: no extended attributes, which Swift needs; set TMPDIR") from error
            with log.open("wb") as errors:
                # Standard input is the leash: nothing is ever written to it, its end is the signal to go.
                self._server = subprocess.Popen(
                    [python, "-W", "ignore", "-I", _NODE, self._folder, self.access_key, self.secret_key],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,
                )
            self.url = _first_line(self._server)
            if not self.url:
                raise RuntimeError(f"Swift does not start; its log ends:\n{process.last_lines(log)}")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._server is not None:
            try:
                self._server.communicate(timeout=_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.communicate()
            self._server = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _first_line(server: subprocess.Popen[bytes]) -> str:
    """What the server prints first, empty when it ended or took too long."""
    assert server.stdout is not None
    readable, _, _ = select.select([server.stdout], [], [], _START_TIMEOUT_S)
    return server.stdout.readline().decode().strip() if readable else ""
