/* Matters between regions: somebody opens one, somebody is asked, answers in time, late, or never. The people
 * know who was asked, and how long that had; what the nodes say of it must agree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check_priv.h"
#include "sim/net.h"
#include "sim/work_priv.h"

enum {
	OPENED_PPM = 400000, /* of the nodes: each some with one partner */
	OPENED_MOST = 3,
	ANSWERED_PPM = 500000,
	CLOSED_PPM = 400000,
	USURPED_PPM = 300000, /* somebody else answers: that must be refused */
	DAYS_MOST = 3,
	TRIES_MOST = 6,
};

/* By when what is due must have been seen. */
#define SEEN_AFTER (5 * TB_MINUTE)

struct sim_matter {
	struct sim_matter *next;
	struct sim_work *work;
	uint32_t opener;
	uint32_t asked;
	bool disputes;
	uint32_t days;
	unsigned tries;
	char id[64]; /* "": not acknowledged */
	struct sim_random random;
};

static void open_run(struct sim_world *world, void *subject, uint64_t argument);
static void answer_run(struct sim_world *world, void *subject, uint64_t argument);
static void usurp_run(struct sim_world *world, void *subject, uint64_t argument);
static void close_run(struct sim_world *world, void *subject, uint64_t argument);
static const struct sim_event_kind open_event = {"matter-open", open_run, NULL};
static const struct sim_event_kind answer_event = {"matter-answer", answer_run, NULL};
static const struct sim_event_kind usurp_event = {"matter-usurp", usurp_run, NULL};
static const struct sim_event_kind close_event = {"matter-close", close_run, NULL};

static void some_day(struct sim_matter *matter, const struct sim_event_kind *kind)
{
	struct sim_world *world = matter->work->world;
	sim_after(world, 1 + sim_random_exponential(&matter->random, world->options.span / 8), kind, matter,
	          0);
}

static void opened(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                   void *ctx)
{
	struct sim_matter *matter = ctx;
	if (!reply || reply->error.code)
		return; /* perhaps it is open: nobody goes on with it */
	const PbMatterView *view = (const PbMatterView *)(const void *)reply->reply;
	snprintf(matter->id, sizeof(matter->id), "%s", view->matter);
	sim_tell(world, SIM_CLIENT, node->index, matter->asked, NULL, "opens matter %s", matter->id);
	if (sim_random_chance(&matter->random, ANSWERED_PPM))
		some_day(matter, &answer_event);
	if (sim_random_chance(&matter->random, USURPED_PPM))
		some_day(matter, &usurp_event);
	if (sim_random_chance(&matter->random, CLOSED_PPM))
		some_day(matter, &close_event);
}

static void open_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_matter *matter = subject;
	struct sim_node *node = &world->nodes[matter->opener];
	const char *asked = world->nodes[matter->asked].code;
	struct tb_buf json = {0};
	(void)argument;
	if (world->healed || node->state != SIM_NODE_UP)
		return;
	tb_buf_printf(
		&json,
		"{\"post\":{\"about\":\"%s\",\"subject\":\"核对\",\"text\":\"请核对\",\"parties\":[\"%s\","
		"\"%s\"],\"asked\":\"%s\",\"days\":%u,\"actor\":{\"role\":\"%s\",\"id\":\"s1\"}}}",
		matter->disputes ? "DISPUTE" : "SUPERVISION", node->code, asked, asked, matter->days,
		matter->disputes ? "LIAISON" : "SUPERVISOR");
	sim_node_ask(node, "/tongban.v1.MatterService/Open", tb_buf_bytes(&json), opened, matter);
	tb_buf_clear(&json);
}

static void post(struct sim_matter *matter, struct sim_node *node, const char *kind,
                 void (*done)(struct sim_world *, struct sim_node *, const struct core_request *, void *))
{
	struct tb_buf json = {0};
	tb_buf_printf(
		&json,
		"{\"post\":{\"matter\":\"%s\",\"kind\":\"%s\",\"text\":\"已核对\",\"outcome\":\"UPHELD\","
		"\"actor\":{\"role\":\"LIAISON\",\"id\":\"l1\"}}}",
		matter->id, kind);
	sim_node_ask(node, "/tongban.v1.MatterService/Post", tb_buf_bytes(&json), done, matter);
	tb_buf_clear(&json);
}

static void answered(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                     void *ctx)
{
	struct sim_matter *matter = ctx;
	(void)node;
	if (world->healed || (reply && !reply->error.code) || ++matter->tries > TRIES_MOST)
		return;
	some_day(matter, &answer_event); /* it is not here yet, say */
}

