"""Certificates of --tls: an authority made at first start and kept, and one for the server made at each start."""

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from modelarts_emulator.http.hosts import EVERYWHERE
from modelarts_emulator.real_time import wall_now
from modelarts_emulator.settings import Settings

if TYPE_CHECKING:
    from cryptography import x509

NEEDED = "--tls needs two packages: pip install 'modelarts-emulator[tls]'"
AUTHORITY, AUTHORITY_KEY, BUNDLE = "authority.pem", "authority.key", "bundle.pem"
# By these names a client on this machine, in a container or beside one may reach the emulator.
NAMES = ("localhost", "*.localhost", "obs.localhost", "*.obs.localhost", "emulator", "host.docker.internal")
ADDRESSES = ("127.0.0.1", "::1")
AUTHORITY_DAYS, SERVER_DAYS = 3650, 397


class Served(NamedTuple):
    """The files that a server needs."""

    certificate: Path
    key: Path


def folder_of(settings: Settings) -> Path:
    """Where the authority is kept: beside the state, else in the user's cache."""
    if settings.state:
        return Path(settings.state, "tls")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "modelarts-emulator", "tls")


def make_certificates(settings: Settings, folder: Path) -> Served:
    """Write a certificate of the server into a folder, signed by the authority. ValueError without the packages."""
    try:
        import granian  # noqa: F401
        from cryptography import x509
    except ImportError:
        raise ValueError(NEEDED) from None
    authority, authority_key = kept_authority(folder_of(settings))
    key = new_key()
    names = [x509.DNSName(name) for name in names_of(settings)]
    addresses = [x509.IPAddress(ip_address(text)) for text in addresses_of(settings)]
    builder = x509.SubjectAlternativeName([*names, *addresses])
    certificate = signed(
        "ModelArts emulator", key.public_key(), authority.subject, authority_key, SERVER_DAYS, builder
    )
    served = Served(folder / "server.pem", folder / "server.key")
    served.certificate.write_bytes(pem(certificate) + pem(authority))
    write_private(served.key, key)
    return served


def names_of(settings: Settings) -> list[str]:
    """The names that the certificate is for."""
    import socket

    allowed = [name.strip() for name in settings.allowed_hosts.split(",") if name.strip() not in ("", "*")]
    return list(dict.fromkeys([*NAMES, socket.gethostname(), *allowed]))


def addresses_of(settings: Settings) -> list[str]:
    """The addresses that the certificate is for."""
    try:
        own = [] if settings.host in EVERYWHERE else [str(ip_address(settings.host))]
    except ValueError:
        own = []
    return list(dict.fromkeys([*ADDRESSES, *own]))


def kept_authority(folder: Path) -> tuple[Any, Any]:
    """(certificate, key) of the authority in a folder, made there when it is not or has run out."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        certificate = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
        key = load_pem_private_key((folder / AUTHORITY_KEY).read_bytes(), None)
        if certificate.not_valid_after_utc > moment() + timedelta(days=SERVER_DAYS):
            return certificate, key
    except (OSError, ValueError):
        pass
    return new_authority(folder)


def new_authority(folder: Path) -> tuple[Any, Any]:
    """Make an authority in a folder, and beside it a bundle of what this machine trusts and it."""
    import ssl

    key = new_key()
    certificate = signed("ModelArts emulator authority", key.public_key(), None, key, AUTHORITY_DAYS, None)
    folder.mkdir(parents=True, exist_ok=True)
    write_private(folder / AUTHORITY_KEY, key)
    (folder / AUTHORITY).write_bytes(pem(certificate))
    trusted = ssl.get_default_verify_paths().cafile
    others = Path(trusted).read_bytes() if trusted else b""
    (folder / BUNDLE).write_bytes(others.rstrip() + b"\n" + pem(certificate))
    return certificate, key


def signed(
    name: str, public_key: Any, issuer: "x509.Name | None", signer: Any, days: int, names: Any
) -> "x509.Certificate":
    """A certificate; without an issuer it is an authority, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        issuer or subject, subject, public_key, x509.random_serial_number(),
        moment() - timedelta(days=1), moment() + timedelta(days=days),
    )  # fmt: skip
    is_authority = issuer is None
    builder = builder.add_extension(x509.BasicConstraints(is_authority, 0 if is_authority else None), True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
    origin = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(origin, False)
    usage = x509.KeyUsage(
        not is_authority, False, False, False, False, is_authority, is_authority, False, False
    )
    builder = builder.add_extension(usage, True)
    if not is_authority:
        builder = builder.add_extension(names, False)
        use = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(use, False)
    return builder.sign(signer, SHA256())


def new_key() -> Any:
    """A private key."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def pem(certificate: Any) -> bytes:
    """A certificate as text."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def write_private(path: Path, key: Any) -> None:
    """Write a key where its user alone can read it."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.touch(0o600)
    path.write_bytes(content)


def moment() -> datetime:
    """Now, for dates in certificates."""
    return datetime.fromtimestamp(int(wall_now()), UTC)


def trust(settings: Settings) -> dict[str, str]:
    """{variable: file} of what makes clients trust the server; empty while no authority has been made."""
    folder = folder_of(settings).absolute()
    if not (folder / BUNDLE).is_file():
        return {}
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO")
    return dict.fromkeys(names, str(folder / BUNDLE)) | {"NODE_EXTRA_CA_CERTS": str(folder / AUTHORITY)}
