#include "node/core/casetable.h"

#include <string.h>

#include "base/limits.h"

/* ---- mode DS: 代收材料、属地办理 */

/* clang-format off */
#define BIT(role) (1U << PB_ROLE__##role)
#define WINDOW CASE_AT_WINDOW
#define HOME CASE_AT_HOME
#define EITHER (CASE_AT_WINDOW | CASE_AT_HOME)

#define OP(name, what) {.clock = PB_CLOCK__##name, .op = CASE_CLOCK_##what}
#define OP_ORIGINALS(name, what) \
	{.clock = PB_CLOCK__##name, .op = CASE_CLOCK_##what, .flags = CASE_CLOCK_IF_ORIGINALS}
#define OPS(...) .ops = {__VA_ARGS__}

/* The rest of a row is in designated members: OPS(), .message, .after, .days_max. */
#define ROW(state, what, next, who, where, must, ...)                                                    \
	{.from = PB_CASE_STATE__##state, .event = PB_CASE_EVENT__##what, .roles = (who), .sides = (where), \
	 .to = PB_CASE_STATE__##next, .needs = (must), __VA_ARGS__}

#define WITHDRAW_ROW(state)                                                                                  \
	ROW(state, WITHDRAW, WITHDRAWN, BIT(APPLICANT) | BIT(R_WIN) | BIT(H_WIN), EITHER, CASE_STOPS_CLOCKS, \
	    .message = "WDRW"),
#define CONSULT_ROW(state)                                                                       \
	ROW(state, CONSULT, state, BIT(R_WIN) | BIT(H_WIN) | BIT(H_DEPT) | BIT(LIAISON), EITHER, \
	    CASE_NEEDS_NOTE, .message = "CONS"),
#define OVERDUE_ROW(state) \
	ROW(state, OVERDUE, state, BIT(SYSTEM), EITHER, CASE_NEEDS_CLOCK, .message = ""),
#define POST_ROW(state)                                                                         \
	ROW(state, POST, state, BIT(R_WIN), WINDOW, CASE_NEEDS_WAYBILL, OPS(OP(T3_MAIL, STOP)), \
	    .message = "LOGI"),
#define LOST_ROW(state)                                                                       \
	ROW(state, LOST, state, BIT(SYSTEM) | BIT(R_WIN) | BIT(H_WIN), EITHER, CASE_DISPUTES, \
	    .message = "CONS"),

#define UNDECIDED_STATES(XX)                                                                             \
	XX(RECEIVED) XX(CHECKING) XX(WINDOW_WAITS) XX(TRANSFER) XX(SIGNED_FOR) XX(RETURNED) XX(ACCEPTED) \
	XX(CORRECTION) XX(REVIEW) XX(SPECIAL)
#define OPEN_STATES(XX) UNDECIDED_STATES(XX) XX(GRANTED) XX(DENIED) XX(DELIVERING)
#define PAPER_STATES(XX) XX(TRANSFER) XX(SIGNED_FOR)

static const struct case_row ds_rows[] = {
	/* At the window. */
	ROW(DRAFT, SUBMIT, RECEIVED, BIT(R_WIN) | BIT(APPLICANT), WINDOW, 0,
	    OPS(OP(T2_PUSH, START)), .message = ""),
	ROW(RECEIVED, CHECK, CHECKING, BIT(R_WIN), WINDOW, 0, .message = ""),
	ROW(CHECKING, ASK, WINDOW_WAITS, BIT(R_WIN), WINDOW, CASE_NEEDS_LIST,
	    OPS(OP(T2_PUSH, PAUSE), OP(T7_CORRECTION, START)), .message = ""),
	ROW(WINDOW_WAITS, BRING, CHECKING, BIT(R_WIN) | BIT(APPLICANT), WINDOW, 0,
	    OPS(OP(T7_CORRECTION, STOP), OP(T2_PUSH, RESUME)), .message = ""),
	ROW(WINDOW_WAITS, LAPSE, TERMINATED, BIT(SYSTEM), WINDOW, CASE_STOPS_CLOCKS,
	    .message = "", .after = PB_CLOCK__T7_CORRECTION),
	ROW(CHECKING, SEND, TRANSFER, BIT(R_WIN), WINDOW, CASE_HANDS_OVER,
	    OPS(OP(T2_PUSH, STOP), OP_ORIGINALS(T3_MAIL, START)), .message = "PKG"),
	/* On the way. What was not taken over stays the window's, which has its day again. */
	ROW(TRANSFER, BOUNCE, CHECKING, BIT(SYSTEM), WINDOW, 0,
	    OPS(OP(T3_MAIL, STOP), OP(T2_PUSH, START)), .message = ""),
	PAPER_STATES(POST_ROW)
	PAPER_STATES(LOST_ROW)
	/* Who signs, signs for the data and for the originals that belong to it; those of a supplement may still
	 * come by post. */
	ROW(TRANSFER, SIGN, SIGNED_FOR, BIT(SYSTEM) | BIT(H_WIN), HOME, 0,
	    OPS(OP(T3_MAIL, STOP), OP(T4_RECHECK, START), OP(T1_NOTIFY, START)), .message = "RCPT"),
	ROW(SIGNED_FOR, RETURN, RETURNED, BIT(H_WIN), HOME, CASE_NEEDS_REASON | CASE_HANDS_OVER,
	    OPS(OP(T1_NOTIFY, STOP), OP(T4_RECHECK, STOP), OP(T2_PUSH, START)), .message = "RET"),
	ROW(RETURNED, FIX, CHECKING, BIT(R_WIN), WINDOW, 0, .message = ""),
	ROW(RETURNED, CLOSE, WITHDRAWN, BIT(R_WIN), WINDOW, CASE_NEEDS_REASON | CASE_STOPS_CLOCKS,
	    .message = ""),
	/* Acceptance, which stays with the home region. */
	ROW(SIGNED_FOR, ACCEPT, ACCEPTED, BIT(H_WIN) | BIT(H_DEPT), HOME, 0,
	    OPS(OP(T1_NOTIFY, STOP), OP(T4_RECHECK, STOP), OP(T5_DECIDE, START)), .message = "ACPT"),
	ROW(SIGNED_FOR, NOTIFY, CORRECTION, BIT(H_WIN), HOME, CASE_NEEDS_LIST,
	    OPS(OP(T1_NOTIFY, STOP), OP(T4_RECHECK, STOP), OP(T7_CORRECTION, START)), .message = "CORR"),
	ROW(CORRECTION, SUPPLEMENT, SIGNED_FOR, BIT(R_WIN) | BIT(APPLICANT), EITHER, 0,
	    OPS(OP(T7_CORRECTION, STOP), OP(T1_NOTIFY, START), OP(T4_RECHECK, START)), .message = "SUPP"),
	ROW(CORRECTION, LAPSE, TERMINATED, BIT(SYSTEM), HOME, CASE_STOPS_CLOCKS,
	    .message = "PROC", .after = PB_CLOCK__T7_CORRECTION),
	/* 行政许可法, article 32: not told within five days is accepted, from the day of receipt. */
	ROW(SIGNED_FOR, DEEM, ACCEPTED, BIT(SYSTEM), HOME, 0,
	    OPS(OP(T1_NOTIFY, STOP), OP(T4_RECHECK, STOP), OP(T5_DECIDE, START)),
	    .message = "ACPT", .after = PB_CLOCK__T1_NOTIFY),
	ROW(SIGNED_FOR, REFUSE, NOT_ACCEPTED, BIT(H_WIN) | BIT(H_DEPT), HOME,
	    CASE_NEEDS_REASON | CASE_STOPS_CLOCKS, .message = "NACPT"),
	/* Review: articles 42 and 45. */
	ROW(ACCEPTED, START, REVIEW, BIT(H_DEPT), HOME, 0, .message = "PROC"),
	ROW(REVIEW, SUSPEND, SPECIAL, BIT(H_DEPT), HOME, CASE_NEEDS_REASON | CASE_NEEDS_DAYS,
	    OPS(OP(T5_DECIDE, PAUSE)), .message = "SUSP", .days_max = CASE_DAYS_MAX),
	ROW(SPECIAL, RESUME, REVIEW, BIT(H_DEPT), HOME, 0, OPS(OP(T5_DECIDE, RESUME)), .message = "RESU"),
	ROW(REVIEW, EXTEND, REVIEW, BIT(H_HEAD), HOME, CASE_NEEDS_REASON | CASE_NEEDS_DAYS | CASE_ONCE,
	    OPS(OP(T5_DECIDE, LENGTHEN)), .message = "EXT", .days_max = CASE_EXTEND_DAYS_MAX),
	ROW(REVIEW, GRANT, GRANTED, BIT(H_DEPT) | BIT(H_HEAD), HOME, 0,
	    OPS(OP(T5_DECIDE, STOP), OP(T6_RESULT, START)), .message = "DECI"),
	ROW(REVIEW, DENY, DENIED, BIT(H_DEPT) | BIT(H_HEAD), HOME, CASE_NEEDS_REASON,
	    OPS(OP(T5_DECIDE, STOP), OP(T6_RESULT, START)), .message = "DECI"),
	/* Delivery, and after. */
	ROW(GRANTED, DISPATCH, DELIVERING, BIT(H_WIN), HOME, CASE_NEEDS_WAY,
	    OPS(OP(T6_RESULT, STOP)), .message = "LOGI"),
	ROW(DENIED, DISPATCH, DELIVERING, BIT(H_WIN), HOME, CASE_NEEDS_WAY,
	    OPS(OP(T6_RESULT, STOP)), .message = "LOGI"),
	ROW(DELIVERING, HAND_OVER, CLOSED, BIT(R_WIN) | BIT(H_WIN) | BIT(APPLICANT), EITHER,
	    CASE_STOPS_CLOCKS, .message = "DELV"),
	ROW(CLOSED, EVALUATE, CLOSED, BIT(APPLICANT) | BIT(R_WIN), EITHER, CASE_NEEDS_GRADE | CASE_ONCE,
	    .message = "EVAL"),
	/* In every state where it makes sense. */
	UNDECIDED_STATES(WITHDRAW_ROW)
	OPEN_STATES(CONSULT_ROW)
	OPEN_STATES(OVERDUE_ROW)
};

/* clang-format on */

static const struct case_mode mode_ds = {
	.code = "DS",
	.name_zh = "代收材料、属地办理",
	.name_en = "received here, decided at home",
	.rows = ds_rows,
	.rows_count = sizeof(ds_rows) / sizeof(ds_rows[0]),
	.days = {[PB_CLOCK__T1_NOTIFY] = 5,
                 [PB_CLOCK__T2_PUSH] = 1,
                 [PB_CLOCK__T3_MAIL] = 2,
                 [PB_CLOCK__T4_RECHECK] = 1,
                 [PB_CLOCK__T5_DECIDE] = 0,
                 [PB_CLOCK__T6_RESULT] = 1,
                 [PB_CLOCK__T7_CORRECTION] = 15},
};

static const struct case_mode *const modes[] = {&mode_ds};

/* ---- texts */

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
	XX(OVERDUE, "逾期", "overdue")

#define CLOCK_MAP(XX)                                       \
	XX(T1_NOTIFY, "补正告知时限", "notice of defects")  \
	XX(T2_PUSH, "推送时限", "sending on")               \
	XX(T3_MAIL, "原件寄送时限", "posting originals")    \
	XX(T4_RECHECK, "复核时限", "recheck")               \
	XX(T5_DECIDE, "承诺办结时限", "decision")           \
	XX(T6_RESULT, "结果寄送时限", "sending the result") \
	XX(T7_CORRECTION, "补正期限", "supplement")

#define ROLE_MAP(XX)                                                    \
	XX(APPLICANT, "申请人", "applicant")                            \
	XX(R_WIN, "收件地窗口", "receiving window")                     \
	XX(H_WIN, "属地窗口", "home window")                            \
	XX(H_DEPT, "属地审批部门", "deciding department")               \
	XX(H_HEAD, "审批部门负责人", "head of the deciding department") \
	XX(LIAISON, "联络员", "liaison officer")                        \
	XX(SUPERVISOR, "监察", "supervisor")                            \
	XX(SYSTEM, "系统", "system")

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

bool case_text_blank(const char *text)
{
	static const char wide[] = "\xe3\x80\x80"; /* U+3000, the space of Chinese input methods */
	while (*text) {
		if (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')
			text++;
		else if (strncmp(text, wide, 3) == 0)
			text += 3;
		else
			return false;
	}
	return true;
}

/* ---- what may happen */

const struct case_mode *case_mode_find(const char *code)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i]->code, code) == 0)
			return modes[i];
	}
	return NULL;
}

