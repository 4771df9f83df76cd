"""What a worker hands in: checked to be exactly the PNG files that the job owes, then put on disk."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from protocol.errors import Code, ProtocolError
from protocol.message import Layer
from protocol.work import Ack
from services.blobs import Blobs
from services.failpoint import failpoint
from services.keeper.inspection import check_png
from services.keeper.lifecycle import Job
from services.keeper.versions import Stored

MODES: dict[Layer, str] = {"render": "RGB", "object": "RGBA", "depth": "RGB", "generation": "RGB"}
PALETTE_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class HandedIn:
    """The hashes under which a result lies on disk."""

    tiles: tuple[Stored, ...]
    palette: str | None


def check_owed(job: Job, ack: Ack, attachments: int) -> None:
    """Raise BAD_IMAGE unless the result has exactly the tiles and files that the job owes."""
    layers: tuple[Layer, ...] = ("generation",)
    owed: set[tuple[Layer, int, int]] = set()
    if job.kind == "render":
        layers = ("render", "object", "depth")
    if job.kind != "palette":
        owed = {(layer, x, y) for layer in layers for x, y in job.kept}
    given = [(tile.layer, tile.x, tile.y) for tile in ack.tiles]
    if len(set(given)) < len(given):
        raise ProtocolError(Code.BAD_IMAGE, f"Job {job.id}: a quadrant was handed in twice.")
    if missing := sorted(owed - set(given)):
        raise ProtocolError(Code.BAD_IMAGE, f"Job {job.id}: {_name(missing[0])} is missing.")
    if extra := sorted(set(given) - owed):
        raise ProtocolError(Code.BAD_IMAGE, f"Job {job.id}: {_name(extra[0])} was not asked for.")
    if len(ack.assets) != (1 if job.kind == "palette" else 0):
        raise ProtocolError(
            Code.BAD_IMAGE, f"Job {job.id}: a palette job hands in one palette, others hand in none."
        )
    named = [tile.attachment for tile in ack.tiles] + [asset.attachment for asset in ack.assets]
    if any(number >= attachments for number in named):
        raise ProtocolError(Code.BAD_FRAMES, f"Job {job.id}: an attachment that the map names is missing.")


def hand_in(blobs: Blobs, ack: Ack, attachments: Sequence[bytes]) -> HandedIn:
    """Check every file and put it on disk for good. Runs in a thread: it decodes and it fsyncs."""
    # Several tiles may name one file.
    for (number, mode), tile in {(tile.attachment, MODES[tile.layer]): tile for tile in ack.tiles}.items():
        check_png(attachments[number], mode, _name((tile.layer, tile.x, tile.y)))
    for asset in ack.assets:
        if not 0 < len(attachments[asset.attachment]) <= PALETTE_LIMIT_BYTES:
            raise ProtocolError(Code.BAD_IMAGE, f"The palette is empty or over {PALETTE_LIMIT_BYTES} bytes.")
    try:
        hashes = {
            number: blobs.write(attachments[number]) for number in {tile.attachment for tile in ack.tiles}
        }
        tiles = tuple(Stored(tile.layer, tile.x, tile.y, hashes[tile.attachment]) for tile in ack.tiles)
        palette = [blobs.write(attachments[asset.attachment]) for asset in ack.assets]
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ProtocolError(
            Code.NO_SPACE, "The disk is full; free some space, then hand the result in again."
        ) from error
    failpoint("blobs_written")
    return HandedIn(tiles, palette[0] if palette else None)


def _name(tile: tuple[Layer, int, int]) -> str:
    return f"{tile[0]} {tile[1]},{tile[2]}"
