"""Certificates: coming in from files, changing state, and being verified from another region."""

import csv
import datetime
import io
import json
import os
import subprocess
import threading
import time

import harness
from harness import (CITIZEN, DEPARTMENT, HOME, OTHER_TYPE, THIRD, TYPE, WINDOW, Refused, Unreachable, credential, person,
                     refused, wait_for)

COLUMNS = ["type", "number", "name", "holder_code_type", "holder_code", "holder_name", "issuer", "issued_on", "valid_until"]


def jsonl(lines):
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def holder(i, name="张三"):
    return {"codeType": "111", "code": person(i), "name": name}


def many(count, prefix="M"):
    return [credential(f"{prefix}{i}", holders=[holder(i)]) for i in range(count)]


def as_csv(lines, columns=COLUMNS):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for line in lines:
        first = line["holders"][0]
        row = {**line, "holder_code_type": first["codeType"], "holder_code": first["code"], "holder_name": first["name"],
               "issued_on": line["issuedOn"], "valid_until": line["validUntil"]}
        writer.writerow([row[name] for name in COLUMNS])
    return out.getvalue()


def count(node):
    return int(node.status().get("credentials", 0))


def audit_size(node):
    return int(node.status().get("auditSize", 0))


def find(node, **by):
    return node.api("CredentialService/Find", by).get("credentials", [])


def verify(window, *queries, region=HOME):
    asked = [{"type": TYPE, "purpose": "核验", "basis": "条例", "disclosure": "STATUS", **query} for query in queries]
    return [outcome["answer"] for outcome in
            window.api("CredentialService/Verify", {"region": region, "queries": asked})["outcomes"]]


# ---- import

def test_jsonl_and_csv_with_mark_and_quotes_and_chinese_columns_are_imported(world):
    node = world.node(HOME).init().start()
    assert node.import_lines(many(30))["added"] == "30"
    text = as_csv([credential('C"1', name='公证书,"甲"', holders=[holder(1)]), credential("C2")])
    done = node.do("credential", "import", node.file("a.csv", b"\xef\xbb\xbf" + text.encode()))
    assert (done["added"], done["lines"]) == ("2", "2"), done
    assert find(node, type=TYPE, number='C"1')[0]["credential"]["name"] == '公证书,"甲"'
    chinese = ["证照类型代码", "证照编号", "证照名称", "持证主体代码类型", "持证主体代码", "持证主体", "证照颁发机构代码",
               "证照颁发日期", "有效期截止"]
    done = node.do("credential", "import", node.file("b.csv", as_csv([credential("Z1", validUntil="长期")], chinese)))
    assert done["added"] == "1"
    assert not find(node, type=TYPE, number="Z1")[0]["credential"].get("validUntil")
    assert node.do("credential", "import", node.file("c.jsonl", "﻿" + jsonl(many(1, "B"))))["added"] == "1"
    assert count(node) == 34


def test_a_bad_line_is_named_with_number_and_reason_and_its_neighbours_come_in(world):
    node = world.node(HOME).init().start()
    good = many(6)
    bad = [
        ('{"type":', ""),
        (json.dumps(credential("X1", holders=[{"codeType": "111", "code": CITIZEN[:-1] + "0"}])), "holders[0].code"),
        (json.dumps(credential("X2", issuedOn="2024-02-30")), "issued_on"),
        (json.dumps({**credential("X3"), "nonsense": 1}), "nonsense"),
        (json.dumps(credential("X4", type="TYPE")), "type"),
        (json.dumps(credential("")), "number"),
        ('{"type":"' + "x" * 70000 + '"}', ""),
        ("\t\x01", ""),
    ]
    lines, expected = [], {}
    for i, (text, reason) in enumerate(bad):
        lines.append(json.dumps(good[i % 6], ensure_ascii=False))
        lines.append(text)
        expected[len(lines)] = reason
    run = node.cli("credential", "import", node.file("bad.jsonl", "\n".join(lines) + "\n"))
    assert run.status == 1, run
    done = json.loads(run.out)
    assert done["added"] == "6" and int(done["refused"]) == len(bad), run
    said = {int(line.split(":")[0].split()[-1]): line for line in run.err.splitlines() if line.startswith("line ")}
    assert set(said) == set(expected), run
    for number, reason in expected.items():
        assert reason in said[number], f"{reason} in {said[number]}"
    assert CITIZEN[:-1] + "0" not in run.err
    assert count(node) == 6


