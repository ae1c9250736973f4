"""Workers on machines of their own: network namespaces that reach Postgres, Redis and the object store, and nothing else.

For root on Linux with `ip` (iproute2). A namespace has one cable to this machine, on whose end proxies stand for the servers.
"""

import asyncio
import contextlib
import itertools
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import psutil

from renderowl.embedded.process import die_with_parent
from renderowl.settings import PREFIX, Settings
from renderowl.testing.tcp_proxy import TcpProxy

_numbers: Final = itertools.count(1)
_OURS: Final = re.compile(r"^ro(?P<pid>\d+)-\d+(?P<cable>-a)?", re.MULTILINE)
_PASSED_ON: Final = (
    *("database_url", "redis_url", "storage_url", "s3_access_key", "s3_secret_key", "secret_key", "public_url"),
    *("lease_s", "heartbeat_s", "drain_timeout_s"),
)


class Machine:
    """A namespace with a folder of its own."""

    def __init__(self, name: str, settings: Settings, folder: Path) -> None:
        self.name = name
        self.settings = settings
        self.folder = folder
        self._cable = f"{name}-a"

    async def plug(self) -> None:
        """Connect its cable."""
        await _ip("link", "set", self._cable, "up")

    async def unplug(self) -> None:
        """Cut it off: nothing arrives and nothing is refused either."""
        await _ip("link", "set", self._cable, "down")

    async def worker(self, *options: str) -> asyncio.subprocess.Process:
        """`renderowl worker` with one slot; what it says is in `worker.log`."""
        environment = {f"{PREFIX}{name.upper()}": str(getattr(self.settings, name)) for name in _PASSED_ON}
        environment[f"{PREFIX}WORK_DIR"] = str(self.folder)
        with (self.folder / "worker.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *("ip", "netns", "exec", self.name, sys.executable, "-m", "renderowl", "worker", "--slots", "1"),
                *options,
                env=os.environ | environment,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )

    def encoders(self) -> list[psutil.Process]:
        """The processes that work in its folder."""
        return [one for one in psutil.process_iter() if _works_below(one, self.folder)]


@contextlib.asynccontextmanager
async def machine(settings: Settings, folder: Path) -> AsyncIterator[Machine]:
    """A machine from which the servers of these settings can be reached; gone at the end of the block."""
    await _clear_up()
    number = next(_numbers)
    name, near, far = f"ro{os.getpid()}-{number}", f"10.77.{number}.1", f"10.77.{number}.2"
    folder.mkdir()
    async with contextlib.AsyncExitStack() as stack:
        await _ip("netns", "add", name)
        stack.push_async_callback(_ip, "netns", "del", name)
        await _ip("link", "add", f"{name}-a", "type", "veth", "peer", "name", f"{name}-b", "netns", name)
        await _ip("addr", "add", f"{near}/30", "dev", f"{name}-a")
        await _ip("-n", name, "addr", "add", f"{far}/30", "dev", f"{name}-b")
        await _ip("-n", name, "link", "set", "lo", "up")
        await _ip("-n", name, "link", "set", f"{name}-b", "up")
        made = Machine(name, settings, folder)
        await made.plug()
        made.settings = msgspec.structs.replace(
            settings,
            database_url=await _reach(stack, settings.database_url, near),
            redis_url=await _reach(stack, settings.redis_url, near),
            storage_url=await _reach_storage(stack, settings.storage_url, near),
        )
        yield made


async def _clear_up() -> None:
    """Remove the machines of test runs that were killed: their cables have the addresses of ours."""
    cables = [line.split(": ")[1] for line in (await _ip("-o", "link", "show", "type", "veth")).splitlines()]
    names = (await _ip("netns", "list")).splitlines()
    for found in _OURS.finditer("\n".join([*cables, *names])):
        if psutil.pid_exists(int(found["pid"])):
            continue
        await _ip(*(("link", "del", found[0]) if found["cable"] else ("netns", "del", found[0])))


async def _reach(stack: contextlib.AsyncExitStack, url: str, near: str) -> str:
    """The same URL by way of a proxy at the near end of a cable."""
    parts = urlsplit(url)
    assert parts.port is not None, "the servers of tests have ports"
    port = await stack.enter_async_context(TcpProxy(parts.port).serve(near))
    return parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{near}:{port}".removeprefix("@")).geturl()


async def _reach_storage(stack: contextlib.AsyncExitStack, url: str, near: str) -> str:
    (endpoint,) = parse_qs(urlsplit(url).query)["endpoint_url"]
    return url.replace(quote(endpoint, safe=""), quote(await _reach(stack, endpoint, near), safe=""))


def _works_below(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder)
    except psutil.Error:
        return False


async def _ip(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "ip", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complaint = await process.communicate()
    assert process.returncode == 0, f"ip {' '.join(arguments)}: {complaint.decode().strip()}"
    return said.decode()
