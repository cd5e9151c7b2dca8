/* API tokens: made once, found by their text, good for what their roles and items say and for nothing else.
 */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ADD "/tongban.v1.TokenService/Add"
#define LIST "/tongban.v1.TokenService/List"
#define REVOKE "/tongban.v1.TokenService/Revoke"
#define SUBMIT "/tongban.v1.CaseService/Submit"
#define ACT "/tongban.v1.CaseService/Act"
#define CASE "/tongban.v1.CaseService/Get"
#define CASES "/tongban.v1.CaseService/List"
#define OTHER_ITEM "123204000000000013320001000009Z"

struct token {
	char authorization[64];
};

static enum tb_code call(struct pair *pair, struct side *side, const char *path, const char *json)
{
	enum tb_code code;
	pair_call(pair, side, path, json, &code);
	return code;
}

/* The same with |token|. */
static enum tb_code call_as(struct pair *pair, struct side *side, const struct token *token, const char *path,
                            const char *json)
{
	side->authorization = token->authorization;
	enum tb_code code = call(pair, side, path, json);
	side->authorization = NULL;
	return code;
}

static struct token add(struct pair *pair, struct side *side, const char *name, const char *more)
{
	struct token token;
	char json[512];
	snprintf(json, sizeof(json), "{\"name\":\"%s\",%s}", name, more);
	const PbTokenAddResponse *reply = (const void *)pair_ask(pair, side, ADD, json);
	snprintf(token.authorization, sizeof(token.authorization), "Bearer %s", reply->token);
	return token;
}

static const PbTokenView *listed(struct pair *pair, struct side *side, const char *name)
{
	const PbTokenListResponse *reply = (const void *)pair_ask(pair, side, LIST, "{}");
	for (size_t i = 0; i < reply->n_tokens; i++) {
		if (strcmp(reply->tokens[i]->name, name) == 0)
			return reply->tokens[i];
	}
	return NULL;
}

static void test_a_token_is_shown_once_and_kept_as_a_hash(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *side = &pair->window;
	struct token a = add(pair, side, "hall-3", "\"roles\":[\"TOKEN_WINDOW\"]");
	struct token b = add(pair, side, "hall-4",
	                     "\"roles\":[\"TOKEN_WINDOW\",\"TOKEN_KIOSK\"],\"items\":[\"" ITEM "\"]");
	assert_int_equal(strlen(a.authorization), strlen("Bearer tb_") + 43);
	assert_string_not_equal(a.authorization, b.authorization);
	const char *text = a.authorization + strlen("Bearer tb_");
	assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
	                 43);
	const PbTokenView *view = listed(pair, side, "hall-4");
	assert_non_null(view);
	assert_int_equal(view->n_roles, 2);
	assert_int_equal(view->n_items, 1);
	assert_int_equal(view->revoked_ms, 0);
	/* Nor is it in the store, sealed or not. */
	struct kv kv = {.vault = pki_vault_new(side->setup.vault_key)};
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	struct tb_arena arena = {0};
	struct tb_error err;
	assert_int_equal(store_read(&kv.txn, side->setup.store, &err), TB_OK);
	store_cursor(&cursor, kv.txn, KV_TOKEN, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	size_t seen = 0;
	for (; store_next(&cursor, &key, &sealed); seen++) {
		assert_int_equal(kv_open(&kv, KV_TOKEN, key, sealed, &arena, &plain, &err), TB_OK);
		assert_null(memmem(plain.data, plain.size, text, 43));
		assert_null(memmem(key.data, key.size, text, 43));
	}
	assert_int_equal(seen, 4);
	store_cursor_end(&cursor);
	store_abort(kv.txn);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	tb_arena_clear(&arena);
	assert_int_equal(hostile_leaves(pair, side, "LEAF_TOKEN"), 2);
	pair_free(pair);
}

