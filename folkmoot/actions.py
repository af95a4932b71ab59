"""What the product can do: actions, declared once and reached through every door.

An action is an async function of a `Call` and a schema. Its input is a pydantic model, so that every mistake of a form
is named at once; its output is a msgspec Struct, which is encoded on the hot path, or anything else that
`docs/reference/json.md` knows how to write.
"""

import inspect
import re
import time
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, get_type_hints

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from folkmoot.audit.entry import Actor, Detail, Memo, Target
from folkmoot.errors import (
    EnrolFirst,
    Error,
    Forbidden,
    Invalid,
    NotSignedIn,
    OutOfScope,
    ReauthRequired,
    SecondFactorNeeded,
    UnknownMethod,
)
from folkmoot.events.event import Person
from folkmoot.telemetry import tracing

if TYPE_CHECKING:
    from folkmoot.core import Core
    from folkmoot.database import Connection

Role = Literal["member", "admin", "bot"]

REFUSALS = frozenset({401, 404, 409, 429})  # what the audit log is told of an action that it is told of

EVERYTHING = "all"  # the scope of a token that may do what its owner may

MAX_ID = 2**63 - 1
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")


class Written(str):
    """A value out of an address, which knows no types: there digits are an integer, in JSON they are not."""

    __slots__ = ()


def _integer(given: object) -> object:
    """Reads what is an integer in another spelling: digits in an address, and 3.0, which is 3 in JSON."""
    if isinstance(given, Written) and INTEGER.fullmatch(given):
        return int(given)
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _printable(text: str) -> str:
    """PostgreSQL has no NUL in text, and UTF-8 has no lone surrogates."""
    if "\x00" in text or not _is_whole(text):
        raise ValueError("Must not contain NUL or half of a character.")
    return text


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


TURNERS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn what stands after a name


def _one_line(text: str) -> str:
    """Names are shown in lists, logs and terminals, where a line break or an escape could pretend to be ours."""
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in TURNERS for character in text):
        raise ValueError("Must not contain line breaks or control characters.")
    return text


DIGITS = BeforeValidator(_integer)  # beside `strict=True`, which takes no other spelling
Id = Annotated[int, Field(strict=True, ge=1, le=MAX_ID), DIGITS]
Seq = Annotated[int, Field(strict=True, ge=0, le=MAX_ID), DIGITS]
PRINTABLE = AfterValidator(_printable)
ONE_LINE = AfterValidator(_one_line)


class Input(BaseModel):
    """What an action takes. Fields it does not know are refused, so that a typo is not silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False, allow_inf_nan=False)


class Nothing(Input):
    """An action without parameters."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What an action gives."""


class Done(Output, frozen=True):
    """It is done and there is nothing to say; routes answer it as 204."""


class Access(Enum):
    """Who may call. `ANYONE` is only for the routes that name it: a socket or a program is signed in already."""

    ANYONE = "anyone"
    MEMBER = "member"
    ADMIN = "admin"


class Reach(Enum):
    """On what of all there is a caller may act: their role alone does not say that."""

    ALL = "everything"
    OWN = "what is theirs"
    ROOM = "a room that they are in"
    OPEN_ROOM = "an open room, or one that they are in"
    HOLDER = "what the secret that they give is good for"


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


@dataclass(frozen=True, slots=True)
class Call:
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
    reach: Reach | None = None  # which the action itself sees to, as only it knows what it is about; None: not declared

    @property
    def has_doors(self) -> bool:
        """Whether callers who are signed in may name it, instead of using its REST address."""
        return self.access is not Access.ANYONE and not self.rest_only

    @property
    def method(self) -> str:
        return f"{self.module}.{self.name}"

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
            with tracing.step("validate"):
                parsed = self.parse(given)
            with tracing.step(self.method):
                run = self._run_audited if self.audits else self.run
                result = await run(call, parsed)
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
        if not isinstance(given, Mapping):
            raise Invalid("The input must be a JSON object.")
        try:
            return self.takes.model_validate(given)
        except ValidationError as error:
            raise Invalid(fields=messages_by_field(error)) from None


