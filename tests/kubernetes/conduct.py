"""Checks of how pods are run: what they get, how many there are, and how they come and go."""

from collections.abc import Iterator
from typing import Any

from folkmoot.jobs.worker import CONNECTIONS
from folkmoot.stopping import longest_stop_s
from tests.kubernetes.manifests import Objects, Pods, all_pods, every, named, of_kind, selected, title
from tests.kubernetes.told import SERVER_IMAGE, environment, settings_of

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
USES = ("configMapRef", "secretRef", "configMapKeyRef", "secretKeyRef", "configMap", "secret")
SEVERAL = ("api", "ws", "front")


def probes(objects: Objects) -> Iterator[str]:
    """Whoever listens is asked how it is, and so is each of our servers and workers."""
    for pod in all_pods(objects):
        for container in pod.containers:
            missing = [probe for probe in PROBES if probe not in container]
            if pod.serves and (container.get("ports") or {"serve", "work"} & {*container.get("args", [])}) and missing:
                yield f"{pod.title}: {container['name']} has no {', no '.join(missing)}"


def limits(objects: Objects) -> Iterator[str]:
    for pod in all_pods(objects):
        for container in pod.all_containers:
            given = container.get("resources", {})
            for kind in ("requests", "limits"):
                if missing := {"cpu", "memory"} - given.get(kind, {}).keys():
                    yield f"{pod.title}: {container['name']} has no {kind} for {', '.join(sorted(missing))}"


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


def apart(objects: Objects) -> Iterator[str]:
    """What keeps data takes nothing that changes with our versions and settings, which would restart it."""
    for pod in all_pods(objects):
        if pod.owner["kind"] != "StatefulSet":
            continue
        if any("folkmoot-" in container["image"] for container in pod.all_containers):
            yield f"{pod.title}: is restarted by each of our versions"
        if any(str(name).partition("-")[0] == "folkmoot" for key in USES for name in _names(pod.spec, key)):
            yield f"{pod.title}: is restarted by each changed setting"


def _names(found: Any, key: str) -> Iterator[Any]:
    yield from (reference.get("name", reference.get("secretName")) for reference in every(found, key))


CHECKS = (probes, limits, targets, several, drains, connections, apart)
