"""Every sentence of our letters, by language. A further language is a further entry with the same keys."""

from typing import TypedDict


class Words(TypedDict):
    greeting: str
    footer: str
    reset_subject: str
    reset_asked: str
    reset_button: str
    reset_holds: str
    reset_not_you: str
    some_device: str
    notice_when: str
    notice_not_you: str
    notices: dict[str, tuple[str, str]]  # subject, and what happened


WORDS: dict[str, Words] = {
    "en": {
        "greeting": "Hello {name},",
        "footer": "Sent by Folkmoot at {server}, because you have an account there.",
        "reset_subject": "Choose a new password for {host}",
        "reset_asked": "Somebody, probably you, asked for a new password of your account {email} at {server}.",
        "reset_button": "Choose a new password",
        "reset_holds": "The link works once, for {minutes} minutes. A newer letter makes it good for nothing.",
        "reset_not_you": "If it was not you, do nothing: your password stays as it is.",
        "some_device": "an unknown device",
        "notice_when": "That was on {when}, from the address {address}.",
        "notice_not_you": "If it was not you, somebody else can use your account: choose a new password now, with "
        "“Forgot your password?” at {server}, and tell your admin.",
        "notices": {
            "trial": (
                "A letter from Folkmoot",
                "Letters from {server} arrive. An admin, probably you, asked for this one.",
            ),
            "sign_in": (
                "A new sign-in to your account",
                "Somebody signed in to your account {email} at {server} with {device}, from where you have not been "
                "before.",
            ),
            "password_changed": (
                "Your password was changed",
                "The password of your account {email} was changed in its settings, and all its other sign-ins ended.",
            ),
            "password_reset": (
                "Your password was changed",
                "The password of your account {email} was changed with the link of a letter, and the account was "
                "signed out everywhere. Its access tokens have ended, too.",
            ),
            "password_set": (
                "Your password was changed",
                "An admin gave your account {email} another password, and it was signed out everywhere.",
            ),
            "second_factor_on": (
                "Two-step sign-in is on",
                "Two-step sign-in was turned on for your account {email}, and it was signed out everywhere else.",
            ),
            "second_factor_off": (
                "Two-step sign-in is off",
                "Two-step sign-in was turned off for your account {email}: only its password protects it now.",
            ),
            "second_factor_reset": (
                "Two-step sign-in is off",
                "The operator of {server} turned off two-step sign-in for your account {email}, and it was signed out "
                "everywhere: only its password protects it now.",
            ),
            "recovery_codes_renewed": (
                "New recovery codes",
                "New recovery codes were made for your account {email}. The earlier ones are good for nothing.",
            ),
            "recovery_code_used": (
                "A recovery code was used",
                "Somebody signed in to your account {email} with its password and a recovery code.",
            ),
            "token_made": (
                "A new access token",
                "An access token was made for your account {email}. A program can use it until it ends.",
            ),
        },
    },
}
