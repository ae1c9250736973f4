"""Names that owners give their projects, uploads that nobody confirms, and sessions with their edit decision lists."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T10:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "handles, unattended uploads, sessions"

SQL = """
ALTER TABLE projects ADD COLUMN handle TEXT;
CREATE UNIQUE INDEX projects_handle ON projects (owner_id, handle) WHERE handle IS NOT NULL AND status <> 'deleting';

ALTER TABLE assets ADD COLUMN unattended BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX assets_name ON assets (project_id, name, id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX sessions_project ON sessions (project_id, id);

CREATE TABLE edls (
    session_id TEXT PRIMARY KEY REFERENCES sessions(id) ON DELETE CASCADE,
    document JSONB NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    locked_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX renders_session ON renders (project_id, (input_props->>'session_id'), id)
    WHERE composition_id = 'edit_list';
"""

BACKWARDS = """
DROP INDEX renders_session;
DROP TABLE edls, sessions;
DROP INDEX assets_name;
ALTER TABLE assets DROP COLUMN unattended;
DROP INDEX projects_handle;
ALTER TABLE projects DROP COLUMN handle;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
