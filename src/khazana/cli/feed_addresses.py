"""Which addresses a feed's server may send us to: public ones, and nothing behind our own door."""

import ipaddress
import socket

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""An IPv4 address in its last 32 bits (RFC 6052): on many networks the only way to one."""
NEVER = (
    ipaddress.IPv6Network("2002::/16"),  # 6to4 (RFC 3056): any IPv4 address, given up in RFC 7526
    ipaddress.IPv6Network("2001::/32"),  # Teredo (RFC 4380): the same
    ipaddress.IPv6Network("::/96"),  # IPv4-compatible, given up in RFC 4291
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays of 6to4
)


def is_public(address: str) -> bool:
    """Whether an address is one machine of the open internet, whatever way it is written.

    >>> [is_public(each) for each in ("1.1.1.1", "169.254.169.254", "64:ff9b::a9fe:a9fe")]
    [True, False, False]
    >>> [is_public(each) for each in ("64:ff9b::101:101", "fec0::1", "224.0.0.1")]
    [True, False, False]
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    elsewhere = ip.is_multicast or ip.is_reserved or any(ip in each for each in NEVER)
    return ip.is_global and not elsewhere


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host, which may be given as one.

    >>> addresses_of("127.0.0.1", 80), addresses_of("::1", 80)
    (['127.0.0.1'], ['::1'])
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]).partition("%")[0] for each in found]
