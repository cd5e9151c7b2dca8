/* Cases as people and programs call them: submit, act, look. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/core/casetable.h"
#include "node/core/catalogue.h"
#include "node/core/clocks.h"
#include "node/core/ident.h"
#include "node/core/turn.h"

enum { REQUEST_HASH_BYTES = 16 };

static enum tb_code load_entry(struct kv *kv, const char *number, uint32_t seq, struct tb_arena *arena,
                               struct tb_bytes *bytes, PbCaseEntry **out, struct tb_error *err)
{
	struct kv_key key = case_entry_key(number, seq);
	enum tb_code code = kv_get(kv, KV_ENTRY, &key, arena, bytes, err);
	if (code)
		return tb_fail(err, TB_ECORRUPT, "case %.40s: entry %u cannot be read", number, seq);
	return PROTO_DECODE_OWN(out, case_entry, *bytes, arena, err);
}

/* ---- the view */

/* What the other region's systems call the state; NULL if nothing says so. */
static const char *state_there(const char *self, const struct peer_set *peers, const PbCaseRecord *record)
{
	const char *state = proto_enum_name(&pb_case_state__descriptor, (int)record->state);
	return peer_code_there(peer_find(peers, case_other(record, self)), PB_CODE_KIND__CODE_CASE_STATE,
	                       NULL, state ? state : "");
}

PbCaseView *case_view(const char *self, const struct peer_set *peers, const PbCaseRecord *record,
                      struct tb_arena *arena)
{
	PbCaseView *view = PROTO_NEW(PbCaseView, case_view, arena);
	const char *there = state_there(self, peers, record);
	const struct case_mode *mode = case_mode_find(record->mode);
	view->number = record->number;
	view->item = record->item;
	view->item_name = record->item_name;
	view->mode = record->mode;
	view->state = record->state;
	view->first_node = record->first_node;
	view->window = record->window;
	view->home = record->home;
	view->owner = record->owner;
	view->epoch = record->epoch;
	view->clocks = record->clocks;
	view->n_clocks = record->n_clocks;
	view->extended = record->extended;
	view->dispute = record->dispute;
	view->local_number = record->local_number;
	view->handing_over = record->handing_over;
	view->materials_missing = record->materials_missing;
	view->seq = record->seq;
	view->applicant_name = record->applicant_name;
	view->parts = record->parts;
	view->n_parts = record->n_parts;
	view->lead = record->lead;
	view->copy_refused = record->copy_refused;
	if (record->facts) {
		view->fees = record->facts->fees;
		view->n_fees = record->facts->n_fees;
	}
	if (there)
		view->state_there = tb_arena_str(arena, there);
	if (record->refusal[0])
		view->proposal = record->refusal;
	if (mode) {
		view->possible = tb_arena_alloc(arena, 32 * sizeof(*view->possible));
		view->n_possible =
			case_possible(mode, record->state, case_sides(record, self), view->possible, 32);
	}
	return view;
}

/* The log, and references of the evidence, into |view|. */
static enum tb_code add_log(struct kv *kv, const PbCaseRecord *record, PbCaseView *view,
                            struct tb_arena *arena, struct tb_error *err)
{
	enum tb_code code = TB_OK;
	view->log = tb_arena_alloc(arena, record->seq * sizeof(*view->log));
	view->log_digests = tb_arena_alloc(arena, record->seq * sizeof(*view->log_digests));
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct tb_bytes bytes;
		PbCaseEntry *entry;
		uint8_t digest[PKI_HASH_BYTES];
		code = load_entry(kv, record->number, seq, arena, &bytes, &entry, err);
		if (code)
			return code;
		char *hex = tb_arena_alloc(arena, 2 * PKI_HASH_BYTES + 1);
		if ((size_t)seq * PKI_HASH_BYTES <= record->erased_digests.len) /* as it was */
			memcpy(digest, record->erased_digests.data + (size_t)(seq - 1) * PKI_HASH_BYTES,
			       sizeof(digest));
		else
			pki_sha256(digest, bytes);
		tb_hex(hex, digest, sizeof(digest));
		view->log[view->n_log++] = entry;
		view->log_digests[view->n_log_digests++] = hex;
	}
	struct kv_key prefix = kv_key_str(record->number);
	struct store_cursor cursor;
	struct tb_bytes key, sealed, nothing;
	view->evidence = tb_arena_alloc(arena, TB_PAGE_ROWS_MAX * sizeof(*view->evidence));
	store_cursor(&cursor, kv->txn, KV_CASE_PROOF, kv_key_bytes(&prefix), tb_bytes_of(NULL, 0));
	while (code == TB_OK && view->n_evidence < TB_PAGE_ROWS_MAX && store_next(&cursor, &key, &sealed)) {
		size_t head = prefix.size + sizeof(uint64_t);
		code = kv_open(kv, KV_CASE_PROOF, key, sealed, arena, &nothing, err);
		if (code == TB_OK && key.size > head)
			view->evidence[view->n_evidence++] =
				tb_arena_printf(arena, "%.*s", (int)(key.size - head), key.data + head);
	}
	store_cursor_end(&cursor);
	return code;
}

