"""What happened and what is done for it: events, webhooks and their deliveries, automations and their executions."""

from piccolo.columns import JSONB, Array, BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table


class Events(Table, tablename="events"):
    id = BigInt(primary_key=True)
    project_id = Text()
    seq = BigInt()
    type = Text()
    render_id = Text(null=True)
    asset_id = Text(null=True)
    attempt = Integer(null=True)
    data = JSONB()
    created_at = Timestamptz()
    published_at = Timestamptz(null=True)


class Deliveries(Table, tablename="deliveries"):
    id = Text(primary_key=True)
    project_id = Text()
    render_id = Text(null=True)
    webhook_id = Text(null=True)
    event_type = Text()
    url = Text()
    payload = JSONB()
    status = Text()
    attempts = Integer()
    next_attempt_at = Timestamptz(null=True)
    response_status = Integer(null=True)
    response_body = Text(null=True)
    error = Text(null=True)
    created_at = Timestamptz()
    delivered_at = Timestamptz(null=True)
    last_attempt_at = Timestamptz(null=True)
    duration_ms = Integer(null=True)


class Webhooks(Table, tablename="webhooks"):
    id = Text(primary_key=True)
    project_id = Text()
    url = Text()
    description = Text()
    events = Array(base_column=Text())
    enabled = Boolean()
    disabled_reason = Text(null=True)
    failing_since = Timestamptz(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()


class WebhookSecrets(Table, tablename="webhook_secrets"):
    owner_id = Text(primary_key=True)
    project_id = Text()
    generation = Integer()
    rotated_at = Timestamptz()


class Automations(Table, tablename="automations"):
    id = Text(primary_key=True)
    project_id = Text()
    name = Text()
    enabled = Boolean()
    trigger = JSONB()
    actions = JSONB()
    next_due_at = Timestamptz(null=True)
    last_triggered_at = Timestamptz(null=True)
    trigger_count = Integer()
    created_by = Text()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class Executions(Table, tablename="executions"):
    id = Text(primary_key=True)
    automation_id = Text()
    project_id = Text()
    trigger_type = Text()
    occurrence = Text()
    status = Text()
    input = JSONB()
    actions = JSONB()
    results = JSONB()
    error = JSONB(null=True)
    chain = Array(base_column=Text())
    root_id = Text()
    attempts = Integer()
    next_attempt_at = Timestamptz()
    due_at = Timestamptz(null=True)
    created_at = Timestamptz()
    finished_at = Timestamptz(null=True)
