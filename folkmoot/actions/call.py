"""One call of an action, and who calls."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from folkmoot.audit.entry import Actor, Detail, Memo, Target
from folkmoot.errors import NotSignedIn, OutOfScope, ReauthRequired
from folkmoot.events.event import Person

if TYPE_CHECKING:
    from folkmoot.core import Core
    from folkmoot.database import Connection

Role = Literal["member", "admin", "bot"]


EVERYTHING = "all"  # the scope of a token that may do what its owner may


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who has signed in, as one session of theirs."""

    user_id: int
    name: str
    role: Role
    session_id: int
    expires_in_s: float  # until the session ends, unless it is revoked first
    scopes: frozenset[str] | None = None  # of a token: `all`, modules and actions; None: they signed in themselves
    confirmed_at_s: float = 0.0  # Unix time of when they last gave a password or a code
    must_enrol: bool = False  # the operator requires a second factor, and they have none

    @property
    def person(self) -> Person:
        return Person(self.user_id, self.name)

    def need_scope(self, module: str, name: str) -> None:
        """Raises OutOfScope for a token that was not made for this action."""
        if self.scopes is not None and not self.scopes & {EVERYTHING, module, f"{module}.{name}"}:
            raise OutOfScope(f"This token was not made for {module}.{name}.")

    def need_own_sign_in(self) -> None:
        """Raises OutOfScope for tokens, whatever their scopes: they make no other tokens."""
        if self.scopes is not None:
            raise OutOfScope("This takes a sign-in of your own. A token may not do it.")

    def need_confirmed(self, within_s: int) -> None:
        """Raises ReauthRequired when the sign-in is older. A token was made for what it does, by a fresh sign-in."""
        if self.scopes is None and self.confirmed_at_s + within_s < time.time():
            raise ReauthRequired("Your sign-in is a while ago. Confirm that it is you, with your password or a code.")


class Call(msgspec.Struct, frozen=True):
    """One call of an action: the product, who calls, and from where."""

    core: "Core"
    signed_in: Caller | None = None
    address: str = ""
    user_agent: str = ""
    device: str = ""  # the token by which a browser is known that has signed in before; it signs nobody in
    memo: Memo | None = None  # of the action that runs, if it is one that audits

    async def note(
        self,
        connection: "Connection",
        target: Target | None = None,
        *,
        action: str = "",
        by: Actor | None = None,
        **details: Detail,
    ) -> None:
        """Writes in the audit log what is done, if the transaction of the connection commits: the last thing in it.

        `action` names what is done where no action runs that audits, and `by` is who signs in only now. Details say
        nothing that is secret, nor what somebody wrote.
        """
        await self.core.audit.note(connection, self, target, action=action, by=by, details=details)

    def concerns(self, target: Target) -> None:
        """Says whom or what an action is about, in case that it is refused from here on."""
        if self.memo is not None:
            self.memo.about = target

    @property
    def caller(self) -> Caller:
        if self.signed_in is None:
            raise NotSignedIn
        return self.signed_in
