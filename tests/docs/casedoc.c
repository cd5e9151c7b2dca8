/* docs/cases.md, printed from the tables that nodes run on.
 *
 *     tongban-casedoc > docs/cases.md     makes the page
 *     tongban-casedoc docs/cases.md       fails if the page is not what would be printed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "node/core/casetable.h"

enum { PAGE_BYTES_MAX = 1 << 20, DIAGRAM_SOURCES_MAX = 3 };

static const char intro[] =
	"# Cases\n"
	"\n"
	"What may happen to a case (办件), in which state, by whom, on which side, and what it does to the "
	"clocks. "
	"This page is printed\n"
	"by `tongban-casedoc` from the tables that a node runs on (`node/core/casemodes.c`); a test fails "
	"when it "
	"is not up to date.\n"
	"How events travel between nodes is in [protocol.md](protocol.md), section 8.\n"
	"\n"
	"- A case is the fold of its log: the table of its mode says for each state and event what comes "
	"next, "
	"and nothing else does.\n"
	"- **Window** (收件地) is the node that received the case first, **home** (属地) that of the region "
	"with "
	"the authority to decide.\n"
	"  A node that is both acts for both. No node speaks for the other's officers.\n"
	"- The owner of the case orders its log. What happens on the other side is sent as a proposal.\n"
	"- Who hands a case over loses it with that event, and has it again when the package is refused or "
	"expires (BOUNCE).\n"
	"- What an applicant does, the officer before them may write down.\n";

static const char modes_head[] = "\n"
				 "## Modes\n"
				 "\n"
				 "Rows that differ in the state only are one line; \"the same\" leaves the "
				 "state as it is. *Needs* is what "
				 "the event's detail must\n"
				 "hold, and under which condition it is taken. A clock that is not named "
				 "goes on as it was. *Message* is "
				 "the word for what crosses\n"
				 "between the nodes, if the other side has the case or gets it with this "
				 "event. The diagrams leave out "
				 "what moves nothing, and\n"
				 "events that lead from many states to one end: the tables have them.\n";

/* What the words in the tables' last column stand for. */
static const struct message {
	const char *word;
	const char *zh;
	const char *en;
} messages[] = {
	{"PKG", "办件包", "the package: application, materials by digest, all entries so far"},
	{"RCPT", "签收回执", "signed for: the data, and the originals that belong to them"},
	{"RET", "退件", "returned, with the reason"},
	{"CORR", "补正告知", "notice of all that is missing"},
	{"SUPP", "补正材料", "what was missing"},
	{"ACPT", "受理", "accepted: number, promised limit"},
	{"NACPT", "不予受理", "not accepted, with the reason"},
	{"PROC", "过程", "a step of the handling"},
	{"SUSP", "特别程序", "a special procedure began: the clock stands still"},
	{"RESU", "特别程序结束", "it ended: the clock runs"},
	{"EXT", "延期", "the limit is longer"},
	{"DECI", "决定", "the decision, and the certificate that a grant issued"},
	{"LOGI", "物流", "posted: carrier, number, contents; or the way of the result"},
	{"DELV", "送达", "handed over"},
	{"EVAL", "评价", "the evaluation, or its repair"},
	{"CONS", "会商", "consultation, dispute, objection"},
	{"WDRW", "撤回", "withdrawn"},
	{"SUB", "子件", "a part of a joint case"},
	{"SUBR", "子件结果", "what a part has come to, its decision, its archive files"},
};

/* ---- small words */

static void add(struct tb_buf *out, const char *between, const char *text)
{
	if (out->size > 0)
		tb_buf_str(out, between);
	tb_buf_str(out, text);
}

static bool starts(const struct case_mode *mode, PbClock clock)
{
	for (size_t i = 0; i < mode->rows_count; i++) {
		for (size_t k = 0; k < CASE_OPS_MAX; k++) {
			const struct case_clock_op *op = &mode->rows[i].ops[k];
			if (op->clock == clock && op->op == CASE_CLOCK_START)
				return true;
		}
	}
	return false;
}

static bool has_state(const struct case_mode *mode, PbCaseState state)
{
	for (size_t i = 0; i < mode->rows_count; i++) {
		if (mode->rows[i].from == state || mode->rows[i].to == state)
			return true;
	}
	return false;
}

static bool has_event(const struct case_mode *mode, PbCaseEvent event)
{
	for (size_t i = 0; i < mode->rows_count; i++) {
		if (mode->rows[i].event == event)
			return true;
	}
	return false;
}

