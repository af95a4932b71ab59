"""Asks every service of a file for the same, and prints what they answer."""

import asyncio
import sys
from pathlib import Path

from folkmoot.services import Services, fill


async def main(path: str, username: str) -> None:
    async with Services.of_file(Path(path)) as container:
        for service in container:
            print(await service.get(fill("/hello/{username}", username=username)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
