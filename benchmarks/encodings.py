"""The encodings that are compared, each as a pair of functions over one whole frame of one message.

`msgpack array` and `JSON` are the protocol's own. `msgpack map` names its fields. `protobuf` is as a designer would
make it by hand: its schema is built at run time from the same definitions, small field numbers in order, enumerations
as integers, and levels as packed columns (all prices, then all quantities), the most compact form it has. Encoding
begins at the message as the gateway has it, decoding ends at plain values or at protobuf's own object, none of whose
fields has been read.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Final, NamedTuple, get_args, get_origin, get_type_hints

import msgpack
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.messages import MESSAGE_TYPES, TYPE_NAMES, Message, OpenOrder, Snapshot

_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_LEVEL_COLUMNS: Final = ("prices", "quantities", "orders")


class Codec(NamedTuple):
    """One encoding of one frame."""

    encode: Callable[[Message], bytes]
    decode: Callable[[bytes], object]


def _as_map(message: Message) -> dict[str, Any]:
    fields = {"type": TYPE_NAMES[type(message)], **message._asdict()}
    if "orders" in fields:
        fields["orders"] = [order._asdict() for order in fields["orders"]]
    return fields


def _encode_map(message: Message) -> bytes:
    packed: bytes = msgpack.packb([_as_map(message)])
    return packed


class Protobuf:
    """The protocol in protobuf: `Packet { repeated Message messages = 1; }`, a message being one of all types."""

    def __init__(self) -> None:
        self._fields: dict[type[Any], list[tuple[str, Any]]] = {}
        file = descriptor_pb2.FileDescriptorProto(name="openoutcry.proto", package="openoutcry", syntax="proto3")
        envelope = file.message_type.add(name="Message")
        envelope.oneof_decl.add(name="kind")
        self._describe(file, OpenOrder)
        for kind in MESSAGE_TYPES.values():
            self._describe(file, kind)
        for code, kind in MESSAGE_TYPES.items():
            envelope.field.add(
                name=TYPE_NAMES[kind],
                number=code,
                type=_FIELD.TYPE_MESSAGE,
                type_name=f".openoutcry.{kind.__name__}",
                label=_FIELD.LABEL_OPTIONAL,
                oneof_index=0,
            )
        packet = file.message_type.add(name="Packet")
        packet.field.add(
            name="messages",
            number=1,
            type=_FIELD.TYPE_MESSAGE,
            type_name=".openoutcry.Message",
            label=_FIELD.LABEL_REPEATED,
        )
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        self._packet: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName("openoutcry.Packet"))

    def encode(self, message: Message) -> bytes:
        """Encode one packet of one message."""
        packet = self._packet()
        self._fill(getattr(packet.messages.add(), TYPE_NAMES[type(message)]), message)
        encoded: bytes = packet.SerializeToString()
        return encoded

    def decode(self, data: bytes) -> object:
        """Decode one packet; its fields are read when they are asked for."""
        found: object = self._packet.FromString(data)
        return found

    def _describe(self, file: descriptor_pb2.FileDescriptorProto, kind: type[Any]) -> None:
        described = file.message_type.add(name=kind.__name__)
        fields = [(name, hint) for name, hint in get_type_hints(kind).items() if name in kind._fields]
        self._fields[kind] = fields
        for name, hint in fields:
            for column, form, repeated, type_name in _forms(name, hint, has_orders=kind is Snapshot):
                described.field.add(
                    name=column,
                    number=len(described.field) + 1,
                    type=form,
                    label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
                    type_name=type_name,
                )

    def _fill(self, target: Any, source: Any) -> None:
        for name, hint in self._fields[type(source)]:
            value = getattr(source, name)
            if value is None:
                continue
            match _plain(hint):
                case "levels":
                    for column, numbers in zip(_LEVEL_COLUMNS, zip(*value, strict=True), strict=False):
                        getattr(target, f"{name}_{column}").extend(numbers)
                case "orders":
                    for order in value:
                        self._fill(target.orders.add(), order)
                case "map":
                    getattr(target, f"{name}_keys").extend(value.keys())
                    getattr(target, f"{name}_values").extend(value.values())
                case "enumeration":
                    setattr(target, name, _NUMBERS[value])
                case _:
                    setattr(target, name, value)


def _plain(hint: Any) -> str:
    """Name the form of a field: a scalar's own name, or one of the four that need care."""
    if isinstance(hint, UnionType):
        hint = get_args(hint)[0]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return "enumeration"
    origin = get_origin(hint)
    if origin is Mapping:
        return "map"
    if origin is Sequence:
        return "orders" if get_args(hint)[0] is OpenOrder else "levels"
    assert isinstance(hint, type), hint
    return hint.__name__


def _forms(name: str, hint: Any, *, has_orders: bool) -> Iterator[tuple[str, Any, bool, str | None]]:
    """Yield the protobuf fields that hold one field: name, type, whether repeated, and the type's name."""
    match _plain(hint):
        case "levels":
            for column in _LEVEL_COLUMNS if has_orders else _LEVEL_COLUMNS[:2]:
                yield f"{name}_{column}", _FIELD.TYPE_UINT64, True, None
        case "orders":
            yield name, _FIELD.TYPE_MESSAGE, True, ".openoutcry.OpenOrder"
        case "map":
            yield f"{name}_keys", _FIELD.TYPE_STRING, True, None
            texts = get_args(hint)[1] is str
            yield f"{name}_values", _FIELD.TYPE_STRING if texts else _FIELD.TYPE_SINT64, True, None
        case "str":
            yield name, _FIELD.TYPE_STRING, False, None
        case "bool":
            yield name, _FIELD.TYPE_BOOL, False, None
        case _:
            yield name, _FIELD.TYPE_UINT64, False, None


def _numbers() -> dict[Any, int]:
    hints = [hint for kind in (OpenOrder, *MESSAGE_TYPES.values()) for hint in get_type_hints(kind).values()]
    kinds = [hint for hint in hints if isinstance(hint, type) and issubclass(hint, enum.Enum)]
    return {member: number for kind in kinds for number, member in enumerate(kind)}


_NUMBERS: Final = _numbers()
_PROTOBUF: Final = Protobuf()

CODECS: Final[dict[str, Codec]] = {
    "msgpack array": Codec(lambda message: encode_messages((message,), Encoding.MSGPACK), msgpack.unpackb),
    "msgpack map": Codec(_encode_map, msgpack.unpackb),
    "JSON": Codec(lambda message: encode_messages((message,), Encoding.JSON), json.loads),
    "protobuf": Codec(_PROTOBUF.encode, _PROTOBUF.decode),
}
