"""For the tests of modules: a real Folkmoot with the module in it, and people who use it.

    from folkmoot.testing import Folkmoot

    pytest_plugins = ["folkmoot.testing.plugin"]

    def test_it_greets(folkmoot: Folkmoot) -> None:
        assert folkmoot.member("Ada").call("hello.greet", name="Bob") == {"text": "Hello Bob, says Ada!"}

It needs pytest and nothing else: no database, no server, no settings.
"""

from folkmoot.testing.people import Folkmoot, Person, Refused

__all__ = ["Folkmoot", "Person", "Refused"]
