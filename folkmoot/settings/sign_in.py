"""Sessions, tokens and passwords, and what is asked of whoever signs in."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr, field_validator


class SignIn(BaseModel):
    session_idle_s: int = Field(
        default=14 * 86_400,
        gt=0,
        validation_alias="FOLKMOOT_SESSION_IDLE_S",
        description="seconds without use after which a session ends",
    )
    session_s: int = Field(
        default=30 * 86_400,
        gt=0,
        validation_alias="FOLKMOOT_SESSION_S",
        description="seconds after which a session ends in any case",
    )
    session_admin_s: int = Field(
        default=86_400, gt=0, validation_alias="FOLKMOOT_SESSION_ADMIN_S", description="the same for admins"
    )
    sessions_per_user: int = Field(
        default=20,
        ge=1,
        validation_alias="FOLKMOOT_SESSIONS_PER_USER",
        description="sessions of one user; past it the one used longest ago ends",
    )
    tokens_per_user: int = Field(
        default=50,
        ge=1,
        validation_alias="FOLKMOOT_TOKENS_PER_USER",
        description="access tokens for programs that one person or bot can have",
    )
    token_days: int = Field(
        default=366,
        ge=1,
        le=36_500,
        validation_alias="FOLKMOOT_TOKEN_DAYS",
        description="days after which an access token ends at the latest",
    )
    password_chars: int = Field(
        default=15,
        ge=8,
        le=64,
        validation_alias="FOLKMOOT_PASSWORD_CHARS",
        description="characters that a new password must have",
    )
    password_chars_second_factor: int = Field(
        default=8,
        ge=8,
        le=64,
        validation_alias="FOLKMOOT_PASSWORD_CHARS_SECOND_FACTOR",
        description="the same for an account with two-step sign-in",
    )
    sign_in_failures: int = Field(
        default=5,
        ge=1,
        validation_alias="FOLKMOOT_SIGN_IN_FAILURES",
        description="wrong passwords for one account from one address, in each window",
    )
    sign_in_window_s: int = Field(
        default=900, ge=1, validation_alias="FOLKMOOT_SIGN_IN_WINDOW_S", description="seconds of that window"
    )
    sign_in_per_minute: int = Field(
        default=20,
        ge=1,
        validation_alias="FOLKMOOT_SIGN_IN_PER_MINUTE",
        description="tries to sign in from one address, for whatever accounts",
    )
    sign_in_account_failures: int = Field(
        default=10,
        ge=1,
        validation_alias="FOLKMOOT_SIGN_IN_ACCOUNT_FAILURES",
        description="wrong passwords for one account in a row, from wherever, after which each further try must wait: "
        "a second, and then twice as long each time. A browser that signed in to the account before need not",
    )
    sign_in_longest_wait_s: int = Field(
        default=900,
        ge=1,
        validation_alias="FOLKMOOT_SIGN_IN_LONGEST_WAIT_S",
        description="the longest such wait, in seconds",
    )
    sign_in_most_failures: int = Field(
        default=100,
        ge=1,
        validation_alias="FOLKMOOT_SIGN_IN_MOST_FAILURES",
        description="wrong passwords for one account in a row after which a further try must wait for a day, or for a "
        "new password by a letter",
    )
    second_factor: Literal["optional", "admins", "all"] = Field(
        default="optional",
        validation_alias="FOLKMOOT_SECOND_FACTOR",
        description="who must have two-step sign-in. Whoever has none yet is led to turn it on, and can do nothing "
        "else till then",
    )
    second_factor_tries: int = Field(
        default=5,
        ge=1,
        validation_alias="FOLKMOOT_SECOND_FACTOR_TRIES",
        description="wrong codes for one account in each window; then the password is asked for anew",
    )
    second_factor_window_s: int = Field(
        default=300, ge=1, validation_alias="FOLKMOOT_SECOND_FACTOR_WINDOW_S", description="seconds of that window"
    )
    reauth_s: int = Field(
        default=600,
        ge=1,
        validation_alias="FOLKMOOT_REAUTH_S",
        description="seconds after which a sign-in must be confirmed, with the password or a code, before tokens, "
        "accounts or the second factor are changed",
    )
    keys: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="FOLKMOOT_KEYS",
        description="keys that lock secrets in the database, as id:base64 with spaces, commas or line breaks between: "
        "the first locks, all unlock. `folkmoot keys new` makes one; `up` keeps its own in the data folder",
    )
    hash_workers: int = Field(
        default=2,
        ge=1,
        validation_alias="FOLKMOOT_HASH_WORKERS",
        description="passwords that one server checks at the same time; never more than it has cores",
    )
    hash_queue: int = Field(
        default=50,
        ge=0,
        validation_alias="FOLKMOOT_HASH_QUEUE",
        description="people who may wait for that; the others are told to come back",
    )
    hash_wait_s: float = Field(
        default=5.0,
        gt=0,
        validation_alias="FOLKMOOT_HASH_WAIT_S",
        description="seconds after which those whose turn has not come are told to come back, too",
    )

    @field_validator("keys")
    @classmethod
    def _keys(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            from folkmoot.keys import read_keys  # with its library, which not every command needs

            read_keys(value.get_secret_value())
        return value
