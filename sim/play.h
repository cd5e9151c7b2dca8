/* A scenario's steps, done to a world; and its expectations. A step that cannot be done, and an expectation
 * that is not met, end the run and name the line of the file. */
#pragma once

#include "sim/world.h"

/* Makes |options| those of the story, which is borrowed; the rest of them stays. */
void sim_scenario_options(struct sim_options *options, const struct sim_scenario *scenario);
/* For a world whose options have a scenario. */
struct sim_play *sim_play_new(struct sim_world *world);
void sim_play_free(struct sim_play *play);
void sim_play_begin(struct sim_world *world);
/* The expectations of the end, before everything is healed. */
void sim_play_end(struct sim_world *world);
