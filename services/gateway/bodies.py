"""Bodies of POSTs: strict, every field bounded, none unknown. Some are the keeper's messages themselves."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from protocol.control import Pause, Resume
from protocol.message import Count, Identifier, Layer, Line, Money, QuadrantXY, Rectangle, Seed, Text
from protocol.order import Edit, Move, Prune, Where
from protocol.plan import Plan
from protocol.region import CANDIDATE_LIMIT
from services.tiling.region import REGION_LIMIT

IMPORTED_PLANS = 10_000

STRICT = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)


def _pair(value: Any) -> Any:
    """A quadrant as `[x, y]`, given like that or as `{"x", "y"}`."""
    if isinstance(value, dict):
        for axis in ("x", "y"):
            if axis not in value:
                raise PydanticCustomError("missing_axis", "{axis} is missing", {"axis": axis})
        return [value["x"], value["y"]]
    if not isinstance(value, list) or len(value) != 2:
        raise PydanticCustomError("not_a_quadrant", 'a quadrant is [x, y] or {"x", "y"}')
    return value


def _lines(value: Any) -> Any:
    """Texts from forms: lines end in one way."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _written(value: Any) -> Any:
    """Texts from forms: none is empty."""
    return "" if value is None else _lines(value)


def _chosen(value: Any) -> Any:
    return None if value == "" else value


Cell = Annotated[QuadrantXY, BeforeValidator(_pair)]
Words = Annotated[Text, BeforeValidator(_written)]
Title = Annotated[Line, BeforeValidator(_written)]
Rewritten = Annotated[Text | None, BeforeValidator(_lines)]
Choice = Annotated[Identifier | None, BeforeValidator(_chosen)]


class Body(BaseModel):
    """A JSON body. A field that is not known is refused: misspelled, it would change what is paid for."""

    model_config = STRICT


class Nothing(Body):
    """Where the address says everything."""


class RenderBody(Body):
    """`POST /api/render`."""

    quadrants: Annotated[list[Cell], Field(min_length=1, max_length=4_096)]


class GenerateBody(Body):
    """`POST /api/generate`."""

    quadrants: Annotated[list[Cell], Field(min_length=1, max_length=4)]
    model_id: Choice = None
    prompt: Words = ""
    negative_prompt: Words = ""


class CompareBody(Body):
    """`POST /api/compare`."""

    quadrants: Annotated[list[Cell], Field(min_length=1, max_length=4)]
    models: Annotated[list[Identifier], Field(min_length=1, max_length=CANDIDATE_LIMIT)]
    seeds: Annotated[list[Seed], Field(max_length=CANDIDATE_LIMIT)] = []
    prompt: Words = ""
    negative_prompt: Words = ""

    @model_validator(mode="after")
    def _has_not_too_many(self) -> Self:
        if len(self.models) * max(1, len(self.seeds)) > CANDIDATE_LIMIT:
            raise PydanticCustomError(
                "too_many_candidates",
                "asks for more than {limit} candidates, models times seeds",
                {"limit": CANDIDATE_LIMIT},
            )
        return self


class FillBody(Body):
    """`POST /api/fill`: the region in one of three ways; a polygon is GeoJSON."""

    rectangle: Rectangle | None = None
    quadrants: Annotated[list[Cell], Field(min_length=1, max_length=REGION_LIMIT)] | None = None
    polygon: dict[str, Any] | None = None
    repair: bool = False
    name: Title = ""
    model_id: Choice = None
    prompt: Words = ""
    negative_prompt: Words = ""
    cost_cap: Money | None = None

    @model_validator(mode="after")
    def _has_one_region(self) -> Self:
        given = [way for way in (self.rectangle, self.quadrants, self.polygon) if way is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "one_region", "is filled by exactly one of rectangle, quadrants and polygon"
            )
        return self


class ReplanBody(Body):
    """`POST /api/plans/ID/replan`."""

    repair: bool = False


class PauseBody(Pause):
    """`POST /api/queue/pause`."""

    model_config = STRICT


class ResumeBody(Resume):
    """`POST /api/queue/resume`."""

    model_config = STRICT


class Wanted(Where):
    """Which jobs are meant."""

    model_config = STRICT


class CancelBody(Body):
    """`POST /api/queue/cancel`."""

    where: Wanted

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not any(self.where.model_dump().values()):
            raise PydanticCustomError(
                "names_nothing", "where says nothing; POST /api/queue/clear calls off everything"
            )
        return self


class RetryBody(Body):
    """`POST /api/queue/retry`: without `where` all that failed."""

    where: Wanted = Wanted()


class MoveBody(Move):
    """`POST /api/queue/move`."""

    model_config = STRICT


class EditBody(Edit):
    """`POST /api/queue/edit`."""

    model_config = STRICT

    prompt: Rewritten = None
    negative_prompt: Rewritten = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if all(value is None for name, value in self if name != "jobs"):
            raise PydanticCustomError(
                "changes_nothing",
                "says nothing to change: prompt, negative_prompt, model_id, priority or lane",
            )
        return self


class ImportBody(Body):
    """`POST /api/queue/import`."""

    plans: Annotated[list[Plan], Field(min_length=1, max_length=IMPORTED_PLANS)]


class RevertBody(Body):
    """`POST /api/quadrants/X/Y/revert`."""

    version: Count
    layer: Layer | None = None


class PruneBody(Prune):
    """`POST /api/prune`."""

    model_config = STRICT


class Name(BaseModel):
    """An identifier that stands in an address."""

    id: Identifier
