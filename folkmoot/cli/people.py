"""`folkmoot user`: people's accounts."""

from typing import Annotated

import typer
from rich.markup import escape

from folkmoot.cli.terminal import Data, ask_password, out, run, settings_of, table_of

user = typer.Typer(help="People's accounts: add, list, give a new password, disable.", no_args_is_help=True)


@user.command("add")
def user_add(
    email: str,
    name: Annotated[str, typer.Option(help="How others see them. [default: the part before the @]")] = "",
    admin: Annotated[bool, typer.Option("--admin", help="May manage accounts.")] = False,
    generate: Annotated[bool, typer.Option("--generate", help="Make a password and show it once.")] = False,
    data: Data = None,
) -> None:
    """Add an account. The password is asked for, read from a pipe, or made with --generate."""
    from folkmoot import commands

    password = commands.new_password() if generate else ask_password()
    account = run(
        commands.add_user(
            settings_of("warning", data=data), email, name or email.partition("@")[0], password, admin=admin
        )
    )
    out.print(f"Added {account.name} <{account.email}> as {account.role}.", markup=False, soft_wrap=True)
    if generate:
        out.print(f"Password (shown only now): {password}", markup=False, soft_wrap=True)


@user.command("list")
def user_list(data: Data = None) -> None:
    """List all accounts."""
    from folkmoot import commands

    table = table_of("id", "email", "name", "role", "since", "state")
    for account in run(commands.list_users(settings_of("warning", data=data))):
        state = "disabled" if account.disabled else "active"
        table.add_row(
            str(account.id),
            escape(account.email),
            escape(account.name),
            account.role,
            f"{account.created_at:%Y-%m-%d}",
            state,
        )
    out.print(table)


@user.command("password")
def user_password(
    email: str,
    generate: Annotated[bool, typer.Option("--generate", help="Make a password and show it once.")] = False,
    data: Data = None,
) -> None:
    """Give an account a new password. It is signed out everywhere, and its second factor stays."""
    from folkmoot import commands

    password = commands.new_password() if generate else ask_password()
    run(commands.set_password(settings_of("warning", data=data), email, password))
    out.print(f"{email} has a new password, and is signed out everywhere.", markup=False, soft_wrap=True)
    if generate:
        out.print(f"Password (shown only now): {password}", markup=False, soft_wrap=True)


@user.command("reset-second-factor")
def user_reset_second_factor(email: str, data: Data = None) -> None:
    """Forget the second factor of somebody who lost it. They are signed out everywhere, and their tokens end.

    Be sure that it is they who ask: afterwards their password alone lets in.
    """
    from folkmoot import commands

    had_one = run(commands.reset_second_factor(settings_of("warning", data=data), email))
    says = "has no second factor any more, and is signed out everywhere" if had_one else "has no second factor"
    out.print(f"{email} {says}.", markup=False, soft_wrap=True)


@user.command("enable")
def user_enable(email: str, data: Data = None) -> None:
    """Open a disabled account again."""
    from folkmoot import commands

    run(commands.enable_user(settings_of("warning", data=data), email))
    out.print(f"{email} is enabled.", markup=False, soft_wrap=True)


@user.command("disable")
def user_disable(email: str, data: Data = None) -> None:
    """Shut an account: it is signed out everywhere at once, and what it wrote stays."""
    from folkmoot import commands

    run(commands.disable_user(settings_of("warning", data=data), email))
    out.print(f"{email} is disabled.", markup=False, soft_wrap=True)
