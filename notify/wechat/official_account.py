"""The official account's callback: what WeChat sends in, in plain or sealed, what goes back, and the menu.

wechatpy does the cipher, the XML and the kinds of messages. What it gets wrong is set right here: it compares
signatures in variable time, believes any time, fills with a generator that is not meant for secrets, writes
CDATA that its own content can end, and lets whatever a broken body does to it escape.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import xmltodict
from wechatpy.crypto import PrpCrypto, WeChatCrypto
from wechatpy.parser import parse_message
from wechatpy.replies import TextReply

from notify.ports import InboundMessage, InvalidNoticeError
from notify.wechat.client import WeChatApp

# So far may the time of a callback lie from ours.
WINDOW = timedelta(minutes=5)


@dataclass(frozen=True)
class OfficialAccountConfig:
    """The account's server settings. Without `aes_key` messages come in plain."""

    app_id: str
    token: str = field(repr=False)
    aes_key: str = field(default="", repr=False)


class _Cipher(PrpCrypto):  # type: ignore[misc]  # the SDK has no types
    def get_random_string(self) -> str:
        """Sixteen characters nobody can guess."""
        return secrets.token_hex(8)


class WeChatOfficialAccount:
    """Reads what comes in and writes what goes back."""

    def __init__(self, config: OfficialAccountConfig, app: WeChatApp) -> None:
        self._config = config
        self._app = app
        sealed = bool(config.token and config.aes_key)
        self._crypto = WeChatCrypto(config.token, config.aes_key, config.app_id) if sealed else None

    @property
    def is_set_up(self) -> bool:
        """Whether the city has an official account that is to answer."""
        return bool(self._config.token)

    def echo(self, query: Mapping[str, str], now: datetime) -> str:
        """What WeChat wants back when the address is entered. Raises InvalidNoticeError."""
        self._check(query, now, query.get("signature", ""))
        return query.get("echostr", "")

    def read(self, query: Mapping[str, str], body: bytes, now: datetime) -> InboundMessage:
        """A message or an event. Raises InvalidNoticeError for whatever is not WeChat's, and for nonsense."""
        try:
            return self._read(query, body, now)
        except InvalidNoticeError:
            raise
        except Exception as error:  # The SDK raises whatever comes up inside it.
            # Nothing of its text: it may hold what was written.
            raise InvalidNoticeError("UNREADABLE", type(error).__name__) from None

    def _read(self, query: Mapping[str, str], body: bytes, now: datetime) -> InboundMessage:
        text = body.decode("utf-8")
        if self._crypto is not None:
            # Also when the plain fields stand beside the sealed ones: they are signed by nothing.
            text = self._opened(self._crypto, query, text, now)
        elif query.get("encrypt_type", "raw") not in ("raw", ""):
            raise InvalidNoticeError("NO_AES_KEY")
        else:
            self._check(query, now, query.get("signature", ""))
        return _inbound(parse_message(text), f"{query.get('timestamp', '')}|{query.get('nonce', '')}")

    def _opened(self, crypto: Any, query: Mapping[str, str], text: str, now: datetime) -> str:
        sealed = str(xmltodict.parse(text)["xml"]["Encrypt"])
        signature = query.get("msg_signature", "")
        self._check(query, now, signature, sealed)
        opened = crypto.decrypt_message({"Encrypt": sealed}, signature, query["timestamp"], query["nonce"])
        return str(opened)

    def reply(self, message: InboundMessage, text: str, now: datetime) -> bytes:
        """The body that answers a message at once."""
        whole = text.replace("]]>", "]]]]><![CDATA[>")
        reply = TextReply(content=whole, source=message.account, target=message.openid)
        reply.time = int(now.timestamp())
        xml: str = reply.render()
        if self._crypto is None:
            return xml.encode()
        sealed: str = self._crypto._encrypt_message(
            xml, secrets.token_hex(8), str(int(now.timestamp())), _Cipher
        )
        return sealed.encode()

    async def set_menu(self, buttons: Sequence[Mapping[str, Any]]) -> None:
        """Put another menu under the account's chat."""
        await self._app.post("menu_create", "cgi-bin/menu/create", {"button": list(buttons)})

    def _check(self, query: Mapping[str, str], now: datetime, signature: str, *signed: str) -> None:
        """Who knows the token has sent this, and lately."""
        if not self._config.token:
            raise InvalidNoticeError("NOT_SET_UP")
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        parts = sorted([self._config.token, timestamp, nonce, *signed])
        expected = hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise InvalidNoticeError("SIGNATURE")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
            raise InvalidNoticeError("TIMESTAMP")
        if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > WINDOW:
            raise InvalidNoticeError("TIMESTAMP")


def _inbound(found: Any, stamp: str) -> InboundMessage:
    openid, sent = str(found.source), int(found.time)
    event = str(getattr(found, "event", "") or found._data.get("Event", "")).lower()
    is_event = str(found._data.get("MsgType", "")).lower() == "event"
    message_id = f"e:{openid}:{sent}:{event}" if is_event else str(int(found.id))
    # Two messages to one person may be finished with in one second.
    about = str(found._data.get("MsgID") or found._data.get("MsgId") or "") if is_event else ""
    if about:
        message_id = f"{message_id}:{about}"
    if not openid or (not is_event and not found.id):
        raise InvalidNoticeError("UNREADABLE", "no sender or no id")
    key = str(found._data.get("EventKey") or "")
    return InboundMessage(
        id=message_id,
        openid=openid,
        account=str(found.target),
        kind="event" if is_event else str(found.type),
        event=event,
        key=key,
        text=str(getattr(found, "content", "") or getattr(found, "recognition", "") or ""),
        about=about,
        status=str(found._data.get("Status") or "") if is_event else "",
        sent_at=datetime.fromtimestamp(sent, UTC),
        stamp=stamp,
    )
