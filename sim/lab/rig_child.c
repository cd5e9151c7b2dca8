#include "sim/lab/rig_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void redirect(const char *path, int flags, int fd)
{
	int file = open(path, flags | O_CREAT, 0600);
	if (file < 0 || dup2(file, fd) < 0)
		_exit(126);
	close(file);
}

pid_t rig_child_start(const struct rig_child *child)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, child->death_signal);
	if (getppid() != parent)
		_exit(126);
	int flags = O_WRONLY | (child->append ? O_APPEND : O_TRUNC);
	redirect("/dev/null", O_RDONLY, STDIN_FILENO);
	redirect(child->out, flags, STDOUT_FILENO);
	redirect(child->err, flags, STDERR_FILENO);
	execv(child->program, child->argv);
	_exit(127);
}

int rig_child_run(const char *program, const char *const *args, const char *out, const char *err)
{
	char *argv[RIG_ARGS_MAX + 2];
	size_t count = 0;
	int status;
	/* execv() takes what it does not write to as char *. */
	argv[count++] = (char *)(uintptr_t)program;
	for (; *args && count <= RIG_ARGS_MAX; args++)
		argv[count++] = (char *)(uintptr_t)*args;
	argv[count] = NULL;
	struct rig_child child = {
		.program = program, .argv = argv, .out = out, .err = err, .death_signal = SIGTERM};
	pid_t pid = rig_child_start(&child);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) != pid) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}
