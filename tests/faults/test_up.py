"""`renderowl up` as a user runs it: ready, stopped, killed, disturbed. Never a process left behind."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from renderowl.embedded.process import free_port

_UP = [sys.executable, "-m", "renderowl", "up", "--port", "0"]
_READY_S = 60.0
_TOKEN = "a-token-of-the-test-of-enough-length"
_METRICS_PORT = free_port(count=2)

pytestmark = pytest.mark.xdist_group("up")


class Up:
    """A running `renderowl up` on `data_dir` and everything it started."""

    def __init__(self, data_dir: Path, *options: str, **environment: str) -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [*_UP, "--data-dir", str(data_dir), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.fullmatch(r"ready (http://127\.0\.0\.1:\d+)\n", line)
        if found is None:
            self.process.kill()
            raise AssertionError(f"{line!r}\n{self.process.communicate()[1]}")
        self.url = found[1]
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def child(self, word: str) -> psutil.Process | None:
        """The child with `word` in its command line; None while there is none."""
        self.assert_up()
        for one in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if one.status() != psutil.STATUS_ZOMBIE and word in " ".join(one.cmdline()):
                    return one
        return None

    def assert_up(self) -> None:
        """Fail with what it said when it has ended."""
        assert self.process.poll() is None, self.process.communicate()[1]

    def left(self) -> list[psutil.Process]:
        """Who of the family still runs; a zombie does not."""
        return [one for one in self.family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(*options: str, **environment: str) -> Up:
        started.append(Up(tmp_path / "data", *options, **environment))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One that several tests use, each leaving it whole."""
    folder = tmp_path_factory.mktemp("up") / "data"
    stack = Up(folder, RENDEROWL_AUTH_TOKEN=_TOKEN, RENDEROWL_METRICS_PORT=str(_METRICS_PORT))
    yield stack
    stack.process.terminate()
    stack.process.communicate(timeout=20)


def _wait_until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_ready_once_and_a_signal_leaves_no_process(up: Callable[..., Up], number: signal.Signals) -> None:
    stack = up()
    assert _answers(stack.url)
    assert len(stack.family) >= 5
    begun = time.monotonic()
    stack.process.send_signal(number)
    out, err = stack.process.communicate(timeout=20)
    assert time.monotonic() - begun < 10
    assert out == "", "one line on stdout, and no more"
    assert f"renderowl keys create --name me --data-dir {stack.data_dir}\n" in err
    assert stack.process.returncode == 0, err
    assert stack.left() == []
    assert not (stack.data_dir / "stack.env").exists()


def test_kill_9_leaves_no_process_and_the_next_start_works(up: Callable[..., Up]) -> None:
    stack = up()
    secret = (stack.data_dir / "secret_key").read_text()
    stack.process.kill()
    stack.process.communicate()
    again = up()
    assert stack.left() == []
    assert (again.data_dir / "secret_key").read_text() == secret


@pytest.mark.parametrize(
    "word", ["renderowl serve", "renderowl scheduler", "renderowl worker", "valkey-server", "cluster"]
)
def test_a_part_that_is_killed_comes_back(shared: Up, word: str) -> None:
    first = shared.child(word)
    assert first is not None
    first.kill()

    def back() -> bool:
        now = shared.child(word)
        return now is not None and now.pid != first.pid and _answers(shared.url)

    _wait_until(back)


def test_a_second_one_on_the_same_directory_is_refused(shared: Up) -> None:
    answer = subprocess.run(
        [*_UP, "--data-dir", str(shared.data_dir)], capture_output=True, text=True, timeout=_READY_S, check=False
    )
    assert answer.returncode == 1
    assert f"in use by process {shared.process.pid}" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert _answers(shared.url)


def test_a_configured_server_is_used_instead_of_an_embedded_one(up: Callable[..., Up], database_url: str) -> None:
    stack = up(RENDEROWL_DATABASE_URL=database_url)
    assert _answers(stack.url)
    assert not (stack.data_dir / "postgres").exists()
    assert (stack.data_dir / "valkey").exists()


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = subprocess.run(
            [*_UP[:-1], port, "--data-dir", str(tmp_path / "data")],
            capture_output=True,
            text=True,
            timeout=_READY_S,
            check=False,
        )
    assert answer.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in answer.stderr
    assert "--port" in answer.stderr


def test_keys_are_made_for_the_running_stack_and_work(shared: Up) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "renderowl", "keys", "create", "--name", "mine", "--data-dir", str(shared.data_dir)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    answer = httpx.get(f"{shared.url}/projects", headers={"Authorization": f"Bearer {key}"}, trust_env=False)
    assert answer.status_code == 200
    assert httpx.get(f"{shared.url}/projects", trust_env=False).status_code == 401


def test_scheduler_and_worker_serve_metrics_from_the_port_that_is_set(shared: Up) -> None:
    for port, metric in ((_METRICS_PORT, "renderowl_queue_steps"), (_METRICS_PORT + 1, "renderowl_steps_running")):

        def told(url: str = f"http://127.0.0.1:{port}/metrics", metric: str = metric) -> bool:
            shared.assert_up()
            with contextlib.suppress(httpx.TransportError):
                return metric in httpx.get(url, trust_env=False).text
            return False

        _wait_until(told)


def test_the_bootstrap_token_passes_through(shared: Up) -> None:
    answer = httpx.get(f"{shared.url}/projects", headers={"Authorization": f"Bearer {_TOKEN}"}, trust_env=False)
    assert answer.status_code == 200
