/* Cases: people at windows and officers in home regions who bring them from the application to the end. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/casetable.h"
#include "node/core/material.h"
#include "sim/check.h"
#include "sim/net.h"
#include "sim/work_priv.h"

enum {
	ROLES_LAST = PB_ROLE__R_HEAD,
	TRIES_MOST = 40,
	KIB = 1024,
	FILL_BYTES = 64 * 1024,
	FULL_SIZED = 200, /* cases of a run whose materials may be large */
	POOL = 50,        /* contents that many applicants share */
	ACTED_TWICE_PPM = 150000,
	FORGOTTEN_PPM = 30000,          /* of the steps: a case lies under a pile */
	FORGOTTEN_WAITING_PPM = 150000, /* the same where a legal limit waits for somebody */
	ONLINE_PPM = 200000,
	SLOW_OF_100 = 15,
	SILENT_OF_100 = 12,
};

#define LIMITS_SPAN (9 * SIM_DAY) /* a run in which legal limits run out */

/* Of whom a case must wait: what only a limit that runs out moves on is to happen often enough. */
enum temper {
	ORDINARY,
	SLOW_OFFICE,      /* extends and suspends, again and again */
	SILENT_OFFICE,    /* says nothing about what it has signed for */
	SILENT_APPLICANT, /* brings nothing */
};

struct sim_case {
	struct sim_work *work;
	uint32_t serial;
	uint32_t window;
	uint32_t home;
	uint32_t tries;
	struct sim_random random;
	char number[IDENT_CASE_ROOM]; /* "" until it is acknowledged */
	sim_time begun;
	uint64_t size; /* of its material */
	uint8_t root[PKI_HASH_BYTES];
	uint8_t sha256[PKI_HASH_BYTES];
	bool uploaded;
	bool originals; /* an item that asks for paper */
	bool online;    /* mode QC */
	enum temper temper;
	bool forward;
	bool repeated; /* a second request is on its way */
	bool ended;
	bool scripted; /* nobody acts but the scenario, which says the rest */
	struct sim_script script;
	char part_numbers[TB_PARTS_MAX][IDENT_CASE_ROOM];
	char refusal[TB_ERROR_TEXT_MAX];
};

static void upload_run(struct sim_world *world, void *subject, uint64_t argument);
static void submit_run(struct sim_world *world, void *subject, uint64_t argument);
static void step_run(struct sim_world *world, void *subject, uint64_t argument);
static const struct sim_event_kind upload_event = {"upload", upload_run, NULL};
static const struct sim_event_kind submit_event = {"submit", submit_run, NULL};
static const struct sim_event_kind step_event = {"step", step_run, NULL};

/* ---- handing in */

/* Some are of many chunks. Where thousands of cases come in a run, so many bytes would tell nothing new: most
 * of those are then small too. */
static uint64_t draw_size(const struct sim_work *work, struct sim_random *random)
{
	uint64_t draw = sim_random_below(random, 1000);
	double cases = work->cases_a_day * (double)work->world->options.span / (double)SIM_DAY;
	if (cases > FULL_SIZED && (double)sim_random_below(random, 1000000) >= FULL_SIZED / cases * 1e6)
		draw %= 800;
	if (draw < 800)
		return KIB + sim_random_below(random, 15 * KIB);
	if (draw < 870)
		return 16 * KIB + sim_random_below(random, 300 * KIB);
	if (draw < 985)
		return 300 * KIB + sim_random_below(random, 1700 * KIB);
	return 17 * 1024 * KIB + sim_random_below(random, 4096 * KIB);
}

static struct sim_case *case_new(struct sim_work *work)
{
	struct sim_case *kase = tb_alloc(sizeof(*kase));
	kase->work = work;
	kase->serial = (uint32_t)work->cases_count;
	kase->begun = work->world->now;
	sim_random_start(&kase->random, work->world->options.seed, "case", kase->serial);
	if (work->cases_count == work->cases_room) {
		work->cases_room = work->cases_room ? work->cases_room * 2 : 256;
		work->cases = tb_realloc(work->cases, work->cases_room * sizeof(*work->cases));
	}
	work->cases[work->cases_count++] = kase;
	return kase;
}

