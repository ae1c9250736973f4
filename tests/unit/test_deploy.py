"""deploy/, read: no cluster is reached where this is tested."""

import re
import shlex
from pathlib import Path
from typing import Any

import kubernetes_validate
import msgspec
import pytest
import yaml
from click.testing import CliRunner

from renderowl.cli.main import cli
from renderowl.settings import PREFIX, Settings

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "deploy" / "kubernetes"
_KUSTOMIZATION: dict[str, Any] = yaml.safe_load((_FOLDER / "kustomization.yaml").read_text())
_OBJECTS: list[dict[str, Any]] = [
    one for name in _KUSTOMIZATION["resources"] for one in yaml.safe_load_all((_FOLDER / name).read_text())
]
_PODS = {
    one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in _OBJECTS if "template" in one.get("spec", {})
}
_RAILWAY = {
    path.stem: msgspec.json.decode(path.read_bytes())["deploy"] for path in (_ROOT / "deploy/railway").glob("*")
}


def _runs(arguments: list[str]) -> bool:
    return CliRunner().invoke(cli, [*arguments, "--help"]).exit_code == 0


def test_every_file_is_applied() -> None:
    assert {path.name for path in _FOLDER.glob("*.yaml")} == {"kustomization.yaml", *_KUSTOMIZATION["resources"]}


@pytest.mark.parametrize(
    "one", [one for one in _OBJECTS if "keda" not in one["apiVersion"]], ids=lambda one: one["kind"]
)
def test_every_object_is_what_kubernetes_takes(one: dict[str, Any]) -> None:
    kubernetes_validate.validate(one, "1.33", strict=True)


@pytest.mark.parametrize("name", _PODS)
def test_every_pod_runs_a_command_that_exists(name: str) -> None:
    (container,) = _PODS[name]["containers"]
    assert _runs([word for word in container["args"] if not word.startswith("-") and not word.isdigit()])


def test_every_variable_is_a_setting() -> None:
    known = {f"{PREFIX}{field.name.upper()}" for field in msgspec.structs.fields(Settings)}
    assert set(re.findall(rf"{PREFIX}[A-Z0-9_]+", "".join(path.read_text() for path in _FOLDER.iterdir()))) <= known


def test_a_pod_has_longer_to_stop_than_a_worker_drains() -> None:
    assert _PODS["worker"]["terminationGracePeriodSeconds"] > Settings().drain_timeout_s
    assert _RAILWAY["worker"]["drainingSeconds"] > Settings().drain_timeout_s


def test_workers_are_scaled_by_the_slots_they_have() -> None:
    objects = {one["kind"]: one for one in _OBJECTS if one["metadata"]["name"] in ("worker", "renderowl")}
    (trigger,) = objects["ScaledObject"]["spec"]["triggers"]
    assert trigger["metadata"]["targetQueryValue"] == objects["ConfigMap"]["data"]["RENDEROWL_WORKER_SLOTS"]


@pytest.mark.parametrize("name", _RAILWAY)
def test_every_railway_service_runs_a_command_that_exists(name: str) -> None:
    command = shlex.split(shlex.split(_RAILWAY[name]["startCommand"])[2])
    assert command[:4] == ["exec", "tini", "--", "renderowl"]
    assert _runs(command[4:5])
