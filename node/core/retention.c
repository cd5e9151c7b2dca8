/* How long what is kept: archives, holds, pruning, erasing.
 *
 * A case that has ended may be archived: given as one signed file, to be kept elsewhere. What is archived and
 * older than the policy is pruned, unless it is under a hold (法律保全). What is of a person can be erased
 * sooner. The audit log is touched by none of this: its leaves hold digests of salted records, which say
 * nothing without them, and what was done is a leaf itself.
 *
 * Each case is one transaction's work. Files of materials are removed by a later turn, when what no longer
 * names them is durable. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "node/core/casetable.h"
#include "node/core/turn.h"

enum {
	CASES_LOOKED_AT_MAX = 1024, /* by one call */
	CASES_PRUNED_MAX = 64,      /* by one call */
	FILES_REMOVED_MAX = 64,     /* by one turn */
};

static struct kv_key text_key(const char *text)
{
	return kv_key_of(tb_bytes_of(text, strnlen(text, TB_ID_BYTES_MAX)));
}

static bool is_held(struct kv *kv, const char *number)
{
	struct kv_key key = text_key(number);
	return kv_has(kv, KV_HOLD, &key);
}

static enum tb_code entry_load(struct kv *kv, const char *number, uint32_t seq, struct tb_arena *arena,
                               struct tb_bytes *bytes, PbCaseEntry **out, struct tb_error *err)
{
	struct kv_key key = text_key(number);
	kv_key_add_u32(&key, seq);
	if (kv_get(kv, KV_ENTRY, &key, arena, bytes, err))
		return tb_fail(err, TB_ECORRUPT, "case %.40s: entry %u cannot be read", number, seq);
	return PROTO_DECODE_OWN(out, case_entry, *bytes, arena, err);
}

/* When a finished case ended: its last entry. */
static enum tb_code ended_at(struct kv *kv, const PbCaseRecord *record, struct tb_arena *arena, tb_time *out,
                             struct tb_error *err)
{
	struct tb_bytes bytes;
	PbCaseEntry *entry;
	enum tb_code code = entry_load(kv, record->number, record->seq, arena, &bytes, &entry, err);
	if (code == TB_OK)
		*out = entry->at_ms;
	return code;
}

/* ---- holds */

static void note_hold(struct turn *turn, const char *number, const char *reason, bool held)
{
	uint8_t salted[TB_SALT_BYTES + PKI_HASH_BYTES], digest[PKI_HASH_BYTES];
	pki_random_bytes(turn->core->random, salted, TB_SALT_BYTES);
	pki_sha256(salted + TB_SALT_BYTES, tb_bytes_str(reason));
	pki_sha256(digest, tb_bytes_of(salted, sizeof(salted)));
	audit_add(turn, PB_LEAF_KIND__LEAF_HOLD, number, "", tb_bytes_of(digest, sizeof(digest)), held);
	turn_log(turn, TB_LOG_INFO, held ? "case.held" : "case.released", "", number, "%s", "");
}

static enum tb_code check_reason(const char *reason, struct tb_error *err)
{
	return reason[0] ? TB_OK : tb_refuse(err, TB_REASON_REASON_MISSING, NULL);
}

void retention_apply_hold(struct turn *turn, struct core_request *request)
{
	const PbHoldRequest *hold = (const PbHoldRequest *)(const void *)request->message;
	struct kv_key key = text_key(hold->case_number);
	PbCaseRecord *record;
	struct tb_error err = {0};
	enum tb_code code = case_load(&turn->kv, hold->case_number, &turn->arena, &record, &err);
	if (code == TB_OK)
		code = check_reason(hold->reason, &err);
	if (code == TB_OK && kv_has(&turn->kv, KV_HOLD, &key))
		code = tb_refuse(&err, TB_REASON_CASE_ON_HOLD_ALREADY, hold->case_number, NULL);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	PbHoldView *view = PROTO_NEW(PbHoldView, hold_view, &request->arena);
	view->case_number = hold->case_number;
	view->reason = hold->reason;
	view->at_ms = turn->now;
	kv_put_message(&turn->kv, KV_HOLD, &key, &view->base);
	note_hold(turn, hold->case_number, hold->reason, true);
	turn_reply(turn, request, &view->base);
}

