/* What a node says of itself, and what it learns of its peers: their catalogues. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "node/core/agreement.h"
#include "node/core/catalogue.h"
#include "node/core/turn.h"

enum { CALL_TIMEOUT_MS = 10000, PROTOCOL_VERSION = 1 };

#define DESCRIBE_EVERY TB_MINUTE /* where the setup does not say */
#define DESCRIBE_RETRY (2 * TB_SECOND)
#define DESCRIBE_RETRY_MOST TB_MINUTE

/* ---- lists, decoded */

struct list {
	struct list *next;
	char region[PKI_REGION_ROOM];
	struct tb_arena arena;
	PbCatalogue *catalogue;
	PbItem **by_code; /* its items in the order of their codes */
};

struct lists {
	struct list *first;
};

struct lists *lists_new(void)
{
	return tb_alloc(sizeof(struct lists));
}

static void list_free(struct list *list)
{
	tb_arena_clear(&list->arena);
	free(list);
}

/* What is stored for |region| has changed. */
static void lists_forget(struct lists *lists, const char *region)
{
	for (struct list **at = &lists->first; *at; at = &(*at)->next) {
		struct list *list = *at;
		if (strcmp(list->region, region) != 0)
			continue;
		*at = list->next;
		list_free(list);
		return;
	}
}

void lists_free(struct lists *lists)
{
	if (!lists)
		return;
	while (lists->first)
		lists_forget(lists, lists->first->region);
	free(lists);
}

static int by_code(const void *a, const void *b)
{
	return strcmp((*(PbItem *const *)a)->code, (*(PbItem *const *)b)->code);
}

static enum tb_code read_list(struct kv *kv, const char *region, struct tb_arena *arena, PbCatalogue **out,
                              struct tb_error *err)
{
	struct kv_key key = kv_key_of(tb_bytes_of(region, strnlen(region, PKI_REGION_ROOM)));
	return KV_GET(kv, KV_CATALOGUE, &key, catalogue, arena, out, err);
}

/* The list of |region| that a turn's core keeps; NULL and an error if there is none. */
static enum tb_code kept_list(struct kv *kv, const char *region, struct list **out, struct tb_error *err)
{
	struct list *list = kv->lists->first;
	while (list && strcmp(list->region, region) != 0)
		list = list->next;
	*out = list;
	if (list)
		return TB_OK;
	list = tb_alloc(sizeof(*list));
	enum tb_code code = read_list(kv, region, &list->arena, &list->catalogue, err);
	if (code) {
		list_free(list);
		return code;
	}
	size_t bytes = list->catalogue->n_items * sizeof(PbItem *);
	snprintf(list->region, sizeof(list->region), "%s", region);
	list->by_code = tb_arena_copy(&list->arena, list->catalogue->items, bytes);
	qsort(list->by_code, list->catalogue->n_items, sizeof(PbItem *), by_code);
	list->next = kv->lists->first;
	kv->lists->first = list;
	*out = list;
	return TB_OK;
}

static enum tb_code load(struct kv *kv, const char *region, struct tb_arena *arena, PbCatalogue **out,
                         struct tb_error *err)
{
	struct list *list;
	if (!kv->lists)
		return read_list(kv, region, arena, out, err);
	enum tb_code code = kept_list(kv, region, &list, err);
	*out = code == TB_OK ? list->catalogue : NULL;
	return code;
}

static void put_list(struct turn *turn, const char *region, struct tb_bytes bytes)
{
	struct kv_key key = kv_key_str(region);
	kv_put(&turn->kv, KV_CATALOGUE, &key, bytes);
	lists_forget(turn->core->lists, region);
}

static PbItem *item_find(struct kv *kv, const PbCatalogue *catalogue, const char *region, const char *code)
{
	struct list *list;
	if (kv->lists && kept_list(kv, region, &list, NULL) == TB_OK) {
		PbItem wanted = PB_ITEM__INIT, *key = &wanted;
		wanted.code = (char *)(uintptr_t)code;
		PbItem **found = bsearch(&key, list->by_code, catalogue->n_items, sizeof(PbItem *), by_code);
		return found ? *found : NULL;
	}
	for (size_t i = 0; i < catalogue->n_items; i++) {
		if (strcmp(catalogue->items[i]->code, code) == 0)
			return catalogue->items[i];
	}
	return NULL;
}

enum tb_code catalogue_item(struct kv *kv, const char *region, const char *code, struct tb_arena *arena,
                            PbItem **item, uint64_t *version, struct tb_error *err)
{
	PbCatalogue *catalogue;
	*item = NULL;
	enum tb_code found = load(kv, region, arena, &catalogue, err);
	if (found == TB_ENOTFOUND)
		return tb_fail(err, TB_EUNREACHABLE, "the item list of %.8s is not here yet", region);
	if (found)
		return found;
	*item = item_find(kv, catalogue, region, code);
	*version = catalogue->version;
	if (*item)
		return TB_OK;
	return tb_fail(err, TB_ENOTFOUND, "item %.60s is not in the list of %.8s (version %llu)", code,
	               region, (unsigned long long)catalogue->version);
}

