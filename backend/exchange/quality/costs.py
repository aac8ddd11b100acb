"""What a form or an expression may cost that is asked of everything that comes in. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

# Longer values are no codes: no form is asked of them.
LONGEST_VALUE = 1000
# In so many ways a form may be tried on one value before it is sure that the value is not of this form.
MOST_WAYS = 10_000_000
# A condition within a condition goes through a list for each item of another: no deeper.
_DEEPEST = 2
_TIMES = re.compile(r"\{(\d*)(,?)(\d*)\}")
_OPENED = re.compile(r"\(\?(?:P<\w+>|P=\w+|[:=!]|<[=!]|[aimsux-]+:?)")

# What an expression may use: nothing that goes through all there is, loops by itself, or runs its own forms.
FUNCTIONS = frozenset(
    {
        "all", "allTrue", "anyTrue", "allFalse", "anyFalse", "empty", "exists", "not", "where",
        "select", "first", "last", "tail", "skip", "take", "single", "count", "distinct", "isDistinct",
        "subsetOf", "supersetOf", "intersect", "exclude", "union", "combine", "iif", "hasValue",
        "ofType", "is", "as", "contains", "startsWith", "endsWith", "length", "lower", "upper",
        "substring", "indexOf", "toInteger", "toDecimal", "toString", "toDate", "toDateTime",
        "toQuantity", "abs", "round", "floor", "ceiling", "truncate", "now", "today",
    }
)  # fmt: skip
_CONDITIONAL = frozenset({"all", "where", "select", "exists", "iif"})


def ways(pattern: str) -> float:
    """In how many ways at most a form can be tried on one value; without end where repeats lie in repeats."""
    count, _ = _branches(pattern, 0)
    return count


def _branches(text: str, at: int) -> tuple[float, int]:
    """The alternatives up to the end of the group."""
    total, one = 0.0, 1.0
    while at < len(text) and text[at] != ")":
        if text[at] == "|":
            total, one, at = total + one, 1.0, at + 1
            continue
        inner, at = _item(text, at)
        repeated, at = _repeated(inner, text, at)
        one *= repeated
    return total + one, at


def _item(text: str, at: int) -> tuple[float, int]:
    if text[at] == "\\":
        return 1.0, at + 2
    if text[at] == "[":
        # A bracket that comes first belongs to the set.
        at += 2 if text[at + 1 : at + 2] == "^" else 1
        end = at + 1
        while end < len(text) and text[end] != "]":
            end += 2 if text[end] == "\\" else 1
        return 1.0, end + 1
    if text[at] == "(":
        opened = _OPENED.match(text, at)
        inner, end = _branches(text, opened.end() if opened else at + 1)
        return inner, end + 1
    return 1.0, at + 1


def _repeated(inner: float, text: str, at: int) -> tuple[float, int]:
    found = _TIMES.match(text, at)
    if found is not None and (found[1] or found[3]):
        least = int(found[1] or 0)
        most = int(found[3]) if found[3] else math.inf if found[2] else least
        at = found.end()
    elif text[at : at + 1] in ("*", "+", "?") and at < len(text):
        least, most = (0, 1) if text[at] == "?" else (0, math.inf)
        at += 1
    else:
        return inner, at
    # Taking as little as possible, or all at once, tries no more.
    at += text[at : at + 1] in ("?", "+")
    return _power(inner, least, min(most, LONGEST_VALUE)), at


def _power(inner: float, least: int, most: float) -> float:
    if inner == 1:
        return max(1.0, most - least + 1)
    try:
        return float(inner**most) * max(1.0, most - least + 1)
    except OverflowError:
        return math.inf


def expression_problem(text: str) -> str | None:
    """What stands against an expression of FHIRPath, in Chinese; None of one that may be asked."""
    # Slow to load, so only who writes a rule loads it; and without types.
    library: Any = import_module("fhirpathpy.parser")
    try:
        used = list(_functions(library.parse(text), 0)) if _is_whole(library, text) else None
    except Exception:  # whatever the library stumbles over is no expression
        used = None
    if used is None:
        return "表达式的写法不对，请检查括号和引号"
    wrong = sorted({name for name, _ in used if name not in FUNCTIONS})
    if wrong:
        return f"表达式不能用 {'、'.join(wrong)}，可用的如 exists、all、where、count、empty、not、iif"
    if any(depth > _DEEPEST for _, depth in used):
        return f"表达式里条件套条件最多{_DEEPEST}层，再深会拖慢接收"
    return None


def _is_whole(library: Any, text: str) -> bool:
    """Whether all of it is an expression: the library's own way stops at what it does not understand."""
    lexer = library.FHIRPathLexer(library.InputStream(text))
    reader = library.FHIRPathParser(library.CommonTokenStream(lexer))
    lexer.removeErrorListeners()
    reader.removeErrorListeners()
    reader.entireExpression()
    return bool(reader.getNumberOfSyntaxErrors() == 0)


def _functions(node: dict[str, Any], depth: int) -> Iterator[tuple[str, int]]:
    """Every function that is called, and in how many conditions its own condition lies."""
    if node.get("type") == "Functn":
        name = node["children"][0]["text"]
        depth += name in _CONDITIONAL
        yield name, depth
    for child in node.get("children", ()):
        yield from _functions(child, depth)