struct sim_case *sim_case_script(struct sim_work *work, const struct sim_script *script)
{
	struct sim_case *kase = case_new(work);
	kase->window = script->window;
	kase->home = script->home;
	kase->size = script->size;
	kase->originals = script->originals;
	kase->forward = !script->by_hand;
	kase->scripted = true;
	kase->script = *script;
	sim_after(work->world, 0, &upload_event, kase, 0);
	return kase;
}

struct sim_script sim_case_scripted(const struct sim_case *kase)
{
	return kase->script;
}

/* The parts of a joint case, as its lead knows them by now. */
static void look_parts(struct sim_case *kase)
{
	struct sim_reader reader;
	struct sim_node *lead = &kase->work->world->nodes[kase->window];
	if (!lead->core || !kase->number[0])
		return;
	sim_read_begin(&reader, lead);
	const PbCaseRecord *record = sim_read_case(&reader, kase->number);
	for (size_t i = 0; record && i < record->n_parts && i < TB_PARTS_MAX; i++)
		snprintf(kase->part_numbers[i], sizeof(kase->part_numbers[i]), "%s",
		         record->parts[i]->number);
	sim_read_end(&reader);
}

const char *sim_case_number(struct sim_case *kase, size_t part)
{
	if (part == 0)
		return kase->number;
	look_parts(kase);
	return kase->part_numbers[part - 1];
}

const char *sim_case_refusal(struct sim_case *kase)
{
	struct sim_reader reader;
	struct sim_node *window = &kase->work->world->nodes[kase->window];
	if (kase->refusal[0] || !window->core || !kase->number[0])
		return kase->refusal;
	/* What was proposed to the owner, it refuses later. */
	sim_read_begin(&reader, window);
	const PbCaseRecord *record = sim_read_case(&reader, kase->number);
	if (record)
		snprintf(kase->refusal, sizeof(kase->refusal), "%s", record->refusal);
	sim_read_end(&reader);
	return kase->refusal;
}

static void note_refusal(struct sim_case *kase, const struct core_request *reply)
{
	if (reply && reply->error.code)
		snprintf(kase->refusal, sizeof(kase->refusal), "%s", reply->error.text);
}

static enum temper draw_temper(const struct sim_work *work, struct sim_random *random)
{
	uint64_t draw = sim_random_below(random, 100);
	bool days = work->world->options.span >= LIMITS_SPAN;
	if (draw < SLOW_OF_100)
		return SLOW_OFFICE;
	if (draw < SLOW_OF_100 + SILENT_OF_100)
		return days ? SILENT_OFFICE : ORDINARY;
	return days && draw < SLOW_OF_100 + 2 * SILENT_OF_100 ? SILENT_APPLICANT : ORDINARY;
}

void sim_case_begin(struct sim_work *work)
{
	struct sim_world *world = work->world;
	struct sim_case *kase = case_new(work);
	kase->window = sim_some_node(work, &kase->random);
	kase->home = sim_some_partner(world, kase->window, &kase->random);
	kase->size = draw_size(work, &kase->random);
	kase->originals = sim_random_chance(&kase->random, 250000);
	kase->forward = sim_random_chance(&kase->random, 700000);
	kase->online = sim_random_chance(&kase->random, ONLINE_PPM) && !kase->originals;
	kase->temper = draw_temper(work, &kase->random);
	kase->ended = kase->home == SIM_NOBODY || world->nodes[kase->window].absent ||
	              world->nodes[kase->home].absent ||
	              !sim_decide(world, SIM_DO_CASE, SIM_NOBODY, SIM_NOBODY, kase->serial);
	if (!kase->ended)
		sim_after(world, 0, &upload_event, kase, 0);
}

/* The client's program waits, and tries again. */
static void again(struct sim_case *kase, const struct sim_event_kind *event, sim_time mean)
{
	if (kase->work->world->healed || (++kase->tries > TRIES_MOST && !kase->scripted)) {
		kase->ended = !kase->number[0];
		return;
	}
	sim_after(kase->work->world, SIM_SECOND + sim_random_exponential(&kase->random, mean), event, kase,
	          0);
}

