/* API tokens: what a department's system may do at its own node.
 *
 * A token is 32 random bytes. What is kept is a keyed hash of its text, under which it is found, and a record
 * under its name. The methods' table says which roles may call what; whom a token may act for follows from
 * its roles; the state tables then say what that actor may do, as they do for everybody. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/core/ident.h"
#include "node/core/turn.h"

enum {
	TOKEN_BYTES = 32,
	TOKEN_TEXT_BYTES = 3 + 43, /* "tb_" and base64url without padding (RFC 4648, section 5) */
	MESSAGE_DEPTH_MAX = 4,     /* actors are not deeper in any request */
};

#define HEAD_ACTS (1u << PB_ROLE__H_HEAD | 1u << PB_ROLE__R_HEAD)
#define REVIEW_ACTS (1u << PB_ROLE__H_DEPT | 1u << PB_ROLE__R_DEPT)

/* Whom each role acts for: 1u << PbRole. */
static const uint32_t acts_for[] = {
	[PB_TOKEN_ROLE__TOKEN_WINDOW] = 1u << PB_ROLE__R_WIN | 1u << PB_ROLE__H_WIN,
	[PB_TOKEN_ROLE__TOKEN_REVIEW] = REVIEW_ACTS,
	[PB_TOKEN_ROLE__TOKEN_HEAD] = HEAD_ACTS | REVIEW_ACTS,
	[PB_TOKEN_ROLE__TOKEN_LIAISON] = 1u << PB_ROLE__LIAISON,
	[PB_TOKEN_ROLE__TOKEN_SUPERVISOR] = 1u << PB_ROLE__SUPERVISOR,
	[PB_TOKEN_ROLE__TOKEN_KIOSK] = 1u << PB_ROLE__APPLICANT,
	[PB_TOKEN_ROLE__TOKEN_READ_ONLY] = 0,
};
enum { ROLES_COUNT = sizeof(acts_for) / sizeof(acts_for[0]) };

static uint32_t actors_of(const struct core_principal *principal)
{
	uint32_t actors = 0;
	for (size_t i = 0; i < ROLES_COUNT; i++)
		actors |= principal->roles >> i & 1 ? acts_for[i] : 0;
	return actors;
}

/* It stands in a public place: number by number, anybody could look at everybody's cases. */
static bool is_public(const struct core_principal *principal)
{
	return (principal->roles & ~(1u << PB_TOKEN_ROLE__TOKEN_KIOSK)) == 0;
}

bool core_principal_acts(const struct core_principal *principal)
{
	return actors_of(principal) != 0;
}

/* ---- the store */

static struct kv_key name_key(const char *name)
{
	struct kv_key key = kv_key_str("n");
	kv_key_add(&key, tb_bytes_of(name, strnlen(name, TB_TOKEN_NAME_BYTES_MAX + 1)));
	return key;
}

static struct kv_key hash_key(const uint8_t hash[PKI_HASH_BYTES])
{
	struct kv_key key = kv_key_str("h");
	kv_key_add(&key, tb_bytes_of(hash, PKI_HASH_BYTES));
	return key;
}

static enum tb_code load(struct kv *kv, const char *name, struct tb_arena *arena, PbStoredToken **out,
                         struct tb_error *err)
{
	struct kv_key key = name_key(name);
	enum tb_code code = KV_GET(kv, KV_TOKEN, &key, stored_token, arena, out, err);
	return code == TB_ENOTFOUND ? tb_refuse_as(err, code, TB_REASON_TOKEN_NAME_UNKNOWN, name, NULL)
	                            : code;
}

static enum tb_code check_good(struct kv *kv, const char *name, struct tb_error *err)
{
	struct tb_arena arena = {0};
	PbStoredToken *record;
	enum tb_code code = load(kv, name, &arena, &record, err);
	if (code == TB_ENOTFOUND || (code == TB_OK && record->revoked_ms))
		code = tb_refuse(err, TB_REASON_TOKEN_NAMED_REVOKED, name, NULL);
	tb_arena_clear(&arena);
	return code;
}

/* ---- finding who calls */

