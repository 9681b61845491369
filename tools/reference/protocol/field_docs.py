"""The docstrings under the fields of a class, and under the members of an enumeration.

Python keeps no such strings at run time, so they are read from the source.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from functools import cache
from itertools import pairwise


def class_doc(kind: type) -> str:
    """Return a class's docstring on one line."""
    return _as_sentence(inspect.getdoc(kind) or "")


def field_docs(kind: type) -> dict[str, str]:
    """
    Return the documented fields or members of a class with their docstrings, each on one line.

    Inherited ones are included; where a name is documented twice, the nearer class counts.
    """
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.partition(".")[0] == kind.__module__.partition(".")[0]:
            found |= _documented(base)
    return found


@cache  # finding a class in its module's source takes 15 ms, and the same ones are asked for again and again
def _documented(kind: type) -> dict[str, str]:
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    documented = [(_assigned(statement), _text(after)) for statement, after in pairwise(definition.body)]
    return {name: _as_sentence(text) for name, text in documented if name and text}


def _as_sentence(docstring: str) -> str:
    """Put it on one line, in the words of the wire: what Python calls None is null there."""
    return re.sub(r"\bNone\b", "null", " ".join(docstring.split()))


def _assigned(statement: ast.stmt) -> str:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""


def _text(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
    return ""
