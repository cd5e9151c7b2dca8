/* The local API's doors: the Unix socket, and a TCP port if the configuration names one. */
#include "node/io/http_priv.h"

#include "base/log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	/* Each of MHD's threads has an equal share of a door's connections. It must stay well below 128: when
	 * a thread of libmicrohttpd 0.9.75 is given 128 events at once (MAX_EVENTS in MHD_epoll()), it waits
	 * for more before it looks at any of them, and its connections hang until one comes. */
	HTTP_CONNECTIONS_MAX = 360,
	/* Of the port, from one address. A reverse proxy needs them all, and has one address. */
	HTTP_ADDRESS_CONNECTIONS_MAX = 120,
	HTTP_THREADS = 3,
	HTTP_WORKERS = 2,
	HTTP_CONNECTION_BYTES =
		16 * 1024,    /* read buffer; libmicrohttpd clears all of it after every request */
	HTTP_STRANGER_S = 15, /* a connection to the port on which no token came yet may be idle for this */
	HTTP_FLUSH_MS = 1000, /* time for the last replies when closing */
};

static void TB_PRINTF(2, 0) on_log(void *ctx, const char *fmt, va_list args)
{
	(void)ctx;
	char text[256];
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	tb_log(TB_LOG_DEBUG, "api.http", "text", text, NULL);
}

/* ---- listening */

static enum tb_code listen_unix(int *out, const char *path, struct tb_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	*out = -1;
	if (strlen(path) >= sizeof(address.sun_path))
		return tb_fail(err, TB_EINVALID, "%.120s...: over %zu bytes, too long for a Unix socket",
		               path, sizeof(address.sun_path) - 1);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return tb_fail(err, TB_EIO, "no socket: %s", strerror(errno));
	unlink(path);
	/* The mode before the name exists, so that there is no moment in which others may connect. */
	if (fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(path, 0600) != 0 || listen(fd, HTTP_CONNECTIONS_MAX) != 0) {
		enum tb_code code =
			tb_fail(err, TB_EIO, "%s: cannot listen there: %s", path, strerror(errno));
		close(fd);
		return code;
	}
	*out = fd;
	return TB_OK;
}

static int try_address(const struct addrinfo *info)
{
	int on = 1;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	/* A restart need not wait for the connections of before to be forgotten. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, HTTP_CONNECTIONS_MAX) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static enum tb_code listen_tcp(int *out, const char *address, struct tb_error *err)
{
	char host[256], *name = host;
	const char *colon = strrchr(address, ':');
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	*out = -1;
	if (!colon || (size_t)(colon - address) >= sizeof(host))
		return tb_refuse(err, TB_REASON_CONFIG_API_LISTEN, address, NULL);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
	if (host[0] == '[') { /* an IPv6 address */
		host[strlen(host) - 1] = '\0';
		name++;
	}
	int rc = getaddrinfo(name, colon + 1, &hints, &found);
	if (rc != 0)
		return tb_fail(err, TB_EINVALID, "api.listen: %.200s: %s", address, gai_strerror(rc));
	for (const struct addrinfo *info = found; info && *out < 0; info = info->ai_next)
		*out = try_address(info);
	int why = errno;
	freeaddrinfo(found);
	if (*out < 0)
		return tb_refuse(err, TB_REASON_CONFIG_API_BUSY, address, strerror(why), NULL);
	return TB_OK;
}

static unsigned door_port(const struct http_door *door)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	if (door->fd < 0 || getsockname(door->fd, (struct sockaddr *)&address, &size) != 0)
		return 0;
	if (address.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)&address)->sin6_port);
	return ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

unsigned http_tcp_port(struct http *http)
{
	return door_port(&http->doors[HTTP_TCP]);
}

