/* Who applies, how sure that is, and on what authority an agent acts. */
#include "tests/core/hostile.h"

#include <stdio.h>
#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define AGENT "\"agent\":{\"name\":\"李娜\",\"codeType\":\"111\",\"code\":\"440524188001010014\"}"

static void load(struct pair *pair, const char *identity)
{
	char json[1024];
	snprintf(json, sizeof(json),
	         "{\"items\":[{\"code\":\"" ITEM "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
	         "\"modes\":[\"QC\",\"DS\"],\"promisedDays\":5,\"legalDays\":15,%s\"materials\":["
	         "{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"x\"},"
	         "{\"code\":\"M2\",\"name\":\"授权委托书\",\"required\":false,\"basis\":\"x\"}]}]}",
	         identity);
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load", json);
	pair_pass(pair, 6 * TB_MINUTE);
}

/* Hands it in with |more| JSON members of the application, by |role|. */
static enum tb_code submit(struct pair *pair, const char *mode, const char *role, const char *more,
                           char number[32])
{
	char first[512], second[512], json[4096];
	enum tb_code code;
	pair_upload(pair, &pair->window, 1000, 1, first);
	pair_upload(pair, &pair->window, 2000, 2, second);
	snprintf(json, sizeof(json),
	         "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"%s\",\"home\":\"" HOME "\",%s%s"
	         "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	         "\"delivery\":\"NETWORK\",\"materials\":[{\"need\":\"M1\",%s},{\"need\":\"M2\",%s}]},"
	         "\"actor\":{\"role\":\"%s\",\"id\":\"w1\"},\"forward\":true}",
	         mode, more, more[0] ? "," : "", first, second, role);
	PbCaseView *view = (PbCaseView *)(void *)pair_call(pair, &pair->window,
	                                                   "/tongban.v1.CaseService/Submit", json, &code);
	snprintf(number, 32, "%s", code ? "" : view->number);
	return code;
}

static const PbApplication *application_at_home(struct pair *pair, const char *number)
{
	const PbCaseView *view = pair_case(pair, &pair->home, number);
	return view->log[0]->detail->application;
}

static void test_the_receiving_region_vouches_and_the_package_says_so(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load(pair, "");
	OK(submit(pair, "QC", "APPLICANT", "\"identity\":{\"level\":\"PRESENT\",\"method\":\"人脸比对\"}",
	          number));
	const PbIdentityAssertion *identity = application_at_home(pair, number)->identity;
	assert_int_equal(identity->level, PB_ASSURANCE__PRESENT);
	assert_string_equal(identity->region, WINDOW);
	assert_string_equal(identity->verifier, "w1");
	assert_int_equal(identity->at_ms, pair->now);
	/* An officer has the person before them. */
	OK(submit(pair, "DS", "R_WIN", "", number));
	assert_int_equal(application_at_home(pair, number)->identity->level, PB_ASSURANCE__IN_PERSON);
	pair_free(pair);
}

static void test_online_nobody_is_taken_at_their_word(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load(pair, "");
	assert_int_equal(submit(pair, "QC", "APPLICANT", "", number), TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&pair->window), "MATCHED"));
	assert_int_equal(
		submit(pair, "QC", "APPLICANT", "\"identity\":{\"level\":\"SELF_DECLARED\"}", number),
		TB_EINVALID);
	assert_int_equal(submit(pair, "QC", "APPLICANT", "\"identity\":{\"method\":\"x\"}", number),
	                 TB_EINVALID);
	assert_int_equal(submit(pair, "QC", "APPLICANT", "\"identity\":{\"level\":\"IN_PERSON\"}", number),
	                 TB_EDENIED);
	OK(submit(pair, "QC", "APPLICANT", "\"identity\":{\"level\":\"MATCHED\"}", number));
	pair_free(pair);
}

static void test_an_item_may_ask_for_more(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load(pair, "\"identity\":\"PRESENT\",");
	assert_int_equal(submit(pair, "QC", "APPLICANT", "\"identity\":{\"level\":\"MATCHED\"}", number),
	                 TB_EINVALID);
	OK(submit(pair, "QC", "APPLICANT", "\"identity\":{\"level\":\"PRESENT\"}", number));
	assert_int_equal(submit(pair, "DS", "APPLICANT", "", number), TB_EINVALID);
	OK(submit(pair, "DS", "R_WIN", "", number));
	pair_free(pair);
}

