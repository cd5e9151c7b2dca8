/* node/io/http*.c: who may come in by which door, and GET /events; the core behind it is played by this file.
 */
#include "node/io/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/core/material.h"
#include "tests/io/http_client.h"

/* ---- the core, played: a log of events that the test lets grow */

struct core_method {
	const char *path;
	const proto_type *input;
};

static const struct core_method methods[] = {
	{"/tongban.v1.NodeService/Status", &pb_status_request__descriptor},
	{"/tongban.v1.EventService/List", &pb_event_list_request__descriptor},
};

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t asked_more;
	uint64_t size;  /* events in the log */
	uint64_t asked; /* how often it was looked at */
	bool revoked;   /* the token "good" */
} played = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, false};

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
	(void)method;
	return true;
}

enum tb_code core_request_new(struct core_request **out, const struct core_method *method,
                              struct tb_bytes json, struct tb_error *err)
{
	struct core_request *request = tb_alloc(sizeof(*request));
	*out = NULL;
	request->method = method;
	enum tb_code code = proto_json_decode(&request->message, method->input, json, &request->arena, err);
	if (code != TB_OK)
		core_request_free(request);
	else
		*out = request;
	return code;
}

void core_request_free(struct core_request *request)
{
	if (!request)
		return;
	tb_arena_clear(&request->arena);
	free(request);
}

void core_prepare(const struct core_setup *setup, struct core_request *request, tb_time now)
{
	(void)setup;
	(void)request;
	(void)now;
}

enum tb_code core_principal_find(const struct core_setup *setup, const char *authorization,
                                 struct tb_arena *arena, const struct core_principal **out,
                                 struct tb_error *err)
{
	(void)setup;
	*out = NULL;
	if (strncmp(authorization, "Bearer good", 11) != 0 && strcmp(authorization, "Bearer reader") != 0)
		return tb_fail(err, TB_EUNTRUSTED, "no such token");
	struct core_principal *principal = tb_arena_alloc(arena, sizeof(*principal));
	principal->name = tb_arena_str(arena, authorization + 7);
	*out = principal;
	return TB_OK;
}

void core_request_as(struct core_request *request, const struct core_principal *principal)
{
	request->as = principal;
}

const char *core_request_opens(const struct core_request *request)
{
	(void)request;
	return NULL;
}

struct core_refusal core_refusal_of_code(const char *token, const char *number, enum tb_code code)
{
	(void)token;
	(void)number;
	return (struct core_refusal){.code = code};
}

bool core_principal_acts(const struct core_principal *principal)
{
	return strcmp(principal->name, "reader") != 0;
}

enum tb_code core_principal_material(const struct core_setup *setup, const struct core_principal *principal,
                                     const PbStoredMaterial *record, struct tb_error *err)
{
	(void)setup;
	(void)record;
	return principal ? tb_fail(err, TB_EDENIED, "not its item") : TB_OK;
}

static void list_events(struct core_request *request)
{
	const PbEventListRequest *list = (const void *)request->message;
	PbEventListResponse *reply = PROTO_NEW(PbEventListResponse, event_list_response, &request->arena);
	reply->next = list->from_now ? played.size : list->after;
	reply->events = tb_arena_alloc(&request->arena, list->limit * sizeof(*reply->events));
	while (reply->next < played.size && reply->n_events < list->limit) {
		PbEvent *event = PROTO_NEW(PbEvent, event, &request->arena);
		event->cursor = ++reply->next;
		event->kind = PB_EVENT_KIND__EVENT_CASE;
		reply->events[reply->n_events++] = event;
	}
	reply->more = reply->next < played.size;
	request->reply = &reply->base;
	if (list->after > played.size)
		tb_fail(&request->error, TB_ENOTFOUND, "after: too far");
}

