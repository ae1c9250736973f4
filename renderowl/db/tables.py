"""The tables, as Piccolo classes. The columns here and those the migrations make are compared by a test.

Defaults, checks, foreign keys and indexes live in the migrations, in SQL, where partial indexes can be said.
"""

from typing import Final

from piccolo.columns import (
    JSONB,
    Array,
    BigInt,
    Boolean,
    Date,
    DoublePrecision,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
)
from piccolo.table import Table


class Users(Table, tablename="users"):
    id = Text(primary_key=True)
    email = Text()
    password_hash = Text(null=True)
    role = Text()
    tier = Text()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class ApiKeys(Table, tablename="api_keys"):
    id = Text(primary_key=True)
    user_id = Text()
    name = Text()
    key_hash = Text()
    last_four = Text()
    scopes = Array(base_column=Text())
    created_at = Timestamptz()
    expires_at = Timestamptz(null=True)
    revoked_at = Timestamptz(null=True)
    last_used_at = Timestamptz(null=True)


class RevokedTokens(Table, tablename="revoked_tokens"):
    jti = Text(primary_key=True)
    expires_at = Timestamptz()


class KeyUsage(Table, tablename="key_usage"):
    id = Text(primary_key=True)
    key_id = Text()
    day = Date()
    route = Text()
    requests = BigInt()
    errors = BigInt()


class RenderDays(Table, tablename="render_days"):
    id = Text(primary_key=True)
    user_id = Text()
    day = Date()
    renders = Integer()


class Projects(Table, tablename="projects"):
    id = Text(primary_key=True)
    owner_id = Text()
    name = Text()
    description = Text(null=True)
    status = Text()
    settings = JSONB()
    event_epoch = Text()
    event_seq = BigInt()
    asset_count = Integer()
    render_count = Integer()
    created_by = Text()
    created_at = Timestamptz()
    updated_at = Timestamptz()
    handle = Text(null=True)