static void test_an_agent_acts_on_an_authorisation(void **state)
{
#define GOOD                                                                                                    \
	"\"scope\":\"代为办理公证\",\"validFrom\":\"2020-01-01\",\"validUntil\":\"2099-12-31\",\"need\":" \
	"\"M2\""
	static const char *const bad[] = {
		AGENT,
		"\"authorisation\":{" GOOD "}",
		AGENT ",\"authorisation\":{\"validFrom\":\"2020-01-01\",\"validUntil\":\"2099-12-31\","
		      "\"need\":\"M2\"}",
		AGENT ",\"authorisation\":{\"scope\":\"x\",\"validFrom\":\"2020-01-01\",\"need\":\"M2\"}",
		AGENT ",\"authorisation\":{\"scope\":\"x\",\"validFrom\":\"2020-01-01\",\"validUntil\":"
		      "\"2020-12-31\","
		      "\"need\":\"M2\"}",
		AGENT ",\"authorisation\":{\"scope\":\"x\",\"validFrom\":\"2098-01-01\",\"validUntil\":"
		      "\"2099-12-31\","
		      "\"need\":\"M2\"}",
		AGENT ",\"authorisation\":{\"scope\":\"x\",\"validFrom\":\"2020-01-01\",\"validUntil\":"
		      "\"2099-12-31\"}",
		AGENT ",\"authorisation\":{\"scope\":\"x\",\"validFrom\":\"2020-01-01\",\"validUntil\":"
		      "\"2099-12-31\","
		      "\"need\":\"M9\"}",
		AGENT ",\"authorisation\":{" GOOD ",\"items\":[\"another\"]}",
		AGENT ",\"authorisation\":{\"scope\":\" \",\"validFrom\":\"2020-01-01\",\"validUntil\":"
		      "\"2099-12-31\",\"need\":\"M2\"}",
		AGENT ",\"authorisation\":{\"scope\":\"x\",\"validFrom\":\"soon\",\"validUntil\":"
		      "\"2099-12-31\",\"need\":\"M2\"}",
		AGENT ",\"authorisation\":{\"scope\":\"x\",\"validFrom\":\"2020-01-01\",\"validUntil\":"
		      "\"2099-12-31\",\"credential\":\"1.2.3\"}",
		"\"agent\":{\"name\":\"李娜\",\"codeType\":\"111\",\"code\":\"440524188001010015\"},"
		"\"authorisation\":{" GOOD "}",
		"\"agent\":{\"codeType\":\"111\",\"code\":\"440524188001010014\"},\"authorisation\":{" GOOD
		"}",
		"\"agent\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
		"\"authorisation\":{" GOOD "}",
	};
	struct pair *pair = pair_new(*state);
	char number[32];
	load(pair, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (submit(pair, "DS", "R_WIN", bad[i], number) != TB_EINVALID)
			fail_msg("taken: %s", bad[i]);
	}
	OK(submit(pair, "DS", "R_WIN", AGENT ",\"authorisation\":{" GOOD ",\"items\":[\"x\",\"" ITEM "\"]}",
	          number));
	const PbApplication *application = application_at_home(pair, number);
	assert_string_equal(application->agent->name, "李娜");
	assert_string_equal(application->authorisation->scope, "代为办理公证");
	pair_free(pair);
}

static void test_what_is_said_of_people_is_bounded(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], name[TB_NAME_BYTES_MAX + 2], more[4096];
	struct tb_buf items = {0};
	load(pair, "");
	memset(name, 'x', sizeof(name));
	name[TB_NAME_BYTES_MAX + 1] = 0;
	snprintf(more, sizeof(more), "\"identity\":{\"level\":\"IN_PERSON\",\"method\":\"%s\"}", name);
	assert_int_equal(submit(pair, "DS", "R_WIN", more, number), TB_ETOOBIG);
	snprintf(more, sizeof(more), "\"identity\":{\"level\":\"IN_PERSON\",\"verifier\":\"%s\"}", name);
	assert_int_equal(submit(pair, "DS", "R_WIN", more, number), TB_ETOOBIG);
	snprintf(more, sizeof(more),
	         "\"agent\":{\"name\":\"%s\",\"codeType\":\"111\",\"code\":\"440524188001010014\"},"
	         "\"authorisation\":{" GOOD "}",
	         name);
	assert_int_equal(submit(pair, "DS", "R_WIN", more, number), TB_EINVALID);
	for (int i = 0; i <= TB_NEEDS_MAX; i++)
		tb_buf_str(&items, i ? ",\"i\"" : "\"i\"");
	snprintf(more, sizeof(more), AGENT ",\"authorisation\":{" GOOD ",\"items\":[%s]}",
	         tb_buf_text(&items));
	assert_int_equal(submit(pair, "DS", "R_WIN", more, number), TB_ETOOBIG);
	tb_buf_clear(&items);
	/* Who vouches may be named. */
	OK(submit(pair, "DS", "R_WIN", "\"identity\":{\"level\":\"IN_PERSON\",\"verifier\":\"窗口7\"}",
	          number));
	assert_string_equal(application_at_home(pair, number)->identity->verifier, "窗口7");
	pair_free(pair);
}

/* ---- what no node of ours would send */