void retention_apply_release(struct turn *turn, struct core_request *request)
{
	const PbHoldReleaseRequest *release = (const PbHoldReleaseRequest *)(const void *)request->message;
	struct kv_key key = text_key(release->case_number);
	struct tb_error err = {0};
	enum tb_code code = check_reason(release->reason, &err);
	if (code == TB_OK && (key.size == 0 || !kv_has(&turn->kv, KV_HOLD, &key)))
		code = tb_refuse(&err, TB_REASON_CASE_NO_HOLD, release->case_number, NULL);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	kv_delete(&turn->kv, KV_HOLD, &key);
	note_hold(turn, release->case_number, release->reason, false);
	turn_reply(turn, request,
	           &PROTO_NEW(PbHoldReleaseResponse, hold_release_response, &request->arena)->base);
}

enum tb_code retention_read_holds(struct query *query, struct tb_error *err)
{
	const PbHoldListRequest *request = (const PbHoldListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	PbHoldListResponse *reply = PROTO_NEW(PbHoldListResponse, hold_list_response, arena);
	struct kv_key from = text_key(request->after);
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	reply->holds = tb_arena_alloc(arena, TB_PAGE_ROWS_MAX * sizeof(*reply->holds));
	store_cursor(&cursor, query->kv.txn, KV_HOLD, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	while (code == TB_OK && reply->n_holds < TB_PAGE_ROWS_MAX && store_next(&cursor, &key, &sealed)) {
		if (from.size > 0 && tb_bytes_equal(key, kv_key_bytes(&from)))
			continue;
		code = kv_open(&query->kv, KV_HOLD, key, sealed, arena, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&reply->holds[reply->n_holds], hold_view, plain, arena, err);
		reply->n_holds += code == TB_OK;
	}
	store_cursor_end(&cursor);
	query->request->reply = &reply->base;
	return code;
}

/* ---- walking over what has ended */

struct walk {
	struct kv *kv;
	const char *after;
	/* The record is in |arena| until it returns; false: enough. */
	bool (*take)(void *ctx, const PbCaseRecord *record, tb_time ended);
	void *ctx;
	char next[TB_ID_BYTES_MAX + 1];
	bool more;
};

static enum tb_code walk_ended(struct walk *walk, struct tb_error *err)
{
	struct kv_key from = text_key(walk->after);
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	bool going = true;
	snprintf(walk->next, sizeof(walk->next), "%.*s", TB_ID_BYTES_MAX, walk->after);
	store_cursor(&cursor, walk->kv->txn, KV_CASE, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	for (unsigned looked = 0; code == TB_OK && going && looked < CASES_LOOKED_AT_MAX; looked++) {
		struct tb_arena arena = {0};
		PbCaseRecord *record;
		tb_time ended;
		if (!store_next(&cursor, &key, &sealed)) {
			store_cursor_end(&cursor);
			return TB_OK;
		}
		if (from.size > 0 && tb_bytes_equal(key, kv_key_bytes(&from)))
			continue;
		code = kv_open(walk->kv, KV_CASE, key, sealed, &arena, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&record, case_record, plain, &arena, err);
		if (code == TB_OK && case_state_final(record->state)) {
			code = ended_at(walk->kv, record, &arena, &ended, err);
			going = code == TB_OK && walk->take(walk->ctx, record, ended);
		}
		if (code == TB_OK)
			snprintf(walk->next, sizeof(walk->next), "%.*s", TB_ID_BYTES_MAX, record->number);
		tb_arena_clear(&arena);
	}
	walk->more = code == TB_OK;
	store_cursor_end(&cursor);
	return code;
}

/* ---- archives */

struct finished {
	PbFinishedResponse *reply;
	struct tb_arena *arena;
	tb_time before;
};

static bool take_finished(void *ctx, const PbCaseRecord *record, tb_time ended)
{
	struct finished *finished = ctx;
	if (ended < finished->before && !record->archived_ms && !record->erased_ms)
		finished->reply->numbers[finished->reply->n_numbers++] =
			tb_arena_str(finished->arena, record->number);
	return finished->reply->n_numbers < TB_PAGE_ROWS_MAX;
}

enum tb_code retention_read_finished(struct query *query, struct tb_error *err)
{
	const PbFinishedRequest *request = (const PbFinishedRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	struct finished finished = {.arena = arena};
	struct walk walk = {&query->kv, request->after, take_finished, &finished, "", false};
	tb_day day;
	if (!tb_day_parse(request->before, &day))
		return tb_refuse(err, TB_REASON_RETENTION_DAY, NULL);
	finished.before = tb_day_start(day);
	finished.reply = PROTO_NEW(PbFinishedResponse, finished_response, arena);
	finished.reply->numbers = tb_arena_alloc(arena, TB_PAGE_ROWS_MAX * sizeof(char *));
	enum tb_code code = walk_ended(&walk, err);
	finished.reply->next = tb_arena_str(arena, walk.next);
	finished.reply->more = walk.more;
	query->request->reply = &finished.reply->base;
	return code;
}

static enum tb_code check_ended(const PbCaseRecord *record, struct tb_error *err)
{
	if (!case_state_final(record->state))
		return tb_refuse(err, TB_REASON_CASE_NOT_ENDED, record->number, NULL);
	if (record->erased_ms)
		return tb_refuse(err, TB_REASON_CASE_ERASED, record->number, NULL);
	return TB_OK;
}

enum tb_code retention_read_archive(struct query *query, struct tb_error *err)
{
	const PbArchiveRequest *request = (const PbArchiveRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	PbEvidence *reply = PROTO_NEW(PbEvidence, evidence, arena);
	PbCaseArchive *archive = PROTO_NEW(PbCaseArchive, case_archive, arena);
	PbCaseRecord *record;
	enum tb_code code = case_load(&query->kv, request->case_number, arena, &record, err);
	if (code == TB_OK)
		code = check_ended(record, err);
	if (code)
		return code;
	archive->case_number = record->number;
	archive->region = tb_arena_str(arena, query->setup->region);
	archive->at_ms = query->now;
	archive->entries = tb_arena_alloc(arena, record->seq * sizeof(*archive->entries));
	for (uint32_t seq = 1; seq <= record->seq && code == TB_OK; seq++) {
		struct tb_bytes bytes;
		PbCaseEntry *entry;
		code = entry_load(&query->kv, record->number, seq, arena, &bytes, &entry, err);
		if (code == TB_OK)
			archive->entries[archive->n_entries++] = proto_data(bytes);
	}
	if (code)
		return code;
	struct tb_bytes encoded = proto_encode_arena(arena, &archive->base);
	if (encoded.size > TB_BATCH_BYTES_AIM)
		return tb_refuse(err, TB_REASON_CASE_TOO_BIG, record->number, TB_NUMBER(TB_BATCH_BYTES_AIM),
		                 NULL);
	reply->version = 1;
	reply->subject = tb_arena_str(arena, "archive");
	code = evidence_sign_one(query->setup, PB_BATCH_KIND__ARCHIVE, query->setup->region, encoded,
	                         query->now, arena, &reply->claim, err);
	query->request->reply = &reply->base;
	return code;
}

void retention_apply_archived(struct turn *turn, struct core_request *request)
{
	const PbArchivedRequest *done = (const PbArchivedRequest *)(const void *)request->message;
	PbCaseRecord *record;
	struct tb_error err = {0};
	enum tb_code code = case_load(&turn->kv, done->case_number, &turn->arena, &record, &err);
	if (code == TB_OK)
		code = check_ended(record, &err);
	if (code == TB_OK && done->digest.len != PKI_HASH_BYTES)
		code = tb_fail(&err, TB_EINVALID, "digest: 32 bytes expected");
	if (code == TB_OK && done->entries != record->seq)
		code = tb_refuse(&err, TB_REASON_CASE_MOVED_ON, TB_NUMBER(record->seq),
		                 TB_NUMBER(done->entries), NULL);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	record->archived_ms = turn->now;
	case_save(turn, record);
	audit_add(turn, PB_LEAF_KIND__LEAF_ARCHIVED, record->number, "", proto_bytes(done->digest),
	          record->seq);
	turn_reply(turn, request, &PROTO_NEW(PbArchivedResponse, archived_response, &request->arena)->base);
}

/* ---- taking away */

/* What one case's pruning or erasing took. */
struct taken {
	uint32_t entries;
	uint32_t materials;
	uint32_t messages;
};

void retention_doom(struct turn *turn, struct tb_bytes root)
{
	struct kv_key key = kv_key_of(root);
	kv_mark(&turn->kv, KV_DOOMED, &key);
	turn->core->doomed_at = turn->core->turns + 1; /* as this turn's end will count */
	turn->core->doomed = true;
}

static void release_all(struct turn *turn, const PbCaseRecord *record, PbMaterial *const *materials,
                        size_t count, struct taken *taken)
{
	const char *other = case_other(record, turn->core->setup.region);
	for (size_t i = 0; i < count; i++)
		taken->materials +=
			material_release(turn, record->number, other, proto_bytes(materials[i]->root));
}

/* Every material that the log names. */
static void release_materials(struct turn *turn, const PbCaseRecord *record, struct taken *taken)
{
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct tb_bytes bytes;
		PbCaseEntry *entry;
		if (entry_load(&turn->kv, record->number, seq, &turn->arena, &bytes, &entry, NULL) ||
		    !entry->detail)
			continue;
		const PbApplication *application = entry->detail->application;
		if (application)
			release_all(turn, record, application->materials, application->n_materials, taken);
		release_all(turn, record, entry->detail->materials, entry->detail->n_materials, taken);
	}
}

/* The mark that leads from a person to the case. What was erased before names nobody, and has no mark. */
static void forget_applicant(struct turn *turn, const PbCaseRecord *record)
{
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct tb_bytes bytes;
		PbCaseEntry *entry;
		if (entry_load(&turn->kv, record->number, seq, &turn->arena, &bytes, &entry, NULL) == TB_OK &&
		    entry->detail && entry->detail->application && entry->detail->application->applicant) {
			case_forget_applicant(turn, record, entry->detail->application->applicant);
			credit_forget(turn, record->number, entry->detail->application->applicant);
		}
	}
}

/* An item of a kept batch: its leaf stays, so that its neighbours can still be proved. */
static void scrub_item(struct turn *turn, uint64_t number, uint32_t index)
{
	struct kv_key key = kv_key_u64(number);
	PbStoredBatch *stored;
	if (KV_GET(&turn->kv, KV_BATCH, &key, stored_batch, &turn->arena, &stored, NULL) ||
	    index >= stored->n_items)
		return;
	if (stored->leaves.len != stored->n_items * sizeof(struct pki_digest)) {
		struct pki_digest *leaves = tb_arena_alloc(&turn->arena, stored->n_items * sizeof(*leaves));
		for (size_t i = 0; i < stored->n_items; i++)
			leaves[i] = pki_merkle_leaf(proto_bytes(stored->items[i]));
		stored->leaves = proto_data(tb_bytes_of(leaves, stored->n_items * sizeof(*leaves)));
	}
	stored->items[index] = (ProtobufCBinaryData){0, NULL};
	kv_put_message(&turn->kv, KV_BATCH, &key, &stored->base);
}

/* "message:<peer>:<id>" was received, "receipt:<peer>:<seq>" is of one that was sent. Digests and receipts
 * stay: they make a repetition harmless. */
static bool scrub_reference(struct turn *turn, const char *text)
{
	char peer[PKI_REGION_ROOM];
	uint8_t id[16];
	unsigned long long seq;
	int at = 0;
	if (sscanf(text, "message:%6[0-9]:%n", peer, &at) == 1 && at > 0 &&
	    tb_unhex(id, sizeof(id), text + at)) {
		struct kv_key key = kv_key_str(peer);
		PbInboxRecord *record;
		kv_key_add(&key, tb_bytes_of(id, sizeof(id)));
		if (KV_GET(&turn->kv, KV_INBOX, &key, inbox_record, &turn->arena, &record, NULL))
			return false;
		scrub_item(turn, record->batch, record->index);
		return true;
	}
	if (sscanf(text, "receipt:%6[0-9]:%llu", peer, &seq) == 2) {
		struct kv_key key = kv_key_str(peer);
		PbOutboxRecord *record;
		kv_key_add_u64(&key, seq);
		if (KV_GET(&turn->kv, KV_OUTBOX, &key, outbox_record, &turn->arena, &record, NULL) ||
		    kv_has(&turn->kv, KV_OUTGOING, &key))
			return false;
		record->message = (ProtobufCBinaryData){0, NULL};
		record->dead = tb_arena_str(&turn->arena, "erased"); /* nobody sends it again */
		kv_put_message(&turn->kv, KV_OUTBOX, &key, &record->base);
		return true;
	}
	return false;
}

/* What was exchanged about the case, one reference after the other: the cursor cannot stay open meanwhile. */
static void scrub_messages(struct turn *turn, const char *number, struct taken *taken)
{
	struct kv_key prefix = text_key(number);
	for (unsigned done = 0; done < TB_ENTRIES_MAX; done++) {
		struct store_cursor cursor;
		struct tb_bytes key, nothing;
		struct kv_key reference;
		size_t head = prefix.size + sizeof(uint64_t);
		store_cursor(&cursor, turn->kv.txn, KV_CASE_PROOF, kv_key_bytes(&prefix),
		             tb_bytes_of(NULL, 0));
		bool any = store_next(&cursor, &key, &nothing) && key.size > head;
		if (any)
			reference = kv_key_of(key);
		store_cursor_end(&cursor);
		if (!any)
			return;
		taken->messages += scrub_reference(
			turn, tb_arena_printf(&turn->arena, "%.*s", (int)(reference.size - head),
		                              (const char *)reference.bytes + head));
		kv_delete(&turn->kv, KV_CASE_PROOF, &reference);
	}
}

/* ---- pruning */

/* The first moment that is kept when |years| are; INT64_MIN: everything is. */
static tb_time kept_from(tb_time now, unsigned years)
{
	int year, month, day;
	if (years == 0)
		return INT64_MIN;
	tb_day_split(tb_day_at(now), &year, &month, &day);
	return tb_day_start(tb_day_of(year - (int)years, month, month == 2 && day == 29 ? 28 : day));
}

struct pruning {
	struct turn *turn;
	struct tb_arena *arena;
	PbPruneResponse *reply;
	tb_time cases_from;
	tb_time materials_from;
};

static bool take_due(void *ctx, const PbCaseRecord *record, tb_time ended)
{
	struct pruning *pruning = ctx;
	PbPruneResponse *reply = pruning->reply;
	bool whole = ended < pruning->cases_from;
	if (!whole && (ended >= pruning->materials_from || record->pruned_ms))
		return true;
	if (is_held(&pruning->turn->kv, record->number)) {
		reply->held++;
	} else if (!record->archived_ms && !record->erased_ms) {
		reply->not_archived++;
	} else {
		PbPruned *row = PROTO_NEW(PbPruned, pruned, pruning->arena);
		row->case_number = tb_arena_str(pruning->arena, record->number);
		row->materials_only = !whole;
		row->entries = whole ? record->seq : 0;
		row->ended_ms = ended;
		reply->pruned[reply->n_pruned++] = row;
	}
	return reply->n_pruned < CASES_PRUNED_MAX;
}

static void prune_one(struct turn *turn, PbPruned *row)
{
	struct kv_key key = text_key(row->case_number);
	PbCaseRecord *record;
	struct tb_error err;
	struct taken taken = {0};
	if (case_load(&turn->kv, row->case_number, &turn->arena, &record, &err))
		return;
	release_materials(turn, record, &taken);
	row->materials = taken.materials;
	audit_add(turn, PB_LEAF_KIND__LEAF_PRUNED, record->number, "", proto_bytes(record->head),
	          row->entries);
	if (row->materials_only) {
		record->pruned_ms = turn->now;
		case_save(turn, record);
		return;
	}
	forget_applicant(turn, record);
	scrub_messages(turn, record->number, &taken);
	case_arm(turn, record, false);
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct kv_key entry = text_key(record->number);
		kv_key_add_u32(&entry, seq);
		kv_delete(&turn->kv, KV_ENTRY, &entry);
	}
	metrics_case_gone(turn, record);
	kv_delete(&turn->kv, KV_CASE, &key);
}

void retention_apply_prune(struct turn *turn, struct core_request *request)
{
	const PbPruneRequest *prune = (const PbPruneRequest *)(const void *)request->message;
	const struct core_setup *setup = &turn->core->setup;
	struct pruning pruning = {.turn = turn,
	                          .arena = &request->arena,
	                          .cases_from = kept_from(turn->now, setup->case_years),
	                          .materials_from = kept_from(turn->now, setup->material_years)};
	struct walk walk = {&turn->kv, prune->after, take_due, &pruning, "", false};
	struct tb_error err = {0};
	pruning.reply = PROTO_NEW(PbPruneResponse, prune_response, &request->arena);
	pruning.reply->pruned =
		tb_arena_alloc(&request->arena, CASES_PRUNED_MAX * sizeof(*pruning.reply->pruned));
	enum tb_code code = TB_OK;
	kv_settle(&turn->kv);
	if (setup->case_years == 0 && setup->material_years == 0)
		code = tb_refuse(&err, TB_REASON_RETENTION_NONE, NULL);
	if (code == TB_OK)
		code = walk_ended(&walk, &err);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	if (!prune->dry_run)
		credit_sweep(turn);
	for (size_t i = 0; !prune->dry_run && i < pruning.reply->n_pruned; i++)
		prune_one(turn, pruning.reply->pruned[i]);
	if (!prune->dry_run && pruning.reply->n_pruned > 0)
		turn_log(turn, TB_LOG_INFO, "retention.pruned", "", "", "%zu cases", pruning.reply->n_pruned);
	pruning.reply->next = tb_arena_str(&request->arena, walk.next);
	pruning.reply->more = walk.more;
	turn_reply(turn, request, &pruning.reply->base);
}

/* ---- erasing */

static char *nothing(struct turn *turn)
{
	return tb_arena_str(&turn->arena, "");
}

static void redact_materials(struct turn *turn, PbMaterial **materials, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		PbMaterial *kept = PROTO_NEW(PbMaterial, material, &turn->arena);
		kept->need = materials[i]->need;
		materials[i] = kept;
	}
}

/* What happened, when, where and by which officer stays; who it was about, and every free text, goes. */
static void redact(struct turn *turn, PbCaseEntry *entry)
{
	PbCaseDetail *detail = entry->detail;
	if (entry->actor && entry->actor->role == PB_ROLE__APPLICANT) {
		entry->actor->id = nothing(turn);
		entry->actor->name = nothing(turn);
	}
	if (!detail)
		return;
	PbCaseDetail *kept = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena);
	kept->days = detail->days;
	kept->way = detail->way;
	kept->grade = detail->grade;
	kept->clock = detail->clock;
	kept->local_number = detail->local_number;
	kept->counted_from_ms = detail->counted_from_ms;
	kept->promised_days = detail->promised_days;
	kept->part = detail->part;
	kept->n_returned = detail->n_returned;
	kept->returned = detail->returned;
	kept->n_needs = detail->n_needs;
	kept->needs = detail->needs;
	kept->n_materials = detail->n_materials;
	kept->materials = detail->materials;
	redact_materials(turn, kept->materials, kept->n_materials);
	if (detail->application) {
		const PbApplication *from = detail->application;
		PbApplication *to = PROTO_NEW(PbApplication, application, &turn->arena);
		to->item = from->item;
		to->item_name = from->item_name;
		to->list = from->list;
		to->mode = from->mode;
		to->home = from->home;
		to->delivery = from->delivery;
		to->window = from->window;
		to->catalogue_version = from->catalogue_version;
		to->n_parts = from->n_parts;
		to->parts = from->parts;
		to->lead = from->lead;
		to->n_materials = from->n_materials;
		to->materials = from->materials;
		redact_materials(turn, to->materials, to->n_materials);
		kept->application = to;
	}
	entry->detail = kept;
}

