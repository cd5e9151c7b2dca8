/* This node's calls to peers.
 *
 *   link_send()   signer: encode -> one batch of operations -> link thread: check -> called()
 *   link_fetch()  bulk thread: sink -> call -> { part -> bulk: write, hash } ... -> status -> fetched()
 *
 * A fetch has three references, and ends when all are gone: the batch that begins it, the status, and the
 * flow of parts. While one part is written the next one is received: it is looked at when it has come and the
 * one before it is done, whichever is later. A loan to the driver holds the flow up. */
#include "node/io/link_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- channels */

static void channel_unref(struct link_channel *channel)
{
	if (atomic_fetch_sub(&channel->refs, 1) > 1)
		return;
	grpc_channel_destroy(channel->grpc);
	link_verifier_unref(channel->verifier);
	free(channel);
}

static grpc_arg number(const char *key, int value)
{
	return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static grpc_channel *open_channel(struct link *link, const struct link_channel *channel)
{
	grpc_arg args[] = {
		number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
	               channel->bulk ? TB_PART_BYTES_MAX : TB_MESSAGE_BYTES_MAX),
		number(GRPC_ARG_MAX_METADATA_SIZE, 8192),
		number(GRPC_ARG_HTTP2_HPACK_TABLE_SIZE_DECODER, 4096),
		number(GRPC_ARG_KEEPALIVE_TIME_MS, 60 * 1000),
		number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * 1000),
		number(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, 5 * 60 * 1000),
		number(GRPC_ARG_ENABLE_RETRIES, 0), /* the outbox retries, and knows when not to */
		number(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1), /* identity */
		/* Otherwise channels to one address share a connection, whoever they are for. */
		number(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
		/* A peer that was started again is found quickly. The minimum is, against its name, the time
	         * that a connection may take to come about, so it is not as short as the first pause. */
		number(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200),
		number(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000),
		number(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000),
		number(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 5000),
		number(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION,
	               1),                             /* DNS must not change what a call is */
		number(GRPC_ARG_ENABLE_HTTP_PROXY, 0), /* nor the environment where it goes */
		number(GRPC_ARG_ENABLE_CHANNELZ, 0),
	};
	grpc_channel_args all = {sizeof(args) / sizeof(args[0]), args};
	struct tb_buf target = {0};
	tb_buf_str(&target, "dns:///");
	/* Brackets of IPv6 addresses don't belong in a path (RFC 3986, 3.3). */
	for (const char *p = channel->endpoint; *p; p++) {
		if (*p == '[' || *p == ']' || *p == '%')
			tb_buf_printf(&target, "%%%02X", (unsigned)*p);
		else
			tb_buf_add(&target, p, 1);
	}
	grpc_channel_credentials *credentials = link_channel_credentials(link, channel->verifier);
	grpc_channel *opened = grpc_channel_create(tb_buf_text(&target), credentials, &all);
	grpc_channel_credentials_release(credentials);
	tb_buf_clear(&target);
	return opened;
}

/* The place in the table of the channel, or where it would be. Under lock. */
static struct link_channel **find_channel(struct link *link, const char *region, bool bulk)
{
	struct link_channel **at = &link->channels[link_bucket(region)];
	while (*at && (strcmp((*at)->region, region) != 0 || (*at)->bulk != bulk))
		at = &(*at)->next;
	return at;
}

/* Takes the channel at |at| out of the table, with the table's reference. Under lock. */
static struct link_channel *unlink_channel(struct link_channel **at)
{
	struct link_channel *channel = *at;
	*at = channel->next;
	channel->next = NULL;
	return channel;
}

/* A counted reference to the channel for |region| at |endpoint|; a new one if need be. gRPC's own work, which
 * may run others' callbacks, is done outside the lock. */
