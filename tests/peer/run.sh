#!/bin/sh
# Runs the second implementation against a node: run.sh BIN. Installs its modules at the first time.
set -eu
cd "$(dirname "$0")"
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
	npm ci --ignore-scripts --no-audit --no-fund
fi
exec node peer.js --tongban "$1"
