"""The national card of a resident: who may come by which, kept as a blind index only."""

from __future__ import annotations

from backend.healthcodes.national import ID_CARD, health_card_id
from backend.healthcodes.ports import Identity
from backend.security.fields import BlindIndex
from backend.security.keys import Keyring


class Cards:
    """Makes the index of a person's card. Knows keys, no database."""

    def __init__(self, keyring: Keyring, blind: BlindIndex) -> None:
        self._keyring = keyring
        self._blind = blind

    @property
    def current(self) -> str:
        """With which keys an index is made."""
        return f"{self._blind.current}/{self._keyring.active('national_root').kid}"

    def index_of(self, person: Identity) -> str | None:
        """The index of a person's card id; None for papers whose number fits no national card."""
        root_key = self._keyring.active("national_root").secret
        try:
            card_id = health_card_id(root_key, ID_CARD, person.id_number, person.name)
        except ValueError:
            # Our own codes serve these people all the same.
            return None
        return self._blind.of("card_id", card_id)

    def candidates(self, card_id: str) -> list[str]:
        """What to look for when a card is shown, while a rotation is being followed up."""
        return self._blind.candidates("card_id", card_id)
