"""The first schema: source 000's tables with owners, attempts, cursors, steps and leases."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T03:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "first schema"

SQL = """
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    password_hash TEXT,
    role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    tier TEXT NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'pro', 'enterprise')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,
    last_four TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ
);
CREATE INDEX api_keys_user ON api_keys (user_id, id);

CREATE TABLE revoked_tokens (
    jti TEXT PRIMARY KEY,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived', 'deleting')),
    settings JSONB NOT NULL DEFAULT '{}',
    event_epoch TEXT NOT NULL,
    event_seq BIGINT NOT NULL DEFAULT 0,
    asset_count INTEGER NOT NULL DEFAULT 0,
    render_count INTEGER NOT NULL DEFAULT 0,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX projects_owner ON projects (owner_id, id);

CREATE TABLE assets (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('video', 'audio', 'image', 'subtitle', 'font')),
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'ready', 'failed')),
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    storage_key TEXT NOT NULL,
    checksum_sha256 TEXT,
    content_hash TEXT,
    upload_id TEXT,
    upload_expires_at TIMESTAMPTZ,
    metadata JSONB,
    error JSONB,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX assets_project ON assets (project_id, id);
CREATE INDEX assets_unfinished ON assets (upload_expires_at) WHERE status IN ('pending', 'processing');

CREATE TABLE renders (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    composition_id TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'processing', 'completed', 'failed', 'cancelled')),
    priority TEXT NOT NULL DEFAULT 'normal' CHECK (priority IN ('urgent', 'high', 'normal', 'low')),
    attempt INTEGER NOT NULL DEFAULT 1,
    input_props JSONB NOT NULL,
    output_settings JSONB NOT NULL,
    progress JSONB NOT NULL DEFAULT '{"percent": 0}',
    output JSONB,
    error JSONB,
    cache JSONB NOT NULL DEFAULT '{}',
    plan JSONB,
    metadata JSONB NOT NULL DEFAULT '{}',
    webhook_url TEXT,
    supersede_key TEXT,
    idempotency_key TEXT,
    request_hash TEXT,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    deadline_at TIMESTAMPTZ
);
CREATE INDEX renders_project ON renders (project_id, id);
CREATE UNIQUE INDEX renders_idempotency ON renders (project_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX renders_active ON renders (project_id, id) WHERE status IN ('queued', 'processing');
CREATE INDEX renders_deadline ON renders (deadline_at) WHERE status = 'processing';
CREATE INDEX renders_supersede ON renders (project_id, supersede_key)
    WHERE supersede_key IS NOT NULL AND status IN ('queued', 'processing');

CREATE TABLE steps (
    id TEXT PRIMARY KEY,
    render_id TEXT NOT NULL REFERENCES renders(id) ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    render_attempt INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('prepare', 'segment', 'audio', 'assemble')),
    ordinal INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL
        CHECK (status IN ('blocked', 'queued', 'dispatched', 'running', 'completed', 'failed', 'cancelled')),
    priority_class SMALLINT NOT NULL,
    vtime DOUBLE PRECISION NOT NULL DEFAULT 0,
    cost DOUBLE PRECISION NOT NULL,
    weight DOUBLE PRECISION NOT NULL DEFAULT 0,
    requires TEXT[] NOT NULL DEFAULT '{}',
    attempt INTEGER NOT NULL DEFAULT 0,
    token TEXT,
    worker_id TEXT,
    lease_expires_at TIMESTAMPTZ,
    not_before TIMESTAMPTZ,
    failures INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    params JSONB NOT NULL DEFAULT '{}',
    result JSONB,
    error JSONB,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    started_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    UNIQUE (render_id, render_attempt, kind, ordinal)
);
CREATE INDEX steps_waiting ON steps (priority_class, vtime, id) WHERE status = 'queued';
CREATE INDEX steps_leased ON steps (worker_id, lease_expires_at) WHERE status IN ('dispatched', 'running');

CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    offers TEXT[] NOT NULL DEFAULT '{}',
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'draining', 'gone')),
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    heartbeat_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX workers_alive ON workers (heartbeat_at) WHERE status = 'active';

CREATE TABLE queue_classes (
    priority_class SMALLINT PRIMARY KEY,
    vtime DOUBLE PRECISION NOT NULL DEFAULT 0
);
INSERT INTO queue_classes (priority_class) VALUES (0), (1), (2), (3);

CREATE TABLE project_queues (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    priority_class SMALLINT NOT NULL,
    vtime DOUBLE PRECISION NOT NULL,
    UNIQUE (project_id, priority_class)
);

CREATE TABLE events (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    type TEXT NOT NULL,
    render_id TEXT,
    asset_id TEXT,
    attempt INTEGER,
    data JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    published_at TIMESTAMPTZ,
    UNIQUE (project_id, seq)
);
CREATE INDEX events_unpublished ON events (id) WHERE published_at IS NULL;

CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    render_id TEXT,
    event_type TEXT NOT NULL,
    url TEXT NOT NULL,
    payload JSONB NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ,
    response_status INTEGER,
    response_body TEXT,
    error TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    delivered_at TIMESTAMPTZ
);
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE status = 'pending';

CREATE TABLE automations (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    enabled BOOLEAN NOT NULL DEFAULT true,
    trigger JSONB NOT NULL,
    actions JSONB NOT NULL,
    next_due_at TIMESTAMPTZ,
    last_triggered_at TIMESTAMPTZ,
    trigger_count INTEGER NOT NULL DEFAULT 0,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX automations_project ON automations (project_id, id);
CREATE INDEX automations_due ON automations (next_due_at) WHERE enabled;

CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    automation_id TEXT NOT NULL REFERENCES automations(id) ON DELETE CASCADE,
    trigger_type TEXT NOT NULL,
    due_at TIMESTAMPTZ,
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed', 'skipped')),
    input JSONB NOT NULL DEFAULT '{}',
    result JSONB,
    error JSONB,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    finished_at TIMESTAMPTZ,
    UNIQUE (automation_id, due_at)
);
CREATE INDEX executions_automation ON executions (automation_id, id);
"""

BACKWARDS = """
DROP TABLE executions, automations, deliveries, events, project_queues, queue_classes, workers, steps, renders,
    assets, projects, revoked_tokens, api_keys, users;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
