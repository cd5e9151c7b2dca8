/* node/io/http.c over a real socket; the core behind it is played by this file. */
#include "node/io/http.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/core/material.h"

/* ---- the core, played */

struct core_method {
	const char *path;
	const proto_type *input;
	bool reads;
};

static const struct core_method methods[] = {
	{"/tongban.v1.NodeService/Status", &pb_status_request__descriptor, true},
	{"/tongban.v1.NodeService/Requeue", &pb_requeue_request__descriptor, false},
};

enum { SEQ_REFUSED_EARLY = 13, MATERIAL_BYTES = 3 * TB_CHUNK_BYTES + 17 };

static const char broken_root[] = "bb00000000000000000000000000000000000000000000000000000000000000";
static const char good_root[] = "aa00000000000000000000000000000000000000000000000000000000000000";

static atomic_int intakes; /* not freed yet */
static atomic_int sources;
static atomic_int requests;

const struct core_method *core_method_find(const char *path)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].path, path) == 0)
			return &methods[i];
	}
	return NULL;
}

bool core_method_reads(const struct core_method *method)
{
	return method->reads;
}

enum tb_code core_request_new(struct core_request **out, const struct core_method *method,
                              struct tb_bytes json, struct tb_error *err)
{
	struct core_request *request = tb_alloc(sizeof(*request));
	*out = NULL;
	request->method = method;
	enum tb_code code = proto_json_decode(&request->message, method->input, json, &request->arena, err);
	atomic_fetch_add(&requests, 1);
	if (code != TB_OK)
		core_request_free(request);
	else
		*out = request;
	return code;
}

void core_request_free(struct core_request *request)
{
	atomic_fetch_sub(&requests, 1);
	tb_arena_clear(&request->arena);
	free(request);
}

void core_prepare(const struct core_setup *setup, struct core_request *request, tb_time now)
{
	(void)setup;
	(void)now;
	if (request->message->descriptor == &pb_requeue_request__descriptor &&
	    ((PbRequeueRequest *)(void *)request->message)->seq == SEQ_REFUSED_EARLY)
		tb_fail(&request->error, TB_EINVALID, "seq: unlucky");
}

void core_query(const struct core_setup *setup, struct peer_set *peers, struct core_request *request,
                tb_time now)
{
	(void)peers;
	PbStatusResponse *reply = PROTO_NEW(PbStatusResponse, status_response, &request->arena);
	reply->region = tb_arena_str(&request->arena, setup->region);
	reply->started_ms = now;
	request->reply = &reply->base;
}

/* Tokens and events: tests/io/test_http_events.c. */
enum tb_code core_principal_find(const struct core_setup *setup, const char *authorization,
                                 struct tb_arena *arena, const struct core_principal **out,
                                 struct tb_error *err)
{
	(void)setup;
	(void)authorization;
	(void)arena;
	*out = NULL;
	return tb_fail(err, TB_EUNTRUSTED, "no such token");
}

void core_request_as(struct core_request *request, const struct core_principal *principal)
{
	request->as = principal;
}

bool core_principal_acts(const struct core_principal *principal)
{
	return principal == NULL;
}

enum tb_code core_principal_material(const struct core_setup *setup, const struct core_principal *principal,
                                     const PbStoredMaterial *record, struct tb_error *err)
{
	(void)setup;
	(void)principal;
	(void)record;
	(void)err;
	return TB_OK;
}

void peer_set_unref(struct peer_set *set)
{
	(void)set;
}

struct material_intake {
	uint64_t size;
	uint64_t refuse_at; /* bytes */
};

static uint64_t refuse_upload_at = UINT64_MAX;

enum tb_code material_intake_new(struct material_intake **out, const struct core_setup *setup,
                                 const uint8_t random[32], struct tb_error *err)
{
	(void)setup;
	(void)random;
	(void)err;
	*out = tb_alloc(sizeof(**out));
	(*out)->refuse_at = refuse_upload_at;
	atomic_fetch_add(&intakes, 1);
	return TB_OK;
}

enum tb_code material_intake_add(struct material_intake *intake, struct tb_bytes bytes, struct tb_error *err)
{
	intake->size += bytes.size;
	return intake->size > intake->refuse_at ? tb_fail(err, TB_EFULL, "no room for materials") : TB_OK;
}