void core_query(const struct core_setup *setup, struct peer_set *peers, struct core_request *request,
                tb_time now)
{
	(void)setup;
	(void)peers;
	(void)now;
	pthread_mutex_lock(&played.mutex);
	if (request->as && played.revoked)
		tb_fail(&request->error, TB_EUNTRUSTED, "revoked");
	else if (request->method == &methods[1])
		list_events(request);
	else
		request->reply = &PROTO_NEW(PbStatusResponse, status_response, &request->arena)->base;
	if (request->method == &methods[1])
		played.asked++;
	pthread_cond_broadcast(&played.asked_more);
	pthread_mutex_unlock(&played.mutex);
}

void peer_set_unref(struct peer_set *set)
{
	(void)set;
}

enum tb_code material_intake_new(struct material_intake **out, const struct core_setup *setup,
                                 const uint8_t random[32], struct tb_error *err)
{
	(void)setup;
	(void)random;
	*out = NULL;
	return tb_fail(err, TB_EFULL, "no room");
}

enum tb_code material_intake_add(struct material_intake *intake, struct tb_bytes bytes, struct tb_error *err)
{
	(void)intake;
	(void)bytes;
	return tb_fail(err, TB_EFULL, "no room");
}

enum tb_code material_intake_finish(struct material_intake *intake, struct core_request **request,
                                    struct tb_error *err)
{
	(void)intake;
	*request = NULL;
	return tb_fail(err, TB_EFULL, "no room");
}

void material_intake_free(struct material_intake *intake)
{
	(void)intake;
}

enum tb_code core_material_for(const struct core_setup *setup, const char *peer,
                               const uint8_t root[PKI_HASH_BYTES], struct tb_arena *arena,
                               PbStoredMaterial **out, struct tb_error *err)
{
	(void)setup;
	(void)peer;
	(void)root;
	(void)err;
	*out = PROTO_NEW(PbStoredMaterial, stored_material, arena);
	return TB_OK;
}

enum tb_code material_source_new(struct material_source **out, const struct core_setup *setup,
                                 const PbStoredMaterial *record, const uint8_t root[PKI_HASH_BYTES],
                                 uint32_t first_chunk, struct tb_error *err)
{
	(void)setup;
	(void)record;
	(void)root;
	(void)first_chunk;
	*out = NULL;
	return tb_fail(err, TB_EIO, "gone");
}

enum tb_code material_source_chunk(struct material_source *source, struct tb_buf *chunk, bool *more,
                                   struct tb_error *err)
{
	(void)source;
	(void)chunk;
	*more = false;
	return tb_fail(err, TB_EIO, "gone");
}

void material_source_free(struct material_source *source)
{
	(void)source;
}

/* ---- the driver, played */

struct server {
	char dir[64];
	char path[96];
	struct core_setup core;
	struct http *http;
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
	(void)ctx;
	(void)request;
	fail();
}

static enum tb_code on_reload(void *ctx, const proto_message *message, proto_message **reply,
                              struct tb_arena *arena, struct tb_error *err)
{
	(void)ctx;
	(void)message;
	(void)err;
	*reply = &PROTO_NEW(PbReloadResponse, reload_response, arena)->base;
	return TB_OK;
}

static const struct http_method own_methods[] = {
	{"/tongban.v1.NodeService/Reload", &pb_reload_request__descriptor, on_reload},
	{NULL, NULL, NULL},
};

