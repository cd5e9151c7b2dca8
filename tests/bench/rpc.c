#include "tests/bench/rpc_priv.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

#define ECHO_PATH "/bench.Bench/Echo"
#define STREAM_PATH "/bench.Bench/Stream"

enum { ASKED = 64, WARM_MS = 300 };

/* ---- credentials */

static int take_any(void *user_data, grpc_tls_custom_verification_check_request *request,
                    grpc_tls_on_custom_verification_check_done_cb callback, void *callback_arg,
                    grpc_status_code *sync_status, char **sync_error_details)
{
	(void)user_data;
	(void)callback;
	(void)callback_arg;
	(void)sync_error_details;
	/* Both sides must show one. */
	bool shown = request->peer_info.peer_cert && request->peer_info.peer_cert[0];
	*sync_status = shown ? GRPC_STATUS_OK : GRPC_STATUS_UNAUTHENTICATED;
	return 1;
}

static void never(void *user_data, grpc_tls_custom_verification_check_request *request)
{
	(void)user_data;
	(void)request;
}

static void keep(void *user_data)
{
	(void)user_data;
}

static grpc_tls_certificate_verifier_external any_verifier = {
	.verify = take_any,
	.cancel = never,
	.destruct = keep,
};

grpc_tls_credentials_options *rpc_credentials(const struct bench_node *node)
{
	char path[BENCH_PATH_ROOM + 32];
	struct tb_buf key = {0};
	struct tb_buf cert = {0};
	snprintf(path, sizeof(path), "%s/keys/node.key", node->dir);
	bench_read_file(&key, path);
	snprintf(path, sizeof(path), "%s/certs/node.pem", node->dir);
	bench_read_file(&cert, path);
	grpc_tls_identity_pairs *pairs = grpc_tls_identity_pairs_create();
	grpc_tls_identity_pairs_add_pair(pairs, tb_buf_text(&key), tb_buf_text(&cert));
	grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
	grpc_tls_credentials_options_set_certificate_provider(
		options, grpc_tls_certificate_provider_static_data_create(NULL, pairs));
	grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
	grpc_tls_credentials_options_set_certificate_verifier(
		options, grpc_tls_certificate_verifier_external_create(&any_verifier));
	tb_buf_clear(&key);
	tb_buf_clear(&cert);
	return options;
}

grpc_channel *rpc_channel(const struct bench_node *node, const char *address)
{
	grpc_tls_credentials_options *options = rpc_credentials(node);
	grpc_tls_credentials_options_set_verify_server_cert(options, 0);
	grpc_tls_credentials_options_set_check_call_host(options, 0);
	grpc_arg own = {.type = GRPC_ARG_INTEGER,
	                .key = (char *)(uintptr_t)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
	                .value.integer = 1};
	grpc_channel_args args = {1, &own};
	grpc_channel_credentials *credentials = grpc_tls_credentials_create(options);
	grpc_channel *channel = grpc_channel_create(address, credentials, &args);
	grpc_channel_credentials_release(credentials);
	return channel;
}

/* gRPC says on stderr that certificates which name regions match no host name. */
static void quiet(gpr_log_func_args *args)
{
	(void)args;
}

pid_t rpc_fork(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	gpr_set_log_function(quiet);
	return 0;
}

static grpc_slice filled(unsigned bytes)
{
	grpc_slice slice = grpc_slice_malloc(bytes);
	memset(GRPC_SLICE_START_PTR(slice), 0x5A, bytes);
	return slice;
}

/* ---- the server: echoes for ever, streams for ever */

struct served {
	bool stream;
	enum { SERVED_ASKED, SERVED_SENDING, SERVED_ENDING } state;
	grpc_call *call;
	gpr_timespec deadline;
	grpc_metadata_array metadata;
	grpc_byte_buffer *message; /* that came, or that is sent again and again */
	int cancelled;
};

struct server {
	grpc_server *grpc;
	grpc_completion_queue *queue;
	void *echo;
	void *stream;
	grpc_slice part;
};

static void server_ask(const struct server *server, bool stream)
{
	struct served *served = tb_alloc(sizeof(*served));
	served->stream = stream;
	grpc_metadata_array_init(&served->metadata);
	grpc_call_error error = grpc_server_request_registered_call(
		server->grpc, stream ? server->stream : server->echo, &served->call, &served->deadline,
		&served->metadata, &served->message, server->queue, server->queue, served);
	assert(error == GRPC_CALL_OK);
	(void)error;
}

