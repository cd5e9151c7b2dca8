#include "node/core/peer.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct peer_set {
	atomic_uint refs;
	struct tb_arena arena;
	struct peer *peers;
	size_t count;
	size_t room;
	struct pki_trust *trust;
};

struct peer_set *peer_set_new(void)
{
	struct peer_set *set = tb_alloc(sizeof(*set));
	atomic_init(&set->refs, 1);
	set->trust = pki_trust_new();
	return set;
}

static const char *const *copy_list(struct tb_arena *arena, const char *const *list)
{
	size_t count = 0;
	while (list && list[count])
		count++;
	const char **copy = tb_arena_alloc(arena, (count + 1) * sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = tb_arena_str(arena, list[i]);
	return copy;
}

static struct peer copy_peer(struct tb_arena *arena, const struct peer *peer)
{
	struct peer copy = *peer;
	copy.region = tb_arena_str(arena, peer->region);
	copy.name = tb_arena_str(arena, peer->name);
	copy.endpoint = tb_arena_str(arena, peer->endpoint);
	struct peer_verify_grant *verify = tb_arena_alloc(arena, peer->verify_count * sizeof(*verify));
	for (size_t i = 0; i < peer->verify_count; i++) {
		verify[i] = peer->verify[i];
		verify[i].types = copy_list(arena, peer->verify[i].types);
	}
	copy.verify = verify;
	struct peer_case_grant *cases = tb_arena_alloc(arena, peer->cases_count * sizeof(*cases));
	for (size_t i = 0; i < peer->cases_count; i++) {
		cases[i].items = copy_list(arena, peer->cases[i].items);
		cases[i].modes = copy_list(arena, peer->cases[i].modes);
	}
	copy.cases = cases;
	struct peer_code *codes = tb_arena_alloc(arena, peer->codes_count * sizeof(*codes));
	for (size_t i = 0; i < peer->codes_count; i++) {
		codes[i].kind = peer->codes[i].kind;
		codes[i].item = tb_arena_str(arena, peer->codes[i].item);
		codes[i].theirs = tb_arena_str(arena, peer->codes[i].theirs);
		codes[i].ours = tb_arena_str(arena, peer->codes[i].ours);
	}
	copy.codes = codes;
	return copy;
}

enum tb_code peer_set_add(struct peer_set *set, const struct peer *peer, struct tb_bytes anchors,
                          struct tb_error *err)
{
	if (peer_find(set, peer->region))
		return tb_fail(err, TB_EEXISTS, "region %s is configured twice", peer->region);
	if (set->count == TB_PEERS_MAX)
		return tb_fail(err, TB_ETOOBIG, "more than %d peers", TB_PEERS_MAX);
	enum tb_code code = pki_trust_add(set->trust, peer->region, anchors, err);
	if (code)
		return code;
	if (set->count == set->room) {
		set->room = set->room ? 2 * set->room : 8;
		set->peers = tb_realloc(set->peers, set->room * sizeof(*set->peers));
	}
	set->peers[set->count++] = copy_peer(&set->arena, peer);
	return TB_OK;
}

struct peer_set *peer_set_ref(struct peer_set *set)
{
	atomic_fetch_add(&set->refs, 1);
	return set;
}

void peer_set_unref(struct peer_set *set)
{
	if (!set || atomic_fetch_sub(&set->refs, 1) != 1)
		return;
	pki_trust_unref(set->trust);
	free(set->peers);
	tb_arena_clear(&set->arena);
	free(set);
}

size_t peer_set_count(const struct peer_set *set)
{
	return set->count;
}

const struct peer *peer_set_at(const struct peer_set *set, size_t index)
{
	assert(index < set->count);
	return &set->peers[index];
}

const struct peer *peer_find(const struct peer_set *set, const char *region)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->peers[i].region, region) == 0)
			return &set->peers[i];
	}
	return NULL;
}

struct pki_trust *peer_trust(const struct peer_set *set)
{
	return set->trust;
}

static bool listed(const char *const *list, const char *word)
{
	for (; *list; list++) {
		if (strcmp(*list, "*") == 0 || strcmp(*list, word) == 0)
			return true;
	}
	return false;
}

PbDisclosure peer_may_verify(const struct peer *peer, const char *type)
{
	PbDisclosure most = PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED;
	for (size_t i = 0; i < peer->verify_count; i++) {
		if (peer->verify[i].disclosure > most && listed(peer->verify[i].types, type))
			most = peer->verify[i].disclosure;
	}
	return most;
}

bool peer_has_mode(const struct peer *peer, const char *mode)
{
	for (size_t i = 0; i < peer->cases_count; i++) {
		if (peer->cases[i].items[0] && listed(peer->cases[i].modes, mode))
			return true;
	}
	return false;
}

bool peer_may_send(const struct peer *peer, const char *item, const char *mode)
{
	for (size_t i = 0; i < peer->cases_count; i++) {
		if (listed(peer->cases[i].items, item) && listed(peer->cases[i].modes, mode))
			return true;
	}
	return false;
}

static bool is_for(const struct peer_code *entry, PbCodeKind kind, const PbItem *item)
{
	return entry->kind == kind &&
	       (!entry->item[0] || (item && (strcmp(entry->item, item->code) == 0 ||
	                                     strcmp(entry->item, item->base_code) == 0)));
}

const char *peer_code_here(const struct peer *peer, PbCodeKind kind, const PbItem *item, const char *code)
{
	for (size_t i = 0; peer && i < peer->codes_count; i++) {
		if (is_for(&peer->codes[i], kind, item) && strcmp(peer->codes[i].theirs, code) == 0)
			return peer->codes[i].ours;
	}
	return NULL;
}

const char *peer_code_there(const struct peer *peer, PbCodeKind kind, const PbItem *item, const char *code)
{
	for (size_t i = 0; peer && i < peer->codes_count; i++) {
		if (is_for(&peer->codes[i], kind, item) && strcmp(peer->codes[i].ours, code) == 0)
			return peer->codes[i].theirs;
	}
	return NULL;
}

bool peer_code_same(const struct peer *peer, PbCodeKind kind, const char *a, const char *b)
{
	const char *a_here = peer_code_here(peer, kind, NULL, a),
		   *b_here = peer_code_here(peer, kind, NULL, b);
	return strcmp(a_here ? a_here : a, b_here ? b_here : b) == 0;
}
