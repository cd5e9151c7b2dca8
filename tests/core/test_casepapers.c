/* What need not be brought, what may not be asked for, what an archive must hold. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

#define TYPE "11100000000013338W032"
#define WANG "11010519491231002X"

/* An item that asks for a form, and for what a certificate shows. */
static const char catalogue[] =
	"{\"items\":[{\"code\":\"" ITEM "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
	"\"departmentName\":\"d\",\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15,\"materials\":["
	"{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"b\"},"
	"{\"code\":\"M2\",\"name\":\"资格证书\",\"required\":true,\"basis\":\"b\",\"original\":true,"
	"\"credentialTypes\":[\"11100000MB0143028R001\",\"" TYPE "\"]}]}]}";

static void import(struct pair *pair, struct side *side, const char *number)
{
	char json[512];
	snprintf(json, sizeof(json),
	         "{\"format\":\"CSV\",\"header\":\"type,number,name,holder_code_type,holder_code,holder_name,"
	         "issuer,issued_on\",\"firstLine\":\"2\",\"lines\":[\"" TYPE ",%s,证书,111," WANG
	         ",王伟,%s,2024-01-31\"]}",
	         number, side->setup.region);
	PbImportResponse *reply = (PbImportResponse *)(void *)pair_ask(
		pair, side, "/tongban.v1.CredentialService/Import", json);
	if (reply->n_bad > 0)
		fail_msg("%s", reply->bad[0]->reason);
}

static void set_state(struct pair *pair, const char *identifier, const char *state)
{
	char json[512];
	snprintf(json, sizeof(json), "{\"identifier\":\"%s\",\"state\":\"%s\",\"reason\":\"x\"}", identifier,
	         state);
	pair_ask(pair, &pair->home, "/tongban.v1.CredentialService/SetState", json);
}

static struct pair *papers_pair(void **state, bool holds)
{
	struct pair *pair = pair_new(*state);
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load", catalogue);
	if (holds)
		import(pair, &pair->home, "N1");
	pair_pass(pair, 2 * TB_MINUTE);
	return pair;
}

/* Prepares an application at |side|; lives until the side's next call. */
static PbCasePrepareResponse *prepare(struct pair *pair, struct side *side, const char *materials,
                                      const char *more)
{
	char json[2048];
	snprintf(json, sizeof(json),
	         "{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME
	         "\",\"applicant\":{\"name\":\"王伟\","
	         "\"codeType\":\"111\",\"code\":\"" WANG "\"},\"materials\":[%s]}%s}",
	         materials, more);
	PbCasePrepareResponse *reply = (PbCasePrepareResponse *)(void *)pair_ask(
		pair, side, "/tongban.v1.CaseService/Prepare", json);
	assert_int_equal(reply->n_needs, 2);
	return reply;
}

/* Hands in a form and the certificate, and sends them. */
static void submit(struct pair *pair, char number[32])
{
	char form[512], json[2048], identifier[TB_ID_BYTES_MAX], evidence[TB_ID_BYTES_MAX];
	PbCasePrepareResponse *prepared = prepare(pair, &pair->window, "", "");
	assert_int_equal(prepared->needs[1]->by, PB_PREPARED_BY__PREPARED_VERIFIED);
	snprintf(identifier, sizeof(identifier), "%s", prepared->needs[1]->material->credential);
	snprintf(evidence, sizeof(evidence), "%s", prepared->needs[1]->material->evidence);
	pair_upload(pair, &pair->window, 1000, 3, form);
	snprintf(json, sizeof(json),
	         "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"DS\",\"home\":\"" HOME
	         "\",\"applicant\":{"
	         "\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"" WANG "\"},\"delivery\":\"NETWORK\","
	         "\"materials\":[{\"need\":\"M1\",%s},{\"need\":\"M2\",\"credential\":\"%s\",\"evidence\":\"%"
	         "s\"}]},"
	         "\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}",
	         form, identifier, evidence);
	PbCaseView *view =
		(PbCaseView *)(void *)pair_ask(pair, &pair->window, "/tongban.v1.CaseService/Submit", json);
	snprintf(number, 32, "%s", view->number);
	pair_pass(pair, TB_MINUTE);
	assert_string_equal(pair_case(pair, &pair->home, number)->owner, HOME);
}

