"""A case from the window to the home region and back, as people at both counters drive it with the command, and everything
that may not happen on the way."""

import base64
import datetime
import json
import os
import random

import harness
from harness import (CITIZEN, HOME, ITEM, THIRD, WINDOW, Refused, application, in_state, quiet, refused, same_log, scan,
                     wait_for)


def submit(window, *more, forward=True, materials=("M1",), **over):
    """Hands an application in by the command; gives the case's number."""
    options = ["--item", ITEM, "--home", HOME, "--applicant-name", "王伟", "--applicant-code", CITIZEN, "--delivery",
               over.pop("delivery", "network"), "--address", "兰州", "--window", "3", "--role", "R_WIN", "--actor", "w1"]
    for need in materials:
        options += ["--material", need + "=" + window.file(f"{need}.pdf", os.urandom(3000))]
    return window.do("case", "submit", *options, *more, *(["--forward"] if forward else []))["number"]


def act(node, verb, number, *more, actor="a1"):
    return node.do("case", verb, number, "--actor", actor, *more)


def events(view):
    return [entry["event"] for entry in view["log"]]


def accepted(window, home):
    """A case under review."""
    number = submit(window)
    in_state(home, number, "SIGNED_FOR")
    act(home, "accept", number)
    act(home, "start", number)
    return number


# ---- the whole way

def test_a_case_goes_all_the_way_with_notice_supplement_special_procedure_and_extension(world):
    window, home = world.pair()
    number = submit(window, materials=(), forward=False)
    # Incomplete: it stays at the window until what is missing was brought.
    view = window.case(number)
    assert view["owner"] == WINDOW and view["state"] in ("RECEIVED", "CHECKING"), view
    assert not home.api("CaseService/List").get("cases")
    if view["state"] == "RECEIVED":
        act(window, "check", number)
    said = window.refuses("case", "send", number, "--actor", "w1")
    assert "M1" in said, said
    act(window, "ask", number, "--need", "M1=申请表")
    assert window.case(number)["state"] == "WINDOW_WAITS"
    act(window, "bring", number, "--material", "M1=" + window.file("late.pdf", os.urandom(300_000)))
    act(window, "send", number)
    view = in_state(home, number, "SIGNED_FOR")
    assert view["firstNode"] == WINDOW and view["owner"] == HOME
    # The home region notices that something is missing, once, and gets it through the window.
    act(home, "notify", number, "--need", "M2=驾驶证", "--reason", "缺件")
    in_state(window, number, "CORRECTION")
    act(window, "supplement", number, "--material", "M2=" + window.file("m2.pdf", os.urandom(5000)))
    in_state(home, number, "SIGNED_FOR")
    quiet(window, home)
    act(home, "accept", number)
    act(home, "start", number)
    act(home, "suspend", number, "--days", "3", "--reason", "现场勘验")
    in_state(window, number, "SPECIAL")
    t5 = next(c for c in window.case(number)["clocks"] if c["clock"] == "T5_DECIDE")
    assert not t5.get("running") and t5["daysLeft"] == 5, t5
    act(home, "resume", number)
    act(home, "extend", number, "--days", "5", "--reason", "复杂", "--role", "H_HEAD")
    assert "failed_precondition" in home.refuses("case", "extend", number, "--days", "5", "--reason", "x", "--role", "H_HEAD",
                                                 "--actor", "a1")
    act(home, "grant", number, "--document-number", "常公证〔2026〕1号", "--text", "准予", "--issue",
        home.file("issue.json", json.dumps({"typeName": "公证书"})))
    decision = in_state(window, number, "GRANTED")["log"][-1]["detail"]["decision"]
    assert decision["documentNumber"] == "常公证〔2026〕1号"
    # The certificate that was issued is verified where it was issued, from the window.
    answer = window.do("credential", "verify", "--region", HOME, "--id", decision["credentialIdentifier"], "--match",
                       "holder.name=王伟", "--purpose", "核验", "--case", number, "--disclosure", "document")
    answer = answer["outcomes"][0]
    assert answer["answer"]["result"] == "CONFIRMED" and answer["answer"]["state"] == "VALID", answer
    assert answer["document"]["holders"][0]["code"] == CITIZEN
    act(home, "dispatch", number, "--way", "window")
    in_state(window, number, "DELIVERING")
    act(window, "hand-over", number)
    in_state(window, number, "CLOSED")
    act(window, "evaluate", number, "--grade", "5")
    wait_for(lambda: "EVALUATE" in events(window.case(number)), 30, "the evaluation")
    act(window, "evaluate", number, "--grade", "1")  # the home region decides, and it has one already
    wait_for(lambda: "refused" in window.case(number).get("proposal", ""), 30, "the second evaluation to be refused")
    view = same_log(window, home, number)
    assert events(view).count("EVALUATE") == 1
    assert view["state"] == "CLOSED" and view["localNumber"].startswith(ITEM)
    assert [entry["seq"] for entry in view["log"]] == list(range(1, len(view["log"]) + 1))
    shown = window.cli("case", "show", number)
    assert shown.status == 0 and number in shown.out


