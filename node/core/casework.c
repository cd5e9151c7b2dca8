/* The case engine: one for all handling modes. What may happen is in the mode's table (casetable.h); here is
 * how it happens: an entry is appended to the case's log, the record is folded, the clocks move, the audit
 * log gets its leaf, and the other side is told. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/core/agreement.h"
#include "node/core/calendar.h"
#include "node/core/casetable.h"
#include "node/core/clocks.h"
#include "node/core/turn.h"

enum { TIMERS_PER_TURN = 256 };

static struct kv_key case_key(const char *number)
{
	return kv_key_of(tb_bytes_of(number, strnlen(number, TB_ID_BYTES_MAX)));
}

struct kv_key case_entry_key(const char *number, uint32_t seq)
{
	struct kv_key key = case_key(number);
	kv_key_add_u32(&key, seq);
	return key;
}

enum tb_code case_load(struct kv *kv, const char *number, struct tb_arena *arena, PbCaseRecord **out,
                       struct tb_error *err)
{
	struct kv_key key = case_key(number);
	*out = NULL;
	if (key.size == 0)
		return tb_refuse(err, TB_REASON_CASE_NUMBER_MISSING, NULL);
	enum tb_code code = KV_GET(kv, KV_CASE, &key, case_record, arena, out, err);
	return code == TB_ENOTFOUND ? tb_refuse_as(err, code, TB_REASON_CASE_UNKNOWN, number, NULL) : code;
}

void case_save(struct turn *turn, PbCaseRecord *record)
{
	struct kv_key key = case_key(record->number);
	record->updated_ms = turn->now;
	metrics_case_saved(turn, record);
	kv_put_message(&turn->kv, KV_CASE, &key, &record->base);
}

unsigned case_sides(const PbCaseRecord *record, const char *node)
{
	unsigned sides = strcmp(record->window, node) == 0 ? CASE_AT_WINDOW : 0;
	return strcmp(record->home, node) == 0 ? sides | CASE_AT_HOME : sides;
}

const char *case_other(const PbCaseRecord *record, const char *self)
{
	return strcmp(record->home, self) == 0 ? record->window : record->home;
}

const struct peer *case_other_peer(const struct turn *turn, const PbCaseRecord *record)
{
	return peer_find(turn->core->peers, case_other(record, turn->core->setup.region));
}

/* ---- timers: the owner's, one a case, for the clock that runs out next */

static struct kv_key timer_key(tb_time due, const char *number)
{
	struct kv_key key = kv_key_u64((uint64_t)due);
	kv_key_add_str(&key, number);
	return key;
}

/* |due| 0: none. */
static void set_timer(struct turn *turn, PbCaseRecord *record, tb_time due)
{
	struct kv_key old = timer_key(record->timer_ms, record->number), key = timer_key(due, record->number);
	if (record->timer_ms == due)
		return;
	if (record->timer_ms)
		kv_delete(&turn->kv, KV_TIMER, &old);
	if (due)
		kv_mark(&turn->kv, KV_TIMER, &key);
	record->timer_ms = due;
}

tb_time turn_warn_at(const struct turn *turn, PbClock clock, tb_time due)
{
	tb_time before = turn->core->setup.warn_before[clock];
	return before < 0 ? INT64_MAX : due - (before ? before : TB_DAY);
}

static bool warned(const PbCaseRecord *record, PbClock clock, tb_time due)
{
	for (size_t i = 0; i < record->n_warned; i++) {
		if (record->warned[i]->clock == clock && record->warned[i]->due_ms == due)
			return true;
	}
	return false;
}

/* Before a limit runs out, people are warned once; then it runs out. Of a limit that is shorter than that, or
 * nearly so, they are warned when the case is looked at for another, or not at all. */
