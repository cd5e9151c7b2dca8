#include "node/io/node.h"

#include "node/core/calendar.h"
#include "node/core/material.h"
#include "node/io/config.h"
#include "node/io/file.h"
#include "node/io/http.h"
#include "node/io/link.h"
#include "node/io/now.h"
#include "node/io/webhook_sender.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

enum {
	TURN_EVENTS_MAX = 4096,
	WAKE_MS_MAX = 60 * 1000, /* the wall clock may jump: look at it that often */
	DRAIN_MS = 10 * 1000,
	DRAIN_LOOK_MS = 10,
	LAST_TURNS_MAX = 16,
	API_PEM_BYTES_MAX = 64 * 1024,
};

#define CALENDAR_AHEAD (60 * TB_DAY)

struct events {
	struct core_event *at;
	size_t count;
	size_t room;
};

struct node {
	int lock_fd; /* of DIR/tongban.lock */
	struct config *config;
	struct config_keys *keys;
	struct core_setup setup;
	char listen[300];     /* host:port, the real port */
	char api_listen[300]; /* so for the local API's; "": none */
	struct core *core;
	struct link *link; /* NULL again when it is closed */
	struct http *http; /* so is this */
	struct webhook_sender *webhooks;

	pthread_mutex_t waiting_mutex;
	struct events waiting; /* for the next turn; any thread adds */
	struct events turn;    /* of this turn */

	pthread_mutex_t peers_mutex;
	struct peer_set *peers;
	pthread_mutex_t reload_mutex; /* held while files are read, so that the sets follow each other */

	uv_loop_t loop;
	uv_async_t woken; /* something waits */
	uv_timer_t wake;
	tb_time wake_at; /* INT64_MAX: never */
	uv_timer_t drain;
	bool draining;
	uint64_t drain_until; /* uv_now() */
	uv_signal_t hangup;
	uv_signal_t terminate;
	uv_signal_t interrupt;
	uv_work_t reload;
	bool reloading;
	bool reload_again; /* another SIGHUP came meanwhile */
};

/* ---- events in */

static void post(struct node *node, struct core_event event)
{
	pthread_mutex_lock(&node->waiting_mutex);
	struct events *waiting = &node->waiting;
	if (waiting->count == waiting->room) {
		waiting->room = waiting->room ? waiting->room * 2 : 256;
		waiting->at = tb_realloc(waiting->at, waiting->room * sizeof(*waiting->at));
	}
	waiting->at[waiting->count++] = event;
	pthread_mutex_unlock(&node->waiting_mutex);
	uv_async_send(&node->woken);
}

static void on_submit(void *ctx, struct core_request *request)
{
	post(ctx, (struct core_event){.kind = CORE_REQUEST, .request = request});
}

static void on_inbound(void *ctx, struct core_inbound *inbound)
{
	post(ctx, (struct core_event){.kind = CORE_INBOUND, .inbound = inbound});
}

static void on_refused(void *ctx, const struct core_refusal *refusal)
{
	post(ctx, (struct core_event){.kind = CORE_REFUSED, .refusal = *refusal});
}

static void on_called(void *ctx, struct core_outbound *outbound)
{
	post(ctx, (struct core_event){.kind = CORE_CALL_DONE, .outbound = outbound});
}

static void on_fetched(void *ctx, struct core_fetch *fetch)
{
	/* To the core this code says that the fetch goes on. */
	if (fetch->error.code == TB_EBUSY)
		fetch->error.code = TB_EUNREACHABLE;
	post(ctx, (struct core_event){.kind = CORE_FETCHED, .fetch = fetch});
}

static void on_fetch_progress(void *ctx, struct core_fetch *fetch)
{
	struct node *node = ctx;
	struct core_fetch *note = core_fetch_copy(fetch);
	note->error.code = TB_EBUSY;
	link_fetch_resume(node->link, fetch);
	post(node, (struct core_event){.kind = CORE_FETCHED, .fetch = note});
}

static struct peer_set *current_peers(void *ctx)
{
	struct node *node = ctx;
	pthread_mutex_lock(&node->peers_mutex);
	struct peer_set *peers = peer_set_ref(node->peers);
	pthread_mutex_unlock(&node->peers_mutex);
	return peers;
}

static void seed(uint8_t out[32])
{
	/* Up to 256 bytes are never cut short (getrandom(2)). */
	ssize_t got = getrandom(out, 32, 0);
	assert(got == 32);
}

