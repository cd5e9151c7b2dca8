/* Agreements: proposed by one region, signed by the other, in force for both, cited by every case. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

#define SERVICE "/tongban.v1.AgreementService/"

static const char terms[] =
	"{\"items\":[\"*\"],\"modes\":[\"DS\"],\"rights\":[\"NOTIFY_ONCE\",\"DELIVER_RESULTS\"]}";

static PbAgreementView *ask(struct pair *pair, struct side *side, const char *method, const char *json)
{
	char path[128];
	snprintf(path, sizeof(path), SERVICE "%s", method);
	return (PbAgreementView *)(void *)pair_ask(pair, side, path, json);
}

static enum tb_code try(struct pair *pair, struct side *side, const char *method, const char *json)
{
	char path[128];
	enum tb_code code;
	snprintf(path, sizeof(path), SERVICE "%s", method);
	pair_call(pair, side, path, json, &code);
	return code;
}

/* |more| is JSON members of the agreement, each with a comma before. */
static void propose(struct pair *pair, struct side *side, const char *term, const char *more, char id[64])
{
	char json[4096];
	snprintf(json, sizeof(json),
	         "{\"agreement\":{\"title\":\"兰州常州通办协议\",\"parties\":[\"" HOME "\",\"" WINDOW "\"],"
	         "\"validFrom\":\"2020-01-01\",\"terms\":[%s]%s}}",
	         term, more);
	snprintf(id, 64, "%s", ask(pair, side, "Propose", json)->agreement->id);
	pair_pass(pair, 2 * TB_MINUTE);
}

static enum tb_code sign(struct pair *pair, struct side *side, const char *id)
{
	char json[256];
	snprintf(json, sizeof(json), "{\"id\":\"%s\"}", id);
	enum tb_code code = try(pair, side, "Sign", json);
	pair_pass(pair, 2 * TB_MINUTE);
	return code;
}

static PbAgreementView *get(struct pair *pair, struct side *side, const char *id, unsigned version)
{
	char json[256];
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"version\":%u}", id, version);
	return ask(pair, side, "Get", json);
}

static enum tb_code submit(struct pair *pair, char number[32])
{
	char material[512], json[2048];
	enum tb_code code;
	pair_upload(pair, &pair->window, 1000, 7, material);
	pair_application(json, material, "", true);
	PbCaseView *view = (PbCaseView *)(void *)pair_call(pair, &pair->window,
	                                                   "/tongban.v1.CaseService/Submit", json, &code);
	if (code == TB_OK)
		snprintf(number, 32, "%s", view->number);
	return code;
}

static void test_what_one_proposes_and_the_other_signs_is_in_force_for_both(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64], number[32];
	propose(pair, &pair->window, terms, "", id);
	PbAgreementView *seen = get(pair, &pair->home, id, 0);
	assert_int_equal(seen->state, PB_AGREEMENT_STATE__PROPOSED);
	assert_int_equal(seen->n_missing, 1);
	assert_string_equal(seen->missing[0], HOME);
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	assert_int_equal(get(pair, &pair->home, id, 0)->state, PB_AGREEMENT_STATE__IN_FORCE);
	assert_int_equal(get(pair, &pair->window, id, 0)->state, PB_AGREEMENT_STATE__IN_FORCE);
	assert_int_equal(submit(pair, number), TB_OK);
	pair_pass(pair, TB_MINUTE);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->state, PB_CASE_STATE__SIGNED_FOR);
	assert_non_null(strstr(view->log[0]->basis, id));
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_an_agreement_survives_a_restart_of_either_side(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64];
	propose(pair, &pair->window, terms, "", id);
	pair_crash(pair, &pair->home);
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	pair_crash(pair, &pair->window);
	pair_pass(pair, 2 * TB_MINUTE);
	assert_int_equal(get(pair, &pair->window, id, 0)->state, PB_AGREEMENT_STATE__IN_FORCE);
	pair_free(pair);
}