enum tb_code case_read_get(struct query *query, struct tb_error *err)
{
	const PbCaseGetRequest *request = (const PbCaseGetRequest *)(const void *)query->request->message;
	PbCaseRecord *record;
	enum tb_code code = case_load(&query->kv, request->number, &query->request->arena, &record, err);
	if (code)
		return code;
	PbCaseView *view = case_view(query->setup->region, query->peers, record, &query->request->arena);
	code = add_log(&query->kv, record, view, &query->request->arena, err);
	/* Of a case whose item is gone, nothing can be said. */
	if (code == TB_OK && !case_state_final(record->state) &&
	    originals_left(&query->kv, record, &query->request->arena, &view->to_return, &view->n_to_return,
	                   NULL))
		view->n_to_return = 0;
	query->request->reply = &view->base;
	return code;
}

enum tb_code case_read_list(struct query *query, struct tb_error *err)
{
	const PbCaseListRequest *request = (const PbCaseListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	uint32_t limit =
		request->limit && request->limit < TB_PAGE_ROWS_MAX ? request->limit : TB_PAGE_ROWS_MAX;
	PbCaseListResponse *reply = PROTO_NEW(PbCaseListResponse, case_list_response, arena);
	struct kv_key from = kv_key_of(tb_bytes_of(request->after, strnlen(request->after, TB_ID_BYTES_MAX)));
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	reply->cases = tb_arena_alloc(arena, limit * sizeof(*reply->cases));
	store_cursor(&cursor, query->kv.txn, KV_CASE, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	while (code == TB_OK && reply->n_cases < limit && store_next(&cursor, &key, &sealed)) {
		PbCaseRecord *record;
		if (from.size > 0 && tb_bytes_equal(key, kv_key_bytes(&from)))
			continue;
		code = kv_open(&query->kv, KV_CASE, key, sealed, arena, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&record, case_record, plain, arena, err);
		if (code)
			break;
		if (request->state != PB_CASE_STATE__CASE_STATE_UNSPECIFIED &&
		    record->state != request->state)
			continue;
		if (request->dispute && !record->dispute)
			continue;
		if (request->peer[0] && strcmp(case_other(record, query->setup->region), request->peer) != 0)
			continue;
		if (!token_sees_case(query->request->as, record))
			continue;
		reply->cases[reply->n_cases++] = case_view(query->setup->region, query->peers, record, arena);
	}
	store_cursor_end(&cursor);
	query->request->reply = &reply->base;
	return code;
}

/* Replies with the case as it is now, built in the request's arena. */
static void reply_view(struct turn *turn, struct core_request *request, const char *number,
                       const char *proposal)
{
	PbCaseRecord *record;
	struct tb_error err;
	if (case_load(&turn->kv, number, &request->arena, &record, &err)) {
		turn_refuse(turn, request, &err);
		return;
	}
	PbCaseView *view = case_view(turn->core->setup.region, turn->core->peers, record, &request->arena);
	if (proposal)
		view->proposal = (char *)(uintptr_t)proposal;
	turn_reply(turn, request, &view->base);
}

/* To whoever handed it in: the case, and what opens it. A request id is no secret: a kiosk that repeats
 * somebody else's is not shown the case. */
static void reply_submitted(struct turn *turn, struct core_request *request, const char *number)
{
	PbCaseRecord *record;
	struct tb_error err;
	char code[TOKEN_QUERY_CODE_ROOM];
	bool loaded = case_load(&turn->kv, number, &request->arena, &record, &err) == TB_OK;
	if (loaded && token_submitted(request->as, record)) {
		PbCaseView *view =
			case_view(turn->core->setup.region, turn->core->peers, record, &request->arena);
		token_query_code(turn->core->vault, number, code);
		view->query_code = tb_arena_str(&request->arena, code);
		turn_reply(turn, request, &view->base);
		return;
	}
	if (loaded)
		tb_refuse(&err, TB_REASON_CASE_REQUEST_ID_USED, NULL);
	turn_refuse(turn, request, &err);
}

/* ---- materials of a case */

static enum tb_code check_materials(struct turn *turn, PbMaterial *const *materials, size_t count,
                                    struct tb_error *err)
{
	enum tb_code code = catalogue_check_supplement(materials, count, err);
	return code ? code : material_check_here(turn, materials, count, err);
}

static void allow_materials(struct turn *turn, const char *peer, PbMaterial *const *materials, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (materials[i]->root.len == PKI_HASH_BYTES)
			material_allow(turn, peer, proto_bytes(materials[i]->root));
	}
}

static void add_materials(struct tb_arena *arena, PbApplication *application, PbMaterial *const *more,
                          size_t count)
{
	size_t have = application->n_materials;
	if (count == 0)
		return;
	PbMaterial **all = tb_arena_alloc(arena, (have + count) * sizeof(PbMaterial *));
	if (have > 0)
		memcpy(all, application->materials, have * sizeof(PbMaterial *));
	memcpy(all + have, more, count * sizeof(PbMaterial *));
	application->materials = all;
	application->n_materials = have + count;
}

enum tb_code case_application(struct turn *turn, const PbCaseRecord *record, PbApplication **out,
                              struct tb_error *err)
{
	PbApplication *application = NULL;
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct tb_bytes bytes;
		PbCaseEntry *entry;
		enum tb_code code =
			load_entry(&turn->kv, record->number, seq, &turn->arena, &bytes, &entry, err);
		if (code)
			return code;
		if (!entry->detail)
			continue;
		if (entry->detail->application)
			application = entry->detail->application;
		/* Archive files are what an office has, not what the applicant handed in. */
		if (application && entry->event != PB_CASE_EVENT__FILE)
			add_materials(&turn->arena, application, entry->detail->materials,
			              entry->detail->n_materials);
	}
	*out = application;
	return application ? TB_OK : tb_fail(err, TB_ECORRUPT, "case %s has no application", record->number);
}

