"""What a gateway shows to users who come by TLS, and how it is replaced while they are there.

A new certificate is checked whole in a context of its own before anybody sees it: a context that a file was loaded into
without success may be left with no key at all. Connections keep the context that they shook hands with.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from structlog.typing import FilteringBoundLogger

from openoutcry.wire.errors import ConfigurationError
from shared.metric_families import MetricFamilies

_GATEWAY: Final = MetricFamilies("outcry_gateway")
_OF_ANOTHER: Final = {"KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}
"""OpenSSL's reasons for the key of another certificate, and for one of another kind than that certificate's."""
FILE_BYTES_MAX: Final = 1 << 20
"""Of a certificate with its chain, or of a key."""


class Certificate:
    """
    A gateway's certificate: the one in use, and how often another was refused.

    Args:
        certificate: PEM file of the certificate and those that signed it, its own first.
        key: PEM file of its private key, not encrypted.
        log: Is told of reloads.

    Raises:
        ConfigurationError: Names the file and what is wrong with it.
    """

    def __init__(self, certificate: Path, key: Path, log: FilteringBoundLogger) -> None:
        self._log = log
        self._files = (certificate, key)
        self._loaded = b""
        """What the files held when they were last looked at."""
        self.ends_at = 0.0
        """Unix time at which the one in use ends."""
        self.reloads_failed = 0
        self.handshakes_failed = 0
        """Connections that never came to speak TLS with us."""
        self.context = self._load()
        """For whoever comes next."""

    def is_changed(self) -> bool:
        """Tell whether the files hold something else than when they were last looked at, readable or not."""
        return self._read() != self._loaded

    def reload(self) -> None:
        """Show newcomers what the files hold now, or go on with the one in use if that does not serve; tell the log."""
        try:
            self.context = self._load()
        except ConfigurationError as error:
            self.reloads_failed += 1
            self._log.error("certificate refused, the old one goes on", error=str(error))
        else:
            self._log.info("certificate loaded", ends=f"{datetime.fromtimestamp(self.ends_at, UTC):%Y-%m-%d %H:%M} UTC")

    def _read(self) -> bytes:
        found = b""
        for path in self._files:
            try:
                with path.open("rb") as file:
                    found += file.read(FILE_BYTES_MAX)
            except OSError:
                found += b"?"
        return found

    def _load(self) -> ssl.SSLContext:
        certificate, key = self._files
        self._loaded = self._read()
        try:
            first = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
        except OSError as error:
            raise ConfigurationError(f"OUTCRY_TLS_CERT: {certificate}: {error.strerror}") from None
        except ValueError:
            raise ConfigurationError(f"OUTCRY_TLS_CERT: {certificate} holds no certificate in PEM") from None
        begins, ends = first.not_valid_before_utc, first.not_valid_after_utc
        if not begins.timestamp() <= time.time() < ends.timestamp():
            raise ConfigurationError(
                f"OUTCRY_TLS_CERT: the certificate in {certificate} is valid from {begins:%Y-%m-%d %H:%M} to "
                f"{ends:%Y-%m-%d %H:%M} UTC, and not now"
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # A ticket is good at the replica that gave it alone, and replicas cannot share their keys for them.
        context.num_tickets = 0
        context.set_alpn_protocols(["http/1.1"])
        try:
            key.open("rb").close()
            context.load_cert_chain(certificate, key, password=_no_password)
        except ssl.SSLError as error:
            what = "does not fit" if error.reason in _OF_ANOTHER else "is no private key in PEM for"
            raise ConfigurationError(f"OUTCRY_TLS_KEY: {key} {what} the certificate in {certificate}") from None
        except OSError as error:
            raise ConfigurationError(f"OUTCRY_TLS_KEY: {key}: {error.strerror}") from None
        except _Encrypted:
            raise ConfigurationError(f"OUTCRY_TLS_KEY: {key} is encrypted; it must be readable as it is") from None
        self.ends_at = ends.timestamp()
        return context


def open_certificate(certificate: Path | None, key: Path | None, log: FilteringBoundLogger) -> Certificate | None:
    """
    Return the certificate that these settings name; None if they name none.

    Raises:
        ConfigurationError: One of them alone, or what `Certificate` raises.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing, other = ("CERT", "KEY") if certificate is None else ("KEY", "CERT")
        raise ConfigurationError(f"OUTCRY_TLS_{missing}: must be set too, since OUTCRY_TLS_{other} is")
    return Certificate(certificate, key, log)


class CertificateCollector(Collector):
    """Turns a certificate's counters into metrics; None stands for one that nothing has happened to."""

    def __init__(self, certificate: Certificate | None) -> None:
        self._certificate = certificate

    def collect(self) -> Iterator[Metric]:
        """Yield the present values."""
        found = self._certificate
        yield _GATEWAY.gauge(
            "certificate_ends_seconds",
            "Unix time at which the certificate in use ends",
            0.0 if found is None else found.ends_at,
        )
        yield _GATEWAY.counter(
            "certificate_reloads_failed", "Times that a new certificate was refused; the old one goes on",
            0 if found is None else found.reloads_failed,
        )  # fmt: skip
        yield _GATEWAY.counter(
            "tls_failed", "Connections that ended before TLS was agreed on",
            0 if found is None else found.handshakes_failed,
        )  # fmt: skip


class _Encrypted(Exception):
    pass


def _no_password() -> str:
    raise _Encrypted  # else the terminal would be asked
