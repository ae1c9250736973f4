"""A real Postgres from a wheel, supervised by us: as root or not, through kill -9, never two on one directory."""

import os
import pwd
import secrets
import shutil
import signal
import time
from pathlib import Path
from typing import Final

import psutil

from renderowl.embedded import process
from renderowl.embedded.doorway import ENVIRONMENT, Doorway
from renderowl.embedded.errors import EmbeddedError
from renderowl.embedded.postgres_binaries import binaries
from renderowl.embedded.server import Server

_NOBODY: Final = 65534
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "ssl": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}
_NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_START_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.02

# What a start says that is over in a moment: the orphans of a killed server still hold its memory, or are still
# shutting down; or somebody took the port between our choosing it and the server's binding it.
_PASSING: Final = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists', "starting up")
_PORT_TAKEN: Final = "Address already in use"


class EmbeddedPostgres(Server):
    """Postgres on 127.0.0.1 with all its state under `data_dir`.

    `data_dir` holds `cluster/`, the drawn `password`, `postgres.log` and the `lock`. Started by root, the server runs
    as the directory's owner, or as nobody when that is root or nameless, and owns the directory from then on.
    `durable=False` trades safety from power loss for speed, in tests.
    """

    name = "postgres"
    stopping = ((signal.SIGINT, 8.0), (signal.SIGQUIT, 3.0))

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        super().__init__(data_dir)
        self._durable = durable
        self._settings = _SETTINGS if durable else _SETTINGS | _NOT_DURABLE
        self._cluster = self.data_dir / "cluster"
        self._password = ""

    @property
    def url(self) -> str:
        """`postgresql://` address of the database `renderowl`; the same after a restart."""
        return f"postgresql://renderowl:{self._password}@127.0.0.1:{self.port}/renderowl"

    def _launch(self) -> None:
        user = self._own_directory()
        bin_dir = binaries(user)
        if not self._cluster.exists():
            self._create_cluster(bin_dir, user)
        self._password = process.private_text(self.data_dir / "password", _no_password)
        self._run(bin_dir, user)

    def _own_directory(self) -> int | None:
        """The user to run the server as; None is the one we are. Postgres refuses to run as root.

        A cluster is only made as a user with a name: `initdb` looks it up.
        """
        made = self._cluster.exists()
        owner = self.data_dir.stat().st_uid
        if os.geteuid() == 0:
            user = owner if owner and (made or _has_name(owner)) else _NOBODY
            os.chown(self.data_dir, user, user)
            return user
        if owner != os.geteuid():
            raise EmbeddedError(f"the data directory {self.data_dir} belongs to the user with id {owner}")
        if not made and not _has_name(owner):
            raise EmbeddedError(
                f"the user with id {owner} has no name in /etc/passwd, which Postgres needs to make a database; "
                "add one, or set RENDEROWL_DATABASE_URL"
            )
        return None

    def _create_cluster(self, bin_dir: Path, user: int | None) -> None:
        """Make the database files under another name first: an interrupted start leaves nothing half-made."""
        fresh = self.data_dir / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = self.data_dir / "password"
        process.private_text(password, lambda: secrets.token_urlsafe(24))
        if user is not None:
            os.chown(fresh, user, user)
            os.chown(password, user, user)
        with Doorway(self.data_dir, user) as door:
            initdb: list[str | Path] = [
                bin_dir / "initdb",
                "-D",
                f"{door.path}/cluster.new",
                "--username=renderowl",
                "--auth=scram-sha-256",
            ]
            initdb += [f"--pwfile={door.path}/password", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
            initdb += ["--builtin-locale=C.UTF-8", "--no-instructions"]
            initdb += [] if self._durable else ["--no-sync"]
            door.run(initdb)
            single: list[str | Path] = [bin_dir / "postgres", "--single", "-D", f"{door.path}/cluster.new", "postgres"]
            door.run(single, b"CREATE DATABASE renderowl;\n")
        fresh.rename(self._cluster)

    def _disown_pid_file(self) -> None:
        """Make a pid file harmless whose process is not the old server: another program with that number, as happens
        when a container is restarted, or a zombie nobody reaps.

        Postgres takes its parent's number, ours, for stale. Removing the file instead would also remove what Postgres
        needs to see whether orphans of the old server still use the files.
        """
        pid_file = self._cluster / "postmaster.pid"
        try:
            number, rest = pid_file.read_text().split("\n", 1)
            holder = psutil.Process(int(number))
            if holder.name() != "postgres" or holder.status() == psutil.STATUS_ZOMBIE:
                pid_file.write_text(f"{os.getpid()}\n{rest}")
        except (FileNotFoundError, ValueError, psutil.Error):
            return

    def _run(self, bin_dir: Path, user: int | None) -> None:
        """Start the server until it is ready, patient with what passes by itself."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        port_is_settled = self.port != 0
        while True:
            self.port = self.port or process.free_port()
            self._disown_pid_file()
            settings = self._settings | {"port": str(self.port)}
            since = self.log.stat().st_size if self.log.exists() else 0
            with Doorway(self.data_dir, user) as door:
                argv: list[str | Path] = [bin_dir / "postgres", "-D", f"{door.path}/cluster"]
                argv += [f"--{name}={value}" for name, value in settings.items()]
                self._process = process.spawn(
                    argv,
                    log=self.log,
                    # immediate shutdown: bounded in time, and the write-ahead log keeps every commit
                    death_signal=signal.SIGQUIT,
                    user=user,
                    env=ENVIRONMENT,
                    cwd="/",
                    pass_fds=door.pass_fds,
                )
            if self._became_ready(deadline):
                return
            said = process.last_lines(self.log, since=since)
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Postgres was not ready in {_START_TIMEOUT_S:.0f} s; its log ends:\n{said}")
            if _PORT_TAKEN in said and not port_is_settled:
                self.port = 0
            elif not any(reason in said for reason in _PASSING):
                raise EmbeddedError(f"Postgres does not start; its log ends:\n{said}")
            time.sleep(0.1)

    def _became_ready(self, deadline: float) -> bool:
        """Whether the server reported ready; False when it ended or `deadline` passed. `pg_ctl` looks there, too."""
        pid_file = self._cluster / "postmaster.pid"
        while self.running and time.monotonic() < deadline:
            try:
                lines = pid_file.read_text().splitlines()
            except FileNotFoundError:
                lines = []
            if len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(_POLL_S)
        return False


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _no_password() -> str:
    raise EmbeddedError("the embedded Postgres has lost its password file; remove its data directory to start afresh")
