"""A cluster as an operator uses it: by kubectl, with whatever its configuration names."""

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

NAMESPACE = "folkmoot"
PATIENCE_S = 600  # for a roll-out: images may have to be fetched, a pod takes 40 seconds to go, and machines are slow


class Refused(Exception):
    """What kubectl said when it failed."""


def kubectl() -> str:
    """The operator's own, or the one that set-up has fetched for the checks."""
    return shutil.which("kubectl") or str(Path(sys.executable).parent / "kubectl")


async def run(*arguments: str, given: str = "") -> str:
    """What kubectl prints. Raises Refused."""
    process = await asyncio.create_subprocess_exec(
        kubectl(), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await process.communicate(given.encode())
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise Refused(f"kubectl {' '.join(arguments)}: {err.decode().strip()}")
    return out.decode()


async def inside(*arguments: str, given: str = "") -> str:
    return await run("--namespace", NAMESPACE, *arguments, given=given)


async def pods(component: str) -> list[dict[str, Any]]:
    """The pods of a component that nobody has asked to go."""
    found = json.loads(await inside("get", "pods", "-o", "json", "-l", f"app.kubernetes.io/component={component}"))
    return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]


def name_of(pod: dict[str, Any]) -> str:
    return str(pod["metadata"]["name"])


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


async def rolled_out(*workloads: str) -> None:
    """Waits until each is what was asked for."""
    for workload in workloads:
        await inside("rollout", "status", workload, f"--timeout={PATIENCE_S}s")


async def replaced(component: str, gone: str) -> dict[str, Any]:
    """Waits until another pod is ready in the place of this one, and as many are as there were. Returns the other."""
    uid = gone
    async with asyncio.timeout(PATIENCE_S):
        while True:
            now = await pods(component)
            others = [pod for pod in now if pod["metadata"]["uid"] != uid]
            if others and len(others) == len(now) and all(map(is_ready, now)):
                return max(others, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
            await asyncio.sleep(0.5)
