"""The mail server that takes our letters."""

from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator


class Mail(BaseModel):
    smtp_host: str = Field(
        default="",
        validation_alias="FOLKMOOT_SMTP_HOST",
        description="the mail server that takes our letters; empty: none are sent, and nobody can reset a password "
        "they forgot by themselves",
    )
    smtp_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        validation_alias="FOLKMOOT_SMTP_PORT",
        description="its port; unset: 587 with `starttls`, 465 with `tls`, 25 with `none`",
    )
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        validation_alias="FOLKMOOT_SMTP_TLS",
        description="how the way to it is encrypted: `starttls` from the first command on, or nothing is sent; `tls` "
        "from the first byte; `none` not at all, for a server on this machine",
    )
    smtp_user: str = Field(
        default="", validation_alias="FOLKMOOT_SMTP_USER", description="who we are to it; empty: it asks nobody"
    )
    smtp_password: SecretStr = Field(
        default=SecretStr(""), validation_alias="FOLKMOOT_SMTP_PASSWORD", description="password of that user"
    )
    mail_from: str = Field(
        default="",
        validation_alias="FOLKMOOT_MAIL_FROM",
        description="the address that our letters come from, as chat@example.org or Chat <chat@example.org>",
    )

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if value:
            from folkmoot.mail.addresses import read_sender  # with its library, which not every command needs

            read_sender(value)
        return value

    @model_validator(mode="after")
    def _mail_fits(self) -> Self:
        if self.smtp_host and not self.mail_from:
            raise ValueError("FOLKMOOT_MAIL_FROM must be set, too: the address that letters come from")
        if bool(self.smtp_user) != bool(self.smtp_password.get_secret_value()):
            raise ValueError("FOLKMOOT_SMTP_USER and FOLKMOOT_SMTP_PASSWORD go together")
        return self

    @property
    def sends_mail(self) -> bool:
        return bool(self.smtp_host)
