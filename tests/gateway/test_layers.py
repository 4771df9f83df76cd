"""Layers beside the map: their tiles, their overviews, their way back."""

import io

from PIL import Image

from tests.gateway.house import CONFIG, NIGHT, House, settled
from tests.gateway.indoors import Indoors
from tests.gateway.painter import Painter, colour, png


async def drawn(house: House, model_id: str) -> dict[str, dict[tuple[int, int], int]]:
    """Fill a small region with a model; what stands then, layer by layer."""
    _, answer = await house.post("/api/fill", {"rectangle": [0, 0, 3, 1], "model_id": model_id})
    await settled(house, answer["plan"])
    _, view, _ = await house.get("/api/map?x0=-9&y0=-9&x1=9&y1=9")
    found: dict[str, dict[tuple[int, int], int]] = {}
    for tile in view["tiles"]:
        found.setdefault(tile["layer"], {})[tile["x"], tile["y"]] = tile["version"]
    return found


async def test_a_layer_has_tiles_overviews_and_a_history_of_its_own(house: Indoors) -> None:
    house.configure(models=[*CONFIG["models"], NIGHT])
    await house.open("keeper", "gateway")
    painter = Painter(house)
    try:
        await drawn(house, "pixel-art")
        standing = await drawn(house, "night")
    finally:
        await painter.close()
    assert set(standing["dark"]) == set(standing["generation"])
    version = standing["dark"][1, 1]
    for path in ("/tiles/dark/0/1/1", f"/tiles/dark/0/1/1?v={version}"):
        status, body, _ = await house.picture(path)
        assert (status, body) == (200, png("dark", 1, 1))
    assert (await house.picture(f"/tiles/generation/0/1/1?v={version}"))[0] == 404
    for layer in ("dark", "generation"):
        status, body, _ = await house.picture(f"/tiles/{layer}/2/0/0")
        with Image.open(io.BytesIO(body)) as picture:
            assert picture.getpixel((255, 255)) == (*colour(layer, 1, 1), 255)
    _, figures, _ = await house.get("/api/status")
    assert figures["layers"] == {"dark": 8, "generation": 8}
    _, models, _ = await house.get("/api/models")
    night = next(model for model in models["models"] if model["model_id"] == "night")
    assert (night["output_layer"], night["input_layer"]) == ("dark", "generation")

    status, _ = await house.post("/api/quadrants/1/1/revert", {"version": 0, "layer": "dark"})
    assert status == 200
    assert (await house.picture("/tiles/dark/0/1/1"))[0] == 404
    assert (await house.picture("/tiles/generation/0/1/1"))[0] == 200
    status, refusal = await house.post("/api/quadrants/1/1/revert", {"version": 0, "layer": "Dark!"})
    assert (status, refusal["error"]["code"]) == (400, "BAD_REQUEST")
    # A layer that nobody draws is not there; one that nobody draws any more would be.
    status, refusal, _ = await house.get("/tiles/roofs/0/0/0")
    assert (status, refusal["error"]["message"]) == (404, "Layers are render, generation, dark.")