static void test_what_the_agreement_does_not_cover_is_not_sent(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64], number[32];
	propose(pair, &pair->window, "{\"items\":[\"another\"],\"modes\":[\"DS\"]}", "", id);
	assert_int_equal(submit(pair, number), TB_OK); /* not in force yet: the grant alone */
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	assert_int_equal(submit(pair, number), TB_EDENIED);
	pair_free(pair);
}

static void test_rights_that_were_not_granted_are_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64], number[32], material[512], json[2048];
	propose(pair, &pair->window, "{\"items\":[\"*\"],\"modes\":[\"DS\"]}", ",\"returnReasons\":[\"R1\"]",
	        id);
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	pair_upload(pair, &pair->window, 1000, 7, material);
	pair_application(json, material, "", false);
	PbCaseView *view =
		(PbCaseView *)(void *)pair_ask(pair, &pair->window, "/tongban.v1.CaseService/Submit", json);
	snprintf(number, 32, "%s", view->number);
	assert_int_equal(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""), TB_OK);
	assert_int_equal(pair_act(pair, &pair->window, number, "ASK", "R_WIN",
	                          "\"detail\":{\"needs\":[{\"code\":\"M2\"}]}"),
	                 TB_EDENIED);
	assert_int_equal(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""), TB_OK);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(
		pair_act(pair, &pair->home, number, "RETURN", "H_WIN", "\"detail\":{\"reason\":\"because\"}"),
		TB_EINVALID);
	assert_int_equal(pair_act(pair, &pair->home, number, "RETURN", "H_WIN",
	                          "\"detail\":{\"reason\":\"R1 blurred scan\"}"),
	                 TB_OK);
	pair_free(pair);
}

static void test_clocks_run_by_the_agreement(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64], number[32];
	propose(pair, &pair->window, terms, ",\"clocks\":[{\"clock\":\"T1_NOTIFY\",\"days\":2}]", id);
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	assert_int_equal(submit(pair, number), TB_OK);
	pair_pass(pair, TB_MINUTE);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	for (size_t i = 0; i < view->n_clocks; i++) {
		if (view->clocks[i]->clock == PB_CLOCK__T1_NOTIFY)
			assert_true(view->clocks[i]->due_ms < pair->now + 6 * TB_DAY);
	}
	pair_free(pair);
}

static void test_an_amendment_replaces_it_and_shows_what_changed(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64], json[1024];
	propose(pair, &pair->window, terms, "", id);
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	snprintf(json, sizeof(json),
	         "{\"agreement\":{\"id\":\"%s\",\"title\":\"改\",\"parties\":[\"" HOME "\",\"" WINDOW
	         "\"],\"validFrom\":\"2020-01-01\",\"terms\":[%s]}}",
	         id, terms);
	PbAgreementView *view = ask(pair, &pair->home, "Propose", json);
	assert_int_equal(view->agreement->version, 2);
	pair_pass(pair, 2 * TB_MINUTE);
	assert_int_equal(get(pair, &pair->window, id, 1)->state, PB_AGREEMENT_STATE__IN_FORCE);
	view = get(pair, &pair->window, id, 2);
	assert_int_equal(view->n_changes, 2);
	assert_string_equal(view->changes[0]->field, "title");
	assert_string_equal(view->changes[1]->field, "proposer");
	assert_int_equal(sign(pair, &pair->window, id), TB_OK);
	assert_int_equal(get(pair, &pair->window, id, 1)->state, PB_AGREEMENT_STATE__REPLACED);
	assert_int_equal(get(pair, &pair->home, id, 2)->state, PB_AGREEMENT_STATE__IN_FORCE);
	pair_free(pair);
}

static void test_notice_ends_it_after_its_days(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64], json[256];
	propose(pair, &pair->window, terms, ",\"noticeDays\":30", id);
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"effective\":\"2020-01-01\",\"reason\":\"x\"}", id);
	assert_int_equal(try(pair, &pair->home, "End", json), TB_EINVALID);
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"reason\":\"x\"}", id);
	assert_int_equal(try(pair, &pair->home, "End", json), TB_OK);
	pair_pass(pair, 2 * TB_MINUTE);
	assert_int_equal(get(pair, &pair->window, id, 0)->state, PB_AGREEMENT_STATE__IN_FORCE);
	for (int day = 0; day < 31; day++)
		pair_pass(pair, TB_DAY);
	assert_int_equal(get(pair, &pair->window, id, 0)->state, PB_AGREEMENT_STATE__ENDED);
	pair_free(pair);
}