static void test_a_token_that_cannot_be_is_not_made(void **state)
{
	static const struct {
		const char *json;
		enum tb_code code;
	} wrong[] = {
		{"{}", TB_EINVALID},
		{"{\"name\":\"a\"}", TB_EINVALID},
		{"{\"name\":\"A\",\"roles\":[\"TOKEN_HEAD\"]}", TB_EINVALID},
		{"{\"name\":\"a b\",\"roles\":[\"TOKEN_HEAD\"]}", TB_EINVALID},
		{"{\"name\":\"socket\",\"roles\":[\"TOKEN_HEAD\"]}", TB_EINVALID},
		{"{\"name\":\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddx\",\"roles\":[\"TOKEN_HEAD\"]}",
	         TB_EINVALID},
		{"{\"name\":\"a\",\"roles\":[\"TOKEN_ROLE_UNSPECIFIED\"]}", TB_EINVALID},
		{"{\"name\":\"a\",\"roles\":[\"TOKEN_HEAD\",\"TOKEN_HEAD\"]}", TB_EINVALID},
		{"{\"name\":\"a\",\"roles\":[\"TOKEN_HEAD\"],\"items\":[\"\"]}", TB_EINVALID},
		{"{\"name\":\"taken\",\"roles\":[\"TOKEN_HEAD\"]}", TB_EEXISTS},
	};
	struct pair *pair = pair_new(*state);
	add(pair, &pair->home, "taken", "\"roles\":[\"TOKEN_HEAD\"]");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		enum tb_code code = call(pair, &pair->home, ADD, wrong[i].json);
		if (code != wrong[i].code)
			fail_msg("%zu: %s: %s", i, tb_code_name(code), pair_refusal(&pair->home));
	}
	assert_int_equal(hostile_leaves(pair, &pair->home, "LEAF_TOKEN"), 1);
	pair_free(pair);
}

static void test_what_is_no_token_finds_nobody(void **state)
{
	struct pair *pair = pair_new(*state);
	struct token good = add(pair, &pair->home, "a", "\"roles\":[\"TOKEN_READ_ONLY\"]");
	const char *text = good.authorization + strlen("Bearer ");
	char wrong[9][80];
	snprintf(wrong[0], 80, "%s", "");
	snprintf(wrong[1], 80, "%s", text);
	snprintf(wrong[2], 80, "Basic %s", text);
	snprintf(wrong[3], 80, "Bearer %.45s", text);
	snprintf(wrong[4], 80, "Bearer %sA", text);
	snprintf(wrong[5], 80, "Bearer tb_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	snprintf(wrong[6], 80, "Bearer %s", text);
	wrong[6][12] = wrong[6][12] == 'x' ? 'y' : 'x';
	snprintf(wrong[7], 80, "Bearer tb_");
	snprintf(wrong[8], 80, "Bearer TB_%s", text + 3);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct token token;
		snprintf(token.authorization, sizeof(token.authorization), "%.63s", wrong[i]);
		assert_int_equal(call_as(pair, &pair->home, &token, CASES, "{}"), TB_EUNTRUSTED);
	}
	assert_int_equal(call_as(pair, &pair->home, &good, CASES, "{}"), TB_OK);
	/* The scheme's case does not count. */
	memcpy(good.authorization, "bEARER", 6);
	assert_int_equal(call_as(pair, &pair->home, &good, CASES, "{}"), TB_OK);
	pair_free(pair);
}

