"""Refusals: what a provider's HTTP answer means for the try, in one place for all providers."""

import re
from collections.abc import Mapping

from services.generator.calls.document import document
from services.generator.calls.pause import pause
from services.generator.calls.secret import Secret
from services.model import Model
from services.task import TryFailed

EXCERPT = 500
"""Letters of an answer that are shown and kept."""

_MODERATED = re.compile(
    r"moderat|content[ _-]?(policy|filter)|safety|nsfw|responsible[ _-]?ai|prohibited[ _-]?content|"
    r"usage polic|image_safety|flagged|content checker",
    re.IGNORECASE,
)
_LONG_RUN = re.compile(r"[A-Za-z0-9+/=_-]{120,}")
"""Base64, or a key that is not ours: nothing that a person reads."""


def refusal(
    model: Model, status: int, headers: Mapping[str, str], content: bytes, *, secret: Secret | None
) -> TryFailed:
    """Why the provider did not answer with a picture: its class, a sentence, and for how long to wait."""
    said = excerpt(content, secret)
    name, tail = model.name, f": {said}" if said else "."
    if status in (400, 403, 422, 451) and is_moderated(content):
        return TryFailed(
            "moderated", f"{name} refused the content (HTTP {status}){tail} Change the prompt.", retry=False
        )
    # Google says 400 of a key that it does not know.
    if status in (401, 403) or (status == 400 and b"API_KEY_INVALID" in content):
        variable = model.key_variable() or "its api_key in app_config.json"
        return TryFailed("auth", f"{name} refused the key (HTTP {status}). Check {variable}.", retry=False)
    if status == 402:
        return TryFailed("unavailable", f"{name} asks for payment (HTTP 402){tail}", retry=False)
    if status == 404:
        return TryFailed(
            "rejected",
            f"{name}: its provider knows no such model or address (HTTP 404){tail}",
            retry=False,
        )
    seconds = pause(headers, document(content))
    if status == 429 or (status == 503 and seconds is not None):
        wait = f" It wants no call for {seconds:.0f} s." if seconds is not None else ""
        return TryFailed(
            "rate_limited", f"{name} was asked too often (HTTP {status}){tail}{wait}", retry_after=seconds
        )
    if status in (408, 425) or status >= 500:
        return TryFailed("transient", f"{name} is busy or failed (HTTP {status}){tail}")
    if 300 <= status < 400:
        return TryFailed(
            "rejected",
            f"{name} redirects (HTTP {status}), which is not followed. Check its endpoint.",
            retry=False,
        )
    return TryFailed("rejected", f"{name} refused the request (HTTP {status}){tail}", retry=False)


def without_picture(model: Model, content: bytes, *, secret: Secret | None) -> TryFailed:
    """Why an answer that should hold a picture, and says that all went well, holds none."""
    said = excerpt(content, secret)
    tail = f": {said}" if said else "."
    if is_moderated(content):
        return TryFailed(
            "moderated", f"{model.name} refused the content{tail} Change the prompt.", retry=False
        )
    return TryFailed("bad_image", f"{model.name} answered without a picture{tail}")


def failed(model: Model, said: str, *, secret: Secret | None) -> TryFailed:
    """Why a call that was taken on came to nothing, in the provider's words."""
    tail = f": {_plain(said, secret)}" if said else "."
    if _MODERATED.search(said):
        return TryFailed(
            "moderated", f"{model.name} refused the content{tail} Change the prompt.", retry=False
        )
    return TryFailed("transient", f"{model.name} took the call and failed{tail}")


def is_moderated(content: bytes) -> bool:
    """Whether the provider says that it does not paint such things."""
    found = document(content)
    words: list[str] = []
    detail = found.get("detail")
    for part in (found, found.get("error"), *(detail if isinstance(detail, list) else [detail])):
        if isinstance(part, dict):
            fields = ("code", "type", "status", "message", "msg", "title")
            words += [str(part.get(field) or "") for field in fields]
        elif isinstance(part, str):
            words.append(part)
    return any(_MODERATED.search(word) for word in words)


def excerpt(content: bytes, secret: Secret | None) -> str:
    """What the provider says is wrong, without the key; a page of HTML helps nobody."""
    found = document(content)
    said = found.get("error") or found.get("message") or found.get("detail") or ""
    if isinstance(said, dict):
        said = said.get("message") or said.get("title") or ""
    if isinstance(said, list):
        # How FastAPI says which fields it does not like.
        said = "; ".join(str(part.get("msg") or "") for part in said if isinstance(part, dict))
    if not found and content[:1] not in (b"<", b"{", b"["):
        said = content[: 4 * EXCERPT].decode("utf-8", "replace")
    return _plain(said if isinstance(said, str) else "", secret)


def _plain(text: str, secret: Secret | None) -> str:
    # The key goes before the text is cut: half of it would not be recognized.
    text = secret.hide_in(text) if secret is not None else text
    text = _LONG_RUN.sub("…", " ".join(text.split()))
    return "".join(letter for letter in text if letter.isprintable())[:EXCERPT]
