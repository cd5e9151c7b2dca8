"""kill -9 of either node at random moments of a running exchange, two hundred times and more.

What was acknowledged is there in the end, and nothing happened twice. Clients do what clients should: they name what they
submit (requestId), say what they have seen (expectSeq), and ask again after a silence."""

import json
import random
import threading
import time

import harness
from harness import CITIZEN, HOME, TYPE, Refused, Unreachable, application, credential, quiet, scan, wait_for

KILLS = 200
MEAN_LIFE = 0.16  # seconds from one kill to the next
CASES_LEAST = 25  # what must have come about between the kills, or the test shows nothing
LOAD_MOST = 140  # seconds
CASES_MOST = 400

LOST = (Unreachable, OSError)


class Load:
    """What the clients did, and what they were told."""

    def __init__(self, window, home, seed):
        self.window, self.home, self.seed = window, home, seed
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.cases = {}  # request id -> number, acknowledged
        self.applications = {}  # by request id, as sent
        self.acts = {}  # actor id -> (number, event), acknowledged
        self.tried = {}  # actor id -> (number, event)
        self.certificates = []  # numbers of certificates, acknowledged
        self.issued = 0
        self.answers = 0
        self.silences = 0
        self.problems = []

    def insist(self, call):
        """Repeats a call that may be repeated until it is answered."""
        until = time.monotonic() + 60
        while True:
            try:
                return call()
            except LOST:
                self.silences += 1
            except Refused as e:
                if e.code not in ("unavailable", "deadline_exceeded"):
                    raise
                self.silences += 1
            if time.monotonic() > until:
                raise AssertionError("no answer within 60 s")
            time.sleep(0.005)

    def guard(self, client, *arguments):
        def run():
            try:
                while not self.stopping.is_set():
                    client(*arguments)
            except Exception as e:  # told by the main thread
                self.problems.append(f"{client.__name__}: {type(e).__name__}: {e}")
                self.stopping.set()
        return threading.Thread(target=run, name=client.__name__)

    # ---- clients of the window

    def submit(self, drawn, who):
        with self.lock:
            request = f"r-{who}-{len(self.cases)}-{drawn.random():.9f}"
            if len(self.cases) >= CASES_MOST:
                self.stopping.wait(0.1)
                return
        size = 300 * 1024 if drawn.random() < 0.3 else drawn.randrange(1, 5000)
        data = drawn.randbytes(size)
        material = self.insist(lambda: self.window.upload(data))
        message = {"requestId": request, "application": application(scan(material)),
                   "actor": {"role": "R_WIN", "id": who}, "forward": True}
        number = self.insist(lambda: self.window.api("CaseService/Submit", message))["number"]
        with self.lock:
            self.cases[request] = number
            self.applications[request] = message["application"]

    def verify(self, drawn):
        with self.lock:
            known = list(self.certificates)
        if not known:
            self.stopping.wait(0.02)
            return
        number = drawn.choice(known)
        query = {"type": TYPE, "number": number, "purpose": "核验", "basis": "条例", "disclosure": "STATUS",
                 "holder": {"codeType": "111", "code": CITIZEN}}
        try:
            reply = self.window.api("CredentialService/Verify", {"region": HOME, "queries": [query]})
        except (*LOST, Refused):  # the home region is away: so it is said
            self.silences += 1
            self.stopping.wait(0.01)
            return
        answer = reply["outcomes"][0]["answer"]
        if answer["result"] != "CONFIRMED" or answer["state"] != "VALID":
            raise AssertionError(f"{number}, which was imported: {answer}")
        self.answers += 1

    def hand_over(self, drawn):
        self.work(self.window, drawn, "DELIVERING", [("HAND_OVER", "R_WIN", {})])

    # ---- clients of the home region

    def import_some(self, drawn):
        first = len(self.certificates)
        if first >= 4000:
            self.stopping.wait(0.1)
            return
        numbers = [f"K{self.seed}-{first + i}" for i in range(drawn.randrange(1, 20))]
        lines = [json.dumps(credential(number), ensure_ascii=False) for number in numbers]
        message = {"importId": f"i{first}", "format": "JSONL", "lines": lines, "firstLine": "1", "endOffset": "1"}
        reply = self.insist(lambda: self.home.api("CredentialService/Import", message))
        if reply.get("bad") or reply.get("added", 0) + reply.get("unchanged", 0) != len(numbers):
            raise AssertionError(f"import: {reply}")
        with self.lock:
            self.certificates += numbers

    def decide(self, drawn):
        issue = {"issue": {"typeName": "公证书"}} if drawn.random() < 0.5 else {}
        self.work(self.home, drawn, "SIGNED_FOR", [
            ("ACCEPT", "H_WIN", {}), ("START", "H_DEPT", {}), ("GRANT", "H_DEPT", issue),
            ("DISPATCH", "H_WIN", {"detail": {"way": "NETWORK"}})])

    def work(self, node, drawn, state, steps):
        """Takes a case that is in |state| at |node| along |steps|."""
        found = self.insist(lambda: node.api("CaseService/List", {"state": state, "limit": 50})).get("cases", [])
        found = [case for case in found if not case.get("handingOver") and not case.get("proposal")]
        if not found:
            self.stopping.wait(0.05)
            return
        number = drawn.choice(found)["number"]
        for event, role, more in steps:
            if not self.act(node, drawn, number, event, role, more):
                return

    def act(self, node, drawn, number, event, role, more):
        """One act by an actor of its own, so that it can be counted; True if it was acknowledged."""
        actor = f"a-{drawn.randrange(1 << 60):x}"
        seen = self.insist(lambda: node.case(number))
        message = {"number": number, "event": event, "actor": {"role": role, "id": actor}, "expectSeq": seen["seq"]}
        message.update(more)
        with self.lock:
            self.tried[actor] = (number, event)

        def once():
            try:
                return node.api("CaseService/Act", message)
            except LOST:
                # Was it done? If not, it may be asked again: expectSeq keeps it from being done twice.
                view = self.insist(lambda: node.case(number))
                if any(entry["actor"]["id"] == actor for entry in view["log"]):
                    return view
                raise
        try:
            self.insist(once)
        except Refused as e:
            if e.code != "failed_precondition":
                raise
            return False
        with self.lock:
            self.acts[actor] = (number, event)
        return True

    def threads(self):
        draw = random.Random(self.seed)
        fresh = lambda: random.Random(draw.randrange(1 << 60))
        return [
            self.guard(self.submit, fresh(), "w1"), self.guard(self.submit, fresh(), "w2"),
            self.guard(self.decide, fresh()), self.guard(self.hand_over, fresh()),
            self.guard(self.import_some, fresh()), self.guard(self.verify, fresh()),
        ]


