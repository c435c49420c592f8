"""A request as the front sees it: a thin view over a WSGI environment, with the path still as it was sent."""

from functools import cached_property


def raw_path(environ: dict) -> str:
    """The path as it was sent: percent-encoded, without query; several slashes at its start count as one."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ.get("PATH_INFO", "/")
    path = raw.partition("?")[0]
    if path[:1] != "/":
        path = "/" + path.partition("://")[2].partition("/")[2]
    return "/" + path.lstrip("/") if path[:2] == "//" else path


class Request:
    """One HTTP request. Header names are case-insensitive; values are text as WSGI decodes it (latin-1)."""

    def __init__(self, environ: dict, obs_port: str = ""):
        self.environ = environ
        self.obs_port = obs_port
        self.method = environ["REQUEST_METHOD"]
        self.raw_path = raw_path(environ)
        self.raw_query = environ.get("QUERY_STRING", "")

    def header(self, name: str) -> str | None:
        """The value of a header, None when it was not sent."""
        key = name.upper().replace("-", "_")
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            return self.environ.get(key)
        return self.environ.get(f"HTTP_{key}")

    @property
    def headers(self) -> dict:
        """{name in lower case: value} of everything sent."""
        found = {
            name[5:].lower().replace("_", "-"): value
            for name, value in self.environ.items()
            if name.startswith("HTTP_")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if self.environ.get(name):
                found[name.lower().replace("_", "-")] = self.environ[name]
        return found

    @property
    def address(self) -> str:
        """The IP address that the request comes from."""
        return self.environ.get("REMOTE_ADDR", "127.0.0.1")

    @property
    def host(self) -> str:
        """The Host the client addressed, with its port if it named one."""
        return self.environ.get("HTTP_HOST", "")

    @property
    def base_url(self) -> str:
        """Scheme, host and port as the client addressed them."""
        return f"{self.environ.get('wsgi.url_scheme', 'http')}://{self.host}"

    @property
    def obs_base_url(self) -> str:
        """Scheme, host and port of OBS as the client can reach it: the same host, the port of OBS."""
        host = self.host.rpartition(":")[0] if self.host[-1:].isdigit() and ":" in self.host else self.host
        return f"{self.environ.get('wsgi.url_scheme', 'http')}://{host}:{self.obs_port}"

    @property
    def length(self) -> int:
        """How many bytes the body is declared to have; 0 where that is not said."""
        declared = self.environ.get("CONTENT_LENGTH") or ""
        return int(declared) if declared.isascii() and declared.isdigit() else 0

    @cached_property
    def body(self) -> bytes:
        """The whole body."""
        length = self.environ.get("CONTENT_LENGTH")
        if length:
            return self.environ["wsgi.input"].read(int(length))
        return self.environ["wsgi.input"].read() if self.environ.get("wsgi.input_terminated") else b""

    @property
    def charset(self) -> str:
        """The charset the body is declared in."""
        declared = self.environ.get("CONTENT_TYPE") or ""
        _, found, value = declared.lower().partition("charset=")
        return value.partition(";")[0].strip(' "') if found else "utf-8"
