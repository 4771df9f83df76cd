"""The Chromium program: where it lies on this machine, and the switches that it is started with."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
MAC_PATHS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
SHARED_MEMORY_BYTES = 512 << 20
"""Less than this in /dev/shm, as in a container, and Chromium is told to use files instead."""


class NoChromium(Exception):
    """Raised when no Chromium can be started; says what was tried and what to do."""


def programs(configured: str | None, playwrights_own: str) -> Iterator[Path]:
    """Where a Chromium lies, the best first. A configured one is the only one.

    Snap packages come last: they see neither our private folder nor our pipe.
    """
    if configured is not None:
        path = shutil.which(configured)
        if path is None:
            raise NoChromium(f'"browser" in app_config.json is {configured}, which is not a program.')
        yield Path(path)
        return
    found = [Path(path) for name in NAMES if (path := shutil.which(name))]
    found += [path for path in map(Path, MAC_PATHS) if path.exists()]
    own = Path(playwrights_own)
    yield from (path for path in found if not _is_snap(path))
    if own.exists():
        yield own
    yield from (path for path in found if _is_snap(path))


def switches(*, gpu: bool, shared_memory: int) -> list[str]:
    """The switches beside Playwright's own; drawing must go on whatever happens to the GPU process."""
    chosen = [
        # Without both, the third loss of the GPU process ends WebGL for good.
        "--disable-domain-blocking-for-3d-apis",
        "--disable-gpu-process-crash-limit",
        "--ignore-gpu-blocklist",
        # A GPU that turns out unusable must not mean no WebGL.
        "--enable-unsafe-swiftshader",
    ]
    if not gpu:
        # Mesa's llvmpipe takes a third of the time of Chromium's own SwiftShader, to which Chromium turns by
        # itself where there is no Mesa.
        chosen += ["--use-gl=angle", "--use-angle=gl-egl"]
    elif sys.platform == "linux":
        # Without a screen Chromium draws in software, unless it is told otherwise; without a Vulkan driver it
        # still does. Elsewhere it finds the GPU by itself.
        chosen += ["--use-gl=angle", "--use-angle=vulkan"]
    if shared_memory < SHARED_MEMORY_BYTES:
        chosen.append("--disable-dev-shm-usage")
    return chosen


def graphics_here() -> dict[str, str]:
    """What Mesa must know of a machine without a GPU, as environment variables: no screen and no device."""
    return {} if has_gpu() else {"EGL_PLATFORM": "surfaceless", "LIBGL_ALWAYS_SOFTWARE": "1"}


def switches_here() -> list[str]:
    """The switches for this machine."""
    return switches(gpu=has_gpu(), shared_memory=_shared_memory())


def is_root() -> bool:
    """Whether we run as root, where Chromium starts only without its sandbox."""
    return os.geteuid() == 0


def has_gpu(devices: Path = Path("/dev")) -> bool:
    """Whether there is one that draws: a screen alone, as virtual machines have, is none."""
    nodes = [*devices.glob("dri/renderD*"), *devices.glob("nvidia[0-9]*")]
    return sys.platform != "linux" or any(os.access(node, os.R_OK | os.W_OK) for node in nodes)


def _shared_memory() -> int:
    if sys.platform != "linux":
        return SHARED_MEMORY_BYTES
    try:
        found = os.statvfs("/dev/shm")
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize


def _is_snap(path: Path) -> bool:
    if "snap" in path.resolve().parts:
        return True
    # Ubuntu's chromium-browser is a script that calls the snap.
    with path.open("rb") as file:
        start = file.read(4_096)
    return start.startswith(b"#!") and b"/snap/bin/" in start
