"""Where the modules are that `FOLKMOOT_MODULES` names. Only packages around dotted names are imported for that."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from folkmoot.modules import BUILT_IN

OF_FOLDERS = "folkmoot_modules"  # the package that modules named by a folder become part of
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
TAKEN = frozenset({package.rpartition(".")[2] for package in BUILT_IN} | {"actions", "all"})  # an address, and a scope


@dataclass(frozen=True, slots=True)
class Place:
    """A module that can be imported as `package`, and lies in `folder`."""

    entry: str  # as the settings say it
    name: str
    package: str
    folder: Path

    @property
    def is_a_folder(self) -> bool:
        return self.package.startswith(f"{OF_FOLDERS}.")

    @property
    def sources(self) -> list[Path]:
        return sorted(self.folder.rglob("*.py"))


@dataclass(frozen=True, slots=True)
class Failure:
    """A module that is not there for anybody: why, and the file and line where it is known."""

    name: str
    says: str
    where: str = ""

    def __str__(self) -> str:
        return f"The module {self.name!r} is not loaded: {self.says}" + (f" ({self.where})" if self.where else "")


def locate(entries: Sequence[str]) -> tuple[list[Place], list[Failure]]:
    """The places of modules, in their order, and what cannot be one."""
    places: list[Place] = []
    failures: list[Failure] = []
    for entry in entries:
        try:
            place = _place(entry)
        except Exception as error:  # a package around it may do anything
            failures.append(Failure(entry, f"{type(error).__name__}: {error}"))
            continue
        says = _refused(place, places) if isinstance(place, Place) else place
        if isinstance(place, Place) and not says:
            places.append(place)
        else:
            failures.append(Failure(place.name if isinstance(place, Place) else entry, says))
    return places, failures


def _place(entry: str) -> Place | str:
    """The place of an entry, or a sentence that says why there is none."""
    folder = Path(entry)
    if folder.is_dir() or "/" in entry or entry.startswith("."):
        folder = folder.absolute().resolve()
        if not folder.is_dir():
            return f"there is no folder {folder}"
        return Place(entry, folder.name, f"{OF_FOLDERS}.{folder.name}", folder)
    found = find_spec(entry)
    if found is None or not found.submodule_search_locations:
        return f"there is neither a folder nor a package {entry}"
    return Place(entry, entry.rpartition(".")[2], entry, Path(found.submodule_search_locations[0]))


def _refused(place: Place, others: Sequence[Place]) -> str:
    """Why a module cannot have its name; empty when it can."""
    if not NAME.fullmatch(place.name):
        return "its name must be small letters, digits and underscores, beginning with a letter, 40 at most"
    if place.name in TAKEN:
        return f"Folkmoot has a module {place.name!r} of its own; give this one another name"
    for other in others:
        if other.name == place.name:
            return f"{other.folder} is a module of that name already; rename one of them"
    if not (place.folder / "actions.py").is_file():
        return f"there is no actions.py in {place.folder}"
    return ""
