/* The words for cases, in Chinese and in English. */
#include "node/core/casetable.h"

#define STATE_MAP(XX)                                               \
	XX(DRAFT, "草稿", "draft")                                  \
	XX(RECEIVED, "已收件", "received")                          \
	XX(CHECKING, "初审中", "being checked at the window")       \
	XX(WINDOW_WAITS, "待补正(窗口)", "window waits for papers") \
	XX(TRANSFER, "流转中", "on the way")                        \
	XX(SIGNED_FOR, "属地已签收", "signed for")                  \
	XX(RETURNED, "已退件", "returned to the window")            \
	XX(ACCEPTED, "已受理", "accepted")                          \
	XX(NOT_ACCEPTED, "不予受理", "not accepted")                \
	XX(CORRECTION, "补正中", "waits for a supplement")          \
	XX(REVIEW, "审查中", "under review")                        \
	XX(SPECIAL, "特别程序", "special procedure")                \
	XX(GRANTED, "准予", "granted")                              \
	XX(DENIED, "不予许可", "denied")                            \
	XX(DELIVERING, "送达中", "being delivered")                 \
	XX(CLOSED, "办结", "closed")                                \
	XX(WITHDRAWN, "已撤回", "withdrawn")                        \
	XX(TERMINATED, "终止", "terminated")

#define EVENT_MAP(XX)                                                 \
	XX(SUBMIT, "收件", "hand in")                                 \
	XX(CHECK, "初审", "check")                                    \
	XX(ASK, "窗口补正告知", "ask for papers")                     \
	XX(BRING, "窗口补正", "bring papers")                         \
	XX(SEND, "移送属地", "send to the home region")               \
	XX(BOUNCE, "移送未成", "transfer failed")                     \
	XX(POST, "原件寄出", "post originals")                        \
	XX(LOST, "原件遗失或逾期", "originals lost")                  \
	XX(SIGN, "属地签收", "sign for")                              \
	XX(RETURN, "退件", "return to the window")                    \
	XX(FIX, "重新处理", "take up again")                          \
	XX(CLOSE, "关闭", "close")                                    \
	XX(ACCEPT, "受理", "accept")                                  \
	XX(NOTIFY, "一次性补正告知", "notify of all that is missing") \
	XX(SUPPLEMENT, "补正", "supplement")                          \
	XX(REFUSE, "不予受理", "refuse")                              \
	XX(DEEM, "逾期未告知视为受理", "deemed accepted")             \
	XX(LAPSE, "逾期未补正终止", "lapse")                          \
	XX(START, "开始审查", "begin the review")                     \
	XX(SUSPEND, "进入特别程序", "begin a special procedure")      \
	XX(RESUME, "特别程序结束", "end the special procedure")       \
	XX(EXTEND, "延长审批", "extend the limit")                    \
	XX(GRANT, "准予许可", "grant")                                \
	XX(DENY, "不予许可", "deny")                                  \
	XX(DISPATCH, "寄送结果", "dispatch the result")               \
	XX(HAND_OVER, "送达签收", "hand over")                        \
	XX(EVALUATE, "评价", "evaluate")                              \
	XX(WITHDRAW, "撤回", "withdraw")                              \
	XX(CONSULT, "会商", "consult")                                \
	XX(OVERDUE, "逾期", "overdue")                                \
	XX(REPAIR, "差评整改", "repair what was rated badly")         \
	XX(OBJECT, "属地异议", "object")                              \
	XX(PART, "子件进展", "a part has moved")                      \
	XX(HOLD, "联办停时", "the joint limit stops")                 \
	XX(GO_ON, "联办恢复计时", "the joint limit goes on")          \
	XX(FILE, "档案材料共享", "share archive files")               \
	XX(REOPEN, "重新审查", "review again")                        \
	XX(OBJECTION_ENDS, "异议期满", "the time to object is over")  \
	XX(SHARE, "重新抄送属地", "offer the copy again")             \
	XX(FEE, "缴费登记", "note a fee")                             \
	XX(KEPT, "承诺核查通过", "a commitment was kept")

