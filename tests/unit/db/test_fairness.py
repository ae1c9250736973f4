"""What the order of the queue promises, on its model; test_scheduler_fairness.py holds the database to the model."""

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from renderowl.db.admission import Slot, spread
from renderowl.testing.fair_queue import FairQueue, Waiting

COSTS = st.integers(1, 50).map(float)
WEIGHTS = st.sampled_from([0.5, 1.0, 2.0, 4.0])
BACKLOGS = st.dictionaries(st.sampled_from("abcdef"), st.lists(COSTS, min_size=1, max_size=30), min_size=2)


def _fill(queue: FairQueue, backlogs: dict[str, list[float]], priority_class: int = 2) -> None:
    """Queue what projects have in any order: round robin."""
    longest = max(map(len, backlogs.values()))
    for n in range(longest):
        for project, costs in backlogs.items():
            if n < len(costs):
                queue.enqueue(f"{project}{n:04}", project, priority_class, costs[n])


@given(BACKLOGS, st.lists(WEIGHTS, min_size=6, max_size=6))
def test_two_projects_that_wait_are_never_further_apart_than_one_step_of_each(
    backlogs: dict[str, list[float]], drawn: list[float]
) -> None:
    weights = dict(zip("abcdef", drawn, strict=True))
    queue = FairQueue(weights)
    _fill(queue, backlogs)
    served: defaultdict[str, float] = defaultdict(float)
    largest = {project: max(costs) / weights[project] for project, costs in backlogs.items()}
    left = {project: len(costs) for project, costs in backlogs.items()}
    while all(left.values()):
        (step,) = queue.admit(1)
        served[step.project] += step.cost / weights[step.project]
        left[step.project] -= 1
        for one in backlogs:
            for other in backlogs:
                assert served[one] - served[other] <= largest[one] + largest[other]


@given(st.lists(COSTS, min_size=1, max_size=60), st.integers(0, 50), COSTS)
def test_a_newcomer_waits_for_no_more_work_of_another_than_its_own_and_one_step(
    greedy: list[float], served_before: int, cost: float
) -> None:
    queue = FairQueue()
    for n, one in enumerate(greedy):
        queue.enqueue(f"g{n:04}", "greedy", 2, one)
    queue.admit(min(served_before, len(greedy)))
    queue.enqueue("newcomer", "modest", 2, cost)
    before = 0.0
    while (step := queue.admit(1)[0]).project != "modest":
        before += step.cost
    assert before <= cost + max(greedy)


@given(st.lists(st.tuples(st.sampled_from("abc"), COSTS, st.booleans()), min_size=1, max_size=80))
def test_within_a_project_and_class_the_first_come_is_the_first_served(ops: list[tuple[str, float, bool]]) -> None:
    queue = FairQueue()
    served: list[Waiting] = []
    for n, (project, cost, admit) in enumerate(ops):
        queue.enqueue(f"{n:04}", project, 2, cost)
        if admit:
            served += queue.admit(1)
    served += queue.admit(len(ops))
    assert len(served) == len(ops)
    for project in "abc":
        ids = [step.id for step in served if step.project == project]
        assert ids == sorted(ids)


@given(COSTS, st.lists(st.tuples(st.sampled_from([1, 2]), COSTS), min_size=1, max_size=5), st.integers(1, 3))
def test_low_is_served_though_better_classes_never_run_dry(
    cost: float, flow: list[tuple[int, float]], slots: int
) -> None:
    """Every round brings at least as much better work as there are slots; after two agings `low` has its share of high."""
    queue = FairQueue()
    queue.enqueue("low", "patient", 3, cost)
    rounds = 0
    while any(step.id == "low" for step in queue.waiting):
        for n in range(slots):
            for k, (priority_class, one) in enumerate(flow):
                queue.enqueue(f"{rounds:05}{n}{k}", "busy", priority_class, one)
            queue.enqueue(f"{rounds:05}{n}x", "busy", 1, 50.0)
        queue.admit(slots)
        rounds += 1
        if rounds % 10 == 0:
            queue.age()
        assert rounds < 20 + 2 * (cost + 50)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(1, 12))
def test_a_burst_lands_on_every_worker(free: list[int], count: int) -> None:
    slots = [Slot(f"w{n}", places, places, ()) for n, places in enumerate(free)]
    given_to = Counter(spread(slots, count))
    assert sum(given_to.values()) == min(count, sum(free))
    for n, places in enumerate(free):
        assert given_to[f"w{n}"] <= places
        if given_to[f"w{n}"] < places:  # it could take more: nobody has been given two more than it
            assert max(given_to.values()) <= given_to[f"w{n}"] + 1