static enum tb_code open_at(struct server *server, const char *listen, const char *chain, const char *key,
                            struct tb_error *err)
{
	const struct http_setup setup = {
		.socket_path = server->path,
		.tcp_listen = listen,
		.tls_chain_pem = chain,
		.tls_key_pem = key,
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
	snprintf(server->dir, sizeof(server->dir), "/tmp/tongban_events_XXXXXX");
	assert_non_null(mkdtemp(server->dir));
	snprintf(server->path, sizeof(server->path), "%s/api.sock", server->dir);
	server->core.region = "320400";
	server->core.version = "1.2.3";
	played.size = 0;
	played.asked = 0;
	played.revoked = false;
	if (open_at(server, "127.0.0.1:0", NULL, NULL, &err) != TB_OK)
		fail_msg("%s", err.text);
	*state = server;
	return 0;
}

static int teardown(void **state)
{
	struct server *server = *state;
	http_close(server->http);
	assert_int_equal(rmdir(server->dir), 0);
	free(server);
	return 0;
}

/* |count| more events, as a turn's commit brings them. */
static void happen(struct server *server, uint64_t count)
{
	pthread_mutex_lock(&played.mutex);
	played.size += count;
	pthread_mutex_unlock(&played.mutex);
	http_committed(server->http);
}

/* Until the log has been looked at |times| times in all. */
static void wait_asked(uint64_t times)
{
	pthread_mutex_lock(&played.mutex);
	while (played.asked < times)
		pthread_cond_wait(&played.asked_more, &played.mutex);
	pthread_mutex_unlock(&played.mutex);
}

/* ---- a client */

/* From 127.0.0.|host|. */
static int dial_tcp_from(struct server *server, uint32_t host)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl((127u << 24) + host)};
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_port = htons((uint16_t)http_tcp_port(server->http))};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_return_code(bind(fd, (const struct sockaddr *)&own, sizeof(own)), errno);
	assert_return_code(connect(fd, (const struct sockaddr *)&address, sizeof(address)), errno);
	return fd;
}

static int dial_tcp(struct server *server)
{
	return dial_tcp_from(server, 1);
}

static int dial(struct server *server)
{
	return client_dial(server->path);
}

static void ask(int fd, const char *line, const char *headers, const char *body)
{
	struct tb_buf text = {0};
	tb_buf_printf(&text, "%s HTTP/1.1\r\nHost: x\r\n%s", line, headers);
	if (*body)
		tb_buf_printf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
		              strlen(body));
	tb_buf_printf(&text, "\r\n%s", body);
	client_send(fd, text.data, text.size);
	tb_buf_clear(&text);
}

/* Reads until |text| is there, from where the last such reading ended. */
static void expect(int fd, struct tb_buf *got, const char *text)
{
	char piece[4096];
	for (;;) {
		const char *at = got->size ? strstr(tb_buf_text(got), text) : NULL;
		if (at) {
			size_t used = (size_t)(at - (const char *)got->data) + strlen(text);
			memmove(got->data, got->data + used, got->size - used);
			got->size -= used;
			return;
		}
		ssize_t size = recv(fd, piece, sizeof(piece), 0);
		if (size <= 0)
			fail_msg("the end, before \"%s\": %s", text, got->size ? tb_buf_text(got) : "");
		tb_buf_add(got, piece, (size_t)size);
	}
}

static bool silent(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	return poll(&one, 1, 0) == 0;
}

static void assert_says(int fd, const char *line, const char *headers, const char *body, const char *status,
                        const char *text)
{
	struct tb_buf got = {0};
	ask(fd, line, headers, body);
	expect(fd, &got, status);
	expect(fd, &got, text);
	tb_buf_clear(&got);
	close(fd);
}

#define GOOD "Authorization: Bearer good\r\n"
#define READER "Authorization: Bearer reader\r\n"
#define STATUS "POST /tongban.v1.NodeService/Status"
#define RELOAD "POST /tongban.v1.NodeService/Reload"
#define ROOT "aa00000000000000000000000000000000000000000000000000000000000000"

/* ---- doors */