static struct link_channel *channel_ref(struct link *link, const char *region, const char *endpoint,
                                        bool bulk)
{
	struct link_channel *made = NULL;
	struct link_channel *found = NULL;
	struct link_channel *moved = NULL;
	for (;;) {
		pthread_mutex_lock(&link->lock);
		struct link_channel **at = find_channel(link, region, bulk);
		if (*at && strcmp((*at)->endpoint, endpoint) != 0) {
			moved = unlink_channel(at);
			at = find_channel(link, region, bulk);
		}
		if (!*at && made) {
			*at = made;
			made = NULL;
		}
		found = *at;
		if (found)
			atomic_fetch_add(&found->refs, 1);
		pthread_mutex_unlock(&link->lock);
		if (moved)
			channel_unref(moved);
		moved = NULL;
		if (found)
			break;
		made = tb_alloc(sizeof(*made));
		atomic_init(&made->refs, 1);
		memcpy(made->region, region, strlen(region) + 1);
		memcpy(made->endpoint, endpoint, strlen(endpoint) + 1);
		made->bulk = bulk;
		made->verifier = link_verifier_new(link->guard, region);
		made->grpc = open_channel(link, made);
	}
	if (made)
		channel_unref(made); /* Another thread was quicker. */
	return found;
}

void link_peers_changed(struct link *link)
{
	struct peer_set *peers = link->setup.peers(link->setup.ctx);
	struct link_channel *gone = NULL;
	pthread_mutex_lock(&link->lock);
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		for (struct link_channel **at = &link->channels[i]; *at;) {
			const struct peer *peer = peer_find(peers, (*at)->region);
			if (peer && strcmp(peer->endpoint, (*at)->endpoint) == 0) {
				at = &(*at)->next;
				continue;
			}
			struct link_channel *channel = unlink_channel(at);
			channel->next = gone;
			gone = channel;
		}
	}
	pthread_mutex_unlock(&link->lock);
	peer_set_unref(peers);
	for (struct link_channel *next; gone; gone = next) {
		next = gone->next;
		channel_unref(gone);
	}
}

void link_client_free(struct link *link)
{
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		while (link->channels[i])
			channel_unref(unlink_channel(&link->channels[i]));
	}
}

const char *link_peer_state(struct link *link, const char *region)
{
	static const char *const names[] = {
		[GRPC_CHANNEL_IDLE] = "idle",     [GRPC_CHANNEL_CONNECTING] = "connecting",
		[GRPC_CHANNEL_READY] = "ready",   [GRPC_CHANNEL_TRANSIENT_FAILURE] = "failing",
		[GRPC_CHANNEL_SHUTDOWN] = "idle",
	};
	pthread_mutex_lock(&link->lock);
	struct link_channel *channel = *find_channel(link, region, false);
	if (channel)
		atomic_fetch_add(&channel->refs, 1);
	pthread_mutex_unlock(&link->lock);
	if (!channel)
		return "unused";
	struct tb_error refused;
	const char *state = names[grpc_channel_check_connectivity_state(channel->grpc, 0)];
	if (link_verifier_refused(channel->verifier, &refused) != TB_OK)
		state = "refused";
	channel_unref(channel);
	return state;
}

/* ---- what unary calls and fetches share */

struct client_call {
	struct link *link;
	struct link_node node;
	struct link_channel *channel;
	grpc_call *call; /* NULL until there is one. Under link->lock, since it may be cut. */
	gpr_timespec deadline;
	grpc_metadata_array initial;
	grpc_metadata_array trailing;
	grpc_byte_buffer *message; /* what came */
	grpc_status_code status;
	grpc_slice details;
};

static void call_init(struct client_call *call, struct link *link, struct link_node *list, int64_t timeout_ms)
{
	call->link = link;
	call->deadline =
		gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
	grpc_metadata_array_init(&call->initial);
	grpc_metadata_array_init(&call->trailing);
	call->details = grpc_empty_slice();
	pthread_mutex_lock(&link->lock);
	link_begun(link);
	link_node_add(list, &call->node);
	pthread_mutex_unlock(&link->lock);
}

