"""YAML as plain values that remember their lines, so that a mistake can be found by who made it."""

from collections.abc import Iterator
from typing import Any

import yaml

Place = tuple[int | str, ...]  # the keys that lead to a value


class Nodes:
    """One text, read. `plain` is its mapping; `mistakes` are those of the YAML itself, with their lines."""

    def __init__(self, text: str) -> None:
        self.mistakes: list[tuple[int, str]] = []
        self._lines: dict[Place, int] = {(): 1}
        self._seen: set[int] = set()
        root = self._root(text)
        self.plain: dict[str, Any] = self._value(root, ()) if root else {}

    def line(self, place: Place) -> int:
        """The line of a value, or of the nearest that it should have been in."""
        while place not in self._lines:
            place = place[:-1]
        return self._lines[place]

    def _root(self, text: str) -> yaml.MappingNode | None:
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.mistakes.append((mark.line + 1 if mark else 1, f"this is not YAML: {error.problem or error.context}"))
        except (yaml.YAMLError, RecursionError):  # characters that YAML does not know, or nested without end
            self.mistakes.append((1, "this is not YAML"))
        else:
            if isinstance(root, yaml.MappingNode):
                return root
            says = "the file is empty" if root is None else "the file is no mapping"
            line = root.start_mark.line + 1 if root else 1
            self.mistakes.append((line, f"{says}: it must name services, each with its `base_uri`"))
        return None

    def _value(self, node: yaml.Node, place: Place) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        if id(node) in self._seen:  # an alias of aliases could also grow without end
            self._mistake(node, place, "is an alias: write it out instead")
            return {}
        self._seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self._value(below, (*place, number)) for number, below in enumerate(node.value)]
        pairs = self._pairs(node.value, place)
        return {key: self._value(below, (*place, key)) for key, below in pairs}

    def _pairs(self, pairs: list[tuple[yaml.Node, yaml.Node]], place: Place) -> Iterator[tuple[str, yaml.Node]]:
        first: dict[str, int] = {}
        for key, value in pairs:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._mistake(key, place, "has a key that is no text")
            elif key.value in first:
                self._mistake(key, (*place, key.value), f"is here twice: first in line {first[key.value]}")
            else:
                first[key.value] = self._lines[(*place, key.value)] = line
                yield key.value, value

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> object:
        try:
            return yaml.SafeLoader("").construct_object(node)
        except (yaml.YAMLError, ValueError):
            self._mistake(node, place, f"cannot be read as {node.tag.removeprefix('tag:yaml.org,2002:')}")
            return None

    def _mistake(self, node: yaml.Node, place: Place, says: str) -> None:
        self.mistakes.append((node.start_mark.line + 1, f"{named(place)} {says}"))


def named(place: Place) -> str:
    """A place as people write it: `flask.headers.Accept`."""
    return ".".join(str(part) for part in place if part != "[key]") or "the file"