void case_arm(struct turn *turn, PbCaseRecord *record, bool on)
{
	struct case_clocks clocks;
	tb_time next = INT64_MAX;
	if (!on || !clocks_from_proto(&clocks, record->clocks, record->n_clocks))
		clocks = (struct case_clocks){0};
	for (int i = PB_CLOCK__T1_NOTIFY; i < CASE_CLOCKS; i++) {
		const struct case_clock *clock = &clocks.of[i];
		if (!clock->running || clock->overdue)
			continue;
		tb_time at = turn_warn_at(turn, (PbClock)i, clock->due);
		if (at <= turn->now || warned(record, (PbClock)i, clock->due))
			at = clock->due;
		next = at < next ? at : next;
	}
	set_timer(turn, record, next == INT64_MAX ? 0 : next);
}

static void warn_of(struct turn *turn, const PbCaseRecord *record, PbClock clock)
{
	audit_add(turn, PB_LEAF_KIND__LEAF_DUE_SOON, record->number, "", proto_bytes(record->head),
	          (uint32_t)clock);
	turn_log(turn, TB_LOG_WARN, "case.due_soon", "", record->number, "%s", case_clock_text(clock, false));
}

/* Warns of every limit that will run out soon; warnings of limits that are gone are forgotten. */
static void warn(struct turn *turn, PbCaseRecord *record, const struct case_clocks *clocks)
{
	PbClockState **list = tb_arena_alloc(&turn->arena, CASE_CLOCKS * sizeof(*list));
	size_t count = 0;
	for (int i = PB_CLOCK__T1_NOTIFY; i < CASE_CLOCKS; i++) {
		const struct case_clock *clock = &clocks->of[i];
		if (!clock->running || clock->overdue ||
		    turn_warn_at(turn, (PbClock)i, clock->due) > turn->now)
			continue;
		if (!warned(record, (PbClock)i, clock->due))
			warn_of(turn, record, (PbClock)i);
		list[count] = PROTO_NEW(PbClockState, clock_state, &turn->arena);
		list[count]->clock = (PbClock)i;
		list[count++]->due_ms = clock->due;
	}
	record->warned = list;
	record->n_warned = count;
}

/* ---- the fold */

void case_fold(PbCaseRecord *record, const PbCaseEntry *entry, const uint8_t digest[PKI_HASH_BYTES],
               struct tb_arena *arena)
{
	facts_fold(record, entry, arena);
	record->head = proto_data(tb_arena_bytes(arena, tb_bytes_of(digest, PKI_HASH_BYTES)));
	record->seq = entry->seq;
	record->state = entry->to;
	record->epoch = entry->epoch;
	record->archived_ms = 0; /* an archive lacks this entry */
	record->n_clocks = entry->n_clocks;
	record->clocks = entry->clocks;
	const PbCaseDetail *detail = entry->detail;
	switch (entry->event) {
	case PB_CASE_EVENT__EXTEND:
		record->extended = true;
		break;
	case PB_CASE_EVENT__LOST:
	case PB_CASE_EVENT__OBJECT:
		record->dispute = true;
		break;
	case PB_CASE_EVENT__POST:
		record->originals_posted = true;
		record->dispute = false;
		break;
	case PB_CASE_EVENT__EVALUATE:
		record->evaluated = true;
		break;
	case PB_CASE_EVENT__SIGN:
		record->signed_for = true;
		record->received_ms = entry->at_ms;
		if (detail->local_number[0]) { /* a part is accepted by being signed for */
			record->local_number = detail->local_number;
			record->promised_days = detail->promised_days;
		}
		break;
	/* Article 32 counts from the receipt, and from that of what was corrected. */
	case PB_CASE_EVENT__SUBMIT:
	case PB_CASE_EVENT__BRING:
	case PB_CASE_EVENT__SUPPLEMENT:
		record->received_ms = entry->at_ms;
		break;
	case PB_CASE_EVENT__RETURN:
		record->signed_for = false;
		break;
	case PB_CASE_EVENT__ACCEPT:
	case PB_CASE_EVENT__DEEM:
		record->local_number = detail->local_number;
		record->promised_days = detail->promised_days;
		break;
	case PB_CASE_EVENT__DISPATCH:
		record->way = detail->way;
		if (entry->from == PB_CASE_STATE__DELIVERING) /* what was lost is on its way again */
			record->dispute = false;
		break;
	default: /* The others move state and clocks only. */
		break;
	}
}

