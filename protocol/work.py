"""The work socket: leases out, pixels in. Workers only."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from protocol.codec import catalogue
from protocol.message import (
    Count,
    Identifier,
    JobId,
    JobKind,
    Layer,
    Line,
    Message,
    Part,
    Ping,
    QuadrantXY,
    Seconds,
    Seed,
    Text,
    Token,
)

ErrorClass = Literal[
    "transient", "rate_limited", "rejected", "auth", "moderated", "bad_image", "unavailable", "bug"
]
"""Why a try failed: transient, rate_limited and bad_image may be tried again, the others need a person."""


class RenderWork(Part):
    """Draw one canonical frame, in world pixels, and cut `quadrants` from it."""

    kind: Literal["render"] = "render"
    x: int
    y: int
    width: Annotated[int, Field(ge=1, le=8_192)]
    height: Annotated[int, Field(ge=1, le=8_192)]
    quadrants: Annotated[list[QuadrantXY], Field(min_length=1, max_length=64)]


class GenerateWork(Part):
    """Fill `quadrants`, `padding` and `scaffold` inside the window whose top left world pixel is (x, y)."""

    kind: Literal["generate"] = "generate"
    x: int
    y: int
    quadrants: Annotated[list[QuadrantXY], Field(max_length=4)]
    padding: Annotated[list[QuadrantXY], Field(max_length=4)] = []
    scaffold: Annotated[list[QuadrantXY], Field(max_length=4)] = []
    model_id: Identifier
    prompt: Text = ""
    negative_prompt: Text = ""
    seed: Seed | None = None
    """Instead of the model's own, where a comparison asked for it."""
    layer: Layer = "generation"
    """Where the finished quadrants around it stand, and what is drawn is handed in."""
    input_layer: Layer = "render"
    """What the model is to turn into that; where `padding` and `scaffold` have none, the render stands in."""


class PaletteWork(Part):
    """Make the map's palette from the renders of `quadrants`, given in the order that counts."""

    kind: Literal["palette"] = "palette"
    quadrants: Annotated[list[QuadrantXY], Field(min_length=1, max_length=64)]


Work = Annotated[RenderWork | GenerateWork | PaletteWork, Field(discriminator="kind")]


class Ready(Message):
    """Asks for one job, waiting up to `wait` seconds. The same message id gets the same lease."""

    TYPE: ClassVar[str] = "ready"

    worker: Identifier
    kinds: Annotated[list[JobKind], Field(min_length=1, max_length=8)]
    wait: Seconds = 0.0


class Lease(Message):
    """The job is yours for `expires_in` seconds; every later message about it carries the token."""

    TYPE: ClassVar[str] = "lease"

    job: JobId
    token: Token
    plan: Identifier
    step: Identifier
    attempt: Count
    expires_in: Seconds
    work: Work
    handle: Text = ""
    """What an earlier try has `started` and not ended: go on with that instead of paying twice."""


class Idle(Message):
    """There was nothing to do."""

    TYPE: ClassVar[str] = "idle"


class Touch(Message):
    """Keeps a lease alive and says what the worker is doing."""

    TYPE: ClassVar[str] = "touch"

    job: JobId
    token: Token
    doing: Line = ""


class Touched(Message):
    """The lease now runs for `expires_in` more seconds."""

    TYPE: ClassVar[str] = "touched"

    expires_in: Seconds


class Started(Message):
    """A call is under way at the provider: keeps its handle for whoever gets the job next, and the lease.

    An empty handle says that there is nothing to go on with any more. Answered by `touched`.
    """

    TYPE: ClassVar[str] = "started"

    job: JobId
    token: Token
    handle: Text


class TileImage(Part):
    """One quadrant of one layer; `attachment` counts the PNG files behind the map from 0."""

    layer: Layer
    x: int
    y: int
    attachment: Count


class Asset(Part):
    """A file that belongs to the whole map, like its palette."""

    name: Literal["palette"]
    attachment: Count


class SeamScore(Part):
    """How one quadrant meets its finished neighbours: 1 is as strong as the strongest lines around."""

    x: int
    y: int
    score: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
    flagged: bool = False
    """Whether that is more than its model is allowed."""