static void uploaded(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                     void *ctx)
{
	struct sim_case *kase = ctx;
	if (!reply || reply->error.code) {
		again(kase, &upload_event, SIM_MINUTE);
		return;
	}
	const PbMaterialView *view = (const PbMaterialView *)(const void *)reply->reply;
	memcpy(kase->root, view->root.data, sizeof(kase->root));
	memcpy(kase->sha256, view->sha256.data, sizeof(kase->sha256));
	kase->uploaded = true;
	kase->work->counts.materials++;
	sim_check_acked_material(node, kase->root);
	sim_after(world, SIM_SECOND, &submit_event, kase, 0);
}

/* The contents of a material: many are the same, as forms are. */
static enum tb_code upload(struct sim_case *kase, struct sim_node *node, struct core_request **request)
{
	struct material_intake *intake;
	struct sim_random content;
	struct tb_error err;
	uint8_t seed[32];
	static uint8_t fill[FILL_BYTES];
	bool shared = sim_random_chance(&kase->random, 200000) && !kase->scripted;
	uint32_t which = shared ? kase->serial % POOL : kase->serial + POOL;
	if (shared)
		kase->size = KIB * (1 + which);
	sim_random_start(&content, kase->work->world->options.seed, "content", which);
	sim_random_bytes(&content, fill, sizeof(fill));
	sim_random_bytes(&node->random, seed, sizeof(seed));
	enum tb_code code = material_intake_new(&intake, &node->setup, seed, &err);
	for (uint64_t at = 0; code == TB_OK && at < kase->size; at += FILL_BYTES) {
		uint64_t left = kase->size - at;
		memcpy(fill, &at, sizeof(at));
		code = material_intake_add(intake, tb_bytes_of(fill, left < FILL_BYTES ? left : FILL_BYTES),
		                           &err);
	}
	if (code == TB_OK)
		return material_intake_finish(intake, request, &err);
	material_intake_free(intake);
	return code;
}

static void upload_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_case *kase = subject;
	struct sim_node *node = &world->nodes[kase->window];
	struct core_request *request;
	(void)argument;
	if (node->state != SIM_NODE_UP) {
		again(kase, &upload_event, 5 * SIM_MINUTE);
		return;
	}
	enum tb_code code = upload(kase, node, &request);
	if (sim_disk_is_cut(node->disk)) {
		if (code == TB_OK)
			core_request_free(request);
		sim_tell(world, SIM_POWER_LOST, node->index, SIM_NOBODY, NULL, "while a material came in");
		sim_node_stop(node, SIM_STOP_POWER);
		sim_node_start_after(node, sim_random_range(&node->random, SIM_SECOND, SIM_HOUR));
		again(kase, &upload_event, 5 * SIM_MINUTE);
	} else if (code) {
		again(kase, &upload_event, 5 * SIM_MINUTE);
	} else {
		sim_node_submit(node, request, uploaded, kase);
	}
}

static void submitted(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                      void *ctx)
{
	struct sim_case *kase = ctx;
	struct sim_work *work = kase->work;
	if (!reply) {
		work->counts.repeated++;
		again(kase, &submit_event, SIM_MINUTE);
		return;
	}
	note_refusal(kase, reply);
	if (reply->error.code) {
		sim_tell(world, SIM_CLIENT, node->index, SIM_NOBODY, kase->number, "refused: %s",
		         reply->error.text);
		again(kase, &submit_event, 10 * SIM_MINUTE);
		return;
	}
	const PbCaseView *view = (const PbCaseView *)(const void *)reply->reply;
	sim_check_acked(node, kase->serial, view->number);
	if (kase->number[0] && strcmp(kase->number, view->number) == 0) {
		sim_mark(&world->marks, SIM_MARK_CLIENT_REPEATED);
		return;
	}
	snprintf(kase->number, sizeof(kase->number), "%s", view->number);
	work->counts.cases++;
	sim_tell(world, SIM_CASE_EVENT, kase->window, kase->home, kase->number, "handed in");
	if (!kase->scripted)
		again(kase, &step_event, work->pace);
}

