"""Addresses of letters, as mail servers take them."""

from email import policy
from email.headerregistry import Address

import idna


def read_sender(written: str) -> Address:
    """Who letters come from: `chat@example.org` or `Chat <chat@example.org>`. Raises ValueError."""
    if not written.isprintable():
        raise ValueError("must be one line")
    found = policy.default.header_factory("From", written)
    if len(found.addresses) != 1 or found.defects or not found.addresses[0].domain:
        raise ValueError("must be an address such as chat@example.org or Chat <chat@example.org>")
    address: Address = found.addresses[0]
    return address


def recipient(email: str) -> Address:
    """Where a letter goes. Names of other alphabets are spelled in letters that every server knows.

    Raises ValueError for what is no address, above all for what would be more than one line.
    """
    local, _, domain = email.rpartition("@")
    if not local or not email.isprintable():
        raise ValueError("This is not an address that letters can be sent to.")
    spelled = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    return Address(username=local, domain=spelled)