static void test_a_revoked_token_opens_nothing_at_once_and_after_a_restart(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *side = &pair->home;
	struct token a = add(pair, side, "a", "\"roles\":[\"TOKEN_HEAD\"]");
	struct token b = add(pair, side, "b", "\"roles\":[\"TOKEN_HEAD\"]");
	/* One that was found before it was revoked, too. */
	const struct core_principal *principal;
	struct tb_arena arena = {0};
	struct tb_error err;
	assert_int_equal(core_principal_find(&side->setup, a.authorization, &arena, &principal, &err), TB_OK);
	assert_int_equal(core_principal_check(&side->setup, "a", &err), TB_OK);
	pair_ask(pair, side, REVOKE, "{\"name\":\"a\"}");
	assert_int_equal(core_principal_check(&side->setup, "a", &err), TB_EUNTRUSTED);
	struct core_request *request;
	assert_int_equal(core_request_new(&request, core_method_find(CASES), tb_bytes_str("{}"), &err),
	                 TB_OK);
	core_request_as(request, principal);
	core_query(&side->setup, side->peers, request, pair->now);
	assert_int_equal(request->error.code, TB_EUNTRUSTED);
	core_request_free(request);
	tb_arena_clear(&arena);
	assert_int_equal(call_as(pair, side, &a, CASES, "{}"), TB_EUNTRUSTED);
	assert_int_equal(call_as(pair, side, &b, CASES, "{}"), TB_OK);
	pair_crash(pair, side);
	assert_int_equal(call_as(pair, side, &a, CASES, "{}"), TB_EUNTRUSTED);
	assert_int_equal(call_as(pair, side, &b, CASES, "{}"), TB_OK);
	assert_int_not_equal(listed(pair, side, "a")->revoked_ms, 0);
	/* Again changes nothing; its name is not given twice. */
	pair_ask(pair, side, REVOKE, "{\"name\":\"a\"}");
	assert_int_equal(hostile_leaves(pair, side, "LEAF_TOKEN"), 3);
	assert_int_equal(call(pair, side, REVOKE, "{\"name\":\"c\"}"), TB_ENOTFOUND);
	assert_int_equal(call(pair, side, ADD, "{\"name\":\"a\",\"roles\":[\"TOKEN_HEAD\"]}"), TB_EEXISTS);
	pair_free(pair);
}

static void test_a_method_is_called_by_the_roles_that_its_row_names(void **state)
{
	/* By role: window, review, head, liaison, supervisor, kiosk, read-only. */
	static const char *const roles[] = {"WINDOW",     "REVIEW", "HEAD",     "LIAISON",
	                                    "SUPERVISOR", "KIOSK",  "READ_ONLY"};
	static const struct {
		const char *method;
		const char *may; /* y or n by role */
	} rows[] = {
		{"NodeService/Status", "yyyyyyy"},        {"NodeService/Requeue", "nnnnnnn"},
		{"NodeService/DeadLetters", "yyyyyny"},   {"CredentialService/Import", "nnynnnn"},
		{"CredentialService/Find", "yyyyyny"},    {"CredentialService/SetState", "nnynnnn"},
		{"CredentialService/Verify", "yyyyyyn"},  {"CatalogueService/Load", "nnnnnnn"},
		{"CatalogueService/List", "yyyyyyy"},     {"CaseService/Submit", "yyyyyyn"},
		{"CaseService/Act", "yyyyyyn"},           {"CaseService/Get", "yyyyyyy"},
		{"CaseService/List", "yyyyyny"},          {"AgreementService/Propose", "nnnnnnn"},
		{"AgreementService/Sign", "nnnnnnn"},     {"AgreementService/End", "nnnnnnn"},
		{"AgreementService/List", "yyyyyny"},     {"EvidenceService/Export", "yyyyyny"},
		{"TokenService/Add", "nnnnnnn"},          {"TokenService/List", "nnnnnnn"},
		{"TokenService/Revoke", "nnnnnnn"},       {"ExportService/Cases", "yyyyyny"},
		{"ExportService/Credentials", "yyyyyny"}, {"RetentionService/Prune", "nnnnnnn"},
		{"RetentionService/Erase", "nnnnnnn"},    {"WebhookService/Add", "nnnnnnn"},
		{"WebhookService/List", "nnnnnnn"},       {"EventService/List", "yyyyyny"},
	};
	struct pair *pair = pair_new(*state);
	for (size_t r = 0; r < COUNT(roles); r++) {
		char name[32], more[64], path[64];
		snprintf(name, sizeof(name), "t%zu", r);
		snprintf(more, sizeof(more), "\"roles\":[\"TOKEN_%s\"]", roles[r]);
		struct token token = add(pair, &pair->home, name, more);
		for (size_t i = 0; i < COUNT(rows); i++) {
			snprintf(path, sizeof(path), "/tongban.v1.%s", rows[i].method);
			enum tb_code code = call_as(pair, &pair->home, &token, path, "{}");
			if ((code != TB_EDENIED) != (rows[i].may[r] == 'y'))
				fail_msg("%s as %s: %s", rows[i].method, roles[r], tb_code_name(code));
		}
	}
	pair_free(pair);
}

