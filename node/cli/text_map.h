/* Every text of the command: id, Chinese, English. Both languages have the same places {1} .. {9}. */
#pragma once

#include "node/cli/text_map_catalogue.h"
#include "node/cli/text_map_reports.h"
#include "node/cli/text_map_departments.h"
#include "node/cli/text_map_peers.h"

/* clang-format off */
#define TEXT_MAP(XX) \
	XX(TEXT_EMPTY, "", "") \
	TEXT_MAP_OPTIONS(XX) \
	TEXT_MAP_MESSAGES(XX) \
	TEXT_MAP_VERBS(XX) \
	TEXT_MAP_VALUES(XX) \
	TEXT_MAP_HEADS(XX) \
	TEXT_MAP_WORDS(XX) \
	TEXT_MAP_CATALOGUE(XX) \
	TEXT_MAP_REPORTS(XX) \
	TEXT_MAP_DEPARTMENTS(XX) \
	TEXT_MAP_PEERS(XX) \
	TEXT_MAP_EVIDENCE(XX)

/* Errors of the command line. */
#define TEXT_MAP_OPTIONS(XX) \
	XX(TEXT_OPTION_UNKNOWN, "没有选项 --{1}", "there is no option --{1}") \
	XX(TEXT_OPTION_UNKNOWN_NEAR, "没有选项 --{1}，是否指 --{2}？", "there is no option --{1}; did you mean --{2}?") \
	XX(TEXT_OPTION_SHORT, "{1}：没有单横线选项", "{1}: options begin with two dashes") \
	XX(TEXT_OPTION_TAKES_NONE, "选项 --{1} 不带值", "option --{1} takes no value") \
	XX(TEXT_OPTION_WANTS_VALUE, "选项 --{1} 缺少值 {2}", "option --{1} wants a value: {2}") \
	XX(TEXT_OPTION_TWICE, "选项 --{1} 只能给出一次", "option --{1} is given twice") \
	XX(TEXT_OPTION_MISSING, "缺少选项 --{1}", "option --{1} is missing") \
	XX(TEXT_OPTION_WITH, "--{1} 须与 --{2} 一并给出", "--{1} wants --{2} beside it") \
	XX(TEXT_OPTION_NUMBER, "{1}：应为 {2} 至 {3} 的整数", "{1}: a whole number from {2} to {3} is expected") \
	XX(TEXT_OPTION_ONE_OF, "--{1}：应为以下之一：{2}", "--{1}: one of these is expected: {2}") \
	XX(TEXT_OPTION_PERIOD, "--to 早于 --from", "--to is before --from") \
	XX(TEXT_OPTION_PAIR, "{1}：应写作 {2}，两边均不能为空", "{1}: written as {2}, neither side empty")

