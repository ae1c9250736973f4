"""The image, built and run by Podman: nobody special, its health check, walls where they may stand (`make test-image`).

Health checks are called here, at once: without systemd Podman has nobody to call them every ten seconds.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from renderowl.testing.signals import until

pytestmark = [pytest.mark.podman, pytest.mark.timeout(1200)]

_ROOT = Path(__file__).parents[2]
_IMAGE = "localhost/renderowl:tested"
_LIMITS = (
    "--ulimit=nofile=8192:8192",
    "--ulimit=nproc=8192:8192",
)  # within what this machine may have, whatever that is
_UNMASKED = "--security-opt=unmask=ALL"
_SPEC = {
    "composition_id": "timeline",
    "input_props": {
        "width": 320,
        "height": 180,
        "tracks": [{"clips": [{"type": "text", "text": "Owls", "duration": 1}]}],
    },
    "output_settings": {"output_name": "owls.mp4", "preset": "ultrafast"},
}
_SIGNAL_API = (
    "import psutil, sys\n"
    "api, = (p for p in psutil.process_iter() if 'serve' in p.cmdline() and p.name() != 'tini')\n"
    "api.send_signal(int(sys.argv[1]))"
)


def podman(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Podman; what it said is in the failure."""
    done = subprocess.run(("podman", *arguments), check=False, capture_output=True, text=True)
    assert done.returncode == 0 or not check, f"podman {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done


def run_once(*options: str) -> str:
    """What a container of its own says and is gone."""
    return podman("run", "--rm", "--no-healthcheck", *_LIMITS, *options).stdout


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    # OCI's own format of images knows no health check; Docker builds in its own anyway
    podman("build", "--format=docker", "--network=host", "-t", _IMAGE, str(_ROOT))


@pytest.fixture(scope="module")
def spec_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of film that needs no file."""
    path = tmp_path_factory.mktemp("spec") / "spec.json"
    path.write_text(json.dumps(_SPEC))
    path.chmod(0o644)
    path.parent.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def everything(spec_file: Path) -> Iterator[str]:
    """`renderowl up` in a container that may make namespaces."""
    options = (*_LIMITS, _UNMASKED, "-v", f"{spec_file}:/spec.json:ro")
    name = podman("run", "-d", *options, _IMAGE, "up", "--host", "0.0.0.0", "--workers", "2").stdout.strip()
    try:
        yield name
    finally:
        podman("rm", "-f", "-t", "5", name)


def wall(*options: str) -> dict[str, Any]:
    """What `doctor` says about the walls in a container."""
    checks = json.loads(
        podman("run", "--rm", "--no-healthcheck", *_LIMITS, *options, _IMAGE, "doctor", "--json").stdout
    )
    (found,) = (check for check in checks["checks"] if check["name"] == "walls")
    return found


async def healthy(name: str) -> bool:
    """Whether the image's own health check passes now."""
    return podman("healthcheck", "run", name, check=False).returncode == 0


def health(name: str) -> str:
    """What Podman makes of the last checks."""
    state = json.loads(podman("inspect", name).stdout)[0]["State"]
    return (state.get("Health") or state["Healthcheck"])["Status"]


def test_it_runs_as_nobody_special_and_cannot_change_itself() -> None:
    assert run_once("--entrypoint=id", _IMAGE, "-u").strip() == "10001"
    touched = run_once("--entrypoint=sh", _IMAGE, "-c", "touch /opt/renderowl/bin/x /usr/x 2>/dev/null || echo refused")
    assert touched == "refused\n"


def test_walls_stand_where_the_engine_lets_them_and_it_says_so_where_not() -> None:
    assert wall(_UNMASKED)["state"] == "ok"
    beside = wall()
    assert (beside["state"], "/proc" in beside["hint"]) == ("warn", True), "Podman masks /proc unless told"


def test_a_film_is_rendered_in_an_ordinary_container(spec_file: Path) -> None:
    said = run_once("-v", f"{spec_file}:/spec.json:ro", _IMAGE, "render", "/spec.json", "-o", "/tmp/owls.mp4")
    assert said.startswith("/tmp/owls.mp4")


async def test_its_health_is_that_of_the_api(everything: str) -> None:
    await until(lambda: healthy(everything), timeout_s=120, every_s=1)
    assert health(everything) == "healthy"

    def signal_api(number: int) -> None:
        podman("exec", everything, "python", "-c", _SIGNAL_API, str(number))

    async def given_up() -> bool:
        assert not await healthy(everything)
        return health(everything) == "unhealthy"

    signal_api(19)
    try:
        await until(given_up, timeout_s=120, every_s=1)  # after `retries` beyond the start period, which may last still
    finally:
        signal_api(18)
    await until(lambda: healthy(everything), timeout_s=60, every_s=1)
    assert health(everything) == "healthy"


async def test_a_film_of_its_server_outlives_a_restart(everything: str) -> None:
    await until(lambda: healthy(everything), timeout_s=120, every_s=1)
    key = podman("exec", everything, "renderowl", "keys", "create", "--name", "me", "--data-dir", ".renderowl")
    server = ("-e", "OWL_SERVER=http://127.0.0.1:8080", "-e", f"OWL_KEY={key.stdout.strip()}")
    project = podman("exec", *server, everything, "renderowl", "projects", "create", "--name", "Owls").stdout.strip()
    film = ("--project", project, "-o", "/var/lib/renderowl/owls.mp4")
    server_option = ("--server", "http://127.0.0.1:8080")
    podman("exec", *server, everything, "renderowl", "render", "/spec.json", *server_option, *film)
    podman("stop", "-t", "30", everything)
    assert json.loads(podman("inspect", everything).stdout)[0]["State"]["ExitCode"] == 0
    podman("start", everything)
    await until(lambda: healthy(everything), timeout_s=120, every_s=1)
    assert project in podman("exec", *server, everything, "renderowl", "projects", "list").stdout
