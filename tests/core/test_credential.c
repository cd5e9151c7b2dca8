/* Certificates of the own region: brought in, found again, and their states. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"
#include "node/core/record.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TYPE "11100000000013338W032"
#define OTHER_TYPE "11100000000013338W011"
#define ISSUER "11320400014109045T"
#define OTHER_ISSUER "11430000006122244L"
#define WANG "11010519491231002X"
#define IDENTIFIER "1.2.156.3005.2." OTHER_TYPE ".11430000006122244L.20230000403.001.U"
#define IMPORT "/tongban.v1.CredentialService/Import"
#define HEADER                                                                                              \
	"identifier,type,number,name,holder_code_type,holder_code,holder_name,issuer,issued_on,valid_from," \
	"valid_until"
#define PLAIN(number) "," TYPE "," number ",公证书,111," WANG ",王伟," ISSUER ",2024-01-31,,"

/* An import call as JSON, with each line quoted; |more| may give another header. */
static void import_json(struct tb_buf *out, const char *format, const char *more, const char *const *lines,
                        size_t count)
{
	tb_buf_printf(out, "{\"format\":\"%s\",\"firstLine\":\"2\"%s%s,\"lines\":[", format, more,
	              strstr(more, "\"header\"") ? "" : ",\"header\":\"" HEADER "\"");
	for (size_t i = 0; i < count; i++) {
		tb_buf_str(out, i ? ",\"" : "\"");
		for (const char *at = lines[i]; *at; at++) {
			if (*at == '"' || *at == '\\')
				tb_buf_str(out, "\\");
			if (*at == '\t')
				tb_buf_str(out, "\\t");
			else
				tb_buf_add(out, at, 1);
		}
		tb_buf_str(out, "\"");
	}
	tb_buf_str(out, "]}");
}

static enum tb_code try_import(struct pair *pair, const char *format, const char *more,
                               const char *const *lines, size_t count, PbImportResponse **reply)
{
	struct tb_buf json = {0};
	enum tb_code code;
	import_json(&json, format, more, lines, count);
	*reply = (PbImportResponse *)(void *)pair_call(pair, &pair->home, IMPORT, tb_buf_text(&json), &code);
	tb_buf_clear(&json);
	return code;
}

static PbImportResponse *import(struct pair *pair, const char *format, const char *const *lines, size_t count)
{
	PbImportResponse *reply;
	if (try_import(pair, format, "", lines, count, &reply))
		fail_msg("import: %s", pair_refusal(&pair->home));
	return reply;
}

static PbImportResponse *import_one(struct pair *pair, const char *line)
{
	return import(pair, "CSV", &line, 1);
}

static PbCredentialFindResponse *find(struct pair *pair, const char *json)
{
	return (PbCredentialFindResponse *)(void *)pair_ask(pair, &pair->home,
	                                                    "/tongban.v1.CredentialService/Find", json);
}

static PbCredentialView *get(struct pair *pair, const char *identifier)
{
	char json[256];
	snprintf(json, sizeof(json), "{\"identifier\":\"%s\"}", identifier);
	return (PbCredentialView *)(void *)pair_ask(pair, &pair->home, "/tongban.v1.CredentialService/Get",
	                                            json);
}

/* The identifier of the only certificate with |number|. */
static void identifier_of(struct pair *pair, const char *number, char out[TB_ID_BYTES_MAX + 1])
{
	char json[128];
	snprintf(json, sizeof(json), "{\"type\":\"" TYPE "\",\"number\":\"%s\"}", number);
	PbCredentialFindResponse *found = find(pair, json);
	assert_int_equal(found->n_credentials, 1);
	snprintf(out, TB_ID_BYTES_MAX + 1, "%s", found->credentials[0]->credential->identifier);
}

static uint64_t stored(struct pair *pair)
{
	return hostile_count(&pair->home, KV_CREDENTIAL);
}

/* ---- lines */

