"""Has webhooks told. What is to be told stands in the log of the room: a job only has to look."""

from collections.abc import Iterable

from folkmoot.core import Core

TOPIC = "webhooks"  # on the bus: the webhooks are others than they were


async def wake(core: Core, hook_ids: Iterable[int]) -> None:
    """Has the log looked at for each of the webhooks, unless somebody is about to. Raises Unavailable."""
    for hook_id in hook_ids:
        await core.jobs.defer(
            "webhooks.deliver", {"hook_id": hook_id}, one_by_one=line_of(hook_id), unless_waiting=True
        )


async def try_again(core: Core, hook_id: int, *, in_s: float) -> None:
    """The same, in a while."""
    await core.jobs.defer("webhooks.deliver", {"hook_id": hook_id}, one_by_one=line_of(hook_id), in_s=in_s)


def line_of(hook_id: int) -> str:
    """The line that the jobs of a webhook stand in."""
    return f"webhook:{hook_id}"
