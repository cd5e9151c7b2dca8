#!/bin/sh
# layers.sh SOURCES: who may include whom (docs/architecture.md). Arrows go down only, and a library shows in
# its own room only.
set -eu
cd "$1"
bad=$(mktemp)
trap 'rm -f "$bad"' EXIT

# allow ROOM REGEX [EXCEPT]: every #include in ROOM, but for the folder EXCEPT, matches REGEX (after '#include ').
C='<(assert|ctype|dirent|errno|fcntl|ftw|inttypes|limits|math|pthread|pwd|signal|spawn|std[a-z]+|string|strings|time|unistd|poll|endian|locale|wchar|sys/[a-z]+|net/[a-z]+|netinet/[a-z]+|arpa/inet|netdb|sched|getopt|linux/[a-z_]+)\.h>'
# Nothing that could sleep, draw, ask the time or reach outside.
PURE='<(assert|ctype|errno|inttypes|limits|std[a-z]+|string|strings)\.h>'
allow() {
	room=$1 regex=$2 except=${3:-none}
	[ -d "$room" ] || return 0
	find "$room" -path "$except" -prune -o -name '*.[ch]' -exec grep -HnE '^[[:space:]]*#[[:space:]]*include' {} + |
		grep -vE ":[[:space:]]*#[[:space:]]*include[[:space:]]+($regex)" | sed "s|^|may not include: |" >>"$bad" || true
}

allow base         "$C|\"base/"
allow proto        "$C|\"(base|proto)/|<protobuf-c/|\"tongban/v1/[a-z]+\.pb-c\.h\""
allow pki          "$C|<cpuid\.h>|\"(base|proto|pki)/|<openssl/"
allow storage      "$C|\"(base|storage)/|<lmdb\.h>"
allow node/core    "$PURE|\"(base|proto|pki|storage|node/core)/"
allow node/io      "$C|\"(base|proto|pki|storage|node/core|node/io)/|<(grpc|cyaml|curl)/|<(uv|microhttpd|yaml)\.h>"
allow sim          "$C|<(dlfcn|malloc|openssl/rand|yaml)\.h>|\"(base|proto|pki|storage|node/core|sim)/|\"sim_bugs(_map)?\.h\"" sim/lab
# The lab sees nodes from outside only, and shares randomness, story and report with the simulator.
allow sim/lab      "$C|<uv\.h>|\"(base|proto|sim/lab)/|\"sim/(random|histogram|story|report)\.h\""
allow node/cli     "$C|\"(base|proto|pki|storage|node/core|node/io|node/cli)/|<curl/"

# Generated messages come through proto/codec.h, and NAME_priv.h stays in its room.
for room in base proto pki storage node/core node/io node/cli sim; do
	[ -d "$room" ] || continue
	if [ "$room" != proto ]; then
		grep -rnE '#[[:space:]]*include.*\.pb-c\.h' --include='*.[ch]' "$room" |
			sed 's|^|through proto/codec.h only: |' >>"$bad" || true
	fi
	grep -rnE '#[[:space:]]*include.*_priv\.h"' --include='*.[ch]' "$room" |
		grep -vF "\"$room/" | sed 's|^|private to another room: |' >>"$bad" || true
done

# A room's header shows no type of a library.
grep -rnE '#[[:space:]]*include[[:space:]]+<(openssl/|lmdb|grpc/|cyaml/|uv\.|microhttpd|curl/)' --include='*.h' \
	base proto pki storage node sim 2>/dev/null | grep -vE '_priv\.h:' | sed 's|^|a library in a public header: |' >>"$bad" || true

cat "$bad"
[ ! -s "$bad" ]
