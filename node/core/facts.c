/* What a case's log says that is counted later (CaseFacts). */
#include <string.h>

#include "node/core/casetable.h"
#include "node/core/turn.h"

enum { REASONS_KEPT = 8, PAUSES_KEPT = 16, FEES_KEPT = 64 };

static uint32_t papers_saved(PbMaterial *const *materials, size_t count)
{
	uint32_t saved = 0;
	for (size_t i = 0; i < count; i++)
		saved += materials[i]->credential[0] != 0 || materials[i]->commitment[0] != 0;
	return saved;
}

/* Written commitments are published, and checked when the case is closed. */
static void add_promises(PbCaseFacts *facts, PbMaterial *const *materials, size_t count,
                         struct tb_arena *arena)
{
	for (size_t i = 0; i < count && facts->n_promises < TB_NEEDS_MAX; i++) {
		if (!materials[i]->commitment[0])
			continue;
		PbMaterial **list = tb_arena_alloc(arena, (facts->n_promises + 1) * sizeof(*list));
		if (facts->n_promises > 0)
			memcpy(list, facts->promises, facts->n_promises * sizeof(*list));
		list[facts->n_promises++] = materials[i];
		facts->promises = list;
	}
}

/* The newest with a reference counts. */
static void add_fee(PbCaseFacts *facts, PbFee *fee, struct tb_arena *arena)
{
	size_t at = 0;
	while (at < facts->n_fees && strcmp(facts->fees[at]->reference, fee->reference) != 0)
		at++;
	if (at == FEES_KEPT)
		return;
	PbFee **list = tb_arena_alloc(arena, (facts->n_fees + 1) * sizeof(*list));
	if (facts->n_fees > 0)
		memcpy(list, facts->fees, facts->n_fees * sizeof(*list));
	list[at] = fee;
	facts->n_fees += at == facts->n_fees;
	facts->fees = list;
}

static void add_parcel(PbCaseFacts *facts, const PbWaybill *waybill)
{
	facts->parcels++;
	facts->postage_fen += waybill->postage_fen;
}

/* 渠道: what the applicant's side did, and through what. */
static void add_channel(PbCaseFacts *facts, const PbCaseEntry *entry)
{
	const PbActor *actor = entry->actor;
	if (!actor || (actor->role != PB_ROLE__APPLICANT && actor->role != PB_ROLE__R_WIN))
		return;
	if (actor->channel > 0 && actor->channel <= PB_CHANNEL__CHANNEL_PHONE)
		facts->channels |= 1u << actor->channel;
	if (entry->event == PB_CASE_EVENT__SUBMIT)
		facts->channel = actor->channel;
	else if (entry->event == PB_CASE_EVENT__EVALUATE)
		facts->evaluated_in = actor->channel;
}

static uint32_t late_clocks(const PbCaseEntry *entry)
{
	uint32_t late = 0;
	for (size_t i = 0; i < entry->n_clocks; i++) {
		const PbClockState *clock = entry->clocks[i];
		/* A time to object that nobody used is not lateness. */
		if (clock->overdue && clock->clock < PB_CLOCK__T10_OBJECT)
			late |= 1u << clock->clock;
	}
	return entry->event == PB_CASE_EVENT__DEEM ? late | 1u << PB_CLOCK__T1_NOTIFY : late;
}

static void add_reason(PbCaseFacts *facts, const char *reason, struct tb_arena *arena)
{
	facts->returns++;
	if (facts->n_reasons >= REASONS_KEPT)
		return;
	char **list = tb_arena_alloc(arena, (facts->n_reasons + 1) * sizeof(*list));
	if (facts->n_reasons > 0)
		memcpy(list, facts->reasons, facts->n_reasons * sizeof(*list));
	list[facts->n_reasons++] = tb_arena_str(arena, reason);
	facts->reasons = list;
}

