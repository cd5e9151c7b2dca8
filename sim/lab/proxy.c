/* A connection has two ends and two streams:
 *
 *     caller  <--- tcp ---  ends[0]   streams[0] -->   ends[1]  --- tcp --->  called node
 *                                     <-- streams[1]
 *
 * A piece that was read waits in its stream until it is due. A stream that holds too much is not read from,
 * so that the nodes feel the slow link as they would feel a real one. */
#include "sim/lab/proxy.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

enum {
	READ_BYTES = 16 * 1024,
	HELD_MOST = 512 * 1024, /* bytes a stream holds before it is no longer read from */
	CONNECTIONS_MOST = 64,  /* of one link */
	BACKLOG = 64,
};

struct piece {
	struct piece *next;
	uint64_t due; /* uv_now() */
	size_t size;
	uint8_t data[];
};

struct stream {
	struct connection *connection;
	unsigned side; /* the end it is read from */
	struct piece *first, *last;
	size_t held;  /* bytes waiting or being written */
	uint64_t due; /* of the last piece */
	bool paused;  /* not read from */
	bool ended;   /* nothing more comes */
	uv_timer_t timer;
};

struct connection {
	struct link *link;
	struct connection *next, **back; /* in the link's list */
	uv_tcp_t ends[2];
	struct stream streams[2]; /* streams[i] is read from ends[i] and written to ends[1 - i] */
	uv_connect_t connect;
	bool connected, closing, robbed; /* robbed: bytes were swallowed, it can never go on */
	unsigned handles;                /* not closed yet */
};

struct link {
	struct lab_proxy *proxy;
	unsigned from, to;
	int port;
	uv_tcp_t listener;
	struct lab_condition condition;
	struct connection *connections;
	unsigned connections_count;
};

struct lab_proxy {
	struct lab *lab;
	uv_loop_t *loop;
	struct sim_random random;
	struct link links[LAB_NODES_MAX][LAB_NODES_MAX]; /* [from][to]; the diagonal is empty */
};

struct write {
	uv_write_t request;
	struct stream *stream;
	struct piece *piece;
};

/* ---- the end of a connection */

static void on_closed(uv_handle_t *handle)
{
	struct connection *connection = handle->data;
	if (--connection->handles > 0)
		return;
	for (unsigned i = 0; i < 2; i++) {
		while (connection->streams[i].first) {
			struct piece *piece = connection->streams[i].first;
			connection->streams[i].first = piece->next;
			free(piece);
		}
	}
	free(connection);
}

static void close_connection(struct connection *connection, bool reset)
{
	if (connection->closing)
		return;
	connection->closing = true;
	*connection->back = connection->next;
	if (connection->next)
		connection->next->back = connection->back;
	connection->link->connections_count--;
	for (unsigned i = 0; i < 2; i++) {
		uv_close((uv_handle_t *)&connection->streams[i].timer, on_closed);
		if (!reset || uv_tcp_close_reset(&connection->ends[i], on_closed) != 0)
			uv_close((uv_handle_t *)&connection->ends[i], on_closed);
	}
}

/* ---- what is carried */

static void on_read(uv_stream_t *tcp, ssize_t got, const uv_buf_t *buf);

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	(void)handle;
	(void)suggested;
	struct piece *piece = tb_alloc(sizeof(*piece) + READ_BYTES);
	*buf = uv_buf_init((char *)piece->data, READ_BYTES);
}

static void settle(struct stream *stream)
{
	struct connection *connection = stream->connection;
	if (connection->closing)
		return;
	if (stream->ended && stream->held == 0)
		close_connection(connection, false);
	else if (stream->paused && !stream->ended && stream->held < HELD_MOST / 2 && connection->connected)
		stream->paused =
			uv_read_start((uv_stream_t *)&connection->ends[stream->side], on_alloc, on_read) != 0;
}

static void on_written(uv_write_t *request, int status)
{
	struct write *write = container_of(request, struct write, request);
	struct stream *stream = write->stream;
	stream->held -= write->piece->size;
	free(write->piece);
	free(write);
	if (status < 0)
		close_connection(stream->connection, false);
	else
		settle(stream);
}