#define CLOCK_MAP(XX)                                       \
	XX(T1_NOTIFY, "补正告知时限", "notice of defects")  \
	XX(T2_PUSH, "推送时限", "sending on")               \
	XX(T3_MAIL, "原件寄送时限", "posting originals")    \
	XX(T4_RECHECK, "复核时限", "recheck")               \
	XX(T5_DECIDE, "承诺办结时限", "decision")           \
	XX(T6_RESULT, "结果寄送时限", "sending the result") \
	XX(T7_CORRECTION, "补正期限", "supplement")         \
	XX(T8_JOINT, "联办总时限", "joint handling")        \
	XX(T9_REPAIR, "差评整改时限", "repair")             \
	XX(T10_OBJECT, "属地异议期", "objection")

#define ROLE_MAP(XX)                                                       \
	XX(APPLICANT, "申请人", "applicant")                               \
	XX(R_WIN, "收件地窗口", "receiving window")                        \
	XX(H_WIN, "属地窗口", "home window")                               \
	XX(H_DEPT, "属地审批部门", "deciding department")                  \
	XX(H_HEAD, "审批部门负责人", "head of the deciding department")    \
	XX(LIAISON, "联络员", "liaison officer")                           \
	XX(SUPERVISOR, "监察", "supervisor")                               \
	XX(SYSTEM, "系统", "system")                                       \
	XX(R_DEPT, "收件地审批部门", "department of the receiving region") \
	XX(R_HEAD, "收件地审批部门负责人", "head of that department")

#define WAY_MAP(XX)                                                    \
	XX(COURIER, "快递送达", "courier")                             \
	XX(WINDOW_PICKUP, "收件地窗口领取", "at the receiving window") \
	XX(HOME_PICKUP, "属地领取", "at the home window")              \
	XX(NETWORK, "网络送达", "by network")

struct word {
	int value;
	const char *name; /* the enumerator: what programs use */
	const char *zh;
	const char *en;
};

#define STATE_WORD(name, zh, en) {(int)PB_CASE_STATE__##name, #name, zh, en},
#define EVENT_WORD(name, zh, en) {(int)PB_CASE_EVENT__##name, #name, zh, en},
#define CLOCK_WORD(name, zh, en) {(int)PB_CLOCK__##name, #name, zh, en},
#define ROLE_WORD(name, zh, en) {(int)PB_ROLE__##name, #name, zh, en},
#define WAY_WORD(name, zh, en) {(int)PB_DELIVERY_WAY__##name, #name, zh, en},

static const struct word state_words[] = {STATE_MAP(STATE_WORD){0}};
static const struct word event_words[] = {EVENT_MAP(EVENT_WORD){0}};
static const struct word clock_words[] = {CLOCK_MAP(CLOCK_WORD){0}};
static const struct word role_words[] = {ROLE_MAP(ROLE_WORD){0}};
static const struct word way_words[] = {WAY_MAP(WAY_WORD){0}};

static const struct word *word_find(const struct word *words, int value)
{
	static const struct word unknown = {.name = "?", .zh = "?", .en = "?"};
	for (; words->name; words++) {
		if (words->value == value)
			return words;
	}
	return &unknown;
}

const char *case_state_name(PbCaseState state)
{
	return word_find(state_words, (int)state)->name;
}

const char *case_event_name(PbCaseEvent event)
{
	return word_find(event_words, (int)event)->name;
}

const char *case_clock_name(PbClock clock)
{
	return word_find(clock_words, (int)clock)->name;
}

const char *case_role_name(PbRole role)
{
	return word_find(role_words, (int)role)->name;
}

static const char *word_text(const struct word *words, int value, bool zh)
{
	const struct word *word = word_find(words, value);
	return zh ? word->zh : word->en;
}

const char *case_state_text(PbCaseState state, bool zh)
{
	return word_text(state_words, (int)state, zh);
}

const char *case_event_text(PbCaseEvent event, bool zh)
{
	return word_text(event_words, (int)event, zh);
}

const char *case_clock_text(PbClock clock, bool zh)
{
	return word_text(clock_words, (int)clock, zh);
}

const char *case_role_text(PbRole role, bool zh)
{
	return word_text(role_words, (int)role, zh);
}

const char *case_way_text(PbDeliveryWay way, bool zh)
{
	return word_text(way_words, (int)way, zh);
}