static void who(struct tb_buf *out, const struct case_row *row)
{
	for (int role = PB_ROLE__APPLICANT; role <= (int)PB_ROLE__R_HEAD; role++) {
		if (case_row_takes(row, (PbRole)role, row->sides))
			add(out, ", ", case_role_name((PbRole)role));
	}
}

static const char *where(unsigned sides)
{
	switch (sides) {
	case CASE_AT_WINDOW:
		return "window";
	case CASE_AT_HOME:
		return "home";
	default:
		return "either";
	}
}

static void needs(struct tb_buf *out, const struct case_row *row)
{
	static const struct {
		uint32_t need;
		const char *text;
	} words[] = {
		{CASE_NEEDS_REASON, "reason"},
		{CASE_NEEDS_LIST, "list of all that is missing"},
		{CASE_NEEDS_WAY, "way of delivery"},
		{CASE_REMOTE_WAY, "courier or network only"},
		{CASE_NEEDS_GRADE, "grade 1–5"},
		{CASE_NEEDS_WAYBILL, "waybill"},
		{CASE_NEEDS_NOTE, "note"},
		{CASE_NEEDS_CLOCK, "the clock that ran out"},
		{CASE_NEEDS_FILES, "files"},
		{CASE_ONCE, "once"},
		{CASE_SYSTEM_ASKS, "the other node may ask for it by itself"},
		{CASE_HANDS_OVER, "**hands the case over**"},
		{CASE_SHARES, "**gives a copy**"},
		{CASE_DISPUTES, "marks a dispute"},
	};
	char text[64];
	if (row->needs & CASE_NEEDS_DAYS) {
		snprintf(text, sizeof(text), "1–%u working days", row->days_max);
		add(out, "; ", text);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (row->needs & words[i].need)
			add(out, "; ", words[i].text);
	}
	if (row->after) {
		snprintf(text, sizeof(text), "T%d has run out", (int)row->after);
		add(out, "; ", text);
	}
	if (row->whilst) {
		snprintf(text, sizeof(text), "T%d runs", (int)row->whilst);
		add(out, "; ", text);
	}
	if (row->within) {
		snprintf(text, sizeof(text), "within T%d", (int)row->within);
		add(out, "; ", text);
	}
}

static void clocks(struct tb_buf *out, const struct case_mode *mode, const struct case_row *row)
{
	static const char *const verbs[] = {
		[CASE_CLOCK_START] = "starts",       [CASE_CLOCK_STOP] = "stops",
		[CASE_CLOCK_PAUSE] = "is paused",    [CASE_CLOCK_RESUME] = "runs again",
		[CASE_CLOCK_LENGTHEN] = "is longer",
	};
	if (row->needs & CASE_STOPS_CLOCKS)
		add(out, "; ", "all stop");
	for (size_t i = 0; i < CASE_OPS_MAX; i++) {
		const struct case_clock_op *op = &row->ops[i];
		/* Modes share rows: what a mode never starts need not be stopped. */
		if (op->op == CASE_CLOCK_NONE || (op->op == CASE_CLOCK_STOP && !starts(mode, op->clock)))
			continue;
		char text[96];
		snprintf(text, sizeof(text), "T%d %s%s%s", (int)op->clock, verbs[op->op],
		         op->flags & CASE_CLOCK_IF_ORIGINALS ? " if originals travel" : "",
		         op->flags & CASE_CLOCK_IF_BAD ? " if the grade is 4 or 5" : "");
		add(out, "; ", text);
	}
}

/* ---- what all modes share */

static void codes_of_modes(struct tb_buf *out, const struct case_mode *const *list,
                           bool (*has)(const struct case_mode *, int), int value)
{
	for (; *list; list++) {
		if (has(*list, value))
			add(out, ", ", (*list)->code);
	}
}

static bool mode_has_state(const struct case_mode *mode, int state)
{
	return has_state(mode, (PbCaseState)state);
}

static bool mode_has_event(const struct case_mode *mode, int event)
{
	return has_event(mode, (PbCaseEvent)event);
}

