"""A painter that says which neighbours it saw, and draws for every job a picture of its own."""

import hashlib

from protocol.control import GetQuadrant, Quadrant
from protocol.view import VersionView
from protocol.work import Ack, Acked, Fetch, GenerateWork, Lease, Made, Pixels
from services.drill.picture import picture
from services.tiling.seam import Window
from services.tiling.template import context
from tests.keeper.house import House, Peer, result

Cell = tuple[int, int]


def seen(worker: Peer, lease: Lease) -> list[int]:
    """The versions that a model is shown for this lease."""
    work = lease.work
    assert isinstance(work, GenerateWork)
    infill = frozenset([*work.quadrants, *work.padding, *work.scaffold])
    around = context(Window(work.x, work.y), infill)
    asked = [Fetch(layer=work.layer, quadrants=around, plan=lease.plan)]
    if work.input_layer != "render":
        asked.append(Fetch(layer=work.input_layer, quadrants=sorted(infill), plan=lease.plan))
    return [tile.version for fetch in asked for tile in worker.ask(fetch, Pixels).tiles]


def painted(worker: Peer, lease: Lease, **made: object) -> tuple[Ack, list[bytes]]:
    """What a painter hands in for a lease, having looked around."""
    body, images = result(lease)
    if lease.work.kind == "generate":
        how = {"worker": "witness", "seconds": 2.0, "saw": seen(worker, lease), **made}
        body = body.model_copy(update={"made": Made.model_validate(how)})
        images = [picture({"job": lease.job})]
    return body, images


def paint(worker: Peer, **made: object) -> list[Lease]:
    """Do every job there is."""
    done = []
    while (lease := worker.ready()) is not None:
        body, images = painted(worker, lease, **made)
        worker.ask(body, Acked, images)
        done.append(lease)
    return done


def versions(house: House, x: int, y: int, layer: str = "generation") -> list[VersionView]:
    """The generated versions of a quadrant in a layer, the newest first."""
    found = house.peer("control").ask(GetQuadrant(x=x, y=y), Quadrant).versions
    return [version for version in found if version.layer == layer]


def standing(house: House, *cells: Cell, layer: str = "generation") -> dict[Cell, int]:
    """The generated version that stands in each place, as people see it."""
    return {
        (t.x, t.y): t.version
        for t in house.map().tiles
        if t.layer == layer and (not cells or (t.x, t.y) in cells)
    }


def stale(house: House, layer: str = "generation") -> set[Cell]:
    """What is marked stale in a layer."""
    return {(tile.x, tile.y) for tile in house.map().tiles if tile.stale and tile.layer == layer}


def sha_of(job: int) -> str:
    """The hash of what `painted` draws for a job."""
    return hashlib.sha256(picture({"job": job})).hexdigest()
