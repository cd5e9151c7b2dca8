#include "sim/net.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/material.h"
#include "sim/check.h"
#include "sim/faults.h"
#include "sim/hostile.h"
#include "sim/scenario.h"

enum {
	MESH_MOST = 5,      /* nodes that all know each other */
	PARTNERS_DRAWN = 2, /* by each node, besides its neighbours */
	QUERIES_A_SECOND = 100,
	QUERIES_BURST = 500,
	TOLD_MOST = 8, /* messages of a call that the story tells of */
	KM_A_MS = 100, /* light in glass, there and back through the switches */
};

#define QUEUE_TIME (2 * SIM_SECOND)  /* what a link's queue holds */
#define HAND_OVER_TIME (80 * SIM_MS) /* about as long as one takes */
#define INJECTED_LIFE (20 * SIM_SECOND)

struct links {
	struct sim_link *at; /* by the other's index */
	size_t count;
	uint64_t sides; /* bit c: inside of cut c */
};

struct sim_call {
	struct sim_call *previous; /* in the sender's ring, while |outbound| is out */
	struct sim_call *next;
	unsigned refs;
	enum core_call kind;
	struct sim_node *from;
	struct sim_node *to;
	uint32_t number;                /* on its link */
	struct core_outbound *outbound; /* NULL: it is back, or its sender is gone */
	struct tb_buf bytes;            /* the request */
	sim_time deadline;
	unsigned arrivals;
	bool failing;       /* an event that fails it is in the heap */
	sim_injected *done; /* instead of |outbound| */
	const char *as;     /* on whose connection it arrives */
	void *ctx;
};

struct sim_stream {
	struct sim_stream *next;
	struct sim_node *node; /* receives */
	struct sim_node *peer;
	struct core_fetch *fetch;
	struct material_sink *sink;
	struct material_source *source;
	uint32_t parts;
	bool gone; /* a side went down: the event that is left frees it */
};

struct sim_net {
	struct links *links; /* by node */
	size_t nodes_count;
	uint64_t cuts_used;
	uint64_t both_ways;
	uint64_t outward; /* nothing leaves the inside */
	struct sim_stream *streams;
	uint32_t *lost_receipts; /* by node: answers to its deliveries that were lost */
};

/* ---- agreements */

struct sim_link *sim_links(struct sim_net *net, uint32_t node, size_t *count)
{
	*count = net->links[node].count;
	return net->links[node].at;
}

struct sim_link *sim_link_find(struct sim_net *net, uint32_t from, uint32_t to)
{
	struct links *links = &net->links[from];
	size_t low = 0, high = links->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (links->at[middle].to < to)
			low = middle + 1;
		else
			high = middle;
	}
	return low < links->count && links->at[low].to == to ? &links->at[low] : NULL;
}

static void link_add(struct sim_world *world, struct sim_net *net, struct sim_random *random, uint32_t from,
                     uint32_t to)
{
	static const PbDisclosure levels[] = {PB_DISCLOSURE__STATUS, PB_DISCLOSURE__MATCH,
	                                      PB_DISCLOSURE__DOCUMENT, PB_DISCLOSURE__DOCUMENT};
	struct links *links = &net->links[from];
	size_t at = links->count;
	if (from == to || sim_link_find(net, from, to))
		return;
	links->at = tb_realloc(links->at, (links->count + 1) * sizeof(*links->at));
	for (; at > 0 && links->at[at - 1].to > to; at--)
		links->at[at] = links->at[at - 1];
	links->count++;
	struct sim_link *link = &links->at[at];
	unsigned km = sim_distance(world->nodes[from].code, world->nodes[to].code);
	*link = (struct sim_link){.to = to, .latency = SIM_MS + km * SIM_MS / KM_A_MS};
	sim_random_start(&link->random, world->options.seed, "link", (uint64_t)from << 32 | to);
	link->verify = levels[sim_random_below(random, 4)];
	link->cases = sim_random_chance(random, 950000);
}

