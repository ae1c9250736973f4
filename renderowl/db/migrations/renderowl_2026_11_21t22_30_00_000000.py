"""Places in the queue have one unique index: with two, two that make the first place at once may meet in the wrong one."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T22:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "project_queues: one unique index"

# ON CONFLICT speaks of one index; who meets another's new row in a second one is refused. Both say the same here.
SQL = """
ALTER TABLE project_queues
    DROP CONSTRAINT project_queues_pkey,
    DROP CONSTRAINT project_queues_project_id_priority_class_key,
    ADD PRIMARY KEY (project_id, priority_class);
"""

BACKWARDS = """
ALTER TABLE project_queues
    DROP CONSTRAINT project_queues_pkey,
    ADD PRIMARY KEY (id),
    ADD UNIQUE (project_id, priority_class);
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
