"""Item lists as people keep them: templates, faults by the cell, checks, differences, what need not be brought."""

import os
import subprocess

import harness
from harness import HOME, ITEM

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
    assert spoken(node, "catalogue", "check")[0] == 0


harness.main(globals())