/* As a scenario's grants say: who grants or is granted anything has a link, each way. */
static void agree_as_told(struct sim_world *world, struct sim_net *net, struct sim_random *random)
{
	static const char *const levels[] = {"none", "status", "match", "document"};
	const struct sim_scenario *told = world->options.scenario;
	for (uint32_t i = 0; told->grants_all && i < told->nodes_count; i++) {
		for (uint32_t j = 0; j < told->nodes_count; j++) {
			link_add(world, net, random, i, j);
			struct sim_link *link = sim_link_find(net, i, j);
			if (link) {
				link->verify = PB_DISCLOSURE__DOCUMENT;
				link->cases = true;
			}
		}
	}
	for (size_t i = 0; i < told->grants_count; i++) {
		const struct sim_scenario_grant *grant = &told->grants[i];
		bool fresh = !sim_link_find(net, grant->at, grant->to);
		link_add(world, net, random, grant->at, grant->to);
		link_add(world, net, random, grant->to, grant->at);
		struct sim_link *link = sim_link_find(net, grant->at, grant->to);
		struct sim_link *back = sim_link_find(net, grant->to, grant->at);
		if (fresh) {
			back->verify = PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED;
			back->cases = false;
		}
		link->cases = grant->cases;
		for (unsigned level = 0; level < sizeof(levels) / sizeof(levels[0]); level++) {
			if (strcmp(levels[level], grant->verify) == 0)
				link->verify = (PbDisclosure)level;
		}
	}
}

static void agree(struct sim_world *world, struct sim_net *net, struct sim_random *random, uint32_t a,
                  uint32_t b)
{
	link_add(world, net, random, a, b);
	link_add(world, net, random, b, a);
}

struct sim_net *sim_net_new(struct sim_world *world)
{
	struct sim_net *net = tb_alloc(sizeof(*net));
	struct sim_random random;
	uint32_t count = (uint32_t)world->nodes_count;
	net->links = tb_alloc(count * sizeof(*net->links));
	net->lost_receipts = tb_alloc(count * sizeof(*net->lost_receipts));
	net->nodes_count = count;
	sim_random_start(&random, world->options.seed, "agreements", 0);
	if (world->options.scenario) {
		agree_as_told(world, net, &random);
		return net;
	}
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t j = 0; count <= MESH_MOST && j < i; j++)
			agree(world, net, &random, i, j);
		if (count <= MESH_MOST)
			continue;
		agree(world, net, &random, i, (i + 1) % count); /* a neighbour */
		if (i % 3 == 0)
			agree(world, net, &random, i, (i + count / 2) % count); /* east and west */
		for (unsigned k = 0; k < PARTNERS_DRAWN; k++)
			agree(world, net, &random, i, (uint32_t)sim_random_below(&random, count));
	}
	return net;
}

void sim_net_free(struct sim_net *net)
{
	for (size_t i = 0; i < net->nodes_count; i++)
		free(net->links[i].at);
	assert(!net->streams);
	free(net->links);
	free(net->lost_receipts);
	free(net);
}

struct peer_set *sim_net_peers(struct sim_world *world, uint32_t node)
{
	static const char *const all[] = {"*", NULL};
	struct peer_set *set = peer_set_new();
	struct links *links = &world->net->links[node];
	for (size_t i = 0; i < links->count; i++) {
		const struct sim_link *link = &links->at[i];
		const struct sim_node *other = &world->nodes[link->to];
		struct peer_verify_grant verify = {.types = all, .disclosure = link->verify};
		struct peer_case_grant cases = {.items = all, .modes = all};
		struct peer peer = {.region = other->code,
		                    .name = other->name,
		                    .endpoint = "simulated:1",
		                    .verify = &verify,
		                    .verify_count = link->verify != PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED,
		                    .cases = &cases,
		                    .cases_count = link->cases,
		                    .queries_per_second = QUERIES_A_SECOND,
		                    .queries_burst = QUERIES_BURST};
		struct tb_error err;
		enum tb_code code = peer_set_add(set, &peer, tb_buf_bytes(&other->identity->ca_pem), &err);
		assert(code == TB_OK);
	}
	return set;
}

