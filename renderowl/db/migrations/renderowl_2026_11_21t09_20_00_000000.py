"""Limits: renders an account made by day, requests of a key by day and route; administrators are not on the free tier."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T09:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "limits"

SQL = """
CREATE TABLE render_days (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    day DATE NOT NULL,
    renders INTEGER NOT NULL CHECK (renders > 0)
);
CREATE INDEX render_days_user ON render_days (user_id, day);
CREATE INDEX render_days_day ON render_days (day);

CREATE TABLE key_usage (
    id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES api_keys(id) ON DELETE CASCADE,
    day DATE NOT NULL,
    route TEXT NOT NULL,
    requests BIGINT NOT NULL CHECK (requests > 0),
    errors BIGINT NOT NULL CHECK (errors BETWEEN 0 AND requests)
);
CREATE INDEX key_usage_key ON key_usage (key_id, day);
CREATE INDEX key_usage_day ON key_usage (day);

UPDATE users SET tier = 'enterprise' WHERE role = 'admin';
"""

BACKWARDS = """
DROP TABLE key_usage, render_days;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
