"""Rules of every resource and element (dom-2 to dom-5, ext-1, txt-1): one walk instead of many FHIRPaths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from backend.exchange.fhir.issues import Issue, Refused

_XHTML = "http://www.w3.org/1999/xhtml"
# The elements of HTML's chapters that a narrative may use (R4, Narrative), and no attribute that acts.
_ALLOWED = frozenset({
    "a", "abbr", "acronym", "b", "big", "blockquote", "br", "caption", "cite", "code", "col", "colgroup",
    "dd", "dfn", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "kbd",
    "li", "ol", "p", "pre", "q", "samp", "small", "span", "strong", "sub", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "tt", "ul", "var",
})  # fmt: skip
_ACTING = re.compile(r"^(?:on.*|formaction|srcdoc)$")
_ENTITY = re.compile(r"&(?!(?:#\d+|#x[0-9a-fA-F]+|lt|gt|amp|quot|apos);)(\w+);")


def of_resource(resource: dict[str, Any], kind: str) -> Iterator[Issue]:
    """What of these does not hold of a resource."""
    yield from _contained(resource, kind)
    yield from _extensions(resource, kind)
    text = resource.get("text")
    div = text.get("div") if isinstance(text, dict) else None
    if isinstance(div, str) and not is_narrative(div):
        yield Issue(
            Refused.INVARIANT,
            "txt-1: The narrative is one XHTML <div> with basic formatting, no scripts, forms or events.",
            f"{kind}.text.div",
            "叙述文本只能是不含脚本的 XHTML。",
        )


def is_narrative(div: str) -> bool:
    """Whether it is one harmless XHTML `div`."""
    if "<!" in div.replace("<!--", ""):
        return False
    try:
        # Entities that XHTML names and XML does not know stand for single characters.
        root = ElementTree.fromstring(_ENTITY.sub("x", div))  # noqa: S314 declarations are refused above
    except ElementTree.ParseError:
        return False
    if root.tag != f"{{{_XHTML}}}div":
        return False
    for node in root.iter():
        name = node.tag.removeprefix(f"{{{_XHTML}}}")
        if name not in _ALLOWED or any(_acts(key, value) for key, value in node.attrib.items()):
            return False
    return bool("".join(root.itertext()).strip()) or root.find(f".//{{{_XHTML}}}img") is not None


def _acts(name: str, value: str) -> bool:
    return bool(_ACTING.match(name.lower())) or value.strip().lower().startswith("javascript:")


def _contained(resource: dict[str, Any], kind: str) -> Iterator[Issue]:
    inner = resource.get("contained", ())
    if not inner:
        return
    referred = set(_references(resource))
    for number, each in enumerate(inner):
        where = f"{kind}.contained[{number}]"
        meta = each.get("meta") or {}
        if "contained" in each:
            yield Issue(Refused.INVARIANT, "dom-2: A contained resource contains no others.", where)
        if "versionId" in meta or "lastUpdated" in meta:
            yield Issue(
                Refused.INVARIANT, "dom-4: A contained resource has no version and no instant.", where
            )
        if "security" in meta:
            yield Issue(Refused.INVARIANT, "dom-5: A contained resource has no security label.", where)
        back = "#" in set(_references(each))
        if f"#{each.get('id')}" not in referred and not back:
            yield Issue(
                Refused.INVARIANT,
                "dom-3: A contained resource is referred to from its resource, or refers to it.",
                where,
                "内含资源没有被引用。",
            )


def _references(node: Any) -> Iterator[str]:
    """Local references below, also those written as canonical, uri or url."""
    if isinstance(node, dict):
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
    elif isinstance(node, str) and node.startswith("#"):
        yield node


def _extensions(node: Any, where: str) -> Iterator[Issue]:
    """ext-1, at whatever depth: an extension has a value or extensions, not both and not neither."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _extensions(item, f"{where}[{number}]")
        return
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name in ("extension", "modifierExtension") and isinstance(value, list):
            for number, extension in enumerate(value):
                if isinstance(extension, dict) and not _has_one(extension):
                    yield Issue(
                        Refused.INVARIANT,
                        "ext-1: An extension has either a value or extensions.",
                        f"{where}.{name}[{number}]",
                        "扩展必须有值或子扩展，且不能都有。",
                    )
        if isinstance(value, dict | list) and name != "contained":
            yield from _extensions(value, f"{where}.{name}")


def _has_one(extension: dict[str, Any]) -> bool:
    valued = any(name.startswith(("value", "_value")) for name in extension)
    return valued != bool(extension.get("extension"))