static void material_json(struct tb_buf *out, const struct sim_case *kase)
{
	tb_buf_printf(out,
	              "\"name\":\"a.pdf\",\"mediaType\":\"application/pdf\",\"size\":\"%llu\",\"root\":\"",
	              (unsigned long long)kase->size);
	tb_base64(out, tb_bytes_of(kase->root, sizeof(kase->root)));
	tb_buf_str(out, "\",\"sha256\":\"");
	tb_base64(out, tb_bytes_of(kase->sha256, sizeof(kase->sha256)));
	tb_buf_str(out, "\"");
}

/* The parts of a joint case, and what a single one is about. */
static void add_what(struct tb_buf *out, const struct sim_case *kase)
{
	const struct sim_node *nodes = kase->work->world->nodes;
	static const char item[] = "123204000000000013320001000001";
	const struct sim_script *script = &kase->script;
	bool joint = script->parts_count > 0;
	if (!joint)
		tb_buf_printf(out, "\"item\":\"%s%c\",", item,
		              !kase->scripted || strcmp(script->mode, "DS") == 0 ? kase->originals ? 'B' : 'A'
		                                                                 : 'D');
	for (size_t i = 0; i < script->parts_count; i++) {
		tb_buf_printf(out, "%s{\"home\":\"%s\",\"item\":\"%sD\"",
		              i ? "," : "\"itemName\":\"联办\",\"parts\":[", nodes[script->parts[i]].code,
		              item);
		if (script->in_order && i > 0)
			tb_buf_printf(out, ",\"after\":[%zu]", i - 1);
		tb_buf_str(out, "}");
	}
	if (joint)
		tb_buf_str(out, "],");
}

static void submit_json(struct tb_buf *out, const struct sim_case *kase)
{
	const char *mode = kase->scripted ? kase->script.mode : kase->online ? "QC" : "DS";
	bool posted = strcmp(mode, "DS") == 0, online = strcmp(mode, "QC") == 0;
	tb_buf_str(out, "{\"application\":{");
	add_what(out, kase);
	tb_buf_printf(out,
	              "\"mode\":\"%s\",\"home\":\"%s\",\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\","
	              "\"code\":\"11010519491231002X\"},%s\"window\":\"1\"",
	              mode, kase->work->world->nodes[kase->home].code,
	              posted   ? "\"delivery\":\"COURIER\",\"address\":\"本市\","
	              : online ? "\"delivery\":\"NETWORK\",\"identity\":{\"level\":\"MATCHED\"},"
	                       : "\"delivery\":\"WINDOW_PICKUP\",");
	tb_buf_printf(out, ",\"materials\":[{\"need\":\"%s\",", kase->script.parts_count ? "申请表" : "M1");
	material_json(out, kase);
	tb_buf_printf(out,
	              "}%s]},\"actor\":{\"role\":\"%s\",\"id\":\"w1\"},\"forward\":%s,\"requestId\":\"%u\"}",
	              kase->originals ? ",{\"need\":\"M3\",\"original\":true}" : "",
	              online ? "APPLICANT" : "R_WIN", kase->forward ? "true" : "false", kase->serial);
}

static void submit_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_case *kase = subject;
	struct sim_node *node = &world->nodes[kase->window];
	struct tb_buf json = {0};
	(void)argument;
	if (node->state != SIM_NODE_UP) {
		again(kase, &submit_event, 5 * SIM_MINUTE);
		return;
	}
	submit_json(&json, kase);
	sim_node_ask(node, "/tongban.v1.CaseService/Submit", tb_buf_bytes(&json), submitted, kase);
	if (!kase->repeated && !kase->scripted &&
	    sim_random_chance(&kase->random, 50000)) { /* clicked twice */
		kase->repeated = true;
		kase->work->counts.repeated++;
		sim_node_ask(node, "/tongban.v1.CaseService/Submit", tb_buf_bytes(&json), submitted, kase);
	}
	tb_buf_clear(&json);
}

/* ---- acting */

struct act {
	const char *event; /* NULL: nothing now */
	const char *role;
	const char *more; /* members of the request; NULL: none */
};

