"""Which passwords may be chosen: long ones, and none that is tried first everywhere. Nothing is said of what must be in
one: such rules make passwords that are alike (NIST SP 800-63B-4, ASVS 5.0 6.2).
"""

import re
from functools import cache

from folkmoot.errors import Invalid
from folkmoot.settings import Settings

OURS = re.compile(r"[\W\d_]*(folkmoot[\W\d_]*)+")  # our name, however often and with whatever numbers
SHORTEST_PIECE = 4  # of what is only said again and again
AGAIN = re.compile(r"(.+?)\1+")


def check_choice(settings: Settings, password: str, *, has_second_factor: bool, field: str = "password") -> None:
    """Raises Invalid for a password that is too short for such an account, or that is guessed first."""
    shortest = settings.password_chars_second_factor if has_second_factor else settings.password_chars
    if len(password) < shortest:
        raise Invalid(fields={field: [f"Shorter than minimum length {shortest}. A few words will do."]})
    small = password.casefold()
    again = AGAIN.fullmatch(small)
    piece = again[1] if again else small
    if len(piece) < SHORTEST_PIECE or piece in _common() or OURS.fullmatch(small):
        raise Invalid(fields={field: ["This is one of the passwords that are guessed first."]})


@cache
def _common() -> frozenset[str]:
    """The 30,000 most common ones. They are loaded with the first choice: most servers never see one."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])
