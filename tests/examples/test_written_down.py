"""Each example is whole: a README that lets it run alone, and requirements that are pinned to what the tests ran."""

import re
from pathlib import Path

import pytest

from tests.examples.programs import EXAMPLES
from tests.packaging.test_pins import REQUIREMENTS, requirements

FOLDERS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))
PINNED = sorted(EXAMPLES.glob("*/requirements.txt"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_has_a_readme_and_is_in_the_list(folder: Path) -> None:
    assert (folder / "README.md").read_text().startswith("# ")
    assert f"]({folder.name})" in (EXAMPLES / "README.md").read_text()


@pytest.mark.parametrize("file", PINNED, ids=lambda file: file.parent.name)
def test_it_is_pinned_with_hashes_to_what_was_tested(file: Path) -> None:
    tested = {line.split()[0] for line in requirements(REQUIREMENTS / "dev.txt")}
    asked = (file.parent / "requirements.in").read_text().split()
    pinned = requirements(file)
    assert not re.search(r"://|--index|--extra-index|--find-links", file.read_text())
    for requirement in pinned:
        assert "--hash=sha256:" in requirement
        name = requirement.split("==")[0]
        assert requirement.split()[0] in tested or name not in {line.split("==")[0] for line in tested}, requirement
    assert {name.lower() for name in asked} <= {requirement.split("==")[0] for requirement in pinned}


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*/Dockerfile")), ids=lambda file: file.parent.name)
def test_its_image_is_small_and_not_of_root(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert re.fullmatch(r"FROM [a-z]+:[0-9.]+-slim", lines[0]), "a version that is named, never the latest"
    (user,) = [line for line in lines if line.startswith("USER ")]
    assert user in ("USER nobody", "USER node")
    assert all("--require-hashes" in line for line in lines if "pip install" in line)
