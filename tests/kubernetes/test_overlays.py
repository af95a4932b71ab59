"""What is in deploy/kubernetes can be applied, and is what we say it is. No cluster is needed for that."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import kubernetes_validate
import pytest

from folkmoot import __version__
from tests.kubernetes import conduct, references, rights, told
from tests.kubernetes.manifests import KUBECTL, MANIFESTS, SECRETS, Object, Objects, all_pods, of_kind, title
from tests.kubernetes.told import environment, settings_of

OVERLAYS = ("minikube", "plain", "production", "with-ingress")
CURRENT, OLDEST = "1.37", "1.25"
CHECKS = (*references.CHECKS, *rights.CHECKS, *told.CHECKS, *conduct.CHECKS)


def test_each_overlay_is_looked_at(overlays: dict[str, list[Object]]) -> None:
    assert sorted(overlays) == sorted(OVERLAYS)


def test_a_current_kubernetes_takes_all_of_it(overlays: dict[str, list[Object]]) -> None:
    different = {json.dumps(each): each for objects in overlays.values() for each in objects}
    for each in different.values():
        assert kubernetes_validate.validate(each, CURRENT, strict=True) == CURRENT, title(each)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_fits_together(
    overlays: dict[str, list[Object]], overlay: str, check: Callable[[Objects], Iterator[str]]
) -> None:
    assert list(check(overlays[overlay])) == []


def test_an_old_cluster_takes_plain(overlays: dict[str, list[Object]]) -> None:
    """The oldest whose schema there is. That 1.20 takes it too was tried on one."""
    for each in overlays["plain"]:
        assert kubernetes_validate.validate(each, OLDEST, strict=True) == OLDEST, title(each)


def test_the_images_are_those_of_this_version(overlays: dict[str, list[Object]]) -> None:
    ours = {
        container["image"]
        for pod in all_pods(overlays["production"])
        for container in pod.all_containers
        if "folkmoot" in container["image"]
    }
    assert ours == {f"folkmoot-server:{__version__}", f"folkmoot-front:{__version__}"}


def test_what_a_cluster_may_lack_is_not_in_plain(overlays: dict[str, list[Object]]) -> None:
    assert not of_kind(overlays["plain"], "HorizontalPodAutoscaler", "PodDisruptionBudget", "CronJob", "Ingress")
    for overlay in ("production", "with-ingress"):
        found = {each["kind"] for each in overlays[overlay]}
        assert {"HorizontalPodAutoscaler", "PodDisruptionBudget", "CronJob", "NetworkPolicy"} <= found
        assert "StatefulSet" not in found, "the databases are given"


def test_without_secrets_nothing_is_applied(tmp_path: Path) -> None:
    shutil.copytree(MANIFESTS, tmp_path / "k", ignore=shutil.ignore_patterns(*SECRETS))
    overlay = tmp_path / "k" / "overlays" / "production"
    said = subprocess.run([KUBECTL, "kustomize", overlay], capture_output=True, text=True, check=False)
    assert said.returncode != 0
    assert "secrets.env" in said.stderr
    assert said.stdout == ""


def test_secrets_are_fresh_theirs_alone_and_never_replaced(manifests: Path) -> None:
    make, overlay = manifests / "make_secrets.py", manifests / "overlays" / "fresh"
    overlay.mkdir()
    try:
        subprocess.run([sys.executable, make, "fresh"], check=True)
        files = [overlay / name for name in SECRETS]
        assert [file.stat().st_mode & 0o777 for file in files] == [0o600] * 3
        before = [file.read_text() for file in files]
        again = subprocess.run([sys.executable, make, "fresh"], capture_output=True, text=True, check=False)
        assert (again.returncode, again.stdout) == (1, "")
        assert "is there already" in again.stderr
        assert [file.read_text() for file in files] == before
        lines = [line.partition("=") for text in before for line in text.splitlines()]
        assert all(len(value) >= 20 for name, _, value in lines if name != "POSTGRES_OWNER")
        for wrong in ([], ["nowhere"]):
            said = subprocess.run([sys.executable, make, *wrong], capture_output=True, text=True, check=False)
            assert said.returncode == 1
            assert "Traceback" not in said.stderr
    finally:
        for file in overlay.iterdir():
            file.unlink()
        overlay.rmdir()


def test_what_an_older_version_wrote_is_taken_over(manifests: Path) -> None:
    """Its password is the owner's, because the database has it."""
    overlay = manifests / "overlays" / "older"
    overlay.mkdir()
    try:
        (overlay / "secrets.env").write_text(SECRETS["secrets.env"])
        (overlay / "databases.env").write_text(
            "POSTGRES_PASSWORD=of the owner\nREDIS_PASSWORD=kept\nREDIS_URL=redis://:kept@redis:6379/0\n"
        )
        for _ in range(2):  # the second time there is nothing left to do, and nothing is done
            subprocess.run([sys.executable, manifests / "make_secrets.py", "older"], check=False)
        owner, databases = (read(overlay / name) for name in ("database-owner.env", "databases.env"))
        assert owner == {"POSTGRES_OWNER": "folkmoot", "POSTGRES_OWNER_PASSWORD": "of the owner"}
        assert len(databases["POSTGRES_PASSWORD"]) >= 20
        assert (databases["REDIS_PASSWORD"], databases["REDIS_URL"]) == ("kept", "redis://folkmoot:kept@redis:6379/0")
        assert {file.name for file in overlay.iterdir()} == set(SECRETS)
    finally:
        shutil.rmtree(overlay)


def read(file: Path) -> dict[str, str]:
    assert file.stat().st_mode & 0o777 == 0o600
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


@pytest.mark.parametrize("name", ["minikube", "plain", "production"])
def test_the_owner_of_the_database_is_known_to_who_migrates_and_restores(
    overlays: dict[str, list[Object]], name: str
) -> None:
    knows = set()
    for pod in all_pods(overlays[name]):
        for container in pod.all_containers:
            told = environment(container, overlays[name])
            if any("b2c3d4e5" in value for value in told.values()):
                knows.add((pod.title, container["name"]))
                assert settings_of(tuple(sorted(told.items()))).owner_dsn
    migrating = {(f"Deployment {each}", "migrate") for each in ("api", "ws", "worker")}
    assert knows == migrating | {("Deployment backups", "server")}
