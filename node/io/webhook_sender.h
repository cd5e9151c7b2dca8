/* Delivers webhooks (node/core/webhook.h): one thread with libcurl, beside the turns.
 *
 * Every webhook has at most one delivery under way, and a slow receiver delays nobody else. Redirects are not
 * followed, proxies not used, TLS certificates checked; the address that is connected to is held against
 * node/io/address.h, whatever the name resolved to. */
#pragma once

#include "node/core/core.h"
#include "node/io/address.h"

struct webhook_sender;

struct webhook_sender_setup {
	const struct core_setup *core;        /* borrowed, and the next two */
	const struct address_range *networks; /* not public, and allowed */
	size_t networks_count;
	const char *ca_file; /* PEM of those who sign receivers' certificates; NULL: the system's; borrowed */
	tb_time (*now)(void);
	/* An outcome for a turn; taken, has no reply. On the sender's thread. */
	void (*submit)(void *ctx, struct core_request *request);
	void *ctx;
};

struct webhook_sender *webhook_sender_open(const struct webhook_sender_setup *setup);
/* A turn was committed. Any thread. */
void webhook_sender_committed(struct webhook_sender *sender);
/* Ends the thread; what is under way is broken off and comes again after the next start. NULL is nothing. */
void webhook_sender_close(struct webhook_sender *sender);
