"""The diagrams of `docs/lifecycle.md`, made from the tables in `domain/lifecycle.py`."""

from collections.abc import Collection, Mapping
from typing import TypeVar

from renderowl.domain.lifecycle import RENDER_TRANSITIONS, RETRIES, STEP_TRANSITIONS

S = TypeVar("S", bound=str)


def state_diagram(transitions: Mapping[S, Collection[S]]) -> str:
    """A Mermaid state diagram of a table of transitions; what nothing leads to is a start, what leads nowhere an end."""
    reached = {target for targets in transitions.values() for target in targets}
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in transitions if state not in reached]
    if not any(line.startswith("    [*]") for line in lines):
        lines.append(f"    [*] --> {next(iter(transitions))}")
    for source, targets in transitions.items():
        lines += [f"    {source} --> {target}" for target in transitions if target in targets]
    lines += [f"    {state} --> [*]" for state, targets in transitions.items() if not targets]
    return "\n".join([*lines, "```"]) + "\n"


def retry_table() -> str:
    """A Markdown table of how often a step is tried again."""
    rows = [
        f"| {failure} | {'without limit, free of charge' if count is None else count or 'none'} |"
        for failure, count in RETRIES.items()
    ]
    return "\n".join(["| Failure class | Tried again |", "|---|---|", *rows]) + "\n"


def blocks() -> dict[str, str]:
    """The generated blocks of the page by name."""
    return {
        "render": state_diagram(RENDER_TRANSITIONS),
        "step": state_diagram(STEP_TRANSITIONS),
        "retries": retry_table(),
    }
