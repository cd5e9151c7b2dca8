/* Agreements and matters of a story. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/play_priv.h"
#include "sim/work_priv.h"

enum { OPEN_DAYS = 5, NOTICE_DAYS = 30 };

/* ---- asking */

typedef void on_reply(struct sim_world *, struct sim_node *, const struct core_request *, void *);

/* Whoever asks for something goes on with what is answered. */
struct asking {
	const struct sim_step *step;
};

/* What it is about may not have come yet, and a client does not know what a node that went down has done; any
 * other refusal is a mistake of the story. */
static void asked(struct sim_world *world, struct sim_node *node, const struct core_request *reply, void *ctx)
{
	struct asking *asking = ctx;
	(void)node;
	if (!reply || reply->error.code == TB_ENOTFOUND)
		play_again(world, asking->step);
	else if (reply->error.code)
		play_impossible(world, asking->step, reply->error.text);
	free(asking);
}

static void ask(struct sim_world *world, const struct sim_step *step, const char *path, struct tb_buf *json,
                on_reply *done)
{
	struct asking *asking = tb_alloc(sizeof(*asking));
	asking->step = step;
	sim_node_ask(&world->nodes[step->node], path, tb_buf_bytes(json), done, asking);
	tb_buf_clear(json);
}

/* Looks something up in a node that is up. Some of it is answered by a turn, after a moment. */
static void look(struct sim_world *world, const struct sim_step *step, const char *path, const char *key,
                 const char *id, on_reply *done)
{
	struct sim_node *node = &world->nodes[step->node];
	const struct core_method *method = core_method_find(path);
	struct core_request *request = NULL;
	struct tb_buf json = {0};
	tb_buf_printf(&json, "{\"%s\":\"%s\"}", key, id);
	if (core_method_reads(method)) {
		struct asking *asking = tb_alloc(sizeof(*asking));
		asking->step = step;
		enum tb_code code = core_request_new(&request, method, tb_buf_bytes(&json), NULL);
		assert(code == TB_OK);
		core_query(&node->setup, node->peers, request, sim_node_now(node));
		done(world, node, request, asking);
		core_request_free(request);
		tb_buf_clear(&json);
	} else {
		ask(world, step, path, &json, done);
	}
}

static bool is_up(const struct sim_world *world, const struct sim_step *step)
{
	return world->nodes[step->node].state == SIM_NODE_UP;
}

static void upper(char *text)
{
	for (; *text; text++) {
		if (*text >= 'a' && *text <= 'z')
			*text -= 'a' - 'A';
	}
}

/* ---- agreements */

static void proposed(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                     void *ctx)
{
	const struct sim_step *step = ((struct asking *)ctx)->step;
	if (reply && !reply->error.code) {
		const PbAgreementView *view = (const PbAgreementView *)(const void *)reply->reply;
		snprintf(world->play->agreements[step->agreement], PLAY_ID_ROOM, "%s", view->agreement->id);
	}
	asked(world, node, reply, ctx);
}

