#include "link_fixture.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

struct region changzhou = {.code = "320400"};
struct region hangzhou = {.code = "330100"};
struct region chengdu = {.code = "510100"};
struct region pretender = {.code = "320400"};

atomic_llong test_now = NOW;

static tb_time now(void)
{
	return atomic_load(&test_now);
}

/* ---- certificates */

void region_make(struct region *region)
{
	struct tb_error err = {0};
	const struct pki_issue ca = {
		.region = region->code,
		.common_name = "CA",
		.valid_from = NOW - TB_DAY,
		.valid_until = NOW + 10 * TB_DAY,
		.ca = true,
	};
	struct pki_issue leaf = ca;
	leaf.role = PKI_ROLE_NODE;
	leaf.common_name = "node";
	leaf.valid_until = NOW + 5 * TB_DAY;
	leaf.ca = false;
	assert_int_equal(pki_key_generate(&region->ca_key, PKI_P256, &err), TB_OK);
	assert_int_equal(pki_key_generate(&region->key, PKI_P256, &err), TB_OK);
	assert_int_equal(pki_key_to_pem(region->key, &region->key_pem, &err), TB_OK);
	assert_int_equal(pki_issue_ca(&region->ca, region->ca_key, &ca, &err), TB_OK);
	assert_int_equal(pki_issue_leaf(&region->chain, region->key, region->ca_key,
	                                tb_buf_bytes(&region->ca), &leaf, &err),
	                 TB_OK);
}

void region_free(struct region *region)
{
	pki_key_free(region->ca_key);
	pki_key_free(region->key);
	tb_buf_clear(&region->ca);
	tb_buf_clear(&region->key_pem);
	tb_buf_clear(&region->chain);
}

static struct region *const all_regions[] = {&changzhou, &hangzhou, &chengdu, &pretender};

int64_t test_message_ms;

int regions_setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		region_make(all_regions[i]);
	grpc_init();
	return 0;
}

int regions_teardown(void **state)
{
	(void)state;
	grpc_shutdown_blocking();
	for (size_t i = 0; i < 4; i++)
		region_free(all_regions[i]);
	return 0;
}

struct peer_set *peers_of(const struct region *first, const struct region *second)
{
	struct peer_set *set = peer_set_new();
	const struct region *regions[] = {first, second};
	for (size_t i = 0; i < 2; i++) {
		if (!regions[i])
			continue;
		struct peer peer = {.region = regions[i]->code, .name = "", .endpoint = ""};
		struct tb_error err = {0};
		assert_int_equal(peer_set_add(set, &peer, tb_buf_bytes(&regions[i]->ca), &err), TB_OK);
	}
	return set;
}

/* ---- the core's doubles */

