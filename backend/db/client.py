"""The connection: one AsyncMongoClient per process and event loop, majority and journal on every write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

Document = dict[str, Any]
Collection = AsyncCollection[Document]
Session = AsyncClientSession
# A write that goes along in somebody else's transaction; it may be asked for again after an attempt failed.
Along = Callable[[Session], Awaitable[None]]

# `j` as well as `w`: on a single node, majority alone waits for the 100 ms journal tick (design.md §9).
DURABLE = WriteConcern(w="majority", j=True, wtimeout=10_000)


class Database:
    """A city's database. Open it inside the running event loop; it is bound to that loop."""

    def __init__(self, uri: str, name: str, *, app_name: str = "healthycity") -> None:
        self.client: AsyncMongoClient[Document] = AsyncMongoClient(
            uri,
            tz_aware=True,
            appname=app_name,
            serverSelectionTimeoutMS=5_000,
            connectTimeoutMS=5_000,
            socketTimeoutMS=20_000,
            maxPoolSize=32,
            retryWrites=True,
        )
        options: CodecOptions[Document] = CodecOptions(tz_aware=True)
        self.native: AsyncDatabase[Document] = self.client.get_database(
            name, codec_options=options, write_concern=DURABLE
        )
        self.name = name

    def collection(self, name: str) -> Collection:
        """A collection that writes durably and reads the primary."""
        return self.native.get_collection(name)

    async def ping(self) -> None:
        """Raise a PyMongo error when no primary answers."""
        await self.client.admin.command("ping")

    async def close(self) -> None:
        """Close every connection."""
        await self.client.close()