static void answer_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_matter *matter = subject;
	struct sim_node *node = &world->nodes[matter->asked];
	(void)argument;
	if (!world->healed && node->state == SIM_NODE_UP)
		post(matter, node, "POST_ANSWERS", answered);
}

static void usurped(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                    void *ctx)
{
	const struct sim_matter *matter = ctx;
	if (reply && !reply->error.code && sim_node_reliable(node))
		sim_check_broke(world, SIM_RULE_MATTERS, node->index, matter->id,
		                "answered by a region that was not asked");
	sim_check_held(world, SIM_RULE_MATTERS);
}

static void usurp_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_matter *matter = subject;
	struct sim_node *node = &world->nodes[matter->opener];
	(void)argument;
	if (!world->healed && node->state == SIM_NODE_UP)
		post(matter, node, "POST_ANSWERS", usurped);
}

static void close_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_matter *matter = subject;
	struct sim_node *node = &world->nodes[matter->opener];
	(void)argument;
	if (!world->healed && node->state == SIM_NODE_UP)
		post(matter, node, "POST_CLOSES", NULL);
}

void sim_matters_begin(struct sim_work *work)
{
	struct sim_world *world = work->world;
	for (uint32_t i = 0; i < world->nodes_count; i++) {
		struct sim_random random;
		sim_random_start(&random, world->options.seed, "matter", i);
		uint32_t partner = sim_some_partner(world, i, &random);
		if (partner == SIM_NOBODY || !sim_random_chance(&random, OPENED_PPM) ||
		    !sim_decide(world, SIM_DO_MATTER, i, partner, 0))
			continue;
		for (size_t k = 0; k < OPENED_MOST; k++) {
			struct sim_matter *matter = tb_alloc(sizeof(*matter));
			sim_random_start(&matter->random, world->options.seed, "matter-of",
			                 i * OPENED_MOST + k);
			matter->work = work;
			matter->opener = i;
			matter->asked = partner;
			matter->disputes = sim_random_chance(&matter->random, 500000);
			matter->days = 1 + (uint32_t)sim_random_below(&matter->random, DAYS_MOST);
			matter->next = work->matters;
			work->matters = matter;
			some_day(matter, &open_event);
		}
	}
}

/* ---- what the nodes say of them */

static void check_at(struct sim_matter *matter, struct sim_node *node)
{
	struct sim_world *world = node->world;
	struct sim_reader reader;
	PbMatterRecord *record;
	struct kv_key key = kv_key_str(matter->id);
	sim_read_begin(&reader, node);
	if (KV_GET(&reader.kv, KV_MATTER, &key, matter_record, &reader.arena, &record, NULL) == TB_OK) {
		tb_time due = sim_law_limit(record->opening->at_ms, (int32_t)matter->days);
		bool late = record->state == PB_MATTER_STATE__MATTER_OPEN &&
		            sim_node_now(node) > due + SEEN_AFTER;
		if (record->due_ms != due)
			sim_check_broke(world, SIM_RULE_MATTERS, node->index, matter->id,
			                "due at %lld; it should be at %lld", (long long)record->due_ms,
			                (long long)due);
		if (late && !record->overdue)
			sim_check_broke(world, SIM_RULE_MATTERS, node->index, matter->id,
			                "nobody answered in time, and nobody is told");
		sim_check_held(world, SIM_RULE_MATTERS);
	} else if (node->index == matter->opener) {
		sim_check_broke(world, SIM_RULE_ACKED, node->index, matter->id,
		                "the matter was acknowledged and is not there");
	}
	sim_read_end(&reader);
}

void sim_matter_overdue(struct sim_node *node, struct sim_reader *reader, const PbAuditLeaf *leaf)
{
	PbMatterRecord *record;
	struct kv_key key = kv_key_str(leaf->subject);
	if (KV_GET(&reader->kv, KV_MATTER, &key, matter_record, &reader->arena, &record, NULL) == TB_OK &&
	    leaf->at_ms < record->due_ms)
		sim_check_broke(node->world, SIM_RULE_MATTERS, node->index, leaf->subject,
		                "overdue before it was due");
	sim_mark(&node->world->marks, SIM_MARK_UNANSWERED);
	sim_check_held(node->world, SIM_RULE_MATTERS);
}

void sim_matters_check(struct sim_node *node)
{
	for (struct sim_matter *matter = node->world->work->matters; matter; matter = matter->next) {
		if (matter->id[0] && (matter->opener == node->index || matter->asked == node->index))
			check_at(matter, node);
	}
}

void sim_matters_free(struct sim_work *work)
{
	while (work->matters) {
		struct sim_matter *next = work->matters->next;
		free(work->matters);
		work->matters = next;
	}
}
