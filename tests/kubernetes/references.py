"""Checks of what objects say of each other, which no schema sees. Each yields one sentence for each mistake."""

from collections.abc import Iterator

from tests.kubernetes.manifests import Object, Objects, Pods, all_pods, every, named, of_kind, selected, title

# What a current cluster knows, of what we use.
VERSIONS = {
    "v1": {"Namespace", "ConfigMap", "Secret", "Service", "PersistentVolume", "PersistentVolumeClaim"},
    "apps/v1": {"Deployment", "StatefulSet"},
    "batch/v1": {"CronJob", "Job"},
    "autoscaling/v2": {"HorizontalPodAutoscaler"},
    "policy/v1": {"PodDisruptionBudget"},
    "networking.k8s.io/v1": {"Ingress", "NetworkPolicy"},
}
CLUSTER_WIDE = {"Namespace", "PersistentVolume"}


def versions(objects: Objects) -> Iterator[str]:
    for each in objects:
        if each["kind"] not in VERSIONS.get(each["apiVersion"], ()):
            yield f"{title(each)}: nobody knows {each['kind']} of {each['apiVersion']}"


def places(objects: Objects) -> Iterator[str]:
    """Everything in the one namespace, which is there too, and nothing twice."""
    spaces = {each["metadata"]["name"] for each in of_kind(objects, "Namespace")}
    seen = set()
    for each in objects:
        if title(each) in seen:
            yield f"{title(each)}: is there twice"
        seen.add(title(each))
        space = each["metadata"].get("namespace")
        if each["kind"] not in CLUSTER_WIDE and space not in spaces:
            yield f"{title(each)}: is in the namespace {space}, which is not there"


def selectors(objects: Objects) -> Iterator[str]:
    pods = all_pods(objects)
    for each in of_kind(objects, "Service"):
        if not selected(pods, each["spec"]["selector"]):
            yield f"{title(each)}: its selector matches no pod"
    for pod in pods:
        own = [pod.owner["spec"]["selector"]] if pod.serves else []
        for selector in [*own, *every(pod.spec.get("topologySpreadConstraints", []), "labelSelector")]:
            if not selector["matchLabels"].items() <= pod.labels.items():
                yield f"{pod.title}: a selector does not match its own pods"
    for each in of_kind(objects, "PodDisruptionBudget"):
        if not selected(pods, each["spec"]["selector"]["matchLabels"]):
            yield f"{title(each)}: its selector matches no pod"
    for each in of_kind(objects, "NetworkPolicy"):
        near = [peer for peer in every(each["spec"], "podSelector") if peer]
        if any(not selected(pods, peer.get("matchLabels", {})) for peer in near):
            yield f"{title(each)}: a selector matches no pod"


def ports(objects: Objects) -> Iterator[str]:
    pods = all_pods(objects)
    for each in of_kind(objects, "Service"):
        behind = selected(pods, each["spec"]["selector"])
        for port in each["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            if not all(pod.has_port(target) for pod in behind):
                yield f"{title(each)}: no container has the port {target}"
    for pod in pods:
        for container in pod.all_containers:
            own = container.get("ports", [])
            known = {port.get("name") for port in own} | {port["containerPort"] for port in own}
            asked = [probe["port"] for kind in ("httpGet", "tcpSocket") for probe in every(container, kind)]
            yield from (f"{pod.title}: a probe asks at {port}, which is no port" for port in asked if port not in known)
    for each in of_kind(objects, "Ingress"):
        yield from _ports_of_ingress(each, objects)
    for each in of_kind(objects, "NetworkPolicy"):
        yield from _ports_of_policy(each, pods)


def _ports_of_ingress(ingress: Object, objects: Objects) -> Iterator[str]:
    for backend in every(ingress, "service"):
        service = named(objects, "Service", backend["name"])
        wanted = backend["port"].get("name", backend["port"].get("number"))
        offered = [] if service is None else [(port.get("name"), port["port"]) for port in service["spec"]["ports"]]
        if not any(wanted in offer for offer in offered):
            yield f"{title(ingress)}: there is no Service {backend['name']} with the port {wanted}"


def _ports_of_policy(policy: Object, pods: list[Pods]) -> Iterator[str]:
    own = selected(pods, policy["spec"]["podSelector"].get("matchLabels", {}))
    for rule in policy["spec"].get("ingress", []):
        yield from _missing(policy, own, rule)
    for rule in policy["spec"].get("egress", []):
        near = [peer["podSelector"]["matchLabels"] for peer in rule.get("to", []) if "podSelector" in peer]
        for labels in near:
            yield from _missing(policy, selected(pods, labels), rule)


def _missing(policy: Object, pods: list[Pods], rule: Object) -> Iterator[str]:
    for port in rule.get("ports", []):
        if not any(pod.has_port(port["port"]) for pod in pods):
            yield f"{title(policy)}: no pod has the port {port['port']}"


def contents(objects: Objects) -> Iterator[str]:
    """ConfigMaps, Secrets, their keys, and volumes: what is used is there."""
    for pod in all_pods(objects):
        for container in pod.all_containers:
            yield from _environment(pod, container, objects)
            yield from _mounts(pod, container)
        for volume in pod.spec.get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim and not named(objects, "PersistentVolumeClaim", claim):
                yield f"{pod.title}: there is no PersistentVolumeClaim {claim}"
            for kind, key, name in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
                if key in volume and not named(objects, kind, volume[key][name]):
                    yield f"{pod.title}: there is no {kind} {volume[key][name]}"


def _environment(pod: Pods, container: Object, objects: Objects) -> Iterator[str]:
    for source in container.get("envFrom", []):
        for kind, reference in (("ConfigMap", source.get("configMapRef")), ("Secret", source.get("secretRef"))):
            if reference and not reference.get("optional") and not named(objects, kind, reference["name"]):
                yield f"{pod.title}: there is no {kind} {reference['name']}"
    for variable in container.get("env", []):
        value = variable.get("valueFrom", {})
        for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            if key not in value:
                continue
            found = named(objects, kind, value[key]["name"])
            if found is None or value[key]["key"] not in {**found.get("data", {}), **found.get("stringData", {})}:
                yield f"{pod.title}: there is no {value[key]['key']} in a {kind} {value[key]['name']}"


def _mounts(pod: Pods, container: Object) -> Iterator[str]:
    claimed = [claim["metadata"]["name"] for claim in pod.owner["spec"].get("volumeClaimTemplates", [])]
    known = {*claimed, *(volume["name"] for volume in pod.spec.get("volumes", []))}
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in known:
            yield f"{pod.title}: {container['name']} mounts {mount['name']}, which is no volume"


CHECKS = (versions, places, selectors, ports, contents)
