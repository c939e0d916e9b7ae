#!/usr/bin/env python3
"""Runs daemon/deploy/lambda/commands.sh with the real aws command against a server of this file, which
notes what is asked of it: every option must be one that aws knows, and what it sends must be what
Lambda takes. GTED_BIN names the program.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

DEPLOY = Path(__file__).resolve().parents[2] / "daemon/deploy"
LOGIN = {"authorizationData": [{
    "authorizationToken": base64.b64encode(b"AWS:password").decode(),
    "proxyEndpoint": "https://example.com", "expiresAt": 0,
}]}

# For the commands that wait until a function is ready.
READY = {"Configuration": {"State": "Active", "LastUpdateStatus": "Successful"}}


class Handler(BaseHTTPRequestHandler):
    """Answers everything with success, in the form of each service."""

    calls = []

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.headers.get("X-Amz-Target", "")
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            self.calls.append((form["Action"], form))
            action = form["Action"]
            reply, kind = f"<{action}Response><{action}Result/></{action}Response>".encode(), "text/xml"
        elif "cbor" in kind:
            self.calls.append((self.path, body))
            reply = b"\xa0"
        else:
            name = target.rpartition(".")[2] or f"{self.command} {self.path}"
            self.calls.append((name, json.loads(body) if body.startswith(b"{") else body))
            replies = {"GetAuthorizationToken": LOGIN, "GET": READY}
            reply = json.dumps(replies.get(name.split()[0], {})).encode()
            kind = "application/json"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if "cbor" in kind:
            self.send_header("smithy-protocol", "rpc-v2-cbor")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        pass


def check(calls):
    """Holds what was sent against the limits of Lambda."""
    named = {}
    for name, body in calls:
        named.setdefault(name, []).append(body)
    created = named["POST /2015-03-31/functions"]
    assert len(created) == 2, created
    for function in created:
        assert 128 <= function["MemorySize"] <= 10240 and 1 <= function["Timeout"] <= 900
        assert function["Architectures"] == ["x86_64"]
    archive, image = created
    assert archive["Runtime"] == "provided.al2023" and archive["Handler"] == "bootstrap"
    assert len(base64.b64decode(archive["Code"]["ZipFile"])) > 20_000_000, "no zip file"
    assert image["PackageType"] == "Image" and image["ImageConfig"] == {"Command": ["lambda"]}
    assert image["Code"]["ImageUri"].count(":") == 1, "the image has no version"
    (invoked,) = named["POST /2015-03-31/functions/gte/invocations"]
    assert set(invoked) == {"a", "b"}, invoked
    trust = json.loads(named["CreateRole"][0]["AssumeRolePolicyDocument"])
    assert trust["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    url = next(body for name, body in calls if name.endswith("/gte/url"))
    assert url["AuthType"] == "AWS_IAM", "anybody could send requests"
    alarms = [name for name, _ in calls if "PutMetricAlarm" in name]
    assert len(alarms) == 3, alarms


def main():
    for program in ("aws", "umoci"):
        if not shutil.which(program):
            print(f"NOT RUN: commands of Lambda, no {program}")
            return 0
    if os.geteuid() != 0:
        print("NOT RUN: commands of Lambda, the image needs root")
        return 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        stubs = Path(folder) / "bin"
        stubs.mkdir()
        # The upload of the image needs the registry itself.
        (stubs / "skopeo").write_text("#!/bin/sh\n[ \"$1\" != login ] || cat >/dev/null\n")
        (stubs / "skopeo").chmod(0o755)
        env = os.environ | {
            "GTED_BIN": str(Path(os.environ["GTED_BIN"]).resolve(strict=True)),
            "PATH": f"{stubs}:{os.environ['PATH']}", "HOME": folder,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_MAX_ATTEMPTS": "1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "",
        }
        done = subprocess.run(["./commands.sh"], cwd=DEPLOY / "lambda", env=env, capture_output=True, text=True)
    if done.returncode:
        print(f"FAILED: commands of Lambda: {done.stderr.strip()[-600:]}")
        return 1
    check(Handler.calls)
    print(f"ok: commands of Lambda, {len(Handler.calls)} calls")
    return 0


if __name__ == "__main__":
    sys.exit(main())