/* What is said while working. */
#define TEXT_MAP_MESSAGES(XX) \
	XX(TEXT_M_CATALOGUE_SOUND, "{1} 的目录共 {2} 项，未发现问题", "{1}: {2} items, nothing found") \
	XX(TEXT_M_DIFF_REGIONS, "请用 --regions 给出 2 至 {1} 个地区", "--regions: 2 to {1} regions are needed") \
	XX(TEXT_M_AGREEMENTS_EQUAL, "与 {1} 的协议一致（{2}）", "agreements with {1} are the same ({2})") \
	XX(TEXT_M_FORM_NONE, "该办件尚无此文书：{1}", "the case has no such form yet: {1}") \
	XX(TEXT_M_FORMS, "文书：{1}", "forms: {1}") \
	XX(TEXT_M_ERROR, "tongban: {1}: {2} [{3}]", "tongban: {1}: {2} [{3}]") \
	XX(TEXT_M_ERROR_FRAME, "tongban: {1}: {4}：{2} [{3}]", "tongban: {1}: {4}: {2} [{3}]") \
	XX(TEXT_M_USAGE_ERROR, "tongban: {1}（参见 tongban help{2}{3}）", "tongban: {1} (see: tongban help{2}{3})") \
	XX(TEXT_M_USAGE, "用法：tongban {1}{2}{3} [选项]", "usage: tongban {1}{2}{3} [options]") \
	XX(TEXT_M_OPTIONS, "选项：", "options:") \
	XX(TEXT_M_GLOBAL_OPTIONS, "通用选项：", "options of every verb:") \
	XX(TEXT_M_EXAMPLE, "示例：", "example:") \
	XX(TEXT_M_HELP_HEAD, "用法：tongban 命令 [选项]\n\n跨地区政务服务节点：证照核验与办件交换。\n", \
	   "usage: tongban VERB [options]\n\nA node for government services across regions: verifies certificates, delivers cases.\n") \
	XX(TEXT_M_HELP_EXIT, "退出状态：0 完成；1 被拒绝并说明原因；2 用法错误；3 无法连接本节点或对方节点。", \
	   "exit status: 0 done; 1 refused, with the reason; 2 usage; 3 node or peer cannot be reached") \
	XX(TEXT_M_VERB_UNKNOWN, "没有命令 {1}", "there is no verb {1}") \
	XX(TEXT_M_VERB_UNKNOWN_NEAR, "没有命令 {1}，是否指 {2}？", "there is no verb {1}; did you mean {2}?") \
	XX(TEXT_M_OPERANDS_MISSING, "缺少参数：{1}", "missing: {1}") \
	XX(TEXT_M_OPERANDS_MANY, "参数过多，应为：{1}", "too many words; expected: {1}") \
	XX(TEXT_M_NO_DIR, "不知道节点目录：请给出 --dir 或设置 TONGBAN_DIR", \
	   "the node's directory is not known: give --dir or set TONGBAN_DIR") \
	XX(TEXT_M_FILE_NONE, "{1}：没有这个文件或目录", "{1}: no such file or directory") \
	XX(TEXT_M_FILE_DENIED, "{1}：没有权限（{2}）", "{1}: no permission ({2})") \
	XX(TEXT_M_FILE_DIRECTORY, "{1}：是目录，不是文件", "{1}: is a directory, not a file") \
	XX(TEXT_M_FILE_FULL, "{1}：空间不足（{2}）", "{1}: no room left ({2})") \
	XX(TEXT_M_STDOUT, "无法写入标准输出", "cannot write to the standard output") \
	XX(TEXT_M_YES, "是", "yes") \
	XX(TEXT_M_NO, "否", "no") \
	XX(TEXT_M_NONE, "无", "none") \
	XX(TEXT_M_INIT_DONE, "节点 {2} 已建立于 {1}。\n下一步：tongban run --dir {1}\n请将 {1}/keys/ca.key 移至离线介质保存。", \
	   "Node {2} was made in {1}.\nNext: tongban run --dir {1}\nMove {1}/keys/ca.key to a medium that is kept offline.") \
	XX(TEXT_M_REQUEUED, "发往 {1} 的第 {2} 号消息已重新排队。", "Message {2} to {1} is queued again.") \
	XX(TEXT_M_PEER_EXPORTED, "已写入 {1}。", "Written to {1}.") \
	XX(TEXT_M_PEER_OWN_FINGERPRINT, "对方导入时会来电核对，本地区信任锚（{2} 个）的指纹是：{1}", \
	   "The partner will compare the fingerprint of your anchors ({2}) by phone: {1}") \
	XX(TEXT_M_PEER_IMPORTED, "已导入 {1} {2}（{3}），尚未授予任何权限。", "Imported {1} {2} ({3}). It is granted nothing yet.") \
	XX(TEXT_M_PEER_UPDATED, "已更新 {1} {2}（{3}），原有授权保留。", "Brought {1} {2} ({3}) up to date; its grants are kept.") \
	XX(TEXT_M_PEER_REPLACED, "其信任锚已被替换。", "Its anchors were replaced.") \
	XX(TEXT_M_PEER_FINGERPRINT, "该文件含信任锚 {2} 个，请与对方电话核对其个数与指纹：{1}", \
	   "The file holds {2} anchor(s). Compare their number and fingerprint with the partner by phone: {1}") \
	XX(TEXT_M_PEER_GRANTS, "授权请编辑 {1}/peers/{2}.yaml，然后执行 tongban peer reload。", \
	   "To grant it something edit {1}/peers/{2}.yaml, then: tongban peer reload") \
	XX(TEXT_M_PEER_LATER, "节点未运行，将在启动时生效。", "The node does not run: it takes effect when it starts.") \
	XX(TEXT_M_PEER_RELOADED, "节点已重新读取配置，共 {1} 个对等节点。", "The node has read its files again: {1} peers.") \
	XX(TEXT_M_PEER_REMOVED, "已移除 {1}。", "{1} was removed.") \
	XX(TEXT_M_PEER_UNKNOWN, "没有对等节点 {1}", "there is no peer {1}") \
	XX(TEXT_M_CATALOGUE_LOADED, "事项目录第 {1} 版，共 {2} 项。", "The catalogue is now version {1} with {2} items.") \
	XX(TEXT_M_TOKEN_ADDED, "令牌 {1} 已创建；上面的文本只显示这一次。", "The token {1} was made; the text above is shown this once.") \
	XX(TEXT_M_TOKEN_REVOKED, "令牌 {1} 已撤销。", "The token {1} was revoked.") \
	XX(TEXT_M_CATALOGUE_NONE, "没有事项目录", "there is no catalogue") \
	XX(TEXT_M_ITEM_UNKNOWN, "{1} 的事项目录中没有事项 {2}", "there is no item {2} in the catalogue of {1}") \
	XX(TEXT_M_CATALOGUE_HEAD, "{1} 事项目录第 {2} 版，发布于 {3}", "Catalogue of {1}, version {2}, published {3}") \
	XX(TEXT_M_HALLS_LOADED, "大厅名录第 {1} 版，共 {2} 个", "The list of halls is now version {1} with {2} halls.") \
	XX(TEXT_M_CSV_CELL, "第 {1} 行：{2} 列有误", "line {1}: column {2}: there is none, or this is no value of it") \
	XX(TEXT_M_CSV_CELLS, "第 {1} 行：单元格过多", "line {1}: more cells than columns") \
	XX(TEXT_M_CSV_QUOTES, "第 {1} 行：引号有误（RFC 4180）", "line {1}: badly quoted (RFC 4180)") \
	XX(TEXT_M_CSV_ROWS, "多于 {1} 行", "more than {1} rows") \
	XX(TEXT_M_STATS_MANY, "办件过多，请缩短统计期间", "too many cases: choose a shorter period") \
	XX(TEXT_M_STATS_LEFT_OUT, "有 {1} 件未能计入", "{1} cases are not counted") \
	XX(TEXT_M_CASE_MORE, "后面可能还有：--after {1}", "there may be more: --after {1}") \
	XX(TEXT_M_CLOCK_DUE, "{1} {2} 到期", "{1} due {2}") \
	XX(TEXT_M_CLOCK_OVERDUE, "{1} {2} 已逾期", "{1} overdue since {2}") \
	XX(TEXT_M_CLOCK_PAUSED, "{1} 暂停，剩余 {2} 个工作日", "{1} paused, {2} working days left") \
	XX(TEXT_M_BY_OPTION, "{1}（用 --{2}）", "{1} (by --{2})") \
	XX(TEXT_M_PAPERS_NONE, "请用 --material 材料编码=文件 附上材料（或 --credential、--original）", \
	   "give the papers: --material NEED=FILE (or --credential, --original)") \
	XX(TEXT_M_PAPERS_ASKED, "尚缺 {1}：请用 --material 材料编码=文件 附上（或 --credential、--original）", \
	   "{1}: asked for, and not given: --material NEED=FILE (or --credential, --original)") \
	XX(TEXT_M_ROOT, "材料以 64 位十六进制根哈希命名", "a material is named by the 64 hex digits of its root") \
	XX(TEXT_M_EVIDENCE_NONE, "不是证据文件（tongban evidence export 所写）：{1}", \
	   "this is no evidence file, as tongban evidence export writes it: {1}") \
	XX(TEXT_M_EVIDENCE_WRITTEN, "已写入 {1}。", "Written to {1}.") \
	XX(TEXT_M_AUDIT_INTACT, "审计日志完整：{1} 条记录，{2} 个检查点，根 {3}", \
	   "The audit log is intact: {1} leaves, {2} checkpoints, root {3}") \
	XX(TEXT_M_AUDIT_MORE, "共 {1} 条，继续：--from {2}", "{1} in all; to go on: --from {2}") \
	XX(TEXT_M_AUDIT_ORDER, "先旧后新：{1} 大于 {2}", "the older size comes first: {1} is more than {2}") \
	XX(TEXT_M_AUDIT_NO_PROOF, "节点给出的证明不成立", "the proof that the node gave does not hold") \
	XX(TEXT_M_AUDIT_PROVED, "已验证：该记录在大小为 {1} 的日志之内。", "Checked: the leaf is in the log of size {1}.") \
	XX(TEXT_M_AUDIT_CONSISTENT, "已验证：大小 {3}（根 {4}）的日志以大小 {1}（根 {2}）的日志为开头，未被改写。", \
	   "Checked: the log of size {3} (root {4}) begins with that of size {1} (root {2}); nothing was rewritten.") \
	XX(TEXT_M_LINE_LONG, "行过长", "the line is too long") \
	XX(TEXT_M_LINE_UTF8, "不是 UTF-8 编码（可能是 GBK）", "not UTF-8 (GBK, perhaps)") \
	XX(TEXT_M_LINE_CONTROL, "含有控制字符", "holds control characters") \
	XX(TEXT_M_LINE_OBJECT, "不是 JSON 对象", "not a JSON object") \
	XX(TEXT_M_IMPORT_READING, "读取文件 {1}%", "reading the file {1}%") \
	XX(TEXT_M_IMPORT_PROGRESS, "{1}%  {2} 行  每秒 {3} 行", "{1}%  {2} lines  {3} a second") \
	XX(TEXT_M_IMPORT_RESUMED, "从第 {1} 行继续。", "Goes on at line {1}.") \
	XX(TEXT_M_IMPORT_FORMAT, "{1}：从文件名看不出格式，请用 --format 给出（csv 或 jsonl）", \
	   "{1}: its name does not tell the format; give it with --format (csv or jsonl)") \
	XX(TEXT_M_IMPORT_STOPPED, "已停止：第 {1} 行起（同一批的有误行之前各行在内）均未导入；改正后重新导入。", \
	   "Stopped: nothing from line {1} on was taken, nor the good lines in one batch with the bad one. Mend it and import again.") \
	XX(TEXT_M_IMPORT_EMPTY, "{1}：空文件", "{1}: empty") \
	XX(TEXT_M_IMPORT_BAD, "第 {1} 行：{2}", "line {1}: {2}") \
	XX(TEXT_M_IMPORT_DONE, "{1} 行：新增 {2}，未变 {3}，有误 {4}", "{1} lines: {2} added, {3} unchanged, {4} bad") \
	XX(TEXT_M_BATCH_PROGRESS, "{1} 条  每秒 {2} 条", "{1} outcomes  {2} a second") \
	XX(TEXT_M_BATCH_DONE, "{1} 条结果，其中 {2} 条有误", "{1} outcomes, {2} of them errors") \
	XX(TEXT_M_REGION_DIGITS, "{1}：地区代码由数字组成", "{1}: a region code is made of digits") \
	XX(TEXT_M_NO_ANSWER, "节点没有对每条查询给出答复", "the node did not give an outcome for every query") \
	XX(TEXT_M_BATCH_ONLY, "--{1} 不能与 --batch 同用：每行查询自带（purpose、basis 等）", \
	   "--{1} goes not with --batch: each line has its own (purpose, basis and so on)") \
	XX(TEXT_M_VERIFY_WHAT, "请给出 --id，或 --type 与 --number，或 --type 与 --holder", \
	   "give --id, or --type and --number, or --type and --holder") \
	XX(TEXT_M_HOLDER_TYPE, "--holder：既非公民身份号码，也非统一社会信用代码；请用 --holder-type 给出类型", \
	   "--holder: neither a citizen number nor a unified social credit code; give its type with --holder-type") \
	XX(TEXT_M_VERIFY_BASIS, "请给出法律依据 --basis 或办件 --case", "give the legal basis, --basis, or the case, --case") \
	XX(TEXT_M_EQUAL, "一致", "equal") \
	XX(TEXT_M_DIFFERS, "不一致", "differs") \
	XX(TEXT_M_SEAL_GOOD, "有效", "holds") \
	XX(TEXT_M_SEAL_BAD, "无效", "does not hold")