/* ---- effects out */

static void release_send(struct node *node, struct core_outbound *outbound)
{
	if (node->link && !node->draining) {
		link_send(node->link, outbound);
		return;
	}
	tb_refuse(&outbound->error, TB_REASON_NODE_STOPPING, NULL);
	on_called(node, outbound);
}

static void release_fetch(struct node *node, struct core_fetch *fetch)
{
	if (node->link && !node->draining) {
		link_fetch(node->link, fetch);
		return;
	}
	tb_refuse(&fetch->error, TB_REASON_NODE_STOPPING, NULL);
	on_fetched(node, fetch);
}

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static void release(struct node *node, struct core_effect *effect)
{
	switch (effect->kind) {
	case CORE_REPLY:
		if (node->http)
			http_reply(node->http, effect->request);
		else
			core_request_free(effect->request);
		break;
	case CORE_ANSWER:
		if (node->link)
			link_answer(node->link, effect->inbound);
		else
			core_inbound_free(effect->inbound);
		break;
	case CORE_SEND:
		release_send(node, effect->outbound);
		break;
	case CORE_FETCH:
		release_fetch(node, effect->fetch);
		break;
	case CORE_LOG:
		tb_log((enum tb_log_level)effect->log.level, effect->log.event, "peer",
		       or_null(effect->log.peer), "subject", or_null(effect->log.subject), "text",
		       or_null(effect->log.text), NULL);
		break;
	}
}

/* ---- turns */

/* Nothing of this turn may leave the process, and its threads hold things that such a leaving would need: no
 * tidy end, the kernel takes everything back. */
static _Noreturn void stop_uncommitted(const struct tb_error *err)
{
	tb_log(TB_LOG_ERROR, "node.commit_failed", "code", tb_code_name(err->code), "text", err->text, NULL);
	_exit(NODE_COMMIT_FAILED);
}

/* Moves at most TURN_EVENTS_MAX waiting events to node->turn; true if more wait. */
static bool take_events(struct node *node)
{
	assert(node->turn.count == 0);
	pthread_mutex_lock(&node->waiting_mutex);
	struct events all = node->waiting;
	node->waiting = node->turn;
	node->turn = all;
	bool more = all.count > TURN_EVENTS_MAX;
	if (more) {
		struct events *waiting = &node->waiting;
		waiting->count = all.count - TURN_EVENTS_MAX;
		waiting->room = waiting->count + 256;
		waiting->at = tb_realloc(waiting->at, waiting->room * sizeof(*waiting->at));
		memcpy(waiting->at, all.at + TURN_EVENTS_MAX, waiting->count * sizeof(*waiting->at));
		node->turn.count = TURN_EVENTS_MAX;
	}
	pthread_mutex_unlock(&node->waiting_mutex);
	return more;
}

/* Frees what core_apply() does not take. */
static void forget_event(const struct core_event *event)
{
	if (event->kind == CORE_PEERS)
		peer_set_unref(event->peers);
}

static void arm_wake(struct node *node);

/* One turn, if anything waits. True if more waits already. */
static bool run_turn(struct node *node)
{
	bool more = take_events(node);
	if (node->turn.count == 0)
		return false;
	struct tb_error err = {0};
	struct store_txn *txn = NULL;
	struct core_effects effects = {0};
	tb_time now = now_ms();
	if (store_write(&txn, node->setup.store, &err) != TB_OK)
		stop_uncommitted(&err);
	for (size_t i = 0; i < node->turn.count; i++) {
		const struct core_event *event = &node->turn.at[i];
		core_apply(node->core, txn, now, event, &effects);
		forget_event(event);
	}
	node->turn.count = 0;
	node->wake_at = core_finish(node->core, txn, now, &effects);
	if (store_commit(txn, &err) != TB_OK)
		stop_uncommitted(&err);
	if (node->http)
		http_committed(node->http);
	if (node->webhooks)
		webhook_sender_committed(node->webhooks);
	for (struct core_effect *effect = effects.first; effect;) {
		struct core_effect *next = effect->next;
		release(node, effect);
		effect = next;
	}
	core_effects_clear(&effects);
	arm_wake(node);
	return more;
}

static void on_woken(uv_async_t *async)
{
	struct node *node = container_of(async, struct node, woken);
	/* Signals and timers get their chance between two turns. */
	if (run_turn(node))
		uv_async_send(&node->woken);
}

