/* What a node says of itself, and what it learns of its peers. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "node/core/agreement.h"
#include "node/core/turn.h"

enum { CALL_TIMEOUT_MS = 10000, PROTOCOL_VERSION = 1 };

#define DESCRIBE_EVERY TB_MINUTE /* where the setup does not say */
#define DESCRIBE_RETRY (2 * TB_SECOND)
#define DESCRIBE_RETRY_MOST (10 * TB_MINUTE)
/* Between two peers that are told of a new list, so that not all of them ask for it at one time. */
#define DESCRIBE_TELL_GAP 20
/* Between two showings of agreements that neither side has changed since. */
#define SHOW_AGAIN_MOST TB_HOUR

/* DESCRIBE_RETRY, twice as long for each of |times|, up to |most|. */
static tb_time retry_wait(unsigned times, tb_time most)
{
	tb_time wait = DESCRIBE_RETRY;
	for (unsigned i = 0; i < times && wait < most; i++)
		wait *= 2;
	return wait < most ? wait : most;
}

/* ---- a peer asks who we are */

static void show_agreements(struct turn *turn, const struct peer_state *state, PbDescription *description)
{
	agreements_shared(turn->core, state, &turn->arena, &description->agreements,
	                  &description->n_agreements);
	agreements_summaries(turn->core, state->region, &turn->arena, &description->summaries,
	                     &description->n_summaries);
}

/* What differs for good, such as two texts of one version that crossed on their way, is not worth all its
 * bytes and checks in each description: it is shown at once, and then ever more seldom until either side has
 * something else. */
static bool is_worth_showing(const struct turn *turn, struct agreements_shown *shown,
                             const struct pki_digest *ours, const uint8_t *theirs)
{
	if (memcmp(&shown->ours, ours, sizeof(*ours)) != 0 ||
	    memcmp(shown->theirs.bytes, theirs, PKI_HASH_BYTES) != 0) {
		shown->ours = *ours;
		memcpy(shown->theirs.bytes, theirs, PKI_HASH_BYTES);
		shown->times = 0;
	} else if (turn->now < shown->again_at && shown->again_at - turn->now <= SHOW_AGAIN_MOST) {
		return false;
	}
	shown->again_at = turn->now + retry_wait(shown->times++, SHOW_AGAIN_MOST);
	return true;
}

/* Takes what the asker shows, and shows ours if that is something else. */
static void exchange_agreements(struct turn *turn, const char *peer, const PbDescribeRequest *asked,
                                PbDescription *description)
{
	struct peer_state *state = core_peer_state(turn->core, peer);
	if (asked)
		agreements_merge(turn, peer, asked->agreements, asked->n_agreements);
	struct pki_digest ours = agreements_digest(turn->core, peer);
	description->agreements_digest =
		proto_data(tb_arena_bytes(&turn->arena, tb_bytes_of(ours.bytes, PKI_HASH_BYTES)));
	if (!asked || !state || asked->agreements_digest.len != PKI_HASH_BYTES)
		return;
	agreements_heard(turn, state, asked->agreements_digest, asked->summaries, asked->n_summaries);
	if (memcmp(asked->agreements_digest.data, ours.bytes, PKI_HASH_BYTES) != 0 &&
	    (asked->n_agreements > 0 ||
	     is_worth_showing(turn, &state->shown_back, &ours, asked->agreements_digest.data)))
		show_agreements(turn, state, description);
}

/* It is asked soon, but not again and again. */
static void describe_soon(struct turn *turn, struct peer_state *state)
{
	tb_time at = turn->now;
	if (state->described_at <= turn->now && turn->now - state->described_at < DESCRIBE_RETRY)
		at = state->described_at + DESCRIBE_RETRY;
	if (!state->describe_busy && state->describe_at > at)
		state->describe_at = at;
}

/* The asker says which list it has itself. */
static void hear_of_list(struct turn *turn, const char *peer, const PbDescribeRequest *asked)
{
	struct peer_state *state = core_peer_state(turn->core, peer);
	uint64_t have;
	struct tb_bytes digest;
	if (!asked || !state || asked->own_catalogue_version == 0)
		return;
	catalogue_have(turn, peer, &have, &digest);
	if (asked->own_catalogue_version <= have)
		return;
	state->list_told = asked->own_catalogue_version;
	describe_soon(turn, state);
}

void describe_tell(struct turn *turn)
{
	struct core *core = turn->core;
	for (size_t i = 0; i < core->states_count; i++) {
		tb_time at = turn->now + (tb_time)i * DESCRIBE_TELL_GAP;
		if (!core->states[i].describe_busy && core->states[i].describe_at > at)
			core->states[i].describe_at = at;
	}
}