def action(
    *,
    access: Access = Access.MEMBER,
    name: str | None = None,
    command: str = "",
    is_sensitive: bool = False,
    while_enrolling: bool = False,
    rest_only: bool = False,
    audits: bool = False,
    own_sign_in: bool = False,
    reach: Reach | None = None,
) -> Callable[[Run[In, Out]], Action[In, Out]]:
    """Declares a function of a module's `actions.py` as an action named `<module>.<function>`, or as `name` says.

    The action named `""` is what a module itself answers, at `/v1.0/<module>/`. With `command="roll"` it is also
    `/roll` in the chat: its fields take the words, and it gives `Said`. What is sensitive asks again for a password or
    a code when the sign-in is older than the operator allows. What `audits` is an entry of the audit log each time:
    written when it is done, or better by `call.note` in the transaction that does it. With `own_sign_in` no token may.
    `reach` says on what the caller may act, which the action itself checks; docs/reference/permissions.md shows it.
    """

    def declare(run: Run[In, Out]) -> Action[In, Out]:
        hints = get_type_hints(run, localns={"Core": Any})
        parameters = list(inspect.signature(run).parameters)
        if len(parameters) != 2 or "return" not in hints or not _is_model(hints.get(parameters[1])):
            raise TypeError(
                f"{run.__name__} must read: async def {run.__name__}(call: Call, given: AnInput) -> AnOutput"
            )
        module = run.__module__.split(".")[-2]
        about = inspect.getdoc(run) or ""
        named = run.__name__ if name is None else name
        return Action(
            module,
            named,
            access,
            hints[parameters[1]],
            hints["return"],
            run,
            about,
            command,
            is_sensitive=is_sensitive,
            while_enrolling=while_enrolling,
            rest_only=rest_only,
            audits=audits,
            own_sign_in=own_sign_in,
            reach=reach,
        )

    return declare


def _is_model(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def declared_in(package: str) -> list[Action[Any, Any]]:
    """The actions that a module's `actions.py` declares itself."""
    file = import_module(f"{package}.actions")
    return [
        entry for entry in vars(file).values() if isinstance(entry, Action) and entry.run.__module__ == file.__name__
    ]


class Registry:
    """All actions of the loaded modules, by their method names."""

    def __init__(self, modules: Iterable[str]) -> None:
        self.actions: dict[str, Action[Any, Any]] = {}
        for module in modules:
            self.add(declared_in(module))

    def add(self, actions: Iterable[Action[Any, Any]]) -> None:
        self.actions.update({entry.method: entry for entry in actions})

    def remove(self, actions: Iterable[Action[Any, Any]]) -> None:
        for entry in actions:
            self.actions.pop(entry.method, None)

    def knows_scope(self, scope: str) -> bool:
        """Whether a token can have the scope: `all`, the name of a module, or of an action that takes a sign-in."""
        open_to_tokens = {name: entry for name, entry in self.actions.items() if entry.has_doors}
        modules = {entry.module for entry in open_to_tokens.values()}
        return scope == EVERYTHING or scope in modules or scope in open_to_tokens

    def find(self, method: str) -> Action[Any, Any]:
        """The action of that name, if callers who are signed in may name it. Raises UnknownMethod."""
        found = self.actions.get(method)
        if found is None or not found.has_doors:
            raise UnknownMethod(f"There is no method {method[:100]!r}.")
        return found

    @property
    def callable(self) -> list[Action[Any, Any]]:
        """Those that callers who are signed in may name."""
        return [entry for entry in self.actions.values() if entry.has_doors]


MESSAGES = {
    "missing": "Missing data for required field.",
    "string_too_short": "Shorter than minimum length {min_length}.",
    "string_too_long": "Longer than maximum length {max_length}.",
    "string_type": "Not a valid string.",
    "string_unicode": "Must not contain NUL or half of a character.",
    "int_type": "Not a valid integer.",
    "int_parsing": "Not a valid integer.",
    "extra_forbidden": "Unknown field.",
}


def messages_by_field(error: ValidationError) -> dict[str, list[str]]:
    """Every mistake of an input, as sentences under the names of its fields."""
    fields: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in problem["loc"]) or "input"
        ours = MESSAGES.get(problem["type"])
        # The library's own sentences may quote the input, so they are never a format.
        sentence = ours.format(**problem.get("ctx", {})) if ours else problem["msg"]
        fields.setdefault(name, []).append(sentence.removeprefix("Value error, "))
    return fields
