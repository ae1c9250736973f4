"""Pieces of films that can be played while they are made."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T09:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "preview pieces"

SQL = """
ALTER TABLE renders ADD COLUMN preview JSONB;

CREATE TABLE preview_pieces (
    id TEXT PRIMARY KEY,
    render_id TEXT NOT NULL REFERENCES renders (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    track TEXT NOT NULL CHECK (track IN ('video', 'audio')),
    start_us BIGINT NOT NULL,
    end_us BIGINT NOT NULL CHECK (end_us > start_us),
    size_bytes BIGINT NOT NULL
);
CREATE INDEX preview_pieces_of_render ON preview_pieces (render_id, attempt, track, start_us);
"""

BACKWARDS = """
DROP TABLE preview_pieces;
ALTER TABLE renders DROP COLUMN preview;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