static void print_states(struct tb_buf *page)
{
	const proto_enum *type = &pb_case_state__descriptor;
	tb_buf_str(page, "\n## States\n\n"
	                 "| number | name | 状态 | | modes |\n|---|---|---|---|---|\n");
	for (unsigned i = 0; i < type->n_values; i++) {
		PbCaseState state = (PbCaseState)type->values[i].value;
		struct tb_buf modes = {0};
		if (state == PB_CASE_STATE__CASE_STATE_UNSPECIFIED)
			continue;
		codes_of_modes(&modes, case_modes, mode_has_state, (int)state);
		tb_buf_printf(page, "| %d | %s | %s | %s%s | %s |\n", (int)state, case_state_name(state),
		              case_state_text(state, true), case_state_text(state, false),
		              case_state_final(state) ? " (final)" : "", tb_buf_text(&modes));
		tb_buf_clear(&modes);
	}
}

static void print_events(struct tb_buf *page)
{
	const proto_enum *type = &pb_case_event__descriptor;
	tb_buf_str(page, "\n## Events\n\n"
	                 "| number | name | 事件 | | modes |\n|---|---|---|---|---|\n");
	for (unsigned i = 0; i < type->n_values; i++) {
		PbCaseEvent event = (PbCaseEvent)type->values[i].value;
		struct tb_buf modes = {0};
		if (event == PB_CASE_EVENT__CASE_EVENT_UNSPECIFIED)
			continue;
		codes_of_modes(&modes, case_modes, mode_has_event, (int)event);
		tb_buf_printf(page, "| %d | %s | %s | %s | %s |\n", (int)event, case_event_name(event),
		              case_event_text(event, true), case_event_text(event, false),
		              tb_buf_text(&modes));
		tb_buf_clear(&modes);
	}
}

static void print_roles(struct tb_buf *page)
{
	static const struct case_row any = {.roles = UINT32_MAX, .sides = CASE_AT_WINDOW | CASE_AT_HOME};
	tb_buf_str(page, "\n## Roles\n\n| name | 角色 | | acts at |\n|---|---|---|---|\n");
	for (int i = PB_ROLE__APPLICANT; i <= (int)PB_ROLE__R_HEAD; i++) {
		PbRole role = (PbRole)i;
		unsigned sides = (case_row_takes(&any, role, CASE_AT_WINDOW) ? CASE_AT_WINDOW : 0U) |
		                 (case_row_takes(&any, role, CASE_AT_HOME) ? CASE_AT_HOME : 0U);
		tb_buf_printf(page, "| %s | %s | %s | %s |\n", case_role_name(role),
		              case_role_text(role, true), case_role_text(role, false), where(sides));
	}
}

/* "DEEM in 32 (QC, DS)": what it does where it does not just become overdue. */
static void runs_out(struct tb_buf *out, PbClock clock)
{
	const proto_enum *type = &pb_case_state__descriptor;
	for (unsigned i = 0; i < type->n_values; i++) {
		for (PbCaseEvent event = PB_CASE_EVENT__SUBMIT; event < PB_CASE_EVENT__OVERDUE; event++) {
			struct tb_buf modes = {0};
			PbCaseState state = (PbCaseState)type->values[i].value;
			for (const struct case_mode *const *mode = case_modes; *mode; mode++) {
				if (case_clock_event(*mode, state, clock) == event)
					add(&modes, ", ", (*mode)->code);
			}
			if (modes.size > 0) {
				char text[160];
				snprintf(text, sizeof(text), "%s in %d (%s)", case_event_name(event),
				         (int)state, tb_buf_text(&modes));
				add(out, "; ", text);
			}
			tb_buf_clear(&modes);
		}
	}
	add(out, "; else ", "OVERDUE");
}

static void print_clocks(struct tb_buf *page)
{
	tb_buf_str(
		page,
		"\n## Clocks\n\n"
		"Working days; the day of the event that starts one is not counted. A clock that ran out is "
		"noted once and runs on.\n\n"
		"| | 时限 | | days | when it runs out | modes |\n|---|---|---|---|---|---|\n");
	for (int i = PB_CLOCK__T1_NOTIFY; i < CASE_CLOCKS; i++) {
		PbClock clock = (PbClock)i;
		struct tb_buf modes = {0}, end = {0}, days = {0};
		int32_t before = -1;
		for (const struct case_mode *const *mode = case_modes; *mode; mode++) {
			char text[32];
			if (!starts(*mode, clock))
				continue;
			add(&modes, ", ", (*mode)->code);
			if ((*mode)->days[i] == before)
				continue;
			before = (*mode)->days[i];
			snprintf(text, sizeof(text), "%d", (int)before);
			add(&days, ", ", before ? text : "as promised for the item");
		}
		runs_out(&end, clock);
		tb_buf_printf(page, "| T%d | %s | %s | %s | %s | %s |\n", i, case_clock_text(clock, true),
		              case_clock_text(clock, false), tb_buf_text(&days), tb_buf_text(&end),
		              tb_buf_text(&modes));
		tb_buf_clear(&modes);
		tb_buf_clear(&end);
		tb_buf_clear(&days);
	}
}

