"""What a world is drawn from: camera and scene, which it keeps from its first render on."""

import json
import logging
from pathlib import Path, PurePosixPath
from typing import Any

from services.config import AppConfig
from services.disk import sync
from services.keeper.database import DatabaseRefused
from services.scene import Camera
from services.section import Keyed

FILE = "viewpoint.json"
UNSEEN = {"api_key", "attribution", "daily_sessions", "endpoint"}
"""Fields of a scene, as far as it has them, that do not show in a picture."""

log = logging.getLogger("keeper")


def keep(data: Path, config: AppConfig, renders: int) -> None:
    """Hold the configuration to what the world's renders were drawn from; raises DatabaseRefused.

    A world without renders takes any camera and scene. One that was drawn before there was this file is
    taken to have been drawn from what the configuration says when it is started next.
    """
    now = _viewpoint(config)
    then = _kept(data / FILE) if renders else None
    if then is None:
        _write(data / FILE, now)
        return
    changed = [
        f"{part}.{field} was {_said(then[part].get(field))} and is {_said(now[part].get(field))}"
        for part in now
        for field in {**now[part], **then[part]}
        if then[part].get(field) != now[part].get(field)
    ]
    if changed:
        raise DatabaseRefused(
            f"The renders in {data} ({renders} quadrants) were drawn otherwise, and new ones would not meet "
            f"them: {'; '.join(changed)}. Set it back in app_config.json, or take another --data folder."
        )


def _viewpoint(config: AppConfig) -> dict[str, dict[str, Any]]:
    """All of camera and scene that shows in a picture; the same files may lie elsewhere, by the same name."""
    scene = _seen(config.scene)
    scene["source"] = config.scene.source
    if config.scene.terrain is not None:
        scene["terrain"] = _seen(config.scene.terrain)
    return {"camera": config.camera.model_dump(mode="json"), "scene": scene}


def _seen(part: Keyed) -> dict[str, Any]:
    seen = part.model_dump(mode="json", exclude=UNSEEN, exclude_none=True, exclude_defaults=True)
    for field, value in seen.items():
        if not isinstance(value, str):
            continue
        if "://" in value:
            # A key may stand behind the question mark under any name.
            seen[field] = value.partition("?")[0]
        elif "{" not in value:
            path = PurePosixPath(value)
            # Most tile sets have one name; the folder tells them apart.
            seen[field] = f"{path.parent.name}/{path.name}" if path.name == "tileset.json" else path.name
    return seen


def _kept(file: Path) -> dict[str, dict[str, Any]] | None:
    """What the file says; None if there is none, or one that says nothing."""
    try:
        found = json.loads(file.read_bytes())
        # A field that there was not then had the value that it has by itself.
        return {
            "camera": {**Camera().model_dump(mode="json"), **found["camera"]},
            "scene": {**found["scene"]},
        }
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        log.warning("%s cannot be read (%s); camera and scene are taken as they are now", file, error)
        return None


def _write(file: Path, viewpoint: dict[str, dict[str, Any]]) -> None:
    content = json.dumps(viewpoint, indent=2) + "\n"
    if file.exists() and file.read_text(errors="replace") == content:
        return
    draft = file.with_suffix(".new")
    draft.write_text(content)
    sync(draft)
    draft.replace(file)
    sync(file.parent)


def _said(value: Any) -> str:
    return "not given" if value is None else str(value)