bool case_was_deemed(struct turn *turn, const PbCaseRecord *record)
{
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct tb_bytes bytes;
		PbCaseEntry *entry;
		if (load_entry(&turn->kv, record->number, seq, &turn->arena, &bytes, &entry, NULL) == TB_OK &&
		    entry->event == PB_CASE_EVENT__DEEM)
			return true;
	}
	return false;
}

/* Before a case is sent: it must hold what the deciding region's list asks for. What was deemed accepted goes
 * with what there is, however often it is sent. */
static enum tb_code check_complete(struct turn *turn, PbCaseRecord *record, const PbApplication *application,
                                   struct tb_error *err)
{
	PbItem *item;
	enum tb_code code = catalogue_item_of(&turn->kv, record, &turn->arena, &item, err);
	if (code == TB_OK && !case_was_deemed(turn, record))
		code = catalogue_check_application(item, application, case_other_peer(turn, record), err);
	if (code == TB_OK)
		record->needs_originals = catalogue_needs_originals(item, application);
	return code;
}

/* ---- submit */

/* Modes without a window: what is handed in is on its way. */
static bool leaves_at_once(const char *mode)
{
	const struct case_row *row =
		case_row_find(case_mode_find(mode), PB_CASE_STATE__DRAFT, PB_CASE_EVENT__SUBMIT);
	return row && (row->needs & CASE_HANDS_OVER);
}

/* Who decides in the home region's name applies the same criteria (无差别): our own list has the same basic
 * item with the same version of them. */
