"""Sanic's application, with the types it leaves open."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeAlias

from sanic import Sanic
from sanic.config import Config

if TYPE_CHECKING:
    Application: TypeAlias = Sanic[Config, SimpleNamespace]
else:
    Application = Sanic
