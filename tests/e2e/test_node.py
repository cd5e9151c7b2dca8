"""A node as its operator and its programs meet it: init, start, stop, permissions, peers, the local API, and what can be read
on the disk."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import harness
from harness import (HOME, THIRD, TYPE, WINDOW, Refused, application, credential,
                     in_state, person, quiet, refused, scan, wait_for)


def query(number="N1", **over):
    made = {"type": TYPE, "number": number, "purpose": "核验", "basis": "条例", "disclosure": "STATUS"}
    made.update(over)
    return made


def ask(window, *queries):
    return window.api("CredentialService/Verify", {"region": HOME, "queries": list(queries)})["outcomes"]


# ---- init and start

def test_init_refuses_an_unknown_region_and_suggests_one(world):
    node = world.node("32040")
    said = node.refuses("init", "--region", "32040")
    assert "320400" in said and "常州" in said and "invalid_argument" in said, said
    assert not os.path.exists(node.dir)
    assert "320400" in node.refuses("init", "--region", "3204001")
    node.refuses("init", "--region", "../../x")


def test_init_refuses_a_directory_that_holds_something_and_changes_nothing_in_it(world):
    node = world.node(HOME)
    os.mkdir(node.dir)
    with open(os.path.join(node.dir, "mine"), "w", encoding="utf-8") as mine:
        mine.write("mine")
    assert "already_exists" in node.refuses("init", "--region", HOME)
    assert os.listdir(node.dir) == ["mine"]
    os.remove(os.path.join(node.dir, "mine"))
    node.init()
    assert "already_exists" in node.refuses("init", "--region", HOME)


def test_exit_statuses_tell_done_refused_usage_and_unreachable(world):
    node = world.node(HOME).init()
    assert node.cli("status").status == 3
    assert "unavailable" in node.refuses("case", "show", "1", status=3)
    node.start()
    assert node.cli("status").status == 0
    assert "not_found" in node.refuses("case", "show", "62010020260101000000110")
    for wrong in (["nonsense"], ["case", "show"], ["status", "--nonsense"], ["case", "list", "--limit", "x"], []):
        run = node.cli(*wrong) if wrong else node.cli("credential", "verify")
        assert run.status == 2 and run.err, f"{wrong}: {run}"
    for words in ([], ["case"], ["case", "show"]):
        run = subprocess.run([harness.options.tongban, "help", *words, "--lang", "zh"], capture_output=True, text=True, check=False)
        assert run.returncode == 0 and "办件" in run.stdout, f"help {words}: {run}"
    assert node.stop() == 0
    assert node.cli("status").status == 3


def test_a_second_start_is_refused_and_the_first_goes_on(world):
    node = world.node(HOME).init().start()
    second = subprocess.run([harness.options.tongban, "run", "--dir", node.dir], capture_output=True, text=True, timeout=30,
                            check=False)
    assert second.returncode == 1 and "running in this directory already" in second.stderr, second
    node.status()
    node.kill()
    node.start()


def test_a_busy_port_is_named(world):
    node = world.node(HOME).init()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", node.port))
        taken.listen()
        run = subprocess.run([harness.options.tongban, "run", "--dir", node.dir], capture_output=True, text=True,
                             timeout=30, check=False)
    assert run.returncode == 1 and str(node.port) in run.stderr, run
    node.start()


def test_loose_permissions_of_keys_are_refused_with_the_command_that_mends_them(world):
    node = world.node(HOME).init()
    for name in ("node.key", "message.key", "seal.key", "vault.key", "."):
        path = os.path.normpath(os.path.join(node.dir, "keys", name))
        mode = os.stat(path).st_mode & 0o777
        os.chmod(path, mode | 0o044)
        run = subprocess.run([harness.options.tongban, "run", "--dir", node.dir], capture_output=True, text=True,
                             timeout=30, check=False)
        assert run.returncode == 1 and "TB_EPERMISSIONS" in run.stderr and "chmod" in run.stderr, run
        assert path in run.stderr, run
        os.chmod(path, mode)
    node.start()


def test_another_nodes_store_or_vault_key_is_refused(world):
    a, b = world.node(HOME, "a").init(), world.node(HOME, "b").init()
    for node in (a, b):
        node.start()
        node.load_catalogue()
        assert node.stop() == 0
    shutil.copy(os.path.join(a.dir, "keys", "vault.key"), os.path.join(b.dir, "keys", "vault.key"))
    b.start(wait=False)
    assert b.process.wait(30) == 1
    assert "vault key" in b.log_tail()


# ---- stopping and reloading

def test_sigterm_lets_what_has_begun_end_and_refuses_what_begins(world):
    node = world.node(HOME).init().start()
    lines = [json.dumps(credential(f"D{i}", holders=[{"codeType": "111", "code": person(i), "name": "张三"}]),
                        ensure_ascii=False) for i in range(8000)]
    replies = []

    def run_import():
        replies.append(node.api("CredentialService/Import", {"importId": "drain", "format": "JSONL", "lines": lines,
                                                             "firstLine": "1", "endOffset": "1"}, timeout=60))
    importing = threading.Thread(target=run_import)
    importing.start()
    wait_for(lambda: importing.is_alive(), 5, "the import to begin")
    time.sleep(0.1)  # let it reach the node; if it has not, it is refused below
    node.process.send_signal(signal.SIGTERM)
    status = node.process.wait(30)
    importing.join(30)
    assert status == 0 and node.logged("node.drained"), node.log_tail()
    node.start()
    stored = int(node.status().get("credentials", 0))
    assert stored == (replies[0]["added"] if replies else 0), f"{stored} stored, answer {replies}"
    assert stored in (0, 8000)


def test_sigterm_ends_an_idle_node_with_peers_and_open_connections(world):
    window, home = world.pair()
    idle = home.connect()
    idle.request("POST", "/tongban.v1.NodeService/Status", b"{}", {"Content-Type": "application/json"})
    assert idle.getresponse().read()
    ask(window, query())
    began = time.monotonic()
    assert home.stop() == 0 and window.stop() == 0
    assert time.monotonic() - began < 15
    assert not os.path.exists(home.socket_path())


def test_reload_adds_changes_and_removes_a_peer_without_a_restart(world):
    window = world.node(WINDOW, "window").init()
    home = world.node(HOME, "home").init()
    window.import_peer(home)
    window.grant(home)
    home.start()
    home.load_catalogue()
    window.start()
    home.import_lines([credential("N1")])
    turns = home.process.pid
    # Unknown: not even the handshake.
    run = window.cli("credential", "verify", "--region", HOME, "--type", TYPE, "--number", "N1", "--purpose", "p",
                     "--basis", "b", "--disclosure", "status")
    assert run.status == 3 and "unavailable" in run.err, run
    # Added, without grants; then with some, by the signal this time.
    home.import_peer(window)
    wait_for(lambda: ask(window, query())[0]["answer"]["result"] == "NOT_GRANTED", 30, "the peer to be added")
    home.grant(window, verify="status", items=(), reload=False)
    home.process.send_signal(signal.SIGHUP)
    wait_for(lambda: ask(window, query())[0]["answer"]["result"] == "CONFIRMED", 30, "the grant to be seen")
    assert ask(window, query(disclosure="DOCUMENT"))[0]["answer"]["result"] == "NOT_GRANTED"
    home.grant(window, verify="document")
    assert ask(window, query(disclosure="DOCUMENT"))[0]["answer"]["result"] == "CONFIRMED"
    assert "DOCUMENT" in home.do("peer", "show", WINDOW)["grants"][0]
    # Removed: refused on the connection that is open, and a new one does not come about.
    handshakes = len(home.logged("link.refused"))
    home.do("peer", "remove", WINDOW)
    try:
        raise AssertionError(f"answered: {ask(window, query())}")
    except Refused as e:
        assert e.code in ("permission_denied", "unauthenticated") and HOME in e.message, e
    assert len(home.logged("link.refused")) == handshakes, "it was refused at a new handshake, not on the open connection"
    assert not home.do("peer", "list").get("peers")
    window.restart()
    refused("unavailable", ask, window, query())
    # And back again.
    home.import_peer(window)
    home.grant(window)
    wait_for(lambda: ask(window, query())[0]["answer"]["result"] == "CONFIRMED", 60, "the peer to be back")
    assert home.process.pid == turns and home.starts == 1


def test_an_error_in_a_peer_file_names_file_line_and_field_and_keeps_the_old_peers(world):
    window, home = world.pair()
    home.import_lines([credential("N1")])
    good = open(home.peer_file(window), encoding="utf-8").read()
    mistakes = [
        (good.replace("disclosure: document", "disclosure: everything"), ["disclosure", "everything", ":7:"]),
        (good.replace("modes:", "moods:"), ["moods", ":10:"]),
        (good + "queries_per_second: many\n", ["queries_per_second"]),
        (good.replace('region: "620100"', 'region: "620101"'), ["region", "620101", ":1:"]),
        (good + "\t: [\n", [":10"]),
        ("", [WINDOW + ".yaml"]),
    ]
    for text, expected in mistakes:
        with open(home.peer_file(window), "w", encoding="utf-8") as out:
            out.write(text)
        said = home.refuses("peer", "reload")
        for part in [WINDOW + ".yaml", *expected]:
            assert part in said, f"{part} in {said!r} of {text!r}"
        home.process.send_signal(signal.SIGHUP)
        assert ask(window, query(disclosure="DOCUMENT"))[0]["answer"]["result"] == "CONFIRMED"
    wait_for(lambda: home.logged("node.reload_failed"), 10, "the log to say so")
    with open(home.peer_file(window), "w", encoding="utf-8") as out:
        out.write(good)
    home.do("peer", "reload")
    # At a start the same mistake is told in the same words.
    with open(home.peer_file(window), "w", encoding="utf-8") as out:
        out.write(mistakes[0][0])
    assert home.stop() == 0
    home.start(wait=False)
    assert home.process.wait(30) == 1 and "disclosure" in home.log_tail()


def test_a_peer_file_of_another_hand_is_refused(world):
    home, window, other = world.node(HOME, "home").init(), world.node(WINDOW, "window").init(), world.node(WINDOW, "w2").init()
    home.import_peer(window)
    path = os.path.join(world.dir, "other.peer")
    other.do("peer", "export", "--out", path)
    assert "already_exists" in home.refuses("peer", "import", path)
    text = open(path, encoding="utf-8").read()
    for wrong in (text.replace(WINDOW, THIRD), text[: len(text) // 2], "", "\0" * 100, text.replace("MII", "MIA", 1)):
        said = home.refuses("peer", "import", home.file("wrong.peer", wrong))
        assert said.strip(), "no reason"
    assert sorted(os.listdir(os.path.join(home.dir, "peers"))) == [WINDOW + ".pem", WINDOW + ".yaml"]
    home.do("peer", "import", path, "--force")


# ---- the local API

def test_the_api_answers_every_mistake_with_a_connect_error(world):
    node = world.node(HOME).init().start()
    json_type = {"Content-Type": "application/json"}
    path = "/tongban.v1.CaseService/Get"

    def error(method, where, body, headers=None):
        status, head, reply = node.http(method, where, body, headers or json_type)
        assert head["Content-Type"].startswith("application/json"), head
        reply = json.loads(reply)
        assert set(reply) <= {"code", "message", "reason", "values", "where"} and reply["message"], reply
        return status, reply["code"], reply["message"], head
    status, code, _, head = error("GET", path, None)
    assert status == 405 and head["Allow"] == "POST", (status, code, head)
    assert error("DELETE", "/material/" + "0" * 64, None)[0] in (404, 405)
    assert error("POST", "/tongban.v1.CaseService/Nonsense", b"{}")[:2] == (404, "unimplemented")
    assert error("POST", "/tongban.v1.Nonsense/Get", b"{}")[1] == "unimplemented"
    assert error("POST", "/", b"{}")[1] in ("unimplemented", "not_found")
    for body, part in [(b'{"nonsense":1}', "nonsense"), (b'{"number":1}', "number"), (b"{", ""), (b"[]", ""), (b"\xff", ""),
                       (b'{"number":"a\\u0000b"}', "NUL"), (b'{"number":"x","number":"y"}', "number"),
                       (b'{"number":"' + b"x" * 5000 + b'"}', "number"), (b"[" * 10000, ""), (b'{"a":' * 5000, "")]:
        status, code, message, _ = error("POST", path, body)
        assert (status, code) == (400, "invalid_argument") and part in message, (body[:40], status, code, message)
    assert error("POST", path, b'{"number":"1"}')[:2] == (404, "not_found")
    assert error("POST", path, b"{}")[:2] == (400, "invalid_argument")
    status, code, message, _ = error("POST", path, b'{"number":"' + b"x" * (16 << 20) + b'"}')
    assert (status, code) == (413, "invalid_argument") and "body" in message, (status, code, message)
    nested = b'{"actor":{"role":"NOBODY"}}'
    assert "actor.role" in error("POST", "/tongban.v1.CaseService/Act", nested)[2]
    # A body in chunks, and an empty one.
    connection = node.connect()
    connection.request("POST", "/tongban.v1.NodeService/Status", iter([b"{", b"}"]), json_type, encode_chunked=True)
    assert connection.getresponse().status == 200
    assert node.http("POST", "/tongban.v1.NodeService/Status", b"", json_type)[0] == 200
    node.status()


def test_one_connection_serves_many_calls_and_mistakes_do_not_end_it(world):
    node = world.node(HOME).init().start()
    connection = node.connect()
    connection.connect()
    sock = connection.sock
    for i in range(200):
        body = b"{}" if i % 3 else b"{nonsense"
        connection.request("POST", "/tongban.v1.NodeService/Status", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        reply.read()
        assert reply.status == (200 if i % 3 else 400)
        assert connection.sock is sock, f"closed after {i} calls"


def test_clients_that_break_off_harm_nobody(world):
    node = world.node(HOME).init().start()
    pieces = [b"", b"P", b"POST /tongban.v1.NodeService/Status HTTP/1.1\r\n",
              b"POST /tongban.v1.NodeService/Status HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
              b"PUT /material HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 300000,
              b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 5000]
    for _ in range(20):
        for piece in pieces:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(5)
                client.connect(node.socket_path())
                try:
                    client.sendall(piece)
                except OSError:
                    pass
    node.status()
    partial = os.path.join(node.dir, "blobs", "partial")
    wait_for(lambda: not os.listdir(partial), 10, "broken uploads to be dropped")
    assert node.stop() == 0


def test_curl_works_as_the_manual_says(world):
    if not shutil.which("curl"):
        return
    node = world.node(HOME).init().start()
    run = subprocess.run(["curl", "-sS", "--unix-socket", node.socket_path(), "-H", "Content-Type: application/json", "-d",
                          "{}", "http://localhost/tongban.v1.NodeService/Status"], capture_output=True, text=True,
                         timeout=30, check=True)
    assert json.loads(run.stdout)["region"] == HOME


def test_a_material_comes_back_byte_for_byte_and_an_unknown_one_is_not_found(world):
    node = world.node(HOME).init().start()
    data = os.urandom(5 * 256 * 1024 + 3)
    view = node.upload(data)
    assert int(view["size"]) == len(data) and view["complete"]
    assert node.upload(data)["root"] == view["root"]
    root = node.do("material", "list")["materials"][0]["root"]
    import base64
    hexed = base64.b64decode(root).hex()
    status, _, body = node.http("GET", "/material/" + hexed)
    assert status == 200 and body == data
    for name in ("0" * 64, "0", "../../node.yaml", hexed.upper() + "x", "%2e%2e%2fnode.yaml"):
        status, _, body = node.http("GET", "/material/" + name)
        assert status in (400, 404), (name, status)
    status, _, body = node.http("PUT", "/material", b"")
    assert status == 400 and json.loads(body)["code"] == "invalid_argument"


# ---- what can be read on the disk

def test_no_personal_data_is_in_clear_in_logs_store_or_blobs(world):
    window, home = world.pair()
    code = person(4711)
    wrong = code[:-1] + ("1" if code[-1] == "0" else "0")
    planted = [code, wrong, "欧阳慕容雪", "13912345678", "秘密证照号7731", "兰州市城关区不公开路42号", "扫描件里的秘密文字", "经办人万俟"]
    name, phone, number, address, content, officer = planted[2:]
    holder = {"codeType": "111", "code": code, "name": name}
    home.import_lines([credential(number, holders=[holder])])
    bad = home.file("bad.jsonl", json.dumps(credential("bad", holders=[{**holder, "code": wrong}])) + "\n")
    assert wrong not in home.refuses("credential", "import", bad)
    ask(window, query(number, holder=holder, disclosure="DOCUMENT"), query(number, holder={**holder, "name": officer}))
    material = window.upload((content * 1000).encode())
    view = window.api("CaseService/Submit", {
        "application": application(scan(material, name=name + ".pdf"), address=address,
                                   applicant={**holder, "phone": phone}),
        "actor": {"role": "R_WIN", "id": "w1", "name": officer}, "forward": True})
    in_state(home, view["number"], "SIGNED_FOR")
    for event, role in (("ACCEPT", "H_WIN"), ("START", "H_DEPT"), ("GRANT", "H_DEPT")):
        home.api("CaseService/Act", {"number": view["number"], "event": event,
                                     "actor": {"role": role, "id": "h", "name": officer},
                                     **({"issue": {"typeName": "公证书", "number": number + "x"}} if event == "GRANT" else {})})
    home.do("credential", "revoke", home.do("credential", "find", "--type", TYPE, "--number", number)
            ["credentials"][0]["credential"]["identifier"], "--reason", name)
    quiet(window, home)
    window.refuses("case", "show", code)
    refused("invalid_argument", window.api, "CaseService/Submit",
            {"application": application(applicant={**holder, "code": wrong}), "actor": {"role": "R_WIN", "id": "w"}})
    assert window.stop() == 0 and home.stop() == 0
    looked = 0
    for node in (window, home):
        paths = [node.log_path]
        for top in ("store", "blobs"):
            paths += [os.path.join(d, f) for d, _, files in os.walk(os.path.join(node.dir, top)) for f in files]
        for path in paths:
            with open(path, "rb") as file:
                data = file.read()
            looked += len(data)
            for value in planted:
                for encoding in ("utf-8", "gbk", "utf-16-le"):
                    assert value.encode(encoding) not in data, f"{value} stands in {path}"
    assert looked > 200_000, f"only {looked} bytes were looked at"


harness.main(globals())
