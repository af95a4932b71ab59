"""A bare machine that is really deployed to, by ssh: from nothing to HTTPS, switched off and on, and moved.

    python -m tests.deploy.bare [--ubuntu] [FOLDER]

It needs root, debootstrap, systemd-nspawn, iptables and a Docker engine, and some minutes; it prints what it saw, and
ends with 1 at the first thing that is not as it should be. FOLDER keeps the bare Debian or Ubuntu for the next time.
"""

import asyncio
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx

from tests.certificates import certify
from tests.deploy.bare.machine import ADDRESS, DEBIAN, UBUNTU, Distribution, Machine, discard, run
from tests.deploy.bare.outside import By, open_ports, socket_to
from tests.deploy.proof import ADMIN, Proof, recap, secrets_of

NAME = "chat.example.org"
RELEASE = "bare"
OURS = {target: f"folkmoot-{target}:{RELEASE}" for target in ("server", "front")}
OTHERS = ("postgres:18", "redis:8")
TOOLS = ("debootstrap", "systemd-nspawn", "iptables", "ssh", "docker")

# Without compression, for the machine is next door; and none is left over when another machine has its address.
CONNECTIONS = "-o ControlMaster=auto -o ControlPersist=5s"
HOME = "/srv/folkmoot"
UNITS = ("docker", "folkmoot-firewall", "folkmoot-backup.timer")
OPEN = {22, 80, 443}
SCANNED = range(1, 10_001)
BACK_S = 180
STRAYS = {9000: "a program", 5432: "a container"}


