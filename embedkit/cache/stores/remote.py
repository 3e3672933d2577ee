"""cachelib's backends for Redis and memcached, with short timeouts and without pickle.

redis-py retries for seconds if the server is gone, and waits forever for one that is frozen. Both of cachelib's
backends unpickle what they read, and clear by emptying the whole server.
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
SCAN_KEYS = 1_000  # to examine in one step of clearing
MAX_CONNECTIONS = 8  # to memcached, kept open for the next caller


def library(name: str, extra: str) -> Any:
    """Import an optional module.

    :raises ConfigurationError: if it is not installed; names the extra to install.
    """
    try:
        return import_module(name)
    except ImportError:
        raise missing_package("This cache", name, extra) from None


class _Plain(RedisSerializer):
    """Our own encoding instead of pickle."""

    def dumps(self, value: Any, protocol: int = 0) -> bytes:  # noqa: ARG002 (cachelib's signature)
        return dump(value)

    def loads(self, value: bytes | None) -> Any:
        return load(value)


class _Socket:
    """A socket that limits the time for a whole response; redis-py only limits single reads."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._until = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, data: Any) -> None:
        self._until = 0.0  # deadline of the response, set when it begins
        self._socket.sendall(data)

    def recv(self, *args: Any) -> Any:
        return self._in_time(self._socket.recv(*args))

    def recv_into(self, *args: Any) -> Any:
        return self._in_time(self._socket.recv_into(*args))

    def _in_time(self, received: Any) -> Any:
        now = time.monotonic()
        self._until = self._until or now + self._socket.gettimeout()
        if received and now > self._until:
            raise ConnectionAbortedError("the response took too long")
        return received


class _Connection:
    """A mixin for connections of redis-py."""

    def _connect(self) -> Any:
        return _Socket(super()._connect())  # type: ignore[misc]


def redis_client(url: str, timeout: float) -> Any:
    """Return a redis-py client with a short timeout and no retries.

    :param url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py parses it.
    :param timeout: maximum seconds until a response begins, and the same for the rest of it.
    :raises ConfigurationError: if redis-py is missing, or can't parse the URL.
    """
    redis = library("redis", "redis")
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=import_module("redis.retry").Retry(import_module("redis.backoff").NoBackoff(), 0),
        )
    except ValueError:  # its message may contain the password
        raise ConfigurationError(
            "EMBEDKIT_CACHE is not a Redis URL.", hint="Write it like redis://host:6379/0."
        ) from None
    pool = client.connection_pool
    pool.connection_class = type("Connection", (_Connection, pool.connection_class), {})
    return client


class RedisStore(RedisCache):
    """A cache on a Redis server, which decides how much it keeps (maxmemory, maxmemory-policy).

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
            return None  # a list or similar is not ours, and the next write replaces it

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        """Set value and lifetime in one step; with cachelib's two, a crash in between leaves a lock forever."""
        seconds = self._normalize_timeout(timeout)
        name, data = PREFIX + key, dump(value)
        return bool(self._write_client.set(name, data, nx=True, ex=seconds if seconds > 0 else None))

    def increment(self, key: str, amount: int, seconds: int) -> int:
        """Add to a number that expires after some seconds; return the sum."""
        pipeline = self._write_client.pipeline()
        pipeline.incrby(PREFIX + key, amount)
        pipeline.expire(PREFIX + key, seconds)
        return int(pipeline.execute()[0])

    def clear(self) -> bool:
        """Delete our own keys, a few at a time, because others use the server too."""
        keys = self._read_client.scan_iter(match=f"{PREFIX}*", count=SCAN_KEYS)
        while some := list(islice(keys, SCAN_KEYS)):
            self._write_client.unlink(*some)
        return True

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._write_client.close()


class MemcachedStore(MemcachedCache):
    """A cache on memcached servers, which decide how much they keep (-m).

    :param servers: addresses, each ``host:port`` or the path of a socket.
    :param timeout: maximum seconds of silence from a server; pylibmc does not limit the time for a whole response.
    :raises ConfigurationError: if pylibmc is missing, or can't parse an address.
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
        """Start without connections: a child must not use those of its parent."""
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue(MAX_CONNECTIONS)

    @contextmanager
    def _reserve(self) -> Iterator[Any]:
        """Reserve a connection for one caller, because pylibmc's are not thread-safe."""
        try:
            client = self._idle.get_nowait()
        except queue.Empty:
            client = self._connect()
        began = time.monotonic()
        try:
            yield client
        except BaseException:
            self.after_fork()  # drop this one and all idle ones: if the server was restarted, they are all dead
            raise
        if time.monotonic() - began >= self._timeout:
            raise TimeoutError("memcached did not respond")  # which libmemcached sometimes reports as a miss
        try:
            self._idle.put_nowait(client)
        except queue.Full:
            client.disconnect_all()

    def has(self, key: str) -> bool:
        """Get the value: cachelib would append an empty one to it, which in our encoding is not empty."""
        return self.get(key) is not None

    def clear(self) -> bool:
        """Do nothing: memcached can't list keys, and emptying the server would delete entries of others."""
        return False


def _connector(servers: list[str], timeout: float) -> Callable[[], Any]:
    pylibmc = library("pylibmc", "memcached")

    def serialize(_client: Any, value: Any) -> tuple[bytes, int]:
        return dump(value), 0

    def deserialize(_client: Any, data: bytes, flags: int) -> Any:
        """Decode a value; pylibmc would unpickle it if its flags say so."""
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
