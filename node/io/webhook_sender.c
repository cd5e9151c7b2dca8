#include "node/io/webhook_sender.h"

#include "base/log.h"
#include "node/core/webhook.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

enum {
	CONNECT_MS = 5000,
	DELIVERY_MS = 15000,
	ROUND_MS = 20,                 /* between two looks: under load many commits share one */
	LOOK_MS = 60 * 1000,           /* the wall clock may jump: retries are looked at that often */
	STORE_TROUBLE_MS = 5000,       /* until the store is tried again */
	RETRY_FAR_MS = 30 * 60 * 1000, /* no retry is that far: the clock was set back */
};

/* One webhook, as this thread sees it. */
struct slot {
	struct webhook_due due;
	bool used;
	bool known;              /* still in the store */
	uint64_t rounds_awaited; /* the store's count when the last outcome is durable */
	uint64_t seen;           /* looked at up to here: nothing for it */
	uint64_t commits;        /* when it looked last; 0: never */
	/* under way */
	struct webhook_sender *sender;
	struct webhook_job *job; /* NULL: idle */
	CURL *curl;
	struct curl_slist *headers;
	size_t reply_bytes;
	bool refused_address;
	char problem[CURL_ERROR_SIZE];
};

struct webhook_sender {
	struct webhook_sender_setup setup;
	pthread_t thread;
	CURLM *multi;
	atomic_bool closing;
	atomic_bool woken;
	atomic_uint_fast64_t commits; /* from 1 */
	struct slot slots[TB_WEBHOOKS_MAX];
	bool trouble; /* the store could not be read */
};

static int64_t now_monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- one delivery */

static void check_setopt(CURLcode code)
{
	assert(code == CURLE_OK);
}
/* Options are compile-time facts: one that libcurl refuses is a bug. */
#define SET(slot, option, value) check_setopt(curl_easy_setopt((slot)->curl, option, value))

/* The address is known now, and no name server can change it any more. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct slot *slot = ctx;
	const struct webhook_sender_setup *setup = &slot->sender->setup;
	(void)purpose;
	if (!address_allowed(&address->addr, setup->networks, setup->networks_count)) {
		slot->refused_address = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* What the receiver says besides its status is thrown away. */
static size_t on_reply(char *data, size_t one, size_t size, void *ctx)
{
	struct slot *slot = ctx;
	(void)data;
	slot->reply_bytes += one * size;
	return slot->reply_bytes > TB_WEBHOOK_REPLY_BYTES_MAX ? 0 : one * size;
}

static void add_header(struct slot *slot, const char *name, const char *value)
{
	struct tb_buf line = {0};
	tb_buf_printf(&line, "%s: %s", name, value);
	slot->headers = curl_slist_append(slot->headers, tb_buf_text(&line));
	tb_buf_clear(&line);
	if (!slot->headers)
		abort();
}