static void test_a_wire_that_is_down_shows_as_a_difference(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64];
	pair_pass(pair, 2 * TB_MINUTE);
	pair->parted = true;
	propose(pair, &pair->window, terms, "", id);
	PbAgreementDiffResponse *diff = (PbAgreementDiffResponse *)(void *)pair_ask(
		pair, &pair->window, SERVICE "Diff", "{\"peer\":\"" HOME "\"}");
	assert_false(diff->equal);
	assert_int_equal(diff->n_differences, 1);
	assert_string_equal(diff->differences[0]->id, id);
	assert_non_null(strstr(diff->differences[0]->here, "signed by " WINDOW));
	assert_string_equal(diff->differences[0]->there, "-"); /* as it was when they last spoke */
	pair->parted = false;
	pair_pass(pair, 5 * TB_MINUTE);
	diff = (PbAgreementDiffResponse *)(void *)pair_ask(pair, &pair->window, SERVICE "Diff",
	                                                   "{\"peer\":\"" HOME "\"}");
	assert_true(diff->equal);
	pair_free(pair);
}

static void test_what_cannot_be_meant_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	static const char *const bad[] = {
		"{}",
		"{\"agreement\":{\"title\":\"x\",\"parties\":[\"620100\"],\"validFrom\":\"2020-01-01\"}}",
		"{\"agreement\":{\"title\":\"x\",\"parties\":[\"620100\",\"320400\"],\"validFrom\":\"2020-01-"
		"01\"}}",
		"{\"agreement\":{\"title\":\"x\",\"parties\":[\"320400\",\"441300\"],\"validFrom\":\"2020-01-"
		"01\"}}",
		"{\"agreement\":{\"title\":\"x\",\"parties\":[\"320400\",\"620100\"],\"validFrom\":\"soon\"}"
		"}",
		"{\"agreement\":{\"title\":\"x\",\"parties\":[\"320400\",\"620100\"],\"validFrom\":\"2020-01-"
		"01\","
		"\"terms\":[{\"items\":[\"*\"],\"modes\":[\"LS\"]}]}}",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(try(pair, &pair->window, "Propose", bad[i]), TB_EINVALID);
	assert_int_equal(try(pair, &pair->window, "Propose",
	                     "{\"agreement\":{\"title\":\"x\",\"parties\":[\"441300\",\"620100\"],"
	                     "\"validFrom\":\"2020-01-01\"}}"),
	                 TB_ENOTFOUND);
	assert_int_equal(try(pair, &pair->window, "Sign", "{\"id\":\"none\"}"), TB_ENOTFOUND);
	pair_free(pair);
}

static void test_forms_that_no_agreement_has_are_refused_with_the_field(void **state)
{
	static const struct {
		const char *members, *says;
	} wrong[] = {
		{",\"terms\":[{\"modes\":[\"DS\"]}]", "terms[0]"},
		{",\"terms\":[{\"items\":[\"*\"]}]", "terms[0]"},
		{",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"]},{\"items\":[\"*\"],\"modes\":[\"XX\"]}]",
	         "terms[1]"},
		{",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"],\"rights\":[\"RIGHT_UNSPECIFIED\"]}]",
	         "rights"},
		{",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"],\"from\":\"2020-02-30\"}]", "from"},
		{",\"clocks\":[{\"days\":3}]", "clocks[0]"},
		{",\"clocks\":[{\"clock\":\"T1_NOTIFY\"}]", "clocks[0]"},
		{",\"clocks\":[{\"clock\":\"T1_NOTIFY\",\"days\":2},{\"clock\":\"T1_NOTIFY\",\"days\":100000}"
	         "]",
	         "clocks[1]"},
		{",\"validUntil\":\"never\"", "valid_until"},
	};
	struct pair *pair = pair_new(*state);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char json[1024];
		snprintf(json, sizeof(json),
		         "{\"agreement\":{\"title\":\"t\",\"parties\":[\"" HOME "\",\"" WINDOW
		         "\"],\"validFrom\":\"2020-01-01\"%s}}",
		         wrong[i].members);
		assert_int_equal(try(pair, &pair->window, "Propose", json), TB_EINVALID);
		if (!strstr(pair_refusal(&pair->window), wrong[i].says))
			fail_msg("%zu: %s", i, pair_refusal(&pair->window));
	}
	PbAgreementListResponse *list =
		(PbAgreementListResponse *)(void *)pair_ask(pair, &pair->window, SERVICE "List", "{}");
	assert_int_equal(list->n_agreements, 0);
	pair_free(pair);
}

