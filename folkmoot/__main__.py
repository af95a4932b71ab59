"""`python -m folkmoot`, and the command `folkmoot`."""

from folkmoot.garbage import spare_the_start


def main() -> None:
    """Loads the program, and runs the command that was given."""
    spare_the_start()
    from folkmoot.cli import main

    main()


if __name__ == "__main__":
    main()
