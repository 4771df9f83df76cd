"""Jobs that a generator must not do, leased out by a keeper that has lost its mind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import zmq

from protocol.message import Layer
from protocol.work import (
    WORK,
    AssetFile,
    Farewell,
    Fetch,
    FetchAsset,
    GenerateWork,
    Goodbye,
    Lease,
    Nack,
    Nacked,
    PaletteWork,
    PixelRef,
    Pixels,
    Ready,
    RenderWork,
    Work,
)
from services.actor import Letter, Mailbox
from services.config import AppConfig
from services.generator.art.palette import count, make
from services.generator.generator import Generator
from services.model import Model
from services.spool import Spool
from services.worker import Worker
from tests.generator.city import layers

CONFIG = AppConfig(
    models=[
        Model(name="Pixel art", model_id="pixel-art", provider="pixel-art"),
        Model(name="Omni", model_id="omni", provider="oxen", api_key="${TILEWRIGHT_NO_SUCH_KEY}"),
    ]
)


class Keeper:
    """A bound socket that leases one job, has the tiles it is given, and remembers the nack."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = f"ipc://{folder}/work"
        self.tiles: dict[tuple[Layer, int, int], bytes] = {}
        self.palette = b""
        self.nack: asyncio.Future[Nack] = asyncio.get_running_loop().create_future()
        self._work: Work | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._mailbox = Mailbox(self._context, self.address, WORK, self._answer)
        self._mailbox.open()

    async def refusal(self, work: Work) -> Nack:
        """Lease the job to a real worker with a real generator; what it says of it."""
        self._work = work
        generator, stop = Generator(CONFIG, Spool(self._folder / "spool")), asyncio.Event()
        worker = Worker(self.address, "generator-1", ["generate", "palette"], generator.perform)
        running = asyncio.create_task(worker.run(stop))
        async with asyncio.timeout(30):
            done, _ = await asyncio.wait([self.nack, running], return_when=asyncio.FIRST_COMPLETED)
        if running in done:
            running.result()
        stop.set()
        await running
        await generator.close()
        return self.nack.result()

    def close(self) -> None:
        self._mailbox.close()
        self._context.term()

    def _answer(self, letters: list[Letter]) -> None:
        for letter in letters:
            body = letter.envelope.body
            if isinstance(body, Ready) and self._work is not None:
                lease = Lease(job=1, token=1, plan="p", step="s", attempt=1, expires_in=60.0, work=self._work)
                self._work = None
                letter.reply(lease)
            elif isinstance(body, Fetch):
                self._send(letter, body)
            elif isinstance(body, FetchAsset):
                letter.reply(AssetFile(name="palette", sha256=""), [self.palette])
            elif isinstance(body, Nack):
                letter.reply(Nacked(job=1, state="error"))
                self.nack.set_result(body)
            elif isinstance(body, Goodbye):
                letter.reply(Farewell(returned=0))

    def _send(self, letter: Letter, fetch: Fetch) -> None:
        found = [(x, y) for x, y in fetch.quadrants if (fetch.layer, x, y) in self.tiles]
        refs = [
            PixelRef(layer=fetch.layer, x=x, y=y, version=1, sha256=f"{fetch.layer}{x},{y}", attachment=i)
            for i, (x, y) in enumerate(found)
        ]
        letter.reply(Pixels(tiles=refs), [self.tiles[fetch.layer, x, y] for x, y in found])


@pytest.fixture
async def keeper(short: Path) -> AsyncIterator[Keeper]:
    keeper = Keeper(short)
    yield keeper
    keeper.close()


def work(*quadrants: tuple[int, int], model_id: str = "pixel-art") -> GenerateWork:
    return GenerateWork(x=0, y=0, quadrants=list(quadrants), model_id=model_id)


BLOCK = ((0, 0), (1, 0), (0, 1), (1, 1))


async def test_a_hole_in_the_context_is_named(keeper: Keeper) -> None:
    keeper.tiles["generation", 0, 0] = layers((0, 0))["render"]
    nack = await keeper.refusal(work((1, 1)))
    assert (nack.error_class, nack.retry) == ("bug", False)
    assert nack.reason == (
        "It would leave a seam: the model would see 0,1, 1,0 still empty. The model was not called."
    )


async def test_a_missing_render_is_named(keeper: Keeper) -> None:
    nack = await keeper.refusal(work(*BLOCK))
    assert (nack.error_class, nack.retry) == ("bug", False)
    assert nack.reason == "There is no render layer of 0,0, 0,1, 1,0, 1,1 yet."


async def test_so_is_one_in_the_halo(keeper: Keeper) -> None:
    for cell in BLOCK:
        for name, content in layers(cell).items():
            keeper.tiles[name, *cell] = content  # type: ignore[index]
    keeper.palette = make(count(np.full((3, 8, 8), 100, np.uint8), np.zeros((8, 8), np.uint8))).dump()
    nack = await keeper.refusal(work(*BLOCK))
    assert nack.error_class == "bug"
    assert nack.reason == "There is no render layer of -1,-1, -1,0, -1,1, -1,2 and 8 more yet."


async def test_a_palette_that_cannot_be_read(keeper: Keeper) -> None:
    keeper.tiles.update({("render", *cell): layers(cell)["render"] for cell in BLOCK})
    keeper.palette = b"not a palette"
    nack = await keeper.refusal(work(*BLOCK))
    assert nack.error_class == "bug"
    assert nack.reason == "The map's palette cannot be read. It is no npz file with colours and a table."


async def test_quadrants_that_are_no_rectangle(keeper: Keeper) -> None:
    nack = await keeper.refusal(work((0, 0), (1, 1)))
    assert (nack.error_class, nack.retry) == ("bug", False)


@pytest.mark.parametrize(
    ("model_id", "error_class", "reason"),
    [
        ("gone", "rejected", "app_config.json has no model gone."),
        ("omni", "unavailable", "TILEWRIGHT_NO_SUCH_KEY is not set."),
    ],
)
async def test_a_model_that_cannot_be_called(
    keeper: Keeper, model_id: str, error_class: str, reason: str
) -> None:
    nack = await keeper.refusal(work(*BLOCK, model_id=model_id))
    assert (nack.error_class, nack.reason, nack.retry) == (error_class, reason, False)


async def test_a_palette_of_nothing(keeper: Keeper) -> None:
    nack = await keeper.refusal(PaletteWork(quadrants=[(0, 0)]))
    assert nack.reason == "There is no render layer of 0,0 yet."


async def test_a_render_job(keeper: Keeper) -> None:
    nack = await keeper.refusal(RenderWork(x=0, y=0, width=1024, height=1024, quadrants=[(0, 0)]))
    assert (nack.error_class, nack.retry) == ("bug", False)
