"""A recorder of a room tells whoever waits why nothing comes any more."""

from concurrent.futures import Future

import pytest

from renderowl.testing.recorder import EventRecorder


def test_who_waits_is_told_at_once_what_has_ended_the_listening() -> None:
    recorder, listening = EventRecorder(), Future[None]()
    listening.add_done_callback(recorder.ended)
    listening.set_exception(PermissionError("the key was revoked"))
    with pytest.raises(PermissionError, match="revoked"):
        recorder.wait_for("snapshot", timeout_s=60)
