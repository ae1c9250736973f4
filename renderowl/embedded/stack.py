"""Everything in one command: embedded servers, API, scheduler and workers, started, kept alive and stopped in order."""

import http.client
import os
import secrets
import shlex
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec

from renderowl.embedded import process
from renderowl.embedded.errors import EmbeddedError
from renderowl.embedded.keeper import Command, Keeper, LogFollower, Service
from renderowl.embedded.lock import DirectoryLock
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.server import Server
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.settings import PREFIX, Settings

_READY_TIMEOUT_S: Final = 60.0
_TICK_S: Final = 0.1
_DRAIN_S: Final = 3.0
_DERIVED: Final = ("database_url", "redis_url", "storage_url", "secret_key", "host", "port", "work_dir", "worker_slots")


class Stack:
    """RenderOwl with all it needs, its state under `data_dir`.

    A part whose URL is in `settings` is used as it is; the others are embedded. `migrate` brings the database to the
    newest schema. `say` tells people what happens; `ready` is called once with the API's address.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: Settings,
        *,
        migrate: Callable[[Settings], object],
        workers: int,
        say: Callable[[str], None],
        ready: Callable[[str], None],
        show_log: Callable[[str], None] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._settings = settings
        self._migrate = migrate
        self._workers = workers
        self._say = say
        self._ready = ready
        self._show_log = show_log
        self._logs = self.data_dir / "logs"
        self._servers: list[Server] = []
        self._commands: list[Command] = []
        self._follow: Callable[[], None] = lambda: None

    def run(self) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP, then stop everything; no process is left however this one ends.

        Raises EmbeddedError when something does not start, or dies again and again.
        """
        lock = DirectoryLock(self.data_dir)
        lock.acquire()
        signals = _StopSignals()
        try:
            self._start()
            self._supervise()
        except _StopRequested:
            self._say("stopping")
        finally:
            signals.ignore()
            self._stop()
            lock.release()
            signals.restore()

    def _start(self) -> None:
        settings = self._settings
        port = settings.port or process.free_port(settings.host)
        _require_free(settings.host, port)
        self._logs.mkdir(mode=0o700, exist_ok=True)
        (self.data_dir / "storage").mkdir(mode=0o700, exist_ok=True)
        settings = msgspec.structs.replace(
            settings,
            port=port,
            secret_key=settings.secret_key or self._secret_key(),
            storage_url=settings.storage_url or (self.data_dir / "storage").as_uri(),
            work_dir=settings.work_dir or str(self.data_dir / "work"),
        )
        self._settings = self._start_servers(settings)
        self._migrate(self._settings)
        self._write_environment()
        self._start_commands()
        self._await_ready()
        self._ready(msgspec.structs.replace(self._settings, public_url="").base_url)

    def _secret_key(self) -> str:
        return process.private_text(self.data_dir / "secret_key", lambda: secrets.token_urlsafe(48))

    def _start_servers(self, settings: Settings) -> Settings:
        """The settings with the addresses of the servers that had to be embedded."""
        if not settings.database_url:
            postgres = EmbeddedPostgres(self.data_dir / "postgres")
            self._say("starting Postgres")
            self._servers.append(postgres)
            postgres.start()
            settings = msgspec.structs.replace(settings, database_url=postgres.url)
        if not settings.redis_url:
            valkey = EmbeddedValkey(self.data_dir / "valkey")
            self._say("starting Valkey")
            self._servers.append(valkey)
            valkey.start()
            settings = msgspec.structs.replace(settings, redis_url=valkey.url)
        return settings

    def _start_commands(self) -> None:
        environment = os.environ | self._environment()
        environment.setdefault(f"{PREFIX}DRAIN_TIMEOUT_S", str(_DRAIN_S))
        roles = {"api": "serve", "scheduler": "scheduler"}
        roles |= {f"worker-{number}": "worker" for number in range(1, self._workers + 1)}
        if self._settings.remote_endpoint:
            roles["remote-runner"] = "remote runner"
        self._say(f"starting the API, the scheduler and {self._workers} worker{'s' if self._workers != 1 else ''}")
        for name, role in roles.items():
            log = self._logs / f"{name}.log"
            if log.exists():
                log.replace(log.with_suffix(".log.previous"))
            command = Command(name, role.split(), environment | self._metrics_port(name, len(self._commands)), log)
            if role in ("worker", "remote runner"):
                command.grace_s = float(environment[f"{PREFIX}DRAIN_TIMEOUT_S"]) + 2.0
            self._commands.append(command)
            command.start()
        if self._show_log is not None:
            self._follow = LogFollower(self._services, self._show_log).copy

    @property
    def _services(self) -> list[Service]:
        return [*self._servers, *self._commands]

    def _metrics_port(self, name: str, number: int) -> dict[str, str]:
        """A port of its own for each part that serves metrics; the API has its port already and comes first."""
        first = self._settings.metrics_port
        return {f"{PREFIX}METRICS_PORT": str(first + number - 1 if first and name != "api" else 0)}

    def _environment(self) -> dict[str, str]:
        """The settings this stack decided on, as variables for its own commands."""
        return {f"{PREFIX}{name.upper()}": str(getattr(self._settings, name)) for name in _DERIVED}

    def _write_environment(self) -> None:
        """Leave the addresses and the secret where `renderowl keys`, `db` and `worker` find them with --data-dir."""
        path = self.data_dir / "stack.env"
        path.unlink(missing_ok=True)
        lines = [f"{name}={shlex.quote(value)}\n" for name, value in self._environment().items()]
        process.private_text(path, lambda: "".join(lines))

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while not _answers(self._settings.host, self._settings.port):
            self._follow()
            for command in self._commands:
                if not command.running:
                    raise EmbeddedError(
                        f"{command.name} ended with exit code {command.exit_code} before it was ready; "
                        f"{command.log} ends:\n{process.last_lines(command.log)}"
                    )
            if time.monotonic() > deadline:
                raise EmbeddedError(f"the API was not ready in {_READY_TIMEOUT_S:.0f} s; see {self._logs / 'api.log'}")
            time.sleep(_TICK_S)

    def _supervise(self) -> None:
        keepers = [Keeper(service, self._say) for service in self._services]
        while True:
            for keeper in keepers:
                keeper.tend()
            self._follow()
            time.sleep(_TICK_S)

    def _stop(self) -> None:
        """API first, so that nothing new comes in; then who does the work, side by side; the servers last."""
        api = [command for command in self._commands if command.name == "api"]
        others = [command for command in self._commands if command.name != "api"]
        for group in (api, others):
            for command in group:
                command.ask_to_stop()
            for command in group:
                command.stop()
        for server in reversed(self._servers):
            server.stop()
        (self.data_dir / "stack.env").unlink(missing_ok=True)