static void add_pause(PbCaseFacts *facts, tb_time at, struct tb_arena *arena)
{
	if (facts->n_suspended_ms >= 2 * PAUSES_KEPT)
		return;
	int64_t *list = tb_arena_alloc(arena, (facts->n_suspended_ms + 1) * sizeof(*list));
	if (facts->n_suspended_ms > 0)
		memcpy(list, facts->suspended_ms, facts->n_suspended_ms * sizeof(*list));
	list[facts->n_suspended_ms++] = at;
	facts->suspended_ms = list;
}

static void begin_review(PbCaseFacts *facts, tb_time from)
{
	facts->accepted_ms = from;
	facts->decided_ms = 0;
	facts->closed_ms = 0;
	facts->extended_days = 0;
	facts->n_suspended_ms = 0;
}

static void accepted(PbCaseFacts *facts, const PbCaseEntry *entry)
{
	const PbCaseDetail *detail = entry->detail;
	bool dated_back = entry->event == PB_CASE_EVENT__DEEM && detail->counted_from_ms;
	begin_review(facts, dated_back ? detail->counted_from_ms : entry->at_ms);
	facts->legal_days = detail->legal_days;
	facts->onsite_runs = detail->onsite_runs;
}

void facts_fold(PbCaseRecord *record, const PbCaseEntry *entry, struct tb_arena *arena)
{
	const PbCaseDetail *detail = entry->detail;
	/* The record may be a copy that shares them with another. */
	PbCaseFacts *facts = record->facts ? tb_arena_copy(arena, record->facts, sizeof(*facts))
	                                   : PROTO_NEW(PbCaseFacts, case_facts, arena);
	record->facts = facts;
	add_channel(facts, entry);
	facts->late |= late_clocks(entry);
	facts->papers_saved += papers_saved(detail->materials, detail->n_materials);
	add_promises(facts, detail->materials, detail->n_materials, arena);
	if (detail->fee)
		add_fee(facts, detail->fee, arena);
	if (detail->waybill)
		add_parcel(facts, detail->waybill);
	if (detail->application) {
		facts->papers_saved +=
			papers_saved(detail->application->materials, detail->application->n_materials);
		add_promises(facts, detail->application->materials, detail->application->n_materials, arena);
		facts->window = detail->application->hall[0] ? detail->application->hall
		                                             : detail->application->window;
	}
	if (case_state_final(entry->to) && !case_state_final(entry->from))
		facts->closed_ms = entry->at_ms;
	switch (entry->event) {
	case PB_CASE_EVENT__ACCEPT:
	case PB_CASE_EVENT__DEEM:
		accepted(facts, entry);
		break;
	case PB_CASE_EVENT__SIGN:
		if (detail->local_number[0]) /* a part is accepted by being signed for */
			accepted(facts, entry);
		break;
	case PB_CASE_EVENT__KEPT:
		facts->promises_kept = true;
		break;
	case PB_CASE_EVENT__REOPEN:
		begin_review(facts, entry->at_ms);
		facts->promises_broken = facts->promises_broken || detail->n_needs > 0;
		break;
	case PB_CASE_EVENT__SUSPEND:
	case PB_CASE_EVENT__RESUME:
		add_pause(facts, entry->at_ms, arena);
		break;
	case PB_CASE_EVENT__EXTEND:
		facts->extended_days += detail->days;
		break;
	case PB_CASE_EVENT__GRANT:
	case PB_CASE_EVENT__DENY:
		facts->granted = entry->event == PB_CASE_EVENT__GRANT;
		facts->decided_ms = entry->at_ms;
		break;
	case PB_CASE_EVENT__RETURN:
		add_reason(facts, detail->reason, arena);
		break;
	case PB_CASE_EVENT__BOUNCE:
		facts->bounces++;
		break;
	case PB_CASE_EVENT__EVALUATE:
		facts->grade = detail->grade;
		break;
	case PB_CASE_EVENT__REPAIR:
		facts->repaired = true;
		break;
	default: /* Nothing to be counted. */
		break;
	}
}
