"""What this process counts, in Prometheus' default registry. No label holds an id: nothing of a tenant shows here."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Final, get_args

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics, start_http_server
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from renderowl.domain.lifecycle import Priority, StepKind

disable_created_metrics()  # type: ignore[no-untyped-call]  # they say nothing to anybody here and are half of the text

_WAIT_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600, 1800, 3600)
_STEP_S: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_SPEED: Final = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 50)


class UnlockedCounter(Collector):
    """A counter for one thread, raised by `count += 1`: Prometheus' own takes a lock, a tenth of what a frame costs."""

    def __init__(self, name: str, meaning: str) -> None:
        self.count = 0
        self._name = name
        self._meaning = meaning
        REGISTRY.register(self)

    def collect(self) -> Iterable[CounterMetricFamily]:
        """What it is now."""
        yield CounterMetricFamily(self._name, self._meaning, value=self.count)


# --- scheduler
ADMISSION_WAIT: Final = Histogram(
    "renderowl_admission_wait_seconds", "From queued to given to a worker", ["priority"], buckets=_WAIT_S
)
LEASES_EXPIRED: Final = Counter(
    "renderowl_leases_expired", "Claims whose lease ran out, by how far the worker had come", ["state"]
)
STEPS_AGED: Final = Counter("renderowl_steps_aged", "Steps raised by a class because they had waited for long")

# --- whoever ends them
STEPS_ENDED: Final = Counter(
    "renderowl_steps_ended",
    "Tries of steps by kind, outcome (completed, retried, failed, stopped, fenced) and error code or reason",
    ["kind", "outcome", "code"],
)
RENDERS_ENDED: Final = Counter("renderowl_renders_ended", "Renders that came to an end", ["status"])
DELIVERIES: Final = Counter(
    "renderowl_deliveries", "Tries to send a webhook, by outcome (delivered, retried, failed)", ["outcome"]
)

# --- worker
STEP_DURATION: Final = Histogram(
    "renderowl_step_seconds", "How long tries of steps took on their worker", ["kind"], buckets=_STEP_S
)
STEPS_RUNNING: Final = Gauge("renderowl_steps_running", "Steps in this worker process")
FENCED_WRITES: Final = Counter("renderowl_fenced_writes", "Writes refused because the claim did not hold any more")
FFMPEG_SPEED: Final = Histogram(
    "renderowl_ffmpeg_speed", "FFmpeg's last word on its speed, in film seconds a second", ["kind"], buckets=_SPEED
)

CACHE_PARTS: Final = Counter(
    "renderowl_cache_parts", "Segments and sound tracks that films needed, by whether they were there", ["found"]
)

# --- remote runner
ERRANDS_SUBMITTED: Final = Counter("renderowl_errands_submitted", "Renders that a remote endpoint has taken")
ERRANDS_ENDED: Final = Counter("renderowl_errands_ended", "How renders at a remote endpoint ended", ["outcome"])

# --- the segment cache, by whoever tidies it up
CACHE_BYTES: Final = Gauge("renderowl_cache_bytes", "Bytes in the segment cache")
CACHE_EVICTIONS: Final = Counter("renderowl_cache_evictions", "Entries dropped to keep it within its limit")
CACHE_EVICTED_BYTES: Final = Counter("renderowl_cache_evicted_bytes", "Bytes of these")

# --- queue, as Postgres has it; with labels all of them, so that who does not look says nothing
QUEUE_STEPS: Final = Gauge("renderowl_queue_steps", "Steps that wait for a slot", ["priority"])
QUEUE_AGE: Final = Gauge("renderowl_queue_oldest_seconds", "How long the oldest of them has waited", ["priority"])
QUEUE_PAUSES: Final = Gauge("renderowl_queue_pauses", "Pauses in force", ["of"])
WORKERS: Final = Gauge("renderowl_workers", "Workers that were heard of lately", ["state"])
SLOTS: Final = Gauge("renderowl_slots", "Places for steps on them", ["state"])

# --- limits
REFUSED: Final = Counter(
    "renderowl_requests_refused", "Requests refused because they were too many, by limit", ["limit"]
)
UNCOUNTED: Final = Counter("renderowl_requests_uncounted", "Requests let through because Redis could not count them")

# --- rooms
HUB_MEMBERS: Final = Gauge("renderowl_hub_members", "Connections in rooms of this process")
HUB_ROOMS: Final = Gauge("renderowl_hub_rooms", "Rooms with members in this process")
HUB_FRAMES: Final = UnlockedCounter("renderowl_hub_frames", "Messages sent to members over sockets")

# `rate` and `increase` see growth alone, not the event that a series begins with: what alerts and pictures ask for by
# name is there at 0 from the start
_ALARMING_CODES: Final = ("poison_pill", "internal", "encoder_failed", "output_wrong", "out_of_disk")
_FROM_THE_START: Final[tuple[tuple[Counter | Histogram, tuple[tuple[str, ...], ...]], ...]] = (
    (ADMISSION_WAIT, (get_args(Priority),)),
    (LEASES_EXPIRED, (("running", "dispatched"),)),
    (STEPS_ENDED, (get_args(StepKind), ("failed",), _ALARMING_CODES)),
    (STEPS_ENDED, (get_args(StepKind), ("retried",), ("out_of_disk",))),
    (RENDERS_ENDED, (("completed", "failed", "cancelled"),)),
    (DELIVERIES, (("delivered", "retried", "failed"),)),
    (CACHE_PARTS, (("yes", "no", "bypassed"),)),
    (ERRANDS_ENDED, (("completed", "failed", "cancelled", "timed_out", "not_submitted", "forgotten", "useless"),)),
    (REFUSED, (("requests", "anonymous", "logins", "account_logins", "registrations", "renders"),)),
)
for _metric, _values in _FROM_THE_START:
    for _labels in itertools.product(*_values):
        _metric.labels(*_labels)


@contextlib.contextmanager
def exposed(host: str, port: int) -> Iterator[None]:
    """Serve the metrics of this process over HTTP within the block, from a thread of its own; port 0 serves none.

    Raises OSError, with the address, when it cannot listen there.
    """
    if port == 0:
        yield
        return
    try:
        server, thread = start_http_server(port, host)
    except OSError as error:
        said = f"cannot serve metrics on {host} port {port}: {error.strerror}; see RENDEROWL_METRICS_PORT"
        raise OSError(error.errno, said) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
