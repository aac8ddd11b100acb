"""Everything the sandbox remembers, and its snapshot on disk: one JSON file, written atomically."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

# Lists that only ever grow keep this many of their newest entries.
KEEP = 5000
SAVE_DELAY_S = 0.4
# A big state is saved less often: at most this share of the time goes into saving.
SAVE_SHARE = 0.05


def new_token(prefix: str = "", size: int = 16) -> str:
    """An unguessable token of `size` random bytes, in hex."""
    return prefix + secrets.token_hex(size)


@dataclass
class Person:
    """An entry of the population register."""

    id_number: str
    name: str
    phone: str = ""
    sex: str = ""
    birth_on: str = ""
    alive: bool = True
    # What the other one is to this person: {"id_number": "...", "relation": "child" | "parent" | "spouse"}.
    family: list[dict[str, str]] = field(default_factory=list)
    # Whether the household is in this city, and whether there are electronic licences of this person.
    in_city: bool = True
    licences: bool = True


@dataclass
class WeChatUser:
    """Someone's WeChat account: one openid for each app, one unionid over both."""

    unionid: str
    mini_openid: str
    oa_openid: str
    phone: str = ""
    nickname: str = "微信用户"
    follows_oa: bool = True
    # Accepted subscription prompts not used up yet, by template id.
    grants: dict[str, int] = field(default_factory=dict)
    # What the official account may still say to them: by their act, until when and how often.
    windows: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class LoginCode:
    """A single-use code: `js` from wx.login, `phone` from getPhoneNumber, `oauth` from the authorize page."""

    kind: str
    app_id: str
    openid: str
    issued_at: float
    phone: str = ""
    scope: str = ""
    used: bool = False


@dataclass
class AccessToken:
    """An access token of an app (`token`, `stable`) or of one resident's OAuth (`oauth`, `refresh`)."""

    kind: str
    app_id: str
    expires_at: float
    issued_at: float
    openid: str = ""
    scope: str = ""


@dataclass
class Order:
    """A WeChat Pay order. `request` is what was asked, to recognise a repeat; states are WeChat's own."""

    out_trade_no: str
    app_id: str
    description: str
    total_fen: int
    trade_type: str
    notify_url: str
    created_at: float
    expires_at: float
    request: dict[str, Any]
    prepay_id: str
    openid: str = ""
    attach: str = ""
    code_token: str = ""
    state: str = "NOTPAY"
    transaction_id: str = ""
    # What the payer's bank really moved; differs from total_fen only when a test says so.
    paid_fen: int = 0
    paid_at: float = 0.0
    payer_openid: str = ""
    closed_at: float = 0.0
    refused: list[str] = field(default_factory=list)


@dataclass
class Refund:
    """A refund of an order, PROCESSING until the bank has answered."""

    out_refund_no: str
    refund_id: str
    out_trade_no: str
    transaction_id: str
    refund_fen: int
    total_fen: int
    notify_url: str
    created_at: float
    request: dict[str, Any]
    reason: str = ""
    status: str = "PROCESSING"
    done_at: float = 0.0


@dataclass
class Delivery:
    """A callback to the city with all its attempts: `pay` is signed at each attempt, `json` goes as it is."""

    id: str
    service: str
    event: str
    url: str
    body: str
    created_at: float
    signer: str = ""
    subject: str = ""
    attempts: list[dict[str, Any]] = field(default_factory=list)
    # pending, delivered or given_up; for a bait refused, swallowed or unanswered.
    state: str = "pending"
    # A bait is a forged notice or a signature probe: a right city refuses it.
    expect_refusal: bool = False


@dataclass
class Application:
    """What an agency was asked, how it stands to it, and how often it was handed over."""

    id: str
    agency: str
    step: str
    body: dict[str, Any]
    standing: str
    received_at: float
    revision: int = 1
    receipt: str = ""
    problems: list[dict[str, str]] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    # Times it was really handed over: a city asks once. `barred`: it came after it had been called off.
    asks: int = 0
    barred: bool = False
    # Where the paper or card is: state, courier, tracking_no, place.
    handover: dict[str, str] = field(default_factory=dict)
    decided_at: float = 0.0


@dataclass
class AgendaItem:
    """Something to do at an instant; kept on disk, so a restart forgets nothing."""

    id: str
    at: float
    kind: str
    data: dict[str, Any]
    compressed: bool = True


