/* The report's Chinese. What has none is shown in English. */
#include <string.h>

#include "sim/report_priv.h"
#include "sim/text.h"

struct word {
	const char *name; /* of an invariant or a mark; or the English text */
	const char *zh;
};

static const struct word sentences[] = {
	/* invariants */
	{"acknowledged-stays", "告知客户已办成的，无论怎样崩溃都还在"},
	{"one-log", "办件日志的一个位置永远只有一条记录，一件只有一个决定"},
	{"effect-once", "同一请求编号只得到同一个办件，不会有第二个"},
	{"durable-first", "对方收到的，发送方此前已存盘"},
	{"receipt-implies-record", "有回执，出具方就有记录，且摘要一致"},
	{"done-means-there", "已了结的报文，要么收到，要么被拒，要么附理由放弃"},
	{"case-order", "办件日志没有缺口，符合状态表，每条都指明前一条"},
	{"same-id-same-content", "同一编号而内容不同，一律拒绝"},
	{"history-grows", "审计日志只增不改：每个检查点与此前各点一致"},
	{"one-leaf", "办件的每条记录在审计日志里恰有一片叶子"},
	{"one-tree", "节点从不出示大小相同而根不同的两个检查点"},
	{"no-stranger", "不接受越权、过期或尚未生效的身份"},
	{"bounds", "队列、存储和待发数量都在限度之内"},
	{"dead-letters-explain", "放弃报文必有理由，并有待运维处理的条目"},
	{"reopen-same", "存储关闭再打开，已提交的内容不变"},
	{"live", "恢复之后一切归于静止，每个办件都有终结"},
	{"answers-are-true", "核验答复与属地当时的记录相符"},
	{"clocks-right", "时限按法定工作日截止，不早不晚"},
	{"origin-stays", "首收地一经写定不再改变"},
	{"promised-by-all", "凡依据协议的，各方均已签署"},
	{"parts-granted", "联办件准予，必是各子件都准予，且按顺序开始"},
	{"matters-asked", "谁被问到谁答复，工作日内未答复即为逾期"},
	{"hostile-noticed", "拒绝过对方什么，拒绝方的审计日志里有记载"},
	/* of the lab alone */
	{"acts-stay", "确认过的操作在日志里恰有一条，被拒的没有"},
	{"materials-whole", "确认收到的材料完整无缺，所到之处逐字节相同"},
	{"certificates-stay", "确认过的导入恰有一份，且有效"},
	{"history-intact", "审计日志可算出其检查点"},
	{"no-damage", "任何调用都没有发现损坏；磁盘有空间时没有内部失败"},
	{"restored-as-documented", "用旧备份之后，日志或相同，或一方接续另一方，或标明有争议"},
	/* marks */
	{"case-closed", "一件走完全程并办结"},
	{"receipt-lost-then-resent", "回执丢失，报文再来，给的仍是原回执"},
	{"message-twice", "同一请求到达两次"},
	{"hand-over-crosses-crash", "移交途中移交方崩溃"},
	{"effects-lost", "一轮已存盘，其结果却没有发出"},
	{"commit-failed", "提交失败，节点重新开始"},
	{"power-lost-in-commit", "提交中途断电"},
	{"material-resumed", "材料从断点续传"},
	{"material-resumed-twice", "材料中断、续传，又中断、再续传"},
	{"material-cut", "材料传输中断"},
	{"deemed-acceptance", "逾期未告知，视为受理"},
	{"supplement-lapsed", "逾期未补正"},
	{"clock-overdue", "时限已过，而状态不因此改变"},
	{"withdraw-beaten", "撤回来迟，被拒绝"},
	{"withdrawn", "办件撤回"},
	{"returned-and-fixed", "退回、改正、再次送出"},
	{"package-bounced", "整件被拒收，回到窗口"},
	{"supplemented", "提出并确认补正"},
	{"client-repeated", "客户重复请求，得到同一办件"},
	{"message-deferred", "后发先至的报文等候前一条"},
	{"dead-letter", "报文被放弃"},
	{"backup-restored", "节点用旧备份恢复"},
	{"replay-refused", "重放的批次被拒绝"},
	{"fork-refused", "同号异文被拒绝"},
	{"forgery-refused", "伪造的回执或答复被拒绝"},
	{"part-refused", "被改动的材料分片被拒绝"},
	{"clock-refused", "因发送方时钟不准而拒收"},
	{"throttled", "查询过多的对方被限流"},
	{"granted-online", "全程网办的申请获准予"},
	{"decided-elsewhere", "收件地受委托作出决定"},
	{"accepted-elsewhere", "收件地受理，属地决定"},
	{"joint-granted", "联办件准予"},
	{"joint-limit-rested", "联办时限因某个子件而中止"},
	{"part-taken-back", "因另一子件而撤回子件"},
	{"agreement-ended", "协议经通知终止"},
	{"third-party-signs-last", "三方以上的协议由最后一方签署"},
	{"agreement-amended-while-a-case-is-open", "办件未结时协议换了新版"},
	{"text-overtaken", "同一版本的两份文本，一份取代了另一份"},
	{"amendments-crossed", "两方各自提出同一版本，互不知情"},
	{"alliance-ended", "三方以上的协议由一方通知终止"},
	{"matter-overdue", "事项逾期未答复"},
	{"document-disclosed", "出示了带签章的证照，签章成立"},
	{"not-confirmed", "猜错的查询未获证实"},
	{"upgraded", "新版节点与旧版节点并行"},
	{"rot-found", "变了位的值被识破"},
	/* counts and latencies */
	{"cases handed in", "收件"},
	{"cases at their end", "终结"},
	{"acts", "操作"},
	{"acts refused", "被拒操作"},
	{"verifications", "核验"},
	{"verifications without an answer", "未得答复的核验"},
	{"losses of power", "断电"},
	{"calls of the system that failed", "失败的系统调用"},
	{"verification, asked to answered", "核验：提出到答复"},
	{"case, handed in to its end", "办件：收件到终结"},
	{"verification through the local API, asked to answered", "经本地接口核验：提出到答复"},
	{"case handed in, asked to acknowledged", "收件：提出到确认"},
	/* classes of the story */
	{"node", "节点"},
	{"disk", "磁盘"},
	{"link", "线路"},
	{"message", "报文"},
	{"case", "办件"},
	{"hostile", "恶意"},
	{"check", "检查"},
};

const char *report_zh(const char *name)
{
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		if (strcmp(sentences[i].name, name) == 0)
			return sentences[i].zh;
	}
	return NULL;
}

static void say(struct tb_buf *out, const char *tag, const char *zh, const char *en)
{
	tb_buf_printf(out, "<%s class=\"zh\">", tag);
	sim_text_xml(out, zh);
	tb_buf_printf(out, "</%s><%s class=\"en\">", tag, tag);
	sim_text_xml(out, en);
	tb_buf_printf(out, "</%s>", tag);
}

void report_say(struct tb_buf *out, const char *zh, const char *en)
{
	say(out, "span", zh, en);
}

void report_say_svg(struct tb_buf *out, const char *zh, const char *en)
{
	say(out, "tspan", zh, en);
}

void report_say_known(struct tb_buf *out, const char *name, const char *en)
{
	const char *zh = report_zh(name);
	report_say(out, zh ? zh : en, en);
}