static void test_a_token_acts_for_the_roles_that_are_its_own(void **state)
{
	static const char *const actors[] = {"APPLICANT", "R_WIN",   "H_WIN",           "H_DEPT",
	                                     "H_HEAD",    "LIAISON", "SUPERVISOR",      "R_DEPT",
	                                     "R_HEAD",    "SYSTEM",  "ROLE_UNSPECIFIED"};
	static const struct {
		const char *role;
		const char *may; /* y or n by actor */
	} rows[] = {
		{"WINDOW", "nyynnnnnnnn"},  {"REVIEW", "nnnynnnynnn"}, {"HEAD", "nnnyynnyynn"},
		{"LIAISON", "nnnnnynnnnn"}, {"KIOSK", "ynnnnnnnnnn"},  {"SUPERVISOR", "nnnnnnynnnn"},
	};
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	pair_run(pair);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char name[32], more[64], json[256];
		snprintf(name, sizeof(name), "t%zu", i);
		snprintf(more, sizeof(more), "\"roles\":[\"TOKEN_%s\"]", rows[i].role);
		struct token token = add(pair, &pair->home, name, more);
		for (size_t k = 0; k < COUNT(actors); k++) {
			/* FILE is in no row of this mode: whoever gets past the token meets the state table.
			 */
			snprintf(json, sizeof(json),
			         "{\"number\":\"%s\",\"event\":\"FILE\",\"actor\":{\"role\":\"%s\",\"id\":"
			         "\"x\"}}",
			         number, actors[k]);
			call_as(pair, &pair->home, &token, ACT, json);
			bool denied = strstr(pair_refusal(&pair->home), "does not act as") != NULL;
			if (denied != (rows[i].may[k] == 'n'))
				fail_msg("%s as %s: %s", rows[i].role, actors[k], pair_refusal(&pair->home));
		}
	}
	pair_free(pair);
}

static void test_the_log_says_by_which_way_somebody_spoke(void **state)
{
	struct pair *pair = pair_new(*state);
	struct token window = add(pair, &pair->window, "hall", "\"roles\":[\"TOKEN_WINDOW\"]");
	struct token review = add(pair, &pair->home, "judicial-bureau", "\"roles\":[\"TOKEN_REVIEW\"]");
	char material[512], json[2048], number[32];
	pair_upload(pair, &pair->window, 3000, 7, material);
	pair_application(json, material, "", true);
	pair->window.authorization = window.authorization;
	const PbCaseView *view = (const void *)pair_ask(pair, &pair->window, SUBMIT, json);
	pair->window.authorization = NULL;
	snprintf(number, sizeof(number), "%s", view->number);
	pair_run(pair);
	/* What the caller says of it itself does not count. */
	snprintf(json, sizeof(json),
	         "{\"number\":\"%s\",\"event\":\"ACCEPT\",\"actor\":{\"role\":\"H_DEPT\",\"id\":\"a1\","
	         "\"via\":"
	         "\"socket\"}}",
	         number);
	assert_int_equal(call_as(pair, &pair->home, &review, ACT, json), TB_OK);
	assert_int_equal(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""), TB_OK);
	/* A proposal keeps what its own node noted. */
	snprintf(json, sizeof(json),
	         "{\"number\":\"%s\",\"event\":\"CONSULT\",\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},"
	         "\"detail\":{\"note\":\"?\"}}",
	         number);
	assert_int_equal(call_as(pair, &pair->window, &window, ACT, json), TB_OK);
	pair_run(pair);
	pair_assert_equal_logs(pair, number);
	view = pair_case(pair, &pair->home, number);
	const char *consult = NULL;
	for (size_t i = 0; i < view->n_log; i++) {
		const PbCaseEntry *entry = view->log[i];
		const char *via = entry->actor->via;
		if (entry->event == PB_CASE_EVENT__SUBMIT || entry->event == PB_CASE_EVENT__SEND)
			assert_string_equal(via, "hall");
		else if (entry->event == PB_CASE_EVENT__ACCEPT)
			assert_string_equal(via, "judicial-bureau");
		else if (entry->event == PB_CASE_EVENT__START)
			assert_string_equal(via, "socket");
		else if (entry->event == PB_CASE_EVENT__SIGN)
			assert_string_equal(via, "");
		else if (entry->event == PB_CASE_EVENT__CONSULT)
			consult = via;
	}
	assert_non_null(consult);
	assert_string_equal(consult, "hall");
	pair_free(pair);
}

