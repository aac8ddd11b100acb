"""Whose message it is: by the client's certificate, its port, or MSH-4. Nobody by default."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from backend.exchange.v2.models import Link, Sender, SenderKind, SenderState
from backend.exchange.v2.parsing import Header
from backend.exchange.v2.sender_store import SenderStore, sender_id

_REMEMBERED_FOR_S = 5.0
_MOST = 2_000


@dataclass
class Identity:
    """Looks senders up, and remembers them for some seconds."""

    store: SenderStore
    # Whose messages are that no name is on the list for: a demonstration takes them all as one hospital's.
    open_to: str = ""
    _known: dict[tuple[str, ...], tuple[float, list[Sender]]] = field(default_factory=dict)

    async def of(self, header: Header, link: Link) -> Sender | None:
        """The sender of a message, if he is allowed; None for everybody else.

        A certificate or a port of one's own says more than a name in the message. Where the name belongs to
        another hospital than they do, nobody is believed.
        """
        names = facility_names(header)
        wanted = [sender_id(SenderKind.CERTIFICATE, name) for name in link.certificate]
        wanted += [sender_id(SenderKind.PORT, str(link.port))] if link.port else []
        wanted += [sender_id(SenderKind.FACILITY, name) for name in names]
        found = await self._among(tuple(wanted))
        if any(sender.state is SenderState.BLOCKED for sender in found):
            return None
        allowed = [sender for sender in found if sender.state is SenderState.ALLOWED]
        if not allowed and self.open_to and not link.certificate:
            return Sender("", SenderKind.FACILITY, "", self.open_to, SenderState.ALLOWED)
        if len({sender.organization_id for sender in allowed}) != 1:
            return None
        if link.certificate and not any(sender.kind is SenderKind.CERTIFICATE for sender in allowed):
            return None
        return max(allowed, key=lambda sender: bool(sender.charset))

    async def note(self, header: Header) -> None:
        """Count a stranger, so that whoever keeps the list sees him knock."""
        names = facility_names(header)
        if names:
            await self.store.note_stranger(names[0], header.kind)

    async def _among(self, wanted: tuple[str, ...]) -> list[Sender]:
        known = self._known.get(wanted)
        if known is not None and known[0] > monotonic():
            return known[1]
        found = await self.store.among(list(wanted))
        if len(self._known) > _MOST:
            self._known.clear()
        self._known[wanted] = (monotonic() + _REMEMBERED_FOR_S, found)
        return found


def facility_names(header: Header) -> list[str]:
    """The names of the sending facility: whole, its namespace, its universal id."""
    parts = [part.strip() for part in header.sending_facility.split(header.component)]
    names = [header.sending_facility.strip(), *parts[:2]]
    return [name[:100] for name in dict.fromkeys(names) if name]
