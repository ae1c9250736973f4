"""What others on the machine or on the network may learn: nothing."""

import os
import secrets
import signal
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from renderowl.embedded.stack import read_environment
from renderowl.services import health
from renderowl.testing.service import Service

TOKEN = "bootstrap-" + secrets.token_urlsafe(24)


def test_a_running_stack_shows_no_secret_and_no_file_to_other_users(tmp_path: Path) -> None:
    """In a data directory that was there before and that everybody may enter."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o755)
    environment = {**os.environ, "RENDEROWL_AUTH_TOKEN": TOKEN}
    argv = [sys.executable, "-m", "renderowl", "up", "--port", "0", "--data-dir", str(data_dir)]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as up:
        try:
            assert up.stdout is not None
            assert up.stdout.readline().startswith("ready http")
            told = read_environment(data_dir)
            hidden = [TOKEN, told["RENDEROWL_SECRET_KEY"]]
            hidden += [
                told[f"RENDEROWL_{name}_URL"].partition("@")[0].rpartition(":")[2] for name in ("DATABASE", "REDIS")
            ]
            assert all(len(secret) >= 20 for secret in hidden)

            family = [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]
            shown = "\n".join(" ".join(one.cmdline()) for one in family)
            logged = "\n".join(path.read_text(errors="replace") for path in data_dir.rglob("*.log"))
            for secret in hidden:
                assert secret not in shown
                assert secret not in logged
            assert open_to_others(data_dir) == []
            with pytest.raises(redis.exceptions.AuthenticationError):
                without_password(told["RENDEROWL_REDIS_URL"]).ping()
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(30)


async def test_the_embedded_postgres_wants_its_password(database_url: str) -> None:
    password = database_url.partition("@")[0].rpartition(":")[2]
    for wrong in ("", "wrong"):
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
            await asyncpg.connect(database_url.replace(f":{password}@", f":{wrong}@"), ssl=False)


async def test_readiness_names_the_part_that_is_away_and_nothing_else(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> None:
        raise OSError("cannot reach postgresql://admin:hunter2@10.0.0.5/secret")

    monkeypatch.setattr(service.ctx.bus, "check", fails)
    answer = await service.as_(None).get("/readyz")
    assert answer.status_code == 503
    assert "redis" in answer.text
    assert "hunter2" not in answer.text
    assert "10.0.0.5" not in answer.text


async def test_an_unexpected_failure_says_nothing_of_itself(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError("hunter2 in /srv/renderowl/x.py")

    monkeypatch.setattr(health, "readiness", fails)
    answer = await service.as_(None).get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text


def open_to_others(folder: Path) -> list[str]:
    """The files below that group or others can reach; the folder itself may be open."""
    found = []
    for path in folder.iterdir():
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) or not mode & 0o077:
            continue  # a closed folder closes what is in it
        found.append(f"{path.name} {stat.filemode(mode)}")
    return found


def without_password(url: str) -> "redis.Redis":
    return redis.Redis.from_url("redis://" + url.rpartition("@")[2])
