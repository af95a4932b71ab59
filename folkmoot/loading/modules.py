"""All modules of the product: our own and the operator's, and what came of those that could not be loaded."""

from collections.abc import Callable, Sequence

import structlog

from folkmoot.actions import Registry
from folkmoot.errors import CommandFailed
from folkmoot.jobs.job import Registry as JobRegistry
from folkmoot.loading.checks import check, where_of
from folkmoot.loading.importing import Module, built_in, failure_of, import_module
from folkmoot.loading.places import Failure, Place, locate
from folkmoot.modules import BUILT_IN
from folkmoot.routes import Route
from folkmoot.settings import Settings
from folkmoot.slash.commands import BadCommand, check_names, commands_of

Report = Callable[[Failure], None]

log = structlog.get_logger(__name__)


class Modules:
    """What is loaded. `registry` and `jobs` stay the same objects when modules are reloaded."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.registry = Registry(())
        self.jobs = JobRegistry(())
        self._loaded: dict[str, Module] = {}
        self._failures: dict[str, Failure] = {}
        for package in BUILT_IN:
            self._let_in(built_in(package))

    @property
    def loaded(self) -> list[Module]:
        return list(self._loaded.values())

    @property
    def routes(self) -> list[Route]:
        return [route for module in self._loaded.values() for route in module.routes]

    @property
    def failures(self) -> list[Failure]:
        return list(self._failures.values())

    def load(self, place: Place) -> bool:
        """Loads a module, or loads it again: when that fails, what was loaded before stays."""
        try:
            module = import_module(place)
        except (Exception, SystemExit) as error:  # it may do anything while it is imported
            self.fail(failure_of(place, error))
            return False
        if failure := check(module) or self._clash(module):
            self.fail(failure)
            return False
        self._let_in(module)
        return True

    def fail(self, failure: Failure) -> None:
        self._failures[failure.name] = failure
        self._report(failure)

    def remove(self, name: str) -> None:
        if module := self._loaded.pop(name, None):
            self.registry.remove(module.actions)
            self.jobs.remove(module.jobs)

    def _clash(self, module: Module) -> Failure | None:
        """Whether a slash command of the module is one of another already."""
        others = [action for other in self.loaded if other.name != module.name for action in other.actions]
        for action in module.actions:
            try:
                check_names(commands_of([*others, action]))
            except BadCommand as error:
                return Failure(module.name, str(error), where_of(action))
            others.append(action)
        return None

    def _let_in(self, module: Module) -> None:
        self.remove(module.name)
        self._loaded[module.name] = module
        self._failures.pop(module.name, None)
        self.registry.add(module.actions)
        self.jobs.add(module.jobs)


def log_failure(failure: Failure) -> None:
    log.error("module.failed", module=failure.name, error=failure.says, where=failure.where)


def load_modules(settings: Settings, report: Report = log_failure) -> Modules:
    """Our own modules and those of `FOLKMOOT_MODULES`. Raises CommandFailed when one fails and none may."""
    modules = Modules(report)
    places, failures = locate(settings.modules)
    for failure in failures:
        modules.fail(failure)
    for place in places:
        modules.load(place)
    refuse_failures(settings, modules.failures)
    return modules


def refuse_failures(settings: Settings, failures: Sequence[Failure]) -> None:
    """Raises CommandFailed when there is any, and the operator wants all or nothing."""
    if failures and settings.modules_strict:
        raise CommandFailed("\n".join(map(str, failures)))
