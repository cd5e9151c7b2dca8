#include "sim/lab/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sim/lab/rig_http.h"

enum { READ_BYTES = 64 * 1024, REPLY_MOST = 64 << 20 };

void lab_reply_clear(struct lab_reply *reply)
{
	tb_buf_clear(&reply->body);
	tb_arena_clear(&reply->arena);
	*reply = (struct lab_reply){0};
}

static bool write_all(int fd, const struct tb_bytes *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t done = 0; done < parts[i].size;) {
			ssize_t wrote = send(fd, parts[i].data + done, parts[i].size - done, MSG_NOSIGNAL);
			if (wrote <= 0 && errno != EINTR)
				return false;
			done += wrote > 0 ? (size_t)wrote : 0;
		}
	}
	return true;
}

/* True if a whole reply came before |until|. */
static bool read_reply(int fd, struct rig_reply *reply, struct tb_buf *in, lab_time until)
{
	while (lab_now() < until && in->size < REPLY_MOST) {
		tb_buf_reserve(in, READ_BYTES);
		ssize_t got = recv(fd, in->data + in->size, READ_BYTES, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		in->size += (size_t)got;
		enum rig_reading reading = rig_http_look(reply, in);
		if (reading != RIG_MORE)
			return reading == RIG_WHOLE;
	}
	return false;
}

/* The HTTP status; 0: no whole answer. */
static unsigned exchange(const struct lab_node *node, const struct tb_bytes *parts, size_t count,
                         unsigned patience_ms, struct lab_reply *out)
{
	struct rig_reply reply = {0};
	struct timeval wait = {patience_ms / 1000, (long)(patience_ms % 1000) * 1000};
	unsigned status = 0;
	out->told = (struct lab_told){.sent = lab_now()};
	int fd = rig_http_connect(node->socket);
	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	/* What is refused by its head alone is answered before its body is read. */
	write_all(fd, parts, count);
	if (read_reply(fd, &reply, &out->body, out->told.sent + patience_ms)) {
		out->told.answered = lab_now();
		out->body.size = reply.body_at + reply.body_size;
		memmove(out->body.data, out->body.data + reply.body_at, reply.body_size);
		out->body.size = reply.body_size;
		status = reply.status;
	}
	close(fd);
	return status;
}

/* Of {"code":"...","message":"..."}. */
static void take_text(const char *json, const char *key, char *out, size_t room)
{
	const char *at = strstr(json, key);
	size_t used = 0;
	out[0] = 0;
	if (!at)
		return;
	for (at += strlen(key); *at && *at != '"' && used + 1 < room; at++)
		out[used++] = *at;
	out[used] = 0;
}

static enum lab_answer judge(struct lab *lab, const struct lab_node *node, const char *what, unsigned status,
                             struct lab_reply *reply)
{
	static const char *const later[] = {"unavailable", "deadline_exceeded", "resource_exhausted"};
	if (status == 0) {
		LAB_COUNT(lab, silences, 1);
		return LAB_SILENCE;
	}
	if (status == 200)
		return LAB_DONE_WELL;
	take_text(tb_buf_text(&reply->body), "\"code\":\"", reply->code, sizeof(reply->code));
	take_text(tb_buf_text(&reply->body), "\"message\":\"", reply->text, sizeof(reply->text));
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (strcmp(reply->code, later[i]) == 0)
			return LAB_LATER;
	}
	LAB_COUNT(lab, refusals, 1);
	bool inside = strcmp(reply->code, "internal") == 0;
	if (inside && lab_was_full(lab, node))
		return LAB_LATER;
	if (inside || strcmp(reply->code, "data_loss") == 0 || !reply->code[0])
		lab_broke(lab, LAB_RULE_DAMAGE, node->index, NULL, "%s: %u %s %s", what, status, reply->code,
		          reply->text);
	return LAB_REFUSED;
}

static enum lab_answer decode(struct lab *lab, const struct lab_node *node, const char *what,
                              const proto_type *type, struct lab_reply *reply)
{
	struct tb_error err = {0};
	if (proto_json_decode(&reply->message, type, tb_buf_bytes(&reply->body), &reply->arena, &err) ==
	    TB_OK) {
		lab_held(lab, LAB_RULE_DAMAGE);
		return LAB_DONE_WELL;
	}
	lab_broke(lab, LAB_RULE_DAMAGE, node->index, NULL, "%s: an answer that nobody understands: %s", what,
	          err.text);
	return LAB_REFUSED;
}

enum lab_answer lab_call(struct lab *lab, const struct lab_node *node, const char *method, const char *json,
                         const proto_type *type, unsigned patience_ms, struct lab_reply *reply)
{
	char path[128];
	struct tb_buf out = {0};
	*reply = (struct lab_reply){0};
	snprintf(path, sizeof(path), "/tongban.v1.%s", method);
	rig_http_post(&out, path, tb_bytes_str(json));
	struct tb_bytes request = tb_buf_bytes(&out);
	unsigned status = exchange(node, &request, 1, patience_ms, reply);
	tb_buf_clear(&out);
	enum lab_answer answer = judge(lab, node, method, status, reply);
	return answer == LAB_DONE_WELL ? decode(lab, node, method, type, reply) : answer;
}

enum lab_answer lab_upload(struct lab *lab, const struct lab_node *node, struct tb_bytes data,
                           struct lab_reply *reply)
{
	struct tb_buf out = {0};
	*reply = (struct lab_reply){0};
	rig_http_put(&out, "/material", data.size);
	struct tb_bytes parts[] = {tb_buf_bytes(&out), data};
	unsigned status = exchange(node, parts, 2, LAB_PATIENCE_MS * 2, reply);
	tb_buf_clear(&out);
	enum lab_answer answer = judge(lab, node, "upload", status, reply);
	return answer == LAB_DONE_WELL ? decode(lab, node, "upload", &pb_material_view__descriptor, reply)
	                               : answer;
}

enum lab_answer lab_download(struct lab *lab, const struct lab_node *node, const uint8_t root[32],
                             struct lab_reply *reply)
{
	char path[96] = "/material/";
	struct tb_buf out = {0};
	*reply = (struct lab_reply){0};
	tb_hex(path + strlen(path), root, 32);
	rig_http_get(&out, path);
	struct tb_bytes request = tb_buf_bytes(&out);
	unsigned status = exchange(node, &request, 1, LAB_PATIENCE_LONG_MS, reply);
	tb_buf_clear(&out);
	return judge(lab, node, "download", status, reply);
}
