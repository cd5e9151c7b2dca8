/* Agreements, and the cases that only an agreement allows: those decided by the window's region in the name
 * of the home region (YB), those accepted there (YS), and joint ones with a part in each of two regions (LB).
 * The people here know who has signed what, what it covers, and when it was ended: no case may say otherwise.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/casetable.h"
#include "sim/check_priv.h"
#include "sim/net.h"
#include "sim/work_priv.h"

enum {
	PROPOSED_PPM = 350000,    /* of the nodes: each with one partner */
	SIGNED_PPM = 600000,      /* of the agreements; the others wait for a signature for ever */
	ENDED_PPM = 300000,       /* of those that may be signed: its proposer gives notice */
	NARROW_PPM = 300000,      /* leave out one of the modes */
	UNDELEGATED_PPM = 250000, /* do not let the window's region decide */
	CASES_TRIED = 9,          /* under each */
	RESTS_PPM = 300000,       /* of the looks at a case: the department does nothing */
	SUSPENDED_PPM = 150000,
	DENIED_PPM = 250000,
	RETURNED_PPM = 200000,
	GIVEN_UP_PPM = 20000, /* by the applicant */
	TRIES_MOST = 60,      /* looks at a case */
	SERIALS_FROM = 1 << 24,
};

enum pact_mode { MODE_YB, MODE_LB, MODE_YS, MODES };

static const char *const mode_words[MODES] = {"YB", "LB", "YS"};

#define ITEM "123204000000000013320001000001C"

struct pact;

struct pact_case {
	struct pact *pact;
	enum pact_mode mode;
	bool in_order; /* the second part waits for the first */
	uint32_t serial;
	unsigned tries;
	char number[IDENT_CASE_ROOM];              /* "": not acknowledged */
	char parts[TB_PARTS_MAX][IDENT_CASE_ROOM]; /* of a joint one, once they have begun */
	size_t parts_count;
};

struct pact {
	struct pact *next;
	struct sim_work *work;
	uint32_t window;
	uint32_t home;
	char id[64];        /* "": none of its own */
	bool may_be_signed; /* the other party was asked to sign */
	bool covers[MODES];
	bool delegates; /* the window's region may decide */
	bool ends;      /* notice is given some day */
	tb_day ended;   /* the first day without it, as the proposer was told; 0: none */
	struct sim_random random;
	struct pact_case cases[CASES_TRIED];
};

static void propose_run(struct sim_world *world, void *subject, uint64_t argument);
static void sign_run(struct sim_world *world, void *subject, uint64_t argument);
static void end_run(struct sim_world *world, void *subject, uint64_t argument);
static void pact_submit_run(struct sim_world *world, void *subject, uint64_t argument);
static void pact_step_run(struct sim_world *world, void *subject, uint64_t argument);
static const struct sim_event_kind propose_event = {"propose", propose_run, NULL};
static const struct sim_event_kind end_event = {"end-pact", end_run, NULL};
static const struct sim_event_kind sign_event = {"sign", sign_run, NULL};
static const struct sim_event_kind submit_event = {"pact-submit", pact_submit_run, NULL};
static const struct sim_event_kind step_event = {"pact-step", pact_step_run, NULL};

static void later(struct pact *pact, const struct sim_event_kind *kind, void *subject, sim_time mean)
{
	sim_time wait = SIM_SECOND + sim_random_exponential(&pact->random, mean);
	if (!pact->work->world->healed)
		sim_after(pact->work->world, wait, kind, subject, 0);
}

/* ---- the agreement */

static void hand_in_some_day(struct pact *pact)
{
	struct sim_world *world = pact->work->world;
	for (size_t i = 0; i < CASES_TRIED; i++)
		sim_after(world, (sim_time)sim_random_below(&pact->random, (uint64_t)world->options.span),
		          &submit_event, &pact->cases[i], 0);
}

