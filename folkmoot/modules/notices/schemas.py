"""What a notice says."""

from datetime import datetime
from typing import Literal

from folkmoot.actions import Id, Input

What = Literal[
    "trial",
    "sign_in",
    "password_reset",
    "password_changed",
    "password_set",
    "second_factor_on",
    "second_factor_off",
    "second_factor_reset",
    "recovery_codes_renewed",
    "recovery_code_used",
    "token_made",
]


class Notice(Input):
    """What has changed about whose account; when, and from where."""

    user_id: Id
    what: What
    at: datetime
    address: str
    device: str
