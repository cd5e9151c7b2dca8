#!/bin/sh
# core_symbols.sh NM CORE LIBRARY...: what libtongban_core.a wants beyond the rooms below it. It decides, and
# touches nothing: no clock, random source, thread, socket, file, gRPC or libuv may come in.
set -eu
nm=$1
shift
core=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for library in "$@"; do
	"$nm" --defined-only "$library" 2>/dev/null | awk 'NF == 3 { print $3 }'
done | sort -u >"$work/defined"
"$nm" -u "$core" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u >"$work/wanted"
[ -s "$work/wanted" ] && [ -s "$work/defined" ] || { echo "no symbols were read"; exit 1; }

# Memory, texts, sorting, assert; and what compilers, sanitizers and coverage add.
cat >"$work/allowed" <<'END'
^(mem(chr|cmp|cpy|mem|move|rchr|set)|bcmp)$
^(str(chr|chrnul|cmp|casecmp|cspn|len|ncasecmp|ncat|ncmp|ncpy|nlen|pbrk|rchr|spn|str)|stpcpy)$
^(__isoc(99|23)_)?(strtol|strtoul|strtoll|strtoull|sscanf)$
^(snprintf|vsnprintf|qsort|bsearch|free|abort|__assert_fail|__stack_chk_fail|__ctype_b_loc)$
^__(mem|str|stp|snprintf|vsnprintf)[a-z]*_chk$
^protobuf_c_
^_GLOBAL_OFFSET_TABLE_$
^(__asan|__ubsan|__tsan|__sanitizer|__sancov|__gcov|__llvm|__odr)
END
comm -23 "$work/wanted" "$work/defined" | grep -vE -f "$work/allowed" >"$work/bad" || true
sed 's|^|the core may not use: |' "$work/bad"
[ ! -s "$work/bad" ]