/* What is counted stays; of its texts people wrote some, and named people in them. */
static void redact_facts(struct turn *turn, PbCaseRecord *record)
{
	PbCaseFacts *facts = tb_arena_copy(&turn->arena, record->facts, sizeof(*facts));
	facts->n_reasons = 0;
	facts->n_promises = 0;
	facts->n_fees = 0;
	record->facts = facts;
}

static enum tb_code check_erase(struct turn *turn, const PbCaseRecord *record, struct tb_error *err)
{
	enum tb_code code = check_ended(record, err);
	if (code == TB_OK && is_held(&turn->kv, record->number))
		code = tb_refuse(err, TB_REASON_CASE_ON_HOLD, record->number, NULL);
	for (uint32_t seq = 1; seq <= record->seq && code == TB_OK; seq++) {
		struct tb_bytes bytes;
		PbCaseEntry *entry;
		code = entry_load(&turn->kv, record->number, seq, &turn->arena, &bytes, &entry, err);
	}
	return code;
}

static enum tb_code erase_case(struct turn *turn, const PbEraseRequest *erase, PbEraseResponse *reply,
                               struct tb_error *err)
{
	PbCaseRecord *record;
	struct taken taken = {0};
	enum tb_code code = case_load(&turn->kv, erase->case_number, &turn->arena, &record, err);
	if (code == TB_OK)
		code = check_erase(turn, record, err);
	if (code)
		return code;
	release_materials(turn, record, &taken);
	forget_applicant(turn, record);
	uint8_t *digests = tb_arena_alloc(&turn->arena, (size_t)record->seq * PKI_HASH_BYTES);
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct kv_key key = text_key(record->number);
		struct tb_bytes bytes;
		PbCaseEntry *entry;
		code = entry_load(&turn->kv, record->number, seq, &turn->arena, &bytes, &entry, err);
		assert(code == TB_OK); /* check_erase() has read it. */
		/* The log's chain and the audit log hold the digest of what was. */
		pki_sha256(digests + (size_t)(seq - 1) * PKI_HASH_BYTES, bytes);
		redact(turn, entry);
		kv_key_add_u32(&key, seq);
		kv_put(&turn->kv, KV_ENTRY, &key, proto_encode_arena(&turn->arena, &entry->base));
	}
	scrub_messages(turn, record->number, &taken);
	record->erased_ms = turn->now;
	record->erased_digests = proto_data(tb_bytes_of(digests, (size_t)record->seq * PKI_HASH_BYTES));
	record->applicant_name = nothing(turn);
	record->refusal = nothing(turn);
	redact_facts(turn, record);
	case_save(turn, record);
	audit_add(turn, PB_LEAF_KIND__LEAF_ERASED, record->number, "", proto_bytes(record->head),
	          record->seq);
	turn_log(turn, TB_LOG_INFO, "case.erased", "", record->number, "%s", "");
	reply->entries = record->seq;
	reply->materials = taken.materials;
	reply->messages = taken.messages;
	return TB_OK;
}