static void test_lines_of_both_forms_come_in_and_are_found(void **state)
{
	static const char *const csv[] = {PLAIN("N1"), " \t", PLAIN("N2")};
	static const char *const json[] = {
		"{\"type\":\"" TYPE
		"\",\"number\":\"N3\",\"name\":\"公证书\",\"holders\":[{\"codeType\":\"111\","
		"\"code\":\"" WANG "\"}],\"issuer\":\"" ISSUER "\",\"issuedOn\":\"20240131\"}",
		""};
	struct pair *pair = pair_new(*state);
	char identifier[TB_ID_BYTES_MAX + 1];
	PbImportResponse *reply = import(pair, "CSV", csv, COUNT(csv));
	assert_int_equal(reply->added, 2);
	assert_int_equal(reply->n_bad, 0);
	reply = import(pair, "JSONL", json, COUNT(json));
	assert_int_equal(reply->added, 1);
	assert_int_equal(stored(pair), 3);
	identifier_of(pair, "N3", identifier);
	PbCredentialView *view = get(pair, identifier);
	assert_string_equal(view->credential->number, "N3");
	assert_string_equal(view->credential->issued_on, "2024-01-31");
	assert_string_equal(view->credential->region, HOME);
	assert_int_equal(view->state, PB_CREDENTIAL_STATE__VALID);
	assert_true(view->seal_valid);
	pair_free(pair);
}

static void test_bad_lines_are_named_and_the_others_come_in(void **state)
{
	static const char *const csv[] = {
		PLAIN("N1"),
		"too,few",
		"," TYPE ",N2,公证书,111,110105194912310021,王伟," ISSUER ",2024-01-31,,",
		"," TYPE ",N3,公证书,111," WANG ",王伟," ISSUER ",2027-01-31,,",
		PLAIN("N4"),
	};
	static const char *const json[] = {"{", "{\"type\":\"" TYPE "\"}", "[]"};
	struct pair *pair = pair_new(*state);
	PbImportResponse *reply = import(pair, "CSV", csv, COUNT(csv));
	assert_int_equal(reply->added, 2);
	assert_int_equal(reply->n_bad, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(reply->bad[i]->line, 3 + i);
		assert_true(reply->bad[i]->reason[0]);
		assert_null(strstr(reply->bad[i]->reason, "110105194912310021"));
	}
	reply = import(pair, "JSONL", json, COUNT(json));
	assert_int_equal(reply->added, 0);
	assert_int_equal(reply->n_bad, 3);
	assert_int_equal(stored(pair), 2);
	pair_free(pair);
}

static void test_a_certificate_over_the_limit_is_a_bad_line(void **state)
{
	/* The names of the attributes are in the header: the line itself keeps to its own limit. */
	struct pair *pair = pair_new(*state);
	struct tb_buf header = {0}, line = {0};
	tb_buf_str(&header, ",\"header\":\"" HEADER);
	tb_buf_str(&line, PLAIN("N1"));
	for (int i = 0; i < TB_ATTRIBUTES_MAX; i++) {
		tb_buf_printf(&header, ",attr.%02d%048d", i, 0);
		tb_buf_printf(&line, ",%01015d", 0);
	}
	tb_buf_str(&header, "\"");
	const char *text = tb_buf_text(&line);
	PbImportResponse *reply;
	assert_true(line.size <= TB_IMPORT_LINE_BYTES_MAX);
	OK(try_import(pair, "CSV", tb_buf_text(&header), &text, 1, &reply));
	assert_int_equal(reply->added, 0);
	assert_int_equal(reply->n_bad, 1);
	assert_non_null(strstr(reply->bad[0]->reason, "certificate over"));
	tb_buf_clear(&header);
	tb_buf_clear(&line);
	pair_free(pair);
}

static void test_a_bad_line_refuses_the_whole_call_when_it_is_asked_to(void **state)
{
	static const char *const bad_form[] = {PLAIN("N1"), "too,few", PLAIN("N2")};
	static const char *const clash[] = {PLAIN("N3"),
	                                    "," TYPE ",N0,other,111," WANG ",王伟," ISSUER ",2024-01-31,,"};
	struct pair *pair = pair_new(*state);
	PbImportResponse *reply;
	import_one(pair, PLAIN("N0"));
	assert_int_equal(try_import(pair, "CSV", ",\"stopOnError\":true", bad_form, COUNT(bad_form), &reply),
	                 TB_EMALFORMED);
	assert_non_null(strstr(pair_refusal(&pair->home), "line 3"));
	assert_int_equal(try_import(pair, "CSV", ",\"stopOnError\":true", clash, COUNT(clash), &reply),
	                 TB_EEXISTS);
	assert_non_null(strstr(pair_refusal(&pair->home), "line 3"));
	assert_int_equal(stored(pair), 1);
	pair_free(pair);
}