enum tb_code catalogue_base_item(struct kv *kv, const char *region, const char *base_code,
                                 struct tb_arena *arena, PbItem **item, struct tb_error *err)
{
	PbCatalogue *catalogue = NULL;
	enum tb_code found = load(kv, region, arena, &catalogue, err);
	*item = NULL;
	if (found && found != TB_ENOTFOUND)
		return found;
	for (size_t i = 0; catalogue && i < catalogue->n_items; i++) {
		if (strcmp(catalogue->items[i]->base_code, base_code) == 0) {
			*item = catalogue->items[i];
			return TB_OK;
		}
	}
	return tb_fail(err, TB_ENOTFOUND, "no item with basic code %.60s is in the list of %.8s", base_code,
	               region);
}

/* ---- own list */

static enum tb_code check_load(const PbCatalogueLoadRequest *list, struct tb_error *err)
{
	if (list->n_items > TB_ITEMS_MAX)
		return tb_fail(err, TB_ETOOBIG, "items: more than %d", TB_ITEMS_MAX);
	for (size_t i = 0; i < list->n_items; i++) {
		struct tb_error why;
		enum tb_code code = catalogue_check_item(list->items[i], &why);
		if (code)
			return tb_fail(err, code, "items[%zu]: %s", i, why.text);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(list->items[i]->code, list->items[j]->code) == 0)
				return tb_fail(err, TB_EINVALID, "items[%zu].code: the same as items[%zu]", i,
				               j);
		}
	}
	return TB_OK;
}

void catalogue_apply_load(struct turn *turn, struct core_request *request)
{
	const PbCatalogueLoadRequest *list = (const PbCatalogueLoadRequest *)(const void *)request->message;
	const char *self = turn->core->setup.region;
	PbCatalogue catalogue = PB_CATALOGUE__INIT;
	PbCatalogue *old;
	struct tb_error err = {0};
	enum tb_code code = check_load(list, &err);
	catalogue.region = (char *)(uintptr_t)self;
	catalogue.published_at_ms = turn->now;
	catalogue.version = 1;
	catalogue.n_items = list->n_items;
	catalogue.items = list->items;
	enum tb_code loaded = code == TB_OK ? load(&turn->kv, self, &turn->arena, &old, NULL) : code;
	/* Peers take none that is older than theirs: after a list that cannot be read, any later number. */
	if (code == TB_OK && loaded != TB_ENOTFOUND)
		catalogue.version = loaded == TB_OK ? old->version + 1 : (uint64_t)turn->now;
	struct tb_bytes bytes = proto_encode_arena(&turn->arena, &catalogue.base);
	if (code == TB_OK && bytes.size > TB_BATCH_BYTES_AIM)
		code = tb_fail(&err, TB_ETOOBIG, "the list is over %d bytes", TB_BATCH_BYTES_AIM);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	uint8_t digest[PKI_HASH_BYTES];
	put_list(turn, self, bytes);
	pki_sha256(digest, bytes);
	audit_add(turn, PB_LEAF_KIND__LEAF_CATALOGUE, "catalogue", "", tb_bytes_of(digest, sizeof(digest)),
	          (uint32_t)list->n_items);
	PbCatalogueLoadResponse *reply =
		PROTO_NEW(PbCatalogueLoadResponse, catalogue_load_response, &request->arena);
	reply->version = catalogue.version;
	reply->items = (uint32_t)list->n_items;
	turn_reply(turn, request, &reply->base);
}

enum tb_code catalogue_read_list(struct query *query, struct tb_error *err)
{
	const PbCatalogueListRequest *request =
		(const PbCatalogueListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	const char *region = request->region[0] ? request->region : query->setup->region;
	PbCatalogueListResponse *reply = PROTO_NEW(PbCatalogueListResponse, catalogue_list_response, arena);
	enum tb_code code = load(&query->kv, region, arena, &reply->catalogue, err);
	if (code == TB_ENOTFOUND)
		return tb_fail(err, code, "no item list of %.8s is here", region);
	query->request->reply = &reply->base;
	return code;
}

/* ---- a peer asks who we are */

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
	if (!asked || asked->agreements_digest.len != PKI_HASH_BYTES)
		return;
	if (memcmp(asked->agreements_digest.data, ours.bytes, PKI_HASH_BYTES) != 0)
		agreements_shared(turn->core, peer, &turn->arena, &description->agreements,
		                  &description->n_agreements);
	if (state) {
		memcpy(state->agreements_digest.bytes, asked->agreements_digest.data, PKI_HASH_BYTES);
		state->agreements_at = turn->now;
	}
}

