"""Importing a module that may be wrong in any way, and saying in which file and line."""

import importlib
import importlib.util
import linecache
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import cache_from_source
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any

from folkmoot.actions import Action, declared_in
from folkmoot.jobs import job as jobs
from folkmoot.jobs.job import Job
from folkmoot.loading.places import OF_FOLDERS, Failure, Place
from folkmoot.routes import Route, load_routes


@dataclass(frozen=True, slots=True)
class Module:
    """A loaded module: what it adds to the product."""

    name: str
    place: Place | None  # of one that is not built in
    actions: list[Action[Any, Any]]
    routes: list[Route]
    jobs: list[Job]


def import_module(place: Place) -> Module:
    """The module, imported anew. Raises whatever it raises."""
    forget(place)
    if place.is_a_folder:
        _make_package(place)
    actions = declared_in(place.package)
    return Module(place.name, place, actions, load_routes([place.package]), jobs.declared_in(place.package))


def built_in(package: str) -> Module:
    return Module(
        package.rpartition(".")[2], None, declared_in(package), load_routes([package]), jobs.declared_in(package)
    )


def forget(place: Place) -> None:
    """Makes the next import read the files again."""
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name == place.package or name.startswith(f"{place.package}.")]:
        del sys.modules[name]
    for source in place.sources:
        # Python would take a file that changed twice in a second, and kept its size, for the one it has compiled.
        Path(cache_from_source(str(source))).unlink(missing_ok=True)
        linecache.checkcache(str(source))


def failure_of(place: Place, error: BaseException) -> Failure:
    """What went wrong, and the last line of the module's own that led there."""
    if isinstance(error, SyntaxError) and error.filename:
        return Failure(place.name, f"{type(error).__name__}: {error.msg}", f"{error.filename}:{error.lineno}")
    own = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in walk_tb(error.__traceback__)
        if Path(frame.f_code.co_filename).is_relative_to(place.folder)
    ]
    where = own[-1] if own else str(place.folder / "actions.py")
    first_line = str(error).partition("\n")[0]
    return Failure(place.name, f"{type(error).__name__}: {first_line}", where)


def _make_package(place: Place) -> None:
    """Makes a folder a package below `folkmoot_modules`, wherever it lies, so that it needs no entry on the path."""
    parent = sys.modules.setdefault(OF_FOLDERS, ModuleType(OF_FOLDERS, "Modules that are folders."))
    parent.__path__ = []
    init = place.folder / "__init__.py"
    if init.is_file():
        spec = importlib.util.spec_from_file_location(
            place.package, init, submodule_search_locations=[str(place.folder)]
        )
    else:
        spec = ModuleSpec(place.package, None, is_package=True)
        spec.submodule_search_locations = [str(place.folder)]
    if spec is None:
        raise ImportError(f"{init} cannot be imported")
    package = importlib.util.module_from_spec(spec)
    sys.modules[place.package] = package
    setattr(parent, place.name, package)
    if spec.loader is not None:
        spec.loader.exec_module(package)
