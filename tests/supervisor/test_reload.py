"""app_config.json changed while everything runs: taken over if it is right, left alone if not."""

import json
import os
import signal
import stat

from services.config import Sockets
from tests.supervisor.stage import Stage, until

KEY = "CANARY-4d1c"


def test_new_models_reach_every_process_without_a_restart(stage: Stage) -> None:
    stage.environment["LATER_KEY"] = KEY
    stage.up().ready()
    before = {view["name"]: view["pid"] for view in stage.status()["services"]}
    stage.settings["models"] += [
        {"name": "Later", "model_id": "later", "provider": "oxen", "api_key": "${LATER_KEY}"},
        {"name": "Never", "model_id": "never", "provider": "oxen", "api_key_env": "NOT_SET_ANYWHERE"},
    ]
    stage.settings["http"] = {"port": 1}
    stage.configure()
    known = {"pixel-art": "", "later": "", "never": "NOT_SET_ANYWHERE is not set."}
    for name in before:
        until(f"{name} to take it over", lambda name=name: len(stage.goes_by(name).get("models", {})) == 3)
    for name in ("keeper", "gateway", "generator-1"):
        assert stage.goes_by(name)["models"] == known
    # The key goes to the generator alone, and by no file; the one to be is the supervisor's affair.
    assert {name: stage.goes_by(name)["keys"]["later"] for name in before} == {
        name: KEY if name == "generator-1" else None for name in before
    }
    assert {view["name"]: view["pid"] for view in stage.status()["services"]} == before
    assert stage.goes_by("gateway")["port"] == 0
    said = stage.output.read_text()
    assert "The configuration has changed; taken over: models; takes effect after a restart: http." in said
    for path in (*(stage.data / "logs").iterdir(), *Sockets(stage.data).folder.iterdir()):
        assert path.is_socket() or KEY not in path.read_text()

    # One that starts again has it all too.
    os.kill(before["generator-1"], signal.SIGKILL)
    until("a restart", lambda: stage.service("generator-1")["restarts"] == 1)
    stage.ready()
    assert json.loads((stage.data / "generator-1.environ").read_text())["LATER_KEY"] == KEY


def test_what_is_wrong_changes_nothing_and_is_shown_until_it_is_mended(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.up().ready()
    loaded_at = stage.status()["config"]["loaded_at"]
    assert stage.status()["config"] == {"path": str(stage.config), "loaded_at": loaded_at, "error": ""}
    stage.config.write_text(
        '{"models": [\n {"name": "Pixel art", "model_id": "pixel-art", "api_key": "' + KEY
    )
    error = until("the complaint", lambda: stage.status()["config"]["error"])
    assert error.startswith(f"{stage.config}:2:")
    assert stage.status()["config"]["loaded_at"] == loaded_at
    shown = stage.command("status")
    assert shown.returncode == 0
    assert f"configuration: {stage.config} was not taken over, the one of " in shown.stdout
    assert KEY not in shown.stdout + stage.output.read_text()

    # What dies meanwhile starts again all the same.
    os.kill(stage.service("gateway")["pid"], signal.SIGKILL)
    until("a restart", lambda: stage.service("gateway")["restarts"] == 1)
    stage.ready()
    assert stage.output.read_text().count("The configuration was not taken over") == 1

    stage.config.unlink()
    until("another complaint", lambda: "does not exist" in stage.status()["config"]["error"])
    stage.configure()
    until("it to be well", lambda: stage.status()["config"]["error"] == "")
    assert "The configuration has changed; in order again, nothing has changed." in stage.output.read_text()


def test_other_numbers_in_the_file_are_scaled(stage: Stage) -> None:
    stage.up().ready()
    stage.scale("generator", 3)
    stage.settings["lease_seconds"] = 30.0
    stage.configure()
    until("a take-over", lambda: stage.goes_by("keeper"))
    assert len([view for view in stage.status()["services"] if view["kind"] == "generator"]) == 3
    stage.settings["services"] = {"renderer": 0, "generator": 2}
    stage.configure()

    def counted() -> bool:
        kinds = [view["kind"] for view in stage.status()["services"]]
        return kinds == ["keeper", "generator", "generator", "gateway"]

    until("other numbers", counted)
    stage.ready()


def test_the_copy_is_private_comes_back_when_swept_away_and_goes_with_the_supervisor(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.settings["models"][0]["api_key"] = KEY
    stage.up().ready()
    copy = Sockets(stage.data).folder / "app_config.json"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    copy.unlink()
    until("another copy", copy.exists)
    assert json.loads(copy.read_text())["models"][0]["api_key"] == KEY
    assert stage.signal(signal.SIGTERM) == 0
    assert not copy.exists()