def test_the_result_is_delivered_in_each_of_the_four_ways(world):
    window, home = world.pair()
    ways = [("courier", ["--waybill", "EMS:EA123456789CN", "--content", "公证书"], window), ("window", [], window),
            ("home", [], home), ("network", [], window)]
    for way, more, at in ways:
        number = accepted(window, home)
        act(home, "deny" if way == "home" else "grant", number, *(["--reason", "不符合条件"] if way == "home" else []))
        act(home, "dispatch", number, "--way", way, *more)
        in_state(at, number, "DELIVERING")
        act(at, "hand-over", number)
        in_state(window, number, "CLOSED")
        view = same_log(window, home, number)
        assert view["log"][-1]["node"] == at.region
    number = accepted(window, home)
    act(home, "grant", number)
    assert "waybill" in home.refuses("case", "dispatch", number, "--way", "courier", "--actor", "a1")
    assert home.cli("case", "dispatch", number, "--way", "pigeon", "--actor", "a1").status == 2


def test_a_case_is_withdrawn_before_the_decision_and_not_after_it(world):
    window, home = world.pair()
    number = accepted(window, home)
    act(window, "withdraw", number, "--role", "APPLICANT")
    in_state(window, number, "WITHDRAWN")
    assert same_log(window, home, number)["state"] == "WITHDRAWN"
    assert "failed_precondition" in home.refuses("case", "grant", number, "--actor", "a1")
    number = accepted(window, home)
    act(home, "grant", number)
    in_state(window, number, "GRANTED")
    assert "failed_precondition" in window.refuses("case", "withdraw", number, "--role", "APPLICANT", "--actor", "a1")


def test_a_returned_case_is_fixed_and_sent_again_or_closed(world):
    window, home = world.pair()
    number = submit(window)
    in_state(home, number, "SIGNED_FOR")
    assert "reason" in home.refuses("case", "return", number, "--actor", "a1")
    act(home, "return", number, "--reason", "扫描不清")
    view = in_state(window, number, "RETURNED")
    assert view["owner"] == WINDOW
    assert home.cli("case", "accept", number, "--actor", "a1").status == 1
    act(window, "fix", number)
    act(window, "send", number)
    view = in_state(home, number, "SIGNED_FOR")
    assert view["owner"] == HOME and view["firstNode"] == WINDOW
    act(home, "return", number, "--reason", "不属本地")
    in_state(window, number, "RETURNED")
    act(window, "close", number, "--reason", "申请人放弃")
    assert same_log(window, home, number)["state"] == "WITHDRAWN"


def test_a_case_is_refused_and_denied_with_a_reason(world):
    window, home = world.pair()
    number = submit(window)
    in_state(home, number, "SIGNED_FOR")
    assert "reason" in home.refuses("case", "refuse", number, "--actor", "a1")
    act(home, "refuse", number, "--reason", "不属于受理范围")
    assert in_state(window, number, "NOT_ACCEPTED")["log"][-1]["detail"]["reason"] == "不属于受理范围"
    number = accepted(window, home)
    assert "reason" in home.refuses("case", "deny", number, "--actor", "a1")
    act(home, "deny", number, "--reason", "不符合条件")
    assert same_log(window, home, number)["state"] == "DENIED"


