"""A tap on the sockets of a running world: what its processes and whoever asks them tell each other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from services.config import Sockets
from tests.system.world import World, until


class Tap:
    """Stands between a socket and whoever comes, and keeps what it hears: each way of each connection apart.

    So a key cannot hide in two halves between other messages.
    """

    def __init__(self, socket: Path) -> None:
        self.heard: list[bytearray] = []
        self.name = socket.name
        self._socket = socket
        self._behind = socket.with_name(f"{socket.name}-behind")
        self._passing: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Tap"]:
        """In its owner's place while the block runs; who is connected already is not heard."""
        self._socket.rename(self._behind)
        server = await asyncio.start_unix_server(self._connect, self._socket)
        try:
            yield self
        finally:
            server.close()
            for task in self._passing:
                task.cancel()
            await asyncio.gather(*self._passing, return_exceptions=True)
            with contextlib.suppress(FileNotFoundError):
                # Its owner may have ended meanwhile, and taken both away.
                self._behind.rename(self._socket)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner, outer = await asyncio.open_unix_connection(self._behind)
        except OSError:
            # Its owner has ended: whoever comes finds nobody, as without us.
            writer.close()
            return
        for source, target in ((reader, outer), (inner, writer)):
            self.heard.append(bytearray())
            task = asyncio.create_task(self._pass(source, target, self.heard[-1]))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _pass(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, heard: bytearray
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await source.read(1 << 16):
                heard += piece
                target.write(piece)
                await target.drain()
        target.close()


async def tapped(world: World, stack: contextlib.AsyncExitStack) -> list[Tap]:
    """Taps on every socket of a world, with everybody connected through them."""
    folder = Sockets(world.data).folder
    taps = [Tap(folder / "life")]
    await stack.enter_async_context(taps[0].listening())
    # Who was there before is heard from its restart on; the keeper first, for it makes its sockets anew.
    await restarted(world, "keeper")
    for name in ("work", "control", "ingest"):
        taps.append(await stack.enter_async_context(Tap(folder / name).listening()))
    await restarted(world, "gateway")
    sockets = {path.name.removesuffix("-behind") for path in folder.iterdir() if path.is_socket()}
    assert sockets == {tap.name for tap in taps}
    return taps


async def restarted(world: World, name: str) -> None:
    """Stop one process in order, and wait until all are ready again."""
    before = (await asyncio.to_thread(world.service, name))["pid"]
    done = await asyncio.to_thread(world.command, "restart", name)
    assert done.returncode == 0, done.stderr
    await asyncio.to_thread(until, f"another {name}", lambda: world.service(name).get("pid") != before)
    await asyncio.to_thread(world.ready)