/* ---- cuts */

int sim_net_cut_begin(struct sim_net *net, bool one_way)
{
	if (net->cuts_used == UINT64_MAX)
		return -1;
	int cut = __builtin_ctzll(~net->cuts_used);
	net->cuts_used |= 1ULL << cut;
	if (one_way)
		net->outward |= 1ULL << cut;
	else
		net->both_ways |= 1ULL << cut;
	return cut;
}

void sim_net_cut_add(struct sim_net *net, int cut, uint32_t node)
{
	net->links[node].sides |= 1ULL << cut;
}

void sim_net_cut_end(struct sim_net *net, int cut)
{
	uint64_t keep = ~(1ULL << cut);
	net->cuts_used &= keep;
	net->both_ways &= keep;
	net->outward &= keep;
	for (size_t i = 0; i < net->nodes_count; i++)
		net->links[i].sides &= keep;
}

void sim_net_heal(struct sim_net *net)
{
	for (int cut = 0; cut < SIM_CUTS_MAX; cut++)
		sim_net_cut_end(net, cut);
	for (size_t i = 0; i < net->nodes_count; i++) {
		for (size_t j = 0; j < net->links[i].count; j++) {
			struct sim_link *link = &net->links[i].at[j];
			link->clogged_until = 0;
			link->cut = false;
			link->lose = 0;
			link->slower = 0;
		}
	}
}

bool sim_net_is_cut(struct sim_net *net, uint32_t from, uint32_t to)
{
	const struct sim_link *link = sim_link_find(net, from, to);
	if (link && link->cut)
		return true;
	uint64_t a = net->links[from].sides, b = net->links[to].sides;
	return ((a ^ b) & net->both_ways) != 0 || (a & ~b & net->outward) != 0;
}

/* When |size| bytes that are sent now arrive; SIM_NEVER: the queue is full. */
static sim_time arrival(struct sim_world *world, struct sim_link *link, size_t size)
{
	const struct sim_rates *rates = sim_rates(world);
	sim_time at = world->now > link->free_at ? world->now : link->free_at;
	sim_time tail = sim_random_exponential(&link->random, rates->tail);
	if (at < link->clogged_until)
		at = link->clogged_until;
	if (at - world->now > QUEUE_TIME && at != link->clogged_until)
		return SIM_NEVER;
	at += (sim_time)(size * (uint64_t)SIM_SECOND / rates->bytes_a_second);
	link->free_at = at;
	return at + link->latency + link->slower + tail;
}

/* ---- calls */

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
};

static void call_unref(struct sim_call *call)
{
	if (--call->refs > 0)
		return;
	assert(!call->outbound);
	tb_buf_clear(&call->bytes);
	free(call);
}

static void call_drop(void *subject, uint64_t argument)
{
	(void)argument;
	call_unref(subject);
}

static void answer_drop(void *subject, uint64_t argument)
{
	struct answer *answer = subject;
	(void)argument;
	call_unref(answer->call);
	tb_buf_clear(&answer->bytes);
	free(answer);
}

static void detach(struct sim_call *call)
{
	struct sim_node *from = call->from;
	if (call->previous)
		call->previous->next = call->next;
	else
		from->calls = call->next;
	if (call->next)
		call->next->previous = call->previous;
	call->outbound = NULL;
}