static void on_wake(uv_timer_t *timer)
{
	struct node *node = container_of(timer, struct node, wake);
	if (now_ms() >= node->wake_at)
		post(node, (struct core_event){.kind = CORE_WAKE});
	else
		arm_wake(node);
}

static void arm_wake(struct node *node)
{
	if (uv_is_closing((uv_handle_t *)&node->wake))
		return;
	if (node->wake_at == INT64_MAX) {
		uv_timer_stop(&node->wake);
		return;
	}
	tb_time left = node->wake_at - now_ms();
	if (left > WAKE_MS_MAX)
		left = WAKE_MS_MAX;
	/* The loop's time is that of the loop's last round; a commit may have taken long. */
	uv_update_time(&node->loop);
	uv_timer_start(&node->wake, on_wake, left > 0 ? (uint64_t)left : 0, 0);
}

/* ---- reading the peers again */

/* Any thread. On failure the old set stays; either is logged. */
static enum tb_code reload_peers(struct node *node, size_t *count, struct tb_error *err)
{
	struct peer_set *peers = NULL;
	pthread_mutex_lock(&node->reload_mutex);
	enum tb_code code =
		config_peers(&peers, node->config->dir, node->config->region, node->config->regions, err);
	if (code != TB_OK) {
		pthread_mutex_unlock(&node->reload_mutex);
		tb_log(TB_LOG_ERROR, "node.reload_failed", "code", tb_code_name(code), "text", err->text,
		       NULL);
		return code;
	}
	char text[24];
	*count = peer_set_count(peers);
	snprintf(text, sizeof(text), "%zu", *count);
	pthread_mutex_lock(&node->peers_mutex);
	struct peer_set *old = node->peers;
	node->peers = peer_set_ref(peers);
	pthread_mutex_unlock(&node->peers_mutex);
	peer_set_unref(old);
	post(node, (struct core_event){.kind = CORE_PEERS, .peers = peers});
	link_peers_changed(node->link);
	pthread_mutex_unlock(&node->reload_mutex);
	tb_log(TB_LOG_INFO, "node.reloaded", "peers", text, NULL);
	return TB_OK;
}

/* What is asked after this reply sees the new peers: the event is before it in the queue. */
static enum tb_code api_reload(void *ctx, const proto_message *message, proto_message **reply,
                               struct tb_arena *arena, struct tb_error *err)
{
	(void)message;
	size_t count;
	enum tb_code code = reload_peers(ctx, &count, err);
	if (code != TB_OK)
		return code;
	PbReloadResponse *response = PROTO_NEW(PbReloadResponse, reload_response, arena);
	response->peers = (uint32_t)count;
	*reply = &response->base;
	return TB_OK;
}

static const struct http_method methods[] = {
	{"/tongban.v1.NodeService/Reload", &pb_reload_request__descriptor, api_reload},
	{NULL, NULL, NULL},
};

static void reload_work(uv_work_t *work)
{
	struct tb_error err = {0};
	size_t count;
	if (reload_peers(container_of(work, struct node, reload), &count, &err) != TB_OK)
		return; /* It is in the log. */
}

static void reload_begin(struct node *node);

static void reload_done(uv_work_t *work, int status)
{
	(void)status;
	struct node *node = container_of(work, struct node, reload);
	node->reloading = false;
	if (node->reload_again)
		reload_begin(node);
}

static void reload_begin(struct node *node)
{
	node->reload_again = node->reloading;
	if (node->reloading || node->draining)
		return;
	node->reloading = true;
	int rc = uv_queue_work(&node->loop, &node->reload, reload_work, reload_done);
	assert(rc == 0);
}

static void on_hangup(uv_signal_t *signal, int number)
{
	(void)number;
	reload_begin(container_of(signal, struct node, hangup));
}

/* ---- stopping */

static void on_drain(uv_timer_t *timer)
{
	struct node *node = container_of(timer, struct node, drain);
	pthread_mutex_lock(&node->waiting_mutex);
	size_t waiting = node->waiting.count;
	pthread_mutex_unlock(&node->waiting_mutex);
	bool idle = waiting == 0 && !node->reloading && http_running(node->http) == 0 &&
	            link_running(node->link) == 0;
	bool late = uv_now(&node->loop) >= node->drain_until;
	if (!idle && !late)
		return;
	uv_timer_stop(timer);
	tb_log(idle ? TB_LOG_INFO : TB_LOG_WARN, "node.drained", "complete", idle ? "true" : "false", NULL);
	uv_stop(&node->loop);
}

