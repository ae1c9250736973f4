"""deploy/prometheus and deploy/grafana name only metrics and labels that `services/metrics.py` exports.

What Prometheus itself makes of them is in tests/monitoring (`make test-alerts`).
"""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from prometheus_client import generate_latest

from renderowl.domain.errors import ERRORS
from renderowl.services import metrics

_ROOT = Path(__file__).parents[2]
_RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((_ROOT / "deploy/prometheus/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
_DASHBOARD: dict[str, Any] = msgspec.json.decode((_ROOT / "deploy/grafana/renderowl.json").read_bytes())
_QUERIES = [target["expr"] for panel in _DASHBOARD["panels"] for target in panel.get("targets", ())]
_ADDED_BY_PROMETHEUS = {"instance", "job"}


def _exported() -> dict[str, set[str]]:
    """Every sample's name with its labels, as a scrape shows them."""
    found: dict[str, set[str]] = {}
    for one in vars(metrics).values():
        if not (hasattr(one, "collect") and hasattr(one, "_name")):
            continue
        kind, labels = getattr(one, "_type", "counter"), set(getattr(one, "_labelnames", ()))
        if kind == "histogram":
            found |= {f"{one._name}_bucket": labels | {"le"}, f"{one._name}_sum": labels, f"{one._name}_count": labels}
        else:
            found[f"{one._name}_total" if kind == "counter" else one._name] = labels
    return found


_EXPORTED = _exported()
_TOLD = generate_latest().decode().splitlines()


def _named(query: str) -> set[str]:
    return set(re.findall(r"\brenderowl_\w+", query))


@pytest.mark.parametrize("query", [rule["expr"] for rule in _RULES] + _QUERIES)
def test_a_query_names_what_is_exported(query: str) -> None:
    named = _named(query)
    assert named <= set(_EXPORTED)
    known = set().union(*(_EXPORTED[name] for name in named)) | _ADDED_BY_PROMETHEUS
    for labels in re.findall(r"\bby \(([^)]*)\)", query):
        assert {label.strip() for label in labels.split(",")} <= known
    for name, matchers in re.findall(r"(renderowl_\w+)\{([^}]*)\}", query):
        assert set(re.findall(r"(\w+)=", matchers)) <= _EXPORTED[name]
    for codes in re.findall(r'code=~?"([^"]*)"', query):
        assert set(codes.split("|")) <= set(ERRORS)


@pytest.mark.parametrize("query", [rule["expr"] for rule in _RULES])
def test_what_an_alert_counts_is_there_before_it_happens(query: str) -> None:
    for name, matchers in re.findall(r"increase\((renderowl_\w+)(?:\{([^}]*)\})?", query):
        for label, values in re.findall(r'(\w+)=~?"([^"]*)"', matchers) or [("", "")]:
            for value in values.split("|"):
                wanted = f'{label}="{value}"' if label else ""
                assert any(line.startswith(name) and wanted in line for line in _TOLD), (name, wanted)


def test_panels_have_ids_of_their_own_and_lie_beside_each_other() -> None:
    assert len({panel["id"] for panel in _DASHBOARD["panels"]}) == len(_DASHBOARD["panels"])
    taken = [
        (x, y)
        for panel in _DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: rule["alert"])
def test_an_alert_leads_to_a_section_of_the_runbook(rule: dict[str, Any]) -> None:
    page, anchor = rule["annotations"]["runbook"].split("#")
    headings = re.findall(r"^#+ (.+)$", (_ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
