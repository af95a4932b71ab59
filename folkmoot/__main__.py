"""`python -m folkmoot`, and the command `folkmoot`."""

from folkmoot.cli import main

if __name__ == "__main__":
    main()