/* The token's text in a header, or NULL. */
static const char *bearer(const char *authorization)
{
	static const char scheme[] = "bearer "; /* case does not count: RFC 9110, 11.1 */
	if (strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return NULL;
	const char *token = authorization + strlen(scheme);
	token += strspn(token, " ");
	return strlen(token) == TOKEN_TEXT_BYTES && strncmp(token, "tb_", 3) == 0 ? token : NULL;
}

static enum tb_code find(struct kv *kv, const char *token, struct tb_arena *arena, PbStoredToken **out,
                         struct tb_error *err)
{
	uint8_t hash[PKI_HASH_BYTES];
	struct tb_bytes name;
	pki_vault_index(kv->vault, hash, "token", tb_bytes_str(token));
	struct kv_key key = hash_key(hash);
	enum tb_code code = kv_get(kv, KV_TOKEN, &key, arena, &name, err);
	if (code == TB_ENOTFOUND)
		return tb_refuse(err, TB_REASON_TOKEN_UNKNOWN, NULL);
	if (code == TB_OK)
		code = load(kv, tb_arena_printf(arena, "%.*s", (int)name.size, (const char *)name.data),
		            arena, out, err);
	if (code == TB_OK &&
	    ((*out)->hash.len != sizeof(hash) || !tb_equal_ct((*out)->hash.data, hash, sizeof(hash))))
		code = tb_fail(err, TB_ECORRUPT, "a token's record is not its own");
	return code;
}

static const struct core_principal *principal_of(const PbStoredToken *record, struct tb_arena *arena)
{
	struct core_principal *principal = tb_arena_alloc(arena, sizeof(*principal));
	principal->name = record->name;
	for (size_t i = 0; i < record->n_roles; i++)
		principal->roles |= 1u << record->roles[i];
	principal->items = (const char *const *)record->items;
	principal->items_count = record->n_items;
	principal->channel = record->channel;
	return principal;
}

enum tb_code core_principal_find(const struct core_setup *setup, const char *authorization,
                                 struct tb_arena *arena, const struct core_principal **out,
                                 struct tb_error *err)
{
	struct kv kv = {0};
	PbStoredToken *record;
	const char *token = bearer(authorization);
	*out = NULL;
	if (!token)
		return tb_refuse(err, TB_REASON_TOKEN_FORM, NULL);
	enum tb_code code = store_read(&kv.txn, setup->store, err);
	if (code)
		return code;
	kv.vault = pki_vault_new(setup->vault_key);
	code = find(&kv, token, arena, &record, err);
	if (code == TB_OK && record->revoked_ms)
		code = tb_refuse(err, TB_REASON_TOKEN_REVOKED, NULL);
	store_abort(kv.txn);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	if (code)
		return code;
	*out = principal_of(record, arena);
	return TB_OK;
}

enum tb_code token_principal(struct kv *kv, const char *name, struct tb_arena *arena,
                             const struct core_principal **out, struct tb_error *err)
{
	PbStoredToken *record;
	*out = NULL;
	enum tb_code code = load(kv, name, arena, &record, err);
	if (code == TB_OK && record->revoked_ms)
		code = tb_refuse(err, TB_REASON_TOKEN_NAMED_REVOKED, name, NULL);
	if (code == TB_OK)
		*out = principal_of(record, arena);
	return code;
}

enum tb_code core_principal_check(const struct core_setup *setup, const char *name, struct tb_error *err)
{
	struct kv kv = {0};
	enum tb_code code = store_read(&kv.txn, setup->store, err);
	if (code)
		return code;
	kv.vault = pki_vault_new(setup->vault_key);
	code = check_good(&kv, name, err);
	store_abort(kv.txn);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	return code;
}

void core_request_as(struct core_request *request, const struct core_principal *principal)
{
	request->as = NULL;
	if (!principal)
		return;
	/* The request may outlive its caller. */
	struct tb_arena *arena = &request->arena;
	struct core_principal *copy = tb_arena_alloc(arena, sizeof(*copy));
	const char **items = tb_arena_alloc(arena, principal->items_count * sizeof(*items));
	for (size_t i = 0; i < principal->items_count; i++)
		items[i] = tb_arena_str(arena, principal->items[i]);
	*copy = *principal;
	copy->name = tb_arena_str(arena, principal->name);
	copy->items = items;
	request->as = copy;
}

/* ---- what it may do */

/* Calls |fn| for every actor in |message| until it returns false. */
static bool each_actor(const proto_message *message, unsigned depth, bool (*fn)(void *ctx, PbActor *actor),
                       void *ctx)
{
	const proto_type *type = message->descriptor;
	if (type == &pb_actor__descriptor)
		return fn(ctx, (PbActor *)(uintptr_t)message);
	for (unsigned i = 0; depth < MESSAGE_DEPTH_MAX && i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		const uint8_t *at = (const uint8_t *)message + field->offset;
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		bool many = field->label == PROTOBUF_C_LABEL_REPEATED;
		size_t count = 1;
		if (many)
			memcpy(&count, (const uint8_t *)message + field->quantifier_offset, sizeof(count));
		proto_message *const *list = many ? *(proto_message *const *const *)(const void *)at
		                                  : (proto_message *const *)(const void *)at;
		for (size_t k = 0; k < count; k++) {
			if (list[k] && !each_actor(list[k], depth + 1, fn, ctx))
				return false;
		}
	}
	return true;
}

struct actor_check {
	const struct core_principal *principal;
	struct tb_error *err;
};

static bool check_actor(void *ctx, PbActor *actor)
{
	const struct actor_check *check = ctx;
	unsigned role = (unsigned)actor->role;
	if (role < 32 && actors_of(check->principal) >> role & 1)
		return true;
	const char *name = proto_enum_name(&pb_role__descriptor, (int)role);
	tb_refuse(check->err, TB_REASON_TOKEN_ACTOR, check->principal->name, name ? name : "that", NULL);
	return false;
}

enum tb_code token_may_call(const struct core_request *request, struct tb_error *err)
{
	struct actor_check check = {request->as, err};
	if (!request->as)
		return TB_OK;
	if (!(request->as->roles & request->method->tokens))
		return tb_refuse(err, TB_REASON_TOKEN_METHOD, request->as->name,
		                 request->method->service->short_name, request->method->name, NULL);
	if (request->message && !each_actor(request->message, 0, check_actor, &check))
		return TB_EDENIED;
	return TB_OK;
}

static bool mark_actor(void *ctx, PbActor *actor)
{
	const struct core_principal *principal = ctx;
	actor->via = (char *)(uintptr_t)(principal ? principal->name : "socket");
	if (!actor->channel && principal)
		actor->channel = principal->channel;
	if (!actor->channel && actor->role == PB_ROLE__R_WIN)
		actor->channel = PB_CHANNEL__CHANNEL_WINDOW;
	return true;
}

void token_mark_actors(struct core_request *request)
{
	if (request->message)
		each_actor(request->message, 0, mark_actor, (void *)(uintptr_t)request->as);
}

/* ---- items that it is for */

bool token_sees(const struct core_principal *principal, const char *item, const char *base_code)
{
	if (!principal || principal->items_count == 0)
		return true;
	for (size_t i = 0; i < principal->items_count; i++) {
		const char *code = principal->items[i];
		if (strcmp(code, item) == 0 || (base_code[0] && strcmp(code, base_code) == 0))
			return true;
	}
	return false;
}

bool token_sees_case(const struct core_principal *principal, const PbCaseRecord *record)
{
	if (token_sees(principal, record->item, record->base_code))
		return true;
	for (size_t i = 0; i < record->n_parts; i++) {
		if (token_sees(principal, record->parts[i]->item, ""))
			return true;
	}
	return false;
}

static enum tb_code not_its_item(const struct core_principal *principal, struct tb_error *err)
{
	return tb_refuse(err, TB_REASON_TOKEN_ITEM, principal->name, NULL);
}

bool token_submitted(const struct core_principal *principal, const PbCaseRecord *record)
{
	return !principal || !is_public(principal) || strcmp(record->submitted_by, principal->name) == 0;
}

/* Codes are compared folded, as they are stored. */
static bool is_code(const PbParty *party, const char *code)
{
	char a[TB_ID_BYTES_MAX + 1], b[TB_ID_BYTES_MAX + 1];
	return party && party->code[0] && ident_fold(a, sizeof(a), party->code) &&
	       ident_fold(b, sizeof(b), code) && strlen(a) == strlen(b) && tb_equal_ct(a, b, strlen(a));
}

static bool opens(struct kv *kv, const PbCaseRecord *record, const char *code, struct tb_arena *arena)
{
	char own[TOKEN_QUERY_CODE_ROOM];
	struct kv_key first = kv_key_str(record->number);
	PbCaseEntry *entry;
	if (!code[0])
		return false;
	token_query_code(kv->vault, record->number, own);
	if (strlen(code) == strlen(own) && tb_equal_ct(code, own, strlen(own)))
		return true;
	kv_key_add_u32(&first, 1);
	if (KV_GET(kv, KV_ENTRY, &first, case_entry, arena, &entry, NULL) || !entry->detail ||
	    !entry->detail->application)
		return false;
	return is_code(entry->detail->application->applicant, code) ||
	       is_code(entry->detail->application->agent, code);
}

/* A kiosk: its own cases, and those that the person before it can open (办件编号 and 查询码, or the code of
 * applicant or agent). Whether there is such a case is not told. */
static enum tb_code check_opens(struct kv *kv, const struct core_principal *principal, const char *number,
                                const char *code, struct tb_error *err)
{
	struct tb_arena arena = {0};
	PbCaseRecord *record;
	struct tb_error why;
	enum tb_code found = case_load(kv, number, &arena, &record, &why);
	bool good = found == TB_OK && (token_submitted(principal, record) || opens(kv, record, code, &arena));
	tb_arena_clear(&arena);
	if (found == TB_ECORRUPT || found == TB_EINVALID)
		return tb_fail_like(err, found, &why);
	return good ? TB_OK : tb_refuse(err, TB_REASON_CODE_WRONG, NULL);
}

void token_query_code(struct pki_vault *vault, const char *number, char out[TOKEN_QUERY_CODE_ROOM])
{
	static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* none that are mistaken */
	uint8_t hash[PKI_HASH_BYTES];
	pki_vault_index(vault, hash, "query-code", tb_bytes_str(number));
	for (size_t i = 0; i + 1 < TOKEN_QUERY_CODE_ROOM; i++)
		out[i] = letters[hash[i] % 32];
	out[TOKEN_QUERY_CODE_ROOM - 1] = 0;
}

static enum tb_code check_case(struct kv *kv, const struct core_principal *principal, const char *number,
                               struct tb_error *err)
{
	struct tb_arena arena = {0};
	PbCaseRecord *record;
	enum tb_code code = case_load(kv, number, &arena, &record, err);
	if (code == TB_OK && !token_sees_case(principal, record))
		code = not_its_item(principal, err);
	tb_arena_clear(&arena);
	return code;
}

static bool sees_item(struct kv *kv, const struct core_principal *principal, const char *home,
                      const char *code)
{
	struct tb_arena arena = {0};
	PbItem *item;
	bool sees = token_sees(principal, code, "");
	if (!sees && catalogue_item(kv, home, code, CATALOGUE_ANY_DAY, &arena, &item, NULL) == TB_OK)
		sees = token_sees(principal, code, item->base_code);
	tb_arena_clear(&arena);
	return sees;
}

/* A joint application is for several items: the token is for all of them. */
static enum tb_code check_application(struct kv *kv, const struct core_principal *principal,
                                      const PbApplication *application, struct tb_error *err)
{
	if (!application)
		return TB_OK; /* refused by whoever wants it */
	/* The items of a bundle are the bundle's, whatever is written there. */
	bool bundle = strcmp(application->mode, "LB") == 0 && application->item[0];
	const char *list = bundle && application->list[0] ? application->list : application->home;
	bool sees =
		(application->n_parts > 0 && !bundle) || sees_item(kv, principal, list, application->item);
	for (size_t i = 0; sees && !bundle && i < application->n_parts; i++)
		sees = sees_item(kv, principal, application->parts[i]->home, application->parts[i]->item);
	return sees ? TB_OK : not_its_item(principal, err);
}

/* The field |name| of |message|, which the method's scope says that it has. */
static const void *field_at(const proto_message *message, const char *name, ProtobufCType type)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	assert(field && field->type == type && field->label != PROTOBUF_C_LABEL_REPEATED);
	return (const uint8_t *)message + field->offset;
}

