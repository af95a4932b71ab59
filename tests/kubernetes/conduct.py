"""Checks of how pods are run: what they may, what they get, and how they come and go."""

import base64
import os
from collections.abc import Iterator
from functools import cache
from typing import Any
from unittest.mock import patch

import typer.main

from folkmoot.cli import cli
from folkmoot.jobs.worker import CONNECTIONS
from folkmoot.settings import BadSettings, Settings, load_settings
from folkmoot.stopping import longest_stop_s
from tests.kubernetes.manifests import Object, Objects, Pods, all_pods, every, named, of_kind, selected, title

SERVER_IMAGE = "folkmoot-server"
MAY_BE_ROOT = {"own-folder"}  # gives a folder of the node to its owner, and ends: see overlays/plain
OTHERS = {"REDIS_PASSWORD"}  # what is in a Secret, and no setting of ours
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
SEVERAL = ("api", "ws", "front")


def probes(objects: Objects) -> Iterator[str]:
    """Whoever listens is asked how it is."""
    for pod in all_pods(objects):
        for container in pod.containers:
            missing = [probe for probe in PROBES if probe not in container]
            if pod.serves and container.get("ports") and missing:
                yield f"{pod.title}: {container['name']} has no {', no '.join(missing)}"


def limits(objects: Objects) -> Iterator[str]:
    for pod in all_pods(objects):
        for container in pod.all_containers:
            given = container.get("resources", {})
            for kind in ("requests", "limits"):
                if missing := {"cpu", "memory"} - given.get(kind, {}).keys():
                    yield f"{pod.title}: {container['name']} has no {kind} for {', '.join(sorted(missing))}"


def closed(objects: Objects) -> Iterator[str]:
    """No root, nothing to write to but what is said, no capability, and nobody's account."""
    for pod in all_pods(objects):
        for wrong in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(wrong):
                yield f"{pod.title}: has {wrong}"
        if any("hostPath" in volume for volume in pod.spec.get("volumes", [])) or list(every(pod.spec, "hostPort")):
            yield f"{pod.title}: takes something of its node"
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.title}: is given the token of an account"
        for container in pod.all_containers:
            yield from _closed(pod, container)


def _closed(pod: Pods, container: Object) -> Iterator[str]:
    own = container.get("securityContext", {})
    whole = {**pod.spec.get("securityContext", {}), **own}
    where = f"{pod.title}: {container['name']}"
    may_be_root = container["name"] in MAY_BE_ROOT
    if not may_be_root and (whole.get("runAsNonRoot") is not True or not whole.get("runAsUser")):
        yield f"{where} may run as root"
    if own.get("privileged") or own.get("allowPrivilegeEscalation") is not False:
        yield f"{where} may get more rights"
    if own.get("readOnlyRootFilesystem") is not True:
        yield f"{where} may write to its image"
    capabilities = own.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or (capabilities.get("add") and not may_be_root):
        yield f"{where} has capabilities"
    if whole.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield f"{where} may make any system call"


def images(objects: Objects) -> Iterator[str]:
    """What runs is what was meant, not what somebody has put in its place."""
    for pod in all_pods(objects):
        for container in pod.all_containers:
            image = str(container["image"])
            tag = image.rpartition("/")[2].partition(":")[2]
            if "@sha256:" not in image and tag in ("", "latest"):
                yield f"{pod.title}: {image} may be anything"


def targets(objects: Objects) -> Iterator[str]:
    """Autoscalers and budgets stand for something, and leave it room."""
    for each in of_kind(objects, "HorizontalPodAutoscaler"):
        wanted = each["spec"]["scaleTargetRef"]
        target = named(objects, wanted["kind"], wanted["name"])
        if target is None or target["apiVersion"] != wanted["apiVersion"]:
            yield f"{title(each)}: there is no {wanted['kind']} {wanted['name']}"
        elif "replicas" in target["spec"]:
            yield f"{title(each)}: {title(target)} says its number too, and undoes what this does"
        if each["spec"]["minReplicas"] > each["spec"]["maxReplicas"]:
            yield f"{title(each)}: its least is more than its most"
    pods = all_pods(objects)
    for each in of_kind(objects, "PodDisruptionBudget"):
        for pod in selected(pods, each["spec"]["selector"]["matchLabels"]):
            least, most = each["spec"].get("minAvailable", 0), each["spec"].get("maxUnavailable")
            if most == 0 or least >= _least(pod, objects):
                yield f"{title(each)}: {pod.title} can never leave a node"


