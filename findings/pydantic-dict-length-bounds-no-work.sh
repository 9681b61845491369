#!/usr/bin/env bash
# pydantic 2.14.3: a limit of the length of a dict stops nothing while its values are wrong; the same limit of a list does.
#
# Why it matters to an exchange: the limit is written to bound what one request may cost. A map of a thousand wrong entries is
# validated whole and makes a thousand errors, each with its text, before the request is refused: milliseconds of everybody's
# time for a refusal. The length must be looked at before the validation.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydantic==2.14.3
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from typing import Annotated

import pydantic
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

ENTRIES, LIMIT = 1000, 2
looked_at = 0


def count(value: object) -> object:
    global looked_at
    looked_at += 1
    return value


Number = Annotated[int, BeforeValidator(count)]


class Request(BaseModel):
    map: Annotated[dict[str, Number], Field(max_length=LIMIT)] = {}
    array: Annotated[list[Number], Field(max_length=LIMIT)] = []


def tried(field: str, value: object) -> tuple[int, int]:
    global looked_at
    looked_at = 0
    try:
        Request.model_validate({field: value})
    except ValidationError as error:
        return looked_at, error.error_count()
    return looked_at, 0


print(f"pydantic {pydantic.VERSION}, max_length={LIMIT}, {ENTRIES} entries")
print("one would expect: a value beyond the limit is not looked at, whatever the values are, and there is one error")
found = {}
for what, values in (("whole numbers", range(ENTRIES)), ("texts instead", ["x"] * ENTRIES)):
    for field in ("array", "map"):
        value = list(values) if field == "array" else {str(key): each for key, each in enumerate(values)}
        found[field, what] = tried(field, value)
        print(f"  {field:5} of {what}: {found[field, what][0]} values looked at, {found[field, what][1]} errors")
print("it does: the wrong entries of a dict do not count, so that its limit is never reached; a list stops at once")
is_so = found["map", "texts instead"] == (ENTRIES, ENTRIES) and found["array", "texts instead"][1] == 1
sys.exit(0 if is_so else "no longer so")
PYTHON
