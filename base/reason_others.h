/* The other reasons of refusals: grants, queries, tokens, lists, files and configuration: name, code,
 * Chinese, English. */
#pragma once

/* clang-format off */
#define TB_REASONS_OTHERS(XX) \
	XX(AGREEMENT_NEEDED, TB_EDENIED, "{1} 与 {2} 之间没有涵盖事项 {3}、模式 {4} 的生效协议", \
	   "no agreement in force between {1} and {2} covers item {3} in mode {4}") \
	XX(AGREEMENT_NOTICE, TB_EDENIED, "按协议 {1}，一次性告知由 {2} 办理", \
	   "agreement {1} leaves the notice (一次性告知) to {2}") \
	XX(AGREEMENT_RESULTS, TB_EDENIED, "协议 {1} 未授权 {2} 发放结果", \
	   "agreement {1} does not let {2} hand over results") \
	XX(AGREEMENT_UNKNOWN, TB_ENOTFOUND, "本节点没有协议 {1}", \
	   "no agreement {1} is here") \
	XX(AGREEMENT_UNSIGNED, TB_EDENIED, "协议 {1} 第 {2} 版不在本节点，或尚未由各方签署", \
	   "agreement {1} version {2} is not here, or not signed by all") \
	XX(AGREEMENT_NOT_COVERED, TB_EDENIED, "协议 {1} 第 {2} 版不涵盖事项 {3}、模式 {4}", \
	   "agreement {1} version {2} does not cover item {3} in mode {4}") \
	XX(AGREEMENT_NO_PARTY, TB_EDENIED, "本地区不是该协议的一方", \
	   "this region is no party of it") \
	XX(AGREEMENT_OVERTAKEN, TB_ESTATE, \
	   "协议 {1} 第 {2} 版已由另一文本取代（摘要较小者为准）：请查看后以 --digest {3} 签署，或在其之上另提新版", \
	   "agreement {1} version {2} has another text now (the smaller digest stays): look at it and sign it with --digest {3}, or propose again on top") \
	XX(AGREEMENT_NOTICE_DAYS, TB_EINVALID, "effective：最早为 {1}（须提前 {2} 天通知）", \
	   "effective: {1} at the earliest, after {2} days of notice") \
	XX(NOT_GRANTED_ITEM, TB_EDENIED, "未授予 {1} 以 {3} 模式提交事项 {2} 的权限（peers/{1}.yaml，grants.cases）", \
	   "{1} is not granted item {2} in mode {3} (peers/{1}.yaml, grants.cases)") \
	XX(NOT_A_PEER, TB_ENOTFOUND, "{1} 不是本节点的对等节点", \
	   "{1} is not a peer of this node") \
	XX(NOT_A_PEER_S, TB_ENOTFOUND, "{1} 不是本节点的对等节点", \
	   "{1} is not a peer of this node") \
	XX(PEER_NO_ENDPOINT, TB_EUNREACHABLE, "对等节点 {1} 没有登记地址，无法呼叫", \
	   "peer {1} has no endpoint") \
	XX(PEER_REMOVED, TB_EUNREACHABLE, "对等节点 {1} 已被移除", \
	   "peer {1} was removed") \
	XX(NOT_A_PEER_ANY_MORE, TB_EDENIED, "已不再是本节点的对等节点", \
	   "not a peer of this node any more") \
	XX(QUERY_SUBJECT, TB_EINVALID, "queries[{1}]：请给出证照标识，或证照类型与编号，或证照类型与持证主体", \
	   "queries[{1}]: identifier, type and number, or type and holder expected") \
	XX(QUERY_PURPOSE, TB_EINVALID, "queries[{1}].purpose：缺少核验目的", \
	   "queries[{1}].purpose: missing") \
	XX(QUERY_BASIS, TB_EINVALID, "queries[{1}]：请给出法律依据或办件编号", \
	   "queries[{1}]: basis or caseNumber expected") \
	XX(QUERY_DISCLOSURE, TB_EINVALID, "queries[{1}].disclosure：应为 STATUS、MATCH 或 DOCUMENT", \
	   "queries[{1}].disclosure: STATUS, MATCH or DOCUMENT expected") \
	XX(QUERY_MATCH_MANY, TB_ETOOBIG, "queries[{1}].match：超过 {2} 个字段", \
	   "queries[{1}].match: more than {2} fields") \
	XX(QUERIES, TB_EINVALID, "queries：应为 1 至 {1} 条", \
	   "queries: 1 to {1} expected") \
	XX(CREDENTIAL_UNKNOWN, TB_ENOTFOUND, "没有此证照标识的证照", \
	   "no certificate with this identifier") \
	XX(CREDENTIAL_STATE, TB_ESTATE, "状态为 {1} 的证照不能变更为 {2}", \
	   "a certificate that is {1} cannot become {2}") \
	XX(CREDENTIAL_EXISTS, TB_EEXISTS, "该证照已存在", \
	   "this certificate exists already") \
	XX(CREDENTIAL_ERASED, TB_EEXISTS, "该证照已依规定删除，不能再次导入", \
	   "this certificate was erased: it does not come back") \
	XX(CREDENTIAL_IN_FORCE, TB_ESTATE, "证照仍然有效：请先注销", \
	   "the certificate is in force: cancel it first") \
	XX(REASON_MISSING, TB_EINVALID, "reason：请写明理由", \
	   "reason: missing") \
	XX(TOKEN_NEEDED, TB_EUNTRUSTED, "此处需要令牌（Authorization: Bearer tb_…）", \
	   "a token is needed here (Authorization: Bearer tb_...)") \
	XX(TOKEN_FORM, TB_EUNTRUSTED, "authorization：应为 “Bearer tb_…”", \
	   "authorization: \"Bearer tb_...\" is expected") \
	XX(TOKEN_UNKNOWN, TB_EUNTRUSTED, "令牌不存在或已吊销", \
	   "the token is not known here, or was revoked") \
	XX(TOKEN_REVOKED, TB_EUNTRUSTED, "令牌已吊销", \
	   "the token was revoked") \
	XX(TOKEN_NAMED_REVOKED, TB_EUNTRUSTED, "令牌 {1} 已吊销", \
	   "the token {1} was revoked") \
	XX(TOKEN_NAME_UNKNOWN, TB_ENOTFOUND, "没有令牌 {1}", \
	   "there is no token {1}") \
	XX(TOKEN_EXISTS, TB_EEXISTS, "令牌名 {1} 已使用过", \
	   "there is, or was, a token {1} already") \
	XX(TOKEN_METHOD, TB_EDENIED, "令牌 {1} 无权调用 {2}/{3}", \
	   "the token {1} may not call {2}/{3}") \
	XX(TOKEN_ITEM, TB_EDENIED, "令牌 {1} 不适用于此事项", \
	   "the token {1} is not for this item") \
	XX(TOKEN_ITEMS_ONLY, TB_EDENIED, "令牌 {1} 仅限部分事项，不能调用 {2}/{3}", \
	   "the token {1} is for some items only and may not call {2}/{3}") \
	XX(TOKEN_ACTOR, TB_EDENIED, "actor.role：令牌 {1} 不能以 {2} 身份办理", \
	   "actor.role: the token {1} does not act as {2}") \
	XX(CODES_OF_TOKEN, TB_ETHROTTLED, "openWith：此令牌的错误次数过多，请在 {1} 秒后再试", \
	   "openWith: too many wrong codes with this token; the next try is in {1} s") \
	XX(CODES_OF_ADDRESS, TB_ETHROTTLED, "openWith：此地址的错误次数过多，请在 {1} 秒后再试", \
	   "openWith: too many wrong codes from this address; the next try is in {1} s") \
	XX(CODES_OF_CASE, TB_ETHROTTLED, "openWith：此办件的错误次数过多，请在 {1} 秒后再试", \
	   "openWith: too many wrong codes at this case; the next try is in {1} s") \
	XX(CODE_WRONG, TB_EDENIED, "openWith：没有由此令牌提交的该办件，或查询码、证件号码不符", \
	   "openWith: no such case was handed in with this token, or the code is not its own") \
	XX(NAME_FORM, TB_EINVALID, "name：应为 1 至 {1} 个字符，限 a-z 0-9 . _ -", \
	   "name: 1 to {1} of a-z 0-9 . _ -") \
	XX(CALENDAR_YEAR, TB_ECALENDAR, "工作日历不含 {1} 年：请运维人员补充 data/workdays.tsv 并重启", \
	   "the working-day calendar does not cover the year {1}: the operator puts it into data/workdays.tsv and restarts") \
	XX(RETENTION_NONE, TB_ESTATE, "node.yaml 未设置 retention：全部保留", \
	   "node.yaml names no retention: everything is kept") \
	XX(RETENTION_DAY, TB_EINVALID, "before：应为日期，写作 YYYY-MM-DD", \
	   "before: a day, YYYY-MM-DD, expected") \
	XX(FIELD_MISSING, TB_EINVALID, "缺少 {1}", \
	   "{1} is missing") \
	XX(FIELD_LONG, TB_ETOOBIG, "{1} 超过 {2} 字节", \
	   "{1} is longer than {2} bytes") \
	XX(FIELD_TEXT, TB_EINVALID, "{1} 不是纯 UTF-8 文本", \
	   "{1} is not plain UTF-8 text") \
	XX(FIELD_CODE, TB_EINVALID, "{1}：不是 GB/T 39046 的代码", \
	   "{1}: not a code of GB/T 39046") \
	XX(ITEM_NO_MODE, TB_EINVALID, "modes：没有办理模式", \
	   "modes: there is none") \
	XX(ITEM_MODE_UNKNOWN, TB_EINVALID, "modes[{1}]：没有这种办理模式", \
	   "modes[{1}] is unknown") \
	XX(ITEM_MODE_TWICE, TB_EINVALID, "modes[{1}]：重复", \
	   "modes[{1}] stands there twice") \
	XX(ITEM_LEGAL_DAYS, TB_EINVALID, "legal_days：超过 {1}", \
	   "legal_days: more than {1}") \
	XX(ITEM_PROMISED_NONE, TB_EINVALID, "promised_days：至少为 1", \
	   "promised_days: at least 1") \
	XX(ITEM_PROMISED_LONG, TB_EINVALID, "promised_days：承诺 {1} 日，超过法定 {2} 日", \
	   "promised_days: {1}, but the law gives {2}") \
	XX(ITEM_BASIS, TB_EINVALID, "{1}basis：必需材料须有法定依据", \
	   "{1}basis is missing") \
	XX(ITEM_MATERIALS_MANY, TB_ETOOBIG, "materials：超过 {1} 份", \
	   "materials: more than {1}") \
	XX(ITEM_MATERIAL_TWICE, TB_EINVALID, "materials[{1}].code：与第 {2} 份重复", \
	   "materials[{1}].code is that of {2}, too") \
	XX(ITEM_TYPE, TB_EINVALID, "item_type：不是 GB/T 39046 的代码", \
	   "item_type: not a code of GB/T 39046") \
	XX(ITEM_FROM, TB_EINVALID, "effective_from：不是日期", \
	   "effective_from is not a date") \
	XX(ITEM_UNTIL, TB_EINVALID, "cancelled_on：不是日期", \
	   "cancelled_on is not a date") \
	XX(ITEM_UNTIL_EARLY, TB_EINVALID, "cancelled_on：不晚于 effective_from", \
	   "cancelled_on is not after effective_from") \
	XX(ITEMS_MANY, TB_ETOOBIG, "items：超过 {1} 项", \
	   "items: more than {1}") \
	XX(CLOCK_STOPPED, TB_ESTATE, "时限 T{1} 已不再计时", \
	   "clock T{1} does not run any more") \
	XX(CLOCK_NOT_OUT, TB_ESTATE, "时限 T{1} 尚未届满", \
	   "clock T{1} has not run out") \
	XX(CLOCK_NOT_RUNNING, TB_ESTATE, "时限 T{1} 未在计时", \
	   "clock T{1} does not run") \
	XX(CLOCK_EXTEND, TB_EINVALID, "延长时限应为 1 至 {1} 个工作日", \
	   "a limit is extended by 1 to {1} working days") \
	XX(CLOCK_EXTEND_LATE, TB_ESTATE, "要延长的时限已不在计时", \
	   "the limit to be extended is not running any more") \
	XX(CLOCK_PAUSE, TB_ESTATE, "要中止的时限未在计时", \
	   "a clock to be paused is not running") \
	XX(CLOCK_RESUME, TB_ESTATE, "要恢复的时限并未中止", \
	   "a clock to be resumed is not paused") \
	XX(MATTER_UNKNOWN, TB_ENOTFOUND, "本节点没有事由 {1}", \
	   "no matter {1} is here") \
	XX(MATTER_CLOSED, TB_ESTATE, "该事由已关闭", \
	   "the matter is closed") \
	XX(WEBHOOK_UNKNOWN, TB_ENOTFOUND, "没有 webhook {1}", \
	   "there is no webhook {1}") \
	XX(WEBHOOK_HOST, TB_EDENIED, "url：node.yaml 的 webhooks.allow 未列出 {1}:{2}", \
	   "url: node.yaml, webhooks.allow does not name {1}:{2}") \
	XX(NODE_NOT_RUNNING, TB_EUNREACHABLE, "{1} 中没有运行的节点（请先执行 tongban run，或检查 --dir 与当前用户）", \
	   "no node runs in {1}: tongban run starts it; or check --dir and the user") \
	XX(NODE_SILENT, TB_ETIMEOUT, "{1} 中的节点未及时应答", \
	   "the node in {1} did not answer in time") \
	XX(NODE_ANSWER, TB_EUNREACHABLE, "{1} 中的节点：{2}", \
	   "the node in {1}: {2}") \
	XX(NODE_STOPPING, TB_EUNREACHABLE, "本节点正在停止", \
	   "this node is stopping") \
	XX(NODE_FATE, TB_EUNREACHABLE, "节点正在停止；请求是否已执行未知，请以相同 requestId 重试或重新查看", \
	   "the node is stopping; what became of the request is unknown") \
	XX(NODE_RUNS, TB_EBUSY, "{1}：该目录中已有节点在运行", \
	   "{1}: a node is running in this directory already") \
	XX(DIR_NO_NODE, TB_ENOTFOUND, "{1}：这里没有节点（缺少 node.yaml）；请先执行 tongban init", \
	   "{1}: no node here: no node.yaml; tongban init makes one") \
	XX(DIR_NOT_EMPTY, TB_EEXISTS, "{1}：目录不为空", \
	   "{1}: the directory is not empty") \
	XX(FILE_OTHERS, TB_EPERMISSIONS, "{1}：他人可以访问（模式 {2}）；请执行：chmod 600 '{3}'", \
	   "{1}: others can reach it (mode {2}); run: chmod 600 '{3}'") \
	XX(FILE_OTHERS_WRITE, TB_EPERMISSIONS, "{1}：他人可以写入（模式 {2}）；请执行：chmod go-w '{3}'", \
	   "{1}: others can write to it (mode {2}); run: chmod go-w '{3}'") \
	XX(DIR_OTHERS, TB_EPERMISSIONS, "{1}：他人可以访问（模式 {2}）；请执行：chmod 700 '{3}'", \
	   "{1}: others can reach it (mode {2}); run: chmod 700 '{3}'") \
	XX(DIR_OTHERS_WRITE, TB_EPERMISSIONS, "{1}：他人可以写入（模式 {2}）；请执行：chmod go-w '{3}'", \
	   "{1}: others can write there (mode {2}); run: chmod go-w '{3}'") \
	XX(FILE_OWNER, TB_EPERMISSIONS, "{1}：属于用户 {2}，节点以 {3} 运行；请执行：chown {4} '{5}'", \
	   "{1}: belongs to user {2}, the node runs as {3}; run: chown {4} '{5}'") \
	XX(FILE_NOT_REGULAR, TB_EINVALID, "{1}：不是普通文件", \
	   "{1}: not a regular file") \
	XX(FILE_BIG, TB_ETOOBIG, "{1}：超过 {2} 字节", \
	   "{1}: over {2} bytes") \
	XX(CONFIG_REGION, TB_EINVALID, "region：{1} 不是行政区划代码（GB/T 2260）", \
	   "region: {1} is no region code (GB/T 2260)") \
	XX(CONFIG_REGION_NEAR, TB_EINVALID, "region：{1} 不是行政区划代码（GB/T 2260）；是否指 {2} {3}？", \
	   "region: {1} is no region code (GB/T 2260); did you mean {2}, {3}?") \
	XX(CONFIG_LISTEN, TB_EINVALID, "listen：{1} 应写作 主机:端口", \
	   "listen: {1} is not host:port") \
	XX(CONFIG_ENDPOINT, TB_EINVALID, "endpoint：{1} 应写作 主机:端口", \
	   "endpoint: {1} is not host:port") \
	XX(CONFIG_LISTEN_BUSY, TB_EBUSY, "listen：{1} 已被占用，或不是本机地址", \
	   "listen: {1} is in use, or not this machine's") \
	XX(CONFIG_API_LISTEN, TB_EINVALID, "api.listen：{1} 应写作 主机:端口", \
	   "api.listen: {1} is not host:port") \
	XX(CONFIG_API_BUSY, TB_EIO, "api.listen：{1}：无法监听：{2}", \
	   "api.listen: {1}: cannot listen there: {2}") \
	XX(CONFIG_KEY_PAIR, TB_EINVALID, "{1}：与 keys/{2}.key 不匹配", \
	   "{1}: does not belong to keys/{2}.key") \
	XX(PEER_UNKNOWN, TB_ENOTFOUND, "没有对等节点 {1}", \
	   "no peer {1}") \
	XX(PEER_OTHER_ANCHORS, TB_EEXISTS, "{1} 中 {2} 的信任锚不同；请与对方电话核对指纹，再使用 --force", \
	   "{1} holds other anchors for {2}; compare the fingerprint with the partner, then use --force")
/* clang-format on */
