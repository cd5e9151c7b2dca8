/* Texts of webhooks, exports and retention (text_map.h). */
#pragma once

/* clang-format off */
#define TEXT_MAP_DEPARTMENTS(XX) \
	XX(TEXT_V_WEBHOOK_ADD, "让节点把发生的事推送到一个 URL", "have the node tell a URL what happened") \
	XX(TEXT_V_WEBHOOK_LIST, "列出推送及其进度", "list the webhooks and how far they are") \
	XX(TEXT_V_WEBHOOK_REMOVE, "删除推送", "remove a webhook") \
	XX(TEXT_V_WEBHOOK_RESUME, "继续已放弃的推送，从停下处开始", "go on with a webhook that was given up, from where it stopped") \
	XX(TEXT_O_WEBHOOK_EVENTS, "只推送这些种类：case due-soon matter ...", "these kinds only: case due-soon matter ...") \
	XX(TEXT_O_WEBHOOK_TOKEN, "只推送此令牌可见的事", "only what this token may see") \
	XX(TEXT_O_WEBHOOK_BEGINNING, "从最早的记录开始，而非从现在", "from the beginning of the log, not from now") \
	XX(TEXT_M_WEBHOOK_ADDED, "推送 {1} 已创建；上面的签名密钥只显示这一次。", "The webhook {1} was made; the secret above is shown this once.") \
	XX(TEXT_M_WEBHOOK_REMOVED, "推送 {1} 已删除。", "The webhook {1} was removed.") \
	XX(TEXT_M_WEBHOOK_RESUMED, "推送 {1} 从 {2} 继续。", "The webhook {1} goes on after {2}.") \
	XX(TEXT_V_EXPORT_CASES, "导出办件（自游标之后有变化的）", "export the cases that changed after a cursor") \
	XX(TEXT_V_EXPORT_CERTIFICATES, "导出证照（自游标之后有变化的）", "export the certificates that changed after a cursor") \
	XX(TEXT_V_IMPORT_CASES, "逐行导入申请和办理事件（JSON Lines）", "hand in applications and events from JSON Lines") \
	XX(TEXT_O_EXPORT_FORMAT, "格式，默认 csv", "the format, csv if not given") \
	XX(TEXT_O_EXPORT_AFTER, "上次导出给出的游标；不给则从头", "the cursor that the last export gave; else from the beginning") \
	XX(TEXT_M_IMPORT_CASES, "已办 {1} 行，拒绝 {2} 行。", "{1} lines were done, {2} refused.") \
	XX(TEXT_V_ARCHIVE, "把已办结的办件存为签名文件", "keep finished cases as signed files") \
	XX(TEXT_O_ARCHIVE_BEFORE, "在此日之前办结的", "that ended before this day") \
	XX(TEXT_O_ARCHIVE_OUT, "存放目录", "where to") \
	XX(TEXT_M_ARCHIVED, "{1} 件已归档到 {2}。", "{1} cases were archived to {2}.") \
	XX(TEXT_V_PRUNE, "按保存期限清理已归档的办件", "remove archived cases that are older than the policy") \
	XX(TEXT_O_DRY_RUN, "只显示，不清理", "show only") \
	XX(TEXT_M_PRUNED_CASE, "{1}：办件，{2} 条记录，{3} 份材料，办结于 {4}", "{1}: case, {2} entries, {3} materials, ended {4}") \
	XX(TEXT_M_PRUNED_MATERIALS, "{1}：仅材料，{3} 份，办结于 {4}", "{1}: materials only, {3}, ended {4}") \
	XX(TEXT_M_PRUNE_DID, "已清理 {1} 件、{2} 份材料；{3} 件在保全中，{4} 件到期但未归档，均未动。", "{1} cases, {2} materials were removed; {3} are under a hold, {4} are due but not archived: untouched.") \
	XX(TEXT_M_PRUNE_WOULD, "将清理 {1} 件；{3} 件在保全中，{4} 件到期但未归档。", "{1} cases would be removed; {3} are under a hold, {4} are due but not archived.") \
	XX(TEXT_V_HOLD_ADD, "法律保全：此办件不得清理或删除个人信息", "place a legal hold: nothing of the case is pruned or erased") \
	XX(TEXT_V_HOLD_LIST, "列出法律保全", "list the legal holds") \
	XX(TEXT_V_HOLD_RELEASE, "解除法律保全", "release a legal hold") \
	XX(TEXT_O_RETENTION_REASON, "理由", "why") \
	XX(TEXT_M_HELD, "{1} 已保全。", "{1} is under a hold.") \
	XX(TEXT_M_RELEASED, "{1} 已解除保全。", "{1} is under a hold no longer.") \
	XX(TEXT_V_ERASE_CASE, "删除已办结办件中的个人信息和材料", "erase the personal data and materials of a finished case") \
	XX(TEXT_V_ERASE_CERTIFICATE, "删除已失效证照中的个人信息", "erase the personal data of a certificate that is no longer valid") \
	XX(TEXT_M_ERASED, "{1}：已删除个人信息；{2} 条记录、{3} 份材料、{4} 条消息。", "{1}: the personal data were erased; {2} entries, {3} materials, {4} messages.") \
	XX(TEXT_EV_NAME_ARCHIVE, "归档办件", "the archived case") \
	XX(TEXT_EV_ARCHIVE, "  办件 {1}，由 {2} 归档于 {3}", "  case {1}, archived by {2} at {3}") \
	XX(TEXT_EV_ARCHIVE_ENDS, "归档办件并未办结", "the archived case has not ended") \
	XX(TEXT_EV_MATERIAL, "  材料 {1}，SHA-256 {2}", "  material {1}, SHA-256 {2}") \
	XX(TEXT_H_WEBHOOKS, "推送", "webhooks") \
	XX(TEXT_H_WEBHOOKS_FAILING, "推送失败中", "webhooks failing") \
	XX(TEXT_H_WEBHOOKS_GIVEN_UP, "推送已放弃", "webhooks given up") \
	XX(TEXT_O_CHANNEL, "渠道", "by which way it came in") \
	XX(TEXT_O_TOKEN_CHANNEL, "经此令牌而来、未注明渠道的事项的渠道", "the channel of what comes by it and names none") \
	XX(TEXT_O_TOKEN_DEPARTMENT, "所属部门（登记册中的编码）", "whose system it is, a code of the register") \
	XX(TEXT_H_CHANNEL, "渠道", "channel") \
	XX(TEXT_H_STATS_SWITCHED, "换渠道", "switched") \
	XX(TEXT_W_CHANNEL_WINDOW, "窗口", "window") \
	XX(TEXT_W_CHANNEL_ONLINE, "网上", "online") \
	XX(TEXT_W_CHANNEL_MOBILE, "移动端", "mobile") \
	XX(TEXT_W_CHANNEL_KIOSK, "自助终端", "kiosk") \
	XX(TEXT_W_CHANNEL_PHONE, "电话", "phone") \
	XX(TEXT_V_DEPARTMENT_LOAD, "发布部门登记册（YAML 或 CSV）", "publish the register of departments from YAML or CSV") \
	XX(TEXT_V_DEPARTMENT_LIST, "列出部门：进驻日期、批次、事项、大厅、令牌", "list departments: since when they are at the halls, items, tokens") \
	XX(TEXT_O_DEPARTMENT_PHASE, "只列此批次", "only those of this phase") \
	XX(TEXT_O_DEPARTMENT_ON, "只列该日已进驻的", "only those that are at the hall on that day") \
	XX(TEXT_M_DEPARTMENTS_LOADED, "部门登记册第 {1} 版已发布，共 {2} 个部门。", "The register is published as version {1}: {2} departments.") \
	XX(TEXT_M_DEPARTMENTS_PHASE, "第 {1} 批：{2} 个部门，其中 {3} 个已进驻", "phase {1}: {2} departments, {3} of them at the halls") \
	XX(TEXT_H_AT_HALL_SINCE, "进驻日期", "since") \
	XX(TEXT_H_PHASE, "批次", "phase") \
	XX(TEXT_H_ITEMS_COUNT, "事项数", "items") \
	XX(TEXT_H_HALLS, "大厅", "halls") \
	XX(TEXT_H_TOKENS, "令牌", "tokens") \
	XX(TEXT_W_UNREGISTERED, "未登记", "not registered") \
	XX(TEXT_O_RETURNED, "随之退还的原件（材料编码）", "the original of this material goes back with it") \
	XX(TEXT_H_TO_RETURN, "待退原件", "to be returned") \
	XX(TEXT_H_URL, "地址", "url") \
	XX(TEXT_H_CURSOR, "已推送到", "delivered up to") \
	XX(TEXT_H_FAILURES, "连续失败", "failures") \
	XX(TEXT_H_GIVEN_UP, "放弃时间", "given up")
/* clang-format on */