/* What each verb does. */
#define TEXT_MAP_VERBS(XX) \
	XX(TEXT_V_CATALOGUE_CHECK, "检查目录：无依据材料、超期承诺、循环证明等", "look for papers without a basis, circular proofs and the like") \
	XX(TEXT_V_CATALOGUE_DIFF, "并列比较各地同一事项的要素与材料（≠ 有差异，* 必需，◎ 原件）", "show an item of several regions side by side (≠ differs, * required, ◎ original)") \
	XX(TEXT_V_AGREEMENT_PROPOSE, "按 YAML 文件提出并签署合作协议（或其新版本）", "propose and sign an agreement, or its next version, from a YAML file") \
	XX(TEXT_V_AGREEMENT_SIGN, "签署协议", "sign an agreement") \
	XX(TEXT_V_AGREEMENT_END, "通知终止协议", "give notice of an agreement") \
	XX(TEXT_V_AGREEMENT_SHOW, "查看协议、签署情况及与上一版的差异", "show an agreement, who signed it, and what changed") \
	XX(TEXT_V_AGREEMENT_LIST, "列出协议", "list agreements") \
	XX(TEXT_V_AGREEMENT_DIFF, "与对方节点核对协议", "compare agreements with a peer's") \
	XX(TEXT_V_MATTER_OPEN, "向其他地区提出会商、咨询、投诉、异议或督办", "open a consultation, enquiry, complaint, dispute or supervision order") \
	XX(TEXT_V_MATTER_SAY, "在事务中发言", "say something in a matter") \
	XX(TEXT_V_MATTER_ANSWER, "答复（投诉和异议须写明是否成立）", "answer; a complaint or dispute with its outcome") \
	XX(TEXT_V_MATTER_CLOSE, "由提出方关闭", "close a matter that was opened here") \
	XX(TEXT_V_MATTER_SHOW, "查看一项事务及各方所言", "show a matter and what everybody said") \
	XX(TEXT_V_MATTER_LIST, "列出会商、咨询、投诉、异议、督办", "list matters") \
	XX(TEXT_V_CASE_NEEDS, "各地要求的材料合并为一份，重复的只列一次", "what several regions ask for, everything once") \
	XX(TEXT_V_CASE_REOPEN, "办结后重新审查（异议成立或承诺不实）", "review a closed case again: a dispute was upheld, or a commitment broken") \
	XX(TEXT_V_CASE_TRACE, "责任追溯：谁在何时何地依据什么做了什么", "who did what, when, where, by which right, with the evidence") \
	XX(TEXT_V_CASE_FORM, "输出可打印的文书（HTML）", "write a printable form (HTML)") \
	XX(TEXT_V_INIT, "建立新节点", "make a new node's directory") \
	XX(TEXT_V_RUN, "运行节点", "run the node in the foreground") \
	XX(TEXT_V_STATUS, "节点状态", "show how the node is") \
	XX(TEXT_V_REQUEUE, "重新投递一封死信", "send a dead letter again") \
	XX(TEXT_V_PEER_EXPORT, "导出本节点信息，供对方导入", "write the file that a partner imports") \
	XX(TEXT_V_PEER_IMPORT, "导入对方节点信息", "import a partner's file") \
	XX(TEXT_V_PEER_LIST, "列出对等节点", "list the peers") \
	XX(TEXT_V_PEER_SHOW, "查看一个对等节点及其授权", "show a peer and what it is granted") \
	XX(TEXT_V_PEER_REMOVE, "移除对等节点", "remove a peer") \
	XX(TEXT_V_PEER_RELOAD, "让节点重新读取对等节点与授权", "make the node read its peers and grants again") \
	XX(TEXT_V_CATALOGUE_LOAD, "装载本地区事项目录", "load the region's own catalogue of items") \
	XX(TEXT_V_CATALOGUE_LIST, "列出事项目录", "list a catalogue of items") \
	XX(TEXT_V_TOKEN_ADD, "为部门系统创建接口令牌", "make an API token for a department's system") \
	XX(TEXT_V_TOKEN_LIST, "列出接口令牌", "list the API tokens") \
	XX(TEXT_V_TOKEN_REVOKE, "撤销接口令牌，立即生效", "revoke an API token, at once") \
	XX(TEXT_V_OPENAPI, "输出本地接口的 OpenAPI 3.1 描述", "print the OpenAPI 3.1 description of the local API") \
	XX(TEXT_V_CREDENTIAL_IMPORT, "批量导入证照，可断点续传", "import certificates from a file of any size; resumes") \
	XX(TEXT_V_CREDENTIAL_SHOW, "查看证照", "show a certificate") \
	XX(TEXT_V_CREDENTIAL_FIND, "查找证照", "find certificates by number or holder") \
	XX(TEXT_V_CREDENTIAL_REVOKE, "吊销证照", "revoke a certificate; final") \
	XX(TEXT_V_CREDENTIAL_SUSPEND, "暂停证照", "suspend a certificate") \
	XX(TEXT_V_CREDENTIAL_RESUME, "恢复证照", "resume a suspended certificate") \
	XX(TEXT_V_CREDENTIAL_CANCEL, "注销证照", "cancel a certificate; final") \
	XX(TEXT_V_CREDENTIAL_SUPERSEDE, "换发证照", "note that a newer certificate stands in its place; final") \
	XX(TEXT_V_CREDENTIAL_VERIFY, "向颁发地核验证照", "verify a certificate where it was issued") \
	XX(TEXT_V_CASE_SUBMIT, "收件", "hand in an application") \
	XX(TEXT_V_CASE_LIST, "列出办件", "list cases") \
	XX(TEXT_V_CASE_SHOW, "查看办件及其过程", "show a case and its time line") \
	XX(TEXT_V_CASE_CHECK, "初审：身份、原件与形式", "window: check identity, originals and form") \
	XX(TEXT_V_CASE_ASK, "窗口告知缺少的材料", "window: ask for missing papers") \
	XX(TEXT_V_CASE_BRING, "窗口收到补充材料", "window: papers were brought") \
	XX(TEXT_V_CASE_SEND, "移送属地", "window: send the case to the home region") \
	XX(TEXT_V_CASE_POST, "寄出原件", "window: originals were posted") \
	XX(TEXT_V_CASE_LOST, "原件遗失或逾期", "originals are lost or overdue") \
	XX(TEXT_V_CASE_SIGN, "属地签收", "home: sign for the data and the originals") \
	XX(TEXT_V_CASE_RETURN, "属地退件", "home: return the case to the window") \
	XX(TEXT_V_CASE_FIX, "重新处理退件", "window: take a returned case up again") \
	XX(TEXT_V_CASE_CLOSE, "关闭退件", "window: close a returned case") \
	XX(TEXT_V_CASE_ACCEPT, "受理", "home: accept") \
	XX(TEXT_V_CASE_NOTIFY, "一次性告知补正", "home: notify once of all that is missing") \
	XX(TEXT_V_CASE_SUPPLEMENT, "补正材料", "bring what was missing") \
	XX(TEXT_V_CASE_REFUSE, "不予受理", "home: do not accept") \
	XX(TEXT_V_CASE_START, "开始审查", "home: begin the review") \
	XX(TEXT_V_CASE_SUSPEND, "进入特别程序，停止计时", "home: begin a special procedure; the clock stops") \
	XX(TEXT_V_CASE_RESUME, "特别程序结束", "home: end the special procedure") \
	XX(TEXT_V_CASE_EXTEND, "延长审批，仅一次", "home: extend the limit, once") \
	XX(TEXT_V_CASE_GRANT, "准予许可", "home: grant") \
	XX(TEXT_V_CASE_DENY, "不予许可", "home: deny") \
	XX(TEXT_V_CASE_DISPATCH, "送达结果", "home: dispatch the result") \
	XX(TEXT_V_CASE_HAND_OVER, "结果已交付并签收", "the result was handed over and signed for") \
	XX(TEXT_V_CASE_EVALUATE, "好差评", "evaluate the service, 1 (very good) to 5") \
	XX(TEXT_V_CASE_WITHDRAW, "申请人撤回", "withdraw the application") \
	XX(TEXT_V_CASE_CONSULT, "会商，不影响计时", "consult the other side; stops no clock") \
	XX(TEXT_V_CASE_REPAIR, "差评整改完成", "what was rated badly was repaired") \
	XX(TEXT_V_CASE_OBJECT, "属地对异地办理提出异议", "home: object to what was decided in its name") \
	XX(TEXT_V_HALL_LOAD, "从 YAML 或 CSV 文件发布大厅与窗口名录", "publish the list of halls from a YAML or CSV file") \
	XX(TEXT_V_HALL_LIST, "列出本地或对方地区的大厅与窗口", "list halls and windows, own or of another region") \
	XX(TEXT_V_CASE_FEE, "登记在其他平台缴纳的费用", "note a fee that is paid elsewhere") \
	XX(TEXT_V_CASE_KEPT, "登记告知承诺核查属实", "note that what was promised was checked, and held") \
	XX(TEXT_V_COMMITMENT_LIST, "告知承诺公示", "list what was promised instead of shown") \
	XX(TEXT_V_STATS, "办件统计：时效、退件原因、承诺对比、减时间减材料减跑动、好差评", "count cases: lateness, returns, days against the promise, savings, grades") \
	XX(TEXT_V_CASE_SHARE, "向属地重新抄送其曾拒收的办件副本", "offer the home region its copy again, which it refused") \
	XX(TEXT_V_CASE_FILE, "联办参与地共享档案材料", "participant: share archive files of a joint case") \
	XX(TEXT_V_MATERIAL_ADD, "上传材料，输出其根哈希", "upload a file and print its root") \
	XX(TEXT_V_MATERIAL_GET, "下载材料", "download a material") \
	XX(TEXT_V_MATERIAL_LIST, "列出材料", "list materials") \
	XX(TEXT_V_MATERIAL_SHOW, "查看一份材料", "show a material") \
	XX(TEXT_V_EVIDENCE_EXPORT, "导出可独立验证的证据文件", "write an evidence file that stands alone") \
	XX(TEXT_V_EVIDENCE_CHECK, "离线验证证据文件", "check an evidence file, offline") \
	XX(TEXT_V_AUDIT_CHECKPOINT, "当前签名检查点", "print the newest signed checkpoint") \
	XX(TEXT_V_AUDIT_VERIFY, "验证整个审计日志", "check the whole audit log") \
	XX(TEXT_V_AUDIT_LIST, "列出审计记录", "list audit leaves") \
	XX(TEXT_V_AUDIT_PROVE, "证明某条记录在日志之内", "prove that a leaf is in the log") \
	XX(TEXT_V_AUDIT_CONSISTENCY, "证明日志未被改写", "prove that nothing was rewritten since OLD")

