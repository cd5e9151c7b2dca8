#include "node/io/http_priv.h"

#include "base/log.h"
#include "node/core/material.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HTTP_AT_ONCE_BYTES_MAX = 16 * 1024, /* a body up to this is decoded on the thread that read it */
	HTTP_BODIES_BYTES_MAX =
		256 << 20, /* bodies of calls under way, of all connections; small ones pass */
	HTTP_DISCARD_BYTES_MAX = 64 << 20, /* read after an error, so that the client reads the reply */
};

/* ---- life of a call */

static struct call *call_new(struct http_door *door, struct MHD_Connection *connection)
{
	struct http *http = door->http;
	struct call *call = tb_alloc(sizeof(*call));
	call->http = http;
	call->door = door;
	call->connection = connection;
	pthread_mutex_lock(&http->mutex);
	http->running++;
	pthread_mutex_unlock(&http->mutex);
	return call;
}

/* What a body was decoded to takes as much room as it, so the body counts until the call is back. */
static void body_uncount(struct call *call)
{
	atomic_fetch_sub(&call->http->body_bytes, call->counted);
	call->counted = 0;
}

static void call_free(struct call *call)
{
	struct http *http = call->http;
	assert(call->state != CALL_AWAY);
	http_reader_clear(call);
	body_uncount(call);
	tb_buf_clear(&call->body);
	material_intake_free(call->intake);
	material_source_free(call->source);
	if (call->request)
		core_request_free(call->request);
	tb_arena_clear(&call->arena);
	tb_buf_clear(&call->chunk);
	tb_buf_clear(&call->reply);
	free(call);
	pthread_mutex_lock(&http->mutex);
	http->running--;
	pthread_cond_broadcast(&http->changed);
	pthread_mutex_unlock(&http->mutex);
}

/* On MHD's thread, from the access handler only (MHD_suspend_connection's rule). False: too late. */
static bool call_leave(struct call *call)
{
	struct http *http = call->http;
	/* A small call costs less than waking a worker for it; what reads may read long. */
	bool at_once =
		call->method && !core_method_reads(call->method) && call->body.size <= HTTP_AT_ONCE_BYTES_MAX;
	pthread_mutex_lock(&http->mutex);
	bool open = !http->closing;
	if (open) {
		call->state = CALL_AWAY;
		call->prev = NULL;
		call->next = http->away;
		if (call->next)
			call->next->prev = call;
		http->away = call;
		/* Before anyone can resume it. */
		MHD_suspend_connection(call->connection);
		http->at_once += at_once;
		if (!at_once)
			workers_add(http->workers, call->kind->work, call);
	}
	pthread_mutex_unlock(&http->mutex);
	if (open && at_once) {
		call->kind->work(call);
		pthread_mutex_lock(&http->mutex);
		http->at_once--;
		pthread_cond_broadcast(&http->changed);
		pthread_mutex_unlock(&http->mutex);
	}
	return open;
}

void http_call_back(struct call *call)
{
	struct http *http = call->http;
	pthread_mutex_lock(&http->mutex);
	assert(call->state == CALL_AWAY);
	if (call->prev)
		call->prev->next = call->next;
	else
		http->away = call->next;
	if (call->next)
		call->next->prev = call->prev;
	call->state = CALL_BACK;
	pthread_mutex_unlock(&http->mutex);
	MHD_resume_connection(call->connection);
}

/* ---- codes that open a case */

static void note_guess(struct call *call, const char *number, enum tb_code code)
{
	struct http_setup *setup = &call->http->setup;
	struct core_refusal refusal = core_refusal_of_code(call->principal->name, number, code);
	setup->refused(setup->ctx, &refusal);
}

/* Before a code is looked at. */
static enum tb_code begin_guess(struct call *call, struct core_request *request)
{
	const char *number = core_request_opens(request);
	if (!number)
		return TB_OK;
	enum tb_code code = guesses_take(call->http->guesses, call->principal->name, call->address, number,
	                                 call->http->setup.now(), &request->error);
	call->guessing = code == TB_OK;
	if (code)
		note_guess(call, number, code);
	return code;
}

