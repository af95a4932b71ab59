"""The dashboard, the alerts and the scrape configuration: they name what there is."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from folkmoot.app import Node
from tests.telemetry.conversation import conversation
from tests.telemetry.served import Served, value

NAME = re.compile(r"\b(?:folkmoot|process|python)_\w+")
SELECTOR = re.compile(r"\b((?:folkmoot|process|python)_\w+)\{([^}]*)\}")
BY = re.compile(r"\bby \(([^)]*)\)")
OF_PROMETHEUS = {"job", "instance", "le"}


@pytest.fixture(scope="module")
def dashboard(checkout: Path) -> dict[str, Any]:
    return dict(json.loads((checkout / "deploy" / "grafana" / "folkmoot.json").read_text()))


@pytest.fixture(scope="module")
def alerts(checkout: Path) -> list[dict[str, Any]]:
    rules = yaml.safe_load((checkout / "deploy" / "prometheus" / "folkmoot-alerts.yml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def expressions(dashboard: dict[str, Any], alerts: list[dict[str, Any]]) -> list[str]:
    """What the dashboard and the alerts ask."""
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(shown) > 40
    assert len(alerts) > 15
    chosen = [one["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    return [*shown, *(rule["expr"] for rule in alerts), *chosen]


async def test_every_metric_and_label_that_they_name_is_in_a_scrape(
    node: Node, server: Served, expressions: list[str]
) -> None:
    """Of a server with all its doors open, which has just carried a conversation."""
    async with conversation(node, server):
        text = (await server.admin.get("/metrics")).text
        scraped = await server.scrape()
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for name, its in scraped:
        labels[name] |= {label for label, _ in its}
    described = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    named = {name for expression in expressions for name in NAME.findall(expression)}
    assert len(named) > 40, "for this test to mean anything, there must be names"
    elsewhere = {name for name in named if name.startswith(("folkmoot_services", "folkmoot_grpc", "folkmoot_jobs"))}
    assert {name for name in named - elsewhere if name not in labels} == set()
    # What nobody has called yet has no samples, but it is described.
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in elsewhere}
    assert {name for name in families if name not in described} == set()
    for expression in expressions:
        for name, selector in SELECTOR.findall(expression):
            asked = set(re.findall(r"(\w+)\s*!?=", selector))
            assert name in elsewhere or asked <= labels[name] | OF_PROMETHEUS, expression
        for grouped in BY.findall(expression):
            asked = {label.strip() for label in grouped.split(",")}
            known = set().union(*(labels[name] for name in NAME.findall(expression)))
            assert NAME.findall(expression)[0] in elsewhere or asked <= known | OF_PROMETHEUS, expression


async def test_no_alert_fires_on_a_server_that_is_well(server: Served) -> None:
    """Those that ask for the state of something, with the values of this moment."""
    scraped = await server.scrape()
    assert value(scraped, "folkmoot_bus_up") == 1
    assert value(scraped, "folkmoot_loop_silence_seconds") < 5
    assert value(scraped, "folkmoot_log_lines_dropped_total") == 0


def test_every_alert_says_what_it_means_and_the_guide_what_to_do(alerts: list[dict[str, Any]], checkout: Path) -> None:
    guide = (checkout / "docs" / "how-to" / "observe.md").read_text()
    for rule in alerts:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        assert "for" in rule
        assert f"`{rule['alert']}`" in guide, f"the guide does not name {rule['alert']}"
    assert len({rule["alert"] for rule in alerts}) == len(alerts)


def test_every_metric_of_the_guide_is_asked_for_or_explained(expressions: list[str], checkout: Path) -> None:
    """The guide names every metric of ours that the dashboard shows."""
    guide = (checkout / "docs" / "how-to" / "observe.md").read_text()
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for one in expressions for name in NAME.findall(one)}
    assert {name for name in shown if name.startswith("folkmoot_") and f"`{name}`" not in guide} == set()


def test_the_dashboard_is_as_its_script_writes_it(dashboard: dict[str, Any], checkout: Path) -> None:
    code = "import json, dashboard; print(json.dumps(dashboard.dashboard()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout / "scripts", capture_output=True, check=True)
    assert json.loads(done.stdout) == dashboard
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    taken = [
        (x, y) for one in places
        for x in range(one["x"], one["x"] + one["w"]) for y in range(one["y"], one["y"] + one["h"])
    ]  # fmt: skip
    assert len(taken) == len(set(taken)), "panels cover each other"
    assert max(x for x, _ in taken) == 23
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_prometheus_is_told_of_the_rules_that_are_there(checkout: Path) -> None:
    folder = checkout / "deploy" / "prometheus"
    told = yaml.safe_load((folder / "prometheus.yml").read_text())
    for name in told["rule_files"]:
        assert (folder / name).exists()
    (job,) = told["scrape_configs"]
    assert job["job_name"] == "folkmoot"
    assert "metrics_path" not in job, "the one it takes by itself is ours"