static void test_a_token_for_some_items_sees_and_does_nothing_else(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *side = &pair->window;
	struct token its =
		add(pair, side, "its", "\"roles\":[\"TOKEN_WINDOW\"],\"items\":[\"x\",\"" ITEM "\"]");
	struct token not_its =
		add(pair, side, "other", "\"roles\":[\"TOKEN_WINDOW\"],\"items\":[\"" OTHER_ITEM "\"]");
	char material[512], json[2048], number[32], get[64];
	pair_upload(pair, side, 3000, 7, material);
	pair_application(json, material, "", false);
	assert_int_equal(call_as(pair, side, &not_its, SUBMIT, json), TB_EDENIED);
	assert_int_equal(call_as(pair, side, &its, SUBMIT, json), TB_OK);
	const PbCaseView *view = (const void *)side->replied->reply;
	snprintf(number, sizeof(number), "%s", view->number);
	snprintf(get, sizeof(get), "{\"number\":\"%s\"}", number);
	assert_int_equal(call_as(pair, side, &not_its, CASE, get), TB_EDENIED);
	assert_int_equal(call_as(pair, side, &its, CASE, get), TB_OK);
	assert_int_equal(call_as(pair, side, &not_its, CASES, "{}"), TB_OK);
	assert_int_equal(((const PbCaseListResponse *)(const void *)side->replied->reply)->n_cases, 0);
	assert_int_equal(call_as(pair, side, &its, CASES, "{}"), TB_OK);
	assert_int_equal(((const PbCaseListResponse *)(const void *)side->replied->reply)->n_cases, 1);
	snprintf(json, sizeof(json),
	         "{\"number\":\"%s\",\"event\":\"CHECK\",\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"}}",
	         number);
	assert_int_equal(call_as(pair, side, &not_its, ACT, json), TB_EDENIED);
	assert_int_equal(call_as(pair, side, &its, ACT, json), TB_OK);
	/* What cannot be told apart by item it may not have at all. */
	assert_int_equal(
		call_as(pair, side, &its, "/tongban.v1.EvidenceService/Export", "{\"reference\":\"x\"}"),
		TB_EDENIED);
	assert_int_equal(call_as(pair, side, &its, "/tongban.v1.CredentialService/Find", "{}"), TB_EDENIED);
	assert_int_equal(call_as(pair, side, &its, CASE, "{\"number\":\"none\"}"), TB_ENOTFOUND);
	assert_int_equal(call_as(pair, side, &its, SUBMIT, "{}"), TB_EINVALID);
	pair_free(pair);
}

static void test_a_token_for_some_items_gets_the_materials_of_their_cases(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	pair_run(pair);
	char *items[] = {(char *)(uintptr_t)OTHER_ITEM, (char *)(uintptr_t)ITEM};
	struct core_principal its = {
		.name = "t", .roles = 2, .items = (const char *const *)items + 1, .items_count = 1};
	struct core_principal other = {
		.name = "t", .roles = 2, .items = (const char *const *)items, .items_count = 1};
	struct core_principal all = {.name = "t", .roles = 2};
	char *cases[] = {number};
	PbStoredMaterial record = PB_STORED_MATERIAL__INIT;
	struct tb_error err;
	const struct core_setup *setup = &pair->home.setup;
	assert_int_equal(core_principal_material(setup, &other, &record, &err), TB_OK);
	record.cases = cases;
	record.n_cases = 1;
	assert_int_equal(core_principal_material(setup, &its, &record, &err), TB_OK);
	assert_int_equal(core_principal_material(setup, &all, &record, &err), TB_OK);
	assert_int_equal(core_principal_material(setup, NULL, &record, &err), TB_OK);
	assert_int_equal(core_principal_material(setup, &other, &record, &err), TB_EDENIED);
	pair_free(pair);
}

