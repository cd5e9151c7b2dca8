#!/usr/bin/env bash
# The second act: five regions, each with a node and a certification authority of its own. What they promise each
# other, one case in each mode, and what is done when something goes wrong. demo.sh --all sources it after the
# first act; alone it is the second act only:
#
#   act2.sh [--lang zh|en]
set -u
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	here=$(cd "$(dirname "$0")" && pwd)
	. "$here/common.sh"
fi
data=$here/five
mkdir -p "$W/five" && cd "$W/five" || exit 1
regions=(shanghai changzhou hefei huizhou lanzhou)
parties=(shanghai changzhou hefei lanzhou) # of the agreement
partnership=000131003000                   # basic codes: the same item in every region
food=000131021000
port=() rows=()

# ---- saying and checking

# expect ZH EN COMMAND...: it holds, or the demonstration ends.
expect() {
	"${@:3}" || bad "不成立：$1" "does not hold: $2"
	good "$1" "$2"
}
# refused NODE TEXT WORD...: the command is refused at NODE, and the reason names TEXT.
refused() {
	local text=$2
	shown "${@:3}" --dir "$1"
	call "${@:3}" --dir "$1"
	[ $STATUS -eq 1 ] && has "$text" || return 1
	printf '  %s%s%s\n' "$dim" "$(printf '%s\n' "$OUT" | tail -n 1 | cut -c1-150)" "$off"
}
# table: what the last command said, from its first line on.
table() { printf '%s\n' "$OUT" | sed 's/^/    /; s/[[:space:]]*$//'; }

# ---- applications

# item REGION_NAME BASIC_CODE_OR_NAME: its code in that region's list.
item() { awk -v want="$2" '/- code:/ { code = $3 } index($0, want) { gsub(/"/, "", code); print code; exit }' "$data/${code[$1]}.yaml"; }
# person REGION_NAME: sets who applies: the citizen of that region's cast.
person() {
	IFS=$'\t' read -r _ _ _ _ _ who_code who_name < <("$GEN" cast "${code[$1]}" "${city[$1]}" $SEED | grep '^card')
}
# paper NAME: a scan of it; sets |file|.
papers=0
paper() {
	papers=$((papers + 1))
	file=$1.pdf
	[ -s "$file" ] || "$GEN" scan 60000 $((100 + papers)) >"$file"
}
# submit NODE WORD...: hands in for |who|; sets |number|.
submit() {
	must case submit --dir "$1" --applicant-name "$who_name" --applicant-code "$who_code" --actor "${code[$1]}-07" "${@:2}"
	number=$(printf '%s\n' "$OUT" | grep -o "${code[$1]}[0-9]\{15\}[0-9A-Z]" | head -n 1)
	[ ${#number} -eq 22 ] || bad "没有办件编号" "there is no case number"
}
# finish MODE: the case |number| is closed on both sides with equal logs; a row of the last table.
finish() {
	equal_logs "$number"
	quiet_must case show "$number" --dir "${both[0]}" --json
	[ "$(get state)" = CLOSED ] || bad "$number 没有办结" "$number is not closed"
	rows+=("$1 ${code[${both[0]}]} ${code[${both[1]}]} $number $n")
}

# ---- limits

# workday N: the end of the Nth working day after today, in milliseconds: counted here by the calendar file.
workday() {
	local left=$1 day
	day=$(TZ=Asia/Shanghai date +%F)
	while [ "$left" -gt 0 ]; do
		day=$(date -d "$day + 1 day" +%F)
		case $(awk -F'\t' -v day="$day" '$1 == day { print $2 }' "$calendar") in
		H) continue ;;
		W) ;;
		*) [ "$(date -d "$day" +%u)" -lt 6 ] || continue ;;
		esac
		left=$((left - 1))
	done
	printf '%s000' "$(TZ=Asia/Shanghai date -d "$day + 1 day" +%s)"
}
# due NODE NUMBER CLOCK: when it runs out; empty: it does not run.
due() {
	quiet_must case show "$2" --dir "$1" --json
	printf '%s\n' "$OUT" | sed -n '/^  "clocks": \[/,/^  \]/p' | grep -A 2 "\"clock\": \"$3\"" | sed -n 's/^.*"dueMs": "\([0-9]*\)".*$/\1/p'
}
due_is() { [ "$(due "$1" "$2" "$3")" = "$(workday "$4")" ]; }
due_on_both() { until_true 20 due_is "${both[0]}" "$number" "$1" "$2" && until_true 20 due_is "${both[1]}" "$number" "$1" "$2"; }
day_of() { TZ=Asia/Shanghai date -d "@$((${1:-0} / 1000 - 1))" +%F; }