static void proposed(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                     void *ctx)
{
	struct pact *pact = ctx;
	(void)node;
	if (!reply || reply->error.code)
		return; /* perhaps it is there: nobody goes on with it */
	const PbAgreementView *view = (const PbAgreementView *)(const void *)reply->reply;
	snprintf(pact->id, sizeof(pact->id), "%s", view->agreement->id);
	hand_in_some_day(pact);
	if (sim_random_chance(&pact->random, SIGNED_PPM))
		later(pact, &sign_event, pact, world->options.span / 10);
	if (pact->ends)
		sim_after(world,
		          (sim_time)sim_random_range(&pact->random, world->options.span / 5,
		                                     world->options.span),
		          &end_event, pact, 0);
}

/* Some agreements leave something out: what they do not cover must not happen. */
static void draw_terms(struct pact *pact)
{
	bool narrow = sim_random_chance(&pact->random, NARROW_PPM);
	unsigned missing = (unsigned)sim_random_below(&pact->random, MODES);
	for (unsigned mode = 0; mode < MODES; mode++)
		pact->covers[mode] = !narrow || mode != missing;
	pact->delegates = !sim_random_chance(&pact->random, UNDELEGATED_PPM);
	pact->ends = sim_random_chance(&pact->random, ENDED_PPM);
}

static void propose_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct pact *pact = subject;
	struct sim_node *node = &world->nodes[pact->window];
	const char *a = node->code, *b = world->nodes[pact->home].code;
	struct tb_buf json = {0};
	(void)argument;
	if (node->state != SIM_NODE_UP)
		return;
	tb_buf_printf(&json,
	              "{\"agreement\":{\"title\":\"通办协议\",\"parties\":[\"%s\",\"%s\"],"
	              "\"validFrom\":\"2020-01-01\",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\",\"QC\"",
	              strcmp(a, b) < 0 ? a : b, strcmp(a, b) < 0 ? b : a);
	for (unsigned mode = 0; mode < MODES; mode++) {
		if (pact->covers[mode])
			tb_buf_printf(&json, ",\"%s\"", mode_words[mode]);
	}
	tb_buf_printf(&json,
	              "],\"rights\":[\"ACCEPT_CASES\",\"NOTIFY_ONCE\",\"CHECK_ORIGINALS\","
	              "\"DELIVER_RESULTS\"%s]}]}}",
	              pact->delegates ? ",\"DECIDE_CASES\"" : "");
	sim_node_ask(node, "/tongban.v1.AgreementService/Propose", tb_buf_bytes(&json), proposed, pact);
	tb_buf_clear(&json);
}

static void has_signed(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                       void *ctx)
{
	struct pact *pact = ctx;
	(void)world;
	(void)node;
	if (!reply || reply->error.code) /* not here yet, say */
		later(pact, &sign_event, pact, SIM_HOUR);
}

static void sign_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct pact *pact = subject;
	struct sim_node *node = &world->nodes[pact->home];
	struct tb_buf json = {0};
	(void)argument;
	if (world->healed)
		return;
	if (node->state != SIM_NODE_UP) {
		later(pact, &sign_event, pact, SIM_HOUR);
		return;
	}
	pact->may_be_signed = true;
	tb_buf_printf(&json, "{\"id\":\"%s\"}", pact->id);
	sim_node_ask(node, "/tongban.v1.AgreementService/Sign", tb_buf_bytes(&json), has_signed, pact);
	tb_buf_clear(&json);
}

static void has_ended_it(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                         void *ctx)
{
	struct pact *pact = ctx;
	if (!reply) {
		later(pact, &end_event, pact, SIM_HOUR); /* perhaps it is said: it is said again */
		return;
	}
	if (!reply->error.code) {
		tb_time now = sim_node_now(node), then = sim_ms(world->now);
		pact->ended = tb_day_at(now > then ? now : then);
		sim_mark(&world->marks, SIM_MARK_PACT_ENDED);
	}
}

/* The proposer gives notice; there is no term of notice. */
static void end_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct pact *pact = subject;
	struct sim_node *node = &world->nodes[pact->window];
	struct tb_buf json = {0};
	(void)argument;
	if (world->healed)
		return;
	if (node->state != SIM_NODE_UP) {
		later(pact, &end_event, pact, SIM_HOUR);
		return;
	}
	tb_buf_printf(&json, "{\"id\":\"%s\",\"reason\":\"重新商定\"}", pact->id);
	sim_node_ask(node, "/tongban.v1.AgreementService/End", tb_buf_bytes(&json), has_ended_it, pact);
	tb_buf_clear(&json);
}

