"""What goes wrong around a node: full disks, directories that cannot be written, damaged files, clocks set back, calendars
that end. It answers with a coded error or stops, and loses nothing that it acknowledged."""

import base64
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time

import harness
from harness import (CITIZEN, HOME, ITEM, TYPE, WINDOW, Refused, Unreachable, application, credential, in_state, person,
                     quiet, refused, same_log, scan, wait_for)

CODED = ("invalid_argument", "data_loss", "internal", "not_found", "failed_precondition", "resource_exhausted", "unavailable")


def holder(i):
    return {"codeType": "111", "code": person(i), "name": "张三"}


def import_one(node, i, lines=20):
    """Some certificates in one call; gives their numbers."""
    numbers = [f"L{i}-{j}" for j in range(lines)]
    text = [json.dumps(credential(n, holders=[holder(j)]), ensure_ascii=False) for j, n in enumerate(numbers)]
    reply = node.api("CredentialService/Import", {"importId": f"l{i}", "format": "JSONL", "lines": text, "firstLine": "1",
                                                  "endOffset": "1"})
    assert reply["added"] == lines, reply
    return numbers


def there(node, number):
    return len(node.api("CredentialService/Find", {"type": TYPE, "number": number}).get("credentials", [])) == 1


def submit(window, data):
    view = window.api("CaseService/Submit", {"application": application(scan(window.upload(data))),
                                             "actor": {"role": "R_WIN", "id": "w"}, "forward": True})
    return view["number"]


class Small:
    """A directory with little room: a file system of its own where that may be mounted."""

    def __init__(self, path, size):
        self.path = path
        os.makedirs(path, exist_ok=True)
        run = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path], capture_output=True,
                             check=False)
        self.mounted = run.returncode == 0

    def grow(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", self.path], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", "-l", self.path], check=False)


def fill_store(node):
    """Imports until the node refuses for want of room, or stops; gives what it acknowledged."""
    acknowledged = []
    for i in range(2000):
        try:
            acknowledged += import_one(node, i)
        except Refused as e:
            assert e.code == "resource_exhausted", e
            return acknowledged
        except Unreachable:
            assert node.process.wait(20) == 3, f"ended with {node.process.returncode}\n{node.log_tail()}"
            failed = node.logged("node.commit_failed")
            assert failed and failed[-1]["code"] == "TB_EFULL", node.log_tail()
            return acknowledged
    raise AssertionError("the disk is not full")


def check_nothing_lost(node, acknowledged):
    node.wait_ready()
    assert all(there(node, number) for number in acknowledged[-40:] + acknowledged[::97])
    assert int(node.status()["credentials"]) >= len(acknowledged)
    assert node.do("audit", "verify")["intact"]
    assert import_one(node, 999999)


# ---- full disks

def test_a_store_that_may_not_grow_stops_the_node_and_loses_nothing(world):
    node = world.node(HOME).init().start()
    acknowledged = import_one(node, 777)
    node.stop()
    size = os.path.getsize(os.path.join(node.dir, "store", "data.mdb"))

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 600_000, resource.RLIM_INFINITY))
    node.start(preexec_fn=limit, restore_signals=False)  # SIGXFSZ stays ignored: writing fails with EFBIG
    acknowledged += fill_store(node)
    if node.process.poll() is None:
        node.kill()
    node.start()
    check_nothing_lost(node, acknowledged)


def test_a_full_disk_under_the_store_stops_the_node_until_there_is_room(world):
    node = world.node(HOME).init()
    with Small(os.path.join(node.dir, "store"), "3m") as small:
        if not small.mounted:
            print("  (not run: no right to mount)")
            return
        node.start()
        acknowledged = fill_store(node)
        assert len(acknowledged) > 100
        if node.process.poll() is not None:
            # Without room it may start or say why not, but it serves nothing that is not so.
            node.start(wait=False)
            wait_for(lambda: node.process.poll() is not None or os.path.exists(node.socket_path()), 30, "an outcome")
            time.sleep(0.3)
            assert node.process.poll() in (None, 1, 3), node.log_tail()
        if node.process.poll() is None:
            node.kill()
        small.grow("64m")
        node.start()
        check_nothing_lost(node, acknowledged)
        node.stop()


