/* HTTP/1.1 as a node's local API speaks it, by hand, so that a client costs next to nothing. Text only: who
 * reads and writes the socket is somebody else. */
#pragma once

#include "base/bytes.h"

/* A connected stream socket to |path|; -1 and errno if there is none. */
int rig_http_connect(const char *path);

/* Each replaces what is in |out|. */
void rig_http_post(struct tb_buf *out, const char *path, struct tb_bytes json);
/* The head only; |size| bytes of body follow. */
void rig_http_put(struct tb_buf *out, const char *path, uint64_t size);
void rig_http_get(struct tb_buf *out, const char *path);

/* A reply that is being read; {0} is none. */
struct rig_reply {
	bool head; /* it is complete, and the fields below are set */
	unsigned status;
	size_t body_at; /* in the buffer */
	size_t body_size;
};

enum rig_reading { RIG_MORE, RIG_WHOLE, RIG_STRANGE };

/* Looks at all that was read so far; takes interim replies (status 100) out of |in|. */
enum rig_reading rig_http_look(struct rig_reply *reply, struct tb_buf *in);
