/* A client of the local API that says just what the test wants said, and in as many pieces. */
#pragma once

#include "base/bytes.h"

struct client_answer {
	int status;
	struct tb_buf header;
	struct tb_buf body;
	uint64_t announced; /* content-length */
};

void client_answer_clear(struct client_answer *answer);
/* Connects to the Unix socket at |path|. */
int client_dial(const char *path);
void client_send(int fd, const void *data, size_t size);
void client_send_text(int fd, const char *text);
/* POST of |json| to |method|. */
void client_send_call(int fd, const char *method, const char *json);
/* A piece of a chunked body. */
void client_send_chunk(int fd, const uint8_t *data, size_t size);
/* Reads one answer; the body may be cut short by the server. */
void client_receive(int fd, struct client_answer *answer);
void client_assert_answer(int fd, int status, const char *says);
/* The same on a connection of its own, which sends |text|. */
void client_assert_exchange(const char *path, const char *text, int status, const char *says);
