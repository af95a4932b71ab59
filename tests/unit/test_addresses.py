"""Where a request comes from: what a proxy says is believed only of proxies that the operator trusts."""

import pytest

from folkmoot.addresses import client_address

TRUSTED = ("10.0.0.0/8", "fd00::/8", "127.0.0.1/32")


@pytest.mark.parametrize(
    ("peer", "claimed", "address"),
    [
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", " 203.0.113.9 ", "203.0.113.9"),
        ("fd00::1", "2001:DB8::1", "2001:db8::1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("127.0.0.2", "203.0.113.9", "127.0.0.2"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "203.0.113.9, 198.51.100.1", "10.1.2.3"),
        ("10.1.2.3", "unknown", "10.1.2.3"),
        ("10.1.2.3", "203.0.113.9:80", "10.1.2.3"),
        ("10.1.2.3", "::1\r\nx", "10.1.2.3"),
        ("", "203.0.113.9", ""),
        ("/run/proxy.sock", "203.0.113.9", "/run/proxy.sock"),
    ],
)
def test_a_claim_is_believed_only_of_a_trusted_proxy_and_only_if_it_is_an_address(
    peer: str, claimed: str, address: str
) -> None:
    assert client_address(peer, {"x-real-ip": claimed}, TRUSTED) == address


def test_other_headers_are_never_believed() -> None:
    claims = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9", "true-client-ip": "203.0.113.9"}
    assert client_address("10.1.2.3", claims, TRUSTED) == "10.1.2.3"


def test_nobody_is_trusted_unless_the_operator_says_so() -> None:
    assert client_address("127.0.0.1", {"x-real-ip": "203.0.113.9"}, ()) == "127.0.0.1"
