#include "node/cli/client.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "node/cli/jsontext.h"
#include "node/cli/userfile.h"

enum {
	CLIENT_CONNECT_MS = 5000,
	CLIENT_CALL_MS = 10 * 60 * 1000, /* checking a whole audit log takes minutes */
	CLIENT_STALL_SECONDS = 300,      /* a stream that stands still this long is given up */
	CLIENT_RETRY_MS = 500,           /* doubled with every attempt */
};

struct client {
	CURL *curl;
	struct curl_slist *headers;
	char *socket;
	char *dir;
};

/* What arrives: a reply into a buffer, or a material into a stream. */
struct arrival {
	struct client *client;
	struct tb_buf *buffer;
	FILE *stream; /* NULL: everything into the buffer */
	uint64_t size;
	bool too_big;
	bool write_failed;
};

static void check_setopt(CURLcode code)
{
	assert(code == CURLE_OK);
}
/* Options are compile-time facts: one that libcurl refuses is a bug. */
#define SET(client, option, value) check_setopt(curl_easy_setopt((client)->curl, option, value))

struct client *client_new(const char *dir)
{
	struct client *client = tb_alloc(sizeof(*client));
	check_setopt(curl_global_init(CURL_GLOBAL_DEFAULT));
	client->curl = curl_easy_init();
	if (!client->curl)
		abort();
	struct tb_buf path = {0};
	tb_buf_printf(&path, "%s/api.sock", dir);
	client->socket = tb_strdup(tb_buf_text(&path));
	client->dir = tb_strdup(dir);
	tb_buf_clear(&path);
	client->headers = curl_slist_append(client->headers, "Content-Type: application/json");
	client->headers = curl_slist_append(client->headers, "Connect-Protocol-Version: 1");
	/* Without this libcurl asks leave before every larger body, which costs a round trip. */
	client->headers = curl_slist_append(client->headers, "Expect:");
	if (!client->headers)
		abort();
	return client;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	curl_slist_free_all(client->headers);
	curl_easy_cleanup(client->curl);
	free(client->socket);
	free(client->dir);
	free(client);
}