static const char *text_at(const proto_message *message, const char *name)
{
	return *(const char *const *)field_at(message, name, PROTOBUF_C_TYPE_STRING);
}

static enum tb_code check_scope(struct kv *kv, const struct core_request *request, struct tb_error *err)
{
	const struct core_principal *principal = request->as;
	switch (request->method->scope) {
	case SCOPE_FREE:
	case SCOPE_ROWS:
		return TB_OK;
	case SCOPE_CASE:
		return check_case(kv, principal, text_at(request->message, "number"), err);
	case SCOPE_APPLICATION:
		return check_application(kv, principal,
		                         *(const PbApplication *const *)field_at(
						 request->message, "application", PROTOBUF_C_TYPE_MESSAGE),
		                         err);
	case SCOPE_DENIED:
		break;
	}
	return tb_refuse(err, TB_REASON_TOKEN_ITEMS_ONLY, principal->name,
	                 request->method->service->short_name, request->method->name, NULL);
}

const char *core_request_opens(const struct core_request *request)
{
	bool code = request->as && is_public(request->as) && request->method->scope == SCOPE_CASE &&
	            text_at(request->message, "open_with")[0];
	return code ? text_at(request->message, "number") : NULL;
}

enum tb_code token_check(struct kv *kv, struct core_request *request, struct tb_error *err)
{
	if (!request->as)
		return TB_OK;
	/* It may have been revoked while the request waited. */
	enum tb_code code = check_good(kv, request->as->name, err);
	if (code == TB_OK)
		code = token_may_call(request, err);
	if (code == TB_OK && is_public(request->as) && request->method->scope == SCOPE_CASE) {
		code = check_opens(kv, request->as, text_at(request->message, "number"),
		                   text_at(request->message, "open_with"), err);
		request->wrong_code = code == TB_EDENIED;
	}
	/* After the code, so that nobody learns without it whether there is such a case. */
	if (code == TB_OK && request->as->items_count > 0)
		code = check_scope(kv, request, err);
	return code;
}

