/* Agreements, and the cases that only an agreement allows: those decided by the window's region in the name
 * of the home region (YB), and joint ones with a part in each of two regions (LB). The people here know who
 * has signed what, and what was granted: no case may say otherwise. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/casetable.h"
#include "sim/check.h"
#include "sim/net.h"
#include "sim/work_priv.h"

enum {
	PROPOSED_PPM = 350000, /* of the nodes: each with one partner */
	SIGNED_PPM = 600000,   /* of the agreements; the others wait for a signature for ever */
	CASES_TRIED = 6,       /* under each */
	TRIES_MOST = 60,       /* looks at a case */
	SERIALS_FROM = 1 << 24,
};

#define ITEM "123204000000000013320001000001C"

struct pact;

struct pact_case {
	struct pact *pact;
	bool joint;
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
	char id[64];
	bool may_be_signed; /* the other party was asked to sign */
	struct sim_random random;
	struct pact_case cases[CASES_TRIED];
};

static void propose_run(struct sim_world *world, void *subject, uint64_t argument);
static void sign_run(struct sim_world *world, void *subject, uint64_t argument);
static void pact_submit_run(struct sim_world *world, void *subject, uint64_t argument);
static void pact_step_run(struct sim_world *world, void *subject, uint64_t argument);
static const struct sim_event_kind propose_event = {"propose", propose_run, NULL};
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

static void proposed(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                     void *ctx)
{
	struct pact *pact = ctx;
	(void)node;
	if (!reply || reply->error.code)
		return; /* perhaps it is there: nobody goes on with it */
	const PbAgreementView *view = (const PbAgreementView *)(const void *)reply->reply;
	snprintf(pact->id, sizeof(pact->id), "%s", view->agreement->id);
	for (size_t i = 0; i < CASES_TRIED; i++)
		sim_after(world, (sim_time)sim_random_below(&pact->random, (uint64_t)world->options.span),
		          &submit_event, &pact->cases[i], 0);
	if (sim_random_chance(&pact->random, SIGNED_PPM))
		later(pact, &sign_event, pact, world->options.span / 10);
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
	              "\"validFrom\":\"2020-01-01\",\"terms\":[{\"items\":[\"*\"],"
	              "\"modes\":[\"DS\",\"YB\",\"LB\"],\"rights\":[\"ACCEPT_CASES\",\"NOTIFY_ONCE\","
	              "\"CHECK_ORIGINALS\",\"DELIVER_RESULTS\",\"DECIDE_CASES\"]}]}}",
	              strcmp(a, b) < 0 ? a : b, strcmp(a, b) < 0 ? b : a);
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

/* ---- cases under it */

/* Is there an agreement between the two, either way round, that both may have signed? */
static bool may_be_in_force(const struct pact *case_pact)
{
	for (const struct pact *pact = case_pact->work->pacts; pact; pact = pact->next) {
		bool same = pact->window == case_pact->window && pact->home == case_pact->home;
		bool other_way = pact->window == case_pact->home && pact->home == case_pact->window;
		if (pact->may_be_signed && (same || other_way))
			return true;
	}
	return false;
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
	         kase->joint ? "a joint case" : "to be decided here");
	if (!kase->joint && !may_be_in_force(pact) && sim_node_reliable(node) &&
	    sim_node_reliable(&world->nodes[pact->home]))
		sim_check_broke(world, SIM_RULE_PROMISED, node->index, kase->number,
		                "rests on agreement %s, which %s never signed", pact->id,
		                world->nodes[pact->home].code);
	sim_check_held(world, SIM_RULE_PROMISED);
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
	              kase->joint ? "LB" : "YB", kase->joint ? node->code : home);
	if (kase->joint)
		tb_buf_printf(&json,
		              "\"itemName\":\"联办\",\"parts\":[{\"home\":\"%s\",\"item\":\"" ITEM
		              "\"},{\"home\":\"%s\",\"item\":\"" ITEM "\"}]",
		              home, node->code);
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
	              "\"detail\":{\"reason\":\"核实\",\"way\":\"WINDOW_PICKUP\"}}",
	              number, event, role);
	sim_tell(kase->pact->work->world, SIM_CASE_EVENT, node->index, SIM_NOBODY, number, "%s by %s", event,
	         role);
	sim_node_ask(node, "/tongban.v1.CaseService/Act", tb_buf_bytes(&json), NULL, NULL);
	tb_buf_clear(&json);
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
	for (size_t i = 0; record && kase && i < record->n_parts && i < TB_PARTS_MAX; i++) {
		snprintf(kase->parts[i], sizeof(kase->parts[i]), "%s", record->parts[i]->number);
		kase->parts_count = record->n_parts;
	}
	sim_read_end(&reader);
	return state;
}

static void step_part(struct pact_case *kase, struct sim_node *node, const char *number,
                      struct sim_random *random)
{
	PbCaseState state = number[0] ? look(node, number, NULL) : PB_CASE_STATE__CASE_STATE_UNSPECIFIED;
	if (state == PB_CASE_STATE__ACCEPTED)
		act(kase, node, number, "START", "H_DEPT");
	else if (state == PB_CASE_STATE__REVIEW && !sim_random_chance(random, 300000))
		act(kase, node, number, sim_random_chance(random, 250000) ? "DENY" : "GRANT", "H_DEPT");
}

static void step_window(struct pact_case *kase, struct sim_node *node, PbCaseState state)
{
	if (state == PB_CASE_STATE__GRANTED || state == PB_CASE_STATE__DENIED)
		act(kase, node, kase->number, "DISPATCH", "R_WIN");
	else if (state == PB_CASE_STATE__DELIVERING)
		act(kase, node, kase->number, "HAND_OVER", "R_WIN");
	else if (!kase->joint && state == PB_CASE_STATE__ACCEPTED)
		act(kase, node, kase->number, "START", "R_DEPT");
	else if (!kase->joint && state == PB_CASE_STATE__REVIEW)
		act(kase, node, kase->number, "GRANT", "R_DEPT");
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
	for (size_t i = 0; i < kase->parts_count; i++)
		step_part(kase, i == 0 ? home : window, kase->parts[i], &pact->random);
	later(pact, &step_event, kase, pact->work->pace);
}

/* ---- for the others */

void sim_pacts_begin(struct sim_work *work)
{
	struct sim_world *world = work->world;
	uint32_t serial = SERIALS_FROM;
	for (uint32_t i = 0; i < world->nodes_count; i++) {
		struct sim_random random;
		sim_random_start(&random, world->options.seed, "pact", i);
		uint32_t partner = sim_some_partner(world, i, &random);
		if (partner == SIM_NOBODY || world->nodes[i].absent || world->nodes[partner].absent ||
		    !sim_random_chance(&random, PROPOSED_PPM) ||
		    !sim_decide(world, SIM_DO_PACT, i, partner, 0))
			continue;
		struct pact *pact = tb_alloc(sizeof(*pact));
		pact->work = work;
		pact->window = i;
		pact->home = partner;
		pact->random = random;
		pact->next = work->pacts;
		work->pacts = pact;
		for (size_t k = 0; k < CASES_TRIED; k++)
			pact->cases[k] =
				(struct pact_case){.pact = pact, .joint = k % 2 == 1, .serial = serial++};
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
			if (state == PB_CASE_STATE__GRANTED || state == PB_CASE_STATE__DENIED ||
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
			if (kase->number[0] && !each(ctx, kase->number, window, kase->joint ? window : home))
				return false;
			if (kase->number[0] && kase->joint)
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