enum tb_code material_intake_finish(struct material_intake *intake, struct core_request **request,
                                    struct tb_error *err)
{
	*request = NULL;
	uint64_t size = intake->size;
	material_intake_free(intake);
	if (size == 0)
		return tb_fail(err, TB_EINVALID, "the material is empty");
	struct core_request *made = tb_alloc(sizeof(*made));
	atomic_fetch_add(&requests, 1);
	PbMaterialView *reply = PROTO_NEW(PbMaterialView, material_view, &made->arena);
	reply->size = size;
	made->prepared = reply;
	*request = made;
	return TB_OK;
}

void material_intake_free(struct material_intake *intake)
{
	if (intake)
		atomic_fetch_sub(&intakes, 1);
	free(intake);
}

struct material_source {
	bool broken;
	uint64_t left;
};

enum tb_code core_material_for(const struct core_setup *setup, const char *peer,
                               const uint8_t root[PKI_HASH_BYTES], struct tb_arena *arena,
                               PbStoredMaterial **out, struct tb_error *err)
{
	(void)setup;
	assert_string_equal(peer, "");
	if (root[0] != 0xaa && root[0] != 0xbb)
		return tb_fail(err, TB_ENOTFOUND, "no such material here");
	*out = PROTO_NEW(PbStoredMaterial, stored_material, arena);
	(*out)->size = MATERIAL_BYTES;
	return TB_OK;
}

enum tb_code material_source_new(struct material_source **out, const struct core_setup *setup,
                                 const PbStoredMaterial *record, const uint8_t root[PKI_HASH_BYTES],
                                 uint32_t first_chunk, struct tb_error *err)
{
	(void)setup;
	(void)err;
	assert_int_equal(first_chunk, 0);
	*out = tb_alloc(sizeof(**out));
	(*out)->left = record->size;
	(*out)->broken = root[0] == 0xbb;
	atomic_fetch_add(&sources, 1);
	return TB_OK;
}

enum tb_code material_source_chunk(struct material_source *source, struct tb_buf *chunk, bool *more,
                                   struct tb_error *err)
{
	if (source->broken && source->left < MATERIAL_BYTES)
		return tb_fail(err, TB_ECORRUPT, "chunk 1");
	size_t size = source->left < TB_CHUNK_BYTES ? (size_t)source->left : TB_CHUNK_BYTES;
	*more = size > 0;
	tb_buf_reserve(chunk, size);
	for (size_t i = 0; i < size; i++)
		chunk->data[chunk->size++] = (uint8_t)((MATERIAL_BYTES - source->left + i) % 251);
	source->left -= size;
	return TB_OK;
}

void material_source_free(struct material_source *source)
{
	if (source)
		atomic_fetch_sub(&sources, 1);
	free(source);
}

/* ---- the driver, played: this thread runs the turns */

struct server {
	char dir[64];
	char path[96];
	struct core_setup core;
	struct http *http;
	pthread_mutex_t mutex;
	pthread_cond_t came;
	struct core_request *submitted[8];
	size_t submitted_count;
	struct tb_error reload_says;
};

static tb_time fixed_now(void)
{
	return 1795000000000;
}

static void fixed_seed(uint8_t out[32])
{
	memset(out, 7, 32);
}

static struct peer_set *no_peers(void *ctx)
{
	(void)ctx;
	return NULL;
}

static void on_submit(void *ctx, struct core_request *request)
{
	struct server *server = ctx;
	pthread_mutex_lock(&server->mutex);
	assert(server->submitted_count < 8);
	server->submitted[server->submitted_count++] = request;
	pthread_cond_signal(&server->came);
	pthread_mutex_unlock(&server->mutex);
}

static struct core_request *next_submitted(struct server *server)
{
	pthread_mutex_lock(&server->mutex);
	while (server->submitted_count == 0)
		pthread_cond_wait(&server->came, &server->mutex);
	struct core_request *request = server->submitted[--server->submitted_count];
	pthread_mutex_unlock(&server->mutex);
	return request;
}

