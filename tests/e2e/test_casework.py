"""Agreements, modes, joint cases, matters, trace and forms, as people drive them on real nodes."""

import html.parser
import os
import subprocess

import harness
from harness import CITIZEN, HOME, ITEM, WINDOW, in_state, same_log, wait_for

MODES = "QC, DS, YS, YB, LB"
CATALOGUE = f"""
items:
  - code: "{ITEM}"
    name: 机动车驾驶证公证
    department: 11320400014109045T
    department_name: 常州市司法局
    modes: [{MODES}]
    promised_days: 5
    legal_days: 15
    base_code: "000115035000"
    criteria: "2026-1"
    materials:
      - {{code: M1, name: 申请表, required: true, basis: 公证程序规则}}
"""
OWN_ITEM = "11620100014109045T3000115035000"
OWN = CATALOGUE.replace(ITEM, OWN_ITEM)

AGREEMENT = f"""
title: 兰州常州跨省通办合作协议
parties: ["{HOME}", "{WINDOW}"]
valid_from: "2024-01-01"
notice_days: 30
terms:
  - items: ["*"]
    modes: [DS, YS, YB, QC, LB]
    rights: [accept_cases, notify_once, deliver_results, decide_cases]
clocks:
  - {{clock: t2-push, days: 2}}
contacts:
  - {{region: "{HOME}", name: 王联络, phone: "0519-12345"}}
"""


def pair(world):
    window, home = world.pair(catalogue=False, modes=("QC", "DS", "YS", "YB", "LB"))
    home.load_catalogue(CATALOGUE)
    window.load_catalogue(OWN)
    wait_for(lambda: knows(window), 90, "the window learns the home region's list")
    return window, home


def knows(window):
    try:
        items = window.api("CatalogueService/List", {"region": HOME})["catalogue"]["items"]
    except harness.Refused:
        return False
    return "YS" in items[0]["modes"]


def submit(window, mode, role="R_WIN"):
    options = ["--item", ITEM, "--home", HOME, "--mode", mode, "--applicant-name", "王伟", "--applicant-code", CITIZEN,
               "--delivery", "network", "--role", role, "--actor", "w1"]
    options += ["--identity", "matched"] if role == "APPLICANT" else []
    options += ["--material", "M1=" + window.file("M1.pdf", os.urandom(3000))]
    return window.do("case", "submit", *options, "--forward")["number"]


def agree(window, home):
    view = window.do("agreement", "propose", window.file("agreement.yaml", AGREEMENT))
    name = view["agreement"]["id"]
    wait_for(lambda: any(a["agreement"]["id"] == name for a in home.do("agreement", "list").get("agreements", [])), 90,
             "the home region sees the proposal")
    home.do("agreement", "sign", name)
    wait_for(lambda: window.do("agreement", "show", name)["state"] == "IN_FORCE", 90, "the agreement is in force")
    return name


def test_an_agreement_is_proposed_signed_compared_and_cited(world):
    window, home = pair(world)
    said = window.refuses("case", "submit", "--item", ITEM, "--home", HOME, "--mode", "YS", "--applicant-name", "王伟",
                          "--applicant-code", CITIZEN, "--delivery", "network", "--role", "R_WIN", "--actor", "w1",
                          "--material", "M1=" + window.file("M1.pdf", b"x" * 100))
    assert "agreement" in said, said
    bad = window.refuses("agreement", "propose", window.file("bad.yaml", AGREEMENT.replace("notify_once", "do_all")))
    assert "bad.yaml:9" in bad and "terms[0].rights[1]" in bad, bad
    name = agree(window, home)
    window.do("agreement", "diff", HOME)
    number = submit(window, "YS")
    in_state(home, number, "ACCEPTED")
    assert name in home.case(number)["log"][0]["basis"]
    same_log(window, home, number)


def test_a_delegated_case_is_decided_here_and_copied_home(world):
    window, home = pair(world)
    agree(window, home)
    number = submit(window, "YB")
    window.do("case", "start", number, "--role", "R_DEPT", "--actor", "d1")
    window.do("case", "grant", number, "--role", "R_DEPT", "--actor", "d1")
    in_state(home, number, "GRANTED")
    assert home.case(number)["owner"] == WINDOW
    same_log(window, home, number)


def spoken(node, *arguments):
    """What the command says to people."""
    return subprocess.run([harness.options.tongban, *arguments, "--dir", str(node.dir), "--lang", "zh"], check=True,
                          capture_output=True, text=True, timeout=60).stdout


