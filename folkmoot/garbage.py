"""Python's collector of cycles, set so that it never stops the loop for long.

A full collection looks at every object there is: with thousands of connections that is a tenth of a second in which
nobody hears anything, and with the defaults it comes again and again while they connect. Nearly everything here is
freed by its reference count; what is left are small cycles that die young.
"""

import gc

YOUNG = 2_000  # new objects between two looks at the young ones: a millisecond at most
MIDDLE = 1  # looks at the young ones before one at all that are left of them: some three milliseconds
OLD = 10_000  # looks at the middle ones before a full collection, which must also have grown by a quarter

LOADING = 20_000  # new objects between two looks while the program is loaded


def spare_the_start() -> None:
    """Looks rarely while the program is loaded: nearly all of it stays, and looking for what does not is a tenth of
    the work of a start. A server sets its own measure when it is ready; a command ends soon.
    """
    gc.set_threshold(LOADING)


def spare_the_loop() -> None:
    """Exempts what was made at start, which stays anyway, and makes full collections rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
