"""Renders keep what was told of their progress: Redis may forget it, and nobody may be told less."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T18:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "renders: the progress that was told"

SQL = """
ALTER TABLE renders ADD COLUMN told JSONB;
"""

BACKWARDS = """
ALTER TABLE renders DROP COLUMN told;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
