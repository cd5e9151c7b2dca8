/* Small worlds for tests, with their disks in a scratch directory. */
#pragma once

#include "tests/storage/scratch.h"

#include "sim/check.h"
#include "sim/faults.h"
#include "sim/net.h"
#include "sim/work.h"

static inline struct sim_options world_options(const struct scratch *scratch, uint64_t seed, uint32_t nodes,
                                               const char *preset)
{
	static char dir[200];
	snprintf(dir, sizeof(dir), "%s/world", scratch->dir);
	return (struct sim_options){.seed = seed,
	                            .nodes_count = nodes,
	                            .preset = sim_preset_find(preset),
	                            .span = 8 * SIM_HOUR,
	                            .cases_a_day = 40,
	                            .verifications_a_day = 100,
	                            .liveness = true,
	                            .dir = dir,
	                            .story_ordinary = 200,
	                            .story_kept = 200};
}
