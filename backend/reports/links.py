"""Shared reports: a short-lived link with its own key, in the manner of SMART Health Links.

What a link opens is encrypted when it is made, with a key that goes into the link and is kept nowhere here:
whoever has the database, and not the link, reads nothing. A link cannot be shown a second time.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field, replace
from datetime import timedelta

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import named_id, new_id
from backend.permissions import ANONYMOUS, Actor
from backend.records.models import Basis, Body, RecordQuery, Resource
from backend.reports.documents import Documents
from backend.reports.link_store import File, Link, LinkStore
from backend.reports.ports import Files, Reader
from backend.reports.service import AT_ONCE, ReportService, batched
from backend.security.passwords import hash_password, verify_password

ATTEMPTS = 5
MOST_LIVE = 20
LONGEST = timedelta(days=7)
FHIR_JSON = "application/fhir+json"
PDF = "application/pdf"
_LABEL = 80


@dataclass(frozen=True, slots=True)
class Shared:
    """A new link, told once: `uri` holds the key."""

    link: Link
    uri: str = field(repr=False)
    # The secret part of the address that the link is opened by.
    secret: str = field(repr=False)


class Links:
    """Makes links, opens them for whoever has one, and ends them."""

    def __init__(
        self,
        store: LinkStore,
        reports: ReportService,
        documents: Documents,
        reader: Reader,
        files: Files,
        audit: AuditService,
        *,
        public_url: str,
    ) -> None:
        self._store = store
        self._reports = reports
        self._documents = documents
        self._reader = reader
        self._files = files
        self._audit = audit
        self._public_url = public_url

    async def share(
        self, actor: Actor, report_id: str, *, lasts: timedelta, passcode: str | None, opened: bool
    ) -> Shared:
        """A link to one report. Raises NOT_FOUND, and CONFLICT beyond twenty that are alive."""
        found = await self._reports.open(actor, report_id, opened=opened)
        if found.hidden:
            raise not_found(f"report {report_id} is not opened")
        if await self._store.count_live(actor.id, clock.now()) >= MOST_LIVE:
            raise AppError(ErrorCode.CONFLICT, "twenty links are alive")
        basis, resource = await self._reports.resource(actor, report_id)
        resource = await self._files.whole(resource)
        results = await self._results(basis, resource)
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [_entry(resource.body), *results]}
        pdf = await self._documents.rendered(actor, report_id, opened=opened)
        key, secret = os.urandom(32), _b64(os.urandom(32))
        now = clock.now()
        link = Link(
            id=named_id("link", secret),
            resident_id=actor.id,
            patient_id=basis.person_id,
            label=found.report.title[:_LABEL],
            files=(File(PDF, new_id()), File(FHIR_JSON, new_id())),
            passcode=await hash_password(passcode) if passcode else None,
            attempts_left=ATTEMPTS,
            created_at=now,
            expires_at=now + min(lasts, LONGEST),
        )
        contents = {PDF: pdf, FHIR_JSON: orjson.dumps(bundle)}
        sealed = {
            file.blob_id: jwe(contents[file.content_type], key, file.content_type) for file in link.files
        }
        await self._store.insert(link, sealed)
        await self._record(actor, "reports.share", link)
        return Shared(link, self._uri(link, key, secret), secret)

    async def list_mine(self, actor: Actor) -> list[Link]:
        """The resident's links of the last weeks, the latest first."""
        return await self._store.of_resident(actor.id)

    async def revoke(self, actor: Actor, link_id: str) -> None:
        """End a link at once; what it opened is forgotten. Twice is no error."""
        link = await self._store.find(link_id)
        if link is None or link.resident_id != actor.id:
            raise not_found(f"link {link_id}")
        await self._store.revoke(link, clock.now())
        await self._record(actor, "reports.unshare", link)

    # -- for whoever has the link ----------------------------------------------------------------------

    async def manifest(self, secret: str, recipient: str, passcode: str | None) -> list[tuple[File, str]]:
        """The encrypted files of a link; every opening is written down.

        Raises NOT_FOUND for one that is over, LINK_PASSCODE_WRONG.
        """
        now = clock.now()
        link = await self._store.find(named_id("link", secret))
        if link is None or not link.is_live(now):
            raise not_found("a link that is over")
        if link.passcode is not None:
            link = await self._check(link, passcode)
        await self._store.opened(link, now, recipient)
        await self._record(ANONYMOUS, "reports.open_link", link)
        return [(file, await self._store.content(file)) for file in link.files]

    async def forget(self, resident_id: str) -> None:
        """An account is gone: its links are, too."""
        for link in await self._store.of_resident(resident_id):
            await self._store.delete(link)

    async def _check(self, link: Link, passcode: str | None) -> Link:
        """Take an attempt before looking: many at once are no more than many one after another."""
        left = await self._store.take_attempt(link.id)
        if left is None:
            raise not_found("a link without attempts left")
        if not passcode or not await verify_password(link.passcode, passcode):
            raise AppError(ErrorCode.LINK_PASSCODE_WRONG, data={"remaining_attempts": left})
        await self._store.give_attempts(link.id, ATTEMPTS)
        return replace(link, attempts_left=ATTEMPTS)

    async def _results(self, basis: Basis, resource: Resource) -> list[Body]:
        entries: list[Body] = []
        ids = [ref for ref in resource.refs if ref != basis.person_id]
        for some in batched(ids, AT_ONCE):
            found = await self._reader.search(basis, RecordQuery(ids=tuple(some), limit=AT_ONCE))
            entries += [_entry(one.body) for one in found.items if one.type == "Observation"]
        return entries

    def _uri(self, link: Link, key: bytes, secret: str) -> str:
        """The viewer's address with the link in its fragment, which no server ever sees."""
        payload = {
            "url": f"{self._public_url}/shl/{secret}",
            "key": _b64(key),
            "exp": int(link.expires_at.timestamp()),
            "label": link.label,
            "v": 1,
        }
        if link.passcode:
            payload["flag"] = "P"
        text = _b64(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())
        return f"{self._public_url}/shl/view#shlink:/{text}"

    async def _record(self, actor: Actor, action: str, link: Link) -> None:
        about = f"person/{link.patient_id}"
        await self._audit.record(actor, action, about, "own", None, {"link_id": link.id})


def jwe(content: bytes, key: bytes, content_type: str) -> str:
    """A compact JWE, `dir` with A256GCM (RFC 7516): the one form that SMART Health Links use."""
    header = _b64(orjson.dumps({"alg": "dir", "enc": "A256GCM", "cty": content_type}))
    nonce = os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, content, header.encode())
    return ".".join((header, "", _b64(nonce), _b64(sealed[:-16]), _b64(sealed[-16:])))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _entry(body: Body) -> Body:
    return {"resource": body}