/* What each option means. */
#define TEXT_MAP_VALUES(XX) \
	XX(TEXT_O_REGIONS, "要比较的地区", "the regions to compare") \
	XX(TEXT_O_ABOUT, "种类", "what kind of matter") \
	XX(TEXT_O_SUBJECT, "标题", "its subject") \
	XX(TEXT_O_TEXT, "内容", "what is said") \
	XX(TEXT_O_FILE, "附上的文件", "a file that goes with it") \
	XX(TEXT_O_VIDEO, "视频会议室或录像的编号", "reference of a video room or recording") \
	XX(TEXT_O_ASK, "须答复的地区", "the region that must answer") \
	XX(TEXT_O_ANSWER_DAYS, "答复期限（工作日）", "working days to answer in") \
	XX(TEXT_O_PARTY, "还有哪些地区参加", "another region that takes part") \
	XX(TEXT_O_ABOUT_CASE, "所涉办件编号", "the case that it is about") \
	XX(TEXT_O_ABOUT_CREDENTIAL, "所涉证照标识", "the certificate that it is about") \
	XX(TEXT_O_OUTCOME, "投诉或异议是否成立", "whether a complaint or dispute is upheld") \
	XX(TEXT_O_MATTER_STATE, "只列此状态", "only in this state") \
	XX(TEXT_O_VERSION, "版本，缺省为最新", "the version; the latest if not given") \
	XX(TEXT_O_DIGEST_MEANT, "所签文本的摘要（show 可见），至少 16 位", "digest of the text that is meant (see show), 16 characters or more") \
	XX(TEXT_O_VERSION_ENDED, "版本，缺省为生效中的", "the version; the one in force if not given") \
	XX(TEXT_O_EFFECTIVE, "终止日期", "the first day without it") \
	XX(TEXT_O_PEER, "只看与该地区的", "only those with this region") \
	XX(TEXT_O_PAPER, "文书名称；不给则列出可用的", "the form; without it: those that there are") \
	XX(TEXT_O_DIR, "节点目录（或环境变量 TONGBAN_DIR）", "the node's directory (or TONGBAN_DIR in the environment)") \
	XX(TEXT_O_JSON, "以 JSON 输出答复", "print the reply as JSON") \
	XX(TEXT_O_LANG, "语言", "language") \
	XX(TEXT_O_HELP, "显示帮助", "show this help") \
	XX(TEXT_O_REGION_OWN, "本地区行政区划代码（GB/T 2260）", "the region's code (GB/T 2260)") \
	XX(TEXT_O_NODE_NAME, "地区名称", "name of the region, for people") \
	XX(TEXT_O_LISTEN, "监听地址", "where to listen for peers") \
	XX(TEXT_O_ENDPOINT, "告知对方的地址", "the address that peers are told") \
	XX(TEXT_O_SUITE, "消息签名算法", "signature suite of the message key") \
	XX(TEXT_O_DEAD, "列出未能投递的消息", "list the messages that could not be delivered") \
	XX(TEXT_O_OUT, "写入文件（默认标准输出）", "write to a file (otherwise to the standard output)") \
	XX(TEXT_O_FORCE, "替换已有的信任锚", "replace the anchors that are here") \
	XX(TEXT_O_REGION_LIST, "哪个地区的目录（默认本地区）", "whose catalogue (otherwise the own)") \
	XX(TEXT_O_REGION_ASK, "颁发地区代码", "the region that issued it") \
	XX(TEXT_O_LIMIT, "最多行数", "rows at most") \
	XX(TEXT_O_ANCHORS, "信任锚目录，内含 <地区代码>.pem", "directory with <region>.pem anchor files") \
	XX(TEXT_O_FROM, "起始序号", "first index") \
	XX(TEXT_O_SIZE, "以此大小的日志为准（默认最新）", "in the log of this size (otherwise the newest)") \
	XX(TEXT_O_APPLICATION, "申请的 JSON 文件，选项优先于文件", "application as JSON; options go over it") \
	XX(TEXT_O_ITEM, "事项编码", "code of the item") \
	XX(TEXT_O_MODE, "办理模式（默认该事项的第一种）", "handling mode (otherwise the item's first)") \
	XX(TEXT_O_HOME, "属地（有权决定的地区）", "the deciding region") \
	XX(TEXT_O_APPLICANT_NAME, "申请人姓名或名称", "the applicant's name") \
	XX(TEXT_O_APPLICANT_CODE, "申请人证件号码", "the applicant's code") \
	XX(TEXT_O_AGENT_NAME, "代理人姓名", "the agent's name") \
	XX(TEXT_O_AGENT_CODE, "代理人证件号码", "the agent's code") \
	XX(TEXT_O_TOKEN_ROLE, "角色：window review head liaison supervisor kiosk read-only", "roles: window review head liaison supervisor kiosk read-only") \
	XX(TEXT_O_TOKEN_ITEM, "仅限此事项（实施编码或基本编码）", "for this item only (its code or basic code)") \
	XX(TEXT_O_CODE_TYPE, "证件类型（默认 111 公民身份号码）", "type of the code (otherwise 111, citizen number)") \
	XX(TEXT_O_PHONE, "电话", "phone number") \
	XX(TEXT_O_DELIVERY, "结果送达方式", "how the result is to be delivered") \
	XX(TEXT_O_ADDRESS, "送达地址", "address for the delivery") \
	XX(TEXT_O_WINDOW, "收件大厅与窗口", "hall and window") \
	XX(TEXT_O_FORM, "表单字段", "a field of the form") \
	XX(TEXT_O_MATERIAL, "上传文件作为某项材料", "upload a file for a need") \
	XX(TEXT_O_CREDENTIAL, "以已核验的证照代替某项材料", "a verified certificate stands in for a need") \
	XX(TEXT_O_ORIGINAL, "该项材料的原件邮寄", "the paper original of a need travels by post") \
	XX(TEXT_O_ROLE, "角色：applicant r-win r-dept r-head h-win h-dept h-head liaison（默认按模式）", \
	   "role: applicant r-win r-dept r-head h-win h-dept h-head liaison (otherwise by the mode)") \
	XX(TEXT_O_ACTOR, "经办人账号或工号", "account or badge of the person who acts") \
	XX(TEXT_O_ACTOR_NAME, "经办人姓名", "name of the person who acts") \
	XX(TEXT_O_FORWARD, "同时完成初审与移送（或窗口受理）", "check and send (or accept) in one step") \
	XX(TEXT_O_REQUEST_ID, "请求标识，重复提交返回同一办件", "a request repeated with this id gives the same case") \
	XX(TEXT_O_REASON, "原因", "the reason") \
	XX(TEXT_O_NOTE, "备注", "a note") \
	XX(TEXT_O_EXPECT_SEQ, "仅当办件仍在此序号时执行", "only if the case still stands at this entry") \
	XX(TEXT_O_NEED, "缺少的材料", "what is missing") \
	XX(TEXT_O_DAYS, "工作日数", "working days") \
	XX(TEXT_O_WAYBILL, "快递公司与单号", "carrier and waybill number") \
	XX(TEXT_O_CONTENT, "所寄物品", "what is in the parcel") \
	XX(TEXT_O_WAY, "送达方式", "way of delivery") \
	XX(TEXT_O_GRADE, "评价等级：1 非常满意 … 4、5 为差评", "the grade: 1 very good; 4 and 5 are bad") \
	XX(TEXT_O_DOCUMENT_NUMBER, "决定文书号", "number of the decision") \
	XX(TEXT_O_DECISION, "决定内容", "text of the decision") \
	XX(TEXT_O_ISSUE, "所颁发证照的 JSON 文件", "certificate to issue, as JSON") \
	XX(TEXT_O_CASE_STATE, "只列此状态，如 REVIEW", "only in this state, e.g. REVIEW") \
	XX(TEXT_O_STATS_FROM, "收件起始日期", "received from this day on") \
	XX(TEXT_O_STATS_TO, "收件截止日期", "received up to this day") \
	XX(TEXT_O_STATS_BY, "按何统计，默认 peer", "what a line is of; default: peer") \
	XX(TEXT_O_AUTHORISATION, "授权委托书所属材料编码", "code of the material that holds the agent's authorisation") \
	XX(TEXT_O_AUTHORISATION_CREDENTIAL, "授权委托电子证照标识", "certificate that is the authorisation") \
	XX(TEXT_O_AUTHORISATION_SCOPE, "授权范围", "what the agent may do") \
	XX(TEXT_O_AUTHORISATION_FROM, "授权起始日期", "the authorisation's first day") \
	XX(TEXT_O_AUTHORISATION_UNTIL, "授权截止日期", "the authorisation's last day") \
	XX(TEXT_O_IDENTITY, "身份核验等级", "how sure it is who applies") \
	XX(TEXT_O_IDENTITY_METHOD, "身份核验方式", "how that was found out") \
	XX(TEXT_O_HALL_REGION, "地区，默认本地", "whose halls; default: own") \
	XX(TEXT_O_HALL_AREA, "区划代码开头", "beginning of the area code") \
	XX(TEXT_O_HALL_RECEIVES, "只列收件大厅", "only those that receive applications") \
	XX(TEXT_O_HALL_PICKUP, "只列可取件大厅", "only those where results are fetched") \
	XX(TEXT_O_HALL_DEPARTMENT, "只列进驻此部门的大厅", "only those of this department") \
	XX(TEXT_O_HALL_ALLIANCE, "只列此联盟的大厅", "only those of this alliance") \
	XX(TEXT_O_HALL_OPEN, "只列此时开放的大厅", "only those that are open then") \
	XX(TEXT_O_HALL, "收件大厅编码", "code of the receiving hall") \
	XX(TEXT_O_PICKUP_HALL, "取件大厅编码", "code of the hall where the result is fetched") \
	XX(TEXT_O_FEE_REFERENCE, "缴费单号", "number of the payment") \
	XX(TEXT_O_FEE_NAME, "费用名称", "what is paid for") \
	XX(TEXT_O_FEE_AMOUNT, "金额（分）", "amount in fen") \
	XX(TEXT_O_FEE_PAYER, "缴费人", "who pays") \
	XX(TEXT_O_FEE_STATE, "状态，默认 due", "state; default: due") \
	XX(TEXT_O_POSTAGE, "邮费（分）", "postage in fen") \
	XX(TEXT_O_COMMITMENT_UNCHECKED, "只列尚未核查的", "only those that are still to be checked") \
	XX(TEXT_O_CASE_DISPUTE, "只列有争议的办件", "only those in dispute") \
	XX(TEXT_O_CASE_PEER, "只列与此地区的办件", "only with this region") \
	XX(TEXT_O_AFTER, "从此办件编号之后列起", "begin after this case number") \
	XX(TEXT_O_FORMAT, "格式（默认按扩展名）", "format (otherwise by the file's name)") \
	XX(TEXT_O_ON_ERROR, "遇错误行：跳过（默认）或停止", "on a bad line: skip it (default) or stop") \
	XX(TEXT_O_BATCH_LINES, "每次调用的行数", "lines of one call") \
	XX(TEXT_O_BATCH_FILE, "批量核验：JSON Lines 查询文件，- 为标准输入", "many: JSON Lines of queries, - for the standard input") \
	XX(TEXT_O_TYPE, "证照类型代码", "certificate type code") \
	XX(TEXT_O_NUMBER, "证照编号", "certificate number") \
	XX(TEXT_O_HOLDER_TYPE, "持证主体代码类型（公民身份号码 111、统一社会信用代码 001 可省略）", \
	   "type of the holder's code (need not be given for a citizen number, 111, or a unified social credit code, 001)") \
	XX(TEXT_O_HOLDER_CODE, "持证主体代码", "the holder's code") \
	XX(TEXT_O_HOLDER_NAME, "持证主体名称", "the holder's name") \
	XX(TEXT_O_BY, "新证照标识", "identifier of the newer certificate") \
	XX(TEXT_O_ID, "证照标识", "certificate identifier") \
	XX(TEXT_O_MATCH, "比对一个字段，如 holder.name=张三", "compare a field, e.g. holder.name=张三") \
	XX(TEXT_O_PURPOSE, "用途", "the purpose") \
	XX(TEXT_O_BASIS, "法律依据", "the legal basis") \
	XX(TEXT_O_CASE, "所属办件编号", "the case that it is for") \
	XX(TEXT_O_DISCLOSURE, "披露级别", "how much is asked for")

