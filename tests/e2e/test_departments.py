"""Departments' systems at their own node: tokens, the port, the feed of events, the description of the contract."""

import base64
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import threading

import harness
from harness import (HOME, ITEM, Refused, application, in_state, refused, scan, wait_for)

OTHER_ITEM = "123204000000000013320001000009Z"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def port_on(node, listen="127.0.0.1:0", tls=None):
    """Gives the node a port for its local API; to be called before it starts."""
    with open(os.path.join(node.dir, "node.yaml"), "a", encoding="utf-8") as out:
        out.write(f'api:\n  listen: "{listen}"\n')
        if tls:
            out.write(f'  tls:\n    certificate: "{tls[0]}"\n    key: "{tls[1]}"\n')


class Department:
    """A department's system: the port, with a token."""

    def __init__(self, node, token, context=None):
        with open(os.path.join(node.dir, "api.listen"), encoding="utf-8") as file:
            self.host, _, self.port = file.read().strip().rpartition(":")
        self.token, self.context = token, context

    def connect(self, timeout=30):
        if self.context:
            return http.client.HTTPSConnection(self.host, int(self.port), timeout=timeout, context=self.context)
        return http.client.HTTPConnection(self.host, int(self.port), timeout=timeout)

    def open(self, method, path, body=None, headers=None, timeout=30):
        """The connection and the reply, whose body is not read yet."""
        connection = self.connect(timeout)
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        connection.request(method, path, body=body, headers=headers)
        return connection, connection.getresponse()

    def http(self, method, path, body=None, headers=None, timeout=30):
        connection, reply = self.open(method, path, body, headers, timeout)
        with connection:
            return reply.status, reply.read()

    def api(self, method, message=None):
        status, body = self.http("POST", "/tongban.v1." + method, json.dumps(message or {}).encode(),
                                 {"Content-Type": "application/json"})
        if status != 200:
            raise Refused(status, json.loads(body)["code"], json.loads(body)["message"])
        return json.loads(body)

    def upload(self, data):
        status, body = self.http("PUT", "/material", data)
        assert status == 200, body
        return json.loads(body)

    def events(self, after=0, wait=0):
        status, body = self.http("GET", f"/events?after={after}&wait={wait}", timeout=90)
        assert status == 200, body
        return json.loads(body)


http.client.HTTPConnection.__enter__ = lambda self: self
http.client.HTTPConnection.__exit__ = lambda self, *_: self.close()


def department(node, name, *options, context=None):
    return Department(node, node.do("token", "add", name, *options)["token"], context)


def pair_with_ports(world):
    window, home = world.pair()
    for node in (window, home):
        node.stop()
        port_on(node)
        node.start()
    return window, home


class Stream:
    """Server-sent events, read on a thread of their own."""

    def __init__(self, department, path, **headers):
        self.connection, self.reply = department.open("GET", path, headers=headers, timeout=60)
        assert self.reply.status == 200, self.reply.read()
        assert self.reply.getheader("Content-Type") == "text/event-stream"
        self.events, self.ended = [], False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        block = {}
        try:
            while True:
                line = self.reply.readline()
                if not line:
                    break
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    block[name] = value
                elif "data" in block:
                    event = json.loads(block["data"])
                    assert event["cursor"] == block["id"]
                    self.events.append(event)
                    block = {}
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # it was closed meanwhile
        self.ended = True

    def wait(self, condition, what):
        return wait_for(lambda: next((e for e in self.events if condition(e)), None), 30, what)

    def close(self):
        # Else closing waits for the thread, and that for the next line.
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.connection.close()


# ---- tokens

