"""What a worker hands in: checked to be exactly the PNG files that the job owes, then put on disk."""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protocol.errors import Code, ProtocolError
from protocol.message import RENDERED, Layer
from protocol.work import Ack
from services.blobs import Blobs
from services.failpoint import failpoint
from services.keeper.inspection import check_png
from services.keeper.lifecycle import Job
from services.keeper.versions import Stored

PALETTE_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class HandedIn:
    """The hashes under which a result lies on disk."""

    tiles: tuple[Stored, ...]
    palette: str | None


def check_owed(job: Job, ack: Ack, attachments: int) -> None:
    """Raise BAD_IMAGE unless the result has exactly the tiles and files that the job owes."""
    layers = RENDERED if job.kind == "render" else (job.layer,)
    owed: set[tuple[Layer, int, int]] = set()
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


def hand_in(blobs: Blobs, results: Sequence[tuple[Ack, Sequence[bytes]]]) -> list[HandedIn | ProtocolError]:
    """Check every file of these results and put them on disk for good, or say what is wrong with each.

    Runs in a thread: it decodes and it fsyncs.
    """
    found: list[HandedIn | ProtocolError | None] = [_wrong(ack, files) for ack, files in results]
    whole = [(ack, files) for (ack, files), error in zip(results, found, strict=True) if error is None]
    try:
        hashes = iter(blobs.write([files[number] for ack, files in whole for number in _named(ack)]))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        full = ProtocolError(
            Code.NO_SPACE, "The disk is full; free some space, then hand the result in again."
        )
        return [one or full for one in found]
    handed = iter([_stored(ack, {number: next(hashes) for number in _named(ack)}) for ack, _ in whole])
    return [one or next(handed) for one in found]


def _wrong(ack: Ack, files: Sequence[bytes]) -> ProtocolError | None:
    """What is wrong with the files of a result."""
    try:
        # Several tiles may name one file.
        for (number, mode), tile in {(t.attachment, _mode(t.layer)): t for t in ack.tiles}.items():
            check_png(files[number], mode, _name((tile.layer, tile.x, tile.y)))
        for asset in ack.assets:
            if not 0 < len(files[asset.attachment]) <= PALETTE_LIMIT_BYTES:
                limit = f"The palette is empty or over {PALETTE_LIMIT_BYTES} bytes."
                raise ProtocolError(Code.BAD_IMAGE, limit)
    except ProtocolError as error:
        return error
    return None


def _mode(layer: Layer) -> str:
    """How the pixels of a layer are written down."""
    return "RGBA" if layer == "object" else "RGB"


def _named(ack: Ack) -> list[int]:
    """The numbers of the files that a result names, each once."""
    return list(dict.fromkeys([*(t.attachment for t in ack.tiles), *(a.attachment for a in ack.assets)]))


def _stored(ack: Ack, hashes: Mapping[int, str]) -> HandedIn:
    failpoint("blobs_written")
    tiles = tuple(Stored(tile.layer, tile.x, tile.y, hashes[tile.attachment]) for tile in ack.tiles)
    return HandedIn(tiles, hashes[ack.assets[0].attachment] if ack.assets else None)


def _name(tile: tuple[Layer, int, int]) -> str:
    return f"{tile[0]} {tile[1]},{tile[2]}"
