"""Serves the page to one person on this machine, and to no page of anybody else.

Another site that is open in the same browser can send requests here too. It can't read what comes back, so it does not
know the token that each change must carry; a name of its own that it points to this machine (DNS rebinding) is no name
that this server answers to.
"""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import hmac
import ipaddress
import json
import secrets
import socket
import socketserver
import sys
from typing import Any
from urllib.parse import urlsplit

from absl import logging

from launch.errors import UserError
from launch.feedback import page
from launch.feedback.session import Ending, Refused, Session

MAX_BODY = 4096  # bytes; an answer has about a hundred
MAX_DRAINED = 1 << 16  # of a larger one, before it is refused
_READ_SECONDS = 30
TOKEN_HEADER = "X-Feedback-Token"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class FeedbackServer(ThreadingHTTPServer):
    """Listens once it is made; `serve_forever` answers.

    Attributes:
      session: what is asked and kept; set it before serving.
      token: what a change must carry; new with each server.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int) -> None:
        """Binds.

        Args:
          host: name or address to listen on.
          port: 0 takes any free one.

        Raises:
          UserError: the port is in use or not allowed, or there is no such host.
        """
        self.session: Session | None = None
        self.token = secrets.token_urlsafe(32)
        self._host = host
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            self.address_family = family
            super().__init__(address[:2], _Handler)
        except OSError as error:
            # What they raise with is an errno, but for names that are not found.
            told = error.strerror or str(error)
            raise UserError(
                f"--port={port} of --host={host} can't be listened on ({told})",
                "choose another --port, or 0 for a free one",
            ) from error

    def server_bind(self) -> None:
        """As the base class, but without its look-up of this machine's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)

    @property
    def port(self) -> int:
        """That it listens on."""
        return self.server_address[1]

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return ipaddress.ip_address(self.server_address[0].partition("%")[0]).is_loopback

    @property
    def url(self) -> str:
        """Of the page."""
        host = self._host
        if ipaddress.ip_address(self.server_address[0].partition("%")[0]).is_unspecified:
            host = socket.gethostname()  # no address to go to
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}/"

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names this server: by an address, or by a name that only this machine's owner gives."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in ("localhost", self._host.lower()):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return not self.is_loopback and name == socket.gethostname().lower()
        return address.is_loopback or not self.is_loopback

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news; anything else is a fault to be seen in the terminal."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: FeedbackServer
    timeout = _READ_SECONDS
    server_version, sys_version = "feedback", ""

    def do_GET(self) -> None:
        if not self._is_for_us():
            return
        path = self.path.partition("?")[0]
        if path == "/":
            self._send("text/html; charset=utf-8", page.html(self.server.token).encode())
        elif path == "/page.css":
            self._send("text/css; charset=utf-8", page.style_sheet().encode())
        elif path == "/page.js":
            self._send("text/javascript; charset=utf-8", page.script().encode())
        elif path == "/api/state":
            # The token too, for a page whose server was started anew. Other sites can ask, but not read.
            self._send_json({"token": self.server.token} | self.server.session.state())
        elif path == "/favicon.ico":
            self._send("image/x-icon", b"", HTTPStatus.NO_CONTENT)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such page")

    def do_POST(self) -> None:
        # Read before anything is refused: a connection that is closed over unread bytes may take the reply with it.
        raw = self._read()
        if raw is None or not self._is_for_us():
            return
        body = self._body(raw)
        if body is None:
            return
        try:
            if self.path == "/api/answer":
                state = self.server.session.answer(*_strings(body, "id", "choice", "key"))
            elif self.path == "/api/undo":
                state = self.server.session.undo(_number(body))
            else:
                self._refuse(HTTPStatus.NOT_FOUND, "there is no such page")
                return
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except Refused as error:
            self._refuse(HTTPStatus.CONFLICT, str(error))
        except Ending:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "the server is ending")
        except OSError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"the answer could not be written ({error.strerror})")
        else:
            self._send_json(state)

    def _is_for_us(self) -> bool:
        """Whether a page of this server may have sent it; refuses it if not."""
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or not self.server.answers_to(hosts[0]):
            self._refuse(
                HTTPStatus.MISDIRECTED_REQUEST, "this server does not answer to that name; open it by its address"
            )
            return False
        origin = self.headers.get("Origin")
        # Opened from the address bar it is "none".
        site = self.headers.get("Sec-Fetch-Site", "none")
        is_page = self.command == "GET" and not self.path.startswith("/api/")
        if not is_page and (origin not in (None, f"http://{hosts[0]}") or site not in ("same-origin", "none")):
            self._refuse(HTTPStatus.FORBIDDEN, "requests of other sites are refused")
            return False
        return True

    def _read(self) -> bytes | None:
        """What was sent; None where it was refused."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "the length of the answer is missing")
            return None
        size = min(int(length) if len(length) < 10 else MAX_DRAINED, MAX_DRAINED)
        raw = self.rfile.read(size)
        if size > MAX_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"an answer has at most {MAX_BODY} bytes")
            return None
        if len(raw) < size:
            self._refuse(HTTPStatus.BAD_REQUEST, "the answer broke off")
            return None
        return raw

    def _body(self, raw: bytes) -> dict[str, Any] | None:
        """The JSON object that was sent; None where it was refused."""
        token = self.headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "the token is not this server's", reload=True)
            return None
        if self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "answers are JSON")
            return None
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            self._refuse(HTTPStatus.BAD_REQUEST, "the answer is no JSON object")
            return None
        return body

    def _refuse(self, status: HTTPStatus, message: str, reload: bool = False) -> None:
        self._send_json({"error": message} | ({"reload": True} if reload else {}), status)

    def _send_json(self, value: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send("application/json", json.dumps(value).encode(), status)

    def _send(self, kind: str, content: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class finds wrong with a request, told as everything else is."""
        self.close_connection = True
        self._send_json({"error": HTTPStatus(code).phrase}, HTTPStatus(code))

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are of no use to the person at the terminal, but for --verbosity=1."""
        logging.debug(format, *arguments)


def _strings(body: dict[str, Any], *names: str) -> list[str]:
    values = [body.get(name) for name in names]
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f"an answer has the strings {', '.join(names)}")
    return values


def _number(body: dict[str, Any]) -> int:
    number = body.get("number")
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValueError("what is taken back is named by its number")
    return number
