"""The diagrams of `docs/lifecycle.md`, made from the tables in `domain/lifecycle.py`.

`python -m renderowl.testing.diagrams docs/lifecycle.md` writes them anew; a unit test compares.
"""

import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeVar

from renderowl.domain.lifecycle import RENDER_TRANSITIONS, RETRIES, STEP_TRANSITIONS

S = TypeVar("S", bound=str)

_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


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


def regenerate(text: str) -> str:
    """The document with each of its generated blocks made anew."""
    blocks = {
        "render": state_diagram(RENDER_TRANSITIONS),
        "step": state_diagram(STEP_TRANSITIONS),
        "retries": retry_table(),
    }
    return _BLOCK.sub(lambda match: match[1] + blocks[match[2]] + match[3], text)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(regenerate(path.read_text()))