struct inbound {
	struct core_inbound base;
	char *text;
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

struct core_inbound *core_inbound_new(const struct core_setup *setup, const struct peer_set *peers,
                                      enum core_call call, const char *peer, struct tb_bytes bytes,
                                      tb_time at, struct tb_error *err)
{
	assert_non_null(setup);
	assert_non_null(peer_find(peers, peer));
	assert_int_equal(at, now());
	char *text = tb_strndup((const char *)bytes.data, bytes.size);
	if (begins(text, "malformed")) {
		(void)tb_fail(err, TB_EMALFORMED, "batch: malformed");
		free(text);
		return NULL;
	}
	struct inbound *inbound = tb_alloc(sizeof(*inbound));
	inbound->base.call = call;
	memcpy(inbound->base.peer, peer, strlen(peer) + 1);
	inbound->text = text;
	if (begins(text, "denied"))
		(void)tb_fail(&inbound->base.error, TB_EDENIED, "items[3]: not granted");
	if (begins(text, "broken"))
		(void)tb_fail(&inbound->base.error, TB_ESTORAGE, "secret-file.mdb: no such page");
	return &inbound->base;
}

struct core_refusal core_refusal_of(const char *peer, const char *what, struct tb_bytes bytes,
                                    const struct tb_error *err)
{
	struct core_refusal refusal = {.what = what, .code = err->code};
	assert_true(bytes.size > 0);
	memcpy(refusal.peer, peer, strlen(peer) + 1);
	return refusal;
}

const char *core_call_word(enum core_call call)
{
	return call == CORE_VERIFY ? "verify" : call == CORE_DELIVER ? "deliver" : "describe";
}

void core_inbound_free(struct core_inbound *inbound)
{
	free(((struct inbound *)inbound)->text);
	free(inbound);
}

enum tb_code core_inbound_answer(const struct core_setup *setup, struct core_inbound *inbound,
                                 struct tb_buf *bytes, struct tb_error *err)
{
	(void)setup;
	(void)err;
	tb_buf_printf(bytes, "%s:%d:%s", inbound->peer, (int)inbound->call,
	              ((struct inbound *)inbound)->text);
	return TB_OK;
}

enum tb_code core_outbound_encode(const struct core_setup *setup, struct core_outbound *outbound,
                                  struct tb_buf *bytes, struct tb_error *err)
{
	(void)setup;
	(void)err;
	const struct call *call = outbound->core;
	tb_buf_str(bytes, call->text);
	if (begins(call->text, "big")) {
		tb_buf_reserve(bytes, TB_MESSAGE_BYTES_MAX);
		memset(bytes->data + bytes->size, 'g', TB_MESSAGE_BYTES_MAX);
		bytes->size += TB_MESSAGE_BYTES_MAX;
	}
	return TB_OK;
}

void core_outbound_answered(const struct core_setup *setup, const struct peer_set *peers,
                            struct core_outbound *outbound, struct tb_bytes bytes, tb_time at)
{
	(void)setup;
	assert_non_null(peers);
	assert_int_equal(at, now());
	struct call *call = outbound->core;
	if (begins(call->text, "strange"))
		(void)tb_fail(&outbound->error, TB_EREPLAY, "answers another request");
	tb_buf_add(&call->answer, bytes.data, bytes.size);
}

struct material_source {
	uint8_t root[PKI_HASH_BYTES];
	uint32_t next;
};

enum tb_code core_material_for(const struct core_setup *setup, const char *peer,
                               const uint8_t root[PKI_HASH_BYTES], struct tb_arena *arena,
                               PbStoredMaterial **out, struct tb_error *err)
{
	(void)setup;
	assert_true(strlen(peer) == 6);
	if (root[2] == 1)
		return tb_fail(err, TB_EDENIED, "material: not in a case of yours");
	*out = PROTO_NEW(PbStoredMaterial, stored_material, arena);
	return TB_OK;
}

enum tb_code material_source_new(struct material_source **out, const struct core_setup *setup,
                                 const PbStoredMaterial *record, const uint8_t root[PKI_HASH_BYTES],
                                 uint32_t first_chunk, struct tb_error *err)
{
	(void)setup;
	(void)err;
	assert_non_null(record);
	*out = tb_alloc(sizeof(**out));
	memcpy((*out)->root, root, PKI_HASH_BYTES);
	(*out)->next = first_chunk;
	return TB_OK;
}

static pthread_mutex_t sources_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t sources_changed = PTHREAD_COND_INITIALIZER;
static bool sources_waiting;

void sources_wait(bool wait)
{
	pthread_mutex_lock(&sources_lock);
	sources_waiting = wait;
	pthread_cond_broadcast(&sources_changed);
	pthread_mutex_unlock(&sources_lock);
}

enum tb_code material_source_part(struct material_source *source, struct tb_buf *part, bool *more,
                                  struct tb_error *err)
{
	*more = source->next < source->root[0];
	if (!*more)
		return TB_OK;
	pthread_mutex_lock(&sources_lock);
	while (source->root[2] == 3 && sources_waiting)
		pthread_cond_wait(&sources_changed, &sources_lock);
	pthread_mutex_unlock(&sources_lock);
	if (source->root[2] == 2 && source->next > 0)
		return tb_fail(err, TB_ECORRUPT, "secret-blob: chunk %u is damaged", (unsigned)source->next);
	tb_buf_reserve(part, PART_BYTES);
	memset(part->data, (int)source->next, PART_BYTES);
	part->size = PART_BYTES;
	source->next++;
	return TB_OK;
}

void material_source_free(struct material_source *source)
{
	free(source);
}

struct material_sink {
	struct core_fetch *fetch;
};

enum tb_code material_sink_new(struct material_sink **out, const struct core_setup *setup,
                               struct core_fetch *fetch, const uint8_t seed[32], struct tb_error *err)
{
	(void)setup;
	(void)err;
	assert_int_equal(seed[31], 7);
	*out = tb_alloc(sizeof(**out));
	(*out)->fetch = fetch;
	fetch->chunks = fetch->first_chunk;
	return TB_OK;
}

void material_sink_digest(struct material_sink *sink, struct tb_bytes part)
{
	(void)sink;
	(void)part;
}

enum tb_code material_sink_part(struct material_sink *sink, struct tb_bytes part, bool *progress,
                                struct tb_error *err)
{
	struct core_fetch *fetch = sink->fetch;
	if (part.size != PART_BYTES || part.data[0] != (uint8_t)fetch->chunks ||
	    part.data[PART_BYTES - 1] != (uint8_t)fetch->chunks)
		return tb_fail(err, TB_EMALFORMED, "part %u", (unsigned)fetch->chunks);
	if (fetch->root[1] && fetch->chunks + 1 == fetch->root[1])
		return tb_fail(err, TB_EUNTRUSTED, "part %u: wrong digest", (unsigned)fetch->chunks);
	fetch->chunks++;
	*progress = fetch->chunks % 2 == 0;
	return TB_OK;
}

enum tb_code material_sink_end(struct material_sink *sink, struct tb_error *err)
{
	bool whole = sink->fetch->chunks == sink->fetch->root[0];
	free(sink);
	return whole ? TB_OK : tb_fail(err, TB_EIO, "not complete");
}

/* ---- nodes */

static struct peer_set *on_peers(void *ctx)
{
	struct node *node = ctx;
	pthread_mutex_lock(&node->lock);
	struct peer_set *peers = peer_set_ref(node->peers);
	pthread_mutex_unlock(&node->lock);
	return peers;
}

size_t node_refused_count(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	size_t count = node->refused_count;
	pthread_mutex_unlock(&node->lock);
	return count;
}

size_t node_inbound_count(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	size_t count = node->inbound_count;
	pthread_mutex_unlock(&node->lock);
	return count;
}

static void on_inbound(void *ctx, struct core_inbound *inbound)
{
	struct node *node = ctx;
	pthread_mutex_lock(&node->lock);
	node->inbound_count++;
	bool hold = node->hold;
	if (hold)
		node->held[node->held_count++] = inbound;
	pthread_cond_broadcast(&node->changed);
	pthread_mutex_unlock(&node->lock);
	if (!hold)
		link_answer(node->link, inbound);
}

static void on_refused(void *ctx, const struct core_refusal *refusal)
{
	struct node *node = ctx;
	pthread_mutex_lock(&node->lock);
	node->refused = *refusal;
	node->refused_count++;
	pthread_cond_broadcast(&node->changed);
	pthread_mutex_unlock(&node->lock);
}

static void on_called(void *ctx, struct core_outbound *outbound)
{
	struct node *node = ctx;
	pthread_mutex_lock(&node->lock);
	node->called[node->called_count++] = outbound;
	pthread_cond_broadcast(&node->changed);
	pthread_mutex_unlock(&node->lock);
}

static void on_fetched(void *ctx, struct core_fetch *fetch)
{
	struct node *node = ctx;
	pthread_mutex_lock(&node->lock);
	node->fetched[node->fetched_count++] = fetch;
	pthread_cond_broadcast(&node->changed);
	pthread_mutex_unlock(&node->lock);
}

static void on_progress(void *ctx, struct core_fetch *fetch)
{
	struct node *node = ctx;
	pthread_mutex_lock(&node->lock);
	node->progress_count++;
	bool keep = node->keep_lent;
	if (keep)
		node->lent = fetch;
	pthread_cond_broadcast(&node->changed);
	pthread_mutex_unlock(&node->lock);
	while (node->after && link_running(node->after->link) > 0)
		sched_yield();
	if (!keep)
		link_fetch_resume(node->link, fetch);
}

static void on_seed(uint8_t out[32])
{
	memset(out, 7, 32);
}

struct link_setup node_setup(struct node *node)
{
	return (struct link_setup){
		.core = &node->core,
		.listen = "127.0.0.1:0",
		.tls_chain_pem = tb_buf_bytes(&node->region->chain),
		.tls_key_pem = tb_buf_bytes(&node->region->key_pem),
		.now = now,
		.message_ms = test_message_ms,
		.peers = on_peers,
		.inbound = on_inbound,
		.refused = on_refused,
		.called = on_called,
		.fetched = on_fetched,
		.fetch_progress = on_progress,
		.seed = on_seed,
		.ctx = node,
	};
}

bool node_start_at(struct node *node, const struct region *region, struct peer_set *peers, const char *listen)
{
	memset(node, 0, sizeof(*node));
	node->region = region;
	node->peers = peers;
	pthread_mutex_init(&node->lock, NULL);
	pthread_cond_init(&node->changed, NULL);
	struct link_setup setup = node_setup(node);
	struct tb_error err = {0};
	setup.listen = listen;
	enum tb_code code = link_open(&node->link, &setup, &err);
	if (code == TB_EBUSY) {
		node_stop(node);
		return false;
	}
	assert_int_equal(code, TB_OK);
	assert_in_range(link_port(node->link), 1, 65535);
	snprintf(node->endpoint, sizeof(node->endpoint), "127.0.0.1:%d", link_port(node->link));
	return true;
}

void node_start(struct node *node, const struct region *region, struct peer_set *peers)
{
	assert_true(node_start_at(node, region, peers, "127.0.0.1:0"));
}

void node_stop(struct node *node)
{
	link_close(node->link);
	node->link = NULL;
	while (node->held_count > 0)
		core_inbound_free(node->held[--node->held_count]);
	while (node->called_count > 0)
		outbound_free(node->called[--node->called_count]);
	while (node->fetched_count > 0)
		free(node->fetched[--node->fetched_count]);
	peer_set_unref(node->peers);
	pthread_cond_destroy(&node->changed);
	pthread_mutex_destroy(&node->lock);
}

void node_set_peers(struct node *node, struct peer_set *peers)
{
	pthread_mutex_lock(&node->lock);
	struct peer_set *before = node->peers;
	node->peers = peers;
	pthread_mutex_unlock(&node->lock);
	peer_set_unref(before);
}

void node_send(struct node *node, const struct region *to, const char *endpoint, const char *text,
               int64_t timeout_ms)
{
	struct core_outbound *outbound = tb_alloc(sizeof(*outbound));
	struct call *call = tb_alloc(sizeof(*call));
	call->text = text;
	outbound->call = begins(text, "describe")  ? CORE_DESCRIBE
	                 : begins(text, "deliver") ? CORE_DELIVER
	                                           : CORE_VERIFY;
	outbound->core = call;
	outbound->timeout_ms = timeout_ms;
	snprintf(outbound->peer, sizeof(outbound->peer), "%s", to->code);
	snprintf(outbound->endpoint, sizeof(outbound->endpoint), "%s", endpoint);
	link_send(node->link, outbound);
}

struct core_outbound *node_wait_called(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	while (node->called_count == 0)
		pthread_cond_wait(&node->changed, &node->lock);
	struct core_outbound *outbound = node->called[--node->called_count];
	pthread_mutex_unlock(&node->lock);
	return outbound;
}

void outbound_free(struct core_outbound *outbound)
{
	struct call *call = outbound->core;
	tb_buf_clear(&call->answer);
	free(call);
	free(outbound);
}

const char *outbound_answer(struct core_outbound *outbound)
{
	return tb_buf_text(&((struct call *)outbound->core)->answer);
}

struct core_outbound *node_call(struct node *node, const struct region *to, const char *endpoint,
                                const char *text)
{
	node_send(node, to, endpoint, text, 30000);
	return node_wait_called(node);
}

const char *node_call_fails(struct node *node, const struct region *to, const char *endpoint,
                            const char *text, enum tb_code code)
{
	static char error[TB_ERROR_TEXT_MAX];
	struct core_outbound *outbound = node_call(node, to, endpoint, text);
	snprintf(error, sizeof(error), "%s", outbound->error.text);
	if (outbound->error.code != code)
		print_error("%s: %s\n", tb_code_name(outbound->error.code), error);
	assert_int_equal(outbound->error.code, code);
	outbound_free(outbound);
	return error;
}

void node_wait_held(struct node *node, size_t count)
{
	pthread_mutex_lock(&node->lock);
	while (node->held_count < count)
		pthread_cond_wait(&node->changed, &node->lock);
	pthread_mutex_unlock(&node->lock);
}

struct core_inbound *node_take_held(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	assert_true(node->held_count > 0);
	struct core_inbound *inbound = node->held[0];
	memmove(node->held, node->held + 1, --node->held_count * sizeof(node->held[0]));
	pthread_mutex_unlock(&node->lock);
	return inbound;
}

void node_fetch(struct node *node, const struct region *from, const char *endpoint, uint8_t parts,
                uint8_t refuse, uint8_t how)
{
	struct core_fetch *fetch = tb_alloc(sizeof(*fetch));
	snprintf(fetch->peer, sizeof(fetch->peer), "%s", from->code);
	snprintf(fetch->endpoint, sizeof(fetch->endpoint), "%s", endpoint);
	fetch->root[0] = parts;
	fetch->root[1] = refuse;
	fetch->root[2] = how;
	link_fetch(node->link, fetch);
}

struct core_fetch *node_wait_fetched(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	while (node->fetched_count == 0)
		pthread_cond_wait(&node->changed, &node->lock);
	struct core_fetch *fetch = node->fetched[--node->fetched_count];
	pthread_mutex_unlock(&node->lock);
	return fetch;
}

void node_wait_progress(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	while (node->progress_count == 0)
		pthread_cond_wait(&node->changed, &node->lock);
	pthread_mutex_unlock(&node->lock);
}

struct core_fetch *node_wait_lent(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	while (!node->lent)
		pthread_cond_wait(&node->changed, &node->lock);
	struct core_fetch *fetch = node->lent;
	node->lent = NULL;
	pthread_mutex_unlock(&node->lock);
	return fetch;
}

/* ---- a peer that is not ours */

static grpc_channel *raw_channel(const struct region *region, const char *endpoint)
{
	struct tb_buf key = {0}, chain = {0};
	tb_buf_add(&key, region->key_pem.data, region->key_pem.size);
	tb_buf_add(&chain, region->chain.data, region->chain.size);
	grpc_tls_identity_pairs *pairs = grpc_tls_identity_pairs_create();
	grpc_tls_identity_pairs_add_pair(pairs, tb_buf_text(&key), tb_buf_text(&chain));
	grpc_tls_certificate_provider *provider =
		grpc_tls_certificate_provider_static_data_create(NULL, pairs);
	grpc_tls_certificate_verifier *verifier = grpc_tls_certificate_verifier_no_op_create();
	grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
	grpc_tls_credentials_options_set_certificate_provider(options, provider);
	grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
	grpc_tls_credentials_options_set_certificate_verifier(options, verifier);
	grpc_tls_credentials_options_set_verify_server_cert(options, 0);
	grpc_tls_credentials_options_set_check_call_host(options, 0);
	grpc_channel_credentials *credentials = grpc_tls_credentials_create(options);
	grpc_channel *channel = grpc_channel_create(endpoint, credentials, NULL);
	grpc_channel_credentials_release(credentials);
	grpc_tls_certificate_verifier_release(verifier);
	grpc_tls_certificate_provider_release(provider);
	tb_buf_clear(&key);
	tb_buf_clear(&chain);
	return channel;
}

int raw_call(const struct region *region, const char *endpoint, const char *path, const void *bytes,
             size_t size, struct tb_buf *answer)
{
	grpc_completion_queue *queue = grpc_completion_queue_create_for_pluck(NULL);
	grpc_channel *channel = raw_channel(region, endpoint);
	grpc_call *call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
	                                           grpc_slice_from_static_string(path), NULL,
	                                           gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
	grpc_slice slice = grpc_slice_from_copied_buffer(bytes, size);
	grpc_byte_buffer *request = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_byte_buffer *reply = NULL;
	grpc_metadata_array initial, trailing;
	grpc_metadata_array_init(&initial);
	grpc_metadata_array_init(&trailing);
	grpc_status_code status = GRPC_STATUS_UNKNOWN;
	grpc_slice details = grpc_empty_slice();
	grpc_op ops[6] = {0};
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[1].data.send_message.send_message = request;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &initial;
	ops[4].op = GRPC_OP_RECV_MESSAGE;
	ops[4].data.recv_message.recv_message = &reply;
	ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	ops[5].data.recv_status_on_client.trailing_metadata = &trailing;
	ops[5].data.recv_status_on_client.status = &status;
	ops[5].data.recv_status_on_client.status_details = &details;
	assert_int_equal(grpc_call_start_batch(call, ops, 6, ops, NULL), GRPC_CALL_OK);
	grpc_completion_queue_pluck(queue, ops, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
	grpc_byte_buffer_reader reader;
	if (reply && grpc_byte_buffer_reader_init(&reader, reply)) {
		grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
		tb_buf_add(answer, GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
		grpc_slice_unref(all);
		grpc_byte_buffer_reader_destroy(&reader);
	}
	if (reply)
		grpc_byte_buffer_destroy(reply);
	grpc_byte_buffer_destroy(request);
	grpc_slice_unref(slice);
	grpc_slice_unref(details);
	grpc_metadata_array_destroy(&initial);
	grpc_metadata_array_destroy(&trailing);
	grpc_call_unref(call);
	grpc_channel_destroy(channel);
	grpc_completion_queue_shutdown(queue);
	grpc_completion_queue_destroy(queue);
	return (int)status;
}

/* ---- calls without a message */

struct raw_call {
	grpc_call *call;
	grpc_metadata_array initial;
	grpc_metadata_array trailing;
	grpc_status_code status;
	grpc_slice details;
};

struct raw_hold {
	grpc_completion_queue *queue;
	grpc_channel *channel;
	size_t count;
	struct raw_call calls[LINK_PEER_STREAMS_MAX];
};

struct raw_hold *raw_hold_new(const struct region *region, const char *endpoint, const char *path,
                              size_t count)
{
	struct raw_hold *hold = tb_alloc(sizeof(*hold));
	assert_in_range(count, 1, LINK_PEER_STREAMS_MAX);
	hold->count = count;
	hold->queue = grpc_completion_queue_create_for_next(NULL);
	hold->channel = raw_channel(region, endpoint);
	for (size_t i = 0; i < count; i++) {
		struct raw_call *raw = &hold->calls[i];
		raw->call = grpc_channel_create_call(hold->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
		                                     hold->queue, grpc_slice_from_static_string(path), NULL,
		                                     gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
		raw->details = grpc_empty_slice();
		grpc_metadata_array_init(&raw->initial);
		grpc_metadata_array_init(&raw->trailing);
		/* A status does not come to somebody who does not wait for the beginning. */
		grpc_op ops[3] = {0};
		ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
		ops[1].op = GRPC_OP_RECV_INITIAL_METADATA;
		ops[1].data.recv_initial_metadata.recv_initial_metadata = &raw->initial;
		ops[2].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
		ops[2].data.recv_status_on_client.trailing_metadata = &raw->trailing;
		ops[2].data.recv_status_on_client.status = &raw->status;
		ops[2].data.recv_status_on_client.status_details = &raw->details;
		assert_int_equal(grpc_call_start_batch(raw->call, ops, 3, raw, NULL), GRPC_CALL_OK);
	}
	return hold;
}

int raw_hold_end(struct raw_hold *hold)
{
	for (size_t i = 0; i < hold->count; i++) {
		grpc_event event =
			grpc_completion_queue_next(hold->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
		assert_int_equal(event.type, GRPC_OP_COMPLETE);
	}
	grpc_status_code status = hold->calls[0].status;
	for (size_t i = 0; i < hold->count; i++) {
		struct raw_call *raw = &hold->calls[i];
		assert_int_equal(raw->status, status);
		grpc_slice_unref(raw->details);
		grpc_metadata_array_destroy(&raw->initial);
		grpc_metadata_array_destroy(&raw->trailing);
		grpc_call_unref(raw->call);
	}
	grpc_channel_destroy(hold->channel);
	grpc_completion_queue_shutdown(hold->queue);
	assert_int_equal(
		grpc_completion_queue_next(hold->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type,
		GRPC_QUEUE_SHUTDOWN);
	grpc_completion_queue_destroy(hold->queue);
	free(hold);
	return (int)status;
}

void raw_hold_cancel(struct raw_hold *hold)
{
	for (size_t i = 0; i < hold->count; i++)
		grpc_call_cancel(hold->calls[i].call, NULL);
	assert_int_equal(raw_hold_end(hold), GRPC_STATUS_CANCELLED);
}
