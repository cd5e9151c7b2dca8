/* 信用记录: a promise (告知承诺) that did not hold, when the department found so, is noted where it was
 * checked.
 *
 * While a note stands, an item whose list says so takes no other promise of the same person in place of a
 * paper; they bring the paper. A note names nobody: it is found by a keyed hash of the applicant's code. It
 * lapses, can be disputed and corrected, bars nothing meanwhile, and leaves the node never. */
#include <string.h>

#include "node/core/casetable.h"
#include "node/core/turn.h"

enum {
	NOTES_MAX = 64, /* of one person that are looked at */
	SWEPT_MAX = 256,
	DAY_MOST = 28, /* a month later there is such a day, too */
};

/* ---- keys: keyed hash of the person, case number */

static struct kv_key person_key(struct kv *kv, const char *code_type, const char *code)
{
	struct find_name name = find_name_of(kv->vault, 'c', code_type, code);
	return kv_key_of(tb_bytes_of(name.bytes, sizeof(name.bytes)));
}

static struct kv_key note_key(struct kv *kv, const PbParty *party, const char *number)
{
	struct kv_key key = person_key(kv, party->code_type, party->code);
	kv_key_add_str(&key, number);
	return key;
}

static bool lapsed(const PbCreditNote *note, tb_time now)
{
	tb_day until;
	return !tb_day_parse(note->until, &until) || tb_day_at(now) > until;
}

static void audit_note(struct turn *turn, const PbCreditNote *note)
{
	uint8_t digest[PKI_HASH_BYTES], salt[TB_SALT_BYTES];
	struct tb_buf salted = {0};
	pki_random_bytes(turn->core->random, salt, sizeof(salt));
	tb_buf_add(&salted, salt, sizeof(salt));
	struct tb_bytes bytes = proto_encode_arena(&turn->arena, &note->base);
	tb_buf_add(&salted, bytes.data, bytes.size);
	pki_sha256(digest, tb_buf_bytes(&salted));
	tb_buf_clear(&salted);
	audit_add(turn, PB_LEAF_KIND__LEAF_CREDIT, note->case_number, "", tb_bytes_of(digest, sizeof(digest)),
	          (uint32_t)note->state);
}

/* ---- notes are made */

static const PbMaterial *promise_of(const PbCaseRecord *record, const char *need)
{
	for (size_t i = 0; record->facts && i < record->facts->n_promises; i++) {
		if (strcmp(record->facts->promises[i]->need, need) == 0)
			return record->facts->promises[i];
	}
	return NULL;
}

static enum tb_code check_reopen(const PbCaseRecord *record, const PbCaseDetail *detail, struct tb_error *err)
{
	size_t count = detail ? detail->n_needs : 0;
	if (count > TB_NEEDS_MAX)
		return tb_fail(err, TB_EINVALID, "detail.needs: more than %d", TB_NEEDS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!promise_of(record, detail->needs[i]->code))
			return tb_fail(err, TB_EINVALID,
			               "detail.needs[%zu]: nothing was promised in its place", i);
	}
	if (count > 0 && record->facts->promises_kept)
		return tb_fail(err, TB_ESTATE, "detail.needs: the promises were checked, and held");
	return TB_OK;
}

/* |months| after |day|, or up to three days sooner. */
static tb_day months_after(tb_day day, uint32_t months)
{
	int year, month, of_month;
	tb_day_split(day, &year, &month, &of_month);
	unsigned all = (unsigned)month - 1 + months;
	return tb_day_of(year + (int)(all / 12), (int)(all % 12) + 1,
	                 of_month < DAY_MOST ? of_month : DAY_MOST);
}

static PbCreditNote *new_note(struct turn *turn, const PbCaseRecord *record, const PbCaseDetail *detail,
                              uint32_t months)
{
	struct tb_arena *arena = &turn->arena;
	PbCreditNote *note = PROTO_NEW(PbCreditNote, credit_note, arena);
	char since[11], until[11];
	tb_day_format(since, tb_day_at(turn->now));
	tb_day_format(until, months_after(tb_day_at(turn->now), months));
	note->case_number = record->number;
	note->item = record->item;
	note->item_name = record->item_name;
	note->needs = tb_arena_alloc(arena, detail->n_needs * sizeof(*note->needs));
	for (size_t i = 0; i < detail->n_needs; i++)
		note->needs[note->n_needs++] = detail->needs[i]->code;
	note->reason = detail->reason;
	note->since = tb_arena_str(arena, since);
	note->until = tb_arena_str(arena, until);
	note->state = PB_CREDIT_STATE__CREDIT_STANDS;
	note->changed_ms = turn->now;
	return note;
}

void credit_reopened(struct turn *turn, const PbCaseRecord *record, const PbActor *actor,
                     const PbCaseDetail *detail)
{
	PbApplication *application;
	PbItem *item;
	if (!detail || detail->n_needs == 0 || case_application(turn, record, &application, NULL) ||
	    catalogue_item_of(&turn->kv, record, &turn->arena, &item, NULL) || item->credit_months == 0)
		return;
	PbCreditNote *note = new_note(turn, record, detail, item->credit_months);
	note->changed_by = actor->id;
	struct kv_key key = note_key(&turn->kv, application->applicant, record->number);
	credit_sweep(turn);
	kv_put_message(&turn->kv, KV_CREDIT, &key, &note->base);
	audit_note(turn, note);
}

