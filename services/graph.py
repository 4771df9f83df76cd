"""A ComfyUI graph, as its "Export (API)" writes it: which input of which node is told what."""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT_BYTES = 1 << 20
INPUTS = {
    "image": "image",
    "mask": "image",
    "prompt": "text",
    "negative_prompt": "text",
    "guidance": "cfg",
}
"""The input that is meant where only a node is named; of all others the one of that very name."""
OUTPUT = "output"
"""The name of the node whose picture is taken."""


class BadGraph(ValueError):
    """Raised for a graph that cannot be used; says why in one sentence."""


@dataclass(frozen=True)
class Graph:
    """The nodes of a graph, and the inputs that are told something, by what they are told."""

    nodes: Mapping[str, Any]
    places: Mapping[str, tuple[str, str]]
    output: str | None
    """The node whose picture is taken; None for the first that has one."""
    digest: str
    """Of the file."""

    def filled(self, values: Mapping[str, object]) -> dict[str, Any]:
        """The graph with these values in their places; those that have none are left out."""
        nodes = copy.deepcopy(dict(self.nodes))
        for name, value in values.items():
            if name in self.places:
                node, field = self.places[name]
                nodes[node]["inputs"][field] = value
        return nodes


def read(path: Path, wanted: Mapping[str, str]) -> Graph:
    """The graph in a file; `wanted` names a node, or `node.input`, for what it is told. Raises BadGraph."""
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise BadGraph(f"Its graph {path.name} cannot be read ({error.strerror}).") from None
    if len(content) > LIMIT_BYTES:
        raise BadGraph(f"Its graph {path.name} is larger than {LIMIT_BYTES >> 20} MiB.")
    try:
        nodes = json.loads(content)
    except (ValueError, RecursionError):
        raise BadGraph(f"Its graph {path.name} is not JSON.") from None
    if not isinstance(nodes, dict) or not nodes or not all(_is_node(node) for node in nodes.values()):
        raise BadGraph(f'{path.name} is no graph for programs; save it with "Export (API)" in ComfyUI.')
    places: dict[str, tuple[str, str]] = {}
    for name, place in wanted.items():
        node, _, field = place.partition(".")
        if node not in nodes:
            raise BadGraph(f"Its graph {path.name} has no node {node}, which nodes.{name} names.")
        places[name] = node, field or INPUTS.get(name, name)
    output = places.pop(OUTPUT, (None, ""))[0]
    return Graph(nodes, places, output, hashlib.sha256(content).hexdigest())


def _is_node(node: object) -> bool:
    return isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict)
