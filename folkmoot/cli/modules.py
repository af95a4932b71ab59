"""`folkmoot module`: make modules, and see which are loaded."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from folkmoot.cli.terminal import out

module = typer.Typer(help="Modules of your own: make one, see what is loaded.", no_args_is_help=True)


@module.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Small letters, digits and underscores.")],
    folder: Annotated[Path, typer.Option("--in", help="Folder to make it in.")] = Path("modules"),
) -> None:
    """Make a module with a test that passes, in the folder `modules`. Nothing that is there is overwritten."""
    from folkmoot.scaffold import make_module

    made = make_module(name, folder)
    out.print(f"Made {made}.", markup=False, soft_wrap=True)
    out.print(f"  Test it:  python -m pytest {made}", markup=False, soft_wrap=True)
    out.print(f"  Load it:  FOLKMOOT_MODULES={made} folkmoot up", markup=False, soft_wrap=True)


@module.command("list")
def list_modules() -> None:
    """List the modules with their actions, and say what is wrong with those that cannot be loaded."""
    from folkmoot.loading.modules import load_modules
    from folkmoot.settings import load_settings

    modules = load_modules(load_settings(modules_strict=False), report=lambda failure: None)  # it is said below
    for loaded in modules.loaded:
        title = f"{loaded.name}  {loaded.place.folder}" if loaded.place else loaded.name
        out.print(title, style="bold", markup=False, soft_wrap=True)
        for action in sorted(loaded.actions, key=lambda action: action.name):
            about = " ".join(action.about.partition("\n\n")[0].split())
            command = f" /{action.command}" if action.command else ""
            line = f"  {action.method:<28} {action.access.value:<7} {about}{command}"
            out.print(line, markup=False, soft_wrap=True)
    for failure in modules.failures:
        out.print(f"[red]✗[/red] {escape(str(failure))}", soft_wrap=True)
    if modules.failures:
        raise typer.Exit(1)
