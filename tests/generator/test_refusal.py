"""What an HTTP answer means, without any server."""

import pytest
from multidict import CIMultiDict

from services.generator.calls.pause import pause, retry_after
from services.generator.calls.refusal import excerpt, refusal
from services.generator.calls.secret import Secret
from services.model import Model

NOW = 1_445_412_480.0
"""Wed, 21 Oct 2015 07:28:00 GMT."""
MODEL = Model(name="Omni", model_id="omni", provider="oxen", api_key="literal-key")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("30", 30.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("a while", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:27:30 GMT", None),
        ("Wed, 99 Oct 2015 07:28:30 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ("99999999999", 86_400.0),
    ],
)
def test_retry_after_is_seconds_a_date_or_nothing(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    ("status", "content", "error_class", "retry"),
    [
        (400, b'{"error": {"code": "content_policy_violation", "message": "No."}}', "moderated", False),
        (403, b'{"detail": "NSFW content was found"}', "moderated", False),
        (403, b'{"detail": "bad token"}', "auth", False),
        (401, b'{"error": "safety first"}', "auth", False),
        (400, b'{"error": {"code": "bad_size", "message": "No."}}', "rejected", False),
        (422, b'{"detail": [{"loc": ["body"], "msg": "field required"}]}', "rejected", False),
        (413, b"", "rejected", False),
        (408, b"", "transient", True),
        (502, b"<html>bad gateway</html>", "transient", True),
        (529, b"{", "transient", True),
    ],
)
def test_a_status_has_its_class(status: int, content: bytes, error_class: str, retry: bool) -> None:
    failure = refusal(MODEL, status, {}, content, secret=None)
    assert (failure.error_class, failure.retry) == (error_class, retry)
    assert failure.reason.startswith("Omni")
    assert f"HTTP {status}" in failure.reason
    assert "html" not in failure.reason


def test_what_is_said_is_for_people() -> None:
    assert excerpt(b'{"detail": [{"msg": "field required"}, {"msg": "too long"}]}', None) == (
        "field required; too long"
    )
    assert excerpt(b"Out of\nmemory\x07", None) == "Out of memory"
    assert excerpt(b"[1, 2]", None) == ""
    assert excerpt(b'{"error": "' + b"QUJD" * 100 + b'"}', None) == "…"


def test_a_key_at_the_cut_is_hidden_whole() -> None:
    key = "sk-CANARY-0123456789"
    for spare in range(25):
        said = excerpt(f'{{"error": "{"x " * 245}{"y" * spare}{key}"}}'.encode(), Secret(key))
        assert "CANARY" not in said and "sk-" not in said


@pytest.mark.parametrize(
    ("headers", "said", "seconds"),
    [
        ({"retry-after": "7"}, {"detail": "resets in ~30s"}, 7.0),
        ({"retry-after": "soon"}, {"detail": "resets in ~30s"}, 30.0),
        ({"retry-after-ms": "1500"}, {}, 1.5),
        ({}, {"detail": "Request was throttled. Your rate limit resets in ~30s."}, 30.0),
        ({}, {"error": {"message": "Rate limit reached. Please try again in 6m0.5s."}}, 360.5),
        ({}, {"error": {"message": "Please try again in 250ms. Visit the site."}}, 0.25),
        ({}, {"error": "Please wait 2 minutes."}, 120.0),
        ({}, {"message": "Try again in 1h2m3s"}, 3_723.0),
        ({}, {"error": {"details": [{"@type": "QuotaFailure"}, {"retryDelay": "22s"}]}}, 22.0),
        ({}, {"error": {"details": [{"retryDelay": "22 s"}]}}, None),
        ({}, {"error": {"retry_after": 12}}, 12.0),
        ({}, {"retry_after": True}, None),
        ({}, {"retry_after": float("inf")}, None),
        ({}, {"detail": "Try again at 2026-11-23."}, None),
        ({}, {"detail": "5 s of video are the most."}, None),
        ({}, {"error": ["retry"], "detail": [{"msg": "retry"}]}, None),
        ({}, {}, None),
    ],
)
def test_a_pause_is_found_wherever_it_is_told(
    headers: dict[str, str], said: dict[str, object], seconds: float | None
) -> None:
    assert pause(CIMultiDict(headers), said, now=NOW) == seconds


@pytest.mark.parametrize(
    "content",
    [
        b'{"detail": [{"loc": ["body", "prompt"], "msg": "No.", "type": "content_policy_violation"}]}',
        b'{"detail": "flagged by a content checker"}',
    ],
)
def test_a_refusal_among_the_fields_is_one_of_the_content(content: bytes) -> None:
    assert refusal(MODEL, 422, {}, content, secret=None).error_class == "moderated"
