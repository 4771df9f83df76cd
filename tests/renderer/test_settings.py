"""What the page is told, and that it can be told anything."""

import json

import aiohttp

from services.renderer.settings import script
from services.renderer.site import Site
from services.scene import Camera, Scene
from tests.renderer.bare import Bare
from tests.renderer.conftest import STUB


def told(text: str) -> dict[str, dict[str, object]]:
    """The value that the script assigns; escapes of JSON and of JavaScript are the same here."""
    assert text.startswith("window.tilewrightSettings = ")
    assert text.endswith(";\n")
    found: dict[str, dict[str, object]] = json.loads(text.removeprefix("window.tilewrightSettings = ")[:-2])
    return found


def test_the_page_is_told_the_camera_and_the_source() -> None:
    settings = told(script(Camera(azimuth=30.0), Scene()))
    assert settings["camera"] == Camera(azimuth=30.0).model_dump()
    assert settings["source"] == {"kind": "san-francisco", "tallest": 64}


def test_nothing_in_the_settings_can_leave_its_script() -> None:
    name = "</script><!-- <script> \u2028 é"
    text = script(Camera(), Scene.model_construct(source=name))
    assert "</" not in text
    assert "<!--" not in text
    assert text.isascii()
    assert told(text)["source"]["kind"] == name


async def test_the_site_serves_them_as_a_script() -> None:
    site = Site(STUB, Bare(), script(Camera(elevation=-30.0), Scene()))
    await site.open()
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{site.origin}/settings.js") as answer:
            assert answer.content_type == "text/javascript"
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert told(await answer.text())["camera"]["elevation"] == -30.0
    finally:
        await site.close()
