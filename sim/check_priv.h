/* What the files of the checks share. */
#pragma once

#include "node/core/ident.h"
#include "sim/check.h"

/* A map from a 64-bit name to a 64-bit value; open addressing; {0} is empty. */
struct sim_map {
	uint64_t *names; /* 0: empty */
	uint64_t *values;
	size_t count;
	size_t room;
};
/* The place of |name|; *made: it is new, with value 0. Valid until the next call. */
uint64_t *sim_map_at(struct sim_map *map, uint64_t name, bool *made);
bool sim_map_get(const struct sim_map *map, uint64_t name, uint64_t *value);
void sim_map_clear(struct sim_map *map);

struct sim_acked {
	char number[IDENT_CASE_ROOM]; /* "": a material */
	uint8_t root[PKI_HASH_BYTES];
};

/* What the checks remember of a node. */
struct sim_seen {
	struct sim_acked *acked;
	size_t acked_count;
	size_t acked_room;
	uint64_t leaves; /* of its audit log, looked at */
	uint64_t history_size;
	struct pki_digest history_root;
	bool closed; /* what follows is of its last closing */
	uint64_t brief;
	uint64_t contents; /* 0: not taken */
};

struct sim_check {
	struct sim_rule_count counts[SIM_RULES];
	struct sim_seen *seen;
	size_t nodes_count;
	struct sim_map entries;   /* case and seq -> digest */
	struct sim_map decisions; /* case -> seq */
	struct sim_map leaves;    /* node and case -> leaves */
	struct sim_map requests;  /* node and request -> case */
	struct sim_map shown;     /* node and size of a checkpoint -> root */
	struct sim_map resumed;   /* node and material -> times */
	struct sim_map once;      /* node, case and an event that happens once -> seq */
	uint32_t next_sweep;
	sim_time sweep_every; /* of one node */
};

/* Does |entry|, which follows |before| (NULL: none), say of its clocks what it should? If not, true, and
 * |out| says why. check_clock.c */
bool sim_clock_problem(const char *mode, const PbCaseEntry *before, const PbCaseEntry *entry, char *out,
                       size_t room);
/* The end of a limit of so many working days that runs from |from|. */
tb_time sim_law_limit(tb_time from, int32_t days_count);

/* The leaves of an audit log from |first| on, until |each| returns false; false: it did. */
bool sim_leaves_walk(struct sim_reader *reader, uint64_t first,
                     bool (*each)(void *ctx, uint64_t index, const PbAuditLeaf *leaf), void *ctx);
/* Every statement of an agreement and every post of a matter has one leaf. */
void sim_check_kinds(struct sim_node *node);

/* Every case that was begun at |node| rests on what was in force there then, and every message of a case says
 * what the case rests on. check_pact.c */
void sim_check_promises(struct sim_node *node);

/* Both regions of a case are. |record| may be NULL: the home region is not known. */
bool sim_case_reliable(struct sim_world *world, const PbCaseRecord *record);
