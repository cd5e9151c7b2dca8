/* A world: nodes, links, clocks and people in one process and in virtual time.
 *
 * Everything that happens is an event in a heap, ordered by time, then by a drawn number, then by age. The
 * hash of a run covers every event and what it brought about: the same options give the same hash. One
 * thread, one world at a time (the disks and the stub of signatures are the process's). */
#pragma once

#include "base/time.h"
#include "sim/marks.h"
#include "sim/memory.h"
#include "sim/random.h"
#include "sim/report.h"

struct sim_node;
struct sim_net;
struct sim_work;
struct sim_faults;
struct sim_check;
struct sim_play;
struct sim_scenario;
struct sim_trace;
struct sim_world;

/* Microseconds since 1970, true time. Nodes have clocks of their own, see node.h. */
typedef int64_t sim_time;
#define SIM_MS ((sim_time)1000)
#define SIM_SECOND (1000 * SIM_MS)
#define SIM_MINUTE (60 * SIM_SECOND)
#define SIM_HOUR (60 * SIM_MINUTE)
#define SIM_DAY (24 * SIM_HOUR)
#define SIM_NEVER INT64_MAX

enum { SIM_NODES_MAX = 3000, SIM_SKIPS_MAX = 1 << 20 };

/* ---- decisions: what the seed chose to do to the world. Each has a name that does not depend on the others,
 * so that one can be left out and the rest stays. */
#define SIM_DECISION_MAP(XX)                    \
	XX(SIM_DO_NODE, "node")                 \
	XX(SIM_DO_CASE, "case")                 \
	XX(SIM_DO_VERIFY, "verify")             \
	XX(SIM_DO_CRASH, "crash")               \
	XX(SIM_DO_POWER, "power-loss")          \
	XX(SIM_DO_PAUSE, "pause")               \
	XX(SIM_DO_CLOCK, "clock-step")          \
	XX(SIM_DO_RESTORE, "restore")           \
	XX(SIM_DO_DISK, "disk-faults")          \
	XX(SIM_DO_FULL, "disk-full")            \
	XX(SIM_DO_CUT, "cut")                   \
	XX(SIM_DO_CLOG, "clog")                 \
	XX(SIM_DO_LOSE_REQUEST, "lose-request") \
	XX(SIM_DO_LOSE_ANSWER, "lose-answer")   \
	XX(SIM_DO_DUPLICATE, "duplicate")       \
	XX(SIM_DO_CUT_STREAM, "cut-stream")     \
	XX(SIM_DO_HOSTILE, "hostile")           \
	XX(SIM_DO_TURN_HOSTILE, "turn-hostile") \
	XX(SIM_DO_REGRANT, "regrant")           \
	XX(SIM_DO_PACT, "pact")                 \
	XX(SIM_DO_MATTER, "matter")             \
	XX(SIM_DO_UPGRADE, "upgrade")           \
	XX(SIM_DO_ROT, "rot")

enum sim_decision_kind {
#define XX(name, word) name,
	SIM_DECISION_MAP(XX)
#undef XX
		SIM_DECISION_KINDS
};

struct sim_decision {
	enum sim_decision_kind kind;
	uint32_t node;   /* index, or SIM_NOBODY */
	uint32_t peer;   /* so is this */
	uint32_t number; /* of this kind, node and peer, from 0 */
	sim_time at;     /* when it was taken */
};

const char *sim_decision_word(enum sim_decision_kind kind);
bool sim_decision_find(const char *word, enum sim_decision_kind *out);

/* ---- options */

struct sim_preset; /* faults.h */