static void test_a_call_over_a_limit_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	static const char *lines[TB_IMPORT_LINES_MAX + 1];
	char more[200] = ",\"importId\":\"";
	PbImportResponse *reply;
	for (size_t i = 0; i < COUNT(lines); i++)
		lines[i] = "";
	assert_int_equal(try_import(pair, "IMPORT_FORMAT_UNSPECIFIED", "", lines, 1, &reply), TB_EINVALID);
	assert_int_equal(try_import(pair, "JSONL", "", lines, COUNT(lines), &reply), TB_ETOOBIG);
	OK(try_import(pair, "JSONL", "", lines, COUNT(lines) - 1, &reply));
	size_t at = strlen(more);
	memset(more + at, 'x', TB_ID_BYTES_MAX + 1);
	strcpy(more + at + TB_ID_BYTES_MAX + 1, "\"");
	assert_int_equal(try_import(pair, "JSONL", more, lines, 1, &reply), TB_ETOOBIG);
	assert_int_equal(try_import(pair, "CSV", ",\"header\":\"type,number\"", lines, 1, &reply),
	                 TB_EMALFORMED);
	pair_free(pair);
}

/* ---- again, and beside each other */

static void test_importing_again_changes_nothing(void **state)
{
	static const char *const lines[] = {PLAIN("N1"), PLAIN("N2"), PLAIN("N1")};
	struct pair *pair = pair_new(*state);
	char before[TB_ID_BYTES_MAX + 1], after[TB_ID_BYTES_MAX + 1];
	PbImportResponse *reply = import(pair, "CSV", lines, COUNT(lines));
	assert_int_equal(reply->added, 2);
	assert_int_equal(reply->unchanged, 1);
	identifier_of(pair, "N1", before);
	char *state_before = hostile_state(pair, &pair->home, NULL);
	size_t leaves = hostile_leaves(pair, &pair->home, "LEAF_IMPORT");
	pair_pass(pair, TB_HOUR);
	pair_crash(pair, &pair->home);
	reply = import(pair, "CSV", lines, COUNT(lines));
	assert_int_equal(reply->added, 0);
	assert_int_equal(reply->unchanged, 3);
	assert_int_equal(reply->n_bad, 0);
	hostile_assert_unchanged(pair, &pair->home, NULL, state_before, "an import that came again");
	assert_int_equal(hostile_leaves(pair, &pair->home, "LEAF_IMPORT"), leaves);
	identifier_of(pair, "N1", after);
	assert_string_equal(before, after);
	pair_free(pair);
}

static void test_other_content_in_the_same_place_is_refused(void **state)
{
	static const struct {
		const char *line, *reason;
	} clashes[] = {
		/* the same serial is made of type, issuer, number and first holder */
		{"," TYPE ",N1,另一名,111," WANG ",王伟," ISSUER ",2024-01-31,,", "identifier: exists"},
		{"," TYPE ",N1,公证书,111,110101199003070011,李," ISSUER ",2024-01-31,,",
	         "another identifier"},
		{IDENTIFIER "," OTHER_TYPE ",N2,b,111," WANG ",王伟," OTHER_ISSUER ",2023-01-31,,",
	         "identifier: exists"},
	};
	struct pair *pair = pair_new(*state);
	import_one(pair, PLAIN("N1"));
	import_one(pair, IDENTIFIER "," OTHER_TYPE ",N2,a,111," WANG ",王伟," OTHER_ISSUER ",2023-01-31,,");
	for (size_t i = 0; i < COUNT(clashes); i++) {
		PbImportResponse *reply = import_one(pair, clashes[i].line);
		assert_int_equal(reply->added, 0);
		assert_int_equal(reply->n_bad, 1);
		assert_non_null(strstr(reply->bad[0]->reason, clashes[i].reason));
	}
	/* Another issuer may give the same number. */
	assert_int_equal(
		import_one(pair, "," TYPE ",N1,公证书,111," WANG ",王伟," OTHER_ISSUER ",2024-01-31,,")
			->added,
		1);
	assert_int_equal(stored(pair), 3);
	pair_free(pair);
}

