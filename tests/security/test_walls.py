"""Behind bubblewrap's walls: no network, nobody else's processes, nothing to write to but the work directory."""

import os
import socket
import sys
from pathlib import Path

import pytest

from renderowl.domain.errors import EncoderFailed, LimitExceeded, MediaUnreadable
from renderowl.pipeline.bounded import read_apart
from renderowl.pipeline.run import ProcessLimits, Silent, run
from renderowl.pipeline.walls import bubblewrap

pytestmark = pytest.mark.bubblewrap


@pytest.fixture(autouse=True)
def _walls() -> None:
    assert bubblewrap(), "bubblewrap is not installed, or may not make namespaces here"


async def _says(code: str, *arguments: object, writable: Path | None = None) -> str:
    """What a program prints behind the walls."""
    argv = (sys.executable, "-ISc", code, *map(str, arguments))
    return (await read_apart(argv, Path("subject"), timeout_s=30, memory_bytes=0, writable=writable)).decode()


async def test_a_server_of_this_machine_is_out_of_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        connect = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))"
        with pytest.raises(MediaUnreadable, match="Connection refused"):
            await _says(connect, server.getsockname()[1])
        with pytest.raises(BlockingIOError):
            server.accept()


async def test_the_environment_of_the_service_cannot_be_read() -> None:
    told = "import os; print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit())[-1] < 10)"
    assert await _says(told) == "True\n", "its own processes are all there are"
    assert Path(f"/proc/{os.getpid()}/environ").read_bytes()


async def test_only_the_work_directory_can_be_written(tmp_path: Path) -> None:
    work, beside = tmp_path / "work", tmp_path / "beside"
    work.mkdir()
    write = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('x')"
    await _says(write, work / "mine", writable=work)
    assert (work / "mine").read_text() == "x"
    with pytest.raises(MediaUnreadable, match="Read-only file system"):
        await _says(write, beside, writable=work)
    with pytest.raises(MediaUnreadable, match="Read-only file system"):
        await _says(write, work / "nothing")
    assert not beside.exists()


async def test_root_keeps_only_the_power_to_read_and_nobody_else_has_any() -> None:
    told = await _says("print([line for line in open('/proc/self/status') if line.startswith('CapEff')])")
    cap_dac_read_search = 1 << 2
    assert int(told.split("\\t")[1].split("\\n")[0], 16) == (cap_dac_read_search if os.geteuid() == 0 else 0)


async def test_what_ends_a_program_is_known_behind_the_walls(tmp_path: Path) -> None:
    limits = ProcessLimits(cpu_s=1)
    with pytest.raises(LimitExceeded, match="processing time"):
        await run((sys.executable, "-ISc", "while True: pass"), work_dir=tmp_path, observer=Silent(), limits=limits)
    with pytest.raises(EncoderFailed, match="no-such-encoder"):
        await run(("no-such-encoder",), work_dir=tmp_path, observer=Silent(), limits=limits)
