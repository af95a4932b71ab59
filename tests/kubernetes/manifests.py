"""What kubectl makes of our overlays, and what one must know of Kubernetes to read it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MANIFESTS = Path(__file__).parent.parent.parent / "deploy" / "kubernetes"
KUBECTL = Path(sys.executable).parent / "kubectl"
SECRETS = {
    "secrets.env": "API_ADMIN_PASSWORD=quite long and random\n",
    "databases.env": "POSTGRES_PASSWORD=a1b2c3d4\nREDIS_PASSWORD=d4c3b2a1\n"
    "REDIS_URL=redis://folkmoot:d4c3b2a1@redis:6379/0\n",
    "database-owner.env": "POSTGRES_OWNER=folkmoot\nPOSTGRES_OWNER_PASSWORD=b2c3d4e5\n",
}
GIVEN = {
    "secrets.env": SECRETS["secrets.env"]
    + "DATABASE_URL=postgresql://folkmoot_server:a1b2c3d4@db.example.org/folkmoot\n"
    "REDIS_URL=rediss://folkmoot:d4c3b2a1@redis.example.org:6379/0\n",
    "database-owner.env": "DATABASE_OWNER_URL=postgresql://folkmoot:b2c3d4e5@db.example.org/folkmoot\n",
}

Object = dict[str, Any]
Objects = Sequence[Object]


def copied(folder: Path) -> Path:
    """The manifests in a folder of their own, with secrets in each overlay."""
    to = folder / "kubernetes"
    shutil.copytree(MANIFESTS, to, ignore=shutil.ignore_patterns(*SECRETS))
    for overlay in (to / "overlays").iterdir():
        for name, content in (GIVEN if overlay.name == "production" else SECRETS).items():
            (overlay / name).write_text(content)
    return to


def rendered(folder: Path) -> list[Object]:
    """The objects that `kubectl apply -k` would send."""
    said = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, ""), "it must not even warn"
    return [each for each in yaml.safe_load_all(said.stdout) if each]


def title(found: Object) -> str:
    return f"{found['kind']} {found['metadata']['name']}"


def of_kind(objects: Objects, *kinds: str) -> list[Object]:
    return [each for each in objects if each["kind"] in kinds]


def named(objects: Objects, kind: str, name: str) -> Object | None:
    return next((each for each in of_kind(objects, kind) if each["metadata"]["name"] == name), None)


@dataclass(frozen=True)
class Pods:
    """What an object makes pods of."""

    owner: Object
    template: Object

    @property
    def title(self) -> str:
        return title(self.owner)

    @property
    def spec(self) -> Object:
        return dict(self.template["spec"])

    @property
    def labels(self) -> Mapping[str, str]:
        return dict(self.template["metadata"].get("labels", {}))

    @property
    def serves(self) -> bool:
        return self.owner["kind"] in ("Deployment", "StatefulSet")

    @property
    def containers(self) -> list[Object]:
        """Those that stay."""
        return list(self.spec["containers"])

    @property
    def all_containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.containers]

    @property
    def ports(self) -> list[Object]:
        return [port for container in self.containers for port in container.get("ports", [])]

    def has_port(self, port: str | int) -> bool:
        return any(port in (each.get("name"), each["containerPort"]) for each in self.ports)


def all_pods(objects: Objects) -> list[Pods]:
    found = []
    for each in objects:
        if each["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            found.append(Pods(each, each["spec"]["template"]))
        elif each["kind"] == "CronJob":
            found.append(Pods(each, each["spec"]["jobTemplate"]["spec"]["template"]))
    return found


def selected(pods: Sequence[Pods], selector: Mapping[str, str]) -> list[Pods]:
    return [each for each in pods if selector.items() <= each.labels.items()]


def every(found: Any, key: str) -> Iterator[Any]:
    """Each value of this key, however deep."""
    if isinstance(found, dict):
        for name, value in found.items():
            if name == key:
                yield value
            yield from every(value, key)
    elif isinstance(found, list):
        for value in found:
            yield from every(value, key)
