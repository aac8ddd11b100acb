"""The payment channels this city has, by the method a resident chose and by the name in our books."""

from __future__ import annotations

from collections.abc import Iterable

from backend.errors import AppError, ErrorCode
from payment.ports import PaymentGateway, PaymentMethod


class Gateways:
    """A registry filled by the composition root."""

    def __init__(self, gateways: Iterable[PaymentGateway]) -> None:
        self._by_name = {gateway.name: gateway for gateway in gateways}
        self._by_method = {method: g for g in self._by_name.values() for method in g.methods}

    def for_method(self, method: PaymentMethod) -> PaymentGateway:
        """The channel that serves a method. Raises PAYMENT_METHOD_UNAVAILABLE."""
        gateway = self._by_method.get(method)
        if gateway is None:
            raise AppError(ErrorCode.PAYMENT_METHOD_UNAVAILABLE, method)
        return gateway

    def named(self, name: str) -> PaymentGateway:
        """The channel an old payment was made through; without it that payment can only wait."""
        gateway = self._by_name.get(name)
        if gateway is None:
            raise AppError(ErrorCode.UNAVAILABLE, f"payment channel {name} is not configured")
        return gateway