/* Heads of columns and names of values. */
#define TEXT_MAP_HEADS(XX) \
	XX(TEXT_H_ELEMENT, "要素", "element") \
	XX(TEXT_H_MATTER, "事务", "matter") \
	XX(TEXT_H_ASKED, "须答复", "to answer") \
	XX(TEXT_H_DUE, "期限", "due") \
	XX(TEXT_H_OUTCOME, "结论", "outcome") \
	XX(TEXT_H_SAID, "内容", "said") \
	XX(TEXT_H_MATERIAL, "材料", "paper") \
	XX(TEXT_H_REQUIRED, "必需", "required") \
	XX(TEXT_H_ASKED_BY, "要求的地区", "asked for by") \
	XX(TEXT_H_AGREED_TYPES, "证照互查", "certificates") \
	XX(TEXT_H_RECOGNISED, "互认", "recognised") \
	XX(TEXT_H_AGREED_CLOCKS, "约定时限", "limits") \
	XX(TEXT_H_RETURN_REASONS, "退件理由", "return reasons") \
	XX(TEXT_H_POSTAGE, "邮费", "postage") \
	XX(TEXT_H_LIABILITY, "责任", "liability") \
	XX(TEXT_H_CONTACTS, "联络员", "contacts") \
	XX(TEXT_H_HOURS, "服务时间", "service hours") \
	XX(TEXT_H_NOTICE, "终止通知", "notice") \
	XX(TEXT_H_AGREEMENT, "协议", "agreement") \
	XX(TEXT_H_TITLE, "名称", "title") \
	XX(TEXT_H_PARTIES, "各方", "parties") \
	XX(TEXT_H_UNSIGNED, "未签署", "not signed by") \
	XX(TEXT_H_VALID, "有效期", "valid") \
	XX(TEXT_H_TERMS, "事项与权限", "terms") \
	XX(TEXT_H_STATEMENTS, "声明", "statements") \
	XX(TEXT_H_CHANGES, "变更", "changes") \
	XX(TEXT_H_OVERTAKEN, "被取代的文本", "overtaken text") \
	XX(TEXT_H_NEXT, "下一步", "next step") \
	XX(TEXT_M_OVERTAKEN_NEXT, "同意现文本：tongban agreement sign {1} --version {2} --digest {3}；否则在其之上另提新版：tongban agreement propose FILE（id: {1}）", \
	   "agree to the text that stands: tongban agreement sign {1} --version {2} --digest {3}; or propose on top of it: tongban agreement propose FILE (id: {1})") \
	XX(TEXT_H_HERE, "本地", "here") \
	XX(TEXT_H_THERE, "对方", "there") \
	XX(TEXT_H_BASIS, "依据", "by") \
	XX(TEXT_H_PROOF, "摘要", "digest") \
	XX(TEXT_H_ANSWERED, "答复时间", "answered") \
	XX(TEXT_H_APPLICANT, "申请人", "applicant") \
	XX(TEXT_H_AUDIT, "审计记录", "audit leaves") \
	XX(TEXT_H_BASE_CODE, "基本编码", "basic code") \
	XX(TEXT_H_CASE, "办件编号", "case") \
	XX(TEXT_H_CASES, "办件", "cases") \
	XX(TEXT_H_CATALOGUE, "目录版本", "catalogue") \
	XX(TEXT_H_CHUNKS, "分块", "chunks") \
	XX(TEXT_H_CLOCKS, "时限", "clocks") \
	XX(TEXT_H_CODE, "编码", "code") \
	XX(TEXT_H_COMPLETE, "完整", "complete") \
	XX(TEXT_H_CONTACT, "最近联系", "last contact") \
	XX(TEXT_H_COUNT, "数量", "count") \
	XX(TEXT_H_CREDENTIALS, "证照", "certificates") \
	XX(TEXT_H_CRITERIA, "审查标准", "criteria") \
	XX(TEXT_H_DAYS, "承诺", "days") \
	XX(TEXT_H_DEAD, "死信", "dead letters") \
	XX(TEXT_H_DEPARTMENT, "审批部门", "department") \
	XX(TEXT_H_DIGEST, "摘要", "digest") \
	XX(TEXT_H_STATS_SIDE, "角色", "role") \
	XX(TEXT_H_STATS_CASES, "收件", "cases") \
	XX(TEXT_H_STATS_OPEN, "在办", "open") \
	XX(TEXT_H_STATS_DECIDED, "办结", "decided") \
	XX(TEXT_H_STATS_IN_TIME, "按时率", "in time") \
	XX(TEXT_H_STATS_DAYS, "平均用时", "mean days") \
	XX(TEXT_H_STATS_PROMISED, "平均承诺", "promised") \
	XX(TEXT_H_STATS_LATE, "逾期", "late") \
	XX(TEXT_H_STATS_RETURNS, "退件", "returns") \
	XX(TEXT_H_STATS_SAVED, "减跑动/材料/天数", "saved runs/papers/days") \
	XX(TEXT_H_STATS_GRADES, "好差评 1–5", "grades 1–5") \
	XX(TEXT_H_IDENTITY, "身份核验", "identity") \
	XX(TEXT_H_AGENT, "代理人", "agent") \
	XX(TEXT_H_HALL_LEVEL, "层级", "level") \
	XX(TEXT_H_HALL_AREA, "区划", "area") \
	XX(TEXT_H_HALL_DOES, "功能", "does") \
	XX(TEXT_H_HALL_ADDRESS, "地址", "address") \
	XX(TEXT_H_PICKUP, "取件大厅", "fetched at") \
	XX(TEXT_H_FEES, "费用", "fees") \
	XX(TEXT_H_COPY_REFUSED, "属地未接收副本", "copy refused") \
	XX(TEXT_H_DISPUTE, "有争议", "disputed") \
	XX(TEXT_H_ENDPOINT, "地址", "endpoint") \
	XX(TEXT_H_ERROR, "最近错误", "last error") \
	XX(TEXT_H_EVENT, "事件", "event") \
	XX(TEXT_H_EVENTS, "事件数", "events") \
	XX(TEXT_H_EVIDENCE, "证据", "evidence") \
	XX(TEXT_H_EXTENDED, "已延期", "extended") \
	XX(TEXT_H_FIRST_NODE, "首收地", "received first by") \
	XX(TEXT_H_FROM, "有效期自", "valid from") \
	XX(TEXT_H_GRANTS, "授权", "grants") \
	XX(TEXT_H_HANDING_OVER, "移交中", "handing over") \
	XX(TEXT_H_HOLDER, "持证主体", "holder") \
	XX(TEXT_H_HOME, "属地", "home") \
	XX(TEXT_H_IDENTIFIER, "证照标识", "identifier") \
	XX(TEXT_H_INDEX, "序号", "index") \
	XX(TEXT_H_ISSUED, "颁发日期", "issued on") \
	XX(TEXT_H_ISSUER, "颁发机构", "issuer") \
	XX(TEXT_H_ITEM, "事项", "item") \
	XX(TEXT_H_KIND, "种类", "kind") \
	XX(TEXT_H_LEAD, "联办总件", "part of") \
	XX(TEXT_H_LEGAL_DAYS, "法定", "legal") \
	XX(TEXT_H_LINK, "连接", "link") \
	XX(TEXT_H_LISTEN, "监听", "listens on") \
	XX(TEXT_H_LOCAL_NUMBER, "受理编号", "number at home") \
	XX(TEXT_H_MADE, "创建时间", "made") \
	XX(TEXT_H_MATERIALS, "材料数", "materials") \
	XX(TEXT_H_MODE, "模式", "mode") \
	XX(TEXT_H_MODES, "模式", "modes") \
	XX(TEXT_H_NAME, "名称", "name") \
	XX(TEXT_H_NODE, "节点", "node") \
	XX(TEXT_H_NUMBER, "编号", "number") \
	XX(TEXT_H_OUTBOX, "待签收", "outbox") \
	XX(TEXT_H_OWNER, "当前节点", "owner") \
	XX(TEXT_H_PARTS, "联办子件", "parts") \
	XX(TEXT_H_PEER, "对方", "peer") \
	XX(TEXT_H_POSSIBLE, "可执行", "possible") \
	XX(TEXT_H_PROPOSAL, "提议", "proposal") \
	XX(TEXT_H_QUEUED, "排队时间", "queued") \
	XX(TEXT_H_REASON, "原因", "reason") \
	XX(TEXT_H_REGION, "地区", "region") \
	XX(TEXT_H_REMARK, "说明", "remark") \
	XX(TEXT_H_RESULT, "结果", "result") \
	XX(TEXT_H_RETRY, "下次重试", "next try") \
	XX(TEXT_H_REVOKED, "撤销时间", "revoked") \
	XX(TEXT_H_ROLES, "角色", "roles") \
	XX(TEXT_H_ROOT, "根哈希", "root") \
	XX(TEXT_H_RUNS, "到场次数", "visits") \
	XX(TEXT_H_SEAL, "印章", "seal") \
	XX(TEXT_H_SEQ, "序号", "seq") \
	XX(TEXT_H_SHA256, "SHA-256", "SHA-256") \
	XX(TEXT_H_SINCE, "状态起始", "since") \
	XX(TEXT_H_SIZE, "字节", "bytes") \
	XX(TEXT_H_STARTED, "启动时间", "started") \
	XX(TEXT_H_STATE, "状态", "state") \
	XX(TEXT_H_STATES, "状态", "state") \
	XX(TEXT_H_SUBJECT, "对象", "subject") \
	XX(TEXT_H_SUPERSEDED, "被取代于", "superseded by") \
	XX(TEXT_H_TIME, "时间", "time") \
	XX(TEXT_H_TURNS, "轮次", "turns") \
	XX(TEXT_H_TYPE, "类型", "type") \
	XX(TEXT_H_UNTIL, "有效期至", "valid until") \
	XX(TEXT_H_VERSION, "版本", "version") \
	XX(TEXT_H_WANTED, "待取材料", "materials wanted") \
	XX(TEXT_H_WHO, "经办", "by")