static void end_guess(struct call *call, const struct core_request *request)
{
	const char *number = core_request_opens(request);
	if (request->wrong_code)
		note_guess(call, number, request->error.code);
	else
		guesses_give_back(call->http->guesses, call->principal->name, call->address, number);
	call->guessing = false;
}

void http_reply(struct http *http, struct core_request *request)
{
	struct call *call = request->io;
	assert(call->http == http);
	call->request = request;
	if (call->guessing)
		end_guess(call, request);
	http_call_back(call);
}

/* ---- replies */

/* connectrpc.com/docs/protocol, "Error Codes" */
static unsigned http_status(enum tb_code code)
{
	static const struct {
		const char *connect;
		unsigned status;
	} table[] = {
		{"invalid_argument", MHD_HTTP_BAD_REQUEST},
		{"not_found", MHD_HTTP_NOT_FOUND},
		{"already_exists", MHD_HTTP_CONFLICT},
		{"permission_denied", MHD_HTTP_FORBIDDEN},
		{"failed_precondition", MHD_HTTP_BAD_REQUEST},
		{"unauthenticated", MHD_HTTP_UNAUTHORIZED},
		{"resource_exhausted", MHD_HTTP_TOO_MANY_REQUESTS},
		{"unavailable", MHD_HTTP_SERVICE_UNAVAILABLE},
		{"deadline_exceeded", MHD_HTTP_GATEWAY_TIMEOUT},
		{"unimplemented", MHD_HTTP_NOT_IMPLEMENTED},
		{"internal", MHD_HTTP_INTERNAL_SERVER_ERROR},
		{"data_loss", MHD_HTTP_INTERNAL_SERVER_ERROR},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].connect, tb_code_connect(code)) == 0)
			return table[i].status;
	}
	return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static void add_json_text(struct tb_buf *out, const char *text)
{
	size_t size = strlen(text);
	/* An error's text may have been cut within a character. */
	while (size > 0 && !tb_utf8_valid(tb_bytes_of(text, size)))
		size--;
	tb_buf_str(out, "\"");
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20)
			tb_buf_printf(out, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			tb_buf_printf(out, "\\%c", c);
		else
			tb_buf_add(out, &c, 1);
	}
	tb_buf_str(out, "\"");
}

enum MHD_Result http_queue(struct call *call, unsigned status, struct MHD_Response *response,
                           const char *type)
{
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
		                        call->own || call->method ? "POST" : "GET, PUT");
	if (status == MHD_HTTP_UNAUTHORIZED) /* RFC 6750, section 3 */
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
		                        "Bearer realm=\"tongban\"");
	if (atomic_load(&call->http->draining))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	enum MHD_Result result = MHD_queue_response(call->connection, status, response);
	MHD_destroy_response(response); /* MHD keeps its own reference. */
	return result;
}

enum MHD_Result http_reply_buf(struct call *call, unsigned status, const char *type)
{
	struct tb_buf *reply = &call->reply;
	return http_queue(call, status,
	                  MHD_create_response_from_buffer(reply->size, reply->data, MHD_RESPMEM_PERSISTENT),
	                  type);
}

enum MHD_Result http_reply_error(struct call *call, unsigned status, enum tb_code code, const char *text)
{
	tb_buf_clear(&call->reply);
	tb_buf_printf(&call->reply, "{\"code\":\"%s\",\"message\":", tb_code_connect(code));
	add_json_text(&call->reply, *text ? text : tb_code_text(code));
	tb_buf_str(&call->reply, "}");
	return http_reply_buf(call, status ? status : http_status(code), "application/json");
}

/* Whoever prefers Chinese (RFC 9110, 12.5.4) gets the message in it, where there is one. */
static bool wants_chinese(struct call *call)
{
	const char *languages = http_header(call, MHD_HTTP_HEADER_ACCEPT_LANGUAGE);
	return languages && strncasecmp(languages, "zh", 2) == 0;
}

