"""Redis as a broker whose absence a worker outlives: kombu's own transport with one hole closed."""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class PatientChannel(redis.Channel):
    """Gives back what is under way, or acknowledges it, only while there is a connection.

    When Redis goes away, kombu gives the connection up and then asks it for its host, to give back the tasks
    that were under way: an AttributeError, which no one expects, and which ends the worker. As an error of
    the connection it is expected. Redis itself, and at last the outbox, hand such tasks out again.
    """

    def _connparams(self, *arguments: Any, **named: Any) -> Any:
        if self.connection.client is None:
            raise ConnectionResetError("the connection to the broker has been given up")
        return super()._connparams(*arguments, **named)


class PatientTransport(redis.Transport):
    """Redis with such channels."""

    Channel = PatientChannel


def use_patient_redis() -> None:
    """Have every `redis://` and `rediss://` broker reached this way."""
    ours = f"{__name__}:{PatientTransport.__name__}"
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), ours))