static size_t on_body(char *data, size_t one, size_t size, void *ctx)
{
	struct arrival *arrival = ctx;
	long status = 0;
	assert(one == 1);
	curl_easy_getinfo(arrival->client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (arrival->stream && status == 200) {
		if (fwrite(data, 1, size, arrival->stream) != size) {
			arrival->write_failed = true;
			return 0;
		}
		arrival->size += size;
		return size;
	}
	size_t max = status == 200 ? CLIENT_REPLY_BYTES_MAX : CLIENT_ERROR_BYTES_MAX;
	if (size > max - arrival->buffer->size) {
		arrival->too_big = true;
		return 0;
	}
	tb_buf_add(arrival->buffer, data, size);
	return size;
}

/* A text in an array of the answer. */
static bool element_text(struct tb_bytes element, struct tb_buf *out)
{
	struct tb_buf object = {0};
	tb_buf_str(&object, "{\"text\":");
	tb_buf_add(&object, element.data, element.size);
	tb_buf_str(&object, "}");
	out->size = 0;
	bool good = jsontext_string(tb_buf_bytes(&object), "text", out);
	tb_buf_clear(&object);
	return good;
}

/* Why, in words that stay, so that it can be told in any language. A reason that this program does not know
 * is left to the message. */
static void read_reason(struct tb_bytes body, struct tb_error *err)
{
	struct tb_buf text = {0};
	struct tb_bytes element;
	size_t at = 0;
	if (jsontext_string(body, "reason", &text))
		err->reason = tb_reason_from_name(tb_buf_text(&text));
	while (err->reason && jsontext_element(body, "values", &at, &element) &&
	       element_text(element, &text) && tb_error_add_value(err, tb_buf_text(&text)))
		;
	text.size = 0;
	if (err->reason && jsontext_string(body, "where", &text))
		snprintf(err->where, sizeof(err->where), "%s", tb_buf_text(&text));
	tb_buf_clear(&text);
}

/* Two codes have one name on the wire: what a full disk says of itself tells them apart. */
static enum tb_code full_or_throttled(enum tb_code code, const char *message)
{
	const char *const full[] = {strerror(ENOSPC), strerror(EDQUOT), tb_code_text(TB_EFULL),
	                            "MDB_MAP_FULL"};
	for (size_t i = 0; code == TB_ETHROTTLED && i < sizeof(full) / sizeof(full[0]); i++) {
		if (strstr(message, full[i]))
			return TB_EFULL;
	}
	return code;
}

/* Connect, "Error end-stream and unary errors": {"code": "not_found", "message": "..."} with another status
 * than 200; docs/departments.md, section 6, for the rest. */
static enum tb_code api_error(struct tb_bytes body, long status, struct tb_error *err)
{
	enum tb_code code = TB_EIO;
	struct tb_buf name = {0};
	struct tb_buf message = {0};
	if (jsontext_string(body, "code", &name)) {
		code = tb_code_from_connect(tb_buf_text(&name));
		if (!jsontext_string(body, "message", &message) || message.size == 0)
			tb_buf_str(&message, tb_code_text(code));
		code = full_or_throttled(code, tb_buf_text(&message));
		tb_fail(err, code, "%s", tb_buf_text(&message));
		read_reason(body, err);
	} else {
		tb_fail(err, code, "the node answered with HTTP status %ld", status);
	}
	tb_buf_clear(&name);
	tb_buf_clear(&message);
	return code;
}

static enum tb_code transport_error(const struct arrival *arrival, CURLcode code, struct tb_error *err)
{
	const struct client *client = arrival->client;
	if (arrival->too_big)
		return tb_fail(err, TB_ETOOBIG, "the answer is larger than %d bytes", CLIENT_REPLY_BYTES_MAX);
	if (arrival->write_failed)
		return tb_fail(err, TB_EIO, "cannot write: %s", strerror(errno));
	if (code == CURLE_COULDNT_CONNECT)
		return tb_refuse(err, TB_REASON_NODE_NOT_RUNNING, client->dir, NULL);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return tb_refuse(err, TB_REASON_NODE_SILENT, client->dir, NULL);
	return tb_refuse(err, TB_REASON_NODE_ANSWER, client->dir, curl_easy_strerror(code), NULL);
}

/* Everything that the three kinds of call share; |curl| has the rest set. */
static enum tb_code perform(struct client *client, const char *path, struct arrival *arrival,
                            struct tb_error *err)
{
	struct sockaddr_un address;
	char url[256];
	if (strlen(client->socket) >= sizeof(address.sun_path))
		return tb_fail(err, TB_EINVALID, "%s: the path of a socket has at most %zu bytes",
		               client->socket, sizeof(address.sun_path) - 1);
	snprintf(url, sizeof(url), "http://localhost%s", path);
	SET(client, CURLOPT_UNIX_SOCKET_PATH, client->socket);
	SET(client, CURLOPT_URL, url);
	SET(client, CURLOPT_HTTPHEADER, client->headers);
	SET(client, CURLOPT_NOSIGNAL, 1L);
	SET(client, CURLOPT_PROXY, "");
	SET(client, CURLOPT_CONNECTTIMEOUT_MS, (long)CLIENT_CONNECT_MS);
	SET(client, CURLOPT_WRITEFUNCTION, on_body);
	SET(client, CURLOPT_WRITEDATA, arrival);
	CURLcode result = curl_easy_perform(client->curl);
	if (result != CURLE_OK)
		return transport_error(arrival, result, err);
	long status = 0;
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? TB_OK : api_error(tb_buf_bytes(arrival->buffer), status, err);
}

enum tb_code client_post(struct client *client, const char *path, struct tb_bytes body, struct tb_buf *reply,
                         struct tb_error *err)
{
	struct arrival arrival = {.client = client, .buffer = reply};
	curl_easy_reset(client->curl);
	SET(client, CURLOPT_POST, 1L);
	SET(client, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
	SET(client, CURLOPT_POSTFIELDS, (const char *)body.data);
	SET(client, CURLOPT_TIMEOUT_MS, (long)CLIENT_CALL_MS);
	SET(client, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
	SET(client, CURLOPT_BUFFERSIZE, 256L * 1024);
	return perform(client, path, &arrival, err);
}

enum tb_code client_call(struct client *client, const char *path, const proto_message *request,
                         const proto_type *reply_type, struct tb_arena *arena, proto_message **out,
                         struct tb_error *err)
{
	struct tb_buf body = {0};
	struct tb_buf reply = {0};
	*out = NULL;
	proto_json_encode(&body, request);
	enum tb_code code = client_post(client, path, tb_buf_bytes(&body), &reply, err);
	if (!code)
		code = proto_json_decode(out, reply_type, tb_buf_bytes(&reply), arena, err);
	tb_buf_clear(&body);
	tb_buf_clear(&reply);
	return code;
}

/* ---- materials */

static size_t on_upload(char *data, size_t one, size_t size, void *ctx)
{
	FILE *stream = ctx;
	size_t got = fread(data, one, size, stream);
	return got == 0 && ferror(stream) ? CURL_READFUNC_ABORT : got;
}

static enum tb_code open_material(FILE **out, const char *file, uint64_t *size, struct tb_error *err)
{
	const uint64_t max = (uint64_t)TB_MATERIAL_CHUNKS_MAX * TB_CHUNK_BYTES;
	struct stat st;
	*out = fopen(file, "rbe");
	if (!*out)
		return userfile_fail(err, file, errno);
	enum tb_code code = TB_OK;
	if (fstat(fileno(*out), &st) != 0 || !S_ISREG(st.st_mode))
		code = tb_refuse(err, TB_REASON_FILE_NOT_REGULAR, file, NULL);
	else if (st.st_size == 0)
		code = tb_fail(err, TB_EINVALID, "%s: empty", file);
	else if ((uint64_t)st.st_size > max)
		code = tb_fail(err, TB_ETOOBIG, "%s: a material has at most %llu bytes", file,
		               (unsigned long long)max);
	else
		*size = (uint64_t)st.st_size;
	if (code) {
		fclose(*out);
		*out = NULL;
	}
	return code;
}

static void set_stall(struct client *client)
{
	SET(client, CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(client, CURLOPT_LOW_SPEED_TIME, (long)CLIENT_STALL_SECONDS);
}

enum tb_code client_put_file(struct client *client, const char *file, struct tb_arena *arena,
                             PbMaterialView **out, struct tb_error *err)
{
	struct tb_buf reply = {0};
	struct arrival arrival = {.client = client, .buffer = &reply};
	proto_message *view = NULL;
	FILE *stream;
	uint64_t size = 0;
	*out = NULL;
	enum tb_code code = open_material(&stream, file, &size, err);
	if (code)
		return code;
	curl_easy_reset(client->curl);
	SET(client, CURLOPT_UPLOAD, 1L);
	SET(client, CURLOPT_READFUNCTION, on_upload);
	SET(client, CURLOPT_READDATA, stream);
	SET(client, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
	SET(client, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
	set_stall(client);
	code = perform(client, "/material", &arrival, err);
	if (!code)
		code = proto_json_decode(&view, &pb_material_view__descriptor, tb_buf_bytes(&reply), arena,
		                         err);
	if (!code && ferror(stream))
		code = tb_fail(err, TB_EIO, "%s: %s", file, strerror(EIO));
	*out = code ? NULL : (PbMaterialView *)(void *)view;
	fclose(stream);
	tb_buf_clear(&reply);
	return code;
}

enum tb_code client_get_file(struct client *client, const char *root_hex, FILE *stream, uint64_t *size,
                             struct tb_error *err)
{
	struct tb_buf reply = {0};
	struct arrival arrival = {.client = client, .buffer = &reply, .stream = stream};
	char path[160];
	snprintf(path, sizeof(path), "/material/%s", root_hex);
	curl_easy_reset(client->curl);
	SET(client, CURLOPT_HTTPGET, 1L);
	SET(client, CURLOPT_BUFFERSIZE, 256L * 1024);
	set_stall(client);
	enum tb_code code = perform(client, path, &arrival, err);
	if (!code && fflush(stream) != 0)
		code = tb_fail(err, TB_EIO, "cannot write: %s", strerror(errno));
	*size = arrival.size;
	tb_buf_clear(&reply);
	return code;
}

/* ---- a call in the background */

struct client_job {
	struct client *client;
	pthread_t thread;
	bool busy;
	unsigned attempts;
	char path[128];
	struct tb_buf body;
	struct tb_buf reply;
	enum tb_code code;
	struct tb_error error;
};

struct client_job *client_job_new(const char *dir)
{
	struct client_job *job = tb_alloc(sizeof(*job));
	job->client = client_new(dir);
	return job;
}

void client_job_free(struct client_job *job)
{
	if (!job)
		return;
	if (job->busy)
		pthread_join(job->thread, NULL);
	client_free(job->client);
	tb_buf_clear(&job->body);
	tb_buf_clear(&job->reply);
	free(job);
}

struct tb_buf *client_job_body(struct client_job *job)
{
	assert(!job->busy);
	return &job->body;
}

bool client_job_busy(const struct client_job *job)
{
	return job->busy;
}

static void *job_run(void *ctx)
{
	struct client_job *job = ctx;
	for (unsigned attempt = 1;; attempt++) {
		job->reply.size = 0;
		job->code = client_post(job->client, job->path, tb_buf_bytes(&job->body), &job->reply,
		                        &job->error);
		if (tb_code_fault(job->code) != TB_FAULT_TRANSIENT || attempt >= job->attempts)
			return NULL;
		long wait_ms = (long)CLIENT_RETRY_MS << (attempt - 1);
		struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
		nanosleep(&wait, NULL);
	}
}

void client_job_start(struct client_job *job, const char *path, unsigned attempts)
{
	assert(!job->busy);
	assert(attempts >= 1 && attempts <= 8);
	assert(strlen(path) < sizeof(job->path));
	memcpy(job->path, path, strlen(path) + 1);
	job->attempts = attempts;
	/* Out of threads is out of memory: the same answer as tb_alloc()'s. */
	if (pthread_create(&job->thread, NULL, job_run, job) != 0)
		abort();
	job->busy = true;
}

enum tb_code client_job_wait(struct client_job *job, struct tb_bytes *reply, struct tb_error *err)
{
	assert(job->busy);
	pthread_join(job->thread, NULL);
	job->busy = false;
	job->body.size = 0;
	*reply = tb_buf_bytes(&job->reply);
	if (job->code)
		tb_fail_like(err, job->code, &job->error);
	return job->code;
}