enum tb_code token_check_material(struct kv *kv, const struct core_principal *principal,
                                  const PbStoredMaterial *record, struct tb_error *err)
{
	/* What was uploaded here is of no case yet; whoever names its hash has brought it or was told. */
	if (!principal || record->n_cases == 0 || (principal->items_count == 0 && !is_public(principal)))
		return TB_OK;
	enum tb_code code = TB_EDENIED;
	for (size_t i = 0; i < record->n_cases && code != TB_OK; i++) {
		code = check_case(kv, principal, record->cases[i], err);
		if (code == TB_OK && is_public(principal))
			code = check_opens(kv, principal, record->cases[i], "", err);
	}
	return code;
}

enum tb_code core_principal_material(const struct core_setup *setup, const struct core_principal *principal,
                                     const PbStoredMaterial *record, struct tb_error *err)
{
	struct kv kv = {0};
	enum tb_code code = store_read(&kv.txn, setup->store, err);
	if (code)
		return code;
	kv.vault = pki_vault_new(setup->vault_key);
	code = token_check_material(&kv, principal, record, err);
	store_abort(kv.txn);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	return code;
}

/* ---- making and revoking */

static PbTokenView *view_of(const PbStoredToken *record, struct tb_arena *arena)
{
	PbTokenView *view = PROTO_NEW(PbTokenView, token_view, arena);
	view->name = tb_arena_str(arena, record->name);
	view->n_roles = record->n_roles;
	view->roles = tb_arena_copy(arena, record->roles, record->n_roles * sizeof(*record->roles));
	view->n_items = record->n_items;
	view->items = tb_arena_alloc(arena, record->n_items * sizeof(*view->items));
	for (size_t i = 0; i < record->n_items; i++)
		view->items[i] = tb_arena_str(arena, record->items[i]);
	view->channel = record->channel;
	view->department = tb_arena_str(arena, record->department);
	view->made_ms = record->made_ms;
	view->revoked_ms = record->revoked_ms;
	return view;
}

static enum tb_code check_name(const char *name, struct tb_error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t size = strlen(name);
	if (size == 0 || size > TB_TOKEN_NAME_BYTES_MAX || strspn(name, letters) != size)
		return tb_refuse(err, TB_REASON_NAME_FORM, TB_NUMBER(TB_TOKEN_NAME_BYTES_MAX), NULL);
	if (strcmp(name, "socket") == 0)
		return tb_fail(err, TB_EINVALID, "name: \"socket\" is the socket's owner");
	return TB_OK;
}

static enum tb_code check_add(const PbTokenAddRequest *request, struct tb_error *err)
{
	enum tb_code code = check_name(request->name, err);
	uint32_t seen = 0;
	if (code == TB_OK && request->n_roles == 0)
		code = tb_fail(err, TB_EINVALID, "roles: missing");
	for (size_t i = 0; i < request->n_roles && code == TB_OK; i++) {
		unsigned role = (unsigned)request->roles[i];
		if (role == 0 || role >= ROLES_COUNT || (seen >> role & 1))
			code = tb_fail(err, TB_EINVALID, "roles[%zu]: unknown or repeated", i);
		else
			seen |= 1u << role;
	}
	if (code == TB_OK && request->n_items > TB_TOKEN_ITEMS_MAX)
		code = tb_refuse(err, TB_REASON_ITEMS_MANY, TB_NUMBER(TB_TOKEN_ITEMS_MAX), NULL);
	for (size_t i = 0; i < request->n_items && code == TB_OK; i++) {
		size_t size = strlen(request->items[i]);
		if (size == 0 || size > TB_ID_BYTES_MAX)
			code = tb_fail(err, TB_EINVALID, "items[%zu]: 1 to %d bytes", i, TB_ID_BYTES_MAX);
	}
	return code;
}

