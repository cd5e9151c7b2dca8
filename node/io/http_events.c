/* GET /events: what happened, from a cursor on.
 *
 * Server-sent events (HTML Living Standard, 9.2), or with wait=SECONDS one reply when there is something, or
 * nothing after that time. A reader that has all there is waits with its connection suspended; one thread
 * looks for all of them after commits. While a reader waits nobody but that thread touches it. */
#include "node/io/http_priv.h"

#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAIT_S_MAX = 60,
	STREAM_ROWS = 100,      /* events that are put into a stream at one time */
	ALIVE_MS = 15000,       /* a silent stream says so often that it is there, and learns if nobody is */
	ROUND_MS = 20,          /* between two looks: under load many commits share one */
	STREAM_RETRY_MS = 2000, /* when a client that was cut off comes again */
};

static int64_t now_monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- looking */

/* What there is after the reader's cursor, which moves on. On failure |call->error| says why. */
static struct core_request *look(struct call *call)
{
	struct http_reader *reader = &call->reader;
	const struct http_setup *setup = &call->http->setup;
	struct core_request *request = NULL;
	char json[128];
	snprintf(json, sizeof(json), "{\"after\":\"%" PRIu64 "\",\"limit\":%d,\"fromNow\":%s}", reader->after,
	         reader->stream ? STREAM_ROWS : TB_PAGE_ROWS_MAX, reader->from_now ? "true" : "false");
	enum tb_code code = core_request_new(&request, call->method, tb_bytes_str(json), &call->error);
	assert(code == TB_OK);
	core_request_as(request, call->principal);
	struct peer_set *peers = setup->peers(setup->ctx);
	core_query(setup->core, peers, request, setup->now());
	peer_set_unref(peers);
	if (request->error.code != TB_OK) {
		call->error = request->error;
		core_request_free(request);
		return NULL;
	}
	const PbEventListResponse *reply = (const PbEventListResponse *)(const void *)request->reply;
	reader->after = reply->next;
	reader->more = reply->more;
	reader->from_now = false;
	return request;
}

static size_t events_count(const struct core_request *request)
{
	return request ? ((const PbEventListResponse *)(const void *)request->reply)->n_events : 0;
}

/* The one reply of a reader that does not stream; |request| NULL is nothing. Lists are never left out. */
static void write_reply(struct call *call, const struct core_request *request)
{
	const PbEventListResponse *reply = request ? (const void *)request->reply : NULL;
	tb_buf_str(&call->reply, "{\"events\":[");
	for (size_t i = 0; reply && i < reply->n_events; i++) {
		tb_buf_str(&call->reply, i ? "," : "");
		proto_json_encode(&call->reply, &reply->events[i]->base);
	}
	tb_buf_printf(&call->reply, "],\"next\":\"%" PRIu64 "\"}", call->reader.after);
}

static void write_stream(struct http_reader *reader, const struct core_request *request)
{
	const PbEventListResponse *reply = (const void *)request->reply;
	for (size_t i = 0; i < reply->n_events; i++) {
		tb_buf_printf(&reader->out, "id: %" PRIu64 "\ndata: ", reply->events[i]->cursor);
		proto_json_encode(&reader->out, &reply->events[i]->base);
		tb_buf_str(&reader->out, "\n\n");
		reader->told = reply->events[i]->cursor;
	}
}

/* An id without data moves the client's cursor past what it is not shown, and is no event. */
static void write_alive(struct http_reader *reader)
{
	if (reader->told != reader->after)
		tb_buf_printf(&reader->out, "id: %" PRIu64 "\n\n", reader->after);
	else
		tb_buf_str(&reader->out, ":\n\n");
	reader->told = reader->after;
}

/* ---- waiting */

static bool ending(struct http *http)
{
	return http->closing || atomic_load(&http->draining);
}

/* The reader, which has all that there is, waits; false: nobody waits any more. Its connection is suspended.
 */
static bool wait_for_more(struct call *call)
{
	struct http *http = call->http;
	pthread_mutex_lock(&http->mutex);
	bool waits = !ending(http);
	call->reader.waits = waits;
	if (waits)
		pthread_cond_signal(&http->readers_due);
	pthread_mutex_unlock(&http->mutex);
	return waits;
}

static uint64_t commits(struct http *http)
{
	pthread_mutex_lock(&http->mutex);
	uint64_t number = http->commits;
	pthread_mutex_unlock(&http->mutex);
	return number;
}