/* ---- cases under it */

/* It is known to have ended for the people at |node|: notice counts by the day of the clock there. */
static bool has_ended(const struct pact *pact, const struct sim_node *node)
{
	tb_time now = sim_node_now(node), then = sim_ms(node->world->now);
	tb_time earlier =
		(now < then ? now : then) - 5 * TB_MINUTE; /* of the turn, whatever its clock did since */
	return pact->ended && node->index == pact->window && tb_day_at(earlier) >= pact->ended;
}

static const struct pact *pact_named(const struct sim_work *work, const char *id)
{
	const struct pact *pact = work->pacts;
	while (pact && strcmp(pact->id, id) != 0)
		pact = pact->next;
	return pact;
}

/* What is wrong with the agreement that |record| stands on; NULL: nothing, or nobody can say. */
static const char *promise_problem(const struct sim_work *work, const PbCaseRecord *record)
{
	const struct pact *pact = record->agreement[0] ? pact_named(work, record->agreement) : NULL;
	bool decides = strcmp(record->mode, "YB") == 0;
	if (!record->agreement[0])
		return decides || strcmp(record->mode, "YS") == 0 ? "rests on no agreement" : NULL;
	if (!pact) /* of a hostile region, or one whose proposer was never told that it is there */
		return NULL;
	if (!pact->may_be_signed)
		return "rests on an agreement that its other party never signed";
	if (decides && !pact->delegates)
		return "was decided by a region that was not let to";
	for (unsigned mode = 0; mode < MODES; mode++) {
		bool this = strcmp(record->mode, mode == MODE_LB ? "LS" : mode_words[mode]) == 0;
		if (this && !pact->covers[mode])
			return "rests on an agreement that does not cover its mode";
	}
	return NULL;
}

void sim_pacts_check(struct sim_node *node, const PbCaseRecord *record)
{
	struct sim_world *world = node->world;
	const char *problem = promise_problem(world->work, record);
	if (!sim_case_reliable(world, record))
		return;
	if (problem)
		sim_check_broke(world, SIM_RULE_PROMISED, node->index, record->number, "%s", problem);
	sim_check_held(world, SIM_RULE_PROMISED);
	const struct sim_node *window = sim_node_find(world, record->window),
			      *home = sim_node_find(world, record->home);
	if (strcmp(record->mode, "YB") == 0 && strcmp(sim_criteria(window), sim_criteria(home)) != 0)
		sim_check_broke(world, SIM_RULE_PROMISED, node->index, record->number,
		                "decided by other criteria than those of %s", record->home);
}

/* The people at the window have just been told that their case is there. */
static void check_new(struct pact_case *kase, struct sim_node *node)
{
	struct sim_reader reader;
	sim_read_begin(&reader, node);
	const PbCaseRecord *record = sim_read_case(&reader, kase->number);
	const struct pact *cited =
		record && record->agreement[0] ? pact_named(kase->pact->work, record->agreement) : NULL;
	if (record)
		sim_pacts_check(node, record);
	if (cited && has_ended(cited, node) && sim_node_reliable(node))
		sim_check_broke(node->world, SIM_RULE_PROMISED, node->index, kase->number,
		                "rests on an agreement that has ended");
	sim_read_end(&reader);
}

static void submitted(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                      void *ctx)
{
	struct pact_case *kase = ctx;
	struct pact *pact = kase->pact;
	if (!reply) {
		later(pact, &submit_event, kase, SIM_MINUTE);
		return;
	}
	if (reply->error.code)
		return; /* not in force, or not yet */
	const PbCaseView *view = (const PbCaseView *)(const void *)reply->reply;
	sim_check_acked(node, kase->serial, view->number);
	if (kase->number[0])
		return;
	snprintf(kase->number, sizeof(kase->number), "%s", view->number);
	pact->work->counts.cases++;
	sim_tell(world, SIM_CASE_EVENT, pact->window, pact->home, kase->number, "handed in, %s",
	         kase->mode == MODE_LB   ? "a joint case"
	         : kase->mode == MODE_YB ? "to be decided here"
	                                 : "to be accepted here");
	check_new(kase, node);
	later(pact, &step_event, kase, pact->work->pace);
}