static enum tb_code check_criteria(struct turn *turn, const PbItem *item, struct tb_error *err)
{
	PbItem *own;
	if (!item->base_code[0] || !item->criteria[0])
		return tb_refuse(err, TB_REASON_ITEM_NO_CRITERIA, item->code, NULL);
	enum tb_code code = catalogue_base_item(&turn->kv, turn->core->setup.region, item->base_code,
	                                        tb_day_at(turn->now), &turn->arena, &own, err);
	if (code)
		return code;
	if (strcmp(own->criteria, item->criteria) != 0)
		return tb_refuse(err, TB_REASON_ITEM_OTHER_CRITERIA, item->code, item->criteria,
		                 own->criteria, NULL);
	return TB_OK;
}

/* Who applies, who acts for them, how sure that is, and where they go. */
static enum tb_code check_people(struct turn *turn, const PbCaseSubmitRequest *submit, struct tb_error *err)
{
	PbApplication *application = submit->application;
	struct tb_error why;
	if (!application->applicant->name[0])
		return tb_refuse(err, TB_REASON_APPLICATION_APPLICANT_NAME, NULL);
	if (strlen(application->applicant->name) > TB_NAME_BYTES_MAX)
		return tb_refuse(err, TB_REASON_APPLICATION_APPLICANT_LONG, TB_NUMBER(TB_NAME_BYTES_MAX),
		                 NULL);
	if (ident_holder_check(application->applicant->code_type, application->applicant->code,
	                       tb_day_at(turn->now), &why))
		return tb_fail_at(err, TB_EINVALID, &why, "application.applicant");
	enum tb_code code = identity_check_stated(application, submit->actor, err);
	if (code == TB_OK)
		code = identity_check_agent(application, tb_day_at(turn->now), err);
	if (code == TB_OK)
		code = hall_check_application(turn, application, err);
	if (code == TB_OK)
		identity_state(turn, application, submit->actor);
	return code;
}

static enum tb_code check_submit(struct turn *turn, const PbCaseSubmitRequest *submit, PbItem **item,
                                 struct tb_error *err)
{
	const PbApplication *application = submit->application;
	const char *self = turn->core->setup.region;
	if (!application || !application->applicant)
		return tb_refuse(err, TB_REASON_APPLICATION_APPLICANT, NULL);
	if (!submit->actor || !submit->actor->id[0])
		return tb_refuse(err, TB_REASON_ACTOR_ID, NULL);
	if (!case_mode_find(application->mode) || case_mode_find(application->mode)->listed_as)
		return tb_refuse(err, TB_REASON_APPLICATION_MODE, NULL);
	if (application->lead[0] || (application->n_parts > 0 && strcmp(application->mode, "LB") != 0))
		return tb_refuse(err, TB_REASON_APPLICATION_PARTS_MODE, NULL);
	bool joint = strcmp(application->mode, "LB") == 0;
	if (joint && !application->home[0]) /* nobody else could be meant */
		submit->application->home = tb_arena_str(&turn->arena, self);
	bool own = strcmp(application->home, self) == 0;
	bool at_once = submit->forward || leaves_at_once(application->mode);
	/* All online, it does not matter whose portal it was; the other modes are for a window elsewhere. */
	if (joint && !own)
		return tb_refuse(err, TB_REASON_APPLICATION_LEAD, NULL);
	if (own && !joint && !leaves_at_once(application->mode))
		return tb_refuse(err, TB_REASON_APPLICATION_OWN_ITEM, application->mode, NULL);
	if (!own && !peer_find(turn->core->peers, application->home))
		return tb_refuse(err, TB_REASON_APPLICATION_NOT_PEER, application->home, NULL);
	if (check_people(turn, submit, err))
		return err->code;
	if (application->n_materials > TB_MATERIALS_MAX)
		return tb_refuse(err, TB_REASON_APPLICATION_MATERIALS_MANY, TB_NUMBER(TB_MATERIALS_MAX),
		                 NULL);
	if (application->n_form > TB_ATTRIBUTES_MAX)
		return tb_refuse(err, TB_REASON_APPLICATION_FORM_MANY, TB_NUMBER(TB_ATTRIBUTES_MAX), NULL);
	enum tb_code code = check_materials(turn, application->materials, application->n_materials, err);
	if (joint) {
		if (code == TB_OK)
			code = joint_check(turn, submit->application, err);
		return code == TB_OK && submit->forward ? joint_complete(turn, application, err) : code;
	}
	if (code == TB_OK)
		code = catalogue_item(&turn->kv, application->home, application->item, tb_day_at(turn->now),
		                      &turn->arena, item, err);
	if (code == TB_EUNREACHABLE || code == TB_ENOTFOUND)
		describe_again(turn, application->home);
	if (code == TB_ECORRUPT && !own)
		catalogue_damaged(turn, application->home);
	if (code == TB_OK)
		code = catalogue_check_offer(*item, application->mode, self, err);
	const struct peer *home = own ? NULL : peer_find(turn->core->peers, application->home);
	if (code == TB_OK)
		codes_of_home(home, *item, application->materials, application->n_materials);
	if (code == TB_OK)
		code = catalogue_check_eligible(*item, application->home, application, err);
	if (code == TB_OK && at_once)
		code = catalogue_check_application(*item, application, home, err);
	if (code == TB_OK && leaves_at_once(application->mode) &&
	    catalogue_needs_originals(*item, application))
		code = tb_refuse(err, TB_REASON_APPLICATION_NO_PAPER, application->mode, NULL);
	if (code == TB_OK && !own)
		code = case_agreement(turn, self, application->home, *item, application->mode, NULL, err);
	if (code == TB_OK && strcmp(application->mode, "YB") == 0)
		code = check_criteria(turn, *item, err);
	return code;
}

