"""What KEDA asks Postgres to know how many workers there should be."""

from pathlib import Path

import yaml

from renderowl.db import projects
from renderowl.db.database import Database
from renderowl.services.callers import BOOTSTRAP_USER, ensure_bootstrap_user

_FILE = Path(__file__).parents[2] / "deploy" / "kubernetes" / "worker-scaling.yaml"


async def test_work_that_waits_and_is_due_or_runs_calls_for_workers(database_url: str) -> None:
    query = next(yaml.safe_load_all(_FILE.read_text()))["spec"]["triggers"][0]["metadata"]["query"]
    db = Database(database_url)
    await db.open()
    await ensure_bootstrap_user(db)
    await projects.insert(db, project_id="prj_1", owner_id=BOOTSTRAP_USER, name="p", description=None, settings={})
    await db.execute(
        "INSERT INTO renders (id, project_id, composition_id, input_props, output_settings, created_by)"
        " VALUES ('rnd_1', 'prj_1', 'timeline', '{}', '{}', $1)",
        BOOTSTRAP_USER,
    )
    count = [("queued", "NULL"), ("queued", "now()"), ("dispatched", "NULL"), ("running", "NULL")]
    do_not = [("queued", "now() + interval '1 hour'"), *((one, "NULL") for one in ("blocked", "completed", "failed"))]
    for ordinal, (status, not_before) in enumerate([*count, *do_not]):
        await db.execute(
            "INSERT INTO steps (id, render_id, project_id, render_attempt, kind, ordinal, status, priority_class, cost,"
            f" not_before) VALUES ($1, 'rnd_1', 'prj_1', 1, 'segment', $2, $3, 2, 1, {not_before})",
            f"stp_{ordinal}",
            ordinal,
            status,
        )
    assert await db.fetch_value(query) == len(count)
    await db.close()
