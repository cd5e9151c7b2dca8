/* Cases, from the application to the end, through the events of mode DS. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/work.h"

/* ---- handing in */

static void material_json(struct tb_buf *out, const struct lab_material *material, const char *need)
{
	tb_buf_printf(
		out,
		"{\"need\":\"%s\",\"name\":\"a.pdf\",\"mediaType\":\"application/pdf\",\"size\":\"%llu\","
		"\"root\":\"",
		need, (unsigned long long)material->size);
	tb_base64(out, tb_bytes_of(material->root, sizeof(material->root)));
	tb_buf_str(out, "\",\"sha256\":\"");
	tb_base64(out, tb_bytes_of(material->sha256, sizeof(material->sha256)));
	tb_buf_str(out, "\"}");
}

void lab_submit_json(const struct lab *lab, const struct lab_case *kase, struct tb_buf *out)
{
	tb_buf_printf(out,
	              "{\"application\":{\"item\":\"" LAB_ITEM
	              "\",\"mode\":\"DS\",\"home\":\"%s\",\"applicant\":{"
	              "\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},\"delivery\":"
	              "\"COURIER\","
	              "\"address\":\"本市\",\"window\":\"1\",\"materials\":[",
	              lab->nodes[kase->home].code);
	material_json(out, &kase->material, "M1");
	tb_buf_printf(out,
	              "]},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":%s,\"requestId\":\"%s\"}",
	              kase->forward ? "true" : "false", kase->request);
	tb_buf_text(out);
}

static void upload(struct lab_worker *worker, struct lab_case *kase)
{
	struct lab *lab = worker->work->lab;
	const struct lab_node *node = &lab->nodes[kase->window];
	struct lab_material *material = &kase->material;
	struct tb_buf data = {0};
	struct lab_reply reply;
	lab_material_bytes(lab, material, &data);
	enum lab_answer answer = lab_upload(lab, node, tb_buf_bytes(&data), &reply);
	tb_buf_clear(&data);
	if (answer == LAB_DONE_WELL) {
		const PbMaterialView *view = (const PbMaterialView *)(const void *)reply.message;
		if (view->root.len == 32 && view->sha256.len == 32 && view->size == material->size &&
		    view->complete) {
			memcpy(material->root, view->root.data, 32);
			memcpy(material->sha256, view->sha256.data, 32);
			material->told = reply.told;
			LAB_COUNT(lab, materials, 1);
		} else {
			lab_broke(lab, LAB_RULE_MATERIAL, node->index, NULL,
			          "an upload of %llu bytes was acknowledged as %llu",
			          (unsigned long long)material->size, (unsigned long long)view->size);
			kase->given_up = kase->ended = true;
		}
	}
	lab_reply_clear(&reply);
}

static void acknowledged(struct lab_worker *worker, struct lab_case *kase, const struct lab_reply *reply)
{
	struct lab *lab = worker->work->lab;
	const PbCaseView *view = (const PbCaseView *)(const void *)reply->message;
	if (kase->number[0]) {
		/* The second answer must be the first. */
		if (strcmp(kase->number, view->number) != 0 && !lab_restored(lab, &lab->nodes[kase->window]))
			lab_broke(lab, LAB_RULE_ONCE, kase->window, kase->number,
			          "the same request again gave %s", view->number);
		else
			lab_held(lab, LAB_RULE_ONCE);
		return;
	}
	snprintf(kase->number, sizeof(kase->number), "%s", view->number);
	kase->told = reply->told;
	pthread_mutex_lock(&lab->lock);
	lab->counts.cases++;
	sim_histogram_add(&worker->work->submit_ms, (uint64_t)(reply->told.answered - reply->told.sent));
	pthread_mutex_unlock(&lab->lock);
	lab_tell(lab, SIM_CASE_EVENT, kase->window, kase->home, kase->number, "handed in");
}

bool lab_case_submit(struct lab_worker *worker, struct lab_case *kase)
{
	struct lab *lab = worker->work->lab;
	const struct lab_node *node = &lab->nodes[kase->window];
	struct tb_buf json = {0};
	struct lab_reply reply;
	if (!kase->number[0] && lab_restored(lab, node)) {
		kase->given_up = kase->ended = true;
		return true;
	}
	lab_submit_json(lab, kase, &json);
	kase->tried = true;
	enum lab_answer answer = lab_call(lab, node, "CaseService/Submit", tb_buf_text(&json),
	                                  &pb_case_view__descriptor, LAB_PATIENCE_MS, &reply);
	if (answer == LAB_DONE_WELL) {
		acknowledged(worker, kase, &reply);
	} else if (answer == LAB_REFUSED) {
		lab_tell(lab, SIM_REFUSED, kase->window, kase->home, kase->number, "hand in: %s", reply.text);
		if (kase->number[0] && !lab_restored(lab, node))
			lab_broke(lab, LAB_RULE_ONCE, kase->window, kase->number,
			          "the same request again was refused: %s", reply.text);
		/* It stands to reason only where its material went with the newer store. */
		else if (!kase->number[0] && !lab_restored(lab, node))
			lab_broke(lab, LAB_RULE_ACKED, kase->window, kase->request, "refused: %s",
			          reply.text);
		kase->given_up = kase->ended = true;
	}
	lab_reply_clear(&reply);
	tb_buf_clear(&json);
	return answer == LAB_DONE_WELL || answer == LAB_REFUSED;
}

