"""Files and functions stay small enough to read in one go (design.md §4)."""

import ast

from tests.guards.source import SourceFile, listed, source_files

FILE_LINES = 400
FUNCTION_LINES = 60

EVERYTHING = source_files() + source_files("tests")


def functions(file: SourceFile) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(file.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_file_is_longer_than_a_file_may_be():
    long = [
        f"{file.name}: {lines} lines" for file in EVERYTHING if (lines := file.text.count("\n")) > FILE_LINES
    ]
    assert not long, listed(long)


def test_no_function_is_longer_than_a_function_may_be():
    long = [
        f"{file.name}:{node.lineno} {node.name}: {lines} lines"
        for file in EVERYTHING
        for node in functions(file)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not long, listed(long)


def test_every_module_says_what_lives_in_it():
    silent = [file.name for file in EVERYTHING if file.text.strip() and not ast.get_docstring(file.tree)]
    assert not silent, listed(silent)