static struct kv_key request_key(struct turn *turn, const char *request_id)
{
	uint8_t hash[PKI_HASH_BYTES];
	pki_vault_index(turn->core->vault, hash, "request", tb_bytes_str(request_id));
	return kv_key_of(tb_bytes_of(hash, REQUEST_HASH_BYTES));
}

/* What the request |request_id| asked for: a keyed hash, which says nothing of the applicant. */
static void request_digest(struct turn *turn, uint8_t out[PKI_HASH_BYTES], const PbApplication *application)
{
	struct tb_bytes bytes = {0};
	if (application)
		bytes = proto_encode_arena(&turn->arena, &application->base);
	pki_vault_index(turn->core->vault, out, "application", bytes);
}

/* TB_OK: it was done, and made the case *number. TB_ENOTFOUND: it is new. */
static enum tb_code request_done(struct turn *turn, const struct kv_key *key,
                                 const uint8_t digest[PKI_HASH_BYTES], const char **number,
                                 struct tb_error *err)
{
	struct tb_bytes noted;
	enum tb_code code = kv_get(&turn->kv, KV_REQUEST, key, &turn->arena, &noted, err);
	if (code)
		return code;
	if (noted.size <= PKI_HASH_BYTES)
		return tb_fail(err, TB_ECORRUPT, "the note of this request is damaged");
	if (memcmp(noted.data, digest, PKI_HASH_BYTES) != 0)
		return tb_refuse(err, TB_REASON_CASE_REQUEST_ID_OTHER, NULL);
	*number = tb_arena_copy(&turn->arena, noted.data + PKI_HASH_BYTES, noted.size - PKI_HASH_BYTES);
	return TB_OK;
}

static void request_note(struct turn *turn, const struct kv_key *key, const uint8_t digest[PKI_HASH_BYTES],
                         const char *number)
{
	struct tb_buf note = {0};
	tb_buf_add(&note, digest, PKI_HASH_BYTES);
	tb_buf_str(&note, number);
	kv_put(&turn->kv, KV_REQUEST, key, tb_arena_bytes(&turn->arena, tb_buf_bytes(&note)));
	tb_buf_clear(&note);
}

void case_next_number(struct turn *turn, char out[32])
{
	char name[32];
	tb_day day = tb_day_at(turn->now);
	snprintf(name, sizeof(name), "case/%d", (int)day);
	ident_case_number(out, turn->core->setup.region, day, (uint32_t)kv_number(&turn->kv, name) + 1);
}

void case_use_number(struct turn *turn)
{
	char name[32];
	snprintf(name, sizeof(name), "case/%d", (int)tb_day_at(turn->now));
	kv_set_number(&turn->kv, name, kv_number(&turn->kv, name) + 1);
}

