#include "node/core/webhook.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "node/core/turn.h"

enum {
	SECRET_BYTES = 32,
	HOST_BYTES_MAX = 253,      /* RFC 1035, 2.3.4 */
	SKIPPED_EVENTS_MAX = 4096, /* the stored cursor may stay so far behind what was not for it */
	RETRY_FIRST_MS = 1000,
	RETRY_MOST_MS = 10 * 60 * 1000,
};

#define PATIENCE (3 * TB_DAY)

/* ---- URLs: a form so narrow that no two programs can read one differently */

static bool is_loopback_host(const char *host)
{
	return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "[::1]") == 0 || strcmp(host, "localhost") == 0;
}

/* The host, lower case letters only, or an IPv6 address in brackets. */
static size_t host_size(const char *at)
{
	if (*at == '[') {
		size_t size = 1 + strspn(at + 1, "0123456789abcdef:.");
		return size > 2 && at[size] == ']' ? size + 1 : 0;
	}
	size_t size = strspn(at, "0123456789abcdefghijklmnopqrstuvwxyz-.");
	return size <= HOST_BYTES_MAX ? size : 0;
}

static bool port_parse(const char *text, size_t size, unsigned *out)
{
	if (size == 0 || size > 5 || strspn(text, "0123456789") < size)
		return false;
	*out = (unsigned)strtoul(text, NULL, 10);
	return *out > 0 && *out < 65536;
}

static bool is_listed(const char *const *hosts, const char *host, unsigned port)
{
	for (; hosts && *hosts; hosts++) {
		size_t size = host_size(*hosts);
		unsigned listed = 443;
		if ((*hosts)[size] == ':' &&
		    !port_parse(*hosts + size + 1, strlen(*hosts + size + 1), &listed))
			continue;
		if (size == strlen(host) && memcmp(*hosts, host, size) == 0 && listed == port)
			return true;
	}
	return false;
}

enum tb_code webhook_url_check(const char *url, const char *const *hosts, struct tb_error *err)
{
	/* RFC 3986: unreserved, sub-delims but quotes, and what divides path and query; no user, no fragment.
	 */
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&()*+,;=:/?%";
	char host[HOST_BYTES_MAX + 3];
	bool tls = strncmp(url, "https://", 8) == 0;
	const char *at = url + (tls ? 8 : 7);
	if (strnlen(url, TB_WEBHOOK_URL_BYTES_MAX + 1) > TB_WEBHOOK_URL_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "url: over %d bytes", TB_WEBHOOK_URL_BYTES_MAX);
	if (!tls && strncmp(url, "http://", 7) != 0)
		return tb_fail(err, TB_EINVALID, "url: https://host[:port]/... expected");
	size_t size = host_size(at);
	if (size == 0 || size >= sizeof(host))
		return tb_fail(err, TB_EINVALID,
		               "url: a host name in small letters, or an address, expected");
	snprintf(host, sizeof(host), "%.*s", (int)size, at);
	at += size;
	unsigned port = tls ? 443 : 80;
	if (*at == ':') {
		size_t digits = strspn(++at, "0123456789");
		if (!port_parse(at, digits, &port))
			return tb_fail(err, TB_EINVALID, "url: the port is not 1 to 65535");
		at += digits;
	}
	if (*at != '/' || strspn(at, letters) != strlen(at))
		return tb_fail(err, TB_EINVALID,
		               "url: a path of plain characters expected, without user or #");
	if (!tls && !is_loopback_host(host))
		return tb_fail(err, TB_EINVALID, "url: without TLS only to this machine");
	if (!is_listed(hosts, host, port))
		return tb_refuse(err, TB_REASON_WEBHOOK_HOST, host, TB_NUMBER(port), NULL);
	return TB_OK;
}

/* ---- the store */

static struct kv_key name_key(const char *name)
{
	return kv_key_of(tb_bytes_of(name, strnlen(name, TB_TOKEN_NAME_BYTES_MAX + 1)));
}

static enum tb_code load(struct kv *kv, const char *name, struct tb_arena *arena, PbStoredWebhook **out,
                         struct tb_error *err)
{
	struct kv_key key = name_key(name);
	if (key.size == 0)
		return tb_fail(err, TB_EINVALID, "name: missing");
	enum tb_code code = KV_GET(kv, KV_WEBHOOK, &key, stored_webhook, arena, out, err);
	return code == TB_ENOTFOUND ? tb_refuse_as(err, code, TB_REASON_WEBHOOK_UNKNOWN, name, NULL) : code;
}

