"""What every test may use: a short folder for sockets."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

FIRST = tuple(
    f"tests/{name}.py"
    for name in (
        "system/test_order",
        "supervisor/test_commands",
        "supervisor/test_restart",
        "studio/test_plans",
        "supervisor/test_stop",
        "studio/test_work",
        "system/test_main_job",
        "supervisor/test_start",
        "studio/test_view",
        "studio/test_queue",
        "renderer/test_process",
        "system/test_islands",
        "system/test_canary",
        "system/test_choice",
        "provider/test_faults",
        "renderer/test_scene",
        "renderer/test_faults",
        "studio/test_history",
        "commands/test_publish",
        "tiling/test_polygon",
        "tiling/test_sweep",
    )
)
"""The longest files: begun last, one of several workers would still be at them when the others are done.

pytest-xdist keeps this order only with --no-loadscope-reorder.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first."""
    items.sort(
        key=lambda item: FIRST.index(file) if (file := item.nodeid.split("::")[0]) in FIRST else len(FIRST)
    )


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Path]:
    """A folder with a path short enough for an ipc socket (108 bytes), gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tw-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
