"""Webhooks: what happened is sent to who may be told, signed, in order, at least once, and to nobody else."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import subprocess
import threading

import harness
from harness import HOME, application, refused, scan, wait_for


class Receiver:
    """Takes webhooks; |answer| decides: a status, or a status and headers."""

    def __init__(self, answer=lambda receiver: 204, tls=None):
        self.taken, self.asked, self.answer, receiver = [], 0, answer, self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.asked += 1
                answer = receiver.answer(receiver)
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                if status == 204:
                    receiver.taken.append((dict(self.headers), body))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self):
        return [event for _, body in self.taken for event in json.loads(body)["events"]]


def node_that_tells(world, *ports, more=""):
    node = world.node(HOME, "home").init()
    with open(os.path.join(node.dir, "node.yaml"), "a", encoding="utf-8") as out:
        hosts = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
        out.write(f"webhooks:\n  allow: [{hosts}]\n{more}")
    node.start()
    node.load_catalogue(harness.CATALOGUE.replace("modes: [DS]", "modes: [QC]"))
    return node


LOOPBACK = "  networks: [127.0.0.1]\n"


def submit(node, i):
    material = node.upload(f"form {i}".encode())
    return node.api("CaseService/Submit", {
        "application": application(scan(material), mode="QC", identity={"level": "MATCHED", "method": "portal"}), "actor": {"role": "APPLICANT", "id": "u7"}})["number"]


def view(node, name="archive"):
    return next(hook for hook in node.do("webhook", "list")["webhooks"] if hook["name"] == name)


def checked(secret, headers, body):
    """As docs/departments.md tells a receiver to do it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(expected, headers["webhook-signature"])


def test_everything_comes_in_order_and_signed_though_both_sides_fail_in_between(world):
    state = {"up": True}
    receiver = Receiver(lambda _: 204 if state["up"] else 503)
    node = node_that_tells(world, receiver.port, more=LOOPBACK)
    secret = node.do("webhook", "add", "archive", receiver.url, "--events", "case")["secret"]
    numbers = [submit(node, i) for i in range(3)]
    wait_for(lambda: len({e["caseNumber"] for e in receiver.events()}) == 3, 20, "the first three")
    state["up"] = False
    numbers += [submit(node, i) for i in range(3, 6)]
    wait_for(lambda: view(node).get("failures", 0) > 0, 20, "a failure")
    status = node.status()
    assert status["webhooks"] == 1 and status["webhooksFailing"] == 1 and "webhooksGivenUp" not in status
    assert view(node)["lastError"] == "HTTP status 503"
    node.kill()
    node.start()
    numbers += [submit(node, i) for i in range(6, 9)]
    state["up"] = True
    wait_for(lambda: len({e["caseNumber"] for e in receiver.events()}) == 9, 30, "all of them")
    seen = []
    for headers, body in receiver.taken:
        assert checked(secret, headers, body)
        assert not checked(secret, headers, body + b" ")
        assert b"11010519491231002X" not in body
        for event in json.loads(body)["events"]:
            if int(event["cursor"]) not in seen:
                assert not seen or int(event["cursor"]) > seen[-1], "out of order"
                seen.append(int(event["cursor"]))
    feed = [e for e in json.loads(node.http("GET", "/events?after=0&wait=0")[2])["events"] if e["kind"] == "EVENT_CASE"]
    assert seen == [int(e["cursor"]) for e in feed], "nothing is left out"
    assert [e["caseNumber"] for e in feed if e["event"] == "SUBMIT"] == numbers
    wait_for(lambda: "failures" not in view(node), 20, "it is well again")
    listed = subprocess.run([harness.options.tongban, "webhook", "list", "--dir", node.dir, "--lang", "en"], capture_output=True,
                            text=True, check=True).stdout
    assert "archive" in listed and "503" not in listed, f"an error that is over is shown: {listed}"


def test_a_redirect_is_not_followed_and_gone_is_given_up(world):
    other = Receiver()
    moved = Receiver(lambda _: (307, {"Location": other.url}))
    gone = Receiver(lambda _: 410)
    node = node_that_tells(world, moved.port, gone.port, other.port, more=LOOPBACK)
    node.do("webhook", "add", "moved", moved.url, "--from-beginning")
    node.do("webhook", "add", "gone", gone.url, "--from-beginning")
    wait_for(lambda: view(node, "moved").get("failures", 0) > 0, 20, "the redirect")
    assert view(node, "moved")["lastError"] == "HTTP status 307"
    assert other.asked == 0
    wait_for(lambda: "givenUpMs" in view(node, "gone"), 20, "giving up")
    assert gone.asked == 1 and node.logged("webhook.given_up")
    assert node.status()["webhooksGivenUp"] == 1
    gone.answer = lambda _: 204
    node.do("webhook", "resume", "gone")
    wait_for(gone.events, 20, "what was left")
    assert [row["subject"] for row in node.do("audit", "list")["rows"] if row["kind"] == "LEAF_WEBHOOK"] == [
        "made moved", "made gone", "gave up gone", "resumed gone"]


def test_who_is_not_allowed_is_not_called(world):
    receiver = Receiver()
    node = node_that_tells(world, receiver.port)
    assert "webhooks.allow" in node.refuses("webhook", "add", "x", "https://169.254.169.254/latest/meta-data")
    assert "webhooks.allow" in node.refuses("webhook", "add", "x", "https://example.org/")
    node.refuses("webhook", "add", "x", "file:///etc/passwd")
    node.refuses("webhook", "add", "x", f"http://user@127.0.0.1:{receiver.port}/")
    # The name is allowed; the network that it is in is not.
    node.do("webhook", "add", "archive", receiver.url, "--from-beginning")
    wait_for(lambda: view(node).get("failures", 0) > 0, 20, "the refusal")
    assert "webhooks.networks" in view(node)["lastError"]
    assert receiver.asked == 0


def test_tls_is_checked(world):
    names = [os.path.join(world.dir, name) for name in ("hook.pem", "hook.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30", "-out", names[0], "-keyout",
                    names[1]], check=True, capture_output=True)
    receiver = Receiver(tls=names)
    node = node_that_tells(world, receiver.port, more=LOOPBACK)
    node.do("webhook", "add", "archive", receiver.url, "--from-beginning")
    wait_for(lambda: view(node).get("failures", 0) > 0, 20, "the certificate to be refused")
    assert not receiver.taken
    node.stop()
    with open(os.path.join(node.dir, "node.yaml"), "a", encoding="utf-8") as out:
        out.write(f'  ca: "{names[0]}"\n')
    node.start()
    wait_for(receiver.events, 30, "the events")


def test_a_token_narrows_what_is_sent_and_its_end_ends_it(world):
    receiver = Receiver()
    node = node_that_tells(world, receiver.port, more=LOOPBACK)
    node.do("token", "add", "other", "--role", "window", "--item", "something-else")
    node.do("webhook", "add", "archive", receiver.url, "--token", "other")
    submit(node, 1)
    node.load_catalogue(harness.CATALOGUE.replace("modes: [DS]", "modes: [QC, DS]"))
    wait_for(receiver.events, 20, "the list")
    assert {e["kind"] for e in receiver.events()} == {"EVENT_CATALOGUE"}
    node.do("token", "revoke", "other")
    wait_for(lambda: "givenUpMs" in view(node), 20, "giving up")
    assert "revoked" in view(node)["lastError"]
    refused("not_found", node.api, "WebhookService/Add",
            {"name": "b", "url": receiver.url, "token": "none"})


harness.main(globals())
