"""`folkmoot bot`: accounts of programs."""

from typing import Annotated

import typer

from folkmoot.cli.terminal import Data, out, run, settings_of

bot = typer.Typer(help="Accounts of programs, which have a token instead of a password.", no_args_is_help=True)


@bot.command("add")
def bot_add(
    name: Annotated[str, typer.Argument(help="How others see it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What its token may do: a module, an action, or all; may be given again. [default: all]"),
    ] = None,
    days: Annotated[int, typer.Option(help="How long its token holds.")] = 90,
    data: Data = None,
) -> None:
    """Add a bot, and show its token once. A member of a room takes it in as they do people."""
    from folkmoot import commands

    made, token = run(commands.add_bot(settings_of("warning", data=data), name, scope or ["all"], days))
    out.print(f"Added the bot {made.name}.", markup=False, soft_wrap=True)
    out.print(f"Token (shown only now): {token.token}", markup=False, soft_wrap=True)
