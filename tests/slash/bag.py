"""What the commands of the tests have done: beside the module, which each node loads anew."""

import asyncio

ROLLED: list[int] = []
GO = asyncio.Event()
