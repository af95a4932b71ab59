"""What the service does. Everything else follows from these few lines."""

from typing import Literal

from pydantic import BaseModel, Field

from registry import Registry

registry = Registry()

HELLO = {"en": "Hello", "es": "Hola", "ang": "Wes hāl"}


class Message(BaseModel):
    message: str


class Greeting(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    language: Literal["en", "es", "ang"] = "en"


@registry.handle("GET", "/", gives=Message)
def hello_being() -> Message:
    """Greets whoever is there."""
    return Message(message="Hello, Being!")


@registry.handle("GET", "/hello/<username>", gives=str)
def hello(username: str) -> str:
    """Greets by name, as the other services do."""
    return f"Hello {username} from rest service"


@registry.handle("POST", "/greetings", takes=Greeting, gives=Message, status=201)
def greet(given: Greeting) -> Message:
    """Greets by name, in the language that was asked for."""
    return Message(message=f"{HELLO[given.language]}, {given.name}!")


@registry.handle("GET", "/health", gives=Message)
def health() -> Message:
    """Says that the service is well."""
    return Message(message="well")
