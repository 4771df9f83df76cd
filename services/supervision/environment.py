"""The environment of a child: what it needs and nothing else."""

import json
import os
import re
from collections.abc import Mapping

from services.config import AppConfig

_ALLOWED = re.compile(r"PATH|HOME|LANG|LC_ALL|TZ|TMPDIR|(XDG_|PYTHON|PLAYWRIGHT|TILEWRIGHT_).*")

MARK = "TILEWRIGHT_CHILD"
"""Carried by a child and all that it starts, so that what it leaves behind can be found."""


def for_child(
    kind: str, mark: str, settings: AppConfig, given: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The variables for one child. Keys go to generators alone; others learn which models lack one."""
    variables = {name: value for name, value in given.items() if _ALLOWED.fullmatch(name)}
    keys = {variable for model in settings.models if (variable := model.key_variable())}
    for key in keys:
        variables.pop(key, None)
        if kind == "generator" and key in given:
            variables[key] = given[key]
    if kind in ("keeper", "gateway"):
        reasons = {model.model_id: model.why_unavailable() for model in settings.models}
        unavailable = {model_id: reason for model_id, reason in reasons.items() if reason}
        variables["TILEWRIGHT_UNAVAILABLE"] = json.dumps(unavailable)
    variables[MARK] = mark
    return variables