def several(objects: Objects) -> Iterator[str]:
    """Two of each that people reach, and never fewer while they are replaced."""
    for name in SEVERAL:
        found = named(objects, "Deployment", name)
        if found is None:
            yield f"Deployment {name}: is not there"
            continue
        if _least(Pods(found, found["spec"]["template"]), objects) < 2:
            yield f"{title(found)}: is only one"
        if found["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield f"{title(found)}: goes before another one is there"
        if not found["spec"]["template"]["spec"].get("topologySpreadConstraints"):
            yield f"{title(found)}: may all be on one node"


def _least(pod: Pods, objects: Objects) -> int:
    scaled = _autoscaler(pod, objects)
    return int(scaled["minReplicas"] if scaled else pod.owner["spec"].get("replicas", 1))


def _most(pod: Pods, objects: Objects) -> int:
    scaled = _autoscaler(pod, objects)
    surge = pod.owner["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", 1)
    return int(scaled["maxReplicas"] if scaled else pod.owner["spec"].get("replicas", 1)) + int(surge)


def _autoscaler(pod: Pods, objects: Objects) -> Any:
    return next(
        (
            each["spec"]
            for each in of_kind(objects, "HorizontalPodAutoscaler")
            if each["spec"]["scaleTargetRef"]["name"] == pod.owner["metadata"]["name"]
        ),
        None,
    )


def network(objects: Objects) -> Iterator[str]:
    """Nothing is open that no policy opens."""
    policies = of_kind(objects, "NetworkPolicy")
    everybody = [each for each in policies if not each["spec"]["podSelector"]]
    if not any({"Ingress", "Egress"} <= set(each["spec"]["policyTypes"]) and not _opens(each) for each in everybody):
        yield "no NetworkPolicy closes everything"
    for each in policies:
        for direction, rules in (("Ingress", "ingress"), ("Egress", "egress")):
            if rules in each["spec"] and direction not in each["spec"]["policyTypes"]:
                yield f"{title(each)}: has rules for {rules} that do not count"


def _opens(policy: Object) -> bool:
    return bool(policy["spec"].get("ingress") or policy["spec"].get("egress"))


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
            except Exception as error:
                yield f"{pod.title}: folkmoot {name} {' '.join(arguments)}: {error!r}"


def drains(objects: Objects) -> Iterator[str]:
    """A server may end what it does before it is killed, and stops taking more only when nobody sends it more."""
    for pod in all_pods(objects):
        for container in pod.containers:
            if not (pod.serves and "serve" in container.get("args", []) and SERVER_IMAGE in container["image"]):
                continue
            command = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["none", "0"])
            pause_s = float(command[1]) if command[0] == "sleep" else 0.0
            if pause_s < 3:
                yield f"{pod.title}: stops while it is still sent requests"
            needed_s = pause_s + longest_stop_s(settings_of(tuple(sorted(environment(container, objects).items()))))
            if pod.spec.get("terminationGracePeriodSeconds", 30) <= needed_s:
                yield f"{pod.title}: is killed before the {needed_s:.0f} seconds that stopping may take"


def connections(objects: Objects) -> Iterator[str]:
    """PostgreSQL inside has room for as many as all pods may open, also while they are replaced."""
    database = named(objects, "StatefulSet", "db")
    if database is None:
        return
    arguments = database["spec"]["template"]["spec"]["containers"][0]["args"]
    most = next(int(each.partition("=")[2]) for each in arguments if each.startswith("max_connections="))
    wanted = 0
    for pod in all_pods(objects):
        for container in pod.containers:
            if pod.serves and SERVER_IMAGE in container["image"]:
                given = settings_of(tuple(sorted(environment(container, objects).items())))
                jobs = CONNECTIONS if given.jobs_concurrency else 0
                wanted += _most(pod, objects) * (given.database_pool + jobs)
    if wanted > most - 10:
        yield f"the servers may want {wanted} connections of PostgreSQL, which has {most}"


def the_door(objects: Objects) -> Iterator[str]:
    """The front alone is reached from outside, always at the same port of a node."""
    for each in of_kind(objects, "Service"):
        outside = each["spec"].get("type", "ClusterIP") != "ClusterIP"
        if outside and each["metadata"]["name"] != "front":
            yield f"{title(each)}: is reached from outside"
        if outside and not all("nodePort" in port for port in each["spec"]["ports"]):
            yield f"{title(each)}: has another nodePort each time"


CHECKS = (
    probes,
    limits,
    closed,
    images,
    targets,
    several,
    network,
    settings,
    commands,
    drains,
    connections,
    the_door,
)