/* The ordinary application, by the applicant. */
static void own_application(char json[2048], const char *material)
{
	pair_application(json, material, "r-1", false);
	char *role = strstr(json, "R_WIN");
	assert_non_null(role);
	memmove(role + 9, role + 5, strlen(role + 5) + 1);
	memcpy(role, "APPLICANT", 9);
}

/* The ordinary case, handed in with |token|: its number and query code. */
static void hand_in(struct pair *pair, struct side *side, const struct token *token, char number[32],
                    char query[16])
{
	char material[512], json[2048];
	pair_upload(pair, side, 3000, 7, material);
	own_application(json, material);
	if (call_as(pair, side, token, SUBMIT, json))
		fail_msg("%s", pair_refusal(side));
	const PbCaseView *view = (const void *)side->replied->reply;
	snprintf(number, 32, "%s", view->number);
	snprintf(query, 16, "%s", view->query_code);
}

static enum tb_code look(struct pair *pair, struct side *side, const struct token *token, const char *number,
                         const char *open_with)
{
	char json[256];
	snprintf(json, sizeof(json), "{\"number\":\"%s\",\"openWith\":\"%s\"}", number, open_with);
	return call_as(pair, side, token, CASE, json);
}

static void test_a_kiosk_reads_what_it_handed_in_and_what_a_code_opens(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *side = &pair->window;
	struct token mine = add(pair, side, "kiosk-1", "\"roles\":[\"TOKEN_KIOSK\"]");
	struct token other = add(pair, side, "kiosk-2", "\"roles\":[\"TOKEN_KIOSK\"]");
	struct token hall = add(pair, side, "hall", "\"roles\":[\"TOKEN_KIOSK\",\"TOKEN_WINDOW\"]");
	char number[32], query[16], none[256];
	hand_in(pair, side, &mine, number, query);
	assert_int_equal(strlen(query), 10);
	assert_int_equal(look(pair, side, &mine, number, ""), TB_OK);
	assert_string_equal(((const PbCaseView *)(const void *)side->replied->reply)->query_code, "");
	assert_int_equal(look(pair, side, &hall, number, ""), TB_OK);
	assert_int_equal(look(pair, side, &other, "620100-20260105-000999", ""), TB_EDENIED);
	snprintf(none, sizeof(none), "%s", pair_refusal(side));
	static const char *const wrong[] = {"", "0000000000", "11010519491231002", "123456789012345678"};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(look(pair, side, &other, number, wrong[i]), TB_EDENIED);
		assert_true(side->replied->wrong_code);
		assert_string_equal(pair_refusal(side), none); /* whether there is such a case is not told */
	}
	assert_int_equal(look(pair, side, &other, number, query), TB_OK);
	assert_false(side->replied->wrong_code);
	assert_int_equal(look(pair, side, &other, number, "11010519491231002X"), TB_OK);
	assert_int_equal(look(pair, side, &other, number, "11010519491231002x"), TB_OK);
	/* The other side's kiosk: the code of the applicant; the query code is of the node that gave it. */
	assert_int_equal(pair_act(pair, side, number, "CHECK", "R_WIN", ""), TB_OK);
	assert_int_equal(pair_act(pair, side, number, "SEND", "R_WIN", ""), TB_OK);
	pair_run(pair);
	struct token there = add(pair, &pair->home, "kiosk-1", "\"roles\":[\"TOKEN_KIOSK\"]");
	assert_int_equal(look(pair, &pair->home, &there, number, ""), TB_EDENIED);
	assert_int_equal(look(pair, &pair->home, &there, number, query), TB_EDENIED);
	assert_int_equal(look(pair, &pair->home, &there, number, "11010519491231002X"), TB_OK);
	pair_free(pair);
}

