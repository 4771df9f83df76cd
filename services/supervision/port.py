"""Whether the studio's port is free, and whose it is if not."""

import contextlib
import errno
import socket

import psutil

from services.config import Http


def why_taken(http: Http) -> str:
    """A sentence if nobody else can listen there, or nothing."""
    if http.port == 0:
        return ""
    try:
        found = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        return f"http.host {http.host!r} is not an address of this machine ({error.strerror})."
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
                # A second bind may succeed where a second listen does not.
                probe.listen(1)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return (
                        f"Port {http.port} on {http.host} is in use{_owner(http.port)}: "
                        "stop that, or set another http.port in the configuration."
                    )
                return f"Port {http.port} on {http.host} cannot be used: {error.strerror}."
    return ""


def _owner(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                if connection.pid is None:
                    return ""
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return ""
