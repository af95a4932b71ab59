"""The error tree: every refusal the product knows, with a stable code. Only the doors turn them into answers.

Error                     internal       500  100, temporary
├── Invalid               invalid        400  107   with messages by field
│   └── Malformed         malformed
├── NotSignedIn           not_signed_in  401  101
│   ├── WrongCredentials  wrong_credentials
│   ├── SecondFactorNeeded second_factor_needed, with a challenge
│   └── ChallengeOver     challenge_over
├── Forbidden             forbidden      403  103
│   ├── OutOfScope        insufficient_scope
│   ├── ReauthRequired    reauth_required
│   ├── EnrolFirst        second_factor_required
│   ├── ResetOver         reset_over
│   ├── WrongPassword     wrong_password
│   └── WrongCode         wrong_code
├── NotFound              not_found      404  404
│   ├── NoSuchRoom
│   └── UnknownMethod     unknown_method 404  104
├── NotAllowedHere        method_not_allowed 405
├── Conflict              conflict       409  409
├── TooLarge              too_large      413  413
├── WrongType             wrong_media_type 415
├── TooMany               too_many       429  111, temporary
├── UnknownService        unknown_service 500 500
├── ServiceRefused        service_refused 502 502   with what the service said
├── ServiceFailed         service_failed 502  502, temporary
└── Unavailable           unavailable    503  503, temporary
    ├── Busy              busy
    ├── KeyMissing        key_missing
    ├── MailMissing       mail_missing
    ├── ServiceAway       service_away
    └── StorageFull       storage_full   503  507, temporary
"""

from typing import ClassVar


class Error(Exception):
    """Something went wrong. `detail` is a sentence for the person who reads the answer."""

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on the server"
    status: ClassVar[int] = 500
    rpc_code: ClassVar[int] = 100
    temporary: ClassVar[bool] = True

    def __init__(self, detail: str | None = None, *, retry_after_s: int | None = None) -> None:
        self.detail = detail or f"{self.title}."
        self.retry_after_s = retry_after_s
        super().__init__(self.detail)


class Invalid(Error):
    """The input has another shape than the action takes; `fields` says what is wrong with each."""

    code = "invalid"
    title = "The input is not valid"
    status = 400
    rpc_code = 107
    temporary = False

    def __init__(self, detail: str | None = None, *, fields: dict[str, list[str]] | None = None) -> None:
        self.fields = fields or {}
        listed = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in self.fields.items())
        super().__init__(detail or listed or None)


class Malformed(Invalid):
    code = "malformed"
    title = "The request cannot be read"


class NotSignedIn(Error):
    code = "not_signed_in"
    title = "Sign in first"
    status = 401
    rpc_code = 101
    temporary = False


class WrongCredentials(NotSignedIn):
    code = "wrong_credentials"
    title = "Wrong email or password"


class SecondFactorNeeded(NotSignedIn):
    """The password is right, and a code is needed besides. The challenge is good for giving one, and nothing else."""

    code = "second_factor_needed"
    title = "Give the code of your second factor"

    def __init__(self, challenge: str, expires_in_s: int) -> None:
        self.challenge = challenge
        self.expires_in_s = expires_in_s
        super().__init__("The password is right. Now give a code of your authenticator app, or a recovery code.")


class ChallengeOver(NotSignedIn):
    """The second step came too late or too often, or the account is not any more as it was at the first."""

    code = "challenge_over"
    title = "Begin again with your password"


class Forbidden(Error):
    code = "forbidden"
    title = "This is not allowed"
    status = 403
    rpc_code = 103
    temporary = False


class OutOfScope(Forbidden):
    """The caller may do this, but not with this token."""

    code = "insufficient_scope"
    title = "This token was not made for that"


class ReauthRequired(Forbidden):
    """What is asked for takes a fresh sign-in, or one that was confirmed lately."""

    code = "reauth_required"
    title = "Confirm that it is you"


class EnrolFirst(Forbidden):
    """The operator requires a second factor, and the account has none yet."""

    code = "second_factor_required"
    title = "Turn on two-step sign-in first"