static void test_a_kiosk_for_some_items_cannot_walk_numbers(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *side = &pair->window;
	struct token mine = add(pair, side, "kiosk-1", "\"roles\":[\"TOKEN_KIOSK\"]");
	struct token its = add(pair, side, "kiosk-2", "\"roles\":[\"TOKEN_KIOSK\"],\"items\":[\"" ITEM "\"]");
	struct token other =
		add(pair, side, "kiosk-3", "\"roles\":[\"TOKEN_KIOSK\"],\"items\":[\"" OTHER_ITEM "\"]");
	char number[32], query[16], none[256];
	hand_in(pair, side, &mine, number, query);
	const struct token *const walkers[] = {&its, &other};
	for (size_t i = 0; i < COUNT(walkers); i++) {
		/* A number that is taken, one that is free, and one of another item: all the same. */
		assert_int_equal(look(pair, side, walkers[i], "620100-20260105-000999", ""), TB_EDENIED);
		snprintf(none, sizeof(none), "%s", pair_refusal(side));
		assert_true(side->replied->wrong_code);
		assert_int_equal(look(pair, side, walkers[i], number, ""), TB_EDENIED);
		assert_string_equal(pair_refusal(side), none);
		assert_true(side->replied->wrong_code);
		assert_int_equal(look(pair, side, walkers[i], number, "0000000000"), TB_EDENIED);
		assert_string_equal(pair_refusal(side), none);
		assert_true(side->replied->wrong_code);
	}
	/* With its code a case opens where its item may be seen. */
	assert_int_equal(look(pair, side, &its, number, query), TB_OK);
	assert_int_equal(look(pair, side, &other, number, query), TB_EDENIED);
	assert_false(side->replied->wrong_code);
	pair_free(pair);
}

static void test_what_opens_a_case_is_told_before_it_is_looked_at(void **state)
{
	static const struct core_principal kiosk = {.name = "k", .roles = 1u << PB_TOKEN_ROLE__TOKEN_KIOSK};
	static const struct core_principal hall = {
		.name = "h", .roles = 1u << PB_TOKEN_ROLE__TOKEN_KIOSK | 1u << PB_TOKEN_ROLE__TOKEN_WINDOW};
	static const struct {
		const char *path, *json;
		const struct core_principal *as;
		const char *number;
	} rows[] = {
		{CASE, "{\"number\":\"n\",\"openWith\":\"1\"}", &kiosk, "n"},
		{ACT, "{\"number\":\"n\",\"openWith\":\"1\"}", &kiosk, "n"},
		{CASE, "{\"number\":\"n\"}", &kiosk, NULL},
		{CASE, "{\"number\":\"n\",\"openWith\":\"1\"}", &hall, NULL},
		{CASE, "{\"number\":\"n\",\"openWith\":\"1\"}", NULL, NULL},
		{LIST, "{}", &kiosk, NULL},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct core_request *request;
		assert_int_equal(core_request_new(&request, core_method_find(rows[i].path),
		                                  tb_bytes_str(rows[i].json), NULL),
		                 TB_OK);
		core_request_as(request, rows[i].as);
		const char *number = core_request_opens(request);
		assert_true(!number == !rows[i].number);
		assert_string_equal(number ? number : "", rows[i].number ? rows[i].number : "");
		core_request_free(request);
	}
}

static void test_a_kiosk_does_nothing_to_a_case_that_it_may_not_read(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *side = &pair->window;
	struct token mine = add(pair, side, "kiosk-1", "\"roles\":[\"TOKEN_KIOSK\"]");
	struct token other = add(pair, side, "kiosk-2", "\"roles\":[\"TOKEN_KIOSK\"]");
	char number[32], query[16], json[512], material[512], get[512];
	hand_in(pair, side, &mine, number, query);
	pair_run(pair);
	snprintf(json, sizeof(json),
	         "{\"number\":\"%s\",\"event\":\"WITHDRAW\",\"actor\":{\"role\":\"APPLICANT\",\"id\":\"x\"}}",
	         number);
	assert_int_equal(call_as(pair, side, &other, ACT, json), TB_EDENIED);
	/* A request id is no secret. */
	pair_upload(pair, side, 3000, 7, material);
	char application[2048];
	own_application(application, material);
	assert_int_equal(call_as(pair, side, &other, SUBMIT, application), TB_EEXISTS);
	assert_int_equal(call_as(pair, side, &mine, SUBMIT, application), TB_OK);
	/* Nor does it get the papers, whose views name the case. */
	const char *root = strstr(material, "\"root\":");
	assert_non_null(root);
	snprintf(get, sizeof(get), "{%.*s}", (int)(strchr(root + 8, '"') + 1 - root), root);
	assert_int_equal(call_as(pair, side, &other, "/tongban.v1.MaterialService/Get", get), TB_EDENIED);
	assert_int_equal(call_as(pair, side, &mine, "/tongban.v1.MaterialService/Get", get), TB_OK);
	snprintf(json, sizeof(json),
	         "{\"number\":\"%s\",\"event\":\"WITHDRAW\",\"openWith\":\"%s\",\"actor\":{\"role\":"
	         "\"APPLICANT\","
	         "\"id\":\"x\"}}",
	         number, query);
	assert_int_equal(call_as(pair, side, &other, ACT, json), TB_OK);
	pair_free(pair);
}