static void test_lines_of_one_call_are_held_against_each_other(void **state)
{
	static const char *const lines[] = {
		PLAIN("N1"),
		"," TYPE ",N1,另一名,111," WANG ",王伟," ISSUER ",2024-01-31,,",
		"," TYPE ",N1,公证书,111,110101199003070011,李," ISSUER ",2024-01-31,,",
		"," TYPE ",N1,公证书,111," WANG ",王伟," OTHER_ISSUER ",2024-01-31,,",
	};
	struct pair *pair = pair_new(*state);
	PbImportResponse *reply = import(pair, "CSV", lines, COUNT(lines));
	assert_int_equal(reply->added, 2);
	assert_int_equal(reply->n_bad, 2);
	assert_non_null(strstr(reply->bad[0]->reason, "earlier line with other content"));
	assert_non_null(strstr(reply->bad[1]->reason, "earlier line under another identifier"));
	pair_free(pair);
}

static void test_a_number_is_free_again_when_its_certificate_has_ended(void **state)
{
	struct pair *pair = pair_new(*state);
	char identifier[TB_ID_BYTES_MAX + 1], json[512];
	import_one(pair, PLAIN("N1"));
	identifier_of(pair, "N1", identifier);
	snprintf(json, sizeof(json), "{\"identifier\":\"%s\",\"state\":\"CANCELLED\",\"reason\":\"x\"}",
	         identifier);
	pair_ask(pair, &pair->home, "/tongban.v1.CredentialService/SetState", json);
	assert_int_equal(
		import_one(pair, "," TYPE ",N1,公证书,111,110101199003070011,李," ISSUER ",2024-01-31,,")
			->added,
		1);
	/* What comes again of the old one is that one still, not a new one. */
	assert_int_equal(import_one(pair, PLAIN("N1"))->unchanged, 1);
	PbCredentialFindResponse *found = find(pair, "{\"type\":\"" TYPE "\",\"number\":\"N1\"}");
	assert_int_equal(found->n_credentials, 2);
	pair_free(pair);
}

static void test_more_than_a_seal_group_comes_in_and_every_seal_holds(void **state)
{
	enum { MANY = 600 };
	static char texts[MANY][200];
	const char *lines[MANY];
	struct pair *pair = pair_new(*state);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), PLAIN("M%zu"), i);
		lines[i] = texts[i];
	}
	assert_int_equal(import(pair, "CSV", lines, MANY)->added, MANY);
	for (size_t i = 0; i < MANY; i += 37) {
		char json[128];
		snprintf(json, sizeof(json), "{\"type\":\"" TYPE "\",\"number\":\"M%zu\"}", i);
		PbCredentialFindResponse *found = find(pair, json);
		assert_int_equal(found->n_credentials, 1);
		assert_true(found->credentials[0]->seal_valid);
	}
	/* A holder has all of them: newest first, no more than are asked for. */
	PbCredentialFindResponse *found =
		find(pair, "{\"holder\":{\"codeType\":\"111\",\"code\":\"" WANG "\"},\"limit\":7}");
	assert_int_equal(found->n_credentials, 7);
	assert_string_equal(found->credentials[0]->credential->number, "M599");
	found = find(pair, "{\"holder\":{\"codeType\":\"111\",\"code\":\"" WANG "\"},\"limit\":1000}");
	assert_int_equal(found->n_credentials, 100);
	pair_free(pair);
}

/* ---- parts of a file */

static struct core_request *part(struct pair *pair, const char *id, unsigned from, unsigned to)
{
	char line[200], more[200];
	const char *lines = line;
	struct tb_buf json = {0};
	struct core_request *request;
	struct tb_error err;
	snprintf(line, sizeof(line), PLAIN("P%u"), from);
	snprintf(more, sizeof(more), ",\"importId\":\"%s\",\"startOffset\":\"%u\",\"endOffset\":\"%u\"", id,
	         from, to);
	import_json(&json, "CSV", more, &lines, 1);
	OK(core_request_new(&request, core_method_find(IMPORT), tb_buf_bytes(&json), &err));
	core_prepare(&pair->home.setup, request, pair->now);
	tb_buf_clear(&json);
	return request;
}

/* Gives it to the home node, and says whether it is answered at once; its code is in |*code|. */
static bool send_part(struct pair *pair, struct core_request *request, enum tb_code *code)
{
	struct side *home = &pair->home;
	core_request_free(home->replied);
	home->replied = NULL;
	home->waiting.events[home->waiting.count++] =
		(struct core_event){.kind = CORE_REQUEST, .request = request};
	pair_run(pair);
	if (home->replied)
		*code = home->replied->error.code;
	return home->replied != NULL;
}

