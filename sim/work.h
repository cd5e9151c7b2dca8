/* People: applicants, window clerks, officers and the programs that verify. They work through the local API
 * and know what it told them; in office hours, on working days, and they lose patience. */
#pragma once

#include "sim/histogram.h"
#include "sim/node.h"

struct sim_work_counts {
	uint64_t cases;        /* submitted and acknowledged */
	uint64_t cases_closed; /* seen at their end */
	uint64_t acts;         /* of officers, done */
	uint64_t acts_refused;
	uint64_t verifications; /* answered */
	uint64_t verifications_failed;
	uint64_t materials;
	uint64_t repeated; /* requests sent again */
};

struct sim_work *sim_work_new(struct sim_world *world);
void sim_work_free(struct sim_work *work);
/* A node is up for the first time: its lists and certificates go in. */
void sim_work_furnish(struct sim_node *node);
void sim_work_begin(struct sim_world *world);
/* One question of a program at |from| to the home node |to|. */
void sim_work_verify(struct sim_world *world, uint32_t from, uint32_t to);
/* Brings every case that is still open a step nearer to its end. */
void sim_work_wind_up(struct sim_world *world);
const struct sim_work_counts *sim_work_counts(const struct sim_work *work);
const struct sim_histogram *sim_work_verify_ms(const struct sim_work *work);
const struct sim_histogram *sim_work_case_s(const struct sim_work *work);
/* Calls |each| for every case that was acknowledged. */
void sim_work_cases(struct sim_world *world,
                    bool (*each)(void *ctx, const char *number, struct sim_node *window,
                                 struct sim_node *home),
                    void *ctx);