/* Gives the call back to its sender, if that has not been done yet. */
static void call_back(struct sim_call *call, struct tb_bytes bytes, const struct tb_error *error)
{
	struct sim_node *from = call->from;
	struct core_outbound *outbound = call->outbound;
	if (call->done) {
		call->done(from->world, call->to, bytes, error->code ? error : NULL, call->ctx);
		call->done = NULL;
	}
	if (!outbound)
		return;
	detach(call);
	if (error->code)
		outbound->error = *error;
	else
		core_outbound_answered(&from->setup, from->peers, outbound, bytes, sim_node_now(from));
	if (outbound->answer && call->kind == CORE_DELIVER)
		sim_check_receipts(from, call->to, outbound);
	if (outbound->error.code == TB_EEXPIRED)
		sim_mark(&from->world->marks, SIM_MARK_CLOCK_REFUSED);
	sim_node_post(from, (struct core_event){.kind = CORE_CALL_DONE, .outbound = outbound});
	call_unref(call);
}

static void fail_at(struct sim_call *call, sim_time at, enum tb_code code)
{
	call->refs++;
	call->failing = true;
	sim_at(call->from->world, at, &fail_event, call, code);
}

static void fail_run(struct sim_world *world, void *subject, uint64_t code)
{
	struct sim_call *call = subject;
	struct tb_error err = {0};
	if (call->outbound || call->done) {
		sim_note(world, code);
		tb_fail(&err, (enum tb_code)code, "%s",
		        code == TB_ETIMEOUT ? "no answer in time" : "the connection failed");
		call_back(call, tb_bytes_of(NULL, 0), &err);
	}
	call_unref(call);
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
	sim_time at = arrival(world, link, call->bytes.size);
	call->number = link->calls++;
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
	call->refs++;
	sim_at(world, at, &arrive_event, call, 0);
	if (at > call->deadline)
		fail_at(call, call->deadline, TB_ETIMEOUT);
	if (twice && !world->healed && sim_decide(world, SIM_DO_DUPLICATE, from, to, call->number)) {
		sim_tell(world, SIM_DUPLICATED, from, to, NULL, "call %u", call->number);
		call->refs++;
		sim_at(world, arrival(world, link, call->bytes.size), &arrive_event, call, 0);
	}
}

