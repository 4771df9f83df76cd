"""The base of every message, and the bounded types that its fields are made of."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from protocol.errors import Code

COORDINATE_LIMIT = 1_000_000
"""Quadrant coordinates run from −limit to +limit."""

Coordinate = Annotated[int, Field(strict=True, ge=-COORDINATE_LIMIT, le=COORDINATE_LIMIT)]
QuadrantXY = Annotated[tuple[Coordinate, Coordinate], Field(strict=False)]
"""One quadrant as `[x, y]`: x runs right, y runs down."""

Rectangle = Annotated[tuple[Coordinate, Coordinate, Coordinate, Coordinate], Field(strict=False)]
"""Quadrants as `[x0, y0, x1, y1]`, both corners included."""

_NO_CONTROL = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
Identifier = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+,\-]*$")]
"""A name that programs give: letters, digits and `. _ : / + , -`; 1 to 128 characters."""
Line = Annotated[str, Field(max_length=300, pattern=_NO_CONTROL)]
"""A short text for people, at most 300 characters."""
Text = Annotated[str, Field(max_length=8_000, pattern=_NO_CONTROL)]
"""A prompt or a reason, at most 8,000 characters."""
Seconds = Annotated[float, Field(ge=0, le=10_000_000_000, allow_inf_nan=False)]
"""A duration or a UTC timestamp in seconds."""
Money = Annotated[float, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)]
"""An amount in whatever currency the configuration means."""
Count = Annotated[int, Field(ge=0, le=2**62)]
JobId = Annotated[int, Field(ge=1, le=2**62)]
Token = Annotated[int, Field(ge=1, le=2**62)]
Seed = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""What a model's chance begins from; JSON's numbers are exact up to the largest."""

Layer = Annotated[str, Field(max_length=32, pattern=r"^[a-z][a-z0-9_]*$")]
"""`render` is colour, `object` ids, materials and normals, `depth` 24-bit depth, `generation` the map.

Any other name is another map of the same ground that models draw.
"""
RENDERED: tuple[Layer, ...] = ("render", "object", "depth")
"""What renderers draw; every other layer is of models."""

JobState = Literal["blocked", "pending", "processing", "complete", "error", "cancelled"]
JobKind = Literal["render", "generate", "palette"]


class Part(BaseModel):
    """A value inside a message: frozen, strict, unknown fields ignored."""

    # Most processes speak few of these messages: each is made ready when it is first needed.
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)


class Message(Part):
    """The body of one message; `TYPE` is what stands in the map's `type`."""

    TYPE: ClassVar[str]


class Error(Message):
    """The answer to anything that cannot be done."""

    TYPE: ClassVar[str] = "error"

    code: Annotated[Code, Field(strict=False)]
    message: Text
    details: Text = ""
    retry_after: Seconds | None = None
    """With BUSY: when it is worth asking again."""


class Ping(Message):
    """Asks whether anyone is there."""

    TYPE: ClassVar[str] = "ping"


class Pong(Message):
    """The answer to `ping`."""

    TYPE: ClassVar[str] = "pong"

    name: Line
