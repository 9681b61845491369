"""The interface's document as one page of HTML: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any, Final

STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}"
    "code{font-family:ui-monospace,monospace}table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ccc}"
    "details{border:1px solid #ccc;border-radius:4px;margin:.5rem 0;padding:.5rem 1rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}td,th,details{border-color:#555}}"
)


def style_policy() -> str:
    """Return the Content-Security-Policy under which the page has its style, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"


def document_page(document: Mapping[str, Any]) -> str:
    """Write the page of an OpenAPI document."""
    title = escape(document["info"]["title"])
    paths = "".join(_path(path, methods["get"]) for path, methods in document["paths"].items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style><h1>{title}</h1>'
        "<p>Each path is asked by <code>GET</code>, with the token that a gateway takes: "
        "<code>Authorization: Bearer …</code>. The same for programs: "
        '<a href="/v1/openapi.json">openapi.json</a>.</p>'
        f"{paths}</html>\n"
    )


def _path(path: str, operation: Mapping[str, Any]) -> str:
    rows = "".join(map(_parameter, operation.get("parameters", ())))
    table = f"<table><tr><th>parameter<th>form<th>meaning</tr>{rows}</table>" if rows else "<p>No parameters.</p>"
    codes = ", ".join(operation["responses"])
    return (
        f"<details><summary><code>{escape(path)}</code> {escape(operation.get('summary', ''))}</summary>"
        f"<p>{escape(operation.get('description', ''))}</p>{table}<p>Answers: {escape(codes)}.</p></details>"
    )


def _parameter(parameter: Mapping[str, Any]) -> str:
    name = escape(parameter["name"]) + (" (needed)" if parameter["required"] else "")
    meaning = escape(parameter.get("description", ""))
    return f"<tr><td><code>{name}</code><td>{_form(parameter['schema'])}<td>{meaning}</tr>"


def _form(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        form = ", ".join(map(str, schema["enum"]))
    elif "minimum" in schema:
        form = f"{schema['minimum']} to {schema['maximum']}"
    else:
        form = str(schema.get("pattern", schema["type"]))
    default = f"; without it {schema['default']}" if "default" in schema else ""
    return f"<code>{escape(form)}</code>{escape(default)}"
