"""What the page is told before its own script runs: the camera, and the source that it draws."""

import json

from services.scene import Camera, Scene


def script(camera: Camera, scene: Scene) -> str:
    """The text of `/settings.js`: one assignment to `window.tilewrightSettings`.

    Safe in a file of its own and inside a page: all is ASCII, and nothing in it can close a script element.
    """
    source: dict[str, object] = {"kind": scene.source, "tallest": scene.tallest_metres}
    source |= {
        name: value
        for name, value in (("ground", scene.ground), ("detail", scene.detail))
        if value is not None
    }
    if scene.terrain is not None:
        level = scene.terrain.level
        source["terrain"] = {"lowest": scene.terrain.lowest - level, "highest": scene.terrain.highest - level}
    settings = {
        "camera": camera.model_dump(mode="json"),
        "source": source,
    }
    text = json.dumps(settings, allow_nan=False).replace("</", "<\\/").replace("<!--", "<\\u0021--")
    return f"window.tilewrightSettings = {text};\n"