void case_append(struct turn *turn, PbCaseRecord *record, const PbCaseEntry *entry, struct tb_bytes bytes,
                 const uint8_t digest[PKI_HASH_BYTES])
{
	struct kv_key key = case_entry_key(record->number, entry->seq);
	case_fold(record, entry, digest, &turn->arena);
	kv_put(&turn->kv, KV_ENTRY, &key, bytes);
	audit_add(turn, PB_LEAF_KIND__LEAF_CASE, record->number,
	          strcmp(entry->owner, turn->core->setup.region) ? entry->owner : "",
	          proto_bytes(record->head), entry->seq);
}

/* ---- ordering an event */

bool case_done_once(const PbCaseRecord *record, PbCaseEvent event)
{
	return (event == PB_CASE_EVENT__EXTEND && record->extended) ||
	       (event == PB_CASE_EVENT__EVALUATE && record->evaluated) ||
	       (event == PB_CASE_EVENT__SIGN && record->signed_for);
}

/* The deciding body's own number (办件编号): 实施编码, date, four digits, as live systems have it; an..50. */
static void number_acceptance(struct turn *turn, const PbCaseRecord *record, PbCaseDetail *detail)
{
	char name[32];
	int year, month, day;
	tb_day today = tb_day_at(turn->now);
	tb_day_split(today, &year, &month, &day);
	snprintf(name, sizeof(name), "accept/%d", (int)today);
	const char *self = turn->core->setup.region;
	uint64_t sequence = kv_number(&turn->kv, name) + 1;
	kv_set_number(&turn->kv, name, sequence);
	/* A window that accepts counts its own: its region keeps the two sequences apart. */
	detail->local_number =
		tb_arena_printf(&turn->arena, "%.32s%04d%02d%02d%04llu%s", record->item, year, month, day,
	                        (unsigned long long)sequence, strcmp(self, record->home) ? self : "");
}

static void issue(struct turn *turn, PbCaseDetail *detail, const struct sealed_one *one)
{
	if (!detail->decision)
		detail->decision = PROTO_NEW(PbDecision, decision, &turn->arena);
	detail->decision->credential = credential_store_one(turn, one);
	detail->decision->credential_identifier = credential_of_one(one)->identifier;
}

enum tb_code case_accept_detail(struct turn *turn, const PbCaseRecord *record, PbCaseDetail *detail,
                                struct tb_error *err)
{
	PbItem *item;
	enum tb_code code = catalogue_item_of(&turn->kv, record, &turn->arena, &item, err);
	if (code)
		return code;
	detail->promised_days = item->promised_days;
	detail->legal_days = item->legal_days;
	detail->onsite_runs = item->onsite_runs;
	return TB_OK;
}

static enum tb_code check_here(const PbCaseRecord *record, const struct case_row *row, struct tb_error *err)
{
	if (record->erased_ms)
		return tb_refuse(err, TB_REASON_CASE_ERASED, record->number, NULL);
	if (record->seq >= TB_ENTRIES_MAX)
		return tb_refuse(err, TB_REASON_CASE_FULL, record->number, TB_NUMBER(TB_ENTRIES_MAX), NULL);
	if ((row->needs & CASE_ONCE) && case_done_once(record, row->event))
		return tb_refuse(err, TB_REASON_CASE_ONCE, case_event_text(row->event, false), NULL);
	if (row->event == PB_CASE_EVENT__SHARE && record->shared)
		return tb_refuse(err, TB_REASON_CASE_COPY_SENT, record->home, NULL);
	bool needs_all = row->event == PB_CASE_EVENT__SIGN || row->event == PB_CASE_EVENT__ACCEPT ||
	                 row->event == PB_CASE_EVENT__GRANT;
	if (needs_all && record->materials_missing)
		return tb_refuse(err, TB_REASON_CASE_MATERIALS_COMING, TB_NUMBER(record->materials_missing),
		                 NULL);
	return TB_OK;
}

