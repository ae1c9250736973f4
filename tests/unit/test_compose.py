"""compose.yaml and the Dockerfile, read: most machines that test have no container engine.

`make test-image` builds and runs the image; docs/operations.md says what of the rest was run, and how.
"""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from renderowl.settings import PREFIX, Settings

yaml = pytest.importorskip("yaml", reason="PyYAML comes with the test tools")

_ROOT = Path(__file__).parents[2]
_TEXT = (_ROOT / "compose.yaml").read_text()
_COMPOSE: dict[str, Any] = yaml.safe_load(_TEXT)
_OURS = {"migrate", "api", "scheduler", "worker"}


def test_it_has_every_part() -> None:
    assert set(_COMPOSE["services"]) == _OURS | {"postgres", "valkey", "s3"}


@pytest.mark.parametrize("name", sorted(set(_COMPOSE["services"]) - {"migrate"}))
def test_every_lasting_service_has_a_health_check(name: str) -> None:
    assert _COMPOSE["services"][name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(_OURS))
def test_every_variable_is_a_setting_and_every_required_one_is_there(name: str) -> None:
    variables = {key for key in _COMPOSE["services"][name]["environment"] if key.startswith(PREFIX)}
    known = {f"{PREFIX}{field.name.upper()}" for field in msgspec.structs.fields(Settings)}
    assert variables <= known
    required = {"DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SECRET_KEY"}
    assert variables >= {f"{PREFIX}{name}" for name in required}


def test_no_secret_has_a_default() -> None:
    for name in ("RENDEROWL_SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD", "S3_SECRET_KEY"):
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", _TEXT)
        assert uses
        assert all(use.startswith(":?") for use in uses)
    example = (_ROOT / ".env.example").read_text()
    assert not re.search(r"^\w+=\S", example, re.MULTILINE)


def test_every_variable_asked_for_is_in_the_example() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", _TEXT))
    assert asked == set(re.findall(r"^(\w+)=", (_ROOT / ".env.example").read_text(), re.MULTILINE))


def test_signed_urls_lead_clients_and_containers_to_the_same_s3_server() -> None:
    found = re.search(r"S3_ENDPOINT_URL:-http://([\w.]+):(\d+)\}", _TEXT)
    assert found
    s3 = _COMPOSE["services"]["s3"]
    assert s3["networks"]["default"]["aliases"] == [found[1]]
    assert s3["ports"] == [f"127.0.0.1:{found[2]}:{found[2]}"]
    assert found[1].endswith(".localhost"), "what browsers take for this machine"


def test_every_named_volume_is_declared() -> None:
    used = {
        volume.split(":")[0]
        for service in _COMPOSE["services"].values()
        for volume in service.get("volumes", ())
        if ":" in volume
    }
    assert used == set(_COMPOSE["volumes"])


def test_the_image_installs_from_hashes_and_runs_as_nobody_special() -> None:
    text = (_ROOT / "Dockerfile").read_text()
    assert all("--require-hashes" in line for line in text.splitlines() if "-r requirements/" in line)
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    build, shipped = text.split("\nFROM ")[1:]
    assert " AS build" in build
    assert "requirements/" not in shipped  # what builds stays behind
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE))
    ignored = (_ROOT / ".dockerignore").read_text()
    for source in " ".join(copied).split():
        assert f"!{source}" in ignored or source.startswith("requirements/")
