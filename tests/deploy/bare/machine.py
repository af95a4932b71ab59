"""A bare machine: a Debian or Ubuntu with systemd, python3 and sshd, as it comes from a provider.

systemd-nspawn boots it from a folder, with a network namespace of its own. It has the kernel of this machine, and
nothing else of it. Each boot has a new namespace: rules and bridges are gone when a machine is off.
"""

import os
import shutil
import subprocess
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

PACKAGES = "systemd-sysv,dbus,openssh-server,python3,python3-apt,iproute2,ca-certificates"
KEYRINGS = Path("/usr/share/keyrings")
RESOLVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))  # the first does not name this machine

NAMESPACE = OUR_END = "folkmoot-bare"
OUR_ADDRESS, ADDRESS = "10.77.8.1", "10.77.8.2"
LETS_IT_OUT = (
    ("FORWARD", "-i", OUR_END, "-j", "ACCEPT"),
    ("FORWARD", "-o", OUR_END, "-j", "ACCEPT"),
    ("POSTROUTING", "-t", "nat", "-s", f"{ADDRESS}/32", "!", "-o", OUR_END, "-j", "MASQUERADE"),
)
# Docker inside needs the settings of the network to be writable, control groups of version 2, and all system calls.
SURROUNDINGS = {
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes",
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    "SYSTEMD_SECCOMP": "0",
}

BOOT_S = 120
OFF_S = 120


@dataclass(frozen=True)
class Distribution:
    name: str
    suite: str
    archive: str
    components: str
    script: str  # debootstrap's, which may be older than the suite
    keyring: str
    may_go_unchecked: bool = False  # where the keyring is in no package of Debian

    def tree(self, folder: Path) -> Path:
        """A bare one of it, which is made unless it is in the folder already, and never booted itself."""
        tree, making = folder / self.suite, folder / f"{self.suite}.making"
        if not tree.exists():
            discard(making)
            wanted = (f"--include={PACKAGES}", f"--components={self.components}", *self._checked)
            script = f"/usr/share/debootstrap/scripts/{self.script}"
            run("debootstrap", "--variant=minbase", *wanted, self.suite, str(making), self.archive, script)
            _bring_ways_to_packages(making)
            # Its one interface is set up from outside.
            run("systemctl", f"--root={making}", "mask", "systemd-networkd.service", "systemd-networkd.socket")
            making.rename(tree)
        return tree

    @property
    def is_checked(self) -> bool:
        return (KEYRINGS / self.keyring).exists()

    @property
    def _checked(self) -> list[str]:
        if self.may_go_unchecked and not self.is_checked:
            return ["--no-check-gpg"]
        return ["--force-check-gpg", f"--keyring={KEYRINGS / self.keyring}"]


DEBIAN = Distribution(
    "Debian 13", "trixie", "http://deb.debian.org/debian", "main", "sid", "debian-archive-keyring.gpg"
)
UBUNTU = Distribution(
    "Ubuntu 24.04", "noble", "http://archive.ubuntu.com/ubuntu", "main,universe", "gutsy",
    "ubuntu-archive-keyring.gpg", may_go_unchecked=True,
)  # fmt: skip


class Machine:
    """One machine. It takes the only address there is, so that one is on at a time."""

    def __init__(self, bare: Path, folder: Path) -> None:
        self._folder = folder
        self._tree = folder / "tree"
        self.key = folder / "key"
        self._undo = ExitStack()
        folder.mkdir()
        run("cp", "-a", "--reflink=auto", str(bare), str(self._tree))
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        ours = self._tree / "root" / ".ssh"
        ours.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self.key.with_suffix(".pub"), ours / "authorized_keys")

    @property
    def options(self) -> list[str]:
        """What ssh is told: a machine that was just made is known to nobody."""
        unknown = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=20")
        return ["-i", str(self.key), *(word for option in unknown for word in ("-o", option))]

    def boot(self) -> None:
        """Switches it on, and returns when somebody can come in."""
        self._connect()
        command = ["systemd-nspawn", "-D", str(self._tree), "--boot", "--machine=bare", "--console=pipe",
                   f"--network-namespace-path=/run/netns/{NAMESPACE}",
                   "--register=no", "--keep-unit", "--capability=all"]  # fmt: skip
        with (self._folder / "console.log").open("a") as console:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=os.environ | SURROUNDINGS
            )
        self._undo.callback(_switch_off, process)
        until = time.monotonic() + BOOT_S
        while self.ask("true").returncode:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"It does not boot: {(self._folder / 'console.log').read_text()[-2000:]}")
            time.sleep(0.5)

    def power_off(self) -> None:
        """As its button does. It is off when this returns, and nothing of its network is left."""
        self._undo.close()

    def ask(self, command: str) -> "subprocess.CompletedProcess[str]":
        whole = ["ssh", *self.options, f"root@{ADDRESS}", command]
        return subprocess.run(whole, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def fetch(self, file: str, to: Path) -> None:
        run("scp", "-q", *self.options, f"root@{ADDRESS}:{file}", str(to))

    def bring(self, file: Path, to: str) -> None:
        run("scp", "-q", *self.options, str(file), f"root@{ADDRESS}:{to}")

    def _connect(self) -> None:
        undo = self._undo.callback
        run("ip", "netns", "add", NAMESPACE)
        undo(run, "ip", "netns", "delete", NAMESPACE)
        run("ip", "link", "add", OUR_END, "type", "veth", "peer", "name", "host0", "netns", NAMESPACE)
        undo(run, "ip", "link", "delete", OUR_END)
        run("ip", "address", "add", f"{OUR_ADDRESS}/24", "dev", OUR_END)
        run("ip", "link", "set", OUR_END, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{ADDRESS}/24", "dev", "host0"),
            ("link", "set", "host0", "up"),
            ("route", "add", "default", "via", OUR_ADDRESS),
        ):
            run("ip", "-n", NAMESPACE, *words)
        for rule in LETS_IT_OUT:
            run("iptables", "-w", "-I", *rule)
            undo(run, "iptables", "-w", "-D", *rule)


def run(*command: str) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def discard(tree: Path) -> None:
    """Removes a folder with a machine in it, and never what somebody has mounted there."""
    run("rm", "-rf", "--one-file-system", str(tree))


def _bring_ways_to_packages(tree: Path) -> None:
    """What this machine needs to get packages the other needs too: names, settings of apt, authorities."""
    shutil.copy(next(file for file in RESOLVERS if file.exists()), tree / "etc" / "resolv.conf")
    for file in Path("/etc/apt/apt.conf.d").glob("*"):
        if "Acquire::" in file.read_text():
            shutil.copy(file, tree / "etc" / "apt" / "apt.conf.d")
    authorities = list(Path("/usr/local/share/ca-certificates").glob("*.crt"))
    for file in authorities:
        shutil.copy(file, tree / "usr" / "local" / "share" / "ca-certificates")
    if authorities:
        run("chroot", str(tree), "update-ca-certificates")


def _switch_off(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()  # which systemd-nspawn hands on as the button
    with suppress(subprocess.TimeoutExpired):
        process.wait(OFF_S)
        return
    process.kill()
    process.wait()
