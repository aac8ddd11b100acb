"""No log line says who somebody is or lets anybody in, whatever way it came about."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator

import orjson
import pytest
from pydantic import BaseModel, Field

from backend import context
from backend.logs import JSONFormatter
from backend.security.redaction import redact_fields

NAME, PHONE, NUMBER = "欧阳小红", "13812345678", "11010519491231002X"
TOKEN = "eyJhbGciOiJFZERTQSIsImtpZCI6InQifQ.eyJzdWIiOiIwMSJ9.c2lnbmF0dXJl"
SECRETS = (NAME, "阿卜杜勒·艾力", PHONE, NUMBER, TOKEN, "hcr_AZm1c2lnbmF0dXJlc2lnbmF0dXJlc2ln")


class Lines(logging.Handler):
    """Keeps what would have been written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JSONFormatter("test"))
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(self.format(record))

    @property
    def last(self) -> dict[str, object]:
        return dict(orjson.loads(self.written[-1]))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


class Person(BaseModel):
    initial: str = Field(max_length=1)


def raised(make, *given) -> BaseException:
    try:
        make(*given)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def refuse(secret: str) -> None:
    raise ValueError(f"cannot use {secret}")


def refuse_in_turn(secret: str) -> None:
    try:
        refuse(secret)
    except ValueError:
        int("no number")


def refuse_by_cause(secret: str) -> None:
    try:
        refuse(secret)
    except ValueError as error:
        raise RuntimeError("later") from error


def refuse_together(secret: str) -> None:
    raise ExceptionGroup("several", [ValueError(secret), KeyError(secret)])


def refuse_as_pydantic(secret: str) -> None:
    Person.model_validate({"initial": secret})


WAYS = {
    "in the text": lambda log, secret: log.warning("somebody " + secret + " came"),  # noqa: G003
    "as an argument": lambda log, secret: log.info("somebody %s came", secret),
    "as a field": lambda log, secret: log.info("came", extra={"who": secret}),
    "in a list": lambda log, secret: log.info("came", extra={"who": ["x", secret]}),
    "as a key": lambda log, secret: log.info("came", extra={"who": {secret: 1}}),
    "deep inside": lambda log, secret: log.info("came", extra={"who": {"a": [{"b": (secret,)}]}}),
    "as bytes": lambda log, secret: log.info("came", extra={"who": secret.encode()}),
    "in an object": lambda log, secret: log.info("came", extra={"who": ValueError(secret)}),
    "by an exception": lambda log, secret: log.error("crashed", exc_info=raised(refuse, secret)),
    "by one before it": lambda log, secret: log.error("crashed", exc_info=raised(refuse_in_turn, secret)),
    "by its cause": lambda log, secret: log.error("crashed", exc_info=raised(refuse_by_cause, secret)),
    "by several": lambda log, secret: log.error("crashed", exc_info=raised(refuse_together, secret)),
    "by pydantic": lambda log, secret: log.error("crashed", exc_info=raised(refuse_as_pydantic, secret)),
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_logging_lets_it_out(lines, way, secret):
    WAYS[way](logging.getLogger("tests.any"), secret)
    line = lines.written[-1]
    assert secret not in line
    assert secret not in orjson.loads(line).get("traceback", "")
    assert repr(secret.encode())[2:-1] not in line


@pytest.mark.parametrize(
    "field",
    ["name", "phone", "id_number", "password", "totp_secret", "access_token", "openid", "text", "address"],
)
def test_fields_with_telling_names_are_hidden_whatever_they_hold(lines, field):
    logging.getLogger("tests.any").info("came", extra={"given": {field: "anything"}, "ok": 1})
    assert lines.last["given"] == {field: "[redacted]"}
    assert lines.last["ok"] == 1


def test_what_a_reader_of_logs_needs_stays(lines):
    with context.serving("req-12345678"):
        logging.getLogger("tests.any").warning(
            "outbox_job_failed",
            exc_info=raised(refuse, "the door"),
            extra={"attempts": 3, "job": "01J8ZK3V5W6X7Y8Z9A0B1C2D3E:messages.on_message_due", "ms": 1.5},
        )
    line = lines.last
    assert (line["event"], line["level"]) == ("outbox_job_failed", "WARNING")
    assert (line["request_id"], line["attempts"], line["ms"]) == ("req-12345678", 3, 1.5)
    assert line["job"] == "01J8ZK3V5W6X7Y8Z9A0B1C2D3E:messages.on_message_due"
    assert "in refuse" in str(line["traceback"])
    assert "ValueError: cannot use the door" in str(line["traceback"])


def test_a_digest_of_ours_is_written_for_the_record():
    digest = "98ff9f2c05145cb9305e9d8a57e072bb51180ca49e5be5e9d41bce3a9a571928"
    assert redact_fields({"hash": digest, "card": digest}) == {"hash": digest, "card": "[card]"}
    assert redact_fields({"hash": PHONE}) == {"hash": "[phone]"}


def test_an_exception_that_leads_back_to_itself_ends(lines):
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    logging.getLogger("tests.any").error("crashed", exc_info=first)
    assert str(lines.last["traceback"]).count("first") == 1


def test_numbers_that_json_does_not_know_are_written_all_the_same(lines):
    logging.getLogger("tests.any").info("came", extra={"big": 2**70, "odd": {1: 2}})
    assert (lines.last["big"], lines.last["odd"]) == (str(2**70), {"1": 2})


async def test_a_task_that_nobody_waited_for_does_not_tell(lines):
    loop = asyncio.get_running_loop()
    failed = loop.create_future()
    failed.set_exception(ValueError(f"{NAME} {PHONE}"))
    loop.call_exception_handler({"message": "exception was never retrieved", "future": failed})
    failed.exception()
    assert lines.written
    assert not any(secret in line for line in lines.written for secret in (NAME, PHONE))


CRASHES = {
    "an exception nobody caught": f"raise ValueError('{NAME} {PHONE}')",
    "one in a thread": "import threading\n"
    f"def fail(): raise ValueError('{NAME} {PHONE}')\n"
    "t = threading.Thread(target=fail); t.start(); t.join()",
    "a warning": f"import warnings; warnings.warn('{NAME} {PHONE}')",
    "a record that cannot be put together": f"import logging; logging.error('%d', '{NAME} {PHONE}')",
}


@pytest.mark.parametrize("how", CRASHES)
def test_what_nobody_caught_is_written_as_a_line_like_any_other(how):
    program = f"from backend.logs import configure_logging\nconfigure_logging('test')\n{CRASHES[how]}"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr
    assert said.strip(), "nothing was said"
    assert all(orjson.loads(line) for line in said.splitlines())
    assert NAME not in said.encode().decode("unicode_escape", "ignore")
    assert PHONE not in said
