/* Peers' calls.
 *
 *   asked -> arrived -> identity, room -> received --+-> inbound() .. link_answer() -> signer -> finished
 *                                                    +-> bulk thread: part -> sent -> part ... -> finished
 *                                                    +-> health -> finished
 * Every way ends in finish() or reply(), once. A call has two references: this way, and the notice that it is
 * closed, which also comes when the peer goes away. */
#include "node/io/link_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED = 32 }; /* calls that gRPC may hand over before it is asked for more */

struct serve;

struct route {
	const char *path;
	void (*serve)(struct serve *serve, struct tb_bytes bytes);
	enum core_call call; /* of a unary call */
};

struct serve {
	struct link *link;
	struct link_node node; /* in link->serves once it has arrived */
	struct link_tag arrived;
	struct link_tag received;
	struct link_tag closed;
	struct link_tag sent;
	atomic_int refs;
	atomic_bool gone; /* the peer no longer waits */
	grpc_call *call;
	grpc_call_details details;
	grpc_metadata_array metadata;
	grpc_byte_buffer *request;
	int64_t waits_until_ms; /* for its message, by the monotonic clock; 0: it does not. Under link->lock.
	                         */
	int cancelled;
	const struct route *route;
	struct link_caller *caller; /* counted there; NULL before that */
	char peer[PKI_REGION_ROOM];
	struct core_inbound *inbound; /* while it is with a signer */
	bool held;                    /* the driver has the inbound. Under link->lock. */
	/* FetchMaterial */
	uint8_t root[PKI_HASH_BYTES];
	uint32_t first_chunk;
	struct tb_arena arena; /* holds the record that |source| reads by */
	struct material_source *source;
	bool begun;         /* initial metadata was sent */
	struct tb_buf part; /* the next one; |part_error| and |part_more| say whether it is one */
	struct tb_error part_error;
	bool part_more;
	bool part_sent;  /* the one before it went out */
	atomic_int gate; /* what the next part waits for: that it is read, that the one before was taken */
};

static void ask(struct link *link);

/* ---- the end of a call */

static void serve_material(struct serve *serve, struct tb_bytes bytes);

static void serve_unref(struct serve *serve)
{
	if (atomic_fetch_sub(&serve->refs, 1) > 1)
		return;
	struct link *link = serve->link;
	if (serve->source)
		material_source_free(serve->source);
	tb_buf_clear(&serve->part);
	tb_arena_clear(&serve->arena);
	grpc_call_details_destroy(&serve->details);
	grpc_metadata_array_destroy(&serve->metadata);
	grpc_call_unref(serve->call);
	pthread_mutex_lock(&link->lock);
	link_node_drop(&serve->node);
	if (serve->caller) {
		serve->caller->running--;
		serve->caller->fetching -= serve->route->serve == serve_material;
	}
	link->serving--;
	link_ended(link);
	pthread_mutex_unlock(&link->lock);
	free(serve);
}

static void on_finished(struct link_tag *tag, bool ok)
{
	(void)ok; /* The peer is gone: nobody is left to be told. */
	serve_unref(container_of(tag, struct serve, sent));
}

static size_t add_metadata(struct serve *serve, grpc_op *op)
{
	if (serve->begun)
		return 0;
	serve->begun = true;
	op->op = GRPC_OP_SEND_INITIAL_METADATA;
	return 1;
}

static void start(struct serve *serve, const grpc_op *ops, size_t count, struct link_tag *tag)
{
	grpc_call_error error = grpc_call_start_batch(serve->call, ops, count, tag, NULL);
	/* Only a batch that breaks the library's rules is refused. */
	assert(error == GRPC_CALL_OK);
	(void)error;
}

