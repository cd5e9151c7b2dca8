#include "sim/job.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 500 };

static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
	caught = number;
}

void sim_job_catch_signals(void)
{
	/* Without SA_RESTART: who waits must see it. */
	struct sigaction action = {.sa_handler = catch_signal};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int sim_job_signal(void)
{
	return caught;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static _Noreturn void run_child(const struct sim_job *job, int fd, pid_t parent)
{
	struct sim_outcome outcome;
	struct rlimit cpu = {job->cpu_seconds, job->cpu_seconds};
	/* A terminal's Ctrl-C is for the parent, which must not be outlived. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	if (job->cpu_seconds)
		setrlimit(RLIMIT_CPU, &cpu);
	sim_outcome_run(&outcome, &job->task);
	for (size_t at = 0; at < sizeof(outcome);) {
		ssize_t wrote = write(fd, (const char *)&outcome + at, sizeof(outcome) - at);
		if (wrote <= 0)
			_exit(EXIT_FAILURE);
		at += (size_t)wrote;
	}
	_exit(0);
}

void sim_job_start(struct sim_job *job, const char *dir, unsigned number)
{
	int ends[2];
	pid_t parent = getpid();
	snprintf(job->dir, sizeof(job->dir), "%.200s/tongban-sim.%d.%u", dir, (int)parent, number);
	job->task.options.dir = job->dir;
	job->got = 0;
	fflush(stdout); /* or the child's copy would be written, too, where it crashes tidily */
	if (pipe(ends) != 0 || (job->pid = fork()) < 0) {
		perror("tongban-sim");
		exit(EXIT_FAILURE);
	}
	if (job->pid == 0) {
		close(ends[0]);
		run_child(job, ends[1], parent);
	}
	close(ends[1]);
	job->fd = ends[0];
}

static void save_crash(const struct sim_job *job)
{
	struct tb_buf text = {0};
	FILE *file = job->task.save ? fopen(job->task.save, "w") : NULL;
	sim_replay_write(&text, &job->task.options, NULL, job->outcome.failure);
	if (file) {
		fwrite(text.data, 1, text.size, file);
		fclose(file);
	}
	tb_buf_clear(&text);
}

/* The process is gone, or will be; how it ended, and how much CPU it used. */
static int reap(struct sim_job *job, unsigned *cpu_seconds)
{
	int status = 0;
	struct rusage used = {0};
	while (wait4(job->pid, &status, 0, &used) < 0 && errno == EINTR)
		;
	*cpu_seconds = (unsigned)(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1);
	close(job->fd);
	job->pid = 0;
	(void)nftw(job->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}

void sim_job_end(struct sim_job *job)
{
	unsigned used;
	int status = reap(job, &used);
	if (job->got == sizeof(job->outcome) && WIFEXITED(status))
		return;
	bool late = job->cpu_seconds && WIFSIGNALED(status) && used >= job->cpu_seconds &&
	            (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
	job->outcome = (struct sim_outcome){.verdict = SIM_DIED};
	if (late)
		snprintf(job->outcome.failure, sizeof(job->outcome.failure),
		         "it was stopped after %u s of CPU", job->cpu_seconds);
	else if (WIFSIGNALED(status))
		snprintf(job->outcome.failure, sizeof(job->outcome.failure), "signal %d: %s",
		         WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(job->outcome.failure, sizeof(job->outcome.failure), "the process ended by itself");
	save_crash(job);
}

void sim_job_kill(struct sim_job *job)
{
	unsigned used;
	kill(job->pid, SIGKILL);
	(void)reap(job, &used);
	job->outcome = (struct sim_outcome){0};
}

bool sim_job_read(struct sim_job *job)
{
	ssize_t got = read(job->fd, (char *)&job->outcome + job->got, sizeof(job->outcome) - job->got);
	if (got > 0)
		job->got += (size_t)got;
	return got <= 0 ? !(got < 0 && errno == EINTR) : job->got == sizeof(job->outcome);
}

void sim_job_run(struct sim_job *job, const char *dir)
{
	sim_job_start(job, dir, 0);
	for (bool all = false; !all && !caught;) {
		struct pollfd ready = {.fd = job->fd, .events = POLLIN};
		all = poll(&ready, 1, POLL_MS) > 0 && sim_job_read(job);
	}
	if (caught) {
		int number = caught;
		sim_job_kill(job);
		signal(number, SIG_DFL);
		raise(number);
	}
	sim_job_end(job);
}
