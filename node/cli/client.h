/* The local API as a client: HTTP over the Unix socket DIR/api.sock of a running node.
 *
 * A client keeps one connection and is for one thread at a time. A client_job is one call on a thread of its
 * own, so that reading the next input overlaps with it. */
#pragma once

#include <stdio.h>

#include "base/limits.h"
#include "proto/codec.h"

enum {
	CLIENT_REPLY_BYTES_MAX = 128 << 20,
	CLIENT_ERROR_BYTES_MAX = 64 * 1024, /* of an answer that is not 200 */
};

struct client;

/* Does not connect yet. */
struct client *client_new(const char *dir);
void client_free(struct client *client);

/* POST |path| ("/tongban.v1.CaseService/Submit") with the JSON |body|; appends the JSON reply.
 *
 * TB_EUNREACHABLE  no node runs in the directory
 * TB_EIO           it answered in a way that is not the local API's
 * others           as the node says, with its text */
TB_MUST_CHECK enum tb_code client_post(struct client *client, const char *path, struct tb_bytes body,
                                       struct tb_buf *reply, struct tb_error *err);
/* The same with messages; *out is in |arena|, NULL on failure. */
TB_MUST_CHECK enum tb_code client_call(struct client *client, const char *path, const proto_message *request,
                                       const proto_type *reply_type, struct tb_arena *arena,
                                       proto_message **out, struct tb_error *err);

/* PUT /material: streams |file|; *out says under which root it is kept. Besides: TB_ENOTFOUND, TB_EINVALID
 * (not a regular file, or empty), TB_ETOOBIG. */
TB_MUST_CHECK enum tb_code client_put_file(struct client *client, const char *file, struct tb_arena *arena,
                                           PbMaterialView **out, struct tb_error *err);
/* GET /material/|root_hex|: streams into |stream|. */
TB_MUST_CHECK enum tb_code client_get_file(struct client *client, const char *root_hex, FILE *stream,
                                           uint64_t *size, struct tb_error *err);

/* ---- a call in the background */

struct client_job;

struct client_job *client_job_new(const char *dir);
/* Waits for a call in flight. */
void client_job_free(struct client_job *job);
/* Where the body of the next call is made; empty after client_job_new() and client_job_wait(). */
struct tb_buf *client_job_body(struct client_job *job);
/* Starts the call; transient faults are tried |attempts| times. */
void client_job_start(struct client_job *job, const char *path, unsigned attempts);
bool client_job_busy(const struct client_job *job);
/* Waits. The reply lives until the next start. */
TB_MUST_CHECK enum tb_code client_job_wait(struct client_job *job, struct tb_bytes *reply,
                                           struct tb_error *err);
