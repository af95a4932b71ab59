"""Tables of modules: a module may have revisions of its own in `migrations/`, beside those of Folkmoot.

They are for Folkmoot's own database. The table `folkmoot_module_<name>` says at which one it is.
"""

import structlog

from folkmoot.database import Database
from folkmoot.errors import Error
from folkmoot.loading.importing import failure_of
from folkmoot.loading.modules import Modules, refuse_failures
from folkmoot.loading.places import Failure, Place, locate
from folkmoot.migrations import HEAD, History, current, migrate, resolve
from folkmoot.settings import Settings

log = structlog.get_logger(__name__)


def history(place: Place) -> History | None:
    """The revisions of a module; None when it has none."""
    folder = place.folder / "migrations"
    return History(folder, f"folkmoot_module_{place.name}") if any(folder.glob("[0-9]*.py")) else None


async def migrate_modules(settings: Settings, target: str = HEAD) -> None:
    """Takes the tables of all modules to `head` or `base`. One that fails keeps its module from being loaded.

    Raises CommandFailed when all must be loaded.
    """
    failures = []
    for place in locate(settings.modules)[0]:
        if failure := await migrate_module(settings, place, target):
            log.error("module.not_migrated", module=failure.name, error=failure.says, where=failure.where)
            failures.append(failure)
    refuse_failures(settings, failures)


async def migrate_module(settings: Settings, place: Place, target: str = HEAD) -> Failure | None:
    of = history(place)
    if of is None:
        return None
    try:
        await migrate(settings.migrating_dsn, target, within_s=settings.database_start_s, of=of)
    except Error:  # the database is away, which is not the module's doing
        raise
    except Exception as error:  # a revision may do anything
        return failure_of(place, error)
    return None


async def refuse_behind(settings: Settings, modules: Modules, database: Database) -> None:
    """Takes out the modules whose tables are not those they were written for."""
    for module in modules.loaded:
        of = history(module.place) if module.place else None
        if of is None:
            continue
        async with database.connection() as connection:
            at, head = await current(connection, of), resolve(HEAD, of)
        if at != head:
            modules.remove(module.name)
            says = f"its tables are at revision {at}, and it needs {head}: run `folkmoot migrate`"
            modules.fail(Failure(module.name, says, str(of.folder)))
    refuse_failures(settings, modules.failures)
