"""A backup as it is made every night, and what a restored one gives back."""

import asyncio
import json
import re
from uuid import uuid4

import httpx
import yaml

from tests.kubernetes.cluster import NAMESPACE, PATIENCE_S, inside, rolled_out, run
from tests.kubernetes.trial import ADMIN, Trial
from tests.kubernetes.visitors import Front

WRITERS = {"api": 2, "ws": 2, "worker": 2}


async def back_up_and_restore(front: Front, trial: Trial) -> str:
    """Returns what was seen. Raises AssertionError."""
    await inside("scale", "deploy/backups", "--replicas=1")
    await rolled_out("deploy/backups")
    room = await front.room()
    await say(front, room, "before the backup")
    file = await nightly_backup(trial)
    await say(front, room, "after the backup")
    old_session = front.admin.headers["Authorization"]

    for name in WRITERS:
        await inside("scale", f"deploy/{name}", "--replicas=0")
    await nobody_left(*WRITERS)
    said = await inside("exec", "deploy/backups", "--", "folkmoot", "restore", f"/backups/{file}", "--yes")
    for name, replicas in WRITERS.items():
        await inside("scale", f"deploy/{name}", f"--replicas={replicas}")
    await rolled_out(*(f"deploy/{name}" for name in WRITERS))

    await answered(front)
    signed_out = await front.admin.get("/api/v1.0/rooms", headers={"Authorization": old_session})
    assert signed_out.status_code == 401, "whoever was signed in still is"
    await front.sign_in_as_admin(ADMIN, trial.admin_password)
    events = (await front.admin.get(f"/api/v1.0/rooms/{room}/events")).json()["events"]
    bodies = [event["body"] for event in events if event["kind"] == "message"]
    assert bodies == ["before the backup"], bodies
    await say(front, room, "after all")
    return f"{file}: {said.strip()} What was said after the backup is gone, and what was said before is there"


async def say(front: Front, room: int, body: str) -> None:
    message = {"body": body, "client_id": str(uuid4())}
    answer = await front.admin.post(f"/api/v1.0/rooms/{room}/messages", json=message)
    assert answer.status_code == 201, answer.text


async def nightly_backup(trial: Trial) -> str:
    """The Job that the CronJob of the component `nightly` would make, at once. Returns the name of the file."""
    made = yaml.safe_load_all(await run("kustomize", str(trial.nightly_overlay)))
    nightly = next(each for each in made if each["kind"] == "CronJob")
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "backup-now", "namespace": NAMESPACE},
        "spec": nightly["spec"]["jobTemplate"]["spec"],
    }
    await run("apply", "-f", "-", given=json.dumps(job))
    await inside("wait", "job/backup-now", "--for=condition=complete", f"--timeout={PATIENCE_S}s")
    files = re.findall(r"folkmoot-\S+\.backup\b", await inside("exec", "deploy/backups", "--", "ls", "/backups"))
    assert len(files) == 1, files
    return str(files[0])


async def nobody_left(*components: str) -> None:
    """Waits until also those are gone that were asked to."""
    label = f"app.kubernetes.io/component in ({', '.join(components)})"
    await inside("wait", "--for=delete", "pod", "-l", label, f"--timeout={PATIENCE_S}s")


async def answered(front: Front) -> None:
    """Waits until requests get through: proxies hear of new pods a moment later."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if (await front.admin.get("/api")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.5)
