"""cachelib's backends for Redis and memcached, made quick to give up and unable to run what they read.

redis-py tries again for seconds when the server is gone, and waits for ever for a frozen one; both cachelib
backends unpickle, and clear by emptying the whole server.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from typing import Any

from cachelib import MemcachedCache, RedisCache
from cachelib.serializers import RedisSerializer

from embedkit.cache.stores.base import STORE_TIMEOUT_S, Timeout, dump, load
from embedkit.errors import ConfigurationError, missing_package
from embedkit.process import run_now_and_after_fork

PREFIX = "embedkit:"
SCAN_KEYS = 1_000  # keys looked at in one step of clearing
MAX_CONNECTIONS = 8  # to memcached, kept open for the next caller


def library(name: str, extra: str) -> Any:
    """A module that not everybody has.

    :raises ConfigurationError: where it is not installed; names the extra that brings it.
    """
    try:
        return import_module(name)
    except ImportError:
        raise missing_package("This cache", name, extra) from None


class _Plain(RedisSerializer):
    """Our own encoding in place of pickle."""

    def dumps(self, value: Any, protocol: int = 0) -> bytes:  # noqa: ARG002 (cachelib's signature)
        return dump(value)

    def loads(self, value: bytes | None) -> Any:
        return load(value)


class _Socket:
    """A socket that gives up an answer whose rest takes longer than a read may; redis-py bounds reads alone."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._until = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, data: Any) -> None:
        self._until = 0.0  # until when its answer has to be here, known when that begins
        self._socket.sendall(data)

    def recv(self, *args: Any) -> Any:
        return self._in_time(self._socket.recv(*args))

    def recv_into(self, *args: Any) -> Any:
        return self._in_time(self._socket.recv_into(*args))

    def _in_time(self, received: Any) -> Any:
        now = time.monotonic()
        self._until = self._until or now + self._socket.gettimeout()
        if received and now > self._until:
            raise ConnectionAbortedError("the answer does not end")
        return received


class _Connection:
    """What is mixed into a connection of redis-py."""

    def _connect(self) -> Any:
        return _Socket(super()._connect())  # type: ignore[misc]


def redis_client(url: str, timeout: float) -> Any:
    """A client of redis-py that gives up soon, and tries nothing twice.

    :param url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py reads it.
    :param timeout: seconds to wait for an answer to begin, and as many for the rest of it.
    :raises ConfigurationError: where redis-py is missing or does not understand the URL.
    """
    redis = library("redis", "redis")
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=import_module("redis.retry").Retry(import_module("redis.backoff").NoBackoff(), 0),
        )
    except ValueError:  # its text may hold the password
        raise ConfigurationError(
            "EMBEDKIT_CACHE is not a Redis URL.", hint="Write it like redis://host:6379/0."
        ) from None
    pool = client.connection_pool
    pool.connection_class = type("Connection", (_Connection, pool.connection_class), {})
    return client


class RedisStore(RedisCache):
    """A cache on a Redis server; how much it keeps is for the server to say (maxmemory, maxmemory-policy).

    The arguments are those of :func:`redis_client`.
    """

    kind = "redis"
    serializer = _Plain()

    def __init__(self, url: str, *, timeout: float = STORE_TIMEOUT_S) -> None:
        super().__init__(redis_client(url, timeout), key_prefix=PREFIX)
        self._refusal: type[Exception] = library("redis", "redis").ResponseError

    def get(self, key: str) -> Any:
        try:
            return super().get(key)
        except self._refusal as error:
            if not str(error).startswith("WRONGTYPE"):
                raise
            return None  # a list or the like is none of ours; the next write takes its place

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        """cachelib sets first and the time to live after: who dies in between leaves a lock for ever."""
        seconds = self._normalize_timeout(timeout)
        name, data = PREFIX + key, dump(value)
        return bool(self._write_client.set(name, data, nx=True, ex=seconds if seconds > 0 else None))

    def increment(self, key: str, amount: int, seconds: int) -> int:
        """Add to a number that goes after so many seconds; the number."""
        pipeline = self._write_client.pipeline()
        pipeline.incrby(PREFIX + key, amount)
        pipeline.expire(PREFIX + key, seconds)
        return int(pipeline.execute()[0])

    def clear(self) -> bool:
        """Delete our own keys, a few at a time: others use the server too."""
        keys = self._read_client.scan_iter(match=f"{PREFIX}*", count=SCAN_KEYS)
        while some := list(islice(keys, SCAN_KEYS)):
            self._write_client.unlink(*some)
        return True

    def close(self) -> None:
        """Let go of the connections; the next call opens new ones."""
        self._write_client.close()


class MemcachedStore(MemcachedCache):
    """A cache on memcached servers; how much they keep is for them to say (-m).

    :param servers: each ``host:port`` or the path of a socket.
    :param timeout: seconds for which a server may say nothing; pylibmc bounds no answer as a whole.
    :raises ConfigurationError: where pylibmc is missing or does not understand an address.
    """

    kind = "memcached"

    def __init__(self, servers: list[str], *, timeout: float = STORE_TIMEOUT_S) -> None:
        self._timeout = timeout
        self._connect = _connector(servers, timeout)
        run_now_and_after_fork(self)
        try:
            super().__init__(self._connect(), key_prefix=PREFIX)
        except ValueError:
            raise ConfigurationError(
                "EMBEDKIT_CACHE is not the URL of a memcached server.",
                hint="Write it like memcached://host:11211.",
            ) from None
        self._client_context = self._reserve

    def after_fork(self) -> None:
        """Begin with no connections: a child must not talk over those of its parent."""
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue(MAX_CONNECTIONS)

    @contextmanager
    def _reserve(self) -> Iterator[Any]:
        """A connection for one caller: pylibmc's are not safe for threads."""
        try:
            client = self._idle.get_nowait()
        except queue.Empty:
            client = self._connect()
        began = time.monotonic()
        try:
            yield client
        except BaseException:
            self.after_fork()  # dropped, with all that are idle: if the server was restarted they are all dead
            raise
        if time.monotonic() - began >= self._timeout:
            raise TimeoutError("memcached did not answer")  # libmemcached reports it as a miss now and then
        try:
            self._idle.put_nowait(client)
        except queue.Full:
            client.disconnect_all()

    def has(self, key: str) -> bool:
        """cachelib appends nothing to the entry to find out, and in our encoding nothing is one letter."""
        return self.get(key) is not None

    def clear(self) -> bool:
        """memcached can't list keys, and to empty the server would take from others: nothing is done."""
        return False


def _connector(servers: list[str], timeout: float) -> Callable[[], Any]:
    pylibmc = library("pylibmc", "memcached")

    def serialize(_client: Any, value: Any) -> tuple[bytes, int]:
        return dump(value), 0

    def deserialize(_client: Any, data: bytes, flags: int) -> Any:
        """pylibmc would unpickle where the flags of an entry say so."""
        return load(data) if flags == 0 else None

    made = type("Client", (pylibmc.Client,), {"serialize": serialize, "deserialize": deserialize})
    milliseconds = max(1, int(timeout * 1000))
    behaviors = {
        "tcp_nodelay": True,
        "connect_timeout": milliseconds,
        "receive_timeout": milliseconds * 1000,  # microseconds (libmemcached, memcached_behavior)
        "send_timeout": milliseconds * 1000,
        "_poll_timeout": milliseconds,
    }
    return lambda: made(servers, behaviors=behaviors)