static void test_what_a_peer_can_confirm_is_not_asked_for(void **state)
{
	struct pair *pair = papers_pair(state, true);
	PbCasePrepareResponse *reply = prepare(pair, &pair->window, "", "");
	assert_int_equal(reply->needs[0]->by, PB_PREPARED_BY__PREPARED_MISSING);
	assert_int_equal(reply->needs[1]->by, PB_PREPARED_BY__PREPARED_VERIFIED);
	assert_string_equal(reply->needs[1]->material->need, "M2");
	assert_non_null(strstr(reply->needs[1]->material->credential, TYPE));
	assert_non_null(strstr(reply->needs[1]->material->evidence, "answer:"));
	/* The node that holds it asks nobody. */
	unsigned calls = pair->calls;
	reply = prepare(pair, &pair->home, "", "");
	assert_int_equal(reply->needs[1]->by, PB_PREPARED_BY__PREPARED_HELD_HERE);
	/* What is given counts. */
	reply = prepare(pair, &pair->window, "{\"need\":\"M2\",\"original\":true}", "");
	assert_int_equal(reply->needs[1]->by, PB_PREPARED_BY__PREPARED_GIVEN);
	assert_int_equal(pair->calls, calls);
	pair_free(pair);
}

static void test_who_cannot_tell_is_named(void **state)
{
	struct pair *pair = papers_pair(state, false);
	PbCasePrepareResponse *reply = prepare(pair, &pair->window, "", ",\"ask\":[\"" HOME "\"]");
	assert_int_equal(reply->needs[1]->by, PB_PREPARED_BY__PREPARED_MISSING);
	assert_non_null(strstr(reply->needs[1]->note, HOME ": NOT_FOUND"));
	assert_string_equal(reply->needs[0]->note, "");
	pair->parted = true;
	reply = prepare(pair, &pair->window, "", "");
	assert_int_equal(reply->needs[1]->by, PB_PREPARED_BY__PREPARED_MISSING);
	assert_non_null(strstr(reply->needs[1]->note, HOME ": "));
	enum tb_code code;
	pair_call(pair, &pair->window, "/tongban.v1.CaseService/Prepare",
	          "{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME
	          "\",\"applicant\":{\"name\":\"王伟\","
	          "\"codeType\":\"111\",\"code\":\"" WANG "\"}},\"ask\":[\"990000\"]}",
	          &code);
	assert_int_equal(code, TB_ENOTFOUND);
	pair_call(pair, &pair->window, "/tongban.v1.CaseService/Prepare",
	          "{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME "\"}}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_free(pair);
}

/* Hands in what is prepared at the window, as if it had been brought. */
static void submit_prepared(struct pair *pair, char number[32])
{
	struct tb_buf material = {0}, json = {0};
	PbCasePrepareResponse *reply = prepare(pair, &pair->window, "", "");
	for (int i = 0; i < 2; i++) {
		tb_buf_str(&material, i ? "," : "");
		proto_json_encode(&material, &reply->needs[i]->material->base);
	}
	tb_buf_printf(&json,
	              "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"DS\",\"home\":\"" HOME
	              "\",\"applicant\":{"
	              "\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"" WANG
	              "\"},\"delivery\":\"NETWORK\","
	              "\"materials\":[%s]},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}",
	              tb_buf_text(&material));
	PbCaseView *view = (PbCaseView *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.CaseService/Submit", tb_buf_text(&json));
	snprintf(number, 32, "%s", view->number);
	tb_buf_clear(&material);
	tb_buf_clear(&json);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__SIGNED_FOR);
}

static void test_a_material_of_an_earlier_case_serves_again(void **state)
{
	struct pair *pair = papers_pair(state, true);
	char number[32];
	submit(pair, number);
	PbCasePrepareResponse *reply = prepare(pair, &pair->window, "", "");
	assert_int_equal(reply->needs[0]->by, PB_PREPARED_BY__PREPARED_EARLIER);
	assert_string_equal(reply->needs[0]->material->reused, number);
	assert_int_equal(reply->needs[0]->material->size, 1000);
	/* At home as well, where the material has arrived. */
	reply = prepare(pair, &pair->home, "", "");
	assert_int_equal(reply->needs[0]->by, PB_PREPARED_BY__PREPARED_EARLIER);
	submit_prepared(pair, number);
	pair_free(pair);
}

/* The home region looks at itself alone: certificates of a year ago have run out. */
static PbPreparedBy form_at_home(struct pair *pair, tb_time at)
{
	pair->parted = true;
	pair->now = at;
	return prepare(pair, &pair->home, "", "")->needs[0]->by;
}

static void test_a_material_serves_for_a_year_from_the_day_it_was_handed_in(void **state)
{
	struct pair *pair = papers_pair(state, true);
	char number[32];
	submit(pair, number);
	const tb_time from = pair_case(pair, &pair->home, number)->log[0]->at_ms;
	/* That it served again makes it no younger. */
	pair->now += 20 * TB_DAY;
	pair_run(pair);
	submit_prepared(pair, number);
	assert_true(pair_case(pair, &pair->home, number)->log[0]->at_ms > from + 19 * TB_DAY);
	assert_int_equal(form_at_home(pair, from + 366 * TB_DAY), PB_PREPARED_BY__PREPARED_EARLIER);
	assert_int_equal(form_at_home(pair, from + 366 * TB_DAY + 1), PB_PREPARED_BY__PREPARED_MISSING);
	pair_free(pair);
}

static void test_what_a_valid_certificate_shows_may_not_be_asked_for(void **state)
{
	struct pair *pair = papers_pair(state, true);
	char number[32], identifier[TB_ID_BYTES_MAX];
	submit(pair, number);
	snprintf(identifier, sizeof(identifier), "%s",
	         pair_case(pair, &pair->home, number)->log[0]->detail->application->materials[1]->credential);
	const char *demand =
		"\"detail\":{\"needs\":[{\"code\":\"M2\",\"name\":\"资格证书原件\",\"original\":true}]}";
	assert_int_equal(pair_act(pair, &pair->home, number, "NOTIFY", "H_WIN", demand), TB_EDENIED);
	assert_non_null(strstr(pair_refusal(&pair->home), "a valid certificate shows M2"));
	/* When it is not valid any more, there is something to ask for. */
	set_state(pair, identifier, "REVOKED");
	OK(pair_act(pair, &pair->home, number, "NOTIFY", "H_WIN", demand));
	pair_free(pair);
}

static void test_other_papers_may_be_asked_for(void **state)
{
	struct pair *pair = papers_pair(state, true);
	char number[32];
	submit(pair, number);
	OK(pair_act(pair, &pair->home, number, "NOTIFY", "H_WIN",
	            "\"detail\":{\"needs\":[{\"code\":\"M1\",\"name\":\"申请表\"}]}"));
	pair_free(pair);
}

/* The item that the case stands on asks for one paper more than the case holds. */
static void ask_for_more(struct pair *pair)
{
	struct kv kv = {.vault = pair->home.core->vault, .random = pair->home.core->random};
	struct kv_key key = kv_key_str(HOME);
	struct tb_arena arena = {0};
	struct tb_error err;
	PbStoredItem *row;
	PbMaterialNeed need = PB_MATERIAL_NEED__INIT, *needs[3];
	kv_key_add(&key, tb_bytes_of("", 1));
	kv_key_add_str(&key, ITEM);
	kv_key_add(&key, tb_bytes_of("", 1));
	kv_key_add_u32(&key, 0);
	OK(store_write(&kv.txn, pair->home.setup.store, &err));
	OK(KV_GET(&kv, KV_ITEM, &key, stored_item, &arena, &row, &err));
	need.code = tb_arena_str(&arena, "M3");
	need.required = true;
	needs[0] = row->item->materials[0];
	needs[1] = row->item->materials[1];
	needs[2] = &need;
	row->item->materials = needs;
	row->item->n_materials = 3;
	kv_put_message(&kv, KV_ITEM, &key, &row->base);
	OK(store_commit(kv.txn, &err));
	tb_buf_clear(&kv.scratch);
	tb_arena_clear(&arena);
}

static void test_a_case_is_granted_with_a_whole_archive_only(void **state)
{
	struct pair *pair = papers_pair(state, true);
	char number[32];
	submit(pair, number);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	ask_for_more(pair);
	assert_int_equal(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", ""), TB_ESTATE);
	assert_non_null(strstr(pair_refusal(&pair->home), "archive is not whole: materials are missing: M3"));
	OK(pair_act(pair, &pair->home, number, "DENY", "H_DEPT", "\"detail\":{\"reason\":\"x\"}"));
	pair_free(pair);
}

static void test_what_cannot_be_prepared_is_refused_with_the_field(void **state)
{
	struct pair *pair = papers_pair(state, true);
	struct tb_buf many = {0};
	enum tb_code code;
	tb_buf_str(&many, "{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME
	                  "\",\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"" WANG
	                  "\"},\"materials\":[");
	for (int i = 0; i <= TB_MATERIALS_MAX; i++)
		tb_buf_str(&many, i ? ",{}" : "{}");
	tb_buf_str(&many, "]}}");
	const struct {
		const char *json;
		enum tb_code code;
		const char *says;
	} wrong[] = {
		{"{}", TB_EINVALID, "application.applicant"},
		{"{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME
	         "\",\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"110105194912310021\"}}"
	         "}",
	         TB_EINVALID, "application.applicant: "},
		{"{\"application\":{\"item\":\"no\",\"home\":\"" HOME
	         "\",\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"" WANG "\"}}}",
	         TB_ENOTFOUND, "item"},
		{"{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME
	         "\",\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"" WANG
	         "\"}},\"ask\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}",
	         TB_ETOOBIG, "ask: more than 8"},
		{tb_buf_text(&many), TB_ETOOBIG, "application.materials: more than 200"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		pair_call(pair, &pair->window, "/tongban.v1.CaseService/Prepare", wrong[i].json, &code);
		assert_int_equal(code, wrong[i].code);
		if (!strstr(pair_refusal(&pair->window), wrong[i].says))
			fail_msg("%s", pair_refusal(&pair->window));
	}
	tb_buf_clear(&many);
	pair_free(pair);
}

static void test_a_certificate_that_is_not_valid_shows_nothing(void **state)
{
	struct pair *pair = papers_pair(state, true);
	PbCasePrepareResponse *reply = prepare(pair, &pair->home, "", "");
	char identifier[TB_ID_BYTES_MAX];
	snprintf(identifier, sizeof(identifier), "%s", reply->needs[1]->material->credential);
	set_state(pair, identifier, "SUSPENDED");
	assert_int_equal(prepare(pair, &pair->home, "", "")->needs[1]->by, PB_PREPARED_BY__PREPARED_MISSING);
	reply = prepare(pair, &pair->window, "", "");
	assert_int_equal(reply->needs[1]->by, PB_PREPARED_BY__PREPARED_MISSING);
	assert_non_null(strstr(reply->needs[1]->note, HOME ": "));
	/* Another one of the same holder does. */
	import(pair, &pair->home, "N2");
	assert_int_equal(prepare(pair, &pair->home, "", "")->needs[1]->by,
	                 PB_PREPARED_BY__PREPARED_HELD_HERE);
	assert_int_equal(prepare(pair, &pair->window, "", "")->needs[1]->by,
	                 PB_PREPARED_BY__PREPARED_VERIFIED);
	pair_free(pair);
}

static void test_a_material_serves_again_for_what_goes_by_the_same_name(void **state)
{
	struct pair *pair = papers_pair(state, true);
	char number[32];
	submit(pair, number);
	static const char *const lists[] = {
		"{\"code\":\"M1\",\"name\":\"另一申请表\",\"required\":true,\"basis\":\"b\"}",
		"{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"b\",\"original\":true}",
		"{\"code\":\"M7\",\"name\":\"申请表\",\"required\":true,\"basis\":\"b\"}",
	};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char json[1024];
		snprintf(json, sizeof(json),
		         "{\"items\":[{\"code\":\"" ITEM
		         "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
		         "\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15,\"materials\":[%s,"
		         "{\"code\":\"M2\",\"name\":\"x\",\"required\":true,\"basis\":\"b\"}]}]}",
		         lists[i]);
		pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load", json);
		PbCasePrepareResponse *reply = prepare(pair, &pair->home, "", "");
		assert_int_equal(reply->needs[0]->by, i == 2 ? PB_PREPARED_BY__PREPARED_EARLIER
		                                             : PB_PREPARED_BY__PREPARED_MISSING);
		if (i == 2)
			assert_string_equal(reply->needs[0]->material->need, "M7");
		pair_pass(pair, TB_SECOND);
	}
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_peer_can_confirm_is_not_asked_for),
		TEST(test_who_cannot_tell_is_named),
		TEST(test_a_material_of_an_earlier_case_serves_again),
		TEST(test_a_material_serves_for_a_year_from_the_day_it_was_handed_in),
		TEST(test_what_a_valid_certificate_shows_may_not_be_asked_for),
		TEST(test_other_papers_may_be_asked_for),
		TEST(test_a_case_is_granted_with_a_whole_archive_only),
		TEST(test_what_cannot_be_prepared_is_refused_with_the_field),
		TEST(test_a_certificate_that_is_not_valid_shows_nothing),
		TEST(test_a_material_serves_again_for_what_goes_by_the_same_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