static void start(struct webhook_sender *sender, struct slot *slot, struct webhook_job *job)
{
	slot->sender = sender;
	slot->job = job;
	slot->reply_bytes = 0;
	slot->refused_address = false;
	slot->problem[0] = 0;
	slot->curl = curl_easy_init();
	if (!slot->curl)
		abort();
	add_header(slot, "Content-Type", "application/json");
	add_header(slot, "webhook-id", job->id);
	add_header(slot, "webhook-timestamp", job->timestamp);
	add_header(slot, "webhook-signature", job->signature);
	slot->headers = curl_slist_append(slot->headers, "Expect:");
	SET(slot, CURLOPT_URL, job->url);
	SET(slot, CURLOPT_HTTPHEADER, slot->headers);
	SET(slot, CURLOPT_POST, 1L);
	SET(slot, CURLOPT_POSTFIELDS, (const char *)job->body.data);
	SET(slot, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)job->body.size);
	SET(slot, CURLOPT_USERAGENT, "tongban");
	SET(slot, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(slot, CURLOPT_FOLLOWLOCATION, 0L);
	SET(slot, CURLOPT_PROXY, "");
	SET(slot, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(slot, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(slot, CURLOPT_SSL_VERIFYPEER, 1L);
	SET(slot, CURLOPT_SSL_VERIFYHOST, 2L);
	if (sender->setup.ca_file) {
		SET(slot, CURLOPT_CAINFO, sender->setup.ca_file);
		SET(slot, CURLOPT_CAPATH, NULL);
	}
	SET(slot, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	SET(slot, CURLOPT_TIMEOUT_MS, (long)DELIVERY_MS);
	SET(slot, CURLOPT_NOSIGNAL, 1L);
	SET(slot, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(slot, CURLOPT_OPENSOCKETDATA, slot);
	SET(slot, CURLOPT_WRITEFUNCTION, on_reply);
	SET(slot, CURLOPT_WRITEDATA, slot);
	SET(slot, CURLOPT_ERRORBUFFER, slot->problem);
	SET(slot, CURLOPT_PRIVATE, slot);
	CURLMcode code = curl_multi_add_handle(sender->multi, slot->curl);
	assert(code == CURLM_OK);
}

static void stop(struct webhook_sender *sender, struct slot *slot)
{
	curl_multi_remove_handle(sender->multi, slot->curl);
	curl_easy_cleanup(slot->curl);
	curl_slist_free_all(slot->headers);
	slot->curl = NULL;
	slot->headers = NULL;
}

static void outcome(struct webhook_job *job, const struct slot *slot, CURLcode result)
{
	long status = 0;
	curl_easy_getinfo(slot->curl, CURLINFO_RESPONSE_CODE, &status);
	job->status = (unsigned)status;
	if (slot->refused_address)
		tb_fail(&job->error, TB_EDENIED,
		        "its address is not public, and node.yaml, webhooks.networks does not name it");
	else if (slot->reply_bytes > TB_WEBHOOK_REPLY_BYTES_MAX)
		tb_fail(&job->error, TB_ETOOBIG, "its answer is over %d bytes", TB_WEBHOOK_REPLY_BYTES_MAX);
	else if (result == CURLE_OPERATION_TIMEDOUT)
		tb_fail(&job->error, TB_ETIMEOUT, "no answer in time");
	else if (result != CURLE_OK)
		tb_fail(&job->error, TB_EUNREACHABLE, "%.200s",
		        slot->problem[0] ? slot->problem : curl_easy_strerror(result));
}

static void note(struct webhook_sender *sender, struct slot *slot, struct webhook_job *job)
{
	slot->rounds_awaited = job->due.rounds + 1;
	slot->seen = 0;
	slot->commits = 0;
	sender->setup.submit(sender->setup.ctx, webhook_done(job));
}

static void reap(struct webhook_sender *sender)
{
	int left;
	for (CURLMsg *message; (message = curl_multi_info_read(sender->multi, &left)) != NULL;) {
		struct slot *slot;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode result = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
		struct webhook_job *job = slot->job;
		outcome(job, slot, result);
		stop(sender, slot);
		slot->job = NULL;
		note(sender, slot, job);
	}
}

/* ---- which are there */

static struct slot *slot_of(struct webhook_sender *sender, const struct webhook_due *due)
{
	struct slot *empty = NULL;
	for (size_t i = 0; i < TB_WEBHOOKS_MAX; i++) {
		struct slot *slot = &sender->slots[i];
		if (slot->used && slot->due.made == due->made && strcmp(slot->due.name, due->name) == 0)
			return slot;
		if (!slot->used && !empty)
			empty = slot;
	}
	if (empty)
		*empty = (struct slot){.used = true};
	return empty;
}

static bool sync_slots(struct webhook_sender *sender)
{
	struct webhook_due dues[TB_WEBHOOKS_MAX];
	struct tb_error err = {0};
	size_t count;
	if (webhook_dues(sender->setup.core, dues, TB_WEBHOOKS_MAX, &count, &err)) {
		if (!sender->trouble)
			tb_log(TB_LOG_ERROR, "webhook.unreadable", "code", tb_code_name(err.code), "text",
			       err.text, NULL);
		sender->trouble = true;
		return false;
	}
	sender->trouble = false;
	for (size_t i = 0; i < TB_WEBHOOKS_MAX; i++)
		sender->slots[i].known = false;
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = slot_of(sender, &dues[i]);
		if (!slot)
			continue; /* until what was removed is no longer under way */
		/* Set back by a resumption: the feed is looked at from there. */
		if (dues[i].cursor < slot->due.cursor)
			slot->seen = 0;
		slot->due = dues[i];
		slot->known = true;
	}
	for (size_t i = 0; i < TB_WEBHOOKS_MAX; i++) {
		struct slot *slot = &sender->slots[i];
		slot->used = slot->known || slot->job;
	}
	return true;
}

/* Starts what is due; returns in how many milliseconds something else will be. */
static int64_t serve(struct webhook_sender *sender, struct slot *slot)
{
	uint64_t commits = atomic_load(&sender->commits);
	tb_time now = sender->setup.now();
	if (!slot->known || slot->job || slot->due.rounds < slot->rounds_awaited)
		return LOOK_MS;
	if (slot->due.retry_at > now && slot->due.retry_at < now + RETRY_FAR_MS) {
		slot->commits = 0;
		return slot->due.retry_at - now;
	}
	if (slot->commits == commits)
		return LOOK_MS;
	struct webhook_job *job;
	struct tb_error err = {0};
	uint64_t from = slot->seen > slot->due.cursor ? slot->seen : slot->due.cursor;
	uint64_t seen = from;
	if (webhook_job_new(&job, sender->setup.core, &slot->due, from, &seen, now, &err)) {
		tb_log(TB_LOG_ERROR, "webhook.unreadable", "subject", slot->due.name, "text", err.text, NULL);
		return STORE_TROUBLE_MS;
	}
	if (!job) {
		slot->commits = seen == from ? commits : 0;
		slot->seen = seen;
		return seen == from ? LOOK_MS : 0;
	}
	if (job->error.code != TB_OK || job->events == 0)
		note(sender, slot, job);
	else
		start(sender, slot, job);
	return LOOK_MS;
}

static int64_t look(struct webhook_sender *sender)
{
	int64_t wait = LOOK_MS;
	if (!sync_slots(sender))
		return STORE_TROUBLE_MS;
	for (size_t i = 0; i < TB_WEBHOOKS_MAX; i++) {
		int64_t due = sender->slots[i].used ? serve(sender, &sender->slots[i]) : LOOK_MS;
		wait = due < wait ? due : wait;
	}
	return wait;
}

static void *sender_main(void *arg)
{
	struct webhook_sender *sender = arg;
	int64_t next = 0, rested = 0; /* monotonic: when to look; not before */
	while (!atomic_load(&sender->closing)) {
		int64_t now = now_monotonic_ms();
		if (now >= rested && (now >= next || atomic_exchange(&sender->woken, false))) {
			next = now + look(sender);
			rested = now + ROUND_MS;
		}
		int running;
		curl_multi_perform(sender->multi, &running);
		reap(sender);
		now = now_monotonic_ms();
		int64_t until = atomic_load(&sender->woken) ? rested : next > rested ? next : rested;
		if (until > now)
			curl_multi_poll(sender->multi, NULL, 0, (int)(until - now), NULL);
	}
	return NULL;
}

/* ---- life */

struct webhook_sender *webhook_sender_open(const struct webhook_sender_setup *setup)
{
	struct webhook_sender *sender = tb_alloc(sizeof(*sender));
	sender->setup = *setup;
	check_setopt(curl_global_init(CURL_GLOBAL_DEFAULT));
	sender->multi = curl_multi_init();
	if (!sender->multi)
		abort();
	atomic_store(&sender->commits, 1);
	/* The thread that waits for SIGTERM gets it. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&sender->thread, NULL, sender_main, sender);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert(rc == 0);
	return sender;
}

void webhook_sender_committed(struct webhook_sender *sender)
{
	atomic_fetch_add(&sender->commits, 1);
	if (!atomic_exchange(&sender->woken, true))
		curl_multi_wakeup(sender->multi);
}

void webhook_sender_close(struct webhook_sender *sender)
{
	if (!sender)
		return;
	atomic_store(&sender->closing, true);
	curl_multi_wakeup(sender->multi);
	pthread_join(sender->thread, NULL);
	for (size_t i = 0; i < TB_WEBHOOKS_MAX; i++) {
		struct slot *slot = &sender->slots[i];
		if (!slot->job)
			continue;
		stop(sender, slot);
		webhook_job_free(slot->job);
	}
	curl_multi_cleanup(sender->multi);
	free(sender);
}
