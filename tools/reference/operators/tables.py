"""The tables of settings and metrics, as Markdown between markers that their documents hold."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from services.gateway.aio.settings import GatewaySettings
from services.ledger.aio.settings import LedgerSettings
from services.matching.aio.settings import MatchingSettings
from shared.aio.settings import ServiceSettings
from tools.reference.operators.exported_metrics import ExportedMetric, gateway_metrics, ledger_metrics, matching_metrics

ROLES: Final[Mapping[str, type[ServiceSettings]]] = {
    "gateway": GatewaySettings,
    "matching": MatchingSettings,
    "ledger": LedgerSettings,
}
_UNITS: Final = {"_per_second": "a second", "_ms": "ms", "_s": "s", "_bytes": "bytes"}
_SIGNS: Final = {Ge: "≥ {}", Gt: "> {}", Le: "≤ {}", Lt: "< {}"}


def settings_table() -> str:
    """Return every setting of every role: unit, default, range and meaning."""
    # The first role's words: those of the others say "as of a gateway".
    names = {name: field for kind in reversed([*ROLES.values()]) for name, field in kind.model_fields.items()}
    rows = [
        (
            f"`OUTCRY_{name.upper()}`",
            _roles(name),
            _unit(name),
            _default(field),
            _range(field),
            _line(field.description),
        )
        for name, field in sorted(names.items())
    ]
    return _table(("setting", "role", "unit", "default", "range", "meaning"), rows)


def metrics_table() -> str:
    """Return every metric of every role."""
    return "\n".join(
        f"### {title}\n\n{_table(('metric', 'kind', 'labels', 'meaning'), map(_metric_row, metrics))}"
        for title, metrics in (
            ("Gateway", gateway_metrics()),
            ("Matching engine", matching_metrics()),
            ("Ledger", ledger_metrics()),
        )
    )


def documents() -> Mapping[str, tuple[str, str]]:
    """Return what is written where: document to (name of its markers, text between them)."""
    return {"operations.md": ("settings", settings_table()), "metrics.md": ("metrics", metrics_table())}


def placed(document: str, name: str, text: str) -> str:
    """
    Return a document with the text between its markers `<!-- name:begin -->` and `<!-- name:end -->`.

    Raises:
        ValueError: If the document lacks one of them.
    """
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    before, found, rest = document.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"there are no markers of {name}")
    return f"{before}{begin}{text}{end}{after}"


def _metric_row(metric: ExportedMetric) -> Sequence[str]:
    return f"`{metric.name}`", metric.kind, ", ".join(f"`{label}`" for label in metric.labels), metric.help


def _roles(name: str) -> str:
    found = [role for role, kind in ROLES.items() if name in kind.model_fields]
    return "all" if len(found) == len(ROLES) else ", ".join(found)


def _unit(name: str) -> str:
    return next((unit for suffix, unit in _UNITS.items() if name.removesuffix("_max").endswith(suffix)), "")


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or value == ():
        return "none"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _range(field: FieldInfo) -> str:
    bounds = [
        sign.format(f"{getattr(rule, kind.__name__.lower()):g}")
        for rule in field.metadata
        for kind, sign in _SIGNS.items()
        if isinstance(rule, kind)
    ]
    return ", ".join(bounds) or _choices(field.annotation)


def _choices(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(map(str, get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return ", ".join(str(each.value) for each in annotation)
    return ""


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def write(folder: Path) -> None:
    """Write the tables into the documents of a folder."""
    for name, (markers, text) in documents().items():
        path = folder / name
        path.write_text(placed(path.read_text(encoding="utf-8"), markers, text), encoding="utf-8")
