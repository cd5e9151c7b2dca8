#include "tests/io/http_server.h"

#include <assert.h>
#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	{STATUS_METHOD, &pb_status_request__descriptor, true},
	{REQUEUE_METHOD, &pb_requeue_request__descriptor, false},
};

struct played_core played = {.refuse_upload_at = UINT64_MAX};

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
	atomic_fetch_add(&played.requests, 1);
	if (code != TB_OK)
		core_request_free(request);
	else
		*out = request;
	return code;
}

void core_request_free(struct core_request *request)
{
	atomic_fetch_sub(&played.requests, 1);
	tb_arena_clear(&request->arena);
	free(request);
}

static size_t threads_count(void)
{
	size_t count = 0;
	DIR *tasks = opendir("/proc/self/task");
	assert(tasks);
	for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

/* http_close() joins the workers and the readers' thread, and then asks who is away. */
static void wait_for_close(void)
{
	enum { WORKERS_AND_READERS = 3, TURNS = 2000 };
	size_t before = threads_count();
	atomic_store(&played.preparing, true);
	while (threads_count() > before - WORKERS_AND_READERS)
		sched_yield();
	for (int i = 0; i < TURNS; i++)
		sched_yield();
}

void core_prepare(const struct core_setup *setup, struct core_request *request, tb_time now)
{
	(void)setup;
	(void)now;
	if (request->message->descriptor != &pb_requeue_request__descriptor)
		return;
	uint64_t seq = ((PbRequeueRequest *)(void *)request->message)->seq;
	if (seq == SEQ_REFUSED_LATE)
		wait_for_close();
	if (seq == SEQ_REFUSED_EARLY || seq == SEQ_REFUSED_LATE)
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

enum tb_code material_intake_new(struct material_intake **out, const struct core_setup *setup,
                                 const uint8_t random[32], struct tb_error *err)
{
	(void)setup;
	(void)random;
	(void)err;
	*out = tb_alloc(sizeof(**out));
	(*out)->refuse_at = played.refuse_upload_at;
	atomic_fetch_add(&played.intakes, 1);
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
	atomic_fetch_add(&played.requests, 1);
	PbMaterialView *reply = PROTO_NEW(PbMaterialView, material_view, &made->arena);
	reply->size = size;
	made->prepared = reply;
	*request = made;
	return TB_OK;
}

void material_intake_free(struct material_intake *intake)
{
	if (intake)
		atomic_fetch_sub(&played.intakes, 1);
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
	atomic_fetch_add(&played.sources, 1);
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
		atomic_fetch_sub(&played.sources, 1);
	free(source);
}
/* ---- the driver, played: this thread runs the turns */

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

struct core_request *server_next(struct server *server)
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
	{RELOAD_METHOD, &pb_reload_request__descriptor, on_reload},
	{NULL, NULL, NULL},
};

enum tb_code server_open(struct server *server, const char *path, struct tb_error *err)
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

int server_setup(void **state)
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
	played.refuse_upload_at = UINT64_MAX;
	if (server_open(server, server->path, &err) != TB_OK)
		fail_msg("%s", err.text);
	*state = server;
	return 0;
}

int server_teardown(void **state)
{
	struct server *server = *state;
	http_close(server->http);
	for (size_t i = 0; i < server->submitted_count; i++)
		core_request_free(server->submitted[i]);
	assert_int_equal(atomic_load(&played.requests), 0);
	assert_int_equal(atomic_load(&played.intakes), 0);
	assert_int_equal(atomic_load(&played.sources), 0);
	assert_int_not_equal(access(server->path, F_OK), 0);
	assert_int_equal(rmdir(server->dir), 0);
	pthread_cond_destroy(&server->came);
	pthread_mutex_destroy(&server->mutex);
	free(server);
	return 0;
}
void server_wait_idle(struct server *server)
{
	while (http_running(server->http) > 0)
		sched_yield();
}

void server_reply(struct server *server, struct core_request *request)
{
	request->reply = &PROTO_NEW(PbRequeueResponse, requeue_response, &request->arena)->base;
	http_reply(server->http, request);
}