static void drain_begin(struct node *node)
{
	if (node->draining)
		return;
	node->draining = true;
	tb_log(TB_LOG_INFO, "node.stopping", NULL);
	http_drain_begin(node->http);
	link_drain_begin(node->link);
	node->drain_until = uv_now(&node->loop) + DRAIN_MS;
	uv_timer_start(&node->drain, on_drain, 0, DRAIN_LOOK_MS);
}

static void on_terminate(uv_signal_t *signal, int number)
{
	(void)number;
	drain_begin(container_of(signal, struct node, terminate));
}

static void on_interrupt(uv_signal_t *signal, int number)
{
	(void)number;
	drain_begin(container_of(signal, struct node, interrupt));
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
	(void)ctx;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void loop_open(struct node *node)
{
	int rc = uv_loop_init(&node->loop);
	assert(rc == 0);
	rc = uv_async_init(&node->loop, &node->woken, on_woken);
	assert(rc == 0);
	uv_timer_init(&node->loop, &node->wake);
	uv_timer_init(&node->loop, &node->drain);
	uv_signal_init(&node->loop, &node->hangup);
	uv_signal_init(&node->loop, &node->terminate);
	uv_signal_init(&node->loop, &node->interrupt);
}

static void loop_close(struct node *node)
{
	uv_walk(&node->loop, close_handle, NULL);
	uv_run(&node->loop, UV_RUN_DEFAULT);
	int rc = uv_loop_close(&node->loop);
	assert(rc == 0);
}

/* ---- starting */

static enum tb_code lock_dir(struct node *node, struct tb_error *err)
{
	char path[4096];
	if ((size_t)snprintf(path, sizeof(path), "%s/tongban.lock", node->config->dir) >= sizeof(path))
		return tb_fail(err, TB_EINVALID, "the directory's name is too long");
	node->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (node->lock_fd < 0)
		return tb_fail(err, TB_EPERMISSIONS, "%s: cannot be opened: %s", path, strerror(errno));
	if (flock(node->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return tb_refuse(err, TB_REASON_NODE_RUNS, node->config->dir, NULL);
	return TB_OK;
}

static enum tb_code open_storage(struct node *node, struct tb_error *err)
{
	const struct config *config = node->config;
	struct store_options options = {config->store_dir, config->store_max_bytes, core_tables};
	enum tb_code code = store_open(&node->setup.store, &options, err);
	if (code != TB_OK)
		return code;
	return blob_dir_open(&node->setup.blobs, config->blobs_dir, TB_CHUNK_BYTES + PKI_VAULT_OVERHEAD, err);
}

static enum tb_code open_link(struct node *node, struct tb_error *err)
{
	struct link_setup setup = {
		.core = &node->setup,
		.listen = node->config->listen,
		.tls_chain_pem = node->keys->node_cert_pem,
		.tls_key_pem = node->keys->node_key_pem,
		.now = now_ms,
		.peers = current_peers,
		.inbound = on_inbound,
		.refused = on_refused,
		.called = on_called,
		.fetched = on_fetched,
		.fetch_progress = on_fetch_progress,
		.seed = seed,
		.ctx = node,
	};
	enum tb_code code = link_open(&node->link, &setup, err);
	if (code != TB_OK)
		return code;
	const char *listen = node->config->listen;
	int host_size = (int)(strrchr(listen, ':') - listen);
	snprintf(node->listen, sizeof(node->listen), "%.*s:%d", host_size, listen, link_port(node->link));
	node->setup.listen = node->listen;
	char *path = tb_arena_printf(&node->config->arena, "%s/listen", node->config->dir);
	char *line = tb_arena_printf(&node->config->arena, "%s\n", node->listen);
	return file_replace(path, tb_bytes_str(line), 0600, err);
}

static enum tb_code read_tls(const struct config *config, struct tb_buf *chain, struct tb_buf *key,
                             struct tb_error *err)
{
	enum tb_code code = file_check_private(config->api_tls_key, err);
	if (code == TB_OK)
		code = file_read(chain, config->api_tls_certificate, API_PEM_BYTES_MAX, err);
	if (code == TB_OK)
		code = file_read(key, config->api_tls_key, API_PEM_BYTES_MAX, err);
	return code;
}

static enum tb_code open_http(struct node *node, struct tb_error *err)
{
	const struct config *config = node->config;
	struct http_setup setup = {
		.socket_path = config->api_socket,
		.tcp_listen = config->api_listen,
		.core = &node->setup,
		.methods = methods,
		.now = now_ms,
		.peers = current_peers,
		.submit = on_submit,
		.refused = on_refused,
		.seed = seed,
		.ctx = node,
	};
	struct tb_buf chain = {0}, key = {0};
	enum tb_code code = TB_OK;
	if (config->api_tls_certificate) {
		code = read_tls(config, &chain, &key, err);
		setup.tls_chain_pem = tb_buf_text(&chain);
		setup.tls_key_pem = tb_buf_text(&key);
	}
	if (code == TB_OK)
		code = http_open(&node->http, &setup, err);
	if (key.size > 0)
		explicit_bzero(key.data, key.size);
	tb_buf_clear(&chain);
	tb_buf_clear(&key);
	if (code != TB_OK || !config->api_listen)
		return code;
	int host_size = (int)(strrchr(config->api_listen, ':') - config->api_listen);
	snprintf(node->api_listen, sizeof(node->api_listen), "%.*s:%u", host_size, config->api_listen,
	         http_tcp_port(node->http));
	char *path = tb_arena_printf(&node->config->arena, "%s/api.listen", config->dir);
	char *line = tb_arena_printf(&node->config->arena, "%s\n", node->api_listen);
	return file_replace(path, tb_bytes_str(line), 0600, err);
}

static void open_webhooks(struct node *node)
{
	struct webhook_sender_setup setup = {
		.core = &node->setup,
		.networks = node->config->webhook_networks,
		.networks_count = node->config->webhook_networks_count,
		.ca_file = node->config->webhook_ca,
		.now = now_ms,
		.submit = on_submit,
		.ctx = node,
	};
	node->webhooks = webhook_sender_open(&setup);
}

static struct core_setup setup_of(const struct config *config, const struct config_keys *keys,
                                  const char *version)
{
	struct core_setup setup = {
		.region = config->region,
		.name = config->name,
		.version = version,
		.listen = config->listen,
		.regions = config->regions,
		.calendar = config->calendar,
		.anchors = keys->anchors,
		.departments_connect = config->api_listen != NULL,
		.webhook_hosts = config->webhook_hosts,
		.webhook_patience = config->webhook_patience,
		.case_years = config->retention_cases,
		.material_years = config->retention_materials,
		.message = {keys->message_key, keys->message_chain, keys->message_chain_count},
		.seal = {keys->seal_key, keys->seal_chain, keys->seal_chain_count},
	};
	memcpy(setup.vault_key, keys->vault_key, sizeof(setup.vault_key));
	memcpy(setup.warn_before, config->warn_before, sizeof(setup.warn_before));
	return setup;
}

/* Limits that reach beyond the calendar are refused: the operator should hear of it before the first one is.
 */
static void warn_of_calendar(const struct calendar *calendar)
{
	int first, last, year, month, day;
	char text[16];
	calendar_years(calendar, &first, &last);
	tb_day_split(tb_day_at(now_ms() + CALENDAR_AHEAD), &year, &month, &day);
	if (year <= last)
		return;
	snprintf(text, sizeof(text), "%d", last);
	tb_log(TB_LOG_WARN, "calendar.ends", "last_year", text, "text",
	       "put the next year's working days into data/workdays.tsv and restart", NULL);
}

static enum tb_code node_open(struct node *node, const char *dir, const char *version, struct tb_error *err)
{
	enum tb_code code = config_load(&node->config, dir, err);
	if (code != TB_OK)
		return code;
	tb_log_setup(node->config->log_level, now_ms);
	code = lock_dir(node, err);
	if (code != TB_OK)
		return code;
	code = config_keys_load(&node->keys, node->config, now_ms(), err);
	if (code != TB_OK)
		return code;
	code = config_peers(&node->peers, dir, node->config->region, node->config->regions, err);
	if (code != TB_OK)
		return code;
	node->setup = setup_of(node->config, node->keys, version);
	warn_of_calendar(node->config->calendar);
	code = open_storage(node, err);
	if (code != TB_OK)
		return code;
	/* Before the core, since the core is told the port; what peers send meanwhile waits for the first
	 * turn. */
	code = open_link(node, err);
	if (code != TB_OK)
		return code;
	uint8_t random[32];
	seed(random);
	code = core_open(&node->core, &node->setup, node->peers, random, now_ms(), err);
	if (code != TB_OK)
		return code;
	code = open_http(node, err);
	if (code == TB_OK)
		open_webhooks(node);
	return code;
}

/* What came too late for the loop is still applied: the core takes its calls back, and what was received
 * becomes durable. There is nobody to reply to any more. */
static void last_turns(struct node *node)
{
	for (int i = 0; i < LAST_TURNS_MAX; i++) {
		run_turn(node);
		if (node->waiting.count == 0)
			break;
	}
}

/* What no core will take any more. */
static void forget_waiting(struct node *node)
{
	for (size_t i = 0; i < node->waiting.count; i++) {
		const struct core_event *event = &node->waiting.at[i];
		if (event->kind == CORE_REQUEST)
			core_request_free(event->request);
		else if (event->kind == CORE_INBOUND)
			core_inbound_free(event->inbound);
		else if (event->kind == CORE_CALL_DONE)
			core_outbound_free(event->outbound);
		else if (event->kind == CORE_FETCHED)
			core_fetch_free(event->fetch);
		else
			forget_event(event);
	}
	node->waiting.count = 0;
}

static void node_close(struct node *node)
{
	while (node->reloading)
		uv_run(&node->loop, UV_RUN_ONCE);
	webhook_sender_close(node->webhooks);
	node->webhooks = NULL;
	http_close(node->http);
	node->http = NULL;
	link_close(node->link);
	node->link = NULL;
	if (node->core)
		last_turns(node);
	forget_waiting(node);
	loop_close(node);
	if (node->core)
		core_close(node->core);
	if (node->peers)
		peer_set_unref(node->peers);
	if (node->setup.blobs)
		blob_dir_close(node->setup.blobs);
	if (node->setup.store)
		store_close(node->setup.store);
	config_keys_free(node->keys);
	explicit_bzero(node->setup.vault_key, sizeof(node->setup.vault_key));
	config_free(node->config);
	free(node->waiting.at);
	free(node->turn.at);
	pthread_mutex_destroy(&node->waiting_mutex);
	pthread_mutex_destroy(&node->peers_mutex);
	pthread_mutex_destroy(&node->reload_mutex);
	if (node->lock_fd >= 0)
		close(node->lock_fd);
	free(node);
}

static void prepare_process(void)
{
	struct rlimit files;
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static struct node *node_new(void)
{
	struct node *node = tb_alloc(sizeof(*node));
	node->lock_fd = -1;
	node->wake_at = INT64_MAX;
	pthread_mutex_init(&node->waiting_mutex, NULL);
	pthread_mutex_init(&node->peers_mutex, NULL);
	pthread_mutex_init(&node->reload_mutex, NULL);
	loop_open(node);
	return node;
}

int node_run(const char *dir, const char *version)
{
	uint64_t started_ns = uv_hrtime();
	prepare_process();
	tb_log_setup(TB_LOG_INFO, now_ms);
	struct tb_error err = {0};
	struct node *node = node_new();
	/* From the start: a signal that comes while the store is opened is handled when the loop runs. */
	uv_signal_start(&node->terminate, on_terminate, SIGTERM);
	uv_signal_start(&node->interrupt, on_interrupt, SIGINT);
	uv_signal_start(&node->hangup, on_hangup, SIGHUP);
	if (node_open(node, dir, version, &err) != TB_OK) {
		tb_log(TB_LOG_ERROR, "node.start_failed", "code", tb_code_name(err.code), "text", err.text,
		       NULL);
		node_close(node);
		return NODE_START_FAILED;
	}
	/* The core sees what a former run left to be done. */
	post(node, (struct core_event){.kind = CORE_WAKE});
	char took[24];
	snprintf(took, sizeof(took), "%" PRIu64, (uv_hrtime() - started_ns) / 1000000);
	tb_log(TB_LOG_INFO, "node.ready", "region", node->config->region, "listen", node->listen, "api",
	       node->config->api_socket, "version", version, "start_ms", took, NULL);
	uv_run(&node->loop, UV_RUN_DEFAULT);
	node_close(node);
	tb_log(TB_LOG_INFO, "node.stopped", NULL);
	return NODE_DRAINED;
}
