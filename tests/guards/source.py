"""The project's own source as the guards read it: files, modules, syntax trees, imports."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = ("backend", "payment", "notify", "bots", "admin", "sandbox", "bench")


@dataclass(frozen=True)
class SourceFile:
    """One Python file of ours."""

    path: Path

    @property
    def name(self) -> str:
        """Its path from the root, as messages show it."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def module(self) -> str:
        """Its dotted name."""
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def text(self) -> str:
        """What it says."""
        return self.path.read_text()

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return _parse(self.path)

    def imports(self) -> Iterator[str]:
        """The dotted names it imports, also inside functions; not what only the type checker reads."""
        for node in _imports_of(self.path):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            else:
                base = self._absolute(node)
                for alias in node.names:
                    yield f"{base}.{alias.name}"

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.module if self.path.name == "__init__.py" else self.module.rpartition(".")[0]
        for _ in range(node.level - 1):
            package = package.rpartition(".")[0]
        return f"{package}.{node.module}" if node.module else package


@functools.cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


@functools.cache
def _imports_of(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    nodes = _outside_type_checking(_parse(path))
    return tuple(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))


def _outside_type_checking(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _outside_type_checking(child)


def source_files(*tops: str) -> list[SourceFile]:
    """Every Python file under these folders (default: all of the product), in order."""
    return [SourceFile(path) for top in tops or TOP_LEVEL for path in sorted((ROOT / top).rglob("*.py"))]


def own_imports(file: SourceFile) -> set[str]:
    """Those of a file's imports that are ours."""
    return {name for name in file.imports() if name.partition(".")[0] in TOP_LEVEL}


def listed(problems: list[str]) -> str:
    """Problems as a failing guard shows them, a line each."""
    return "\n" + "\n".join(sorted(problems))
