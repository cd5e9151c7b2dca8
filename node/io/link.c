#include "node/io/link_priv.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <grpc/byte_buffer_reader.h>

enum {
	LINK_THREADS_MIN = 2,
	LINK_THREADS_MAX = 8,
	LINK_QUOTA_BYTES = 512 << 20, /* what gRPC may hold for all connections of the server */
	SWEEPS = 4,                   /* for late messages, in the time that one has */
};

/* ---- bytes and codes */

grpc_byte_buffer *link_buffer_of(struct tb_buf *buf)
{
	grpc_slice slice = buf->size ? grpc_slice_new(buf->data, buf->size, free) : grpc_empty_slice();
	if (!buf->size)
		free(buf->data);
	*buf = (struct tb_buf){0};
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return buffer;
}

bool link_buffer_read(grpc_slice *out, grpc_byte_buffer *buffer)
{
	grpc_byte_buffer_reader reader;
	if (!grpc_byte_buffer_reader_init(&reader, buffer))
		return false;
	*out = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	return true;
}

/* The names that tb_code_connect() uses, by gRPC's numbers (grpc/status.h). */
static const char *const status_names[] = {
	"ok",        "canceled",        "unknown",           "invalid_argument",   "deadline_exceeded",
	"not_found", "already_exists",  "permission_denied", "resource_exhausted", "failed_precondition",
	"aborted",   "out_of_range",    "unimplemented",     "internal",           "unavailable",
	"data_loss", "unauthenticated",
};
enum { STATUS_COUNT = sizeof(status_names) / sizeof(status_names[0]) };

grpc_status_code link_status_of(enum tb_code code)
{
	const char *name = tb_code_connect(code);
	for (size_t i = 1; i < STATUS_COUNT; i++) {
		if (strcmp(status_names[i], name) == 0)
			return (grpc_status_code)i;
	}
	return GRPC_STATUS_UNKNOWN;
}

static enum tb_code status_code(grpc_status_code status)
{
	if (status == GRPC_STATUS_DEADLINE_EXCEEDED)
		return TB_ETIMEOUT;
	if ((size_t)status >= STATUS_COUNT)
		return TB_EUNREACHABLE;
	enum tb_code code = tb_code_from_connect(status_names[status]);
	/* What is broken is the peer, not this node: whether it did what it was asked is unknown. */
	return tb_code_fault(code) == TB_FAULT_LOCAL ? TB_EUNREACHABLE : code;
}

enum tb_code link_status_fail(struct tb_error *err, const char *peer, grpc_status_code status,
                              grpc_slice details)
{
	size_t size = GRPC_SLICE_LENGTH(details);
	if (size > 160)
		size = 160;
	/* Not in the middle of a character. */
	while (size > 0 && size < GRPC_SLICE_LENGTH(details) &&
	       (GRPC_SLICE_START_PTR(details)[size] & 0xC0) == 0x80)
		size--;
	if (!tb_text_printable(tb_bytes_of(GRPC_SLICE_START_PTR(details), size)))
		size = 0;
	return tb_fail(err, status_code(status), "peer %s: %.*s", peer, (int)size,
	               (const char *)GRPC_SLICE_START_PTR(details));
}

/* ---- calls under way */

void link_node_add(struct link_node *list, struct link_node *node)
{
	node->before = list;
	node->next = list->next;
	list->next->before = node;
	list->next = node;
}

void link_node_drop(struct link_node *node)
{
	node->before->next = node->next;
	node->next->before = node->before;
}

size_t link_bucket(const char *region)
{
	/* FNV-1a */
	uint32_t hash = 2166136261u;
	for (; *region; region++)
		hash = (hash ^ (uint8_t)*region) * 16777619u;
	return hash % LINK_BUCKETS;
}

void link_begun(struct link *link)
{
	link->running++;
}

void link_ended(struct link *link)
{
	assert(link->running > 0);
	if (--link->running == 0)
		pthread_cond_broadcast(&link->changed);
}

size_t link_running(struct link *link)
{
	pthread_mutex_lock(&link->lock);
	size_t running = link->running;
	pthread_mutex_unlock(&link->lock);
	return running;
}

/* ---- opening and closing */

static void *run(void *arg)
{
	struct link *link = arg;
	gpr_timespec pause = gpr_time_from_millis(link->setup.message_ms / SWEEPS, GPR_TIMESPAN);
	gpr_timespec due = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), pause);
	for (;;) {
		grpc_event event = grpc_completion_queue_next(link->queue, due, NULL);
		if (event.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		if (event.type == GRPC_OP_COMPLETE) {
			struct link_tag *tag = event.tag;
			tag->done(tag, event.success != 0);
		}
		/* gRPC has no timer for servers in C. By the clock, since a busy queue never times out. */
		gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
		if (gpr_time_cmp(now, due) >= 0) {
			link_server_sweep(link);
			due = gpr_time_add(now, pause);
		}
	}
}