@dataclass
class State:
    """The whole world, as plain data."""

    persons: dict[str, Person] = field(default_factory=dict)
    users: dict[str, WeChatUser] = field(default_factory=dict)
    codes: dict[str, LoginCode] = field(default_factory=dict)
    tokens: dict[str, AccessToken] = field(default_factory=dict)
    stable_refreshes: dict[str, list[float]] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    agenda: dict[str, AgendaItem] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    sms: list[dict[str, Any]] = field(default_factory=list)
    sms_replies: list[dict[str, Any]] = field(default_factory=list)
    wechat_messages: list[dict[str, Any]] = field(default_factory=list)
    # Of the official account: what was said in its chat, and the menu under it.
    oa_chat: list[dict[str, Any]] = field(default_factory=list)
    oa_menu: list[dict[str, Any]] = field(default_factory=list)
    mas_reports: list[dict[str, Any]] = field(default_factory=list)
    mas_replies: list[dict[str, Any]] = field(default_factory=list)
    # Of Aliyun and Tencent Cloud: what waits to be pulled, templates applied for since the start, when each
    # phone was sent what, and the numbers used once.
    sms_waiting: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sms_templates: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sms_sent: dict[str, list[float]] = field(default_factory=dict)
    nonces: dict[str, float] = field(default_factory=dict)
    # Of the hospital: every message that came in, with the answer it got.
    his: list[dict[str, Any]] = field(default_factory=list)
    switches: dict[str, Any] = field(default_factory=dict)
    time_factor: float = 1.0
    terminals: dict[str, dict[str, str]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    def count(self, name: str) -> int:
        """The next number of a counter."""
        self.counters[name] = self.counters.get(name, 0) + 1
        return self.counters[name]


_RECORDS: dict[str, type[Any]] = {
    "persons": Person,
    "users": WeChatUser,
    "codes": LoginCode,
    "tokens": AccessToken,
    "orders": Order,
    "refunds": Refund,
    "deliveries": Delivery,
    "agenda": AgendaItem,
    "applications": Application,
}


def load_state(path: Path) -> State:
    """The state as last saved, or an empty one."""
    if not path.exists():
        return State()
    raw: dict[str, Any] = orjson.loads(path.read_bytes())
    for name, record in _RECORDS.items():
        raw[name] = {key: record(**value) for key, value in raw.get(name, {}).items()}
    return State(**raw)


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace a file as a whole: whoever reads it sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)


class Keeper:
    """Holds the state and saves it shortly after it changed."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self.state = load_state(path)
        self._timer: asyncio.TimerHandle | None = None
        self._last_took_s = 0.0

    def changed(self) -> None:
        """Save soon; many changes in a moment become one write."""
        if self._timer is None:
            with contextlib.suppress(RuntimeError):
                delay = max(SAVE_DELAY_S, self._last_took_s / SAVE_SHARE)
                self._timer = asyncio.get_running_loop().call_later(delay, self.save)

    def save(self) -> None:
        """Write the snapshot now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        started = time.monotonic()
        self._forget_the_old()
        write_atomically(self.path, orjson.dumps(self.state, option=orjson.OPT_NON_STR_KEYS))
        self._last_took_s = time.monotonic() - started

    def reset(self) -> None:
        """Forget everything but the time compression."""
        fresh = State(time_factor=self.state.time_factor)
        for name in asdict(fresh):
            setattr(self.state, name, getattr(fresh, name))
        self.changed()

    def _forget_the_old(self) -> None:
        state, now = self.state, self.clock()
        for entries in (state.sms, state.sms_replies, state.wechat_messages, state.oa_chat, state.his):
            del entries[:-KEEP]
        state.codes = {key: code for key, code in state.codes.items() if now - code.issued_at < 3600}
        state.tokens = {key: token for key, token in state.tokens.items() if now - token.expires_at < 3600}
        state.nonces = {key: at for key, at in state.nonces.items() if now - at < 1800}
        state.sms_sent = {key: sent for key, sent in state.sms_sent.items() if now - sent[-1] < 86400}
        settled = [key for key, delivery in state.deliveries.items() if delivery.state != "pending"]
        for key in settled[:-KEEP]:
            del state.deliveries[key]