enum MHD_Result http_reply_refusal(struct call *call, const struct tb_error *err)
{
	char text[TB_ERROR_TEXT_MAX];
	tb_error_text(text, err, wants_chinese(call));
	if (err->reason == TB_REASON_NONE)
		return http_reply_error(call, 0, err->code, text);
	struct tb_buf *reply = &call->reply;
	tb_buf_clear(reply);
	tb_buf_printf(reply, "{\"code\":\"%s\",\"message\":", tb_code_connect(err->code));
	add_json_text(reply, text);
	tb_buf_printf(reply, ",\"reason\":\"%s\"", tb_reason_name(err->reason));
	for (unsigned i = 0; i < err->values_count; i++) {
		tb_buf_str(reply, i ? "," : ",\"values\":[");
		add_json_text(reply, tb_error_value(err, i));
	}
	tb_buf_str(reply, err->values_count ? "]" : "");
	if (err->where[0]) {
		tb_buf_str(reply, ",\"where\":");
		add_json_text(reply, err->where);
	}
	tb_buf_str(reply, "}");
	return http_reply_buf(call, http_status(err->code), "application/json");
}

static ssize_t source_read(void *ctx, uint64_t offset, char *out, size_t room)
{
	(void)offset;
	struct call *call = ctx;
	if (call->chunk_at == call->chunk.size) {
		struct tb_error err = {0};
		bool more = false;
		tb_buf_clear(&call->chunk);
		call->chunk_at = 0;
		enum tb_code code = material_source_chunk(call->source, &call->chunk, &more, &err);
		if (code != TB_OK) {
			/* The status line is gone already: the client sees a body that is too short. */
			tb_log(TB_LOG_ERROR, "api.material", "code", tb_code_name(code), "text", err.text,
			       NULL);
			return MHD_CONTENT_READER_END_WITH_ERROR;
		}
		if (!more)
			return MHD_CONTENT_READER_END_OF_STREAM;
	}
	size_t left = call->chunk.size - call->chunk_at;
	size_t size = left < room ? left : room;
	memcpy(out, call->chunk.data + call->chunk_at, size);
	call->chunk_at += size;
	return (ssize_t)size;
}

/* The call is back: what came of it. */
static enum MHD_Result reply_result(struct call *call)
{
	body_uncount(call);
	if (call->error.code != TB_OK)
		return http_reply_refusal(call, &call->error);
	if (call->kind->reply)
		return call->kind->reply(call);
	if (call->source)
		return http_queue(call, MHD_HTTP_OK,
		                  MHD_create_response_from_callback(call->source_size, TB_CHUNK_BYTES,
		                                                    source_read, call, NULL),
		                  "application/octet-stream");
	if (call->own_reply) {
		proto_json_encode(&call->reply, call->own_reply);
		return http_reply_buf(call, MHD_HTTP_OK, "application/json");
	}
	struct core_request *request = call->request;
	if (request->error.code != TB_OK)
		return http_reply_refusal(call, &request->error);
	assert(request->reply);
	proto_json_encode(&call->reply, request->reply);
	core_request_free(request);
	call->request = NULL;
	return http_reply_buf(call, MHD_HTTP_OK, "application/json");
}

/* ---- POST /tongban.v1.Service/Method */

static enum tb_code method_add(struct call *call, struct tb_bytes bytes, struct tb_error *err)
{
	if (bytes.size > TB_API_BODY_BYTES_MAX - call->body.size)
		return tb_fail(err, TB_ETOOBIG, "body over %d bytes", TB_API_BODY_BYTES_MAX);
	call->counted += bytes.size;
	/* Small ones are bounded by the connections: who holds the room with large ones keeps nobody else
	 * out. */
	if (atomic_fetch_add(&call->http->body_bytes, bytes.size) + bytes.size > HTTP_BODIES_BYTES_MAX &&
	    call->counted > HTTP_AT_ONCE_BYTES_MAX)
		return tb_fail(err, TB_ETHROTTLED, "too many large requests at one time");
	tb_buf_add(&call->body, bytes.data, bytes.size);
	return TB_OK;
}

