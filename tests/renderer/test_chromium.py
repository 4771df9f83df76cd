"""Finding a Chromium and starting it as safely as the machine allows."""

import sys
from pathlib import Path

import pytest

from services.renderer import browser as browser_module
from services.renderer.browser import Browser
from services.renderer.chromium import NoChromium, graphics_here, has_gpu, programs, switches
from services.renderer.page import GRAPHICS

ORIGIN = "http://127.0.0.1:9"


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_configured_program_is_the_only_one(tmp_path: Path) -> None:
    mine = program(tmp_path, "mine", "exit 0")
    assert list(programs(str(mine), "/usr/bin/env")) == [mine]
    with pytest.raises(NoChromium, match="/nowhere/chromium, which is not a program"):
        list(programs("/nowhere/chromium", "/usr/bin/env"))


def test_a_snap_comes_after_playwrights_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = program(tmp_path, "own", "exit 0")
    snap = program(tmp_path, "chromium-browser", 'exec /snap/bin/chromium "$@"')
    plain = program(tmp_path, "google-chrome", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("services.renderer.chromium.MAC_PATHS", ())
    assert list(programs(None, str(own))) == [plain, own, snap]
    assert list(programs(None, "/nowhere/chrome")) == [plain, snap]


def test_software_drawing_is_chosen_only_without_a_gpu() -> None:
    assert "--use-angle=gl-egl" in switches(gpu=False, shared_memory=1 << 30)
    assert "--use-angle=gl-egl" not in switches(gpu=True, shared_memory=1 << 30)
    assert ("--use-angle=vulkan" in switches(gpu=True, shared_memory=1 << 30)) == (sys.platform == "linux")
    assert "--disable-dev-shm-usage" in switches(gpu=True, shared_memory=64 << 20)
    for word in switches(gpu=True, shared_memory=0) + switches(gpu=False, shared_memory=0):
        assert "remote-debugging-port" not in word


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always one")
def test_a_screen_that_cannot_draw_is_no_gpu(tmp_path: Path) -> None:
    (tmp_path / "dri").mkdir()
    (tmp_path / "dri" / "card0").touch()
    assert not has_gpu(tmp_path)
    (tmp_path / "dri" / "renderD128").touch()
    assert has_gpu(tmp_path)
    (tmp_path / "dri" / "renderD128").unlink()
    (tmp_path / "nvidia0").touch()
    assert has_gpu(tmp_path)


async def test_a_gpu_that_turns_out_unusable_leaves_webgl(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_module, "switches_here", lambda: switches(gpu=True, shared_memory=0))
    browser = Browser(short / "chromium", None, ORIGIN)
    await browser.start()
    try:
        assert await (await browser.new_tab()).evaluate(GRAPHICS)
    finally:
        await browser.close()


@pytest.mark.skipif(sys.platform != "linux" or has_gpu(), reason="a GPU draws")
async def test_a_machine_without_mesa_draws_by_chromiums_own_software(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = {**graphics_here(), "__EGL_VENDOR_LIBRARY_DIRS": str(short)}
    monkeypatch.setattr(browser_module, "graphics_here", lambda: hidden)
    browser = Browser(short / "chromium", None, ORIGIN)
    await browser.start()
    try:
        assert "SwiftShader" in await (await browser.new_tab()).evaluate(GRAPHICS)
    finally:
        await browser.close()


async def test_a_browser_without_a_usable_sandbox_starts_without_it(
    short: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Root is a user for whom Chromium's sandbox does not work; say that we are somebody else.
    if not browser_module.is_root():
        pytest.skip("only root is refused the sandbox on every machine")
    monkeypatch.setattr(browser_module, "is_root", lambda: False)
    browser = Browser(short / "chromium", None, ORIGIN)
    await browser.start()
    assert browser.connected
    assert "starts without its sandbox" in caplog.text
    await browser.close()
    assert not browser.folder.exists()


async def test_a_program_that_does_not_start_is_named_with_its_reason(short: Path) -> None:
    broken = program(short, "broken", "echo 'error while loading shared libraries: libnss3.so' >&2; exit 127")
    browser = Browser(short / "chromium", str(broken), ORIGIN)
    with pytest.raises(NoChromium) as refusal:
        await browser.start()
    assert str(broken) in str(refusal.value)
    assert "libnss3.so" in str(refusal.value)
    assert "playwright install chromium" in str(refusal.value)
    assert not browser.folder.exists()


async def test_chromium_sees_no_keys(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OXEN_API_KEY", "CANARY-9f3")
    told = short / "told"
    spy = program(short, "spy", f"env > {told}; exit 1")
    with pytest.raises(NoChromium):
        await Browser(short / "chromium", str(spy), ORIGIN).start()
    assert "PATH=" in told.read_text()
    assert "CANARY" not in told.read_text()
