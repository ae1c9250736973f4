"""What a render requires of the workers that do its steps."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T08:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "labels"

SQL = """
ALTER TABLE renders ADD COLUMN requires TEXT[] NOT NULL DEFAULT '{}';
"""

BACKWARDS = """
ALTER TABLE renders DROP COLUMN requires;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
