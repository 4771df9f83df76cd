"""Another page, or something else that draws, than a world was begun with is told of, and draws."""

from pathlib import Path

import pytest

from services.renderer.vintage import FILE, Vintage

GPU, SOFTWARE = "NVIDIA GeForce RTX 4060", "software, llvmpipe LLVM 15.0.6 256 bits"


def test_the_first_frame_decides(tmp_path: Path) -> None:
    # What has drawn nothing yet begins nothing.
    assert Vintage(tmp_path).note("scene-2", SOFTWARE, 0) == ""
    assert not (tmp_path / FILE).exists()
    assert Vintage(tmp_path).note("scene-3", GPU, 1) == ""
    assert (tmp_path / FILE).read_text() == f"scene-3\n{GPU}\n"
    assert Vintage(tmp_path).note("scene-3", GPU, 0) == ""


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (f"scene-2\n{GPU}\n", "page scene-3 draws beside renders of page scene-2"),
        (f"scene-3\n{SOFTWARE}\n", f"{GPU} draws beside renders of {SOFTWARE}"),
        (
            f"scene-2\n{SOFTWARE}\n",
            f"page scene-3 draws beside renders of page scene-2, {GPU} draws beside renders of {SOFTWARE}",
        ),
    ],
)
def test_what_is_another_is_told_until_the_file_is_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, before: str, told: str
) -> None:
    (tmp_path / FILE).write_text(before)
    vintage = Vintage(tmp_path)
    for frames in (0, 1, 2):
        assert vintage.note("scene-3", GPU, frames) == f"{told}, see page_build.txt"
    assert len(caplog.records) == 1
    assert f"Render them anew, then remove {tmp_path / FILE}" in caplog.text
    assert (tmp_path / FILE).read_text() == before
    (tmp_path / FILE).unlink()
    assert Vintage(tmp_path).note("scene-3", GPU, 3) == ""


def test_a_world_of_an_earlier_version_learns_what_draws(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("scene-3\n")
    assert Vintage(tmp_path).note("scene-3", GPU, 0) == ""
    assert Vintage(tmp_path).note("scene-3", GPU, 1) == ""
    assert Vintage(tmp_path).note("scene-3", SOFTWARE, 1) != ""
    # One that another build has begun does not: what drew it then is not known.
    (tmp_path / FILE).write_text("scene-2\n")
    assert Vintage(tmp_path).note("scene-3", GPU, 1) != ""
    assert (tmp_path / FILE).read_text() == "scene-2\n"