def test_a_full_disk_under_the_blobs_refuses_uploads_and_makes_fetches_wait(world):
    window, home = world.pair()
    with Small(os.path.join(home.dir, "blobs"), "1500k") as small:
        if not small.mounted:
            print("  (not run: no right to mount)")
            return
        home.restart()
        try:
            raise AssertionError(home.upload(os.urandom(4 << 20)))
        except Refused as e:
            assert "resource_exhausted" in str(e) or e.status == 429, e
        assert home.upload(b"a little")
        assert not os.listdir(os.path.join(home.dir, "blobs", "partial")), "what was cut off takes room"
        number = submit(window, os.urandom(3 << 20))
        wait_for(lambda: home.logged("material.fetch_failed"), 60, "the fetch to fail")
        assert home.case(number)["materialsMissing"] == 1
        other = submit(window, b"small")  # nobody else waits
        in_state(home, other, "SIGNED_FOR")
        small.grow("64m")
        in_state(home, number, "SIGNED_FOR", seconds=90)
        same_log(window, home, number)
        home.stop()


# ---- directories that cannot be written

def test_a_directory_that_cannot_be_written_is_refused_at_the_start_and_named(world):
    node = world.node(HOME).init()
    node.start()
    import_one(node, 1)
    node.stop()
    for name in ("store", "."):
        path = os.path.normpath(os.path.join(node.dir, name))
        mounted = subprocess.run(f"mount --bind '{path}' '{path}' && mount -o remount,ro,bind '{path}'", shell=True,
                                 capture_output=True, check=False).returncode == 0
        if not mounted and os.geteuid() == 0:
            print("  (not run: no right to mount)")
            return
        if not mounted:
            os.chmod(path, 0o500)
        try:
            node.start(wait=False)
            assert node.process.wait(30) == 1, node.log_tail()
            failed = node.logged("node.start_failed")[-1]
            assert failed["code"] in ("TB_EPERMISSIONS", "TB_ESTORAGE", "TB_EIO") and failed["text"], failed
        finally:
            if mounted:
                subprocess.run(["umount", path], check=True)
            else:
                os.chmod(path, 0o700)
    node.start()
    assert there(node, "L1-3")


def test_uploads_into_a_directory_that_cannot_be_written_are_refused_and_the_node_goes_on(world):
    node = world.node(HOME).init()
    blobs = os.path.join(node.dir, "blobs")
    mounted = subprocess.run(f"mount --bind '{blobs}' '{blobs}' && mount -o remount,ro,bind '{blobs}'", shell=True,
                             capture_output=True, check=False).returncode == 0
    if not mounted and os.geteuid() == 0:
        print("  (not run: no right to mount)")
        return
    if not mounted:
        os.chmod(blobs, 0o500)
    try:
        node.start(wait=False)
        wait_for(lambda: node.process.poll() is not None or os.path.exists(node.socket_path()), 30, "an outcome")
        if node.process.poll() is None:
            node.wait_ready()
            status, _, body = node.http("PUT", "/material", b"x" * 1000)
            assert status in (400, 500) and json.loads(body)["code"] in ("internal", "failed_precondition"), body
            assert import_one(node, 1)
            assert node.stop() == 0
        else:
            assert node.process.returncode == 1 and node.logged("node.start_failed")
    finally:
        if node.process.poll() is None:
            node.kill()
        if mounted:
            subprocess.run(["umount", blobs], check=True)
        else:
            os.chmod(blobs, 0o700)
    node.start()
    assert node.upload(b"x" * 1000)


# ---- damage

