"""What a checkpoint holds of a company's rules, and back."""

from __future__ import annotations

from typing import Any

from services.matching.engine import Engine
from services.matching.rules.company_rules import CompanyRules


def rule_rows(engine: Engine) -> Any:
    """Return all tables, or nothing if none holds anything."""
    return () if engine.company.is_empty() else engine.company.rows()


def restore_rules(engine: Engine, rows: Any) -> None:
    """Take the tables; their timers are restored with all others."""
    engine.obey(CompanyRules(rows))
