#include "tests/cli/server.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { REQUEST_BYTES_MAX = 16 * 1024 };

static size_t body_size(const char *head)
{
	const char *line = strcasestr(head, "\r\ncontent-length:");
	return line ? strtoul(line + 17, NULL, 10) : 0;
}

/* Adds one request to |seen|; false when the client has gone. */
static bool take_request(int fd, struct tb_buf *seen)
{
	static char request[REQUEST_BYTES_MAX];
	size_t used = 0;
	char *end = NULL;
	while (!end || used < (size_t)(end + 4 - request) + body_size(request)) {
		ssize_t got = read(fd, request + used, sizeof(request) - 1 - used);
		if (got <= 0)
			return false;
		used += (size_t)got;
		request[used] = '\0';
		end = strstr(request, "\r\n\r\n");
	}
	tb_buf_add(seen, request, used);
	return true;
}

static void *serve(void *ctx)
{
	struct server *server = ctx;
	int fd = accept(server->listener, NULL, NULL);
	for (size_t i = 0; fd >= 0 && server->replies[i] && take_request(fd, &server->seen); i++) {
		ssize_t sent = send(fd, server->replies[i], strlen(server->replies[i]), MSG_NOSIGNAL);
		(void)sent;
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

void server_start(struct server *server, const char *const *replies)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	*server = (struct server){.replies = replies};
	strcpy(server->dir, "/tmp/tongban-client-XXXXXX");
	assert_non_null(mkdtemp(server->dir));
	snprintf(server->socket, sizeof(server->socket), "%s/api.sock", server->dir);
	strcpy(address.sun_path, server->socket);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(server->listener >= 0);
	assert_int_equal(bind(server->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server->listener, 4), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void server_stop(struct server *server)
{
	/* Nobody may have called. */
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
	unlink(server->socket);
	rmdir(server->dir);
	tb_buf_text(&server->seen);
}

void server_clear(struct server *server)
{
	tb_buf_clear(&server->seen);
}
