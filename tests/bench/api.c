#include "tests/bench/api.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sim/lab/rig_http.h"

enum { API_READ_BYTES = 64 * 1024, API_PUT_BYTES = 1 << 20, API_EVENTS = 64, API_WAIT_MS = 60000 };

struct api {
	int fd;
	struct tb_buf out;
	struct tb_buf in;
	struct tb_buf body;     /* of a load's next call */
	struct rig_reply reply; /* the one in |in| */
};

static void connect_to(struct api *api, const struct bench_node *node)
{
	char path[BENCH_PATH_ROOM + 16];
	snprintf(path, sizeof(path), "%s/api.sock", node->dir);
	api->fd = rig_http_connect(path);
	if (api->fd < 0)
		bench_die("api.sock of %s: %s", node->region, strerror(errno));
}

struct api *api_open(const struct bench_node *node)
{
	struct api *api = tb_alloc(sizeof(*api));
	connect_to(api, node);
	return api;
}

void api_close(struct api *api)
{
	close(api->fd);
	tb_buf_clear(&api->out);
	tb_buf_clear(&api->in);
	tb_buf_clear(&api->body);
	free(api);
}

/* ---- a request */

static void write_all(struct api *api, const uint8_t *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t wrote = write(api->fd, data + done, size - done);
		if (wrote < 0 && errno == EAGAIN) {
			struct pollfd room = {.fd = api->fd, .events = POLLOUT};
			poll(&room, 1, API_WAIT_MS);
			continue;
		}
		if (wrote <= 0)
			bench_die("local API: write: %s", strerror(errno));
		done += (size_t)wrote;
	}
}

static void send_request(struct api *api, const char *path, struct tb_bytes body)
{
	rig_http_post(&api->out, path, body);
	api->in.size = 0;
	api->reply = (struct rig_reply){0};
	write_all(api, api->out.data, api->out.size);
}

/* ---- a reply */

/* Reads what is there; true if the reply is complete. A socket that would block leaves it as it is. */
static bool read_reply(struct api *api)
{
	tb_buf_reserve(&api->in, API_READ_BYTES);
	ssize_t got = read(api->fd, api->in.data + api->in.size, API_READ_BYTES);
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got <= 0)
		bench_die("local API: connection lost: %s", got < 0 ? strerror(errno) : "closed");
	api->in.size += (size_t)got;
	enum rig_reading reading = rig_http_look(&api->reply, &api->in);
	if (reading == RIG_STRANGE)
		bench_die("local API: reply not understood: %.200s", tb_buf_text(&api->in));
	return reading == RIG_WHOLE;
}

static struct tb_bytes reply_body(const struct api *api)
{
	return tb_bytes_of(api->in.data + api->reply.body_at, api->reply.body_size);
}

unsigned api_post(struct api *api, const char *path, struct tb_bytes body, struct tb_bytes *reply)
{
	send_request(api, path, body);
	while (!read_reply(api))
		continue;
	*reply = reply_body(api);
	return api->reply.status;
}

static proto_message *decode(const char *path, unsigned status, struct tb_bytes reply, const proto_type *type,
                             struct tb_arena *arena)
{
	proto_message *message = NULL;
	struct tb_error err = {0};
	if (status != 200)
		bench_die("%s: %u %.*s", path, status, (int)reply.size, (const char *)reply.data);
	if (proto_json_decode(&message, type, reply, arena, &err) != TB_OK)
		bench_die("%s: %s", path, err.text);
	return message;
}

proto_message *api_call(struct api *api, const char *path, const char *body, const proto_type *type,
                        struct tb_arena *arena)
{
	struct tb_bytes reply;
	unsigned status = api_post(api, path, tb_bytes_str(body), &reply);
	return decode(path, status, reply, type, arena);
}

PbMaterialView *api_put(struct api *api, const char *file, uint64_t size, struct tb_arena *arena)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	uint8_t *block = tb_alloc(API_PUT_BYTES);
	if (fd < 0)
		bench_die("%s: %s", file, strerror(errno));
	rig_http_put(&api->out, "/material", size);
	write_all(api, api->out.data, api->out.size);
	api->in.size = 0;
	api->reply = (struct rig_reply){0};
	for (uint64_t done = 0; done < size;) {
		ssize_t got = read(fd, block, API_PUT_BYTES);
		if (got <= 0)
			bench_die("%s: too short", file);
		write_all(api, block, (size_t)got);
		done += (uint64_t)got;
	}
	while (!read_reply(api))
		continue;
	free(block);
	close(fd);
	return (PbMaterialView *)(void *)decode("/material", api->reply.status, reply_body(api),
	                                        &pb_material_view__descriptor, arena);
}

/* ---- many at once */

struct load_run {
	const struct api_load *load;
	struct api *apis;
	int epoll;
	unsigned busy; /* calls under way */
	uint64_t done;
};

static void call_next(struct load_run *run, struct api *api)
{
	api->body.size = 0;
	if (!run->load->next(run->load->ctx, &api->body))
		return;
	send_request(api, run->load->path, tb_buf_bytes(&api->body));
	run->busy++;
}

static void on_readable(struct load_run *run, struct api *api)
{
	const struct api_load *load = run->load;
	if (!read_reply(api))
		return;
	struct tb_bytes body = reply_body(api);
	if (!load->check(load->ctx, api->reply.status, body))
		bench_die("%s: %u %.*s", load->path, api->reply.status,
		          (int)(body.size < 1000 ? body.size : 1000), (const char *)body.data);
	run->busy--;
	run->done++;
	call_next(run, api);
}

double api_load_run(const struct api_load *load, uint64_t *count)
{
	struct load_run run = {.load = load, .epoll = epoll_create1(EPOLL_CLOEXEC)};
	run.apis = tb_alloc(load->clients * sizeof(*run.apis));
	for (unsigned i = 0; i < load->clients; i++) {
		struct api *api = &run.apis[i];
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = api};
		connect_to(api, load->node);
		if (fcntl(api->fd, F_SETFL, O_NONBLOCK) != 0 ||
		    epoll_ctl(run.epoll, EPOLL_CTL_ADD, api->fd, &event) != 0)
			bench_die("epoll: %s", strerror(errno));
	}
	double from = bench_now();
	for (unsigned i = 0; i < load->clients; i++)
		call_next(&run, &run.apis[i]);
	while (run.busy > 0) {
		struct epoll_event events[API_EVENTS];
		int ready = epoll_wait(run.epoll, events, API_EVENTS, API_WAIT_MS);
		if (ready <= 0)
			bench_die("%s: no reply", load->path);
		for (int i = 0; i < ready; i++)
			on_readable(&run, events[i].data.ptr);
	}
	double took = bench_now() - from;
	for (unsigned i = 0; i < load->clients; i++) {
		close(run.apis[i].fd);
		tb_buf_clear(&run.apis[i].out);
		tb_buf_clear(&run.apis[i].in);
		tb_buf_clear(&run.apis[i].body);
	}
	free(run.apis);
	close(run.epoll);
	*count = run.done;
	return took;
}