class Made(Part):
    """How a result came about, kept with every tile version."""

    worker: Identifier
    seconds: Seconds
    model_seconds: Seconds = 0.0
    template: Annotated[str, Field(max_length=64)] = ""
    """SHA-256 of what the model was sent."""
    renders: Annotated[str, Field(max_length=64)] = ""
    """SHA-256 over the renders that it was drawn from."""
    saw: Annotated[list[Token], Field(max_length=64)] = []
    """The versions of the finished neighbours that the model was shown."""
    seed: Annotated[int, Field(ge=0, le=2**62)] | None = None
    parameters: Annotated[str, Field(max_length=4_000)] = ""
    """What else the model was told, as a JSON object; never a key."""
    cost: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    calls: Count = 0
    """Calls that this try made; 0 if its result had been paid for by an earlier one."""
    unsettled: Count = 0
    """Calls besides that may have been paid for, although no answer to them came."""
    source: Line = ""
    seams: Annotated[list[SeamScore], Field(max_length=4)] = []
    """Of the quadrants with a finished neighbour, where somebody looked."""


class Ack(Message):
    """The job is done and these are its pixels. Answered only when they are on disk."""

    TYPE: ClassVar[str] = "ack"

    job: JobId
    token: Token
    tiles: Annotated[list[TileImage], Field(max_length=256)] = []
    assets: Annotated[list[Asset], Field(max_length=4)] = []
    made: Made


class Acked(Message):
    """The pixels are on disk and in the map."""

    TYPE: ClassVar[str] = "acked"

    job: JobId


class Nack(Message):
    """The try failed; `retry` says whether another may help. `reason` is a sentence for people."""

    TYPE: ClassVar[str] = "nack"

    job: JobId
    token: Token
    error_class: ErrorClass
    reason: Text
    retry: bool = True
    retry_after: Seconds | None = None
    """With rate_limited: for how long the model wants no more calls."""
    burn: bool = True
    """False hands the job back as if it had not been tried, as on a drain."""
    calls: Count = 0
    """Calls that were answered, and so paid for, although nothing came of them."""
    cost: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    unsettled: Count = 0
    """Calls besides that may have been paid for: no answer came, or it is kept for the next try."""


class Nacked(Message):
    """What became of the job."""

    TYPE: ClassVar[str] = "nacked"

    job: JobId
    state: Literal["pending", "error", "cancelled"]
    retry_in: Seconds = 0.0


class Fetch(Message):
    """Asks for the present pixels of these quadrants in one layer, or for versions by number.

    `plan` lets the plan's own scaffold be seen. With `orphan` the images of a late result are asked for.
    """

    TYPE: ClassVar[str] = "fetch"

    layer: Layer = "render"
    quadrants: Annotated[list[QuadrantXY], Field(max_length=64)] = []
    versions: Annotated[list[Token], Field(max_length=64)] = []
    plan: Identifier | None = None
    orphan: Token | None = None


class PixelRef(Part):
    """One tile version among the attachments; 0 if it never was on the map."""

    layer: Layer
    x: int
    y: int
    version: Count
    sha256: Annotated[str, Field(max_length=64)]
    attachment: Count


class Pixels(Message):
    """The tiles that exist; quadrants without pixels are simply not listed."""

    TYPE: ClassVar[str] = "pixels"

    tiles: Annotated[list[PixelRef], Field(max_length=64)]


class FetchAsset(Message):
    """Asks for a file that belongs to the whole map; answered by `asset_file` or UNKNOWN_TILE."""

    TYPE: ClassVar[str] = "fetch_asset"

    name: Literal["palette"]


class AssetFile(Message):
    """The asset is the one attachment."""

    TYPE: ClassVar[str] = "asset_file"

    name: Literal["palette"]
    sha256: Annotated[str, Field(max_length=64)]


class Goodbye(Message):
    """The worker leaves: its leases go back at once, untried."""

    TYPE: ClassVar[str] = "goodbye"

    worker: Identifier


class Farewell(Message):
    """How many leases went back."""

    TYPE: ClassVar[str] = "farewell"

    returned: Count


WORK = catalogue(Ready, Touch, Started, Ack, Nack, Fetch, FetchAsset, Goodbye, Ping)