struct sim_options {
	uint64_t seed;
	uint32_t nodes_count;            /* 2 to SIM_NODES_MAX */
	const struct sim_preset *preset; /* sim_preset_find() */
	sim_time span;                   /* of trouble, before the healing */
	sim_time until;               /* it ends earlier, and all else is as if it did not; 0: it does not */
	uint32_t cases_a_day;         /* 0: drawn */
	uint32_t verifications_a_day; /* 0: drawn */
	bool real_crypto;
	bool liveness;                    /* heal at the end, and look whether everything comes to rest */
	const char *dir;                  /* for the disks; made and removed by the world; best on a tmpfs */
	const struct sim_decision *skips; /* decisions to leave out; borrowed */
	size_t skips_count;
	uint32_t without; /* a bit for each kind of decision that is to be left out altogether */
	/* A tester's story instead of the seed's people: nodes, agreements, start and steps are its own;
	 * NULL: none. Borrowed. */
	const struct sim_scenario *scenario;
	size_t story_ordinary; /* entries of the story that are kept, see story.h */
	size_t story_kept;
};

/* ---- events */

struct sim_event_kind {
	const char *name;
	void (*run)(struct sim_world *world, void *subject, uint64_t argument);
	/* What run() would have freed; NULL: nothing. For events that are left at the end. */
	void (*drop)(void *subject, uint64_t argument);
};

struct sim_world {
	struct sim_options options;
	sim_time now;
	sim_time started;
	sim_time storm_until; /* then it heals */
	bool healed;
	bool wound_up; /* people have taken their hands off */
	struct sim_node *nodes;
	size_t nodes_count;
	struct sim_net *net;
	struct sim_work *work;
	struct sim_faults *faults;
	struct sim_check *check;
	struct sim_play *play; /* of a scenario; NULL: there is none */
	struct sim_marks marks;
	struct sim_story *story;

	struct sim_memory memory;
	struct sim_heap *heap;
	struct sim_random tie;
	uint64_t events;
	uint64_t hash;
	struct sim_report_span *spans; /* links that were not well, by the end of each */
	size_t spans_count;
	size_t spans_room;
	struct sim_trace *trace; /* of every event; NULL: none is kept. Borrowed */

	struct sim_decision *decisions; /* that were taken */
	size_t decisions_count;
	size_t decisions_room;
	struct sim_skips *skips;

	enum sim_verdict verdict;
	char failure[256]; /* the first, in words; "" */
};

struct sim_world *sim_world_new(const struct sim_options *options);
/* Runs to its end, or to the first failure. |progress|, if given, is called every few thousand events and may
 * stop the run by returning false. */
enum sim_verdict sim_world_run(struct sim_world *world, bool (*progress)(void *ctx, const struct sim_world *),
                               void *ctx);
void sim_world_free(struct sim_world *world);

/* Runs what is due up to |until|, while all is well. */
void sim_world_run_until(struct sim_world *world, sim_time until);

/* |at| in the past means now. */
void sim_at(struct sim_world *world, sim_time at, const struct sim_event_kind *kind, void *subject,
            uint64_t argument);
void sim_after(struct sim_world *world, sim_time span, const struct sim_event_kind *kind, void *subject,
               uint64_t argument);
/* Makes |value| a part of the run's hash. */
void sim_note(struct sim_world *world, uint64_t value);
void sim_note_bytes(struct sim_world *world, const void *data, size_t size);

/* Notes a decision; false: it is to be left out. */
bool sim_decide(struct sim_world *world, enum sim_decision_kind kind, uint32_t node, uint32_t peer,
                uint32_t number);

/* For the report: the link from |from| to |to| was, or will be, cut or slow. */
void sim_span(struct sim_world *world, uint32_t from, uint32_t to, sim_time since, sim_time until, bool cut);

/* The run has failed: the first failure stays. */
void sim_fail(struct sim_world *world, enum sim_verdict verdict, const char *fmt, ...) TB_PRINTF(3, 4);

/* In milliseconds, for the story and for people's calendars. */
static inline tb_time sim_ms(sim_time at)
{
	return at / SIM_MS;
}

#define sim_tell(world, kind, node, peer, number, ...) \
	sim_story_tell((world)->story, sim_ms((world)->now), kind, node, peer, number, __VA_ARGS__)