static void token_text(struct tb_buf *out, const uint8_t bytes[TOKEN_BYTES])
{
	tb_buf_str(out, "tb_");
	tb_base64(out, tb_bytes_of(bytes, TOKEN_BYTES));
	while (out->size > 0 && out->data[out->size - 1] == '=')
		out->size--;
	for (size_t i = 0; i < out->size; i++) {
		if (out->data[i] == '+')
			out->data[i] = '-';
		else if (out->data[i] == '/')
			out->data[i] = '_';
	}
	assert(out->size == TOKEN_TEXT_BYTES);
}

static void keep(struct turn *turn, const PbStoredToken *record, bool revoked)
{
	uint8_t digest[PKI_HASH_BYTES];
	struct kv_key key = name_key(record->name);
	/* The keyed hash in it is a salt that nobody can guess. */
	pki_sha256(digest, proto_encode_arena(&turn->arena, &record->base));
	kv_put_message(&turn->kv, KV_TOKEN, &key, &record->base);
	audit_add(turn, PB_LEAF_KIND__LEAF_TOKEN,
	          tb_arena_printf(&turn->arena, "%s %s", revoked ? "revoked" : "made", record->name), "",
	          tb_bytes_of(digest, sizeof(digest)), (uint32_t)record->n_roles);
	turn_log(turn, TB_LOG_INFO, revoked ? "token.revoked" : "token.made", "", record->name, "%s",
	         revoked           ? ""
	         : record->n_items ? "for some items"
	                           : "for all items");
}

