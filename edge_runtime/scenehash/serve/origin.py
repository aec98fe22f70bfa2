"""The origin of a request: it must be for this server's name, and not from another site's page.

A page of another site can make a browser send requests here, with the user's cookie, also by a name
that was just changed to this machine's address (DNS rebinding). Browsers send Host, Origin and
Sec-Fetch-Site. Source: the Fetch Metadata Request Headers draft of the W3C.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping
from http import HTTPStatus

from scenehash.printable import printable

from .problems import Refused

SAFE_METHODS = frozenset({"GET", "HEAD"})
# An IPv6 address or a name, and a port. Source: RFC 3986, section 3.2.
HOST = re.compile(r"(?:\[([\da-fA-F:.]+)\]|([\w.-]+))(?::\d{0,5})?", re.ASCII)
# Headers that proxies add.
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def check_host(headers: Mapping[str, str], names: Collection[str]) -> None:
    """Raise Refused unless a request is for an address, localhost, or one of the given names.

    An address is never the name of another site: a page of that name has another origin.
    """
    host = headers.get("host", "")
    if not (_is_address(_name_of(host)) or _name_of(host) in {"localhost", *names}):
        raise Refused(
            HTTPStatus.MISDIRECTED_REQUEST,
            f"this server does not answer to the name {printable(host)}; add the name with: "
            "scenehash serve --name",
        )


def check_not_forwarded(headers: Mapping[str, str]) -> None:
    """Raise Refused on a request from a proxy if no token is needed: others may be behind the
    proxy.
    """
    if any(name in headers for name in FORWARDED):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "the request came through a proxy, but the server requires no tokens; start it with "
            "the proxy's name, which makes it require tokens: scenehash serve --name NAME",
        )


def check_site(method: str, headers: Mapping[str, str]) -> None:
    """Raise Refused on a request from another site's page, except for a link to this server."""
    site = headers.get("sec-fetch-site", "none")
    is_link = method in SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate"
    if site not in ("same-origin", "none") and not is_link:
        raise Refused(HTTPStatus.FORBIDDEN, "another site's page sends this request")
    origin = headers.get("origin")
    if method not in SAFE_METHODS and origin is not None:
        scheme, _, host = origin.partition("://")
        if scheme not in ("http", "https") or host != headers.get("host"):
            raise Refused(
                HTTPStatus.FORBIDDEN, f"another site's page sends this request: {printable(origin)}"
            )


def _name_of(host: str) -> str:
    """The host of a Host header, without its port, in lower case; "" if it is not a host."""
    found = HOST.fullmatch(host)
    return "" if found is None else (found[1] or found[2]).lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