/* Ends the call with a status; TB_OK ends a stream. */
static void finish(struct serve *serve, const struct tb_error *err)
{
	grpc_op ops[2] = {0};
	size_t count = add_metadata(serve, &ops[0]);
	/* What is wrong inside this node is not for peers. */
	const char *text = tb_code_fault(err->code) == TB_FAULT_LOCAL ? tb_code_text(err->code) : err->text;
	grpc_slice details = grpc_slice_from_copied_string(text);
	ops[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	ops[count].data.send_status_from_server.status =
		err->code == TB_OK ? GRPC_STATUS_OK : link_status_of(err->code);
	ops[count].data.send_status_from_server.status_details = err->code == TB_OK ? NULL : &details;
	serve->sent.done = on_finished;
	start(serve, ops, count + 1, &serve->sent);
	grpc_slice_unref(details);
}

static void refuse(struct serve *serve, enum tb_code code, const char *text)
{
	struct tb_error err;
	(void)tb_fail(&err, code, "%s", text);
	finish(serve, &err);
}

/* Ends a unary call with its one message; takes over |bytes|. */
static void reply(struct serve *serve, struct tb_buf *bytes)
{
	grpc_op ops[3] = {0};
	size_t count = add_metadata(serve, &ops[0]);
	grpc_byte_buffer *message = link_buffer_of(bytes);
	ops[count].op = GRPC_OP_SEND_MESSAGE;
	ops[count++].data.send_message.send_message = message;
	ops[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	ops[count++].data.send_status_from_server.status = GRPC_STATUS_OK;
	serve->sent.done = on_finished;
	start(serve, ops, count, &serve->sent);
	grpc_byte_buffer_destroy(message);
}

static void on_closed(struct link_tag *tag, bool ok)
{
	(void)ok;
	struct serve *serve = container_of(tag, struct serve, closed);
	if (serve->cancelled)
		atomic_store(&serve->gone, true);
	serve_unref(serve);
}

/* ---- Verify, Deliver, Describe */

/* |bytes| of the peer are refused with |err|: it is told, and so is the audit log. */
static void refuse_input(struct serve *serve, const char *what, struct tb_bytes bytes,
                         const struct tb_error *err)
{
	const struct link_setup *setup = &serve->link->setup;
	struct core_refusal refusal = core_refusal_of(serve->peer, what, bytes, err);
	setup->refused(setup->ctx, &refusal);
	finish(serve, err);
}

static void serve_batch(struct serve *serve, struct tb_bytes bytes)
{
	struct link *link = serve->link;
	struct tb_error err = {0};
	struct peer_set *peers = link->setup.peers(link->setup.ctx);
	struct core_inbound *inbound = core_inbound_new(link->setup.core, peers, serve->route->call,
	                                                serve->peer, bytes, link->setup.now(), &err);
	peer_set_unref(peers);
	if (!inbound) {
		refuse_input(serve, core_call_word(serve->route->call), bytes, &err);
		return;
	}
	inbound->io = serve;
	pthread_mutex_lock(&link->lock);
	serve->held = !link->closing;
	bool held = serve->held;
	pthread_mutex_unlock(&link->lock);
	if (held) {
		link->setup.inbound(link->setup.ctx, inbound);
		return;
	}
	core_inbound_free(inbound);
	refuse(serve, TB_EUNREACHABLE, "node is closing");
}

static void sign_answer(void *arg)
{
	struct serve *serve = arg;
	struct core_inbound *inbound = serve->inbound;
	struct tb_buf bytes = {0};
	struct tb_error err = inbound->error;
	if (atomic_load(&serve->gone))
		(void)tb_fail(&err, TB_ETIMEOUT, "the peer no longer waits");
	if (err.code == TB_OK)
		err.code = core_inbound_answer(serve->link->setup.core, inbound, &bytes, &err);
	if (err.code == TB_OK && bytes.size > TB_MESSAGE_BYTES_MAX)
		(void)tb_fail(&err, TB_ETOOBIG, "answer over %d bytes", TB_MESSAGE_BYTES_MAX);
	core_inbound_free(inbound);
	if (err.code == TB_OK) {
		reply(serve, &bytes);
	} else {
		tb_buf_clear(&bytes);
		finish(serve, &err);
	}
}

void link_answer(struct link *link, struct core_inbound *inbound)
{
	struct serve *serve = inbound->io;
	pthread_mutex_lock(&link->lock);
	assert(serve->held);
	serve->held = false;
	pthread_mutex_unlock(&link->lock);
	serve->inbound = inbound;
	workers_add(link->signers, sign_answer, serve);
}

void link_server_cut(struct link *link)
{
	for (;;) {
		struct serve *found = NULL;
		pthread_mutex_lock(&link->lock);
		for (struct link_node *node = link->serves.next; node != &link->serves && !found;
		     node = node->next) {
			struct serve *serve = container_of(node, struct serve, node);
			if (serve->held)
				found = serve;
		}
		if (found)
			found->held = false;
		pthread_mutex_unlock(&link->lock);
		if (!found)
			return;
		refuse(found, TB_EUNREACHABLE, "node is closing");
	}
}

/* ---- FetchMaterial */

static void send_part(void *arg);

/* One of the two that the next part waits for. */
static void pass_gate(struct serve *serve)
{
	if (atomic_fetch_sub(&serve->gate, 1) == 1)
		workers_add(serve->link->bulk, send_part, serve);
}

static void on_part_sent(struct link_tag *tag, bool ok)
{
	struct serve *serve = container_of(tag, struct serve, sent);
	serve->part_sent = ok;
	pass_gate(serve);
}

static void read_part(struct serve *serve)
{
	serve->part_error.code =
		material_source_part(serve->source, &serve->part, &serve->part_more, &serve->part_error);
}

/* Sends the part that was read. While gRPC's flow control takes it the next one is read. */
static void send_part(void *arg)
{
	struct serve *serve = arg;
	if (!serve->part_sent || atomic_load(&serve->gone))
		serve->part_error.code = tb_fail(&serve->part_error, TB_ETIMEOUT, "the peer no longer waits");
	if (serve->part_error.code != TB_OK || !serve->part_more) {
		finish(serve, &serve->part_error);
		return;
	}
	assert(serve->part.size <= TB_PART_BYTES_MAX);
	grpc_op ops[2] = {0};
	size_t count = add_metadata(serve, &ops[0]);
	grpc_byte_buffer *message = link_buffer_of(&serve->part);
	ops[count].op = GRPC_OP_SEND_MESSAGE;
	ops[count++].data.send_message.send_message = message;
	serve->sent.done = on_part_sent;
	atomic_store(&serve->gate, 2);
	start(serve, ops, count, &serve->sent);
	grpc_byte_buffer_destroy(message);
	read_part(serve);
	pass_gate(serve);
}

static void open_material(void *arg)
{
	struct serve *serve = arg;
	const struct core_setup *core = serve->link->setup.core;
	PbStoredMaterial *record = NULL;
	struct tb_error err = {0};
	enum tb_code code = core_material_for(core, serve->peer, serve->root, &serve->arena, &record, &err);
	if (code == TB_OK)
		code = material_source_new(&serve->source, core, record, serve->root, serve->first_chunk,
		                           &err);
	if (code == TB_OK) {
		serve->part_sent = true;
		read_part(serve);
		send_part(serve);
	} else {
		refuse_input(serve, "material", tb_bytes_of(serve->root, PKI_HASH_BYTES), &err);
	}
}

static void serve_material(struct serve *serve, struct tb_bytes bytes)
{
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbMaterialRequest *request = NULL;
	enum tb_code code = PROTO_DECODE(&request, material_request, bytes, &arena, &err);
	if (code == TB_OK && request->root.len != PKI_HASH_BYTES)
		code = tb_fail(&err, TB_EMALFORMED, "root: not %d bytes", PKI_HASH_BYTES);
	if (code == TB_OK) {
		memcpy(serve->root, request->root.data, PKI_HASH_BYTES);
		serve->first_chunk = request->first_chunk;
	}
	tb_arena_clear(&arena);
	if (code == TB_OK)
		workers_add(serve->link->bulk, open_material, serve);
	else
		refuse_input(serve, "material", bytes, &err);
}

/* ---- health (grpc.health.v1) */

/* HealthCheckRequest has one field, the service's name; its encoding is compared as it is. */
static void serve_health(struct serve *serve, struct tb_bytes bytes)
{
	static const char exchange[] = "\x0A\x13tongban.v1.Exchange";
	static const uint8_t serving[] = {0x08, 0x01}; /* HealthCheckResponse{status: SERVING} */
	if (bytes.size > 0 && !tb_bytes_equal(bytes, tb_bytes_str(exchange))) {
		refuse(serve, TB_ENOTFOUND, "no such service");
		return;
	}
	struct tb_buf answer = {0};
	tb_buf_add(&answer, serving, sizeof(serving));
	reply(serve, &answer);
}

/* ---- the beginning of a call */

static const struct route routes[] = {
	{"/tongban.v1.Exchange/Verify", serve_batch, CORE_VERIFY},
	{"/tongban.v1.Exchange/Deliver", serve_batch, CORE_DELIVER},
	{"/tongban.v1.Exchange/Describe", serve_batch, CORE_DESCRIBE},
	{"/tongban.v1.Exchange/FetchMaterial", serve_material, CORE_VERIFY},
	{"/grpc.health.v1.Health/Check", serve_health, CORE_VERIFY},
};

static const struct route *find_route(grpc_slice method)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (grpc_slice_str_cmp(method, routes[i].path) == 0)
			return &routes[i];
	}
	return NULL;
}

