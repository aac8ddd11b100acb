"""The ids of claims in `resident_keys`: keyed hashes, so that they say nothing about a phone or a number.

The first of each list is made with the active key and is what a new claim uses; the others find claims made
before a rotation of the blind-index key.
"""

from __future__ import annotations

from backend.security.fields import BlindIndex, BlindKind


class ClaimIds:
    """Makes claim ids from what a person shows."""

    def __init__(self, blind: BlindIndex) -> None:
        self._blind = blind

    def of_phone(self, phone: str) -> list[str]:
        """Ids of a phone's claim."""
        return self._ids("phone", "phone", phone)

    def of_id_number(self, id_number: str) -> list[str]:
        """Ids of an ID number's claim."""
        return self._ids("idn", "id_number", id_number)

    def of_wechat(self, app_id: str, openid: str) -> list[str]:
        """Ids of the claim on one WeChat account in one application."""
        return self._ids(f"wx:{app_id}", "openid", openid)

    def app_of(self, key: str) -> str:
        """The application of a WeChat account's claim."""
        return key.split(":")[1]

    def of_name(self, name: str) -> str:
        """The index of a name; names are compared, never claimed."""
        return self._blind.of("name", name)

    def _ids(self, prefix: str, kind: BlindKind, value: str) -> list[str]:
        newest = self._blind.of(kind, value)
        others = [index for index in self._blind.candidates(kind, value) if index != newest]
        return [f"{prefix}:{index}" for index in (newest, *others)]
