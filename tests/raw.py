"""HTTP as bytes: paths go to the server as they are written, which no client library allows."""

from __future__ import annotations

import http.client


def get(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower-case names) and body of a request whose path is sent untouched."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connection.connect()
        assert connection.sock is not None
        connection.sock.sendall("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape"))
        response = http.client.HTTPResponse(connection.sock, method=method)
        response.begin()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()