/* An empty body is an empty message, as Connect's clients may send it. */
static struct tb_bytes body_json(const struct call *call)
{
	return call->body.size ? tb_buf_bytes(&call->body) : tb_bytes_str("{}");
}

static void method_work(void *arg)
{
	struct call *call = arg;
	const struct http_setup *setup = &call->http->setup;
	struct core_request *request = NULL;
	call->error.code = core_request_new(&request, call->method, body_json(call), &call->error);
	tb_buf_clear(&call->body);
	if (call->error.code != TB_OK) {
		http_call_back(call);
		return;
	}
	request->io = call;
	core_request_as(request, call->principal);
	if (begin_guess(call, request) != TB_OK) {
		http_reply(call->http, request);
		return;
	}
	if (core_method_reads(call->method)) {
		struct peer_set *peers = setup->peers(setup->ctx);
		core_query(setup->core, peers, request, setup->now());
		peer_set_unref(peers);
		http_reply(call->http, request);
		return;
	}
	core_prepare(setup->core, request, setup->now());
	if (request->error.code != TB_OK)
		http_reply(call->http, request);
	else
		setup->submit(setup->ctx, request);
}

static const struct call_kind method_kind = {method_add, method_work, NULL};

/* ---- GET /metrics */

static enum tb_code no_body(struct call *call, struct tb_bytes bytes, struct tb_error *err)
{
	(void)call;
	(void)bytes;
	return tb_fail(err, TB_EINVALID, "a GET request has no body");
}