/* Makes the gRPC call. TB_EUNREACHABLE: no address, or the link is being cut. */
static enum tb_code call_open(struct client_call *call, const char *path, const char *region,
                              const char *endpoint, bool bulk, struct tb_error *err)
{
	struct link *link = call->link;
	if (!endpoint[0])
		return tb_fail(err, TB_EUNREACHABLE, "peer %s: no endpoint", region);
	call->channel = channel_ref(link, region, endpoint, bulk);
	grpc_call *opened =
		grpc_channel_create_call(call->channel->grpc, NULL, GRPC_PROPAGATE_DEFAULTS, link->queue,
	                                 grpc_slice_from_static_string(path), NULL, call->deadline, NULL);
	pthread_mutex_lock(&link->lock);
	bool cut = link->cut;
	if (!cut)
		call->call = opened;
	pthread_mutex_unlock(&link->lock);
	if (!cut)
		return TB_OK;
	grpc_call_unref(opened);
	return tb_fail(err, TB_EUNREACHABLE, "peer %s: this node is closing", region);
}

/* Frees what gRPC gave. The call stays in its list until call_ended(). */
static void call_clear(struct client_call *call)
{
	pthread_mutex_lock(&call->link->lock);
	grpc_call *opened = call->call;
	call->call = NULL;
	pthread_mutex_unlock(&call->link->lock);
	if (opened)
		grpc_call_unref(opened);
	if (call->message)
		grpc_byte_buffer_destroy(call->message);
	call->message = NULL;
	grpc_metadata_array_destroy(&call->initial);
	grpc_metadata_array_destroy(&call->trailing);
	grpc_slice_unref(call->details);
	if (call->channel)
		channel_unref(call->channel);
}

static void call_ended(struct client_call *call)
{
	struct link *link = call->link;
	pthread_mutex_lock(&link->lock);
	link_node_drop(&call->node);
	link_ended(link);
	pthread_mutex_unlock(&link->lock);
}

static enum tb_code call_failed(const struct client_call *call, struct tb_error *err)
{
	struct tb_error refused;
	/* gRPC's own text for a connection that our verifier refused says everything but why. */
	if (call->status == GRPC_STATUS_UNAVAILABLE &&
	    link_verifier_refused(call->channel->verifier, &refused) != TB_OK)
		return tb_fail_at(err, TB_EUNREACHABLE, &refused, "peer %s", call->channel->region);
	return link_status_fail(err, call->channel->region, call->status, call->details);
}

static void call_start(struct client_call *call, const grpc_op *ops, size_t count, struct link_tag *tag)
{
	grpc_call_error error = grpc_call_start_batch(call->call, ops, count, tag, NULL);
	/* Only a batch that breaks the library's rules is refused. */
	assert(error == GRPC_CALL_OK);
	(void)error;
}

/* Fills the three operations that send a request of one message, and the one that waits for its beginning. */
static size_t request_ops(grpc_op ops[4], struct client_call *call, grpc_byte_buffer *request)
{
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[1].data.send_message.send_message = request;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
	return 4;
}

static void status_op(grpc_op *op, struct client_call *call)
{
	op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	op->data.recv_status_on_client.trailing_metadata = &call->trailing;
	op->data.recv_status_on_client.status = &call->status;
	op->data.recv_status_on_client.status_details = &call->details;
}

static void message_op(grpc_op *op, struct client_call *call)
{
	op->op = GRPC_OP_RECV_MESSAGE;
	op->data.recv_message.recv_message = &call->message;
}

/* ---- Verify, Deliver, Describe */

struct send {
	struct client_call base;
	struct link_tag done;
	struct core_outbound *outbound;
};

static void send_end(struct send *send)
{
	struct link *link = send->base.link;
	call_clear(&send->base);
	link->setup.called(link->setup.ctx, send->outbound);
	call_ended(&send->base);
	free(send);
}

static void on_send_done(struct link_tag *tag, bool ok)
{
	(void)ok; /* Receiving the status always succeeds, and says it. */
	struct send *send = container_of(tag, struct send, done);
	struct link *link = send->base.link;
	struct core_outbound *outbound = send->outbound;
	grpc_slice slice;
	if (send->base.status != GRPC_STATUS_OK) {
		(void)call_failed(&send->base, &outbound->error);
	} else if (!send->base.message || !link_buffer_read(&slice, send->base.message)) {
		(void)tb_fail(&outbound->error, TB_EMALFORMED, "peer %s: no answer in the reply",
		              outbound->peer);
	} else {
		struct peer_set *peers = link->setup.peers(link->setup.ctx);
		core_outbound_answered(link->setup.core, peers, outbound, link_slice_bytes(&slice),
		                       link->setup.now());
		peer_set_unref(peers);
		grpc_slice_unref(slice);
	}
	send_end(send);
}

