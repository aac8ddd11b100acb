"""Every adapter of a port is held to the port's contract: the same tests as every other adapter."""

import ast

import pytest

from tests.guards.source import SourceFile, listed, source_files


def members(node: ast.ClassDef) -> set[str]:
    """Names of a class's own methods, properties and attributes."""
    names = set()
    for item in ast.walk(node):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(item.name)
        elif isinstance(item, ast.Name | ast.Attribute) and isinstance(item.ctx, ast.Store):
            names.add(item.id if isinstance(item, ast.Name) else item.attr)
    return names - {"__init__"}


def classes(file: SourceFile) -> list[ast.ClassDef]:
    return [node for node in file.tree.body if isinstance(node, ast.ClassDef)]


def is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def ports(top: str) -> dict[str, set[str]]:
    """The ports of payment or notify with what each asks for."""
    (file,) = [file for file in source_files(top) if file.name == f"{top}/ports.py"]
    return {node.name: members(node) for node in classes(file) if is_protocol(node)}


def adapters(top: str) -> set[str]:
    """Classes that offer everything some port asks for."""
    wanted = ports(top).values()
    return {
        node.name
        for file in source_files(top)
        if file.name != f"{top}/ports.py"
        for node in classes(file)
        if not is_protocol(node) and any(port <= members(node) for port in wanted)
    }


def contract_tests(top: str) -> set[str]:
    """Test classes that inherit a contract."""
    return {
        node.name
        for file in source_files(f"tests/{top}")
        for node in classes(file)
        if any(isinstance(base, ast.Name) and base.id.endswith("Contract") for base in node.bases)
    }


@pytest.mark.parametrize("top", ["payment", "notify"])
def test_every_adapter_is_held_to_its_ports_contract(top: str):
    assert adapters(top)
    untested = [name for name in adapters(top) if f"Test{name}" not in contract_tests(top)]
    assert not untested, listed(untested)


@pytest.mark.parametrize("top", ["payment", "notify"])
def test_every_contract_is_kept_by_a_twin_in_memory_too(top: str):
    # What the services' own tests stand on must behave as the real channel does.
    assert any(name.startswith("TestMemory") for name in contract_tests(top))
