"""The names that a request may call this machine by.

To a browser, a page of another site whose name is made to point to this machine (DNS rebinding) is of the same site,
and could read predictions. Its requests carry the name of that site.
"""

import ipaddress

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


def allowed_hosts(host: str, bound: str) -> frozenset[str] | None:
    """Return the names by which requests may call this machine; none where it listens at all its addresses.

    >>> sorted(allowed_hosts("Box", "192.0.2.7"))
    ['127.0.0.1', '192.0.2.7', '[::1]', 'box', 'localhost']
    >>> allowed_hosts("0.0.0.0", "0.0.0.0")

    Args:
        host: name or address that was given to listen at.
        bound: address of the socket.
    """
    if ipaddress.ip_address(bound.partition("%")[0]).is_unspecified:
        return None
    return LOCAL_HOSTS | {f"[{name}]" if ":" in name else name for name in (host.lower(), bound)}


def host_name(header: str) -> str:
    """Return the name in a Host header, without its port.

    >>> host_name("LocalHost:8000"), host_name("[::1]:8000"), host_name("127.0.0.1")
    ('localhost', '[::1]', '127.0.0.1')
    """
    name, _, port = header.rpartition(":")
    is_port = port.isascii() and port.isdigit()
    return (name if name and is_port else header).lower().rstrip(".")