static PbImportStatusResponse *status(struct pair *pair, const char *id)
{
	char json[128];
	snprintf(json, sizeof(json), "{\"importId\":\"%s\"}", id);
	return (PbImportStatusResponse *)(void *)pair_ask(pair, &pair->home,
	                                                  "/tongban.v1.CredentialService/ImportStatus", json);
}

static void test_parts_that_overtake_wait_for_those_before_them(void **state)
{
	struct pair *pair = pair_new(*state);
	enum tb_code code;
	assert_false(send_part(pair, part(pair, "f", 30, 40), &code));
	assert_false(send_part(pair, part(pair, "f", 20, 30), &code));
	assert_false(send_part(pair, part(pair, "f", 10, 20), &code));
	assert_int_equal(stored(pair), 0);
	assert_true(send_part(pair, part(pair, "f", 0, 10), &code));
	OK(code);
	assert_int_equal(stored(pair), 4);
	assert_int_equal(status(pair, "f")->offset, 40);
	assert_int_equal(status(pair, "f")->lines, 4);
	assert_int_equal(status(pair, "f")->added, 4);
	/* A part that comes again moves the mark nowhere. */
	assert_true(send_part(pair, part(pair, "f", 10, 20), &code));
	OK(code);
	assert_int_equal(status(pair, "f")->offset, 40);
	assert_int_equal(status(pair, "f")->unchanged, 1);
	assert_int_equal(status(pair, "unknown")->offset, 0);
	pair_free(pair);
}

static void test_a_part_does_not_wait_for_ever(void **state)
{
	struct pair *pair = pair_new(*state);
	enum tb_code code = TB_OK;
	assert_false(send_part(pair, part(pair, "f", 10, 20), &code));
	pair_pass(pair, 10 * TB_SECOND);
	assert_null(pair->home.replied);
	pair_pass(pair, 10 * TB_SECOND);
	assert_non_null(pair->home.replied);
	assert_int_equal(pair->home.replied->error.code, TB_EBUSY);
	/* And no more than a few wait at all. */
	for (unsigned i = 1; i <= 4; i++)
		assert_false(send_part(pair, part(pair, "f", 10 * i, 10 * i + 10), &code));
	assert_true(send_part(pair, part(pair, "f", 50, 60), &code));
	assert_int_equal(code, TB_EBUSY);
	/* A crash forgets what waits, and stores none of it. */
	pair_crash(pair, &pair->home);
	assert_int_equal(stored(pair), 0);
	assert_true(send_part(pair, part(pair, "f", 0, 10), &code));
	OK(code);
	assert_int_equal(status(pair, "f")->offset, 10);
	pair_free(pair);
}

/* ---- found */

