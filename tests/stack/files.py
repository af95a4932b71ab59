"""The compose files as they are written, without an engine."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(ROOT.glob("compose*.yaml"))
DOCKERFILES = [ROOT / "deploy" / "docker" / "Dockerfile", *sorted(ROOT.glob("examples/*/Dockerfile"))]


class _Loader(yaml.SafeLoader):
    """YAML with the two tags by which one compose file takes back what another says."""


def _plain(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return None if node.value in ("", "null") else node.value


for tag in ("!reset", "!override"):
    _Loader.add_constructor(tag, _plain)


def compose(name: str) -> dict[str, Any]:
    """A compose file with its anchors resolved."""
    loaded: dict[str, Any] = yaml.load((ROOT / name).read_text(), _Loader)  # noqa: S506 - a safe loader, and two tags
    return loaded


def services() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each service that a file starts: the file, the name, and what it says."""
    for file in FILES:
        for name, service in compose(file.name)["services"].items():
            if service and ("image" in service or "build" in service):
                yield file.name, name, service


def variables() -> dict[str, set[str]]:
    """The variables that the files take, and what each says when they are not set."""
    found: dict[str, set[str]] = {}
    for file in FILES:
        for name, default in re.findall(r"\$\{([A-Z][A-Z0-9_]*)(?::([-?][^}]*))?", file.read_text()):
            found.setdefault(name, set()).add(default)
    return found
