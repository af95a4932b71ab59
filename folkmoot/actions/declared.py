"""An action as it is declared: what is checked before it runs, and what is counted and written down after."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from msgspec.structs import replace
from pydantic import BaseModel, ValidationError

from folkmoot.actions.access import Access, Reach
from folkmoot.actions.call import Call
from folkmoot.actions.mistakes import messages_by_field
from folkmoot.audit.entry import Memo
from folkmoot.errors import EnrolFirst, Error, Forbidden, Invalid, ReauthRequired, SecondFactorNeeded
from folkmoot.telemetry import tracing

REFUSALS = frozenset({401, 404, 409, 429})  # what the audit log is told of an action that it is told of

In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out")
Run = Callable[[Call, In], Awaitable[Out]]


@dataclass(frozen=True, slots=True)
class Action(Generic[In, Out]):
    """A declared action. Calling it runs the function; the doors use `perform`, which checks first."""

    module: str
    name: str
    access: Access
    takes: type[In]
    gives: type[Out]  # or a list of them, or any other annotation that msgspec can describe
    run: Run[In, Out]
    about: str = field(repr=False)
    command: str = ""  # what it is called in the chat, without the slash
    is_sensitive: bool = False  # asks again for a password or a code when the sign-in is old
    while_enrolling: bool = False  # open to those who must turn on a second factor before all else
    rest_only: bool = False  # it gives a sign-in, which goes into a cookie: only its REST address takes care of that
    audits: bool = False  # each time it is performed or refused is an entry of the audit log
    own_sign_in: bool = False  # no token may, whatever its scopes: tokens make no other tokens
    cost: int = 1  # as how many requests it counts, of those that one user may make, whatever the door
    reach: Reach | None = None  # which the action itself sees to, as only it knows what it is about; None: not declared
    method: str = field(init=False)  # its name for the doors

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", f"{self.module}.{self.name}")

    @property
    def has_doors(self) -> bool:
        """Whether callers who are signed in may name it, instead of using its REST address."""
        return self.access is not Access.ANYONE and not self.rest_only

    async def __call__(self, call: Call, given: In) -> Out:
        if self.audits and call.memo is None:
            call = replace(call, memo=Memo(self.method))
            return await self._run_audited(call, given)
        return await self.run(call, given)

    async def perform(self, call: Call, given: object) -> Out:
        """Checks who calls and what they gave, then runs. Raises an `Error` of the tree."""
        if self.audits:
            call = replace(call, memo=Memo(self.method))
        code = "cancelled"
        try:
            if self.access is not Access.ANYONE:
                self._check(call)
            if self.cost > 1:  # the first is the door's to count
                await call.core.allowance.spend(call.caller.user_id, self.cost - 1)
            with tracing.step(self.method):
                run = self._run_audited if self.audits else self.run
                result = await run(call, self.parse(given))
            code = "ok"
            return result
        except Exception as error:  # it is counted, whatever it is, and rises
            code = error.code if isinstance(error, Error) else Error.code
            if isinstance(error, Error) and self._is_refusal(error):
                call.core.audit.refuse(call, self.method, error)
            raise
        finally:
            call.core.performed[self.method, code] += 1

    def _check(self, call: Call) -> None:
        caller = call.caller
        caller.need_scope(self.module, self.name)
        if self.own_sign_in:
            caller.need_own_sign_in()
        if caller.must_enrol and not self.while_enrolling:
            raise EnrolFirst("The operator of this server requires two-step sign-in. Turn it on first.")
        if self.access is Access.ADMIN and caller.role != "admin":
            raise Forbidden("Only an admin may do this.")
        if self.is_sensitive:
            caller.need_confirmed(call.core.settings.reauth_s)

    async def _run_audited(self, call: Call, given: In) -> Out:
        result = await self.run(call, given)
        await call.core.audit.conclude(call)
        return result

    def _is_refusal(self, error: Error) -> bool:
        """Whether the audit log is told. Being asked for more proof first is a step on the way, and no refusal."""
        if isinstance(error, (ReauthRequired, EnrolFirst, SecondFactorNeeded)):
            return False
        return isinstance(error, Forbidden) or (self.audits and error.status in REFUSALS)

    def parse(self, given: object) -> In:
        if not isinstance(given, dict):
            raise Invalid("The input must be a JSON object.")
        try:
            return self.takes.model_validate(given)
        except ValidationError as error:
            raise Invalid(fields=messages_by_field(error)) from None
