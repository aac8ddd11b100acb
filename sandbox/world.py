"""What every service stands on, in one hand: state, credentials, switches, agenda, courier, bank, people."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass, field

from sandbox.agenda import Agenda
from sandbox.bank import Bank
from sandbox.courier import Courier
from sandbox.credentials import Credentials
from sandbox.people import People
from sandbox.state import Keeper, State
from sandbox.switches import Switches

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass
class City:
    """Where the city is, and the secret path parts of its SMS callbacks; of the clouds' by their name."""

    url: str
    mas_callback_secret: str = ""
    callback_secrets: dict[str, str] = field(default_factory=dict)

    def move(self, url: str, mas_callback_secret: str) -> None:
        """Point at another city; only this machine may be called."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or (parts.hostname or "") not in LOOPBACK:
            raise ValueError("the city must be at http://127.0.0.1:<port>")
        self.url, self.mas_callback_secret = url.rstrip("/"), mas_callback_secret

    def owns(self, url: str) -> bool:
        """Whether `url` belongs to the city: a loopback host and the city's own port."""
        try:
            mine, other = urllib.parse.urlsplit(self.url), urllib.parse.urlsplit(url)
            ports = mine.port or 80, other.port or 80
        except ValueError:
            return False
        return other.scheme == "http" and (other.hostname or "") in LOOPBACK and ports[0] == ports[1]


@dataclass
class World:
    """Handed to every handler."""

    keeper: Keeper
    credentials: Credentials
    switches: Switches
    agenda: Agenda
    courier: Courier
    bank: Bank
    people: People
    city: City
    city_file: str
    # Where the hospital listens for HL7 messages, once it does.
    his_port: int = 0

    @property
    def state(self) -> State:
        """The remembered state."""
        return self.keeper.state

    def now(self) -> float:
        """Unix seconds."""
        return self.keeper.clock()
