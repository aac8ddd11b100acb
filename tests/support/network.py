"""The guard that lets a test reach loopback and nothing else."""

import ipaddress
import socket
from typing import Any

import pytest

LOCAL_NAMES = {"localhost", "", None}


class OutsideWorldError(AssertionError):
    """A test tried to reach a machine that is not this one."""


def is_local(host: Any) -> bool:
    """Whether a host, as given to the socket module, is this machine."""
    if isinstance(host, bytes):
        host = host.decode()
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def block_outside_world(patch: pytest.MonkeyPatch) -> None:
    """Make every way of this process out of the machine fail loudly.

    It works because tests run on asyncio's own loop; uvloop would connect below Python's socket module.
    """
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(host: Any) -> None:
        if not is_local(host):
            raise OutsideWorldError(f"a test may not reach {host!r}: only loopback is open")

    def address_host(sock: socket.socket, address: Any) -> Any:
        return address[0] if sock.family in (socket.AF_INET, socket.AF_INET6) else None

    def guarded_connect(sock: socket.socket, address: Any) -> None:
        check(address_host(sock, address))
        connect(sock, address)

    def guarded_connect_ex(sock: socket.socket, address: Any) -> int:
        check(address_host(sock, address))
        return connect_ex(sock, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        check(host)
        return resolve(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