static void on_due(uv_timer_t *timer);

/* Writes what is due, and waits for the rest. */
static void pump(struct stream *stream)
{
	struct connection *connection = stream->connection;
	uint64_t now = uv_now(connection->link->proxy->loop);
	while (!connection->closing && connection->connected && stream->first && stream->first->due <= now) {
		struct piece *piece = stream->first;
		struct write *write = tb_alloc(sizeof(*write));
		uv_buf_t buf = uv_buf_init((char *)piece->data, (unsigned)piece->size);
		stream->first = piece->next;
		*write = (struct write){.stream = stream, .piece = piece};
		if (uv_write(&write->request, (uv_stream_t *)&connection->ends[1 - stream->side], &buf, 1,
		             on_written) != 0) {
			free(piece);
			free(write);
			close_connection(connection, false);
		}
	}
	if (!connection->closing && connection->connected && stream->first)
		uv_timer_start(&stream->timer, on_due, stream->first->due - now, 0);
}

static void on_due(uv_timer_t *timer)
{
	pump(container_of(timer, struct stream, timer));
}

static void carry(struct stream *stream, struct piece *piece)
{
	struct link *link = stream->connection->link;
	const struct lab_condition *condition = &link->condition;
	struct sim_random *random = &link->proxy->random;
	uint64_t now = uv_now(link->proxy->loop);
	uint64_t due = now + condition->delay_ms;
	if (condition->bytes_per_second > 0) {
		uint64_t free_at = stream->due > due ? stream->due : due;
		due = free_at + piece->size * 1000 / condition->bytes_per_second;
	}
	if (sim_random_chance(random, condition->change_ppm)) {
		piece->data[sim_random_below(random, piece->size)] ^=
			(uint8_t)(1U << sim_random_below(random, 8));
		LAB_COUNT(link->proxy->lab, changed_bytes, 1);
	}
	/* Bytes keep their order, also when a link gets faster. */
	piece->due = stream->first && stream->due > due ? stream->due : due;
	stream->due = piece->due;
	piece->next = NULL;
	if (stream->first)
		stream->last->next = piece;
	else
		stream->first = piece;
	stream->last = piece;
	stream->held += piece->size;
}

static void on_read(uv_stream_t *tcp, ssize_t got, const uv_buf_t *buf)
{
	struct connection *connection = tcp->data;
	unsigned side = (uv_tcp_t *)tcp == &connection->ends[1];
	struct stream *stream = &connection->streams[side];
	const struct lab_condition *condition = &connection->link->condition;
	struct piece *piece = buf->base ? container_of(buf->base, struct piece, data) : NULL;
	bool silent = side == 0 ? condition->silent_to : condition->silent_back;
	if (got <= 0 || silent || connection->robbed) {
		free(piece);
		if (got == 0)
			return;
		/* On a silent link, the other side does not hear of an end either. */
		if (silent || connection->robbed) {
			connection->robbed = true;
			LAB_COUNT(connection->link->proxy->lab, swallowed_bytes, got > 0 ? got : 0);
			if (got < 0)
				uv_read_stop(tcp);
			return;
		}
		uv_read_stop(tcp);
		stream->ended = true;
		settle(stream);
		return;
	}
	piece->size = (size_t)got;
	carry(stream, piece);
	pump(stream);
	if (!connection->closing && stream->held >= HELD_MOST) {
		uv_read_stop(tcp);
		stream->paused = true;
	}
}

/* ---- its beginning */

static void on_connected(uv_connect_t *request, int status)
{
	struct connection *connection = container_of(request, struct connection, connect);
	if (connection->closing)
		return;
	if (status < 0 || uv_read_start((uv_stream_t *)&connection->ends[1], on_alloc, on_read) != 0) {
		close_connection(connection, true);
		return;
	}
	connection->connected = true;
	uv_tcp_nodelay(&connection->ends[1], 1);
	pump(&connection->streams[0]);
}