/* ---- and looked at */

struct notes {
	PbCreditNote *list[NOTES_MAX];
	size_t count;
};

static enum tb_code load(struct kv *kv, const char *code_type, const char *code, tb_time now,
                         struct tb_arena *arena, struct notes *out, struct tb_error *err)
{
	struct kv_key prefix = person_key(kv, code_type, code);
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code found = TB_OK;
	out->count = 0;
	store_cursor(&cursor, kv->txn, KV_CREDIT, kv_key_bytes(&prefix), tb_bytes_of(NULL, 0));
	while (found == TB_OK && out->count < NOTES_MAX && store_next(&cursor, &key, &sealed)) {
		PbCreditNote *note;
		found = kv_open(kv, KV_CREDIT, key, sealed, arena, &plain, err);
		if (found == TB_OK)
			found = PROTO_DECODE_OWN(&note, credit_note, plain, arena, err);
		if (found == TB_OK && !lapsed(note, now))
			out->list[out->count++] = note;
	}
	store_cursor_end(&cursor);
	return found;
}

/* What was promised at first and brought afterwards is no promise any more. */
static bool brought(PbMaterial *const *materials, size_t count, const char *need)
{
	for (size_t i = 0; i < count; i++) {
		if (!materials[i]->commitment[0] && strcmp(materials[i]->need, need) == 0)
			return true;
	}
	return false;
}

enum tb_code credit_check(struct turn *turn, const PbItem *item, const PbParty *applicant,
                          PbMaterial *const *materials, size_t count, struct tb_error *err)
{
	struct notes notes;
	const char *need = NULL;
	for (size_t i = 0; i < count && !need; i++) {
		if (materials[i]->commitment[0] && !brought(materials, count, materials[i]->need))
			need = materials[i]->need;
	}
	if (!need || item->credit_months == 0)
		return TB_OK;
	enum tb_code code =
		load(&turn->kv, applicant->code_type, applicant->code, turn->now, &turn->arena, &notes, err);
	for (size_t i = 0; i < notes.count && code == TB_OK; i++) {
		if (notes.list[i]->state == PB_CREDIT_STATE__CREDIT_STANDS)
			/* No word of the note: who receives for another region is not told of it. */
			return tb_fail(err, TB_EDENIED,
			               "no commitment is taken here in place of %.60s: the paper is needed",
			               need);
	}
	return code;
}

/* Whoever decides checks what it orders: what was handed in, and what was brought later. */
enum tb_code credit_check_event(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event,
                                const PbCaseDetail *detail, struct tb_error *err)
{
	const char *decides = strcmp(record->mode, "YB") == 0 ? record->window : record->home;
	if (event == PB_CASE_EVENT__REOPEN)
		return check_reopen(record, detail, err);
	if (!detail || record->n_parts > 0 || strcmp(decides, turn->core->setup.region) != 0)
		return TB_OK;
	PbApplication *application = detail->application;
	PbMaterial *const *materials = application ? application->materials : detail->materials;
	size_t count = application ? application->n_materials : detail->n_materials, promised = 0;
	PbItem *item;
	while (promised < count && !materials[promised]->commitment[0])
		promised++;
	if (promised == count)
		return TB_OK;
	enum tb_code code = catalogue_item_of(&turn->kv, record, &turn->arena, &item, err);
	if (code == TB_OK && !application)
		code = case_application(turn, record, &application, err);
	return code ? code : credit_check(turn, item, application->applicant, materials, count, err);
}

