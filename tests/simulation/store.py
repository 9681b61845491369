"""A model of the Redis that the programs use: strings that expire, streams, scripts, and time running backwards.

Owns what commands do to the data. Leaves connections, blocking and the wire to `store_server`. A command is all or
nothing here and undoable, so that the store can become any earlier state of itself, as it does when a replica that
was behind is promoted. The contract suite (test_store_contract.py) compares every command with a real server.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Final, NamedTuple

from lupa import lua51  # type: ignore[import-untyped]

from tests.simulation.stream import NODE_ENTRIES_MAX, Id, Node, Stream, Trim

CALLS_UNDOABLE_MAX: Final = 5_000
_LAST: Final = (2**64 - 1, 2**64 - 1)


class StoreError(Exception):
    """An error reply; the text is what the client reads."""


class Simple(bytes):
    """A simple string: a reply such as OK."""


OK: Final = Simple(b"OK")


class _Past(NamedTuple):
    """One call that wrote."""

    when_ms: int
    undo: list[Callable[[], None]]
    ends: dict[bytes, Id]
    """Where the streams ended after it."""


class StoreModel:
    """
    The data.

    Args:
        now_ms: The server's clock.
        random: Draws replication ids.
        node_entries: `stream-node-max-entries`.
    """

    def __init__(self, now_ms: Callable[[], int], random: Random, node_entries: int = NODE_ENTRIES_MAX) -> None:
        self._node_entries = node_entries
        self._now_ms = now_ms
        self._random = random
        self.values: dict[bytes, tuple[bytes, int | None]] = {}
        """Value and time of expiry."""
        self.streams: dict[bytes, Stream] = {}
        self.replication_id = ""
        self.is_isolated = False
        """Its replicas have left it: a former primary that does not know yet that it is none."""
        self.wrote: Callable[[str, bytes, Any], None] = lambda command, key, value: None
        """Called for every key written, within a call."""
        self.called: Callable[[], None] = lambda: None
        """Called after every call that wrote."""
        self._undo: list[Callable[[], None]] = []
        self._past: deque[_Past] = deque(maxlen=CALLS_UNDOABLE_MAX)
        self._scripts: dict[str, Any] = {}
        self.restart()

    # -- life ---------------------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """Begin anew with the same data: another replication id, no scripts."""
        self.replication_id = f"{self._random.getrandbits(160):040x}"
        self._scripts.clear()
        self._lua = lua51.LuaRuntime(encoding=None, unpack_returned_tuples=True, register_eval=False)
        self._lua.globals()[b"redis"] = self._lua.table_from({b"call": self._lua_call, b"pcall": self._lua_pcall})

    def fork(self) -> StoreModel:
        """Return another store with the same data, as a replica that is promoted has it; this one is alone now."""
        other = StoreModel(self._now_ms, self._random, self._node_entries)
        other.values = dict(self.values)
        other.streams = {key: stream.copy() for key, stream in self.streams.items()}
        self.is_isolated = True
        return other

    @property
    def undoable(self) -> int:
        """How many calls can be taken back."""
        return len(self._past)

    def secure(self) -> None:
        """Make it impossible to lose what has been written so far."""
        self._past.clear()

    def roll_back(self, calls: int) -> None:
        """Lose the last calls that wrote."""
        for _ in range(min(calls, len(self._past))):
            for undo in reversed(self._past.pop().undo):
                undo()

    def calls_since(self, when_ms: int, key: bytes, first_ms: int) -> int:
        """Return how many calls are not older than a time, and later than a stream's entries of smaller first ids."""
        calls = 0
        for past in reversed(self._past):
            if past.when_ms < when_ms or past.ends.get(key, (0, 0))[0] < first_ms:
                break
            calls += 1
        return max(0, calls - 1)

    def call(self, *words: bytes) -> Any:
        """
        Carry out one command.

        Returns:
            The reply: bytes, `Simple`, int, None, list or (of XREAD) a map.

        Raises:
            StoreError: The error reply.
        """
        try:
            return self._do(list(words))
        finally:
            if self._undo:
                ends = {key: stream.last for key, stream in self.streams.items()}
                self._past.append(_Past(self._now_ms(), self._undo, ends))
                self._undo = []
                self.called()

    def _do(self, words: list[bytes]) -> Any:
        command = getattr(self, "do_" + words[0].decode().lower(), None)
        if command is None:
            raise StoreError(f"ERR unknown command '{words[0].decode()}'")
        return command(*words[1:])

    # -- strings ------------------------------------------------------------------------------------------------------

    def _held(self, key: bytes) -> tuple[bytes, int | None] | None:
        held = self.values.get(key)
        if held is not None and held[1] is not None and held[1] <= self._now_ms():
            return None
        return held

    def _put(self, key: bytes, held: tuple[bytes, int | None] | None) -> None:
        before = self.values.get(key)
        self._undo.append(lambda: self._restore(key, before))
        self._restore(key, held)

    def _restore(self, key: bytes, held: tuple[bytes, int | None] | None) -> None:
        if held is None:
            self.values.pop(key, None)
        else:
            self.values[key] = held

    def do_get(self, key: bytes) -> bytes | None:
        held = self._held(key)
        return held[0] if held else None

    def do_mget(self, *keys: bytes) -> list[bytes | None]:
        return [self.do_get(key) for key in keys]

    def do_set(self, key: bytes, value: bytes, *options: bytes) -> Simple | None:
        upper = [option.upper() for option in options]
        if b"NX" in upper and self._held(key) is not None:
            return None
        expires = self._now_ms() + int(options[upper.index(b"PX") + 1]) if b"PX" in upper else None
        self._put(key, (value, expires))
        self.wrote("SET", key, value)
        return OK

    def do_del(self, *keys: bytes) -> int:
        found = [key for key in keys if self._held(key) is not None or key in self.streams]
        for key in found:
            if key in self.streams:
                stream = self.streams.pop(key)
                self._undo.append(lambda key=key, stream=stream: self.streams.__setitem__(key, stream))  # type: ignore[misc]
            else:
                self._put(key, None)
            self.wrote("DEL", key, None)
        return len(found)

    def do_pexpire(self, key: bytes, milliseconds: bytes) -> int:
        held = self._held(key)
        if held is None:
            return 0
        self._put(key, (held[0], self._now_ms() + int(milliseconds)))
        return 1

    def do_persist(self, key: bytes) -> int:
        held = self._held(key)
        if held is None or held[1] is None:
            return 0
        self._put(key, (held[0], None))
        return 1

    def do_append(self, key: bytes, value: bytes) -> int:
        held = self._held(key) or (b"", None)
        self._put(key, (held[0] + value, held[1]))
        return len(held[0] + value)

    def do_exists(self, *keys: bytes) -> int:
        return sum(self._held(key) is not None or key in self.streams for key in keys)

    def do_rename(self, key: bytes, new_key: bytes) -> Simple:
        held = self._held(key)
        if held is None:
            raise StoreError("ERR no such key")
        self._put(key, None)
        self._put(new_key, held)
        self.wrote("SET", new_key, held[0])
        return OK

    def do_pttl(self, key: bytes) -> int:
        held = self._held(key)
        if held is None:
            return -2
        return -1 if held[1] is None else held[1] - self._now_ms()

    # -- streams ------------------------------------------------------------------------------------------------------

    def do_xadd(self, key: bytes, *words: bytes) -> bytes:
        options = list(words)
        trim = self._trim_options(options) if options[0].upper() in (b"MAXLEN", b"MINID") else None
        id_word, fields = options[0], options[1:]
        stream = self.streams.get(key) or Stream(self._node_entries)
        new = self._new_id(stream, id_word)
        before, nodes = stream.last, stream.nodes[-1:]
        if key not in self.streams:
            self.streams[key] = stream
            self._undo.append(lambda: self.streams.__delitem__(key))
        count = len(stream.nodes)
        stream.append(new, fields)
        self._undo.append(lambda: self._take_back(stream, before, count, nodes))
        if trim is not None:
            self._trim(key, stream, trim)
        self.wrote("XADD", key, (new, fields))
        return _text(new)

    def _new_id(self, stream: Stream, word: bytes) -> Id:
        if word == b"*":
            now = self._now_ms()
            return (now, 0) if now > stream.last[0] else (stream.last[0], stream.last[1] + 1)
        new = _id(word)
        if new == (0, 0):
            raise StoreError("ERR The ID specified in XADD must be greater than 0-0")
        if new <= stream.last:
            raise StoreError("ERR The ID specified in XADD is equal or smaller than the target stream top item")
        return new

    def _take_back(self, stream: Stream, last: Id, nodes: int, last_node: list[Node]) -> None:
        stream.ids.pop()
        stream.fields.pop()
        stream.last = last
        stream.nodes[max(0, nodes - 1) :] = last_node

    def _trim_options(self, words: list[bytes]) -> Trim:
        """Take a trimming's words off the front: MAXLEN or MINID, `~` or `=`, the threshold, LIMIT and a number."""
        by_id = words.pop(0).upper() == b"MINID"
        is_approximate = words[0] == b"~"
        if words[0] in (b"~", b"="):
            words.pop(0)
        threshold = _id(words[0]) if by_id else int(words[0])
        words.pop(0)
        limit = 100 * self._node_entries if is_approximate else 0
        if words and words[0].upper() == b"LIMIT":
            if not is_approximate:
                raise StoreError("ERR syntax error, LIMIT cannot be used without the special ~ option")
            limit = int(words[1])
            del words[:2]
        return Trim(by_id, threshold, is_approximate, limit)

    def _trim(self, key: bytes, stream: Stream, trim: Trim) -> int:
        count, left = stream.doomed(trim)
        if not count:
            return 0
        ids, fields, nodes = stream.ids[:count], stream.fields[:count], stream.nodes
        del stream.ids[:count], stream.fields[:count]
        stream.nodes = left

        def undo() -> None:
            stream.ids[:0] = ids
            stream.fields[:0] = fields
            stream.nodes = nodes

        self._undo.append(undo)
        self.wrote("XTRIM", key, count)
        return count

    def do_xtrim(self, key: bytes, *words: bytes) -> int:
        trim = self._trim_options(list(words))
        stream = self.streams.get(key)
        return self._trim(key, stream, trim) if stream is not None else 0

    def do_xlen(self, key: bytes) -> int:
        stream = self.streams.get(key)
        return len(stream.ids) if stream else 0

    def do_xrange(self, key: bytes, first: bytes, last: bytes, *count: bytes) -> list[Any]:
        stream = self.streams.get(key)
        if stream is None:
            return []
        begin = bisect_left(stream.ids, _id(first, minus=(0, 0)))
        end = bisect_right(stream.ids, _id(last, plus=_LAST, last=True))
        return stream.rows(begin, min(end, begin + int(count[1])) if count else end)

    def do_xrevrange(self, key: bytes, last: bytes, first: bytes, *count: bytes) -> list[Any]:
        rows = list(reversed(self.do_xrange(key, first, last)))
        return rows[: int(count[1])] if count else rows

    def do_xread(self, *words: bytes) -> Any:
        """Read without blocking; the server blocks. None if there is nothing."""
        upper = [word.upper() for word in words]
        count = int(words[upper.index(b"COUNT") + 1]) if b"COUNT" in upper else None
        names = words[upper.index(b"STREAMS") + 1 :]
        found: dict[bytes, list[Any]] = {}
        for key, after in zip(names[: len(names) // 2], names[len(names) // 2 :], strict=True):
            stream = self.streams.get(key)
            begin = bisect_right(stream.ids, _id(after)) if stream else 0
            if stream and begin < len(stream.ids):
                found[key] = stream.rows(
                    begin, len(stream.ids) if count is None else min(len(stream.ids), begin + count)
                )
        return found or None

    # -- the rest -----------------------------------------------------------------------------------------------------

    def do_ping(self) -> Simple:
        return Simple(b"PONG")

    def do_wait(self, replicas: bytes, timeout_ms: bytes) -> int:
        """Every replica that may be promoted has it all, at once; unless they follow another primary now."""
        if self.is_isolated:
            return 0
        self.secure()
        return int(replicas)

    def do_info(self, *sections: bytes) -> bytes:
        return f"# Replication\r\nrole:master\r\nmaster_replid:{self.replication_id}\r\n".encode()

    def do_flushall(self) -> Simple:
        values, streams = self.values, self.streams
        self.values, self.streams = {}, {}

        def undo() -> None:
            self.values, self.streams = values, streams

        self._undo.append(undo)
        self.wrote("FLUSHALL", b"", None)
        return OK

    def do_eval(self, source: bytes, key_count: bytes, *words: bytes) -> Any:
        digest = hashlib.sha1(source).hexdigest()
        if digest not in self._scripts:
            self._scripts[digest] = self._lua.execute(b"return function(KEYS, ARGV) " + source + b"\nend")
        return self.do_evalsha(digest.encode(), key_count, *words)

    def do_evalsha(self, digest: bytes, key_count: bytes, *words: bytes) -> Any:
        script = self._scripts.get(digest.decode().lower())
        if script is None:
            raise StoreError("NOSCRIPT No matching script. Please use EVAL.")
        keys, arguments = list(words[: int(key_count)]), list(words[int(key_count) :])
        try:
            reply = script(self._lua.table_from(keys), self._lua.table_from(arguments))
        except lua51.LuaError as error:
            raise StoreError(f"ERR {error}") from error
        return self._from_lua(reply)

    def _lua_call(self, *words: Any) -> Any:
        return self._to_lua(self._do([_lua_word(word) for word in words]))

    def _lua_pcall(self, *words: Any) -> Any:
        try:
            return self._lua_call(*words)
        except StoreError as error:
            return self._lua.table_from({b"err": str(error).encode()})

    def _to_lua(self, reply: Any) -> Any:
        match reply:
            case None:
                return False
            case Simple():
                return self._lua.table_from({b"ok": bytes(reply)})
            case list():
                return self._lua.table_from([self._to_lua(each) for each in reply])
        return reply

    def _from_lua(self, value: Any) -> Any:
        match value:
            case None | False:
                return None
            case True:
                return 1
            case int() | float():
                return int(value)
            case bytes():
                return value
        if value[b"err"] is not None:
            raise StoreError(value[b"err"].decode())
        if value[b"ok"] is not None:
            return Simple(value[b"ok"])
        return [self._from_lua(value[index]) for index in range(1, len(value) + 1)]


def _lua_word(word: Any) -> bytes:
    return word if isinstance(word, bytes) else b"%d" % word


def _text(entry_id: Id) -> bytes:
    return b"%d-%d" % entry_id


def _id(word: bytes, *, minus: Id = (0, 0), plus: Id = _LAST, last: bool = False) -> Id:
    if word == b"-":
        return minus
    if word == b"+":
        return plus
    if word.startswith(b"("):
        ms, seq = _id(word[1:])
        return (ms, seq + 1) if not last else (ms, seq - 1)
    ms_text, dash, seq_text = word.partition(b"-")
    try:
        return int(ms_text), int(seq_text) if dash else (_LAST[1] if last else 0)
    except ValueError:
        raise StoreError("ERR Invalid stream ID specified as stream command argument") from None
