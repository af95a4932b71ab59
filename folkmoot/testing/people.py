"""People who use a server as programs do: over HTTP, with a token."""

from typing import Any, Self
from uuid import uuid4

import httpx

ADMIN_EMAIL, PASSWORD = "admin@localhost", "correct horse battery"  # of servers that live for one test run
API = "/api/v1.0"


class Refused(Exception):
    """The server refused: with a status, a stable code, and messages by field."""

    def __init__(self, answer: httpx.Response) -> None:
        problem = answer.json()
        self.status = answer.status_code
        self.code: str = problem["code"]
        self.fields: dict[str, list[str]] = problem.get("errors", {})
        super().__init__(f"{self.status} {self.code}: {problem['detail']}")


class Person:
    """Somebody who has signed in. `http` sends their token."""

    def __init__(self, url: str, name: str, token: str) -> None:
        self.name = name
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)

    def call(self, method: str, **given: object) -> Any:
        """Performs the action `module.action`, and gives what it answers. Raises Refused."""
        return _answer(self.http.post(f"{API}/actions/{method.replace('.', '/', 1)}", json=given))

    def make_room(self, name: str = "Garden") -> int:
        """A new room that anybody may join."""
        return int(self.call("rooms.create", name=name)["id"])

    def join(self, room_id: int) -> None:
        self.call("rooms.join", room_id=room_id)

    def type(self, room_id: int, text: str) -> str:
        """Types into a room: a message, or a command as `/hello Ada`. Gives what the room or the person sees of it."""
        given = {"room_id": room_id, "client_id": str(uuid4())}
        if not text.startswith("/"):
            return str(self.call("messages.send", body=text, **given)["body"])
        ran = self.call("commands.run", text=text, **given)
        return str(ran["answer"] if ran["event"] is None else ran["event"]["body"])

    def messages(self, room_id: int) -> list[str]:
        """What was said in the room, oldest first."""
        events = self.call("messages.history", room_id=room_id)["events"]
        return [event["body"] for event in events if event["kind"] in ("message", "command")]


class Folkmoot:
    """A running server. `visitor` is somebody who has not signed in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.visitor = httpx.Client(base_url=url, trust_env=False)
        self._people: list[Person] = []

    @property
    def admin(self) -> Person:
        return self._sign_in("admin", ADMIN_EMAIL)

    def member(self, name: str) -> Person:
        """A new member, signed in."""
        email = f"{uuid4().hex}@example.org"
        given = {"email": email, "name": name, "password": PASSWORD}
        self.admin.call("accounts.add", **given)
        return self._sign_in(name, email)

    def _sign_in(self, name: str, email: str) -> Person:
        answer = self.visitor.post(f"{API}/user/auth", json={"email": email, "password": PASSWORD})
        person = Person(self.url, name, _answer(answer)["data"]["access_token"])
        self._people.append(person)
        return person

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for http in (self.visitor, *(person.http for person in self._people)):
            http.close()


def _answer(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    raise Refused(answer)
