"""Where a Bitcoin Core node is and how it is logged into, from what stands after `core:`."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from khazana.bitcoin.adapters.core_errors import BadCoreSource

PORTS = {"mainnet": 8332, "testnet3": 18332, "testnet4": 48332, "signet": 38332, "regtest": 18443}
"""RPC ports unless configured otherwise (Bitcoin Core, chainparamsbase.cpp)."""

_SUBDIRECTORIES = tuple(name for name in PORTS if name != "mainnet")
_COOKIE = ".cookie"
_LONGEST_COOKIE = 4096


@dataclass(frozen=True)
class Password:
    """A user and password from bitcoin.conf."""

    user: str = field(repr=False)
    secret: str = field(repr=False)

    def login(self) -> tuple[str, str]:
        return self.user, self.secret


@dataclass(frozen=True)
class Cookie:
    """A file with a login that the node writes anew at each start."""

    file: Path

    def login(self) -> tuple[str, str]:
        """Read the file now. Its content is in no error."""
        try:
            with self.file.open("rb") as opened:
                raw = opened.read(_LONGEST_COOKIE + 1)
        except OSError as error:
            raise BadCoreSource(
                problem=f"the cookie file {self.file} cannot be read ({error.strerror}); the node "
                "writes it while it runs: is it running, and may you read its files?"
            ) from None
        user, colon, secret = raw.decode("utf-8", "replace").strip().partition(":")
        if not (user and colon and secret) or len(raw) > _LONGEST_COOKIE:
            raise BadCoreSource(problem=f"the file {self.file} is not a node's cookie")
        return user, secret


@dataclass(frozen=True)
class CorePlace:
    """A node.

    url: without any credentials. network: its name where the data directory tells it.
    """

    url: str
    credentials: Password | Cookie
    network: str | None = None


def core_place(rest: str) -> CorePlace:
    """What stands after `core:`, a URL or a data directory. Raises `BadCoreSource`.

    >>> core_place("http://ana:secret@10.0.0.7:8332")
    CorePlace(url='http://10.0.0.7:8332', credentials=Password(), network=None)
    """
    if not rest.strip():
        raise BadCoreSource(problem="nothing stands there")
    if rest.lower().startswith(("http://", "https://")):
        return _from_url(rest)
    if "://" in rest:
        raise BadCoreSource(problem="only http:// and https:// are spoken")
    return _from_directory(Path(rest).expanduser())


def _from_url(text: str) -> CorePlace:
    # No error here repeats any part of the text: where a password holds a /, ? or #, the parts
    # that a parser finds are not what they seem.
    misread = BadCoreSource(
        problem="the URL cannot be read; in a password, write / as %2F, ? as %3F, # as %23, "
        "% as %25 and @ as %40"
    )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
        query = parse_qsl(parts.query, strict_parsing=True) if parts.query else []
    except ValueError:
        raise misread from None
    login, at, _ = parts.netloc.rpartition("@")
    strange = "@" in login or (not at and parts.netloc.count(":") > 1 and "[" not in parts.netloc)
    if not host or strange or "@" in parts.path or parts.fragment:
        raise misread
    if [name for name, _ in query] not in ([], ["cookie"]):
        raise misread
    place = f"[{host}]" if ":" in host else host
    url = f"{parts.scheme}://{place}:{port or PORTS['mainnet']}{parts.path.rstrip('/')}"
    if at and query:
        raise BadCoreSource(problem="it has both a password and a cookie file")
    if query:
        return CorePlace(url, Cookie(Path(query[0][1]).expanduser()))
    user, colon, secret = login.partition(":")
    if not (user and colon and secret):
        raise BadCoreSource(problem="it has no user and password, and no cookie file")
    return CorePlace(url, Password(unquote(user), unquote(secret)))


def _from_directory(directory: Path) -> CorePlace:
    if not directory.is_dir():
        raise BadCoreSource(problem=f"there is no directory {directory}")
    own = directory.resolve().name
    names = {own if own in _SUBDIRECTORIES else "mainnet": directory / _COOKIE}
    if "mainnet" in names:
        names |= {name: directory / name / _COOKIE for name in _SUBDIRECTORIES}
    found = {name: file for name, file in names.items() if file.exists()}
    if not found:
        raise BadCoreSource(
            problem=f"there is no file {_COOKIE} in {directory} or its directories "
            f"{', '.join(_SUBDIRECTORIES)}; the node writes it while it runs with server=1"
        )
    if len(found) > 1:
        raise BadCoreSource(
            problem=f"{directory} holds the cookies of several networks ({', '.join(found)}); "
            "name the network's own directory, or the URL with its cookie file"
        )
    ((network, file),) = found.items()
    return CorePlace(f"http://127.0.0.1:{PORTS[network]}", Cookie(file), network)