# ---- what is looked at, on one node or on several

agreed() {
	local name
	for name in "${parties[@]}"; do
		call agreement show "$agreement" --dir "$name" --json
		[ $STATUS -eq 0 ] && [ "$(get state)" = IN_FORCE ] && [ "$(get digest)" = "$digest" ] || return 1
	done
}
agreement_here() { call agreement show "$agreement" --dir "$1"; [ $STATUS -eq 0 ]; }
equal_agreements() {
	local name peer
	for name in "${parties[@]}"; do
		for peer in "${parties[@]}"; do
			[ "$name" = "$peer" ] && continue
			call agreement diff "${code[$peer]}" --dir "$name"
			[ $STATUS -eq 0 ] || return 1
		done
	done
}
no_agreement() { call agreement list --dir "$1" --json; [ $STATUS -eq 0 ] && ! has '"id"'; }
no_cases() { call case list --dir "$1" --json; [ $STATUS -eq 0 ] && ! has '"number"'; }
disputed() {
	local name
	for name in "${both[@]}"; do
		call case show "$1" --dir "$name" --json
		[ $STATUS -eq 0 ] && [ "$(get dispute)" = "$2" ] || return 1
	done
}
never_at_window() { ! has RECEIVED && ! has CHECKING; }
entry_has() { quiet_must case show "$2" --dir "$1" --json; has "$3"; }
matter_is() {
	call matter show "$matter" --dir "$1" --json
	[ $STATUS -eq 0 ] && has "\"state\": \"$2\""
}
# part N STATE: part N (from 0) of the joint case |lead| has come to STATE.
part() {
	call case show "$lead" --dir shanghai --json
	[ "$(printf '%s\n' "$OUT" | sed -n '/^  "parts": \[/,/^  \]/p' | sed -n 's/^ *"state": "\(.*\)".*$/\1/p' | sed -n "$(($1 + 1))p")" = "$2" ]
}
part_number() {
	quiet_must case show "$lead" --dir shanghai --json
	printf '%s\n' "$OUT" | sed -n '/^  "parts": \[/,/^  \]/p' | sed -n 's/^ *"number": "\(.*\)".*$/\1/p' | sed -n "$(($1 + 1))p"
}
whole_at() { call material show "$2" --dir "$1" --json; [ $STATUS -eq 0 ] && [ "$(get complete)" = true ]; }

# ---------------------------------------------------------------------------------------------------------
printf '\n%s%s%s\n' "$bold" "$(words "第二幕：五个地区" "The second act: five regions")" "$off"

chapter "7 五个地区，五个 CA，两两互认" "7 Five regions, five certification authorities, each known to each"
for name in "${regions[@]}"; do
	make_node $name
	quiet_must peer export --dir $name --out "${code[$name]}.peer"
