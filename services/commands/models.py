"""`supervisor.py models`: the models of the configuration, one real call of one, the schema for editors."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.commands.asking import words
from services.config import DEFAULT_CONFIG, AppConfig, load
from services.model import Model
from services.schema import schema

WELL, NOT_WELL, USAGE = 0, 1, 2


def main(typed: Sequence[str]) -> int:
    """List, try, or describe. Exit code: 0 done, 1 the tried model gave no usable picture, 2 wrong usage."""
    given = _parser().parse_args(typed)
    if given.action == "schema":
        words.say_json(schema())
        return WELL
    config = load(given.config)
    if given.action == "test":
        return _test(config, given)
    return _list(config, given)


def _list(config: AppConfig, given: argparse.Namespace) -> int:
    if given.model_id is not None:
        return _wrong("A MODEL_ID belongs to `models test`.")
    if given.json:
        words.say_json({"default_model_id": config.default_model, "models": list(map(_facts, config.models))})
        return WELL
    rows = []
    for model in config.models:
        reason = model.why_unavailable()
        price = "" if model.cost_per_image is None else f"{model.cost_per_image:g}"
        mark = " (default)" if model.model_id == config.default_model else ""
        rows.append([model.model_id + mark, model.name, model.provider, price, reason or "ready"])
    words.table(["MODEL_ID", "NAME", "PROVIDER", "PRICE", "STATE"], rows)
    return WELL


def _facts(model: Model) -> dict[str, Any]:
    """What may be said of a model: neither its key nor its address."""
    reason = model.why_unavailable()
    return {
        "model_id": model.model_id,
        "name": model.name,
        "provider": model.provider,
        "available": not reason,
        "reason": reason,
        "key_variable": model.key_variable(),
        "cost_per_image": model.cost_per_image,
        "max_concurrency": model.max_concurrency,
        "timeout_seconds": model.timeout_seconds,
    }


def _test(config: AppConfig, given: argparse.Namespace) -> int:
    if given.model_id is None:
        return _wrong("Name the model: supervisor.py models test MODEL_ID.")
    model = config.model(given.model_id)
    if model is None:
        known = ", ".join(one.model_id for one in config.models)
        return _wrong(f"{given.config} has no model {given.model_id}; known are {known}.")
    if reason := model.why_unavailable():
        return _wrong(f"{model.name} cannot be called: {reason}", NOT_WELL)
    # A process of its own, as calls are made in generators alone: nobody else loads what makes them.
    command = [sys.executable, "-m", "services.generator.trial", model.model_id]
    command += ["--config", str(given.config.absolute())]
    if given.picture is not None:
        command += ["--picture", str(given.picture.absolute())]
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE if given.json else None, check=False
    )
    try:
        told = json.loads(ended.stdout)
    except ValueError:
        return _wrong("The trial ended without an answer; what it said stands above.", NOT_WELL)
    if given.json:
        words.say_json(told)
    else:
        words.say(*_told(told))
    return WELL if told["ok"] else NOT_WELL


def _told(told: dict[str, Any]) -> list[str]:
    """What came of a call, in lines."""
    name = told["name"]
    if not told["ok"]:
        return [f"{name} gave no usable picture ({told['error']}): {told['reason']}", *_kept(told)]
    price = "" if told["cost"] is None else f" It cost {told['cost']:g}."
    lines = [f"{name} answered in {told['seconds']:.1f} s.{price}"]
    if told["seam"] is not None:
        right, down = told["moved"]
        moved = f" The picture had moved by {right},{down} px." if right or down else ""
        verdict = "it may show" if told["flagged"] else "well"
        lines.append(
            f"Around the infill {told['drift']:.0%} changed; seam score {told['seam']:.2f}, {verdict}.{moved}"
        )
    return [*lines, *_kept(told)]


def _kept(told: dict[str, Any]) -> list[str]:
    return [f"The picture is in {told['picture']}."] if "picture" in told else []


def _wrong(sentence: str, code: int = USAGE) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py models",
        description="List the models of the configuration, each with whether it can be called. No service "
        "need run for that.",
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=["test", "schema"],
        help="test: make one real call of a model, which may cost money; schema: print the JSON schema of "
        "app_config.json, for editors; without it: list the models",
    )
    parser.add_argument("model_id", nargs="?", metavar="MODEL_ID", help="for test: the model to call")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="app_config.json")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="for test: keep the whole answer there")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser
