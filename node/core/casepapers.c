/* What need not be brought, and what may not be asked for (能核验的不要求原件, 可共享获取的不得要求提交).
 *
 * Before an application is handed in, each material of the deciding region's list is looked for: a
 * certificate that this node holds, one that a peer confirms, a material of an earlier case of the same
 * applicant. Afterwards nothing may be asked for that a valid certificate shows; and a case is granted and
 * closed with all that the list asks for. */
#include <stdio.h>
#include <string.h>

#include "node/core/catalogue.h"
#include "node/core/ident.h"
#include "node/core/turn.h"

enum {
	FOUND_MAX = 16,   /* certificates of one type and holder that are looked at */
	EARLIER_MAX = 20, /* earlier cases that are looked at, the newest first */
	REGIONS_MAX = 8,  /* that are asked */
};

/* Older papers are asked for anew. */
#define EARLIER_MOST (366 * TB_DAY)

/* ---- earlier cases */

static struct kv_key applicant_key(struct kv *kv, const PbParty *party)
{
	struct find_name name = find_name_of(kv->vault, 'a', party->code_type, party->code);
	return kv_key_of(tb_bytes_of(name.bytes, sizeof(name.bytes)));
}

/* When |party|'s case came, and which: the newest stands last. */
static struct kv_key note_key(struct kv *kv, const PbCaseRecord *record, const PbParty *party)
{
	struct kv_key key = applicant_key(kv, party);
	kv_key_add_u64(&key, (uint64_t)record->created_ms);
	kv_key_add_str(&key, record->number);
	return key;
}

void case_note_applicant(struct turn *turn, const PbCaseRecord *record, const PbParty *party)
{
	struct kv_key key = note_key(&turn->kv, record, party);
	kv_mark(&turn->kv, KV_APPLICANT, &key);
}

void case_forget_applicant(struct turn *turn, const PbCaseRecord *record, const PbParty *party)
{
	struct kv_key key = note_key(&turn->kv, record, party);
	kv_delete(&turn->kv, KV_APPLICANT, &key);
}

/* Numbers of |party|'s cases, the newest first. */
static size_t earlier_cases(struct turn *turn, const PbParty *party, const char *numbers[EARLIER_MAX])
{
	struct kv_key prefix = applicant_key(&turn->kv, party);
	struct store_cursor cursor;
	struct tb_bytes key, nothing;
	size_t count = 0, head = prefix.size + sizeof(uint64_t);
	store_cursor_last(&cursor, turn->kv.txn, KV_APPLICANT, kv_key_bytes(&prefix));
	while (count < EARLIER_MAX && store_next(&cursor, &key, &nothing)) {
		if (key.size <= head ||
		    (tb_time)tb_get_u64(key.data + prefix.size) + EARLIER_MOST < turn->now)
			continue;
		numbers[count++] = tb_arena_printf(&turn->arena, "%.*s", (int)(key.size - head),
		                                   (const char *)key.data + head);
	}
	store_cursor_end(&cursor);
	return count;
}

/* A material that is looked for. */
struct wanted_paper {
	const PbMaterialNeed *need;
	const char *here; /* our code for it, if a map says so */
};

static const PbMaterialNeed *need_of(const PbItem *item, const char *code)
{
	for (size_t i = 0; i < item->n_materials; i++) {
		if (strcmp(item->materials[i]->code, code) == 0)
			return item->materials[i];
	}
	return NULL;
}

/* Our code of a material of |item|, which |home| decides; NULL if nothing says it. */
static const char *code_here(struct turn *turn, const char *home, const PbItem *item,
                             const PbMaterialNeed *need)
{
	if (strcmp(home, turn->core->setup.region) == 0)
		return need->code;
	return peer_code_here(peer_find(turn->core->peers, home), PB_CODE_KIND__CODE_MATERIAL, item,
	                      need->code);
}

/* Is |was| the paper that |need| asks for? By its name, or by our code where a map gave |need| one. */
static bool same_paper(const struct wanted_paper *need, const PbMaterialNeed *was, const char *was_here)
{
	return strcmp(was->name, need->need->name) == 0 ||
	       (need->here && was_here && strcmp(was_here, need->here) == 0);
}

/* The file that was handed in for |need|, in the case |number|. */
static PbMaterial *earlier_material(struct turn *turn, const char *number, const struct wanted_paper *need,
                                    struct tb_arena *arena)
{
	PbCaseRecord *record;
	PbApplication *application;
	PbItem *item;
	if (case_load(&turn->kv, number, &turn->arena, &record, NULL) || record->n_parts > 0 ||
	    case_application(turn, record, &application, NULL) ||
	    catalogue_item_of(&turn->kv, record, &turn->arena, &item, NULL))
		return NULL;
	/* The last one counts: it may have been brought because the first was not in order. */
	for (size_t i = application->n_materials; i-- > 0;) {
		const PbMaterial *had = application->materials[i];
		const PbMaterialNeed *was = need_of(item, had->need);
		/* What served again there is as old as the case that it was handed in with. */
		if (!was || !same_paper(need, was, code_here(turn, record->home, item, was)) ||
		    had->root.len != PKI_HASH_BYTES || had->original || had->reused[0] ||
		    !material_here(&turn->kv, proto_bytes(had->root)))
			continue;
		PbMaterial *material = PROTO_NEW(PbMaterial, material, arena);
		material->name = tb_arena_str(arena, had->name);
		material->media_type = tb_arena_str(arena, had->media_type);
		material->size = had->size;
		material->root = proto_data(tb_arena_bytes(arena, proto_bytes(had->root)));
		material->sha256 = proto_data(tb_arena_bytes(arena, proto_bytes(had->sha256)));
		material->reused = tb_arena_str(arena, number);
		return material;
	}
	return NULL;
}

/* ---- preparing an application */

struct preparing {
	struct core_request *request;
	PbCasePrepareResponse *reply;
	unsigned left; /* regions that have not answered */
};

struct asking {
	struct preparing *all;
	const char *region;
	size_t *needs; /* of each query */
	size_t count;
};

static void fill(struct preparing *all, size_t index, PbPreparedBy by, PbMaterial *material)
{
	PbPreparedNeed *need = all->reply->needs[index];
	need->by = by;
	need->material = material;
	if (material)
		material->need = need->need->code;
}

static PbMaterial *certificate(const char *identifier, const char *evidence, struct tb_arena *arena)
{
	PbMaterial *material = PROTO_NEW(PbMaterial, material, arena);
	material->credential = tb_arena_str(arena, identifier);
	material->evidence = tb_arena_str(arena, evidence);
	return material;
}

/* The type that |home|'s list names, in our code. */
static char *type_here(const struct peer *home, char *type)
{
	const char *here = peer_code_here(home, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, NULL, type);
	return here ? (char *)(uintptr_t)here : type;
}

/* A valid certificate of |need|'s types that this node holds of |party|; NULL if there is none. */
static PbMaterial *held_here(struct turn *turn, const PbParty *party, const struct peer *home,
                             const PbMaterialNeed *need, struct tb_arena *arena)
{
	PbHolder holder = PB_HOLDER__INIT;
	struct found found[FOUND_MAX];
	holder.code_type = party->code_type;
	holder.code = party->code;
	for (size_t t = 0; t < need->n_credential_types; t++) {
		size_t count = 0;
		if (credential_find(&turn->kv, "", type_here(home, need->credential_types[t]), "", &holder,
		                    &turn->arena, found, FOUND_MAX, &count, NULL))
			continue;
		for (size_t i = 0; i < count; i++) {
			if (credential_state(&found[i], turn->now) == PB_CREDENTIAL_STATE__VALID)
				return certificate(found[i].credential->identifier, "", arena);
		}
	}
	return NULL;
}

/* What is found here: given, held, handed in before. */
static void look_here(struct turn *turn, struct preparing *all, const PbApplication *application,
                      const PbItem *item)
{
	struct tb_arena *arena = &all->request->arena;
	const char *numbers[EARLIER_MAX];
	const struct peer *home = peer_find(turn->core->peers, application->home);
	size_t count = earlier_cases(turn, application->applicant, numbers);
	all->reply->needs = tb_arena_alloc(arena, (item->n_materials + 1) * sizeof(PbPreparedNeed *));
	for (size_t i = 0; i < item->n_materials; i++) {
		PbMaterialNeed *need = item->materials[i];
		struct wanted_paper wanted = {
			need, peer_code_here(home, PB_CODE_KIND__CODE_MATERIAL, item, need->code)};
		PbMaterial *material = NULL;
		PbPreparedBy by = PB_PREPARED_BY__PREPARED_MISSING;
		all->reply->needs[i] = PROTO_NEW(PbPreparedNeed, prepared_need, arena);
		all->reply->needs[i]->need = need;
		all->reply->n_needs = i + 1;
		if (wanted.here)
			all->reply->needs[i]->code_here = tb_arena_str(arena, wanted.here);
		for (size_t j = 0; j < application->n_materials && !by; j++) {
			if (strcmp(application->materials[j]->need, need->code) == 0 ||
			    (wanted.here && strcmp(application->materials[j]->need, wanted.here) == 0))
				by = PB_PREPARED_BY__PREPARED_GIVEN;
		}
		if (!by && (material = held_here(turn, application->applicant, home, need, arena)))
			by = PB_PREPARED_BY__PREPARED_HELD_HERE;
		/* A paper original of an earlier case lies in its archive. */
		for (size_t j = 0; j < count && !by && !need->original; j++) {
			material = earlier_material(turn, numbers[j], &wanted, arena);
			if (material)
				by = PB_PREPARED_BY__PREPARED_EARLIER;
		}
		fill(all, i, by, material);
	}
}

static void note(struct preparing *all, size_t index, const char *region, const char *why)
{
	PbPreparedNeed *need = all->reply->needs[index];
	struct tb_arena *arena = &all->request->arena;
	need->note = tb_arena_printf(arena, "%s%s%s: %s", need->note, need->note[0] ? "; " : "", region, why);
}

static void answered(struct turn *turn, void *ctx, PbVerifyResponse *reply, const struct tb_error *err)
{
	struct asking *asking = ctx;
	struct preparing *all = asking->all;
	for (size_t i = 0; i < asking->count; i++) {
		PbPreparedNeed *need = all->reply->needs[asking->needs[i]];
		const PbVerifyOutcome *outcome = reply ? reply->outcomes[i] : NULL;
		if (need->by == PB_PREPARED_BY__PREPARED_VERIFIED)
			continue;
		bool good = outcome && outcome->answer->result == PB_VERIFY_RESULT__CONFIRMED &&
		            outcome->answer->state == PB_CREDENTIAL_STATE__VALID && outcome->document;
		if (good)
			fill(all, asking->needs[i], PB_PREPARED_BY__PREPARED_VERIFIED,
			     certificate(outcome->document->identifier, outcome->evidence,
			                 &all->request->arena));
		else
			note(all, asking->needs[i], asking->region,
			     !outcome ? err->text
			              : proto_enum_name(&pb_verify_result__descriptor,
			                                (int)outcome->answer->result));
	}
	if (--all->left == 0)
		turn_reply(turn, all->request, &all->reply->base);
}

/* The questions to |region| about what is missing still. */
static void ask_region(struct turn *turn, struct preparing *all, const PbApplication *application,
                       const PbItem *item, const char *region)
{
	struct tb_arena *arena = &all->request->arena;
	PbVerifyRequest *verify = PROTO_NEW(PbVerifyRequest, verify_request, arena);
	/* The home region is asked in its list's own codes. */
	const struct peer *home = strcmp(region, application->home) == 0
	                                  ? NULL
	                                  : peer_find(turn->core->peers, application->home);
	struct asking *asking = tb_arena_alloc(arena, sizeof(*asking));
	struct tb_error err = {0};
	size_t room = 0;
	for (size_t i = 0; i < item->n_materials; i++)
		room += item->materials[i]->n_credential_types;
	asking->all = all;
	asking->region = region;
	asking->needs = tb_arena_alloc(arena, (room + 1) * sizeof(size_t));
	verify->region = (char *)(uintptr_t)region;
	verify->queries = tb_arena_alloc(arena, (room + 1) * sizeof(PbQuery *));
	for (size_t i = 0; i < item->n_materials; i++) {
		const PbMaterialNeed *need = item->materials[i];
		bool missing = all->reply->needs[i]->by == PB_PREPARED_BY__PREPARED_MISSING;
		for (size_t t = 0; missing && t < need->n_credential_types; t++) {
			PbQuery *query = PROTO_NEW(PbQuery, query, arena);
			query->type = type_here(home, need->credential_types[t]);
			query->holder = PROTO_NEW(PbHolder, holder, arena);
			query->holder->code_type = application->applicant->code_type;
			query->holder->code = application->applicant->code;
			query->purpose = item->name;
			query->basis = need->basis[0] ? need->basis : item->code;
			query->disclosure = PB_DISCLOSURE__DOCUMENT;
			asking->needs[verify->n_queries] = i;
			verify->queries[verify->n_queries++] = query;
		}
	}
	asking->count = verify->n_queries;
	if (verify->n_queries == 0)
		return;
	if (verify_ask(turn, all->request, verify, answered, asking, &err) == TB_OK) {
		all->left++;
		return;
	}
	for (size_t i = 0; i < asking->count; i++)
		note(all, asking->needs[i], region, err.text);
}

static enum tb_code check_prepare(struct turn *turn, const PbCasePrepareRequest *prepare,
                                  struct tb_error *err)
{
	const PbApplication *application = prepare->application;
	struct tb_error why;
	if (!application || !application->applicant)
		return tb_refuse(err, TB_REASON_APPLICATION_APPLICANT, NULL);
	if (ident_holder_check(application->applicant->code_type, application->applicant->code,
	                       tb_day_at(turn->now), &why))
		return tb_fail_at(err, TB_EINVALID, &why, "application.applicant");
	if (application->n_materials > TB_MATERIALS_MAX)
		return tb_refuse(err, TB_REASON_APPLICATION_MATERIALS_MANY, TB_NUMBER(TB_MATERIALS_MAX),
		                 NULL);
	if (prepare->n_ask > REGIONS_MAX)
		return tb_fail(err, TB_ETOOBIG, "ask: more than %d regions", REGIONS_MAX);
	for (size_t i = 0; i < prepare->n_ask; i++) {
		if (!peer_find(turn->core->peers, prepare->ask[i]))
			return tb_fail(err, TB_ENOTFOUND, "ask[%zu]: %.8s is not a peer of this node", i,
			               prepare->ask[i]);
	}
	return TB_OK;
}

void case_apply_prepare(struct turn *turn, struct core_request *request)
{
	const PbCasePrepareRequest *prepare = (const PbCasePrepareRequest *)(const void *)request->message;
	const PbApplication *application = prepare->application;
	struct preparing *all = tb_arena_alloc(&request->arena, sizeof(*all));
	struct tb_error err = {0};
	PbItem *item;
	enum tb_code code = check_prepare(turn, prepare, &err);
	if (code == TB_OK)
		code = catalogue_item(&turn->kv, application->home, application->item, tb_day_at(turn->now),
		                      &request->arena, &item, &err);
	if (code == TB_OK && item->n_bundle > 0)
		code = tb_fail(&err, TB_ESTATE,
		               "item %.60s is a bundle: what its items need is told by JointNeeds",
		               item->code);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	all->request = request;
	all->reply = PROTO_NEW(PbCasePrepareResponse, case_prepare_response, &request->arena);
	look_here(turn, all, application, item);
	for (size_t i = 0; i < prepare->n_ask; i++)
		ask_region(turn, all, application, item, prepare->ask[i]);
	if (prepare->n_ask == 0 && peer_find(turn->core->peers, application->home))
		ask_region(turn, all, application, item, application->home);
	if (all->left == 0)
		turn_reply(turn, request, &all->reply->base);
}

/* ---- what may be asked for */

/* Is the certificate good, as far as is known here? One that another region holds is, if it was verified. */
static bool is_valid(struct turn *turn, const PbMaterial *material)
{
	struct found found;
	size_t count = 0;
	if (credential_find(&turn->kv, material->credential, "", "", NULL, &turn->arena, &found, 1, &count,
	                    NULL))
		return false;
	return count > 0 ? credential_state(&found, turn->now) == PB_CREDENTIAL_STATE__VALID
	                 : material->evidence[0] != '\0';
}

enum tb_code case_check_demand(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event,
                               const PbCaseDetail *detail, struct tb_error *err)
{
	PbApplication *application;
	bool asks = event == PB_CASE_EVENT__ASK || event == PB_CASE_EVENT__NOTIFY;
	if (!asks || !detail || detail->n_needs == 0)
		return TB_OK;
	enum tb_code code = case_application(turn, record, &application, err);
	if (code)
		return code;
	for (size_t i = 0; i < detail->n_needs; i++) {
		const PbMaterialNeed *need = detail->needs[i];
		for (size_t j = 0; j < application->n_materials; j++) {
			const PbMaterial *material = application->materials[j];
			if (strcmp(material->need, need->code) == 0 && material->credential[0] &&
			    is_valid(turn, material))
				return tb_refuse(err, TB_REASON_DETAIL_NEED_SHOWN, TB_NUMBER(i), need->code,
				                 NULL);
		}
	}
	return TB_OK;
}

enum tb_code case_check_archive(struct turn *turn, const PbCaseRecord *record, struct tb_error *err)
{
	PbApplication *application;
	PbItem *item;
	struct tb_error why;
	/* The parts of a joint case hold what each of them needs; what is denied lacks what it lacks. */
	if (record->n_parts > 0 || record->state == PB_CASE_STATE__DENIED || case_was_deemed(turn, record))
		return TB_OK;
	enum tb_code code = case_application(turn, record, &application, err);
	if (code == TB_OK)
		code = catalogue_item_of(&turn->kv, record, &turn->arena, &item, err);
	if (code)
		return code;
	if (catalogue_check_application(item, application, case_other_peer(turn, record), &why))
		return tb_refuse(err, TB_REASON_CASE_ARCHIVE_NOT_WHOLE, why.text, NULL);
	return TB_OK;
}
