"""What outgoing webhooks take and give."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, HttpUrl, StringConstraints, TypeAdapter, ValidationError

from folkmoot.actions import ONE_LINE, Id, Input, Output

LONGEST_URL = 2048

State = Literal["active", "failing", "gone"]

_parse = TypeAdapter(HttpUrl).validate_python


def _address(given: str) -> str:
    """The address as everybody will read it: one parser decides what is its host, and the others see its answer."""
    try:
        url = _parse(given)
    except ValidationError:
        raise ValueError("Must be an address such as https://example.org/hook.") from None
    if url.username is not None or url.password is not None:
        raise ValueError("Must not hold a user name or a password.")
    if url.fragment is not None:
        raise ValueError("Must not hold a fragment.")
    return str(url)


class NewWebhook(Input):
    room_id: Id
    url: Annotated[
        str,
        StringConstraints(min_length=1, max_length=LONGEST_URL, strip_whitespace=True),
        ONE_LINE,
        AfterValidator(_address),
    ]


class WebhookId(Input):
    hook_id: Id


class Webhook(Output, frozen=True):
    """A webhook. `head_seq - delivered_seq` events have not been delivered yet.

    It is `active`; or `failing`, because nobody answered for too long; or `gone`, because the receiver said so with
    410. Only an active one is tried by itself. `failures` deliveries in a row have failed since `failing_since`, the
    last one with `error`.
    """

    id: int
    room_id: int
    room: str
    url: str
    state: State
    delivered_seq: int
    head_seq: int
    created_at: datetime
    delivered_at: datetime | None
    failures: int
    failing_since: datetime | None
    error: str | None


class Webhooks(Output, frozen=True):
    hooks: list[Webhook]


class WebhookWithSecret(Output, frozen=True):
    """A webhook with its secret, which is shown only now. It begins with `whsec_`."""

    hook: Webhook
    secret: str
