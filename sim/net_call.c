#include "sim/net_priv.h"

#include <assert.h>
#include <stdlib.h>

#include "sim/check.h"
#include "sim/faults.h"
#include "sim/hostile.h"
#include "sim/newer.h"

enum { TOLD_MOST = 8 }; /* messages of a call that the story tells of */

#define HAND_OVER_TIME (80 * SIM_MS) /* about as long as one takes */
#define INJECTED_LIFE (20 * SIM_SECOND)

static void arrive_run(struct sim_world *world, void *subject, uint64_t argument);
static void fail_run(struct sim_world *world, void *subject, uint64_t code);
static void answer_run(struct sim_world *world, void *subject, uint64_t argument);
static void call_drop(void *subject, uint64_t argument);
static void answer_drop(void *subject, uint64_t argument);

static const struct sim_event_kind arrive_event = {"arrive", arrive_run, call_drop};
static const struct sim_event_kind fail_event = {"fail", fail_run, call_drop};
static const struct sim_event_kind answer_event = {"answer", answer_run, answer_drop};

struct answer {
	struct sim_call *call;
	struct tb_buf bytes;
	struct tb_error error; /* a refusal of the call as a whole */
	enum sim_act act;      /* that a hostile node did to it; SIM_ACTS: none */
};

static void call_drop(void *subject, uint64_t argument)
{
	(void)argument;
	sim_call_unref(subject);
}

static void answer_drop(void *subject, uint64_t argument)
{
	struct answer *answer = subject;
	(void)argument;
	sim_call_unref(answer->call);
	tb_buf_clear(&answer->bytes);
	free(answer);
}

/* For people: the messages of a delivery. |back|: their receipts. */
static void tell_messages(const struct sim_call *call, bool back)
{
	struct sim_world *world = call->from->world;
	const struct core_outbound *outbound = call->outbound;
	uint32_t from = call->from->index, to = call->to->index;
	if (world->options.story_ordinary == 0 || call->kind != CORE_DELIVER)
		return;
	for (size_t i = 0; i < outbound->batch->items_count && i < TOLD_MOST; i++) {
		struct tb_arena arena = {0};
		PbCaseMessage *message;
		if (PROTO_DECODE_OWN(&message, case_message, pki_batch_message(outbound->batch, i), &arena,
		                     NULL) == TB_OK)
			sim_tell(world, back ? SIM_ANSWERED : SIM_SENT, back ? to : from, back ? from : to,
			         message->case_number, "%s %llu (call %u)",
			         message->package    ? "package"
			         : message->entries  ? "entry"
			         : message->proposal ? "proposal"
			         : message->expired  ? "notice of a message given up, after"
			                             : "post",
			         (unsigned long long)message->case_seq, call->number);
		tb_arena_clear(&arena);
	}
}

/* Gives the call back to its sender, if that has not been done yet. */
static void call_back(struct sim_call *call, struct tb_bytes bytes, const struct tb_error *error,
                      enum sim_act act)
{
	struct sim_node *from = call->from;
	if (call->done) {
		call->done(from->world, call->to, bytes, error->code ? error : NULL, call->ctx);
		call->done = NULL;
	}
	if (!call->outbound)
		return;
	if (!error->code)
		tell_messages(call, true);
	struct core_outbound *outbound = sim_call_take(call);
	if (error->code)
		outbound->error = *error;
	else
		core_outbound_answered(&from->setup, from->peers, outbound, bytes, sim_node_now(from));
	if (act < SIM_ACTS)
		sim_hostile_answered(from, call->to, outbound, act);
	if (outbound->answer && call->kind == CORE_DELIVER)
		sim_check_receipts(from, call->to, outbound);
	if (outbound->answer && call->kind == CORE_DESCRIBE)
		sim_check_shown(call->to, outbound);
	if (outbound->error.code == TB_EEXPIRED)
		sim_mark(&from->world->marks, SIM_MARK_CLOCK_REFUSED);
	sim_node_post(from, (struct core_event){.kind = CORE_CALL_DONE, .outbound = outbound});
	sim_call_unref(call);
}

static void fail_at(struct sim_call *call, sim_time at, enum tb_code code)
{
	call->failing = true;
	sim_at(call->from->world, at, &fail_event, sim_call_ref(call), code);
}

static void fail_run(struct sim_world *world, void *subject, uint64_t code)
{
	struct sim_call *call = subject;
	struct tb_error err = {0};
	if (call->outbound || call->done) {
		sim_note(world, code);
		tb_fail(&err, (enum tb_code)code, "%s",
		        code == TB_ETIMEOUT ? "no answer in time" : "the connection failed");
		call_back(call, tb_bytes_of(NULL, 0), &err, SIM_ACTS);
	}
	sim_call_unref(call);
}

/* A request or an answer is lost: the caller sees a connection that broke, or nothing until its time is over.
 */
