"""`folkmoot module new`: a module that works, with a test that passes, to be changed into what is wanted."""

from pathlib import Path
from string import Template

from folkmoot.errors import CommandFailed
from folkmoot.loading.places import NAME, TAKEN

TEMPLATE = Path(__file__).parent / "template"


def make_module(name: str, parent: Path) -> Path:
    """Makes the folder `parent/name`. Raises CommandFailed; what is there already is never touched."""
    if not NAME.fullmatch(name):
        raise CommandFailed(
            f"{name!r} cannot be the name of a module: small letters, digits and underscores, beginning with a letter, "
            "40 at most."
        )
    if name in TAKEN:
        raise CommandFailed(f"Folkmoot has a module {name!r} of its own. Choose another name.")
    folder = parent / name
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise CommandFailed(f"{folder} is there already. Choose another name, or remove it first.") from None
    except OSError as error:
        raise CommandFailed(f"{folder} cannot be made: {error.strerror}.") from None
    for template in sorted(TEMPLATE.glob("*.txt")):
        written = template.name.removesuffix(".txt").replace("test_name", f"test_{name}")
        (folder / written).write_text(Template(template.read_text()).substitute(name=name))
    return folder