static PbCaseRecord *new_record(struct turn *turn, const PbApplication *application)
{
	char number[32];
	PbCaseRecord *record = PROTO_NEW(PbCaseRecord, case_record, &turn->arena);
	case_next_number(turn, number);
	record->number = tb_arena_str(&turn->arena, number);
	record->item = application->item;
	record->item_name = application->item_name;
	record->mode = application->mode;
	record->first_node = tb_arena_str(&turn->arena, turn->core->setup.region);
	record->window = record->first_node;
	record->owner = record->first_node;
	record->home = application->home;
	record->state = PB_CASE_STATE__DRAFT;
	record->created_ms = turn->now;
	record->applicant_name = application->applicant->name;
	record->agreement = tb_arena_str(&turn->arena, "");
	record->parts = application->parts;
	record->n_parts = application->n_parts;
	record->catalogue_version = application->catalogue_version;
	record->item_version = application->item_version;
	return record;
}

/* The event by which a checked case leaves the window, or is accepted there. */
static PbCaseEvent next_after_check(const struct case_mode *mode)
{
	for (size_t i = 0; i < mode->rows_count; i++) {
		const struct case_row *row = &mode->rows[i];
		bool leaves =
			(row->needs & (CASE_HANDS_OVER | CASE_SHARES)) || row->event == PB_CASE_EVENT__ACCEPT;
		if (row->from == PB_CASE_STATE__CHECKING && leaves &&
		    case_row_takes(row, PB_ROLE__R_WIN, CASE_AT_WINDOW))
			return row->event;
	}
	return PB_CASE_EVENT__CASE_EVENT_UNSPECIFIED;
}

/* The steps that follow SUBMIT when the caller has all together. */
static enum tb_code forward(struct turn *turn, PbCaseRecord *record, const PbCaseSubmitRequest *submit,
                            struct tb_error *err)
{
	struct case_change change = {.event = PB_CASE_EVENT__CHECK,
	                             .actor = submit->actor,
	                             .detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena),
	                             .node = turn->core->setup.region};
	enum tb_code code = case_order(turn, record, &change, err);
	if (code)
		return code;
	change.event = next_after_check(case_mode_find(record->mode));
	change.detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena);
	if (change.event == PB_CASE_EVENT__ACCEPT && record->n_parts == 0)
		code = case_accept_detail(turn, record, change.detail, err);
	return code ? code : case_order(turn, record, &change, err);
}

void case_apply_submit(struct turn *turn, struct core_request *request)
{
	const PbCaseSubmitRequest *submit = (const PbCaseSubmitRequest *)(const void *)request->message;
	struct tb_error err = {0};
	const char *number = NULL;
	uint8_t digest[PKI_HASH_BYTES];
	PbItem *item = NULL;
	struct kv_key repeated = request_key(turn, submit->request_id);
	enum tb_code code = TB_ENOTFOUND;
	if (submit->request_id[0]) {
		request_digest(turn, digest, submit->application);
		code = request_done(turn, &repeated, digest, &number, &err);
	}
	if (code == TB_OK) {
		reply_submitted(turn, request, number);
		return;
	}
	/* Whether a request whose note is damaged was done cannot be told: it is not done a second time. */
	if (code != TB_ENOTFOUND || check_submit(turn, submit, &item, &err)) {
		turn_refuse(turn, request, &err);
		return;
	}
	if (item) { /* a joint case is for its parts' items */
		submit->application->item_name = item->name;
		submit->application->catalogue_version = item->listed;
		submit->application->item_version = item->version;
	}
	PbCaseDetail *detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena);
	detail->application = submit->application;
	PbCaseRecord *record = new_record(turn, submit->application);
	record->submitted_by =
		request->as ? tb_arena_str(&turn->arena, request->as->name) : tb_arena_str(&turn->arena, "");
	if (item && strcmp(record->home, record->window) != 0 &&
	    case_agreement(turn, record->window, record->home, item, record->mode, record, &err)) {
		turn_refuse(turn, request, &err);
		return;
	}
	record->needs_originals = item && catalogue_needs_originals(item, submit->application);
	struct case_change change = {.event = PB_CASE_EVENT__SUBMIT,
	                             .actor = submit->actor,
	                             .detail = detail,
	                             .node = turn->core->setup.region};
	if (case_order(turn, record, &change, &err)) {
		turn_refuse(turn, request, &err);
		return;
	}
	case_use_number(turn);
	case_note_applicant(turn, record, submit->application->applicant);
	if (submit->request_id[0])
		request_note(turn, &repeated, digest, record->number);
	case_maybe_sign(turn, record);
	if (submit->forward && !leaves_at_once(record->mode) && forward(turn, record, submit, &err))
		turn_log(turn, TB_LOG_WARN, "case.not_forwarded", record->home, record->number, "%s",
		         err.text);
	reply_submitted(turn, request, record->number);
}