static void pact_submit_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct pact_case *kase = subject;
	struct pact *pact = kase->pact;
	struct sim_node *node = &world->nodes[pact->window];
	const char *home = world->nodes[pact->home].code;
	struct tb_buf json = {0};
	(void)argument;
	if (world->healed || node->state != SIM_NODE_UP)
		return;
	tb_buf_printf(&json,
	              "{\"application\":{\"mode\":\"%s\",\"home\":\"%s\",\"applicant\":{\"name\":\"王伟\","
	              "\"codeType\":\"111\",\"code\":\"11010519491231002X\"},\"delivery\":\"WINDOW_PICKUP\",",
	              mode_words[kase->mode], kase->mode == MODE_LB ? node->code : home);
	if (kase->mode == MODE_LB)
		tb_buf_printf(&json,
		              "\"itemName\":\"联办\",\"parts\":[{\"home\":\"%s\",\"item\":\"" ITEM
		              "\"},{\"home\":\"%s\",\"item\":\"" ITEM "\"%s}]",
		              home, node->code, kase->in_order ? ",\"after\":[0]" : "");
	else
		tb_buf_str(&json, "\"item\":\"" ITEM "\",\"window\":\"1\"");
	tb_buf_printf(&json,
	              "},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true,\"requestId\":\"%u\"}",
	              kase->serial);
	sim_node_ask(node, "/tongban.v1.CaseService/Submit", tb_buf_bytes(&json), submitted, kase);
	tb_buf_clear(&json);
}

static void act(struct pact_case *kase, struct sim_node *node, const char *number, const char *event,
                const char *role)
{
	struct tb_buf json = {0};
	if (node->state != SIM_NODE_UP)
		return;
	tb_buf_printf(&json,
	              "{\"number\":\"%s\",\"event\":\"%s\",\"actor\":{\"role\":\"%s\",\"id\":\"a1\"},"
	              "\"detail\":{\"reason\":\"核实\",\"way\":\"WINDOW_PICKUP\",\"days\":3}}",
	              number, event, role);
	sim_tell(kase->pact->work->world, SIM_CASE_EVENT, node->index, SIM_NOBODY, number, "%s by %s", event,
	         role);
	sim_node_ask(node, "/tongban.v1.CaseService/Act", tb_buf_bytes(&json), NULL, NULL);
	tb_buf_clear(&json);
}

/* The lead's case and what it knows of its parts, which are all of the same length: each that is not granted
 * yet is on the critical path. */
static void check_lead(struct sim_node *node, const PbCaseRecord *lead)
{
	struct sim_world *world = node->world;
	bool special = false;
	if (lead->state != PB_CASE_STATE__REVIEW && lead->state != PB_CASE_STATE__ACCEPTED)
		return;
	for (size_t i = 0; i < lead->n_parts; i++) {
		const PbCasePart *part = lead->parts[i];
		special = special || part->state == PB_CASE_STATE__SPECIAL;
		for (size_t j = 0; j < part->n_after && part->number[0]; j++) {
			if (lead->parts[part->after[j]]->state != PB_CASE_STATE__GRANTED)
				sim_check_broke(world, SIM_RULE_PARTS, node->index, lead->number,
				                "part %zu began before what it waits for was granted", i);
		}
	}
	for (size_t i = 0; i < lead->n_clocks && lead->state == PB_CASE_STATE__REVIEW; i++) {
		if (lead->clocks[i]->clock == PB_CLOCK__T8_JOINT && lead->clocks[i]->running == special)
			sim_check_broke(world, SIM_RULE_CLOCKS, node->index, lead->number,
			                "a part is %sin a special procedure, and the joint limit %s",
			                special ? "" : "not ", special ? "runs" : "rests");
	}
	sim_check_held(world, SIM_RULE_PARTS);
	sim_check_held(world, SIM_RULE_CLOCKS);
}