static void test_the_port_wants_a_token_for_everything(void **state)
{
	static const char *const lines[] = {
		"GET /", STATUS, "GET /events", "PUT /material", "GET /material/" ROOT, "GET /nothing"};
	struct server *server = *state;
	assert_true(http_tcp_port(server->http) > 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_says(dial_tcp(server), lines[i], "", "", "HTTP/1.1 401",
		            "{\"code\":\"unauthenticated\"");
	assert_says(dial_tcp(server), STATUS, "", "{}", "WWW-Authenticate: Bearer", "a token is needed here");
	assert_says(dial_tcp(server), STATUS, "Authorization: Bearer bad\r\n", "{}", "HTTP/1.1 401",
	            "no such token");
	assert_says(dial_tcp(server), STATUS, GOOD, "{}", "HTTP/1.1 200", "{}");
	assert_says(dial_tcp(server), "GET /", GOOD, "", "HTTP/1.1 200", "node of region 320400");
}

static void test_on_the_socket_a_token_counts_and_none_is_the_owner(void **state)
{
	struct server *server = *state;
	assert_says(dial(server), STATUS, "", "{}", "HTTP/1.1 200", "{}");
	assert_says(dial(server), RELOAD, "", "{}", "HTTP/1.1 200", "{}");
	assert_says(dial(server), STATUS, "Authorization: Bearer bad\r\n", "{}", "HTTP/1.1 401",
	            "no such token");
	assert_says(dial(server), RELOAD, GOOD, "{}", "HTTP/1.1 403", "the socket's owner alone");
}

static void test_materials_are_brought_and_got_by_who_may(void **state)
{
	struct server *server = *state;
	assert_says(dial_tcp(server), "PUT /material", READER, "{}", "HTTP/1.1 403", "only reads");
	assert_says(dial_tcp(server), "PUT /material", GOOD, "{}", "HTTP/1.1 429", "no room");
	assert_says(dial_tcp(server), "GET /material/" ROOT, GOOD, "", "HTTP/1.1 403", "not its item");
}

static void test_a_door_that_cannot_be_opened_is_named(void **state)
{
	static const struct {
		const char *listen;
		const char *chain;
		const char *says;
	} wrong[] = {
		{"no-such-host.invalid:1", NULL, "api.listen: no-such-host.invalid:1"},
		{"203.0.113.1:1", NULL, "cannot listen there"},
		{"127.0.0.1:0", "no certificate", "api.tls"},
	};
	struct server *server = *state;
	struct tb_error err;
	http_close(server->http);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_not_equal(open_at(server, wrong[i].listen, wrong[i].chain, "no key", &err), TB_OK);
		assert_null(server->http);
		if (!strstr(err.text, wrong[i].says))
			fail_msg("%s", err.text);
	}
}

/* ---- events */

static void test_a_reply_comes_at_once_if_there_is_something(void **state)
{
	struct server *server = *state;
	happen(server, 3);
	assert_says(
		dial(server), "GET /events?after=1&wait=60", "", "", "HTTP/1.1 200",
		"{\"events\":[{\"cursor\":\"2\",\"kind\":\"EVENT_CASE\"},{\"cursor\":\"3\",\"kind\":\"EVENT_"
		"CASE\"}],\"next\":\"3\"}");
	/* Nothing, and no time: the lists are there all the same. */
	assert_says(dial(server), "GET /events?after=3&wait=0", "", "", "HTTP/1.1 200",
	            "{\"events\":[],\"next\":\"3\"}");
	assert_says(dial(server), "GET /events?after=now&wait=0", "", "", "HTTP/1.1 200",
	            "{\"events\":[],\"next\":\"3\"}");
}

static void test_a_reply_waits_for_a_commit_that_brings_something(void **state)
{
	struct server *server = *state;
	struct tb_buf got = {0};
	int fd = dial_tcp(server);
	ask(fd, "GET /events?after=0&wait=60", GOOD, "");
	wait_asked(1);
	happen(server, 0); /* a turn that brought nothing */
	wait_asked(2);
	assert_true(silent(fd));
	happen(server, 1);
	expect(fd, &got, "{\"events\":[{\"cursor\":\"1\",\"kind\":\"EVENT_CASE\"}],\"next\":\"1\"}");
	tb_buf_clear(&got);
	close(fd);
}

static void test_a_reply_comes_empty_when_its_time_is_over(void **state)
{
	struct server *server = *state;
	assert_says(dial(server), "GET /events?wait=1", "", "", "HTTP/1.1 200",
	            "{\"events\":[],\"next\":\"0\"}");
	assert_true(played.asked >= 2);
}

static void test_what_is_no_cursor_is_refused(void **state)
{
	static const char *const wrong[] = {
		"after=x",         "after=-1", "after=",          "after=18446744073709551616",
		"after=1&wait=61", "wait=x",   "after=1&wait=-1", "wait=",
	};
	struct server *server = *state;
	char line[96];
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "GET /events?%s", wrong[i]);
		assert_says(dial(server), line, "", "", "HTTP/1.1 400", "invalid_argument");
	}
	assert_says(dial(server), "GET /events?after=1", "", "", "HTTP/1.1 404", "not_found");
	assert_says(dial(server), "GET /events?after=1&wait=9", "", "", "HTTP/1.1 404", "not_found");
	assert_says(dial(server), "POST /events", "", "{}", "HTTP/1.1 405", "not by this HTTP method");
}

