"""The service container: named HTTP services from a YAML file, for actions and slash commands to call."""

from folkmoot.services.answer import Answer
from folkmoot.services.container import Services
from folkmoot.services.file import BadServices
from folkmoot.services.paths import UnsafePath, fill
from folkmoot.services.service import Health, Service

__all__ = ["Answer", "BadServices", "Health", "Service", "Services", "UnsafePath", "fill"]