static void test_who_only_reads_brings_nothing(void **state)
{
	(void)state;
	struct core_principal reader = {.name = "t", .roles = 1u << PB_TOKEN_ROLE__TOKEN_READ_ONLY};
	struct core_principal kiosk = {.name = "t", .roles = 1u << PB_TOKEN_ROLE__TOKEN_KIOSK};
	assert_false(core_principal_acts(&reader));
	assert_true(core_principal_acts(&kiosk));
}

static void test_tokens_and_their_items_are_bounded(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *side = &pair->home;
	struct tb_buf json = {0};
	char name[64];
	tb_buf_str(&json, "{\"name\":\"many\",\"roles\":[\"TOKEN_HEAD\"],\"items\":[\"i\"");
	for (int i = 1; i < TB_TOKEN_ITEMS_MAX; i++)
		tb_buf_str(&json, ",\"i\"");
	size_t most = json.size;
	tb_buf_str(&json, ",\"i\"]}");
	assert_int_equal(call(pair, side, ADD, tb_buf_text(&json)), TB_ETOOBIG);
	json.size = most;
	tb_buf_str(&json, "]}");
	assert_int_equal(call(pair, side, ADD, tb_buf_text(&json)), TB_OK);
	json.size = 0;
	tb_buf_printf(&json, "{\"name\":\"long\",\"roles\":[\"TOKEN_HEAD\"],\"items\":[\"%0*d\"]}",
	              TB_ID_BYTES_MAX + 1, 0);
	assert_int_equal(call(pair, side, ADD, tb_buf_text(&json)), TB_EINVALID);
	tb_buf_clear(&json);
	/* Those that are revoked count: their names stay in the log. */
	for (int i = 1; i < TB_TOKENS_MAX; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		add(pair, side, name, "\"roles\":[\"TOKEN_KIOSK\"]");
	}
	assert_int_equal(call(pair, side, REVOKE, "{\"name\":\"t7\"}"), TB_OK);
	assert_int_equal(call(pair, side, ADD, "{\"name\":\"more\",\"roles\":[\"TOKEN_KIOSK\"]}"), TB_EFULL);
	assert_non_null(listed(pair, side, "t999"));
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_token_is_shown_once_and_kept_as_a_hash),
		TEST(test_a_token_that_cannot_be_is_not_made),
		TEST(test_what_is_no_token_finds_nobody),
		TEST(test_a_revoked_token_opens_nothing_at_once_and_after_a_restart),
		TEST(test_a_method_is_called_by_the_roles_that_its_row_names),
		TEST(test_a_token_acts_for_the_roles_that_are_its_own),
		TEST(test_the_log_says_by_which_way_somebody_spoke),
		TEST(test_a_token_for_some_items_sees_and_does_nothing_else),
		TEST(test_a_token_for_some_items_gets_the_materials_of_their_cases),
		TEST(test_a_kiosk_reads_what_it_handed_in_and_what_a_code_opens),
		TEST(test_a_kiosk_for_some_items_cannot_walk_numbers),
		TEST(test_what_opens_a_case_is_told_before_it_is_looked_at),
		TEST(test_a_kiosk_does_nothing_to_a_case_that_it_may_not_read),
		cmocka_unit_test(test_who_only_reads_brings_nothing),
		TEST(test_tokens_and_their_items_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
