/* What the files that play a story share. */
#pragma once

#include "sim/play.h"
#include "sim/scenario.h"

enum { PLAY_ID_ROOM = 64 };

/* What a story calls a case: it, or (from 1 on) a part of it. */
struct play_case {
	struct sim_case *kase; /* NULL until it is handed in */
	size_t part;
};

struct sim_play {
	const struct sim_scenario *scenario;
	struct play_case *cases;          /* by label */
	char (*agreements)[PLAY_ID_ROOM]; /* by label; "" until proposed */
	char (*matters)[PLAY_ID_ROOM];    /* by label; "" until opened */
};

/* People who find the computer down, or nothing there yet, come back. */
#define PLAY_LATER SIM_MINUTE

/* The step cannot be done: the run ends. */
void play_impossible(struct sim_world *world, const struct sim_step *step, const char *why);
/* An expectation is not met: the run ends. */
void play_unmet(struct sim_world *world, const struct sim_step *step, const char *fmt, ...) TB_PRINTF(3, 4);
/* Does the step once more, later. */
void play_again(struct sim_world *world, const struct sim_step *step);
/* The number of the step's case, or of the part; "": not yet. */
const char *play_case_number(struct sim_world *world, const struct sim_step *step);

/* play_pact.c: agreements and matters */
void play_propose(struct sim_world *world, const struct sim_step *step);
void play_sign(struct sim_world *world, const struct sim_step *step);
void play_end(struct sim_world *world, const struct sim_step *step);
void play_open(struct sim_world *world, const struct sim_step *step);
void play_post(struct sim_world *world, const struct sim_step *step);
void play_expect_agreement(struct sim_world *world, const struct sim_step *step);
void play_expect_matter(struct sim_world *world, const struct sim_step *step);
