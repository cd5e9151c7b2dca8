/* Codes of two regions' systems: what each reads and asks by the map in its own peer file. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

#define TYPE "11100000000013338W032"       /* what the home region calls it */
#define OTHER_TYPE "11100000MB0143028R001" /* what the window's region calls it */
#define WANG "11010519491231002X"

static const char catalogue[] =
	"{\"items\":[{\"code\":\"" ITEM "\",\"baseCode\":\"000131003000\",\"name\":\"公证\","
	"\"department\":\"11320400014109045T\",\"departmentName\":\"d\",\"modes\":[\"DS\"],"
	"\"promisedDays\":5,\"legalDays\":15,\"materials\":["
	"{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"b\"},"
	"{\"code\":\"M2\",\"name\":\"资格证书\",\"required\":true,\"basis\":\"b\","
	"\"credentialTypes\":[\"" TYPE "\"]}]}]}";

static void import(struct pair *pair, struct side *side, const char *type)
{
	char json[512];
	snprintf(json, sizeof(json),
	         "{\"format\":\"CSV\",\"header\":\"type,number,name,holder_code_type,holder_code,holder_name,"
	         "issuer,issued_on\",\"firstLine\":\"2\",\"lines\":[\"%s,N1,证书,111," WANG
	         ",王伟,%s,2024-01-31\"]}",
	         type, side->setup.region);
	PbImportResponse *reply = (PbImportResponse *)(void *)pair_ask(
		pair, side, "/tongban.v1.CredentialService/Import", json);
	if (reply->n_bad > 0)
		fail_msg("%s", reply->bad[0]->reason);
}

/* |side| reads the other side's codes by |codes|. */
static void map(struct pair *pair, struct side *side, const struct peer_code *codes, size_t count)
{
	static const char *const all[] = {"*", NULL}, *const types[] = {TYPE, OTHER_TYPE, NULL};
	const struct side *other = side == &pair->home ? &pair->window : &pair->home;
	struct peer_verify_grant verify = {.types = types, .disclosure = PB_DISCLOSURE__DOCUMENT};
	struct peer_case_grant cases = {.items = all, .modes = all};
	struct peer peer = {.region = other->region.code,
	                    .name = "test",
	                    .endpoint = "wire:1",
	                    .verify = &verify,
	                    .verify_count = 1,
	                    .cases = &cases,
	                    .cases_count = 1,
	                    .codes = codes,
	                    .codes_count = count,
	                    .queries_per_second = 100000,
	                    .queries_burst = 100000};
	struct peer_set *set = peer_set_new();
	struct tb_error err;
	OK(peer_set_add(set, &peer, tb_buf_bytes(&other->region.ca_pem), &err));
	pair_set_peers(pair, side, set);
	pair_pass(pair, 2 * TB_MINUTE);
}
#define MAP(pair, side, codes) map(pair, side, codes, sizeof(codes) / sizeof((codes)[0]))

