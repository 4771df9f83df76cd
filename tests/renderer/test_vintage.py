"""A page of another build than the one that a world was begun with is told of, and draws."""

from pathlib import Path

import pytest

from services.renderer.vintage import FILE, Vintage


def test_the_first_frame_decides(tmp_path: Path) -> None:
    # What has drawn nothing yet begins nothing.
    assert Vintage(tmp_path).note("scene-2", 0) == ""
    assert not (tmp_path / FILE).exists()
    assert Vintage(tmp_path).note("scene-3", 1) == ""
    assert (tmp_path / FILE).read_text() == "scene-3\n"
    assert Vintage(tmp_path).note("scene-3", 0) == ""


def test_another_build_is_told_until_the_file_is_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_text("scene-2\n")
    vintage = Vintage(tmp_path)
    for frames in (0, 1, 2):
        told = vintage.note("scene-3", frames)
        assert told == "page scene-3 draws beside renders of scene-2, see page_build.txt"
    assert len(caplog.records) == 1
    assert f"Render them anew, then remove {tmp_path / FILE}" in caplog.text
    (tmp_path / FILE).unlink()
    assert Vintage(tmp_path).note("scene-3", 3) == ""