static void unfind(struct turn *turn, struct find_name name, uint64_t serial)
{
	struct kv_key key = kv_key_of(tb_bytes_of(name.bytes, sizeof(name.bytes)));
	kv_key_add_u64(&key, serial);
	kv_delete(&turn->kv, KV_FIND, &key);
}

static enum tb_code erase_credential(struct turn *turn, const PbEraseRequest *erase, struct tb_error *err)
{
	struct found found;
	size_t count;
	enum tb_code code = credential_find(&turn->kv, erase->credential, "", "", NULL, &turn->arena, &found,
	                                    1, &count, err);
	if (code == TB_OK && count == 0)
		code = tb_refuse(err, TB_REASON_CREDENTIAL_UNKNOWN, NULL);
	PbCredentialState state = code == TB_OK ? credential_state(&found, turn->now) : 0;
	if (code == TB_OK &&
	    (state == PB_CREDENTIAL_STATE__VALID || state == PB_CREDENTIAL_STATE__SUSPENDED ||
	     state == PB_CREDENTIAL_STATE__NOT_YET_VALID))
		code = tb_refuse(err, TB_REASON_CREDENTIAL_IN_FORCE, NULL);
	if (code)
		return code;
	const PbCredential *c = found.credential;
	struct pki_vault *vault = turn->kv.vault;
	uint8_t digest[PKI_HASH_BYTES];
	/* The keyed hash of its identifier stays: what had ended does not come back with the next import. */
	unfind(turn, find_name_of(vault, 'n', c->type, c->number), found.serial);
	for (size_t i = 0; i < c->n_holders; i++)
		unfind(turn, find_name_of(vault, 'h', c->holders[i]->code_type, c->holders[i]->code),
		       found.serial);
	/* The salt that it was sealed with is in what is hashed, and goes with it. */
	pki_sha256(digest, proto_bytes(found.record->item));
	PbCredential kept = PB_CREDENTIAL__INIT;
	uint8_t none[TB_SALT_BYTES] = {0};
	struct tb_buf item = {0};
	struct kv_key key = kv_key_u64(found.serial);
	kept.type = c->type;
	kept.type_name = c->type_name;
	kept.issuer = c->issuer;
	kept.region = c->region;
	tb_buf_add(&item, none, sizeof(none));
	proto_encode(&item, &kept.base);
	found.record->item = proto_data(tb_buf_bytes(&item));
	found.record->reason = nothing(turn);
	found.record->superseded_by = nothing(turn);
	found.record->state = state;
	found.record->erased_ms = turn->now;
	kv_put_message(&turn->kv, KV_CREDENTIAL, &key, &found.record->base);
	tb_buf_clear(&item);
	credential_changed(turn, found.serial);
	audit_add(turn, PB_LEAF_KIND__LEAF_ERASED, "certificate", "", tb_bytes_of(digest, sizeof(digest)), 1);
	return TB_OK;
}