def test_two_systems_work_a_case_through_the_port_by_their_tokens(world):
    window, home = pair_with_ports(world)
    hall = department(window, "hall-3", "--role", "window")
    bureau = department(home, "judicial-bureau", "--role", "review,head", "--item", ITEM)
    submitted = hall.api("CaseService/Submit", {
        "application": application(scan(hall.upload(os.urandom(300_000)))), "actor": {"role": "R_WIN", "id": "w1"},
        "forward": True})
    number = submitted["number"]
    in_state(home, number, "SIGNED_FOR")
    for event in ("ACCEPT", "START"):
        bureau.api("CaseService/Act", {"number": number, "event": event, "actor": {"role": "H_DEPT", "id": "a1"}})
    # Roles are the token's, whatever the message says.
    said = refused("permission_denied", hall.api, "CaseService/Act",
                   {"number": number, "event": "CONSULT", "actor": {"role": "H_DEPT", "id": "a1"},
                    "detail": {"note": "x"}})
    assert "hall-3" in said, said
    refused("permission_denied", bureau.api, "CatalogueService/Load", {})
    refused("permission_denied", bureau.api, "TokenService/Add", {"name": "x", "roles": ["TOKEN_HEAD"]})
    refused("permission_denied", bureau.api, "NodeService/Reload", {})
    bureau.api("CaseService/Act", {"number": number, "event": "GRANT", "actor": {"role": "H_HEAD", "id": "h1"},
                                   "detail": {"decision": {"documentNumber": "1", "text": "准予"}}})
    log = {entry["event"]: entry["actor"] for entry in in_state(window, number, "GRANTED")["log"]}
    assert log["SEND"]["via"] == "hall-3" and log["ACCEPT"]["via"] == "judicial-bureau", log
    assert "via" not in log["SIGN"], log
    # The material of the case, by who it is for.
    root = bytes(home.case(number)["log"][0]["detail"]["application"]["materials"][0]["root"], "ascii")
    hexed = base64.b64decode(root).hex()
    assert bureau.http("GET", "/material/" + hexed)[0] == 200
    other = department(home, "other", "--role", "review", "--item", OTHER_ITEM)
    assert other.http("GET", "/material/" + hexed)[0] == 403
    refused("permission_denied", other.api, "CaseService/Get", {"number": number})
    assert other.api("CaseService/List") == {} and len(bureau.api("CaseService/List")["cases"]) == 1


def test_what_is_counted_is_given_to_whoever_may_see_the_status(world):
    node = world.node(HOME)
    node.init()
    port_on(node)
    node.start()
    reader = department(node, "prometheus", "--role", "read-only")
    status, body = reader.http("GET", "/metrics")
    assert status == 200 and f'tongban_build_info{{version="' in body.decode() and f'region="{HOME}"' in body.decode()
    assert re.search(r"^tongban_store_map_bytes [1-9]", body.decode(), re.M), body
    connection, reply = reader.open("GET", "/metrics")
    with connection:
        assert reply.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    assert b"tongban_turns_total" in node.http("GET", "/metrics")[2]  # the socket's owner needs no token
    assert Department(node, None).http("GET", "/metrics")[0] == 401
    assert reader.http("POST", "/metrics", b"{}")[0] == 405


