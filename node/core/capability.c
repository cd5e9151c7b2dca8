/* What a node can do, for whom: said in each description, so that a window knows before it sends. */
#include <string.h>

#include "node/core/casetable.h"
#include "node/core/turn.h"

enum {
	CAPABILITIES_BYTES_MAX = 4096, /* of what a peer says */
	MODES_MAX = 32,
};

static PbDisclosure most_told(const struct peer *peer)
{
	PbDisclosure most = PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED;
	for (size_t i = 0; i < peer->verify_count; i++) {
		if (peer->verify[i].disclosure > most)
			most = peer->verify[i].disclosure;
	}
	return most;
}

static void add_modes(PbCapabilities *own, const struct peer *peer, struct tb_arena *arena)
{
	own->modes = tb_arena_alloc(arena, MODES_MAX * sizeof(*own->modes));
	for (size_t i = 0; case_modes[i] && own->n_modes < MODES_MAX; i++) {
		if (!case_modes[i]->listed_as && peer_has_mode(peer, case_modes[i]->code))
			own->modes[own->n_modes++] = (char *)(uintptr_t)case_modes[i]->code;
	}
}

static void add_integrations(struct turn *turn, PbCapabilities *own, struct tb_arena *arena)
{
	const bool has[] = {
		[PB_INTEGRATION__UNIFIED_IDENTITY] = true,
		[PB_INTEGRATION__DATA_SHARING] =
			catalogue_own_version(turn) > 0 || hall_version(turn, turn->core->setup.region) > 0,
		[PB_INTEGRATION__INTERFACES] = own->n_modes > 0,
		[PB_INTEGRATION__CREDENTIAL_RECOGNITION] = own->disclosure > 0,
		[PB_INTEGRATION__APPLICATION_INTEGRATION] = turn->core->setup.departments_connect,
	};
	own->integrations = tb_arena_alloc(arena, sizeof(has) / sizeof(has[0]) * sizeof(*own->integrations));
	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++) {
		if (has[i])
			own->integrations[own->n_integrations++] = (PbIntegration)i;
	}
}

PbCapabilities *capability_own(struct turn *turn, const struct peer *peer)
{
	static PbMatterKind matters[] = {PB_MATTER_KIND__CONSULTATION, PB_MATTER_KIND__ENQUIRY,
	                                 PB_MATTER_KIND__COMPLAINT, PB_MATTER_KIND__DISPUTE,
	                                 PB_MATTER_KIND__SUPERVISION};
	static PbRight rights[] = {PB_RIGHT__ACCEPT_CASES, PB_RIGHT__NOTIFY_ONCE, PB_RIGHT__CHECK_ORIGINALS,
	                           PB_RIGHT__DELIVER_RESULTS, PB_RIGHT__DECIDE_CASES};
	PbCapabilities *own = PROTO_NEW(PbCapabilities, capabilities, &turn->arena);
	own->software = (char *)(uintptr_t)turn->core->setup.version;
	own->matters = matters;
	own->n_matters = sizeof(matters) / sizeof(matters[0]);
	own->rights = rights;
	own->n_rights = sizeof(rights) / sizeof(rights[0]);
	own->agreement_parties_max = TB_AGREEMENT_PARTIES_MAX;
	own->material_bytes_max = (uint64_t)TB_MATERIAL_CHUNKS_MAX * TB_CHUNK_BYTES;
	own->message_bytes_max = TB_MESSAGE_BYTES_MAX;
	own->batch_items_max = TB_BATCH_ITEMS_MAX;
	own->disclosure = most_told(peer);
	own->queries_per_second = peer->queries_per_second;
	own->queries_burst = peer->queries_burst;
	add_modes(own, peer, &turn->arena);
	add_integrations(turn, own, &turn->arena);
	return own;
}

void capability_learn(struct turn *turn, struct peer_state *state, const PbDescription *description)
{
	tb_buf_clear(&state->capabilities);
	state->protocol = description->protocol;
	if (!description->capabilities)
		return;
	struct tb_bytes bytes = proto_encode_arena(&turn->arena, &description->capabilities->base);
	if (bytes.size <= CAPABILITIES_BYTES_MAX)
		tb_buf_add(&state->capabilities, bytes.data, bytes.size);
}

PbCapabilities *capability_of(const struct peer_state *state, struct tb_arena *arena)
{
	PbCapabilities *said = NULL;
	struct tb_bytes bytes = {state->capabilities.data, state->capabilities.size};
	if (bytes.size > 0 && PROTO_DECODE(&said, capabilities, tb_arena_bytes(arena, bytes), arena, NULL))
		return NULL;
	return said;
}