/* For people: what goes to whom. */
static void tell_sent(const struct sim_call *call)
{
	struct sim_world *world = call->from->world;
	const struct core_outbound *outbound = call->outbound;
	if (world->options.story_ordinary == 0 || call->kind != CORE_DELIVER)
		return;
	for (size_t i = 0; i < outbound->batch->items_count && i < TOLD_MOST; i++) {
		struct tb_arena arena = {0};
		PbCaseMessage *message;
		if (PROTO_DECODE_OWN(&message, case_message, pki_batch_message(outbound->batch, i), &arena,
		                     NULL) == TB_OK)
			sim_tell(world, SIM_SENT, call->from->index, call->to->index, message->case_number,
			         "%s, message %llu of the case",
			         message->package    ? "the whole case"
			         : message->entries  ? "an entry"
			         : message->proposal ? "a proposal"
			         : message->expired  ? "the notice that a message was given up"
			                             : "a post",
			         (unsigned long long)message->case_seq);
		tb_arena_clear(&arena);
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
	struct sim_call *call = tb_alloc(sizeof(*call));
	struct tb_error err;
	call->refs = 1;
	call->kind = outbound->call;
	call->from = from;
	call->as = from->code;
	call->to = sim_node_find(world, outbound->peer);
	call->outbound = outbound;
	call->deadline = world->now + outbound->timeout_ms * SIM_MS;
	call->next = from->calls;
	if (call->next)
		call->next->previous = call;
	from->calls = call;
	assert(call->to);
	if (from->dies_in_hand_over && hands_over(outbound)) {
		from->dies_in_hand_over = false;
		sim_after(world, (sim_time)sim_random_below(&from->random, HAND_OVER_TIME), &die_event, from,
		          from->life);
	}
	enum tb_code code = core_outbound_encode(&from->setup, outbound, &call->bytes, &err);
	assert(code == TB_OK);
	tell_sent(call);
	dispatch(call);
}

void sim_net_inject(struct sim_node *from, const char *as, struct sim_node *to, enum core_call kind,
                    struct tb_bytes bytes, sim_injected *done, void *ctx)
{
	struct sim_call *call = tb_alloc(sizeof(*call));
	call->refs = 1;
	call->kind = kind;
	call->from = from;
	call->as = as;
	call->to = to;
	call->done = done;
	call->ctx = ctx;
	call->deadline = from->world->now + INJECTED_LIFE;
	tb_buf_add(&call->bytes, bytes.data, bytes.size);
	dispatch(call);
	call_unref(call);
}

static void send_answer(struct sim_call *call, struct answer *answer)
{
	struct sim_world *world = call->from->world;
	struct sim_link *link = sim_link_find(world->net, call->to->index, call->from->index);
	bool lost = sim_random_chance(&link->random, sim_rates(world)->lose_answer + link->lose);
	bool at_once = sim_random_chance(&link->random, 500000);
	sim_time at = arrival(world, link, answer->bytes.size);
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
	answer->call = call;
	call->refs++;
	return answer;
}

/* |to| has refused what came from |peer|, before any turn. */
static void refused(struct sim_node *to, const char *peer, const char *what, struct tb_bytes bytes,
                    const struct tb_error *err)
{
	sim_node_post(to, (struct core_event){.kind = CORE_REFUSED,
	                                      .refusal = core_refusal_of(peer, what, bytes, err)});
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
		call_unref(call);
		return;
	}
	struct core_inbound *inbound = core_inbound_new(&to->setup, to->peers, call->kind, call->as,
	                                                tb_buf_bytes(&call->bytes), sim_node_now(to), &err);
	if (call->arrivals > 1)
		sim_mark(&world->marks, SIM_MARK_DUPLICATE);
	if (inbound) {
		inbound->io = call;
		call->refs++;
		if (to->state == SIM_NODE_PAUSED && !call->failing)
			fail_at(call, call->deadline, TB_ETIMEOUT);
		sim_node_post(to, (struct core_event){.kind = CORE_INBOUND, .inbound = inbound});
	} else {
		struct answer *answer = answer_new(call);
		answer->error = err;
		sim_note(world, err.code);
		refused(to, call->as, core_call_word(call->kind), tb_buf_bytes(&call->bytes), &err);
		sim_tell(world, SIM_REFUSED, to->index, call->from->index, NULL, "%s", err.text);
		send_answer(call, answer);
	}
	call_unref(call);
}

void sim_net_answer(struct sim_node *from, struct core_inbound *inbound)
{
	struct sim_call *call = inbound->io;
	struct answer *answer = answer_new(call);
	struct sim_world *world = from->world;
	if (core_inbound_answer(&from->setup, inbound, &answer->bytes, &answer->error) == TB_EREPLAY)
		sim_mark(&world->marks, SIM_MARK_REPLAY_REFUSED);
	bool answers =
		!from->hostile || answer->error.code || sim_hostile_answer(from, inbound, &answer->bytes);
	core_inbound_free(inbound);
	if (answers) {
		send_answer(call, answer);
	} else {
		lose(call, false);
		answer_drop(answer, 0);
	}
	call_unref(call);
}

void sim_net_unanswered(struct sim_node *node, struct core_inbound *inbound)
{
	struct sim_call *call = inbound->io;
	(void)node;
	core_inbound_free(inbound);
	lose(call, true);
	call_unref(call);
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
		call_back(call, tb_buf_bytes(&answer->bytes), &answer->error);
	}
	answer_drop(answer, 0);
}

/* ---- streams of materials */

static void stream_run(struct sim_world *world, void *subject, uint64_t opening);
static void stream_drop(void *subject, uint64_t argument);
static const struct sim_event_kind stream_event = {"stream", stream_run, stream_drop};

static void stream_close(struct sim_stream *stream)
{
	struct tb_error err;
	if (stream->sink) {
		enum tb_code code = material_sink_end(stream->sink, &err);
		(void)code; /* what is good stays for the next attempt */
	}
	material_source_free(stream->source);
	stream->sink = NULL;
	stream->source = NULL;
}

