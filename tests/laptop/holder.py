"""Holds the servers of the data folder that is its argument until its standard input ends or Ctrl-C comes."""

import asyncio
import json
import sys
from pathlib import Path

import uvloop

from folkmoot.laptop import LaptopError, servers


async def hold(data: Path) -> None:
    async with servers(data, report=lambda line: print(line, file=sys.stderr)) as started:
        print(json.dumps({"dsn": started.dsn, "redis_url": started.redis_url}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


try:
    uvloop.run(hold(Path(sys.argv[1])))
except LaptopError as error:
    sys.exit(str(error))
