#!/usr/bin/env bash
# Three nodes on this machine, each of its own region, and what they do for each other; with --all a second act
# (act2.sh): five regions. Everything that is shown is checked; the exit status is 0 only if all of it held.
#
#   demo.sh [--all] [--lang zh|en]      BIN is where tongban and tongban-gen are (default: build/release/bin)
#
# It does what a person would type. The data is synthetic (tests/demo/gen.c).
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
COUNT=10000

# ---------------------------------------------------------------------------------------------------------
say "通办演示：三个地区各自的节点，没有中心。数据均为虚构。" \
	"tongban: three regions, a node each, no centre. All data is made up."
say "目录 $W" "directory $W"

chapter "1 建立节点、互相认识" "1 Making the nodes, and peering"
make_node lanzhou
make_node changzhou
make_node huizhou --suite ed25519
for name in lanzhou changzhou huizhou; do
	"$GEN" certificates "${code[$name]}" "${city[$name]}" $COUNT $SEED $([ $name = huizhou ] && echo csv) \
		>"$name.$([ $name = huizhou ] && echo csv || echo jsonl)" || bad "无法生成数据" "no data"
	"$GEN" cast "${code[$name]}" "${city[$name]}" $SEED >"$name.cast" || bad "无法生成数据" "no data"
	start $name
	[ ! -f "$here/catalogue-${code[$name]}.yaml" ] || quiet_must catalogue load "$here/catalogue-${code[$name]}.yaml" --dir $name