static void send_start(void *arg)
{
	static const char *const paths[] = {
		[CORE_VERIFY] = "/tongban.v1.Exchange/Verify",
		[CORE_DELIVER] = "/tongban.v1.Exchange/Deliver",
		[CORE_DESCRIBE] = "/tongban.v1.Exchange/Describe",
	};
	struct send *send = arg;
	struct core_outbound *outbound = send->outbound;
	struct tb_error *err = &outbound->error;
	struct tb_buf bytes = {0};
	enum tb_code code = core_outbound_encode(send->base.link->setup.core, outbound, &bytes, err);
	if (code == TB_OK && bytes.size > TB_MESSAGE_BYTES_MAX)
		code = tb_fail(err, TB_ETOOBIG, "request: %zu bytes, over %d", bytes.size,
		               TB_MESSAGE_BYTES_MAX);
	if (code == TB_OK)
		code = call_open(&send->base, paths[outbound->call], outbound->peer, outbound->endpoint,
		                 false, err);
	if (code != TB_OK) {
		err->code = code;
		tb_buf_clear(&bytes);
		send_end(send);
		return;
	}
	grpc_op ops[6] = {0};
	grpc_byte_buffer *request = link_buffer_of(&bytes);
	size_t count = request_ops(ops, &send->base, request);
	message_op(&ops[count++], &send->base);
	status_op(&ops[count++], &send->base);
	call_start(&send->base, ops, count, &send->done);
	grpc_byte_buffer_destroy(request);
}

void link_send(struct link *link, struct core_outbound *outbound)
{
	struct send *send = tb_alloc(sizeof(*send));
	send->outbound = outbound;
	send->done.done = on_send_done;
	call_init(&send->base, link, &link->sends, outbound->timeout_ms);
	workers_add(link->signers, send_start, send);
}

/* ---- FetchMaterial */

struct fetch {
	struct client_call base;
	struct link_tag started;
	struct link_tag ended;
	struct link_tag received;
	atomic_int refs;
	struct core_fetch *fetch;
	struct material_sink *sink;
	bool came;       /* the message that was received last is one */
	atomic_int gate; /* what the next part waits for: that it has come, that the one before is done */
	grpc_slice part; /* what came, while the two jobs below look at it */
	atomic_int jobs; /* of them, those that have not ended */
	bool progress;
	struct tb_error error; /* the sink's, which stopped the flow */
	bool lent;             /* the driver has |fetch|. Under link->lock, like the next. */
	unsigned lending;      /* fetch_progress() runs: the driver alone may end the loan */
};

static void fetch_end(struct fetch *fetch)
{
	struct link *link = fetch->base.link;
	call_clear(&fetch->base);
	link->setup.fetched(link->setup.ctx, fetch->fetch);
	call_ended(&fetch->base);
	free(fetch);
}

/* Ends the sink, which waits for the disk. */
static void fetch_finish(void *arg)
{
	struct fetch *fetch = arg;
	struct tb_error err = {0};
	enum tb_code code = material_sink_end(fetch->sink, &err);
	fetch->sink = NULL;
	/* Why the stream ended early says more than that the material is not complete. */
	if (fetch->error.code != TB_OK)
		err = fetch->error;
	else if (fetch->base.status != GRPC_STATUS_OK)
		(void)call_failed(&fetch->base, &err);
	else
		err.code = code;
	fetch->fetch->error = err;
	fetch_end(fetch);
}

static void fetch_unref(struct fetch *fetch)
{
	if (atomic_fetch_sub(&fetch->refs, 1) == 1)
		workers_add(fetch->base.link->bulk, fetch_finish, fetch);
}

static void receive_part(struct fetch *fetch)
{
	grpc_op op = {0};
	message_op(&op, &fetch->base);
	call_start(&fetch->base, &op, 1, &fetch->received);
}

