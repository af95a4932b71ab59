"""Checks of what pods may do, what runs in them, and who reaches them."""

from collections.abc import Iterator

from tests.kubernetes.manifests import Object, Objects, Pods, all_pods, every, of_kind, title

MAY_BE_ROOT = {"own-folder"}  # gives a folder of the node to its owner, and ends: see overlays/plain


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


def the_door(objects: Objects) -> Iterator[str]:
    """The front alone is reached from outside, always at the same port of a node."""
    for each in of_kind(objects, "Service"):
        outside = each["spec"].get("type", "ClusterIP") != "ClusterIP"
        if outside and each["metadata"]["name"] != "front":
            yield f"{title(each)}: is reached from outside"
        if outside and not all("nodePort" in port for port in each["spec"]["ports"]):
            yield f"{title(each)}: has another nodePort each time"


CHECKS = (closed, images, network, the_door)
