"""Commands that talk to a server: what is wrong with the address or the key is said, and what to do."""

import click
import pytest
from click.testing import CliRunner

from renderowl.cli.listen import _address
from renderowl.cli.main import cli
from renderowl.cli.server_options import plainly
from renderowl.client import Problem


def test_an_address_without_its_scheme_is_refused_before_anything_is_tried() -> None:
    listen = ["listen", "3000", "--project", "prj_1", "--key", "k", "--server", "127.0.0.1:8080"]
    result = CliRunner().invoke(cli, listen, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "'127.0.0.1:8080' must begin with http:// or https://" in result.stderr


def test_a_key_that_is_not_good_is_said_with_where_to_get_one() -> None:
    with pytest.raises(click.ClickException, match="renderowl keys create"), plainly("http://x"):
        raise Problem({"status": 401, "code": "unauthenticated", "detail": "The token is not valid"})


def test_ctrl_c_is_not_taken_for_success() -> None:
    with pytest.raises(KeyboardInterrupt), plainly("http://x"):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("3000", "http://127.0.0.1:3000"),
        ("3000/hooks", "http://127.0.0.1:3000/hooks"),
        ("localhost:3000/hooks", "http://localhost:3000/hooks"),
        ("https://me.example/hooks", "https://me.example/hooks"),
    ],
)
def test_a_receiver_may_be_named_shortly(target: str, address: str) -> None:
    assert _address(target) == address


@pytest.mark.parametrize("target", ["hooks", "ftp://me.example/hooks", "/hooks"])
def test_what_names_no_receiver_is_refused(target: str) -> None:
    with pytest.raises(click.BadParameter, match="3000/hooks"):
        _address(target)