void describe_inbound(struct turn *turn, struct core_inbound *inbound)
{
	const struct core_setup *setup = &turn->core->setup;
	const PbDescribeRequest *asked = (const PbDescribeRequest *)(const void *)inbound->messages[0];
	PbDescription description = PB_DESCRIPTION__INIT;
	PbCatalogue *catalogue;
	struct tb_bytes note = audit_latest(&turn->kv, &turn->arena);
	description.region = (char *)(uintptr_t)setup->region;
	description.name = (char *)(uintptr_t)setup->name;
	description.protocol = PROTOCOL_VERSION;
	exchange_agreements(turn, inbound->peer, asked, &description);
	if (note.size > 0)
		description.checkpoint = tb_arena_copy(&turn->arena, note.data, note.size);
	if (load(&turn->kv, setup->region, &turn->arena, &catalogue, NULL) == TB_OK) {
		description.catalogue_version = catalogue->version;
		if (!asked || asked->catalogue_version < catalogue->version)
			description.catalogue = catalogue;
	}
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
	PbCatalogue *have;
	if (load(&turn->kv, peer->region, &turn->arena, &have, NULL) == TB_OK)
		request.catalogue_version = have->version;
	struct pki_digest ours = agreements_digest(turn->core, peer->region);
	request.agreements_digest = proto_data(tb_bytes_of(ours.bytes, PKI_HASH_BYTES));
	if (state->agreements_at && memcmp(&ours, &state->agreements_digest, sizeof(ours)) != 0)
		agreements_shared(turn->core, peer->region, &turn->arena, &request.agreements,
		                  &request.n_agreements);
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
	if (state && !state->describe_busy && turn->now - state->contact_at >= DESCRIBE_RETRY)
		state->describe_at = turn->now;
}

static void learn(struct turn *turn, const struct core_outbound *outbound)
{
	const PbDescription *description = (const PbDescription *)(const void *)outbound->messages[0];
	PbCatalogue *have;
	if (!description || !description->catalogue ||
	    strcmp(description->catalogue->region, outbound->peer) != 0)
		return;
	if (load(&turn->kv, outbound->peer, &turn->arena, &have, NULL) == TB_OK &&
	    have->version >= description->catalogue->version)
		return;
	if (description->catalogue->n_items > TB_ITEMS_MAX)
		return;
	struct tb_bytes bytes = proto_encode_arena(&turn->arena, &description->catalogue->base);
	put_list(turn, outbound->peer, bytes);
	/* The signed batch stays as proof of which list a case was checked against. */
	batch_keep(turn, outbound->answer, outbound->peer, 0);
	audit_add(turn, PB_LEAF_KIND__LEAF_CATALOGUE, "catalogue", outbound->peer,
	          pki_batch_root(outbound->answer), (uint32_t)description->catalogue->n_items);
	turn_log(turn, TB_LOG_INFO, "catalogue.learned", outbound->peer, "", "version %llu, %zu items",
	         (unsigned long long)description->catalogue->version, description->catalogue->n_items);
}

static void learn_agreements(struct turn *turn, struct peer_state *state,
                             const struct core_outbound *outbound)
{
	const PbDescription *description = (const PbDescription *)(const void *)outbound->messages[0];
	if (!description || description->agreements_digest.len != PKI_HASH_BYTES)
		return;
	agreements_merge(turn, outbound->peer, description->agreements, description->n_agreements);
	memcpy(state->agreements_digest.bytes, description->agreements_digest.data, PKI_HASH_BYTES);
	state->agreements_at = turn->now;
}

/* What we have is not what the peer said that it has: it is shown at once, unless that was just tried. */
static bool differs(const struct core *core, const struct peer_state *state)
{
	struct pki_digest ours = agreements_digest(core, state->region);
	return state->agreements_at && memcmp(&ours, &state->agreements_digest, sizeof(ours)) != 0;
}

void describe_answered(struct turn *turn, struct core_outbound *outbound)
{
	struct peer_state *state = core_peer_state(turn->core, outbound->peer);
	if (!state)
		return;
	state->describe_busy = false;
	if (outbound->answer) {
		learn(turn, outbound);
		learn_agreements(turn, state, outbound);
		state->describe_failures = 0;
		state->describe_at = turn->now + (differs(turn->core, state) ? DESCRIBE_RETRY
		                                                             : describe_every(turn->core));
		state->contact_at = turn->now;
		state->last_error[0] = 0;
		return;
	}
	tb_time wait = DESCRIBE_RETRY;
	for (unsigned i = 0; i < state->describe_failures && wait < DESCRIBE_RETRY_MOST; i++)
		wait *= 2;
	state->describe_failures++;
	state->describe_at = turn->now + (wait < DESCRIBE_RETRY_MOST ? wait : DESCRIBE_RETRY_MOST);
	snprintf(state->last_error, sizeof(state->last_error), "%.159s", outbound->error.text);
}
