#!/bin/sh
# short.sh LAB TONGBAN: three nodes, twenty seconds of trouble; everything must hold.
set -eu
dir=$(mktemp -d)
"$1" run --nodes 3 --for 20s --seed 7 --faults kill,cut,slow --tongban "$2" --dir "$dir/nodes" --report "$dir/report" || {
	status=$?
	echo "status $status; kept: $dir"
	exit "$status"
}
for file in report.html report.json junit.xml events.jsonl; do
	[ -s "$dir/report/$file" ] || { echo "no $file"; exit 1; }
done
rm -rf "$dir"