static enum tb_code door_open(struct http_door *door, struct tb_error *err)
{
	const struct http_setup *setup = &door->http->setup;
	bool tls = door->wants_token && setup->tls_chain_pem;
	unsigned flags =
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem with_tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)setup->tls_chain_pem},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)setup->tls_key_pem},
		{MHD_OPTION_HTTPS_PRIORITIES, 0,
	         (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem without[] = {{MHD_OPTION_END, 0, NULL}};
	unsigned of_address = door->wants_token ? HTTP_ADDRESS_CONNECTIONS_MAX : 0;
	unsigned idle_s = door->wants_token ? HTTP_STRANGER_S : HTTP_IDLE_S;
	door->daemon = MHD_start_daemon(
		tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, http_on_access, door,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, door->fd,
		MHD_OPTION_THREAD_POOL_SIZE, (unsigned)HTTP_THREADS, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, idle_s,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, of_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_CONNECTION_BYTES, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, NULL,
		MHD_OPTION_ARRAY, tls ? with_tls : without, MHD_OPTION_END);
	if (door->daemon)
		return TB_OK;
	if (tls)
		return tb_fail(err, TB_EINVALID,
		               "api.tls: no server can be made with this certificate and key");
	return tb_fail(err, TB_EIO, "%.120s: the HTTP server cannot start",
	               door->wants_token ? setup->tcp_listen : setup->socket_path);
}

/* ---- opening and closing */

enum tb_code http_open(struct http **out, const struct http_setup *setup, struct tb_error *err)
{
	struct http *http = tb_alloc(sizeof(*http));
	*out = NULL;
	http->setup = *setup;
	for (int i = 0; i < HTTP_DOORS; i++)
		http->doors[i] = (struct http_door){.http = http, .fd = -1, .wants_token = i == HTTP_TCP};
	pthread_mutex_init(&http->mutex, NULL);
	pthread_cond_init(&http->changed, NULL);
	http->workers = workers_new(HTTP_WORKERS);
	http->guesses = guesses_new();
	http_readers_open(http);
	enum tb_code code = listen_unix(&http->doors[HTTP_SOCKET].fd, setup->socket_path, err);
	if (code == TB_OK && setup->tcp_listen)
		code = listen_tcp(&http->doors[HTTP_TCP].fd, setup->tcp_listen, err);
	for (int i = 0; i < HTTP_DOORS && code == TB_OK; i++) {
		if (http->doors[i].fd >= 0)
			code = door_open(&http->doors[i], err);
	}
	if (code != TB_OK) {
		http_close(http);
		return code;
	}
	*out = http;
	return TB_OK;
}

void http_drain_begin(struct http *http)
{
	if (atomic_exchange(&http->draining, true))
		return;
	if (http->doors[HTTP_SOCKET].fd >= 0)
		unlink(http->setup.socket_path);
	for (int i = 0; i < HTTP_DOORS; i++) {
		if (http->doors[i].daemon)
			MHD_quiesce_daemon(http->doors[i].daemon);
	}
	http_readers_wake(http);
}

size_t http_running(struct http *http)
{
	pthread_mutex_lock(&http->mutex);
	size_t running = http->running;
	pthread_mutex_unlock(&http->mutex);
	return running;
}

static void wait_flushed(struct http *http)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HTTP_FLUSH_MS / 1000;
	int rc = 0;
	pthread_mutex_lock(&http->mutex);
	while (http->running > 0 && rc == 0)
		rc = pthread_cond_timedwait(&http->changed, &http->mutex, &until);
	pthread_mutex_unlock(&http->mutex);
}

static void doors_close(struct http *http)
{
	if (http->doors[HTTP_SOCKET].daemon)
		wait_flushed(http);
	for (int i = 0; i < HTTP_DOORS; i++) {
		if (http->doors[i].daemon)
			MHD_stop_daemon(http->doors[i].daemon);
		if (http->doors[i].fd >= 0)
			close(http->doors[i].fd);
	}
}

void http_close(struct http *http)
{
	if (!http)
		return;
	http_drain_begin(http);
	/* From here on nothing more is given to the workers. */
	pthread_mutex_lock(&http->mutex);
	http->closing = true;
	pthread_mutex_unlock(&http->mutex);
	workers_drain_and_free(http->workers);
	http_readers_close(http);
	pthread_mutex_lock(&http->mutex);
	while (http->at_once > 0)
		pthread_cond_wait(&http->changed, &http->mutex);
	pthread_mutex_unlock(&http->mutex);
	/* What is away now waits for a turn that will not come. */
	for (;;) {
		pthread_mutex_lock(&http->mutex);
		struct call *call = http->away;
		pthread_mutex_unlock(&http->mutex);
		if (!call)
			break;
		call->error.code = tb_refuse(&call->error, TB_REASON_NODE_FATE, NULL);
		http_call_back(call);
	}
	doors_close(http);
	pthread_cond_destroy(&http->readers_due);
	pthread_cond_destroy(&http->changed);
	pthread_mutex_destroy(&http->mutex);
	guesses_free(http->guesses);
	free(http);
}