enum tb_code case_agreement(struct turn *turn, const char *window, const char *home, const PbItem *item,
                            const char *mode, PbCaseRecord *record, struct tb_error *err)
{
	struct agreement_ask ask = {.window = window,
	                            .home = home,
	                            .item = item->code,
	                            .base_code = item->base_code,
	                            .mode = case_mode_listed(mode)};
	const PbAgreement *agreement;
	enum tb_code code = agreement_for(turn->core, &ask, turn->now, &agreement, err);
	if (code == TB_OK && record)
		record->base_code = item->base_code;
	if (code == TB_OK && record && agreement) {
		record->agreement = tb_arena_str(&turn->arena, agreement->id);
		record->agreement_version = agreement->version;
	}
	return code;
}

/* Who pays for a parcel is agreed; nobody can say otherwise. */
static enum tb_code check_postage(const PbAgreement *agreement, const PbCaseDetail *detail,
                                  struct tb_error *err)
{
	PbWaybill *waybill = detail->waybill;
	if (!waybill || !agreement->postage)
		return TB_OK;
	if (waybill->payer && waybill->payer != agreement->postage)
		return tb_refuse(err, TB_REASON_DETAIL_WAYBILL_PAYER, agreement->id, NULL);
	waybill->payer = agreement->postage;
	return TB_OK;
}

/* What the agreement that the case stands on leaves to the window, and asks of a return. */
static enum tb_code check_promised(struct turn *turn, const PbCaseRecord *record, const struct case_row *row,
                                   const PbCaseDetail *detail, struct tb_error *err)
{
	const PbAgreement *agreement =
		agreement_cited(turn->core, record->agreement, record->agreement_version);
	struct agreement_ask ask = {.window = record->window,
	                            .home = record->home,
	                            .item = record->item,
	                            .base_code = record->base_code,
	                            .mode = case_mode_listed(record->mode)};
	if (!agreement)
		return TB_OK;
	if (check_postage(agreement, detail, err))
		return err->code;
	if (row->event == PB_CASE_EVENT__ASK &&
	    !agreement_right(agreement, &ask, PB_RIGHT__NOTIFY_ONCE, turn->now))
		return tb_refuse(err, TB_REASON_AGREEMENT_NOTICE, agreement->id, record->home, NULL);
	if (row->event == PB_CASE_EVENT__DISPATCH && detail->way == PB_DELIVERY_WAY__WINDOW_PICKUP &&
	    !agreement_right(agreement, &ask, PB_RIGHT__DELIVER_RESULTS, turn->now))
		return tb_refuse(err, TB_REASON_AGREEMENT_RESULTS, agreement->id, record->window, NULL);
	bool listed = row->event != PB_CASE_EVENT__RETURN || agreement->n_return_reasons == 0;
	for (size_t i = 0; i < agreement->n_return_reasons && !listed; i++)
		listed = strncmp(detail->reason, agreement->return_reasons[i],
		                 strlen(agreement->return_reasons[i])) == 0;
	return listed ? TB_OK : tb_refuse(err, TB_REASON_DETAIL_REASON_LISTED, agreement->id, NULL);
}

/* The agreement's limits, where it names them. */
static void promised_days(struct turn *turn, const PbCaseRecord *record, int32_t days[CASE_CLOCKS])
{
	const PbAgreement *agreement =
		agreement_cited(turn->core, record->agreement, record->agreement_version);
	for (size_t i = 0; agreement && i < agreement->n_clocks; i++)
		days[agreement->clocks[i]->clock] = (int32_t)agreement->clocks[i]->days;
}