static void put(struct turn *turn, const PbStoredWebhook *hook)
{
	struct kv_key key = name_key(hook->view->name);
	kv_put_message(&turn->kv, KV_WEBHOOK, &key, &hook->base);
}

/* |what| is "made", "gave up" ...; the secret in what is hashed is a salt that nobody can guess. */
static void note(struct turn *turn, const PbStoredWebhook *hook, const char *what)
{
	uint8_t digest[PKI_HASH_BYTES];
	pki_sha256(digest, proto_encode_arena(&turn->arena, &hook->base));
	audit_add(turn, PB_LEAF_KIND__LEAF_WEBHOOK,
	          tb_arena_printf(&turn->arena, "%s %s", what, hook->view->name), "",
	          tb_bytes_of(digest, sizeof(digest)), hook->view->failures);
}

/* Calls |fn| for every webhook. */
static enum tb_code each(struct kv *kv, struct tb_arena *arena, void (*fn)(void *ctx, PbStoredWebhook *hook),
                         void *ctx, struct tb_error *err)
{
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	store_cursor(&cursor, kv->txn, KV_WEBHOOK, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (code == TB_OK && store_next(&cursor, &key, &sealed)) {
		PbStoredWebhook *hook;
		code = kv_open(kv, KV_WEBHOOK, key, sealed, arena, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&hook, stored_webhook, plain, arena, err);
		if (code == TB_OK)
			fn(ctx, hook);
	}
	store_cursor_end(&cursor);
	return code;
}

/* ---- making and removing */

static enum tb_code check_add(struct turn *turn, const PbWebhookAddRequest *add, struct tb_error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t size = strlen(add->name);
	struct kv_key key = name_key(add->name);
	if (size == 0 || size > TB_TOKEN_NAME_BYTES_MAX || strspn(add->name, letters) != size)
		return tb_refuse(err, TB_REASON_NAME_FORM, TB_NUMBER(TB_TOKEN_NAME_BYTES_MAX), NULL);
	if (kv_has(&turn->kv, KV_WEBHOOK, &key))
		return tb_fail(err, TB_EEXISTS, "there is a webhook %s already", add->name);
	if (store_count(turn->kv.txn, KV_WEBHOOK) >= TB_WEBHOOKS_MAX)
		return tb_fail(err, TB_EFULL, "there are %d webhooks already", TB_WEBHOOKS_MAX);
	for (size_t i = 0; i < add->n_kinds; i++) {
		if (add->kinds[i] == PB_EVENT_KIND__EVENT_KIND_UNSPECIFIED ||
		    !proto_enum_name(&pb_event_kind__descriptor, (int)add->kinds[i]))
			return tb_fail(err, TB_EINVALID, "kinds[%zu]: unknown", i);
	}
	enum tb_code code = webhook_url_check(add->url, turn->core->setup.webhook_hosts, err);
	const struct core_principal *as;
	if (code == TB_OK && add->token[0])
		code = token_principal(&turn->kv, add->token, &turn->arena, &as, err);
	return code;
}

void webhook_apply_add(struct turn *turn, struct core_request *request)
{
	const PbWebhookAddRequest *add = (const PbWebhookAddRequest *)(const void *)request->message;
	struct tb_error err = {0};
	if (check_add(turn, add, &err)) {
		turn_refuse(turn, request, &err);
		return;
	}
	uint8_t secret[SECRET_BYTES];
	struct tb_buf text = {0};
	PbWebhookAddResponse *reply = PROTO_NEW(PbWebhookAddResponse, webhook_add_response, &request->arena);
	PbWebhookView *view = PROTO_NEW(PbWebhookView, webhook_view, &request->arena);
	PbStoredWebhook hook = PB_STORED_WEBHOOK__INIT;
	pki_random_bytes(turn->core->random, secret, sizeof(secret));
	tb_buf_str(&text, "whsec_");
	tb_base64(&text, tb_bytes_of(secret, sizeof(secret)));
	reply->secret = tb_arena_str(&request->arena, tb_buf_text(&text));
	tb_buf_clear(&text);
	view->name = add->name;
	view->url = add->url;
	view->n_kinds = add->n_kinds;
	view->kinds = add->kinds;
	view->token = add->token;
	view->made_ms = turn->now;
	hook.view = view;
	hook.secret = proto_data(tb_bytes_of(secret, sizeof(secret)));
	note(turn, &hook, "made");
	/* What the leaf just now says of it is no news to it. */
	view->cursor = add->from_beginning ? 0 : turn->core->audit.size;
	put(turn, &hook);
	turn_log(turn, TB_LOG_INFO, "webhook.made", "", add->name, "%s", "");
	reply->view = view;
	turn_reply(turn, request, &reply->base);
}

void webhook_apply_remove(struct turn *turn, struct core_request *request)
{
	const PbWebhookRemoveRequest *remove = (const PbWebhookRemoveRequest *)(const void *)request->message;
	PbStoredWebhook *hook;
	struct tb_error err = {0};
	if (load(&turn->kv, remove->name, &turn->arena, &hook, &err)) {
		turn_refuse(turn, request, &err);
		return;
	}
	struct kv_key key = name_key(remove->name);
	note(turn, hook, "removed");
	kv_delete(&turn->kv, KV_WEBHOOK, &key);
	turn_log(turn, TB_LOG_INFO, "webhook.removed", "", remove->name, "%s", "");
	turn_reply(turn, request,
	           &PROTO_NEW(PbWebhookRemoveResponse, webhook_remove_response, &request->arena)->base);
}

void webhook_apply_resume(struct turn *turn, struct core_request *request)
{
	const PbWebhookResumeRequest *resume = (const PbWebhookResumeRequest *)(const void *)request->message;
	PbStoredWebhook *hook;
	struct tb_error err = {0};
	if (load(&turn->kv, resume->name, &request->arena, &hook, &err)) {
		turn_refuse(turn, request, &err);
		return;
	}
	PbWebhookView *view = hook->view;
	view->failures = 0;
	view->failing_since_ms = 0;
	view->retry_ms = 0;
	if (view->given_up_ms)
		note(turn, hook, "resumed");
	view->given_up_ms = 0;
	/* A log that was put back from a copy is shorter than the cursor. */
	if (view->cursor > turn->core->audit.size)
		view->cursor = turn->core->audit.size;
	put(turn, hook);
	turn_reply(turn, request, &view->base);
}

struct hook_list {
	PbWebhookView **views;
	size_t count;
};

static void list_view(void *ctx, PbStoredWebhook *hook)
{
	struct hook_list *list = ctx;
	if (list->count < TB_WEBHOOKS_MAX)
		list->views[list->count++] = hook->view;
}

enum tb_code webhook_read_list(struct query *query, struct tb_error *err)
{
	struct tb_arena *arena = &query->request->arena;
	PbWebhookListResponse *reply = PROTO_NEW(PbWebhookListResponse, webhook_list_response, arena);
	struct hook_list list = {.views = tb_arena_alloc(arena, TB_WEBHOOKS_MAX * sizeof(*list.views))};
	enum tb_code code = each(&query->kv, arena, list_view, &list, err);
	reply->webhooks = list.views;
	reply->n_webhooks = list.count;
	reply->audit_size = kv_number(&query->kv, "audit_size");
	query->request->reply = &reply->base;
	return code;
}

static void count_one(void *ctx, PbStoredWebhook *hook)
{
	PbStatusResponse *status = ctx;
	status->webhooks++;
	status->webhooks_failing += hook->view->failures > 0;
	status->webhooks_given_up += hook->view->given_up_ms != 0;
}

void webhook_count(struct kv *kv, PbStatusResponse *status)
{
	struct tb_arena arena = {0};
	/* One that cannot be read is said by whoever delivers. */
	struct tb_error err;
	if (each(kv, &arena, count_one, status, &err))
		status->webhooks_failing++;
	tb_arena_clear(&arena);
}

/* ---- what to send */

struct due_list {
	struct webhook_due *out;
	size_t room, count;
};

static struct webhook_due due_of(const PbStoredWebhook *hook)
{
	struct webhook_due due = {.made = hook->view->made_ms,
	                          .rounds = hook->rounds,
	                          .cursor = hook->view->cursor,
	                          .retry_at = hook->view->retry_ms};
	snprintf(due.name, sizeof(due.name), "%.*s", TB_TOKEN_NAME_BYTES_MAX, hook->view->name);
	return due;
}

static void list_due(void *ctx, PbStoredWebhook *hook)
{
	struct due_list *list = ctx;
	if (!hook->view->given_up_ms && list->count < list->room)
		list->out[list->count++] = due_of(hook);
}

enum tb_code webhook_dues(const struct core_setup *setup, struct webhook_due *out, size_t room, size_t *count,
                          struct tb_error *err)
{
	struct kv kv = {0};
	struct tb_arena arena = {0};
	struct due_list list = {out, room, 0};
	enum tb_code code = store_read(&kv.txn, setup->store, err);
	*count = 0;
	if (code)
		return code;
	kv.vault = pki_vault_new(setup->vault_key);
	code = each(&kv, &arena, list_due, &list, err);
	store_abort(kv.txn);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	tb_arena_clear(&arena);
	*count = list.count;
	return code;
}

static bool wanted(const PbWebhookView *view, PbEventKind kind)
{
	bool all = view->n_kinds == 0;
	for (size_t i = 0; i < view->n_kinds && !all; i++)
		all = view->kinds[i] == kind;
	return all;
}

/* The same form as a reply of GET /events?wait: lists are never left out. */
static void write_body(struct webhook_job *job, const PbWebhookView *view, const PbEventListResponse *list)
{
	struct tb_buf body = {0};
	tb_buf_str(&body, "{\"events\":[");
	for (size_t i = 0; i < list->n_events; i++) {
		if (!wanted(view, list->events[i]->kind))
			continue;
		tb_buf_str(&body, job->events ? "," : "");
		proto_json_encode(&body, &list->events[i]->base);
		job->events++;
	}
	tb_buf_printf(&body, "],\"next\":\"%llu\"}", (unsigned long long)job->next);
	job->body = tb_arena_bytes(&job->arena, tb_buf_bytes(&body));
	tb_buf_clear(&body);
}

static void sign(struct webhook_job *job, const PbStoredWebhook *hook, tb_time now)
{
	struct tb_buf text = {0};
	uint8_t mac[PKI_HASH_BYTES];
	/* The timestamp is digits only: no border between the three can move. */
	job->id = tb_arena_printf(&job->arena, "%s_%lld_%llu_%llu", hook->view->name,
	                          (long long)hook->view->made_ms, (unsigned long long)job->due.cursor,
	                          (unsigned long long)job->next);
	job->timestamp = tb_arena_printf(&job->arena, "%lld", (long long)(now / TB_SECOND));
	tb_buf_printf(&text, "%s.%s.", job->id, job->timestamp);
	tb_buf_add(&text, job->body.data, job->body.size);
	pki_hmac(mac, proto_bytes(hook->secret), tb_buf_bytes(&text));
	text.size = 0;
	tb_buf_str(&text, "v1,");
	tb_base64(&text, tb_bytes_of(mac, sizeof(mac)));
	job->signature = tb_arena_str(&job->arena, tb_buf_text(&text));
	tb_buf_clear(&text);
}

/* The feed after |from|, as its token sees it. */
static enum tb_code list_events(struct query *query, const PbWebhookView *view, uint64_t from,
                                struct tb_error *err)
{
	struct core_request *request = query->request;
	PbEventListRequest *ask = PROTO_NEW(PbEventListRequest, event_list_request, &request->arena);
	ask->after = from;
	ask->limit = TB_WEBHOOK_EVENTS_MAX;
	request->message = &ask->base;
	enum tb_code code = TB_OK;
	if (view->token[0])
		code = token_principal(&query->kv, view->token, &request->arena, &request->as, err);
	return code ? code : event_read_list(query, err);
}

/* |job| is filled, or stays without events: nothing to send up to *seen. */
static enum tb_code fill(struct webhook_job *job, struct query *query, uint64_t from, uint64_t *seen,
                         struct tb_error *err)
{
	PbStoredWebhook *hook;
	enum tb_code code = load(&query->kv, job->due.name, &job->arena, &hook, err);
	if (code)
		return code;
	job->due = due_of(hook);
	job->url = hook->view->url;
	job->next = from;
	code = webhook_url_check(job->url, query->setup->webhook_hosts, &job->error);
	if (code == TB_OK)
		code = list_events(query, hook->view, from, &job->error);
	if (code) /* Noted as an outcome. */
		return TB_OK;
	const PbEventListResponse *list = (const void *)query->request->reply;
	job->next = *seen = list->next;
	write_body(job, hook->view, list);
	sign(job, hook, query->now);
	return TB_OK;
}

enum tb_code webhook_job_new(struct webhook_job **out, const struct core_setup *setup,
                             const struct webhook_due *due, uint64_t from, uint64_t *seen, tb_time now,
                             struct tb_error *err)
{
	struct webhook_job *job = tb_alloc(sizeof(*job));
	struct core_request request = {0};
	struct query query = {.setup = setup, .now = now, .request = &request};
	*out = NULL;
	*seen = from;
	job->due = *due;
	enum tb_code code = store_read(&query.kv.txn, setup->store, err);
	if (code == TB_OK) {
		query.kv.vault = pki_vault_new(setup->vault_key);
		code = fill(job, &query, from, seen, err);
		store_abort(query.kv.txn);
		pki_vault_free(query.kv.vault);
		tb_buf_clear(&query.kv.scratch);
		tb_arena_clear(&request.arena);
	}
	bool skips = job->next - due->cursor >= SKIPPED_EVENTS_MAX;
	if (code == TB_OK && (job->events > 0 || job->error.code != TB_OK || skips)) {
		*out = job;
		return TB_OK;
	}
	webhook_job_free(job);
	return code;
}

void webhook_job_free(struct webhook_job *job)
{
	if (!job)
		return;
	tb_arena_clear(&job->arena);
	free(job);
}

/* ---- what came of it */

/* The same for everybody: 410 says that nobody is there any more (RFC 9110, 15.5.11). */
enum { HTTP_GONE = 410 };

static void failed(struct turn *turn, PbStoredWebhook *hook, const struct webhook_job *job)
{
	PbWebhookView *view = hook->view;
	tb_time patience = turn->core->setup.webhook_patience ? turn->core->setup.webhook_patience : PATIENCE;
	tb_time wait = RETRY_FIRST_MS;
	uint8_t noise[2];
	for (uint32_t i = 0; i < view->failures && wait < RETRY_MOST_MS; i++)
		wait *= 2;
	wait = wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS;
	/* A fifth more or less, so that those who failed together don't come back together. */
	pki_random_bytes(turn->core->random, noise, sizeof(noise));
	wait += wait * ((noise[0] << 8 | noise[1]) - 32768) / 32768 / 5;
	view->failures++;
	if (!view->failing_since_ms || view->failing_since_ms > turn->now)
		view->failing_since_ms = turn->now;
	view->retry_ms = turn->now + wait;
	view->last_error = job->error.code ? tb_arena_str(&turn->arena, job->error.text)
	                                   : tb_arena_printf(&turn->arena, "HTTP status %u", job->status);
	/* From a backup, the feed is shorter than what was delivered: only people can tell what to do. */
	bool hopeless = job->status == HTTP_GONE || job->error.code == TB_ENOTFOUND ||
	                job->error.code == TB_EUNTRUSTED;
	if (!hopeless && turn->now - view->failing_since_ms < patience) {
		turn_log(turn, TB_LOG_WARN, "webhook.failed", "", view->name, "attempt %u: %s",
		         view->failures, view->last_error);
		return;
	}
	view->given_up_ms = turn->now;
	note(turn, hook, "gave up");
	turn_log(turn, TB_LOG_ERROR, "webhook.given_up", "", view->name,
	         "%s; tongban webhook resume %s goes on where it stopped", view->last_error, view->name);
}

static void apply_done(struct turn *turn, struct core_request *request)
{
	struct webhook_job *job = request->prepared;
	PbStoredWebhook *hook;
	struct tb_error err;
	if (load(&turn->kv, job->due.name, &turn->arena, &hook, &err) == TB_OK &&
	    hook->view->made_ms == job->due.made && !hook->view->given_up_ms) {
		PbWebhookView *view = hook->view;
		hook->rounds++;
		/* Nothing was sent, since nothing was for it: this says nothing of the receiver. */
		bool good = job->error.code == TB_OK && (job->events == 0 || job->status / 100 == 2);
		if (good) {
			view->cursor = job->next;
			view->delivered += job->events;
			if (job->events > 0) {
				view->delivered_ms = turn->now;
				view->failures = 0;
				view->failing_since_ms = 0;
				view->retry_ms = 0;
			}
		} else {
			failed(turn, hook, job);
		}
		put(turn, hook);
	}
	webhook_job_free(job);
	core_request_free(request);
}

static const struct core_method done_method = {.name = "webhook-done", .apply = apply_done};

struct core_request *webhook_done(struct webhook_job *job)
{
	struct core_request *request = tb_alloc(sizeof(*request));
	request->method = &done_method;
	request->prepared = job;
	return request;
}