const struct case_row *case_row_find(const struct case_mode *mode, PbCaseState from, PbCaseEvent event)
{
	for (size_t i = 0; i < mode->rows_count; i++) {
		if (mode->rows[i].from == from && mode->rows[i].event == event)
			return &mode->rows[i];
	}
	return NULL;
}

bool case_state_final(PbCaseState state)
{
	return state == PB_CASE_STATE__NOT_ACCEPTED || state == PB_CASE_STATE__CLOSED ||
	       state == PB_CASE_STATE__WITHDRAWN || state == PB_CASE_STATE__TERMINATED;
}

PbCaseEvent case_clock_event(const struct case_mode *mode, PbCaseState state, PbClock clock)
{
	for (size_t i = 0; i < mode->rows_count && clock != PB_CLOCK__CLOCK_UNSPECIFIED; i++) {
		if (mode->rows[i].from == state && mode->rows[i].after == clock)
			return mode->rows[i].event;
	}
	return PB_CASE_EVENT__OVERDUE;
}

/* The sides on which a role may act at all: no node speaks for the other's officers. */
static uint8_t role_sides(PbRole role)
{
	switch (role) {
	case PB_ROLE__R_WIN:
		return WINDOW;
	case PB_ROLE__H_WIN:
	case PB_ROLE__H_DEPT:
	case PB_ROLE__H_HEAD:
		return HOME;
	case PB_ROLE__APPLICANT:
	case PB_ROLE__LIAISON:
	case PB_ROLE__SUPERVISOR:
	case PB_ROLE__SYSTEM:
		return EITHER;
	case PB_ROLE__ROLE_UNSPECIFIED:
	case _PB_ROLE_IS_INT_SIZE:
		break;
	}
	return 0;
}