/* If there is room beside agreements. They may differ for long: halls do not wait for their end. */
static void add_halls(struct turn *turn, PbDescription *description)
{
	PbHallList *halls = hall_shared(turn);
	if (halls && protobuf_c_message_get_packed_size(&description->base) +
	                             protobuf_c_message_get_packed_size(&halls->base) <=
	                     TB_BATCH_BYTES_AIM)
		description->halls = halls;
}

void describe_inbound(struct turn *turn, struct core_inbound *inbound)
{
	const struct core_setup *setup = &turn->core->setup;
	const PbDescribeRequest *asked = (const PbDescribeRequest *)(const void *)inbound->messages[0];
	PbDescription description = PB_DESCRIPTION__INIT;
	struct tb_bytes note = audit_latest(&turn->kv, &turn->arena);
	description.region = (char *)(uintptr_t)setup->region;
	description.name = (char *)(uintptr_t)setup->name;
	description.protocol = PROTOCOL_VERSION;
	exchange_agreements(turn, inbound->peer, asked, &description);
	if (note.size > 0)
		description.checkpoint = tb_arena_copy(&turn->arena, note.data, note.size);
	description.catalogue_version = catalogue_own_version(turn);
	description.catalogue_digest = proto_data(catalogue_own_digest(turn));
	hear_of_list(turn, inbound->peer, asked);
	description.catalogue = catalogue_page(turn, asked);
	description.halls_version = hall_version(turn, setup->region);
	struct peer_state *state = core_peer_state(turn->core, inbound->peer);
	if (state && state->describe_failures > 0)
		describe_soon(turn, state); /* it is there again */
	const struct peer *peer = peer_find(turn->core->peers, inbound->peer);
	if (peer)
		description.capabilities = capability_own(turn, peer);
	if (asked && asked->halls_version < description.halls_version && !description.catalogue)
		add_halls(turn, &description);
	struct tb_bytes message = proto_encode_arena(&turn->arena, &description.base);
	struct pki_batch_head head = {.kind = PB_BATCH_KIND__DESCRIPTION,
	                              .sender = setup->region,
	                              .receiver = inbound->peer,
	                              .sent_at = turn->now,
	                              .expires_at = turn->now + TB_BATCH_LIFE_MS / 2,
	                              .in_reply_to = pki_batch_root(inbound->batch)};
	inbound->answer = pki_batch_build(&head, &message, 1, turn->core->random);
	audit_add(turn, PB_LEAF_KIND__LEAF_DESCRIBED, "describe", inbound->peer,
	          pki_batch_root(inbound->answer), 1);
	turn_effect(turn, CORE_ANSWER)->inbound = inbound;
}

/* ---- we ask a peer */

static tb_time describe_every(const struct core *core)
{
	return core->setup.describe_every ? core->setup.describe_every : DESCRIBE_EVERY;
}

tb_time describe_finish(struct turn *turn, struct peer_state *state, const struct peer *peer)
{
	if (state->describe_busy || !peer->endpoint[0])
		return INT64_MAX;
	/* As in delivery.c: whatever the clock was when this was set. */
	if (state->describe_at > turn->now + 2 * describe_every(turn->core))
		state->describe_at = turn->now + describe_every(turn->core);
	if (turn->now < state->describe_at)
		return state->describe_at;
	PbDescribeRequest request = PB_DESCRIBE_REQUEST__INIT;
	struct tb_bytes digest;
	catalogue_have(turn, peer->region, &request.catalogue_version, &digest);
	request.catalogue_digest = proto_data(digest);
	request.own_catalogue_version = state->list_shown = catalogue_own_version(turn);
	request.halls_version = hall_version(turn, peer->region);
	request.catalogue_after = state->list_after;
	request.catalogue_after_version = state->list_after_version;
	struct pki_digest ours = agreements_digest(turn->core, peer->region);
	request.agreements_digest = proto_data(tb_bytes_of(ours.bytes, PKI_HASH_BYTES));
	/* Whether a peer that did not answer is there again, a few bytes tell as well. */
	if (state->agreements_at && state->describe_failures == 0 &&
	    memcmp(&ours, &state->agreements_digest, sizeof(ours)) != 0 &&
	    is_worth_showing(turn, &state->shown, &ours, state->agreements_digest.bytes)) {
		agreements_shared(turn->core, state, &turn->arena, &request.agreements,
		                  &request.n_agreements);
		agreements_summaries(turn->core, peer->region, &turn->arena, &request.summaries,
		                     &request.n_summaries);
	}
	struct tb_bytes message = proto_encode_arena(&turn->arena, &request.base);
	struct pki_batch_head head = {.kind = PB_BATCH_KIND__DESCRIBE,
	                              .sender = turn->core->setup.region,
	                              .receiver = peer->region,
	                              .sent_at = turn->now,
	                              .expires_at = turn->now + TB_BATCH_LIFE_MS / 2};
	struct core_outbound *outbound = tb_alloc(sizeof(*outbound));
	outbound->batch = pki_batch_build(&head, &message, 1, turn->core->random);
	outbound->call = CORE_DESCRIBE;
	outbound->timeout_ms = CALL_TIMEOUT_MS;
	core_outbound_to(outbound, peer);
	state->describe_busy = true;
	turn_effect(turn, CORE_SEND)->outbound = outbound;
	return INT64_MAX;
}

