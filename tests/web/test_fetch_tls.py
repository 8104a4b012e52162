"""security.md 10: over TLS the certificate is that of the name, while the connection goes to the checked address."""

import datetime as dt
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app import fetch
from tests.web.test_fetch import NAME, OK, names, says, serving

pytestmark = pytest.mark.once


class Authority:
    """Issues certificates that nobody but the test believes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
        made = self._begun(self._name, self._key, 1).add_extension(x509.BasicConstraints(True, None), True)
        self.root = made.sign(self._key, hashes.SHA256())

    def _begun(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
        today = dt.datetime.now(dt.UTC)
        begun = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key())
        begun = begun.serial_number(x509.random_serial_number())
        return begun.not_valid_before(today - dt.timedelta(days=9)).not_valid_after(today + dt.timedelta(days=days))

    def server(self, name: str, days: int = 1) -> ssl.SSLContext:
        """What a server of that name needs; `days` before 0 is how long ago its certificate ran out."""
        key = ec.generate_private_key(ec.SECP256R1())
        begun = self._begun(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, days)
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        issued = begun.add_extension(names, False).sign(self._key, hashes.SHA256())
        path = self._folder / f"{name}{days}.pem"
        secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        pem = serialization.Encoding.PEM
        path.write_bytes(key.private_bytes(pem, *secret) + issued.public_bytes(pem))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def trusted(self) -> ssl.SSLContext:
        pem = self.root.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setattr(fetch, "_trusted", made.trusted)
    names(monkeypatch, ["127.0.0.1"])
    return made


def test_tls_is_for_the_name_and_the_connection_for_the_address(authority: Authority) -> None:
    tls = authority.server(NAME)
    wanted: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: wanted.append(name)
    with serving(says(OK), tls) as served:
        assert fetch.send("GET", f"https://{NAME}:{served.port}/").body == b"hi"
    assert wanted == [NAME]


def test_a_certificate_of_another_name_or_authority_or_time_is_not_believed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tls in (authority.server("evil.example"), authority.server(NAME, days=-1)):
        with serving(says(OK), tls) as served, pytest.raises(fetch.Failed, match="certificate is not trusted"):
            fetch.send("GET", f"https://{NAME}:{served.port}/")
        assert served.asked == []
    with serving(says(OK)) as served, pytest.raises(fetch.Failed):
        fetch.send("GET", f"https://{NAME}:{served.port}/", seconds=1)
    with serving(says(OK), authority.server(NAME)) as served:
        assert fetch.send("GET", f"https://{NAME}:{served.port}/").status == 200
        monkeypatch.setattr(fetch, "_trusted", ssl.create_default_context)
        with pytest.raises(fetch.Failed, match="certificate is not trusted"):
            fetch.send("GET", f"https://{NAME}:{served.port}/")


def test_a_server_that_hangs_within_tls_is_not_waited_for(authority: Authority) -> None:
    began = time.monotonic()
    with serving(lambda _: time.sleep(2)) as served, pytest.raises(fetch.Failed):
        fetch.send("GET", f"https://{NAME}:{served.port}/", seconds=0.3)
    assert time.monotonic() - began < 1.5