static enum tb_code on_reload(void *ctx, const proto_message *message, proto_message **reply,
                              struct tb_arena *arena, struct tb_error *err)
{
	struct server *server = ctx;
	assert_ptr_equal(message->descriptor, &pb_reload_request__descriptor);
	*err = server->reload_says;
	PbReloadResponse *response = PROTO_NEW(PbReloadResponse, reload_response, arena);
	response->peers = 7;
	*reply = &response->base;
	return err->code;
}

static const struct http_method own_methods[] = {
	{"/tongban.v1.NodeService/Reload", &pb_reload_request__descriptor, on_reload},
	{NULL, NULL, NULL},
};

static enum tb_code open_at(struct server *server, const char *path, struct tb_error *err)
{
	const struct http_setup setup = {
		.socket_path = path,
		.core = &server->core,
		.methods = own_methods,
		.now = fixed_now,
		.peers = no_peers,
		.submit = on_submit,
		.seed = fixed_seed,
		.ctx = server,
	};
	return http_open(&server->http, &setup, err);
}

static int setup(void **state)
{
	struct server *server = tb_alloc(sizeof(*server));
	struct tb_error err = {0};
	snprintf(server->dir, sizeof(server->dir), "/tmp/tongban_http_XXXXXX");
	assert_non_null(mkdtemp(server->dir));
	snprintf(server->path, sizeof(server->path), "%s/api.sock", server->dir);
	server->core.region = "320400";
	server->core.version = "1.2.3";
	pthread_mutex_init(&server->mutex, NULL);
	pthread_cond_init(&server->came, NULL);
	refuse_upload_at = UINT64_MAX;
	if (open_at(server, server->path, &err) != TB_OK)
		fail_msg("%s", err.text);
	*state = server;
	return 0;
}

/* Whatever a test did: nothing is left behind. */
static int teardown(void **state)
{
	struct server *server = *state;
	http_close(server->http);
	for (size_t i = 0; i < server->submitted_count; i++)
		core_request_free(server->submitted[i]);
	assert_int_equal(atomic_load(&requests), 0);
	assert_int_equal(atomic_load(&intakes), 0);
	assert_int_equal(atomic_load(&sources), 0);
	assert_int_not_equal(access(server->path, F_OK), 0);
	assert_int_equal(rmdir(server->dir), 0);
	pthread_cond_destroy(&server->came);
	pthread_mutex_destroy(&server->mutex);
	free(server);
	return 0;
}

static void wait_idle(struct server *server)
{
	while (http_running(server->http) > 0)
		sched_yield();
}

/* ---- a client */

struct answer {
	int status;
	struct tb_buf header;
	struct tb_buf body;
	uint64_t announced; /* content-length */
};

static void answer_clear(struct answer *answer)
{
	tb_buf_clear(&answer->header);
	tb_buf_clear(&answer->body);
}

static int dial(struct server *server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_return_code(connect(fd, (const struct sockaddr *)&address, sizeof(address)), errno);
	return fd;
}

static void send_all(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t wrote = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
		assert_return_code(wrote, errno);
		done += (size_t)wrote;
	}
}

