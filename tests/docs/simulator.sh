#!/bin/sh
# simulator.sh TONGBAN-SIMDOC TONGBAN-SIM FILE: the manual's tables are those of the program, and every verb and option
# that the program's usage names is in the manual.
set -u
"$1" "$3" || exit 1
failed=0
for word in $("$2" 2>&1 | grep -oE -e '--[a-z-]+' -e '^tongban-sim [a-z]+' | sed 's/^tongban-sim //' | sort -u); do
	grep -qE -- "(tongban-sim $word|$word\b)" "$3" || { echo "$3 does not mention $word"; failed=1; }
done
exit $failed
