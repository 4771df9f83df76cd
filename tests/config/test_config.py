"""What a broken app_config.json gets: one sentence with line, field and hint, and never a key."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from services.config import (
    DEFAULT_CONFIG,
    GENERATOR_SLOTS,
    AppConfig,
    Camera,
    ConfigError,
    Counts,
    Model,
    load,
    open_to_others,
)
from services.model import REMOTE_AT_ONCE

CANARY = "CANARY-9f3c2b"


def sample() -> dict[str, Any]:
    """A configuration of ten lines and more, one field a line, with a literal key in it."""
    return {
        "default_model_id": "one",
        "models": [
            {"name": "One", "model_id": "one", "provider": "pixel-art"},
            {"name": "Two", "model_id": "two", "provider": "oxen", "api_key": CANARY},
        ],
        "http": {"host": "127.0.0.1", "port": 8080},
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "app_config.json"


def refusal(file: Path, content: str | bytes) -> str:
    """What is said of this content, without the file's name."""
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as refused:
        load(file)
    said = str(refused.value)
    assert CANARY not in said
    assert "\n" not in said
    assert said.startswith(str(file))
    assert refused.value.__cause__ is None
    return said.removeprefix(str(file))


def put(config: Any, path: str, value: str) -> None:
    """Set or take out the field at a path like `models.1.name`."""
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        config = config[step]
    if value:
        config[last] = json.loads(value)
    else:
        del config[last]