/* ---- act */

enum tb_code case_propose(struct turn *turn, PbCaseRecord *record, PbCaseEvent event, PbActor *actor,
                          PbCaseDetail *detail, struct tb_error *err)
{
	const char *self = turn->core->setup.region;
	const struct case_row *row;
	enum tb_code code = case_allowed(&row, case_mode_find(record->mode), record->state, event,
	                                 actor->role, case_sides(record, self), detail, err);
	if (code)
		return code;
	if (row->needs & CASE_HANDS_OVER)
		return tb_refuse(err, TB_REASON_CASE_NOT_OURS, NULL);
	PbCaseMessage message = PB_CASE_MESSAGE__INIT;
	PbCaseProposal proposal = PB_CASE_PROPOSAL__INIT;
	proposal.event = event;
	proposal.actor = actor;
	proposal.detail = detail;
	proposal.head = record->seq;
	message.proposal = &proposal;
	const char *other = case_other(record, self);
	allow_materials(turn, other, detail->materials, detail->n_materials);
	record->refusal = tb_arena_str(&turn->arena, "");
	delivery_queue(turn, other, record, &message, false);
	case_proposed(turn, other, &message);
	case_save(turn, record);
	return TB_OK;
}

static enum tb_code order_here(struct turn *turn, PbCaseRecord *record, const PbCaseActRequest *act,
                               PbCaseDetail *detail, const struct sealed_one *one, struct tb_error *err)
{
	const struct case_row *row;
	const char *self = turn->core->setup.region;
	PbApplication *sent = NULL;
	enum tb_code code = case_allowed(&row, case_mode_find(record->mode), record->state, act->event,
	                                 act->actor->role, case_sides(record, self), detail, err);
	bool joint = record->n_parts > 0;
	if (code == TB_OK && case_row_starts(row, PB_CLOCK__T5_DECIDE) && !joint)
		code = case_accept_detail(turn, record, detail, err);
	bool leaves = code == TB_OK && strcmp(self, record->window) == 0 &&
	              ((row->needs & (CASE_HANDS_OVER | CASE_SHARES)) ||
	               (joint && act->event == PB_CASE_EVENT__ACCEPT));
	if (leaves)
		code = case_application(turn, record, &sent, err);
	if (leaves && code == TB_OK)
		add_materials(&turn->arena, sent, detail->materials, detail->n_materials);
	if (leaves && code == TB_OK)
		code = joint ? joint_complete(turn, sent, err) : check_complete(turn, record, sent, err);
	if (code)
		return code;
	struct case_change change = {
		.event = act->event, .actor = act->actor, .detail = detail, .node = self, .issue = one};
	return case_order(turn, record, &change, err);
}

/* What a window hands in later is named as the deciding region's list names it, too. */
static void supplement_codes(struct turn *turn, const PbCaseRecord *record, PbCaseDetail *detail)
{
	const struct peer *home = peer_find(turn->core->peers, record->home);
	PbItem *item;
	if (home && home->codes_count > 0 && record->n_parts == 0 &&
	    catalogue_item_of(&turn->kv, record, &turn->arena, &item, NULL) == TB_OK)
		codes_of_home(home, item, detail->materials, detail->n_materials);
}

