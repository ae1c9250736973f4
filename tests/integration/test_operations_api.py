"""What the dashboard asks besides: a render's steps for its owner, the queue and the workers for administrators."""

from renderowl.testing.service import Service

SPEC = {
    "composition_id": "timeline",
    "input_props": {"tracks": [{"clips": [{"type": "color", "color": "#204060", "duration": 1}]}]},
}


async def test_steps_say_where_and_when_they_ran_or_that_they_wait(service: Service) -> None:
    project_id = await service.project()
    made = await service.http.post(f"/projects/{project_id}/renders", json=SPEC)
    path = f"/projects/{project_id}/renders/{made.json()['id']}/steps"
    (step,) = (await service.http.get(path)).json()["items"]
    assert (step["kind"], step["status"], step["attempt"]) == ("prepare", "queued", 0)
    assert step["worker_id"] is step["started_at"] is step["finished_at"] is None
    await service.http.post(path.replace("/steps", "/cancel"))
    assert [one["status"] for one in (await service.http.get(path)).json()["items"]] == ["cancelled"]


async def test_steps_are_their_projects_alone(service: Service) -> None:
    project_id = await service.project()
    made = await service.http.post(f"/projects/{project_id}/renders", json=SPEC)
    ann = await service.user()
    theirs = await service.project(ann)
    for project in (project_id, theirs):
        answer = await ann.get(f"/projects/{project}/renders/{made.json()['id']}/steps")
        assert answer.status_code == 404


async def test_administrators_see_the_backlog_by_class(service: Service) -> None:
    before = (await service.http.get("/overview")).json()
    project_id = await service.project()
    await service.http.post(f"/projects/{project_id}/renders", json={**SPEC, "priority": "high"})
    seen = (await service.http.get("/overview")).json()
    assert [one["priority"] for one in seen["queue"]] == ["urgent", "high", "normal", "low"]
    assert seen["queue"][1]["steps"] == before["queue"][1]["steps"] + 1
    assert seen["renders"]["queued"] == before["renders"].get("queued", 0) + 1


async def test_nobody_else_does(service: Service) -> None:
    assert (await (await service.user()).get("/overview")).status_code == 403
    assert (await service.as_(None).get("/overview")).status_code == 401
