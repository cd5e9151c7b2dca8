/* The state tables of cases: one const table for each handling mode (casemodes.c).
 *
 * A row says: in this state, this event, by whom, on which side, leads there, needs this, moves these clocks.
 * A case is the fold of its log over its table; nothing else decides what may happen. Sources: the modes of
 * 国办发〔2020〕35号, and 行政许可法, articles 32 and 42 to 45.
 *
 *   QC 全程网办            all online; the home region decides
 *   DS 代收材料、属地办理  a window collects, the home region accepts and decides
 *   YS 异地受理、属地办理  a window accepts in its name, the home region decides
 *   YB 异地受理、异地办理  the window's region accepts and decides; the home has a copy
 *   LB 多地联办            the lead's case; each part (LS) is a case with a participant
 *
 * In DS:
 *
 *   10 -SUBMIT-> 20 -CHECK-> 22 -SEND-> 30 -SIGN-> 32     22 -ASK-> 25 -BRING-> 22     30 -BOUNCE-> 22
 *   32 -ACCEPT, DEEM-> 40 -START-> 50                     32 -NOTIFY-> 45 -SUPPLEMENT-> 32
 *   50 -GRANT-> 60 -DISPATCH-> 70 -HAND_OVER-> 80         32 -RETURN-> 35 -FIX-> 22
 *   50 -DENY--> 61 -DISPATCH-> 70                         50 -SUSPEND-> 55 -RESUME-> 50
 *
 * 41 (REFUSE), 80, 90 (WITHDRAW, CLOSE) and 91 (LAPSE) are final; 80 still takes EVALUATE. */
#pragma once

#include "proto/codec.h"

/* Where an event may originate: a set. A node that is window and home of a case at once has both. */
enum case_side {
	CASE_AT_WINDOW = 1, /* the node that received the case first (收件地) */
	CASE_AT_HOME = 2,   /* the node of the deciding region (属地) */
};

/* What the event's detail must hold, and what else the row means. */
enum case_need {
	CASE_NEEDS_REASON = 1 << 0,  /* detail.reason */
	CASE_NEEDS_DAYS = 1 << 1,    /* detail.days, from 1 to the row's days_max */
	CASE_NEEDS_LIST = 1 << 2,    /* detail.needs: all that is missing, told at once (art. 32) */
	CASE_NEEDS_WAY = 1 << 3,     /* detail.way; COURIER needs a waybill, too */
	CASE_NEEDS_GRADE = 1 << 4,   /* detail.grade, 1..5 (GB/T 39046, A.8) */
	CASE_NEEDS_WAYBILL = 1 << 5, /* detail.waybill: carrier and number */
	CASE_NEEDS_NOTE = 1 << 6,    /* detail.note */
	CASE_NEEDS_CLOCK = 1 << 7,   /* detail.clock: one whose running out moves nothing in this state */
	/* For whoever keeps the case: */
	CASE_ONCE = 1 << 8,          /* once in a case's life (EXTEND, EVALUATE), or in a hand-over (SIGN) */
	CASE_HANDS_OVER = 1 << 9,    /* the other side owns the case from here (SEND, RETURN) */
	CASE_STOPS_CLOCKS = 1 << 10, /* all clocks stop */
	CASE_DISPUTES = 1 << 11,     /* marks the case as disputed */
	CASE_SHARES = 1 << 12,       /* the other side gets a copy of the case from here; the owner stays */
	CASE_REMOTE_WAY = 1 << 13,   /* detail.way: courier or network only */
	CASE_NEEDS_FILES = 1 << 14,  /* detail.materials */
	CASE_NEEDS_FEE = 1 << 16,    /* detail.fee */
	CASE_SYSTEM_ASKS = 1 << 15,  /* the other side's system may propose it */
};

enum case_clock_do {
	CASE_CLOCK_NONE,
	CASE_CLOCK_START,
	CASE_CLOCK_STOP,
	CASE_CLOCK_PAUSE,    /* the working days that remain are kept */
	CASE_CLOCK_RESUME,   /* they run again */
	CASE_CLOCK_LENGTHEN, /* by the event's days */
};

/* Flags: when an operation is done. */
enum {
	CASE_CLOCK_IF_ORIGINALS = 1, /* paper originals travel */
	CASE_CLOCK_IF_BAD = 2,       /* detail.grade is 4 or 5 */
};

struct case_clock_op {
	PbClock clock;
	enum case_clock_do op;
	uint32_t flags; /* CASE_CLOCK_IF_* */
};

