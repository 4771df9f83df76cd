"""Everything that a fresh machine lacks: `.venv`, packages, the web pages, a Chromium.

Needs the standard library only, since `make` runs it before anything is installed. What is done is noted in
`.setup/`, under a hash of what it was made from; so nothing is done twice.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
WEB = ROOT / "web"
NOTES = ROOT / ".setup"
OLDEST_PYTHON = (3, 11)
BUILT = ("scene/index.html", "studio/index.html", "cities/sanfrancisco/version.txt")
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
MAC_BROWSERS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PLAYWRIGHTS_OWN = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


class CannotSetUp(Exception):
    """Raised when a step fails; says what to do about it."""


def main(words: Sequence[str]) -> int:
    """Set up what is missing. Exit code: 0 all there, 1 a step failed."""
    parser = argparse.ArgumentParser(
        prog="supervisor.py setup", description="Install and build everything that is missing."
    )
    parser.add_argument("--dev", action="store_true", help="also what the tests and checks need")
    given = parser.parse_args(words)
    if sys.version_info < OLDEST_PYTHON:
        print("Tilewright needs Python 3.11 or newer: make PYTHON=python3.12 …", file=sys.stderr)
        return 1
    try:
        environment()
        packages("dev" if given.dev else "run")
        bytecode(("protocol", "services", "tests", "bench") if given.dev else ("protocol", "services"))
        web()
        chromium()
    except CannotSetUp as error:
        print(f"Setup stopped: {error}", file=sys.stderr)
        return 1
    return 0


def environment() -> None:
    """Make `.venv`, also where Debian has taken pip out of Python."""
    if PYTHON.exists() and _quiet([PYTHON, "-m", "pip", "--version"]):
        return
    _say("Making .venv")
    shutil.rmtree(NOTES, ignore_errors=True)
    if _quiet([sys.executable, "-m", "venv", "--clear", VENV]):
        return
    if _is_root() and shutil.which("apt-get"):
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        _apt(version)
        if _quiet([sys.executable, "-m", "venv", "--clear", VENV]):
            return
    raise CannotSetUp("Python cannot make a virtual environment; on Debian: sudo apt install python3-venv")


def packages(kind: str) -> None:
    """Install the locked packages, wheels only, each with its hash."""
    lock = ROOT / "requirements" / f"{kind}.txt"
    run = ROOT / "requirements" / "run.txt"
    if _noted(f"packages-{kind}", [lock, run]):
        return
    _say(f"Installing the Python packages of requirements/{lock.name}")
    _run(
        [PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "--only-binary", ":all:", "-r", lock],
        "the Python packages could not be installed",
    )
    if kind == "dev":
        # Made under the constraints of run.txt, so it has all of it.
        _note("packages-run", [run, run])
    _note(f"packages-{kind}", [lock, run])


def bytecode(folders: Iterable[str]) -> None:
    """Compile our own sources: where Python is told to write no bytecode, every process would do it anew."""
    # What cannot be compiled or written is compiled when it is needed, or said then.
    _quiet([PYTHON, "-m", "compileall", "-q", *(ROOT / folder for folder in folders)])


def web() -> None:
    """Build the pages with Node, which came as a Python package, and prepare the sample city."""
    locks = [WEB / "package.json", WEB / "package-lock.json"]
    if not _noted("node_modules", locks) or not (WEB / "node_modules").is_dir():
        _say("Installing the packages of web/package-lock.json")
        npm = [VENV / "bin" / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        _run(npm, "the web packages could not be installed", folder=WEB)
        _note("node_modules", locks)
    sources = [*locks, *_sources(WEB / "scene"), *_sources(WEB / "studio")]
    if _noted("web", sources) and all((WEB / "dist" / built).exists() for built in BUILT):
        return
    _say("Building the pages")
    node = VENV / "bin" / "node"
    for page in ("scene", "studio"):
        vite = [node, "node_modules/vite/bin/vite.js", "build", page, "--logLevel", "warn"]
        _run(vite, f"web/{page} could not be built", folder=WEB)
    _run([node, "scene/prepare.mjs"], "the sample city could not be prepared", folder=WEB)
    _note("web", sources)


def chromium() -> None:
    """Find a Chromium that starts, or install one."""
    if _has_chromium():
        return
    linux_root = sys.platform == "linux" and _is_root() and shutil.which("apt-get")
    if linux_root:
        _say("Installing Chromium with apt-get")
        try:
            _apt("chromium")
        except CannotSetUp as error:
            print(error, file=sys.stderr)
        if _has_chromium():
            return
    _say("Installing Chromium with Playwright")
    command = [PYTHON, "-m", "playwright", "install", "chromium"]
    if linux_root:
        command.insert(-1, "--with-deps")
    _run(
        command,
        "no Chromium was found and none could be installed. Install Chromium or Chrome, or name one as "
        '"browser" in app_config.json',
    )


def _has_chromium() -> bool:
    try:
        configured = json.loads((ROOT / "app_config.json").read_text()).get("browser")
    except (OSError, ValueError, AttributeError):
        # The supervisor will say what is wrong with it.
        configured = None
    if isinstance(configured, str):
        return True
    programs = [shutil.which(name) for name in BROWSERS] + [*MAC_BROWSERS]
    # A snap's stub lies in the path and answers only when the snap is there.
    if any(program and Path(program).exists() and _quiet([program, "--version"]) for program in programs):
        return True
    answer = subprocess.run([PYTHON, "-c", PLAYWRIGHTS_OWN], capture_output=True, text=True)
    return answer.returncode == 0 and Path(answer.stdout.strip()).exists()


def _apt(package: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-q"], "apt-get update failed", variables=environment)
    _run(
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", package],
        f"apt-get could not install {package}",
        variables=environment,
    )


def _run(
    command: Sequence[object],
    otherwise: str,
    *,
    folder: Path = ROOT,
    variables: dict[str, str] | None = None,
) -> None:
    """Run quietly; show what was said only if it fails."""
    chosen = dict(variables or os.environ)
    chosen["PATH"] = f"{VENV / 'bin'}{os.pathsep}{chosen.get('PATH', os.defpath)}"
    with tempfile.TemporaryFile() as said:
        words = [str(word) for word in command]
        try:
            code = subprocess.run(
                words, cwd=folder, env=chosen, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            ).returncode
        except OSError as error:
            raise CannotSetUp(f"{otherwise}: {error}.") from None
        if code:
            said.seek(0)
            sys.stderr.write(said.read().decode("utf-8", "replace")[-4_000:])
            raise CannotSetUp(f"{otherwise} (exit code {code}).")


def _quiet(command: Sequence[object]) -> bool:
    try:
        words = [str(word) for word in command]
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
    except OSError:
        return False


def _sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _noted(what: str, made_from: Iterable[Path]) -> bool:
    note = NOTES / what
    return note.exists() and note.read_text() == _digest(made_from)


def _note(what: str, made_from: Iterable[Path]) -> None:
    NOTES.mkdir(exist_ok=True)
    (NOTES / what).write_text(_digest(made_from))


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_root() -> bool:
    return os.geteuid() == 0


def _say(what: str) -> None:
    print(f"{what} …", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
