/* A client of a node's local API: one blocking call at a time, each on a connection of its own. Any thread.
 */
#pragma once

#include "proto/codec.h"
#include "sim/lab/lab.h"

/* What became of a call. */
enum lab_answer {
	LAB_SILENCE, /* no whole answer: what was asked may or may not have been done */
	LAB_LATER,   /* not now: the peer is away, the disk is full, it took too long */
	LAB_REFUSED, /* no */
	LAB_DONE_WELL
};

struct lab_reply {
	struct lab_told told;
	char code[40]; /* Connect's name, when refused */
	char text[200];
	struct tb_buf body; /* as it came */
	struct tb_arena arena;
	proto_message *message; /* in |arena| */
};

void lab_reply_clear(struct lab_reply *reply);

enum { LAB_PATIENCE_MS = 5000, LAB_PATIENCE_LONG_MS = 60000, LAB_MATERIAL_MOST = 8 << 20 };

/* POST /tongban.v1.|method| with |json|; the reply, to be cleared whatever comes, is decoded as |type|. An
 * answer that no client may get (damage, or a failure inside while the disk has room) breaks LAB_RULE_DAMAGE.
 */
enum lab_answer lab_call(struct lab *lab, const struct lab_node *node, const char *method, const char *json,
                         const proto_type *type, unsigned patience_ms, struct lab_reply *reply);
/* PUT /material; the reply is a MaterialView. */
enum lab_answer lab_upload(struct lab *lab, const struct lab_node *node, struct tb_bytes data,
                           struct lab_reply *reply);
/* GET /material/|root|, into reply->body, from its byte 0. */
enum lab_answer lab_download(struct lab *lab, const struct lab_node *node, const uint8_t root[32],
                             struct lab_reply *reply);