/* Lends |fetch| to the driver, if it wants it. */
static bool lend(struct fetch *fetch)
{
	struct link *link = fetch->base.link;
	if (!link->setup.fetch_progress)
		return false;
	pthread_mutex_lock(&link->lock);
	bool lent = !link->cut;
	fetch->lent = lent;
	fetch->lending += lent;
	pthread_mutex_unlock(&link->lock);
	return lent;
}

/* Ends a loan that the driver keeps, if the link is being closed. Under lock; the flow is the caller's then.
 */
static bool take_back(struct fetch *fetch)
{
	bool back = fetch->base.link->reclaims && fetch->lent && fetch->lending == 0;
	if (back)
		fetch->lent = false;
	return back;
}

static void write_part(void *arg);

/* One of the two that the next part waits for. */
static void pass_gate(struct fetch *fetch)
{
	if (atomic_fetch_sub(&fetch->gate, 1) > 1)
		return;
	atomic_store(&fetch->gate, 2);
	if (fetch->came && fetch->error.code == TB_OK)
		workers_add(fetch->base.link->bulk, write_part, fetch);
	else
		fetch_unref(fetch); /* the last part was before this, or the call failed, or it is no use */
}

/* Tells the driver of |fetch|, which is lent. A resumed flow may have come to the next loan before it
 * returns.
 */
static void tell_progress(struct fetch *fetch)
{
	struct link *link = fetch->base.link;
	link->setup.fetch_progress(link->setup.ctx, fetch->fetch);
	pthread_mutex_lock(&link->lock);
	fetch->lending--;
	bool back = take_back(fetch);
	pthread_mutex_unlock(&link->lock);
	if (back)
		pass_gate(fetch);
}

/* A part has been written and hashed: the flow goes on, or ends. */
static void part_done(struct fetch *fetch)
{
	if (atomic_fetch_sub(&fetch->jobs, 1) > 1)
		return;
	grpc_slice_unref(fetch->part);
	if (fetch->error.code != TB_OK)
		grpc_call_cancel(fetch->base.call, NULL); /* The receive that is posted comes back. */
	/* Counted, so that it can't end before the callback has returned. */
	atomic_fetch_add(&fetch->refs, 1);
	if (fetch->error.code == TB_OK && fetch->progress && lend(fetch))
		tell_progress(fetch);
	else
		pass_gate(fetch);
	fetch_unref(fetch);
}

static void hash_part(void *arg)
{
	struct fetch *fetch = arg;
	material_sink_digest(fetch->sink, link_slice_bytes(&fetch->part));
	part_done(fetch);
}

/* SHA-256 has most of the cost of a part, and there are two to compute: they run side by side. */
static void write_part(void *arg)
{
	struct fetch *fetch = arg;
	bool read = link_buffer_read(&fetch->part, fetch->base.message);
	grpc_byte_buffer_destroy(fetch->base.message);
	fetch->base.message = NULL;
	fetch->progress = false;
	atomic_store(&fetch->jobs, read ? 2 : 1);
	receive_part(fetch);
	if (read) {
		workers_add(fetch->base.link->bulk, hash_part, fetch);
		fetch->error.code = material_sink_part(fetch->sink, link_slice_bytes(&fetch->part),
		                                       &fetch->progress, &fetch->error);
	} else {
		fetch->part = grpc_empty_slice();
		fetch->error.code = tb_fail(&fetch->error, TB_EMALFORMED, "part cannot be read");
	}
	part_done(fetch);
}

void link_fetch_resume(struct link *link, struct core_fetch *lent)
{
	struct fetch *found = NULL;
	pthread_mutex_lock(&link->lock);
	for (struct link_node *node = link->fetches.next; node != &link->fetches && !found;
	     node = node->next) {
		struct fetch *fetch = container_of(node, struct fetch, base.node);
		if (fetch->fetch == lent && fetch->lent)
			found = fetch;
	}
	if (found)
		found->lent = false;
	pthread_mutex_unlock(&link->lock);
	assert(found);
	pass_gate(found);
}

static void on_part(struct link_tag *tag, bool ok)
{
	struct fetch *fetch = container_of(tag, struct fetch, received);
	fetch->came = ok && fetch->base.message;
	pass_gate(fetch);
}