static const char *basis_of(struct turn *turn, const PbCaseRecord *record, unsigned sides)
{
	if (sides & CASE_AT_HOME)
		return tb_arena_printf(&turn->arena, "item %s of %s", record->item, record->home);
	if (record->agreement[0])
		return tb_arena_printf(&turn->arena, "agreement %s version %u, mode %s", record->agreement,
		                       record->agreement_version, record->mode);
	return tb_arena_printf(&turn->arena, "grant of %s to %s, mode %s", record->home, record->window,
	                       record->mode);
}

/* The other side may fetch what |entry| names. */
static void allow_materials(struct turn *turn, const char *other, struct tb_bytes bytes)
{
	/* A root is field 5 with 32 bytes, wherever it stands: most entries name none. */
	static const uint8_t root[] = {0x2a, PKI_HASH_BYTES};
	PbCaseEntry *entry;
	if (!memmem(bytes.data, bytes.size, root, sizeof(root)))
		return;
	if (PROTO_DECODE_OWN(&entry, case_entry, bytes, &turn->arena, NULL) != TB_OK || !entry->detail)
		return;
	const PbApplication *application = entry->detail->application;
	for (size_t i = 0; application && i < application->n_materials; i++)
		material_allow(turn, other, proto_bytes(application->materials[i]->root));
	for (size_t i = 0; i < entry->detail->n_materials; i++)
		material_allow(turn, other, proto_bytes(entry->detail->materials[i]->root));
}

/* Everything so far: a hand-over to the home region, or its copy. */
static void tell_all(struct turn *turn, PbCaseRecord *record, bool copy)
{
	const char *other = case_other(record, turn->core->setup.region);
	PbCaseMessage message = PB_CASE_MESSAGE__INIT;
	PbCasePackage package = PB_CASE_PACKAGE__INIT;
	package.copy = copy;
	package.entries = tb_arena_alloc(&turn->arena, record->seq * sizeof(*package.entries));
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct kv_key key = case_entry_key(record->number, seq);
		struct tb_bytes entry;
		enum tb_code code = kv_get(&turn->kv, KV_ENTRY, &key, &turn->arena, &entry, NULL);
		assert(code == TB_OK); /* case_whole() has read them before anything was written. */
		package.entries[package.n_entries++] = proto_data(entry);
		allow_materials(turn, other, entry);
	}
	message.package = &package;
	record->handing_over = !copy;
	record->shared = copy;
	delivery_queue(turn, other, record, &message, !copy);
}

/* The entry |bytes| goes to the side that has the case already. */
static void tell_entry(struct turn *turn, PbCaseRecord *record, const struct case_row *row,
                       struct tb_bytes bytes)
{
	PbCaseMessage message = PB_CASE_MESSAGE__INIT;
	PbCaseEntries entries = PB_CASE_ENTRIES__INIT;
	ProtobufCBinaryData both[2] = {{0, NULL}, proto_data(bytes)};
	entries.n_entries = 1;
	entries.entries = &both[1];
	if (row->event == PB_CASE_EVENT__BOUNCE) {
		/* The sending went with the package that was refused: it goes again, before what undid it. */
		struct kv_key key = case_entry_key(record->number, record->seq - 1);
		struct tb_bytes sent;
		if (kv_get(&turn->kv, KV_ENTRY, &key, &turn->arena, &sent, NULL) == TB_OK) {
			both[0] = proto_data(sent);
			entries.n_entries = 2;
			entries.entries = both;
		}
	}
	entries.hand_over = (row->needs & CASE_HANDS_OVER) != 0;
	message.entries = &entries;
	record->handing_over = entries.hand_over;
	delivery_queue(turn, case_other(record, turn->core->setup.region), record, &message,
	               entries.hand_over);
}

/* Does the other side get the whole case with this event? */
static bool gives_all(struct turn *turn, const PbCaseRecord *record, const struct case_row *row)
{
	bool from_window = strcmp(record->window, turn->core->setup.region) == 0;
	return ((row->needs & CASE_HANDS_OVER) && from_window) ||
	       ((row->needs & CASE_SHARES) && !record->shared);
}

