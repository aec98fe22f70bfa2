"""What the headers of a request say about the answer that its client accepts."""

from starlette.datastructures import Headers


def takes_gzip(headers: Headers) -> bool:
    """Whether the client accepts gzip. Source: RFC 9110, section 12.5.3."""
    for coding in headers.get("accept-encoding", "").lower().split(","):
        name, _, parameter = coding.partition(";")
        if name.strip() == "gzip":
            weight = parameter.replace(" ", "").removeprefix("q=")
            return weight.strip("0.") != "" or not parameter.strip()
    return False


def has_already(headers: Headers, tag: str) -> bool:
    """Whether the client has the content of an entity tag, strong or weak.

    Source: RFC 9110, section 13.1.2. A proxy that compresses an answer makes its tag weak.
    """
    known = headers.get("if-none-match", "")
    tags = {one.strip().removeprefix("W/") for one in known.split(",")}
    return tag in tags or known.strip() == "*"