def corpus() -> list[list[str]]:
    lines = (Path(__file__).parent / "corpus.txt").read_text().replace("CANARY", CANARY).splitlines()
    return [[part.strip() for part in line.split(" | ", 2)] for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(("path", "value", "said"), corpus())
def test_a_wrong_field_is_named_with_line_and_hint(file: Path, path: str, value: str, said: str) -> None:
    config = sample()
    put(config, path, value)
    assert refusal(file, json.dumps(config, indent=2)) == said


def test_the_first_of_several_faults_is_named(file: Path) -> None:
    config = {**sample(), "lease_seconds": 0, "max_attempts": 0, "name": 7}
    said = refusal(file, json.dumps(config, indent=2))
    assert said == ":20: lease_seconds: it must be greater than or equal to 0.1. (2 more after this.)"


TEXTS: list[tuple[str | bytes, str]] = [
    ("", ":1:1: It is empty."),
    (" \n ", ":1:1: It is empty."),
    ("[]", ":1:1: The configuration is one JSON object: { … }."),
    ("{", ":1:2: It is cut short: a field's name in double quotes is expected here."),
    ('{\n "models": [{', ":2:14: It is cut short: a field's name in double quotes is expected here."),
    ('{\n "models": [', ":2:13: It is cut short: a value is expected here"),
    ('{"name": "San Fran', ":1:10: This text is not closed"),
    (f'{{"api_key": "{CANARY}" "name": 1}}', ":1:29: A comma or a } is expected here."),
    ('{"name": "a",\n "name": "b"}', ":2:2: This field is given twice in the same object."),
    ('{"http": {"port": 1, "port": 2}}', ":1:22: This field is given twice in the same object."),
    ('{"name": "a",}', ":1:13: This comma stands before a }; take it out."),
    ('{"models": [1,]}', ":1:14: This comma stands before a ]; take it out."),
    ("{'name': 1}", ":1:2: A field's name in double quotes is expected here."),
    ("{} x", ":1:4: Something follows after the end of the object."),
    ('{"lease_seconds": NaN}', ":1:19: A value is expected here"),
    ('{"lease_seconds": -Infinity}', ":1:19: A value is expected here"),
    ('{"lease_seconds": 1e999}', ":1:24: This number is too large."),
    ('{"lease_seconds": 01}', ":1:19: A value is expected here"),
    ('{"name" "a"}', ":1:9: A colon is expected here, after the field's name."),
    ('{"name": "a\nb"}', ":1:10: This text is not closed, or has a line break"),
    ('{"name": "\\x"}', ":1:10: This text is not closed, or has a line break or a wrong \\ in it."),
    ('{"name": "\\ud800"}', ":1:18: This text has half a character in it"),
    ("[" * 100_000, ":1:51: It is nested too deeply."),
    ("\ufeff{}", ":1:1: It begins with a byte order mark; save it as UTF-8 without one."),
    ("{}".encode("utf-16"), ":1:1: It begins with a byte order mark"),
    (b'{"name":\n "\xff"}', ":2:3: It is not UTF-8; save it as UTF-8."),
    (b" " * ((1 << 20) + 1), " is larger than 1 MiB, so it is no configuration."),
]


@pytest.mark.parametrize(("text", "said"), TEXTS)
def test_a_text_that_is_no_json_is_refused_with_line_and_column(
    file: Path, text: str | bytes, said: str
) -> None:
    assert refusal(file, text).startswith(said)


@pytest.mark.parametrize("length", range(0, 260, 7))
def test_a_file_cut_short_anywhere_is_refused(file: Path, length: int) -> None:
    refusal(file, json.dumps(sample(), indent=2)[:length])


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not a file; name one with --config FILE\."):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="is not a file"):
        load(tmp_path / "pipe")
    with pytest.raises(ConfigError, match=r"does not exist; name another file with --config FILE\."):
        load(tmp_path / "none.json")


def test_the_projects_own_configuration_is_right() -> None:
    settings = load(DEFAULT_CONFIG)
    assert settings.default_model == "pixel-art"
    assert [model.model_id for model in settings.models[2:]] == [
        "cannoneyed-quiet-green-lamprey",
        "cannoneyed-rural-rose-dingo",
        "cannoneyed-gentle-gold-antlion",
    ]
    assert {model.key_variable() for model in settings.models[2:]} == {"OXEN_API_KEY"}


def test_a_model_may_say_what_it_costs_and_how_many_calls_it_takes_at_once(file: Path) -> None:
    settings = AppConfig.model_validate(
        {"models": [{**sample()["models"][0], "cost_per_image": 0, "max_concurrency": 16}]}
    )
    assert (settings.models[0].cost_per_image, settings.models[0].max_concurrency) == (0.0, 16)
    assert AppConfig.model_validate(sample()).models[0].max_concurrency is None


def test_a_local_model_is_held_to_what_the_processors_can_do() -> None:
    local = Model(name="a", model_id="a", provider="pixel-art")
    remote = Model(name="b", model_id="b", provider="oxen", api_key="literal")
    fewer = Model(name="c", model_id="c", provider="oxen", api_key="literal", max_concurrency=3)
    settings = AppConfig(models=[local, remote, fewer])
    assert settings.concurrency(local) == min(2 * (os.cpu_count() or 1), GENERATOR_SLOTS)
    assert settings.concurrency(remote) == REMOTE_AT_ONCE
    assert settings.concurrency(fewer) == 3
    many = remote.model_copy(update={"max_concurrency": 256})
    assert AppConfig(models=[many], services=Counts(generator=2)).concurrency(many) == 2 * GENERATOR_SLOTS


def test_a_link_is_followed(file: Path) -> None:
    file.symlink_to(DEFAULT_CONFIG)
    assert load(file) == load(DEFAULT_CONFIG)


def test_a_variable_may_be_named_in_two_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Model(name="a", model_id="a", provider="oxen", api_key="${TILEWRIGHT_TEST_KEY}")
    two = Model(name="b", model_id="b", provider="oxen", api_key_env="TILEWRIGHT_TEST_KEY")
    monkeypatch.delenv("TILEWRIGHT_TEST_KEY", raising=False)
    for model in (one, two):
        assert model.key_variable() == "TILEWRIGHT_TEST_KEY"
        assert model.why_unavailable() == "TILEWRIGHT_TEST_KEY is not set."
    monkeypatch.setenv("TILEWRIGHT_TEST_KEY", CANARY)
    for model in (one, two):
        assert model.key() == CANARY
        assert model.why_unavailable() == ""
        assert CANARY not in repr(model)


def test_a_key_is_in_no_repr() -> None:
    settings = AppConfig.model_validate(sample())
    assert settings.models[1].key() == CANARY
    assert CANARY not in repr(settings)
    assert CANARY not in str(settings)


def test_a_key_that_others_may_read_is_noticed(file: Path) -> None:
    file.write_text(json.dumps(sample()))
    file.chmod(0o644)
    assert open_to_others(file, load(file))
    file.chmod(0o600)
    assert not open_to_others(file, load(file))
    assert not open_to_others(DEFAULT_CONFIG, load(DEFAULT_CONFIG))


def test_the_document_shows_the_camera_that_is_used_without_one() -> None:
    document = (DEFAULT_CONFIG.parent / "docs" / "camera.md").read_text()
    example = document.split("```json\n")[1].split("```")[0]
    assert Camera.model_validate_json(json.dumps(json.loads(example)["camera"])) == Camera()
    for field, (least, most) in {"elevation": (-90, -15), "metres_per_pixel": (0.05, 2)}.items():
        assert f"| `{field}` | {least:g} | {most:g} |" in document
        for value in (least, most):
            assert getattr(Camera(**{field: float(value)}), field) == value
        for value in (least - 0.01, most + 0.01):
            with pytest.raises(ValueError):
                Camera(**{field: value})


def test_a_graph_lies_beside_the_configuration_that_names_it(file: Path) -> None:
    model = {
        "name": "Graph",
        "model_id": "graph",
        "provider": "comfyui",
        "endpoint": "http://127.0.0.1:8188",
        "graph": "graphs/one.json",
        "nodes": {"image": "10", "prompt": "6"},
    }
    file.write_text(json.dumps({"models": [model]}))
    loaded = load(file)
    assert loaded.models[0].graph == str(file.parent / "graphs" / "one.json")
    assert (
        loaded.models[0].why_unavailable() == "Its graph one.json cannot be read (No such file or directory)."
    )
    # What the supervisor hands out lies elsewhere, and still means the same file.
    copy = file.parent / "elsewhere" / "copy.json"
    copy.parent.mkdir()
    copy.write_text(loaded.model_dump_json(exclude_none=True))
    assert load(copy).models == loaded.models