static void lose(struct sim_call *call, bool at_once)
{
	struct sim_world *world = call->from->world;
	if (at_once)
		fail_at(call, world->now + 2 * SIM_MS, TB_EUNREACHABLE);
	else
		fail_at(call, call->deadline, TB_ETIMEOUT);
}

static void dispatch(struct sim_call *call)
{
	struct sim_world *world = call->from->world;
	const struct sim_rates *rates = sim_rates(world);
	uint32_t from = call->from->index, to = call->to->index;
	struct sim_link *link = sim_link_find(world->net, from, to);
	/* The same number of draws for each call, whatever they say. */
	bool lost = sim_random_chance(&link->random, rates->lose_request + link->lose);
	bool twice = sim_random_chance(&link->random, rates->duplicate);
	bool at_once = sim_random_chance(&link->random, 500000);
	sim_time at = sim_link_arrival(world, link, call->bytes.size);
	call->number = link->calls++;
	if (call->outbound)
		tell_messages(call, false);
	sim_note(world, (uint64_t)from << 32 | to);
	sim_note_bytes(world, call->bytes.data, call->bytes.size);
	if (sim_net_is_cut(world->net, from, to) || at == SIM_NEVER) {
		lose(call, at_once);
		return;
	}
	if (lost && !world->healed && sim_decide(world, SIM_DO_LOSE_REQUEST, from, to, call->number)) {
		sim_tell(world, SIM_REQUEST_LOST, from, to, NULL, "call %u", call->number);
		lose(call, at_once);
		return;
	}
	sim_at(world, at, &arrive_event, sim_call_ref(call), 0);
	if (at > call->deadline)
		fail_at(call, call->deadline, TB_ETIMEOUT);
	if (twice && !world->healed && sim_decide(world, SIM_DO_DUPLICATE, from, to, call->number)) {
		sim_tell(world, SIM_DUPLICATED, from, to, NULL, "call %u", call->number);
		at = sim_link_arrival(world, link, call->bytes.size);
		sim_at(world, at, &arrive_event, sim_call_ref(call), 0);
	}
}

/* Does it carry a case's hand-over? */
static bool hands_over(const struct core_outbound *outbound)
{
	bool found = false;
	for (size_t i = 0; outbound->call == CORE_DELIVER && i < outbound->batch->items_count; i++) {
		struct tb_arena arena = {0};
		PbCaseMessage *message;
		if (PROTO_DECODE_OWN(&message, case_message, pki_batch_message(outbound->batch, i), &arena,
		                     NULL) == TB_OK)
			found = found || message->package ||
			        (message->entries && message->entries->hand_over);
		tb_arena_clear(&arena);
	}
	return found;
}

static void die_run(struct sim_world *world, void *subject, uint64_t life)
{
	struct sim_node *node = subject;
	if (life != node->life || world->healed)
		return;
	sim_tell(world, SIM_CRASHED, node->index, SIM_NOBODY, NULL, "killed while a case was handed over");
	sim_node_stop(node, SIM_STOP_CRASH);
	sim_node_start_after(node, SIM_SECOND + sim_random_exponential(&node->random, SIM_MINUTE));
}

static const struct sim_event_kind die_event = {"die", die_run, NULL};

void sim_net_send(struct sim_node *from, struct core_outbound *outbound)
{
	struct sim_world *world = from->world;
	struct sim_node *to = sim_node_find(world, outbound->peer);
	struct tb_error err;
	assert(to);
	struct sim_call *call = sim_call_new(from, to, outbound->call, outbound);
	call->deadline = world->now + outbound->timeout_ms * SIM_MS;
	if (from->dies_in_hand_over && hands_over(outbound)) {
		from->dies_in_hand_over = false;
		sim_after(world, (sim_time)sim_random_below(&from->random, HAND_OVER_TIME), &die_event, from,
		          from->life);
	}
	sim_newer_speaks(from->newer);
	enum tb_code code = core_outbound_encode(&from->setup, outbound, &call->bytes, &err);
	assert(code == TB_OK);
	dispatch(call);
}

void sim_net_inject(struct sim_node *from, const char *as, struct sim_node *to, enum core_call kind,
                    struct tb_bytes bytes, sim_injected *done, void *ctx)
{
	struct sim_call *call = sim_call_new(from, to, kind, NULL);
	call->as = as;
	call->done = done;
	call->ctx = ctx;
	call->deadline = from->world->now + INJECTED_LIFE;
	tb_buf_add(&call->bytes, bytes.data, bytes.size);
	dispatch(call);
	sim_call_unref(call);
}