def copy_of(node, name):
    """A node of its own with a copy of another's directory."""
    twin = node.world.node(node.region, name)
    shutil.copytree(node.dir, twin.dir, ignore=shutil.ignore_patterns("api.sock", "listen", "tongban.lock"))
    config = os.path.join(twin.dir, "node.yaml")
    with open(config, encoding="utf-8") as file:
        text = file.read().replace(str(node.port), str(twin.port))
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)
    return twin


def outcome_of_damage(node, numbers):
    """Starts a node on damaged files and reads everything: "refused", "told", or "unharmed". Whatever it is, it is said."""
    node.start(wait=False)
    until = time.monotonic() + 30
    while node.process.poll() is None:
        try:
            node.status()
            break
        except (Unreachable, Refused):
            assert time.monotonic() < until, node.log_tail()
            time.sleep(0.02)
    if node.process.poll() is not None:
        assert node.process.returncode == 1, f"ended with {node.process.returncode}\n{node.log_tail()}"
        assert node.logged("node.start_failed")[-1]["code"] in ("TB_ECORRUPT", "TB_ESTORAGE"), node.log_tail()
        return "refused"
    told = False
    calls = [("AuditService/Verify", {}), ("AuditService/List", {}), ("CaseService/List", {}), ("MaterialService/List", {}),
             ("NodeService/DeadLetters", {}), ("CatalogueService/List", {})]
    calls += [("CaseService/Get", {"number": number}) for number in numbers]
    calls += [("CredentialService/Find", {"type": TYPE, "number": f"L1-{i}"}) for i in range(0, 20, 3)]
    for method, message in calls:
        try:
            reply = node.api(method, message)
            if method == "AuditService/Verify" and not reply.get("intact"):
                assert reply["problem"]
                told = True
        except Refused as e:
            assert e.code in CODED, e
            told = True
        except Unreachable as e:
            raise AssertionError(f"{method}: {e}; ended with {node.process.poll()}\n{node.log_tail()}") from e
    assert node.process.poll() is None, node.log_tail()
    node.kill()
    return "told" if told else "unharmed"


def grown(world):
    window, home = world.pair()
    for i in range(3):
        import_one(home, i)
    numbers = [submit(window, os.urandom(2000)) for _ in range(4)]
    for number in numbers:
        in_state(home, number, "SIGNED_FOR")
    quiet(window, home)
    assert home.stop() == 0
    window.stop()
    return home, numbers


def test_a_damaged_data_file_is_told_and_never_believed(world):
    home, numbers = grown(world)
    data = os.path.join("store", "data.mdb")
    size = os.path.getsize(os.path.join(home.dir, data))
    drawn = random.Random(world.seed)

    def garbage(file):
        file.write(drawn.randbytes(size))

    def zeros(file):
        file.write(b"\0" * size)
    harm = [("garbage", garbage), ("zeros", zeros), ("empty", lambda file: file.truncate(0)),
            ("half", lambda file: file.truncate(size // 2)), ("cut in a page", lambda file: file.truncate(size - 1000)),
            ("one page", lambda file: file.truncate(4096))]
    for name, spoil in harm:
        twin = copy_of(home, "t-" + name.replace(" ", "-"))
        with open(os.path.join(twin.dir, data), "r+b") as file:
            spoil(file)
        outcome = outcome_of_damage(twin, numbers)
        # The last page may be a free one: then nothing was lost, and every record was read.
        assert outcome in ("refused", "told") or name == "cut in a page", f"{name}: {outcome}"
        shutil.rmtree(twin.dir)


def test_a_flipped_byte_in_the_data_file_harms_nothing_silently_and_ends_no_node_unsaid(world):
    home, numbers = grown(world)
    drawn = random.Random(world.seed)
    path = os.path.join(home.dir, "store", "data.mdb")
    size = os.path.getsize(path)
    outcomes = {}
    for i in range(30):
        twin = copy_of(home, f"f{i}")
        place = drawn.randrange(size)
        with open(os.path.join(twin.dir, "store", "data.mdb"), "r+b") as file:
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ (1 << drawn.randrange(8))]))
        try:
            outcome = outcome_of_damage(twin, numbers)
        except AssertionError as e:
            raise AssertionError(f"byte {place} of {size}: {e}") from e
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        shutil.rmtree(twin.dir)
    print(f"  {outcomes}")