static void test_a_certificate_is_found_by_whatever_names_it(void **state)
{
	struct pair *pair = pair_new(*state);
	enum tb_code code;
	import_one(pair, PLAIN("N1"));
	import_one(pair, IDENTIFIER "," OTHER_TYPE ",N2,a,111|001," WANG
	                            "|91350100M000100Y43,王伟|厂," OTHER_ISSUER ",2023-01-31,,");
	/* Codes are folded: a small letter and a full-width one mean the same. */
	assert_int_equal(find(pair, "{\"holder\":{\"codeType\":\"111\",\"code\":\"11010519491231002x\"}}")
	                         ->n_credentials,
	                 2);
	assert_int_equal(find(pair, "{\"holder\":{\"codeType\":\"111\",\"code\":\"１１010519491231002X\"}}")
	                         ->n_credentials,
	                 2);
	PbCredentialFindResponse *found =
		find(pair, "{\"type\":\"" TYPE "\",\"holder\":{\"codeType\":\"111\",\"code\":\"" WANG "\"}}");
	assert_int_equal(found->n_credentials, 1);
	assert_string_equal(found->credentials[0]->credential->number, "N1");
	found = find(pair, "{\"holder\":{\"codeType\":\"001\",\"code\":\"91350100M000100Y43\"}}");
	assert_int_equal(found->n_credentials, 1);
	assert_string_equal(found->credentials[0]->credential->identifier, IDENTIFIER);
	assert_string_equal(get(pair, IDENTIFIER)->credential->number, "N2");
	assert_int_equal(find(pair, "{\"type\":\"" TYPE "\",\"number\":\"N2\"}")->n_credentials, 0);
	assert_int_equal(
		find(pair, "{\"holder\":{\"codeType\":\"112\",\"code\":\"" WANG "\"}}")->n_credentials, 0);
	pair_call(pair, &pair->home, "/tongban.v1.CredentialService/Find", "{}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_call(pair, &pair->home, "/tongban.v1.CredentialService/Find", "{\"holder\":{}}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_call(pair, &pair->home, "/tongban.v1.CredentialService/Get", "{\"identifier\":\"1.2\"}", &code);
	assert_int_equal(code, TB_ENOTFOUND);
	pair_call(pair, &pair->home, "/tongban.v1.CredentialService/Get", "{}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_free(pair);
}

static void test_a_cut_hash_that_two_share_gives_each_its_own(void **state)
{
	/* The index goes by ten bytes of a keyed hash. A key of one certificate that names the other by its
	 * serial is what two equal hashes would look like. */
	struct pair *pair = pair_new(*state);
	struct side *home = &pair->home;
	struct store_cursor cursor;
	struct tb_bytes key, value;
	struct store_txn *txn;
	struct tb_error err;
	uint8_t keys[16][64];
	size_t sizes[16], count = 0;
	import_one(pair, PLAIN("N1"));
	import_one(pair, "," TYPE ",N2,公证书,111,110101199003070011,李," ISSUER ",2024-01-31,,");
	OK(store_write(&txn, home->setup.store, &err));
	store_cursor(&cursor, txn, KV_FIND, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &value)) {
		memcpy(keys[count], key.data, key.size);
		sizes[count++] = key.size;
	}
	store_cursor_end(&cursor);
	for (size_t i = 0; i < count; i++) {
		keys[i][sizes[i] - 1] ^= 3; /* 1 for 2, 2 for 1 */
		store_put(txn, KV_FIND, tb_bytes_of(keys[i], sizes[i]), tb_bytes_of(NULL, 0));
	}
	OK(store_commit(txn, &err));
	char one[TB_ID_BYTES_MAX + 1], two[TB_ID_BYTES_MAX + 1];
	identifier_of(pair, "N1", one);
	identifier_of(pair, "N2", two);
	assert_string_equal(get(pair, one)->credential->number, "N1");
	assert_string_equal(get(pair, two)->credential->number, "N2");
	PbCredentialFindResponse *found =
		find(pair, "{\"holder\":{\"codeType\":\"111\",\"code\":\"" WANG "\"}}");
	assert_int_equal(found->n_credentials, 1);
	assert_int_equal(import_one(pair, PLAIN("N1"))->unchanged, 1);
	assert_int_equal(import_one(pair, PLAIN("N3"))->added, 1);
	pair_free(pair);
}

/* ---- states */

static enum tb_code set_state(struct pair *pair, const char *identifier, const char *state, const char *more)
{
	char json[512];
	enum tb_code code;
	snprintf(json, sizeof(json), "{\"identifier\":\"%s\",\"state\":\"%s\"%s}", identifier, state, more);
	pair_call(pair, &pair->home, "/tongban.v1.CredentialService/SetState", json, &code);
	return code;
}

#define WHY ",\"reason\":\"查实\",\"supersededBy\":\"1.2\""

static void test_states_follow_one_another_as_they_may(void **state)
{
	static const char *const names[] = {"VALID", "SUSPENDED", "REVOKED", "CANCELLED", "SUPERSEDED"};
	struct pair *pair = pair_new(*state);
	for (size_t from = 0; from < COUNT(names); from++) {
		for (size_t to = 0; to < COUNT(names); to++) {
			char number[16], line[200], identifier[TB_ID_BYTES_MAX + 1];
			snprintf(number, sizeof(number), "S%zu%zu", from, to);
			snprintf(line, sizeof(line), PLAIN("%s"), number);
			import_one(pair, line);
			identifier_of(pair, number, identifier);
			if (from > 0)
				OK(set_state(pair, identifier, names[from], WHY));
			bool may = (from == 0 && to > 0) || (from == 1 && to != 1);
			assert_int_equal(set_state(pair, identifier, names[to], WHY),
			                 may ? TB_OK : TB_ESTATE);
			PbCredentialView *view = get(pair, identifier);
			const char *now = proto_enum_name(&pb_credential_state__descriptor, (int)view->state);
			assert_string_equal(now, names[may ? to : from]);
			assert_true(view->seal_valid);
		}
	}
	pair_free(pair);
}

static void test_a_state_is_set_with_a_reason_or_not_at_all(void **state)
{
	static const struct {
		const char *state, *more;
		enum tb_code code;
	} wishes[] = {
		{"REVOKED", "", TB_EINVALID},
		{"SUPERSEDED", ",\"reason\":\"x\"", TB_EINVALID},
		{"EXPIRED", WHY, TB_ESTATE},
		{"NOT_YET_VALID", WHY, TB_ESTATE},
		{"CREDENTIAL_STATE_UNSPECIFIED", WHY, TB_ESTATE},
	};
	struct pair *pair = pair_new(*state);
	char identifier[TB_ID_BYTES_MAX + 1];
	import_one(pair, PLAIN("N1"));
	identifier_of(pair, "N1", identifier);
	char *before = hostile_state(pair, &pair->home, NULL);
	for (size_t i = 0; i < COUNT(wishes); i++)
		assert_int_equal(set_state(pair, identifier, wishes[i].state, wishes[i].more),
		                 wishes[i].code);
	assert_int_equal(set_state(pair, "1.2", "REVOKED", WHY), TB_ENOTFOUND);
	assert_int_equal(set_state(pair, "", "REVOKED", WHY), TB_EINVALID);
	hostile_assert_unchanged(pair, &pair->home, NULL, before, "a refused change of state");
	assert_int_equal(hostile_leaves(pair, &pair->home, "LEAF_CREDENTIAL_STATE"), 0);
	OK(set_state(pair, identifier, "SUPERSEDED", WHY));
	assert_int_equal(hostile_leaves(pair, &pair->home, "LEAF_CREDENTIAL_STATE"), 1);
	PbCredentialView *view = get(pair, identifier);
	assert_string_equal(view->reason, "查实");
	assert_string_equal(view->superseded_by, "1.2");
	assert_int_equal(view->state_since_ms, pair->now);
	pair_free(pair);
}

static void test_a_certificate_is_valid_from_its_first_day_to_the_end_of_its_last(void **state)
{
	/* The pair begins on 2026-09-21. */
	struct pair *pair = pair_new(*state);
	char identifier[TB_ID_BYTES_MAX + 1];
	import_one(pair, "," TYPE ",N1,公证书,111," WANG ",王伟," ISSUER ",2024-01-31,2026-09-23,2026-09-24");
	identifier_of(pair, "N1", identifier);
	tb_time first = tb_day_start(tb_day_of(2026, 9, 23)), end = tb_day_start(tb_day_of(2026, 9, 25));
	pair->now = first - 1;
	assert_int_equal(get(pair, identifier)->state, PB_CREDENTIAL_STATE__NOT_YET_VALID);
	pair->now = first;
	assert_int_equal(get(pair, identifier)->state, PB_CREDENTIAL_STATE__VALID);
	pair->now = end - 1;
	assert_int_equal(get(pair, identifier)->state, PB_CREDENTIAL_STATE__VALID);
	pair->now = end;
	assert_int_equal(get(pair, identifier)->state, PB_CREDENTIAL_STATE__EXPIRED);
	/* What was revoked stays so, whatever the day. */
	OK(set_state(pair, identifier, "REVOKED", WHY));
	assert_int_equal(get(pair, identifier)->state, PB_CREDENTIAL_STATE__REVOKED);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines_of_both_forms_come_in_and_are_found),
		TEST(test_bad_lines_are_named_and_the_others_come_in),
		TEST(test_a_certificate_over_the_limit_is_a_bad_line),
		TEST(test_a_bad_line_refuses_the_whole_call_when_it_is_asked_to),
		TEST(test_a_call_over_a_limit_is_refused),
		TEST(test_importing_again_changes_nothing),
		TEST(test_other_content_in_the_same_place_is_refused),
		TEST(test_lines_of_one_call_are_held_against_each_other),
		TEST(test_a_number_is_free_again_when_its_certificate_has_ended),
		TEST(test_more_than_a_seal_group_comes_in_and_every_seal_holds),
		TEST(test_parts_that_overtake_wait_for_those_before_them),
		TEST(test_a_part_does_not_wait_for_ever),
		TEST(test_a_certificate_is_found_by_whatever_names_it),
		TEST(test_a_cut_hash_that_two_share_gives_each_its_own),
		TEST(test_states_follow_one_another_as_they_may),
		TEST(test_a_state_is_set_with_a_reason_or_not_at_all),
		TEST(test_a_certificate_is_valid_from_its_first_day_to_the_end_of_its_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
