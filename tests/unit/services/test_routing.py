"""Where renders go: to the remote endpoint when one is set and nothing speaks against it."""

from typing import Any

import pytest

from renderowl import settings
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.services.routing import labels_of, problems

URL = "https://api.runpod.ai/v2/abc"


def asked(**output: Any) -> compositions.Ask:
    spec = {"tracks": [{"clips": [{"type": "color", "color": "#336699", "duration": 1}]}]}
    return compositions.parse("timeline", spec, output, Limits())


PLAYING = {"preview": {"hls": True}}


@pytest.mark.parametrize(
    ("overrides", "requires", "output", "labels"),
    [
        ({}, [], {}, []),
        ({}, ["remote"], {}, ["remote"]),
        ({"remote_endpoint": URL}, [], {}, ["remote"]),
        ({"remote_endpoint": URL}, ["gpu", "eu", "gpu"], {}, ["eu", "gpu"]),
        ({"remote_endpoint": URL}, [], PLAYING, []),
        ({"remote_endpoint": URL, "remote_renders": "asked"}, [], {}, []),
        ({"remote_endpoint": URL, "remote_renders": "asked"}, ["remote"], {}, ["remote"]),
    ],
)
def test_a_render_goes_where_settings_and_caller_say(
    overrides: dict[str, Any], requires: list[str], output: dict[str, Any], labels: list[str]
) -> None:
    assert labels_of(settings.load({}, **overrides), requires, asked(**output)) == labels


def test_what_cannot_be_had_together_is_named() -> None:
    here, there = settings.load({}), settings.load({}, remote_endpoint=URL)
    assert problems(here, ["remote"], asked(**PLAYING)) == []
    assert problems(there, [], asked(**PLAYING)) == []
    (problem,) = problems(there, ["remote"], asked(**PLAYING))
    assert problem.path == "/output_settings/preview/hls"


@pytest.mark.parametrize(
    ("overrides", "variable"),
    [
        ({"remote_endpoint": "api.runpod.ai/v2/abc"}, "REMOTE_ENDPOINT"),
        ({"remote_endpoint": "https://key@api.runpod.ai/v2/abc"}, "REMOTE_ENDPOINT"),
        ({"remote_endpoint": URL + "?key=1"}, "REMOTE_ENDPOINT"),
        ({"remote_endpoint": URL, "remote_execution_s": 3600}, "STEP_DEADLINE_S"),
        ({"remote_endpoint": URL, "render_deadline_s": 600}, "RENDER_DEADLINE_S"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(overrides: dict[str, Any], variable: str) -> None:
    with pytest.raises(settings.SettingsError, match=variable):
        settings.load({}, **overrides)
