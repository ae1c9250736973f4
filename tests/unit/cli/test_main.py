"""The frame of the command line: lazy commands, and failures told in one line."""

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from renderowl.cli.main import COMMANDS, cli
from renderowl.domain.errors import FieldError, Unavailable, ValidationFailed
from renderowl.embedded.errors import EmbeddedError


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for variable in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SECRET_KEY"):
        monkeypatch.delenv(f"RENDEROWL_{variable}", raising=False)
    return CliRunner()


def _failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    @click.command("version")
    def command() -> None:
        raise error

    monkeypatch.setattr("renderowl.cli.version.command", command)


@pytest.mark.parametrize(
    ("error", "exit_code", "line"),
    [
        (EmbeddedError("the data directory is in use"), 1, "renderowl: the data directory is in use\n"),
        (Unavailable("Postgres is away"), 1, "renderowl: Postgres is away\n"),
        (
            ValidationFailed("the spec is wrong", errors=[FieldError("/a/0", "is no number")]),
            2,
            "renderowl: the spec is wrong\n  /a/0: is no number\n",
        ),
        (
            ValidationFailed("/a/0 is no number", errors=[FieldError("/a/0", "is no number")]),
            2,
            "renderowl: /a/0: is no number\n",
        ),
        (
            ValidationFailed("/a is gone (and 1 more)", errors=[FieldError("/a", "is gone"), FieldError("/b", "too")]),
            2,
            "renderowl: 2 fields are wrong\n  /a: is gone\n  /b: too\n",
        ),
        (FileNotFoundError(2, "No such file", "x.json"), 1, "renderowl: [Errno 2] No such file: 'x.json'\n"),
    ],
)
def test_a_known_failure_is_a_message_and_an_exit_code(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, error: Exception, exit_code: int, line: str
) -> None:
    _failing(monkeypatch, error)
    result = runner.invoke(cli, ["version"])
    assert (result.exit_code, result.stderr, result.stdout) == (exit_code, line, "")


def test_debug_lets_the_failure_through(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, EmbeddedError("why"))
    assert isinstance(runner.invoke(cli, ["--debug", "version"]).exception, EmbeddedError)


def test_a_defect_is_not_hidden(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, ZeroDivisionError())
    assert isinstance(runner.invoke(cli, ["version"]).exception, ZeroDivisionError)


def test_a_misspelt_variable_is_the_callers_to_mend(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["doctor"], env={"RENDEROWL_DATBASE_URL": "x"})
    assert result.exit_code == 2
    assert "RENDEROWL_DATBASE_URL is not a setting; did you mean RENDEROWL_DATABASE_URL?" in result.stderr


@pytest.mark.parametrize("arguments", [["db", "check"], ["db", "check", "--data-dir", "nowhere"]])
def test_a_missing_server_is_said_and_how_to_get_one(runner: CliRunner, arguments: list[str]) -> None:
    result = runner.invoke(cli, arguments)
    assert result.exit_code in (1, 2)
    assert "renderowl up" in result.stderr


def test_an_unknown_command_is_a_usage_error(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["serv"])
    assert result.exit_code == 2
    assert "Did you mean 'serve'?" in result.stderr


def test_version_is_for_people_and_scripts(runner: CliRunner) -> None:
    assert runner.invoke(cli, ["version"]).stdout.startswith("renderowl ")
    assert set(json.loads(runner.invoke(cli, ["version", "--json"]).stdout)) == {"renderowl", "python"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(runner: CliRunner, name: str) -> None:
    result = runner.invoke(cli, [name, "--help"])
    assert result.exit_code == 0, result.output


def test_the_command_line_imports_no_server_before_it_is_asked_to() -> None:
    code = "import sys; from renderowl.cli import main, up, serve, worker, doctor; print([m for m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not any(f"'{name}'" in loaded for name in ("litestar", "arq", "piccolo", "asyncpg", "av", "renderowl.app"))
