/* What a run is asked to be. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum { LAB_NODES_MAX = 24 };

/* name, word of --faults, expected per minute if nothing else is said, sentence */
#define LAB_FAULT_MAP(XX)                                                                               \
	XX(LAB_KILL, "kill", 6, "kill -9, started again within seconds")                                \
	XX(LAB_CUT, "cut", 6, "links refuse and reset connections, or are silent while they stay open") \
	XX(LAB_SLOW, "slow", 6, "links delay what they carry and carry little")                         \
	XX(LAB_FULL, "full", 1, "no room left on a node's disk for some seconds")                       \
	XX(LAB_STOP, "stop", 3, "SIGSTOP, then SIGCONT")                                                \
	XX(LAB_CORRUPT, "corrupt", 4, "links change bytes")                                             \
	XX(LAB_BACKUP, "backup", 0.5, "a node is stopped and gets its own store of some seconds ago back")

enum lab_fault {
#define XX(name, word, rate, sentence) name,
	LAB_FAULT_MAP(XX)
#undef XX
		LAB_FAULTS
};

const char *lab_fault_word(enum lab_fault fault);

struct lab_options {
	unsigned nodes;           /* 2 to LAB_NODES_MAX */
	int64_t span_ms;          /* of trouble */
	int64_t quiet_ms;         /* at most, from the end of trouble until everything rests */
	uint64_t seed;            /* of what is drawn */
	double rates[LAB_FAULTS]; /* expected per minute, in the whole federation; 0: never */
	bool no_excuse;           /* what an old backup lost counts as lost: shows that the alarm rings */
	/* NULL where nothing was said. */
	const char *program; /* tongban */
	const char *dir;     /* nodes live in here; made if it is not there, else empty */
	const char *report;  /* directory */
};

/* Reads what follows "run". TB_EINVALID names the option. Texts stay the caller's. */
TB_MUST_CHECK enum tb_code lab_options_parse(struct lab_options *options, int argc, char **argv,
                                             struct tb_error *err);
void lab_options_usage(FILE *file);