static void print_ways(struct tb_buf *page)
{
	const proto_enum *type = &pb_delivery_way__descriptor;
	tb_buf_str(page, "\n## Ways of delivery\n\n| name | 送达方式 | |\n|---|---|---|\n");
	for (unsigned i = 0; i < type->n_values; i++) {
		PbDeliveryWay way = (PbDeliveryWay)type->values[i].value;
		if (way != PB_DELIVERY_WAY__DELIVERY_WAY_UNSPECIFIED)
			tb_buf_printf(page, "| %s | %s | %s |\n", type->values[i].name,
			              case_way_text(way, true), case_way_text(way, false));
	}
}

static bool word_used(const char *word)
{
	for (const struct case_mode *const *mode = case_modes; *mode; mode++) {
		for (size_t i = 0; i < (*mode)->rows_count; i++) {
			if (strcmp((*mode)->rows[i].message, word) == 0)
				return true;
		}
	}
	return false;
}

static void print_messages(struct tb_buf *page)
{
	tb_buf_str(page, "\n## Messages\n\n| word | 消息 | |\n|---|---|---|\n");
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (word_used(messages[i].word))
			tb_buf_printf(page, "| %s | %s | %s |\n", messages[i].word, messages[i].zh,
			              messages[i].en);
	}
}

/* A word in a table that the list above does not explain. */
static const char *unexplained(void)
{
	for (const struct case_mode *const *mode = case_modes; *mode; mode++) {
		for (size_t i = 0; i < (*mode)->rows_count; i++) {
			const char *word = (*mode)->rows[i].message;
			bool known = word[0] == '\0';
			for (size_t k = 0; k < sizeof(messages) / sizeof(messages[0]); k++)
				known = known || strcmp(messages[k].word, word) == 0;
			if (!known)
				return word;
		}
	}
	return NULL;
}

/* ---- a mode */

/* The same but for the state? */
static bool alike(const struct case_row *a, const struct case_row *b)
{
	bool stays = a->from == a->to && b->from == b->to;
	return a->event == b->event && a->roles == b->roles && a->sides == b->sides && a->needs == b->needs &&
	       memcmp(a->ops, b->ops, sizeof(a->ops)) == 0 && strcmp(a->message, b->message) == 0 &&
	       a->after == b->after && a->whilst == b->whilst && a->within == b->within &&
	       a->days_max == b->days_max &&
	       (stays || (a->to == b->to && a->from != a->to && b->from != b->to));
}

/* The first of those that are alike speaks for all. */
static bool first_alike(const struct case_mode *mode, const struct case_row *row)
{
	for (const struct case_row *before = mode->rows; before < row; before++) {
		if (alike(before, row))
			return false;
	}
	return true;
}

static size_t sources(const struct case_mode *mode, const struct case_row *row)
{
	size_t count = 0;
	for (size_t i = 0; i < mode->rows_count; i++)
		count += alike(&mode->rows[i], row);
	return count;
}

static void print_row(struct tb_buf *page, const struct case_mode *mode, const struct case_row *row)
{
	struct tb_buf from = {0}, roles = {0}, need = {0}, ops = {0};
	char to[16] = "the same";
	const proto_enum *type = &pb_case_state__descriptor;
	for (unsigned i = 0; i < type->n_values; i++) {
		PbCaseState state = (PbCaseState)type->values[i].value;
		const struct case_row *there = case_row_find(mode, state, row->event);
		char number[16];
		if (!there || !alike(there, row))
			continue;
		snprintf(number, sizeof(number), "%d", (int)state);
		add(&from, ", ", number);
	}
	who(&roles, row);
	needs(&need, row);
	clocks(&ops, mode, row);
	if (row->to != row->from)
		snprintf(to, sizeof(to), "%d", (int)row->to);
	tb_buf_printf(page, "| %s | %s %s | %s | %s | %s | %s | %s | %s |\n", tb_buf_text(&from),
	              case_event_name(row->event), case_event_text(row->event, true), tb_buf_text(&roles),
	              where(row->sides), to, tb_buf_text(&need), tb_buf_text(&ops), row->message);
	tb_buf_clear(&from);
	tb_buf_clear(&roles);
	tb_buf_clear(&need);
	tb_buf_clear(&ops);
}