def test_text_in_gbk_is_refused_line_by_line_and_named(world):
    node = world.node(HOME).init().start()
    text = as_csv([credential("G1", name="公证书"), credential("G2", name="plain", holders=[holder(2, "plain")])])
    run = node.cli("credential", "import", node.file("gbk.csv", text.encode("gbk")))
    assert run.status == 1 and "line 2" in run.err and "UTF-8" in run.err, run
    assert json.loads(run.out)["added"] == "1" and count(node) == 1


def test_on_error_stop_changes_nothing(world):
    node = world.node(HOME).init().start()
    lines = many(50)
    lines[25] = credential("", holders=[holder(25)])
    path = node.file("stop.jsonl", jsonl(lines))
    audit = audit_size(node)
    said = node.refuses("credential", "import", path, "--on-error", "stop")
    assert "line 26" in said and "number" in said, said
    assert count(node) == 0 and audit_size(node) == audit
    # Nor if the line clashes with what is stored, or with another line of the same file.
    node.import_lines([lines[0]])
    clash = [*many(3, "S"), {**lines[0], "holders": [holder(77)]}]
    said = node.refuses("credential", "import", node.file("clash.jsonl", jsonl(clash)), "--on-error", "stop")
    assert "line 4" in said, said
    assert count(node) == 1
    twice = [*many(3, "T"), credential("T0", holders=[holder(99)])]
    said = node.refuses("credential", "import", node.file("twice.jsonl", jsonl(twice)), "--on-error", "stop")
    assert "line 4" in said, said
    assert count(node) == 1, "lines before the bad one came in"


def test_importing_again_changes_nothing(world):
    node = world.node(HOME).init().start()
    lines = many(300)
    node.import_lines(lines, "first.jsonl")
    audit = audit_size(node)
    again = node.cli("credential", "import", os.path.join(world.dir, f"{node.name}-first.jsonl"))
    assert again.status == 0, again
    # The same certificates in another file, in another order.
    done = node.import_lines(list(reversed(lines)), "second.jsonl")
    assert done["unchanged"] == "300" and int(done.get("added", 0)) == 0, done
    assert count(node) == 300 and audit_size(node) == audit
    run = node.cli("credential", "import", node.file("other.jsonl", jsonl([{**lines[0], "name": "另一个"}])))
    assert run.status == 1 and "other content" in run.err, run
    assert count(node) == 300


