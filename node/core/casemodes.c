/* The tables of the handling modes. Read them as tables: one line is one row. */
#include "node/core/casetable.h"

/* clang-format off */
#define BIT(role) (1U << PB_ROLE__##role)
#define WINDOW CASE_AT_WINDOW
#define HOME CASE_AT_HOME
#define EITHER (CASE_AT_WINDOW | CASE_AT_HOME)

#define OP(name, what) {.clock = PB_CLOCK__##name, .op = CASE_CLOCK_##what}
#define OP_ORIGINALS(name, what) \
	{.clock = PB_CLOCK__##name, .op = CASE_CLOCK_##what, .flags = CASE_CLOCK_IF_ORIGINALS}
#define OP_BAD(name, what) {.clock = PB_CLOCK__##name, .op = CASE_CLOCK_##what, .flags = CASE_CLOCK_IF_BAD}
#define NO_OP {.op = CASE_CLOCK_NONE}
#define OPS(...) .ops = {__VA_ARGS__}

/* The rest of a row is in designated members: OPS(), .message, .after, .whilst, .within, .days_max. */
#define ROW(state, what, next, who, where, must, ...)                                                    \
	{.from = PB_CASE_STATE__##state, .event = PB_CASE_EVENT__##what, .roles = (who), .sides = (where), \
	 .to = PB_CASE_STATE__##next, .needs = (must), __VA_ARGS__}

#define REASON CASE_NEEDS_REASON
#define STOPS CASE_STOPS_CLOCKS
#define OVER CASE_HANDS_OVER

/* ---- rows that modes share */

#define WITHDRAW_ROW(state) \
	ROW(state, WITHDRAW, WITHDRAWN, BIT(APPLICANT) | BIT(R_WIN) | BIT(H_WIN), EITHER, STOPS, .message = "WDRW"),
/* Where the case never leaves the window's region, nobody but the window hears the applicant. */
#define WITHDRAW_HERE_ROW(state) \
	ROW(state, WITHDRAW, WITHDRAWN, BIT(APPLICANT) | BIT(R_WIN), WINDOW, STOPS, .message = "WDRW"),
#define CONSULT_ROW(state)                                                                       \
	ROW(state, CONSULT, state, BIT(R_WIN) | BIT(H_WIN) | BIT(H_DEPT) | BIT(R_DEPT) | BIT(LIAISON), EITHER, \
	    CASE_NEEDS_NOTE, .message = "CONS"),
#define OVERDUE_ROW(state) \
	ROW(state, OVERDUE, state, BIT(SYSTEM), EITHER, CASE_NEEDS_CLOCK, .message = ""),
#define POST_ROW(state) \
	ROW(state, POST, state, BIT(R_WIN), WINDOW, CASE_NEEDS_WAYBILL, OPS(OP(T3_MAIL, STOP)), .message = "LOGI"),
#define LOST_ROW(state) \
	ROW(state, LOST, state, BIT(SYSTEM) | BIT(R_WIN) | BIT(H_WIN), EITHER, CASE_DISPUTES, .message = "CONS"),
/* What was decided by delegation is not undone by an objection: it is talked about. Once it is decided, the home
 * region has its time to object (T10), even if the result is in the applicant's hands. */
#define OBJECT_ROW(state) \
	ROW(state, OBJECT, state, BIT(H_DEPT) | BIT(LIAISON), HOME, REASON | CASE_DISPUTES, .message = "CONS"),
#define OBJECT_IN_TIME_ROW(state)                                                                          \
	ROW(state, OBJECT, state, BIT(H_DEPT) | BIT(LIAISON), HOME, REASON | CASE_DISPUTES,                \
	    .message = "CONS", .within = PB_CLOCK__T10_OBJECT),                                            \
	ROW(state, OBJECTION_ENDS, state, BIT(SYSTEM), WINDOW, 0,                                          \
	    OPS(OP(T10_OBJECT, STOP)), .message = "", .after = PB_CLOCK__T10_OBJECT),
/* A copy that the home region refused is offered again, with what was missing; its time to object begins
 * then. */
#define SHARE_ROW(state) \
	ROW(state, SHARE, state, BIT(R_WIN) | BIT(R_DEPT) | BIT(LIAISON), WINDOW, CASE_SHARES, .message = "PROC"),
#define SHARE_DECIDED_ROW(state)                                                                           \
	ROW(state, SHARE, state, BIT(R_WIN) | BIT(R_DEPT) | BIT(LIAISON), WINDOW, CASE_SHARES,             \
	    OPS(OP(T10_OBJECT, START)), .message = "PROC"),

/* At the window, before anything is accepted: 20, 22, 25. */
#define WINDOW_ROWS                                                                                        \
	ROW(RECEIVED, CHECK, CHECKING, BIT(R_WIN), WINDOW, 0, .message = ""),                              \
	ROW(WINDOW_WAITS, LAPSE, TERMINATED, BIT(SYSTEM), WINDOW, STOPS, .message = "", .after = PB_CLOCK__T7_CORRECTION),

/* From signing for the package to acceptance, which stays with the home region. 行政许可法, article 32: what is
 * missing is told once, within five days; not told is accepted, from the day of receipt. */
#define ACCEPTANCE_ROWS                                                                                    \
	ROW(SIGNED_FOR, ACCEPT, ACCEPTED, BIT(H_WIN) | BIT(H_DEPT), HOME, 0,                               \
	    OPS(OP(T1_NOTIFY, STOP), OP(T4_RECHECK, STOP), OP(T5_DECIDE, START)), .message = "ACPT"),      \
	ROW(SIGNED_FOR, NOTIFY, CORRECTION, BIT(H_WIN), HOME, CASE_NEEDS_LIST,                             \
	    OPS(OP(T1_NOTIFY, STOP), OP(T4_RECHECK, STOP), OP(T7_CORRECTION, START)), .message = "CORR"),  \
	ROW(CORRECTION, LAPSE, TERMINATED, BIT(SYSTEM), HOME, STOPS,                                       \
	    .message = "PROC", .after = PB_CLOCK__T7_CORRECTION),                                          \
	ROW(SIGNED_FOR, DEEM, ACCEPTED, BIT(SYSTEM), HOME, 0,                                              \
	    OPS(OP(T1_NOTIFY, STOP), OP(T4_RECHECK, STOP), OP(T5_DECIDE, START)),                          \
	    .message = "ACPT", .after = PB_CLOCK__T1_NOTIFY),                                              \
	ROW(SIGNED_FOR, REFUSE, NOT_ACCEPTED, BIT(H_WIN), HOME, REASON | STOPS, .message = "NACPT"),

/* What is paid elsewhere is noted by the windows. */
#define FEE_ROW(state) \
	ROW(state, FEE, state, BIT(R_WIN) | BIT(H_WIN), EITHER, CASE_NEEDS_FEE, .message = "PROC"),
#define FEE_HERE_ROW(state) ROW(state, FEE, state, BIT(R_WIN), WINDOW, CASE_NEEDS_FEE, .message = "PROC"),
#define FEE_STATES(XX) XX(ACCEPTED) XX(REVIEW) DECIDED_STATES(XX) XX(CLOSED)

/* Review: articles 42 and 45. |dept| reviews, |head| extends, at |where|; |decided| and |again| are what else
 * happens to a clock with the decision, and when it is taken up again. */
#define REVIEW_ROWS(dept, head, where, decided, again)                                                                     \
	ROW(REVIEW, SUSPEND, SPECIAL, BIT(dept), where, REASON | CASE_NEEDS_DAYS,                          \
	    OPS(OP(T5_DECIDE, PAUSE)), .message = "SUSP", .days_max = CASE_DAYS_MAX),                      \
	ROW(SPECIAL, RESUME, REVIEW, BIT(dept), where, 0, OPS(OP(T5_DECIDE, RESUME)), .message = "RESU"),  \
	ROW(REVIEW, EXTEND, REVIEW, BIT(head), where, REASON | CASE_NEEDS_DAYS | CASE_ONCE,                \
	    OPS(OP(T5_DECIDE, LENGTHEN)), .message = "EXT", .days_max = CASE_EXTEND_DAYS_MAX),             \
	ROW(REVIEW, GRANT, GRANTED, BIT(dept) | BIT(head), where, 0,                                       \
	    OPS(OP(T5_DECIDE, STOP), OP(T6_RESULT, START), decided), .message = "DECI"),                   \
	ROW(REVIEW, DENY, DENIED, BIT(dept) | BIT(head), where, REASON,                                    \
	    OPS(OP(T5_DECIDE, STOP), OP(T6_RESULT, START), decided), .message = "DECI"),                   \
	ROW(CLOSED, KEPT, CLOSED, BIT(dept), where, CASE_NEEDS_NOTE, .message = "PROC"),                     \
	/* A commitment that did not hold, a dispute that was upheld, a bad evaluation: it is reviewed again. */ \
	ROW(CLOSED, REOPEN, REVIEW, BIT(dept), where, REASON,                                              \
	    OPS(OP(T9_REPAIR, STOP), OP(T5_DECIDE, START), again), .message = "PROC"),

/* Delivery by |win| at |where|, handed over at |hands|, which |ends| what still runs, and after: a bad
 * evaluation is to be repaired. */
#define DELIVERY_ROWS(win, where, hands, way, ends)                                                             \
	ROW(GRANTED, DISPATCH, DELIVERING, BIT(win), where, CASE_NEEDS_WAY | (way),                        \
	    OPS(OP(T6_RESULT, STOP)), .message = "LOGI"),                                                  \
	ROW(DENIED, DISPATCH, DELIVERING, BIT(win), where, CASE_NEEDS_WAY | (way),                         \
	    OPS(OP(T6_RESULT, STOP)), .message = "LOGI"),                                                  \
	/* A parcel that is lost on its way is dispatched again. */                                        \
	LOST_ROW(DELIVERING)                                                                               \
	ROW(DELIVERING, DISPATCH, DELIVERING, BIT(win), where, CASE_NEEDS_WAY | (way), .message = "LOGI"), \
	ROW(DELIVERING, HAND_OVER, CLOSED, BIT(R_WIN) | BIT(H_WIN) | BIT(APPLICANT), hands, ends, .message = "DELV"), \
	ROW(CLOSED, EVALUATE, CLOSED, BIT(APPLICANT) | BIT(R_WIN), EITHER, CASE_NEEDS_GRADE | CASE_ONCE,   \
	    OPS(OP_BAD(T9_REPAIR, START)), .message = "EVAL"),                                             \
	ROW(CLOSED, REPAIR, CLOSED, BIT(win) | BIT(H_DEPT) | BIT(R_DEPT), where, CASE_NEEDS_NOTE,          \
	    OPS(OP(T9_REPAIR, STOP)), .message = "EVAL", .whilst = PB_CLOCK__T9_REPAIR),                   \
	OVERDUE_ROW(CLOSED)

#define DECIDED_STATES(XX) XX(GRANTED) XX(DENIED) XX(DELIVERING)

/* ---- QC: 全程网办. No state of a window: nobody comes. */

#define QC_UNDECIDED(XX) XX(DRAFT) XX(TRANSFER) XX(SIGNED_FOR) XX(ACCEPTED) XX(CORRECTION) XX(REVIEW) XX(SPECIAL)
#define QC_OPEN(XX) QC_UNDECIDED(XX) DECIDED_STATES(XX)

static const struct case_row qc_rows[] = {
	ROW(DRAFT, SUBMIT, TRANSFER, BIT(APPLICANT), WINDOW, OVER, OPS(OP(T2_PUSH, START)), .message = "PKG"),
	/* What was not taken over is the applicant's again. */
	ROW(TRANSFER, BOUNCE, DRAFT, BIT(SYSTEM), WINDOW, 0, OPS(OP(T2_PUSH, STOP)), .message = ""),
	ROW(DRAFT, SEND, TRANSFER, BIT(APPLICANT), WINDOW, OVER, OPS(OP(T2_PUSH, START)), .message = "PKG"),
	ROW(TRANSFER, SIGN, SIGNED_FOR, BIT(SYSTEM) | BIT(H_WIN), HOME, CASE_ONCE,
	    OPS(OP(T2_PUSH, STOP), OP(T1_NOTIFY, START)), .message = "RCPT"),
	ACCEPTANCE_ROWS
	ROW(CORRECTION, SUPPLEMENT, SIGNED_FOR, BIT(APPLICANT), EITHER, 0,
	    OPS(OP(T7_CORRECTION, STOP), OP(T1_NOTIFY, START)), .message = "SUPP"),
	ROW(ACCEPTED, START, REVIEW, BIT(H_DEPT), HOME, 0, .message = "PROC"),
	REVIEW_ROWS(H_DEPT, H_HEAD, HOME, NO_OP, NO_OP)
	DELIVERY_ROWS(H_WIN, HOME, EITHER, CASE_REMOTE_WAY, STOPS)
	QC_UNDECIDED(WITHDRAW_ROW)
	QC_OPEN(CONSULT_ROW)
	FEE_STATES(FEE_ROW)
	QC_OPEN(OVERDUE_ROW)
};

/* ---- DS: 代收材料、属地办理 (异地代收代办) */

#define DS_UNDECIDED(XX)                                                                                 \
	XX(RECEIVED) XX(CHECKING) XX(WINDOW_WAITS) XX(TRANSFER) XX(SIGNED_FOR) XX(RETURNED) XX(ACCEPTED) \
	XX(CORRECTION) XX(REVIEW) XX(SPECIAL)
#define DS_OPEN(XX) DS_UNDECIDED(XX) DECIDED_STATES(XX)
#define DS_PAPER(XX) XX(TRANSFER) XX(SIGNED_FOR)

static const struct case_row ds_rows[] = {
	ROW(DRAFT, SUBMIT, RECEIVED, BIT(R_WIN) | BIT(APPLICANT), WINDOW, 0, OPS(OP(T2_PUSH, START)), .message = ""),
	WINDOW_ROWS
	ROW(CHECKING, ASK, WINDOW_WAITS, BIT(R_WIN), WINDOW, CASE_NEEDS_LIST,
	    OPS(OP(T2_PUSH, PAUSE), OP(T7_CORRECTION, START)), .message = ""),
	ROW(WINDOW_WAITS, BRING, CHECKING, BIT(R_WIN) | BIT(APPLICANT), WINDOW, 0,
	    OPS(OP(T7_CORRECTION, STOP), OP(T2_PUSH, RESUME)), .message = ""),
	ROW(CHECKING, SEND, TRANSFER, BIT(R_WIN), WINDOW, OVER,
	    OPS(OP(T2_PUSH, STOP), OP_ORIGINALS(T3_MAIL, START)), .message = "PKG"),
	/* On the way. What was not taken over stays the window's, which has its day again. */
	ROW(TRANSFER, BOUNCE, CHECKING, BIT(SYSTEM), WINDOW, 0,
	    OPS(OP(T3_MAIL, STOP), OP(T2_PUSH, START)), .message = ""),
	DS_PAPER(POST_ROW)
	DS_PAPER(LOST_ROW)
	/* Who signs, signs for the data and for the originals that belong to it; those of a supplement may still
	 * come by post. */
	ROW(TRANSFER, SIGN, SIGNED_FOR, BIT(SYSTEM) | BIT(H_WIN), HOME, CASE_ONCE,
	    OPS(OP(T3_MAIL, STOP), OP(T4_RECHECK, START), OP(T1_NOTIFY, START)), .message = "RCPT"),
	ROW(SIGNED_FOR, RETURN, RETURNED, BIT(H_WIN), HOME, REASON | OVER,
	    OPS(OP(T1_NOTIFY, STOP), OP(T4_RECHECK, STOP), OP(T2_PUSH, START)), .message = "RET"),
	ROW(RETURNED, FIX, CHECKING, BIT(R_WIN), WINDOW, 0, .message = ""),
	ROW(RETURNED, CLOSE, WITHDRAWN, BIT(R_WIN), WINDOW, REASON | STOPS, .message = ""),
	ACCEPTANCE_ROWS
	ROW(CORRECTION, SUPPLEMENT, SIGNED_FOR, BIT(R_WIN) | BIT(APPLICANT), EITHER, 0,
	    OPS(OP(T7_CORRECTION, STOP), OP(T1_NOTIFY, START), OP(T4_RECHECK, START)), .message = "SUPP"),
	ROW(ACCEPTED, START, REVIEW, BIT(H_DEPT), HOME, 0, .message = "PROC"),
	REVIEW_ROWS(H_DEPT, H_HEAD, HOME, NO_OP, NO_OP)
	DELIVERY_ROWS(H_WIN, HOME, EITHER, 0, STOPS)
	DS_UNDECIDED(WITHDRAW_ROW)
	DS_OPEN(CONSULT_ROW)
	FEE_STATES(FEE_ROW)
	DS_OPEN(OVERDUE_ROW)
};

/* ---- YS: 异地受理、属地办理. The window accepts, so T1 is the window's and T5 runs from there, whatever becomes of
 * the package: what was accepted stays accepted. */

#define YS_UNDECIDED(XX) \
	XX(RECEIVED) XX(CHECKING) XX(WINDOW_WAITS) XX(RETURNED) XX(ACCEPTED) XX(REVIEW) XX(SPECIAL)
#define YS_OPEN(XX) YS_UNDECIDED(XX) DECIDED_STATES(XX)
#define YS_DEEM_ROW(state)                                                                                 \
	ROW(state, DEEM, ACCEPTED, BIT(SYSTEM), WINDOW, OVER,                                              \
	    OPS(OP(T1_NOTIFY, STOP), OP(T2_PUSH, STOP), OP(T5_DECIDE, START), OP_ORIGINALS(T3_MAIL, START)), \
	    .message = "PKG", .after = PB_CLOCK__T1_NOTIFY),

static const struct case_row ys_rows[] = {
	ROW(DRAFT, SUBMIT, RECEIVED, BIT(R_WIN) | BIT(APPLICANT), WINDOW, 0,
	    OPS(OP(T1_NOTIFY, START), OP(T2_PUSH, START)), .message = ""),
	WINDOW_ROWS
	ROW(CHECKING, ASK, WINDOW_WAITS, BIT(R_WIN), WINDOW, CASE_NEEDS_LIST,
	    OPS(OP(T1_NOTIFY, STOP), OP(T2_PUSH, PAUSE), OP(T7_CORRECTION, START)), .message = ""),
	ROW(WINDOW_WAITS, BRING, CHECKING, BIT(R_WIN) | BIT(APPLICANT), WINDOW, 0,
	    OPS(OP(T7_CORRECTION, STOP), OP(T1_NOTIFY, START), OP(T2_PUSH, RESUME)), .message = ""),
	ROW(CHECKING, REFUSE, NOT_ACCEPTED, BIT(R_WIN), WINDOW, REASON | STOPS, .message = ""),
	ROW(CHECKING, ACCEPT, ACCEPTED, BIT(R_WIN), WINDOW, OVER,
	    OPS(OP(T1_NOTIFY, STOP), OP(T2_PUSH, STOP), OP(T5_DECIDE, START), OP_ORIGINALS(T3_MAIL, START)),
	    .message = "PKG"),
	YS_DEEM_ROW(RECEIVED)
	YS_DEEM_ROW(CHECKING)
	ROW(ACCEPTED, BOUNCE, RETURNED, BIT(SYSTEM), WINDOW, 0,
	    OPS(OP(T3_MAIL, STOP), OP(T2_PUSH, START)), .message = ""),
	POST_ROW(ACCEPTED)
	LOST_ROW(ACCEPTED)
	ROW(ACCEPTED, SIGN, ACCEPTED, BIT(SYSTEM) | BIT(H_WIN), HOME, CASE_ONCE,
	    OPS(OP(T3_MAIL, STOP), OP(T4_RECHECK, START)), .message = "RCPT"),
	/* Within the recheck only; the window settles it with the applicant. */
	ROW(ACCEPTED, RETURN, RETURNED, BIT(H_WIN), HOME, REASON | OVER,
	    OPS(OP(T4_RECHECK, STOP), OP(T2_PUSH, START)), .message = "RET", .within = PB_CLOCK__T4_RECHECK),
	ROW(RETURNED, SEND, ACCEPTED, BIT(R_WIN), WINDOW, OVER,
	    OPS(OP(T2_PUSH, STOP), OP_ORIGINALS(T3_MAIL, START)), .message = "PKG"),
	ROW(RETURNED, CLOSE, WITHDRAWN, BIT(R_WIN), WINDOW, REASON | STOPS, .message = ""),
	/* Not before it was signed for, which is what begins the recheck. */
	ROW(ACCEPTED, START, REVIEW, BIT(H_DEPT), HOME, 0,
	    OPS(OP(T4_RECHECK, STOP)), .message = "PROC", .whilst = PB_CLOCK__T4_RECHECK),
	REVIEW_ROWS(H_DEPT, H_HEAD, HOME, NO_OP, NO_OP)
	DELIVERY_ROWS(H_WIN, HOME, EITHER, 0, STOPS)
	YS_UNDECIDED(WITHDRAW_ROW)
	YS_OPEN(CONSULT_ROW)
	FEE_STATES(FEE_ROW)
	YS_OPEN(OVERDUE_ROW)
};

/* ---- YB: 异地受理、异地办理. Everything happens at the window's region; the home region gets a copy from the
 * acceptance on. */

#define YB_UNDECIDED(XX) XX(RECEIVED) XX(CHECKING) XX(WINDOW_WAITS) XX(ACCEPTED) XX(REVIEW) XX(SPECIAL)
#define YB_OPEN(XX) YB_UNDECIDED(XX) DECIDED_STATES(XX)
#define YB_COPIED(XX) XX(ACCEPTED) XX(REVIEW) XX(SPECIAL)
#define YB_DECIDED(XX) DECIDED_STATES(XX) XX(CLOSED)
#define YB_DEEM_ROW(state)                                                                                 \
	ROW(state, DEEM, ACCEPTED, BIT(SYSTEM), WINDOW, CASE_SHARES,                                       \
	    OPS(OP(T1_NOTIFY, STOP), OP(T5_DECIDE, START)), .message = "PROC", .after = PB_CLOCK__T1_NOTIFY),

static const struct case_row yb_rows[] = {
	ROW(DRAFT, SUBMIT, RECEIVED, BIT(R_WIN) | BIT(APPLICANT), WINDOW, 0, OPS(OP(T1_NOTIFY, START)), .message = ""),
	WINDOW_ROWS
	ROW(CHECKING, ASK, WINDOW_WAITS, BIT(R_WIN), WINDOW, CASE_NEEDS_LIST,
	    OPS(OP(T1_NOTIFY, STOP), OP(T7_CORRECTION, START)), .message = ""),
	ROW(WINDOW_WAITS, BRING, CHECKING, BIT(R_WIN) | BIT(APPLICANT), WINDOW, 0,
	    OPS(OP(T7_CORRECTION, STOP), OP(T1_NOTIFY, START)), .message = ""),
	ROW(CHECKING, REFUSE, NOT_ACCEPTED, BIT(R_WIN) | BIT(R_DEPT), WINDOW, REASON | STOPS, .message = ""),
	ROW(CHECKING, ACCEPT, ACCEPTED, BIT(R_WIN) | BIT(R_DEPT), WINDOW, CASE_SHARES,
	    OPS(OP(T1_NOTIFY, STOP), OP(T5_DECIDE, START)), .message = "PROC"),
	YB_DEEM_ROW(RECEIVED)
	YB_DEEM_ROW(CHECKING)
	ROW(ACCEPTED, START, REVIEW, BIT(R_DEPT), WINDOW, 0, .message = "PROC"),
	REVIEW_ROWS(R_DEPT, R_HEAD, WINDOW, OP(T10_OBJECT, START), OP(T10_OBJECT, STOP))
	DELIVERY_ROWS(R_WIN, WINDOW, WINDOW, 0, 0)
	YB_COPIED(OBJECT_ROW)
	YB_DECIDED(OBJECT_IN_TIME_ROW)
	YB_COPIED(SHARE_ROW)
	YB_DECIDED(SHARE_DECIDED_ROW)
	YB_UNDECIDED(WITHDRAW_HERE_ROW)
	YB_OPEN(CONSULT_ROW)
	FEE_STATES(FEE_HERE_ROW)
	YB_OPEN(OVERDUE_ROW)
};

/* ---- LB: 多地联办, the lead's case. What its parts come to, the system writes down here. */

#define LB_UNDECIDED(XX) XX(RECEIVED) XX(CHECKING) XX(WINDOW_WAITS) XX(ACCEPTED) XX(REVIEW)
#define LB_OPEN(XX) LB_UNDECIDED(XX) DECIDED_STATES(XX)

static const struct case_row lb_rows[] = {
	ROW(DRAFT, SUBMIT, RECEIVED, BIT(R_WIN) | BIT(APPLICANT), WINDOW, 0, OPS(OP(T2_PUSH, START)), .message = ""),
	WINDOW_ROWS
	ROW(CHECKING, ASK, WINDOW_WAITS, BIT(R_WIN), WINDOW, CASE_NEEDS_LIST,
	    OPS(OP(T2_PUSH, PAUSE), OP(T7_CORRECTION, START)), .message = ""),
	ROW(WINDOW_WAITS, BRING, CHECKING, BIT(R_WIN) | BIT(APPLICANT), WINDOW, 0,
	    OPS(OP(T7_CORRECTION, STOP), OP(T2_PUSH, RESUME)), .message = ""),
	ROW(CHECKING, REFUSE, NOT_ACCEPTED, BIT(R_WIN), WINDOW, REASON | STOPS, .message = ""),
	ROW(CHECKING, ACCEPT, ACCEPTED, BIT(R_WIN), WINDOW, 0,
	    OPS(OP(T2_PUSH, STOP), OP(T8_JOINT, START)), .message = ""),
	ROW(ACCEPTED, PART, REVIEW, BIT(SYSTEM), WINDOW, 0, .message = ""),
	ROW(REVIEW, PART, REVIEW, BIT(SYSTEM), WINDOW, 0, .message = ""),
	ROW(REVIEW, HOLD, REVIEW, BIT(SYSTEM), WINDOW, 0, OPS(OP(T8_JOINT, PAUSE)), .message = ""),
	ROW(REVIEW, GO_ON, REVIEW, BIT(SYSTEM), WINDOW, 0, OPS(OP(T8_JOINT, RESUME)), .message = ""),
	/* All parts positive, or one not: then the others are taken back. */
	ROW(REVIEW, GRANT, GRANTED, BIT(SYSTEM), WINDOW, 0, OPS(OP(T8_JOINT, STOP), OP(T6_RESULT, START)), .message = ""),
	ROW(REVIEW, DENY, DENIED, BIT(SYSTEM), WINDOW, REASON,
	    OPS(OP(T8_JOINT, STOP), OP(T6_RESULT, START)), .message = ""),
	/* 行政许可法, article 42, paragraph 2: the joint limit is lengthened once, by 15 days at the most. */
	ROW(REVIEW, EXTEND, REVIEW, BIT(R_HEAD), WINDOW, REASON | CASE_NEEDS_DAYS | CASE_ONCE,
	    OPS(OP(T8_JOINT, LENGTHEN)), .message = "", .days_max = CASE_JOINT_DAYS_MAX),
	DELIVERY_ROWS(R_WIN, WINDOW, WINDOW, 0, STOPS)
	LB_UNDECIDED(WITHDRAW_HERE_ROW)
	LB_OPEN(CONSULT_ROW)
	FEE_STATES(FEE_HERE_ROW)
	LB_OPEN(OVERDUE_ROW)
};

/* A part of it, between the lead's region (its window) and the participant (its home). */

#define LS_UNDECIDED(XX) XX(TRANSFER) XX(ACCEPTED) XX(REVIEW) XX(SPECIAL)
#define LS_OPEN(XX) LS_UNDECIDED(XX) XX(GRANTED) XX(DENIED)
#define LS_WITHDRAW_ROW(state) \
	ROW(state, WITHDRAW, WITHDRAWN, BIT(SYSTEM), WINDOW, REASON | STOPS | CASE_SYSTEM_ASKS, .message = "WDRW"),
#define LS_CLOSE_ROW(state) \
	ROW(state, HAND_OVER, CLOSED, BIT(SYSTEM), WINDOW, STOPS | CASE_SYSTEM_ASKS, .message = "DELV"),
#define LS_FILE_ROW(state) ROW(state, FILE, state, BIT(H_DEPT), HOME, CASE_NEEDS_FILES, .message = "SUBR"),

static const struct case_row ls_rows[] = {
	ROW(DRAFT, SUBMIT, TRANSFER, BIT(SYSTEM), WINDOW, OVER, .message = "SUB"),
	ROW(TRANSFER, BOUNCE, TERMINATED, BIT(SYSTEM), WINDOW, STOPS, .message = ""),
	ROW(TRANSFER, SIGN, ACCEPTED, BIT(SYSTEM) | BIT(H_WIN), HOME, CASE_ONCE, OPS(OP(T5_DECIDE, START)), .message = "RCPT"),
	ROW(ACCEPTED, START, REVIEW, BIT(H_DEPT), HOME, 0, .message = "PROC"),
	ROW(REVIEW, SUSPEND, SPECIAL, BIT(H_DEPT), HOME, REASON | CASE_NEEDS_DAYS,
	    OPS(OP(T5_DECIDE, PAUSE)), .message = "SUSP", .days_max = CASE_DAYS_MAX),
	ROW(SPECIAL, RESUME, REVIEW, BIT(H_DEPT), HOME, 0, OPS(OP(T5_DECIDE, RESUME)), .message = "RESU"),
	ROW(REVIEW, EXTEND, REVIEW, BIT(H_HEAD), HOME, REASON | CASE_NEEDS_DAYS | CASE_ONCE,
	    OPS(OP(T5_DECIDE, LENGTHEN)), .message = "EXT", .days_max = CASE_EXTEND_DAYS_MAX),
	ROW(REVIEW, GRANT, GRANTED, BIT(H_DEPT) | BIT(H_HEAD), HOME, 0, OPS(OP(T5_DECIDE, STOP)), .message = "SUBR"),
	ROW(REVIEW, DENY, DENIED, BIT(H_DEPT) | BIT(H_HEAD), HOME, REASON, OPS(OP(T5_DECIDE, STOP)), .message = "SUBR"),
	LS_CLOSE_ROW(GRANTED)
	LS_CLOSE_ROW(DENIED)
	LS_FILE_ROW(ACCEPTED)
	LS_FILE_ROW(REVIEW)
	/* Taken back because another part was denied, or all was withdrawn: also what was granted. */
	LS_UNDECIDED(LS_WITHDRAW_ROW)
	LS_WITHDRAW_ROW(GRANTED)
	LS_OPEN(CONSULT_ROW)
	LS_OPEN(OVERDUE_ROW)
};

/* clang-format on */

#define ROWS(table) .rows = (table), .rows_count = sizeof(table) / sizeof((table)[0])
#define DAYS                                                                                            \
	.days = {[PB_CLOCK__T1_NOTIFY] = 5,      [PB_CLOCK__T2_PUSH] = 1,   [PB_CLOCK__T3_MAIL] = 2,    \
	         [PB_CLOCK__T4_RECHECK] = 1,     [PB_CLOCK__T5_DECIDE] = 0, [PB_CLOCK__T6_RESULT] = 1,  \
	         [PB_CLOCK__T7_CORRECTION] = 15, [PB_CLOCK__T8_JOINT] = 45, [PB_CLOCK__T9_REPAIR] = 15, \
	         [PB_CLOCK__T10_OBJECT] = 10}

static const struct case_mode mode_qc = {
	.code = "QC", .name_zh = "全程网办", .name_en = "all online", ROWS(qc_rows), DAYS};
static const struct case_mode mode_ds = {.code = "DS",
                                         .name_zh = "代收材料、属地办理",
                                         .name_en = "received here, decided at home",
                                         ROWS(ds_rows),
                                         DAYS};
static const struct case_mode mode_ys = {.code = "YS",
                                         .name_zh = "异地受理、属地办理",
                                         .name_en = "accepted here, decided at home",
                                         ROWS(ys_rows),
                                         DAYS};
static const struct case_mode mode_yb = {.code = "YB",
                                         .name_zh = "异地受理、异地办理",
                                         .name_en = "accepted and decided here",
                                         ROWS(yb_rows),
                                         DAYS};

static const struct case_mode mode_lb = {
	.code = "LB", .name_zh = "多地联办", .name_en = "handled jointly", ROWS(lb_rows), DAYS};
static const struct case_mode mode_ls = {.code = "LS",
                                         .listed_as = "LB",
                                         .name_zh = "多地联办子件",
                                         .name_en = "part of a joint case",
                                         ROWS(ls_rows),
                                         DAYS};

const struct case_mode *const case_modes[] = {&mode_qc, &mode_ds, &mode_ys, &mode_yb,
                                              &mode_lb, &mode_ls, NULL};