static void test_agreements_are_listed_and_compared_by_peer(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64];
	propose(pair, &pair->window, terms, "", id);
	struct side *sides[] = {&pair->window, &pair->home};
	for (size_t i = 0; i < 2; i++) {
		const char *other = i ? WINDOW : HOME;
		char json[128];
		PbAgreementListResponse *list =
			(PbAgreementListResponse *)(void *)pair_ask(pair, sides[i], SERVICE "List", "{}");
		assert_int_equal(list->n_agreements, 1);
		snprintf(json, sizeof(json), "{\"peer\":\"%s\"}", other);
		list = (PbAgreementListResponse *)(void *)pair_ask(pair, sides[i], SERVICE "List", json);
		assert_int_equal(list->n_agreements, 1);
		list = (PbAgreementListResponse *)(void *)pair_ask(pair, sides[i], SERVICE "List",
		                                                   "{\"peer\":\"330100\"}");
		assert_int_equal(list->n_agreements, 0);
		assert_int_equal(try(pair, sides[i], "Diff", "{\"peer\":\"330100\"}"), TB_ENOTFOUND);
		assert_int_equal(try(pair, sides[i], "Get", "{\"id\":\"x\"}"), TB_ENOTFOUND);
		assert_int_equal(try(pair, sides[i], "End", "{\"id\":\"x\",\"reason\":\"r\"}"), TB_ENOTFOUND);
	}
	pair_free(pair);
}

/* Whether a case of the ordinary item may be sent under a |term| that is in force. */
static bool sends_under(struct scratch *scratch, unsigned number, const char *term)
{
	char dir[64], id[64], kase[32];
	snprintf(dir, sizeof(dir), "%s", scratch->dir);
	snprintf(scratch->dir, sizeof(scratch->dir), "%.50s/%u", dir, number);
	mkdir(scratch->dir, 0700);
	struct pair *pair = pair_new(scratch);
	propose(pair, &pair->window, term, "", id);
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	enum tb_code code = submit(pair, kase);
	assert_true(code == TB_OK || code == TB_EDENIED);
	pair_free(pair);
	snprintf(scratch->dir, sizeof(scratch->dir), "%s", dir);
	return code == TB_OK;
}

static void test_a_term_covers_what_it_names_from_its_day_on(void **state)
{
	static const struct {
		const char *term;
		bool sends;
	} terms_of[] = {
		{"{\"items\":[\"" ITEM "\"],\"modes\":[\"DS\"]}", true},
		{"{\"items\":[\"x\",\"" ITEM "\"],\"modes\":[\"QC\",\"DS\"]}", true},
		{"{\"items\":[\"*\"],\"modes\":[\"QC\"]}", false},
		{"{\"items\":[\"*\"],\"modes\":[\"DS\"],\"homes\":[\"" HOME "\"],\"windows\":[\"" WINDOW
	         "\"]}",
	         true},
		{"{\"items\":[\"*\"],\"modes\":[\"DS\"],\"homes\":[\"" WINDOW "\"]}", false},
		{"{\"items\":[\"*\"],\"modes\":[\"DS\"],\"windows\":[\"" HOME "\"]}", false},
		{"{\"items\":[\"*\"],\"modes\":[\"DS\"],\"from\":\"2026-09-01\"}", true},
		{"{\"items\":[\"*\"],\"modes\":[\"DS\"],\"from\":\"2027-01-01\"}", false},
		{"{\"items\":[\"x\"],\"modes\":[\"DS\"]},{\"items\":[\"*\"],\"modes\":[\"DS\"]}", true},
	};
	for (unsigned i = 0; i < sizeof(terms_of) / sizeof(terms_of[0]); i++) {
		if (sends_under(*state, i, terms_of[i].term) != terms_of[i].sends)
			fail_msg("term %u", i);
	}
}

