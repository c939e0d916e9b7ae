#!/usr/bin/env python3
"""Drives `gted lambda` in the official Runtime Interface Emulator, in cargo-lambda's emulator, and
against a runtime API of this file that refuses replies and counts calls.

GTED_BIN, RIE and CARGO_LAMBDA name the programs; an emulator without a path is NOT RUN, with the
reason in RIE_REASON or CARGO_LAMBDA_REASON. events/ has the events, EXPECTED their replies."""

import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket

HERE = Path(__file__).resolve().parent
EVENTS = {path.stem: json.loads(path.read_text()) for path in sorted((HERE / "events").glob("*.json"))}
FUNCTION = "gte-test"
LIMIT = 6_291_556  # Bytes of a reply.
ALB_LIMIT = 1_000_000  # The load balancer's own limit is 1 MB.
METRICS = {"ColdStart": "Count", "InitMillis": "Milliseconds", "Millis": "Milliseconds", "Tokens": "Count", "Errors": "Count"}
HAN = re.compile(r"[\u4e00-\u9fff]{2,}")
# Neither the model nor the settings of the user: as on Lambda, there is no HOME.
ENV = {
    "PATH": os.environ["PATH"],
    "AWS_LAMBDA_FUNCTION_NAME": FUNCTION,
    "AWS_LAMBDA_FUNCTION_VERSION": "1",
    "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
}


def close(a, b):
    return abs(a - b) < 1e-3


def calibrated(body):
    return -1 <= body["cosine"] <= 1 and 0 <= body["similarity"] <= 100 and body["a"]["tokens"] > 2


def raw(body):
    return close(body["similarity"], 100 * body["cosine"])


