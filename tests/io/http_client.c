#include "tests/io/http_client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

void client_answer_clear(struct client_answer *answer)
{
	tb_buf_clear(&answer->header);
	tb_buf_clear(&answer->body);
}

int client_dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_return_code(connect(fd, (const struct sockaddr *)&address, sizeof(address)), errno);
	return fd;
}

void client_send(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t wrote = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
		assert_return_code(wrote, errno);
		done += (size_t)wrote;
	}
}

void client_send_text(int fd, const char *text)
{
	client_send(fd, text, strlen(text));
}

void client_receive(int fd, struct client_answer *answer)
{
	char byte;
	*answer = (struct client_answer){0};
	while (answer->header.size < 4 ||
	       memcmp(answer->header.data + answer->header.size - 4, "\r\n\r\n", 4) != 0) {
		assert_int_equal(recv(fd, &byte, 1, 0), 1);
		tb_buf_add(&answer->header, &byte, 1);
	}
	const char *header = tb_buf_text(&answer->header);
	assert_int_equal(sscanf(header, "HTTP/1.1 %d", &answer->status), 1);
	const char *length = strcasestr(header, "content-length: ");
	assert_non_null(length);
	answer->announced = strtoull(length + 16, NULL, 10);
	while (answer->body.size < answer->announced) {
		char piece[65536];
		size_t want = answer->announced - answer->body.size;
		ssize_t got = recv(fd, piece, want < sizeof(piece) ? want : sizeof(piece), 0);
		if (got <= 0)
			break;
		tb_buf_add(&answer->body, piece, (size_t)got);
	}
}

void client_send_call(int fd, const char *path, const char *json)
{
	struct tb_buf call = {0};
	/* In one piece: a node that stops answers after the head, and closes. */
	tb_buf_printf(&call,
	              "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
	              "%zu\r\n\r\n%s",
	              path, strlen(json), json);
	client_send_text(fd, tb_buf_text(&call));
	tb_buf_clear(&call);
}

void client_assert_answer(int fd, int status, const char *says)
{
	struct client_answer answer;
	client_receive(fd, &answer);
	if (answer.status != status || !strstr(tb_buf_text(&answer.body), says))
		fail_msg("%d %s, not %d %s", answer.status, tb_buf_text(&answer.body), status, says);
	client_answer_clear(&answer);
}

void client_assert_exchange(const char *path, const char *text, int status, const char *says)
{
	int fd = client_dial(path);
	client_send_text(fd, text);
	client_assert_answer(fd, status, says);
	close(fd);
}

void client_send_chunk(int fd, const uint8_t *data, size_t size)
{
	char head[32];
	snprintf(head, sizeof(head), "%zx\r\n", size);
	client_send_text(fd, head);
	client_send(fd, data, size);
	client_send_text(fd, "\r\n");
}
