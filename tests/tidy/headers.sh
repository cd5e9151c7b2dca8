#!/bin/sh
# headers.sh SOURCES GENERATED CC: every header compiles alone.
set -eu
cd "$1"
generated=$2 cc=$3
flags=$(pkg-config --cflags libprotobuf-c libcyaml libuv grpc 2>/dev/null || true)
failed=0
for header in $(find base proto pki storage node sim tests -name '*.h' 2>/dev/null | sort); do
	if ! printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
		$cc -x c -std=c17 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Wno-unused-function -Wno-unused-variable \
			-Wno-unused-const-variable -Werror -I. -isystem "$generated" $flags -; then
		echo "does not compile alone: $header"
		failed=1
	fi
done
exit $failed
