/* Idle connections: each a channel with a pool of its own, so that none is shared. */
#include "tests/bench/rpc_priv.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/process.h"

enum { READY_SECONDS = 10 };

static void connect_one(const struct bench_node *caller, const char *address, grpc_completion_queue *queue)
{
	grpc_channel *channel = rpc_channel(caller, address);
	gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
	                                  gpr_time_from_seconds(READY_SECONDS, GPR_TIMESPAN));
	for (;;) {
		grpc_connectivity_state state = grpc_channel_check_connectivity_state(channel, 1);
		if (state == GRPC_CHANNEL_READY)
			return;
		grpc_channel_watch_connectivity_state(channel, state, until, queue, channel);
		grpc_event event =
			grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		if (!event.success)
			bench_die("an idle connection does not come about");
	}
}

static noreturn void connect_all(const struct bench_node *caller, const struct bench_node *node, int fd)
{
	char address[64];
	unsigned char count;
	grpc_init();
	grpc_completion_queue *queue = grpc_completion_queue_create_for_next(NULL);
	node_address(node, address);
	while (read(fd, &count, 1) == 1) {
		for (unsigned i = 0; i < count; i++)
			connect_one(caller, address, queue);
		if (write(fd, &count, 1) != 1)
			break;
	}
	_exit(0);
}

void rpc_idle_open(struct rpc_idle *idle, const struct bench_node *caller, const struct bench_node *node)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		bench_die("socketpair: %s", strerror(errno));
	idle->pid = rpc_fork();
	if (idle->pid == 0) {
		close(fds[0]);
		connect_all(caller, node, fds[1]);
	}
	close(fds[1]);
	idle->fd = fds[0];
}

void rpc_idle_more(struct rpc_idle *idle, unsigned count)
{
	unsigned char byte = (unsigned char)count;
	if (write(idle->fd, &byte, 1) != 1 || read(idle->fd, &byte, 1) != 1)
		bench_die("idle connections were refused");
}

void rpc_idle_close(struct rpc_idle *idle)
{
	close(idle->fd);
	kill(idle->pid, SIGKILL);
	waitpid(idle->pid, NULL, 0);
}