void credit_sweep(struct turn *turn)
{
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	struct kv_key *gone = tb_arena_alloc(&turn->arena, SWEPT_MAX * sizeof(*gone));
	size_t count = 0;
	store_cursor(&cursor, turn->kv.txn, KV_CREDIT, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (count < SWEPT_MAX && store_next(&cursor, &key, &sealed)) {
		PbCreditNote *note;
		if (kv_open(&turn->kv, KV_CREDIT, key, sealed, &turn->arena, &plain, NULL) == TB_OK &&
		    PROTO_DECODE_OWN(&note, credit_note, plain, &turn->arena, NULL) == TB_OK &&
		    lapsed(note, turn->now))
			gone[count++] = kv_key_of(key);
	}
	store_cursor_end(&cursor);
	for (size_t i = 0; i < count; i++)
		kv_delete(&turn->kv, KV_CREDIT, &gone[i]);
}

void credit_forget(struct turn *turn, const char *number, const PbParty *party)
{
	struct kv_key key = note_key(&turn->kv, party, number);
	kv_delete(&turn->kv, KV_CREDIT, &key);
}

/* The applicant of a case, as its log has it. */
static enum tb_code applicant_of(struct kv *kv, const char *number, struct tb_arena *arena, PbParty **out,
                                 struct tb_error *err)
{
	struct kv_key key = kv_key_of(tb_bytes_of(number, strnlen(number, TB_ID_BYTES_MAX)));
	PbCaseEntry *entry;
	kv_key_add_u32(&key, 1);
	enum tb_code code = KV_GET(kv, KV_ENTRY, &key, case_entry, arena, &entry, err);
	*out = NULL;
	if (code == TB_OK && entry->detail && entry->detail->application)
		*out = entry->detail->application->applicant;
	if (code == TB_ENOTFOUND || (code == TB_OK && !*out))
		return tb_fail(err, TB_ENOTFOUND, "no credit note of case %.40s is here", number);
	return code;
}

enum tb_code credit_read_notes(struct query *query, struct tb_error *err)
{
	const PbCreditNotesRequest *ask = (const PbCreditNotesRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	PbCreditNotesResponse *reply = PROTO_NEW(PbCreditNotesResponse, credit_notes_response, arena);
	struct notes notes;
	PbParty *party = NULL;
	const char *code_type = ask->holder ? ask->holder->code_type : "";
	const char *holder = ask->holder ? ask->holder->code : "";
	if (!ask->case_number[0] == !holder[0])
		return tb_fail(err, TB_EINVALID, "holder or case_number: one of the two is expected");
	if (ask->case_number[0] && applicant_of(&query->kv, ask->case_number, arena, &party, err))
		return err->code;
	enum tb_code code = load(&query->kv, party ? party->code_type : code_type,
	                         party ? party->code : holder, query->now, arena, &notes, err);
	reply->notes = tb_arena_alloc(arena, NOTES_MAX * sizeof(*reply->notes));
	for (size_t i = 0; i < notes.count && code == TB_OK; i++) {
		if (!party || strcmp(notes.list[i]->case_number, ask->case_number) == 0)
			reply->notes[reply->n_notes++] = notes.list[i];
	}
	query->request->reply = &reply->base;
	return code;
}

/* ---- 异议与更正 */

static enum tb_code find_note(struct turn *turn, struct core_request *request, const char *number,
                              const char *reason, const PbActor *actor, struct kv_key *key,
                              PbCreditNote **out, struct tb_error *err)
{
	PbParty *party;
	struct tb_arena *arena = &request->arena;
	if (!actor || !actor->id[0])
		return tb_fail(err, TB_EINVALID, "actor.id: missing");
	if (case_text_blank(reason) || strlen(reason) > TB_TEXT_BYTES_MAX)
		return tb_fail(err, TB_EINVALID, "reason: missing");
	enum tb_code code = applicant_of(&turn->kv, number, arena, &party, err);
	if (code)
		return code;
	*key = note_key(&turn->kv, party, number);
	code = KV_GET(&turn->kv, KV_CREDIT, key, credit_note, arena, out, err);
	if (code == TB_ENOTFOUND || (code == TB_OK && lapsed(*out, turn->now)))
		return tb_fail(err, TB_ENOTFOUND, "no credit note of case %.40s is here", number);
	return code;
}

static void change(struct turn *turn, struct core_request *request, const struct kv_key *key,
                   PbCreditNote *note, PbCreditState state, const PbActor *actor)
{
	note->state = state;
	note->changed_ms = turn->now;
	note->changed_by = actor->id;
	kv_put_message(&turn->kv, KV_CREDIT, key, &note->base);
	audit_note(turn, note);
	turn_reply(turn, request, &note->base);
}

void credit_apply_dispute(struct turn *turn, struct core_request *request)
{
	const PbCreditDisputeRequest *ask = (const PbCreditDisputeRequest *)(const void *)request->message;
	struct tb_error err = {0};
	struct kv_key key;
	PbCreditNote *note;
	enum tb_code code =
		find_note(turn, request, ask->case_number, ask->reason, ask->actor, &key, &note, &err);
	if (code == TB_OK && (note->state != PB_CREDIT_STATE__CREDIT_STANDS || note->dispute[0]))
		code = tb_fail(&err, TB_ESTATE, "the note was disputed before");
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	note->dispute = ask->reason;
	change(turn, request, &key, note, PB_CREDIT_STATE__CREDIT_DISPUTED, ask->actor);
}

void credit_apply_settle(struct turn *turn, struct core_request *request)
{
	const PbCreditSettleRequest *ask = (const PbCreditSettleRequest *)(const void *)request->message;
	struct tb_error err = {0};
	struct kv_key key;
	PbCreditNote *note;
	enum tb_code code =
		find_note(turn, request, ask->case_number, ask->reason, ask->actor, &key, &note, &err);
	if (code == TB_OK && !ask->correct && note->state != PB_CREDIT_STATE__CREDIT_DISPUTED)
		code = tb_fail(&err, TB_ESTATE, "the note is not in dispute");
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	note->settlement = ask->reason;
	change(turn, request, &key, note,
	       ask->correct ? PB_CREDIT_STATE__CREDIT_CORRECTED : PB_CREDIT_STATE__CREDIT_STANDS, ask->actor);
}