/* Enum values: the name that programs see, and what it means. */
#define TEXT_MAP_WORDS(XX) \
	XX(TEXT_W_HALL_RECEIVES, "收件", "receives") \
	XX(TEXT_W_HALL_HANDS_OUT, "取件", "hands out") \
	XX(TEXT_W_FEE_DUE, "待缴", "due") \
	XX(TEXT_W_FEE_PAID, "已缴", "paid") \
	XX(TEXT_W_FEE_WAIVED, "减免", "waived") \
	XX(TEXT_W_FEE_REFUNDED, "已退", "refunded") \
	XX(TEXT_W_COMMITMENT_KEPT, "核查属实", "kept") \
	XX(TEXT_W_COMMITMENT_BROKEN, "核查不实", "broken") \
	XX(TEXT_W_COMMITMENT_UNCHECKED, "待核查", "to be checked") \
	XX(TEXT_W_SELF_DECLARED, "自行申报", "self-declared") \
	XX(TEXT_W_MATCHED, "实名核验", "name and number matched") \
	XX(TEXT_W_PRESENT, "实人核验", "seen alive") \
	XX(TEXT_W_IN_PERSON, "现场核验", "in person") \
	XX(TEXT_W_STATS_WINDOW, "本地收件", "received here") \
	XX(TEXT_W_STATS_HOME, "本地办理", "decided here") \
	XX(TEXT_W_STATS_OWN, "本地自办", "both here") \
	XX(TEXT_W_FAULT_NO_BASIS, "材料无法律依据", "no legal basis") \
	XX(TEXT_W_FAULT_LIMITS, "承诺时限超过法定时限", "the promised limit is over the legal one") \
	XX(TEXT_W_FAULT_CIRCLE, "循环证明", "a proof that needs itself") \
	XX(TEXT_W_FAULT_NO_CRITERIA, "异地办理但无基本编码或审查标准版本", "decided elsewhere, but no basic code or criteria") \
	XX(TEXT_W_FAULT_PAPER_ONLINE, "全程网办但要求纸质原件", "all online, but a paper original is required") \
	XX(TEXT_W_CONSULTATION, "会商", "consultation") \
	XX(TEXT_W_ENQUIRY, "咨询", "enquiry") \
	XX(TEXT_W_COMPLAINT, "投诉", "complaint") \
	XX(TEXT_W_DISPUTE, "异议", "dispute") \
	XX(TEXT_W_SUPERVISION, "督办", "supervision") \
	XX(TEXT_W_MATTER_OPEN, "待处理", "open") \
	XX(TEXT_W_MATTER_ANSWERED, "已答复", "answered") \
	XX(TEXT_W_MATTER_CLOSED, "已关闭", "closed") \
	XX(TEXT_W_MATTER_OVERDUE, "已逾期", "overdue") \
	XX(TEXT_W_UPHELD, "成立", "upheld") \
	XX(TEXT_W_PARTLY_UPHELD, "部分成立", "partly upheld") \
	XX(TEXT_W_NOT_UPHELD, "不成立", "not upheld") \
	XX(TEXT_W_POST_OPENS, "提出", "opens") \
	XX(TEXT_W_POST_SAYS, "发言", "says") \
	XX(TEXT_W_POST_ANSWERS, "答复", "answers") \
	XX(TEXT_W_POST_CLOSES, "关闭", "closes") \
	XX(TEXT_W_ACCEPT_CASES, "收件受理", "accept cases") \
	XX(TEXT_W_NOTIFY_ONCE, "一次性告知", "notify once") \
	XX(TEXT_W_CHECK_ORIGINALS, "原件核验", "check originals") \
	XX(TEXT_W_DELIVER_RESULTS, "结果送达", "deliver results") \
	XX(TEXT_W_DECIDE_CASES, "委托审批", "decide cases") \
	XX(TEXT_W_RECOGNISE_RECEIPTS, "接件互认", "receipts") \
	XX(TEXT_W_RECOGNISE_PRECHECKS, "初审互认", "first checks") \
	XX(TEXT_W_RECOGNISE_CREDENTIALS, "证照互认", "certificates") \
	XX(TEXT_W_PAID_BY_WINDOW, "收件地承担", "paid by the window") \
	XX(TEXT_W_PAID_BY_HOME, "属地承担", "paid by the home region") \
	XX(TEXT_W_PAID_BY_APPLICANT, "申请人承担", "paid by the applicant") \
	XX(TEXT_W_WORKING_DAYS, "个工作日", "working days") \
	XX(TEXT_W_DAYS, "天", "days") \
	XX(TEXT_W_DISCLOSE_STATUS, "状态", "status") \
	XX(TEXT_W_DISCLOSE_MATCH, "比对", "match") \
	XX(TEXT_W_DISCLOSE_DOCUMENT, "原文", "document") \
	XX(TEXT_W_AGREEMENT_PROPOSED, "待签署", "proposed") \
	XX(TEXT_W_AGREEMENT_SIGNED, "已签署未生效", "signed, to begin") \
	XX(TEXT_W_AGREEMENT_IN_FORCE, "有效", "in force") \
	XX(TEXT_W_AGREEMENT_ENDED, "已终止", "ended") \
	XX(TEXT_W_AGREEMENT_REPLACED, "已被新版替代", "replaced") \
	XX(TEXT_W_STATEMENT_SIGNS, "签署", "signs") \
	XX(TEXT_W_STATEMENT_ENDS, "终止于", "ends it on") \
	XX(TEXT_W_CONFIRMED, "CONFIRMED 属实：所给内容全部相符", "CONFIRMED: all that was given is so") \
	XX(TEXT_W_NOT_CONFIRMED, "NOT_CONFIRMED 不能证实：不存在或有不符之处", "NOT_CONFIRMED: unknown, or something does not match") \
	XX(TEXT_W_MISMATCH, "MISMATCH 存在，但有不符之处", "MISMATCH: found, but something does not match") \
	XX(TEXT_W_NOT_FOUND, "NOT_FOUND 不存在", "NOT_FOUND: there is none") \
	XX(TEXT_W_NOT_GRANTED, "NOT_GRANTED 对方未授权", "NOT_GRANTED: the peer does not grant this") \
	XX(TEXT_W_THROTTLED, "THROTTLED 超过频次限制", "THROTTLED: over the rate that is granted") \
	XX(TEXT_W_BAD_QUERY, "BAD_QUERY 查询有误", "BAD_QUERY: the query is not right") \
	XX(TEXT_W_VALID, "VALID 有效", "VALID") \
	XX(TEXT_W_SUSPENDED, "SUSPENDED 暂停", "SUSPENDED") \
	XX(TEXT_W_REVOKED, "REVOKED 已吊销", "REVOKED") \
	XX(TEXT_W_CANCELLED, "CANCELLED 已注销", "CANCELLED") \
	XX(TEXT_W_SUPERSEDED, "SUPERSEDED 已换发", "SUPERSEDED") \
	XX(TEXT_W_EXPIRED, "EXPIRED 已过期", "EXPIRED") \
	XX(TEXT_W_NOT_YET_VALID, "NOT_YET_VALID 尚未生效", "NOT_YET_VALID") \
	XX(TEXT_W_DURABLE, "DURABLE 已收妥并生效", "DURABLE: kept and applied") \
	XX(TEXT_W_REJECTED, "REJECTED 已拒收", "REJECTED: refused for good") \
	XX(TEXT_W_DEFERRED, "DEFERRED 暂缓，须重发", "DEFERRED: not kept, to be sent again")

