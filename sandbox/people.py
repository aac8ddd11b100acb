"""Who lives in this world: entries of the population register, and WeChat accounts."""

from __future__ import annotations

import re
import secrets
from datetime import date
from typing import Any

from sandbox.state import Keeper, Person, WeChatUser

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RELATIONS = frozenset({"child", "parent", "spouse"})
_BACK = {"child": "parent", "parent": "child", "spouse": "spouse"}
PHONE = re.compile(r"^1[3-9]\d{9}$")


class PersonError(ValueError):
    """What was given about a person cannot be right."""


def check_digit(first_seventeen: str) -> str:
    """The last character of a GB 11643 number."""
    total = sum(int(digit) * weight for digit, weight in zip(first_seventeen, _WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def is_id_number(text: str) -> bool:
    """Whether `text` is a resident identity number: form, date and check digit."""
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", text) or check_digit(text[:17]) != text[17]:
        return False
    try:
        date.fromisoformat(birth_of(text))
    except ValueError:
        return False
    return True


def birth_of(id_number: str) -> str:
    """The date of birth inside an identity number."""
    return f"{id_number[6:10]}-{id_number[10:12]}-{id_number[12:14]}"


def sex_of(id_number: str) -> str:
    """The sex inside an identity number."""
    return "male" if int(id_number[16]) % 2 else "female"


def make_id_number(region: str, birth: date, sequence: int) -> str:
    """A number that checks, for made-up people."""
    first = f"{region}{birth:%Y%m%d}{sequence:03d}"
    return first + check_digit(first)


def _openid() -> str:
    return "o" + secrets.token_urlsafe(24)[:27]


class People:
    """Finds and adds people."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._indexed: dict[str, WeChatUser] = {}
        self._index_of: tuple[int, int] = (0, 0)

    @property
    def _index(self) -> dict[str, WeChatUser]:
        """Accounts by openid and by phone; made again when an account came or the world was reset."""
        stamp = (id(self._users), len(self._users))
        if stamp != self._index_of:
            self._index_of = stamp
            self._indexed = {
                key: user
                for user in self._users.values()
                for key in (user.mini_openid, user.oa_openid, user.phone)
                if key
            }
        return self._indexed

    @property
    def _users(self) -> dict[str, WeChatUser]:
        return self._keeper.state.users

    def register(self, entry: dict[str, Any]) -> Person:
        """Put a person into the register, or replace the entry with the same number."""
        id_number, name = str(entry.get("id_number", "")).strip().upper(), str(entry.get("name", "")).strip()
        phone = str(entry.get("phone") or "")
        if not is_id_number(id_number) or not name or (phone and not PHONE.match(phone)):
            raise PersonError("a name, a valid id_number and a mobile phone (or none) are needed")
        family = [self._relative(one) for one in entry.get("family") or []]
        person = Person(
            id_number=id_number,
            name=name,
            phone=phone,
            sex=str(entry.get("sex") or sex_of(id_number)),
            birth_on=birth_of(id_number),
            alive=bool(entry.get("alive", True)),
            family=family,
            in_city=bool(entry.get("in_city", True)),
            licences=bool(entry.get("licences", True)),
        )
        self._keeper.state.persons[id_number] = person
        self._keeper.changed()
        return person

    def _relative(self, one: dict[str, Any]) -> dict[str, str]:
        relation, id_number = str(one.get("relation")), str(one.get("id_number", "")).upper()
        if relation not in _RELATIONS or not is_id_number(id_number):
            raise PersonError("family: each needs an id_number and a relation child, parent or spouse")
        return {"id_number": id_number, "relation": relation}

    def find_person(self, id_number: str) -> Person | None:
        """The register's entry for a number."""
        return self._keeper.state.persons.get(id_number.upper())

    def relation(self, one: str, other: str) -> str:
        """What `other` is to `one`: child, parent, spouse or none; either one's family entry tells."""
        mine, theirs = self.find_person(one), self.find_person(other)
        for entry in mine.family if mine else []:
            if entry["id_number"] == other.upper():
                return entry["relation"]
        for entry in theirs.family if theirs else []:
            if entry["id_number"] == one.upper():
                return _BACK[entry["relation"]]
        return "none"

    def user_with_phone(self, phone: str) -> WeChatUser:
        """The WeChat account bound to a phone; made when there is none."""
        if not PHONE.match(phone):
            raise PersonError(f"not a mobile phone: {phone}")
        known = self._index.get(phone)
        if known is not None:
            return known
        return self._add_user(phone)

    def _add_user(self, phone: str) -> WeChatUser:
        named = [person.name for person in self._keeper.state.persons.values() if person.phone == phone]
        user = WeChatUser(
            unionid="o6_" + secrets.token_urlsafe(20)[:25],
            mini_openid=_openid(),
            oa_openid=_openid(),
            phone=phone,
            nickname=named[0] if named else f"微信用户{phone[-4:]}",
        )
        self._users[user.unionid] = user
        self._keeper.changed()
        return user

    def find_user(self, openid: str) -> WeChatUser | None:
        """The account behind either of its openids."""
        return self._index.get(openid) if openid.startswith("o") else None

    def user_of(self, entry: dict[str, Any]) -> WeChatUser:
        """The account a control request names by `openid` or by `phone`."""
        if entry.get("openid"):
            user = self.find_user(str(entry["openid"]))
            if user is None:
                raise PersonError("no such openid")
            return user
        return self.user_with_phone(str(entry.get("phone") or ""))

    def name_of_phone(self, phone: str) -> str:
        """Whose phone it is, as the register knows."""
        return next((p.name for p in self._keeper.state.persons.values() if p.phone == phone), "")
