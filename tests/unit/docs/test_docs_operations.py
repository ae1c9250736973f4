"""docs/operations.md names every metric with its labels, and none that does not exist."""

import re
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from renderowl.services import metrics

TEXT = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()


def test_every_metric_is_documented_with_its_labels() -> None:
    made = {
        (f"{one._name}_total" if one._type == "counter" else one._name, ", ".join(one._labelnames))
        for one in vars(metrics).values()
        if isinstance(one, MetricWrapperBase)
    }
    told = {(name, labels.strip()) for name, labels in re.findall(r"^\| `(renderowl_\w+)` \| ([\w, ]*)\|", TEXT, re.M)}
    assert told == made
