"""Reloading modules while somebody writes them: for `API_MODE=dev` alone."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from folkmoot.loading.modules import Modules
from folkmoot.loading.places import Place, locate
from folkmoot.loading.revisions import migrate_module
from folkmoot.settings import Settings
from folkmoot.tasks import end

log = structlog.get_logger(__name__)

LOOK_S = 0.5  # a look at a few files costs less than a tool that waits for news of them

Look = dict[Path, tuple[int, int]]


class Watch:
    """Loads a module again when one of its files changes. `changed` is told, so that its addresses follow."""

    def __init__(self, settings: Settings, modules: Modules, changed: Callable[[], None]) -> None:
        self._settings = settings
        self._modules = modules
        self._changed = changed
        self._places = locate(settings.modules)[0]
        self._seen = {place.name: look(place) for place in self._places}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._places:
            self._task = asyncio.create_task(self._watch(), name="modules-watch")

    async def close(self) -> None:
        await end([self._task] if self._task else [])

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for place in self._places:
                try:
                    await self.check(place)
                except Exception:  # it says what is wrong, and the next change may put it right
                    log.exception("module.not_reloaded", module=place.name)

    async def check(self, place: Place) -> None:
        """Looks at a module once, and loads it again if it has changed; what cannot be loaded stays as it was."""
        seen = await asyncio.to_thread(look, place)
        if seen == self._seen[place.name]:
            return
        self._seen[place.name] = seen
        if failure := await migrate_module(self._settings, place):
            self._modules.fail(failure)
        elif self._modules.load(place):
            log.warning("module.reloaded", module=place.name)  # `up` shows warnings, and this is for its terminal
            self._changed()


def look(place: Place) -> Look:
    """When each file of a module was written, and how large it is."""
    found = {}
    for path in place.sources:
        try:
            state = path.stat()
        except FileNotFoundError:  # an editor is just replacing it
            continue
        found[path] = (state.st_mtime_ns, state.st_size)
    return found
