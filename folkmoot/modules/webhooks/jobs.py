"""Telling webhooks what is new in their rooms.

The log of the room is the queue, and `delivered_seq` of the webhook is its place in it. A job reads on from there,
delivers event by event, and moves the place after each answer that says yes: nothing is lost by whatever dies
meanwhile, nothing is told before what came earlier, and what is told twice has the same `webhook-id`.
"""

from folkmoot.core import Core
from folkmoot.jobs.job import GiveUp, Tick, Work, job
from folkmoot.modules.webhooks import store
from folkmoot.modules.webhooks.metrics import DELIVERIES
from folkmoot.modules.webhooks.schemas import WebhookId
from folkmoot.modules.webhooks.waking import TOPIC, line_of, try_again, wake

FIRST_S = 2.0  # before a failed delivery is repeated; then twice as long each time
LONGEST_S = 3_600.0
ALWAYS = 1_000_000  # time ends the attempts, and not their number
MOST_SWEPT = 1_000


@job(retries=ALWAYS, first_s=FIRST_S, longest_s=LONGEST_S, timeout_s=300)
async def deliver(work: Work, given: WebhookId) -> None:
    """Tells a webhook what it was not told yet. The first that fails keeps back what comes after it."""
    # Only a process that delivers needs an HTTP client.
    from folkmoot.modules.webhooks.delivering import Delivery
    from folkmoot.modules.webhooks.sender import Gone, NotDelivered

    core = work.core
    async with core.database.connection() as connection:
        target = await store.target(connection, given.hook_id)
    if target is None or target.state == "gone":
        return
    delivery = Delivery(core, target)
    try:
        if await delivery.run():
            await wake(core, [target.id])
    except Gone:
        await _end(core, target.id)
    except NotDelivered as error:
        await _count_failure(core, target.id, str(error))
        if not delivery.delivered:
            raise
        await try_again(core, target.id, in_s=FIRST_S)  # it has just answered: the delays begin anew
    if delivery.delivered and target.state != "active":
        core.bus.publish(TOPIC, b"")


@job(retries=1, cron="* * * * *")
async def sweep(work: Work, _: Tick) -> None:
    """Finds webhooks that were not told everything, because whoever should have seen to it died."""
    async with work.core.database.connection() as connection:
        found = await store.behind(connection, None, MOST_SWEPT)
    await wake(work.core, found)


async def _end(core: Core, hook_id: int) -> None:
    DELIVERIES.labels("gone").inc()
    async with core.database.connection() as connection:
        await store.set_gone(connection, hook_id, "The receiver says that it is gone (410).")
    core.bus.publish(TOPIC, b"")


async def _count_failure(core: Core, hook_id: int, error: str) -> None:
    """Raises GiveUp when nothing was delivered for too long."""
    DELIVERIES.labels("failed").inc()
    async with core.database.connection() as connection:
        failing_s = await store.note_failure(connection, hook_id, error)
        if failing_s < core.settings.webhook_give_up_s:
            return
        await store.set_failing(connection, hook_id)
        await core.jobs.forget(connection, line_of(hook_id))
    core.bus.publish(TOPIC, b"")
    raise GiveUp(error)