/* Is |row| an arrow of the diagram? */
static bool drawn(const struct case_mode *mode, const struct case_row *row)
{
	return row->from != row->to &&
	       !(case_state_final(row->to) && sources(mode, row) > DIAGRAM_SOURCES_MAX);
}

/* One arrow for all events between two states. */
static void print_arrow(struct tb_buf *page, const struct case_mode *mode, const struct case_row *row)
{
	struct tb_buf events = {0};
	for (const struct case_row *other = mode->rows; other < mode->rows + mode->rows_count; other++) {
		if (other->from != row->from || other->to != row->to || !drawn(mode, other))
			continue;
		if (other < row) {
			tb_buf_clear(&events);
			return;
		}
		add(&events, ", ", case_event_name(other->event));
	}
	tb_buf_printf(page, "    s%d --> s%d: %s\n", (int)row->from, (int)row->to, tb_buf_text(&events));
	tb_buf_clear(&events);
}

static void print_diagram(struct tb_buf *page, const struct case_mode *mode)
{
	const proto_enum *type = &pb_case_state__descriptor;
	tb_buf_str(page, "\n```mermaid\nstateDiagram-v2\n");
	for (unsigned i = 0; i < type->n_values; i++) {
		PbCaseState state = (PbCaseState)type->values[i].value;
		if (has_state(mode, state))
			tb_buf_printf(page, "    state \"%d %s %s\" as s%d\n", (int)state,
			              case_state_text(state, true), case_state_text(state, false),
			              (int)state);
	}
	tb_buf_printf(page, "    [*] --> s%d\n", (int)PB_CASE_STATE__DRAFT);
	for (size_t i = 0; i < mode->rows_count; i++) {
		if (drawn(mode, &mode->rows[i]))
			print_arrow(page, mode, &mode->rows[i]);
	}
	for (unsigned i = 0; i < type->n_values; i++) {
		PbCaseState state = (PbCaseState)type->values[i].value;
		if (has_state(mode, state) && case_state_final(state))
			tb_buf_printf(page, "    s%d --> [*]\n", (int)state);
	}
	tb_buf_str(page, "```\n");
}

static void print_mode(struct tb_buf *page, const struct case_mode *mode)
{
	tb_buf_printf(page, "\n### %s %s: %s\n", mode->code, mode->name_zh, mode->name_en);
	if (mode->listed_as)
		tb_buf_printf(page, "\nItem lists and grants call it %s.\n", mode->listed_as);
	print_diagram(page, mode);
	tb_buf_str(page, "\n| from | event | who | where | to | needs | clocks | message |\n"
	                 "|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < mode->rows_count; i++) {
		if (first_alike(mode, &mode->rows[i]))
			print_row(page, mode, &mode->rows[i]);
	}
}

static void print_page(struct tb_buf *page)
{
	tb_buf_str(page, intro);
	print_states(page);
	print_events(page);
	print_roles(page);
	print_clocks(page);
	print_ways(page);
	print_messages(page);
	tb_buf_str(page, modes_head);
	for (const struct case_mode *const *mode = case_modes; *mode; mode++)
		print_mode(page, *mode);
}

/* ---- the file */

static int compare(const struct tb_buf *page, const char *path)
{
	static char there[PAGE_BYTES_MAX];
	FILE *file = fopen(path, "rb");
	size_t size = file ? fread(there, 1, sizeof(there), file) : 0;
	unsigned line = 1;
	if (file)
		fclose(file);
	for (size_t i = 0; i < size && i < page->size && there[i] == (char)page->data[i]; i++)
		line += there[i] == '\n';
	if (file && size == page->size && memcmp(there, page->data, size) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "%s:%u: not what the tables say; make it again: tongban-casedoc > docs/cases.md\n",
	        path, line);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct tb_buf page = {0};
	const char *word = unexplained();
	int status = EXIT_SUCCESS;
	if (word) {
		fprintf(stderr, "casedoc.c does not explain the message %s\n", word);
		return EXIT_FAILURE;
	}
	print_page(&page);
	if (argc > 1)
		status = compare(&page, argv[1]);
	else
		fwrite(page.data, 1, page.size, stdout);
	tb_buf_clear(&page);
	return status;
}
