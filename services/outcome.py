"""What a worker says of a job: the result as it is handed in, or how the try failed."""

from protocol.work import Ack, Asset, Lease, Made, Nack, TileImage
from services.task import Result, TryFailed


def acked(lease: Lease, worker: str, result: Result, seconds: float) -> tuple[Ack, list[bytes]]:
    """The message that hands a result in, made in so many seconds, and its files."""
    # Where nothing stands, pictures are alike; each is sent, and looked at, once.
    numbers: dict[bytes, int] = {}
    tiles = [
        TileImage(layer=layer, x=x, y=y, attachment=numbers.setdefault(png, len(numbers)))
        for layer, x, y, png in result.tiles
    ]
    attachments = list(numbers)
    assets = []
    if result.palette is not None:
        assets.append(Asset(name="palette", attachment=len(attachments)))
        attachments.append(result.palette)
    made = Made(
        worker=worker,
        seconds=seconds,
        model_seconds=result.model_seconds,
        template=result.template,
        renders=result.renders,
        saw=result.saw,
        seed=result.seed,
        parameters=result.parameters,
        cost=result.cost,
        calls=result.calls,
        unsettled=result.unsettled,
        source=result.source,
        seams=result.seams,
    )
    return Ack(job=lease.job, token=lease.token, tiles=tiles, assets=assets, made=made), attachments


def nacked(lease: Lease, failure: TryFailed) -> Nack:
    """The message that says how a try failed."""
    return Nack(
        job=lease.job,
        token=lease.token,
        error_class=failure.error_class,
        reason=failure.reason[:8_000],
        retry=failure.retry,
        retry_after=failure.retry_after,
        calls=failure.calls,
        cost=failure.cost,
        unsettled=failure.unsettled,
    )


def returned(lease: Lease) -> Nack:
    """The message that gives a lease back of which nothing was tried."""
    return Nack(
        job=lease.job,
        token=lease.token,
        error_class="transient",
        reason="It was leased for a request that was over.",
        burn=False,
    )


def blamed(lease: Lease, bug: Exception) -> Nack:
    """The message that says which job a worker dies of."""
    reason = f"The worker broke over it: {type(bug).__name__}: {bug}"[:500]
    return Nack(job=lease.job, token=lease.token, error_class="bug", reason=reason, retry=False)
