"""The published wire vectors, decoded: an example of every message by name."""

from __future__ import annotations

import json
from pathlib import Path

from openoutcry.wire.codec import Encoding, decode_messages

FOLDER = Path(__file__).parents[3] / "protocol" / "vectors"
MESSAGES = {
    vector["name"]: decode_messages(bytes.fromhex(vector["msgpack"]), Encoding.MSGPACK)[0]
    for vector in json.loads((FOLDER / "messages.json").read_text(encoding="utf-8"))
}