static enum MHD_Result metrics_reply(struct call *call)
{
	struct core_request *request = call->request;
	if (request->error.code != TB_OK)
		return http_reply_refusal(call, &request->error);
	tb_buf_str(&call->reply, ((const PbMetricsResponse *)(const void *)request->reply)->text);
	return http_reply_buf(call, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8");
}

static const struct call_kind metrics_kind = {no_body, method_work, metrics_reply};

static enum MHD_Result begin_metrics(struct call *call)
{
	call->method = core_method_find("/tongban.v1.NodeService/Metrics");
	assert(call->method);
	call->kind = &metrics_kind;
	return MHD_YES;
}

/* ---- the driver's own methods */

static void own_work(void *arg)
{
	struct call *call = arg;
	proto_message *message;
	call->error.code =
		proto_json_decode(&message, call->own->input, body_json(call), &call->arena, &call->error);
	tb_buf_clear(&call->body);
	if (call->error.code == TB_OK)
		call->error.code = call->own->call(call->http->setup.ctx, message, &call->own_reply,
		                                   &call->arena, &call->error);
	http_call_back(call);
}

static const struct call_kind own_kind = {method_add, own_work, NULL};

/* ---- PUT /material */

static enum tb_code upload_add(struct call *call, struct tb_bytes bytes, struct tb_error *err)
{
	return material_intake_add(call->intake, bytes, err);
}

static void upload_work(void *arg)
{
	struct call *call = arg;
	const struct http_setup *setup = &call->http->setup;
	struct core_request *request = NULL;
	struct material_intake *intake = call->intake;
	call->intake = NULL; /* Freed in every case. */
	call->error.code = material_intake_finish(intake, &request, &call->error);
	if (call->error.code != TB_OK) {
		http_call_back(call);
		return;
	}
	request->io = call;
	setup->submit(setup->ctx, request);
}

static const struct call_kind upload_kind = {upload_add, upload_work, NULL};

/* ---- GET /material/ROOT */

static void download_work(void *arg)
{
	struct call *call = arg;
	const struct core_setup *core = call->http->setup.core;
	struct tb_arena arena = {0};
	PbStoredMaterial *record = NULL;
	/* No peer: a local program may have them all. */
	enum tb_code code = core_material_for(core, "", call->root, &arena, &record, &call->error);
	if (code == TB_OK)
		code = core_principal_material(core, call->principal, record, &call->error);
	if (code == TB_OK) {
		call->source_size = record->size;
		code = material_source_new(&call->source, core, record, call->root, 0, &call->error);
	}
	tb_arena_clear(&arena);
	call->error.code = code;
	http_call_back(call);
}

static const struct call_kind download_kind = {no_body, download_work, NULL};

/* ---- requests */

const char *http_header(struct call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

/* The length that the header announces; 0 if it doesn't. MHD has checked its form. */
static uint64_t announced(struct call *call)
{
	const char *length = http_header(call, MHD_HTTP_HEADER_CONTENT_LENGTH);
	return length ? strtoull(length, NULL, 10) : 0;
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	if (!type || strncasecmp(type, json, strlen(json)) != 0)
		return false;
	char end = type[strlen(json)];
	return end == '\0' || end == ';' || end == ' ';
}

/* Each begin_* names the call's kind, or answers at once. */
static enum MHD_Result begin_method(struct call *call, const char *url, const char *verb)
{
	for (const struct http_method *own = call->http->setup.methods; own->path && !call->own; own++)
		call->own = strcmp(own->path, url) == 0 ? own : NULL;
	call->method = call->own ? NULL : core_method_find(url);
	if (!call->own && !call->method)
		return http_reply_error(call, MHD_HTTP_NOT_FOUND, TB_EUNIMPLEMENTED, "no such method");
	/* What the driver does itself is of the node, and no department's. */
	if (call->own && call->principal)
		return http_reply_error(call, 0, TB_EDENIED, "for the socket's owner alone");
	if (strcmp(verb, MHD_HTTP_METHOD_POST) != 0)
		return http_reply_error(call, MHD_HTTP_METHOD_NOT_ALLOWED, TB_EUNIMPLEMENTED,
		                        "methods are called by POST");
	if (!is_json(http_header(call, MHD_HTTP_HEADER_CONTENT_TYPE)))
		return http_reply_error(call, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, TB_EINVALID,
		                        "content-type must be application/json");
	if (announced(call) > TB_API_BODY_BYTES_MAX)
		return http_reply_error(call, MHD_HTTP_CONTENT_TOO_LARGE, TB_ETOOBIG, "body over 16 MiB");
	call->kind = call->own ? &own_kind : &method_kind;
	return MHD_YES;
}

static enum MHD_Result begin_upload(struct call *call)
{
	if (call->principal && !core_principal_acts(call->principal))
		return http_reply_error(call, 0, TB_EDENIED, "the token only reads");
	if (announced(call) > (uint64_t)TB_MATERIAL_CHUNKS_MAX * TB_CHUNK_BYTES)
		return http_reply_error(call, MHD_HTTP_CONTENT_TOO_LARGE, TB_ETOOBIG, "material over 2 GiB");
	uint8_t seed[32];
	call->http->setup.seed(seed);
	struct tb_error err = {0};
	enum tb_code code = material_intake_new(&call->intake, call->http->setup.core, seed, &err);
	if (code != TB_OK)
		return http_reply_refusal(call, &err);
	call->kind = &upload_kind;
	return MHD_YES;
}

static enum MHD_Result begin_download(struct call *call, const char *root)
{
	if (strlen(root) != sizeof(call->root) * 2 || !tb_unhex(call->root, sizeof(call->root), root))
		return http_reply_error(call, 0, TB_EINVALID, "a material is named by 64 hex digits");
	call->kind = &download_kind;
	return MHD_YES;
}

/* Before anything of the body is kept. */
static enum tb_code authenticate(struct call *call, struct tb_error *err)
{
	const char *authorization = http_header(call, MHD_HTTP_HEADER_AUTHORIZATION);
	if (authorization)
		return core_principal_find(call->http->setup.core, authorization, &call->arena,
		                           &call->principal, err);
	return call->door->wants_token ? tb_refuse(err, TB_REASON_TOKEN_NEEDED, NULL) : TB_OK;
}

/* Without the port; of IPv6 the network, since a caller has all of it. */
static void note_address(struct call *call)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	if (address && address->sa_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
		          call->address, sizeof(call->address));
	} else if (address && address->sa_family == AF_INET6) {
		struct in6_addr network = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
		memset(network.s6_addr + 8, 0, 8);
		inet_ntop(AF_INET6, &network, call->address, sizeof(call->address));
	}
}