static void server_echo(struct served *served)
{
	grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
	                  {.op = GRPC_OP_SEND_MESSAGE},
	                  {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
	                  {.op = GRPC_OP_RECV_CLOSE_ON_SERVER}};
	ops[1].data.send_message.send_message = served->message;
	ops[2].data.send_status_from_server.status = GRPC_STATUS_OK;
	ops[3].data.recv_close_on_server.cancelled = &served->cancelled;
	served->state = SERVED_ENDING;
	grpc_call_error error = grpc_call_start_batch(served->call, ops, 4, served, NULL);
	assert(error == GRPC_CALL_OK);
	(void)error;
	grpc_byte_buffer_destroy(served->message);
	served->message = NULL;
}

static void server_part(struct server *server, struct served *served)
{
	grpc_op ops[2] = {{.op = GRPC_OP_SEND_MESSAGE}, {.op = GRPC_OP_SEND_INITIAL_METADATA}};
	grpc_byte_buffer *part = grpc_raw_byte_buffer_create(&server->part, 1);
	ops[0].data.send_message.send_message = part;
	size_t count = served->state == SERVED_ASKED ? 2 : 1;
	served->state = SERVED_SENDING;
	grpc_call_error error = grpc_call_start_batch(served->call, ops, count, served, NULL);
	assert(error == GRPC_CALL_OK);
	(void)error;
	grpc_byte_buffer_destroy(part);
}

static void server_event(struct server *server, struct served *served, bool ok)
{
	if (served->state == SERVED_ASKED)
		server_ask(server, served->stream);
	if (ok && served->stream) {
		server_part(server, served);
		return;
	}
	if (ok && served->state == SERVED_ASKED) {
		server_echo(served);
		return;
	}
	grpc_metadata_array_destroy(&served->metadata);
	if (served->call)
		grpc_call_unref(served->call);
	free(served);
}