static void start_threads(struct link *link)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (cores < LINK_THREADS_MIN)
		cores = LINK_THREADS_MIN;
	if (cores > LINK_THREADS_MAX)
		cores = LINK_THREADS_MAX;
	link->threads_count = (size_t)cores;
	link->signers = workers_new(link->threads_count);
	/* Apart from the signers, so that no answer waits behind the disk. */
	link->bulk = workers_new(LINK_THREADS_MIN);

	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < link->threads_count; i++) {
		if (pthread_create(&link->threads[i], NULL, run, link) != 0)
			abort();
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void on_server_down(struct link_tag *tag, bool ok)
{
	(void)ok;
	struct link *link = container_of(tag, struct link, server_down);
	pthread_mutex_lock(&link->lock);
	link->server_is_down = true;
	pthread_cond_broadcast(&link->changed);
	pthread_mutex_unlock(&link->lock);
}

static struct link *link_new(const struct link_setup *setup)
{
	struct link *link = tb_alloc(sizeof(*link));
	link->setup = *setup;
	if (link->setup.message_ms == 0)
		link->setup.message_ms = LINK_MESSAGE_MS;
	link->setup.listen = tb_strdup(setup->listen);
	link->setup.tls_chain_pem = link->setup.tls_key_pem = (struct tb_bytes){0};
	link->guard = link_guard_new(&link->setup);
	link->server_down.done = on_server_down;
	struct link_node *lists[] = {&link->serves, &link->sends, &link->fetches};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		lists[i]->next = lists[i]->before = lists[i];
	pthread_mutex_init(&link->lock, NULL);
	pthread_condattr_t clock;
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&link->changed, &clock);
	pthread_condattr_destroy(&clock);

	link_log_route();
	grpc_init();
	link->quota = grpc_resource_quota_create("link");
	grpc_resource_quota_resize(link->quota, LINK_QUOTA_BYTES);
	link->queue = grpc_completion_queue_create_for_next(NULL);
	return link;
}

static void link_free(struct link *link)
{
	link_guard_close(link->guard);
	link_client_free(link);
	if (link->server)
		grpc_server_destroy(link->server);
	workers_drain_and_free(link->signers);
	workers_drain_and_free(link->bulk);
	grpc_completion_queue_shutdown(link->queue);
	for (size_t i = 0; i < link->threads_count; i++)
		pthread_join(link->threads[i], NULL);
	grpc_completion_queue_destroy(link->queue);
	if (link->identity)
		grpc_tls_certificate_provider_release(link->identity);
	grpc_resource_quota_unref(link->quota);
	/* The one that is not deprecated cleans up on a thread of its own, which an exiting process cuts off.
	 */
	grpc_shutdown_blocking();
	link_guard_unref(link->guard);
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		for (struct link_caller *next, *caller = link->callers[i]; caller; caller = next) {
			next = caller->next;
			free(caller);
		}
	}
	pthread_cond_destroy(&link->changed);
	pthread_mutex_destroy(&link->lock);
	free((char *)(uintptr_t)link->setup.listen);
	free(link);
}

static enum tb_code check_listen(const char *listen, struct tb_error *err)
{
	const char *colon = strrchr(listen, ':');
	char *end = NULL;
	long port = colon && colon[1] >= '0' && colon[1] <= '9' ? strtol(colon + 1, &end, 10) : -1;
	if (port < 0 || port > 65535 || *end || colon == listen)
		return tb_fail(err, TB_EINVALID, "listen: \"%.100s\" is not host:port", listen);
	return TB_OK;
}

enum tb_code link_open(struct link **out, const struct link_setup *setup, struct tb_error *err)
{
	assert(setup->core && setup->now && setup->peers && setup->inbound && setup->called);
	assert(setup->fetched && setup->seed);
	*out = NULL;
	enum tb_code code = check_listen(setup->listen, err);
	if (code != TB_OK)
		return code;
	struct link *link = link_new(setup);
	code = link_identity_new(&link->identity, setup, err);
	if (code == TB_OK)
		code = link_server_open(link, err);
	if (code != TB_OK) {
		link_free(link);
		return code;
	}
	start_threads(link);
	*out = link;
	return TB_OK;
}

int link_port(const struct link *link)
{
	return link->port;
}

void link_drain_begin(struct link *link)
{
	pthread_mutex_lock(&link->lock);
	bool begin = !link->draining;
	link->draining = true;
	pthread_mutex_unlock(&link->lock);
	if (begin)
		grpc_server_shutdown_and_notify(link->server, link->queue, &link->server_down);
}

void link_drain(struct link *link, int64_t timeout_ms)
{
	link_drain_begin(link);
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&link->lock);
	int waited = 0;
	while (link->running > 0 && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&link->changed, &link->lock, &until);
	pthread_mutex_unlock(&link->lock);
	grpc_server_cancel_all_calls(link->server);
	link_client_cut(link, false);
}

void link_close(struct link *link)
{
	if (!link)
		return;
	pthread_mutex_lock(&link->lock);
	link->closing = true;
	pthread_mutex_unlock(&link->lock);
	link_drain_begin(link);
	grpc_server_cancel_all_calls(link->server);
	link_client_cut(link, true);
	link_server_cut(link);
	pthread_mutex_lock(&link->lock);
	while (link->running > 0 || !link->server_is_down)
		pthread_cond_wait(&link->changed, &link->lock);
	pthread_mutex_unlock(&link->lock);
	link_free(link);
}