done
for name in "${regions[@]}"; do
	for peer in "${regions[@]}"; do
		[ $name = "$peer" ] && continue
		quiet_must peer import "${code[$peer]}.peer" --dir $name
		print=$(sed -n 's/^fingerprint: "\([0-9a-f]*\)"$/\1/p' "${code[$peer]}.peer")
		[ ${#print} -eq 64 ] && has "$print" || bad "指纹不符" "the fingerprints differ"
		grant $name "${code[$peer]}" <<'Y'
  cases:
    - items: ["*"]
      modes: [QC, DS, YS, YB, LB]
Y
	done
done
for name in "${regions[@]}"; do
	start $name
	quiet_must catalogue load "$data/${code[$name]}.yaml" --dir $name
done
all_linked() {
	local name peer
	for name in "${regions[@]}"; do
		for peer in "${regions[@]}"; do
			[ "$name" = "$peer" ] || { linked "$name" "${code[$peer]}" && knows_catalogue "$name" "${code[$peer]}" "${code[$peer]}"; } || return 1
		done
	done
}
expect "五个节点两两核对指纹后连通，各自收到其他四地的事项目录" "five nodes, connected after comparing fingerprints; each has the other four's lists of items" until_true 60 all_linked

chapter "8 四地合作协议" "8 An agreement of four"
person changzhou
paper 申请书
form=$file
expect "还没有协议：常州窗口不能替合肥受理" "no agreement yet: Changzhou's window may not accept for Hefei" \
	refused changzhou "no agreement in force" case submit --item "$(item hefei $partnership)" --home 340100 --mode YS --applicant-name "$who_name" \
	--applicant-code "$who_code" --actor 320400-07 --material "M1=$form" --material "M2=$form" --forward
cp "$data/circle.yaml" .
must agreement propose circle.yaml --dir shanghai
table
agreement=$(printf '%s\n' "$OUT" | grep -o '310000-[0-9]\{8\}-[0-9a-f]\{8\}' | head -n 1)
quiet_must agreement show "$agreement" --dir shanghai --json
digest=$(get digest)
[ ${#digest} -eq 64 ] && [ "$(get state)" = PROPOSED ] || bad "协议没有提出" "it was not proposed"
for name in changzhou hefei lanzhou; do
	until_true 60 agreement_here $name || bad "$name 没有收到协议" "$name did not get it"
	must agreement sign "$agreement" --dir $name
done
expect "四地签署后生效；四个节点上内容摘要相同" "in force with the fourth signature; the same digest on all four nodes" until_true 60 agreed
must agreement diff 310000 --dir lanzhou
table
expect "四方两两核对，协议一致" "each party compares with each: no difference" until_true 60 equal_agreements
expect "惠州不是一方，看不到协议" "Huizhou is no party and does not see it" no_agreement huizhou

chapter "9 QC 全程网办：在兰州上网，由惠州办" "9 QC, all online: from a screen in Lanzhou, decided in Huizhou"
both=(lanzhou huizhou)
person huizhou
submit lanzhou --item "$(item huizhou 失业登记)" --home 441300 --mode QC --identity matched --delivery network --material "M1=$form"
wait_state huizhou "$number" SIGNED_FOR
act huizhou accept "$number" ACCEPTED --actor 2001
quiet_act huizhou start "$number" REVIEW --actor 3001
quiet_act huizhou grant "$number" GRANTED --actor 3001 --document-number "惠失登〔$year〕第1号"
quiet_act huizhou dispatch "$number" DELIVERING --actor 2001 --way network
quiet_act lanzhou hand-over "$number" CLOSED --actor "$who_name"
finish QC
expect "没有经过任何窗口，也没有到现场" "it was at no window, and nobody went anywhere" never_at_window

chapter "10 DS 代收：惠州窗口收，常州办；寄丢一次" "10 DS: received in Huizhou, decided in Changzhou; a parcel is lost"
both=(huizhou changzhou)
person changzhou
submit huizhou --item "$(item changzhou 社会保障卡补换)" --home 320400 --mode DS --delivery courier --address 惠州市惠城区示例路1号 --material "M1=$form"
expect "两地之间没有协议，推送时限按规定为 1 个工作日：$(day_of "$(due huizhou "$number" T2_PUSH)") 止" \
	"no agreement between the two: 1 working day to send it on, until $(day_of "$(due huizhou "$number" T2_PUSH)")" due_is huizhou "$number" T2_PUSH 1
quiet_must case check "$number" --dir huizhou --actor 441300-07
act huizhou send "$number" SIGNED_FOR --actor 441300-07
act changzhou accept "$number" ACCEPTED --actor 2086
expect "承诺 5 个工作日办结，按工作日历算到 $(day_of "$(due changzhou "$number" T5_DECIDE)")" \
	"5 working days promised: by the calendar of working days until $(day_of "$(due changzhou "$number" T5_DECIDE)")" due_is changzhou "$number" T5_DECIDE 5
quiet_act changzhou start "$number" REVIEW --actor 3011
quiet_act changzhou grant "$number" GRANTED --actor 3011
act changzhou dispatch "$number" DELIVERING --actor 2086 --way courier --waybill EMS:EA000000001CN --content 社会保障卡
must case lost "$number" --dir huizhou --actor 441300-07 --note 逾期未到
expect "寄丢了：两地都看到这件有争议" "lost: both see that something is wrong with the case" until_true 20 disputed "$number" true
act changzhou dispatch "$number" DELIVERING --actor 2086 --way courier --waybill EMS:EA000000002CN --content 社会保障卡
both_waybills() { disputed "$number" "" && entry_has huizhou "$number" EA000000001CN && entry_has huizhou "$number" EA000000002CN; }
expect "重新寄出，争议解除；两次运单都在过程记录里" "sent again, and all is well; both waybills are in the log" until_true 20 both_waybills
quiet_act huizhou hand-over "$number" CLOSED --actor 441300-07 --role R_WIN
finish DS
card=$number

chapter "11 同一事项，各地材料不同：合伙企业设立登记" "11 One item, other papers: founding a partnership"
must catalogue diff $partnership --regions 310000,320400,340100 --dir changzhou
table
must case needs "310000:$(item shanghai $partnership)" "320400:$(item changzhou $partnership)" "340100:$(item hefei $partnership)" --dir changzhou
table
five_and_two() {
	[ "$(grep -o '310000 M[0-9]' <<<"$OUT" | wc -l)" = 5 ] && [ "$(grep -o '320400 M[0-9]' <<<"$OUT" | wc -l)" = 5 ] &&
		[ "$(grep -o '340100 M[0-9]' <<<"$OUT" | wc -l)" = 2 ]
}
expect "上海、常州各要 5 份，合肥 2 份；三地合并，同样的材料只列一次" "Shanghai and Changzhou want 5, Hefei 2; together each paper is listed once" five_and_two
person hefei
expect "按合肥的 2 份交给上海：还没寄出就说明缺 M3、M4、M5" "Hefei's 2 papers are not enough for Shanghai: M3, M4, M5 are missing, said before anything is sent" \
	refused changzhou "M3, M4, M5" case submit --item "$(item shanghai $partnership)" --home 310000 --mode YS --applicant-name "$who_name" \
	--applicant-code "$who_code" --actor 320400-07 --material "M1=$form" --material "M2=$form" --forward
expect "上海什么也没有收到" "nothing has come to Shanghai" no_cases shanghai

chapter "12 YS 异地受理：常州窗口当场受理，合肥审批；差评整改" "12 YS: accepted at the window in Changzhou, decided in Hefei; a bad grade is repaired"
both=(changzhou hefei)
submit changzhou --item "$(item hefei $partnership)" --home 340100 --mode YS --delivery window --material "M1=$form" --material "M2=$form"
expect "协议约定推送时限 3 个工作日：$(day_of "$(due changzhou "$number" T2_PUSH)") 止" \
	"the agreement gives 3 working days to send it on: until $(day_of "$(due changzhou "$number" T2_PUSH)")" due_is changzhou "$number" T2_PUSH 3
quiet_must case check "$number" --dir changzhou --actor 320400-07
act changzhou accept "$number" ACCEPTED --actor 320400-07
accepted_by_window() { quiet_must case show "$number" --dir hefei --json; has "agreement $agreement version 1" && [ -n "$(get localNumber)" ]; }
expect "窗口当场受理，合肥看到的依据就是这份协议" "accepted at the window; what Hefei sees as its basis is this agreement" until_true 20 accepted_by_window
act hefei start "$number" REVIEW --actor 3021
quiet_act hefei grant "$number" GRANTED --actor 3021 --document-number "合市监登字〔$year〕第1号"
quiet_act hefei dispatch "$number" DELIVERING --actor 2021 --way window
quiet_act changzhou hand-over "$number" CLOSED --actor 320400-07 --role R_WIN
act changzhou evaluate "$number" CLOSED --actor "$who_name" --grade 5
expect "5 级（非常不满意）：整改时限按协议为 10 个工作日，$(day_of "$(due hefei "$number" T9_REPAIR)") 止" \
	"grade 5 (very bad): by the agreement 10 working days to repair it, until $(day_of "$(due hefei "$number" T9_REPAIR)")" \
	due_on_both T9_REPAIR 10
act hefei repair "$number" CLOSED --actor 2021 --note 已回访，执照信息当日补正，申请人认可
no_clock() { [ -z "$(due changzhou "$number" T9_REPAIR)" ] && entry_has changzhou "$number" '"event": "REPAIR"'; }
expect "整改完成，时限停止；两地都有记录" "repaired, the limit stops; both have it in writing" until_true 20 no_clock
finish YS

chapter "13 YB 异地办理：上海受理并审批常州的事项" "13 YB: Shanghai accepts and decides an item of Changzhou"
person changzhou
expect "合肥的审查标准是另一个版本：不能替常州审批" "Hefei decides by another version of the criteria: it may not decide for Changzhou" \
	refused hefei "2026-1" case submit --item "$(item changzhou $food)" --home 320400 --mode YB --applicant-name "$who_name" \
	--applicant-code "$who_code" --actor 340100-07 --material "M1=$form" --forward
both=(shanghai changzhou)
submit shanghai --item "$(item changzhou $food)" --home 320400 --mode YB --delivery window --material "M1=$form" --forward
wait_state changzhou "$number" ACCEPTED
quiet_act shanghai start "$number" REVIEW --actor 3031
expect "常州有副本，但不能替上海作决定" "Changzhou has the copy, but cannot decide in Shanghai's place" \
	refused changzhou "GRANT is not for" case grant "$number" --actor 3011
act shanghai grant "$number" GRANTED --actor 3031 --document-number "沪市监食许〔$year〕第1号"
quiet_act shanghai dispatch "$number" DELIVERING --actor 2031 --way window
quiet_act shanghai hand-over "$number" CLOSED --actor 310000-07 --role R_WIN
finish YB
quiet_must case show "$number" --dir changzhou --json
expect "在上海办结，常州留有逐条一致的副本" "closed in Shanghai; Changzhou's copy is equal entry by entry" [ "$(get owner)" = 310000 ]

chapter "14 LB 多地联办：医保关系从兰州转到上海" "14 LB: medical insurance moves from Lanzhou to Shanghai"
out=$(item lanzhou 基本医疗保险关系转出)
in=$(item shanghai 基本医疗保险关系转入)
must case needs "620100:$out" "310000:$in" --dir shanghai
table
expect "两地各要 2 份，同样的只交一次：共 2 份" "2 papers each, the same ones: handed in once" [ "$(grep -c ' M[0-9]' <<<"$OUT")" = 2 ]
person lanzhou
cat >joint.json <<J
{"mode": "LB", "home": "310000", "itemName": "基本医疗保险关系转移接续", "delivery": "NETWORK", "window": "上海市政务服务中心",
 "applicant": {"name": "$who_name", "codeType": "111", "code": "$who_code"},
 "parts": [{"home": "620100", "item": "$out"}, {"home": "310000", "item": "$in", "after": [0]}]}
J
paper 身份证件
must case submit --dir shanghai --file joint.json --material "基本医疗保险关系转移接续申请表=$form" --material "有效身份证件=$file" --actor 310000-07 --forward
lead=$(printf '%s\n' "$OUT" | grep -o '310000[0-9]\{15\}[0-9A-Z]' | head -n 1)
until_true 20 part 0 ACCEPTED || bad "转出没有开始" "the first part did not begin"
part_out=$(part_number 0)
expect "先转出：兰州已受理；转入等它办完才开始" "out first: Lanzhou has accepted it; the other part waits for it" [ -z "$(part_number 1)" ]
paper 参保缴费凭证
quiet_must material add "$file" --dir lanzhou
root=$(grep -o '^[0-9a-f]\{64\}' <<<"$OUT" | head -n 1)
whole_at shanghai "$root" && bad "上海早已有此文件" "Shanghai had it before"
must case file "$part_out" --dir lanzhou --actor 3041 --material "A1=$file"
expect "兰州把参保缴费凭证作为档案共享给上海，不要申请人再跑" "Lanzhou shares the record of payments with Shanghai: nobody has to fetch it" until_true 20 whole_at shanghai "$root"
both=(shanghai lanzhou)
quiet_act lanzhou start "$part_out" REVIEW --actor 3041
act lanzhou grant "$part_out" GRANTED --actor 3041
until_true 20 part 1 ACCEPTED || bad "转入没有开始" "the second part did not begin"
part_in=$(part_number 1)
quiet_must case start "$part_in" --dir shanghai --actor 3031
must case grant "$part_in" --dir shanghai --actor 3031
wait_state shanghai "$lead" GRANTED
quiet_must case dispatch "$lead" --dir shanghai --actor 2031 --way network
quiet_must case hand-over "$lead" --dir shanghai --actor 310000-07 --role R_WIN
wait_state shanghai "$part_out" CLOSED
wait_state shanghai "$part_in" CLOSED
wait_state shanghai "$lead" CLOSED
quiet_must case show "$lead" --dir shanghai
printf '%s\n' "$OUT" | grep -A 1 "$part_out" | sed 's/^/  /'
rows+=("LB 310000 310000 $lead $(digests shanghai "$lead" | wc -l)")
number=$part_out
finish LS
good "转出、转入都已准予，总件办结，子件随之办结" "both parts granted: the joint case is closed, and its parts with it"

chapter "15 异议：惠州提出，常州答复成立，重新办理" "15 A dispute: Huizhou opens it, Changzhou upholds it and does the case again"
both=(huizhou changzhou)
number=$card
must matter open --dir huizhou --about dispute --ask 320400 --days 15 --case "$number" --subject 社会保障卡姓名有误 --text 卡面姓名与申请表不符 --actor 联络员01
matter=$(printf '%s\n' "$OUT" | grep -o '441300-[0-9]\{8\}-[0-9a-f]\{8\}' | head -n 1)
until_true 20 matter_is changzhou MATTER_OPEN || bad "异议没有到常州" "it did not come to Changzhou"
expect "常州收到，须在 15 个工作日内答复；两地的办件都标明有争议" "it came to Changzhou, to be answered in 15 working days; both mark the case as disputed" until_true 20 disputed "$number" true
quiet_must matter say "$matter" --dir changzhou --text 正在调取制卡记录 --actor 联络员02
expect "谁被问到谁答复：惠州自己不能替常州答复" "who is asked answers: Huizhou cannot answer for Changzhou" \
	refused huizhou "320400's to give" matter answer "$matter" --outcome upheld --text 成立 --actor 联络员01
must matter answer "$matter" --dir changzhou --outcome upheld --text 核实属实，系录入错误，即日重办 --actor 联络员02
until_true 20 matter_is huizhou MATTER_ANSWERED || bad "答复没有到惠州" "the answer did not come to Huizhou"
act changzhou reopen "$number" REVIEW --actor 3011 --reason 异议成立，重新制卡
quiet_act changzhou grant "$number" GRANTED --actor 3011
quiet_act changzhou dispatch "$number" DELIVERING --actor 2086 --way courier --waybill EMS:EA000000003CN --content 社会保障卡
quiet_act huizhou hand-over "$number" CLOSED --actor 441300-07 --role R_WIN
must matter close "$matter" --dir huizhou --text 新卡姓名无误 --actor 联络员01
until_true 20 matter_is changzhou MATTER_CLOSED || bad "没有关闭" "it was not closed"
quiet_must matter show "$matter" --dir huizhou
table
reopened() { disputed "$number" "" && entry_has huizhou "$number" '"event": "REOPEN"' && [ "$(get state)" = CLOSED ]; }
expect "异议成立，办件重新审查后再次办结，争议解除" "upheld, reviewed again, closed again; nothing is disputed any more" until_true 20 reopened
equal_logs "$number"
for i in "${!rows[@]}"; do case ${rows[i]} in DS*) rows[i]="DS 441300 320400 $number $n" ;; esac; done

chapter "16 责任追溯与文书" "16 Who did what, and a form to print"
must case trace "$number" --dir huizhou
table | grep -v 'evidence export'
traced() {
	[ "$(grep -c ' [0-9a-f]\{16\}$' <<<"$OUT")" = "$n" ] || return 1
	has 441300-07 && has 3011 && has "item $(item changzhou 社会保障卡补换) of 320400" && has "grant of 320400 to 441300" && has "evidence export"
}
expect "每一步有经办人、依据、时限和摘要" "each step with who, by which right, under which limit, and its digest" traced
evidence=$(printf '%s\n' "$OUT" | sed -n 's/^.*tongban evidence export \(.*\)$/\1/p' | tail -n 1)
mkdir -p anchors
for name in huizhou changzhou; do cp $name/certs/ca.pem "anchors/${code[$name]}.pem"; done
quiet_must evidence export "$evidence" --dir huizhou --out step.json
must evidence check step.json --anchors anchors
good "其中一步的证据单独导出，离线验证成立" "the evidence of one step stands alone, checked offline"
must case form "$number" --form 受理回执 --dir changzhou
printf '%s\n' "$OUT" >receipt.html
receipt() {
	has "<h1>受理回执</h1>" && has "$number" && has "$who_name" && has "size:A4" && has "</html>" &&
		[ "$(grep -o '<tr>' <<<"$OUT" | wc -l)" = "$(grep -o '</tr>' <<<"$OUT" | wc -l)" ] || return 1
	local short
	short=$(grep -o '摘要 [0-9a-f]\{16\}' <<<"$OUT" | cut -d' ' -f2)
	digests changzhou "$number" | grep -q "^$short"
}
person changzhou
expect "受理回执（A4）：编号、申请人、经办、时限俱全，摘要就是过程记录里的那一条" "the receipt (A4) names number, applicant and limit; its digest is that of the entry in the log" receipt

chapter "17 小结" "17 What was done"
say "  时限都按真实的工作日走，演示里等不到逾期；逾期、视为受理、自动终止在虚拟时间里反复验证：build/release/bin/tongban-sim run（先 ./dev build）" \
	"  Limits run in real working days: none runs out while you watch. Overdue, deemed accepted and lapsed are tried in virtual time: build/release/bin/tongban-sim run (after ./dev build)"
say "  模式  收件地  属地    办件编号                   记录" "  mode  window  home    case                    entries"
declare -A title
while read -r mode zh en; do
	title[$mode]=$(words "$zh，办结" "$en; closed")
done <<'M'
QC 全程网办 all online
DS 代收代办 received in one region, decided in the other
YS 异地受理 accepted in one region, decided in the other
YB 异地办理 decided in one region, the copy in the other
LB 多地联办 joint case
LS 联办子件 part of it
M
for row in "${rows[@]}"; do
	read -r mode window home number n <<<"$row"
	printf '  %-4s  %s  %s  %s  %7d  %s\n' "$mode" "$window" "$home" "$number" "$n" "${title[$mode]}"
done
for name in "${regions[@]}"; do
	quiet_must status --dir $name --json
	[ "$(get deadLetters)" = "" ] || bad "$name 有死信" "$name has dead letters"
	quiet_must audit verify --dir $name
done
good "五个节点没有死信，审计日志完整" "five nodes: no dead letters, and the audit logs are intact"
stop_all
grep -h '"level":"error"' ./*.log && bad "日志里有错误" "there are errors in the logs"
say "  目录：$W/five" "  directories: $W/five"
[ "${BASH_SOURCE[0]}" != "$0" ] || the_end
