#!/usr/bin/env python3
"""Tests daemon/deploy/nginx: nginx runs with it in a temporary folder, in front of a server that
records what it gets. tests/programs/http/gateway.rs has gted itself behind it."""

import http.client
import json
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent / "daemon/deploy/nginx"
TOKENS = {"alpha": "0123456789abcdef" * 2, "beta": "f123456789abcdef" * 2}
LOG_KEYS = ["time", "request_id", "client", "method", "path", "status", "bytes", "request_time", "upstream_time"]
SECRET = "机密文本"


class Upstream(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Counts connections and keeps the headers of requests. /api/busy is an overload."""

    daemon_threads = True
    connections = 0
    stopping = False
    seen = []

    def get_request(self):
        self.connections += 1
        return self.socket.accept()[0], ("unix", 0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, self.headers, len(body)))
        busy = self.path == "/api/busy"
        self.send_response(429 if busy else 200)
        if busy:
            self.send_header("Retry-After", "7")
        self.send_header("X-Request-Id", "of-the-upstream")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.close_connection = self.server.stopping

    do_GET = do_POST

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Gateway:
    def __init__(self, folder):
        self.http, self.https = free_port(), free_port()
        self.log = folder / "gte.log"
        lines = "".join(f'"Bearer {token}" {name};' for name, token in TOKENS.items())
        tokens = (HERE / "gte-tokens.conf").read_text()
        (folder / "gte-tokens.conf").write_text(tokens.replace('default "";', f'default "";{lines}'))
        (folder / "index.html").write_text("<!doctype html><title>gte</title>")
        self.upstream = Upstream(str(folder / "http.sock"), Handler)
        threading.Thread(target=self.upstream.serve_forever, daemon=True).start()
        start = [HERE / "start.sh", folder, folder / "http.sock", str(self.http), str(self.https)]
        subprocess.run([*start, "-t"], check=True, capture_output=True, timeout=30)
        self.process = subprocess.Popen(start)
        self.tls = ssl.create_default_context(cafile=folder / "gte.crt")
        deadline = time.monotonic() + 10
        while socket.socket().connect_ex(("127.0.0.1", self.https)):
            assert time.monotonic() < deadline, "nginx does not listen"
            time.sleep(0.05)

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.https, context=self.tls, timeout=20)

    def ask(self, method, path, client=None, body=None, headers=(), connection=None):
        headers = dict(headers)
        if client:
            headers["Authorization"] = f"Bearer {TOKENS.get(client, client)}"
        connection = connection or self.connect()
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()


def test_the_page_has_a_policy_and_needs_no_token(gateway):
    status, headers, body = gateway.ask("GET", "/")
    assert status == 200 and b"<title>gte</title>" in body
    assert headers["Content-Type"] == "text/html; charset=utf-8" and headers["Content-Security-Policy"]
    assert headers["Server"] == "nginx"


def test_plain_http_is_redirected(gateway):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=20)
    connection.request("POST", "/api/rank?score=raw", "{}", {"Host": "gte.example.com"})
    reply = connection.getresponse()
    assert (reply.status, reply.headers["Location"]) == (308, "https://gte.example.com/api/rank?score=raw")


def test_no_token_is_401(gateway):
    before = len(gateway.upstream.seen)
    for path in ["/api/similarity", "/v1/embeddings", "/embed", "/openapi.json", "/"]:
        for token in [None, "f" * 32, ""]:
            status, headers, body = gateway.ask("POST", path, token, "{}")
            assert status == 401 and headers["WWW-Authenticate"] == 'Bearer realm="gte"', path
            assert json.loads(body)["code"] == "unauthorized" and headers["X-Request-Id"]
    assert len(gateway.upstream.seen) == before


def test_the_upstream_gets_local_headers(gateway):
    foreign = {"Origin": "https://example.com", "X-Request-Id": SECRET.encode(), "X-Forwarded-For": "1.2.3.4"}
    status, headers, _ = gateway.ask("POST", "/api/similarity?score=raw", "alpha", "{}", foreign)
    method, path, seen, length = gateway.upstream.seen[-1]
    assert (status, method, path, length) == (200, "POST", "/api/similarity?score=raw", 2)
    assert (seen["Host"], seen["Origin"], seen["Authorization"]) == ("localhost", None, None)
    assert seen["X-Forwarded-For"] == "127.0.0.1"
    assert headers.get_all("X-Request-Id") == [seen["X-Request-Id"]] and len(seen["X-Request-Id"]) == 32


def test_routes(gateway):
    post = ["/", "/api/rank", "/v1/embeddings", "/embeddings", "/embed", "/similarity", "/tokenize"]
    for method, path in [("POST", path) for path in post] + [("GET", "/v1/models"), ("GET", "/info")]:
        assert gateway.ask(method, path, "alpha")[0] == 200, path
        assert gateway.upstream.seen[-1][1] == path
    assert gateway.ask("GET", "/health")[0] == 200
    for path in ["/metrics", "/api/../metrics", "//metrics", "/embed/x", f"/{SECRET.encode().hex()}?q=secret"]:
        status, _, body = gateway.ask("GET", path, "alpha")
        assert status == 404 and json.loads(body)["code"] == "not_found", path


def test_metrics_are_for_this_machine(gateway):
    for path, host, expected in [("/metrics", "localhost", 200), ("/metrics", "example.com", 403), ("/embed", "localhost", 404)]:
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(gateway.log.with_name("metrics.sock")))
        connection.request("GET", path, headers={"Host": host})
        assert connection.getresponse().status == expected, path


def test_a_large_body(gateway):
    assert gateway.ask("POST", "/embed", "alpha", b"x" * (16 << 20))[0] == 200
    connection = gateway.connect()
    connection.putrequest("POST", "/embed")
    connection.putheader("Authorization", "Bearer " + TOKENS["alpha"])
    connection.putheader("Content-Length", str((16 << 20) + 1))
    connection.endheaders()
    reply = connection.getresponse()
    assert reply.status == 413 and json.loads(reply.read())["code"] == "too_large"


def test_an_overload_keeps_its_retry_after(gateway):
    status, headers, body = gateway.ask("GET", "/api/busy", "alpha")
    assert (status, headers.get_all("Retry-After"), body) == (429, ["7"], b"{}")


def test_the_rate_is_limited_per_client(gateway):
    connection, before = gateway.connect(), gateway.upstream.connections
    replies = [gateway.ask("POST", "/embed", "alpha", "{}", connection=connection) for _ in range(400)]
    limited = [reply for reply in replies if reply[0] == 429]
    assert replies[0][0] == 200 and limited
    assert limited[0][1]["Retry-After"] == "1" and json.loads(limited[0][2])["code"] == "rate_limited"
    assert gateway.ask("POST", "/embed", "beta", "{}")[0] == 200
    assert gateway.upstream.connections - before <= 2, "connections to gted are kept"


def test_without_gted_it_is_502(gateway):
    gateway.upstream.shutdown()
    gateway.upstream.server_close()
    gateway.upstream.stopping = True
    for _ in range(40):  # Kept connections are served once more.
        status, headers, body = gateway.ask("GET", "/health")
        if status != 200:
            break
    assert (status, headers["Retry-After"], json.loads(body)["code"]) == (502, "1", "bad_gateway")


def test_the_log_has_no_text(gateway):
    text = gateway.log.read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert all(list(row) == LOG_KEYS for row in rows)
    assert {row["client"] for row in rows} == {"", "alpha", "beta"}
    assert {row["path"] for row in rows} > {"/", "/embed", "(other)"}
    assert any((row["method"], row["path"]) == ("GET", "/") for row in rows)
    for secret in [SECRET, SECRET.encode().hex(), "secret", "score", "busy", "example.com", *TOKENS.values()]:
        assert secret not in text, secret


def main():
    if not shutil.which("nginx") or not shutil.which("openssl"):
        print("NOT RUN: the gateway, no nginx or no openssl")
        return
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(Path(folder))
        try:
            for test in tests:
                test(gateway)
                print("ok", test.__name__)
        finally:
            gateway.process.terminate()
            gateway.process.wait(10)
    print(f"{len(tests)} passed, 0 failed")


if __name__ == "__main__":
    sys.exit(main())
