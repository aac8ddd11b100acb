"""`healthycity chat`: talk with a running demo city from a terminal, as somebody with a phone would."""

from __future__ import annotations

import sys
import time
from typing import Any

import httpx

from backend.commands.terminal import CommandError, err, out

# A worker sweeps every second; what is slower comes with the next answer.
ANSWER_WITHIN_S = 8.0
_LOOK_EVERY_S = 0.25


class Phone:
    """One phone in the sandbox: what it says, and what has come since it was looked at last."""

    def __init__(self, sandbox: httpx.Client, number: str, through: str) -> None:
        self._sandbox = sandbox
        self._number = number
        self._through = through
        self._seen = len(self._thread())

    def say(self, text: str) -> None:
        """Say one thing; in WeChat this waits for the answer that comes at once."""
        if self._through == "sms":
            self._call("POST", "/control/sms/reply", {"phone": self._number, "content": text})
        else:
            self._call("POST", "/control/oa-chat", {"phone": self._number, "text": text})

    def news(self) -> list[str]:
        """What the city has said since."""
        thread = self._thread()
        fresh, self._seen = thread[self._seen :], len(thread)
        return fresh

    def _thread(self) -> list[str]:
        if self._through == "sms":
            items = self._call("GET", f"/control/sms?phone={self._number}")["items"]
            return [str(one["text"]) for one in reversed(items)]
        items = self._call("GET", f"/control/oa-chat?phone={self._number}")["items"]
        return [str(one["text"]) for one in items if not one["mine"]]

    def _call(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        try:
            answer = self._sandbox.request(method, path, json=body)
        except httpx.TransportError:
            raise CommandError(
                "the sandbox does not answer: `healthycity demo` starts it, --sandbox says where it is."
            ) from None
        if not answer.is_success:
            raise CommandError(f"the sandbox refuses: {answer.text}")
        return answer.json()


def talk(number: str, through: str, sandbox_url: str) -> None:
    """Read lines, say each, print what comes back, until the end of the input."""
    if through not in ("wechat", "sms"):
        raise CommandError("--through is wechat or sms.")
    with httpx.Client(base_url=sandbox_url, timeout=20, trust_env=False) as client:
        phone = Phone(client, number, through)
        if sys.stdin.isatty():
            err.print(f"{number} 正在通过{'短信' if through == 'sms' else '公众号'}说话，Ctrl-D 结束。")
        for line in sys.stdin:
            if line.strip():
                phone.say(line.strip())
                _print_answers(phone)


def _print_answers(phone: Phone) -> None:
    """Wait for the answer, and a moment longer for one that comes in several texts."""
    until = time.monotonic() + ANSWER_WITHIN_S
    while time.monotonic() < until:
        for text in phone.news():
            out.print(text, markup=False)
            until = min(until, time.monotonic() + 2 * _LOOK_EVERY_S)
        time.sleep(_LOOK_EVERY_S)
