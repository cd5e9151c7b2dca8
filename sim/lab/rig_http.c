#include "sim/lab/rig_http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int rig_http_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

void rig_http_post(struct tb_buf *out, const char *path, struct tb_bytes json)
{
	out->size = 0;
	tb_buf_printf(out,
	              "POST %s HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\n"
	              "Content-Length: %zu\r\n\r\n",
	              path, json.size);
	tb_buf_add(out, json.data, json.size);
}

void rig_http_put(struct tb_buf *out, const char *path, uint64_t size)
{
	out->size = 0;
	tb_buf_printf(out,
	              "PUT %s HTTP/1.1\r\nHost: node\r\nContent-Type: application/octet-stream\r\n"
	              "Content-Length: %llu\r\n\r\n",
	              path, (unsigned long long)size);
}

void rig_http_get(struct tb_buf *out, const char *path)
{
	out->size = 0;
	tb_buf_printf(out, "GET %s HTTP/1.1\r\nHost: node\r\n\r\n", path);
}

static enum rig_reading look_head(struct rig_reply *reply, struct tb_buf *in)
{
	static const char status_line[] = "HTTP/1.1 ", length_name[] = "\r\ncontent-length:";
	const char *text = tb_buf_text(in);
	const char *end = strstr(text, "\r\n\r\n");
	if (!end)
		return RIG_MORE;
	if (strncmp(text, status_line, sizeof(status_line) - 1) != 0)
		return RIG_STRANGE;
	reply->status = (unsigned)strtoul(text + sizeof(status_line) - 1, NULL, 10);
	reply->body_at = (size_t)(end - text) + 4;
	if (reply->status == 100) {
		/* Not that of the request, which an upload gets before it is read. */
		in->size -= reply->body_at;
		memmove(in->data, in->data + reply->body_at, in->size);
		return look_head(reply, in);
	}
	const char *length = strcasestr(text, length_name);
	if (!length || length > end)
		return RIG_STRANGE;
	reply->body_size = strtoul(length + sizeof(length_name) - 1, NULL, 10);
	reply->head = true;
	return RIG_WHOLE;
}

enum rig_reading rig_http_look(struct rig_reply *reply, struct tb_buf *in)
{
	if (!reply->head) {
		enum rig_reading head = look_head(reply, in);
		if (head != RIG_WHOLE)
			return head;
	}
	return in->size - reply->body_at >= reply->body_size ? RIG_WHOLE : RIG_MORE;
}