class ResetOver(Forbidden):
    """The link of a letter about a forgotten password was used, is too old, or was none."""

    code = "reset_over"
    title = "This link does not work any more"


class WrongPassword(Forbidden):
    """Of somebody who is signed in already, and stays so."""

    code = "wrong_password"
    title = "The password is wrong"


class WrongCode(Forbidden):
    """Not the code of now, or one that was used; a recovery code that is none, or was used."""

    code = "wrong_code"
    title = "The code is not valid"


class NotFound(Error):
    """Not there, or not there for this caller: the answer is the same on purpose."""

    code = "not_found"
    title = "There is nothing here"
    status = 404
    rpc_code = 404
    temporary = False


class NoSuchRoom(NotFound):
    """Not among the rooms of the caller, whether it is there or not."""

    def __init__(self) -> None:
        super().__init__("There is no such room among yours.")


class UnknownMethod(NotFound):
    code = "unknown_method"
    title = "There is no such method"
    rpc_code = 104


class NotAllowedHere(Error):
    code = "method_not_allowed"
    title = "This address does not take that method"
    status = 405
    rpc_code = 405
    temporary = False


class Conflict(Error):
    code = "conflict"
    title = "This clashes with what is already there"
    status = 409
    rpc_code = 409
    temporary = False


class TooLarge(Error):
    code = "too_large"
    title = "The input is too large"
    status = 413
    rpc_code = 413
    temporary = False


class WrongType(Error):
    code = "wrong_media_type"
    title = "The body must be JSON"
    status = 415
    rpc_code = 415
    temporary = False


class TooMany(Error):
    code = "too_many"
    title = "Too many requests"
    status = 429
    rpc_code = 111
    temporary = True


class UnknownService(Error):
    """The operator named no such service: whoever wrote the action, or the file of services, must say another."""

    code = "unknown_service"
    title = "There is no such service"
    status = 500
    rpc_code = 500
    temporary = False


class ServiceRefused(Error):
    """A service answered that the request is wrong (4xx). `said` is the beginning of what it said."""

    code = "service_refused"
    title = "A service refused the request"
    status = 502
    rpc_code = 502
    temporary = False

    def __init__(self, service: str, upstream_status: int, said: str) -> None:
        self.service = service
        self.upstream_status = upstream_status
        self.said = said
        super().__init__(f"The service {service} refused the request with status {upstream_status}.")


class ServiceFailed(Error):
    """A service answered what nobody can use: a failure of its own (5xx), a redirect, or more than it may."""

    code = "service_failed"
    title = "A service failed"
    status = 502
    rpc_code = 502

    def __init__(self, service: str, what: str, upstream_status: int) -> None:
        self.service, self.what = service, what
        self.upstream_status = upstream_status
        super().__init__(f"The service {service} {what}.")


class Unavailable(Error):
    """A part the answer needs is away. Never an empty answer in its place."""

    code = "unavailable"
    title = "The server cannot answer right now"
    status = 503
    rpc_code = 503
    temporary = True


class Busy(Unavailable):
    """A bounded queue is full; nothing was done."""

    code = "busy"
    title = "The server is busy"


class KeyMissing(Unavailable):
    """A secret cannot be locked or unlocked, because the operator has given no key for it."""

    code = "key_missing"
    title = "A key for secrets is missing"
    temporary = False


class MailMissing(Unavailable):
    """A letter cannot be sent, because the operator has named no mail server."""

    code = "mail_missing"
    title = "This server sends no mail"
    temporary = False


class ServiceAway(Unavailable):
    """A service does not answer in time or at all, or is left alone because it did not."""

    code = "service_away"
    title = "A service does not answer"

    def __init__(self, service: str, what: str, *, retry_after_s: int | None = None) -> None:
        self.service, self.what = service, what
        super().__init__(f"The service {service} {what}.", retry_after_s=retry_after_s)


class StorageFull(Unavailable):
    """The disk of the database has no room; nothing was done. Reading goes on, and so will writing once there is."""

    code = "storage_full"
    title = "The server's disk is full"
    rpc_code = 507


class CommandFailed(Exception):
    """A command of the operator cannot do what it was asked; the message says what to do instead."""