/* What the window is told of a certificate of the home region, asked for the whole document. */
static PbDisclosure told(struct pair *pair, const char *number)
{
	char json[512];
	snprintf(json, sizeof(json),
	         "{\"region\":\"" HOME
	         "\",\"queries\":[{\"type\":\"11100000000013338W032\",\"number\":\"%s\","
	         "\"purpose\":\"p\",\"basis\":\"b\",\"disclosure\":\"DOCUMENT\"}]}",
	         number);
	PbVerifyResponse *reply = (PbVerifyResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.CredentialService/Verify", json);
	if (reply->outcomes[0]->document)
		return PB_DISCLOSURE__DOCUMENT;
	return reply->outcomes[0]->answer->result == PB_VERIFY_RESULT__NOT_GRANTED
	               ? PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED
	               : PB_DISCLOSURE__STATUS;
}

static void test_an_agreement_on_certificates_bounds_what_a_grant_tells(void **state)
{
	static const struct {
		const char *credentials;
		bool document;
	} rows[] = {
		{"", true},
		{",\"credentials\":[{\"types\":[\"*\"],\"disclosure\":\"DOCUMENT\"}]", true},
		{",\"credentials\":[{\"types\":[\"*\"],\"disclosure\":\"STATUS\"}]", false},
		{",\"credentials\":[{\"types\":[\"another\"],\"disclosure\":\"DOCUMENT\"}]", false},
		{",\"credentials\":[{\"types\":[\"*\"],\"disclosure\":\"DOCUMENT\",\"answeredBy\":[\"" WINDOW
	         "\"]}]",
	         false},
		{",\"credentials\":[{\"types\":[\"*\"],\"disclosure\":\"STATUS\"},{\"types\":["
	         "\"11100000000013338W032\"],"
	         "\"disclosure\":\"DOCUMENT\",\"answeredBy\":[\"" HOME "\"]}]",
	         true},
	};
	struct scratch *scratch = *state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char dir[64], id[64];
		snprintf(dir, sizeof(dir), "%s", scratch->dir);
		snprintf(scratch->dir, sizeof(scratch->dir), "%.50s/%u", dir, i);
		mkdir(scratch->dir, 0700);
		struct pair *pair = pair_new(scratch);
		pair_ask(pair, &pair->home, "/tongban.v1.CredentialService/Import",
		         "{\"format\":\"CSV\",\"header\":\"type,number,name,holder_code_type,holder_code,"
		         "issuer,issued_on\","
		         "\"lines\":[\"11100000000013338W032,N1,a,111,11010519491231002X,11320400014109045T,"
		         "2024-01-31\"]}");
		propose(pair, &pair->window, terms, rows[i].credentials, id);
		assert_int_equal(told(pair, "N1"), PB_DISCLOSURE__DOCUMENT); /* not in force yet */
		assert_int_equal(sign(pair, &pair->home, id), TB_OK);
		if ((told(pair, "N1") == PB_DISCLOSURE__DOCUMENT) != rows[i].document)
			fail_msg("row %u", i);
		pair_free(pair);
		snprintf(scratch->dir, sizeof(scratch->dir), "%s", dir);
	}
}

/* ---- what a hostile peer shows */

static enum tb_code propose_once(struct pair *pair, struct side *side, const char *title)
{
	char json[1024];
	snprintf(json, sizeof(json),
	         "{\"agreement\":{\"title\":\"%s\",\"parties\":[\"" HOME "\",\"" WINDOW "\"],"
	         "\"validFrom\":\"2020-01-01\",\"terms\":[%s]}}",
	         title, terms);
	return try(pair, side, "Propose", json);
}

static size_t held(struct pair *pair)
{
	return ((PbAgreementListResponse *)(void *)pair_ask(pair, &pair->home, SERVICE "List", "{}"))
	        ->n_agreements;
}

