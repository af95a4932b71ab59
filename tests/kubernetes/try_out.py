"""`python -m tests.kubernetes.try_out`: the whole product on the cluster that kubectl reaches, and what it bears.

It applies the overlay `plain` (which every cluster of one node can run), signs in through the front, and lets people
talk while everything is rolled out anew and back again, while pods are killed, and while the databases go away. It
ends with 0 only if no message was lost, repeated or shown out of order, nobody was answered a 5xx while versions
changed, and nothing is left in the cluster. The images must be where the node finds them; see docs/start/kubernetes.md.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.fault.load import Load, Size
from tests.fault.requester import Requester
from tests.kubernetes.cluster import (
    NAMESPACE,
    PATIENCE_S,
    Refused,
    inside,
    is_ready,
    name_of,
    pods,
    replaced,
    rolled_out,
    run,
)
from tests.kubernetes.restoring import back_up_and_restore
from tests.kubernetes.seen import Failed, Seen, expect
from tests.kubernetes.timeline import Timeline
from tests.kubernetes.trial import ADMIN, Trial, is_there, sweep, write_trial
from tests.kubernetes.visitors import Front, Onlooker
from tests.people import NO_TLS

SIZE = Size(rooms=2, writers=3, readers=3, rate_per_s=3.0)
CALM_S = 3.0  # before and after what happens under a load
SETTLE_S = 90.0  # in which everybody is back: a client of a front that ended may wait for its next try
ROLLED = ("deploy/api", "deploy/ws", "deploy/worker", "deploy/front")
KEPT = ("statefulset/db", "statefulset/redis")


def say(line: str) -> None:
    print(line, flush=True)


async def step(title: str, work: Awaitable[str]) -> None:
    began = time.monotonic()
    said = await work
    say(f"✓ {title} ({time.monotonic() - began:.0f} s)\n    {said}")


async def install(trial: Trial) -> str:
    await run("apply", "-k", str(trial.overlay))
    await rolled_out(*KEPT, *ROLLED)
    counts = {}
    for component in ("api", "ws", "worker", "front", "db", "redis"):
        found = await pods(component)
        expect(all(map(is_ready, found)), f"{component} is not ready")
        counts[component] = len(found)
    expect(all(counts[each] == 2 for each in ("api", "ws", "front")), f"there should be two of each: {counts}")
    return f"ready: {counts}"


async def sign_in(front: Front, trial: Trial) -> str:
    async with front.visiting() as http:
        page, hello = await http.get("/"), await http.get("/api")
        wrong = await http.post("/api/v1.0/user/auth", json={"email": ADMIN, "password": "not this one"})
        stranger = await http.get("/api/v1.0/rooms")
    expect(page.status_code == 200, f"/ answered {page.status_code}")
    expect(hello.json() == {"hello": "world!"}, f"/api answered {hello.text}")
    expect(wrong.status_code == 401, f"a wrong password was answered {wrong.status_code}")
    expect(stranger.status_code == 401, f"a stranger was answered {stranger.status_code}")
    await front.sign_in_as_admin(ADMIN, trial.admin_password)
    return "the page, the API, 401 for a wrong password and for a stranger, and the admin is in"


async def a_load(front: Front, seed: int) -> Load:
    people = await front.people(SIZE.people)
    rooms = [await front.room(*members) for members in SIZE.members(people)]
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    return Load(SIZE, people, rooms, [front.port], [front.port], chance)


async def under_load(front: Front, seed: int, happens: Callable[[Timeline], Awaitable[None]], *, calmly: bool) -> str:
    """Lets it happen while people talk, and judges what they saw. `calmly`: nobody may notice but by coming back."""
    load = await a_load(front, seed)
    requester = Requester(load.readers[0].person, load.rooms[0], [front.port])
    onlooker = Onlooker(front, load.readers[0].person.token)
    enough, timeline = asyncio.Event(), Timeline()
    async with load:
        talking = [asyncio.create_task(each) for each in (requester.write(enough), onlooker.look(enough))]
        try:
            await asyncio.sleep(CALM_S)
            await happens(timeline)
            await asyncio.sleep(CALM_S)
        finally:
            enough.set()
            await asyncio.gather(*talking)
        await load.settle(SETTLE_S)
        report = await load.report()
        log = {room: dict(await load._whole_log(room)) for room in load.rooms}
    seen = Seen(load, report, log[load.rooms[0]], requester, onlooker)
    seen.expect_nothing_lost()
    if calmly:
        seen.expect_no_refusal(timeline)
    return str(seen)


async def change(trial: Trial, timeline: Timeline) -> None:
    """The next version with another setting, and back again."""
    before = {component: await names_of(component) for component in ("api", "ws", "front")}
    databases = [pod["metadata"]["uid"] for component in ("db", "redis") for pod in await pods(component)]
    timeline.mark("the next version is applied")
    await run("apply", "-k", str(trial.next_overlay))
    await rolled_out(*ROLLED)
    timeline.mark("it is rolled out")
    for component, names in before.items():
        now = await names_of(component)
        expect(not now & names, f"{component} was not rolled out: {now & names} are there still")
    still = [pod["metadata"]["uid"] for component in ("db", "redis") for pod in await pods(component)]
    expect(still == databases, "a new version restarted the databases")
    for workload in ROLLED:
        await inside("rollout", "undo", workload)
    timeline.mark("the one before is asked for")
    await rolled_out(*ROLLED)
    timeline.mark("it is rolled out")


async def names_of(component: str) -> set[str]:
    return {name_of(pod) for pod in await pods(component)}


async def kill(component: str) -> None:
    """Ends a pod without a word, as a node that loses power does, and waits for the other."""
    victim = (await pods(component))[0]
    await inside("delete", "pod", name_of(victim), "--grace-period=0", "--force", "--wait=false")
    await replaced(component, victim["metadata"]["uid"])


async def kill_servers(timeline: Timeline) -> None:
    for component in ("ws", "api", "front"):
        timeline.mark(f"{component} is killed")
        await kill(component)


async def restart(component: str, timeline: Timeline) -> None:
    """Asks the one pod of a database to go, and waits for the next."""
    before = (await pods(component))[0]
    timeline.mark(f"{component} is asked to go")
    await inside("delete", "pod", name_of(before), "--wait=false")
    await replaced(component, before["metadata"]["uid"])


async def remove(trial: Trial) -> str:
    await run("delete", "-k", str(trial.overlay), f"--timeout={PATIENCE_S}s")
    left = [name for name in trial.cluster_wide if await is_there(name)]
    expect(not left, f"left behind: {left}")
    return f"no {', no '.join(trial.cluster_wide)}"


async def try_out(trial: Trial, port: int) -> None:
    async with AsyncExitStack() as closing:
        http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", verify=NO_TLS, trust_env=False, timeout=30.0)
        front = Front(port, await closing.enter_async_context(http))
        await step("applied, and two of each are ready", install(trial))
        await step("signed in through the front", sign_in(front, trial))
        await step("rolled out anew and back, under load", under_load(front, 1, partial(change, trial), calmly=True))
        await step("a socket, an API and a front killed", under_load(front, 2, kill_servers, calmly=False))
        await step("PostgreSQL restarted", under_load(front, 3, partial(restart, "db"), calmly=False))
        await step("Redis restarted", under_load(front, 4, partial(restart, "redis"), calmly=False))
        await step("backed up and restored", back_up_and_restore(front, trial))
        await step("removed", remove(trial))


async def look_at_failure() -> None:
    for arguments in (("get", "pods", "-o", "wide"), ("get", "events", "--sort-by=.lastTimestamp")):
        try:
            say((await inside(*arguments))[-6000:])
        except Refused as error:
            say(str(error))


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tag", default="0.1.0", help="of the images folkmoot-server and folkmoot-front")
    parser.add_argument("--next-tag", help="of the version that is rolled out next; the same unless it is given")
    parser.add_argument("--port", type=int, default=30080, help="where this machine reaches the front's nodePort")
    given = parser.parse_args()
    if await is_there(f"namespace/{NAMESPACE}"):
        say(f"✗ There is a namespace {NAMESPACE} in this cluster already. This is not for one that is in use.")
        return 1
    with TemporaryDirectory(prefix="folkmoot-try") as folder:
        trial = write_trial(Path(folder), given.tag, given.next_tag or given.tag)
        try:
            await try_out(trial, given.port)
        except (Failed, Refused, AssertionError, TimeoutError, httpx.TransportError) as error:
            say(f"✗ {error!r}" if not str(error) else f"✗ {error}")
            await look_at_failure()
            return 1
        finally:
            if await is_there(f"namespace/{NAMESPACE}"):
                await run("delete", "-k", str(trial.overlay), "--ignore-not-found")
            await sweep(trial)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