#define REASON ",\"detail\":{\"reason\":\"核实\"}"
#define NEEDS                                                                                    \
	",\"detail\":{\"reason\":\"缺件\",\"needs\":[{\"code\":\"M2\",\"name\":\"驾驶证\"," \
	"\"required\":true,\"basis\":\"公证程序规则\"}]}"
#define WAYBILL ",\"detail\":{\"waybill\":{\"carrier\":\"EMS\",\"number\":\"1\"}}"

static const struct act nothing = {NULL, NULL, NULL};

static const struct act *pick(const struct act *acts, size_t count, struct sim_random *random)
{
	return &acts[sim_random_below(random, count)];
}

#define PICK(random, ...)                        \
	*pick((const struct act[]){__VA_ARGS__}, \
	      sizeof((const struct act[]){__VA_ARGS__}) / sizeof(nothing), random)

static const struct act give_up = {"WITHDRAW", "APPLICANT", NULL};

/* What the applicant does with an application that came back. */
static struct act of_applicant(PbCaseState state, struct sim_random *random)
{
	static const struct act send = {"SEND", "APPLICANT", NULL};
	if (state == PB_CASE_STATE__DRAFT)
		return PICK(random, send, send, send, nothing, give_up);
	return nothing;
}

/* What the window does with a case that is its own. */
static struct act at_window(PbCaseState state, enum temper temper, struct sim_random *random)
{
	static const struct act check = {"CHECK", "R_WIN", NULL}, send = {"SEND", "R_WIN", NULL};
	static const struct act ask = {"ASK", "R_WIN", NEEDS}, bring = {"BRING", "APPLICANT", NULL};
	static const struct act fix = {"FIX", "R_WIN", NULL}, close = {"CLOSE", "R_WIN", REASON};
	if (state == PB_CASE_STATE__RECEIVED)
		return check;
	if (state == PB_CASE_STATE__CHECKING && temper == SILENT_APPLICANT)
		return PICK(random, ask, ask, send);
	if (state == PB_CASE_STATE__CHECKING)
		return PICK(random, send, send, send, send, send, send, send, ask, nothing, give_up);
	if (state == PB_CASE_STATE__WINDOW_WAITS && temper == SILENT_APPLICANT)
		return nothing;
	if (state == PB_CASE_STATE__WINDOW_WAITS)
		return PICK(random, bring, bring, bring, nothing);
	if (state == PB_CASE_STATE__RETURNED)
		return PICK(random, fix, fix, close);
	return nothing;
}

/* What the window, or the applicant there, asks the home region for. */
static struct act from_window(PbCaseState state, const struct sim_case *kase, struct sim_random *random)
{
	static const struct act supplement = {"SUPPLEMENT", "APPLICANT", NULL},
				evaluate = {"EVALUATE", "APPLICANT", ",\"detail\":{\"grade\":2}"},
				bad = {"EVALUATE", "APPLICANT", ",\"detail\":{\"grade\":5}"};
	static const struct act post = {"POST", "R_WIN", WAYBILL}, hand = {"HAND_OVER", "R_WIN", NULL};
	static const struct act back = {"HAND_OVER", "R_WIN", ",\"detail\":{\"returned\":[\"M3\"]}"};
	static const struct act consult = {"CONSULT", "R_WIN", ",\"detail\":{\"note\":\"进度\"}"};
	if (state == PB_CASE_STATE__TRANSFER && kase->originals)
		return PICK(random, post, post, nothing, give_up);
	if (state == PB_CASE_STATE__CORRECTION && kase->temper != SILENT_APPLICANT)
		return PICK(random, supplement, supplement, nothing, nothing, give_up);
	/* A window that forgets the applicant's paper is reminded of it. */
	if (state == PB_CASE_STATE__DELIVERING)
		return PICK(random, hand, kase->originals ? back : hand, nothing);
	if (state == PB_CASE_STATE__CLOSED)
		return PICK(random, evaluate, evaluate, evaluate, bad);
	if (state == PB_CASE_STATE__REVIEW || state == PB_CASE_STATE__SIGNED_FOR)
		return PICK(random, nothing, nothing, nothing, nothing, nothing, consult, give_up);
	return nothing;
}

