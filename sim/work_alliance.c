/* Alliances: agreements of three or more regions that are signed by one after the other, amended by any of
 * them, and ended, while cases under them are open and what the parties say of them crosses on its way. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/casetable.h"
#include "sim/net.h"
#include "sim/work_priv.h"

enum {
	ALLIANCES_MOST = 3,
	PARTIES_LEAST = 3,
	PARTIES_MOST = 5,
	FORMED_PPM = 500000,  /* of those that could be */
	LEAVES_PPM = 120000,  /* of the times that a party attends to it: it gives notice */
	AMENDS_PPM = 350000,  /* it proposes the next version */
	CROSSES_PPM = 300000, /* and another does so at the same time */
	MODE_PPM = 750000,    /* a version covers a mode */
	DELEGATES_PPM = 750000,
	ATTENDED = 8, /* times in a run, by each party */
	VERSIONS_MOST = 12,
};

#define CROSS_TIME (20 * SIM_MS)

struct sim_alliance {
	struct sim_alliance *next;
	struct sim_work *work;
	uint32_t parties[PARTIES_MOST];
	size_t count;
	char id[64]; /* "": not proposed, or nobody was told that it is */
	uint32_t proposals;
	uint32_t proposer[VERSIONS_MOST +
	                  1]; /* who was told first that a version is there, and 1; 0: nobody */
	struct sim_random random;
};

static void propose_run(struct sim_world *world, void *subject, uint64_t argument);
static void cross_run(struct sim_world *world, void *subject, uint64_t argument);
static void attend_run(struct sim_world *world, void *subject, uint64_t party);
static const struct sim_event_kind propose_event = {"alliance", propose_run, NULL};
static const struct sim_event_kind cross_event = {"cross", cross_run, NULL};
static const struct sim_event_kind attend_event = {"attend", attend_run, NULL};

static void attend_later(struct sim_alliance *alliance, uint32_t party)
{
	struct sim_world *world = alliance->work->world;
	sim_time wait =
		SIM_MINUTE + sim_random_exponential(&alliance->random, world->options.span / ATTENDED);
	if (!world->healed)
		sim_after(world, wait, &attend_event, alliance, party);
}

/* ---- proposing */

static void add_terms(struct tb_buf *json, struct sim_random *random)
{
	static const char *const modes[] = {"YS", "YB", "LB"};
	tb_buf_str(json,
	           "\"validFrom\":\"2020-01-01\",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\",\"QC\"");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (sim_random_chance(random, MODE_PPM))
			tb_buf_printf(json, ",\"%s\"", modes[i]);
	}
	tb_buf_printf(json,
	              "],\"rights\":[\"ACCEPT_CASES\",\"NOTIFY_ONCE\",\"CHECK_ORIGINALS\","
	              "\"DELIVER_RESULTS\"%s]}]",
	              sim_random_chance(random, DELEGATES_PPM) ? ",\"DECIDE_CASES\"" : "");
}

static int by_code(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void proposed(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                     void *ctx)
{
	struct sim_alliance *alliance = ctx;
	if (!reply || reply->error.code)
		return; /* perhaps it is there: the others will say */
	const PbAgreementView *view = (const PbAgreementView *)(const void *)reply->reply;
	uint32_t version = view->agreement->version;
	if (!alliance->id[0]) {
		snprintf(alliance->id, sizeof(alliance->id), "%s", view->agreement->id);
		for (size_t i = 0; i < alliance->count; i++)
			attend_later(alliance, alliance->parties[i]);
	}
	if (version > VERSIONS_MOST)
		return;
	/* Two have proposed the same version, neither knowing of the other. */
	if (alliance->proposer[version] && alliance->proposer[version] != node->index + 1)
		sim_mark(&world->marks, SIM_MARK_AMENDMENTS_CROSSED);
	alliance->proposer[version] = node->index + 1;
	sim_tell(world, SIM_AGREED, node->index, SIM_NOBODY, NULL, "proposes version %u of %s", version,
	         alliance->id);
}

static void propose(struct sim_alliance *alliance, struct sim_node *node)
{
	const char *codes[PARTIES_MOST];
	struct tb_buf json = {0};
	for (size_t i = 0; i < alliance->count; i++)
		codes[i] = node->world->nodes[alliance->parties[i]].code;
	qsort(codes, alliance->count, sizeof(codes[0]), by_code);
	tb_buf_printf(&json, "{\"agreement\":{\"id\":\"%s\",\"title\":\"联盟协议\",\"parties\":[",
	              alliance->id);
	for (size_t i = 0; i < alliance->count; i++)
		tb_buf_printf(&json, "%s\"%s\"", i ? "," : "", codes[i]);
	tb_buf_str(&json, "],");
	add_terms(&json, &alliance->random);
	tb_buf_str(&json, "}}");
	alliance->proposals++;
	sim_node_ask(node, "/tongban.v1.AgreementService/Propose", tb_buf_bytes(&json), proposed, alliance);
	tb_buf_clear(&json);
}

static void propose_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_alliance *alliance = subject;
	struct sim_node *node = &world->nodes[alliance->parties[0]];
	(void)argument;
	if (!world->healed && node->state == SIM_NODE_UP)
		propose(alliance, node);
}

