"""A line to a hospital: one message out, its answer in, and what the answer means."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from backend.exchange.v2.charsets import decode
from backend.exchange.v2.escapes import unescape
from backend.exchange.v2.framing import framed, read_block
from backend.exchange.v2.outbound_models import Target
from backend.exchange.v2.parsing import Header, lines_of, read_header

_CONNECT_S = 10.0
_LONGEST_ANSWER = 1 << 20
_COMMIT = {"CA": "AA", "CE": "AE", "CR": "AR"}
_VERDICTS = ("AA", "AE", "AR")


class LineError(Exception):
    """The line does not work; nobody knows whether the message arrived. `said` is for people, in a word."""

    def __init__(self, said: str, *, handed_over: bool) -> None:
        super().__init__(said)
        self.said = said
        # Whether the hospital may have seen the message.
        self.handed_over = handed_over


@dataclass(frozen=True, slots=True)
class Answer:
    """What a hospital answered: AA, AE or AR, the code of table 0357, and its own words."""

    verdict: str
    code: str
    said: str
    # RF1-1 of an RRI: what it makes of a referral at once.
    referral: str = ""


@dataclass(frozen=True)
class ClientTLS:
    """Whose certificates are believed, and our own for hospitals that want one."""

    ca: Path | None
    certificate: Path | None
    key: Path | None

    def context(self) -> ssl.SSLContext:
        """What asyncio is given."""
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate is not None and self.key is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


class Line:
    """A connection, opened when the first message goes out; one message in flight."""

    def __init__(self, target: Target, tls: ClientTLS, answer_s: float) -> None:
        self._target = target
        self._tls = tls
        self._answer_s = answer_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, block: bytes, control_id: str) -> Answer:
        """Hand a message over and read what is said of it. Raises LineError; then the line is closed."""
        try:
            reader, writer = await self._open()
        except (OSError, TimeoutError) as error:
            # A certificate that is not believed is an OSError as well.
            raise LineError(_why(error), handed_over=False) from error
        try:
            writer.write(framed(block))
            async with asyncio.timeout(self._answer_s):
                await writer.drain()
                answer = await read_block(reader, _LONGEST_ANSWER)
        except (OSError, TimeoutError) as error:
            await self.close()
            raise LineError(_why(error), handed_over=True) from error
        except Exception as error:  # an answer without end, or what is none
            await self.close()
            raise LineError("答复无法识别", handed_over=True) from error
        if answer is None:
            await self.close()
            raise LineError("对方没有答复就断开了连接", handed_over=True)
        try:
            return read_answer(answer, control_id)
        except ValueError as error:
            # Whatever it answers next would be taken for the answer to another message.
            await self.close()
            raise LineError(str(error), handed_over=True) from error

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(writer.wait_closed(), 2)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            target = self._target
            context = self._tls.context() if target.tls else None
            async with asyncio.timeout(_CONNECT_S):
                self._streams = await asyncio.open_connection(
                    target.host, target.port, ssl=context, limit=_LONGEST_ANSWER
                )
        return self._streams


def read_answer(block: bytes, control_id: str) -> Answer:
    """What an answer says. Raises ValueError, in words for people, where it answers nothing or another."""
    text, _ = decode(block)
    lines = lines_of(text)
    header = read_header(lines[0] if lines else "")
    if not header.type:
        raise ValueError("答复不是 HL7 消息")
    said = {line[:3]: line.split(header.separator) for line in reversed(lines)}
    msa = said.get("MSA", [])
    verdict = _field(msa, 1).upper()
    verdict = _COMMIT.get(verdict, verdict)
    if verdict not in _VERDICTS:
        raise ValueError("答复里没有 MSA-1")
    if _field(msa, 2) != control_id:
        raise ValueError("答复的不是这条消息（MSA-2）")
    code, words = _reason(header, said.get("ERR", []))
    told = "；".join(filter(None, (words, _plain(header, _field(msa, 3)))))
    referral = _field(said.get("RF1", []), 1).split(header.component)[0].strip().upper()
    return Answer(verdict, code, told, referral)


def _reason(header: Header, fields: list[str]) -> tuple[str, str]:
    """The code of table 0357 and the sentence beside it: in ERR-3 and ERR-8, before 2.5 in ERR-1."""
    coded = _field(fields, 3).split(header.component)
    if coded[0]:
        words = [_field(fields, 8), _field(fields, 7), *coded[1:2]]
        return coded[0].strip(), _plain(header, next((word for word in words if word), ""))
    place = _field(fields, 1).split("~")[0].split(header.component)
    inner = place[3].split("&") if len(place) > 3 else [""]
    return inner[0].strip(), _plain(header, inner[1] if len(inner) > 1 else "")


def _plain(header: Header, text: str) -> str:
    encoding = header.encoding.ljust(4)
    marks = f"{header.separator}{encoding[1]}{encoding[0]}{encoding[3]}"
    return unescape(text, marks, encoding[2].strip())


def _field(fields: list[str], number: int) -> str:
    return fields[number].strip() if len(fields) > number else ""


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "对方在规定时间内没有答复"
    if isinstance(error, ssl.SSLError):
        return "TLS 握手失败，请核对证书"
    if isinstance(error, ConnectionRefusedError):
        return "对方没有在这个地址和端口监听"
    if isinstance(error, ConnectionError):
        return "对方断开了连接"
    return "连接不上对方"
