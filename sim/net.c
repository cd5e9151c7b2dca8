#include "sim/net_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/faults.h"
#include "sim/scenario.h"

enum {
	MESH_MOST = 5,      /* nodes that all know each other */
	PARTNERS_DRAWN = 2, /* by each node, besides its neighbours */
	QUERIES_A_SECOND = 100,
	QUERIES_BURST = 500,
	KM_A_MS = 100, /* light in glass, there and back through the switches */
};

#define QUEUE_TIME (2 * SIM_SECOND) /* what a link's queue holds */

/* ---- agreements */

struct sim_link *sim_links(struct sim_net *net, uint32_t node, size_t *count)
{
	*count = net->links[node].count;
	return net->links[node].at;
}

struct sim_link *sim_link_find(struct sim_net *net, uint32_t from, uint32_t to)
{
	struct sim_links *links = &net->links[from];
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
	struct sim_links *links = &net->links[from];
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
	net->world = world;
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
	struct sim_links *links = &world->net->links[node];
	for (size_t i = 0; i < links->count; i++) {
		const struct sim_link *link = &links->at[i];
		const struct sim_node *other = &world->nodes[link->to];
		if (other->absent)
			continue;
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
	net->cuts_since[cut] = net->world->now;
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

/* For the report: which links |cut| has cut. */
static void note_cut(struct sim_net *net, int cut)
{
	uint64_t bit = 1ULL << cut;
	for (uint32_t i = 0; i < net->nodes_count && (net->cuts_used & bit); i++) {
		for (size_t j = 0; j < net->links[i].count; j++) {
			uint32_t to = net->links[i].at[j].to;
			bool from_inside = net->links[i].sides & bit, to_inside = net->links[to].sides & bit;
			if (net->both_ways & bit ? from_inside != to_inside : from_inside && !to_inside)
				sim_span(net->world, i, to, net->cuts_since[cut], net->world->now, true);
		}
	}
}

void sim_net_cut_end(struct sim_net *net, int cut)
{
	note_cut(net, cut);
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
			if (link->cut || link->lose || link->slower)
				sim_span(net->world, (uint32_t)i, link->to, link->since, net->world->now,
				         link->cut);
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

sim_time sim_link_arrival(struct sim_world *world, struct sim_link *link, size_t size)
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

void sim_net_refused(struct sim_node *to, const char *peer, const char *what, struct tb_bytes bytes,
                     const struct tb_error *err)
{
	sim_node_post(to, (struct core_event){.kind = CORE_REFUSED,
	                                      .refusal = core_refusal_of(peer, what, bytes, err)});
}

void sim_net_down(struct sim_node *node)
{
	sim_calls_down(node);
	sim_streams_down(node);
}