/* Tells the other side, if there is one, and it has the case or is to have it. */
static void tell(struct turn *turn, PbCaseRecord *record, const struct case_row *row, struct tb_bytes bytes)
{
	if (strcmp(record->home, record->window) == 0)
		return;
	if (gives_all(turn, record, row)) {
		tell_all(turn, record, (row->needs & CASE_SHARES) != 0);
	} else if (record->epoch > 0 || record->shared) {
		allow_materials(turn, case_other(record, turn->core->setup.region), bytes);
		tell_entry(turn, record, row, bytes);
	}
}

/* Before everything is given: every entry can be read, and all of them fit in one message. */
static enum tb_code case_whole(struct turn *turn, const PbCaseRecord *record, struct tb_error *err)
{
	size_t bytes = 4096;
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct kv_key key = case_entry_key(record->number, seq);
		struct tb_bytes entry;
		enum tb_code code = kv_get(&turn->kv, KV_ENTRY, &key, &turn->arena, &entry, err);
		if (code)
			return tb_fail(err, TB_ECORRUPT, "case %s: entry %u cannot be read", record->number,
			               seq);
		bytes += entry.size + 8;
	}
	if (bytes > TB_CASE_MESSAGE_BYTES_MAX)
		return tb_refuse(err, TB_REASON_CASE_TOO_BIG, record->number,
		                 TB_NUMBER(TB_CASE_MESSAGE_BYTES_MAX), NULL);
	return TB_OK;
}

static PbCaseEntry *make_entry(struct turn *turn, const PbCaseRecord *record,
                               const struct case_change *change, const struct case_row *row, unsigned sides,
                               const struct case_clocks *clocks)
{
	PbCaseEntry *entry = PROTO_NEW(PbCaseEntry, case_entry, &turn->arena);
	uint8_t salt[TB_SALT_BYTES];
	pki_random_bytes(turn->core->random, salt, sizeof(salt));
	entry->case_number = record->number;
	entry->seq = record->seq + 1;
	entry->epoch = record->epoch;
	entry->event = row->event;
	entry->from = row->from;
	entry->to = row->to;
	entry->node = (char *)(uintptr_t)change->node;
	entry->owner = (char *)(uintptr_t)turn->core->setup.region;
	entry->actor = (PbActor *)(uintptr_t)change->actor;
	entry->basis = (char *)(uintptr_t)basis_of(turn, record, sides);
	entry->at_ms = turn->now;
	entry->detail = change->detail;
	entry->previous = record->head;
	entry->salt = proto_data(tb_arena_bytes(&turn->arena, tb_bytes_of(salt, sizeof(salt))));
	entry->proposal = proto_data(change->proposal);
	clocks_to_proto(clocks, &entry->clocks, &entry->n_clocks, &turn->arena);
	return entry;
}

/* What people brought with the event is of this case from now on. */
static void keep_materials(struct turn *turn, const PbCaseRecord *record, const PbCaseDetail *detail)
{
	const PbApplication *application = detail->application;
	for (size_t i = 0; application && i < application->n_materials; i++)
		material_belongs(turn, record->number, proto_bytes(application->materials[i]->root));
	for (size_t i = 0; i < detail->n_materials; i++)
		material_belongs(turn, record->number, proto_bytes(detail->materials[i]->root));
}

