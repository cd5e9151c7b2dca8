"""What feeds a department's database and what it feeds; archives that stand alone; what is pruned and erased."""

import csv
import hashlib
import io
import json
import os
import shutil

import harness
from harness import HOME, application, scan, wait_for


def node_with_cases(world, count, more=""):
    node = world.node(HOME, "home").init()
    with open(os.path.join(node.dir, "node.yaml"), "a", encoding="utf-8") as out:
        out.write(more)
    node.start()
    node.load_catalogue(harness.CATALOGUE.replace("modes: [DS]", "modes: [QC]"))
    return node, [submit(node, i) for i in range(count)]


def request(node, i):
    material = node.upload(f"form {i}".encode())
    return {"application": application(scan(material), mode="QC", identity={"level": "MATCHED", "method": "portal"}),
            "actor": {"role": "APPLICANT", "id": "u7"}, "requestId": f"r-{i}"}


def submit(node, i):
    return node.api("CaseService/Submit", request(node, i))["number"]


def act(node, number, event, role, **detail):
    return node.api("CaseService/Act", {"number": number, "event": event, "actor": {"role": role, "id": "2086"},
                                        "detail": detail})


def export(node, *options):
    run = node.cli("export", *options)
    assert run.status == 0, run
    return run.out, run.err.splitlines()[-1]


def test_a_nightly_job_gets_what_changed(world):
    node, numbers = node_with_cases(world, 3)
    text, cursor = export(node, "cases")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["协同办件编号"] for row in rows] == numbers
    assert rows[0]["申请者名称"] == "王伟" and rows[0]["办件状态"] == "SIGNED_FOR" and len(rows[0]["申报时间"]) == 15
    assert export(node, "cases", "--after", cursor)[1] == cursor
    node.restart()
    act(node, numbers[1], "ACCEPT", "H_WIN")
    text, _ = export(node, "cases", "--after", cursor, "--format", "jsonl")
    row, = [json.loads(line) for line in text.splitlines()]
    assert row["协同办件编号"] == numbers[1] and row["办件状态"] == "ACCEPTED" and row["办件编号"]
    node.import_lines([harness.credential("N1")])
    text, cursor = export(node, "certificates")
    assert len(list(csv.DictReader(io.StringIO(text)))) == 1 and cursor == "1-0"
    node.refuses("export", "cases", "--after", "x")
    node.refuses("export", "cases", "--format", "xml", status=2)


def test_cases_are_imported_line_by_line_and_again_without_harm(world):
    node, _ = node_with_cases(world, 0)
    lines = [request(node, i) for i in range(3)] + [{"nonsense": 1}]
    path = node.file("cases.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    for _ in range(2):
        assert ":4:" in node.refuses("import", "cases", path)
        assert node.status()["cases"] == "3"
    number = node.api("CaseService/List")["cases"][0]["number"]
    seq = node.case(number)["seq"]
    event = {"number": number, "event": "ACCEPT", "actor": {"role": "H_WIN", "id": "2086"}, "expectSeq": seq}
    path = node.file("events.jsonl", json.dumps(event) + "\n")
    node.do("import", "cases", path)
    assert node.case(number)["state"] == "ACCEPTED"
    node.refuses("import", "cases", path)


def test_an_archive_stands_alone_and_what_is_erased_is_gone(world):
    node, numbers = node_with_cases(world, 3, "retention:\n  cases: 10\n  materials: 1\n")
    for number in numbers[:2]:
        act(node, number, "REFUSE", "H_WIN", reason="不符合条件")
    out = os.path.join(world.dir, "archive")
    node.do("archive", "--before", "2999-01-01", "--out", out)
    assert sorted(name for name in os.listdir(out) if name.endswith(".json")) == sorted(f"{n}.json" for n in numbers[:2])
    anchors = os.path.join(world.dir, "anchors")
    os.mkdir(anchors)
    shutil.copy(os.path.join(node.dir, "certs", "ca.pem"), os.path.join(anchors, f"{HOME}.pem"))
    path = os.path.join(out, f"{numbers[0]}.json")
    node.stop()
    said = node.cli("evidence", "check", path, "--anchors", anchors)
    assert said.status == 0 and numbers[0] in said.out, said
    with open(path, encoding="utf-8") as file:
        text = file.read()
    item = json.loads(text)["claim"]["item"]
    changed = os.path.join(world.dir, "changed.json")
    with open(changed, "w", encoding="utf-8") as file:
        file.write(text.replace(item, item[:100] + ("A" if item[100] != "A" else "B") + item[101:]))
    node.refuses("evidence", "check", changed, "--anchors", anchors)
    names = os.listdir(os.path.join(out, "materials"))
    with open(os.path.join(out, "materials", names[0]), "rb") as file:
        assert hashlib.sha256(b"\0" + file.read()).hexdigest() == names[0], "a small one's root is its leaf"
    node.start()
    # Not old enough for anything.
    assert "0 cases" in node.do("prune", "--dry-run") and node.status()["cases"] == "3"
    node.do("hold", "add", numbers[0], "--reason", "复议")
    assert [hold["caseNumber"] for hold in node.do("hold", "list")["holds"]] == [numbers[0]]
    assert "hold" in node.refuses("erase", "case", numbers[0], "--reason", "本人申请")
    node.refuses("erase", "case", numbers[2], "--reason", "本人申请")
    node.refuses("erase", "case", numbers[1])
    before = node.case(numbers[1])
    assert node.do("erase", "case", numbers[1], "--reason", "本人申请")["materials"] == 1
    after = node.case(numbers[1])
    assert after["logDigests"] == before["logDigests"] and "applicantName" not in after
    assert "王伟" not in json.dumps(after, ensure_ascii=False)
    blobs = os.path.join(node.dir, "blobs")
    wait_for(lambda: sum(len(files) for _, _, files in os.walk(blobs)) == 2, 20, "the file to go")
    node.do("audit", "verify")
    node.restart()
    node.do("audit", "verify")
    text, _ = export(node, "cases", "--format", "jsonl")
    rows = {json.loads(line)["协同办件编号"]: json.loads(line) for line in text.splitlines()}
    assert rows[numbers[1]]["个人信息已删除"] == "1" and "申请者名称" not in rows[numbers[1]]
    kinds = [row["kind"] for row in node.do("audit", "list")["rows"]]
    assert kinds.count("LEAF_ARCHIVED") == 2 and kinds.count("LEAF_ERASED") == 1 and kinds.count("LEAF_HOLD") == 1


harness.main(globals())