static enum MHD_Result begin(struct call *call, const char *url, const char *verb)
{
	static const char material[] = "/material";
	bool get = strcmp(verb, MHD_HTTP_METHOD_GET) == 0;
	if (atomic_load(&call->http->draining))
		return http_reply_error(call, 0, TB_EBUSY, "the node is stopping");
	struct tb_error err = {0};
	enum tb_code code = authenticate(call, &err);
	if (code != TB_OK)
		return http_reply_refusal(call, &err);
	if (call->door->wants_token)
		MHD_set_connection_option(call->connection, MHD_CONNECTION_OPTION_TIMEOUT,
		                          (unsigned)HTTP_IDLE_S);
	note_address(call);
	if (strcmp(url, "/events") == 0 && get)
		return http_events_begin(call);
	if (strcmp(url, "/metrics") == 0 && get)
		return begin_metrics(call);
	if (strcmp(url, "/") == 0 && get) {
		tb_buf_printf(&call->reply, "tongban %s, node of region %s\n",
		              call->http->setup.core->version, call->http->setup.core->region);
		return http_reply_buf(call, MHD_HTTP_OK, "text/plain; charset=utf-8");
	}
	if (strcmp(url, material) == 0 && strcmp(verb, MHD_HTTP_METHOD_PUT) == 0)
		return begin_upload(call);
	if (strncmp(url, "/material/", strlen(material) + 1) == 0 && get)
		return begin_download(call, url + strlen(material) + 1);
	if (strcmp(url, "/") == 0 || strcmp(url, "/events") == 0 || strcmp(url, "/metrics") == 0 ||
	    strncmp(url, material, strlen(material)) == 0)
		return http_reply_error(call, MHD_HTTP_METHOD_NOT_ALLOWED, TB_EUNIMPLEMENTED,
		                        "not by this HTTP method");
	return begin_method(call, url, verb);
}

static enum MHD_Result take_body(struct call *call, struct tb_bytes bytes)
{
	call->received += bytes.size;
	if (call->error.code == TB_OK) {
		call->error.code = call->kind->add(call, bytes, &call->error);
		if (call->error.code != TB_OK) {
			body_uncount(call);
			tb_buf_clear(&call->body);
		}
		return MHD_YES;
	}
	/* MHD takes a reply before the body or after it, not in between. */
	return call->received > HTTP_DISCARD_BYTES_MAX ? MHD_NO : MHD_YES;
}

/* Called first with the header only, then for each piece of the body, then without one; and again each time
 * that the connection was resumed. */
enum MHD_Result http_on_access(void *door, struct MHD_Connection *connection, const char *url,
                               const char *verb, const char *version, const char *upload_data,
                               size_t *upload_data_size, void **con_cls)
{
	(void)version;
	struct call *call = *con_cls;
	if (!call) {
		call = call_new(door, connection);
		*con_cls = call;
		return begin(call, url, verb);
	}
	assert(call->kind);
	if (*upload_data_size > 0) {
		struct tb_bytes bytes = tb_bytes_of(upload_data, *upload_data_size);
		*upload_data_size = 0;
		return take_body(call, bytes);
	}
	if (call->error.code != TB_OK || call->state == CALL_BACK)
		return reply_result(call);
	if (!call_leave(call))
		return http_reply_error(call, 0, TB_EBUSY, "the node is stopping");
	return MHD_YES;
}

void http_on_completed(void *door, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode how)
{
	(void)door;
	(void)connection;
	(void)how;
	struct call *call = *con_cls;
	*con_cls = NULL;
	if (call)
		call_free(call);
}