def kill_at_random(load, nodes, drawn):
    """Kills either node, at moments that are drawn, and starts it again at once; gives how often."""
    kills, until = 0, time.monotonic() + LOAD_MOST
    while not load.stopping.is_set():
        time.sleep(min(drawn.expovariate(1 / MEAN_LIFE), 1.0))
        enough = kills >= KILLS and len(load.cases) >= CASES_LEAST and len(load.acts) >= CASES_LEAST
        if enough or time.monotonic() > until:
            break
        node = drawn.choice(nodes)
        node.kill()
        node.start(wait=False)
        kills += 1
    return kills


def all_cases(node):
    cases, after = [], ""
    while True:
        page = node.api("CaseService/List", {"limit": 500, "after": after}).get("cases", [])
        if not page:
            return cases
        cases += [case["number"] for case in page]
        after = page[-1]["number"]


def check_log(number, here, there):
    assert here["logDigests"] == there["logDigests"], f"{number}: {here['seq']} and {there['seq']} entries"
    assert [entry["seq"] for entry in here["log"]] == list(range(1, here["seq"] + 1)), f"{number}: gaps"
    for key in ("state", "owner", "epoch", "localNumber", "firstNode"):
        assert here.get(key) == there.get(key), f"{number}: {key} {here.get(key)} and {there.get(key)}"
    assert not here.get("dispute") and not there.get("dispute"), f"{number}: in dispute"
    return [entry["actor"]["id"] for entry in here["log"]]