static void test_who_proposes_too_much_is_told_so_at_home(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64], json[256], title[32];
	pair->parted = true;
	propose(pair, &pair->window, terms, "", id);
	for (unsigned i = 1; i < TB_AGREEMENTS_OPEN_MAX; i++) {
		snprintf(title, sizeof(title), "proposal %u", i);
		assert_int_equal(propose_once(pair, &pair->window, title), TB_OK);
	}
	assert_int_equal(propose_once(pair, &pair->window, "one too many"), TB_ETOOBIG);
	assert_non_null(strstr(pair_refusal(&pair->window), "wait for signatures"));
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"reason\":\"x\"}", id);
	assert_int_equal(try(pair, &pair->window, "End", json), TB_OK);
	assert_int_equal(propose_once(pair, &pair->window, "in its place"), TB_OK);
	/* All of it reaches the partner, in whatever order. */
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(held(pair), TB_AGREEMENTS_OPEN_MAX + 1);
	pair_free(pair);
}

static void test_notice_ends_what_is_in_force_and_not_an_amendment_that_waits(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64], json[1024];
	propose(pair, &pair->window, terms, "", id);
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	snprintf(json, sizeof(json),
	         "{\"agreement\":{\"id\":\"%s\",\"title\":\"改\",\"parties\":[\"" HOME "\",\"" WINDOW
	         "\"],\"validFrom\":\"2020-01-01\",\"terms\":[%s]}}",
	         id, terms);
	assert_int_equal(ask(pair, &pair->home, "Propose", json)->agreement->version, 2);
	pair_pass(pair, 2 * TB_MINUTE);
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"reason\":\"x\"}", id);
	assert_int_equal(try(pair, &pair->window, "End", json), TB_OK);
	pair_pass(pair, 2 * TB_MINUTE);
	assert_int_equal(get(pair, &pair->home, id, 1)->state, PB_AGREEMENT_STATE__ENDED);
	assert_int_equal(get(pair, &pair->home, id, 2)->state, PB_AGREEMENT_STATE__PROPOSED);
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"reason\":\"x\",\"version\":2}", id);
	assert_int_equal(try(pair, &pair->window, "End", json), TB_OK);
	pair_pass(pair, 2 * TB_MINUTE);
	assert_int_equal(get(pair, &pair->home, id, 2)->state, PB_AGREEMENT_STATE__ENDED);
	pair_free(pair);
}

/* What pair->test points to in the tests that count. */
struct counted {
	unsigned asked; /* the window, which denies it */
	unsigned shown; /* questions with agreements */
	size_t agreements;
};

/* The window says each time that it has something else than the home region. */
static void denies(struct pair *pair, struct side *from, const struct core_inbound *inbound,
                   struct tb_buf *bytes)
{
	struct counted *calls = pair->test;
	PbDescription said = PB_DESCRIPTION__INIT;
	char region[] = WINDOW;
	uint8_t other[PKI_HASH_BYTES] = {0xaa};
	struct tb_arena arena = {0};
	if (inbound->call != CORE_DESCRIBE || from != &pair->window)
		return;
	calls->asked++;
	said.region = region;
	said.agreements_digest = proto_data(tb_bytes_of(other, sizeof(other)));
	struct tb_bytes message = proto_encode_arena(&arena, &said.base);
	bytes->size = 0;
	hostile_answer(pair, bytes, PB_BATCH_KIND__DESCRIPTION, WINDOW, HOME, &from->region.message,
	               pki_batch_root(inbound->batch), &message, 1);
	tb_arena_clear(&arena);
}

static void test_what_the_other_never_takes_is_shown_ever_more_seldom(void **state)
{
	struct pair *pair = pair_new(*state);
	struct counted calls = {0};
	pair->answering = denies;
	pair->test = &calls;
	pair_pass(pair, 6 * TB_MINUTE);
	assert_true(calls.asked > 3);
	calls.asked = 0;
	pair_pass(pair, TB_HOUR);
	assert_in_range(calls.asked, 10, 20);
	pair_free(pair);
}