done
# meet A B: each imports what the other exported; the fingerprints are compared as if by telephone.
meet() {
	local a=$1 b=$2 x y print
	for x in "$a" "$b"; do
		y=$([ "$x" = "$a" ] && echo "$b" || echo "$a")
		[ -s "${code[$x]}.peer" ] || must peer export --dir "$x" --out "${code[$x]}.peer"
		must peer import "${code[$x]}.peer" --dir "$y"
		print=$(sed -n 's/^fingerprint: "\([0-9a-f]*\)"$/\1/p' "${code[$x]}.peer")
		[ ${#print} -eq 64 ] && has "$print" || bad "指纹不符" "the fingerprints differ"
	done
}
meet lanzhou changzhou
meet huizhou changzhou
say "  文件：620100.peer 320400.peer 441300.peer 为交换的信息；授权写在 changzhou/peers/620100.yaml 等文件中" \
	"  files: 620100.peer 320400.peer 441300.peer were exchanged; grants are in changzhou/peers/620100.yaml and the like"
sed -i 's/^queries_per_second: .*/queries_per_second: 100000/; s/^queries_burst: .*/queries_burst: 100000/' changzhou/peers/620100.yaml
grant changzhou 620100 <<'Y'
  verify:
    - types: ["11100000MB0143028R001", "11100000000013338W032"]
      disclosure: match
    - types: ["11100000MB03271699001"]
      disclosure: document
  cases:
    - items: ["*"]
      modes: [DS]
Y
grant changzhou 441300 <<'Y'
  verify:
    - types: ["11100000MB0143028R001"]
      disclosure: status
Y
must peer reload --dir changzhou
t0=$(now)
must credential import changzhou.jsonl --dir changzhou
t1=$(now)
has 10000 || bad "导入条数不符" "not all were imported"
import_ms=$((t1 - t0))
quiet_must credential import lanzhou.jsonl --dir lanzhou
quiet_must credential import huizhou.csv --dir huizhou
for name in lanzhou changzhou huizhou; do
	quiet_must status --dir $name --json
	[ "$(get credentials)" = $COUNT ] || bad "证照数不符" "wrong number of certificates"
done
until_true 20 linked lanzhou 320400 && until_true 20 linked huizhou 320400 && until_true 20 linked changzhou 620100 ||
	bad "节点之间没有连通" "the nodes are not connected"
good "三个节点各有 $COUNT 件已签章证照，两两互认指纹后连通；未写明的权限一律不给" \
	"three nodes with $COUNT sealed certificates each, connected after comparing fingerprints; what is not granted is denied"

chapter "2 跨地区核验证照" "2 Verifying across regions"
# who PART: sets part of changzhou's cast.
who() {
	IFS=$'\t' read -r _ id type number holder_type holder_code holder_name < <(grep "^$1"$'\t' changzhou.cast)
}
basis=(--purpose 变更登记 --basis 《市场主体登记管理条例》第二十四条)
# verify FROM RESULT STATE WORD...: asks 320400, and wants this answer.
verify() {
	local from=$1 result=$2 state=$3
	shift 3
	shown credential verify --region 320400 --dir "$from" "$@" --purpose … --basis …
	call credential verify --region 320400 --dir "$from" "$@" "${basis[@]}" --json
	reply=$OUT
	printf '%s\n' "$OUT" | grep -q "\"result\": \"$result\"" || bad "期望 $result" "$result was expected"
	if [ -n "$state" ]; then
		printf '%s\n' "$OUT" | grep -q "\"state\": \"$state\"" || bad "期望 $state" "$state was expected"
	elif [ "$result" != CONFIRMED ]; then
		printf '%s\n' "$OUT" | grep -q '"state":' && bad "多透露了状态" "it tells a state that it should not"
	fi
	return 0
}
who valid
verify lanzhou CONFIRMED VALID --type "$type" --number "$number" --match "holder.name=$holder_name" --match "holder.code=$holder_code"
good "有效，持证主体相符（$holder_name）" "valid, and the holder matches ($holder_name)"
verify lanzhou NOT_CONFIRMED "" --type "$type" --number "$number" --match "holder.name=兰州冒名有限公司"
wrong=$(printf '%s\n' "$reply" | sed '/"atMs"/d; /"query"/d; /"evidence"/d; /"equal"/d; /"name"/d; /"matches"/,/\]/d')
good "持证主体不符：不能证实" "wrong holder: not confirmed"
verify lanzhou NOT_CONFIRMED "" --type "$type" --number 91320400MA0000000X
unknown=$(printf '%s\n' "$reply" | sed '/"atMs"/d; /"query"/d; /"evidence"/d; /"equal"/d; /"name"/d; /"matches"/,/\]/d')
[ "$wrong" = "$unknown" ] || bad "两种答复可以区分" "the two answers can be told apart"
good "查无此证：答复与上一条无从区分，不泄露有没有" "unknown: the same answer as before, it does not tell whether there is one"
who revoked
must credential revoke "$id" --dir changzhou --reason 提交虚假材料骗取登记
verify lanzhou CONFIRMED REVOKED --type "$type" --number "$number"
good "已吊销，吊销后立即可见" "revoked, seen at once"
who expired
verify lanzhou CONFIRMED EXPIRED --type "$type" --number "$number"
good "已过期" "expired"
who card
verify huizhou NOT_GRANTED "" --type "$type" --holder "$holder_code"
[ $STATUS -eq 1 ] || bad "退出状态应为 1" "the exit status should be 1"
good "惠州未被授权查居民身份证：拒答" "Huizhou is not granted identity cards: refused"
who valid
verify huizhou NOT_GRANTED "" --type "$type" --number "$number" --match "holder.name=$holder_name"
good "惠州只获准查营业执照状态，比对字段被拒" "Huizhou may learn a licence's status only: matching fields is refused"
verify huizhou CONFIRMED VALID --type "$type" --number "$number"
good "惠州查状态：有效" "Huizhou asks for the status: valid"
# One by one, and many.
t0=$(now)
for _ in 1 2 3 4 5 6 7 8 9 10; do quiet_must credential verify --region 320400 --dir lanzhou --type "$type" --number "$number" "${basis[@]}"; done
t1=$(now)
verify_ms10=$((t1 - t0))
grep -F '"type":"11100000MB0143028R001"' changzhou.jsonl | sed -n 's/^.*"type":"\([^"]*\)".*"number":"\([^"]*\)".*$/{"type":"\1","number":"\2","purpose":"变更登记","basis":"条例第二十四条","disclosure":"STATUS"}/p' >queries.jsonl
queries=$(wc -l <queries.jsonl)
t0=$(now)
must credential verify --region 320400 --dir lanzhou --batch queries.jsonl --out outcomes.jsonl
t1=$(now)
batch_ms=$((t1 - t0))
[ "$(grep -c '"result": *"CONFIRMED"' outcomes.jsonl)" = "$queries" ] && [ "$(grep -c '"state": *"REVOKED"' outcomes.jsonl)" = 1 ] ||
	bad "批量核验结果不符" "the outcomes are not what they should be"
good "批量核验 $queries 件，每条答复都有签名证据，恰有 1 件已吊销" "$queries in one go, each answer signed evidence; exactly 1 is revoked"
say "  一个冒牌节点，自建 CA 自称 320400，来呼叫兰州：" "  An impostor with a CA of its own claims to be 320400 and calls Lanzhou:"
make_node impostor
quiet_must peer import 620100.peer --dir impostor
start impostor
shown credential verify --region 620100 --dir impostor --type 11100000MB0143028R001 …
call credential verify --region 620100 --dir impostor --type 11100000MB0143028R001 --number X "${basis[@]}"
[ $STATUS -ne 0 ] || bad "冒牌节点竟得到答复" "the impostor got an answer"
refused() { grep '"link.refused"' lanzhou.log | grep '"side":"server"' | grep -q '"region":"320400"'; }
until_true 10 refused || bad "兰州日志里没有拒绝记录" "Lanzhou's log does not tell of a refusal"
printf '  %slanzhou.log : %s%s\n' "$dim" "$(grep '"link.refused"' lanzhou.log | grep '"side":"server"' | tail -n 1 | sed 's/^.*"event"/"event"/' | cut -c1-150)" "$off"
printf '  %simpostor    : %s%s\n' "$dim" "$(printf '%s\n' "$OUT" | tail -n 1 | cut -c1-150)" "$off"
quiet_must status --dir lanzhou --json
good "在握手时即被拒绝：甲地的 CA 不能冒充乙地" "refused at the handshake: one region's CA cannot speak for another"
kill -TERM "${pid[impostor]}" && wait "${pid[impostor]}" 2>/dev/null
unset 'pid[impostor]'

chapter "3 一件事，从兰州窗口到常州审批再到送达" "3 One case, from a window in Lanzhou over Changzhou to the delivery"
item=11320400MBMWFXL0533000131001001
window=兰州市政务大厅跨省通办窗口
until_true 20 knows_catalogue lanzhou 320400 "$item" || bad "兰州没有收到常州的事项目录" "Lanzhou has not got Changzhou's catalogue"
"$GEN" application 320400 常州 $SEED $item $window >application.json
"$GEN" licence 320400 常州 $SEED >licence.json
"$GEN" scan 300000 1 >M1-申请书.pdf
"$GEN" scan $((20 << 20)) 2 >M2-章程.pdf
"$GEN" scan 450000 3 >M4-股东会决议.pdf
who deed
verify lanzhou CONFIRMED VALID --id "$id" --disclosure document
good "住所证明不要纸件：不动产权证已向颁发地核验并取得签章原文" "no paper for the premises: the title deed was verified and came sealed"
t0=$(now)
must case submit --dir lanzhou --file application.json --material M1=M1-申请书.pdf --material M2=M2-章程.pdf --credential "M3=$id" --actor 620102-07 --actor-name 窗口七号 --forward
first=$(printf '%s\n' "$OUT" | grep -o '620100[0-9]\{15\}[0-9A-Z]' | head -n 1)
[ ${#first} -eq 22 ] || bad "没有办件编号" "there is no case number"
wait_state changzhou "$first" SIGNED_FOR
t1=$(now)
case_ms=$((t1 - t0))
wait_state lanzhou "$first" SIGNED_FOR
good "办件 $first：材料（含 20 MiB 扫描件）到齐，属地自动签收，用时 $case_ms 毫秒" "case $first: everything arrived (a scan of 20 MiB, too) and was signed for, $case_ms ms"
act changzhou notify "$first" CORRECTION --actor 2086 --need M4=股东会决议 --reason 章程所载事项须附决议
act lanzhou supplement "$first" SIGNED_FOR --actor 620102-07 --role R_WIN --material M4=M4-股东会决议.pdf
act changzhou accept "$first" ACCEPTED --actor 2086
act changzhou start "$first" REVIEW --actor 3011
act changzhou suspend "$first" SPECIAL --actor 3011 --days 5 --reason 住所现场核查
act changzhou resume "$first" REVIEW --actor 3011
act changzhou grant "$first" GRANTED --actor 3011 --document-number "常市监登字〔$year〕第1号" --issue licence.json
act changzhou dispatch "$first" DELIVERING --actor 2086 --way courier --waybill EMS:EA123456789CN --content 营业执照正副本
act lanzhou hand-over "$first" CLOSED --actor 620102-07 --role R_WIN
must case evaluate "$first" --dir lanzhou --actor 申请人 --grade 1
evaluated() { call case show "$first" --dir "$1" --json; [ "$(printf '%s\n' "$OUT" | grep -c '"event": "EVALUATE"')" = 1 ]; }
until_true 10 evaluated lanzhou && until_true 10 evaluated changzhou || bad "评价没有到达" "the evaluation did not arrive"
quiet_must case show "$first" --dir lanzhou
printf '%s\n' "$OUT" | sed '1,/^$/d' | sed 's/^/  /'
compare_logs "$first"
# The issued licence can be verified like any other.
quiet_must case show "$first" --dir lanzhou --json
issued=$(printf '%s\n' "$OUT" | sed -n 's/^.*"credentialIdentifier": "\([^"]*\)".*$/\1/p' | head -n 1)
[ -n "$issued" ] || bad "没有颁发证照" "no certificate was issued"
verify lanzhou CONFIRMED VALID --id "$issued"
good "新颁发的营业执照即时可核验" "the licence that was issued verifies at once"
for m in M1-申请书.pdf M2-章程.pdf M4-股东会决议.pdf; do
	sum=$(sha256sum <"$m" | cut -d' ' -f1)
	quiet_must material list --dir changzhou --json
	want=$(printf '%s' "$sum" | sed 's/../\\x&/g')
	printf "$want" | base64 -w0 >sum64
	has "$(cat sum64)" || bad "$m 未完整到达" "$m did not arrive whole"
done
rm -f sum64
good "三份材料在常州逐字节一致（SHA-256）" "all three files are in Changzhou byte for byte (SHA-256)"

chapter "4 传材料时，常州节点被 kill -9" "4 Changzhou's node is killed (kill -9) in the middle of a material"
big=$((160 << 20))
"$GEN" scan $big 4 >M1-档案.pdf
"$GEN" application 320400 常州 $SEED 11320400MBMWFXL0537000102002000 $window >application2.json
must case submit --dir lanzhou --file application2.json --material M1=M1-档案.pdf --actor 620102-07 --forward
second=$(printf '%s\n' "$OUT" | grep -o '620100[0-9]\{15\}[0-9A-Z]' | head -n 1)
[ ${#second} -eq 22 ] || bad "没有办件编号" "there is no case number"
# Some tens of MiB are here, the rest is not.
partly() {
	local file size
	for file in changzhou/blobs/partial/*; do
		size=$(stat -c %s "$file" 2>/dev/null) || continue
		[ "$size" -gt $((24 << 20)) ] && [ "$size" -lt $((big - (16 << 20))) ] && return 0
	done
	return 1
}
end=$((SECONDS + 20))
until partly; do [ $SECONDS -lt $end ] || bad "没有见到传输中的材料" "no material was seen on its way"; done
kill -KILL "${pid[changzhou]}"
wait "${pid[changzhou]}" 2>/dev/null
here_bytes=$(cat changzhou/blobs/partial/* 2>/dev/null | wc -c)
[ "$here_bytes" -gt 0 ] && [ "$here_bytes" -lt $big ] || bad "被杀时材料不在半途" "it was not in the middle"
good "已杀：160 MiB 中到了 $((here_bytes >> 20)) MiB" "killed: $((here_bytes >> 20)) of 160 MiB had come"
t0=$(now)
start changzhou
t1=$(now)
restart_ms=$((t1 - t0))
wait_long() { until_true 45 state_is changzhou "$second" SIGNED_FOR || bad "重启后没有完成" "it was not completed after the restart"; }
wait_long
t2=$(now)
resume_ms=$((t2 - t1))
good "重启 $restart_ms 毫秒；从断点续传并自动签收，$resume_ms 毫秒" "restarted in $restart_ms ms; went on where it stopped and signed by itself, $resume_ms ms"
act changzhou accept "$second" ACCEPTED --actor 2086
act changzhou start "$second" REVIEW --actor 3011
act changzhou deny "$second" DENIED --actor 3011 --document-number "常证字〔$year〕第2号" --reason 档案与申请人不符
act changzhou dispatch "$second" DELIVERING --actor 2086 --way network
act lanzhou hand-over "$second" CLOSED --actor 620102-07 --role R_WIN
compare_logs "$second"
for name in lanzhou changzhou; do
	quiet_must status --dir $name --json
	[ "$(get cases)" = 2 ] && [ "$(get deadLetters)" = "" ] || bad "$name 的办件数不符" "$name has another number of cases"
	want=$((COUNT + ($([ $name = changzhou ] && echo 1 || echo 0))))
	[ "$(get credentials)" = $want ] || bad "$name 的证照数不符" "$name has another number of certificates"
	must audit verify --dir $name
done
good "两地各 2 件办件、证照一件不多；审计日志完整" "2 cases on each side, not a certificate too many; both audit logs are intact"

chapter "5 证据：离线可验，改一个字即不成立" "5 Evidence: checked offline, and void if one character is changed"
mkdir -p anchors
cp lanzhou/certs/ca.pem anchors/620100.pem
cp lanzhou/peers/320400.pem anchors/320400.pem
quiet_must case show "$first" --dir lanzhou --json
found=''
for reference in $(printf '%s\n' "$OUT" | sed -n '/^  "evidence": \[/,/\]/p' | grep -o '"[a-z]*:[^"]*"' | tr -d '"'); do
	quiet_must evidence export "$reference" --dir lanzhou --out decision.json
	call evidence check decision.json --anchors anchors
	[ $STATUS -eq 0 ] || bad "证据 $reference 不成立" "evidence $reference does not hold"
	if has "$issued"; then found=$reference; break; fi
done
[ -n "$found" ] || bad "没有找到准予决定的证据" "there is no evidence of the decision"
shown evidence export "$found" --dir lanzhou --out decision.json
must evidence check decision.json --anchors anchors
printf '%s\n' "$OUT" | sed 's/^/  /'
good "准予决定由常州签名，颁发的证照由其签章，无须任何节点在线即可验证" "the decision is signed by Changzhou, the licence sealed; no node is needed to check it"
item64=$(sed -n 's/^ *"item": "\([^"]*\)".*$/\1/p' decision.json | head -n 1)
letter=${item64:200:1}
other=$([ "$letter" = A ] && echo B || echo A)
changed="${item64:0:200}$other${item64:201}"
awk -v from="$item64" -v to="$changed" '{ at = index($0, from); if (at && !done) { $0 = substr($0, 1, at - 1) to substr($0, at + length(from)); done = 1 } print }' decision.json >tampered.json
cmp -s decision.json tampered.json && bad "没有改动" "nothing was changed"
shown evidence check tampered.json --anchors anchors
call evidence check tampered.json --anchors anchors
[ $STATUS -eq 1 ] || bad "被篡改的证据竟然成立" "the tampered copy was taken"
printf '  %s\n' "$(printf '%s\n' "$OUT" | tail -n 1)"
good "篡改的副本被识破" "the tampered copy is refused"

chapter "6 测得" "6 What was measured"
row() { printf '  %-14s %s\n' "$1" "$(words "$2" "$3")"; }
row "$((COUNT * 1000 / (import_ms ? import_ms : 1)))" "件/秒，导入并签章证照（$COUNT 件，$import_ms 毫秒）" "certificates a second, imported and sealed ($COUNT in $import_ms ms)"
row "$(tenths $verify_ms10) ms" "一次跨地区核验，含命令启动（10 次平均）" "one verification across regions, with the start of the command (mean of 10)"
row "$((queries * 1000 / (batch_ms ? batch_ms : 1)))" "次/秒，批量核验（$queries 件，$batch_ms 毫秒）" "verifications a second in a batch ($queries in $batch_ms ms)"
row "$case_ms ms" "从窗口收件到属地签收，含 20 MiB 材料" "from the window to signed for, with 20 MiB of materials"
row "$(((big - here_bytes) / 1000 / (resume_ms ? resume_ms : 1))) MB/s" "断点续传（余下 $(((big - here_bytes) >> 20)) MiB，含重试等待）" "resumed material (the last $(((big - here_bytes) >> 20)) MiB, with the wait before the retry)"
for name in lanzhou changzhou huizhou; do
	memory=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/${pid[$name]}/status" 2>/dev/null)
	started=$(grep '"node.ready"' $name.log | tail -n 1 | sed -n 's/^.*"start_ms":"\{0,1\}\([0-9]*\).*$/\1/p')
	[ -n "$memory" ] && [ -n "$started" ] || bad "没有测得 $name" "$name was not measured"
	row "$started ms" "启动 $name；常驻内存 $((memory / 1024)) MiB" "start of $name; resident memory $((memory / 1024)) MiB"
done
stop_all
rm -f M1-档案.pdf
grep -h '"level":"error"' lanzhou.log changzhou.log huizhou.log && bad "日志里有错误" "there are errors in the logs"
say "  目录：$W/{lanzhou,changzhou,huizhou}，日志在旁；$(du -sh "$W" | cut -f1)" "  directories: $W/{lanzhou,changzhou,huizhou}, logs beside them; $(du -sh "$W" | cut -f1)"
[ $all = no ] || . "$here/act2.sh"
chapter "接着可以试" "To try next"
cat <<N
  cd $W && $T run --dir changzhou 2>>changzhou.log &
  $T case show $first --dir $W/changzhou --lang $lang
  $T evidence check $W/decision.json --anchors $W/anchors --lang $lang
N
the_end
