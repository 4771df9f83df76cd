"""Passes over HTTP: they follow from what was rendered, exactly as values and in colours as pictures."""

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from protocol.work import RenderWork
from services import passes
from services.planes import Planes
from services.scene import PASSES, Camera, Pass
from services.tiling.quadrant import SIZE, box
from services.worker import Result, Task
from tests.gateway.house import TREE, until
from tests.gateway.indoors import Indoors
from tests.gateway.painter import Painter, paint
from tests.generator.city import draw, layers


def planes(quadrant: tuple[int, int]) -> Planes:
    _, objects, depth = draw(box(quadrant))
    return Planes(box(quadrant), objects, depth)


def image(content: bytes) -> NDArray[np.generic]:
    return np.asarray(Image.open(io.BytesIO(content)))


async def drawn(task: Task) -> Result:
    """Renders of the small drawn world."""
    work = task.lease.work
    if not isinstance(work, RenderWork):
        return await paint(task)
    made = {cell: await asyncio.to_thread(layers, tuple(cell)) for cell in work.quadrants}
    return Result(
        tiles=[(layer, x, y, png) for (x, y), found in made.items() for layer, png in found.items()]  # type: ignore[misc]
    )


@pytest.fixture
async def city(house: Indoors) -> AsyncIterator[Indoors]:
    """A world whose first frame is rendered; it offers every pass."""
    house.configure(passes=list(PASSES))
    await house.open("keeper", "gateway")
    painter = Painter(house, drawn)
    await house.post("/api/render", {"quadrants": [[0, 0]]})

    async def stands() -> bool:
        _, view, _ = await house.get("/api/map?x0=0&y0=0&x1=1&y1=1")
        return len([tile for tile in view["tiles"] if tile["layer"] == "render"]) == 4

    await until(stands, "the first frame to be rendered")
    yield house
    await painter.close()


async def test_a_pass_is_a_layer_of_the_map(city: Indoors) -> None:
    for name in PASSES:
        status, body, headers = await city.picture(f"/tiles/{name}/0/1/0")
        assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "image/png", "no-cache")
        assert np.array_equal(image(body), passes.values(name, planes((1, 0)), Camera()))
        again, nothing, _ = await city.picture(f"/tiles/{name}/0/1/0", If_None_Match=headers["ETag"])
        assert (again, nothing) == (304, b"")
        _, shown, other = await city.picture(f"/tiles/{name}/0/1/0?as=picture&v=77")
        assert np.array_equal(image(shown), passes.picture(name, planes((1, 0)), Camera()))
        assert other["ETag"] != headers["ETag"]
        assert other["Cache-Control"] == "no-cache"
    _, page, _ = await city.picture("/")
    assert json.loads(page.split(b'id="bootstrap">')[1].split(b"</script>")[0])["passes"] == list(PASSES)


async def test_the_example_measures_buildings_from_their_passes(city: Indoors) -> None:
    program = TREE / "examples" / "heights.py"
    command = [sys.executable, str(program), (await city.url("")).rstrip("/")]
    told = await asyncio.to_thread(subprocess.run, [*command, "1", "0"], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")
    one = planes((1, 0))
    ids = passes.object_id(one)
    standing = np.unique(ids[passes.classes(one) == passes.Kind.BUILDING])
    lines = told.stdout.splitlines()
    assert [int(line.split()[1].rstrip(":")) for line in lines] == standing.tolist()
    assert max(float(line.split()[-3]) for line in lines) > 5
    told = await asyncio.to_thread(subprocess.run, [*command, "9", "9"], capture_output=True, text=True)
    assert told.returncode == 1
    assert "Nothing stands at 9,9 in render." in told.stderr


@pytest.mark.parametrize("name", ["depth16", "class"])
async def test_from_afar_pictures_are_averaged_and_values_are_refused(city: Indoors, name: Pass) -> None:
    status, body, headers = await city.picture(f"/tiles/{name}/1/0/0?as=picture")
    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    half = image(body).astype(int)
    assert half.shape == (SIZE, SIZE, 4)
    whole = passes.picture(name, planes((1, 0)), Camera()).astype(int)
    mean = whole.reshape(SIZE // 2, 2, SIZE // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(half[: SIZE // 2, SIZE // 2 :, :3] - mean).max() <= 0.5
    status, body, _ = await city.picture(f"/tiles/{name}/2/0/0?as=picture", If_None_Match=headers["ETag"])
    assert status == 200
    status, refusal, _ = await city.get(f"/tiles/{name}/1/0/0")
    assert (status, refusal["error"]["code"]) == (400, "BAD_REQUEST")
    assert refusal["error"]["message"] == (
        f"Values of {name} cannot be averaged, so they are at z 0 alone; add as=picture."
    )


async def test_what_is_not_offered_or_not_there_is_refused_with_a_sentence(city: Indoors) -> None:
    assert (await city.picture("/tiles/class/0/9/9"))[0] == 404
    assert (await city.picture("/tiles/class/0/9/9?look=1"))[0] == 204
    assert (await city.picture("/tiles/class/3/9/9?as=picture&look=1"))[0] == 204
    status, refusal, _ = await city.get("/tiles/class/0/0/0?as=colours")
    assert (status, refusal["error"]["message"]) == (400, "as: it must be values or picture.")


async def test_a_pass_that_the_configuration_does_not_name_is_not_offered(door: Indoors) -> None:
    status, refusal, _ = await door.get("/tiles/depth16/0/0/0")
    assert (status, refusal["error"]["code"]) == (404, "UNKNOWN_TILE")
    assert refusal["error"]["message"] == "Layers are render, generation; add depth16 to passes."
    status, refusal, _ = await door.get("/tiles/Roofs/0/0/0")
    assert (status, refusal["error"]["message"]) == (404, "Layers are render, generation.")
