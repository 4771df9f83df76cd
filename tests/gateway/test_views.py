"""The studio's page and its files."""

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.gateway.house import CANARY, House

PAGE = """<!doctype html><html><head><title>Studio</title>
<script type="application/json" id="bootstrap"></script>
<script type="module" src="./assets/index-abc123.js"></script></head><body></body></html>"""


@pytest.fixture(scope="module")
def served() -> Iterator[House]:
    """A gateway that serves a studio with a few files; a process, since it is asked for its log."""
    folder = Path(tempfile.mkdtemp(prefix="tw-"))
    house = House(folder)
    (house.studio / "assets").mkdir(parents=True)
    (house.studio / "index.html").write_text(PAGE)
    (house.studio / "icon.svg").write_text("<svg/>")
    (house.studio / "assets" / "index-abc123.js").write_text("export {}")
    (house.studio / "assets" / "key.js").symlink_to(house.config)
    (house.studio / "out").symlink_to(house.folder)
    house.start("gateway")
    yield house
    house.close()
    shutil.rmtree(folder)


@pytest.fixture
async def studio(served: House) -> AsyncIterator[House]:
    """The one gateway of this module, asked by this test."""
    async with aiohttp.ClientSession() as served.session:
        await served.url("")
        yield served


def bootstrap(html: str) -> dict[str, object]:
    found = re.findall(r'<script type="application/json" id="bootstrap">(.*?)</script>', html, re.S)
    assert len(found) == 1
    content = json.loads(found[0])
    assert isinstance(content, dict)
    return content


async def test_the_page_knows_its_models_before_it_asks(studio: House) -> None:
    status, body, headers = await studio.picture("/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    content = bootstrap(body.decode())
    assert content["world"] == "Test </script><b>city"
    assert content["default_model_id"] == "pixel-art"
    assert content["quadrant_size"] == 512
    assert "OpenStreetMap" in str(content["attribution"])
    assert content["camera"] == {
        "latitude": 37.7664,
        "longitude": -122.4481,
        "azimuth": -15.0,
        "elevation": -45.0,
        "metres_per_pixel": 0.29296875,
    }
    models = content["models"]
    assert isinstance(models, list)
    assert [(m["name"], m["model_id"], m["available"]) for m in models] == [
        ("Pixel art", "pixel-art", True),
        ("Chunky", "chunky", True),
        ("Paid", "paid", True),
        ("Keyless", "keyless", False),
    ]
    assert models[3]["reason"] == "NO_SUCH_KEY is not set."
    assert models[0]["prompt"] == "a city"


async def test_a_key_never_leaves(studio: House) -> None:
    paths = ("/", "/api/models", "/api/status", "/metrics", "/health", "/api/nothing", "/out/app_config.json")
    for _, body, _ in await asyncio.gather(*map(studio.picture, paths)):
        assert CANARY.encode() not in body
        assert b"models.invalid" not in body
    await studio.post("/api/generate", {"quadrants": [[0, 0]], "model_id": "nobody"})
    assert CANARY not in studio.out("gateway")


async def test_the_supervisor_says_which_models_cannot_be_called(mortal_house: House, tmp_path: Path) -> None:
    house = mortal_house
    told = tmp_path / "unavailable.json"
    told.write_text(json.dumps({"paid": "PAID_KEY is not set."}))
    house.environment["TILEWRIGHT_UNAVAILABLE"] = str(told)
    await house.open("gateway")
    _, answer, _ = await house.get("/api/models")
    shown = {model["model_id"]: (model["available"], model["reason"]) for model in answer["models"]}
    assert shown["paid"] == (False, "PAID_KEY is not set.")
    assert shown["keyless"] == (True, "")
    status, answer = await house.post("/api/generate", {"quadrants": [[0, 0]], "model_id": "paid"})
    assert (status, answer["error"]["code"]) == (409, "MODEL_UNAVAILABLE")
    assert "PAID_KEY is not set." in answer["error"]["message"]


async def test_files_named_by_their_content_are_kept_for_ever(studio: House) -> None:
    status, body, headers = await studio.picture("/assets/index-abc123.js")
    assert (status, body) == (200, b"export {}")
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "javascript" in headers["Content-Type"]
    status, _, headers = await studio.picture("/icon.svg")
    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    assert headers["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize(
    "path", ["/assets/key.js", "/out/app_config.json", "/assets", "/assets/", "/index.html/x", "/.hidden"]
)
async def test_nothing_but_its_own_files_is_served(studio: House, path: str) -> None:
    status, body, _ = await studio.picture(path)
    assert status == 404
    assert json.loads(body)["error"]["code"] == "NOT_FOUND"


async def test_without_a_built_studio_it_says_how_to_build_one(house: House) -> None:
    await house.open("gateway")
    status, body, _ = await house.picture("/")
    assert status == 200
    assert b"make run" in body
    assert bootstrap(body.decode())["quadrant_size"] == 512