/* What |node| says of a case; and, if |kase|, which parts it has. */
static PbCaseState look(struct sim_node *node, const char *number, struct pact_case *kase)
{
	struct sim_reader reader;
	PbCaseState state = PB_CASE_STATE__CASE_STATE_UNSPECIFIED;
	if (node->state != SIM_NODE_UP || !node->core)
		return state;
	sim_read_begin(&reader, node);
	const PbCaseRecord *record = sim_read_case(&reader, number);
	if (record)
		state = record->state;
	if (record && kase && kase->mode == MODE_LB)
		check_lead(node, record);
	for (size_t i = 0; record && kase && i < record->n_parts && i < TB_PARTS_MAX; i++) {
		snprintf(kase->parts[i], sizeof(kase->parts[i]), "%s", record->parts[i]->number);
		kase->parts_count = record->n_parts;
	}
	sim_read_end(&reader);
	return state;
}

/* A part of a joint case, or a case that was accepted elsewhere, in the department of |node|. */
static void step_department(struct pact_case *kase, struct sim_node *node, const char *number,
                            struct sim_random *random)
{
	PbCaseState state = number[0] ? look(node, number, NULL) : PB_CASE_STATE__CASE_STATE_UNSPECIFIED;
	bool rests = sim_random_chance(random, RESTS_PPM), back = sim_random_chance(random, RETURNED_PPM);
	bool suspends = sim_random_chance(random, SUSPENDED_PPM),
	     denies = sim_random_chance(random, DENIED_PPM);
	if (state == PB_CASE_STATE__ACCEPTED && kase->mode == MODE_YS && back)
		act(kase, node, number, "RETURN", "H_WIN");
	else if (state == PB_CASE_STATE__ACCEPTED)
		act(kase, node, number, "START", "H_DEPT");
	else if (state == PB_CASE_STATE__SPECIAL && !rests)
		act(kase, node, number, "RESUME", "H_DEPT");
	else if (state == PB_CASE_STATE__REVIEW && suspends)
		act(kase, node, number, "SUSPEND", "H_DEPT");
	else if (state == PB_CASE_STATE__REVIEW && !rests)
		act(kase, node, number, denies ? "DENY" : "GRANT", "H_DEPT");
	else if (kase->mode == MODE_YS && (state == PB_CASE_STATE__GRANTED || state == PB_CASE_STATE__DENIED))
		act(kase, node, number, "DISPATCH", "H_WIN");
}

static void step_window(struct pact_case *kase, struct sim_node *node, PbCaseState state)
{
	bool decides = kase->mode == MODE_YB, leads = kase->mode == MODE_LB;
	if (state == PB_CASE_STATE__DELIVERING)
		act(kase, node, kase->number, "HAND_OVER", "R_WIN");
	else if ((decides || leads) && (state == PB_CASE_STATE__GRANTED || state == PB_CASE_STATE__DENIED))
		act(kase, node, kase->number, "DISPATCH", "R_WIN");
	else if (decides && state == PB_CASE_STATE__ACCEPTED)
		act(kase, node, kase->number, "START", "R_DEPT");
	else if (decides && state == PB_CASE_STATE__REVIEW)
		act(kase, node, kase->number, "GRANT", "R_DEPT");
	else if (kase->mode == MODE_YS && state == PB_CASE_STATE__RETURNED)
		act(kase, node, kase->number, "SEND", "R_WIN");
}

static void pact_step_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct pact_case *kase = subject;
	struct pact *pact = kase->pact;
	struct sim_node *window = &world->nodes[pact->window], *home = &world->nodes[pact->home];
	(void)argument;
	if (world->healed)
		return;
	PbCaseState state = look(window, kase->number, kase);
	if (case_state_final(state) || ++kase->tries > TRIES_MOST)
		return;
	step_window(kase, window, state);
	if (kase->mode == MODE_YS)
		step_department(kase, home, kase->number, &pact->random);
	for (size_t i = 0; i < kase->parts_count; i++)
		step_department(kase, i == 0 ? home : window, kase->parts[i], &pact->random);
	if (sim_random_chance(&pact->random, GIVEN_UP_PPM))
		act(kase, window, kase->number, "WITHDRAW", "APPLICANT");
	later(pact, &step_event, kase, pact->work->pace);
}

