"""Every mutant can still be put in: its text stands in its file exactly once."""

import ast

import pytest

from tests.mutants.table import MUTANTS, TREE, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_text_of_a_mutant_stands_in_its_file_once(mutant: Mutant) -> None:
    text = (TREE / mutant.file).read_text()
    assert text.count(mutant.text) == 1
    ast.parse(text.replace(mutant.text, mutant.instead))


def test_every_mutant_has_a_name_of_its_own_and_tests_that_exist() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        files = [word for word in mutant.caught_by if word.startswith("tests/")]
        assert files or "drill" in mutant.caught_by
        assert all((TREE / file).exists() for file in files)