def vectors(count):
    def check(body):
        found = body if isinstance(body, list) else body.get("data") or body["results"]
        found = [row if isinstance(row, list) else row["embedding"] for row in found]
        sizes = {len(base64.b64decode(row)) // 4 if isinstance(row, str) else len(row) for row in found}
        return len(found) == count and sizes == {512}

    return check


def models(body):
    return body["object"] == "list" and body["data"]


def ranking(body):
    return [hit["index"] for hit in body["results"]] == [1, 0]


def tokens(body):
    return len(body) == 1 and all("id" in token for token in body[0])


def page(body):
    return body.lstrip().lower().startswith("<!doctype html>")


def empty(body):
    return body in (None, "")


def message(body):
    error = body["error"]
    return error["message"] if isinstance(error, dict) else error


def error(*words):
    return lambda body: message(body) and all(word in json.dumps(body) for word in words)


def state(body):
    return list(body) == ["status"] and body["status"]["state"] == "ready" and body["status"]["pid"]


# Status of an HTTP reply, or None for another one, and what holds for the body.
EXPECTED = {
    "rest_similarity": (200, calibrated),
    "rest_embeddings_base64_body": (200, vectors(2)),
    "rest_stage_begins_route": (200, models),
    "rest_multi_value": (200, raw),
    "rest_base_path": (200, calibrated),
    "rest_custom_domain_root": (200, models),
    "rest_console_test": (200, empty),
    "rest_blank": (400, error("blank_text")),
    "http_api_format_1_stage": (200, vectors(1)),
    "http_api_default": (200, raw),
    "http_api_stage": (200, tokens),
    "http_api_stage_begins_route": (200, models),
    "http_api_stage_root": (200, page),
    "http_api_embeddings": (200, vectors(1)),
    "http_api_no_path": (404, error()),
    "url_form_body": (200, calibrated),
    "url_page": (200, page),
    "url_same_origin": (200, calibrated),
    "url_not_json": (400, error()),
    "url_no_body": (400, error()),
    "url_bad_base64": (400, error()),
    "url_method": (405, error()),
    "url_token_ids": (400, error("check_embedding_ctx_length=False")),
    "alb_similarity": (200, raw),
    "alb_multi_value": (200, raw),
    "alb_health": (200, empty),
    "alb_no_path": (404, error()),
    "direct_pair": (None, lambda body: calibrated(body) and body["id"] == "direct-1"),
    "direct_pairs": (None, lambda body: len(body["results"]) == 2 and all(map(calibrated, body["results"][:1]))),
    "direct_rank": (None, ranking),
    "direct_texts": (None, vectors(2)),
    "direct_explain": (None, lambda body: calibrated(body) and "explanation" in body),
    "direct_options": (None, raw),
    "direct_status": (None, state),
    "direct_blank": (None, error("blank_text")),
    "direct_incomplete": (None, error("bad_request")),
    "direct_shutdown": (None, error("bad_request")),
    "direct_use": (None, error("bad_request")),
    "warm_empty": (None, state),
    "warm_source": (None, state),
    "warm_schedule": (None, state),
    "warm_plugin": (None, state),
    "warm_console_test": (None, state),
    "warm_queue": (None, state),
}
# Events whose x-request-id comes back.
REQUEST_IDS = {
    "rest_multi_value": "rest-multi-7",
    "http_api_default": "http-api-5",
    "alb_similarity": "alb-3",
    "alb_multi_value": "alb-4",
}


def free_port():
    with socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found


def ask(port, method, path, body=None, headers={}, timeout=90):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


class Process:
    """A program whose output goes to files, ended by its id."""

    def __init__(self, folder, name, command, cwd, env):
        self.paths = [folder / f"{name}.out", folder / f"{name}.err"]
        with open(self.paths[0], "wb") as out, open(self.paths[1], "wb") as err:
            self.child = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def log(self):
        return "".join(path.read_text(errors="replace") for path in self.paths)

    def emf(self):
        lines = self.paths[0].read_text(errors="replace").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(15)


class Rie:
    """The official emulator with the program as ./bootstrap."""

    def __init__(self, tests, name, **env):
        self.port, self.calls = free_port(), 0
        addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{self.port}"]
        addresses += ["--runtime-api-address", f"127.0.0.1:{free_port()}"]
        command = [tests.rie, *addresses, "./bootstrap"]
        self.process = Process(tests.folder, name, command, tests.task, ENV | env)
        wait_for(lambda: not socket().connect_ex(("127.0.0.1", self.port)), "the emulator does not listen")

    def invoke_raw(self, event):
        path = "/2015-03-31/functions/function/invocations"
        return ask(self.port, "POST", path, json.dumps(event, ensure_ascii=False).encode())

    def invoke(self, event):
        """Reply to an event, and its metrics."""
        status, _, body = self.invoke_raw(event)
        assert status == 200, f"the invocation failed: {status} {body[:200]}"
        assert len(body) <= LIMIT
        self.calls += 1
        lines = wait_for(lambda: (found := self.process.emf()) and len(found) >= self.calls and found, "no line of metrics", 10)
        assert len(lines) == self.calls, "one line of metrics per invocation"
        return json.loads(body), lines[-1]

    def request(self, event):
        """Status, headers and body of the reply to an HTTP event, and its metrics."""
        reply, line = self.invoke(event)
        return *open_reply(event, reply), line


def open_reply(event, reply):
    """Status, headers and body of a reply, which has the form of the event's origin."""
    assert isinstance(reply["statusCode"], int) and isinstance(reply["isBase64Encoded"], bool)
    plain, multi = reply.get("headers") or {}, reply.get("multiValueHeaders") or {}
    assert all(isinstance(value, str) for value in plain.values())
    assert all(isinstance(values, list) for values in multi.values())
    if event.get("version") == "2.0":
        assert isinstance(reply["cookies"], list) and not multi
    elif "elb" in event["requestContext"]:
        assert reply["statusDescription"].startswith(f"{reply['statusCode']} ")
        # The load balancer reads one of both, as its target group is set.
        plain, multi = ({}, multi) if "multiValueHeaders" in event else (plain, {})
    else:
        assert not plain.keys() & multi.keys(), "API Gateway would send both"
    headers = {name.lower(): value for name, value in plain.items()}
    headers |= {name.lower(): ", ".join(values) for name, values in multi.items()}
    assert "connection" not in headers and "transfer-encoding" not in headers
    body = reply.get("body")
    if reply["isBase64Encoded"]:
        body = base64.b64decode(body).decode()
    if headers.get("content-type", "").startswith("application/json"):
        body = json.loads(body)
    return reply["statusCode"], headers, body


def check_metrics(line, failed, cold=0):
    block = line["_aws"]
    assert abs(block["Timestamp"] / 1000 - time.time()) < 120
    (directive,) = block["CloudWatchMetrics"]
    assert directive["Namespace"] == "gte" and directive["Dimensions"] == [["FunctionName"]]
    listed = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    # A warm invocation may leave InitMillis out, so that it does not lower the mean.
    assert listed.items() <= METRICS.items() and METRICS.keys() - listed.keys() <= {"InitMillis"}
    assert set(line) == {"_aws", "FunctionName", *listed}, "all that is listed and nothing else"
    assert line["FunctionName"] == FUNCTION and line["ColdStart"] == cold
    assert all(isinstance(line[name], (int, float)) and line[name] >= 0 for name in listed)
    assert line["Errors"] == int(failed)
    assert not cold or 0 < line["InitMillis"] < 10_000


def embeddings(texts, **more):
    """Event of a function URL that asks for the vectors of texts."""
    event = json.loads(json.dumps(EVENTS["url_same_origin"]))
    event["rawPath"] = event["requestContext"]["http"]["path"] = "/v1/embeddings"
    event["body"] = json.dumps({"input": texts} | more, ensure_ascii=False)
    event["headers"]["content-length"] = str(len(event["body"].encode()))
    return event


def fitting(body, sent):
    """Number of texts that fit, as a message names it."""
    numbers = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", json.dumps(body))]
    numbers = [number for number in numbers if 0 < number < sent]
    assert numbers, f"the message names no number of texts: {body}"
    return max(numbers)


def short_texts(count):
    return [f"第{number}条反馈" for number in range(count)]


def assert_no_text(log):
    texts = {text for event in EVENTS.values() for text in HAN.findall(json.dumps(event, ensure_ascii=False))}
    texts |= {"条反馈", "c2VjcmV0", "theme=dark"}
    for event in EVENTS.values():
        if event.get("isBase64Encoded") and event["body"].isascii():
            texts |= {event["body"][:24], *HAN.findall(base64.b64decode(event["body"]).decode())}
    found = [text for text in texts if text in log or json.dumps(text)[1:-1] in log]
    assert not found, f"the log has {found}"


# Tests in the official emulator, which share one process of gted, in this order.


def rie_the_first_invocation_is_a_cold_start(rie):
    begin = time.monotonic()
    reply, line = rie.invoke(EVENTS["direct_pair"])
    print(f"   first answer after {(time.monotonic() - begin) * 1000:.0f} ms, InitMillis {line['InitMillis']:.0f}")
    assert calibrated(reply)
    check_metrics(line, failed=False, cold=1)
    assert line["Tokens"] == reply["a"]["tokens"] + reply["b"]["tokens"]


def rie_later_invocations_are_warm(rie):
    replies = [rie.invoke({}) for _ in range(2)]
    assert replies[0][0]["status"]["pid"] == replies[1][0]["status"]["pid"]
    for _, line in replies:
        check_metrics(line, failed=False)
        assert line["Tokens"] == 0


def rie_event(name):
    def test(rie):
        event, (expected, holds) = EVENTS[name], EXPECTED[name]
        if expected is None:
            body, line = rie.invoke(event)
            failed = "error" in body
        else:
            status, headers, body, line = rie.request(event)
            assert status == expected, (status, body)
            assert headers["x-request-id"] and REQUEST_IDS.get(name) in (None, headers["x-request-id"])
            assert status != 405 or "POST" in headers["allow"]
            failed = status >= 400
        assert holds(body), json.dumps(body, ensure_ascii=False)[:300]
        check_metrics(line, failed)

    test.__name__ = f"rie_event_{name}"
    return test


def rie_origins_give_the_same_score(rie):
    names = ["rest_similarity", "http_api_default", "url_form_body", "alb_multi_value"]
    cosines = [rie.request(EVENTS[name])[2]["cosine"] for name in names]
    cosines.append(rie.invoke(EVENTS["direct_pair"])[0]["cosine"])
    assert len(set(cosines)) == 1, cosines


def rie_a_stage_is_stripped_once_and_whole(rie):
    cases = [("prod", "/prod/prod/v1/models", 404), ("v1", "/v1/v1/v1/models", 404), ("mod", "/models", 404)]
    cases += [("em", "/embed", 405), ("$default", "/v1/models", 200), ("prod", "/prod", 200)]
    for stage, path, expected in cases:
        event = json.loads(json.dumps(EVENTS["http_api_stage_begins_route"]))
        event["requestContext"]["stage"], event["rawPath"] = stage, path
        event["requestContext"]["http"]["path"] = path
        assert rie.request(event)[0] == expected, (stage, path)


def rie_an_event_of_any_type_gets_the_status(rie):
    for event in [None, [], [1, 2], "warm", 0, True, {"body": "{}"}, {"version": "2.0"}]:
        assert state(rie.invoke(event)[0]), event


def rie_fields_of_null_are_absent_fields(rie):
    event = EVENTS["url_form_body"] | {"rawQueryString": None, "cookies": None, "stageVariables": None}
    assert rie.request(event)[0] == 200
    event = EVENTS["alb_similarity"] | {"queryStringParameters": None}
    assert rie.request(event)[0] == 200


def rie_a_reply_over_6_mb_is_413(rie):
    texts = short_texts(1600)
    status, headers, body, line = rie.request(embeddings(texts, encoding_format="float"))
    assert status == 413 and headers["content-type"].startswith("application/json"), status
    check_metrics(line, failed=True)
    count = fitting(body, len(texts))
    assert calibrated(rie.request(EVENTS["url_form_body"])[2]), "the next invocation works"
    status, _, body, _ = rie.request(embeddings(texts[:count], encoding_format="float"))
    assert status == 200 and vectors(count)(body), "as many texts as were named do fit"
    assert len(json.dumps(json.dumps(body, separators=(",", ":")))) > 0.7 * LIMIT, f"more than {count} texts fit"
    status, _, body, _ = rie.request(embeddings(texts, encoding_format="base64"))
    assert status == 200 and vectors(len(texts))(body)


def rie_a_direct_reply_over_6_mb_is_an_error(rie):
    texts = short_texts(1600)
    body, line = rie.invoke({"texts": texts})
    assert body["code"] == "too_large"
    check_metrics(line, failed=True)
    count = fitting(body, len(texts))
    assert vectors(count)(rie.invoke({"texts": texts[:count]})[0])


def rie_a_reply_over_1_mb_to_a_load_balancer_is_413(rie):
    event = EVENTS["alb_similarity"] | {"path": "/v1/embeddings", "body": json.dumps({"input": short_texts(300)})}
    status, _, body, _ = rie.request(event)
    assert status == 413 and fitting(body, 300) < ALB_LIMIT / 4000, status


def rie_one_process_has_answered_all(rie):
    status = rie.invoke({"command": "status"})[0]["status"]
    assert status["pid"] == rie.pid
    assert [line["ColdStart"] for line in rie.process.emf()] == [1] + [0] * (rie.calls - 1)
    assert "exited" not in rie.process.log()


def rie_the_log_has_no_text(rie):
    assert_no_text(rie.process.log())


def run_rie(tests):
    rie = Rie(tests, "rie")
    try:
        tests.run(rie_the_first_invocation_is_a_cold_start, rie)
        rie.pid = rie.invoke({})[0]["status"]["pid"]
        tests.run(rie_later_invocations_are_warm, rie)
        for name in EXPECTED:
            tests.run(rie_event(name), rie)
        tests.run(rie_origins_give_the_same_score, rie)
        tests.run(rie_a_stage_is_stripped_once_and_whole, rie)
        tests.run(rie_an_event_of_any_type_gets_the_status, rie)
        tests.run(rie_fields_of_null_are_absent_fields, rie)
        tests.run(rie_a_reply_over_6_mb_is_413, rie)
        tests.run(rie_a_direct_reply_over_6_mb_is_an_error, rie)
        tests.run(rie_a_reply_over_1_mb_to_a_load_balancer_is_413, rie)
        tests.run(rie_one_process_has_answered_all, rie)
    finally:
        rie.process.stop()
    tests.run(rie_the_log_has_no_text, rie)
    tests.run(rie_without_a_model_the_error_is_reported, tests)


def rie_without_a_model_the_error_is_reported(tests):
    rie = Rie(tests, "rie-no-model", GTE_MODEL=str(tests.folder / "missing"))
    try:
        for _ in range(2):
            status, _, body = rie.invoke_raw({"a": "怎么申请退款", "b": "退款流程在哪里"})
            body = json.loads(body)
            assert status >= 500 and body["errorType"] and body["errorMessage"], (status, body)
            assert body["errorType"] != "Runtime.ExitError", "the program ended without a report"
        assert not rie.process.emf()
    finally:
        rie.process.stop()
    assert_no_text(rie.process.log())


# Tests with cargo-lambda's emulator: function URL events of plain HTTP requests.


class CargoLambda:
    def __init__(self, tests):
        self.port, self.asked = free_port(), 0
        package = tests.folder / "package"
        (package / "src").mkdir(parents=True)
        (package / "Cargo.toml").write_text('[package]\nname = "function"\nversion = "0.0.0"\nedition = "2021"\n')
        (package / "src/main.rs").write_text("fn main() {}\n")
        command = [tests.cargo_lambda, "lambda", "watch", "--only-lambda-apis", "-A", "127.0.0.1", "-P", str(self.port)]
        env = {name: os.environ[name] for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"] if name in os.environ}
        self.emulator = Process(tests.folder, "cargo-lambda", command, package, env | {"CARGO_NET_OFFLINE": "true"})
        wait_for(lambda: not socket().connect_ex(("127.0.0.1", self.port)), "cargo-lambda does not listen")
        api = {"AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{self.port}/.rt", "AWS_LAMBDA_FUNCTION_VERSION": "1"}
        self.process = Process(tests.folder, "cargo-lambda-function", ["./bootstrap"], tests.task, ENV | api)

    def ask(self, method, path, body=None, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        # The emulator takes a reply before it has read it to its end, and may lose it: a 500 of its own.
        # A reply of 50 KB (the page) is always lost, or never comes: only short ones are asked for here.
        for _ in range(5):
            status, headers, reply = ask(self.port, method, path, body, sent, timeout=20)
            self.asked += 1
            if status != 500 or b"https://httpstatuses.com/500" not in reply:
                break
            print("   cargo-lambda lost a reply", flush=True)
        kind = headers.get("Content-Type", "")
        return status, headers, json.loads(reply) if kind.startswith("application/json") else reply.decode()


PAIR = EVENTS["url_same_origin"]["body"].encode()


def cargo_lambda_similarity_of_any_content_type(emulator):
    for kind in ["application/json", "application/x-www-form-urlencoded", "text/plain"]:
        more = {"Content_Type": kind, "Cookie": "theme=dark; session=c2VjcmV0", "X_Request_Id": "cargo-2"}
        status, headers, body = emulator.ask("POST", "/api/similarity", PAIR, **more)
        assert status == 200 and calibrated(body) and headers["X-Request-Id"] == "cargo-2", (status, body)


def cargo_lambda_get_and_query(emulator):
    assert raw(emulator.ask("POST", "/api/similarity?score=raw", PAIR)[2])
    assert models(emulator.ask("GET", "/v1/models")[2])
    status, _, body = emulator.ask("GET", "/health")
    assert (status, body) == (200, "")


def cargo_lambda_errors_of_a_client(emulator):
    blank = json.dumps({"sentence_a": "怎么申请退款", "sentence_b": ""}).encode()
    for method, path, body, expected in [("POST", "/api/similarity", blank, 400), ("GET", "/none", None, 404)]:
        status, _, body = emulator.ask(method, path, body)
        assert status == expected and message(body)


def cargo_lambda_a_direct_call(emulator):
    body = json.dumps(EVENTS["direct_pair"]).encode()
    status, _, body = emulator.ask("POST", "/2015-03-31/functions/_/invocations", body)
    assert status == 200 and calibrated(json.loads(body))


def cargo_lambda_the_log_has_no_text(emulator):
    wait_for(lambda: len(emulator.process.emf()) == emulator.asked, "one line of metrics per invocation", 10)
    assert emulator.process.child.poll() is None
    assert_no_text(emulator.process.log())


def run_cargo_lambda(tests):
    emulator = CargoLambda(tests)
    try:
        tests.run(cargo_lambda_similarity_of_any_content_type, emulator)
        tests.run(cargo_lambda_get_and_query, emulator)
        tests.run(cargo_lambda_errors_of_a_client, emulator)
        tests.run(cargo_lambda_a_direct_call, emulator)
        tests.run(cargo_lambda_the_log_has_no_text, emulator)
    finally:
        emulator.process.stop()
        emulator.emulator.stop()


# Tests against a runtime API that notes its calls.


class Api:
    """Gives out events, answers the replies with `statuses`, and then lets /next wait."""

    def __init__(self, events=(), statuses=()):
        self.events, self.statuses, self.calls, self.end = list(events), list(statuses), [], threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handler(api):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                api.calls.append(("GET", self.path, self.headers, b""))
                if not api.events:
                    api.end.wait()
                    self.close_connection = True
                    return
                more = {"Lambda-Runtime-Aws-Request-Id": f"id-{len(api.calls)}", "Lambda-Runtime-Deadline-Ms": "600000"}
                more["Lambda-Runtime-Invoked-Function-Arn"] = f"arn:aws:lambda:ap-east-1:123456789012:function:{FUNCTION}"
                self.reply(200, json.dumps(api.events.pop(0)).encode(), more)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                api.calls.append(("POST", self.path, self.headers, body))
                self.reply(api.statuses.pop(0) if api.statuses else 202, b'{"status":"OK"}', {})

            def reply(self, status, body, headers):
                self.send_response(status)
                for name, value in (headers | {"Content-Type": "application/json", "Content-Length": len(body)}).items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def seen(self):
        return [(method, path.removeprefix("/2018-06-01/runtime")) for method, path, _, _ in self.calls]

    def close(self):
        self.end.set()
        self.server.shutdown()
        self.server.server_close()


def start(tests, api, program="bootstrap", args=(), **env):
    command = [f"./{program}", *args]
    return Process(tests.folder, f"api-{program}", command, tests.task, ENV | {"AWS_LAMBDA_RUNTIME_API": api.address} | env)


def api_the_program_starts_in_three_ways(tests):
    for program, args in [("bootstrap", []), ("gted", []), ("gted", ["lambda"])]:
        api = Api([{}])
        process = start(tests, api, program, args)
        try:
            wait_for(lambda: len(api.calls) == 3, f"{program} {args}: {api.seen()}")
            assert api.seen() == [("GET", "/invocation/next"), ("POST", "/invocation/id-1/response"), ("GET", "/invocation/next")]
            assert state(json.loads(api.calls[1][3]))
        finally:
            process.stop()
            api.close()


def api_an_explicit_subcommand_wins(tests):
    api = Api([{}])
    process = start(tests, api, "gted", ["serve", "--help"])
    try:
        assert process.child.wait(30) == 0 and not api.calls and process.log()
    finally:
        process.stop()
        api.close()


def api_a_refused_reply_does_not_end_the_program(tests):
    api = Api([EVENTS["direct_pair"], EVENTS["rest_similarity"], {}], [413, 500, 202])
    process = start(tests, api)
    try:
        wait_for(lambda: api.seen().count(("GET", "/invocation/next")) == 4, f"the program does not go on: {api.seen()}")
        assert process.child.poll() is None
        assert state(json.loads(api.calls[-2][3]))
    finally:
        process.stop()
        api.close()


def api_without_a_model_init_error_is_called(tests):
    api = Api([{}])
    process = start(tests, api, GTE_MODEL=str(tests.folder / "missing"))
    try:
        assert process.child.wait(30) != 0
        assert api.seen() == [("POST", "/init/error")], api.seen()
        _, _, headers, body = api.calls[0]
        body = json.loads(body)
        assert re.fullmatch(r"[A-Za-z]+\.[A-Za-z]+", headers["Lambda-Runtime-Function-Error-Type"])
        assert body["errorType"] and body["errorMessage"]
    finally:
        process.stop()
        api.close()


class Tests:
    def __init__(self, folder):
        self.folder, self.task = folder, folder / "task"
        self.rie, self.cargo_lambda = os.environ.get("RIE"), os.environ.get("CARGO_LAMBDA")
        self.passed, self.failed = 0, 0
        self.task.mkdir()
        for name in ["bootstrap", "gted"]:
            shutil.copy(os.environ["GTED_BIN"], self.task / name)

    def run(self, test, *args):
        try:
            test(*args)
        except Exception:
            self.failed += 1
            print("FAILED", test.__name__)
            print("".join(traceback.format_exc(limit=-2)), flush=True)
        else:
            self.passed += 1
            print("ok", test.__name__, flush=True)


def main():
    assert EVENTS.keys() == EXPECTED.keys(), EVENTS.keys() ^ EXPECTED.keys()
    with tempfile.TemporaryDirectory() as folder:
        tests = Tests(Path(folder))
        apis = [test for name, test in globals().items() if name.startswith("api_")]
        for test in apis:
            tests.run(test, tests)
        for name, path, run in [("RIE", tests.rie, run_rie), ("CARGO_LAMBDA", tests.cargo_lambda, run_cargo_lambda)]:
            if path:
                try:
                    run(tests)
                except Exception:
                    tests.failed += 1
                    print(f"FAILED {run.__name__}\n{traceback.format_exc(limit=-2)}")
            else:
                print(f"NOT RUN: Lambda, {name}: {os.environ.get(name + '_REASON') or 'no path'}")
        if tests.failed:
            for log in sorted(tests.folder.glob("*.err")):
                lines = log.read_text(errors="replace").splitlines()[-15:]
                print(f"-- {log.name}", *lines, sep="\n")
    print(f"{tests.passed} passed, {tests.failed} failed")
    return tests.failed != 0


if __name__ == "__main__":
    sys.exit(main())