def test_originals_go_by_post_and_are_signed_for_by_a_person(world):
    window, home = world.pair()
    number = submit(window, "--original", "M3")
    view = in_state(home, number, "TRANSFER")
    assert any(c["clock"] == "T3_MAIL" and c.get("running") for c in view["clocks"])
    act(window, "post", number, "--waybill", "EMS:EA1CN", "--content", "驾驶证原件")
    wait_for(lambda: "POST" in events(home.case(number)), 30, "the posting")
    act(home, "sign", number)
    assert same_log(window, home, number)["state"] == "SIGNED_FOR"


# ---- what may not be

def test_an_incomplete_package_is_refused_before_anything_is_sent(world):
    window, home = world.pair()
    audit = int(home.status()["auditSize"])
    number = submit(window, materials=(), forward=False)
    act(window, "check", number)
    said = window.refuses("case", "send", number, "--actor", "w1")
    assert "M1" in said and "invalid_argument" in said, said
    refused("invalid_argument", window.api, "CaseService/Submit",
            {"application": application(), "actor": {"role": "R_WIN", "id": "w"}, "forward": True})
    assert int(window.status().get("outbox", 0)) == 0 and int(home.status()["auditSize"]) == audit


def test_events_out_of_order_by_wrong_roles_or_on_the_wrong_side_are_refused_and_change_nothing(world):
    window, home = world.pair()
    number = submit(window)
    in_state(home, number, "SIGNED_FOR")
    quiet(window, home)
    before = (window.case(number), home.case(number))
    tries = [
        (home, "GRANT", "H_DEPT", "failed_precondition"), (home, "HAND_OVER", "H_WIN", "failed_precondition"),
        (home, "SUBMIT", "R_WIN", "failed_precondition"), (home, "ACCEPT", "R_WIN", "permission_denied"),
        (home, "ACCEPT", "APPLICANT", "permission_denied"), (home, "ACCEPT", "SUPERVISOR", "permission_denied"),
        (home, "DEEM", "SYSTEM", "permission_denied"), (home, "OVERDUE", "SYSTEM", "permission_denied"),
        (home, "DEEM", "H_WIN", "permission_denied"), (window, "ACCEPT", "H_WIN", "permission_denied"),
        (window, "ACCEPT", "R_WIN", "permission_denied"), (window, "RETURN", "H_WIN", "permission_denied"),
        (window, "SEND", "R_WIN", "failed_precondition"), (window, "FIX", "R_WIN", "failed_precondition"),
        (window, "GRANT", "H_DEPT", "failed_precondition"), (home, "CONSULT", "LIAISON", "invalid_argument"),
    ]
    for node, event, role, code in tries:
        refused(code, node.api, "CaseService/Act", {"number": number, "event": event, "actor": {"role": role, "id": "x"},
                                                    "detail": {"reason": "x", "clock": "T1_NOTIFY"}})
    refused("failed_precondition", home.api, "CaseService/Act",
            {"number": number, "event": "ACCEPT", "actor": {"role": "H_WIN", "id": "x"}, "expectSeq": 3})
    refused("invalid_argument", home.api, "CaseService/Act",
            {"number": number, "event": "ACCEPT", "actor": {"role": "H_WIN", "id": "x"}, "detail": {"application": application()}})
    refused("not_found", home.api, "CaseService/Act",
            {"number": "62010020260101000000110", "event": "ACCEPT", "actor": {"role": "H_WIN", "id": "x"}})
    assert (window.case(number), home.case(number)) == before