/* Another party thinks of the same: of those after the first, whoever is up. */
static void cross_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_alliance *alliance = subject;
	for (size_t i = 0; i < alliance->count && !world->healed; i++) {
		struct sim_node *node = &world->nodes[alliance->parties[i]];
		if (node->index != argument && node->state == SIM_NODE_UP) {
			propose(alliance, node);
			return;
		}
	}
}

/* ---- signing, amending, giving notice */

/* Does an open case at |node| rest on a version of |agreement| before this one? */
static bool open_case_before(struct sim_node *node, const PbAgreement *agreement)
{
	struct sim_reader reader;
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	PbCaseRecord *record;
	bool found = false;
	if (agreement->version == 1)
		return false;
	sim_read_begin(&reader, node);
	store_cursor(&cursor, reader.kv.txn, KV_CASE, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (!found && store_next(&cursor, &key, &sealed)) {
		found = kv_open(&reader.kv, KV_CASE, key, sealed, &reader.arena, &plain, NULL) == TB_OK &&
		        PROTO_DECODE_OWN(&record, case_record, plain, &reader.arena, NULL) == TB_OK &&
		        strcmp(record->agreement, agreement->id) == 0 &&
		        record->agreement_version < agreement->version && !case_state_final(record->state);
	}
	store_cursor_end(&cursor);
	sim_read_end(&reader);
	return found;
}

static void has_signed(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                       void *ctx);

/* |digest| "": the text that is there, unless it has overtaken another. */
static void sign(struct sim_alliance *alliance, struct sim_node *node, const char *digest)
{
	struct tb_buf json = {0};
	tb_buf_printf(&json, "{\"id\":\"%s\",\"digest\":\"%s\"}", alliance->id, digest);
	sim_node_ask(node, "/tongban.v1.AgreementService/Sign", tb_buf_bytes(&json), has_signed, alliance);
	tb_buf_clear(&json);
}

static void has_signed(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                       void *ctx)
{
	struct sim_alliance *alliance = ctx;
	if (reply && reply->error.reason == TB_REASON_AGREEMENT_OVERTAKEN) {
		sim_mark(&world->marks, SIM_MARK_OVERTAKEN);
		sign(alliance, node, tb_error_value(&reply->error, 2));
		return;
	}
	if (!reply || reply->error.code)
		return; /* not here yet, say: it attends to it again */
	const PbAgreementView *view = (const PbAgreementView *)(const void *)reply->reply;
	sim_tell(world, SIM_AGREED, node->index, SIM_NOBODY, NULL, "signs version %u of %s",
	         view->agreement->version, alliance->id);
	if (view->n_missing > 0)
		return;
	sim_mark(&world->marks, SIM_MARK_THIRD_SIGNED);
	if (node->core && open_case_before(node, view->agreement))
		sim_mark(&world->marks, SIM_MARK_AMENDED_OPEN);
}

static void has_left(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                     void *ctx)
{
	struct sim_alliance *alliance = ctx;
	if (!reply || reply->error.code)
		return;
	const PbAgreementView *view = (const PbAgreementView *)(const void *)reply->reply;
	sim_tell(world, SIM_AGREED, node->index, SIM_NOBODY, NULL, "ends version %u of %s",
	         view->agreement->version, alliance->id);
	sim_mark(&world->marks, SIM_MARK_ALLIANCE_ENDED);
}

static void attend_run(struct sim_world *world, void *subject, uint64_t party)
{
	struct sim_alliance *alliance = subject;
	struct sim_node *node = &world->nodes[party];
	bool amends = sim_random_chance(&alliance->random, AMENDS_PPM),
	     leaves = sim_random_chance(&alliance->random, LEAVES_PPM);
	bool crosses = sim_random_chance(&alliance->random, CROSSES_PPM);
	struct tb_buf json = {0};
	if (world->healed)
		return;
	attend_later(alliance, (uint32_t)party);
	if (node->state != SIM_NODE_UP ||
	    !sim_decide(world, SIM_DO_PACT, node->index, SIM_NOBODY, node->numbers[SIM_DO_PACT]++))
		return;
	if (amends && alliance->proposals < VERSIONS_MOST) {
		propose(alliance, node);
		if (crosses)
			sim_after(world, (sim_time)sim_random_below(&alliance->random, CROSS_TIME),
			          &cross_event, alliance, node->index);
		return;
	}
	if (!leaves) {
		sign(alliance, node, "");
		return;
	}
	tb_buf_printf(&json, "{\"id\":\"%s\",\"reason\":\"退出\"}", alliance->id);
	sim_node_ask(node, "/tongban.v1.AgreementService/End", tb_buf_bytes(&json), has_left, alliance);
	tb_buf_clear(&json);
}

/* ---- for the others */

static bool joins(struct sim_world *world, const struct sim_alliance *alliance, uint32_t node)
{
	for (size_t i = 0; i < alliance->count; i++) {
		if (alliance->parties[i] == node || !sim_link_find(world->net, alliance->parties[i], node))
			return false;
	}
	return !world->nodes[node].absent;
}

/* From |first| on, all that know each other. */
static void gather(struct sim_world *world, struct sim_alliance *alliance, uint32_t first)
{
	size_t most = (size_t)sim_random_range(&alliance->random, PARTIES_LEAST, PARTIES_MOST), links;
	const struct sim_link *link = sim_links(world->net, first, &links);
	alliance->parties[alliance->count++] = first;
	for (size_t i = 0; i < links && alliance->count < most; i++) {
		if (joins(world, alliance, link[i].to))
			alliance->parties[alliance->count++] = link[i].to;
	}
}

void sim_alliances_begin(struct sim_work *work)
{
	struct sim_world *world = work->world;
	for (uint32_t i = 0; i < ALLIANCES_MOST && world->nodes_count >= PARTIES_LEAST; i++) {
		struct sim_alliance *alliance = tb_alloc(sizeof(*alliance));
		sim_random_start(&alliance->random, world->options.seed, "alliance", i);
		bool formed = sim_random_chance(&alliance->random, FORMED_PPM);
		uint32_t first = (uint32_t)sim_random_below(&alliance->random, world->nodes_count);
		alliance->work = work;
		gather(world, alliance, first);
		if (!formed || world->nodes[first].absent || alliance->count < PARTIES_LEAST ||
		    !sim_decide(world, SIM_DO_PACT, first, SIM_NOBODY,
		                world->nodes[first].numbers[SIM_DO_PACT]++)) {
			free(alliance);
			continue;
		}
		alliance->next = work->alliances;
		work->alliances = alliance;
		for (size_t k = 0; k < alliance->count; k++)
			sim_pact_cases(work, alliance->parties[k],
			               alliance->parties[(k + 1) % alliance->count], &alliance->random);
		sim_after(world,
		          3 * SIM_MINUTE +
		                  sim_random_exponential(&alliance->random, world->options.span / 20),
		          &propose_event, alliance, 0);
	}
}

void sim_alliances_free(struct sim_work *work)
{
	while (work->alliances) {
		struct sim_alliance *next = work->alliances->next;
		free(work->alliances);
		work->alliances = next;
	}
}