void case_apply_act(struct turn *turn, struct core_request *request)
{
	const PbCaseActRequest *act = (const PbCaseActRequest *)(const void *)request->message;
	PbCaseDetail *detail =
		act->detail ? act->detail : PROTO_NEW(PbCaseDetail, case_detail, &request->arena);
	PbCaseRecord *record;
	struct tb_error err = {0};
	const char *proposal = NULL;
	enum tb_code code = case_load(&turn->kv, act->number, &turn->arena, &record, &err);
	if (code == TB_OK && (!act->actor || act->actor->role == PB_ROLE__ROLE_UNSPECIFIED))
		code = tb_refuse(&err, TB_REASON_ACTOR_ROLE, NULL);
	if (code == TB_OK && act->actor->role == PB_ROLE__SYSTEM)
		code = tb_refuse(&err, TB_REASON_ACTOR_SYSTEM, NULL);
	if (code == TB_OK && act->expect_seq && act->expect_seq != record->seq)
		code = tb_refuse(&err, TB_REASON_CASE_MOVED_ON, TB_NUMBER(record->seq),
		                 TB_NUMBER(act->expect_seq), NULL);
	if (code == TB_OK && act->issue && act->event != PB_CASE_EVENT__GRANT)
		code = tb_refuse(&err, TB_REASON_DETAIL_ISSUE, NULL);
	if (code == TB_OK)
		code = check_materials(turn, detail->materials, detail->n_materials, &err);
	if (code == TB_OK && detail->n_materials > 0)
		supplement_codes(turn, record, detail);
	if (code == TB_OK)
		originals_fill_parcel(turn, record, act->event, detail);
	bool here = code == TB_OK && strcmp(record->owner, turn->core->setup.region) == 0 &&
	            !record->handing_over;
	if (code == TB_OK && here)
		code = order_here(turn, record, act, detail, request->prepared, &err);
	else if (code == TB_OK)
		code = case_propose(turn, record, act->event, act->actor, detail, &err);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	if (!here)
		proposal = tb_arena_printf(&request->arena, "sent to %s",
		                           case_other(record, turn->core->setup.region));
	reply_view(turn, request, act->number, proposal);
}

/* Fills what a grant's certificate takes from the case, then checks and seals it. */
static enum tb_code fill_issue(struct kv *kv, struct core_request *request, const PbCaseActRequest *act,
                               struct tb_error *err)
{
	struct tb_arena *arena = &request->arena;
	PbCredential *credential = act->issue;
	PbCaseRecord *record;
	PbCaseEntry *entry;
	PbItem *item;
	struct tb_bytes bytes;
	enum tb_code code = case_load(kv, act->number, arena, &record, err);
	if (code == TB_OK)
		code = load_entry(kv, act->number, 1, arena, &bytes, &entry, err);
	if (code == TB_OK)
		code = catalogue_item_of(kv, record, arena, &item, err);
	if (code)
		return code;
	if (!credential->type[0])
		credential->type = item->result_type;
	if (!credential->issuer[0])
		credential->issuer = item->department;
	if (!credential->issuer_name[0])
		credential->issuer_name = item->department_name;
	if (!credential->number[0])
		credential->number = record->number;
	if (!credential->name[0])
		credential->name = item->name;
	if (credential->n_holders == 0 && entry->detail && entry->detail->application) {
		const PbParty *applicant = entry->detail->application->applicant;
		PbHolder *holder = PROTO_NEW(PbHolder, holder, arena);
		holder->code_type = applicant->code_type;
		holder->code = applicant->code;
		holder->name = applicant->name;
		credential->holders = tb_arena_alloc(arena, sizeof(PbHolder *));
		credential->holders[0] = holder;
		credential->n_holders = 1;
	}
	return TB_OK;
}

enum tb_code case_prepare_act(const struct core_setup *setup, struct core_request *request, tb_time now,
                              struct tb_error *err)
{
	const PbCaseActRequest *act = (const PbCaseActRequest *)(const void *)request->message;
	struct kv kv = {0};
	struct sealed_one *one;
	if (!act->issue)
		return TB_OK;
	if (!act->issue->issued_on[0]) {
		char today[11];
		tb_day_format(today, tb_day_at(now));
		act->issue->issued_on = tb_arena_str(&request->arena, today);
	}
	enum tb_code code = store_read(&kv.txn, setup->store, err);
	if (code)
		return code;
	kv.vault = pki_vault_new(setup->vault_key);
	code = fill_issue(&kv, request, act, err);
	store_abort(kv.txn);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	if (code == TB_OK)
		code = credential_prepare_one(setup, request, act->issue, now, &one, err);
	if (code == TB_OK)
		request->prepared = one;
	return code;
}
