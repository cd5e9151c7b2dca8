/* What happened, for people: who, when, what, with whom, in which case.
 *
 * Memory is bounded: ordinary entries stand in a ring, those that explain a failure (faults, broken rules,
 * hostile acts) in another, so that traffic does not push them out. What was pushed out is counted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/time.h"

/* name, name in events.jsonl, class, kept longer */
#define SIM_STORY_MAP(XX)                                     \
	XX(SIM_STARTED, "started", LIFE, true)                \
	XX(SIM_CRASHED, "crashed", LIFE, true)                \
	XX(SIM_POWER_LOST, "power-lost", LIFE, true)          \
	XX(SIM_PAUSED, "paused", LIFE, true)                  \
	XX(SIM_RESUMED, "resumed", LIFE, true)                \
	XX(SIM_RESTORED, "backup-restored", LIFE, true)       \
	XX(SIM_UPGRADED, "upgraded", LIFE, true)              \
	XX(SIM_CLOCK_STEPPED, "clock-stepped", LIFE, true)    \
	XX(SIM_COMMIT_FAILED, "commit-failed", DISK, true)    \
	XX(SIM_DISK_FAULT, "disk-fault", DISK, true)          \
	XX(SIM_DISK_FULL, "disk-full", DISK, true)            \
	XX(SIM_DISK_ROT, "disk-rot", DISK, true)              \
	XX(SIM_LINK_CUT, "link-cut", LINK, true)              \
	XX(SIM_LINK_HEALED, "link-healed", LINK, true)        \
	XX(SIM_LINK_SLOW, "link-slow", LINK, true)            \
	XX(SIM_REQUEST_LOST, "request-lost", LINK, false)     \
	XX(SIM_ANSWER_LOST, "answer-lost", LINK, false)       \
	XX(SIM_DUPLICATED, "duplicated", LINK, false)         \
	XX(SIM_SENT, "sent", MESSAGE, false)                  \
	XX(SIM_ARRIVED, "arrived", MESSAGE, false)            \
	XX(SIM_ANSWERED, "answered", MESSAGE, false)          \
	XX(SIM_REFUSED, "refused", MESSAGE, false)            \
	XX(SIM_CASE_EVENT, "case", CASE, false)               \
	XX(SIM_AGREED, "agreement", CASE, false)              \
	XX(SIM_MATERIAL_BEGUN, "material-begun", CASE, false) \
	XX(SIM_MATERIAL_DONE, "material-done", CASE, false)   \
	XX(SIM_MATERIAL_CUT, "material-cut", CASE, false)     \
	XX(SIM_CLIENT, "client", CASE, false)                 \
	XX(SIM_LOGGED, "logged", MESSAGE, false)              \
	XX(SIM_HOSTILE_ACT, "hostile-act", HOSTILE, true)     \
	XX(SIM_HOSTILE_SEEN, "hostile-seen", HOSTILE, true)   \
	XX(SIM_RULE_BROKEN, "rule-broken", CHECK, true)       \
	XX(SIM_MARK_HIT, "mark", CHECK, false)                \
	XX(SIM_PHASE, "phase", CHECK, true)

enum sim_story_kind {
#define XX(name, word, class, keep) name,
	SIM_STORY_MAP(XX)
#undef XX
		SIM_STORY_KINDS
};

enum sim_story_class {
	SIM_CLASS_LIFE,
	SIM_CLASS_DISK,
	SIM_CLASS_LINK,
	SIM_CLASS_MESSAGE,
	SIM_CLASS_CASE,
	SIM_CLASS_HOSTILE,
	SIM_CLASS_CHECK,
	SIM_STORY_CLASSES
};

enum { SIM_STORY_TEXT = 120, SIM_STORY_CASE = 48 }; /* bytes, NUL counted; longer ones are cut */
#define SIM_NOBODY UINT32_MAX

struct sim_story_entry {
	uint64_t number; /* of all that were told, from 0 */
	tb_time at;      /* true time of the world */
	uint32_t node;   /* index, or SIM_NOBODY: the world's */
	uint32_t peer;   /* the other side, or SIM_NOBODY */
	enum sim_story_kind kind;
	char case_number[SIM_STORY_CASE]; /* or "" */
	char text[SIM_STORY_TEXT];        /* UTF-8 */
};

struct sim_story;
struct tb_buf;

/* Holds the last |ordinary| and the last |kept| entries; both 0: nothing is told, and telling costs nothing.
 */
struct sim_story *sim_story_new(size_t ordinary, size_t kept);
void sim_story_free(struct sim_story *story);

/* |case_number| may be NULL. */
void sim_story_tell(struct sim_story *story, tb_time at, enum sim_story_kind kind, uint32_t node,
                    uint32_t peer, const char *case_number, const char *fmt, ...) TB_PRINTF(7, 8);
/* Writes each entry to |file| from now on as well, at most |lines_max|; NULL ends it. |codes| are the nodes'
 * region codes by index and stay the caller's. */
void sim_story_stream(struct sim_story *story, FILE *file, uint64_t lines_max, const char *const *codes);

uint64_t sim_story_told(const struct sim_story *story);
uint64_t sim_story_dropped(const struct sim_story *story); /* pushed out of both rings */

/* Walks what is left in the order in which it was told: for (e = NULL; (e = sim_story_next(story, &walk));)
 */
struct sim_story_walk {
	size_t ordinary;
	size_t kept;
};
const struct sim_story_entry *sim_story_next(const struct sim_story *story, struct sim_story_walk *walk);

const char *sim_story_word(enum sim_story_kind kind);
enum sim_story_class sim_story_class(enum sim_story_kind kind);
const char *sim_story_class_word(enum sim_story_class class);

/* One line for people: day and time, who, with whom, what, in which case. |names| are the nodes' by index. */
void sim_story_words(struct tb_buf *out, const struct sim_story_entry *entry, const char *const *names);

/* One JSON object and a newline. */
void sim_story_json(struct tb_buf *out, const struct sim_story_entry *entry, const char *const *codes);