void retention_apply_erase(struct turn *turn, struct core_request *request)
{
	const PbEraseRequest *erase = (const PbEraseRequest *)(const void *)request->message;
	PbEraseResponse *reply = PROTO_NEW(PbEraseResponse, erase_response, &request->arena);
	struct tb_error err = {0};
	enum tb_code code = check_reason(erase->reason, &err);
	if (code == TB_OK && !erase->case_number[0] == !erase->credential[0])
		code = tb_fail(&err, TB_EINVALID, "case_number or credential expected");
	if (code == TB_OK && erase->case_number[0])
		code = erase_case(turn, erase, reply, &err);
	else if (code == TB_OK)
		code = erase_credential(turn, erase, &err);
	if (code)
		turn_refuse(turn, request, &err);
	else
		turn_reply(turn, request, &reply->base);
}

/* ---- files */

/* A fetch that still writes the file marks it again when it ends; after a crash the mark is there, and the
 * fetch is not. */
static bool next_doomed(struct turn *turn, struct kv_key *root)
{
	struct store_cursor cursor;
	struct tb_bytes key, value;
	bool any = false;
	store_cursor(&cursor, turn->kv.txn, KV_DOOMED, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (!any && store_next(&cursor, &key, &value))
		any = key.size == PKI_HASH_BYTES && !material_fetching(turn->core, key);
	if (any)
		*root = kv_key_of(key);
	store_cursor_end(&cursor);
	return any;
}

tb_time retention_finish(struct turn *turn)
{
	struct core *core = turn->core;
	if (!core->doomed)
		return INT64_MAX;
	/* This turn's marks are not durable yet. */
	if (core->doomed_at == core->turns)
		return turn->now;
	for (unsigned i = 0; i < FILES_REMOVED_MAX; i++) {
		struct kv_key root;
		char name[2 * PKI_HASH_BYTES + 1];
		struct tb_error err;
		if (!next_doomed(turn, &root)) {
			core->doomed = false;
			return INT64_MAX;
		}
		tb_hex(name, root.bytes, PKI_HASH_BYTES);
		/* Brought again meanwhile: the file is of the new one. */
		if (!kv_has(&turn->kv, KV_MATERIAL, &root) &&
		    blob_remove(core->setup.blobs, name, &err) != TB_OK) {
			turn_log(turn, TB_LOG_ERROR, "material.not_removed", "", "", "%s", err.text);
			core->doomed = false; /* again after the next pruning, or start */
			return INT64_MAX;
		}
		kv_delete(&turn->kv, KV_DOOMED, &root);
		core->removed = true;
	}
	return turn->now;
}
