"""A hospital's information system: listens on MLLP for HL7 v2, looks closely, answers each message once."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from datetime import datetime
from typing import Any

from sandbox.pay_wire import CHINA
from sandbox.world import LOOPBACK, World

_START, _END = b"\x0b", b"\x1c\r"
_BIGGEST = 4 << 20
_CODECS = {"UNICODE UTF-8": "utf-8", "GB 18030-2000": "gb18030"}
# What this hospital knows: its messages, and which segments and fields each must bring.
_NEEDS: dict[str, tuple[tuple[str, ...], tuple[tuple[str, int], ...]]] = {
    "SIU": (("SCH", "PID", "RGS", "AIS"), (("SCH", 1), ("SCH", 6), ("SCH", 25), ("PID", 3), ("AIS", 3))),
    "REF": (("RF1", "PRD", "PID"), (("RF1", 1), ("RF1", 6), ("PID", 3), ("PID", 5))),
    "RRI": (("MSA", "RF1", "PRD", "PID"), (("RF1", 1), ("RF1", 6), ("PID", 3))),
    "ORM": (("PID", "ORC", "OBR"), (("ORC", 1), ("ORC", 2), ("OBR", 4), ("PID", 3))),
    "OMG": (("PID", "ORC", "OBR"), (("ORC", 1), ("ORC", 2), ("OBR", 4), ("PID", 3))),
    "OML": (("PID", "ORC", "OBR"), (("ORC", 1), ("ORC", 2), ("OBR", 4), ("PID", 3))),
}
_EVENTS = {
    "SIU": ("S12", "S15", "S26"),
    "REF": ("I12", "I13", "I14"),
    "RRI": ("I12", "I13", "I14"),
    "ORM": ("O01",),
    "OMG": ("O19",),
    "OML": ("O21",),
}


class _RefusedError(Exception):
    """AE or AR, the code of table 0357, where, and why."""

    def __init__(self, verdict: str, code: str, where: str, why: str) -> None:
        super().__init__(why)
        self.verdict, self.code, self.where, self.why = verdict, code, where, why


class HIS:
    """The listener. What it has accepted it knows again by MSH-10 and does not take twice."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[Any]] = set()

    async def listen(self, port: int) -> None:
        """Begin, on loopback alone."""
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", port, limit=_BIGGEST)
        self._world.his_port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
        for task in self._talks:
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 a server's callback runs as one
        self._talks.add(task)
        try:
            if writer.get_extra_info("peername")[0] in LOOPBACK:
                await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # The city has hung up, or sent what is no message.
        finally:
            self._talks.discard(task)
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            block = await reader.readuntil(_END)
            if not block.startswith(_START):
                return
            switches = self._world.switches
            await asyncio.sleep((switches.number("slow_ms") + switches.number("slow_his_ms")) / 1000)
            answer = self.take(block[1:-2])
            if self._loses_answer():
                return
            writer.write(_START + answer + _END)
            await writer.drain()

    def _loses_answer(self) -> bool:
        left = self._world.switches.number("lose_answers_his")
        if left > 0:
            self._world.switches.set({"lose_answers_his": left - 1})
        return left != 0

    def take(self, block: bytes) -> bytes:
        """Look at a message, keep it, answer it."""
        codec = _codec(block)
        text = block.decode(codec, errors="replace")
        segments = [line.split("|") for line in text.split("\r") if line]
        head = segments[0] if segments and segments[0][0] == "MSH" else []
        number, kind = _at(head, 9), _at(head, 8)
        known = self._known(number)
        verdict, refused = "AA", None
        try:
            self._check(segments, head, text)
        except _RefusedError as error:
            verdict, refused = error.verdict, error
        if known is not None and known["text"] == text:
            known["times"] += 1
        else:
            self._world.state.his.append(
                {
                    "at": self._world.now(), "control_id": number, "kind": kind[:20], "text": text,
                    "verdict": verdict, "why": refused.why if refused else "", "times": 1,
                }
            )  # fmt: skip
        self._world.keeper.changed()
        return _answer(head, verdict, refused).encode(codec)

    def _known(self, number: str) -> dict[str, Any] | None:
        """A message that was accepted by this number; what was refused may come again."""
        entries = reversed(self._world.state.his)
        return next((one for one in entries if one["control_id"] == number and one["verdict"] == "AA"), None)

    def _check(self, segments: list[list[str]], head: list[str], text: str) -> None:
        if told := self._world.switches.text("his_refuses"):
            raise _RefusedError(told, "207", "MSH", "开关要求拒绝")
        if len(head) < 12 or not _at(head, 9):
            raise _RefusedError("AR", "101", "MSH", "消息头不完整")
        kind = _at(head, 8).split("^")
        if kind[0] not in _NEEDS:
            raise _RefusedError("AR", "200", "MSH-9", f"不接收 {kind[0]}")
        if len(kind) < 3 or kind[1] not in _EVENTS[kind[0]]:
            raise _RefusedError("AR", "201", "MSH-9", "不接收这个事件")
        if _at(head, 10) != "P" or not _at(head, 11).startswith("2."):
            raise _RefusedError("AR", "203", "MSH-12", "版本或处理标识不对")
        if "\ufffd" in text:
            raise _RefusedError("AE", "102", "MSH-18", "字符集不符")
        before = self._known(_at(head, 9))
        if before is not None and before["text"] != text:
            raise _RefusedError("AE", "205", "MSH-10", "同一编号的另一条消息")
        _check_content(kind[0], segments)


def _check_content(kind: str, segments: list[list[str]]) -> None:
    needed, fields = _NEEDS[kind]
    by_name = {segment[0]: segment for segment in reversed(segments)}
    for name in needed:
        if name not in by_name:
            raise _RefusedError("AE", "100", name, f"缺少 {name} 段")
    for name, number in fields:
        if not _at(by_name[name], number):
            raise _RefusedError("AE", "101", f"{name}^1^{number}", f"缺少 {name}-{number}")


def _answer(head: list[str], verdict: str, refused: _RefusedError | None) -> str:
    kind = [*_at(head, 8).split("^"), ""]
    now = datetime.now(CHINA).strftime("%Y%m%d%H%M%S%z")
    fields = [
        "MSH", "^~\\&", _at(head, 4), _at(head, 5), _at(head, 2), _at(head, 3), now, "", f"ACK^{kind[1]}^ACK",
        secrets.token_hex(8).upper(), "P", _at(head, 11) or "2.5.1", "", "", "", "", "", _at(head, 17),
    ]  # fmt: skip
    lines = ["|".join(fields).rstrip("|"), f"MSA|{verdict}|{_at(head, 9)}"]
    if refused is not None:
        lines.append(f"ERR||{refused.where}|{refused.code}^^HL70357|E||||{refused.why}")
    return "\r".join(lines) + "\r"


def _codec(block: bytes) -> str:
    fields = block.split(b"\r", 1)[0].split(b"|")
    said = fields[17].decode("ascii", errors="replace") if len(fields) > 17 else ""
    return _CODECS.get(said, "utf-8")


def _at(fields: list[str], index: int) -> str:
    return fields[index].strip() if len(fields) > index else ""