static void send_text(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

/* Reads one answer; the body may be cut short by the server. */
static void receive(int fd, struct answer *answer)
{
	char byte;
	*answer = (struct answer){0};
	while (answer->header.size < 4 ||
	       memcmp(answer->header.data + answer->header.size - 4, "\r\n\r\n", 4) != 0) {
		assert_int_equal(recv(fd, &byte, 1, 0), 1);
		tb_buf_add(&answer->header, &byte, 1);
	}
	const char *header = tb_buf_text(&answer->header);
	assert_int_equal(sscanf(header, "HTTP/1.1 %d", &answer->status), 1);
	const char *length = strcasestr(header, "content-length: ");
	assert_non_null(length);
	answer->announced = strtoull(length + 16, NULL, 10);
	while (answer->body.size < answer->announced) {
		char piece[65536];
		size_t want = answer->announced - answer->body.size;
		ssize_t got = recv(fd, piece, want < sizeof(piece) ? want : sizeof(piece), 0);
		if (got <= 0)
			break;
		tb_buf_add(&answer->body, piece, (size_t)got);
	}
}

static void send_call(int fd, const char *path, const char *json)
{
	struct tb_buf call = {0};
	/* In one piece: a node that stops answers after the head, and closes. */
	tb_buf_printf(&call,
	              "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
	              "%zu\r\n\r\n%s",
	              path, strlen(json), json);
	send_text(fd, tb_buf_text(&call));
	tb_buf_clear(&call);
}

static void assert_answer(int fd, int status, const char *says)
{
	struct answer answer;
	receive(fd, &answer);
	if (answer.status != status || !strstr(tb_buf_text(&answer.body), says))
		fail_msg("%d %s, not %d %s", answer.status, tb_buf_text(&answer.body), status, says);
	answer_clear(&answer);
}

static void assert_exchange(struct server *server, const char *text, int status, const char *says)
{
	int fd = dial(server);
	send_text(fd, text);
	assert_answer(fd, status, says);
	close(fd);
}

static void reply_requeue(struct server *server, struct core_request *request)
{
	request->reply = &PROTO_NEW(PbRequeueResponse, requeue_response, &request->arena)->base;
	http_reply(server->http, request);
}

/* ---- methods */

static void test_the_root_says_what_this_is(void **state)
{
	assert_exchange(*state, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200,
	                "tongban 1.2.3, node of region 320400\n");
}

static void test_a_query_is_answered_without_a_turn(void **state)
{
	int fd = dial(*state);
	send_call(fd, "/tongban.v1.NodeService/Status", "{}");
	assert_answer(fd, 200, "\"region\":\"320400\"");
	close(fd);
}

static void test_an_empty_body_is_an_empty_message(void **state)
{
	int fd = dial(*state);
	send_call(fd, "/tongban.v1.NodeService/Status", "");
	assert_answer(fd, 200, "1795000000000");
	close(fd);
}

static void test_a_change_waits_for_its_turn(void **state)
{
	struct server *server = *state;
	int fd = dial(server);
	send_call(fd, "/tongban.v1.NodeService/Requeue", "{\"peer\":\"510100\",\"seq\":\"4\"}");
	struct core_request *request = next_submitted(server);
	const PbRequeueRequest *message = (const void *)request->message;
	assert_string_equal(message->peer, "510100");
	assert_int_equal(message->seq, 4);
	assert_int_equal(http_running(server->http), 1);
	reply_requeue(server, request);
	assert_answer(fd, 200, "{}");
	close(fd);
}

static void test_a_connection_is_kept_for_more_requests(void **state)
{
	struct server *server = *state;
	int fd = dial(server);
	for (int i = 0; i < 50; i++) {
		send_call(fd, "/tongban.v1.NodeService/Requeue", "{}");
		reply_requeue(server, next_submitted(server));
		assert_answer(fd, 200, "{}");
		send_call(fd, "/tongban.v1.NodeService/Status", "{}");
		assert_answer(fd, 200, "320400");
	}
	close(fd);
}

static void test_requests_wait_beside_each_other(void **state)
{
	struct server *server = *state;
	int fds[8];
	struct core_request *taken[8];
	for (size_t i = 0; i < 8; i++) {
		fds[i] = dial(server);
		send_call(fds[i], "/tongban.v1.NodeService/Requeue", "{}");
	}
	for (size_t i = 0; i < 8; i++)
		taken[i] = next_submitted(server);
	for (size_t i = 0; i < 8; i++)
		reply_requeue(server, taken[i]);
	for (size_t i = 0; i < 8; i++) {
		assert_answer(fds[i], 200, "{}");
		close(fds[i]);
	}
}

static void test_errors_have_connects_codes_and_statuses(void **state)
{
	struct server *server = *state;
	static const struct {
		enum tb_code code;
		int status;
		const char *says;
	} cases[] = {
		{TB_EMALFORMED, 400, "{\"code\":\"invalid_argument\",\"message\":\"why\"}"},
		{TB_ENOTFOUND, 404, "not_found"},
		{TB_EEXISTS, 409, "already_exists"},
		{TB_EDENIED, 403, "permission_denied"},
		{TB_ESTATE, 400, "failed_precondition"},
		{TB_EUNTRUSTED, 401, "unauthenticated"},
		{TB_ETHROTTLED, 429, "resource_exhausted"},
		{TB_EUNREACHABLE, 503, "unavailable"},
		{TB_ETIMEOUT, 504, "deadline_exceeded"},
		{TB_EUNIMPLEMENTED, 501, "unimplemented"},
		{TB_ESTORAGE, 500, "internal"},
		{TB_ECORRUPT, 500, "data_loss"},
	};
	int fd = dial(server);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		send_call(fd, "/tongban.v1.NodeService/Requeue", "{}");
		struct core_request *request = next_submitted(server);
		tb_fail(&request->error, cases[i].code, "why");
		http_reply(server->http, request);
		assert_answer(fd, cases[i].status, cases[i].says);
	}
	close(fd);
}

