/* The nodes' processes: directories, start, end, and start again, as a service manager would. Loop's thread,
 * but for the preparation. */
#pragma once

#include "sim/lab/lab.h"
#include "sim/random.h"

struct lab_process {
	struct lab *lab;
	struct lab_node *node;
	pid_t pid;         /* 0: none */
	lab_time start_at; /* when it is started if there is none; INT64_MAX: not by itself */
	lab_time stop_by;  /* asked to stop: killed then */
	bool killed;       /* by the lab, -9 */
	bool paused;       /* by the lab, SIGSTOP */
	bool seen_paused;  /* and it has stopped */
	bool told_up;
	/* Its disk. */
	bool full;
	int64_t file_most; /* bytes that a file may have, while full; -1: as many as fit */
	unsigned failures; /* starts that failed one after the other */
};

/* Makes the directory and introduces nobody. Preparation; TB_EIO with the command's words. */
TB_MUST_CHECK enum tb_code lab_life_init(struct lab *lab, unsigned index, struct tb_error *err);
/* Every node learns the anchors of |index|. */
TB_MUST_CHECK enum tb_code lab_life_introduce(struct lab *lab, unsigned index, struct tb_error *err);
/* What |to| may do at |at|, and the port where it is reached. */
TB_MUST_CHECK enum tb_code lab_life_grant(struct lab *lab, unsigned at, unsigned to, int port,
                                          struct tb_error *err);

/* Looks after a process: reaps it, judges its end, starts it when that is due, finds its port. */
void lab_life_tick(struct lab_process *process, struct sim_random *random);

void lab_life_kill(struct lab_process *process, lab_time start_at);
void lab_life_pause(struct lab_process *process);
void lab_life_resume(struct lab_process *process);
/* SIGTERM; not started again before |start_at|. */
void lab_life_stop(struct lab_process *process, lab_time start_at);

/* No room on its disk but |slack| bytes; and room again. */
void lab_life_fill(struct lab_process *process, uint64_t slack);
void lab_life_free(struct lab_process *process);
/* A private mount namespace with a file system of its own for every second node, if that can be had. */
void lab_life_mount(struct lab *lab);