/* A reader that wants one reply; on a worker, then on the readers' thread. */
static void serve_reply(struct call *call, bool last)
{
	struct http_reader *reader = &call->reader;
	reader->commits = commits(call->http);
	struct core_request *request = last ? NULL : look(call);
	bool done = last || call->error.code != TB_OK || events_count(request) > 0 ||
	            now_monotonic_ms() >= reader->due_ms;
	/* |more| without events: a long run of leaves that are not for it; it looks on at once. */
	if (!done && wait_for_more(call)) {
		core_request_free(request);
		return;
	}
	if (call->error.code == TB_OK)
		write_reply(call, request);
	core_request_free(request);
	http_call_back(call);
}

/* A stream that has sent all; on the readers' thread. */
static void serve_stream(struct call *call, bool last)
{
	struct http_reader *reader = &call->reader;
	reader->commits = commits(call->http);
	struct core_request *request = last ? NULL : look(call);
	if (!request)
		reader->ends = true; /* a token that was revoked, say */
	else if (events_count(request) > 0)
		write_stream(reader, request);
	else if (now_monotonic_ms() >= reader->due_ms)
		write_alive(reader);
	core_request_free(request);
	if (reader->out.size == 0 && !reader->ends && wait_for_more(call))
		return;
	MHD_resume_connection(call->connection);
}

/* Readers that something is there for, at most |room|; taken. *next_ms: when somebody is due. */
static size_t take_due(struct http *http, struct call **out, size_t room, int64_t now, int64_t *next_ms)
{
	size_t count = 0;
	*next_ms = INT64_MAX;
	for (struct call *call = http->readers; call; call = call->reader.next) {
		struct http_reader *reader = &call->reader;
		if (!reader->waits)
			continue;
		if (ending(http) || reader->more || reader->commits != http->commits ||
		    reader->due_ms <= now) {
			assert(count < room);
			reader->waits = false;
			out[count++] = call;
		} else if (reader->due_ms < *next_ms) {
			*next_ms = reader->due_ms;
		}
	}
	return count;
}

static void wait_until(struct http *http, int64_t at_ms)
{
	struct timespec until = {.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};
	if (at_ms == INT64_MAX)
		pthread_cond_wait(&http->readers_due, &http->mutex);
	else
		pthread_cond_timedwait(&http->readers_due, &http->mutex, &until);
}

static void *readers_main(void *arg)
{
	struct http *http = arg;
	struct call *due[HTTP_EVENT_READERS_MAX];
	int64_t rested = 0, next;
	pthread_mutex_lock(&http->mutex);
	for (;;) {
		int64_t now = now_monotonic_ms();
		if (now < rested && !ending(http)) {
			wait_until(http, rested);
			continue;
		}
		size_t count = take_due(http, due, HTTP_EVENT_READERS_MAX, now, &next);
		bool last = ending(http);
		if (count == 0 && http->closing)
			break;
		if (count == 0) {
			wait_until(http, next);
			continue;
		}
		pthread_mutex_unlock(&http->mutex);
		for (size_t i = 0; i < count; i++) {
			if (due[i]->reader.stream)
				serve_stream(due[i], last);
			else
				serve_reply(due[i], last);
		}
		rested = now_monotonic_ms() + ROUND_MS;
		pthread_mutex_lock(&http->mutex);
	}
	pthread_mutex_unlock(&http->mutex);
	return NULL;
}

void http_readers_open(struct http *http)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&http->readers_due, &attr);
	pthread_condattr_destroy(&attr);
	/* The thread that waits for SIGTERM gets it. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&http->readers_thread, NULL, readers_main, http);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert(rc == 0);
}

void http_readers_close(struct http *http)
{
	http_readers_wake(http);
	pthread_join(http->readers_thread, NULL);
}

void http_readers_wake(struct http *http)
{
	pthread_mutex_lock(&http->mutex);
	pthread_cond_signal(&http->readers_due);
	pthread_mutex_unlock(&http->mutex);
}

void http_committed(struct http *http)
{
	pthread_mutex_lock(&http->mutex);
	http->commits++;
	if (http->readers)
		pthread_cond_signal(&http->readers_due);
	pthread_mutex_unlock(&http->mutex);
}

/* ---- the call */

static enum tb_code events_add(struct call *call, struct tb_bytes bytes, struct tb_error *err)
{
	(void)call;
	(void)bytes;
	return tb_fail(err, TB_EINVALID, "a GET request has no body");
}

/* The first look, on a worker: what is wrong is said before a stream begins. */
static void events_work(void *arg)
{
	struct call *call = arg;
	struct http_reader *reader = &call->reader;
	if (!reader->stream) {
		serve_reply(call, false);
		return;
	}
	reader->commits = commits(call->http);
	struct core_request *request = look(call);
	if (request) {
		tb_buf_printf(&reader->out, "retry: %d\n\n", STREAM_RETRY_MS);
		write_stream(reader, request);
		core_request_free(request);
	}
	http_call_back(call);
}

