"""The page of services says what the code does."""

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY
from pydantic_core import PydanticUndefined

from folkmoot.services.file import read_services
from folkmoot.services.schema import ServiceEntry


def page(checkout: Path) -> str:
    return (checkout / "docs" / "how-to" / "services.md").read_text()


def test_every_key_is_on_the_page_with_its_default(checkout: Path) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) ?\|", page(checkout), flags=re.MULTILINE))
    for name, field in ServiceEntry.model_fields.items():
        is_plain = field.default is not None and field.default is not PydanticUndefined
        assert rows[name] == (f"`{field.default}`" if is_plain else ""), name


def test_every_metric_on_the_page_is_there(checkout: Path) -> None:
    named = set(re.findall(r"^\| `(folkmoot_services_\w+)`", page(checkout), flags=re.MULTILINE))
    there = {family.name for family in REGISTRY.collect() if family.name.startswith("folkmoot_services")}
    assert {name.removesuffix("_total") for name in named} == there


def test_the_files_on_the_page_and_of_the_example_can_be_read(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WEATHER_TOKEN", "WEATHER_PASSWORD", "WEATHER_KEY"):
        monkeypatch.setenv(name, "secret")
    first, ways = re.findall(r"```yaml\n(.*?)```", page(checkout), flags=re.DOTALL)
    (tmp_path / "services.yaml").write_text(first)
    assert [described.name for described in read_services(tmp_path / "services.yaml")] == ["flask", "weather"]
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "weather").write_text("secret")
    for way in ways.partition("\n")[2].split("  # or\n"):
        text = f"weather:\n  base_uri: http://weather\n  credentials:\n{way}"
        assert yaml.safe_load(text)
        (tmp_path / "services.yaml").write_text(text)
        assert len(read_services(tmp_path / "services.yaml")) == 1
    assert len(read_services(checkout / "examples" / "hello" / "services.yaml")) == 3
