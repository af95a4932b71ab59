"""Each check refuses what it is there for: a sound manifest is broken in one way, and that is what is said of it."""

import base64
import copy
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes_validate
import pytest

from tests.kubernetes import conduct, references, rights, told
from tests.kubernetes.manifests import Object, Objects, named
from tests.kubernetes.test_overlays import CHECKS, CURRENT

Check = Callable[[Objects], Iterator[str]]
Breaks = Callable[["Broken"], object]


class Broken:
    """The objects of an overlay, to be broken by name."""

    def __init__(self, objects: Objects) -> None:
        self.objects: list[Object] = copy.deepcopy(list(objects))

    def __call__(self, kind: str, name: str) -> Any:
        return named(self.objects, kind, name) or next(
            each for each in self.objects if each["kind"] == kind and each["metadata"]["name"].startswith(name)
        )

    def pod(self, name: str = "api", kind: str = "Deployment") -> Any:
        return self(kind, name)["spec"]["template"]["spec"]

    def container(self, name: str = "api", kind: str = "Deployment") -> Any:
        return self.pod(name, kind)["containers"][0]

    def drop(self, kind: str, name: str) -> None:
        self.objects.remove(self(kind, name))


def secret(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


MISTAKES: list[tuple[Check, Breaks, str]] = [
    (references.versions, lambda b: b("Deployment", "api").update(apiVersion="apps/v1beta1"), "nobody knows"),
    (references.versions, lambda b: b("PodDisruptionBudget", "api").update(apiVersion="policy/v1beta1"), "nobody"),
    (references.places, lambda b: b("Service", "api")["metadata"].update(namespace="default"), "which is not there"),
    (references.places, lambda b: b.objects.append(b("Service", "api")), "is there twice"),
    (references.selectors, lambda b: b("Service", "db")["spec"]["selector"].update(x="y"), "matches no pod"),
    (
        references.selectors,
        lambda b: b("Deployment", "ws")["spec"]["selector"]["matchLabels"].update(x="y"),
        "does not match its own pods",
    ),
    (
        references.selectors,
        lambda b: b.pod()["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"].update(x="y"),
        "does not match its own pods",
    ),
    (
        references.selectors,
        lambda b: b("PodDisruptionBudget", "ws")["spec"]["selector"]["matchLabels"].update(x="y"),
        "PodDisruptionBudget ws: its selector matches no pod",
    ),
    (
        references.selectors,
        lambda b: b("NetworkPolicy", "db")["spec"]["podSelector"]["matchLabels"].update(x="y"),
        "NetworkPolicy db: a selector matches no pod",
    ),
    (
        references.selectors,
        lambda b: b("NetworkPolicy", "db")["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"].update(x="y"),
        "NetworkPolicy db: a selector matches no pod",
    ),
    (references.ports, lambda b: b("Service", "api")["spec"]["ports"][0].update(targetPort="web"), "no container has"),
    (references.ports, lambda b: b.container()["livenessProbe"]["httpGet"].update(port="web"), "which is no port"),
    (
        references.ports,
        lambda b: b("NetworkPolicy", "db")["spec"]["ingress"][0]["ports"][0].update(port=5433),
        "no pod has the port 5433",
    ),
    (
        references.ports,
        lambda b: b("NetworkPolicy", "servers-to-db")["spec"]["egress"][0]["ports"][0].update(port=5433),
        "no pod has the port 5433",
    ),
    (references.contents, lambda b: b.drop("ConfigMap", "folkmoot"), "there is no ConfigMap folkmoot"),
    (references.contents, lambda b: b.drop("Secret", "folkmoot"), "there is no Secret folkmoot"),
    (references.contents, lambda b: b.drop("Secret", "database-owner"), "there is no Secret database-owner"),
    (
        references.contents,
        lambda b: b("Secret", "database-owner")["data"].pop("POSTGRES_OWNER_PASSWORD"),
        "no POSTGRES_OWNER_PASSWORD",
    ),
    (references.contents, lambda b: b.drop("PersistentVolumeClaim", "backups"), "no PersistentVolumeClaim backups"),
    (references.contents, lambda b: b.pod()["volumes"].clear(), "mounts tmp, which is no volume"),
    (
        references.contents,
        lambda b: b.pod()["volumes"].append({"name": "x", "configMap": {"name": "nothing"}}),
        "there is no ConfigMap nothing",
    ),
    (conduct.probes, lambda b: b.container().pop("readinessProbe"), "has no readinessProbe"),
    (
        conduct.probes,
        lambda b: [b.container("worker").pop(name) for name in ("ports", "livenessProbe")],
        "no livenessP",
    ),
    (conduct.probes, lambda b: b.container("redis", "StatefulSet").pop("livenessProbe"), "has no livenessProbe"),
    (conduct.limits, lambda b: b.container()["resources"]["limits"].pop("memory"), "no limits for memory"),
    (
        conduct.limits,
        lambda b: b.pod()["initContainers"][0].pop("resources"),
        "migrate has no requests for",
    ),
    (rights.closed, lambda b: b.pod()["securityContext"].update(runAsNonRoot=False), "may run as root"),
    (rights.closed, lambda b: b.pod()["securityContext"].update(runAsUser=0), "may run as root"),
    (rights.closed, lambda b: b.container()["securityContext"].update(runAsUser=0), "may run as root"),
    (rights.closed, lambda b: b.container()["securityContext"].update(privileged=True), "may get more rights"),
    (rights.closed, lambda b: b.container()["securityContext"].pop("allowPrivilegeEscalation"), "more rights"),
    (rights.closed, lambda b: b.container()["securityContext"].pop("readOnlyRootFilesystem"), "write to its image"),
    (
        rights.closed,
        lambda b: b.container()["securityContext"]["capabilities"].update(add=["NET_RAW"]),
        "capabilities",
    ),
    (rights.closed, lambda b: b.container()["securityContext"].pop("capabilities"), "capabilities"),
    (rights.closed, lambda b: b.pod()["securityContext"].pop("seccompProfile"), "any system call"),
    (rights.closed, lambda b: b.pod().pop("automountServiceAccountToken"), "the token of an account"),
    (rights.closed, lambda b: b.pod().update(hostNetwork=True), "has hostNetwork"),
    (rights.closed, lambda b: b.container()["ports"][0].update(hostPort=80), "takes something of its node"),
    (
        rights.closed,
        lambda b: b.pod()["volumes"].append({"name": "x", "hostPath": {"path": "/var/run/docker.sock"}}),
        "takes something of its node",
    ),
    (rights.images, lambda b: b.container().update(image="folkmoot-server"), "may be anything"),
    (rights.images, lambda b: b.container().update(image="host:5000/folkmoot-server:latest"), "may be anything"),
    (rights.images, lambda b: b.container().update(image="host:5000/folkmoot-server"), "may be anything"),
    (
        conduct.targets,
        lambda b: b("PodDisruptionBudget", "api")["spec"].update(maxUnavailable=0),
        "can never leave a node",
    ),
    (conduct.several, lambda b: b("Deployment", "api")["spec"].update(replicas=1), "is only one"),
    (conduct.several, lambda b: b.drop("Deployment", "ws"), "is not there"),
    (conduct.several, lambda b: b("Deployment", "front")["spec"].pop("strategy"), "before another one is there"),
    (conduct.several, lambda b: b.pod("front").pop("topologySpreadConstraints"), "may all be on one node"),
    (rights.network, lambda b: b.drop("NetworkPolicy", "nothing-else"), "closes everything"),
    (rights.network, lambda b: b("NetworkPolicy", "db")["spec"].update(policyTypes=["Egress"]), "do not count"),
    (told.settings, lambda b: b("ConfigMap", "folkmoot")["data"].update(FOLKMOOT_HOSTS="x"), "nobody reads"),
    (told.settings, lambda b: b("ConfigMap", "folkmoot")["data"].update(FOLKMOOT_PORT="x"), "FOLKMOOT_PORT"),
    (told.settings, lambda b: b("ConfigMap", "folkmoot")["data"].pop("POSTGRES_HOST"), "not told where"),
    (
        told.settings,
        lambda b: b("Secret", "databases")["data"].update(POSTGRES_PASSWORD=secret("changeme")),
        "POSTGRES_PASSWORD must be set to a secret of your own",
    ),
    (told.commands, lambda b: b.container().update(args=["serve", "--migrations"]), "No such option"),
    (told.commands, lambda b: b.container().update(args=["server"]), "folkmoot server"),
    (told.nginx, lambda b: b.container("front")["env"][0].update(name="WORKER"), "nginx reads no WORKER"),
    (conduct.drains, lambda b: b.pod().update(terminationGracePeriodSeconds=33), "is killed before the 33 seconds"),
    (conduct.drains, lambda b: b("ConfigMap", "folkmoot")["data"].update(FOLKMOOT_DRAIN_S="30"), "is killed before"),
    (conduct.drains, lambda b: b.container().pop("lifecycle"), "stops while it is still sent requests"),
    (conduct.connections, lambda b: b("Deployment", "api")["spec"].update(replicas=30), "which has 200"),
    (
        conduct.apart,
        lambda b: b.pod("db", "StatefulSet").update(initContainers=[{"image": "folkmoot-server:0.1.0"}]),
        "is restarted by each of our versions",
    ),
    (
        conduct.apart,
        lambda b: b.container("db", "StatefulSet")["env"][2]["valueFrom"]["secretKeyRef"].update(name="folkmoot-abc"),
        "is restarted by each changed setting",
    ),
    (rights.the_door, lambda b: b("Service", "db")["spec"].update(type="NodePort"), "Service db: is reached from"),
    (rights.the_door, lambda b: b("Service", "front")["spec"]["ports"][0].pop("nodePort"), "another nodePort"),
]


@pytest.mark.parametrize(("check", "breaks", "said"), MISTAKES, ids=lambda each: getattr(each, "__name__", ""))
def test_a_mistake_is_found(overlays: dict[str, list[Object]], check: Check, breaks: Breaks, said: str) -> None:
    broken = Broken(overlays["minikube"])
    breaks(broken)
    found = list(check(broken.objects))
    assert found, "nothing was found"
    assert any(said in each for each in found), found


SCALED: list[tuple[Check, Breaks, str]] = [
    (conduct.targets, lambda b: b("Deployment", "api")["spec"].update(replicas=2), "undoes what this does"),
    (conduct.targets, lambda b: b.drop("Deployment", "ws"), "there is no Deployment ws"),
    (
        conduct.targets,
        lambda b: b("HorizontalPodAutoscaler", "api")["spec"].update(minReplicas=9),
        "its least is more than its most",
    ),
    (conduct.several, lambda b: b("HorizontalPodAutoscaler", "ws")["spec"].update(minReplicas=1), "is only one"),
    (references.ports, lambda b: b.drop("Service", "front"), "there is no Service front"),
]


@pytest.mark.parametrize(("check", "breaks", "said"), SCALED, ids=lambda each: getattr(each, "__name__", ""))
def test_a_mistake_of_what_scales_is_found(
    overlays: dict[str, list[Object]], check: Check, breaks: Breaks, said: str
) -> None:
    broken = Broken(overlays["with-ingress"])
    breaks(broken)
    assert any(said in each for each in check(broken.objects))


def test_no_check_is_without_its_mistake() -> None:
    assert {check for check, _, _ in [*MISTAKES, *SCALED]} == set(CHECKS)


def test_the_schema_refuses_what_nobody_knows(overlays: dict[str, list[Object]]) -> None:
    broken = Broken(overlays["minikube"])
    broken.container()["readOnlyRootFilesystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken("Deployment", "api"), CURRENT, strict=True)
