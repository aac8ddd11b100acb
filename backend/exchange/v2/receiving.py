"""What happens to a block: whose is it, store it, map it, answer it. Stored comes before AA."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b

from backend import clock
from backend.db.failures import DatabaseError
from backend.errors import AppError
from backend.exchange.v2.acks import answer_code, make_answer, verdict_of
from backend.exchange.v2.charsets import Charset, decode
from backend.exchange.v2.identity import Identity
from backend.exchange.v2.mapping.building import Finding
from backend.exchange.v2.models import Kept, Link, MessageState, Outcome, Sender
from backend.exchange.v2.parsing import (
    Envelope,
    Header,
    UnreadableError,
    lines_of,
    open_envelope,
    read_header,
    take_apart,
    too_intricate,
)
from backend.exchange.v2.processing import Processing, RefusedError
from backend.exchange.v2.referral_ports import Standing
from backend.exchange.v2.referring import Referring, answered
from backend.exchange.v2.rules import Location, Problem, content_problems, header_problems
from backend.exchange.v2.segments import Content
from backend.exchange.v2.store import MessageStore
from backend.ids import named_id

log = logging.getLogger(__name__)

# Taking a message of this size apart holds the others up: it is done aside.
_LARGE = 256 << 10
_RETRY_AFTER = timedelta(seconds=30)
_AWAY = Problem("AR", "207", "系统暂时不可用，请稍后重发")
_BROKEN = Problem("AE", "207", "消息无法处理，已转人工")
_STRANGER = Problem("AR", "204", "发送方未登记，请联系平台管理员", Location("MSH", 1, 4))
_NO_MESSAGE = Problem("AR", "100", "不是 HL7 v2 消息", Location("MSH"))
_GARBLED = Problem("AE", "102", "字符编码无法识别，请检查 MSH-18", Location("MSH", 1, 18))
_TOO_LARGE = Problem("AR", "102", "消息超过 32 MB")
_TOO_INTRICATE = Problem("AE", "102", "消息的段或字段太多，请拆分发送")
_MISCOUNTED = Problem("AE", "207", "批次内的消息数与尾段不符，请整批重发")
_REFERRAL_ECHO = ("RF1", "PRD", "PID")


@dataclass(frozen=True)
class _Arrived:
    """One message of a block, with what is known before it is looked at."""

    text: str
    raw: bytes
    header: Header
    charset: Charset
    miscounted: bool


class Receiver:
    """Takes blocks, gives answers: one for every message."""

    def __init__(
        self,
        store: MessageStore,
        identity: Identity,
        processing: Processing,
        referring: Referring,
        *,
        training: bool,
    ) -> None:
        self._store = store
        self._identity = identity
        self._processing = processing
        self._referring = referring
        self._training = training

    async def take(self, block: bytes, link: Link) -> list[bytes]:
        """The answers to a block, in the order of its messages."""
        try:
            return await self._take(block, link)
        except DatabaseError as error:
            log.warning("exchange_database_away", extra={"error": type(error).__name__})
            text, charset = decode(block)
            messages = open_envelope(text).messages or [""]
            return [_refuse(read_header(message), charset, _AWAY) for message in messages]

    async def _take(self, block: bytes, link: Link) -> list[bytes]:
        envelope, charset = await _opened(block)
        first = read_header(envelope.messages[0]) if envelope.messages else Header()
        sender = await self._identity.of(first, link)
        if sender is not None and sender.charset and not charset.declared:
            envelope, charset = await _opened(block, sender.charset)
        answers = []
        messages = envelope.messages or [""]
        for message, raw in zip(messages, _as_sent(block, envelope, charset), strict=True):
            header = read_header(message)
            arrived = _Arrived(message, raw, header, charset, bool(envelope.miscounted))
            answers.append(await self._answer(arrived, await self._sender(sender, first, header, link)))
        return answers

    async def too_large(self, head: bytes, link: Link) -> bytes:
        """The answer to a block too large to be read to its end; that it came is kept as a dead letter."""
        text, charset = decode(head)
        line = text.lstrip("\ufeff\x0b\r\n").replace("\n", "\r").partition("\r")[0] + "\r"
        header = read_header(line)
        try:
            sender = await self._identity.of(header, link)
            if sender is None:
                await self._identity.note(header)
                return _refuse(header, charset, _TOO_LARGE)
            # Its header alone: a part of a message that somebody replays must not pass for the whole.
            raw = line.encode(charset.codec, errors="replace")
            arrived = _Arrived(line, raw, header, charset, miscounted=False)
            return await self._keep_dead(self._new(arrived, sender, [_TOO_LARGE]), arrived, [_TOO_LARGE])
        except DatabaseError as error:
            log.warning("exchange_database_away", extra={"error": type(error).__name__})
            return _refuse(header, charset, _TOO_LARGE)

    async def _sender(
        self, sender: Sender | None, first: Header, header: Header, link: Link
    ) -> Sender | None:
        """In a batch every message says for itself who sends it."""
        same = header.sending_facility == first.sending_facility
        return sender if same else await self._identity.of(header, link)

    async def _answer(self, arrived: _Arrived, sender: Sender | None) -> bytes:
        header, charset = arrived.header, arrived.charset
        if sender is None:
            await self._identity.note(header)
            return _refuse(header, charset, _STRANGER if arrived.text.startswith("MSH") else _NO_MESSAGE)
        content, problems = await self._look(arrived)
        if arrived.miscounted:
            problems = [*problems, _MISCOUNTED]
        kept = self._new(arrived, sender, problems)
        if problems:
            return await self._keep_dead(kept, arrived, problems)
        if not await self._store.add(kept, arrived.raw):
            before = await self._store.find(kept.id)
            if before is not None and before.answer:
                return before.answer
        assert content is not None  # noqa: S101 no problems were found in it
        return await self._process(kept, arrived, content)

    async def _look(self, arrived: _Arrived) -> tuple[Content | None, list[Problem]]:
        if arrived.charset.garbled:
            return None, [_GARBLED]
        if len(arrived.raw) > _LARGE:
            return await asyncio.to_thread(look, arrived.text, training=self._training)
        return look(arrived.text, training=self._training)

    def _new(self, arrived: _Arrived, sender: Sender, problems: list[Problem]) -> Kept:
        header = arrived.header
        wire = f"{header.sending_app}|{header.sending_facility}"
        return Kept(
            id=named_id(
                "hl7_message",
                sender.organization_id,
                wire,
                header.control_id,
                content_digest(arrived.text),
                # The batch comes again as a whole, and then this is no repeat.
                "miscounted" if arrived.miscounted else "",
            ),
            organization_id=sender.organization_id,
            sender=wire[:200],
            control_id=header.control_id[:200],
            kind=(header.kind if header.type else "?")[:20],
            version=header.version[:20],
            state=MessageState.DEAD if problems else MessageState.WAITING,
            verdict="",
            size=len(arrived.raw),
            charset=arrived.charset.codec,
            received_at=clock.now(),
        )

    async def _keep_dead(self, kept: Kept, arrived: _Arrived, problems: list[Problem]) -> bytes:
        """Store what cannot be taken, with its reason: nothing bad is dropped."""
        code = answer_code(arrived.header, verdict_of(problems))
        answer = make_answer(arrived.header, code, arrived.charset, problems)
        told = tuple(_told(problem) for problem in problems)
        dead = replace(kept, verdict=code, reason=problems[0].code, problems=told, answer=answer)
        if await self._store.add(dead, arrived.raw):
            return answer
        before = await self._store.find(kept.id)
        return before.answer if before is not None and before.answer else answer

    async def _process(self, kept: Kept, arrived: _Arrived, content: Content) -> bytes:
        header, charset = arrived.header, arrived.charset
        code = answer_code(header, "AA")
        answer = _good(header, charset, arrived.text, None)
        try:
            outcome, standing = await self._make(kept, header, content)
        except RefusedError as refused:
            return await self._refuse_stored(kept, arrived, refused.problem)
        except (AppError, DatabaseError) as error:
            # It lies in the database, so it is ours: what is away comes back, and the sweep goes on.
            log.warning("exchange_put_off", extra={"message_id": kept.id, "error": type(error).__name__})
            return await self._store.put_off(kept.id, clock.now() + _RETRY_AFTER, code, answer)
        except Exception as error:  # a mistake of ours must not cost the sender his line
            log.exception("exchange_broken", extra={"message_id": kept.id, "error": type(error).__name__})
            return await self._refuse_stored(kept, arrived, _BROKEN)
        return await self._store.finish(
            kept.id, outcome, code, _good(header, charset, arrived.text, standing)
        )

    async def _make(self, kept: Kept, header: Header, content: Content) -> tuple[Outcome, Standing | None]:
        """What a message becomes: resources, and where the referral stands that it is about.

        An answer to a referral says nothing that the record does not have from elsewhere.
        """
        outcome = Outcome()
        if header.type != "RRI":
            outcome = await self._processing.process(kept, header, content)
        return outcome, await self._referring.take(kept.organization_id, header, content)

    async def _refuse_stored(self, kept: Kept, arrived: _Arrived, problem: Problem) -> bytes:
        code = answer_code(arrived.header, problem.verdict)
        answer = make_answer(arrived.header, code, arrived.charset, [problem])
        return await self._store.refuse(kept.id, problem.code, [_told(problem)], code, answer)

    # -- again, without a sender who waits -----------------------------------------------------------------

    async def resume(self, kept: Kept) -> Outcome | Problem:
        """Map a stored message: one that a process left behind, or one that a person replays."""
        raw = await self._store.raw_of(kept.id)
        text, charset = decode(raw, kept.charset)
        message = "".join(open_envelope(text).messages[:1])
        arrived = _Arrived(message, raw, read_header(message), charset, miscounted=False)
        content, problems = await self._look(arrived)
        if problems or content is None:
            problem = problems[0] if problems else _NO_MESSAGE
            await self._refuse_stored(kept, arrived, problem)
            return problem
        try:
            outcome, standing = await self._make(kept, arrived.header, content)
        except RefusedError as refused:
            await self._refuse_stored(kept, arrived, refused.problem)
            return refused.problem
        code = answer_code(arrived.header, "AA")
        await self._store.finish(kept.id, outcome, code, _good(arrived.header, charset, message, standing))
        return outcome

    async def sweep(self, limit: int = 100) -> int:
        """Map what a process that died, or a database that was away, has left behind."""
        left = await self._store.waiting(clock.now(), limit)
        for kept in left:
            try:
                await self.resume(kept)
            except AppError as error:
                log.warning("exchange_put_off", extra={"message_id": kept.id, "error": type(error).__name__})
                later = clock.now() + _RETRY_AFTER * min(2 ** min(kept.tries, 7), 120)
                await self._store.put_off(kept.id, later, kept.verdict, kept.answer)
            except DatabaseError:
                raise
            except Exception as error:  # a mistake of ours must not stand before all that wait behind it
                log.exception("exchange_broken", extra={"message_id": kept.id, "error": type(error).__name__})
                broken = [_told(_BROKEN)]
                await self._store.refuse(kept.id, _BROKEN.code, broken, kept.verdict, kept.answer)
        return len(left)


async def _opened(block: bytes, default: str = "") -> tuple[Envelope, Charset]:
    """The messages of a block, and in which characters they came."""

    def opened() -> tuple[Envelope, Charset]:
        text, charset = decode(block, default)
        return open_envelope(text), charset

    return await asyncio.to_thread(opened) if len(block) > _LARGE else opened()


def _as_sent(block: bytes, envelope: Envelope, charset: Charset) -> list[bytes]:
    """The bytes of each message of a block; where its characters cannot be read, the very bytes that came."""
    if len(envelope.messages) <= 1 and not envelope.batches:
        return [block]
    if charset.garbled:
        parts = open_envelope(block.decode("latin-1")).messages
        if len(parts) == len(envelope.messages):
            return [part.encode("latin-1") for part in parts]
    return [message.encode(charset.codec, errors="replace") for message in envelope.messages] or [block]


def look(text: str, *, training: bool) -> tuple[Content | None, list[Problem]]:
    """A message taken apart, and everything that speaks against it."""
    header = read_header(text)
    problems = header_problems(header, training=training)
    if not header.type and not header.control_id:
        return None, [_NO_MESSAGE]
    if too_intricate(text, header):
        return None, [*problems, _TOO_INTRICATE]
    try:
        content = Content(take_apart(text))
    except UnreadableError:
        return None, problems or [_NO_MESSAGE]
    if not any(problem.verdict == "AR" for problem in problems):
        problems += content_problems(header, content)
    return content, problems


def content_digest(text: str) -> str:
    """What a message says, its time of sending (MSH-7) aside: a repeat may carry a new one."""
    lines = lines_of(text)
    if lines and lines[0].startswith("MSH") and len(lines[0]) > 8:
        mark = lines[0][3]
        fields = lines[0].split(mark)
        if len(fields) > 6:
            fields[6] = ""
        lines = [mark.join(fields), *lines[1:]]
    return blake2b("\r".join(lines).encode(errors="replace"), digest_size=16).hexdigest()


def echoed(header: Header, text: str) -> list[str]:
    """The segments that an answer to a referral repeats."""
    if header.type != "REF":
        return []
    return [line for line in text.split("\r") if line[:3] in _REFERRAL_ECHO]


def _good(header: Header, charset: Charset, text: str, standing: Standing | None) -> bytes:
    repeated = answered(header, echoed(header, text), standing)
    return make_answer(header, answer_code(header, "AA"), charset, echoed=repeated)


def _refuse(header: Header, charset: Charset, problem: Problem) -> bytes:
    return make_answer(header, answer_code(header, problem.verdict), charset, [problem])


def _told(problem: Problem) -> Finding:
    return Finding(problem.code, str(problem.where) if problem.where else "", problem.text)
