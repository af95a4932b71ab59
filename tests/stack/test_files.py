"""What compose files and Dockerfiles promise: nobody is root, nothing is writable or floats, one way leads in."""

import re
from pathlib import Path
from typing import Any

import pytest

from folkmoot.settings import Settings
from tests.stack.files import DOCKERFILES, ROOT, compose, services, variables

SERVICES = {f"{file}:{name}": service for file, name, service in services()}
ADDS_TO_ANOTHER = {
    f"compose.override.yaml:{name}" for name in ("api", "ws", "migrate", "db", "redis", "adminer", "nginx")
}
WHOLE = {name: service for name, service in SERVICES.items() if name not in ADDS_TO_ANOTHER}
NAMES = {"test_redis", "test_db", "test_adminer", "test_nginx", "test_api", "test_ws", "test_migrate", "test_app"}


@pytest.mark.parametrize("service", WHOLE.values(), ids=WHOLE)
def test_a_service_is_contained(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"privileged", "pid", "ipc", "devices", "links"}
    assert "docker.sock" not in str(service.get("volumes"))


def test_one_service_is_root_and_it_may_only_give_folders_away() -> None:
    roots = {name for name, one in WHOLE.items() if str(one.get("user", "")).startswith(("0", "root"))}
    assert roots == {"compose.yaml:folders"}
    folders = WHOLE["compose.yaml:folders"]
    assert (folders["cap_add"], folders["network_mode"]) == (["CHOWN"], "none")
    assert [name for name, one in WHOLE.items() if "cap_add" in one] == ["compose.yaml:folders"]


@pytest.mark.parametrize("service", [one for name, one in WHOLE.items() if "folders" not in name])
def test_a_service_has_limits_and_is_started_again(service: dict[str, Any]) -> None:
    limits = service["deploy"]["resources"]["limits"]
    assert limits.keys() == {"memory", "pids"}
    assert service["restart"] == ("no" if service.get("command") == ["migrate"] else "unless-stopped")
    if "logging" in service:
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_an_image_is_pinned_and_not_root(file: Path) -> None:
    text = file.read_text()
    stages = set(re.findall(r" AS (\w+)", text))
    for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        name = re.sub(r"\$\{(\w+)\}", lambda found: re.findall(rf"^ARG {found[1]}=(\S+)", text, re.MULTILINE)[0], base)
        assert name in stages or re.fullmatch(r"[a-z]+:\d[\w.-]*", name), name
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] not in ("root", "0")


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_no_image_floats(service: dict[str, Any]) -> None:
    image = service.get("image", "")
    if "build" not in service:
        assert re.fullmatch(r"[a-z]+:\d+", image), image
    assert "latest" not in image


def test_only_nginx_is_published_and_databases_have_no_way_out() -> None:
    published = {name: one["ports"] for name, one in compose("compose.yaml")["services"].items() if "ports" in one}
    assert published == {"nginx": ["${HTTP_PORT:-80}:8080"]}
    for file in ("compose.override.yaml", "compose.examples.yaml"):
        for service in compose(file)["services"].values():
            for port in service.get("ports", []):
                assert port.startswith("127.0.0.1:"), port
    base = compose("compose.yaml")
    assert base["networks"]["internal"] == {"internal": True}
    assert [base["services"][name]["networks"] for name in ("db", "redis")] == [["internal"], ["internal"]]
    assert list(base["services"]["nginx"]["networks"]) == ["web"]


def test_development_has_the_names_that_people_type() -> None:
    there = {one.get("container_name") for one in compose("compose.override.yaml")["services"].values()}
    assert there == NAMES
    for name in ("compose.yaml", "compose.production.yaml"):
        assert not any("container_name" in one for one in compose(name)["services"].values()), "or it cannot be scaled"


def test_production_has_no_secret_that_somebody_could_know() -> None:
    said = compose("compose.production.yaml")["services"]
    for name in ("api", "ws", "migrate"):
        environment = said[name]["environment"]
        for secret in ("POSTGRES_PASSWORD", "REDIS_URL", "API_ADMIN_PASSWORD", "FOLKMOOT_URL"):
            assert ":?" in environment[secret], secret


def test_servers_do_not_know_who_owns_the_database() -> None:
    """All of `.env` reaches them, but for what is said in its place."""
    services = compose("compose.yaml")["services"]
    for name in ("api", "ws"):
        said = services[name]["environment"]
        assert said["POSTGRES_USER"] == "folkmoot_server"
        assert "POSTGRES_SERVER_PASSWORD" in said["POSTGRES_PASSWORD"]
        assert said["DATABASE_OWNER_URL"] == ""
        assert not said.keys() & {"POSTGRES_OWNER", "POSTGRES_OWNER_PASSWORD"}
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert services["migrate"]["environment"]["POSTGRES_OWNER"] == "${POSTGRES_USER:-folkmoot}"


def test_another_redis_can_be_given() -> None:
    given = [one["environment"]["REDIS_URL"] for one in SERVICES.values() if "REDIS_URL" in one.get("environment", {})]
    assert given
    assert all(address.startswith("${REDIS_URL:-redis://") for address in given)


def test_each_setting_that_is_given_exists() -> None:
    known = {str(field.validation_alias or name).upper() for name, field in Settings.model_fields.items()}
    for service in ("api", "ws", "migrate"):
        for file in ("compose.yaml", "compose.override.yaml", "compose.production.yaml", "compose.examples.yaml"):
            given = set((compose(file)["services"].get(service) or {}).get("environment", {}))
            assert given <= known, given - known


def test_each_variable_has_a_default_or_says_how_to_get_it() -> None:
    for name, defaults in variables().items():
        assert "" not in defaults, f"{name} is taken as it is: without it compose only warns"


def test_each_variable_is_written_down() -> None:
    text = (ROOT / "docs" / "reference" / "stack.md").read_text()
    assert {name for name in variables() if f"`{name}`" not in text} == set()