class _StopRequested(BaseException):
    """A signal asked us to stop; not an Exception, so that nothing on the way swallows it."""


class _StopSignals:
    """Makes the first signal that means "stop" raise _StopRequested, even in the middle of a start.

    Later ones are ignored: nobody interrupts the cleaning up, and every wait in it is bounded.
    """

    def __init__(self) -> None:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._before = {number: signal.signal(number, self._raise) for number in numbers}

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self.ignore()
        raise _StopRequested

    def ignore(self) -> None:
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    def restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _require_free(host: str, port: int) -> None:
    """Raise EmbeddedError naming the port when somebody listens on it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the API does: a closing socket is no obstacle
        try:
            probe.bind((host, port))
        except OSError as error:
            raise EmbeddedError(
                f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port (0 picks a free one)"
            ) from None


def _answers(host: str, port: int) -> bool:
    """Whether the API says that it is ready."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not bound
    connection = http.client.HTTPConnection(reachable, port, timeout=2.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def read_environment(data_dir: Path) -> dict[str, str]:
    """The variables of the stack that runs on `data_dir`; raises EmbeddedError when none does."""
    try:
        text = (data_dir / "stack.env").read_text()
    except (FileNotFoundError, NotADirectoryError):
        raise EmbeddedError(f"no `renderowl up` is running on {data_dir}") from None
    return dict(word.split("=", 1) for word in shlex.split(text))