static void test_error_texts_are_valid_json(void **state)
{
	struct server *server = *state;
	int fd = dial(server);
	send_call(fd, "/tongban.v1.NodeService/Requeue", "{}");
	struct core_request *request = next_submitted(server);
	request->error.code = TB_EINVALID;
	/* The last character is cut. */
	snprintf(request->error.text, sizeof(request->error.text), "a\"b\\c\nd\xe5\xb8");
	http_reply(server->http, request);
	assert_answer(fd, 400, "\"message\":\"a\\\"b\\\\c\\u000ad\"}");
	close(fd);
}

static void test_preparing_may_refuse(void **state)
{
	int fd = dial(*state);
	send_call(fd, "/tongban.v1.NodeService/Requeue", "{\"seq\":13}");
	assert_answer(fd, 400, "seq: unlucky");
	close(fd);
}

static void test_bad_json_names_the_field(void **state)
{
	int fd = dial(*state);
	send_call(fd, "/tongban.v1.NodeService/Requeue", "{\"seq\":\"many\"}");
	assert_answer(fd, 400, "seq");
	send_call(fd, "/tongban.v1.NodeService/Requeue", "{\"peer\":");
	assert_answer(fd, 400, "invalid_argument");
	send_call(fd, "/tongban.v1.NodeService/Requeue", "{\"other\":1}");
	assert_answer(fd, 400, "other");
	close(fd);
}

static void test_the_driver_answers_its_own_methods(void **state)
{
	struct server *server = *state;
	int fd = dial(server);
	send_call(fd, "/tongban.v1.NodeService/Reload", "{}");
	assert_answer(fd, 200, "\"peers\":7");
	send_call(fd, "/tongban.v1.NodeService/Reload", "{\"other\":1}");
	assert_answer(fd, 400, "other");
	tb_fail(&server->reload_says, TB_EINVALID, "peers/510100.yaml:3: region");
	send_call(fd, "/tongban.v1.NodeService/Reload", "{}");
	assert_answer(fd, 400, "peers/510100.yaml:3: region");
	assert_int_equal(server->submitted_count, 0);
	close(fd);
	assert_exchange(server, "GET /tongban.v1.NodeService/Reload HTTP/1.1\r\nHost: x\r\n\r\n", 405,
	                "POST");
}

static void test_what_is_no_method_is_refused(void **state)
{
	struct server *server = *state;
	assert_exchange(server,
	                "POST /tongban.v1.NodeService/Nothing HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                "application/json\r\nContent-Length: 2\r\n\r\n{}",
	                404, "{\"code\":\"unimplemented\"");
	assert_exchange(server, "GET /tongban.v1.NodeService/Status HTTP/1.1\r\nHost: x\r\n\r\n", 405,
	                "POST");
	assert_exchange(server, "DELETE /material HTTP/1.1\r\nHost: x\r\n\r\n", 405, "HTTP method");
	assert_exchange(server, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405,
	                "HTTP method");
	assert_exchange(server,
	                "POST /tongban.v1.NodeService/Status HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                "text/plain\r\nContent-Length: 2\r\n\r\n{}",
	                415, "application/json");
	assert_exchange(server,
	                "POST /tongban.v1.NodeService/Status HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                "application/json-seq\r\nContent-Length: 2\r\n\r\n{}",
	                415, "application/json");
	assert_exchange(server,
	                "POST /tongban.v1.NodeService/Status HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                "application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
	                200, "320400");
}