def check_cases(load, window, home):
    numbers = all_cases(window)
    assert sorted(numbers) == sorted(load.cases.values()), "cases that nobody was told of, or told of and not there"
    assert sorted(all_cases(home)) == sorted(numbers), "a case is on one side only"
    days = {}
    for number in numbers:
        days.setdefault(number[6:14], []).append(int(number[14:21]))
    for day, sequence in days.items():
        assert sorted(sequence) == list(range(1, len(sequence) + 1)), f"{day}: gaps between case numbers"
    actors, local = [], []
    for number in numbers:
        here, there = window.case(number), home.case(number)
        done = check_log(number, here, there)
        actors += [(actor, number) for actor in done]
        if here.get("localNumber"):
            local.append(here["localNumber"])
        events = [entry["event"] for entry in here["log"]]
        for event in ("SUBMIT", "SEND", "SIGN", "ACCEPT", "START", "GRANT", "DISPATCH", "HAND_OVER"):
            assert events.count(event) <= 1, f"{number}: {event} {events.count(event)} times"
        load.issued += any(entry["event"] == "GRANT" and
                           entry.get("detail", {}).get("decision", {}).get("credentialIdentifier") for entry in here["log"])
    assert len(local) == len(set(local)), "a local number was given twice"
    return actors


def check_acts(load, actors, window):
    count = {}
    for actor, number in actors:
        if actor.startswith("a-"):
            count[actor] = count.get(actor, 0) + 1
            assert load.tried[actor][0] == number
    twice = [actor for actor, times in count.items() if times > 1]
    assert not twice, f"done twice: {[load.tried[actor] for actor in twice]}"
    for actor, (number, event) in load.acts.items():
        if actor in count:
            continue
        # A proposal may lose against what the owner ordered before it; then the window is told so.
        assert event == "HAND_OVER" and "refused" in window.case(number).get("proposal", ""), \
            f"{event} of {number} was acknowledged and is not in its log"


def check_certificates(load, home):
    assert len(load.certificates) == len(set(load.certificates))
    for number in load.certificates:
        found = home.api("CredentialService/Find", {"type": TYPE, "number": number}).get("credentials", [])
        assert len(found) == 1, f"{number}: {len(found)} certificates"
        assert found[0]["sealValid"] and found[0]["state"] == "VALID"
    stored = int(home.status()["credentials"])
    assert stored == len(load.certificates) + load.issued, f"{stored} certificates, {len(load.certificates)} + {load.issued}"


def test_kill_9_at_random_moments_loses_nothing_and_doubles_nothing(world):
    window, home = world.pair()
    load = Load(window, home, world.seed)
    threads = load.threads()
    for thread in threads:
        thread.start()
    began = time.monotonic()
    try:
        kills = kill_at_random(load, [window, home], random.Random(world.seed))
    finally:
        load.stopping.set()
        for thread in threads:
            thread.join(90)
    assert not any(thread.is_alive() for thread in threads), "a client hangs"
    assert not load.problems, load.problems
    took = time.monotonic() - began
    window.wait_ready()
    home.wait_ready()
    quiet(window, home, seconds=90)
    assert int(window.status().get("deadLetters", 0)) == 0 and int(home.status().get("deadLetters", 0)) == 0
    wait_for(lambda: not any(home.case(number)["state"] == "TRANSFER" for number in all_cases(home)), 60,
             "every case to be signed for")
    quiet(window, home)
    check_acts(load, check_cases(load, window, home), window)
    check_certificates(load, home)
    for node in (window, home):
        audit = node.do("audit", "verify")
        assert audit["intact"], audit
        errors = [line for line in node.log() if line.get("level") == "error"]
        assert not errors, errors[:5]
    for request, number in list(load.cases.items())[:50]:
        again = window.api("CaseService/Submit", {"requestId": request, "application": load.applications[request],
                                                  "actor": {"role": "R_WIN", "id": "w"}})
        assert again["number"] == number
    print(f"  {kills} kills in {took:.0f} s; {len(load.cases)} cases, {len(load.acts)} acts, {len(load.certificates)} "
          f"certificates, {load.answers} answers; {load.silences} calls without an answer")
    assert kills >= KILLS, f"only {kills} kills"
    assert len(load.cases) >= CASES_LEAST and len(load.acts) >= CASES_LEAST and load.answers > 0


harness.main(globals())