class Bare(Proof):
    def __init__(self, folder: Path, tree: Path) -> None:
        super().__init__(folder, f"https://{NAME}")
        self.bare = tree
        self.archive = folder / "images.tar"
        self.machines: list[Machine] = []

    @property
    def machine(self) -> Machine:
        return self.machines[-1]

    # -- what a deploy is made of

    def prepare(self) -> None:
        self.check_out()
        pair = certify(self.folder, NAME, its="fullchain.pem", key="privkey.pem")
        self.trusts = ssl.create_default_context(cafile=str(pair.its))
        began = time.monotonic()
        dockerfile = self.tree / "deploy" / "docker" / "Dockerfile"
        for target, image in OURS.items():
            run("docker", "build", "-q", "-f", str(dockerfile), "--target", target, "--build-arg", f"VERSION={RELEASE}",
                "-t", image, str(self.tree))  # fmt: skip
        for image in OTHERS:
            run("sh", "-c", f"docker image inspect {image} || docker pull -q {image}")
        run("docker", "save", "-o", str(self.archive), *OURS.values(), *OTHERS)
        size = self.archive.stat().st_size / 1e6
        self.tell(f"an archive of {size:.0f} MB with its images, in {time.monotonic() - began:.0f} s")

    def new_machine(self) -> None:
        self.machines.append(Machine(self.bare, self.folder / f"machine-{len(self.machines) + 1}"))
        given = {
            "ansible_user": "root", "ansible_ssh_private_key_file": str(self.machine.key),
            "ansible_ssh_common_args": " ".join(self.machine.options), "ansible_ssh_args": CONNECTIONS,
            "folkmoot_url": self.url, "folkmoot_admin_email": ADMIN, "folkmoot_version": RELEASE,
            "folkmoot_images": "archive", "folkmoot_archive": str(self.archive), "folkmoot_tls": "own",
            "folkmoot_certificate": str(self.folder / "fullchain.pem"),
            "folkmoot_certificate_key": str(self.folder / "privkey.pem"),
        }  # fmt: skip
        (self.folder / "server.yml").write_text(json.dumps({"servers": {"hosts": {ADDRESS: given}}}))
        self.boot()
        bare = self.machine.ask("command -v docker nft make git")
        self.expect(not bare.stdout, "it has neither an engine nor a firewall")

    def boot(self) -> None:
        began = time.monotonic()
        self.machine.boot()
        system = self.does(". /etc/os-release; echo $PRETTY_NAME")
        self.tell(f"a machine with {system} is up, after {time.monotonic() - began:.0f} s")

    def does(self, command: str) -> str:
        """What a command that must succeed on the machine printed."""
        done = self.machine.ask(command)
        if done.returncode:
            self.expect(False, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def units_are_active(self) -> None:
        states = self.machine.ask(f"systemctl is-active {' '.join(UNITS)}").stdout.split()
        self.expect(states == ["active"] * len(UNITS), f"{', '.join(UNITS)} are active")

    # -- what is seen from outside

    def way_there(self) -> httpx.AsyncBaseTransport:
        return By(ADDRESS, self.trusts)

    async def only_what_should_be_is_open(self) -> None:
        for port, whose in STRAYS.items():
            inside = f"import socket; socket.create_connection(('{ADDRESS}', {port}), 5)"
            self.does(f'for n in $(seq 30); do python3 -c "{inside}" 2>/dev/null && exit; sleep 1; done; exit 1')
            self.tell(f"{whose} listens on port {port}: somebody on the machine comes in")
        found = await open_ports(ADDRESS, SCANNED)
        self.expect(found == OPEN, f"from outside, of ports 1 to {SCANNED[-1]} these are open: {sorted(found)}")

    async def kept(self) -> list[str]:
        """What was said in the room."""
        async with self.http(self.token) as http:
            events = (await http.get(f"/api/v1.0/rooms/{self.room_id}/events?after=0")).json()["events"]
        return [event["body"] for event in events if event["kind"] == "message"]

    async def say_and_hear(self, body: str) -> None:
        channel = f"room:{self.room_id}"
        wire = await socket_to(NAME, ADDRESS, self.trusts)
        await wire.connect(self.token, subs={channel: {}})
        async with self.http(self.token) as http:
            said = {"body": body, "client_id": str(uuid4())}
            answer = await http.post(f"/api/v1.0/rooms/{self.room_id}/messages", json=said)
        assert answer.status_code in {200, 201}, answer.text
        heard = (await wire.expect_push(channel=channel))["pub"]["data"]["body"]
        await wire.leave()
        self.expect(heard == body, f"“{body}” was said by HTTPS and heard on a socket, under the name {NAME}")

    # -- what is proven, in this order

    async def everything(self) -> None:
        self.prepare()
        self.new_machine()
        await self.install()
        await self.talk()
        backup = self.nightly_backup()
        await self.off_and_on()
        await self.move(backup)

    async def install(self) -> None:
        await self.deploy()
        again = await self.deploy()
        self.expect("changed=0" in recap(again), "again: nothing changes")
        self.units_are_active()

    async def talk(self) -> None:
        self.env = self.folder / "kept.env"
        self.machine.fetch(f"{HOME}/.env", self.env)
        self.password = secrets_of(self.env.read_text())["API_ADMIN_PASSWORD"]
        self.token = await self.sign_in(self.password)
        self.room_id = await self.room(self.token)
        await self.say_and_hear("before")
        self.does("systemd-run --quiet --unit stray python3 -m http.server 9000")
        self.does("docker run --detach --restart always --publish 5432:6379 redis:8")
        await self.only_what_should_be_is_open()

    def nightly_backup(self) -> str:
        self.does("systemctl start folkmoot-backup.service")
        made = self.does(f"cd {HOME}/backups && ls nightly-*")
        self.expect(made.endswith(".backup"), f"the nightly unit wrote {made}")
        return made

    async def off_and_on(self) -> None:
        await self.say_and_hear("after the backup")
        self.machine.power_off()
        self.tell("it was switched off")
        self.boot()
        began = time.monotonic()
        async with self.http() as http:
            while time.monotonic() - began < BACK_S:
                with suppress(httpx.HTTPError):
                    if (await http.get("/readyz")).status_code == 200:
                        break
                await asyncio.sleep(0.5)
        self.expect(time.monotonic() - began < BACK_S, f"it answers again {time.monotonic() - began:.0f} s later")
        self.expect(await self.kept() == ["before", "after the backup"], "with all that was said")
        await self.say_and_hear("after it was off")
        self.units_are_active()
        self.does("systemd-run --quiet --unit stray python3 -m http.server 9000")
        await self.only_what_should_be_is_open()

    async def move(self, backup: str) -> None:
        self.machine.fetch(f"{HOME}/backups/{backup}", self.folder / backup)
        self.machine.power_off()
        self.tell(f"the first machine is gone; .env and {backup} were kept")
        self.new_machine()
        self.does(f"mkdir -p {HOME}")
        self.machine.bring(self.env, f"{HOME}/.env")
        await self.deploy()
        self.machine.bring(self.folder / backup, f"{HOME}/backups/")
        began = time.monotonic()
        status, text = await self.play("restore", "-e", f"folkmoot_backup={backup}")
        print(text[-3000:]) if status else None
        self.expect(status == 0, f"restored in {time.monotonic() - began:.0f} s")
        self.token = await self.sign_in(self.password)
        self.expect(await self.kept() == ["before"], "what was said before the backup is there, by the old password")
        await self.say_and_hear("on the new machine")

    def clean(self) -> None:
        for machine in self.machines:
            machine.power_off()
        for image in OURS.values():
            subprocess.run(["docker", "image", "rm", image], capture_output=True, check=False)
        discard(self.folder)


def prove(distribution: Distribution, folder: Path) -> None:
    began = time.monotonic()
    if not distribution.is_checked:
        print(f"{distribution.keyring} is not here: the packages of the bare {distribution.name} are not checked.")
    tree = distribution.tree(folder)
    print(f"A bare {distribution.name} in {tree}, after {time.monotonic() - began:.0f} s.", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # told to end, it cleans up too
    proof = Bare(Path(tempfile.mkdtemp(prefix="run-", dir=folder)), tree)
    try:
        asyncio.run(proof.everything())
    finally:
        proof.clean()


def main(words: Sequence[str]) -> int:
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if os.getuid() or missing:
        print("Skipped: this needs root. Missing:", ", ".join(missing) or "nothing else")
        return 0
    distribution = UBUNTU if "--ubuntu" in words else DEBIAN
    folders = [Path(word).absolute() for word in words if word != "--ubuntu"]
    if folders:
        folders[0].mkdir(parents=True, exist_ok=True)
        prove(distribution, folders[0])
    else:
        with tempfile.TemporaryDirectory(prefix="folkmoot-") as folder:
            prove(distribution, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