static PbVerifyOutcome *ask(struct pair *pair, const char *type, const char *holder_type)
{
	char json[512];
	snprintf(json, sizeof(json),
	         "{\"region\":\"" HOME "\",\"queries\":[{\"type\":\"%s\",\"holder\":{\"codeType\":\"%s\","
	         "\"code\":\"" WANG "\"},\"match\":[{\"name\":\"type\",\"value\":\"%s\"}],\"purpose\":\"p\","
	         "\"basis\":\"b\",\"disclosure\":\"DOCUMENT\"}]}",
	         type, holder_type, type);
	PbVerifyResponse *reply = (PbVerifyResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.CredentialService/Verify", json);
	return reply->outcomes[0];
}

static PbPeerCodesResponse *codes_of(struct pair *pair, struct side *side, const char *peer, bool all)
{
	char json[64];
	snprintf(json, sizeof(json), "{\"peer\":\"%s\",\"all\":%s}", peer, all ? "true" : "false");
	return (PbPeerCodesResponse *)(void *)pair_ask(pair, side, "/tongban.v1.PeerService/Codes", json);
}

static const PbPeerCode *row(const PbPeerCodesResponse *reply, const char *code)
{
	for (size_t i = 0; i < reply->n_codes; i++) {
		if (strcmp(reply->codes[i]->code, code) == 0)
			return reply->codes[i];
	}
	return NULL;
}

/* ---- questions */

static bool holds(ProtobufCBinaryData bytes, const char *text)
{
	size_t size = strlen(text);
	for (size_t i = 0; i + size <= bytes.len; i++) {
		if (memcmp(bytes.data + i, text, size) == 0)
			return true;
	}
	return false;
}

static const struct peer_code at_home[] = {
	{PB_CODE_KIND__CODE_CREDENTIAL_TYPE, "", "JHZ-01", TYPE},
	{PB_CODE_KIND__CODE_HOLDER_TYPE, "", "1", "111"},
};

static void test_a_peers_question_is_read_in_its_codes_and_kept_as_it_was_signed(void **state)
{
	struct pair *pair = pair_new(*state);
	char reference[128], json[256];
	import(pair, &pair->home, TYPE);
	assert_int_equal(ask(pair, "JHZ-01", "1")->answer->result, PB_VERIFY_RESULT__NOT_FOUND);
	MAP(pair, &pair->home, at_home);
	PbVerifyOutcome *outcome = ask(pair, "JHZ-01", "1");
	assert_int_equal(outcome->answer->result, PB_VERIFY_RESULT__CONFIRMED);
	assert_true(outcome->answer->matches[0]->equal);
	/* The document is what its issuer sealed. */
	assert_string_equal(outcome->document->type, TYPE);
	assert_string_equal(outcome->type_here, "");
	snprintf(reference, sizeof(reference), "%s", outcome->evidence);
	snprintf(json, sizeof(json), "{\"reference\":\"%s\"}", reference);
	PbEvidence *evidence = (PbEvidence *)(void *)pair_ask(pair, &pair->window,
	                                                      "/tongban.v1.EvidenceService/Export", json);
	assert_true(holds(evidence->question->item, "JHZ-01"));
	assert_false(holds(evidence->question->item, TYPE));
	pair_free(pair);
}

static void test_a_question_is_asked_in_the_codes_of_who_is_asked(void **state)
{
	static const struct peer_code at_window[] = {
		{PB_CODE_KIND__CODE_CREDENTIAL_TYPE, "", TYPE, "OURS-7"},
		{PB_CODE_KIND__CODE_HOLDER_TYPE, "", "111", "ID"},
		{PB_CODE_KIND__CODE_CREDENTIAL_STATE, "", "现势", "VALID"},
	};
	struct pair *pair = pair_new(*state);
	import(pair, &pair->home, TYPE);
	MAP(pair, &pair->window, at_window);
	PbVerifyOutcome *outcome = ask(pair, "OURS-7", "ID");
	assert_int_equal(outcome->answer->result, PB_VERIFY_RESULT__CONFIRMED);
	assert_string_equal(outcome->document->type, TYPE);
	assert_string_equal(outcome->type_here, "OURS-7");
	assert_string_equal(outcome->state_there, "现势");
	/* Who knows the other region's code may use it. */
	assert_int_equal(ask(pair, TYPE, "111")->answer->result, PB_VERIFY_RESULT__CONFIRMED);
	pair_free(pair);
}

/* ---- what nothing explains */

static void test_codes_that_nothing_explains_are_listed_until_a_map_does(void **state)
{
	struct pair *pair = pair_new(*state);
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load", catalogue);
	ask(pair, "JHZ-01", "1");
	ask(pair, TYPE, "111");
	pair_crash(pair, &pair->home);
	ask(pair, "JHZ-01", "1");
	PbPeerCodesResponse *reply = codes_of(pair, &pair->home, WINDOW, false);
	assert_int_equal(reply->n_codes, 2);
	const PbPeerCode *type = row(reply, "JHZ-01");
	assert_non_null(type);
	assert_true(type->asked && !type->listed && !type->known);
	assert_int_equal(type->kind, PB_CODE_KIND__CODE_CREDENTIAL_TYPE);
	assert_int_equal(row(reply, "1")->kind, PB_CODE_KIND__CODE_HOLDER_TYPE);
	/* A type of the own list needs no map. */
	assert_true(row(codes_of(pair, &pair->home, WINDOW, true), TYPE)->known);
	MAP(pair, &pair->home, at_home);
	assert_int_equal(codes_of(pair, &pair->home, WINDOW, false)->n_codes, 0);
	type = row(codes_of(pair, &pair->home, WINDOW, true), "JHZ-01");
	assert_true(type->known);
	assert_string_equal(type->here, TYPE);
	enum tb_code code;
	pair_call(pair, &pair->home, "/tongban.v1.PeerService/Codes", "{\"peer\":\"990000\"}", &code);
	assert_int_equal(code, TB_ENOTFOUND);
	pair_free(pair);
}

static void test_a_flood_of_strange_codes_is_cut_off(void **state)
{
	struct pair *pair = pair_new(*state);
	char type[32];
	for (int i = 0; i < 300; i++) {
		snprintf(type, sizeof(type), "T%d", i);
		ask(pair, type, "111");
	}
	assert_int_equal(codes_of(pair, &pair->home, WINDOW, false)->n_codes, 256);
	pair_free(pair);
}

/* Asks for the types T|from| to T|to|. */
static void flood(struct pair *pair, unsigned from, unsigned to)
{
	char type[32];
	for (unsigned i = from; i <= to; i++) {
		snprintf(type, sizeof(type), "T%u", i);
		ask(pair, type, "111");
	}
}

static bool is_listed(struct pair *pair, const char *code)
{
	PbPeerCodesResponse *reply = codes_of(pair, &pair->home, WINDOW, false);
	for (size_t i = 0; i < reply->n_codes; i++) {
		if (strcmp(reply->codes[i]->code, code) == 0)
			return true;
	}
	return false;
}

static void test_a_code_that_is_mapped_makes_room_for_another(void **state)
{
	static const struct peer_code mapped[] = {
		{PB_CODE_KIND__CODE_CREDENTIAL_TYPE, "", "T7", TYPE},
		{PB_CODE_KIND__CODE_CREDENTIAL_TYPE, "", "T8", OTHER_TYPE},
	};
	struct pair *pair = pair_new(*state);
	flood(pair, 1, 256);
	ask(pair, "NEW", "111");
	assert_false(is_listed(pair, "NEW"));
	MAP(pair, &pair->home, mapped);
	assert_int_equal(codes_of(pair, &pair->home, WINDOW, false)->n_codes, 254);
	flood(pair, 257, 259); /* the third has no room again */
	assert_int_equal(codes_of(pair, &pair->home, WINDOW, false)->n_codes, 256);
	assert_true(is_listed(pair, "T258"));
	assert_false(is_listed(pair, "T259"));
	pair_free(pair);
}

static void test_a_code_that_has_not_come_for_long_makes_room_for_another(void **state)
{
	struct pair *pair = pair_new(*state);
	flood(pair, 1, 256);
	pair->now += 14 * TB_DAY;
	flood(pair, 250, 256); /* these come still */
	pair_crash(pair, &pair->home);
	ask(pair, "NEW", "111");
	assert_false(is_listed(pair, "NEW"));
	pair->now += 15 * TB_DAY;
	ask(pair, "NEW", "111");
	assert_int_equal(codes_of(pair, &pair->home, WINDOW, false)->n_codes, 8);
	assert_true(is_listed(pair, "T250"));
	assert_false(is_listed(pair, "T249"));
	assert_true(is_listed(pair, "NEW"));
	pair_crash(pair, &pair->home);
	assert_true(is_listed(pair, "T256"));
	pair_free(pair);
}

/* The window's region has the same item, with other codes and one paper that is called otherwise. */
static const char own_list[] =
	"{\"items\":[{\"code\":\"OWN\",\"baseCode\":\"000131003000\",\"name\":\"公证\","
	"\"department\":\"11620100014109045T\",\"departmentName\":\"d\",\"modes\":[\"DS\"],"
	"\"promisedDays\":5,\"legalDays\":15,\"materials\":["
	"{\"code\":\"F\",\"name\":\"申请表\",\"required\":true,\"basis\":\"b\"},"
	"{\"code\":\"ZGZ\",\"name\":\"资格证\",\"required\":true,\"basis\":\"b\","
	"\"credentialTypes\":[\"" OTHER_TYPE "\"]}]}]}";

static const struct peer_code of_lists[] = {
	{PB_CODE_KIND__CODE_CREDENTIAL_TYPE, "", TYPE, OTHER_TYPE},
	{PB_CODE_KIND__CODE_MATERIAL, "000131003000", "M2", "ZGZ"},
	{PB_CODE_KIND__CODE_CASE_STATE, "", "26", "SIGNED_FOR"},
};

static void test_codes_of_a_peers_list_are_held_against_the_own_one(void **state)
{
	struct pair *pair = pair_new(*state);
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load", catalogue);
	pair_ask(pair, &pair->window, "/tongban.v1.CatalogueService/Load", own_list);
	pair_pass(pair, 2 * TB_MINUTE);
	PbPeerCodesResponse *reply = codes_of(pair, &pair->window, HOME, false);
	assert_int_equal(reply->n_codes, 2);
	assert_true(row(reply, TYPE)->listed);
	assert_string_equal(row(reply, "M2")->item, ITEM);
	MAP(pair, &pair->window, of_lists);
	assert_int_equal(codes_of(pair, &pair->window, HOME, false)->n_codes, 0);
	reply = codes_of(pair, &pair->window, HOME, true);
	assert_string_equal(row(reply, "M2")->here, "ZGZ");
	/* The same paper by its name. */
	assert_true(row(reply, "M1")->known);
	assert_string_equal(row(reply, "M1")->here, "");
	pair_free(pair);
}

/* ---- cases */

#define APPLICATION                                                                                 \
	"{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"DS\",\"home\":\"" HOME "\","            \
	"\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"" WANG "\"},"             \
	"\"delivery\":\"NETWORK\",\"materials\":[%s]},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w\"}," \
	"\"forward\":true}"

static void test_a_case_goes_with_a_certificate_of_the_windows_own_type(void **state)
{
	static const struct peer_code reverse[] = {
		{PB_CODE_KIND__CODE_CREDENTIAL_TYPE, "", OTHER_TYPE, TYPE}};
	struct pair *pair = pair_new(*state);
	char form[512], materials[1024], json[2048], identifier[TB_ID_BYTES_MAX + 1], number[32];
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load", catalogue);
	import(pair, &pair->window, OTHER_TYPE);
	MAP(pair, &pair->window, of_lists);
	snprintf(json, sizeof(json), APPLICATION, "");
	PbCasePrepareResponse *prepared = (PbCasePrepareResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.CaseService/Prepare",
		"{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME
		"\",\"applicant\":{\"name\":\"王伟\","
		"\"codeType\":\"111\",\"code\":\"" WANG "\"}}}");
	assert_int_equal(prepared->needs[1]->by, PB_PREPARED_BY__PREPARED_HELD_HERE);
	assert_string_equal(prepared->needs[1]->code_here, "ZGZ");
	assert_string_equal(prepared->needs[0]->code_here, "");
	snprintf(identifier, sizeof(identifier), "%s", prepared->needs[1]->material->credential);

	/* The window's system names the material by its own code. */
	pair_upload(pair, &pair->window, 1000, 3, form);
	snprintf(materials, sizeof(materials),
	         "{\"need\":\"M1\",%s},{\"need\":\"ZGZ\",\"credential\":\"%s\"}", form, identifier);
	snprintf(json, sizeof(json), APPLICATION, materials);
	PbCaseView *view =
		(PbCaseView *)(void *)pair_ask(pair, &pair->window, "/tongban.v1.CaseService/Submit", json);
	snprintf(number, sizeof(number), "%s", view->number);
	/* The home region does not know the type yet: the package bounces. */
	pair_pass(pair, TB_MINUTE);
	view = pair_case(pair, &pair->window, number);
	assert_string_equal(view->log[0]->detail->application->materials[1]->need, "M2");
	assert_string_equal(view->log[0]->detail->application->materials[1]->credential, identifier);
	assert_int_equal(view->state, PB_CASE_STATE__CHECKING);
	MAP(pair, &pair->home, reverse);
	OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
	pair_pass(pair, TB_MINUTE);
	view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__SIGNED_FOR);
	assert_string_equal(view->state_there, "26");
	assert_string_equal(pair_case(pair, &pair->home, number)->state_there, "");
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_peers_question_is_read_in_its_codes_and_kept_as_it_was_signed),
		TEST(test_a_question_is_asked_in_the_codes_of_who_is_asked),
		TEST(test_codes_that_nothing_explains_are_listed_until_a_map_does),
		TEST(test_a_flood_of_strange_codes_is_cut_off),
		TEST(test_a_code_that_is_mapped_makes_room_for_another),
		TEST(test_a_code_that_has_not_come_for_long_makes_room_for_another),
		TEST(test_codes_of_a_peers_list_are_held_against_the_own_one),
		TEST(test_a_case_goes_with_a_certificate_of_the_windows_own_type),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
