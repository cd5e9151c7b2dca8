"""Item lists as people keep them: templates, faults by the cell, checks, differences, what need not be brought."""

import json
import os
import pathlib
import subprocess

import harness
from harness import DEPARTMENT, HOME, ITEM, WINDOW, wait_for

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"

HEADS = "事项编码,业务办理项名称,实施主体编码,受理模式,承诺办理时限,法定办理时限,材料编码,申请材料名称,是否必需,要求提供材料依据,年度,通办范围"
GOOD = f"{ITEM},机动车驾驶证公证,11320400014109045T,DS,5,15,M1,申请表,是,公证程序规则,2026,跨省\n,,,,,,M2,身份证,否,\n"


def spoken(node, *arguments):
    """Status, and what the command says to people."""
    done = subprocess.run([harness.options.tongban, *arguments, "--dir", str(node.dir), "--lang", "zh"],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_a_list_comes_from_a_table_and_every_fault_is_told(world):
    node = world.node(HOME)
    node.init()
    node.start()
    bad = node.file("bad.csv", HEADS + "\n" + GOOD + "b,二,d,DS,x,15\n,,,,,,M1,表,也许,法\nc,三,d,DS,9,5\n")
    status, _, said = spoken(node, "catalogue", "load", bad)
    assert status == 1
    assert f"{bad}:4: 承诺办理时限: " in said and f"{bad}:5: 是否必需: " in said and f"{bad}:6: 承诺办理时限: " in said, said
    assert node.cli("catalogue", "list").status != 0
    assert spoken(node, "catalogue", "load", bad, "--skip")[0] == 0
    assert [i["code"] for i in node.do("catalogue", "list")["catalogue"]["items"]] == [ITEM]
    # What is skipped later stays as it was published.
    worse = node.file("worse.csv", HEADS + "\n" + GOOD.replace("DS,5,15", "DS,50,15") + "b,二,d,DS,5,15\n")
    assert spoken(node, "catalogue", "load", worse, "--skip")[0] == 0
    items = {i["code"]: i for i in node.do("catalogue", "list")["catalogue"]["items"]}
    assert items[ITEM]["promisedDays"] == 5 and "b" in items
    # Out as it came in.
    out = os.path.join(str(node.dir), "..", "export.csv")
    assert spoken(node, "catalogue", "export", "--out", out)[0] == 0
    before = node.do("catalogue", "list")["catalogue"]["items"]
    assert spoken(node, "catalogue", "load", out)[0] == 0
    assert node.do("catalogue", "list")["catalogue"]["items"] == before
    status, said, _ = spoken(node, "catalogue", "show", ITEM)
    assert status == 0 and "通办范围: 跨省" in said and "申请材料名称: 申请表" in said, said
    status, said, _ = spoken(node, "catalogue", "count")
    assert "跨省" in said and "2026" in said, said
    status, said, _ = spoken(node, "catalogue", "check", "--elements")
    assert status == 1 and "缺少要素: 设定依据" in said, said
    base = node.file("base.csv", "事项编码,业务办理项名称,法定办理时限\n1,机动车驾驶证公证,10\n2,学历公证,\n")
    status, said, _ = spoken(node, "catalogue", "conform", "--base", base)
    assert status == 1 and "应领未领" in said and "学历公证" in said and "法定办理时限" in said, said


def test_templates_are_loaded_as_they_are(world):
    node = world.node(HOME)
    node.init()
    node.start()
    for form in ("csv", "jsonl", "yaml"):
        path = node.file(f"template.{form}", "")
        assert spoken(node, "catalogue", "template", "--format", form, "--out", path)[0] == 0
        status, _, said = spoken(node, "catalogue", "load", path)
        assert status == 0, said
        status, said, _ = spoken(node, "catalogue", "check", "--elements", "--file", path)
        assert status == 0, said
    assert spoken(node, "catalogue", "check", "--elements")[0] == 0


def test_a_file_is_looked_at_where_no_node_is(world):
    program = harness.options.tongban
    def check(*words):
        return subprocess.run([program, "catalogue", "check", *words], capture_output=True, text=True, timeout=60,
                              env={k: v for k, v in os.environ.items() if k != "TONGBAN_DIR"})
    template = os.path.join(world.dir, "template.csv")
    subprocess.run([program, "catalogue", "template", "--out", template], check=True, timeout=60)
    assert check("--file", template).returncode == 0
    assert check().returncode == 2


def generated(region, city, seed=1):
    """A city's whole list: an item a line."""
    program = pathlib.Path(harness.options.tongban).with_name("tongban-gen")
    return subprocess.run([program, "items", region, city, str(seed)], check=True, capture_output=True, text=True,
                          timeout=60).stdout


def national():
    """The national list as a table; what it does not say is the same for all."""
    rows = [line.split("\t") for line in (DATA / "items.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    heads = "事项编码,业务办理项名称,全国事项名称,年度,通办范围,实施主体编码,受理模式,承诺办理时限,法定办理时限\n"
    return len(rows), heads + "".join(f"N{seq},{name},{name},{year},全国,{DEPARTMENT},QC,5,20\n"
                                      for seq, name, _, year, _ in rows)


def test_two_cities_whole_lists_are_loaded_checked_and_held_against_each_other(world):
    home_list, window_list = generated(HOME, "常州"), generated(WINDOW, "兰州")
    assert home_list == generated(HOME, "常州") != generated(HOME, "常州", 2)
    window, home = world.pair(catalogue=False)
    for node, text in ((home, home_list), (window, window_list)):
        status, _, said = spoken(node, "catalogue", "load", node.file("items.jsonl", text))
        assert status == 0, said
    count, table = national()
    status, _, said = spoken(home, "catalogue", "load", home.file("national.csv", table), "--merge")
    assert status == 0, said
    # Each item is there once, as it was given.
    listed = home.do("catalogue", "list")["catalogue"]["items"]
    classes = [item.get("windowClass", "") for item in listed]
    assert [classes.count(name) for name in ("综合窗口", "分厅", "")] == [733, 354, count], len(listed)
    given = {item["code"]: item for item in map(json.loads, home_list.splitlines())}
    assert {(code, item["name"]) for code, item in given.items()} <= {(item["code"], item["name"]) for item in listed}
    # A list of many pages comes whole; a node asks for it when it starts.
    window.restart()
    wait_for(lambda: len(window.api("CatalogueService/List", {"region": HOME}).get("catalogue", {}).get("items", []))
             == len(listed), 60, "the window to learn the whole list", 0.2)
    # Both are in order; the differences of an item stand side by side.
    assert spoken(home, "catalogue", "check")[0] == 0
    assert spoken(window, "catalogue", "check", "--region", HOME)[0] == 0
    for text in (home_list, window_list):
        status, said, _ = spoken(home, "catalogue", "check", "--elements", "--file", home.file("again.jsonl", text))
        assert status == 0, said
    base = json.loads(home_list.splitlines()[700])["baseCode"]
    status, said, _ = spoken(window, "catalogue", "diff", base, "--regions", f"{WINDOW},{HOME}")
    rows = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert status == 0 and "≠" in rows["实施主体"] and "≠" not in rows["业务办理项名称"], said
    # Two among a thousand that ask for each other's certificates are found, and only they.
    items = [json.loads(line) for line in home_list.splitlines()]
    for one, other in ((items[0], items[1]), (items[1], items[0])):
        one["materials"].append({"code": "M99", "name": "证件", "required": True, "basis": "办法",
                                 "credentialTypes": [other["resultType"]]})
    bad = home.file("circle.jsonl", "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items))
    status, said, _ = spoken(home, "catalogue", "check", "--file", bad)
    assert status == 1 and said.count("M99") == 2 and f"{items[0]['code']} > {items[1]['code']}" in said, said


harness.main(globals())