/* ---- for the others */

static struct pact *pact_new(struct sim_work *work, uint32_t window, uint32_t home,
                             const struct sim_random *random)
{
	struct pact *pact = tb_alloc(sizeof(*pact));
	pact->work = work;
	pact->window = window;
	pact->home = home;
	pact->random = *random;
	draw_terms(pact);
	pact->next = work->pacts;
	work->pacts = pact;
	for (size_t k = 0; k < CASES_TRIED; k++)
		pact->cases[k] = (struct pact_case){.pact = pact,
		                                    .mode = (enum pact_mode)(k % MODES),
		                                    .in_order = sim_random_chance(&pact->random, 500000),
		                                    .serial = work->pact_serial++};
	return pact;
}

void sim_pact_cases(struct sim_work *work, uint32_t window, uint32_t home, struct sim_random *random)
{
	struct sim_random own;
	sim_random_start(&own, sim_random_u64(random), "pact-cases", window);
	hand_in_some_day(pact_new(work, window, home, &own));
}

void sim_pacts_begin(struct sim_work *work)
{
	struct sim_world *world = work->world;
	work->pact_serial = SERIALS_FROM;
	for (uint32_t i = 0; i < world->nodes_count; i++) {
		struct sim_random random;
		sim_random_start(&random, world->options.seed, "pact", i);
		uint32_t partner = sim_some_partner(world, i, &random);
		if (partner == SIM_NOBODY || world->nodes[i].absent || world->nodes[partner].absent ||
		    !sim_random_chance(&random, PROPOSED_PPM) ||
		    !sim_decide(world, SIM_DO_PACT, i, partner, 0))
			continue;
		struct pact *pact = pact_new(work, i, partner, &random);
		later(pact, &propose_event, pact, world->options.span / 20);
	}
}

void sim_pacts_wind_up(struct sim_work *work)
{
	struct sim_world *world = work->world;
	for (struct pact *pact = work->pacts; pact; pact = pact->next) {
		struct sim_node *window = &world->nodes[pact->window];
		for (size_t i = 0; i < CASES_TRIED; i++) {
			struct pact_case *kase = &pact->cases[i];
			PbCaseState state = kase->number[0] ? look(window, kase->number, kase)
			                                    : PB_CASE_STATE__CASE_STATE_UNSPECIFIED;
			if (!state || case_state_final(state))
				continue;
			if (kase->mode == MODE_YS &&
			    (state == PB_CASE_STATE__GRANTED || state == PB_CASE_STATE__DENIED))
				act(kase, &world->nodes[pact->home], kase->number, "DISPATCH", "H_WIN");
			else if (state == PB_CASE_STATE__GRANTED || state == PB_CASE_STATE__DENIED ||
			         state == PB_CASE_STATE__DELIVERING)
				step_window(kase, window, state);
			else
				act(kase, window, kase->number, "WITHDRAW", "R_WIN");
		}
	}
}

bool sim_pacts_cases(struct sim_work *work,
                     bool (*each)(void *ctx, const char *number, struct sim_node *window,
                                  struct sim_node *home),
                     void *ctx)
{
	struct sim_world *world = work->world;
	for (struct pact *pact = work->pacts; pact; pact = pact->next) {
		struct sim_node *window = &world->nodes[pact->window], *home = &world->nodes[pact->home];
		for (size_t i = 0; i < CASES_TRIED; i++) {
			struct pact_case *kase = &pact->cases[i];
			if (kase->number[0] &&
			    !each(ctx, kase->number, window, kase->mode == MODE_LB ? window : home))
				return false;
			if (kase->number[0] && kase->mode == MODE_LB)
				(void)look(window, kase->number, kase);
			for (size_t part = 0; part < kase->parts_count; part++) {
				if (kase->parts[part][0] &&
				    !each(ctx, kase->parts[part], window, part == 0 ? home : window))
					return false;
			}
		}
	}
	return true;
}

void sim_pacts_free(struct sim_work *work)
{
	while (work->pacts) {
		struct pact *next = work->pacts->next;
		free(work->pacts);
		work->pacts = next;
	}
}
