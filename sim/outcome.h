/* What came of a run, in one flat struct: it travels from the process that ran to the one that counts. */
#pragma once

#include "sim/check.h"
#include "sim/work.h"

struct sim_outcome {
	enum sim_verdict verdict;
	char failure[256];
	uint64_t hash;
	uint64_t events;
	sim_time simulated; /* of the world */
	double wall_seconds;
	uint64_t own_bytes;         /* of memory that the process had at its end, without the disks */
	uint64_t disk_memory_bytes; /* of memory that the disks had */
	uint64_t disk_bytes;        /* of the disks' files, in memory or not */
	uint64_t memory_most_bytes; /* of memory that both had at any time that was looked at */
	size_t nodes_count;
	struct sim_marks marks;
	struct sim_rule_count rules[SIM_RULES];
	struct sim_work_counts work;
	uint64_t disk_losses;
	uint64_t disk_faults;
};

struct sim_task {
	struct sim_options options;
	const char *file;   /* that told the run: a replay, or a story; NULL: none did */
	bool twice;         /* run again, and compare */
	const char *report; /* directory for report.html and the others; NULL: none */
	const char *events; /* file for the story as it is told; NULL: none */
	const char *save;   /* file for the replay if it fails; NULL: none */
	const char *words;  /* file for the story in words; NULL: none */
	const char *taken;  /* file for all decisions that were taken, as an array; NULL: none */
	bool (*progress)(void *ctx, const struct sim_world *world);
	void *ctx;
};

void sim_outcome_run(struct sim_outcome *outcome, const struct sim_task *task);

/* The command that gives this run. |out| is ended by a NUL. */
void sim_task_command(char *out, size_t room, const struct sim_task *task);

/* ---- replay files: seed, options, decisions to leave out; and, for people, those that were taken */

struct sim_replay {
	struct sim_options options;
	struct sim_decision *skips; /* owned */
};
/* The text of a file for |options|. |world| NULL: without what was decided. */
void sim_replay_write(struct tb_buf *out, const struct sim_options *options, const struct sim_world *world,
                      const char *failure);
TB_MUST_CHECK enum tb_code sim_replay_parse(struct sim_replay *out, const char *text, struct tb_error *err);
void sim_replay_clear(struct sim_replay *replay);