static const char *peer_refuses(PbIdentityAssertion *identity, PbParty *agent, PbRole role,
                                struct tb_error *err)
{
	PbApplication application = PB_APPLICATION__INIT;
	PbParty applicant = PB_PARTY__INIT;
	PbActor actor = PB_ACTOR__INIT;
	char code[] = "11010519491231002X";
	applicant.code = code;
	application.applicant = &applicant;
	application.identity = identity;
	application.agent = agent;
	actor.role = role;
	return identity_check_peer(&application, role ? &actor : NULL, WINDOW, NOW, err) ? err->text : NULL;
}

static void test_a_peer_vouches_for_itself_only(void **state)
{
	(void)state;
	struct tb_error err = {0};
	PbIdentityAssertion identity = PB_IDENTITY_ASSERTION__INIT;
	PbParty agent = PB_PARTY__INIT;
	char other[] = HOME, own[] = WINDOW;
	const PbRole officer = PB_ROLE__R_WIN;
	assert_null(peer_refuses(NULL, NULL, officer, &err));
	identity.level = PB_ASSURANCE__IN_PERSON;
	identity.region = other;
	assert_non_null(strstr(peer_refuses(&identity, NULL, officer, &err), "vouched for by 320400"));
	identity.region = own;
	assert_null(peer_refuses(&identity, NULL, officer, &err));
	assert_non_null(strstr(peer_refuses(&identity, NULL, PB_ROLE__APPLICANT, &err), "officer"));
	assert_non_null(strstr(peer_refuses(&identity, NULL, PB_ROLE__ROLE_UNSPECIFIED, &err), "officer"));
	identity.level = (PbAssurance)9;
	assert_non_null(strstr(peer_refuses(&identity, NULL, officer, &err), "level"));
	assert_non_null(strstr(peer_refuses(NULL, &agent, officer, &err), "agent"));
}

/* A window that states less, or nothing, is asked for the item's level by the home region too. */
static void test_the_home_region_asks_for_its_level_whatever_the_window_sends(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load(pair, "\"identity\":\"PRESENT\",");
	pair->parted = true;
	OK(submit(pair, "QC", "APPLICANT", "\"identity\":{\"level\":\"PRESENT\"}", number));
	for (int none = 0; none < 2; none++) {
		struct forgery f;
		struct pair_reply reply;
		char *before = hostile_state(pair, &pair->home, NULL);
		forgery_take(&f, pair, &pair->window);
		f.entries[0]->detail->application->identity->level = PB_ASSURANCE__MATCHED;
		if (none)
			f.entries[0]->detail->application->identity = NULL;
		const PbReceipt *receipt = forgery_send(&f, &reply);
		assert_int_equal(receipt->kind, PB_RECEIPT_KIND__REJECTED);
		assert_non_null(strstr(receipt->reason, "identity: the item asks for PRESENT"));
		hostile_assert_unchanged(pair, &pair->home, NULL, before, "a level too low");
		pair_reply_clear(&reply);
		forgery_clear(&f);
	}
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(application_at_home(pair, number)->identity->level, PB_ASSURANCE__PRESENT);
	pair_free(pair);
}

/* The signature of the package is the assertion's. */
static void test_an_assertion_altered_on_the_way_or_signed_by_another_key_is_nobodys(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load(pair, "");
	pair->parted = true;
	OK(submit(pair, "QC", "APPLICANT", "\"identity\":{\"level\":\"MATCHED\",\"method\":\"kiosk-17\"}",
	          number));
	for (int altered = 0; altered < 2; altered++) {
		struct forgery f;
		struct tb_buf bytes = {0};
		const struct region *region = &pair->window.region;
		char *before = hostile_state(pair, &pair->home, NULL);
		forgery_take(&f, pair, &pair->window);
		struct tb_bytes message = forgery_encode(&f);
		hostile_batch(pair, &bytes, PB_BATCH_KIND__MESSAGES, WINDOW, HOME,
		              altered ? &region->message : &region->node, &message, 1);
		uint8_t *method = memmem(bytes.data, bytes.size, "kiosk-17", 8);
		assert_non_null(method);
		method[7] = altered ? '8' : '7';
		assert_int_equal(
			pair_inject(pair, &pair->home, CORE_DELIVER, WINDOW, tb_buf_bytes(&bytes), NULL),
			TB_EUNTRUSTED);
		hostile_assert_unchanged(pair, &pair->home, NULL, before, "an assertion that nobody signed");
		tb_buf_clear(&bytes);
		forgery_clear(&f);
	}
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_receiving_region_vouches_and_the_package_says_so),
		TEST(test_online_nobody_is_taken_at_their_word),
		TEST(test_an_item_may_ask_for_more),
		TEST(test_an_agent_acts_on_an_authorisation),
		TEST(test_what_is_said_of_people_is_bounded),
		TEST(test_the_home_region_asks_for_its_level_whatever_the_window_sends),
		TEST(test_an_assertion_altered_on_the_way_or_signed_by_another_key_is_nobodys),
		cmocka_unit_test(test_a_peer_vouches_for_itself_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
