"""A plan: what somebody wants rendered or generated, as steps that may wait for each other."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from protocol.message import Identifier, Line, Money, Part, QuadrantXY, Rectangle, Text

STEP_LIMIT = 100_000
REPAIR_LIMIT = 20_000

Lane = Literal["interactive", "bulk"]
"""Interactive work is served before bulk work."""


Priority = Annotated[int, Field(ge=-1_000, le=1_000)]
"""Within its lane, what has the higher number is served first."""


class Step(Part):
    """One try-able unit: a model call for at most 2×2 quadrants, or a render of any quadrants.

    `padding` is drawn and thrown away, `scaffold` is kept as context until the plan ends; both, like
    `quadrants`, belong to the rectangle that the model fills.
    """

    id: Identifier
    kind: Literal["generate", "render"] = "generate"
    quadrants: Annotated[list[QuadrantXY], Field(max_length=4_096)]
    padding: Annotated[list[QuadrantXY], Field(max_length=4)] = []
    scaffold: Annotated[list[QuadrantXY], Field(max_length=4)] = []
    after: Annotated[list[Identifier], Field(max_length=64)] = []
    model_id: Identifier | None = None
    prompt: Text | None = None
    negative_prompt: Text | None = None
    """Both instead of the plan's, where a step has its own."""


class PlanHead(Part):
    """What is said once about a plan, whatever its steps are.

    `model_id` holds for every step that names none; without either, the world's default model is used.
    """

    id: Identifier
    name: Line = ""
    model_id: Identifier | None = None
    prompt: Text = ""
    negative_prompt: Text = ""
    lane: Lane = "bulk"
    priority: Priority = 0
    cost_cap: Money | None = None
    """What its model calls may cost in all; a call that would exceed it is not made, and the plan pauses."""


class Plan(PlanHead):
    """Steps under one id, accepted whole or refused whole. Publishing the same id again changes nothing.

    Either `steps` says everything, or `rectangle` leaves the steps to the keeper: it is filled completely.
    """

    steps: Annotated[list[Step], Field(max_length=STEP_LIMIT)] = []
    rectangle: Rectangle | None = None
    repair: Annotated[list[QuadrantXY], Field(max_length=REPAIR_LIMIT)] = []
    """Finished quadrants that the steps may draw anew: for this plan they count as empty until they are."""

    def followed_by(self, part: "Plan") -> "Plan":
        """The same plan with what the next part of it, as exported, adds."""
        more = {"steps": self.steps + part.steps, "repair": self.repair + part.repair}
        return self.model_copy(update=more)

    @model_validator(mode="after")
    def _has_one_source_of_steps(self) -> Self:
        if bool(self.steps) == (self.rectangle is not None):
            raise ValueError("a plan has either steps or a rectangle")
        if self.repair and self.rectangle is not None:
            raise ValueError("only a plan with steps names what it repairs")
        return self
