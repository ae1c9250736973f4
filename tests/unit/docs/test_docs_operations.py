"""docs/operations.md names every metric with its labels, and none that does not exist."""

import re
from pathlib import Path
from typing import Any

from renderowl.services import metrics

TEXT = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()


def test_every_metric_is_documented_with_its_labels() -> None:
    made = {
        _name_and_labels(one) for one in vars(metrics).values() if hasattr(one, "collect") and hasattr(one, "_name")
    }
    told = {(name, labels.strip()) for name, labels in re.findall(r"^\| `(renderowl_\w+)` \| ([\w, ]*)\|", TEXT, re.M)}
    assert told == made


def _name_and_labels(one: Any) -> tuple[str, str]:
    """As Prometheus shows it; what is not one of its own kinds is a counter of ours."""
    kind = getattr(one, "_type", "counter")
    return (f"{one._name}_total" if kind == "counter" else one._name, ", ".join(getattr(one, "_labelnames", ())))