/* What evidence proves, in words. */
#define TEXT_MAP_EVIDENCE(XX) \
	XX(TEXT_EV_NO_ANCHORS, "{1}：没有 <地区代码>.pem 信任锚文件", "{1}: no <region>.pem anchor file in it") \
	XX(TEXT_EV_VERSION, "不认识第 {1} 版证据文件", "evidence of version {1} is not known here") \
	XX(TEXT_EV_SUBJECT, "不认识的证据种类“{1}”", "evidence of an unknown kind, \"{1}\"") \
	XX(TEXT_EV_MISSING, "缺少{1}的证明", "the proof of {1} is missing") \
	XX(TEXT_EV_KIND, "{1}的签名批次种类不符：{2}", "{1} was signed in a batch of another kind: {2}") \
	XX(TEXT_EV_NAME_ANSWER, "答复", "the answer") \
	XX(TEXT_EV_NAME_QUERY, "查询", "the query") \
	XX(TEXT_EV_NAME_MESSAGE, "办件消息", "the case message") \
	XX(TEXT_EV_NAME_RECEIPT, "回执", "the receipt") \
	XX(TEXT_EV_CREDENTIAL, "证照", "the certificate") \
	XX(TEXT_EV_SIGNED, "✓ {1}由 {2} 的消息密钥签名，发给 {3}，时间 {4}；密钥 {5}", \
	   "✓ {1} was signed with the message key of {2} for {3} at {4}; key {5}") \
	XX(TEXT_EV_SEALED, "✓ {1}由 {2} 的颁发机构 {3} 签章，时间 {4}；密钥 {5}", \
	   "✓ {1} was sealed by the issuer {3} of {2} at {4}; key {5}") \
	XX(TEXT_EV_INCLUDED, "✓ 它是该签名批次 {2} 项中的第 {1} 项", "✓ it is item {1} of {2} in the batch that was signed") \
	XX(TEXT_EV_ANSWER, "  答复：{1}；查验时间 {2}", "  answer: {1}; looked up at {2}") \
	XX(TEXT_EV_STATE, "  证照状态：{1}", "  state of the certificate: {1}") \
	XX(TEXT_EV_UNTIL, "  有效期至 {1}", "  valid until {1}") \
	XX(TEXT_EV_EQUAL, "  {1}：一致", "  {1}: equal") \
	XX(TEXT_EV_DIFFERS, "  {1}：不一致", "  {1}: differs") \
	XX(TEXT_EV_REASON, "  说明：{1}", "  reason: {1}") \
	XX(TEXT_EV_ASKED_ID, "  所问证照标识：{1}", "  asked for the identifier {1}") \
	XX(TEXT_EV_ASKED_TYPE, "  所问证照：类型 {1}，编号 {2}", "  asked for type {1}, number {2}") \
	XX(TEXT_EV_ASKED_HOLDER, "  所问持证主体：{1}（{2} {3}）", "  asked for the holder {1} ({2} {3})") \
	XX(TEXT_EV_PURPOSE, "  用途：{1}；依据：{2}", "  purpose: {1}; basis: {2}") \
	XX(TEXT_EV_EXACTLY_QUERY, "✓ 该答复正是对此查询作出的", "✓ the answer answers exactly this query") \
	XX(TEXT_EV_CREDENTIAL_IS, "  证照：{1}，标识 {2}，编号 {3}", "  certificate: {1}, identifier {2}, number {3}") \
	XX(TEXT_EV_HOLDER, "  持证主体：{1}（{2} {3}）", "  holder: {1} ({2} {3})") \
	XX(TEXT_EV_NOT_BETWEEN, "发问方与答复方对不上", "who asked and who answered do not fit together") \
	XX(TEXT_EV_OTHER_BATCH, "答复所属批次并非针对该查询所在批次", "the answer is to another batch than the query's") \
	XX(TEXT_EV_OTHER_QUERY, "答复针对的是另一条查询", "the answer is to another query") \
	XX(TEXT_EV_OTHER_CREDENTIAL, "所附证照不是查询所问的证照", "the certificate is not the one that was asked for") \
	XX(TEXT_EV_SEAL_REGION, "证照由 {1} 签章，而非 {2}", "the certificate was sealed in {1}, not in {2}") \
	XX(TEXT_EV_MSG_PACKAGE, "  办件 {1} 的移交包，第 {2} 号消息，发出时间 {3}", \
	   "  package of case {1}, message {2}, issued at {3}") \
	XX(TEXT_EV_MSG_ENTRIES, "  办件 {1} 的过程记录，第 {2} 号消息，发出时间 {3}", \
	   "  entries of case {1}, message {2}, issued at {3}") \
	XX(TEXT_EV_MSG_PROPOSAL, "  办件 {1} 的提议，第 {2} 号消息，发出时间 {3}", \
	   "  proposal about case {1}, message {2}, issued at {3}") \
	XX(TEXT_EV_MSG_EXPIRED, "  办件 {1} 的过期通知，第 {2} 号消息，发出时间 {3}", \
	   "  notice about case {1} that a message expired, message {2}, issued at {3}") \
	XX(TEXT_EV_PROPOSAL, "  提议事件：{1}", "  proposed event: {1}") \
	XX(TEXT_EV_ENTRY, "  {1}. {2} {3}：{4} → {5}，节点 {6}，{7} {8}", "  {1}. {2} {3}: {4} → {5}, node {6}, {7} {8}") \
	XX(TEXT_EV_ENTRY_CASE, "第 {1} 条记录属于另一办件", "entry {1} is of another case") \
	XX(TEXT_EV_ENTRY_GAP, "第 {1} 条记录与前一条不连续", "entry {1} does not follow the one before") \
	XX(TEXT_EV_ENTRY_CHAIN, "第 {1} 条记录没有指向前一条的摘要", "entry {1} does not hold the digest of the one before") \
	XX(TEXT_EV_CHAIN, "✓ {1} 条记录首尾相连", "✓ the {1} entries form one chain") \
	XX(TEXT_EV_RECEIPT, "  回执：{1}，办件 {2}，时间 {3}", "  receipt: {1}, case {2}, at {3}") \
	XX(TEXT_EV_EXACTLY_MESSAGE, "✓ 回执正是对以下消息作出的", "✓ the receipt is for exactly this message:") \
	XX(TEXT_EV_OTHER_MESSAGE, "回执针对的是另一条消息", "the receipt is for another message") \
	XX(TEXT_EV_GOOD, "证据成立。其中的时间由签名方自行写明。", "The evidence holds. The times in it are the signers' own.")
/* clang-format on */
