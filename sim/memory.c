#include "sim/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "sim/disk.h"

enum {
	DISKS_GROW = 448 << 20,  /* bytes, of all disks together */
	HEAP_EVERY = 256 * 1024, /* events */
};

uint64_t sim_memory_own(void)
{
	unsigned long long all, resident = 0, shared = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file && fscanf(file, "%llu %llu %llu", &all, &resident, &shared) != 3)
		resident = shared = 0;
	if (file)
		fclose(file);
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void sim_memory_tidy(struct sim_memory *memory, uint64_t events)
{
	uint64_t disks = sim_disks_cool(DISKS_GROW);
	if (disks == 0 && events - memory->since < HEAP_EVERY)
		return;
	uint64_t taken = sim_memory_own() + disks;
	if (taken > memory->most_bytes)
		memory->most_bytes = taken;
	memory->since = events;
	/* LMDB's pages of each commit lie between what stays: half of the heap would be holes. */
	(void)malloc_trim(0);
}
