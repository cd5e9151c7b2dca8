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
	XX(TEXT_H_WEBHOOKS, "推送", "webhooks") \
	XX(TEXT_H_WEBHOOKS_FAILING, "推送失败中", "webhooks failing") \
	XX(TEXT_H_WEBHOOKS_GIVEN_UP, "推送已放弃", "webhooks given up") \
	XX(TEXT_H_URL, "地址", "url") \
	XX(TEXT_H_CURSOR, "已推送到", "delivered up to") \
	XX(TEXT_H_FAILURES, "连续失败", "failures") \
	XX(TEXT_H_GIVEN_UP, "放弃时间", "given up")
/* clang-format on */