/* Who applied online is not asked to come. */
static struct act ship_of(const struct sim_case *kase)
{
	static const struct act ship = {"DISPATCH", "H_WIN", ",\"detail\":{\"way\":\"WINDOW_PICKUP\"}"},
				online = {"DISPATCH", "H_WIN", ",\"detail\":{\"way\":\"NETWORK\"}"};
	return kase->online ? online : ship;
}

static struct act at_home(PbCaseState state, const struct sim_case *kase, struct sim_random *random)
{
	static const struct act sign = {"SIGN", "H_WIN", NULL}, accept = {"ACCEPT", "H_DEPT", NULL};
	static const struct act notify = {"NOTIFY", "H_WIN", NEEDS}, back = {"RETURN", "H_WIN", REASON};
	static const struct act refuse = {"REFUSE", "H_WIN", REASON}, start = {"START", "H_DEPT", NULL};
	static const struct act grant = {"GRANT", "H_DEPT", ",\"issue\":{\"typeName\":\"公证书\"}"};
	static const struct act plain = {"GRANT", "H_HEAD", NULL}, deny = {"DENY", "H_HEAD", REASON};
	static const struct act suspend = {"SUSPEND", "H_DEPT",
	                                   ",\"detail\":{\"reason\":\"鉴定\",\"days\":3}"};
	static const struct act extend = {"EXTEND", "H_HEAD", ",\"detail\":{\"reason\":\"复杂\",\"days\":5}"};
	static const struct act resume = {"RESUME", "H_DEPT", NULL};
	if (state == PB_CASE_STATE__TRANSFER)
		return PICK(random, sign, sign, nothing);
	if (state == PB_CASE_STATE__SIGNED_FOR && kase->temper == SILENT_OFFICE)
		return nothing;
	if (state == PB_CASE_STATE__SIGNED_FOR && kase->temper == SILENT_APPLICANT)
		return PICK(random, notify, notify, accept);
	if (state == PB_CASE_STATE__SIGNED_FOR)
		return PICK(random, accept, accept, accept, accept, accept, notify, notify, back, refuse,
		            nothing, nothing, nothing);
	if (state == PB_CASE_STATE__ACCEPTED)
		return start;
	if (state == PB_CASE_STATE__REVIEW && kase->temper == SLOW_OFFICE)
		return PICK(random, extend, extend, suspend, grant, nothing);
	if (state == PB_CASE_STATE__REVIEW)
		return PICK(random, grant, grant, grant, grant, plain, deny, suspend, extend, nothing);
	if (state == PB_CASE_STATE__SPECIAL)
		return resume;
	if (state == PB_CASE_STATE__GRANTED || state == PB_CASE_STATE__DENIED)
		return ship_of(kase);
	return nothing;
}

static void acted(struct sim_world *world, struct sim_node *node, const struct core_request *reply, void *ctx)
{
	struct sim_case *kase = ctx;
	if (reply && !reply->error.code)
		kase->work->counts.acts++;
	else
		kase->work->counts.acts_refused++;
	note_refusal(kase, reply);
	if (reply && reply->error.code)
		sim_tell(world, SIM_CLIENT, node->index, SIM_NOBODY, kase->number, "refused: %s",
		         reply->error.text);
}

static void act_on(struct sim_case *kase, const char *number, struct sim_node *node, struct act act)
{
	struct tb_buf json = {0};
	bool twice = !kase->scripted && sim_random_chance(&kase->random, ACTED_TWICE_PPM);
	if (!act.event || node->state != SIM_NODE_UP)
		return;
	tb_buf_printf(&json,
	              "{\"number\":\"%s\",\"event\":\"%s\",\"actor\":{\"role\":\"%s\",\"id\":\"a1\"}%s}",
	              number, act.event, act.role, act.more ? act.more : "");
	sim_tell(kase->work->world, SIM_CASE_EVENT, node->index, SIM_NOBODY, number, "%s by %s", act.event,
	         act.role);
	sim_node_ask(node, "/tongban.v1.CaseService/Act", tb_buf_bytes(&json), acted, kase);
	if (twice) /* nobody saw that the first click was taken */
		sim_node_ask(node, "/tongban.v1.CaseService/Act", tb_buf_bytes(&json), acted, kase);
	tb_buf_clear(&json);
}

