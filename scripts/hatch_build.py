"""Refuses to build a Folkmoot whose pages are missing: a wheel works without a checkout and without Node."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SiteBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        site = Path(self.root) / "folkmoot" / "site"
        if not (site / "index.html").is_file():
            raise SystemExit(
                f"The pages of Folkmoot are not built: {site / 'index.html'} is missing. "
                "Build them with `make site`, or everything with `make wheel`."
            )
