#include "sim/net_priv.h"

#include <assert.h>
#include <stdlib.h>

#include "node/core/material.h"
#include "sim/check.h"
#include "sim/faults.h"
#include "sim/hostile.h"

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
		sim_check_resumed(node, fetch->root);
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
		sim_net_refused(peer, node->code, "material", tb_bytes_of(fetch->root, PKI_HASH_BYTES), &err);
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
		more = sim_hostile_part(stream->peer, stream->node->index, link->calls++, &part, &spoilt);
	if (code == TB_OK && more) {
		material_sink_digest(stream->sink, tb_buf_bytes(&part));
		code = material_sink_part(stream->sink, tb_buf_bytes(&part), &progress, &fetch->error);
		if (spoilt)
			sim_hostile_part_taken(stream->node, stream->peer, code);
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

void sim_streams_down(struct sim_node *node)
{
	struct sim_net *net = node->world->net;
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
