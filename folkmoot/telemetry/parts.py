"""The parts of a running process that have something to tell."""

from collections.abc import Mapping
from dataclasses import dataclass

from folkmoot.core import Core
from folkmoot.database import Database
from folkmoot.http.watch import Requests
from folkmoot.realtime.connections import Connections
from folkmoot.realtime.door import Door
from folkmoot.realtime.engine import Engine
from folkmoot.telemetry.pulse import Pulse


@dataclass(frozen=True, slots=True)
class ProcessParts:
    core: Core
    databases: Mapping[str, Database]
    pulse: Pulse


@dataclass(frozen=True, slots=True)
class Parts(ProcessParts):
    """Those of a node."""

    connections: Connections
    door: Door
    engine: Engine
    requests: Requests