def test_a_submission_for_a_wrong_region_item_person_or_material_is_refused(world):
    window, home = world.pair()
    material = window.upload(b"x" * 1000)
    fine = scan(material)
    actor = {"role": "R_WIN", "id": "w"}
    party = {"name": "王伟", "codeType": "111", "code": CITIZEN}
    tries = [
        ({"home": THIRD}, "not_found"), ({"home": WINDOW}, "invalid_argument"), ({"home": "xxxxxx"}, "not_found"),
        ({"item": "nothing"}, "not_found"), ({"mode": "ZZ"}, "invalid_argument"),
        ({"applicant": {**party, "code": CITIZEN[:-1] + "0"}}, "invalid_argument"),
        ({"applicant": {**party, "name": ""}}, "invalid_argument"), ({"applicant": {**party, "codeType": "9"}}, "invalid_argument"),
        ({"materials": [{**fine, "need": "M9"}]}, "invalid_argument"),
        ({"materials": [{**fine, "root": base64.b64encode(b"r" * 32).decode()}]}, "not_found"),
        ({"materials": [{**fine, "root": base64.b64encode(b"r" * 31).decode()}]}, "invalid_argument"),
    ]
    for name in ("../x", "..", "a/b", "a\\b", "a\nb", "a\x1bb", "a‮b", "x" * 600):
        tries.append(({"materials": [{**fine, "name": name}]}, "invalid_argument"))
    for over, code in tries:
        refused(code, window.api, "CaseService/Submit",
                {"application": application(*over.pop("materials", [fine]), **over), "actor": actor, "forward": True})
    nul = json.dumps({"application": application({**fine, "name": "a\0b"}), "actor": actor}).encode()
    status, _, body = window.http("POST", "/tongban.v1.CaseService/Submit", nul, {"Content-Type": "application/json"})
    assert status == 400 and json.loads(body)["code"] == "invalid_argument", body
    for wrong in ({"role": "H_WIN", "id": "w"}, {"role": "SYSTEM", "id": "w"}, {"id": "w"}, {"role": "R_WIN"}):
        for forward in (True, False):
            try:
                raise AssertionError(window.api("CaseService/Submit", {"application": application(fine), "actor": wrong,
                                                                       "forward": forward}))
            except Refused as e:
                assert e.code in ("permission_denied", "invalid_argument"), e
    assert not window.api("CaseService/List").get("cases")
    # What was refused used up no number.
    number = submit(window)
    assert int(number[14:21]) == 1, f"the first case of the day is {number}"


def test_a_repeated_request_is_one_case_and_a_package_that_is_not_granted_comes_back(world):
    window, home = world.pair()
    fine = scan(window.upload(b"y" * 1000))
    message = {"application": application(fine), "actor": {"role": "R_WIN", "id": "w"}, "forward": True, "requestId": "r1"}
    numbers = {window.api("CaseService/Submit", message)["number"] for _ in range(5)}
    assert len(numbers) == 1
    window.restart()
    assert window.api("CaseService/Submit", message)["number"] in numbers
    home.grant(window, items=())
    message["requestId"] = "r2"
    number = window.api("CaseService/Submit", message)["number"]
    view = wait_for(lambda: (lambda v: v if events(v)[-1] == "BOUNCE" else None)(window.case(number)), 30, "the package back")
    assert view["owner"] == WINDOW and view["state"] == "CHECKING"
    assert "not granted" in view["log"][-1]["detail"]["reason"]
    assert home.cli("case", "show", number).status == 1
    home.grant(window)
    act(window, "send", number)
    in_state(home, number, "SIGNED_FOR")
    same_log(window, home, number)


# ---- what proves it

def anchors(world, *nodes):
    path = os.path.join(world.dir, "anchors")
    os.mkdir(path)
    for node in nodes:
        with open(os.path.join(node.dir, "certs", "ca.pem"), encoding="utf-8") as ca, \
                open(os.path.join(path, node.region + ".pem"), "w", encoding="utf-8") as out:
            out.write(ca.read())
    return path


def check(node, path, trusted):
    return node.cli("evidence", "check", path, "--anchors", trusted)


def fields_of(evidence, at=()):
    """Every leaf of the JSON, by its path."""
    if isinstance(evidence, dict):
        for key, value in evidence.items():
            yield from fields_of(value, (*at, key))
    elif isinstance(evidence, list):
        for i, value in enumerate(evidence):
            yield from fields_of(value, (*at, i))
    else:
        yield at, evidence


def altered(evidence, path, flip):
    copy = json.loads(json.dumps(evidence))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = flip(place[path[-1]])
    return copy


