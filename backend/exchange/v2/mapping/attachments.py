"""ED and RP values: reports as issued, pictures, links. Their bytes become a Binary."""

from __future__ import annotations

import base64
import binascii

from backend.exchange.v2.mapping.building import Building, Json, tidy
from backend.exchange.v2.segments import Rep, Segment

_TYPES = {
    "PDF": "application/pdf", "JPEG": "image/jpeg", "JPG": "image/jpeg", "PNG": "image/png",
    "TIFF": "image/tiff", "GIF": "image/gif", "PICT": "image/pict", "HTML": "text/html", "RTF": "text/rtf",
    "XML": "text/xml", "TEXT": "text/plain", "TXT": "text/plain", "PLAIN": "text/plain",
    "DICOM": "application/dicom", "MSWORD": "application/msword", "X-HL7-CDA-LEVEL-ONE": "text/xml",
    "OCTET-STREAM": "application/octet-stream",
}  # fmt: skip
_MAGIC = ((b"%PDF", "application/pdf"), (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG", "image/png"))


def attachment_of(b: Building, segment: Segment) -> Json | None:
    """The attachment of an OBX-5; None when there is none that can be kept."""
    rep = segment.rep(5)
    if segment.text(2).upper() == "RP":
        address = rep.said(1)
        if not address.startswith(("http://", "https://")):
            return None
        return tidy({"contentType": _type(rep.c(3), rep.c(4), b""), "url": address, "title": _title(segment)})
    data = _bytes(rep)
    if not data:
        return None
    kind = _type(rep.c(2), rep.c(3), data)
    encoded = base64.b64encode(data).decode()
    what = segment.rep(3)
    key = f"ed:{segment.text(21) or ''}:{what.c(1) or what.c(2)}:{segment.text(4)}:{segment.at}:{_order(b)}"
    ref = b.add("Binary", key, {"contentType": kind, "data": encoded})
    return tidy({"contentType": kind, "url": ref["reference"], "title": _title(segment), "size": len(data)})


def _order(b: Building) -> str:
    order, document = b.content.first("OBR"), b.content.first("TXA")
    if document is not None:
        return document.text(12)
    return (order.text(3) or order.text(2)) if order is not None else b.header.control_id


def _bytes(rep: Rep) -> bytes:
    encoding, data = rep.c(4).upper(), rep.c(5)
    if encoding in ("BASE64", "BASE-64"):
        # Long lines are broken by some senders, as text or as escapes.
        packed = "".join(data.replace("\\.br\\", "").split())
        try:
            return base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError):
            return b""
    if encoding == "HEX":
        try:
            return bytes.fromhex(data)
        except ValueError:
            return b""
    return data.encode()


def _type(family: str, subtype: str, data: bytes) -> str:
    for name in (subtype, family):
        if "/" in name:
            return name.lower()
        if name.upper() in _TYPES:
            return _TYPES[name.upper()]
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), "application/octet-stream")


def _title(segment: Segment) -> str:
    return segment.text(3, 2) or segment.text(3, 1)
