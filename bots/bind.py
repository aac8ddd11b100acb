"""The dialogue by which somebody at the official account makes himself known: phone, code, done."""

from __future__ import annotations

import hashlib
import re
from typing import ClassVar

from backend.conversations.models import Through
from backend.errors import AppError, ErrorCode
from backend.permissions import Permission
from bots.dialogue import Ask, Dialogue, Next, NotUnderstood, Say, Talk
from bots.understanding.values import Intent

_PHONE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")
_CODE = re.compile(r"\d{6}")
_LAST_FOUR = re.compile(r"\d{3}[\dXx]")
_ASK_PHONE = "请先绑定您的手机号。回复本人手机号，我们会发一条验证码短信给您。"
_ASK_CODE = "验证码已发到您的手机，请在5分钟内回复短信里的6位数字。没收到请一分钟后回复“返回”重发。"
_ASK_IDENTITY = "这个手机号的账号很久没有使用了，请回复账号本人身份证号的最后四位，以确认是您。"
_DONE = "绑定成功！以后在这里就能直接办理。请再说一次您要办的事，例如“明天上午市人民医院儿科”。"
_WRONG = "验证码不对或已过期，请核对后再回复，或回复“返回”重新获取。"


class Bind(Dialogue):
    """Binds the openid that writes to the account of a phone."""

    name: ClassVar[str] = "bind"
    title: ClassVar[str] = ""
    intents: ClassVar[tuple[Intent, ...]] = ()
    needs: ClassVar[Permission | None] = None

    async def start(self, talk: Talk) -> Next:
        """Only where the channel vouches for who writes; a number that texts is bound to itself."""
        if talk.through is not Through.WECHAT:
            return Say("请在微信公众号里绑定。")
        if talk.actor.id:
            return Say("您已经绑定手机号，可以直接办理。")
        return Ask(_ASK_PHONE, "phone")

    async def phone(self, talk: Talk) -> Next:
        """The number: a code goes to it, whether it has an account or not."""
        found = _PHONE.search(re.sub(r"[\s-]", "", talk.said))
        if found is None:
            return NotUnderstood("请回复11位手机号。")
        try:
            await talk.services.residents.talking.send_code(found[1], _asking(talk))
        except AppError as error:
            if error.code is not ErrorCode.RATE_LIMITED:
                raise
            return NotUnderstood(error.text)
        talk.data["phone"] = found[1]
        return Ask(_ASK_CODE, "code")

    async def code(self, talk: Talk) -> Next:
        """The code; an account idle for long asks for more."""
        found = _CODE.search(re.sub(r"\s", "", talk.said))
        if found is None:
            return NotUnderstood("请回复短信里的6位数字。")
        try:
            await talk.services.residents.talking.bind(talk.address, talk.data["phone"], found[0])
        except AppError as error:
            if error.code is ErrorCode.CODE_WRONG:
                return NotUnderstood(_WRONG)
            if error.code is not ErrorCode.IDENTITY_NEEDED:
                raise
            talk.data["ticket"] = str(error.data["login_ticket"])
            return Ask(_ASK_IDENTITY, "identity")
        return Say(_DONE)

    async def identity(self, talk: Talk) -> Next:
        """The end of the ID number."""
        found = _LAST_FOUR.fullmatch(talk.said.strip())
        if found is None:
            return NotUnderstood("请回复身份证号的最后四位。")
        talking = talk.services.residents.talking
        await talking.bind_by_identity(talk.address, talk.data["ticket"], found[0].upper())
        return Say(_DONE)


def _asking(talk: Talk) -> str:
    """Who asks for codes, for the limits: an openid stands where a browser's address does."""
    return "chat:" + hashlib.blake2b(talk.address.encode(), digest_size=16).hexdigest()