void token_apply_add(struct turn *turn, struct core_request *request)
{
	const PbTokenAddRequest *add = (const PbTokenAddRequest *)(const void *)request->message;
	struct tb_error err = {0};
	struct kv_key key = name_key(add->name);
	enum tb_code code = check_add(add, &err);
	if (code == TB_OK && add->department[0])
		code = department_check(turn, add->department, &err);
	if (code == TB_OK && kv_has(&turn->kv, KV_TOKEN, &key))
		code = tb_refuse(&err, TB_REASON_TOKEN_EXISTS, add->name, NULL);
	uint64_t made = kv_number(&turn->kv, "tokens");
	if (code == TB_OK && made >= TB_TOKENS_MAX)
		code = tb_fail(&err, TB_EFULL, "there are %d tokens already", TB_TOKENS_MAX);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	uint8_t bytes[TOKEN_BYTES], hash[PKI_HASH_BYTES];
	struct tb_buf text = {0};
	PbTokenAddResponse *reply = PROTO_NEW(PbTokenAddResponse, token_add_response, &request->arena);
	pki_random_bytes(turn->core->random, bytes, sizeof(bytes));
	token_text(&text, bytes);
	reply->token = tb_arena_str(&request->arena, tb_buf_text(&text));
	tb_buf_clear(&text);
	pki_vault_index(turn->core->vault, hash, "token", tb_bytes_str(reply->token));
	PbStoredToken record = PB_STORED_TOKEN__INIT;
	record.name = add->name;
	record.hash = proto_data(tb_bytes_of(hash, sizeof(hash)));
	record.n_roles = add->n_roles;
	record.roles = add->roles;
	record.n_items = add->n_items;
	record.items = add->items;
	record.channel = add->channel;
	record.department = add->department;
	record.made_ms = turn->now;
	struct kv_key index = hash_key(hash);
	kv_put(&turn->kv, KV_TOKEN, &index, tb_bytes_str(record.name));
	kv_set_number(&turn->kv, "tokens", made + 1);
	keep(turn, &record, false);
	reply->view = view_of(&record, &request->arena);
	turn_reply(turn, request, &reply->base);
}

void token_apply_revoke(struct turn *turn, struct core_request *request)
{
	const PbTokenRevokeRequest *revoke = (const PbTokenRevokeRequest *)(const void *)request->message;
	PbStoredToken *record;
	struct tb_error err = {0};
	if (load(&turn->kv, revoke->name, &turn->arena, &record, &err)) {
		turn_refuse(turn, request, &err);
		return;
	}
	if (!record->revoked_ms) {
		struct kv_key index = hash_key(record->hash.data);
		record->revoked_ms = turn->now;
		kv_delete(&turn->kv, KV_TOKEN, &index);
		keep(turn, record, true);
	}
	turn_reply(turn, request, &view_of(record, &request->arena)->base);
}

enum tb_code token_walk(struct kv *kv, struct tb_arena *arena,
                        void (*take)(void *ctx, const PbStoredToken *token), void *ctx, struct tb_error *err)
{
	struct kv_key prefix = kv_key_str("n");
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	store_cursor(&cursor, kv->txn, KV_TOKEN, kv_key_bytes(&prefix), tb_bytes_of(NULL, 0));
	for (size_t i = 0; i < TB_TOKENS_MAX && code == TB_OK && store_next(&cursor, &key, &sealed); i++) {
		PbStoredToken *record;
		code = kv_open(kv, KV_TOKEN, key, sealed, arena, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&record, stored_token, plain, arena, err);
		if (code == TB_OK)
			take(ctx, record);
	}
	store_cursor_end(&cursor);
	return code;
}

struct listing {
	PbTokenListResponse *reply;
	struct tb_arena *arena;
};

static void list_token(void *ctx, const PbStoredToken *token)
{
	struct listing *listing = ctx;
	listing->reply->tokens[listing->reply->n_tokens++] = view_of(token, listing->arena);
}

enum tb_code token_read_list(struct query *query, struct tb_error *err)
{
	struct tb_arena *arena = &query->request->arena;
	struct listing listing = {PROTO_NEW(PbTokenListResponse, token_list_response, arena), arena};
	listing.reply->tokens = tb_arena_alloc(arena, TB_TOKENS_MAX * sizeof(*listing.reply->tokens));
	query->request->reply = &listing.reply->base;
	return token_walk(&query->kv, arena, list_token, &listing, err);
}