def test_an_import_goes_on_after_the_node_was_killed_in_the_middle(world):
    node = world.node(HOME).init().start()
    total = 12000
    path = node.file("large.jsonl", jsonl(many(total)))
    importing = subprocess.Popen([harness.options.tongban, "credential", "import", path, "--dir", node.dir, "--batch", "250",
                                  "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    kills = 0
    while importing.poll() is None and kills < 4:
        reached = (kills + 1) * total // 6
        wait_for(lambda: importing.poll() is not None or count(node) >= reached, 60, "the import to come on")
        node.kill()
        kills += 1
        node.start()
    importing.communicate(timeout=120)
    while True:  # the command gives up after some attempts; the operator calls it again
        run = node.cli("credential", "import", path, "--batch", "250")
        if run.status != 3:
            break
    assert run.status == 0, run
    assert kills >= 2 and count(node) == total
    sample = range(0, total, 997)
    assert all(len(find(node, type=TYPE, number=f"M{i}")) == 1 for i in sample)
    assert node.do("audit", "verify")["intact"]


# ---- find, and states

def test_certificates_are_found_by_identifier_number_and_each_holder(world):
    node = world.node(HOME).init().start()
    both = [holder(1, "张三"), holder(2, "李四")]
    node.import_lines([credential("F1", holders=both), credential("F2", holders=both[:1]), credential("F3", holders=[holder(3)])])
    identifier = find(node, type=TYPE, number="F1")[0]["credential"]["identifier"]
    assert identifier.startswith("1.2.156.3005.2." + TYPE)
    shown = node.do("credential", "show", identifier)
    assert shown["credential"]["number"] == "F1" and shown["sealValid"] and shown["state"] == "VALID"
    numbers = lambda i: sorted(c["credential"]["number"] for c in find(node, holder={"codeType": "111", "code": person(i)}))
    assert numbers(1) == ["F1", "F2"] and numbers(2) == ["F1"] and numbers(3) == ["F3"] and numbers(4) == []
    assert node.do("credential", "find", "--holder", person(2).lower())["credentials"]
    assert node.cli("credential", "find", "--holder", person(9)).status in (0, 1)
    assert "not_found" in node.refuses("credential", "show", identifier[:-1] + ("A" if identifier[-1] != "A" else "B"))


def test_states_change_as_they_may_and_not_otherwise(world):
    node = world.node(HOME).init().start()
    node.import_lines(many(6))
    ids = [find(node, type=TYPE, number=f"M{i}")[0]["credential"]["identifier"] for i in range(6)]
    state = lambda i: node.do("credential", "show", ids[i])["state"]
    change = lambda verb, i, *more: node.do("credential", verb, ids[i], "--reason", "依申请", *more)
    change("suspend", 0)
    assert state(0) == "SUSPENDED"
    change("resume", 0)
    assert state(0) == "VALID"
    change("revoke", 1)
    change("cancel", 2)
    change("supersede", 3, "--by", ids[4])
    change("suspend", 5)
    change("revoke", 5)
    assert [state(i) for i in range(6)] == ["VALID", "REVOKED", "CANCELLED", "SUPERSEDED", "VALID", "REVOKED"]
    assert node.do("credential", "show", ids[3])["supersededBy"] == ids[4]
    audit = audit_size(node)
    for verb in ("revoke", "cancel", "suspend", "resume"):
        for i in (1, 2, 3, 5):
            assert "failed_precondition" in node.refuses("credential", verb, ids[i], "--reason", "x")
    assert "failed_precondition" in node.refuses("credential", "resume", ids[0], "--reason", "x")
    assert node.cli("credential", "revoke", ids[0]).status in (1, 2)
    assert node.cli("credential", "supersede", ids[0], "--reason", "x").status in (1, 2)
    for name in ("EXPIRED", "NOT_YET_VALID", "CREDENTIAL_STATE_UNSPECIFIED", "VALID"):
        refused("failed_precondition", node.api, "CredentialService/SetState",
                {"identifier": ids[0], "state": name, "reason": "x"})
    assert state(0) == "VALID" and audit_size(node) == audit
    node.kill()
    node.start()
    assert state(1) == "REVOKED" and node.do("credential", "show", ids[1])["sealValid"]


def test_whether_a_certificate_has_expired_follows_the_date(world):
    node = world.node(HOME).init().start()
    beijing = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
    if beijing.hour == 23 and beijing.minute > 50:
        time.sleep(15 * 60)  # the day may not change under the test
    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()
    day = lambda delta: (today + datetime.timedelta(days=delta)).isoformat()
    dates = {"E1": (day(-9), day(-1)), "E2": (day(-9), day(0)), "E3": (day(0), day(9)), "E4": (day(1), day(9)), "E5": (day(-9), "")}
    node.import_lines([credential(n, issuedOn=day(-9), validFrom=a, validUntil=b) for n, (a, b) in dates.items()])
    states = {n: find(node, type=TYPE, number=n)[0]["state"] for n in dates}
    assert states == {"E1": "EXPIRED", "E2": "VALID", "E3": "VALID", "E4": "NOT_YET_VALID", "E5": "VALID"}, states
    identifier = find(node, type=TYPE, number="E1")[0]["credential"]["identifier"]
    node.do("credential", "revoke", identifier, "--reason", "x")
    assert node.do("credential", "show", identifier)["state"] == "REVOKED"


# ---- verification

def prepared(world, **grants):
    window, home = world.pair(catalogue=False, **grants)
    home.import_lines([
        credential("V1", attributes=[{"name": "经营范围", "value": "餐饮"}]), credential("V2"),
        credential("V3", validUntil="2024-03-01"), credential("V4", type=OTHER_TYPE),
    ])
    identifier = find(home, type=TYPE, number="V2")[0]["credential"]["identifier"]
    home.do("credential", "revoke", identifier, "--reason", "违法")
    return window, home


def test_a_verification_answers_what_was_asked_and_whether_it_holds(world):
    window, home = prepared(world)
    right = {"codeType": "111", "code": CITIZEN, "name": "王伟"}
    wrong = {**right, "name": "王五"}
    match = lambda name, value: {"match": [{"name": name, "value": value}], "disclosure": "MATCH"}
    answers = verify(
        window, {"number": "V1", "holder": right}, {"number": "V1", "holder": wrong}, {"number": "V2"}, {"number": "V3"},
        {"number": "V9"}, {"number": "V1", **match("holder.name", "王伟")}, {"number": "V1", **match("holder.name", "王")},
        {"number": "V1", **match("经营范围", "餐饮")}, {"number": "V1", **match("nothing", "x")},
        {"holder": {"codeType": "111", "code": CITIZEN}}, {"number": "V1", "disclosure": "DOCUMENT"})
    told = [(a["result"], a.get("state")) for a in answers]
    assert told == [
        ("CONFIRMED", "VALID"), ("MISMATCH", "VALID"), ("CONFIRMED", "REVOKED"), ("CONFIRMED", "EXPIRED"),
        ("NOT_FOUND", None), ("CONFIRMED", "VALID"), ("MISMATCH", "VALID"), ("CONFIRMED", "VALID"), ("MISMATCH", "VALID"),
        ("CONFIRMED", "VALID"), ("CONFIRMED", "VALID")], told
    assert answers[5]["matches"] == [{"name": "holder.name", "equal": True}]
    assert not answers[6]["matches"][0].get("equal")
    outcome = window.api("CredentialService/Verify", {"region": HOME, "queries": [
        {"type": TYPE, "number": "V1", "purpose": "p", "basis": "b", "disclosure": "DOCUMENT"}]})["outcomes"][0]
    assert outcome["document"]["holders"][0]["code"] == CITIZEN and outcome["evidence"].startswith("answer:")
    # The command says the same, and its exit status does not call a revoked one an error.
    run = window.cli("credential", "verify", "--region", HOME, "--type", TYPE, "--number", "V2", "--purpose", "p", "--basis",
                     "b", "--disclosure", "status")
    assert "REVOKED" in run.out and run.status in (0, 1), run


def test_a_peer_is_told_no_more_than_it_is_granted(world):
    window, home = prepared(world, verify="match", types=[TYPE])
    known = find(home, type=OTHER_TYPE, number="V4")[0]["credential"]["identifier"]
    answers = verify(
        window, {"number": "V1"}, {"number": "V1", "disclosure": "DOCUMENT"}, {"number": "V4", "type": OTHER_TYPE},
        {"identifier": known, "type": ""}, {"identifier": known, "type": TYPE},
        {"identifier": known, "type": TYPE, "disclosure": "MATCH", "match": [{"name": "holder.name", "value": "王伟"}]})
    assert [a["result"] for a in answers] == ["CONFIRMED", "NOT_GRANTED", "NOT_GRANTED", "NOT_GRANTED", "NOT_CONFIRMED",
                                              "NOT_CONFIRMED"], answers
    home.grant(window, verify="document", types=[TYPE])
    # To name a granted type beside the identifier of another one opens nothing.
    answer = verify(window, {"identifier": known, "type": TYPE, "disclosure": "DOCUMENT",
                             "match": [{"name": "holder.name", "value": "王伟"}]})[0]
    unknown = verify(window, {"identifier": known[:-1] + "0", "type": TYPE, "disclosure": "DOCUMENT",
                              "match": [{"name": "holder.name", "value": "王伟"}]})[0]
    for one in (answer, unknown):
        del one["atMs"], one["query"]
    assert answer == unknown, f"{answer} and {unknown}"
    home.grant(window, verify=None)
    assert verify(window, {"number": "V1"}, {"number": "V9"}) and all(
        a["result"] == "NOT_GRANTED" for a in verify(window, {"number": "V1"}, {"number": "V9"}))


def test_a_wrong_guess_and_an_unknown_certificate_look_the_same(world):
    window, home = prepared(world, verify="match")
    real = find(home, type=TYPE, number="V1")[0]["credential"]["identifier"]
    name = lambda n: {"codeType": "111", "code": CITIZEN, "name": n}
    match = lambda *pairs: {"disclosure": "MATCH", "match": [{"name": a, "value": b} for a, b in pairs]}
    pairs = [
        ({"number": "V1", "holder": name("王五")}, {"number": "V8", "holder": name("王五")}),
        ({"number": "V1", **match(("holder.name", "王五"), ("name", "公证书"))},
         {"number": "V8", **match(("holder.name", "王五"), ("name", "公证书"))}),
        ({"number": "V2", **match(("holder.name", "王五"))}, {"number": "V8", **match(("holder.name", "王五"))}),
        ({"number": "V3", **match(("nothing", "x"))}, {"number": "V8", **match(("nothing", "x"))}),
        ({"identifier": real, "number": "V8"}, {"identifier": real[:-1] + "?", "number": "V8"}),
        ({"holder": name("王五")}, {"holder": {**name("王五"), "code": person(5)}}),
    ]
    for guess, unknown in pairs:
        both = verify(window, guess, unknown)
        assert both[0].get("query") and both[0]["query"] != both[1]["query"]
        for answer in both:
            del answer["query"], answer["atMs"]
            assert answer["result"] == "NOT_CONFIRMED"
        a, b = (json.dumps(answer, sort_keys=True) for answer in both)
        assert a == b, f"{guess}: {a} and {b}"


def test_the_rate_limit_stops_the_one_that_asks_too_much_and_nobody_else(world):
    window, home = prepared(world, per_second=5, burst=20)
    third = world.node(THIRD, "third").init()
    third.import_peer(home)
    third.grant(home)
    home.import_peer(third)
    home.grant(third)
    third.start()
    results = [a["result"] for a in verify(window, *[{"number": "V1"}] * 100)]
    assert results.count("CONFIRMED") in range(20, 30) and results.count("THROTTLED") == 100 - results.count("CONFIRMED")
    assert results == sorted(results, key=["CONFIRMED", "THROTTLED"].index), "the first are answered"
    wait_for(lambda: verify(third, {"number": "V1"})[0]["result"] == "CONFIRMED", 30, "the third to reach home")
    assert all(a["result"] == "CONFIRMED" for a in verify(third, *[{"number": "V1"}] * 300))
    run = window.cli("credential", "verify", "--region", HOME, "--type", TYPE, "--number", "V1", "--purpose", "p", "--basis", "b",
                     "--disclosure", "status")
    assert "CONFIRMED" in run.out or ("THROTTLED" in run.out and run.status != 0), run
    wait_for(lambda: verify(window, {"number": "V1"})[0]["result"] == "CONFIRMED", 10, "the bucket to fill again")


def test_a_batch_keeps_its_order_and_answers_a_bad_line_in_its_place(world):
    window, home = prepared(world, per_second=100000, burst=100000)
    home.import_lines(many(2500, "B"))
    ask = lambda i: json.dumps({"type": TYPE, "number": f"B{i}", "purpose": "核验", "basis": "条例", "disclosure": "STATUS",
                                "holder": {"codeType": "111", "code": person(i), "name": "张三"}})
    lines = [ask(i) for i in range(2500)]
    lines[7] = "{nonsense"
    lines[1500] = json.dumps({"type": TYPE, "number": "B1500", "basis": "条例", "disclosure": "STATUS"})
    lines[2400] = ask(99999)
    path = window.file("batch.jsonl", "\n".join(lines) + "\n")
    out = os.path.join(world.dir, "out.jsonl")
    run = window.cli("credential", "verify", "--region", HOME, "--batch", path, "--out", out)
    assert run.status == 1, run
    answers = [json.loads(line) for line in open(out, encoding="utf-8")]
    assert len(answers) == 2500
    for i, outcome in enumerate(answers):
        result = outcome.get("answer", {}).get("result")
        if i == 7:
            assert result is None, outcome
        elif i == 1500:
            assert result in (None, "BAD_QUERY") and "purpose" in json.dumps(outcome), outcome
        elif i == 2400:
            assert result == "NOT_FOUND", outcome
        else:
            assert result == "CONFIRMED", (i, outcome)
    run = window.cli("credential", "verify", "--region", HOME, "--batch", "-", input=lines[0] + "\n")
    assert run.status == 0 and json.loads(run.out)["answer"]["result"] == "CONFIRMED", run


def test_a_query_without_purpose_is_refused_here_and_an_unreachable_peer_is_status_3(world):
    window, home = prepared(world)
    base = ["credential", "verify", "--region", HOME, "--type", TYPE, "--number", "V1", "--disclosure", "status"]
    run = window.cli(*base, "--basis", "b")
    assert run.status in (1, 2) and "purpose" in run.err, run
    run = window.cli(*base, "--purpose", "p")
    assert run.status in (1, 2) and run.err, run
    refused("invalid_argument", window.api, "CredentialService/Verify", {"region": HOME, "queries": []})
    refused("not_found", window.api, "CredentialService/Verify", {"region": THIRD, "queries": [
        {"type": TYPE, "number": "V1", "purpose": "p", "basis": "b", "disclosure": "STATUS"}]})
    home.kill()
    run = window.cli(*base, "--purpose", "p", "--basis", "b", timeout=60)
    assert run.status == 3 and "unavailable" in run.err, run
    home.start()
    wait_for(lambda: window.cli(*base, "--purpose", "p", "--basis", "b").status == 0, 60, "the peer to be back")


harness.main(globals())