class Assets(Table, tablename="assets"):
    id = Text(primary_key=True)
    project_id = Text()
    name = Text()
    type = Text()
    status = Text()
    content_type = Text()
    size_bytes = BigInt()
    storage_key = Text()
    checksum_sha256 = Text(null=True)
    content_hash = Text(null=True)
    upload_id = Text(null=True)
    upload_expires_at = Timestamptz(null=True)
    metadata = JSONB(null=True)
    error = JSONB(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    unattended = Boolean()


class FetchedSources(Table, tablename="fetched"):
    id = Text(primary_key=True)
    project_id = Text()
    url = Text()
    etag = Text(null=True)
    last_modified = Text(null=True)
    content_hash = Text()
    storage_key = Text()
    size_bytes = BigInt()
    content_type = Text()
    metadata = JSONB()
    status = Text()
    created_at = Timestamptz()
    used_at = Timestamptz()


class Renders(Table, tablename="renders"):
    id = Text(primary_key=True)
    project_id = Text()
    composition_id = Text()
    status = Text()
    priority = Text()
    attempt = Integer()
    input_props = JSONB()
    output_settings = JSONB()
    progress = JSONB()
    output = JSONB(null=True)
    error = JSONB(null=True)
    cache = JSONB()
    plan = JSONB(null=True)
    metadata = JSONB()
    webhook_url = Text(null=True)
    supersede_key = Text(null=True)
    idempotency_key = Text(null=True)
    request_hash = Text(null=True)
    created_by = Text()
    created_at = Timestamptz()
    started_at = Timestamptz(null=True)
    completed_at = Timestamptz(null=True)
    updated_at = Timestamptz()
    deadline_at = Timestamptz(null=True)
    key_id = Text(null=True)
    trace = Text(null=True)
    collected_at = Timestamptz(null=True)
    requires = Array(base_column=Text())
    force = Boolean()
    cache_keys = Array(base_column=Text())
    logs_removed_at = Timestamptz(null=True)
    preview = JSONB(null=True)
    remote = JSONB(null=True)


class CacheEntries(Table, tablename="cache_entries"):
    key = Text(primary_key=True)
    size_bytes = BigInt()
    facts = JSONB()
    made_by = Text()
    stored_at = Timestamptz()
    used_at = Timestamptz()


class PreviewPieces(Table, tablename="preview_pieces"):
    id = Text(primary_key=True)
    render_id = Text()
    attempt = Integer()
    track = Text()
    start_us = BigInt()
    end_us = BigInt()
    size_bytes = BigInt()


class Steps(Table, tablename="steps"):
    id = Text(primary_key=True)
    render_id = Text()
    project_id = Text()
    render_attempt = Integer()
    kind = Text()
    ordinal = Integer()
    status = Text()
    priority_class = SmallInt()
    vtime = DoublePrecision()
    cost = DoublePrecision()
    weight = DoublePrecision()
    requires = Array(base_column=Text())
    attempt = Integer()
    token = Text(null=True)
    worker_id = Text(null=True)
    lease_expires_at = Timestamptz(null=True)
    not_before = Timestamptz(null=True)
    queued_at = Timestamptz()
    ages_at = Timestamptz(null=True)
    key_id = Text(null=True)
    failures = Integer()
    lost = Integer()
    params = JSONB()
    result = JSONB(null=True)
    error = JSONB(null=True)
    created_at = Timestamptz()
    started_at = Timestamptz(null=True)
    finished_at = Timestamptz(null=True)


class Errands(Table, tablename="errands"):
    id = Text(primary_key=True)
    step_id = Text()
    step_attempt = Integer()
    token = Text()
    render_id = Text()
    render_attempt = Integer()
    project_id = Text()
    key_id = Text(null=True)
    held_by = Integer()
    status = Text()
    remote_id = Text(null=True)
    blueprint = JSONB(null=True)
    outcome = Text(null=True)
    price_per_s = DoublePrecision()
    delay_s = DoublePrecision(null=True)
    execution_s = DoublePrecision(null=True)
    hinted_at = Timestamptz(null=True)
    look_at = Timestamptz()
    expires_at = Timestamptz()
    created_at = Timestamptz()
    submitted_at = Timestamptz(null=True)
    ended_at = Timestamptz(null=True)


class Workers(Table, tablename="workers"):
    id = Text(primary_key=True)
    host = Text()
    pid = Integer()
    slots = Integer()
    offers = Array(base_column=Text())
    status = Text()
    started_at = Timestamptz()
    heartbeat_at = Timestamptz()


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


class Sessions(Table, tablename="sessions"):
    id = Text(primary_key=True)
    project_id = Text()
    name = Text()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class Edls(Table, tablename="edls"):
    session_id = Text(primary_key=True)
    document = JSONB()
    version = Integer()
    locked_at = Timestamptz(null=True)
    updated_at = Timestamptz()


class Games(Table, tablename="games"):
    id = Text(primary_key=True)
    owner_id = Text()
    name = Text()
    video_path = Text(null=True)
    thumbnail_path = Text(null=True)
    duration = DoublePrecision(null=True)
    fps = DoublePrecision(null=True)
    width = Integer(null=True)
    height = Integer(null=True)
    opponent_name = Text(null=True)
    game_date = Text(null=True)
    game_type = Text()
    tournament_name = Text(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()


class RawClips(Table, tablename="raw_clips"):
    id = Text(primary_key=True)
    owner_id = Text()
    game_id = Text()
    video_path = Text()
    start_time = DoublePrecision()
    end_time = DoublePrecision()
    rating = SmallInt()
    tags = JSONB()
    notes = Text(null=True)
    thumbnail_path = Text(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()


class WorkingClips(Table, tablename="working_clips"):
    id = Text(primary_key=True)
    owner_id = Text()
    project_id = Text()
    raw_clip_id = Text()
    clip_index = Integer()
    crop_keyframes = JSONB()
    is_exported = Boolean()
    exported_path = Text(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()


class HighlightRegions(Table, tablename="highlight_regions"):
    id = Text(primary_key=True)
    owner_id = Text()
    project_id = Text()
    start_frame = Integer()
    end_frame = Integer()
    x = DoublePrecision()
    y = DoublePrecision()
    radius_x = DoublePrecision()
    radius_y = DoublePrecision()
    opacity = DoublePrecision()
    color = Text()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class FinalVideos(Table, tablename="final_videos"):
    id = Text(primary_key=True)
    owner_id = Text()
    project_id = Text(null=True)
    game_id = Text(null=True)
    name = Text()
    video_path = Text()
    thumbnail_path = Text(null=True)
    source_type = Text()
    duration = DoublePrecision(null=True)
    file_size = BigInt(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()


TABLES: Final = (
    Users,
    ApiKeys,
    RevokedTokens,
    KeyUsage,
    RenderDays,
    Projects,
    Assets,
    FetchedSources,
    Renders,
    PreviewPieces,
    CacheEntries,
    Steps,
    Errands,
    Workers,
    QueueClasses,
    ProjectQueues,
    ProjectWeights,
    QueuePauses,
    Events,
    Deliveries,
    Webhooks,
    WebhookSecrets,
    Automations,
    Executions,
    Sessions,
    Edls,
    Games,
    RawClips,
    WorkingClips,
    HighlightRegions,
    FinalVideos,
)