static void test_a_body_that_says_it_is_too_large_is_refused_at_once(void **state)
{
	assert_exchange(*state,
	                "POST /tongban.v1.NodeService/Requeue HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                "application/json\r\nContent-Length: 16777217\r\n\r\n",
	                413, "16 MiB");
}

static void send_chunk(int fd, const uint8_t *data, size_t size)
{
	char head[32];
	snprintf(head, sizeof(head), "%zx\r\n", size);
	send_text(fd, head);
	send_all(fd, data, size);
	send_text(fd, "\r\n");
}

static void test_a_body_that_grows_too_large_is_refused(void **state)
{
	static uint8_t spaces[1 << 20];
	memset(spaces, ' ', sizeof(spaces));
	int fd = dial(*state);
	send_text(fd, "POST /tongban.v1.NodeService/Requeue HTTP/1.1\r\nHost: x\r\nContent-Type: "
	              "application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 17; i++)
		send_chunk(fd, spaces, sizeof(spaces));
	send_text(fd, "0\r\n\r\n");
	assert_answer(fd, 400, "body over");
	close(fd);
}

/* ---- materials */

static void test_an_upload_streams_and_waits_for_its_turn(void **state)
{
	struct server *server = *state;
	static uint8_t bytes[1 << 20];
	int fd = dial(server);
	send_text(fd, "PUT /material HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 5; i++)
		send_chunk(fd, bytes, sizeof(bytes));
	send_text(fd, "0\r\n\r\n");
	struct core_request *request = next_submitted(server);
	request->reply = &((PbMaterialView *)request->prepared)->base;
	http_reply(server->http, request);
	assert_answer(fd, 200, "\"size\":\"5242880\"");
	close(fd);
}

static void test_an_upload_that_is_refused_gets_the_reason(void **state)
{
	static uint8_t bytes[1 << 20];
	int fd = dial(*state);
	refuse_upload_at = 1000;
	send_text(fd, "PUT /material HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
	send_all(fd, bytes, sizeof(bytes));
	assert_answer(fd, 429, "no room for materials");
	send_text(fd, "PUT /material HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	assert_answer(fd, 400, "the material is empty");
	close(fd);
	assert_exchange(*state, "PUT /material HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483649\r\n\r\n",
	                413, "2 GiB");
}

static void test_an_upload_that_breaks_off_is_dropped(void **state)
{
	struct server *server = *state;
	int fd = dial(server);
	send_text(fd, "PUT /material HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
	while (atomic_load(&intakes) == 0)
		sched_yield();
	close(fd);
	wait_idle(server);
	assert_int_equal(atomic_load(&intakes), 0);
}

static void get(int fd, const char *root)
{
	char head[160];
	snprintf(head, sizeof(head), "GET /material/%s HTTP/1.1\r\nHost: x\r\n\r\n", root);
	send_text(fd, head);
}

static void test_a_download_gives_the_bytes(void **state)
{
	struct answer answer;
	int fd = dial(*state);
	get(fd, good_root);
	receive(fd, &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body.size, MATERIAL_BYTES);
	for (size_t i = 0; i < answer.body.size; i++) {
		if (answer.body.data[i] != (uint8_t)(i % 251))
			fail_msg("byte %zu differs", i);
	}
	answer_clear(&answer);
	get(fd, "cc00000000000000000000000000000000000000000000000000000000000000");
	assert_answer(fd, 404, "no such material here");
	get(fd, "aa");
	assert_answer(fd, 400, "64 hex digits");
	close(fd);
}

static void test_a_download_that_fails_midway_ends_too_early(void **state)
{
	struct answer answer;
	int fd = dial(*state);
	get(fd, broken_root);
	receive(fd, &answer);
	assert_int_equal(answer.announced, MATERIAL_BYTES);
	assert_true(answer.body.size < MATERIAL_BYTES);
	answer_clear(&answer);
	close(fd);
}

/* ---- clients and servers that go */

static void test_a_client_may_go_while_its_request_is_in_a_turn(void **state)
{
	struct server *server = *state;
	int fd = dial(server);
	send_call(fd, "/tongban.v1.NodeService/Requeue", "{}");
	struct core_request *request = next_submitted(server);
	close(fd);
	reply_requeue(server, request);
	wait_idle(server);
	assert_int_equal(atomic_load(&requests), 0);
}

static void test_draining_lets_what_has_begun_end(void **state)
{
	struct server *server = *state;
	int busy = dial(server);
	int idle = dial(server);
	send_call(idle, "/tongban.v1.NodeService/Status", "{}");
	assert_answer(idle, 200, "320400");
	send_call(busy, "/tongban.v1.NodeService/Requeue", "{}");
	struct core_request *request = next_submitted(server);
	http_drain_begin(server->http);
	assert_int_not_equal(access(server->path, F_OK), 0);
	send_call(idle, "/tongban.v1.NodeService/Status", "{}");
	assert_answer(idle, 503, "the node is stopping");
	reply_requeue(server, request);
	assert_answer(busy, 200, "{}");
	wait_idle(server);
	close(busy);
	close(idle);
}

static void test_closing_says_that_the_fate_is_unknown(void **state)
{
	struct server *server = *state;
	int fd = dial(server);
	send_call(fd, "/tongban.v1.NodeService/Requeue", "{}");
	struct core_request *request = next_submitted(server);
	http_close(server->http);
	server->http = NULL;
	assert_answer(fd, 503, "what became of the request is unknown");
	core_request_free(request);
	close(fd);
}

static void test_the_socket_is_for_its_owner_only(void **state)
{
	struct server *server = *state;
	struct stat st;
	assert_int_equal(stat(server->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_a_stale_socket_is_replaced(void **state)
{
	struct server *server = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct tb_error err = {0};
	http_close(server->http);
	/* A former process was killed: its socket is there, and nobody listens. */
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->path);
	int stale = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_return_code(bind(stale, (const struct sockaddr *)&address, sizeof(address)), errno);
	close(stale);
	assert_int_equal(open_at(server, server->path, &err), TB_OK);
	assert_exchange(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200, "tongban");
}

static void test_a_path_too_long_for_a_socket_is_named(void **state)
{
	struct server *server = *state;
	struct tb_error err = {0};
	char path[200];
	http_close(server->http);
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(open_at(server, path, &err), TB_EINVALID);
	assert_null(server->http);
	assert_non_null(strstr(err.text, "too long for a Unix socket"));
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_the_root_says_what_this_is),
		WITH_SERVER(test_a_query_is_answered_without_a_turn),
		WITH_SERVER(test_an_empty_body_is_an_empty_message),
		WITH_SERVER(test_a_change_waits_for_its_turn),
		WITH_SERVER(test_a_connection_is_kept_for_more_requests),
		WITH_SERVER(test_requests_wait_beside_each_other),
		WITH_SERVER(test_errors_have_connects_codes_and_statuses),
		WITH_SERVER(test_error_texts_are_valid_json),
		WITH_SERVER(test_preparing_may_refuse),
		WITH_SERVER(test_bad_json_names_the_field),
		WITH_SERVER(test_the_driver_answers_its_own_methods),
		WITH_SERVER(test_what_is_no_method_is_refused),
		WITH_SERVER(test_a_body_that_says_it_is_too_large_is_refused_at_once),
		WITH_SERVER(test_a_body_that_grows_too_large_is_refused),
		WITH_SERVER(test_an_upload_streams_and_waits_for_its_turn),
		WITH_SERVER(test_an_upload_that_is_refused_gets_the_reason),
		WITH_SERVER(test_an_upload_that_breaks_off_is_dropped),
		WITH_SERVER(test_a_download_gives_the_bytes),
		WITH_SERVER(test_a_download_that_fails_midway_ends_too_early),
		WITH_SERVER(test_a_client_may_go_while_its_request_is_in_a_turn),
		WITH_SERVER(test_draining_lets_what_has_begun_end),
		WITH_SERVER(test_closing_says_that_the_fate_is_unknown),
		WITH_SERVER(test_the_socket_is_for_its_owner_only),
		WITH_SERVER(test_a_stale_socket_is_replaced),
		WITH_SERVER(test_a_path_too_long_for_a_socket_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
