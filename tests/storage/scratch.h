/* A directory of its own for each test. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Held in *state; room for names below it. */
struct scratch {
	char dir[64];
	char path[160];
};

/* In memory where there is room for it: tests sync much, and a slow disk is not what they look at. */
static inline const char *scratch_parent(void)
{
	struct statvfs shm;
	bool roomy = statvfs("/dev/shm", &shm) == 0 && (uint64_t)shm.f_bavail * shm.f_frsize > (1U << 30) &&
	             access("/dev/shm", W_OK) == 0;
	return roomy ? "/dev/shm" : "/tmp";
}

static inline int scratch_setup(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	snprintf(scratch->dir, sizeof(scratch->dir), "%s/tongban-test-XXXXXX", scratch_parent());
	*state = scratch;
	return scratch && mkdtemp(scratch->dir) ? 0 : -1;
}

static inline int scratch_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static inline int scratch_teardown(void **state)
{
	struct scratch *scratch = *state;
	int rc = nftw(scratch->dir, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(scratch);
	return rc;
}

static inline const char *scratch_path(struct scratch *scratch, const char *name)
{
	snprintf(scratch->path, sizeof(scratch->path), "%s/%s", scratch->dir, name);
	return scratch->path;
}

/* From here on no file grows beyond |bytes|: writes fail with EFBIG, as on a full disk. */
static inline void scratch_limit_files(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static inline void scratch_unlimit_files(void)
{
	scratch_limit_files(RLIM_INFINITY);
}
