#!/bin/sh
# alarm.sh LAB TONGBAN: old backups that nothing excuses are lost data, and the lab must say so with status 129.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0
"$1" run --nodes 3 --for 30s --seed 3 --faults backup=60 --no-excuse --quiet 20s --tongban "$2" --dir "$dir/nodes" || status=$?
[ "$status" -eq 129 ] || { echo "status $status, not 129: the alarm is broken"; exit 1; }
