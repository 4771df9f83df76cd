"""The environment of a child: what it needs and nothing else."""

import os
import re
from collections.abc import Mapping

from services.supervision.configuration import Configuration

_ALLOWED = re.compile(r"PATH|HOME|LANG|LC_ALL|TZ|TMPDIR|(XDG_|PYTHON|PLAYWRIGHT|TILEWRIGHT_).*")

MARK = "TILEWRIGHT_CHILD"
"""Carried by a child and all that it starts, so that what it leaves behind can be found."""
CONFIG, UNAVAILABLE = "TILEWRIGHT_CONFIG", "TILEWRIGHT_UNAVAILABLE"
"""What a process reads of them, services/process.py says."""


def for_child(
    kind: str, mark: str, configuration: Configuration, given: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The variables for one child.

    The keys of models go to generators alone; others learn which models lack one. Those of the scene's tiles
    go to renderers alone.
    """
    variables = {name: value for name, value in given.items() if _ALLOWED.fullmatch(name)}
    for model in configuration.settings.models:
        variables.pop(model.key_variable() or "", None)
    scene = configuration.settings.scene
    for part in scene.keyed:
        variables.pop(part.key_variable() or "", None)
    variables.pop(UNAVAILABLE, None)
    if kind == "generator":
        variables |= configuration.keys()
    elif kind == "renderer" and scene.calls_servers:
        variables |= configuration.scene_keys()
    else:
        # It calls nobody outside, but to import an HTTP server is to read every certificate authority twice.
        variables["SSL_CERT_FILE"] = os.devnull
    if kind in ("keeper", "gateway"):
        variables[UNAVAILABLE] = str(configuration.reasons)
    # Pydantic would look through every installed package for plugins of its own.
    variables["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    return variables | {CONFIG: str(configuration.path), MARK: mark}
