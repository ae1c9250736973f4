"""`renderowl worker` that also writes down when it understood each progress report of an encoder, to `sys.argv[1]`.

Only for `progress_latency.py`: the observer the encoders report to is replaced by one that notes the time first.
"""

import sys
import time
from pathlib import Path

from renderowl import app, settings
from renderowl.pipeline.progress import FfmpegProgress
from renderowl.worker import encoding
from renderowl.worker.reporting import PartObserver


def observer_that_notes(notes: Path) -> type[PartObserver]:
    """An observer that writes a line `time step frame` before it does what every observer does."""
    lines = notes.open("a", buffering=1)

    class Noting(PartObserver):
        def progress(self, report: FfmpegProgress) -> None:
            lines.write(f"{time.time():.6f} {id(self)} {report.frame}\n")
            super().progress(report)

    return Noting


if __name__ == "__main__":
    encoding.PartObserver = observer_that_notes(Path(sys.argv[1]))  # type: ignore[misc]
    app.run_worker(settings.load(), slots=int(sys.argv[2]))