/* ---- acting */

struct act {
	const char *event; /* NULL: nothing now */
	const char *role;
	const char *more; /* members of the request */
};

#define REASON ",\"detail\":{\"reason\":\"核实\"}"
#define NEEDS                                                                                    \
	",\"detail\":{\"reason\":\"缺件\",\"needs\":[{\"code\":\"M2\",\"name\":\"驾驶证\"," \
	"\"required\":true,\"basis\":\"公证程序规则\"}]}"

static const struct act check = {"CHECK", "R_WIN", ""}, send = {"SEND", "R_WIN", ""};
static const struct act ask = {"ASK", "R_WIN", NEEDS}, bring = {"BRING", "APPLICANT", ""};
static const struct act fix = {"FIX", "R_WIN", ""}, put_away = {"CLOSE", "R_WIN", REASON};
static const struct act withdraw = {"WITHDRAW", "APPLICANT", ""};
static const struct act supplement = {"SUPPLEMENT", "R_WIN", ""};
static const struct act evaluate = {"EVALUATE", "APPLICANT", ",\"detail\":{\"grade\":4}"};
static const struct act hand = {"HAND_OVER", "R_WIN", ""};
static const struct act consult = {"CONSULT", "R_WIN", ",\"detail\":{\"note\":\"进度\"}"};
static const struct act accept = {"ACCEPT", "H_DEPT", ""}, notify = {"NOTIFY", "H_WIN", NEEDS};
static const struct act back = {"RETURN", "H_WIN", REASON}, refuse = {"REFUSE", "H_WIN", REASON};
static const struct act start = {"START", "H_DEPT", ""};
static const struct act grant = {"GRANT", "H_DEPT", ",\"issue\":{\"typeName\":\"公证书\"}"};
static const struct act grant_plain = {"GRANT", "H_HEAD", ""}, deny = {"DENY", "H_HEAD", REASON};
static const struct act suspend = {"SUSPEND", "H_DEPT", ",\"detail\":{\"reason\":\"鉴定\",\"days\":3}"};
static const struct act extend = {"EXTEND", "H_HEAD", ",\"detail\":{\"reason\":\"复杂\",\"days\":5}"};
static const struct act resume = {"RESUME", "H_DEPT", ""};
static const struct act ship = {"DISPATCH", "H_WIN", ",\"detail\":{\"way\":\"WINDOW_PICKUP\"}"};

static const struct act *pick(struct sim_random *random, const struct act *const *acts, size_t count)
{
	return acts[sim_random_below(random, count)];
}

#define PICK(random, ...)                                      \
	pick(random, (const struct act *const[]){__VA_ARGS__}, \
	     sizeof((const struct act *const[]){__VA_ARGS__}) / sizeof(struct act *))

static const struct act *at_window(PbCaseState state, struct sim_random *random)
{
	switch ((int)state) {
	case PB_CASE_STATE__RECEIVED:
		return &check;
	case PB_CASE_STATE__CHECKING:
		return PICK(random, &send, &send, &send, &send, &send, &send, &send, &ask, NULL, &withdraw);
	case PB_CASE_STATE__WINDOW_WAITS:
		return PICK(random, &bring, &bring, &bring, NULL);
	case PB_CASE_STATE__RETURNED:
		return PICK(random, &fix, &fix, &put_away);
	default:
		return NULL;
	}
}

/* What the window asks the home region for. */
static const struct act *from_window(PbCaseState state, struct sim_random *random)
{
	switch ((int)state) {
	case PB_CASE_STATE__CORRECTION:
		return PICK(random, &supplement, &supplement, NULL, &withdraw);
	case PB_CASE_STATE__DELIVERING:
		return PICK(random, &hand, &hand, NULL);
	case PB_CASE_STATE__CLOSED:
		return &evaluate;
	case PB_CASE_STATE__REVIEW:
	case PB_CASE_STATE__SIGNED_FOR:
		return PICK(random, NULL, NULL, NULL, NULL, NULL, &consult, &withdraw);
	default:
		return NULL;
	}
}

static const struct act *at_home(PbCaseState state, struct sim_random *random)
{
	switch ((int)state) {
	case PB_CASE_STATE__SIGNED_FOR:
		return PICK(random, &accept, &accept, &accept, &accept, &notify, &back, &refuse, NULL);
	case PB_CASE_STATE__ACCEPTED:
		return &start;
	case PB_CASE_STATE__REVIEW:
		return PICK(random, &grant, &grant, &grant, &grant_plain, &deny, &suspend, &extend, NULL);
	case PB_CASE_STATE__SPECIAL:
		return &resume;
	case PB_CASE_STATE__GRANTED:
	case PB_CASE_STATE__DENIED:
		return &ship;
	default:
		return NULL;
	}
}