static enum fate counts_shown(struct pair *pair, const struct core_outbound *outbound)
{
	struct counted *calls = pair->test;
	PbDescribeRequest *request;
	struct tb_arena arena = {0};
	if (outbound->call == CORE_DESCRIBE &&
	    PROTO_DECODE(&request, describe_request, pki_batch_message(outbound->batch, 0), &arena, NULL) ==
	            TB_OK) {
		calls->shown += request->n_agreements > 0;
		calls->agreements += request->n_agreements;
	}
	tb_arena_clear(&arena);
	return ARRIVES;
}

static void test_only_what_the_other_lacks_is_shown(void **state)
{
	struct pair *pair = pair_new(*state);
	struct counted calls = {0};
	char id[64];
	for (int i = 0; i < 3; i++)
		propose(pair, &pair->window, terms, "", id);
	pair->fate = counts_shown;
	pair->test = &calls;
	propose(pair, &pair->window, terms, "", id);
	assert_int_equal(calls.agreements, 1);
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	assert_int_equal(calls.agreements, 2);
	assert_int_equal(get(pair, &pair->window, id, 0)->state, PB_AGREEMENT_STATE__IN_FORCE);
	pair_free(pair);
}

/* The home region's only: what the window itself asks would tell the truth. */
static enum fate counts_shown_by_home(struct pair *pair, const struct core_outbound *outbound)
{
	if (outbound->call == CORE_DESCRIBE && strcmp(outbound->peer, HOME) == 0)
		return REQUEST_LOST;
	return counts_shown(pair, outbound);
}

static void test_what_the_other_never_takes_is_mostly_not_even_shown(void **state)
{
	struct pair *pair = pair_new(*state);
	struct counted calls = {0};
	char id[64], other[64];
	propose(pair, &pair->home, terms, "", id);
	pair->answering = denies;
	pair->fate = counts_shown_by_home;
	pair->test = &calls;
	pair_pass(pair, 10 * TB_MINUTE);
	assert_true(calls.shown > 2);
	pair_pass(pair, TB_HOUR);
	calls.asked = calls.shown = 0;
	for (int hour = 0; hour < 12; hour++)
		pair_pass(pair, TB_HOUR);
	assert_true(calls.asked > 12 * 10);
	assert_in_range(calls.shown, 2, 13);
	/* What is new is shown as soon as ever. */
	calls.shown = 0;
	propose(pair, &pair->home, terms, "", other);
	assert_true(calls.shown > 0);
	assert_int_equal(get(pair, &pair->window, other, 0)->state, PB_AGREEMENT_STATE__PROPOSED);
	pair_free(pair);
}

static void test_a_peer_that_does_not_answer_is_asked_in_few_words(void **state)
{
	struct pair *pair = pair_new(*state);
	struct counted calls = {0};
	char id[64];
	propose(pair, &pair->window, terms, "", id);
	pair->parted = true;
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	pair->fate = counts_shown;
	pair->test = &calls;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(calls.shown, 0);
	pair->parted = false;
	pair_pass(pair, 2 * TB_MINUTE);
	assert_int_equal(get(pair, &pair->window, id, 0)->state, PB_AGREEMENT_STATE__IN_FORCE);
	pair_free(pair);
}

/* A description by which the window says that it has agreement |id| as |digest|, signed by itself only, and
 * another. */
static void window_says(struct pair *pair, const char *id, struct tb_bytes digest)
{
	PbDescribeRequest request = PB_DESCRIBE_REQUEST__INIT;
	PbAgreementSummary known = PB_AGREEMENT_SUMMARY__INIT, other = PB_AGREEMENT_SUMMARY__INIT;
	PbAgreementSummary *list[2] = {&known, &other};
	char window[] = WINDOW, more[] = WINDOW "-20260101-unknown", named[64];
	char *signers[1] = {window};
	uint8_t all[PKI_HASH_BYTES] = {0xaa};
	struct tb_arena arena = {0};
	struct tb_buf bytes = {0};
	struct pair_reply reply;
	snprintf(named, sizeof(named), "%s", id);
	known.id = named;
	other.id = more;
	known.version = 1;
	other.version = 3;
	known.digest = other.digest = proto_data(digest);
	known.signed_by = other.signed_by = other.ended_by = signers;
	known.n_signed_by = other.n_signed_by = other.n_ended_by = 1;
	request.agreements_digest = proto_data(tb_bytes_of(all, sizeof(all)));
	request.summaries = list;
	request.n_summaries = 2;
	struct tb_bytes message = proto_encode_arena(&arena, &request.base);
	hostile_batch(pair, &bytes, PB_BATCH_KIND__DESCRIBE, WINDOW, HOME, &pair->window.region.message,
	              &message, 1);
	assert_int_equal(pair_inject(pair, &pair->home, CORE_DESCRIBE, WINDOW, tb_buf_bytes(&bytes), &reply),
	                 TB_OK);
	pair_reply_clear(&reply);
	tb_buf_clear(&bytes);
	tb_arena_clear(&arena);
}