def test_evidence_stands_alone_and_no_altered_copy_of_it_passes(world):
    window, home = world.pair()
    number = accepted(window, home)
    act(home, "grant", number, "--issue", home.file("issue.json", json.dumps({"typeName": "公证书"})))
    decision = in_state(window, number, "GRANTED")["log"][-1]["detail"]["decision"]
    quiet(window, home)
    outcome = window.do("credential", "verify", "--region", HOME, "--id", decision["credentialIdentifier"], "--purpose", "p",
                        "--case", number, "--disclosure", "document")["outcomes"][0]
    trusted, only_window = anchors(world, window, home), os.path.join(world.dir, "window-only")
    os.mkdir(only_window)
    os.link(os.path.join(trusted, WINDOW + ".pem"), os.path.join(only_window, WINDOW + ".pem"))
    references = [outcome["evidence"], *window.case(number)["evidence"]]
    kinds = {reference.split(":")[0] for reference in references}
    assert kinds == {"answer", "message", "receipt"}, kinds
    drawn = random.Random(world.seed)
    for kind in sorted(kinds):
        reference = next(r for r in references if r.startswith(kind))
        path = os.path.join(world.dir, kind + ".json")
        window.do("evidence", "export", reference, "--out", path)
        run = check(window, path, trusted)
        assert run.status == 0, run
        assert check(window, path, only_window).status == 1, "trusted without home's anchors"
        text = open(path, encoding="utf-8").read()
        evidence = json.loads(text)
        tried = 0
        for place, value in fields_of(evidence):
            if isinstance(value, str) and len(value) > 40:  # bytes: flip one in 37
                data = base64.b64decode(value)
                spots = range(drawn.randrange(37), len(data), 37)
                flips = [lambda v, i=i: base64.b64encode(
                    base64.b64decode(v)[:i] + bytes([base64.b64decode(v)[i] ^ 1]) + base64.b64decode(v)[i + 1:]).decode()
                    for i in list(spots) or [0]]
            elif isinstance(value, str):
                flips = [lambda v: v + "x"]
            else:
                flips = [lambda v: v + 1]
            for flip in flips[:12]:
                tampered = window.file("tampered.json", json.dumps(altered(evidence, place, flip)))
                run = check(window, tampered, trusted)
                assert run.status == 1 and run.err, f"{kind} {place}: {run}"
                tried += 1
        assert tried > 20, tried
        for cut in (0, 10, len(text) // 2, len(text) - 5):
            assert check(window, window.file("cut.json", text[:cut]), trusted).status == 1
    for wrong in ("answer:999:0", "answer:1:99", "answer:x", "message:320400:00", "receipt:320400:999", "nonsense", ""):
        assert window.cli("evidence", "export", wrong).status == 1, wrong


def test_the_audit_log_of_both_nodes_is_intact_and_consistent_with_its_past(world):
    window, home = world.pair()
    first = submit(window)
    in_state(home, first, "SIGNED_FOR")
    old = [node.api("AuditService/Checkpoint") for node in (window, home)]
    accepted(window, home)
    quiet(window, home)
    for node, before in zip((window, home), old):
        audit = node.do("audit", "verify")
        assert audit["intact"] and int(audit["leaves"]) > 5 and not audit.get("problem"), audit
        size, now = int(before["size"]), int(node.status()["auditSize"])
        assert now > size
        proof = node.do("audit", "consistency", str(size), str(now))
        assert proof["oldRoot"] == before["root"] and int(proof["newSize"]) == now
        node.do("audit", "consistency", "1")
        for index in (0, size - 1, now - 1):
            assert node.do("audit", "prove", str(index))["index" if index else "size"]
        for wrong in (["consistency", str(now + 1000)], ["consistency", str(now), str(size)], ["prove", str(now + 1000)]):
            assert node.cli("audit", *wrong).status in (1, 2), wrong
        rows = node.do("audit", "list", "--limit", "1000")["rows"]
        assert [int(row.get("index", 0)) for row in rows] == list(range(len(rows)))
        note = before["note"]
        assert note.startswith(f"tongban/{node.region}\n{size}\n"), note
        node.restart()
        assert node.do("audit", "verify")["intact"]
        assert node.do("audit", "consistency", str(size))["oldRoot"] == before["root"]


harness.main(globals())
