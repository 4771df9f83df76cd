"""`python -m tests.mutants [NAME…]`: put each mutant into a copy of the tree and see that it is caught.

Without names it first sees that every command succeeds when nothing was changed. Exit code: 0 all were
caught, 1 one was not. Prints the table as Markdown.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.mutants.table import MUTANTS, TREE, Mutant

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "web", "world", ".*cache*", ".hypothesis")
LINKED = (".venv", "web")
PATIENCE_SECONDS = 600


def copied(folder: Path) -> Path:
    """A copy of the tree; what is large and stays as it is is only linked."""
    tree = folder / "tree"
    shutil.copytree(TREE, tree, ignore=LEFT_OUT, symlinks=True)
    for name in LINKED:
        if (TREE / name).exists():
            (tree / name).symlink_to(TREE / name)
    return tree


def caught(mutant: Mutant, folder: Path) -> tuple[bool, float]:
    """Whether the command fails in a copy with the mutant in it, and the seconds that took."""
    tree = copied(folder)
    file = tree / mutant.file
    text = file.read_text()
    assert text.count(mutant.text) == 1, f"{mutant.name}: its text is no longer in {mutant.file} once"
    file.write_text(text.replace(mutant.text, mutant.instead))
    began = time.monotonic()
    code = run(mutant.caught_by, tree)
    return code == 1, time.monotonic() - began


def run(words: Sequence[str], tree: Path) -> int:
    """The exit code of a command in a copy of the tree; what it says goes into a file beside it."""
    with (tree.parent / "output").open("ab") as output:
        command = [sys.executable, *words]
        return subprocess.run(
            command, cwd=tree, stdout=output, stderr=subprocess.STDOUT, timeout=PATIENCE_SECONDS
        ).returncode


def because(folder: Path) -> str:
    """What a command said against the tree in its folder: the rows of a drill, or the tests that failed."""
    said = (folder / "output").read_text("utf-8", "replace")
    # The table of a drill, down to where its figures begin.
    rows = re.findall(r"^(\S.*?) {2,}[1-9]\d*$", said.partition("\nseconds ")[0], re.M)
    tests = re.findall(r"^FAILED \S+::(\w+)", said, re.M)
    return ", ".join(dict.fromkeys([*rows, *tests])) or "see its output"


def sound(folder: Path) -> list[str]:
    """The commands that fail although nothing was changed; they prove nothing."""
    tree = copied(folder)
    return [mutant.command for mutant in _distinct(MUTANTS) if run(mutant.caught_by, tree) != 0]


def _distinct(mutants: Iterable[Mutant]) -> list[Mutant]:
    return list({mutant.caught_by: mutant for mutant in mutants}.values())


def main(names: list[str]) -> int:
    wanted = [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]
    if not names:
        folder = Path(tempfile.mkdtemp(prefix="tw-mutant-"))
        if failed := sound(folder):
            print(f"Without any mutant these fail: {failed}; see {folder / 'output'}.")
            return 1
        shutil.rmtree(folder, ignore_errors=True)
    print("| mutant | caught | by | because | seconds |\n|---|---|---|---|---|", flush=True)
    survived = 0
    for mutant in wanted:
        folder = Path(tempfile.mkdtemp(prefix="tw-mutant-"))
        found, seconds = caught(mutant, folder)
        why = because(folder) if found else f"see {folder / 'output'}"
        survived += not found
        yes = "yes" if found else "**no**"
        print(f"| {mutant.name} | {yes} | `{mutant.command}` | {why} | {seconds:.0f} |", flush=True)
        if found:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