static void stream_unlink(struct sim_stream *stream)
{
	struct sim_stream **at = &stream->node->world->net->streams;
	while (*at && *at != stream)
		at = &(*at)->next;
	if (*at)
		*at = stream->next;
}

static void stream_drop(void *subject, uint64_t argument)
{
	struct sim_stream *stream = subject;
	(void)argument;
	if (!stream->gone) {
		stream_close(stream);
		stream_unlink(stream);
	}
	core_fetch_free(stream->fetch);
	free(stream);
}

/* The fetch goes back to its core, with |stream->fetch->error|. */
static void stream_done(struct sim_stream *stream)
{
	struct sim_node *node = stream->node;
	struct core_fetch *fetch = stream->fetch;
	if (stream->sink) {
		struct tb_error err = {0};
		enum tb_code code = material_sink_end(stream->sink, &err);
		if (code && !fetch->error.code)
			fetch->error = err;
		stream->sink = NULL;
	}
	/* To the core this code says that the fetch goes on. */
	if (fetch->error.code == TB_EBUSY)
		fetch->error.code = TB_EUNREACHABLE;
	stream->fetch = NULL;
	stream_drop(stream, 0);
	sim_note(node->world, fetch->error.code);
	if (fetch->error.code)
		sim_tell(node->world, SIM_MATERIAL_CUT, node->index, SIM_NOBODY, NULL, "%s",
		         fetch->error.text);
	sim_node_post(node, (struct core_event){.kind = CORE_FETCHED, .fetch = fetch});
}

void sim_net_fetch(struct sim_node *node, struct core_fetch *fetch)
{
	struct sim_world *world = node->world;
	struct sim_stream *stream = tb_alloc(sizeof(*stream));
	stream->node = node;
	stream->peer = sim_node_find(world, fetch->peer);
	stream->fetch = fetch;
	stream->next = world->net->streams;
	world->net->streams = stream;
	if (fetch->first_chunk > 0)
		sim_mark(&world->marks, SIM_MARK_MATERIAL_RESUMED);
	struct sim_link *link = sim_link_find(world->net, node->index, stream->peer->index);
	sim_after(world, 2 * link->latency, &stream_event, stream, 1);
}

static enum tb_code stream_open(struct sim_stream *stream)
{
	struct sim_node *node = stream->node, *peer = stream->peer;
	struct core_fetch *fetch = stream->fetch;
	struct tb_arena arena = {0};
	PbStoredMaterial *record;
	struct tb_error err = {0};
	uint8_t seed[32];
	sim_random_bytes(&node->random, seed, sizeof(seed));
	enum tb_code code = core_material_for(&peer->setup, node->code, fetch->root, &arena, &record, &err);
	if (code == TB_OK)
		code = material_sink_new(&stream->sink, &node->setup, fetch, seed, &err);
	if (code == TB_OK)
		code = material_source_new(&stream->source, &peer->setup, record, fetch->root,
		                           fetch->first_chunk, &err);
	tb_arena_clear(&arena);
	/* A sink that had to begin anew has filled it, and is well. */
	if (code) {
		fetch->error = err;
		refused(peer, node->code, "material", tb_bytes_of(fetch->root, PKI_HASH_BYTES), &err);
	}
	return code;
}