bool case_row_takes(const struct case_row *row, PbRole role, enum case_side side)
{
	uint8_t sides = role_sides(role);
	return sides != 0 && (row->roles >> (unsigned)role & 1U) != 0 && (row->sides & sides & side) != 0;
}

static enum tb_code check_waybill(const PbWaybill *waybill, struct tb_error *err)
{
	if (!waybill || case_text_blank(waybill->carrier) || case_text_blank(waybill->number))
		return tb_fail(err, TB_EINVALID, "detail.waybill: carrier and number are needed");
	if (strlen(waybill->carrier) > TB_NAME_BYTES_MAX || strlen(waybill->number) > TB_ID_BYTES_MAX)
		return tb_fail(err, TB_EINVALID, "detail.waybill: carrier or number is too long");
	if (waybill->n_contents > TB_MATERIALS_MAX)
		return tb_fail(err, TB_EINVALID, "detail.waybill.contents: more than %d", TB_MATERIALS_MAX);
	return TB_OK;
}

static enum tb_code check_list(const PbCaseDetail *detail, struct tb_error *err)
{
	if (detail->n_needs == 0)
		return tb_fail(err, TB_EINVALID, "detail.needs: the list of what is missing is needed");
	if (detail->n_needs > TB_NEEDS_MAX)
		return tb_fail(err, TB_EINVALID, "detail.needs: more than %d", TB_NEEDS_MAX);
	for (size_t i = 0; i < detail->n_needs; i++) {
		const PbMaterialNeed *need = detail->needs[i];
		if (case_text_blank(need->code) && case_text_blank(need->name))
			return tb_fail(err, TB_EINVALID, "detail.needs[%zu]: neither code nor name", i);
	}
	return TB_OK;
}

