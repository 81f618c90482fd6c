"""The server keeps what its own page sends, and nothing of anybody else."""

import errno
import http.client
import json
import socket
import threading

import pytest

from launch.errors import UserError
from launch.feedback.pairs import Pair
from launch.feedback.server import MAX_BODY, TOKEN_HEADER, FeedbackServer
from launch.feedback.store import PREFERENCES_FILE

ATTACK = '</script><script>alert(1)</script>\u2028\u202e"'
PAIRS = [Pair(f"prompt {n} {ATTACK}", f"first {n} {ATTACK}", f"second {n}") for n in range(4)]


def request(server, method, path, body=None, **headers):
    """(status, headers, body as bytes); a header that is None is left out."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.putrequest(method, path, skip_host=True)
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    given = {"Host": f"127.0.0.1:{server.port}"}
    if method == "POST":
        given |= {"Content-Type": "application/json", "Content-Length": str(len(raw)), TOKEN_HEADER: server.token}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in given.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(raw or None)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, dict(response.headers), content


def state(server):
    status, _, content = request(server, "GET", "/api/state")
    assert status == 200
    return json.loads(content)


def said(server, choice="A", key="k"):
    return {"id": state(server)["pair"]["id"], "choice": choice, "key": key}


def written(tmp_path):
    path = tmp_path / PREFERENCES_FILE
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_the_page_holds_its_token_and_no_text_of_any_model(serve):
    with serve(PAIRS) as server:
        for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
            status, headers, content = request(server, "GET", path)
            assert status == 200 and headers["Content-Type"].startswith(kind)
            assert b"prompt 0" not in content and b"http:" not in content and b"https:" not in content
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy and "trusted-types 'none'" in policy
            assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
            assert "Access-Control-Allow-Origin" not in headers
        page = request(server, "GET", "/")[2].decode()
        assert server.token in page and "onclick" not in page and "<script>" not in page
        content = request(server, "GET", "/api/state")[2]
        assert content.isascii()  # U+2028 and the like are escaped
        assert state(server)["pair"]["prompt"] == PAIRS[0].prompt
        assert request(server, "GET", "/../etc/passwd")[0] == 404
        assert request(server, "PUT", "/api/answer")[0] == 501


def test_answers_are_kept_and_taken_back(serve, tmp_path):
    with serve(PAIRS) as server:
        for number in range(3):
            status, _, content = request(server, "POST", "/api/answer", said(server))
            assert status == 200 and json.loads(content)["answered"] == number + 1 == len(written(tmp_path))
        status, _, content = request(server, "POST", "/api/undo", {"number": json.loads(content)["undo"]})
        assert status == 200 and json.loads(content)["answered"] == 2 == len(written(tmp_path))


@pytest.mark.parametrize(
    "status, headers",
    [
        (421, {"Host": "evil.example"}),  # a name that was pointed to this machine
        (421, {"Host": "evil.example:{port}"}),
        (421, {"Host": None}),
        (421, {"Host": "192.168.1.7:{port}"}),
        (421, {"Host": "localhost.evil.example:{port}"}),
        (421, {"Host": "[::1"}),
        (403, {"Origin": "http://evil.example"}),
        (403, {"Origin": "null"}),
        (403, {"Origin": "http://127.0.0.1:1"}),
        (403, {"Sec_Fetch_Site": "cross-site"}),
        (403, {"Sec_Fetch_Site": "same-site"}),
        (403, {TOKEN_HEADER: None}),
        (403, {TOKEN_HEADER: "guessed"}),
        (403, {TOKEN_HEADER: "gu\u00e9ssed"}),
        (415, {"Content_Type": "text/plain"}),
        (415, {"Content_Type": "application/x-www-form-urlencoded"}),
        (411, {"Content_Length": None}),
        (411, {"Content_Length": "-1"}),
        (413, {"Content_Length": "1" * 30}),
        (411, {"Transfer_Encoding": "chunked"}),
    ],
)
def test_what_another_site_could_send_is_refused_and_writes_nothing(serve, tmp_path, status, headers):
    with serve(PAIRS) as server:
        body = said(server)
        headers = {name: value and value.format(port=server.port) for name, value in headers.items()}
        if status == 411:
            body = b""  # without a length nobody reads it
        elif "Content_Length" in headers:
            body = b"x" * (1 << 16)
        got, sent, content = request(server, "POST", "/api/answer", body, **headers)
        assert got == status and "Access-Control-Allow-Origin" not in sent
        assert json.loads(content)["error"]
        assert written(tmp_path) == []
        if "Host" in headers or "Sec_Fetch_Site" in headers or "Origin" in headers:
            got, _, content = request(server, "GET", "/api/state", **headers)
            assert got == status and server.token.encode() not in content


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost:{port}", "localhost:9000", "[::1]:{port}", "LocalHost"]
)
def test_this_machines_own_names_are_answered_to_whatever_port_a_tunnel_gives_them(serve, tmp_path, host):
    with serve(PAIRS) as server:
        host = host.format(port=server.port)
        body = said(server)
        assert request(server, "POST", "/api/answer", body, Host=host, Origin=f"http://{host}")[0] == 200
        assert len(written(tmp_path)) == 1


@pytest.mark.parametrize(
    "body, status",
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 3000, 400),
        (b"\xff", 400),
        ([], 400),
        ({}, 400),
        ({"id": 1, "choice": "A", "key": "k"}, 400),
        ({"id": "x", "choice": "A"}, 400),
        ({"id": "x", "choice": "A", "key": "k"}, 409),
        (b" " * (MAX_BODY + 1), 413),
    ],
)
def test_bodies_that_are_no_answer_are_refused(serve, tmp_path, body, status):
    with serve(PAIRS) as server:
        assert request(server, "POST", "/api/answer", body)[0] == status
        assert request(server, "POST", "/api/undo", {"number": True})[0] == 400
        assert request(server, "POST", "/api/other", {})[0] == 404
        assert written(tmp_path) == [] and state(server)["answered"] == 0


def test_one_answer_sent_by_many_threads_is_one_line(serve, tmp_path):
    with serve(PAIRS) as server:
        body, found = said(server), []
        threads = [
            threading.Thread(target=lambda: found.append(request(server, "POST", "/api/answer", body)[0]))
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [200] * 12 and len(written(tmp_path)) == 1


def test_an_answer_that_breaks_off_is_not_kept_and_the_server_goes_on(serve, tmp_path):
    with serve(PAIRS) as server:
        body = json.dumps(said(server)).encode()
        head = "POST /api/answer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += f"{TOKEN_HEADER}: {server.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        whole = head.encode() + body
        for cut in range(0, len(whole), 7):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(whole[:cut])
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
        assert written(tmp_path) == [] and state(server)["answered"] == 0
        assert request(server, "POST", "/api/answer", body)[0] == 200


def test_a_full_disk_is_told_and_the_same_answer_is_kept_later(serve, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with serve(PAIRS) as server:
        body = said(server)
        with monkeypatch.context() as patched:
            patched.setattr("launch.feedback.lines.os.pwrite", full)
            status, _, content = request(server, "POST", "/api/answer", body)
        assert status == 500 and "No space left" in json.loads(content)["error"]
        assert state(server)["answered"] == 0
        assert request(server, "POST", "/api/answer", body)[0] == 200
        assert len(written(tmp_path)) == 1


def test_a_page_of_a_server_that_was_started_anew_learns_its_token(serve, tmp_path):
    with serve(PAIRS) as server:
        body, token, port = said(server), server.token, server.port
    with serve(PAIRS, port) as server:
        status, _, content = request(server, "POST", "/api/answer", body, **{TOKEN_HEADER: token})
        assert status == 403 and json.loads(content)["reload"]
        assert state(server)["token"] == server.token != token
        assert request(server, "POST", "/api/answer", body)[0] == 200


def test_a_server_for_other_machines_answers_to_addresses_and_not_to_foreign_names():
    with FeedbackServer("0.0.0.0", 0) as server:
        assert not server.is_loopback and socket.gethostname() in server.url
        for host in ("192.168.1.7:8765", "[fe80::1]:80", "localhost", socket.gethostname()):
            assert server.answers_to(host)
        for host in ("evil.example", "evil.example:8765", "", "192.168.1.7.evil.example"):
            assert not server.answers_to(host)


def test_a_port_in_use_and_a_host_that_is_not_there_are_told():
    with FeedbackServer("127.0.0.1", 0) as server:
        with pytest.raises(UserError, match=f"--port={server.port} .*in use.*choose another"):
            FeedbackServer("127.0.0.1", server.port)
    with pytest.raises(UserError, match="--host=no.such.host.invalid"):
        FeedbackServer("no.such.host.invalid", 0)