static int64_t monotonic_ms(void)
{
	gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void receive(struct serve *serve)
{
	struct link *link = serve->link;
	pthread_mutex_lock(&link->lock);
	serve->waits_until_ms = monotonic_ms() + link->setup.message_ms;
	pthread_mutex_unlock(&link->lock);
	grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
	op.data.recv_message.recv_message = &serve->request;
	start(serve, &op, 1, &serve->received);
}

/* Counted references to calls that are late, into |calls|, up to |most|; they are not found again. A call
 * that waits for its message holds a reference to its gRPC call. */
static size_t gather_late(struct link *link, grpc_call **calls, size_t most)
{
	size_t count = 0;
	int64_t now = monotonic_ms();
	pthread_mutex_lock(&link->lock);
	for (struct link_node *node = link->serves.next; node != &link->serves && count < most;
	     node = node->next) {
		struct serve *serve = container_of(node, struct serve, node);
		if (serve->waits_until_ms == 0 || now < serve->waits_until_ms)
			continue;
		serve->waits_until_ms = 0;
		grpc_call_ref(serve->call);
		calls[count++] = serve->call;
	}
	pthread_mutex_unlock(&link->lock);
	return count;
}

void link_server_sweep(struct link *link)
{
	grpc_call *calls[64];
	size_t count;
	do {
		count = gather_late(link, calls, sizeof(calls) / sizeof(calls[0]));
		for (size_t i = 0; i < count; i++) {
			/* on_received() follows, and ends it. */
			grpc_call_cancel_with_status(calls[i], GRPC_STATUS_DEADLINE_EXCEEDED,
			                             "no message in time", NULL);
			grpc_call_unref(calls[i]);
		}
	} while (count > 0);
}

static void on_received(struct link_tag *tag, bool ok)
{
	struct serve *serve = container_of(tag, struct serve, received);
	grpc_slice slice;
	pthread_mutex_lock(&serve->link->lock);
	serve->waits_until_ms = 0;
	pthread_mutex_unlock(&serve->link->lock);
	if (!ok || !serve->request) {
		refuse(serve, TB_EMALFORMED, "no message, or over the limit");
		return;
	}
	bool read = link_buffer_read(&slice, serve->request);
	grpc_byte_buffer_destroy(serve->request);
	serve->request = NULL;
	if (!read) {
		refuse(serve, TB_EMALFORMED, "message cannot be read");
		return;
	}
	serve->route->serve(serve, link_slice_bytes(&slice));
	grpc_slice_unref(slice);
}

/* Counts the call for its region, if there is room. */
static bool take_room(struct serve *serve)
{
	struct link *link = serve->link;
	struct link_caller **bucket = &link->callers[link_bucket(serve->peer)];
	pthread_mutex_lock(&link->lock);
	struct link_caller *caller = *bucket;
	while (caller && strcmp(caller->region, serve->peer) != 0)
		caller = caller->next;
	if (!caller) {
		caller = tb_alloc(sizeof(*caller));
		memcpy(caller->region, serve->peer, sizeof(caller->region));
		caller->next = *bucket;
		*bucket = caller;
	}
	bool fetch = serve->route->serve == serve_material;
	/* However many calls a few regions hold, each other one keeps room for some. */
	bool sure = !fetch && caller->running < LINK_PEER_CALLS_SURE;
	bool room = (sure || link->serving <= LINK_CALLS_MAX) && caller->running < LINK_PEER_CALLS_MAX &&
	            (!fetch || caller->fetching < LINK_PEER_FETCHES_MAX);
	if (room) {
		caller->running++;
		caller->fetching += fetch;
		serve->caller = caller;
	}
	pthread_mutex_unlock(&link->lock);
	return room;
}

static void begin(struct serve *serve)
{
	struct link *link = serve->link;
	struct tb_error err = {0};
	struct peer_set *peers = link->setup.peers(link->setup.ctx);
	/* Before anything else is said: whoever is not a peer (any more) learns nothing. */
	enum tb_code code = link_call_region(serve->peer, serve->call, peers, link->setup.now(), &err);
	peer_set_unref(peers);
	if (code != TB_OK) {
		finish(serve, &err);
		return;
	}
	serve->route = find_route(serve->details.method);
	if (!serve->route) {
		refuse(serve, TB_EUNIMPLEMENTED, "no such method");
		return;
	}
	if (!take_room(serve)) {
		refuse(serve, TB_ETHROTTLED, "too many calls at once");
		return;
	}
	receive(serve);
}

static void on_arrived(struct link_tag *tag, bool ok)
{
	struct serve *serve = container_of(tag, struct serve, arrived);
	struct link *link = serve->link;
	if (!ok) { /* No call: the server is shut down. */
		grpc_call_details_destroy(&serve->details);
		grpc_metadata_array_destroy(&serve->metadata);
		free(serve);
		return;
	}
	atomic_init(&serve->refs, 2);
	pthread_mutex_lock(&link->lock);
	link_begun(link);
	link->serving++;
	link_node_add(&link->serves, &serve->node);
	pthread_mutex_unlock(&link->lock);
	ask(link);
	grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
	op.data.recv_close_on_server.cancelled = &serve->cancelled;
	start(serve, &op, 1, &serve->closed);
	begin(serve);
}

/* Lets one more call come. */
static void ask(struct link *link)
{
	struct serve *serve = tb_alloc(sizeof(*serve));
	serve->link = link;
	serve->arrived.done = on_arrived;
	serve->received.done = on_received;
	serve->closed.done = on_closed;
	grpc_call_details_init(&serve->details);
	grpc_metadata_array_init(&serve->metadata);
	grpc_call_error error =
		grpc_server_request_call(link->server, &serve->call, &serve->details, &serve->metadata,
	                                 link->queue, link->queue, &serve->arrived);
	assert(error == GRPC_CALL_OK);
	(void)error;
}

static grpc_arg number(const char *key, int value)
{
	return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

enum tb_code link_server_open(struct link *link, struct tb_error *err)
{
	grpc_arg args[] = {
		number(GRPC_ARG_MAX_CONCURRENT_STREAMS, LINK_PEER_STREAMS_MAX),
		number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, TB_MESSAGE_BYTES_MAX),
		number(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, TB_PART_BYTES_MAX),
		number(GRPC_ARG_MAX_METADATA_SIZE, 8192),
		number(GRPC_ARG_HTTP2_HPACK_TABLE_SIZE_DECODER, 4096),
		number(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 5000), /* 120 s by default */
		/* Below the clients' 60 s, so that a ping that is early by a hair is no strike. */
		number(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 50 * 1000),
		number(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2),
		number(GRPC_ARG_KEEPALIVE_TIME_MS, 60 * 1000),
		number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * 1000),
		number(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 5 * 60 * 1000),
		/* So that a chain is checked anew; a fetch may last as long. */
		number(GRPC_ARG_MAX_CONNECTION_AGE_MS, LINK_FETCH_MS),
		number(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 30 * 1000),
		number(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1), /* identity: no bombs */
		number(GRPC_ARG_ALLOW_REUSEPORT, 0), /* or a second node would share the port silently */
		number(GRPC_ARG_ENABLE_CHANNELZ, 0),
		{.type = GRPC_ARG_POINTER,
	         .key = (char *)(uintptr_t)GRPC_ARG_RESOURCE_QUOTA,
	         .value.pointer = {link->quota, grpc_resource_quota_arg_vtable()}},
	};
	grpc_channel_args all = {sizeof(args) / sizeof(args[0]), args};
	grpc_server *server = grpc_server_create(&all, NULL);
	grpc_server_register_completion_queue(server, link->queue, NULL);
	grpc_server_credentials *credentials = link_server_credentials(link);
	link->port = grpc_server_add_http2_port(server, link->setup.listen, credentials);
	grpc_server_credentials_release(credentials);
	link->server = server;
	if (link->port == 0)
		return tb_refuse(err, TB_REASON_CONFIG_LISTEN_BUSY, link->setup.listen, NULL);
	grpc_server_start(server);
	for (int i = 0; i < ASKED; i++)
		ask(link);
	return TB_OK;
}
