/* What a world takes of the machine's memory, and giving back what it does not need. Changes nothing that a
 * run does. */
#pragma once

#include <stdint.h>

struct sim_memory {
	uint64_t since;      /* events at the last time that the heap was looked at */
	uint64_t most_bytes; /* that were seen: the process's own, and what the disks had in memory */
};

/* Pages of this process that no file stands behind. */
uint64_t sim_memory_own(void);
/* Between events; cheap when there is nothing to do. */
void sim_memory_tidy(struct sim_memory *memory, uint64_t events);