static void do_act(struct sim_case *kase, struct sim_node *node, struct act act)
{
	act_on(kase, kase->number, node, act);
}

void sim_case_act(struct sim_case *kase, const char *number, struct sim_node *node, const char *event,
                  const char *role, const char *more)
{
	act_on(kase, number, node, (struct act){event, role, more});
}

const char *sim_case_role(struct sim_node *node, const char *number, const char *event, bool at_home)
{
	struct sim_reader reader;
	const char *found = NULL;
	if (!node->core)
		return NULL;
	sim_read_begin(&reader, node);
	const PbCaseRecord *record = sim_read_case(&reader, number);
	const struct case_mode *mode = record ? case_mode_find(record->mode) : NULL;
	for (size_t i = 0; mode && i < mode->rows_count && !found; i++) {
		const struct case_row *row = &mode->rows[i];
		if (row->from != record->state || strcmp(case_event_name(row->event), event) != 0)
			continue;
		for (int role = PB_ROLE__APPLICANT; role <= ROLES_LAST && !found; role++) {
			if (role != PB_ROLE__SYSTEM &&
			    case_row_takes(row, (PbRole)role, at_home ? CASE_AT_HOME : CASE_AT_WINDOW))
				found = case_role_name((PbRole)role);
		}
	}
	sim_read_end(&reader);
	return found;
}

/* The case as both sides have it now; false: one of them cannot be asked. */
struct sides {
	PbCaseState window_state;
	PbCaseState home_state; /* CASE_STATE_UNSPECIFIED: not there */
	bool window_owns;
	bool home_owns;
	bool evaluated;
	bool refused;
};

static bool look(struct sim_case *kase, struct sides *sides)
{
	struct sim_world *world = kase->work->world;
	struct sim_node *window = &world->nodes[kase->window], *home = &world->nodes[kase->home];
	struct sim_reader reader;
	*sides = (struct sides){0};
	if (window->state != SIM_NODE_UP || home->state != SIM_NODE_UP)
		return false;
	sim_read_begin(&reader, window);
	const PbCaseRecord *record = sim_read_case(&reader, kase->number);
	if (record) {
		sides->window_state = record->state;
		sides->window_owns = strcmp(record->owner, window->code) == 0 && !record->handing_over;
		sides->refused = record->refusal[0] != 0;
		sides->evaluated = record->evaluated;
	}
	sim_read_end(&reader);
	sim_read_begin(&reader, home);
	record = sim_read_case(&reader, kase->number);
	if (record) {
		sides->home_state = record->state;
		sides->home_owns = strcmp(record->owner, home->code) == 0 && !record->handing_over;
		sides->evaluated = sides->evaluated || record->evaluated;
	}
	sim_read_end(&reader);
	return true;
}

static void step(struct sim_case *kase, const struct sides *sides)
{
	struct sim_world *world = kase->work->world;
	struct sim_node *window = &world->nodes[kase->window], *home = &world->nodes[kase->home];
	if (sides->window_owns) {
		do_act(kase, window,
		       kase->online ? of_applicant(sides->window_state, &kase->random)
		                    : at_window(sides->window_state, kase->temper, &kase->random));
		return;
	}
	if (!sides->home_owns)
		return; /* on its way */
	if (sides->home_state == PB_CASE_STATE__REVIEW && sim_random_chance(&kase->random, 60000))
		do_act(kase, window, give_up); /* while the department decides */
	do_act(kase, home, at_home(sides->home_state, kase, &kase->random));
	do_act(kase, window, from_window(sides->window_state, kase, &kase->random));
}