static enum tb_code check_way(const PbCaseDetail *detail, struct tb_error *err)
{
	if (detail->way < PB_DELIVERY_WAY__COURIER || detail->way > PB_DELIVERY_WAY__NETWORK)
		return tb_fail(err, TB_EINVALID, "detail.way: a way of delivery is needed");
	return detail->way == PB_DELIVERY_WAY__COURIER ? check_waybill(detail->waybill, err) : TB_OK;
}

static enum tb_code check_clock(const struct case_mode *mode, const struct case_row *row, PbClock clock,
                                struct tb_error *err)
{
	if (clock < PB_CLOCK__T1_NOTIFY || clock > PB_CLOCK__T7_CORRECTION)
		return tb_fail(err, TB_EINVALID, "detail.clock: a clock is needed");
	PbCaseEvent due = case_clock_event(mode, row->from, clock);
	if (due != row->event)
		return tb_fail(err, TB_EINVALID, "detail.clock: when %s runs out in %s, the event is %s",
		               word_find(clock_words, (int)clock)->name,
		               word_find(state_words, (int)row->from)->name,
		               word_find(event_words, (int)due)->name);
	return TB_OK;
}

static enum tb_code check_detail(const struct case_mode *mode, const struct case_row *row,
                                 const PbCaseDetail *detail, struct tb_error *err)
{
	enum tb_code code = TB_OK;
	/* What was applied for is fixed by SUBMIT; what was decided is said by the decision. */
	if (detail->application && row->event != PB_CASE_EVENT__SUBMIT)
		return tb_fail(err, TB_EINVALID, "detail.application: only with SUBMIT");
	if (detail->decision && row->event != PB_CASE_EVENT__GRANT && row->event != PB_CASE_EVENT__DENY)
		return tb_fail(err, TB_EINVALID, "detail.decision: only with GRANT or DENY");
	if (row->needs & CASE_NEEDS_REASON && case_text_blank(detail->reason))
		return tb_fail(err, TB_EINVALID, "detail.reason: a reason is needed");
	if (row->needs & CASE_NEEDS_NOTE && case_text_blank(detail->note))
		return tb_fail(err, TB_EINVALID, "detail.note: a note is needed");
	if (row->needs & CASE_NEEDS_DAYS && (detail->days < 1 || detail->days > row->days_max))
		return tb_fail(err, TB_EINVALID, "detail.days: from 1 to %u working days are needed",
		               row->days_max);
	if (row->needs & CASE_NEEDS_GRADE && (detail->grade < 1 || detail->grade > 5))
		return tb_fail(err, TB_EINVALID, "detail.grade: a grade from 1 to 5 is needed");
	if (row->needs & CASE_NEEDS_LIST)
		code = check_list(detail, err);
	if (code == TB_OK && row->needs & CASE_NEEDS_WAY)
		code = check_way(detail, err);
	if (code == TB_OK && row->needs & CASE_NEEDS_WAYBILL)
		code = check_waybill(detail->waybill, err);
	if (code == TB_OK && row->needs & CASE_NEEDS_CLOCK)
		code = check_clock(mode, row, detail->clock, err);
	return code;
}

