"""The options of a load run."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.redacted_url import redacted
from outcry.load.crew_options import USERS_MAX, CrewOptions, check_within
from outcry.load.even_choice import part
from outcry.load.fleet_settings import OPENING_MAX
from outcry.load.mix import DEFAULT_MIX_TEXT, Mix, parse_mix
from outcry.load.scenario import Deed, Scenario

SECONDS_MAX: Final = 7 * 24 * 3600.0
ORDERS_PER_USER_MAX: Final = 40.0
"""A second: below the 50 that gateways allow a user."""
SLOW_MAX: Final = 0.9
CHURN_MAX: Final = 1.0
DEFAULTS: Final[Mapping[str, float]] = {
    "ramp": 10.0,
    "seconds": 60.0,
    "slow": 0.0,
    "churn": 0.0,
    "orders": 0.0,
    "gateways": 3,
    "opening": OPENING_MAX,
}
"""Of the flags that a scenario may set."""


class Deployment(NamedTuple):
    """A running exchange, started by somebody else."""

    urls: Sequence[str]
    """Its gateways, or the load balancer before them."""
    token_file: Path | None
    """Tokens, one a line; each user takes one."""
    secret_file: Path | None
    """Key of the exchange's tokens, to make users from."""
    loss_command: str | None
    """Ends one of its gateways, for the scenario `loss`; a shell runs it."""

    def checked(self) -> Deployment:
        """
        Return self if it can be used.

        Raises:
            ConfigurationError: Names the flag and the rule.
        """
        for url in self.urls:
            parts = urlsplit(url)
            if parts.scheme not in ("ws", "wss") or not parts.hostname:
                raise ConfigurationError(f"--url must be such as ws://127.0.0.1:8101/v1/stream, not {redacted(url)!r}")
        if (self.token_file is None) == (self.secret_file is None):
            raise ConfigurationError("--url needs users: give --token-file or --secret-file, one of them")
        return self


class LoadOptions(NamedTuple):
    """A run, its scenario's defaults settled."""

    scenario: Scenario
    crew: CrewOptions
    ramp: float
    """Seconds over which users come; 0 is all at once."""
    seconds: float
    """How long to measure."""
    mix: Mix
    slow: float
    """Share of users that never read, 0 to SLOW_MAX."""
    churn: float
    """Share of users that leave every second and come back, 0 to CHURN_MAX."""
    orders: float
    """Orders and cancels a second, of all users together."""
    opening: int
    """Handshakes under way at once, in each process."""
    sources: Sequence[str]
    """Local addresses to connect from; none leaves it to the system."""
    metrics: Mapping[str, str]
    """Further metrics to read: name to URL."""
    deployment: Deployment | None
    """What to load; None starts an exchange for the occasion."""
    seed: int

    @property
    def readers(self) -> int:
        """Users who read."""
        return self.crew.users - part(self.crew.users, self.slow * 100)

    def checked(self) -> LoadOptions:
        """
        Return self if it can be run.

        Raises:
            ConfigurationError: Names the flag and the rule.
        """
        self.crew.checked()
        check_within("--ramp", self.ramp, 0, 3600)
        check_within("--seconds", self.seconds, 1, SECONDS_MAX)
        check_within("--slow", self.slow, 0, SLOW_MAX)
        check_within("--churn", self.churn, 0, CHURN_MAX)
        check_within("--opening", self.opening, 1, USERS_MAX)
        if self.readers < 1:
            raise ConfigurationError(f"--slow {self.slow:g} of --users {self.crew.users} leaves nobody who reads")
        self._check_orders()
        for source in self.sources:
            _check_address(source)
        if self.deployment:
            self._check_deployment(self.deployment.checked())
        return self

    def _check_orders(self) -> None:
        check_within("--orders", self.orders, 0, self.readers * ORDERS_PER_USER_MAX)

    def _check_deployment(self, deployment: Deployment) -> None:
        deeds = {action.deed for action in self.scenario.actions}
        if Deed.LOSE_GATEWAY in deeds and not deployment.loss_command:
            raise ConfigurationError("--scenario loss with --url needs --loss-command, such as 'docker kill gateway-1'")
        if Deed.BURST in deeds and not self.orders:
            raise ConfigurationError("--scenario burst with --url bursts with --orders: give a rate")


def settled(flag: str, given: float | None, scenario: Scenario) -> float:
    """Return a flag's value: as it was given, else the scenario's, else the default."""
    if given is not None:
        return given
    return scenario.flags.get(flag, DEFAULTS[flag])


def read_metrics(texts: Sequence[str]) -> dict[str, str]:
    """
    Read `name=http://…` texts.

    Raises:
        ConfigurationError: Names the flag and the rule.
    """
    found = {}
    for text in texts:
        name, is_pair, url = text.partition("=")
        if not (name and is_pair and urlsplit(url).scheme in ("http", "https")):
            raise ConfigurationError(f"--metrics must be NAME=http://HOST:PORT/metrics, not {text!r}")
        found[name] = url
    return found


def read_mix(text: str | None) -> Mix:
    """Read a mix; None is what the demo's users follow. Raises as `parse_mix`."""
    return parse_mix(DEFAULT_MIX_TEXT if text is None else text)


def _check_address(source: str) -> None:
    try:
        ipaddress.ip_address(source)
    except ValueError as error:
        raise ConfigurationError(f"--source must be local IP addresses with commas between, not {source!r}") from error