static void test_a_difference_says_what_each_side_has(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64];
	uint8_t digest[PKI_HASH_BYTES];
	propose(pair, &pair->window, terms, "", id);
	assert_int_equal(sign(pair, &pair->home, id), TB_OK);
	assert_true(tb_unhex(digest, sizeof(digest), get(pair, &pair->home, id, 1)->digest));
	window_says(pair, id, tb_bytes_of(digest, sizeof(digest)));
	PbAgreementDiffResponse *diff = (PbAgreementDiffResponse *)(void *)pair_ask(
		pair, &pair->home, SERVICE "Diff", "{\"peer\":\"" WINDOW "\"}");
	assert_false(diff->equal);
	assert_int_equal(diff->n_differences, 2);
	assert_string_equal(diff->differences[0]->id, id);
	assert_non_null(strstr(diff->differences[0]->here, "in force"));
	assert_non_null(strstr(diff->differences[0]->here, "signed by " HOME " " WINDOW));
	assert_non_null(strstr(diff->differences[0]->there, "signed by " WINDOW));
	assert_string_equal(diff->differences[1]->id, WINDOW "-20260101-unknown");
	assert_int_equal(diff->differences[1]->version, 3);
	assert_string_equal(diff->differences[1]->here, "-");
	assert_non_null(strstr(diff->differences[1]->there, "ended by " WINDOW));
	/* Whoever asks has what it has by now asked for. */
	pair_pass(pair, TB_MINUTE);
	diff = (PbAgreementDiffResponse *)(void *)pair_ask(pair, &pair->home, SERVICE "Diff",
	                                                   "{\"peer\":\"" WINDOW "\"}");
	assert_true(diff->equal);
	pair_free(pair);
}

int main(void)
{
	pair_describe_every = 5 * TB_MINUTE;
	const struct CMUnitTest tests[] = {
		TEST(test_what_one_proposes_and_the_other_signs_is_in_force_for_both),
		TEST(test_an_agreement_survives_a_restart_of_either_side),
		TEST(test_what_the_agreement_does_not_cover_is_not_sent),
		TEST(test_rights_that_were_not_granted_are_refused),
		TEST(test_clocks_run_by_the_agreement),
		TEST(test_an_amendment_replaces_it_and_shows_what_changed),
		TEST(test_notice_ends_it_after_its_days),
		TEST(test_a_wire_that_is_down_shows_as_a_difference),
		TEST(test_who_proposes_too_much_is_told_so_at_home),
		TEST(test_notice_ends_what_is_in_force_and_not_an_amendment_that_waits),
		TEST(test_what_the_other_never_takes_is_shown_ever_more_seldom),
		TEST(test_only_what_the_other_lacks_is_shown),
		TEST(test_what_the_other_never_takes_is_mostly_not_even_shown),
		TEST(test_a_peer_that_does_not_answer_is_asked_in_few_words),
		TEST(test_a_difference_says_what_each_side_has),
		TEST(test_what_cannot_be_meant_is_refused),
		TEST(test_forms_that_no_agreement_has_are_refused_with_the_field),
		TEST(test_agreements_are_listed_and_compared_by_peer),
		TEST(test_a_term_covers_what_it_names_from_its_day_on),
		TEST(test_an_agreement_on_certificates_bounds_what_a_grant_tells),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
