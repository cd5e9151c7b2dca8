/* Faults: the seed draws how often each kind happens, then when and to whom (swarm testing). */
#pragma once

#include "sim/disk.h"
#include "sim/world.h"

struct sim_preset;

/* NULL if there is none of that name. */
const struct sim_preset *sim_preset_find(const char *name);
/* The presets in order; NULL after the last. */
const struct sim_preset *sim_preset_at(size_t index);
const char *sim_preset_name(const struct sim_preset *preset);
bool sim_preset_holiday(const struct sim_preset *preset);

/* What was drawn for this world. Chances are in millionths; rates are for each node and day. */
struct sim_rates {
	/* The net, for each call. */
	uint32_t lose_request;
	uint32_t lose_answer;
	uint32_t duplicate;
	uint32_t cut_stream; /* for each part of a material */
	sim_time tail;       /* mean of what is added to the latency */
	uint64_t bytes_a_second;
	/* Nodes. */
	double crashes;
	double power_losses;
	double pauses;
	double clock_steps;
	double restores;
	double disk_faults; /* windows of some minutes */
	double disk_fulls;
	double regrants;
	double upgrades; /* to the next release, or back */
	double rots;
	uint32_t cut_in_commit;      /* of the losses of power */
	struct sim_disk_faults disk; /* in such a window */
	int64_t clock_drift;         /* parts in a million, at most, either way */
	tb_time clock_offset;        /* at most, either way */
	/* The world, for each day. */
	double cuts;
	double clogs;
	bool north_south;
	bool flapping; /* one city again and again */
	/* Peers. */
	uint32_t hostile; /* of nodes */
	double hostile_acts;
	/* Work: how often the same as elsewhere. */
	double load;
	tb_time describe_every;
};

struct sim_faults *sim_faults_new(struct sim_world *world);
void sim_faults_free(struct sim_faults *faults);
const struct sim_rates *sim_rates(const struct sim_world *world);
void sim_faults_begin(struct sim_world *world);
/* No fault happens any more, and what was broken is mended: links, clocks, disks, nodes. */
void sim_faults_heal(struct sim_world *world);
