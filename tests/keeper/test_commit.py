"""Results: exactly what was owed, on disk before they are in the map, in the map once."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import zmq
from PIL import Image

from protocol.control import GetQuadrant, Quadrant
from protocol.errors import Code
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.region import Render
from protocol.work import (
    Acked,
    AssetFile,
    Fetch,
    FetchAsset,
    Lease,
    Pixels,
    TileImage,
)
from services.config import Sockets
from tests.keeper.house import CONFIG, RGB, RGBA, House, Peer, island, png, result

TREE = Path(__file__).resolve().parents[2]


@pytest.fixture
def lease(house: House, control: Peer, worker: Peer) -> Lease:
    control.ask(Render(plan="r", quadrants=[(0, 0)]), Accepted)
    return worker.lease("render")


def animated() -> bytes:
    content = io.BytesIO()
    frames = [Image.new("RGB", (512, 512), (i, i, i)) for i in range(2)]
    frames[0].save(content, "PNG", save_all=True, append_images=frames[1:])
    return content.getvalue()


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (b"", "is not a PNG file"),
        (b"<html>busy</html>", "is not a PNG file"),
        (RGB[:-20], "cut short"),
        (RGB[:60] + b"\x00\x01\x02" + RGB[63:], "cannot be decoded"),
        (png(size=(512, 511)), "512×511 px instead of 512×512"),
        (png(size=(9_400, 9_400)), "9400×9400 px"),
        (png("L"), "mode L instead of RGB"),
        (RGBA, "mode RGBA instead of RGB"),
        (animated(), "animated"),
    ],
)
def test_a_bad_image_is_refused_and_the_lease_stays(
    house: House, worker: Peer, lease: Lease, image: bytes, says: str
) -> None:
    ack, images = result(lease)
    error = worker.ask(ack, Error, [image, images[1]])

    assert error.code == Code.BAD_IMAGE
    assert says in error.message
    assert house.job(lease.job).state == "processing"
    assert house.map().tiles == []
    worker.ack(lease)


def test_a_result_has_exactly_the_tiles_that_are_owed(house: House, worker: Peer, lease: Lease) -> None:
    ack, images = result(lease)
    extra = TileImage(layer="render", x=9, y=9, attachment=0)
    for tiles, code in (
        (ack.tiles[1:], Code.BAD_IMAGE),
        ([*ack.tiles, extra], Code.BAD_IMAGE),
        ([*ack.tiles, ack.tiles[0]], Code.BAD_IMAGE),
        ([*ack.tiles[1:], ack.tiles[0].model_copy(update={"attachment": 7})], Code.BAD_FRAMES),
    ):
        wrong = ack.model_copy(update={"tiles": tiles})
        assert worker.ask(wrong, Error, images).code == code
    assert house.map().tiles == []


def test_padding_is_not_handed_in_and_scaffold_is(house: House, worker: Peer) -> None:
    step = island(0, 0).model_copy(
        update={"quadrants": [(0, 0)], "padding": [(1, 0), (1, 1)], "scaffold": [(0, 1)]}
    )
    house.publish(step)
    worker.work_off("render")
    lease = worker.lease("generate")
    ack, images = result(lease)
    padding = TileImage(layer="generation", x=1, y=0, attachment=0)

    wrong = ack.model_copy(update={"tiles": [*ack.tiles, padding]})
    assert worker.ask(wrong, Error, images).code == Code.BAD_IMAGE
    worker.ack(lease)
    tiles = [(tile.x, tile.y) for tile in house.map().tiles if tile.layer == "generation"]
    assert tiles == [(0, 0)]


def test_the_same_result_again_is_acknowledged_again_and_committed_once(
    house: House, worker: Peer, lease: Lease
) -> None:
    body, images = result(lease)
    for _ in range(3):
        worker.send(body, images)
    assert isinstance(worker.hear().body, Acked)
    worker.ack(lease)

    house.close()
    assert house.select("SELECT count(*) FROM tile_versions") == [(12,)]
    assert house.select("SELECT count(*) FROM orphan_results") == [(0,)]


def test_of_results_that_come_together_the_bad_one_alone_is_refused(
    house: House, control: Peer, worker: Peer
) -> None:
    control.ask(Render(plan="r", quadrants=[(8 * i, 0) for i in range(5)]), Accepted)
    leases = [worker.lease("render") for _ in range(5)]
    with house.held():
        for lease in leases:
            ack, images = result(lease)
            worker.send(ack, [b"<html>busy</html>", images[1]] if lease is leases[2] else images)
            worker.send(ack, images[:1])
    answers = [worker.hear().body for _ in range(10)]

    refused = [answer for answer in answers if isinstance(answer, Error)]
    assert sorted(error.code for error in refused) == [Code.BAD_FRAMES] * 5 + [Code.BAD_IMAGE]
    states = [house.job(lease.job).state for lease in leases]
    assert states == ["complete", "complete", "processing", "complete", "complete"]


def test_pixels_come_back_as_they_were_handed_in(house: House, worker: Peer, lease: Lease) -> None:
    worker.ack(lease)
    envelope = worker.exchange(Fetch(layer="object", quadrants=[(1, 1), (5, 5), (0, 0)]))

    assert isinstance(envelope.body, Pixels)
    assert [(tile.x, tile.y) for tile in envelope.body.tiles] == [(1, 1), (0, 0)]
    assert [envelope.attachments[tile.attachment] for tile in envelope.body.tiles] == [RGBA, RGBA]
    version = envelope.body.tiles[0].version
    by_number = worker.ask(Fetch(versions=[version, 999]), Pixels)
    assert [tile.version for tile in by_number.tiles] == [version]


def test_every_version_says_where_it_came_from(
    house: House, control: Peer, worker: Peer, lease: Lease
) -> None:
    worker.ack(lease)
    control.ask(Render(plan="again", quadrants=[(0, 0)]), Accepted)
    worker.work_off("render")
    found = control.ask(GetQuadrant(x=0, y=0), Quadrant)

    renders = [version for version in found.versions if version.layer == "render"]
    assert [version.plan for version in renders] == ["again", "r"]
    assert [version.current for version in renders] == [True, False]
    assert renders[0].worker == "painter"
    assert [job.plan for job in found.jobs] == ["again", "r"]


def test_the_palette_is_kept_with_the_map(house: House, control: Peer, worker: Peer) -> None:
    assert control.ask(FetchAsset(name="palette"), Error).code == Code.UNKNOWN_TILE
    house.publish(island(0, 0), model_id="pixel-art")
    worker.work_off()
    envelope = control.exchange(FetchAsset(name="palette"))
    assert isinstance(envelope.body, AssetFile)
    assert envelope.attachments == [b"palette"]


@pytest.mark.parametrize(
    ("place", "done"), [("blobs_written", False), ("before_commit", False), ("after_commit", True)]
)
def test_killed_around_the_commit_a_job_is_done_exactly_once(short: Path, place: str, done: bool) -> None:
    """SIGKILL between the images on disk and the commit: the job is still leased, and then done once."""
    data = short / "d"
    config = short / "config.json"
    config.write_text(json.dumps(CONFIG))
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()

    def start(crash: str = "") -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "services.keeper", "--config", config, "--data", data],
            env={**os.environ, "TILEWRIGHT_CRASH": crash},
            cwd=TREE,
            stderr=subprocess.DEVNULL,
        )

    sockets = Sockets(data)
    first = start()
    second = None
    try:
        control, worker = (Peer(context, sockets.address(name)) for name in ("control", "work"))
        control.ask(Render(plan="r", quadrants=[(0, 0)]), Accepted)
        first.terminate()
        assert first.wait(30) == 0
        # Commits since the start: the ping or the lease each pass the place; blobs only the result.
        first = start(place if place == "blobs_written" else f"{place}:2")
        lease = worker.lease("render", id="r1")
        body, images = result(lease)
        worker.send(body, images, id="a1")
        assert first.wait(30) == -signal.SIGKILL
        # Nothing was answered before it was on disk.
        assert not worker.socket.poll(300)

        second = start()
        again = Peer(context, sockets.address("work"))
        if done:
            assert again.ready("render") is None
        else:
            assert again.lease("render", id="r1").token == lease.token
        again.ask(body, Acked, images, id="a1")
        second.terminate()
        assert second.wait(30) == 0
    finally:
        for process in (first, second):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        context.destroy(linger=0)
    house = House(short)
    assert house.select("SELECT count(*), max(attempt) FROM tile_versions") == [(12, 1)]
    assert house.select("SELECT status, attempt FROM generation_queue") == [("complete", 1)]
    house.end()