enum tb_code case_order(struct turn *turn, PbCaseRecord *record, const struct case_change *change,
                        struct tb_error *err)
{
	const struct case_mode *mode = case_mode_find(record->mode);
	const struct case_row *row;
	struct case_clocks clocks;
	unsigned sides = case_sides(record, change->node);
	assert(change->detail);
	if (!mode || !clocks_from_proto(&clocks, record->clocks, record->n_clocks))
		return tb_fail(err, TB_ECORRUPT, "case %s: its record is damaged", record->number);
	enum tb_code code = case_allowed(&row, mode, record->state, change->event, change->actor->role, sides,
	                                 change->detail, err);
	if (code == TB_OK)
		code = check_here(record, row, err);
	if (code == TB_OK)
		code = check_promised(turn, record, row, change->detail, err);
	if (code == TB_OK)
		code = case_check_demand(turn, record, change->event, change->detail, err);
	if (code == TB_OK)
		code = credit_check_event(turn, record, change->event, change->detail, err);
	bool archives = change->event == PB_CASE_EVENT__GRANT || change->event == PB_CASE_EVENT__HAND_OVER;
	if (code == TB_OK && archives && change->actor->role != PB_ROLE__SYSTEM)
		code = case_check_archive(turn, record, err);
	if (code == TB_OK && change->actor->role != PB_ROLE__SYSTEM)
		code = originals_check(turn, record, change->event, change->detail, err);
	int32_t days[CASE_CLOCKS] = {0};
	promised_days(turn, record, days);
	struct clocks_params params = {.agreed = days,
	                               .at = turn->now,
	                               .counted_from = change->detail->counted_from_ms,
	                               .promised_days = (int32_t)change->detail->promised_days,
	                               .days = (int32_t)change->detail->days,
	                               .originals = record->needs_originals,
	                               .bad = change->detail->grade >= CASE_GRADE_BAD,
	                               .clock = change->detail->clock};
	if (code == TB_OK)
		code = clocks_apply(&clocks, mode, row, turn->core->setup.calendar, &params, err);
	if (code == TB_OK && gives_all(turn, record, row))
		code = case_whole(turn, record, err);
	if (code == TB_OK && change->issue)
		code = credential_can_store(&turn->kv, change->issue, &turn->arena, err);
	if (code)
		return code;
	/* From here on everything is written. */
	/* Acceptance, by whatever event: the promised limit begins. A case keeps its number. */
	if (case_row_starts(row, PB_CLOCK__T5_DECIDE) && !record->local_number[0])
		number_acceptance(turn, record, change->detail);
	if (change->issue)
		issue(turn, change->detail, change->issue);
	PbCaseEntry *entry = make_entry(turn, record, change, row, sides, &clocks);
	struct tb_bytes bytes = proto_encode_arena(&turn->arena, &entry->base);
	uint8_t digest[PKI_HASH_BYTES];
	pki_sha256(digest, bytes);
	case_append(turn, record, entry, bytes, digest);
	keep_materials(turn, record, change->detail);
	tell(turn, record, row, bytes);
	case_arm(turn, record, true);
	case_save(turn, record);
	joint_moved(turn, record, row->event);
	if (row->event == PB_CASE_EVENT__REOPEN)
		credit_reopened(turn, record, change->actor, change->detail);
	return TB_OK;
}

/* ---- what happens by itself */

PbActor *case_system_actor(struct tb_arena *arena)
{
	PbActor *actor = PROTO_NEW(PbActor, actor, arena);
	actor->role = PB_ROLE__SYSTEM;
	actor->id = tb_arena_str(arena, "tongban");
	return actor;
}

/* A clock of |record| has run out. */
static void ran_out(struct turn *turn, PbCaseRecord *record, PbClock clock)
{
	struct case_change change = {
		.event = case_clock_event(case_mode_find(record->mode), record->state, clock),
		.actor = case_system_actor(&turn->arena),
		.detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena),
		.node = turn->core->setup.region};
	struct tb_error err = {0};
	enum tb_code code = TB_OK;
	change.detail->clock = clock;
	if (change.event == PB_CASE_EVENT__DEEM) {
		code = case_accept_detail(turn, record, change.detail, &err);
		change.detail->counted_from_ms = record->received_ms;
	}
	if (code == TB_OK)
		code = case_order(turn, record, &change, &err);
	if (code == TB_OK) {
		turn_log(turn, TB_LOG_INFO, "case.clock", "", record->number, "%s: %s",
		         case_clock_text(clock, false), case_event_text(change.event, false));
		return;
	}
	/* A calendar that ends, say: the operator mends it; the clock is looked at again in an hour. */
	turn_log(turn, TB_LOG_ERROR, "case.clock_failed", "", record->number, "%s", err.text);
	set_timer(turn, record, turn->now + TB_HOUR);
	case_save(turn, record);
}