static int by_code(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void play_propose(struct sim_world *world, const struct sim_step *step)
{
	const char *parties[SIM_SCENARIO_GROUP_MAX];
	struct tb_buf json = {0};
	if (!is_up(world, step)) {
		play_again(world, step);
		return;
	}
	for (size_t i = 0; i < step->group_count; i++)
		parties[i] = world->nodes[step->group[i]].code;
	qsort(parties, step->group_count, sizeof(parties[0]), by_code);
	tb_buf_str(&json, "{\"agreement\":{\"title\":\"通办协议\",\"parties\":[");
	for (size_t i = 0; i < step->group_count; i++)
		tb_buf_printf(&json, "%s\"%s\"", i ? "," : "", parties[i]);
	tb_buf_printf(&json,
	              "],\"validFrom\":\"2020-01-01\",\"noticeDays\":%lld,\"terms\":[{\"items\":[\"*\"],"
	              "\"modes\":[\"QC\",\"DS\",\"YS\",\"YB\",\"LB\"],\"rights\":[\"ACCEPT_CASES\","
	              "\"NOTIFY_ONCE\",\"CHECK_ORIGINALS\",\"DELIVER_RESULTS\",\"DECIDE_CASES\"]}]}}",
	              (long long)(step->number ? step->number : NOTICE_DAYS));
	ask(world, step, "/tongban.v1.AgreementService/Propose", &json, proposed);
}

/* A request that names the agreement and nothing else that matters. */
static void say(struct sim_world *world, const struct sim_step *step, const char *path)
{
	const char *id = world->play->agreements[step->agreement];
	struct tb_buf json = {0};
	if (!is_up(world, step) || !id[0]) {
		play_again(world, step);
		return;
	}
	tb_buf_printf(&json, "{\"id\":\"%s\"", id);
	if (step->verb == SIM_STEP_END)
		tb_buf_printf(&json, ",\"reason\":\"%s\"", step->text ? step->text : "到期不再续签");
	tb_buf_str(&json, "}");
	ask(world, step, path, &json, asked);
}

void play_sign(struct sim_world *world, const struct sim_step *step)
{
	say(world, step, "/tongban.v1.AgreementService/Sign");
}

void play_end(struct sim_world *world, const struct sim_step *step)
{
	say(world, step, "/tongban.v1.AgreementService/End");
}

static void agreement_seen(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                           void *ctx)
{
	static const char *const names[] = {"unknown", "proposed", "signed", "in_force", "ended", "replaced"};
	struct asking *asking = ctx;
	const struct sim_step *step = asking->step;
	unsigned state = PB_AGREEMENT_STATE__AGREEMENT_STATE_UNSPECIFIED;
	if (reply && !reply->error.code)
		state = ((const PbAgreementView *)(const void *)reply->reply)->state;
	if (!reply)
		play_unmet(world, step, "%s went down: nobody can see it", node->name);
	else if (state >= sizeof(names) / sizeof(names[0]) || strcmp(names[state], step->word) != 0)
		play_unmet(world, step, "agreement %s in %s is %s, not %s",
		           world->play->scenario->agreements.names[step->agreement], node->name,
		           state < sizeof(names) / sizeof(names[0]) ? names[state] : "something else",
		           step->word);
	free(asking);
}

void play_expect_agreement(struct sim_world *world, const struct sim_step *step)
{
	if (!is_up(world, step))
		play_unmet(world, step, "%s is down: nobody can see it", world->nodes[step->node].name);
	else
		look(world, step, "/tongban.v1.AgreementService/Get", "id",
		     world->play->agreements[step->agreement], agreement_seen);
}

/* ---- matters */

static void opened(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                   void *ctx)
{
	const struct sim_step *step = ((struct asking *)ctx)->step;
	if (reply && !reply->error.code) {
		const PbMatterView *view = (const PbMatterView *)(const void *)reply->reply;
		snprintf(world->play->matters[step->matter], PLAY_ID_ROOM, "%s", view->matter);
	}
	asked(world, node, reply, ctx);
}

void play_open(struct sim_world *world, const struct sim_step *step)
{
	char about[24];
	struct tb_buf json = {0};
	const char *number = step->case_label == SIM_NOWHERE ? "" : play_case_number(world, step);
	if (!is_up(world, step) || (step->case_label != SIM_NOWHERE && !number[0])) {
		play_again(world, step);
		return;
	}
	snprintf(about, sizeof(about), "%s", step->word);
	upper(about);
	tb_buf_printf(&json,
	              "{\"post\":{\"about\":\"%s\",\"asked\":\"%s\",\"days\":%lld,\"subject\":\"事由\","
	              "\"text\":\"请核实\",\"parties\":[\"%s\",\"%s\"],"
	              "\"actor\":{\"role\":\"%s\",\"id\":\"l1\"}",
	              about, world->nodes[step->peer].code,
	              (long long)(step->number ? step->number : OPEN_DAYS), world->nodes[step->node].code,
	              world->nodes[step->peer].code,
	              strcmp(step->word, "supervision") == 0 ? "SUPERVISOR" : "LIAISON");
	if (number[0])
		tb_buf_printf(&json, ",\"caseNumber\":\"%s\"", number);
	tb_buf_str(&json, "}}");
	ask(world, step, "/tongban.v1.MatterService/Open", &json, opened);
}

void play_post(struct sim_world *world, const struct sim_step *step)
{
	const char *id = world->play->matters[step->matter];
	char outcome[24];
	struct tb_buf json = {0};
	if (!is_up(world, step) || !id[0]) {
		play_again(world, step);
		return;
	}
	tb_buf_printf(&json,
	              "{\"post\":{\"matter\":\"%s\",\"kind\":\"POST_%s\",\"text\":\"%s\",\"actor\":"
	              "{\"role\":\"LIAISON\",\"id\":\"l2\"}",
	              id,
	              strcmp(step->word, "says") == 0      ? "SAYS"
	              : strcmp(step->word, "answers") == 0 ? "ANSWERS"
	                                                   : "CLOSES",
	              step->text ? step->text : "已核实");
	if (step->side) {
		snprintf(outcome, sizeof(outcome), "%s", step->side);
		upper(outcome);
		tb_buf_printf(&json, ",\"outcome\":\"%s\"", outcome);
	}
	tb_buf_str(&json, "}}");
	ask(world, step, "/tongban.v1.MatterService/Post", &json, asked);
}

static void matter_seen(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                        void *ctx)
{
	static const char *const states[] = {"unknown", "open", "answered", "closed"};
	static const char *const outcomes[] = {"none", "upheld", "partly_upheld", "not_upheld"};
	struct asking *asking = ctx;
	const struct sim_step *step = asking->step;
	unsigned state = 0, outcome = 0;
	const char *name = world->play->scenario->matters.names[step->matter];
	if (reply && !reply->error.code) {
		const PbMatterView *view = (const PbMatterView *)(const void *)reply->reply;
		state = view->state < 4 ? view->state : 0;
		outcome = view->outcome < 4 ? view->outcome : 0;
	}
	if (!reply)
		play_unmet(world, step, "%s went down: nobody can see it", node->name);
	else if (strcmp(states[state], step->word) != 0)
		play_unmet(world, step, "matter %s in %s is %s, not %s", name, node->name, states[state],
		           step->word);
	else if (step->side && strcmp(outcomes[outcome], step->side) != 0)
		play_unmet(world, step, "matter %s in %s: the outcome is %s, not %s", name, node->name,
		           outcomes[outcome], step->side);
	free(asking);
}

void play_expect_matter(struct sim_world *world, const struct sim_step *step)
{
	if (!is_up(world, step))
		play_unmet(world, step, "%s is down: nobody can see it", world->nodes[step->node].name);
	else
		look(world, step, "/tongban.v1.MatterService/Get", "matter",
		     world->play->matters[step->matter], matter_seen);
}