class Wellformed(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_case_is_traced_and_its_forms_are_printed(world):
    window, home = pair(world)
    number = submit(window, "DS")
    in_state(home, number, "SIGNED_FOR")
    home.do("case", "accept", number, "--actor", "h1")
    trace = spoken(home, "case", "trace", number)
    for word in ("收件", "h1", "grant of 320400", "evidence export"):
        assert word in trace, trace
    assert "受理回执" in spoken(home, "case", "form", number)
    page = Wellformed()
    page.feed(spoken(home, "case", "form", number, "--form", "受理回执"))
    assert not page.open and number in page.text and "王伟" in page.text
    home.refuses("case", "form", number, "--form", "批准决定书")


def test_a_joint_case_is_granted_when_all_its_parts_are(world):
    window, home = pair(world)
    scan = harness.scan(window.upload(b"form" * 500))
    scan["need"] = "申请表"
    lead = window.api("CaseService/Submit", {
        "application": {"mode": "LB", "home": WINDOW, "itemName": "联办", "delivery": "NETWORK", "materials": [scan],
                        "applicant": {"name": "王伟", "codeType": "111", "code": CITIZEN},
                        "parts": [{"home": HOME, "item": ITEM}, {"home": WINDOW, "item": OWN_ITEM, "after": [0]}]},
        "actor": {"role": "R_WIN", "id": "w1"}, "forward": True})["number"]
    first = window.case(lead)["parts"][0]["number"]
    in_state(home, first, "ACCEPTED")
    home.do("case", "start", first, "--actor", "d1")
    home.do("case", "grant", first, "--actor", "d1")
    wait_for(lambda: window.case(lead)["parts"][1].get("number"), 60, "the second part begins")
    second = window.case(lead)["parts"][1]["number"]
    window.do("case", "start", second, "--actor", "d2")
    window.do("case", "grant", second, "--actor", "d2")
    in_state(window, lead, "GRANTED")


def test_a_dispute_is_answered_by_the_other_region(world):
    window, home = pair(world)
    number = submit(window, "DS")
    matter = window.api("MatterService/Open", {"post": {
        "about": "DISPUTE", "subject": "登记信息有误", "text": "姓名不符", "parties": [WINDOW, HOME], "asked": HOME,
        "days": 15, "caseNumber": number, "actor": {"role": "LIAISON", "id": "l1"}}})["matter"]

    def there():
        try:
            return home.api("MatterService/Get", {"matter": matter})
        except harness.Refused:
            return None
    wait_for(there, 30, "the dispute arrives")
    home.api("MatterService/Post", {"post": {"matter": matter, "kind": "POST_ANSWERS", "outcome": "UPHELD",
                                             "text": "已更正", "actor": {"role": "LIAISON", "id": "l2"}}})
    wait_for(lambda: window.api("MatterService/Get", {"matter": matter}).get("outcome") == "UPHELD", 30, "the answer")


def test_lists_of_two_regions_are_checked_and_compared(world):
    window, home = pair(world)
    home.load_catalogue(CATALOGUE.replace("promised_days: 5", "promised_days: 6").replace(
        "- {code: M1, name: 申请表, required: true, basis: 公证程序规则}",
        "- {code: M1, name: 申请表, required: true, basis: 公证程序规则}\n"
        "      - {code: M2, name: 委托书, required: true, basis: 公证程序规则, original: true}"))
    window.restart()  # a start asks at once
    wait_for(lambda: "委托书" in spoken(window, "catalogue", "diff", "000115035000", "--regions", f"{WINDOW},{HOME}"), 90,
             "the window learns the new list")
    table = spoken(window, "catalogue", "diff", "000115035000", "--regions", f"{WINDOW},{HOME}")
    line = next(row for row in table.splitlines() if "委托书" in row)
    assert "≠" in line and "M2 * ◎" in line, table
    said = window.cli("catalogue", "check", "--region", HOME)
    assert said.status == 1 and "paper original" in said.out, said
    assert window.cli("catalogue", "check").status == 0


harness.main(globals())


def test_what_is_offered_is_reported_and_shown(world):
    window, home = pair(world)
    agree(window, home)
    base = window.file("base.jsonl", '{"name":"机动车驾驶证公证","baseCode":"000115035000","year":2024}\n'
                                     '{"name":"生育登记","baseCode":"000123001000","dueOn":"2021-12-31"}\n')
    rows = window.do("progress", "--base", base)["rows"]
    assert [row["name"] for row in rows] == ["生育登记", "机动车驾驶证公证"], rows
    assert rows[0]["overdue"] and rows[0]["state"] == "PROGRESS_UNCLAIMED"
    assert rows[1]["state"] == "PROGRESS_OFFERED" and rows[1]["partners"] == [HOME], rows
    report = os.path.join(window.dir, "report.csv")
    spoken(window, "progress", "--base", base, "--csv", report)
    with open(report, encoding="utf-8-sig") as file:
        assert file.read().startswith("地区,截至,")
    page = Wellformed()
    page.feed(spoken(window, "catalogue", "zone"))
    assert not page.open and ITEM in page.text and OWN_ITEM in page.text
    window.do("readiness", "note", "training", "--text", "42人", "--actor", "l1")
    done = subprocess.run([harness.options.tongban, "readiness", HOME, "--dir", str(window.dir), "--lang", "zh"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "42人" in done.stdout and "tongban hall load" in done.stdout, done.stdout