static void on_fetch_started(struct link_tag *tag, bool ok)
{
	(void)ok; /* If it failed, the status says why. */
	fetch_unref(container_of(tag, struct fetch, started));
}

static void on_fetch_status(struct link_tag *tag, bool ok)
{
	(void)ok;
	fetch_unref(container_of(tag, struct fetch, ended));
}

static void fetch_run(struct fetch *fetch)
{
	struct tb_arena arena = {0};
	struct tb_buf bytes = {0};
	PbMaterialRequest *request = PROTO_NEW(PbMaterialRequest, material_request, &arena);
	request->root = proto_data(tb_bytes_of(fetch->fetch->root, PKI_HASH_BYTES));
	request->first_chunk = fetch->fetch->first_chunk;
	proto_encode(&bytes, &request->base);
	tb_arena_clear(&arena);

	atomic_init(&fetch->refs, 3);
	atomic_init(&fetch->gate, 1); /* There is none before the first part. */
	grpc_op ops[4] = {0};
	grpc_byte_buffer *message = link_buffer_of(&bytes);
	size_t count = request_ops(ops, &fetch->base, message);
	call_start(&fetch->base, ops, count, &fetch->started);
	grpc_byte_buffer_destroy(message);
	grpc_op op = {0};
	status_op(&op, &fetch->base);
	call_start(&fetch->base, &op, 1, &fetch->ended);
	receive_part(fetch);
}

static void fetch_start(void *arg)
{
	struct fetch *fetch = arg;
	struct link *link = fetch->base.link;
	struct core_fetch *wanted = fetch->fetch;
	struct tb_error err = {0};
	uint8_t seed[32];
	link->setup.seed(seed);
	enum tb_code code = material_sink_new(&fetch->sink, link->setup.core, wanted, seed, &err);
	if (code == TB_OK) {
		code = call_open(&fetch->base, "/tongban.v1.Exchange/FetchMaterial", wanted->peer,
		                 wanted->endpoint, true, &err);
		if (code == TB_OK) {
			fetch_run(fetch);
			return;
		}
		struct tb_error incomplete;
		(void)!material_sink_end(fetch->sink, &incomplete);
	}
	err.code = code;
	wanted->error = err;
	fetch_end(fetch);
}

void link_fetch(struct link *link, struct core_fetch *wanted)
{
	struct fetch *fetch = tb_alloc(sizeof(*fetch));
	fetch->fetch = wanted;
	fetch->started.done = on_fetch_started;
	fetch->ended.done = on_fetch_status;
	fetch->received.done = on_part;
	call_init(&fetch->base, link, &link->fetches, LINK_FETCH_MS);
	workers_add(link->bulk, fetch_start, fetch);
}

/* ---- cutting */

/* Counted references to the calls of |list|, into |calls|. Under lock. */
static size_t gather(struct link_node *list, grpc_call **calls, size_t count)
{
	for (struct link_node *node = list->next; node != list; node = node->next) {
		struct client_call *call = container_of(node, struct client_call, node);
		if (!call->call)
			continue;
		grpc_call_ref(call->call);
		calls[count++] = call->call;
	}
	return count;
}

void link_client_cut(struct link *link, bool resume)
{
	pthread_mutex_lock(&link->lock);
	link->cut = true;
	link->reclaims = link->reclaims || resume;
	grpc_call **calls = tb_alloc((link->running + 1) * sizeof(calls[0]));
	size_t count = gather(&link->sends, calls, 0);
	count = gather(&link->fetches, calls, count);
	pthread_mutex_unlock(&link->lock);
	for (size_t i = 0; i < count; i++) {
		grpc_call_cancel(calls[i], NULL);
		grpc_call_unref(calls[i]);
	}
	free(calls);
	struct fetch *back;
	do {
		back = NULL;
		pthread_mutex_lock(&link->lock);
		for (struct link_node *node = link->fetches.next; node != &link->fetches && !back;
		     node = node->next) {
			struct fetch *fetch = container_of(node, struct fetch, base.node);
			back = take_back(fetch) ? fetch : NULL;
		}
		pthread_mutex_unlock(&link->lock);
		if (back)
			pass_gate(back);
	} while (back);
}