/* The next part. False: the stream is over, and fetch->error says how. */
static bool stream_part(struct sim_stream *stream, size_t *size)
{
	struct sim_world *world = stream->node->world;
	struct core_fetch *fetch = stream->fetch;
	struct sim_link *link = sim_link_find(world->net, stream->peer->index, stream->node->index);
	struct tb_buf part = {0};
	bool more = false, progress = false, spoilt = false;
	bool lost = sim_random_chance(&link->random, sim_rates(world)->cut_stream);
	enum tb_code code = material_source_part(stream->source, &part, &more, &fetch->error);
	if (code == TB_OK && more && lost && !world->healed &&
	    sim_decide(world, SIM_DO_CUT_STREAM, stream->peer->index, stream->node->index, link->calls++)) {
		sim_mark(&world->marks, SIM_MARK_MATERIAL_CUT);
		code = tb_fail(&fetch->error, TB_EUNREACHABLE, "the stream broke off");
	}
	if (code == TB_OK && more && stream->peer->hostile)
		more = sim_hostile_part(stream->peer, stream->node->index, &part, &spoilt);
	if (code == TB_OK && more) {
		material_sink_digest(stream->sink, tb_buf_bytes(&part));
		code = material_sink_part(stream->sink, tb_buf_bytes(&part), &progress, &fetch->error);
		if (code == TB_OK && spoilt)
			sim_check_broke(world, SIM_RULE_SCOPE, stream->node->index, NULL,
			                "an altered part of a material was taken");
	}
	*size = part.size;
	tb_buf_clear(&part);
	if (code == TB_OK && progress) {
		struct core_fetch *note = core_fetch_copy(fetch);
		note->error.code = TB_EBUSY;
		sim_node_post(stream->node, (struct core_event){.kind = CORE_FETCHED, .fetch = note});
	}
	stream->parts++;
	return code == TB_OK && more;
}

static void stream_run(struct sim_world *world, void *subject, uint64_t opening)
{
	struct sim_stream *stream = subject;
	size_t size = 0;
	if (stream->gone) {
		stream_drop(stream, 0);
		return;
	}
	struct sim_node *node = stream->node, *peer = stream->peer;
	if (node->state == SIM_NODE_PAUSED) {
		sim_after(world, SIM_SECOND, &stream_event, stream, opening);
		return;
	}
	if (peer->state != SIM_NODE_UP || (!opening && !stream->source) ||
	    sim_net_is_cut(world->net, peer->index, node->index) ||
	    sim_net_is_cut(world->net, node->index, peer->index)) {
		tb_fail(&stream->fetch->error, TB_EUNREACHABLE, "%s cannot be reached", peer->code);
		stream_done(stream);
		return;
	}
	bool goes_on = opening ? stream_open(stream) == TB_OK : stream_part(stream, &size);
	if (sim_disk_is_cut(node->disk)) { /* the power went off under it */
		sim_tell(world, SIM_POWER_LOST, node->index, SIM_NOBODY, NULL,
		         "while a material was written");
		sim_node_stop(node, SIM_STOP_POWER);
		sim_node_start_after(node, sim_random_range(&node->random, SIM_SECOND, SIM_HOUR));
		stream_drop(stream, 0);
		return;
	}
	if (!goes_on) {
		stream_done(stream);
		return;
	}
	sim_time took = SIM_MS + (sim_time)(size * (uint64_t)SIM_SECOND / sim_rates(world)->bytes_a_second);
	sim_after(world, took, &stream_event, stream, 0);
}

/* ---- a node goes down */

void sim_net_down(struct sim_node *node)
{
	struct sim_net *net = node->world->net;
	while (node->calls) {
		struct sim_call *call = node->calls;
		struct core_outbound *outbound = call->outbound;
		detach(call);
		if (hands_over(outbound))
			sim_mark(&node->world->marks, SIM_MARK_HANDOVER_CRASH);
		free(outbound->core);
		core_outbound_free(outbound);
		call_unref(call);
	}
	for (struct sim_stream **at = &net->streams; *at;) {
		struct sim_stream *stream = *at;
		if (stream->node != node && stream->peer != node) {
			at = &stream->next;
			continue;
		}
		if (stream->node != node) {
			/* Its next event sees that the peer is down. */
			material_source_free(stream->source);
			stream->source = NULL;
			at = &stream->next;
			continue;
		}
		*at = stream->next;
		stream_close(stream);
		stream->gone = true;
	}
}