enum {
	CASE_OPS_MAX = 4,
	CASE_GRADE_BAD = 4,                     /* and 5: 差评 (GB/T 39046, A.8) */
	CASE_CLOCKS = PB_CLOCK__T10_OBJECT + 1, /* room for an array indexed by PbClock */
	CASE_DAYS_MAX = 365,                    /* a special procedure, working days */
	CASE_EXTEND_DAYS_MAX = 10,              /* 行政许可法, article 42, paragraph 1 */
	CASE_JOINT_DAYS_MAX = 15,               /* the same, paragraph 2: 联合办理 */
	CASE_LEGAL_DAYS_MAX = 1000,             /* a legal or promised limit, working days */
};

#define CASE_FEE_FEN_MAX (INT64_C(100000000000)) /* a thousand million yuan */

struct case_row {
	PbCaseState from;
	PbCaseEvent event;
	uint32_t roles; /* 1u << PbRole of all who may */
	uint8_t sides;  /* enum case_side of all where it may originate */
	PbCaseState to;
	uint32_t needs; /* enum case_need */
	struct case_clock_op ops[CASE_OPS_MAX];
	const char *message; /* word for what crosses between the nodes: "PKG"; "" if nothing does */
	PbClock after;       /* this clock must have run out (DEEM, LAPSE); CLOCK_UNSPECIFIED: none */
	PbClock whilst;      /* this clock must run, even if it ran out (START in YS, REPAIR) */
	PbClock within;      /* this clock must run and not have run out (RETURN in YS) */
	uint32_t days_max;   /* CASE_NEEDS_DAYS: the most */
};

struct case_mode {
	const char *code;      /* "DS" */
	const char *listed_as; /* what item lists and grants call it; NULL: the same */
	const char *name_zh;
	const char *name_en;
	const struct case_row *rows;
	size_t rows_count;
	int32_t days[CASE_CLOCKS]; /* by PbClock: working days; 0: as promised for the item */
};

extern const struct case_mode *const case_modes[]; /* ended by NULL */

/* NULL if there is no such mode, or no such row. Any thread. */
const struct case_mode *case_mode_find(const char *code);
/* What item lists and grants call the mode |code|; |code| itself if it is none. */
const char *case_mode_listed(const char *code);
const struct case_row *case_row_find(const struct case_mode *mode, PbCaseState from, PbCaseEvent event);

/* May |role| on |side| do what |row| says? |role| may be any number that a peer sent.
 *
 * A window's roles act on the window's side only, a home's on the home side: no node speaks for the other's
 * officers. An applicant, a liaison officer and the system act on either, where the row allows it. */
bool case_row_takes(const struct case_row *row, PbRole role, unsigned side);

/* May |role| on |side| do |event| in |from|? |detail| NULL is an empty one. What only the case's record knows
 * is left to its keeper: that a CASE_ONCE has not happened yet, and who owns the case. *out is NULL on
 * failure.
 *
 * TB_ESTATE  no such row; |err| names state and event
 * TB_EDENIED not this role, or not on this side
 * TB_EINVALID something that the event needs is missing or out of range; |err| names it */
TB_MUST_CHECK enum tb_code case_allowed(const struct case_row **out, const struct case_mode *mode,
                                        PbCaseState from, PbCaseEvent event, PbRole role, unsigned side,
                                        const PbCaseDetail *detail, struct tb_error *err);

/* Writes up to |room| events that some person on |side| may do in |from|, and returns how many it wrote. What
 * only the system does is left out. */
size_t case_possible(const struct case_mode *mode, PbCaseState from, unsigned side, PbCaseEvent *out,
                     size_t room);

bool case_state_final(PbCaseState state);
bool case_row_starts(const struct case_row *row, PbClock clock);

/* What happens when |clock| runs out in |state|: DEEM, LAPSE or OVERDUE. */
PbCaseEvent case_clock_event(const struct case_mode *mode, PbCaseState state, PbClock clock);

/* True if |text| holds nothing but white space. */
bool case_text_blank(const char *text);

/* The enumerators' names, which programs use; "?" for a number without a meaning. Static texts. */
const char *case_state_name(PbCaseState state);
const char *case_event_name(PbCaseEvent event);
const char *case_clock_name(PbClock clock);
const char *case_role_name(PbRole role);

/* For people, in Chinese or in English; "?" for a number without a meaning. Static texts. */
const char *case_state_text(PbCaseState state, bool zh);
const char *case_event_text(PbCaseEvent event, bool zh);
const char *case_clock_text(PbClock clock, bool zh);
const char *case_role_text(PbRole role, bool zh);
const char *case_way_text(PbDeliveryWay way, bool zh);
