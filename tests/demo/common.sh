# What the acts of the demonstration share: the arguments, a directory to work in, saying, doing, nodes, cases.
# Sourced by demo.sh and act2.sh, which set |here|.

# A node trusts no file that its group could write to.
umask 022
BIN=${BIN:-$here/../../build/release/bin}
BIN=$(cd "$BIN" && pwd) || exit 1
T=$BIN/tongban GEN=$BIN/tongban-gen
SEED=7

case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in zh*) lang=zh ;; *) lang=en ;; esac
all=no
usage() {
	echo "usage: ${0##*/} [--all] [--lang zh|en]" >&2
	exit 2
}
while [ $# -gt 0 ]; do
	case $1 in
	--all) all=yes ;;
	--lang) [ $# -gt 1 ] || usage; lang=$2; shift ;;
	*) usage ;;
	esac
	shift
done
case $lang in zh | en) ;; *) usage ;; esac

# What a former run left makes room, unless somebody runs a node in it.
for old in "${TMPDIR:-/tmp}"/tongban-demo.*/; do
	[ -O "$old" ] && [ -e "$old/finished" ] || continue
	used=no
	for lock in "$old"*/tongban.lock "$old"*/*/tongban.lock; do
		[ ! -e "$lock" ] || flock -n "$lock" true || used=yes
	done
	[ $used = yes ] || rm -rf "$old"
done
W=$(mktemp -d "${TMPDIR:-/tmp}/tongban-demo.XXXXXX") || exit 1
cd "$W" || exit 1
begun=$SECONDS
checks=0
declare -A pid port city code
city=([lanzhou]=兰州 [changzhou]=常州 [huizhou]=惠州 [shanghai]=上海 [hefei]=合肥 [impostor]=常州)
code=([lanzhou]=620100 [changzhou]=320400 [huizhou]=441300 [shanghai]=310000 [hefei]=340100 [impostor]=320400)

# ---- saying

bold='' dim='' green='' red='' off=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' off=$'\e[0m'
fi
# say ZH EN
say() { if [ $lang = zh ]; then printf '%s\n' "$1"; else printf '%s\n' "$2"; fi; }
words() { if [ $lang = zh ]; then printf '%s' "$1"; else printf '%s' "$2"; fi; }
chapter() { printf '\n%s%s%s\n' "$bold" "$(words "$1" "$2")" "$off"; }
# good ZH EN: one expectation that held.
good() {
	checks=$((checks + 1))
	printf '  %s✓%s %s\n' "$green" "$off" "$(words "$1" "$2")"
}
bad() {
	printf '  %s✗ %s%s\n' "$red" "$(words "$1" "$2")" "$off" >&2
	[ -n "${OUT:-}" ] && printf '%s\n' "$OUT" | tail -n 12 >&2
	say "日志与目录留在 $W" "Logs and directories stay in $W" >&2
	exit 1
}
# shown WORD...: the command as a person would type it.
shown() {
	local word line=''
	for word in "$@"; do
		case $word in *[\ \'\"]*) word="'$word'" ;; esac
		line="$line $word"
	done
	[ ${#line} -gt 150 ] && line="${line:0:147}..."
	printf '  %s$ tongban%s%s\n' "$dim" "$line" "$off"
}

# The last line, when nothing has ended it before.
the_end() {
	local took=$((SECONDS - begun))
	printf '\n%s%s%s\n' "$bold" "$(words "$checks 项期望全部成立，用时 $took 秒。" "All $checks expectations held, in $took s.")" "$off"
}

# ---- doing

# Calls the command; OUT is what it said, STATUS how it ended.
call() {
	OUT=$(timeout 60 "$T" "$@" --lang $lang 2>&1)
	STATUS=$?
}
# must WORD...: shown, and has to succeed. quiet_must: not shown.
quiet_must() {
	call "$@"
	[ $STATUS -eq 0 ] || bad "命令失败（$STATUS）：tongban $*" "failed ($STATUS): tongban $*"
}
must() {
	shown "$@"
	quiet_must "$@"
}
# get FIELD: a field at the top of the JSON in OUT.
get() { printf '%s\n' "$OUT" | sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" | head -n 1; }
has() { printf '%s\n' "$OUT" | grep -qF -- "$1"; }
# until_true SECONDS COMMAND...: within this time.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
now() { local t=${EPOCHREALTIME/[.,]/}; printf '%s' "$((t / 1000))"; }
tenths() { printf '%d.%d' $(($1 / 10)) $(($1 % 10)); }

# ---- nodes

ready_lines() { grep -c '"node.ready"' "$1.log" 2>/dev/null || true; }
more_ready() { [ "$(ready_lines "$1")" -gt "$2" ] || ! kill -0 "${pid[$1]}" 2>/dev/null; }
start() {
	local before
	before=$(ready_lines "$1")
	"$T" run --dir "$PWD/$1" >/dev/null 2>>"$1.log" &
	pid[$1]=$!
	until_true 20 more_ready "$1" "${before:-0}" && kill -0 "${pid[$1]}" 2>/dev/null ||
		{ OUT=$(tail -n 3 "$1.log"); bad "节点 $1 没有启动" "node $1 did not start"; }
}
gone() { ! kill -0 "$1" 2>/dev/null; }
stop_all() {
	local name
	for name in "${!pid[@]}"; do kill -TERM "${pid[$name]}" 2>/dev/null; done
	for name in "${!pid[@]}"; do
		until_true 5 gone "${pid[$name]}" || kill -KILL "${pid[$name]}" 2>/dev/null
		wait "${pid[$name]}" 2>/dev/null
	done
	pid=()
}
trap 'stop_all; touch "$W/finished"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A working-day calendar must cover the limits that begin today. A year that is not announced yet is taken
# as having but one rest day, here only.
year=$(date +%Y)
calendar=$here/../../data/workdays.tsv
if [ -r "$calendar" ] && ! grep -q "^$((year + 1))-" "$calendar"; then
	cp "$calendar" "$W/workdays.tsv"
	calendar=$W/workdays.tsv
	for y in "$year" $((year + 1)); do
		grep -q "^$y-" "$calendar" || printf '%s-01-01\tH\t元旦\n' "$y" >>"$calendar"
	done
fi

# A port that nobody listens on, below those that the system gives out by itself.
free_port() {
	local try candidate
	for try in {1..200}; do
		candidate=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
		[[ " ${port[*]-} " == *" $candidate "* ]] && continue
		(exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null || { port[$1]=$candidate; return; }
	done
	bad "找不到空闲端口" "no free port"
}
make_node() {
	free_port "$1"
	must init --dir "$1" --region "${code[$1]}" --listen "127.0.0.1:${port[$1]}" "${@:2}"
	[ -s "$W/workdays.tsv" ] && cp "$W/workdays.tsv" "$1/data/workdays.tsv"
	:
}
# grant AT PEER: the lines on the standard input go under "grants:" in the peer's file.
grant() {
	local file=$1/peers/$2.yaml text
	text=$(cat)
	awk -v text="$text" '{ print } /^grants:/ { print text }' "$file" >"$file.new" && mv "$file.new" "$file"
}
linked() {
	call peer show "$2" --dir "$1" --json
	[ $STATUS -eq 0 ] && [ "$(get link)" = up ]
}
knows_catalogue() {
	call catalogue list --dir "$1" --region "$2"
	[ $STATUS -eq 0 ] && has "$3"
}

# ---- cases

both=(lanzhou changzhou) # the two sides of the case that is acted on

state_is() {
	call case show "$2" --dir "$1" --json
	[ $STATUS -eq 0 ] && [ "$(get state)" = "$3" ]
}
wait_state() {
	until_true 20 state_is "$@" || bad "办件 $2 在 $1 未到 $3" "case $2 at $1 did not come to $3"
}
digests() {
	quiet_must case show "$2" --dir "$1" --json
	printf '%s\n' "$OUT" | sed -n '/"logDigests": \[/,/\]/p' | grep -o '[0-9a-f]\{64\}'
}
same_digests() {
	ours=$(digests "${both[0]}" "$1") theirs=$(digests "${both[1]}" "$1")
	[ -n "$ours" ] && [ "$ours" = "$theirs" ]
}
gapless() {
	quiet_must case show "$2" --dir "$1" --json
	printf '%s\n' "$OUT" | sed -n 's/^      "seq": \([0-9]*\),\{0,1\}$/\1/p' | awk '$1 != NR { exit 1 } END { exit NR == 0 }'
}
equal_logs() {
	until_true 20 same_digests "$1" || bad "两地过程记录不一致" "the two logs differ"
	gapless "${both[0]}" "$1" && gapless "${both[1]}" "$1" || bad "过程记录有缺号或重号" "entries are missing or there twice"
	n=$(printf '%s\n' "$ours" | wc -l)
}
compare_logs() {
	equal_logs "$1"
	good "两地各 $n 条记录，逐条摘要一致，编号连续无重复" "$n entries on each side: every digest equal, no number missing or twice"
}
# act NODE VERB NUMBER STATE WORD...: at NODE, and wait until both sides are in STATE. quiet_act: not shown.
act() {
	local node=$1 verb=$2 number=$3
	shown case "$verb" "$number" --dir "$node" "${@:5}"
	quiet_act "$@"
}
quiet_act() {
	local node=$1 verb=$2 number=$3 state=$4
	quiet_must case "$verb" "$number" --dir "$node" "${@:5}"
	wait_state "${both[0]}" "$number" "$state"
	wait_state "${both[1]}" "$number" "$state"
}

