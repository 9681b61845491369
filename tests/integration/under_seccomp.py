"""`python -m tests.integration.under_seccomp PROFILE COMMAND...`: a command under a container's seccomp profile.

By libseccomp, as container engines do it; for this machine's architecture. Status 3: there is no libseccomp.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

NO_LIBRARY: Final = 3
_ALLOW: Final = 0x7FFF_0000
_ERRNO: Final = 0x0005_0000
_MASKED_EQ: Final = 7
_UNKNOWN: Final = -1


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def library() -> ctypes.CDLL | None:
    """Return libseccomp, if it is here."""
    try:
        found = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    found.seccomp_init.restype = ctypes.c_void_p
    return found


def confine(seccomp: ctypes.CDLL, profile: dict[str, Any]) -> None:
    """Put this process under a profile, for ever."""
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(_ERRNO | profile["defaultErrnoRet"])))
    for rule in profile["syscalls"]:
        action = _ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else _ERRNO | rule["errnoRet"]
        given = rule.get("args", [])
        assert all(each["op"] == "SCMP_CMP_MASKED_EQ" for each in given)
        comparisons = (_Comparison * len(given))(
            *(_Comparison(each["index"], _MASKED_EQ, each["value"], each["valueTwo"]) for each in given)
        )
        for name in rule["names"]:
            number = seccomp.seccomp_syscall_resolve_name(name.encode())
            if number == _UNKNOWN:
                continue  # of a later kernel, or of another architecture
            done = seccomp.seccomp_rule_add_array(
                context, ctypes.c_uint32(action), number, ctypes.c_uint(len(given)), comparisons
            )
            assert done == 0, (name, done)
    assert seccomp.seccomp_load(context) == 0


def main() -> None:
    """Confine, and become the command."""
    seccomp = library()
    if seccomp is None:
        sys.exit(NO_LIBRARY)
    confine(seccomp, json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