void describe_again(struct turn *turn, const char *region)
{
	struct peer_state *state = core_peer_state(turn->core, region);
	if (state)
		describe_soon(turn, state);
}

static void learn_agreements(struct turn *turn, struct peer_state *state,
                             const struct core_outbound *outbound)
{
	const PbDescription *description = (const PbDescription *)(const void *)outbound->messages[0];
	if (!description || description->agreements_digest.len != PKI_HASH_BYTES)
		return;
	agreements_merge(turn, outbound->peer, description->agreements, description->n_agreements);
	agreements_heard(turn, state, description->agreements_digest, description->summaries,
	                 description->n_summaries);
}

/* What we have is not what the peer said that it has: it is shown soon, and ever more seldom while the peer
 * does not take it. */
static tb_time next_wait(const struct core *core, struct peer_state *state)
{
	struct pki_digest ours = agreements_digest(core, state->region);
	if (!state->agreements_at || memcmp(&ours, &state->agreements_digest, sizeof(ours)) == 0) {
		state->describe_differs = 0;
		return describe_every(core);
	}
	return retry_wait(state->describe_differs++, describe_every(core));
}

/* It said that its list is newer than what it gave, or another one than what is here; or ours has changed
 * since it was told. */
static bool list_is_due(struct turn *turn, struct peer_state *state, const PbDescription *description)
{
	uint64_t told = state->list_told, have;
	struct tb_bytes digest;
	catalogue_have(turn, state->region, &have, &digest);
	state->list_told = 0; /* Once is enough for who does not give it. */
	return told > have || state->list_shown != catalogue_own_version(turn) ||
	       (description && description->catalogue_version == have &&
	        catalogue_differ(proto_bytes(description->catalogue_digest), digest));
}

/* How much later it is at the peer, who wrote its answer between our asking and |now|. */
static tb_time clock_offset(const struct core_outbound *outbound, tb_time now)
{
	tb_time asked = outbound->batch->header->sent_at_ms;
	return outbound->answer->header->sent_at_ms - asked - (now - asked) / 2;
}

void describe_answered(struct turn *turn, struct core_outbound *outbound)
{
	struct peer_state *state = core_peer_state(turn->core, outbound->peer);
	if (!state)
		return;
	state->describe_busy = false;
	if (outbound->answer) {
		const PbDescription *description = (const PbDescription *)(const void *)outbound->messages[0];
		if (!description)
			refusal_note(turn, outbound->peer, "answer", TB_EMALFORMED,
			             pki_batch_root(outbound->answer));
		bool more = description && description->catalogue &&
		            catalogue_learn(turn, state, outbound, description->catalogue,
		                            proto_bytes(description->catalogue_digest));
		learn_agreements(turn, state, outbound);
		if (description)
			capability_learn(turn, state, description);
		if (description && description->halls)
			hall_learn(turn, outbound, description->halls);
		/* They did not fit beside the rest. */
		bool later = description && !description->halls &&
		             description->halls_version > hall_version(turn, outbound->peer);
		if (!more)
			later = list_is_due(turn, state, description) || later;
		state->describe_failures = 0;
		tb_time wait = next_wait(turn->core, state);
		if (later)
			wait = retry_wait(state->describe_lacks++, describe_every(turn->core));
		else if (!more)
			state->describe_lacks = 0;
		state->describe_at = turn->now + (more ? 0 : wait);
		state->contact_at = state->described_at = turn->now;
		state->clock_offset = clock_offset(outbound, turn->now);
		state->last_error[0] = 0;
		return;
	}
	tb_time every = describe_every(turn->core);
	state->describe_at =
		turn->now + retry_wait(state->describe_failures++,
	                               every < DESCRIBE_RETRY_MOST ? every : DESCRIBE_RETRY_MOST);
	snprintf(state->last_error, sizeof(state->last_error), "%.159s", outbound->error.text);
}