/* MHD's thread wants more of a stream. */
static ssize_t stream_read(void *ctx, uint64_t offset, char *to, size_t room)
{
	(void)offset;
	struct call *call = ctx;
	struct http *http = call->http;
	struct http_reader *reader = &call->reader;
	size_t left = reader->out.size - reader->out_at;
	if (left > 0) {
		size_t size = left < room ? left : room;
		memcpy(to, reader->out.data + reader->out_at, size);
		reader->out_at += size;
		return (ssize_t)size;
	}
	tb_buf_clear(&reader->out);
	reader->out_at = 0;
	reader->due_ms = now_monotonic_ms() + ALIVE_MS;
	pthread_mutex_lock(&http->mutex);
	bool ends = reader->ends || ending(http);
	if (!ends) {
		/* Before anyone can resume it. */
		MHD_suspend_connection(call->connection);
		reader->waits = true;
		pthread_cond_signal(&http->readers_due);
	}
	pthread_mutex_unlock(&http->mutex);
	return ends ? MHD_CONTENT_READER_END_OF_STREAM : 0;
}

static enum MHD_Result events_reply(struct call *call)
{
	enum { STREAM_BLOCK_BYTES = 4096 };
	if (!call->reader.stream)
		return http_reply_buf(call, MHD_HTTP_OK, "application/json");
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, stream_read, call, NULL);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	return http_queue(call, MHD_HTTP_OK, response, "text/event-stream");
}

static const struct call_kind events_kind = {events_add, events_work, events_reply};

static bool same_reader(const struct call *a, const struct call *b)
{
	if (!a->principal || !b->principal)
		return !a->principal && !b->principal;
	return strcmp(a->principal->name, b->principal->name) == 0;
}

static bool list_reader(struct call *call)
{
	struct http *http = call->http;
	struct http_reader *reader = &call->reader;
	size_t of_one = 0;
	pthread_mutex_lock(&http->mutex);
	for (struct call *other = http->readers; other; other = other->reader.next)
		of_one += same_reader(call, other);
	bool room = http->readers_count < HTTP_EVENT_READERS_MAX && of_one < HTTP_EVENT_READERS_OF_ONE_MAX;
	if (room) {
		reader->listed = true;
		reader->next = http->readers;
		if (reader->next)
			reader->next->reader.prev = call;
		http->readers = call;
		http->readers_count++;
	}
	pthread_mutex_unlock(&http->mutex);
	return room;
}

void http_reader_clear(struct call *call)
{
	struct http *http = call->http;
	struct http_reader *reader = &call->reader;
	if (reader->listed) {
		pthread_mutex_lock(&http->mutex);
		assert(!reader->waits);
		if (reader->prev)
			reader->prev->reader.next = reader->next;
		else
			http->readers = reader->next;
		if (reader->next)
			reader->next->reader.prev = reader->prev;
		http->readers_count--;
		pthread_mutex_unlock(&http->mutex);
	}
	tb_buf_clear(&reader->out);
}

/* Digits only, up to |max|. */
static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
	size_t size = strlen(text);
	if (size == 0 || size > 20 || strspn(text, "0123456789") != size)
		return false;
	errno = 0;
	*out = strtoull(text, NULL, 10);
	return errno == 0 && *out <= max;
}

enum MHD_Result http_events_begin(struct call *call)
{
	struct http_reader *reader = &call->reader;
	const char *after = MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, "after");
	const char *wait = MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, "wait");
	/* What a client that was cut off has seen last counts for more than what it first asked for. */
	const char *last = http_header(call, "Last-Event-ID");
	uint64_t seconds = 0;
	if (last && *last)
		after = last;
	reader->from_now = after && strcmp(after, "now") == 0;
	if (after && !reader->from_now && !parse_number(after, UINT64_MAX, &reader->after))
		return http_reply_error(call, 0, TB_EINVALID, "after: a cursor, or \"now\"");
	if (wait && !parse_number(wait, WAIT_S_MAX, &seconds))
		return http_reply_error(call, 0, TB_EINVALID, "wait: 0 to 60 seconds");
	reader->stream = !wait;
	reader->told = reader->after;
	reader->due_ms = now_monotonic_ms() + (int64_t)seconds * 1000;
	call->method = core_method_find("/tongban.v1.EventService/List");
	assert(call->method && core_method_reads(call->method));
	if (!list_reader(call))
		return http_reply_error(call, 0, TB_ETHROTTLED, "too many readers of events at one time");
	call->kind = &events_kind;
	return MHD_YES;
}