static void test_a_stream_gives_what_was_and_what_comes(void **state)
{
	struct server *server = *state;
	struct tb_buf got = {0};
	int fd = dial_tcp(server);
	happen(server, 2);
	ask(fd, "GET /events?after=1", GOOD, "");
	expect(fd, &got, "Content-Type: text/event-stream\r\n");
	expect(fd, &got, "retry: ");
	expect(fd, &got, "id: 2\ndata: {\"cursor\":\"2\",\"kind\":\"EVENT_CASE\"}\n\n");
	for (int i = 3; i < 6; i++) {
		char text[32];
		happen(server, 1);
		snprintf(text, sizeof(text), "id: %d\ndata: ", i);
		expect(fd, &got, text);
	}
	/* More than is looked for at one time. */
	happen(server, 1000);
	for (int i = 6; i <= 1005; i++) {
		char text[64];
		snprintf(text, sizeof(text), "id: %d\ndata: {\"cursor\":\"%d\"", i, i);
		expect(fd, &got, text);
	}
	close(fd);
	/* Cut off, it goes on where it stopped: the header counts for more than the address. */
	fd = dial_tcp(server);
	got.size = 0;
	ask(fd, "GET /events?after=1", GOOD "Last-Event-ID: 1004\r\n", "");
	expect(fd, &got, "\n\nid: 1005\n");
	close(fd);
	tb_buf_clear(&got);
}

static void test_a_stream_ends_when_its_token_is_revoked(void **state)
{
	struct server *server = *state;
	struct tb_buf got = {0};
	int fd = dial_tcp(server), poll_fd = dial_tcp(server);
	ask(fd, "GET /events", GOOD, "");
	expect(fd, &got, "retry: ");
	ask(poll_fd, "GET /events?wait=60", GOOD, "");
	wait_asked(2);
	pthread_mutex_lock(&played.mutex);
	played.revoked = true;
	pthread_mutex_unlock(&played.mutex);
	happen(server, 1);
	expect(fd, &got, "\r\n0\r\n\r\n"); /* the last chunk */
	assert_null(strstr(got.size ? tb_buf_text(&got) : "", "data"));
	got.size = 0;
	expect(poll_fd, &got, "HTTP/1.1 401");
	tb_buf_clear(&got);
	close(fd);
	close(poll_fd);
}

static void test_readers_are_bounded_for_each_token_and_for_all(void **state)
{
	struct server *server = *state;
	int fds[64];
	struct tb_buf got = {0};
	for (int i = 0; i < 64; i++) {
		char header[64];
		snprintf(header, sizeof(header), "Authorization: Bearer good%d\r\n", i / 16);
		if (i > 0 && i % 16 == 0) { /* the 17th of one */
			char before[64];
			snprintf(before, sizeof(before), "Authorization: Bearer good%d\r\n", i / 16 - 1);
			assert_says(dial_tcp(server), "GET /events", before, "", "HTTP/1.1 429", "too many");
		}
		fds[i] = dial_tcp(server);
		ask(fds[i], "GET /events", header, "");
		expect(fds[i], &got, "retry: ");
		got.size = 0;
	}
	assert_says(dial_tcp(server), "GET /events", GOOD, "", "HTTP/1.1 429", "too many readers");
	/* Other calls are answered while they all wait. */
	assert_says(dial_tcp(server), STATUS, GOOD, "{}", "HTTP/1.1 200", "{}");
	happen(server, 1);
	for (int i = 0; i < 64; i++) {
		expect(fds[i], &got, "id: 1\n");
		got.size = 0;
		close(fds[i]);
	}
	tb_buf_clear(&got);
	/* Who has gone is noticed when it would be told something, and makes room. */
	while (http_running(server->http) > 0) {
		happen(server, 1);
		sched_yield();
	}
	assert_says(dial_tcp(server), "GET /events?wait=0", GOOD, "", "HTTP/1.1 200", "events");
}

