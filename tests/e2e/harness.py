"""Real tongban processes for the tests: directories, peering, start, kill, the command, the local API.

A test program is `import harness`, functions named test_*, and `harness.main(globals())` at the end. Each test gets a World
of its own, a directory that is kept, with the nodes' logs, when the test fails.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

ITEM = "123204000000000013320001000001A"
TYPE = "11100000000013338W032"
OTHER_TYPE = "11100000MB0143028R001"
DEPARTMENT = "11320400014109045T"
WINDOW = "620100"
HOME = "320400"
THIRD = "330100"
CITIZEN = "11010519491231002X"

CATALOGUE = f"""
items:
  - code: "{ITEM}"
    name: 机动车驾驶证公证
    department: "{DEPARTMENT}"
    department_name: 常州市司法局
    modes: [DS]
    promised_days: 5
    legal_days: 15
    result_type: "{TYPE}"
    materials:
      - code: M1
        name: 申请表
        required: true
        basis: 公证程序规则
      - code: M2
        name: 驾驶证
        required: false
        basis: 公证程序规则
        credential_types: ["{TYPE}"]
      - code: M3
        name: 原件
        required: false
        basis: 公证程序规则
        original: true
"""

options = argparse.Namespace(tongban="tongban", seed=None)


class Refused(Exception):
    """The local API's error: code is Connect's name."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Unreachable(Exception):
    """No answer: what was asked may or may not have been done."""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Result:
    """How a command ended."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.status}\n{self.out}\n{self.err}"


def citizen(birth_and_sequence):
    """A citizen number with the right check character (GB 11643) from its first 17 digits."""
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    total = sum(int(d) * w for d, w in zip(birth_and_sequence, weights))
    return birth_and_sequence + "10X98765432"[total % 11]


def person(i):
    return citizen(f"32040019{70 + i // 28 % 30:02d}{1 + i // 840 % 12:02d}{1 + i % 28:02d}{i % 1000:03d}")


def credential(number, **over):
    """A certificate as a line of an import file has it."""
    line = {
        "type": TYPE,
        "typeName": "公证书",
        "number": number,
        "name": "公证书",
        "holders": [{"codeType": "111", "code": CITIZEN, "name": "王伟"}],
        "issuer": DEPARTMENT,
        "issuerName": "常州市司法局",
        "issuedOn": "2024-01-31",
        "validFrom": "2024-01-31",
        "validUntil": "2044-01-30",
    }
    line.update(over)
    return line


def scan(material, need="M1", name="申请表.pdf"):
    """An uploaded material as a case names it."""
    return {"need": need, "name": name, "mediaType": "application/pdf", "size": material["size"],
            "root": material["root"], "sha256": material["sha256"]}


def application(*materials, **over):
    """An application that is complete if a scan is among |materials|."""
    made = {
        "item": ITEM, "mode": "DS", "home": HOME, "delivery": "NETWORK", "address": "兰州市城关区1号", "window": "3",
        "applicant": {"name": "王伟", "codeType": "111", "code": CITIZEN}, "materials": list(materials),
    }
    made.update(over)
    return made


def free_port():
    """Below the ports that outgoing connections take, so that a killed node finds its own free again."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Node:
    def __init__(self, world, region, name):
        self.world, self.region, self.name = world, region, name
        self.dir = os.path.join(world.dir, name)
        self.port = free_port()
        self.log_path = os.path.join(world.dir, name + ".log")
        self.process = None
        self.starts = 0

    # ---- life

    def init(self, *more):
        address = f"127.0.0.1:{self.port}"
        run = self.cli("init", "--region", self.region, "--listen", address, "--endpoint", address, *more)
        assert run.status == 0, run
        year = time.gmtime().tm_year
        self.calendar(range(year - 1, year + 3))
        return self

    def calendar(self, years):
        """The years that the node knows the working days of, so that no test depends on the day it runs on."""
        with open(os.path.join(self.dir, "data", "workdays.tsv"), "w", encoding="utf-8") as out:
            out.write("".join(f"{year}-01-01\tH\t元旦\n" for year in years))

    def start(self, wait=True, **popen):
        assert self.process is None or self.process.poll() is not None, "it runs"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [options.tongban, "run", "--dir", self.dir],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **popen)
        self.starts += 1
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=30):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}\n{self.log_tail()}")
            try:
                self.api("NodeService/Status", timeout=5)
                return True
            except Unreachable:
                return False
        wait_for(ready, seconds, f"{self.name} to be ready", step=0.01)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=20):
        """SIGTERM; gives the exit status."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop within {seconds} s") from None

    def restart(self):
        self.stop()
        return self.start()

    # ---- what it says

    def log(self):
        if not os.path.exists(self.log_path):
            return []
        lines = []
        with open(self.log_path, encoding="utf-8") as log:
            for line in log:
                try:
                    lines.append(json.loads(line))
                except ValueError:
                    lines.append({"event": "not json", "text": line})
        return lines

    def logged(self, event):
        return [line for line in self.log() if line.get("event") == event]

    def log_tail(self, lines=15):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    # ---- the command

    def cli(self, *arguments, input=None, timeout=120):
        command = [options.tongban, *arguments, "--dir", self.dir, "--json", "--lang", "en"]
        run = subprocess.run(command, input=input, capture_output=True, text=True, timeout=timeout, check=False)
        return Result(run.returncode, run.stdout, run.stderr)

    def do(self, *arguments, **more):
        """The command, which must succeed; gives its JSON, or its text where it has no reply to show."""
        run = self.cli(*arguments, **more)
        assert run.status == 0, f"{' '.join(arguments)}: {run}"
        return run.json if run.out.lstrip().startswith("{") else run.out

    def refuses(self, *arguments, status=1, **more):
        """The command, which must be refused; gives what it says."""
        run = self.cli(*arguments, **more)
        assert run.status == status, f"{' '.join(arguments)}: {run}"
        return run.err

    # ---- the local API

    def socket_path(self):
        return os.path.join(self.dir, "api.sock")

    def connect(self, timeout=30):
        return UnixConnection(self.socket_path(), timeout)

    def http(self, method, path, body=None, headers=None, timeout=30):
        """One request on a connection of its own: status, headers, body."""
        connection = self.connect(timeout)
        try:
            try:
                connection.request(method, path, body=body, headers=headers or {})
            except BrokenPipeError:
                pass  # what is refused by its header alone is answered before its body is read
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        except (OSError, http.client.HTTPException) as e:
            raise Unreachable(str(e)) from e
        finally:
            connection.close()

    def api(self, method, message=None, timeout=30):
        status, _, body = self.http(
            "POST", "/tongban.v1." + method, json.dumps(message or {}, ensure_ascii=False).encode(),
            {"Content-Type": "application/json"}, timeout)
        try:
            reply = json.loads(body)
        except ValueError as e:
            raise Unreachable(f"{status}: {body[:200]}") from e
        if status != 200:
            raise Refused(status, reply.get("code"), reply.get("message"))
        return reply

    def upload(self, data, timeout=30):
        status, _, body = self.http("PUT", "/material", data, {"Content-Type": "application/octet-stream"}, timeout)
        if status != 200:
            raise Refused(status, None, body[:200])
        return json.loads(body)

    def status(self):
        return self.api("NodeService/Status")

    def case(self, number):
        return self.api("CaseService/Get", {"number": number})

    def file(self, name, text):
        """A file beside the node's directory; gives its path."""
        path = os.path.join(self.world.dir, f"{self.name}-{name}")
        mode = "wb" if isinstance(text, bytes) else "w"
        with open(path, mode, **({} if mode == "wb" else {"encoding": "utf-8"})) as out:
            out.write(text)
        return path

    def import_lines(self, lines, name="import.jsonl"):
        path = self.file(name, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        return self.do("credential", "import", path)

    def load_catalogue(self, text=CATALOGUE):
        return self.do("catalogue", "load", self.file("items.yaml", text))

    # ---- peers

    def grant(self, other, verify="document", types=("*",), items=("*",), modes=("DS",), per_second=None, burst=None,
              reload=True):
        """Writes what |other| may do here."""
        lines = [f'region: "{other.region}"', f'name: "{other.name}"', f'endpoint: "127.0.0.1:{other.port}"', "grants:"]
        if verify:
            lines += ["  verify:", f"    - types: {json.dumps(list(types))}", f"      disclosure: {verify}"]
        if items:
            lines += ["  cases:", f"    - items: {json.dumps(list(items))}", f"      modes: {json.dumps(list(modes))}"]
        if not verify and not items:
            lines.pop()
        if per_second is not None:
            lines.append(f"queries_per_second: {per_second}")
        if burst is not None:
            lines.append(f"queries_burst: {burst}")
        with open(self.peer_file(other), "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        if reload and self.process is not None and self.process.poll() is None:
            self.do("peer", "reload")

    def peer_file(self, other):
        return os.path.join(self.dir, "peers", other.region + ".yaml")

    def import_peer(self, other):
        path = os.path.join(self.world.dir, other.region + ".peer")
        other.do("peer", "export", "--out", path)
        self.do("peer", "import", path)


class World:
    def __init__(self, name, seed):
        self.dir = tempfile.mkdtemp(prefix=f"tongban-{name[:40]}-")
        self.nodes = []
        self.seed = seed
        self.random = random.Random(seed)

    def node(self, region, name=None):
        node = Node(self, region, name or region)
        self.nodes.append(node)
        return node

    def pair(self, catalogue=True, **grants):
        """A window and a home region that trust each other; running, with the home region's items known to the window."""
        window = self.node(WINDOW, "window").init()
        home = self.node(HOME, "home").init()
        window.import_peer(home)
        home.import_peer(window)
        window.grant(home)
        home.grant(window, **grants)
        home.start()
        if catalogue:
            home.load_catalogue()
        window.start()
        if catalogue:
            wait_for(lambda: window.api("CatalogueService/List", {"region": HOME}).get("catalogue", {}).get("items"),
                     30, "the window to learn the catalogue")
        return window, home

    def close(self, keep):
        """A node that was not killed must stop by itself; then, too, it writes what was counted of its branches."""
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                if keep:
                    node.kill()
                else:
                    status = node.stop()
                    assert status == 0, f"{node.name} stopped with {status}"
        if keep:
            print(f"  kept: {self.dir}")
            for node in self.nodes:
                print(f"  -- {node.log_path}\n{node.log_tail()}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


def wait_for(condition, seconds, what, step=0.02):
    """Gives what |condition| gives once it is true."""
    until = time.monotonic() + seconds
    while True:
        value = None
        try:
            value = condition()
        except (Unreachable, Refused):
            pass
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(step)


def refused(code, call, *arguments, **more):
    """The API call must be refused with |code|; gives the message."""
    try:
        reply = call(*arguments, **more)
    except Refused as e:
        assert e.code == code, f"{e.code} ({e.message}), not {code}"
        return e.message
    raise AssertionError(f"not refused: {reply}")


def same_log(a, b, number):
    """Waits until both nodes have the same log of a case, and gives the view of |a|."""
    def same():
        here, there = a.case(number), b.case(number)
        return here if here["logDigests"] == there["logDigests"] and not here.get("handingOver") else None
    return wait_for(same, 30, f"one log of {number}")


def in_state(node, number, state, seconds=30):
    def there():
        view = node.case(number)
        return view if view["state"] == state else None
    return wait_for(there, seconds, f"{number} to be {state} at {node.name}")


def quiet(*nodes, seconds=60):
    """Waits until nothing is on its way between |nodes|."""
    def rest():
        for node in nodes:
            status = node.status()
            if int(status.get("outbox", 0)) or int(status.get("materialsWanted", 0)):
                return False
        return True
    wait_for(rest, seconds, "quiet", step=0.05)


def main(tests):
    parser = argparse.ArgumentParser()
    parser.add_argument("--tongban", required=True, help="the program")
    parser.add_argument("--only", help="tests whose name holds this")
    parser.add_argument("--seed", type=int, default=None, help="of what is drawn at random")
    parser.add_argument("--keep", action="store_true", help="keep the directories")
    parser.parse_args(namespace=options)
    options.tongban = os.path.abspath(options.tongban)
    os.umask(0o077)
    for name in ("TONGBAN_DIR", "LANG", "http_proxy", "https_proxy"):
        os.environ.pop(name, None)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed={seed}", flush=True)
    failed = []
    for name, test in list(tests.items()):
        if not name.startswith("test_") or not callable(test) or (options.only and options.only not in name):
            continue
        world = World(name, seed)
        began = time.monotonic()
        try:
            test(world)
            print(f"ok      {name} ({time.monotonic() - began:.1f} s)", flush=True)
            world.close(options.keep)
        except BaseException as e:  # a node may not outlive its test, whatever ends it
            print(f"FAILED  {name}", flush=True)
            traceback.print_exc()
            failed.append(name)
            world.close(True)
            if isinstance(e, KeyboardInterrupt):
                break
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")
