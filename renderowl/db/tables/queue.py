"""The queue: who works, whose turn it is, and what is paused."""

from piccolo.columns import Array, DoublePrecision, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table


class Workers(Table, tablename="workers"):
    id = Text(primary_key=True)
    host = Text()
    pid = Integer()
    slots = Integer()
    offers = Array(base_column=Text())
    status = Text()
    started_at = Timestamptz()
    heartbeat_at = Timestamptz()


class Dispatches(Table, tablename="dispatches"):
    step_id = Text(primary_key=True)
    attempt = Integer()
    token = Text()
    worker_id = Text()
    lease_expires_at = Timestamptz()


class QueueClasses(Table, tablename="queue_classes"):
    priority_class = SmallInt(primary_key=True)
    vtime = DoublePrecision()


class ProjectQueues(Table, tablename="project_queues"):
    id = Text(primary_key=True)
    project_id = Text()
    priority_class = SmallInt()
    vtime = DoublePrecision()


class ProjectWeights(Table, tablename="project_weights"):
    project_id = Text(primary_key=True)
    weight = DoublePrecision()


class QueuePauses(Table, tablename="queue_pauses"):
    scope = Text(primary_key=True)
    reason = Text()
    paused_at = Timestamptz()