def test_a_damaged_material_is_not_handed_out(world):
    window, home = world.pair()
    data = os.urandom(700_000)
    home.kill()
    number = submit(window, data)
    blobs = [os.path.join(d, f) for d, _, files in os.walk(os.path.join(window.dir, "blobs")) for f in files]
    assert len(blobs) == 1
    with open(blobs[0], "r+b") as file:
        file.seek(400_000)
        byte = file.read(1)
        file.seek(400_000)
        file.write(bytes([byte[0] ^ 1]))
    root = window.do("material", "list")["materials"][0]["root"]
    name = base64.b64decode(root).hex()
    try:
        status, _, body = window.http("GET", "/material/" + name)
        assert status != 200 or len(body) < len(data), "a damaged material was handed out whole"
    except Unreachable:
        pass
    out = os.path.join(world.dir, "out")
    assert window.cli("material", "get", name, "--out", out).status != 0
    assert not os.path.exists(out) or os.path.getsize(out) < len(data)
    home.start()
    wait_for(lambda: home.logged("material.fetch_failed"), 60, "the fetch to fail")
    assert home.case(number)["materialsMissing"] == 1
    # The same file uploaded again mends it.
    os.remove(blobs[0])
    window.upload(data)
    in_state(home, number, "SIGNED_FOR", seconds=90)


# ---- clocks and calendars

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long offset(void)
{
	static __thread long seconds;
	static __thread long looked;
	static int (*real)(clockid_t, struct timespec *);
	struct timespec now;
	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	real(CLOCK_MONOTONIC_COARSE, &now);
	long at = now.tv_sec * 100 + now.tv_nsec / 10000000;
	if (at != looked) {
		FILE *file = fopen(getenv("CLOCK_FILE"), "r");
		looked = at;
		if (file && fscanf(file, "%ld", &seconds) != 1)
			seconds = 0;
		if (file)
			fclose(file);
	}
	return seconds;
}
int clock_gettime(clockid_t id, struct timespec *out)
{
	static int (*real)(clockid_t, struct timespec *);
	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int rc = real(id, out);
	if (id == CLOCK_REALTIME)
		out->tv_sec += offset();
	return rc;
}
"""


class Clock:
    """A node's clock, moved by a library that is loaded before the others."""

    def __init__(self, world, name):
        self.file = os.path.join(world.dir, name + ".clock")
        self.set(0)

    def set(self, seconds):
        with open(self.file + ".new", "w", encoding="utf-8") as out:
            out.write(str(seconds))
        os.rename(self.file + ".new", self.file)
        time.sleep(0.05)


def build_shim(world):
    source, library = os.path.join(world.dir, "shim.c"), os.path.join(world.dir, "shim.so")
    with open(source, "w", encoding="utf-8") as out:
        out.write(SHIM)
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        return None
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def with_clock(node, library, clock):
    environment = {**os.environ, "LD_PRELOAD": library, "CLOCK_FILE": clock.file}
    node.stop()
    node.start(env=environment)