tb_time case_timers(struct turn *turn)
{
	for (unsigned done = 0; done < TIMERS_PER_TURN; done++) {
		struct store_cursor cursor;
		struct tb_bytes key, value;
		struct kv_key timer;
		PbCaseRecord *record;
		struct case_clocks clocks;
		PbClock clock;
		store_cursor(&cursor, turn->kv.txn, KV_TIMER, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
		bool any = store_next(&cursor, &key, &value) && key.size > 8;
		if (any)
			timer = kv_key_of(key);
		store_cursor_end(&cursor);
		if (!any)
			return INT64_MAX;
		tb_time due = (tb_time)tb_get_u64(timer.bytes);
		if (due > turn->now)
			return due;
		kv_delete(&turn->kv, KV_TIMER, &timer);
		char number[TB_ID_BYTES_MAX + 1] = "";
		memcpy(number, timer.bytes + 8,
		       timer.size - 8 < TB_ID_BYTES_MAX ? timer.size - 8 : TB_ID_BYTES_MAX);
		struct tb_error err = {0};
		if (case_load(&turn->kv, number, &turn->arena, &record, &err) != TB_OK) {
			/* Mended or not by then: its clocks are not forgotten. */
			struct kv_key later = timer_key(turn->now + TB_HOUR, number);
			turn_log(turn, TB_LOG_ERROR, "case.unreadable", "", number, "%s", err.text);
			kv_mark(&turn->kv, KV_TIMER, &later);
			continue;
		}
		record->timer_ms = 0;
		bool ours = strcmp(record->owner, turn->core->setup.region) == 0 && !record->handing_over &&
		            clocks_from_proto(&clocks, record->clocks, record->n_clocks);
		tb_time next = ours ? clocks_next_due(&clocks, &clock) : INT64_MAX;
		if (next <= turn->now) {
			ran_out(turn, record, clock);
			continue;
		}
		if (ours && next != INT64_MAX) {
			warn(turn, record, &clocks);
			case_arm(turn, record, true);
		}
		case_save(turn, record);
	}
	return turn->now;
}

void case_maybe_sign(struct turn *turn, PbCaseRecord *record)
{
	struct case_change change = {.event = PB_CASE_EVENT__SIGN,
	                             .actor = case_system_actor(&turn->arena),
	                             .node = turn->core->setup.region};
	struct tb_error err;
	const struct case_mode *mode = case_mode_find(record->mode);
	const struct case_row *row = case_row_find(mode, record->state, PB_CASE_EVENT__SIGN);
	if (!row || record->signed_for || record->materials_missing || record->needs_originals ||
	    record->handing_over || strcmp(record->owner, turn->core->setup.region) != 0 ||
	    strcmp(record->owner, record->home) != 0)
		return;
	change.detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena);
	enum tb_code code = TB_OK;
	if (case_row_starts(row, PB_CLOCK__T5_DECIDE))
		code = case_accept_detail(turn, record, change.detail, &err);
	if (code == TB_OK)
		code = case_order(turn, record, &change, &err);
	if (code)
		turn_log(turn, TB_LOG_ERROR, "case.sign_failed", "", record->number, "%s", err.text);
}

void case_material_arrived(struct turn *turn, const char *number)
{
	PbCaseRecord *record;
	struct tb_error err;
	if (case_load(&turn->kv, number, &turn->arena, &record, &err))
		return;
	if (record->materials_missing > 0)
		record->materials_missing--;
	case_save(turn, record);
	case_maybe_sign(turn, record);
}