enum tb_code case_allowed(const struct case_row **out, const struct case_mode *mode, PbCaseState from,
                          PbCaseEvent event, PbRole role, enum case_side side, const PbCaseDetail *detail,
                          struct tb_error *err)
{
	*out = NULL;
	const char *state_name = word_find(state_words, (int)from)->name;
	const char *event_name = word_find(event_words, (int)event)->name;
	const struct case_row *row = case_row_find(mode, from, event);
	if (!row)
		return tb_fail(err, TB_ESTATE, "%s (%d) is not possible in state %s (%d)", event_name,
		               (int)event, state_name, (int)from);
	if (!case_row_takes(row, role, side)) {
		const char *where = row->sides & side ? "" : " at this node";
		return tb_fail(err, TB_EDENIED, "%s is not for %s%s in state %s", event_name,
		               word_find(role_words, (int)role)->name, where, state_name);
	}
	static const PbCaseDetail empty = PB_CASE_DETAIL__INIT;
	enum tb_code code = check_detail(mode, row, detail ? detail : &empty, err);
	if (code == TB_OK)
		*out = row;
	return code;
}

size_t case_possible(const struct case_mode *mode, PbCaseState from, enum case_side side, PbCaseEvent *out,
                     size_t room)
{
	size_t count = 0;
	for (size_t i = 0; i < mode->rows_count && count < room; i++) {
		const struct case_row *row = &mode->rows[i];
		bool taken = false;
		for (PbRole role = PB_ROLE__APPLICANT; role < PB_ROLE__SYSTEM; role++)
			taken = taken || case_row_takes(row, role, side);
		if (row->from == from && taken)
			out[count++] = row->event;
	}
	return count;
}
