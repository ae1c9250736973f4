"""Where renders are made: by this installation's workers, or at a remote endpoint if one is set."""

from typing import Final

from renderowl.domain.errors import FieldError
from renderowl.pipeline.compositions import Ask
from renderowl.settings import Settings

REMOTE_LABEL: Final = "remote"
"""What a render requires that is to be made at the endpoint; the remote runner alone offers it."""


def labels_of(settings: Settings, requires: list[str], ask: Ask) -> list[str]:
    """The labels that a render's steps require: those it asked for, and where it goes if that is decided for it.

    A film that is to play while it is made is made here: its pieces are not brought home one by one.
    """
    sent_away = settings.remote_endpoint and settings.remote_renders == "all" and not requires
    if sent_away and not ask.output.preview.hls:
        return [REMOTE_LABEL]
    return sorted(set(requires))


def problems(settings: Settings, requires: list[str], ask: Ask) -> list[FieldError]:
    """What cannot be had together."""
    if settings.remote_endpoint and REMOTE_LABEL in requires and ask.output.preview.hls:
        at = "/output_settings/preview/hls"
        return [FieldError(at, f"is not to be had of a render that requires {REMOTE_LABEL!r}: it comes as a whole")]
    return []
