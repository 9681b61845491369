"""A real Prometheus with the shipped configuration: intervals, rules and job names are those of deploy/prometheus.

Only where its targets are, and which rule files it finds, is ours.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import yaml

from outcry.stack.aio.child import Child, RoleFailed, TooLate

SHIPPED: Final = Path(__file__).parents[2] / "deploy" / "prometheus"
RULES_OF: Final = {"alerts.haproxy.yml": "haproxy", "alerts.ledger.yml": "ledger"}
"""Rules of what not every deployment has, and its job."""
HOST: Final = "127.0.0.1"
READY_SECONDS_MAX: Final = 30.0
ANSWER_SECONDS_MAX: Final = 10.0
POLL_SECONDS: Final = 0.1

Targets = Mapping[str, Sequence[str]]
"""Addresses (`host:port`) by job."""


def configuration(targets: Targets) -> dict[str, Any]:
    """Return the shipped configuration with these targets, without jobs that have none, and without their rules."""
    shipped: dict[str, Any] = yaml.safe_load((SHIPPED / "prometheus.yml").read_text(encoding="utf-8"))
    files = [SHIPPED / Path(name).name for name in shipped["rule_files"]]
    return {
        "global": shipped["global"],
        "rule_files": [str(path) for path in files if path.name not in RULES_OF or targets.get(RULES_OF[path.name])],
        "scrape_configs": [
            {"job_name": job["job_name"], "static_configs": [{"targets": list(targets[job["job_name"]])}]}
            for job in shipped["scrape_configs"]
            if targets.get(job["job_name"])
        ],
    }


def stated_seconds() -> dict[str, float]:
    """Return within what time each alert says that it fires."""
    groups = [group for path in sorted(SHIPPED.glob("alerts*.yml")) if path.name != "alerts.test.yml"
              for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]  # fmt: skip
    return {rule["alert"]: float(rule["annotations"]["within"].rstrip("s"))
            for group in groups for rule in group["rules"]}  # fmt: skip


class Prometheus:
    """
    A running server; a context manager that ends it.

    Args:
        targets: What it scrapes.
        port: Where it listens.
        folder: Private, for its data and log.
    """

    def __init__(self, targets: Targets, port: int, folder: Path) -> None:
        program = shutil.which("prometheus")
        if program is None:
            raise RoleFailed("there is no prometheus: apt-get install prometheus")
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(configuration(targets)), encoding="utf-8")
        self._api = f"http://{HOST}:{port}"
        self._child = Child(
            "prometheus",
            [program, f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}",
             f"--web.listen-address={HOST}:{port}", "--log.level=warn"],
            folder,
        )  # fmt: skip

    async def wait_until_ready(self) -> None:
        """
        Return when it answers.

        Raises:
            RoleFailed: If it does not; with the end of its log.
        """
        try:
            async with asyncio.timeout(READY_SECONDS_MAX):
                while not await asyncio.to_thread(self._is_ready):
                    self._child.check_alive()
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise TooLate.of("prometheus was not ready", READY_SECONDS_MAX, [self._child]) from None

    async def firing(self) -> frozenset[str]:
        """Return the names of the alerts that fire now."""
        answer = await asyncio.to_thread(self._get, "/api/v1/alerts")
        alerts = json.loads(answer)["data"]["alerts"]
        return frozenset(alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing")

    def _is_ready(self) -> bool:
        try:
            self._get("/-/ready")
        except OSError:
            return False
        return True

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self._api + path, timeout=ANSWER_SECONDS_MAX) as answer:
            content: bytes = answer.read()
            return content

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()
