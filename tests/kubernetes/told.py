"""Checks of what our servers are told: by their command, and by their environment."""

import base64
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from unittest.mock import patch

import typer.main

from folkmoot.cli import cli
from folkmoot.settings import BadSettings, Settings, load_settings
from tests.kubernetes.manifests import Object, Objects, Pods, all_pods, named

SERVER_IMAGE = "folkmoot-server"
VARIABLES = Path(__file__).parent.parent.parent / "deploy" / "nginx" / "variables"
OTHERS = {"REDIS_PASSWORD"}  # what is in a Secret, and no setting of ours


def settings(objects: Objects) -> Iterator[str]:
    """Every variable is one of ours, and with all of them a server would start."""
    known = {str(field.validation_alias or name).upper() for name, field in Settings.model_fields.items()} | OTHERS
    for pod in all_pods(objects):
        for container in pod.all_containers:
            if SERVER_IMAGE not in container["image"]:
                continue
            given = environment(container, objects)
            if unknown := given.keys() - known:
                yield f"{pod.title}: nobody reads {', '.join(sorted(unknown))}"
            if given:
                yield from _load(pod, given)


def _load(pod: Pods, given: dict[str, str]) -> Iterator[str]:
    try:
        loaded = settings_of(tuple(sorted(given.items())))
    except BadSettings as error:
        yield f"{pod.title}: {error}"
        return
    if not (loaded.dsn and loaded.redis_dsn):
        yield f"{pod.title}: is not told where its databases are"


@cache
def settings_of(given: tuple[tuple[str, str], ...]) -> Settings:
    with patch.dict(os.environ, dict(given), clear=True):
        return load_settings(_env_file=None)


def environment(container: Object, objects: Objects) -> dict[str, str]:
    """What the container's process gets, but for what is known only when it runs."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for kind, reference in (("ConfigMap", source.get("configMapRef")), ("Secret", source.get("secretRef"))):
            given = named(objects, kind, reference["name"]) if reference else None
            data = (given or {}).get("data", {})
            found |= data if kind == "ConfigMap" else {k: base64.b64decode(v).decode() for k, v in data.items()}
    found |= {each["name"]: each.get("value", "pod") for each in container.get("env", [])}
    return found


def commands(objects: Objects) -> Iterator[str]:
    """What the image is told to do is something that it can do."""
    known = typer.main.get_command(cli)
    for pod in all_pods(objects):
        for container in pod.all_containers:
            if SERVER_IMAGE not in container["image"] or "command" in container:
                continue
            name, *arguments = container.get("args", ["serve"])
            try:
                command = known.commands[name]  # type: ignore[attr-defined]
                command.make_context(name, list(arguments))
            except Exception as error:  # the parser has many ways to refuse, and all of them are told
                yield f"{pod.title}: folkmoot {name} {' '.join(arguments)}: {error!r}"


def nginx(objects: Objects) -> Iterator[str]:
    """Every variable of the front is one that its configuration is made of."""
    lines = VARIABLES.read_text().splitlines()
    known = {line.partition("|")[0].strip() for line in lines if "|" in line and not line.startswith("#")}
    for pod in all_pods(objects):
        for container in pod.all_containers:
            if "folkmoot-front" not in container["image"]:
                continue
            for variable in container.get("env", []):
                if variable["name"] not in known:
                    yield f"{pod.title}: nginx reads no {variable['name']}"


CHECKS = (settings, commands, nginx)