static void test_draining_ends_streams_and_answers_who_waits(void **state)
{
	struct server *server = *state;
	struct tb_buf got = {0};
	int fd = dial(server), poll_fd = dial_tcp(server);
	ask(fd, "GET /events", "", "");
	expect(fd, &got, "retry: ");
	ask(poll_fd, "GET /events?wait=60", GOOD, "");
	wait_asked(2);
	http_drain_begin(server->http);
	expect(fd, &got, "\r\n0\r\n\r\n");
	got.size = 0;
	expect(poll_fd, &got, "HTTP/1.1 200");
	expect(poll_fd, &got, "{\"events\":[],\"next\":\"0\"}");
	while (http_running(server->http) > 0)
		sched_yield();
	tb_buf_clear(&got);
	close(fd);
	close(poll_fd);
}

static void test_closing_with_readers_waiting_leaves_nothing(void **state)
{
	struct server *server = *state;
	struct tb_buf got = {0};
	int fds[6];
	for (int i = 0; i < 6; i++) {
		fds[i] = i % 2 ? dial(server) : dial_tcp(server);
		ask(fds[i], i < 3 ? "GET /events" : "GET /events?wait=60", GOOD, "");
		if (i < 3) {
			expect(fds[i], &got, "retry: ");
			got.size = 0;
		}
	}
	wait_asked(6);
	http_close(server->http);
	server->http = NULL;
	for (int i = 0; i < 6; i++) {
		expect(fds[i], &got, i < 3 ? "0\r\n\r\n" : "\"next\":\"0\"}");
		got.size = 0;
		close(fds[i]);
	}
	tb_buf_clear(&got);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* ---- who comes too often */

static void test_one_address_leaves_room_for_others(void **state)
{
	enum { OF_ONE_ADDRESS = 120 };
	struct server *server = *state;
	int fds[OF_ONE_ADDRESS];
	char byte;
	struct tb_buf got = {0};
	for (size_t i = 0; i < OF_ONE_ADDRESS; i++) {
		fds[i] = dial_tcp(server);
		/* Once it is answered it is counted. */
		ask(fds[i], STATUS, GOOD, "{}");
		expect(fds[i], &got, "{}");
	}
	tb_buf_clear(&got);
	int more = dial_tcp(server);
	assert_true(recv(more, &byte, 1, 0) <= 0);
	close(more);
	assert_says(dial_tcp_from(server, 2), STATUS, GOOD, "{}", " 200 ", "{}");
	assert_says(fds[0], STATUS, GOOD, "{}", " 200 ", "{}");
	/* The socket is its owner's, who is not counted. */
	assert_says(dial(server), STATUS, "", "{}", " 200 ", "{}");
	for (size_t i = 1; i < OF_ONE_ADDRESS; i++)
		close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_the_port_wants_a_token_for_everything),
		WITH_SERVER(test_on_the_socket_a_token_counts_and_none_is_the_owner),
		WITH_SERVER(test_materials_are_brought_and_got_by_who_may),
		WITH_SERVER(test_a_door_that_cannot_be_opened_is_named),
		WITH_SERVER(test_a_reply_comes_at_once_if_there_is_something),
		WITH_SERVER(test_a_reply_waits_for_a_commit_that_brings_something),
		WITH_SERVER(test_a_reply_comes_empty_when_its_time_is_over),
		WITH_SERVER(test_what_is_no_cursor_is_refused),
		WITH_SERVER(test_a_stream_gives_what_was_and_what_comes),
		WITH_SERVER(test_a_stream_ends_when_its_token_is_revoked),
		WITH_SERVER(test_readers_are_bounded_for_each_token_and_for_all),
		WITH_SERVER(test_draining_ends_streams_and_answers_who_waits),
		WITH_SERVER(test_closing_with_readers_waiting_leaves_nothing),
		WITH_SERVER(test_one_address_leaves_room_for_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
