#!/bin/sh
# command.sh TONGBAN-SIM: what the command promises to whoever calls it: exit status, words, and that it leaves
# nothing behind.
set -u
sim=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
bad() {
	echo "$*"
	cat out err 2>/dev/null
	exit 1
}
# status WANTED COMMAND...: its output is in out and err.
status() {
	wanted=$1
	shift
	"$@" >out 2>err
	got=$?
	[ $got -eq "$wanted" ] || bad "status $got, not $wanted: $*"
}
says() { grep -q -- "$2" "$1" || bad "$1 does not say: $2"; }
scratch() { ls -d disks/tongban-sim.* 2>/dev/null; }
mkdir disks

status 2 "$sim"
says err '^tongban-sim campaign '
status 2 "$sim" run --seed x --dir disks
says err 'seed: a number from 0 to 18446744073709551615 expected, not x'
status 2 "$sim" run --crypto none --dir disks
says err 'crypto: stub or real expected, not none'
status 2 "$sim" run extra --dir disks
says err 'not expected: extra'
for option in --report --events --words --save; do
	status 2 "$sim" run $option nowhere/x --dir disks
	says err 'nowhere/x'
done
status 2 "$sim" campaign --seeds 1..1 --out nowhere/x --dir disks
says err 'nowhere/x'
status 1 "$sim" campaign --seeds 1..3 --budget 0.01s --dir disks --out few
says out 'no seed was finished'
status 2 "$sim" run --preset sunny --dir disks
says err 'no such preset: sunny'

# The same seed, the same run; and a replay file says the same again.
set -- --seed 5 --nodes 3 --hours 3 --preset lossy --cases 40 --verifications 40 --dir disks
status 0 "$sim" run "$@" --twice --report rep --events events.jsonl
first=$(grep -o '^hash [0-9a-f]*' out)
status 0 "$sim" run "$@"
[ "$(grep -o '^hash [0-9a-f]*' out)" = "$first" ] || bad "another run"
printf 'tongban-sim replay 1\nseed 5\nnodes 3\npreset lossy\nminutes 180\ncases 40\nverifications 40\ncrypto stub\nhealing yes\n' >file.replay
status 0 "$sim" replay file.replay --dir disks
[ "$(grep -o '^hash [0-9a-f]*' out)" = "$first" ] || bad "the replay is another run"
for file in rep/report.html rep/report.json rep/junit.xml events.jsonl; do
	[ -s $file ] || bad "$file is missing"
done
status 0 "$sim" shrink file.replay --dir disks
says out 'the run does not fail: nothing to shrink'
status 2 "$sim" replay none.replay --dir disks
says err 'none.replay: cannot be read'
echo 'x' >bad.replay
status 2 "$sim" replay bad.replay --dir disks
says err 'bad.replay: not a replay file of version 1'

# A story that is wrong in itself, and one whose expectation is.
head='title: x\nstarts: 2026-09-21 09:00\nlasts: 3h\nnodes: [620100, 320400]\nsteps:\n'
printf "$head"'- {at: "09:30", crash: {node: 110000}}\n' >bad.yaml
status 2 "$sim" scenario bad.yaml --dir disks
says err 'bad.yaml, line 6: crash: node: "110000" is not among the nodes'
printf "$head"'- {at: "09:30", submit: {case: A, window: 620100, home: 320400}}\nexpect:\n- case-is: {case: A, node: 320400, state: closed}\n' >wrong.yaml
status 129 "$sim" scenario wrong.yaml --dir disks
says out '^NOT HELD  wrong.yaml: x$'
says out 'wrong.yaml, line 8: case-is: case A in 常州市 is SIGNED_FOR, not closed'

# A campaign: progress without carriage returns in a log; a signal ends it, its runs and their disks.
status 0 "$sim" campaign --seeds 1..2 --preset calm --once --dir disks --out camp
says out '^2 seeds in '
grep -q "$(printf '\r')" err && bad "carriage returns in a log"
[ -s camp/junit.xml ] || bad "no junit.xml"
"$sim" campaign --seeds 1..1000000 --jobs 2 --dir disks --out camp >out 2>err &
pid=$!
until [ -n "$(scratch)" ]; do kill -0 $pid 2>/dev/null || bad "it ended by itself"; done
kill -TERM $pid
wait $pid
got=$?
[ $got -eq 143 ] || bad "status $got after a signal"
says out '^not finished: seed '
says out '^stopped by signal 15'
[ -z "$(scratch)" ] || bad "disks are left behind"
"$sim" run "$@" --hours 10000 --quiet >out 2>err &
pid=$!
until [ -n "$(scratch)" ]; do kill -0 $pid 2>/dev/null || bad "it ended by itself"; done
kill -INT $pid 2>/dev/null
kill -TERM $pid 2>/dev/null
wait $pid
[ -z "$(scratch)" ] || bad "disks are left behind by a run"
