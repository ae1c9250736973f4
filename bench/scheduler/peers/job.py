"""What every peer's job does: say that it was done, after a wait that stands for work."""

import os
from typing import Final

REDIS: Final = os.environ["BENCH_REDIS"]
SLOTS: Final = int(os.environ["BENCH_SLOTS"])
WORK_S: Final = float(os.environ["BENCH_WORK_S"])

RUNS: Final = "bench:runs"
"""How often each job was done."""
BEGUN: Final = "bench:begun"
"""How many jobs with work to do were begun."""