def test_a_clock_set_back_an_hour_stops_nothing_and_revives_nothing(world):
    window, home = world.pair()
    library = build_shim(world)
    if not library:
        print("  (not run: no compiler)")
        return
    clocks = [Clock(world, "window"), Clock(world, "home")]
    for node, clock in zip((window, home), clocks):
        with_clock(node, library, clock)
    import_one(home, 1)
    query = {"type": TYPE, "number": "L1-1", "purpose": "p", "basis": "b", "disclosure": "STATUS"}
    ask = lambda: window.api("CredentialService/Verify", {"region": HOME, "queries": [query]})["outcomes"][0]["answer"]["result"]
    number = submit(window, b"x" * 1000)
    in_state(home, number, "SIGNED_FOR")
    before = int(home.case(number)["log"][-1]["atMs"])
    # A message waits to be sent again, and a peer's bucket is empty, when the clocks jump: neither waits for an hour.
    home.grant(window, per_second=5, burst=5)
    assert ask() == "CONFIRMED"
    home.kill()
    second = submit(window, b"y" * 1000)
    wait_for(lambda: window.logged("delivery.failed"), 30, "the delivery to fail")
    with_clock(home, library, clocks[1])
    try:
        for _ in range(50):
            ask()
    except Refused:
        pass
    for clock in clocks:
        clock.set(-3600)
    in_state(home, second, "SIGNED_FOR", seconds=60)
    wait_for(lambda: ask() == "CONFIRMED", 30, "the bucket to fill")
    home.do("case", "accept", number, "--actor", "h")
    in_state(window, number, "ACCEPTED", seconds=60)
    # A new start takes the clock as it is, an hour before what is in the log already.
    for node, clock in zip((window, home), clocks):
        with_clock(node, library, clock)
    home.do("case", "start", number, "--actor", "h")
    view = in_state(window, number, "REVIEW", seconds=60)
    assert int(view["log"][-1]["atMs"]) < before - 3_000_000, "the clock was not set back"
    import_one(home, 2)
    wait_for(lambda: ask() == "CONFIRMED", 30, "an answer")
    # One clock alone: the other side says which way it is wrong; nothing is lost meanwhile.
    clocks[0].set(0)
    try:
        raise AssertionError(f"answered: {ask()}")
    except Refused as e:
        assert e.code in ("unauthenticated", "unavailable") and "clock" in e.message, e
    third = submit(window, b"z" * 1000)
    wait_for(lambda: any("clock" in line["text"] for line in window.logged("delivery.failed")), 60, "the reason to be told")
    clocks[1].set(0)
    wait_for(lambda: ask() == "CONFIRMED", 30, "the clocks to agree")
    in_state(home, third, "SIGNED_FOR", seconds=60)
    for number in (number, second, third):
        same_log(window, home, number)
    for node in (window, home):
        assert node.do("audit", "verify")["intact"]
        node.restart()
        assert node.do("audit", "verify")["intact"]


def test_a_calendar_that_does_not_reach_refuses_what_needs_it_and_names_the_year(world):
    window, home = world.pair()
    year = time.gmtime().tm_year
    fine = submit(window, b"x")
    in_state(home, fine, "SIGNED_FOR")
    window.calendar([year - 2])
    home.calendar([year - 2])
    window.restart()
    home.restart()
    said = refused("failed_precondition", submit, window, b"y")
    assert str(year) in said or str(year + 1) in said, said
    said = home.refuses("case", "accept", fine, "--actor", "h")
    assert "failed_precondition" in said and (str(year) in said or str(year + 1) in said), said
    assert home.case(fine)["state"] == "SIGNED_FOR"
    assert len(window.api("CaseService/List")["cases"]) == 1
    home.calendar([year - 1, year, year + 1])
    home.restart()
    home.do("case", "accept", fine, "--actor", "h")
    window.calendar([year - 1, year, year + 1])
    window.restart()
    second = submit(window, b"y")
    assert int(second[14:21]) == int(fine[14:21]) + 1 or second[6:14] != fine[6:14], "the refused one used up a number"
    in_state(home, second, "SIGNED_FOR")
    for wrong in ("2026-02-30\tH\tx\n", "nonsense\n", f"{year}-01-01\tX\t\n", ""):
        with open(os.path.join(window.dir, "data", "workdays.tsv"), "w", encoding="utf-8") as out:
            out.write(wrong)
        window.stop()
        window.start(wait=False)
        assert window.process.wait(30) == 1 and "workdays.tsv" in window.log_tail(), window.log_tail()


harness.main(globals())
