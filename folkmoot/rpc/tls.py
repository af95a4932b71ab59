"""The certificate of the gRPC port. It is read anew when its files change, so that renewing it needs no restart."""

from pathlib import Path

import grpc
import structlog

from folkmoot.settings import BadSettings

log = structlog.get_logger(__name__)


def credentials(certificate: Path, key: Path) -> grpc.ServerCredentials:
    """Raises BadSettings when the files cannot be read."""
    files = _Files(certificate, key)
    return grpc.dynamic_ssl_server_credentials(files.read(), files.read_if_changed, False)  # type: ignore[arg-type]


class _Files:
    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._changed_at: tuple[float, float] | None = None

    def read(self) -> grpc.ServerCertificateConfiguration:
        try:
            self._changed_at = self._look()
            pair = (self._key.read_bytes(), self._certificate.read_bytes())
        except OSError as error:
            raise BadSettings(f"FOLKMOOT_GRPC_CERTIFICATE, FOLKMOOT_GRPC_KEY: {error}") from None
        return grpc.ssl_server_certificate_configuration([pair])

    def read_if_changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Asked for each handshake, from a thread of the library's. None: as before."""
        try:
            return None if self._look() == self._changed_at else self.read()
        except (OSError, BadSettings) as error:
            log.error("grpc.certificate_unreadable", error=str(error))
            return None

    def _look(self) -> tuple[float, float]:
        return self._certificate.stat().st_mtime, self._key.stat().st_mtime