static void do_act(struct lab_worker *worker, struct lab_case *kase, unsigned index, const struct act *act,
                   uint32_t seen)
{
	struct lab *lab = worker->work->lab;
	struct tb_buf json = {0};
	struct lab_reply reply;
	if (!act || kase->acts_count == LAB_ACTS_MOST)
		return;
	struct lab_act *done = &kase->acts[kase->acts_count++];
	*done = (struct lab_act){.node = index, .event = act->event};
	snprintf(done->actor, sizeof(done->actor), "a%u-%llu", worker->index,
	         (unsigned long long)++worker->serial);
	tb_buf_printf(&json,
	              "{\"number\":\"%s\",\"event\":\"%s\",\"actor\":{\"role\":\"%s\",\"id\":\"%s\"},"
	              "\"expectSeq\":%u%s}",
	              kase->number, act->event, act->role, done->actor, (unsigned)seen, act->more);
	enum lab_answer answer = lab_call(lab, &lab->nodes[index], "CaseService/Act", tb_buf_text(&json),
	                                  &pb_case_view__descriptor, LAB_PATIENCE_MS, &reply);
	done->told = reply.told;
	if (answer == LAB_DONE_WELL) {
		const PbCaseView *view = (const PbCaseView *)(const void *)reply.message;
		done->state = view->proposal[0] ? LAB_ACT_ASKED : LAB_ACT_DONE;
		if (view->proposal[0])
			LAB_COUNT(lab, proposals, 1);
		else
			LAB_COUNT(lab, acts, 1);
		lab_tell(lab, SIM_CASE_EVENT, index, SIM_NOBODY, kase->number, "%s%s", act->event,
		         view->proposal[0] ? " (proposed)" : "");
	} else if (answer == LAB_REFUSED) {
		done->state = LAB_ACT_REFUSED;
		LAB_COUNT(lab, acts_refused, 1);
		lab_tell(lab, SIM_REFUSED, index, SIM_NOBODY, kase->number, "%s: %s", act->event, reply.text);
	}
	lab_reply_clear(&reply);
	tb_buf_clear(&json);
}

struct look {
	bool there;
	bool waits; /* for another: it is being handed over, or a proposal is on its way */
	char owner[8];
	PbCaseState state;
	uint32_t seq;
	bool evaluated;
};

static struct look look(struct lab_worker *worker, const struct lab_case *kase, unsigned index)
{
	struct lab *lab = worker->work->lab;
	struct look look = {0};
	struct tb_buf json = {0};
	struct lab_reply reply;
	lab_json_text(&json, "number", kase->number);
	if (lab_call(lab, &lab->nodes[index], "CaseService/Get", tb_buf_text(&json),
	             &pb_case_view__descriptor, LAB_PATIENCE_MS, &reply) == LAB_DONE_WELL) {
		const PbCaseView *view = (const PbCaseView *)(const void *)reply.message;
		look.there = true;
		look.waits = view->handing_over || strncmp(view->proposal, "sent", 4) == 0;
		snprintf(look.owner, sizeof(look.owner), "%s", view->owner);
		look.state = view->state;
		look.seq = view->seq;
		for (size_t i = 0; i < view->n_log; i++)
			look.evaluated = look.evaluated || view->log[i]->event == PB_CASE_EVENT__EVALUATE;
	}
	lab_reply_clear(&reply);
	tb_buf_clear(&json);
	return look;
}

static bool at_end(const struct look *look)
{
	return look->state == PB_CASE_STATE__NOT_ACCEPTED || look->state == PB_CASE_STATE__WITHDRAWN ||
	       look->state == PB_CASE_STATE__TERMINATED ||
	       (look->state == PB_CASE_STATE__CLOSED && look->evaluated);
}

static void advance(struct lab_worker *worker, struct lab_case *kase)
{
	struct lab *lab = worker->work->lab;
	struct look here = look(worker, kase, kase->window);
	if (!here.there || here.waits)
		return;
	if (at_end(&here) || kase->acts_count == LAB_ACTS_MOST) {
		kase->ended = true;
		LAB_COUNT(lab, closed, 1);
		return;
	}
	if (strcmp(here.owner, lab->nodes[kase->window].code) == 0) {
		do_act(worker, kase, kase->window, at_window(here.state, &worker->random), here.seq);
		return;
	}
	do_act(worker, kase, kase->window, from_window(here.state, &worker->random), here.seq);
	struct look there = look(worker, kase, kase->home);
	if (there.there && !there.waits && strcmp(there.owner, lab->nodes[kase->home].code) == 0)
		do_act(worker, kase, kase->home, at_home(there.state, &worker->random), there.seq);
}

void lab_case_step(struct lab_worker *worker, struct lab_case *kase)
{
	if (kase->number[0]) {
		advance(worker, kase);
		return;
	}
	if (kase->material.told.answered == 0) {
		upload(worker, kase);
		return;
	}
	/* After an old backup the material may be gone, too; and nothing more is handed in there. */
	if (lab_case_submit(worker, kase) && !kase->given_up && sim_random_chance(&worker->random, 150000)) {
		LAB_COUNT(worker->work->lab, repeated, 1);
		lab_case_submit(worker, kase);
	}
}
