"""Guard: who may ask for the page, and what a browser may do with it.

A site that a person visits can make their browser ask this machine, under a name of the site's own that leads here
(DNS rebinding). Such a request names the site as its host, and is refused.
"""

import ipaddress
from typing import Final

import flask
from dash import Dash

#: Names of this machine that nobody else can give away.
LOOPBACK_HOSTS: Final = ("127.0.0.1", "localhost", "::1")


def is_trusted(host: str, hosts: tuple[str, ...]) -> bool:
    """Tell whether a ``Host`` header names this page.

    Args:
        host: the header, with or without a port.
        hosts: the names that do, in lower case. An address of numbers does too where they are not all loopback's: no
            site can have such a name.
    """
    name = _without_port(host).lower().removesuffix(".")
    if name in hosts:
        return True
    return any(each not in LOOPBACK_HOSTS for each in hosts) and _is_address(name)


def guard(app: Dash, hosts: tuple[str, ...]) -> None:
    """Refuse requests under strange names, and tell browsers to load nothing from elsewhere."""
    server: flask.Flask = app.server
    policy = "; ".join(
        (
            "default-src 'self'",
            # Dash's own first lines stand in the page itself, and are known by their hash.
            f"script-src 'self' {' '.join(app.csp_hashes())}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "object-src 'none'",
        )
    )

    @server.before_request
    def refuse_strangers() -> flask.Response | None:
        if is_trusted(flask.request.headers.get("Host", ""), hosts):
            return None
        return flask.Response("This page is not known by that name.\n", status=403, mimetype="text/plain")

    @server.after_request
    def add_headers(response: flask.Response) -> flask.Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