/* Never returns: it is killed. Writes its port to |fd|. */
static noreturn void serve(const struct bench_node *node, unsigned bytes, int fd)
{
	struct server server = {0};
	grpc_init();
	server.grpc = grpc_server_create(NULL, NULL);
	server.queue = grpc_completion_queue_create_for_next(NULL);
	server.echo = grpc_server_register_method(server.grpc, ECHO_PATH, NULL,
	                                          GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
	server.stream = grpc_server_register_method(server.grpc, STREAM_PATH, NULL,
	                                            GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
	server.part = filled(bytes);
	grpc_server_register_completion_queue(server.grpc, server.queue, NULL);
	grpc_tls_credentials_options *options = rpc_credentials(node);
	grpc_tls_credentials_options_set_cert_request_type(
		options, GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
	int port = grpc_server_add_http2_port(server.grpc, "127.0.0.1:0",
	                                      grpc_tls_server_credentials_create(options));
	grpc_server_start(server.grpc);
	for (int i = 0; i < ASKED; i++)
		server_ask(&server, false);
	server_ask(&server, true);
	if (port == 0 || write(fd, &port, sizeof(port)) != sizeof(port))
		_exit(1);
	for (;;) {
		grpc_event event =
			grpc_completion_queue_next(server.queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		if (event.type == GRPC_OP_COMPLETE)
			server_event(&server, event.tag, event.success != 0);
	}
}

/* ---- the clients */

struct calling {
	grpc_call *call;
	grpc_metadata_array initial;
	grpc_metadata_array trailing;
	grpc_byte_buffer *reply;
	grpc_status_code status;
	grpc_slice details;
};

static void call_open(struct calling *calling, grpc_channel *channel, grpc_completion_queue *queue,
                      const char *path)
{
	*calling = (struct calling){.details = grpc_empty_slice()};
	grpc_metadata_array_init(&calling->initial);
	grpc_metadata_array_init(&calling->trailing);
	calling->call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
	                                         grpc_slice_from_static_string(path), NULL,
	                                         gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

/* Sends |request| and waits for the status; for the answer too if |answer|. */
static void call_begin(struct calling *calling, grpc_slice *payload, bool answer)
{
	/* Sending empties the buffer, so each call has its own. */
	grpc_byte_buffer *request = grpc_raw_byte_buffer_create(payload, 1);
	grpc_op ops[6] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},  {.op = GRPC_OP_SEND_MESSAGE},
	                  {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, {.op = GRPC_OP_RECV_INITIAL_METADATA},
	                  {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},  {.op = GRPC_OP_RECV_MESSAGE}};
	ops[1].data.send_message.send_message = request;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &calling->initial;
	ops[4].data.recv_status_on_client.trailing_metadata = &calling->trailing;
	ops[4].data.recv_status_on_client.status = &calling->status;
	ops[4].data.recv_status_on_client.status_details = &calling->details;
	ops[5].data.recv_message.recv_message = &calling->reply;
	grpc_call_error error = grpc_call_start_batch(calling->call, ops, answer ? 6 : 5, calling, NULL);
	assert(error == GRPC_CALL_OK);
	(void)error;
	grpc_byte_buffer_destroy(request);
}

static void call_close(struct calling *calling)
{
	if (calling->status != GRPC_STATUS_OK || !calling->reply)
		bench_die("bare gRPC call: status %d", (int)calling->status);
	grpc_byte_buffer_destroy(calling->reply);
	grpc_metadata_array_destroy(&calling->initial);
	grpc_metadata_array_destroy(&calling->trailing);
	grpc_slice_unref(calling->details);
	grpc_call_unref(calling->call);
}

static void *next_tag(grpc_completion_queue *queue)
{
	grpc_event event = grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	assert(event.type == GRPC_OP_COMPLETE);
	return event.tag;
}

static double echo_client(grpc_channel *channel, unsigned seconds, unsigned in_flight, unsigned bytes)
{
	grpc_completion_queue *queue = grpc_completion_queue_create_for_next(NULL);
	struct calling *all = tb_alloc(in_flight * sizeof(*all));
	grpc_slice request = filled(bytes);
	for (unsigned i = 0; i < in_flight; i++) {
		call_open(&all[i], channel, queue, ECHO_PATH);
		call_begin(&all[i], &request, true);
	}
	uint64_t done = 0;
	double from = bench_now() + WARM_MS / 1000.0;
	double now = bench_now();
	while (now < from + seconds) {
		struct calling *calling = next_tag(queue);
		call_close(calling);
		now = bench_now();
		done += now >= from;
		call_open(calling, channel, queue, ECHO_PATH);
		call_begin(calling, &request, true);
	}
	return (double)done / (now - from);
}

static void receive_part(struct calling *calling)
{
	grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
	op.data.recv_message.recv_message = &calling->reply;
	grpc_call_error error = grpc_call_start_batch(calling->call, &op, 1, &calling->reply, NULL);
	assert(error == GRPC_CALL_OK);
	(void)error;
}

static double stream_client(grpc_channel *channel, unsigned seconds, unsigned bytes)
{
	grpc_completion_queue *queue = grpc_completion_queue_create_for_next(NULL);
	struct calling calling;
	call_open(&calling, channel, queue, STREAM_PATH);
	grpc_slice request = filled(1);
	call_begin(&calling, &request, false);
	receive_part(&calling);
	uint64_t parts = 0;
	double from = bench_now() + WARM_MS / 1000.0;
	double now = bench_now();
	while (now < from + seconds) {
		if (next_tag(queue) != &calling.reply || !calling.reply)
			bench_die("bare gRPC stream: it ended");
		if (grpc_byte_buffer_length(calling.reply) != bytes)
			bench_die("bare gRPC stream: a part is cut");
		grpc_byte_buffer_destroy(calling.reply);
		receive_part(&calling);
		now = bench_now();
		parts += now >= from;
	}
	return (double)parts * bytes / (now - from) / 1e6;
}

/* ---- the pair */

static void read_all(int fd, void *out, size_t size, const char *what)
{
	if (read(fd, out, size) != (ssize_t)size)
		bench_die("%s ended early", what);
}

static double pair_run(const struct bench *bench, bool stream, unsigned in_flight, unsigned bytes)
{
	int pipes[2];
	int port;
	double rate;
	int status;
	if (pipe(pipes) != 0)
		bench_die("pipe: %s", strerror(errno));
	pid_t server = rpc_fork();
	if (server == 0)
		serve(&bench->home, bytes, pipes[1]);
	read_all(pipes[0], &port, sizeof(port), "the bare gRPC server");
	pid_t client = rpc_fork();
	if (client == 0) {
		char address[64];
		grpc_init();
		snprintf(address, sizeof(address), "127.0.0.1:%d", port);
		grpc_channel *channel = rpc_channel(&bench->caller, address);
		rate = stream ? stream_client(channel, bench->seconds, bytes)
		              : echo_client(channel, bench->seconds, in_flight, bytes);
		_exit(write(pipes[1], &rate, sizeof(rate)) == sizeof(rate) ? 0 : 1);
	}
	if (waitpid(client, &status, 0) != client || status != 0)
		bench_die("the bare gRPC client failed");
	read_all(pipes[0], &rate, sizeof(rate), "the bare gRPC client");
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
	return rate;
}

double rpc_echo(const struct bench *bench, unsigned in_flight, unsigned bytes)
{
	return pair_run(bench, false, in_flight, bytes);
}

double rpc_stream(const struct bench *bench, unsigned bytes)
{
	return pair_run(bench, true, 1, bytes);
}