def test_refusals_are_told_in_the_language_that_is_asked_for(world):
    node = world.node(HOME)
    node.init()

    def spoken():
        done = subprocess.run([harness.options.tongban, "case", "show", "320400-1", "--dir", node.dir, "--lang", "zh"],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr
    status, said = spoken()
    assert status == 3 and "没有运行的节点" in said and "no node" not in said, said
    node.start()
    status, said = spoken()
    assert status == 1 and "本节点没有办件 320400-1" in said and "no case" not in said, said
    assert "no case 320400-1 here" in node.refuses("case", "show", "320400-1")
    for language, message in (("zh-CN", "本节点没有办件 320400-1"), ("en", "no case 320400-1 here")):
        _, _, body = node.http("POST", "/tongban.v1.CaseService/Get", b'{"number": "320400-1"}',
                               {"Content-Type": "application/json", "Accept-Language": language})
        reply = json.loads(body)
        assert (reply["message"], reply["reason"], reply["values"]) == (message, "CASE_UNKNOWN", ["320400-1"]), reply


def test_codes_are_not_found_by_trying_at_a_kiosk(world):
    node = world.node(HOME)
    node.init()
    port_on(node)
    node.start()
    kiosk, other = (department(node, name, "--role", "kiosk") for name in ("hall-1", "hall-2"))
    def look(kiosk, code, serial=1, **more):
        return refused(code, kiosk.api, "CaseService/Get", {"number": f"{HOME}-20260105-{serial:06}"} | more)
    for n in range(10):
        look(kiosk, "permission_denied", openWith=f"{n:018}")
    assert "too many wrong codes" in look(kiosk, "resource_exhausted", openWith="11010519491231002X")
    # The case has had its tries too, by whatever token; what gives no code finds nothing out.
    look(other, "resource_exhausted", openWith="1")
    look(other, "permission_denied")
    look(other, "permission_denied", serial=2, openWith="1")
    def noted():
        return [row["subject"] for row in node.do("audit", "list")["rows"] if "openWith" in row.get("subject", "")]
    wait_for(lambda: "openWith: TB_ETHROTTLED, token hall-1" in noted(), 10, "the refusal in the audit log")
    assert "openWith: TB_EDENIED, token hall-1" in noted()
    assert node.logged("token.refused")


def test_a_token_is_made_listed_and_revoked_by_the_command(world):
    node = world.node(HOME, "home").init()
    port_on(node)
    node.start()
    reader = department(node, "archive", "--role", "read-only")
    assert re.fullmatch(r"tb_[A-Za-z0-9_-]{43}", reader.token), reader.token
    assert reader.api("NodeService/Status")["region"] == HOME
    assert reader.http("PUT", "/material", b"x")[0] == 403
    listed = node.do("token", "list")["tokens"]
    assert [(t["name"], t["roles"]) for t in listed] == [("archive", ["TOKEN_READ_ONLY"])], listed
    assert "already" in node.refuses("token", "add", "archive", "--role", "head")
    assert "role" in node.refuses("token", "add", "x", "--role", "boss", status=2)
    assert "role" in node.refuses("token", "add", "x", status=2)
    node.do("token", "revoke", "archive")
    refused("unauthenticated", reader.api, "NodeService/Status")
    node.restart()
    again = Department(node, reader.token)
    refused("unauthenticated", again.api, "NodeService/Status")
    assert node.do("token", "list")["tokens"][0]["revokedMs"]
    kinds = [(row["kind"], row.get("subject")) for row in node.api("AuditService/List")["rows"]]
    assert ("LEAF_TOKEN", "made archive") in kinds and ("LEAF_TOKEN", "revoked archive") in kinds, kinds
    assert reader.token.encode() not in open(os.path.join(node.dir, "store", "data.mdb"), "rb").read()
    assert not any(reader.token in json.dumps(line) for line in node.log())


# ---- the port

def test_the_port_is_off_unless_named_and_needs_a_token(world):
    node = world.node(HOME, "home").init().start()
    assert not os.path.exists(os.path.join(node.dir, "api.listen"))
    node.stop()
    port_on(node)
    node.start()
    nobody = Department(node, None)
    for method, path in (("GET", "/"), ("POST", "/tongban.v1.NodeService/Status"), ("GET", "/events"),
                         ("PUT", "/material")):
        connection, reply = nobody.open(method, path)
        assert reply.status == 401 and reply.getheader("WWW-Authenticate").startswith("Bearer"), (path, reply.status)
        assert json.loads(reply.read())["code"] == "unauthenticated"
        connection.close()
    wrong = Department(node, "tb_" + "A" * 43)
    refused("unauthenticated", wrong.api, "NodeService/Status")


def certificate(world, days="30"):
    names = [os.path.join(world.dir, "api.pem"), os.path.join(world.dir, "api.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", days, "-out", names[0], "-keyout",
                    names[1]], check=True, capture_output=True)
    os.chmod(names[1], 0o600)
    return names


def test_another_address_needs_tls(world):
    node = world.node(HOME, "home").init()
    port_on(node, "0.0.0.0:0")
    node.start(wait=False)
    assert node.process.wait(20) != 0
    said = node.logged("node.start_failed")[-1]["text"]
    assert "node.yaml" in said and "without api.tls" in said, said


def test_the_port_speaks_tls_when_told_to(world):
    node = world.node(HOME, "home").init()
    names = certificate(world)
    port_on(node, "127.0.0.1:0", names)
    node.start()
    reader = department(node, "archive", "--role", "read-only", context=ssl.create_default_context(cafile=names[0]))
    assert reader.api("NodeService/Status")["region"] == HOME
    assert reader.events()["next"]
    stream = Stream(reader, "/events")
    node.load_catalogue()
    stream.wait(lambda e: e["kind"] == "EVENT_CATALOGUE", "an event through TLS")
    stream.close()
    plain = Department(node, reader.token)
    try:
        status, _ = plain.http("GET", "/")
        assert status >= 400
    except (OSError, http.client.HTTPException):
        pass  # no HTTP there
    # A key that others may read is refused, as the node's own are.
    node.stop()
    os.chmod(names[1], 0o644)
    node.start(wait=False)
    assert node.process.wait(20) != 0
    assert "chmod" in node.logged("node.start_failed")[-1]["text"]


# ---- events

def test_a_system_hears_of_cases_notices_and_deadlines_without_asking(world):
    window, home = pair_with_ports(world)
    bureau = department(home, "judicial-bureau", "--role", "review,window")
    hall = department(window, "hall-3", "--role", "window")
    stream = Stream(bureau, "/events?after=now")
    ends = Stream(hall, "/events")
    submitted = hall.api("CaseService/Submit", {
        "application": application(scan(hall.upload(os.urandom(1000)))), "actor": {"role": "R_WIN", "id": "w1"},
        "forward": True})
    number = submitted["number"]
    came = stream.wait(lambda e: e.get("event") == "SIGN" and e["caseNumber"] == number, "the new case")
    assert came["state"] == "SIGNED_FOR" and came["item"] == ITEM, came
    assert any(c["clock"] == "T1_NOTIFY" and c.get("running") for c in came["clocks"]), came
    bureau.api("CaseService/Act", {"number": number, "event": "NOTIFY", "actor": {"role": "H_WIN", "id": "a1"},
                                   "detail": {"needs": [{"code": "M2", "name": "驾驶证"}], "reason": "缺件"}})
    ends.wait(lambda e: e.get("event") == "NOTIFY" and e["caseNumber"] == number, "the notice at the window")
    assert "王伟" not in json.dumps(stream.events + ends.events, ensure_ascii=False)
    # Cut off, and again from where it stopped: nothing twice, nothing lost.
    last = stream.events[-1]["cursor"]
    stream.close()
    hall.api("CaseService/Act", {"number": number, "event": "SUPPLEMENT", "actor": {"role": "R_WIN", "id": "w1"},
                                 "detail": {"materials": [scan(hall.upload(os.urandom(999)), "M2")]}})
    again = Stream(bureau, "/events?after=0", **{"Last-Event-ID": last})
    again.wait(lambda e: e.get("event") == "SUPPLEMENT", "what happened meanwhile")
    assert all(int(e["cursor"]) > int(last) for e in again.events)
    again.close()
    ends.close()


def test_long_polling_by_the_same_cursor_survives_a_restart(world):
    node = world.node(HOME, "home").init()
    port_on(node)
    node.start()
    reader = department(node, "archive", "--role", "read-only")
    first = reader.events()
    assert reader.events(first["next"], 1) == {"events": [], "next": first["next"]}
    got = []
    waiting = threading.Thread(target=lambda: got.append(reader.events(first["next"], 60)), daemon=True)
    waiting.start()
    node.load_catalogue()
    waiting.join(30)
    assert [e["kind"] for e in got[0]["events"]] == ["EVENT_CATALOGUE"], got
    node.kill()
    node.start()
    reader = Department(node, reader.token)
    assert reader.events(first["next"])["events"] == got[0]["events"]
    # A cursor from elsewhere is refused, not waited for.
    status, body = reader.http("GET", "/events?after=99999999&wait=60")
    assert status == 404 and b"not_found" in body


def test_a_node_stops_at_once_with_readers_waiting(world):
    node = world.node(HOME, "home").init()
    port_on(node)
    node.start()
    reader = department(node, "archive", "--role", "read-only")
    stream = Stream(reader, "/events")
    connection = reader.connect()
    connection.request("GET", "/events?after=now&wait=60", headers={"Authorization": "Bearer " + reader.token})
    node.load_catalogue()
    stream.wait(lambda e: e["kind"] == "EVENT_CATALOGUE", "an event")
    assert node.stop(9) == 0  # draining alone would take 10 s
    assert connection.getresponse().status in (200, 503)
    connection.close()
    wait_for(lambda: stream.ended, 10, "the stream to end")


def test_a_revoked_token_loses_its_stream(world):
    node = world.node(HOME, "home").init()
    port_on(node)
    node.start()
    reader = department(node, "archive", "--role", "read-only")
    stream = Stream(reader, "/events")
    node.do("token", "revoke", "archive")
    wait_for(lambda: stream.ended, 30, "the stream to end")


# ---- the contract's description

def description(world):
    node = world.node(HOME, "home")
    run = subprocess.run([harness.options.tongban, "openapi"], capture_output=True, text=True, check=True)
    return node, run.stdout, json.loads(run.stdout)


def references(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def fits(value, schema, schemas, path="$"):
    """|value| is as |schema| says; what the schemas of this contract use, no more."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    kind = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}[schema["type"]]
    assert isinstance(value, kind), f"{path}: {value!r} is no {schema['type']}"
    if kind is dict:
        for key, inner in value.items():
            assert key in schema["properties"], f"{path}.{key} is in no schema"
            fits(inner, schema["properties"][key], schemas, f"{path}.{key}")
    elif kind is list:
        for i, inner in enumerate(value):
            fits(inner, schema["items"], schemas, f"{path}[{i}]")
    elif kind is str:
        assert value in schema.get("enum", [value]), f"{path}: {value}"
        assert re.search(schema.get("pattern", ""), value), f"{path}: {value}"


def test_the_description_names_every_method_and_nothing_that_is_not_there(world):
    _, text, doc = description(world)
    proto = ""
    for name in ("node", "departments"):
        with open(os.path.join(ROOT, "proto", "tongban", "v1", name + ".proto"), encoding="utf-8") as file:
            proto += file.read()
    paths = set()
    for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", proto, re.M | re.S):
        for method in re.findall(r"^  rpc (\w+)\(", body, re.M):
            paths.add(f"/tongban.v1.{service}/{method}")
    assert len(paths) > 30
    assert set(doc["paths"]) == paths | {"/material", "/material/{root}", "/events", "/metrics"}
    assert doc["openapi"] == "3.1.0"
    for ref in references(doc):
        at = doc
        for part in ref.removeprefix("#/").split("/"):
            at = at[part]
    ids = [operation["operationId"] for path in doc["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    used = {ref.rpartition("/")[2] for ref in references(doc)}
    assert not set(doc["components"]["schemas"]) - used
    with open(os.path.join(ROOT, "docs", "openapi.json"), encoding="utf-8") as file:
        assert file.read() == text, "docs/openapi.json is old: tongban openapi > docs/openapi.json"


def test_replies_are_as_the_description_says(world):
    window, home = world.pair()
    _, _, doc = description(world)
    schemas = doc["components"]["schemas"]
    number = window.api("CaseService/Submit", {
        "application": application(scan(window.upload(os.urandom(1000)))), "actor": {"role": "R_WIN", "id": "w1"},
        "forward": True})["number"]
    in_state(home, number, "SIGNED_FOR")
    for method, message in (
            ("NodeService/Status", {}), ("CaseService/Get", {"number": number}), ("CaseService/List", {}),
            ("CatalogueService/List", {}), ("EventService/List", {}), ("AuditService/List", {}),
            ("AuditService/Checkpoint", {}), ("MaterialService/List", {}), ("TokenService/List", {})):
        operation = doc["paths"]["/tongban.v1." + method]["post"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        reply = home.api(method, message)
        assert reply or method.startswith("Token"), method
        fits(reply, schema, schemas, method)
    status, _, body = home.http("GET", "/events?wait=0")
    assert status == 200
    fits(json.loads(body), {"$ref": "EventListResponse"}, schemas)
    status, _, body = home.http("GET", "/events?wait=x")
    fits(json.loads(body), {"$ref": "Error"}, schemas)


def test_the_examples_of_the_page_are_right(world):
    node = world.node(HOME, "home").init()
    port_on(node)
    node.start()
    node.load_catalogue(harness.CATALOGUE.replace("modes: [DS]", "modes: [QC]"))
    with open(os.path.join(ROOT, "docs", "departments.md"), encoding="utf-8") as file:
        page = file.read()
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.M | re.S)
    assert len(blocks) > 8
    script = "set -euo pipefail\n" + "\n".join(blocks).replace("/var/lib/tongban", node.dir)
    # The last command of a stream is cut off on purpose.
    script = script.replace("| head -n 4", "| head -n 4 || true")
    bin_dir = os.path.dirname(harness.options.tongban)
    run = subprocess.run(["bash", "-c", script], cwd=world.dir, capture_output=True, text=True, timeout=100, check=False,
                         env={**os.environ, "PATH": bin_dir + ":" + os.environ["PATH"]})
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    for said in ("judicial-bureau", '"region":"320400"', '"state":"GRANTED"', '"via":"portal"', "EVENT_CASE", "retry: ",
                 '{"events":[],"next":"', "permission_denied", "refused"):
        assert said in run.stdout, f"{said}: {run.stdout}\n{run.stderr}"


harness.main(globals())
