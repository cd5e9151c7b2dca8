/* A directory of its own for a fuzz target that writes files; removed when the process ends. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char fuzz_scratch_dir[256];

static inline int fuzz_scratch_drop(const char *path, const struct stat *info, int kind, struct FTW *at)
{
	(void)info;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline void fuzz_scratch_end(void)
{
	nftw(fuzz_scratch_dir, fuzz_scratch_drop, 8, FTW_DEPTH | FTW_PHYS);
}

static inline const char *fuzz_scratch(void)
{
	const char *under = getenv("TMPDIR");
	if (fuzz_scratch_dir[0])
		return fuzz_scratch_dir;
	snprintf(fuzz_scratch_dir, sizeof(fuzz_scratch_dir), "%.200s/tongban-fuzz-XXXXXX",
	         under && *under ? under : "/tmp");
	if (!mkdtemp(fuzz_scratch_dir))
		abort();
	atexit(fuzz_scratch_end);
	return fuzz_scratch_dir;
}
