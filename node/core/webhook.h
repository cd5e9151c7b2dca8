/* Webhooks: what happened, sent to departments' systems that would rather be told than ask.
 *
 * A webhook is a reader of the same feed as GET /events, whose cursor the node keeps. One delivery at a time
 * carries what follows the cursor, in order; the cursor moves in a turn after the receiver has said yes, so
 * that a crash at any point means that something comes twice and nothing is left out. The request is signed
 * as the Standard Webhooks specification (version 1, standardwebhooks.com) says: HMAC-SHA-256 over
 * "ID.TIMESTAMP.BODY" with a secret that node and receiver share. Here is what to send and what follows from
 * the outcome; the sending is the driver's. Any thread. */
#pragma once

#include "node/core/core.h"

enum { WEBHOOK_NAME_ROOM = TB_TOKEN_NAME_BYTES_MAX + 1 };

/* What the driver must know of one; which of them it has forgotten does not matter. */
struct webhook_due {
	char name[WEBHOOK_NAME_ROOM];
	tb_time made;    /* with the name: which one it is */
	uint64_t rounds; /* outcomes that were noted: the last one's cursor is durable */
	uint64_t cursor;
	tb_time retry_at; /* not before; 0: at once */
};
/* Those that are not given up; at most |room|. */
TB_MUST_CHECK enum tb_code webhook_dues(const struct core_setup *setup, struct webhook_due *out, size_t room,
                                        size_t *count, struct tb_error *err);

/* One delivery. Texts are in |arena|. */
struct webhook_job {
	struct tb_arena arena;
	struct webhook_due due;
	uint64_t next; /* the cursor when this was delivered */
	size_t events;
	const char *url;
	const char *id;        /* webhook-id: the same for a repetition with the same body */
	const char *timestamp; /* webhook-timestamp: seconds since 1970 */
	const char *signature; /* webhook-signature */
	struct tb_bytes body;
	/* The outcome, filled by the driver before webhook_done(). */
	unsigned status;       /* HTTP; 0: none came */
	struct tb_error error; /* TB_OK: delivered, if |status| is 2xx */
};

/* The next delivery of |due|, looking from |from| on (at least due->cursor). *out NULL: there is nothing to
 * send up to *seen. A job whose error is set is not to be sent, but its outcome to be noted. */
TB_MUST_CHECK enum tb_code webhook_job_new(struct webhook_job **out, const struct core_setup *setup,
                                           const struct webhook_due *due, uint64_t from, uint64_t *seen,
                                           tb_time now, struct tb_error *err);
void webhook_job_free(struct webhook_job *job);
/* The request for a turn that notes the outcome; it has no reply and is freed there. Takes |job|. */
struct core_request *webhook_done(struct webhook_job *job);

/* Is |url| one that the operator allows? TB_EINVALID: not a URL of the allowed form; TB_EDENIED: |hosts| (as
 * in struct core_setup) does not name its host and port. */
TB_MUST_CHECK enum tb_code webhook_url_check(const char *url, const char *const *hosts, struct tb_error *err);
