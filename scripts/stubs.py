"""Writes what protoc makes of `proto/`: into `folkmoot/proto`, and for the example that has stubs of its own."""

from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from grpc_tools import protoc  # type: ignore[import-untyped]  # it has no types

ROOT = Path(__file__).parent.parent
# Where stubs are kept, the package they are imported from there, and the contracts they are made of.
KEPT = (
    (ROOT / "folkmoot" / "proto", "folkmoot/proto", ("api.proto", "folkmoot.proto")),
    (ROOT / "examples" / "grpc-page", "", ("api.proto",)),
)


def made(package: str, contracts: tuple[str, ...]) -> dict[str, str]:
    """The stubs of these contracts, by the names of their files."""
    with TemporaryDirectory(prefix="fm") as folder:
        out = Path(folder)
        options = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
        paths = [f"-I{package}={ROOT / 'proto'}", f"-I{files('grpc_tools') / '_proto'}"]
        sources = [str(ROOT / "proto" / contract) for contract in contracts]
        if protoc.main(["protoc", *paths, *options, *sources]) != 0:
            raise SystemExit("protoc failed; see above.")
        return {path.name: path.read_text() for path in sorted((out / package).glob("*.py*"))}


def main() -> None:
    for folder, package, contracts in KEPT:
        for name, text in made(package, contracts).items():
            (folder / name).write_text(text)


if __name__ == "__main__":
    main()