static void step_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_case *kase = subject;
	struct sides sides;
	(void)argument;
	if (world->healed || kase->ended)
		return;
	if (look(kase, &sides)) {
		if (sides.refused && sides.window_state >= PB_CASE_STATE__GRANTED)
			sim_mark(&world->marks, SIM_MARK_WITHDRAW_BEATEN);
		bool final = case_state_final(sides.window_state);
		if (final && (sides.window_state != PB_CASE_STATE__CLOSED || sides.evaluated)) {
			kase->ended = true;
			kase->work->counts.cases_closed++;
			sim_histogram_add(&kase->work->case_s,
			                  (uint64_t)((world->now - kase->begun) / SIM_SECOND));
			return;
		}
		step(kase, &sides);
	}
	sim_time at = world->now + SIM_SECOND + sim_random_exponential(&kase->random, kase->work->pace);
	bool waits = sides.window_state == PB_CASE_STATE__CORRECTION ||
	             sides.window_state == PB_CASE_STATE__WINDOW_WAITS;
	bool counts = waits || sides.window_state == PB_CASE_STATE__SIGNED_FOR;
	if (sim_random_chance(&kase->random, counts ? FORGOTTEN_WAITING_PPM : FORGOTTEN_PPM))
		at += sim_random_range(&kase->random, waits ? 22 * SIM_DAY : SIM_DAY, 40 * SIM_DAY);
	sim_at(world, sim_office(at, &kase->random), &step_event, kase, 0);
}

/* ---- the end */

/* A story's case may be of any mode: its table says who can end it, on either side. */
static void wind_up_scripted(struct sim_case *kase)
{
	static const char *const ends[] = {"HAND_OVER", "DISPATCH", "WITHDRAW"};
	struct sim_world *world = kase->work->world;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		for (unsigned at_home = 2; at_home-- > 0;) {
			struct sim_node *node = &world->nodes[at_home ? kase->home : kase->window];
			const char *role = sim_case_role(node, kase->number, ends[i], at_home);
			if (!role)
				continue;
			act_on(kase, kase->number, node,
			       (struct act){ends[i], role,
			                    ",\"detail\":{\"way\":\"NETWORK\",\"reason\":\"终止\"}"});
			return;
		}
	}
}

void sim_work_wind_up(struct sim_world *world)
{
	static const struct act withdraw = {"WITHDRAW", "R_WIN", NULL};
	static const struct act hand = {"HAND_OVER", "H_WIN", REASON};
	for (size_t i = 0; i < world->work->cases_count; i++) {
		struct sim_case *kase = world->work->cases[i];
		struct sim_node *window = &world->nodes[kase->window], *home = &world->nodes[kase->home];
		struct sides sides;
		if (kase->ended || !kase->number[0] || window->dead || home->dead || !look(kase, &sides))
			continue;
		if (kase->scripted && strcmp(kase->script.mode, "DS") != 0) {
			wind_up_scripted(kase);
			continue;
		}
		if (sides.home_owns &&
		    (sides.home_state == PB_CASE_STATE__GRANTED || sides.home_state == PB_CASE_STATE__DENIED))
			do_act(kase, home, ship_of(kase));
		else if (sides.home_owns && sides.home_state == PB_CASE_STATE__DELIVERING)
			do_act(kase, home, hand);
		else if (!case_state_final(sides.window_state))
			do_act(kase, window, withdraw);
	}
	sim_pacts_wind_up(world->work);
}

void sim_work_cases(struct sim_world *world,
                    bool (*each)(void *ctx, const char *number, struct sim_node *window,
                                 struct sim_node *home),
                    void *ctx)
{
	for (size_t i = 0; i < world->work->cases_count; i++) {
		struct sim_case *kase = world->work->cases[i];
		struct sim_node *window = &world->nodes[kase->window];
		if (kase->number[0] && !each(ctx, kase->number, window, &world->nodes[kase->home]))
			return;
		for (size_t part = 1; part <= kase->script.parts_count; part++) {
			const char *number = sim_case_number(kase, part);
			if (number[0] &&
			    !each(ctx, number, window, &world->nodes[kase->script.parts[part - 1]]))
				return;
		}
	}
	(void)sim_pacts_cases(world->work, each, ctx);
}

void sim_cases_free(struct sim_work *work)
{
	for (size_t i = 0; i < work->cases_count; i++)
		free(work->cases[i]);
	free(work->cases);
}
