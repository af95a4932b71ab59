"""The overlay of a trial: `plain`, with images, secrets and a folder of its own."""

import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from folkmoot.testing.generous import environment
from tests.kubernetes.cluster import PATIENCE_S, run

MANIFESTS = Path(__file__).parent.parent.parent / "deploy" / "kubernetes"
ADMIN = "admin@example.org"

OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../plain]
images:
  - {{name: folkmoot-server, newTag: "{tag}"}}
  - {{name: folkmoot-front, newTag: "{tag}"}}
configMapGenerator:
  - name: folkmoot
    namespace: folkmoot
    behavior: merge
    # Everybody here comes from one address; and that the machine is slow is not what is tried.
    literals:
{limits}
      - FOLKMOOT_DATABASE_WAIT_S=10
      - LOG_LEVEL={log_level}
patches:
  - target: {{kind: Deployment, name: front}}
    patch: |-
      - op: add
        path: /spec/template/metadata/annotations
        value: {{folkmoot/trial: "{log_level}"}}
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {{name: RATE, value: "10000"}}
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {{name: SOCKET_RATE, value: "10000"}}
  - target: {{kind: PersistentVolume, name: folkmoot-db}}
    patch: |-
      - {{op: replace, path: /spec/hostPath/path, value: {folder}/db}}
  - target: {{kind: PersistentVolume, name: folkmoot-redis}}
    patch: |-
      - {{op: replace, path: /spec/hostPath/path, value: {folder}/redis}}
  - target: {{kind: PersistentVolume, name: folkmoot-backups}}
    patch: |-
      - {{op: replace, path: /spec/hostPath/path, value: {folder}/backups}}
"""

NIGHTLY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: folkmoot
resources: [../now]
components: [../../components/nightly]
images: [{{name: folkmoot-server, newTag: "{tag}"}}]
"""

SWEEPER = """\
apiVersion: v1
kind: Pod
metadata: {{name: folkmoot-sweeper, namespace: default}}
spec:
  restartPolicy: Never
  containers:
    - name: sweeper
      image: folkmoot-server:{tag}
      command: [rm, -rf, {folder}]
      securityContext: {{runAsUser: 0}}
      volumeMounts: [{{name: tmp, mountPath: /tmp}}]
  volumes: [{{name: tmp, hostPath: {{path: /tmp}}}}]
"""


@dataclass(frozen=True)
class Trial:
    overlay: Path
    next_overlay: Path
    nightly_overlay: Path  # the first, and a backup every night
    tag: str
    folder: str  # of the node
    admin_password: str
    cluster_wide = (
        "namespace/folkmoot",
        *(f"persistentvolume/folkmoot-{name}" for name in ("db", "redis", "backups")),
    )


def write_trial(folder: Path, tag: str, next_tag: str) -> Trial:
    shutil.copytree(
        MANIFESTS, folder / "k", ignore=shutil.ignore_patterns("secrets.env", "databases.env", "database-owner.env")
    )
    subprocess.run([sys.executable, folder / "k/make_secrets.py", "plain"], check=True)
    written = dict(line.split("=", 1) for line in (folder / "k/overlays/plain/secrets.env").read_text().splitlines())
    on_node = f"/tmp/folkmoot-try-{secrets.token_hex(4)}"  # noqa: S108 - of the node, and nobody can guess it
    overlays = []
    for name, its_tag, log_level in (("now", tag, "info"), ("next", next_tag, "warning")):
        overlay = folder / "k/overlays" / name
        overlay.mkdir()
        (overlay / "kustomization.yaml").write_text(_overlay(its_tag, log_level, on_node))
        overlays.append(overlay)
    nightly = folder / "k/overlays/nightly"
    nightly.mkdir()
    (nightly / "kustomization.yaml").write_text(NIGHTLY.format(tag=tag))
    return Trial(overlays[0], overlays[1], nightly, tag, on_node, written["API_ADMIN_PASSWORD"])


def _overlay(tag: str, log_level: str, folder: str) -> str:
    limits = "\n".join(f"      - {name}={limit}" for name, limit in environment().items())
    return OVERLAY.format(tag=tag, log_level=log_level, folder=folder, limits=limits)


async def is_there(name: str) -> bool:
    return bool(await run("get", name, "--ignore-not-found", "-o", "name"))


async def sweep(trial: Trial) -> None:
    """Removes the folder from the node, which the cluster keeps."""
    await run("apply", "-f", "-", given=SWEEPER.format(tag=trial.tag, folder=trial.folder))
    try:
        await run(
            "wait", "--namespace=default", "pod/folkmoot-sweeper", "--for=jsonpath={.status.phase}=Succeeded",
            f"--timeout={PATIENCE_S}s",
        )  # fmt: skip
    finally:
        await run("delete", "--namespace=default", "pod/folkmoot-sweeper", "--wait=false")