static struct connection *new_connection(struct link *link)
{
	struct connection *connection = tb_alloc(sizeof(*connection));
	connection->link = link;
	connection->handles = 4;
	for (unsigned i = 0; i < 2; i++) {
		connection->streams[i].connection = connection;
		connection->streams[i].side = i;
		uv_tcp_init(link->proxy->loop, &connection->ends[i]);
		uv_timer_init(link->proxy->loop, &connection->streams[i].timer);
		connection->ends[i].data = connection;
		connection->streams[i].timer.data = connection;
	}
	connection->next = link->connections;
	connection->back = &link->connections;
	if (connection->next)
		connection->next->back = &connection->next;
	link->connections = connection;
	link->connections_count++;
	return connection;
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct link *link = container_of(listener, struct link, listener);
	struct lab *lab = link->proxy->lab;
	struct sockaddr_in address;
	if (status < 0)
		return;
	struct connection *connection = new_connection(link);
	pthread_mutex_lock(&lab->lock);
	int port = lab->nodes[link->to].port;
	lab->counts.connections++;
	pthread_mutex_unlock(&lab->lock);
	uv_ip4_addr("127.0.0.1", port, &address);
	if (uv_accept(listener, (uv_stream_t *)&connection->ends[0]) != 0 || port == 0 ||
	    link->condition.cut || link->connections_count > CONNECTIONS_MOST ||
	    uv_tcp_connect(&connection->connect, &connection->ends[1], (struct sockaddr *)&address,
	                   on_connected) != 0 ||
	    uv_read_start((uv_stream_t *)&connection->ends[0], on_alloc, on_read) != 0) {
		close_connection(connection, true);
		return;
	}
	uv_tcp_nodelay(&connection->ends[0], 1);
}

/* ---- links */

static bool open_link(struct lab_proxy *proxy, unsigned from, unsigned to)
{
	struct link *link = &proxy->links[from][to];
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int size = sizeof(address);
	*link = (struct link){.proxy = proxy, .from = from, .to = to};
	if (uv_tcp_init(proxy->loop, &link->listener) != 0 ||
	    uv_tcp_bind(&link->listener, (struct sockaddr *)&address, 0) != 0 ||
	    uv_listen((uv_stream_t *)&link->listener, BACKLOG, on_connection) != 0 ||
	    uv_tcp_getsockname(&link->listener, (struct sockaddr *)&address, &size) != 0)
		return false;
	link->port = ntohs(address.sin_port);
	return true;
}

struct lab_proxy *lab_proxy_new(struct lab *lab, void *loop)
{
	struct lab_proxy *proxy = tb_alloc(sizeof(*proxy));
	proxy->lab = lab;
	proxy->loop = loop;
	sim_random_start(&proxy->random, lab->options.seed, "proxy", 0);
	for (unsigned from = 0; from < lab->options.nodes; from++) {
		for (unsigned to = 0; to < lab->options.nodes; to++) {
			if (from != to && !open_link(proxy, from, to)) {
				lab_no_result(lab, "a port of the proxy cannot be opened");
				return proxy;
			}
		}
	}
	return proxy;
}

int lab_proxy_port(const struct lab_proxy *proxy, unsigned from, unsigned to)
{
	return proxy->links[from][to].port;
}

void lab_proxy_set(struct lab_proxy *proxy, unsigned from, unsigned to, const struct lab_condition *condition)
{
	struct link *link = &proxy->links[from][to];
	bool was_silent = link->condition.silent_to || link->condition.silent_back;
	bool silent = condition->silent_to || condition->silent_back;
	struct connection *next;
	link->condition = *condition;
	for (struct connection *connection = link->connections; connection; connection = next) {
		next = connection->next;
		if (condition->cut || (was_silent && !silent && connection->robbed))
			close_connection(connection, true);
	}
}

void lab_proxy_close(struct lab_proxy *proxy)
{
	for (unsigned from = 0; from < LAB_NODES_MAX; from++) {
		for (unsigned to = 0; to < LAB_NODES_MAX; to++) {
			struct link *link = &proxy->links[from][to];
			while (link->connections)
				close_connection(link->connections, true);
			if (link->port && !uv_is_closing((uv_handle_t *)&link->listener))
				uv_close((uv_handle_t *)&link->listener, NULL);
		}
	}
}

void lab_proxy_free(struct lab_proxy *proxy)
{
	free(proxy);
}