static void send_answer(struct sim_call *call, struct answer *answer)
{
	struct sim_world *world = call->from->world;
	struct sim_link *link = sim_link_find(world->net, call->to->index, call->from->index);
	bool lost = sim_random_chance(&link->random, sim_rates(world)->lose_answer + link->lose);
	bool at_once = sim_random_chance(&link->random, 500000);
	sim_time at = sim_link_arrival(world, link, answer->bytes.size);
	bool cut = sim_net_is_cut(world->net, call->to->index, call->from->index);
	if (cut || at == SIM_NEVER ||
	    (lost && !world->healed &&
	     sim_decide(world, SIM_DO_LOSE_ANSWER, call->to->index, call->from->index, call->number))) {
		sim_tell(world, SIM_ANSWER_LOST, call->to->index, call->from->index, NULL, "call %u",
		         call->number);
		if (call->kind == CORE_DELIVER && !answer->error.code)
			world->net->lost_receipts[call->from->index]++;
		lose(call, at_once);
		answer_drop(answer, 0);
		return;
	}
	if (at > call->deadline && !call->failing)
		fail_at(call, call->deadline, TB_ETIMEOUT);
	sim_at(world, at, &answer_event, answer, 0);
}

static struct answer *answer_new(struct sim_call *call)
{
	struct answer *answer = tb_alloc(sizeof(*answer));
	answer->call = sim_call_ref(call);
	answer->act = SIM_ACTS;
	return answer;
}

static void arrive_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_call *call = subject;
	struct sim_node *to = call->to;
	struct tb_error err = {0};
	(void)argument;
	call->arrivals++;
	if (to->state == SIM_NODE_DOWN || sim_net_is_cut(world->net, call->from->index, to->index)) {
		lose(call, to->state == SIM_NODE_DOWN);
		sim_call_unref(call);
		return;
	}
	struct core_inbound *inbound = core_inbound_new(&to->setup, to->peers, call->kind, call->as,
	                                                tb_buf_bytes(&call->bytes), sim_node_now(to), &err);
	if (call->arrivals > 1)
		sim_mark(&world->marks, SIM_MARK_DUPLICATE);
	if (inbound) {
		inbound->io = sim_call_ref(call);
		if (to->state == SIM_NODE_PAUSED && !call->failing)
			fail_at(call, call->deadline, TB_ETIMEOUT);
		sim_node_post(to, (struct core_event){.kind = CORE_INBOUND, .inbound = inbound});
	} else {
		struct answer *answer = answer_new(call);
		answer->error = err;
		sim_note(world, err.code);
		sim_net_refused(to, call->as, core_call_word(call->kind), tb_buf_bytes(&call->bytes), &err);
		sim_tell(world, SIM_REFUSED, to->index, call->from->index, NULL, "%s", err.text);
		send_answer(call, answer);
	}
	sim_call_unref(call);
}

void sim_net_answer(struct sim_node *from, struct core_inbound *inbound)
{
	struct sim_call *call = inbound->io;
	struct answer *answer = answer_new(call);
	struct sim_world *world = from->world;
	sim_newer_speaks(from->newer);
	if (core_inbound_answer(&from->setup, inbound, &answer->bytes, &answer->error) == TB_EREPLAY)
		sim_mark(&world->marks, SIM_MARK_REPLAY_REFUSED);
	if (from->hostile && !answer->error.code)
		answer->act = sim_hostile_answer(from, inbound, call->number, &answer->bytes);
	core_inbound_free(inbound);
	if (answer->act == SIM_ACT_NO_ANSWER) {
		lose(call, false);
		answer_drop(answer, 0);
	} else {
		send_answer(call, answer);
	}
	sim_call_unref(call);
}

void sim_net_unanswered(struct sim_node *node, struct core_inbound *inbound)
{
	struct sim_call *call = inbound->io;
	(void)node;
	core_inbound_free(inbound);
	lose(call, true);
	sim_call_unref(call);
}

static void answer_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct answer *answer = subject;
	struct sim_call *call = answer->call;
	uint32_t *lost = &world->net->lost_receipts[call->from->index];
	(void)argument;
	sim_note_bytes(world, answer->bytes.data, answer->bytes.size);
	if (sim_net_is_cut(world->net, call->to->index, call->from->index)) {
		lose(call, false);
	} else if (call->outbound || call->done) {
		if (call->kind == CORE_DELIVER && !answer->error.code && *lost > 0) {
			sim_mark(&world->marks, SIM_MARK_RECEIPT_RESENT);
			*lost = 0;
		}
		call_back(call, tb_buf_bytes(&answer->bytes), &answer->error, answer->act);
	}
	answer_drop(answer, 0);
}

void sim_calls_down(struct sim_node *node)
{
	while (node->calls) {
		struct sim_call *call = node->calls;
		struct core_outbound *outbound = sim_call_take(call);
		if (hands_over(outbound))
			sim_mark(&node->world->marks, SIM_MARK_HANDOVER_CRASH);
		free(outbound->core);
		core_outbound_free(outbound);
		sim_call_unref(call);
	}
}
