/* 进展报告: how far a region is with the items of a base list (通办任务清单), counted from what its node
 * knows. Pure, any thread. */
#pragma once

#include "base/time.h"
#include "proto/codec.h"

struct progress_facts {
	const char *region;
	tb_day today;
	const PbCatalogue *list; /* the region's own */
	const PbCatalogue *base;
	PbAgreementView *const *agreements;
	size_t agreements_count;
	const PbHallList *halls;           /* NULL: none are known */
	const PbStatsCasesResponse *stats; /* by item, in the period */
};

/* The report, in |arena|, without the period. An item is offered if the list has it as the base does, and it
 * is handled all online, in a system of its own, or with at least one partner by an agreement in force; it is
 * overdue if it is not offered after its day, which is the base's or the end of its year. */
PbProgressReport *progress_report(const struct progress_facts *facts, struct tb_arena *arena);
const char *progress_state_text(PbProgressState state, bool zh);
/* Appends |report| as a table for the next level: a line of heads, in Chinese if |zh|, and a line an item. */
void progress_csv(struct tb_buf *out, const PbProgressReport *report, bool zh);
