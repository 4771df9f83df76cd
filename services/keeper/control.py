"""The control and ingest sockets: which message is answered by whom."""

from protocol.control import (
    CancelJob,
    CancelPlan,
    ClearQueue,
    GetJob,
    GetMap,
    GetQuadrant,
    GetStatus,
    ListJobs,
    ListPlans,
    Pause,
    Resume,
    RetryFailed,
    RetryJob,
    RetryPlan,
)
from protocol.control import Job as JobAnswer
from protocol.ingest import PlanBegin, PlanCommit, PlanPart, Publish
from protocol.order import (
    Adopt,
    CancelWhere,
    DeleteOrphan,
    Edit,
    Export,
    ListCandidates,
    ListOrphans,
    Move,
    Prune,
    RetryWhere,
    Revert,
    RevertPlan,
)
from protocol.region import Compare, Fill, Generate, Render, Replan
from services.keeper.batch import Handlers
from services.keeper.edits import Edits
from services.keeper.exports import Exports
from services.keeper.intake import Intake
from services.keeper.moves import Moves
from services.keeper.orders import Orders
from services.keeper.past import Past
from services.keeper.pauses import Pauses
from services.keeper.pruning import Pruning
from services.keeper.views import Views


class Control:
    """The tables of what is answered; to take a message more is a line here."""

    def __init__(
        self,
        *,
        intake: Intake,
        orders: Orders,
        pauses: Pauses,
        moves: Moves,
        edits: Edits,
        past: Past,
        exports: Exports,
        pruning: Pruning,
        views: Views,
    ) -> None:
        parts: Handlers = {
            PlanBegin: intake.on_begin,
            PlanPart: intake.on_part,
            PlanCommit: intake.on_commit,
        }
        self.ingest: Handlers = {Publish: intake.on_plan, **parts}
        self.control: Handlers = {
            **dict.fromkeys((Publish, Render, Generate, Compare, Fill, Replan), intake.on_plan),
            **parts,
            GetStatus: lambda _, request: views.status(),
            ListJobs: lambda _, request: views.jobs(request),
            GetJob: lambda _, request: JobAnswer(job=views.job(request.job)),
            ListPlans: lambda _, request: views.plans(request),
            GetMap: lambda _, request: views.map(request),
            GetQuadrant: lambda _, request: views.quadrant(request),
            CancelJob: orders.cancel_job,
            RetryJob: orders.retry_job,
            CancelPlan: orders.cancel_plan,
            RetryPlan: orders.retry_plan,
            RetryFailed: orders.retry_failed,
            ClearQueue: orders.clear_queue,
            CancelWhere: orders.cancel_where,
            RetryWhere: orders.retry_where,
            Move: moves.move,
            Edit: edits.edit,
            Pause: pauses.pause,
            Resume: pauses.resume,
            Revert: past.revert,
            RevertPlan: past.revert_plan,
            ListOrphans: past.list_orphans,
            ListCandidates: past.list_candidates,
            Adopt: past.adopt,
            DeleteOrphan: past.delete_orphan,
            Export: exports.export,
            Prune: pruning.prune,
        }
