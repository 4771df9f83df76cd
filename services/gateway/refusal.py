"""Refusals: a code and a sentence become `{"error": …}` with the HTTP status that fits."""

import math
from collections.abc import Mapping

from aiohttp import web

from protocol.errors import Code, ProtocolError

STATUS: Mapping[Code, int] = {
    Code.BAD_FRAMES: 400,
    Code.BAD_MESSAGE: 400,
    Code.BAD_REQUEST: 400,
    Code.BAD_PLAN: 400,
    Code.BAD_IMAGE: 400,
    Code.UNKNOWN_MODEL: 400,
    Code.FORBIDDEN: 403,
    Code.UNKNOWN_JOB: 404,
    Code.UNKNOWN_PLAN: 404,
    Code.UNKNOWN_PROCESS: 404,
    Code.UNKNOWN_TILE: 404,
    Code.UNKNOWN_ORPHAN: 404,
    Code.NOT_FOUND: 404,
    Code.SEAM: 409,
    Code.CONFLICT: 409,
    Code.CANCELLED: 409,
    Code.MODEL_UNAVAILABLE: 409,
    Code.WRONG_STATE: 409,
    Code.LEASE_LOST: 409,
    Code.TOO_LARGE: 413,
    Code.UNSUPPORTED_MEDIA: 415,
    # The keeper is older than this gateway: neither the client nor the moment is to blame.
    Code.UNSUPPORTED_VERSION: 501,
    Code.UNKNOWN_TYPE: 501,
    Code.NO_SPACE: 503,
    Code.BUSY: 503,
    Code.UNAVAILABLE: 503,
}

RETRY_AFTER_SECONDS = 2


class Refused(ProtocolError):
    """Raised where HTTP has a status of its own for a refusal, like 405 or 421."""

    def __init__(
        self, status: int, code: Code, message: str, *, details: str = "", allow: str | None = None
    ) -> None:
        super().__init__(code, message, details=details)
        self.status = status
        self.allow = allow


def refusal(error: ProtocolError) -> web.Response:
    """The HTTP answer to an error of ours or of the keeper's."""
    status = error.status if isinstance(error, Refused) else STATUS[error.code]
    content = {"error": {"code": str(error.code), "message": error.message, "details": error.details}}
    response = web.json_response(content, status=status)
    if status == 503:
        wait = RETRY_AFTER_SECONDS if error.retry_after is None else math.ceil(error.retry_after)
        response.headers["Retry-After"] = str(max(1, wait))
    if isinstance(error, Refused) and error.allow:
        response.headers["Allow"] = error.allow
    return response


def refused_by_http(error: web.HTTPException) -> Refused:
    """What aiohttp refuses by itself, in our words."""
    if isinstance(error, web.HTTPNotFound):
        return Refused(404, Code.NOT_FOUND, "There is nothing at this address.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allow = ", ".join(sorted(error.allowed_methods))
        return Refused(405, Code.BAD_REQUEST, f"This address takes {allow} only.", allow=allow)
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Refused(413, Code.TOO_LARGE, "The request is too large.")
    return Refused(error.status, Code.BAD_REQUEST, f"{error.reason}.")
