"""Answers that are too large to be held: written piece by piece, no faster than the client takes them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from backend.http.base import BaseHandler

log = logging.getLogger(__name__)


async def send_chunks(handler: BaseHandler, chunks: AsyncIterator[bytes]) -> None:
    """Write all of it and finish. What fails on the way ends the connection: no part looks like the whole.

    What fails before the first piece is answered like any other refusal.
    """
    begun = False
    try:
        async for chunk in chunks:
            handler.write(chunk)
            begun = True
            await handler.flush()
    except StreamClosedError:
        # Nobody listens any more.
        pass
    except Exception as error:
        if not begun:
            raise
        log.warning("stream_broken_off", extra={"error": type(error).__name__})
        connection = handler.request.connection
        if isinstance(connection, HTTP1Connection):
            connection.close()
    handler.finish()
