"""Filebeat's configuration reads what we write, as far as can be said without Filebeat."""

import fnmatch
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.telemetry.ecs_fields import assert_ecs
from tests.telemetry.served import run_python

LINE = "log.info('thing.done', status=200, user=5, duration_s=0.5)"


@pytest.fixture(scope="module")
def filebeat(checkout: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((checkout / "deploy" / "filebeat" / "filebeat.yml").read_text()))


def of(filebeat: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in filebeat["filebeat.inputs"] if one["id"] == name]
    return dict(found)


def expanded(line: dict[str, Any]) -> dict[str, Any]:
    """What `expand_keys` makes of a line. Raises when a name is a value and a group of others at once."""
    made: dict[str, Any] = {}
    for name, value in line.items():
        *groups, last = name.split(".")
        place = made
        for group in groups:
            place = place.setdefault(group, {})
            assert isinstance(place, dict), f"{name}: {group} is a value already"
        assert last not in place, f"{name} is a group already"
        place[last] = value
    return made


def test_our_lines_become_the_event_with_its_own_time(filebeat: dict[str, Any]) -> None:
    for name in ("folkmoot-containers", "folkmoot-files"):
        ndjson = of(filebeat, name)["parsers"][-1]["ndjson"]
        assert ndjson == {"target": "", "expand_keys": True, "overwrite_keys": True, "add_error_key": True}
    (text,) = run_python(LINE, LOG_FORMAT="json", ENVIRONMENT="test").splitlines()
    line = json.loads(text)
    assert_ecs(line)
    event = expanded(line)
    assert event["http"]["response"]["status_code"] == 200
    assert event["event"]["duration"] == 500_000_000
    assert event["service"]["environment"] == "test"


def test_containers_are_read_as_docker_and_kubernetes_write_them_and_only_ours(filebeat: dict[str, Any]) -> None:
    read = of(filebeat, "folkmoot-containers")
    assert read["type"] == "filestream"
    assert read["parsers"][0] == {"container": {"stream": "all", "format": "auto"}}, "we log to standard error"
    assert read["prospector.scanner.symlinks"] is True, "Kubernetes keeps links there"
    for path in (
        "/var/lib/docker/containers/0a1b/0a1b-json.log",
        "/var/log/containers/folkmoot-6c_default_folkmoot-0a1b.log",
    ):
        assert any(fnmatch.fnmatch(path, pattern) for pattern in read["paths"]), path
    (dropped,) = read["processors"]
    ours = dropped["drop_event"]["when"]["not"]["equals"]
    assert f'"event.dataset":"{ours["event.dataset"]}"' in run_python(LINE, LOG_FORMAT="json")


def test_files_are_read_under_the_names_that_we_give_them(filebeat: dict[str, Any], tmp_path: Path) -> None:
    read = of(filebeat, "folkmoot-files")
    path = tmp_path / "folkmoot.log"
    run_python(f"for _ in range(99): {LINE}", LOG_FORMAT="json", LOG_FILE=str(path), LOG_FILE_BYTES="20000")
    names = {one.name for one in tmp_path.iterdir()} | {"folkmoot-1.log", "folkmoot-2.log.1"}
    assert {"folkmoot.log", "folkmoot.log.1"} <= names
    for name in names:
        assert any(fnmatch.fnmatch(f"/var/log/folkmoot/{name}", pattern) for pattern in read["paths"]), name
    assert "file_identity.fingerprint" in read
    assert read["prospector.scanner.fingerprint.enabled"] is True, "a renamed file is no new file"
    assert len(path.read_text()) > 1024, "a fingerprint is taken of so many bytes"


def test_the_inputs_have_names_of_their_own_and_no_secret(filebeat: dict[str, Any]) -> None:
    names = [one["id"] for one in filebeat["filebeat.inputs"]]
    assert len(names) == len(set(names)) == 2
    assert filebeat["output.elasticsearch"]["password"] == "${ELASTICSEARCH_PASSWORD:}"
