"""The containers that are the program. While one release takes over from another, those of both run side by side."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What a release wants of one of its services."""

    image: str
    replicas: int


@dataclass(frozen=True)
class Server:
    """One container, as the engine sees it."""

    name: str
    service: str
    image: str
    healthy: bool


def read_plan(config: str, service: str) -> Plan:
    """Out of what `docker compose config --format=json` prints."""
    said = json.loads(config)["services"][service]
    return Plan(said["image"], int(said.get("deploy", {}).get("replicas", 1)))


def read_servers(printed: str) -> list[Server]:
    """Out of what `docker compose ps --all --format=json` prints: a line for each, also for commands that run once."""
    lines = [json.loads(line) for line in printed.splitlines()]
    return [
        Server(line["Name"], line["Service"], line["Image"], line["Health"] == "healthy")
        for line in lines
        if "com.docker.compose.oneoff=False" in line["Labels"].split(",")
    ]


def scales_beside(plans: Mapping[str, Plan], there: Iterable[Server]) -> dict[str, int]:
    """How many of each service make room for those of the plans beside the others; only where some are not there."""
    images = [(each.service, each.image) for each in there]
    scales = {}
    for service, plan in plans.items():
        new = images.count((service, plan.image))
        if new < plan.replicas:
            scales[service] = sum(each == service for each, _ in images) - new + plan.replicas
    return scales


def missing(plans: Mapping[str, Plan], servers: Iterable[Server]) -> str:
    """What is not well yet, in words; empty when all of it is."""
    well = [(each.service, each.image) for each in servers if each.healthy]
    found = {service: well.count((service, plan.image)) for service, plan in plans.items()}
    return ", ".join(
        f"{plan.replicas - found[service]} of {plan.replicas} {service}"
        for service, plan in plans.items()
        if found[service] < plan.replicas
    )
