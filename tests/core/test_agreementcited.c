/* What the messages of a case stand on: the version of an agreement that was in force when it began, and no
 * other. */
#include "tests/core/hostile.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define SERVICE "/tongban.v1.AgreementService/"

static const char term[] =
	"{\"items\":[\"*\"],\"modes\":[\"DS\"],\"rights\":[\"NOTIFY_ONCE\",\"DELIVER_RESULTS\"]}";

/* An agreement in force, and its number. */
static void agreed(struct pair *pair, char id[64])
{
	pair_agree(pair, term);
	const PbAgreementListResponse *list =
		(const PbAgreementListResponse *)(void *)pair_ask(pair, &pair->window, SERVICE "List", "{}");
	snprintf(id, 64, "%s", list->agreements[list->n_agreements - 1]->agreement->id);
}

static enum tb_code submit(struct pair *pair, char number[32])
{
	return pair_submit_as(pair, &pair->window, "DS", "R_WIN", true, number);
}

static void end(struct pair *pair, struct side *side, const char *id)
{
	char json[128];
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"reason\":\"x\"}", id);
	pair_ask(pair, side, SERVICE "End", json);
}

/* ---- what cases stand on */

struct cited {
	const char *id;
	unsigned messages;
};

static void check_cited(struct pair *pair, struct side *from, const struct core_inbound *inbound,
                        struct tb_buf *bytes)
{
	struct cited *cited = pair->test;
	(void)from;
	(void)bytes;
	for (size_t i = 0; inbound->call == CORE_DELIVER && i < inbound->batch->items_count; i++) {
		const PbCaseMessage *message = (const PbCaseMessage *)(const void *)inbound->messages[i];
		assert_string_equal(message->agreement, cited->id);
		assert_int_equal(message->agreement_version, 1);
		cited->messages++;
	}
}

static void test_every_message_of_a_case_cites_what_it_stands_on(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64], number[32];
	agreed(pair, id);
	struct cited cited = {.id = id};
	pair->test = &cited;
	pair->answering = check_cited;
	assert_int_equal(submit(pair, number), TB_OK);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""), TB_OK);
	assert_int_equal(
		pair_act(pair, &pair->window, number, "CONSULT", "R_WIN", "\"detail\":{\"note\":\"?\"}"),
		TB_OK);
	assert_int_equal(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT", ""), TB_OK);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__WITHDRAWN);
	/* The package, two wishes, and what the owner ordered: three entries and the signing for. */
	assert_true(cited.messages >= 6);
	pair_free(pair);
}

/* A package that waits at the window. */
static void begin(struct pair *pair, struct forgery *f)
{
	char number[32];
	pair->parted = true;
	OK(submit(pair, number));
	pair->parted = false;
	forgery_take(f, pair, &pair->window);
}

static void propose_a_second_version(struct pair *pair, const char *id)
{
	char json[512];
	snprintf(json, sizeof(json),
	         "{\"agreement\":{\"id\":\"%s\",\"title\":\"2\",\"parties\":[\"" HOME "\",\"" WINDOW
	         "\"],\"validFrom\":\"2020-01-01\",\"terms\":[%s]}}",
	         id, term);
	pair_ask(pair, &pair->window, SERVICE "Propose", json);
	pair_pass(pair, 2 * TB_MINUTE);
}

static void refused(struct forgery *f, const char *code, const char *reason)
{
	struct pair_reply reply;
	const PbReceipt *receipt = forgery_send(f, &reply);
	if (receipt->kind != PB_RECEIPT_KIND__REJECTED || strcmp(receipt->code, code) != 0 ||
	    !strstr(receipt->reason, reason))
		fail_msg("kind %d, '%s', '%s'", (int)receipt->kind, receipt->code, receipt->reason);
	pair_reply_clear(&reply);
}

static void taken(struct forgery *f)
{
	struct pair_reply reply;
	const PbReceipt *receipt = forgery_send(f, &reply);
	if (receipt->kind != PB_RECEIPT_KIND__DURABLE)
		fail_msg("kind %d, '%s', '%s'", (int)receipt->kind, receipt->code, receipt->reason);
	pair_reply_clear(&reply);
}

static void test_a_package_that_cites_what_is_not_there_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	struct forgery f;
	char id[64];
	agreed(pair, id);
	propose_a_second_version(pair, id);
	begin(pair, &f);
	f.message->agreement_version = 2; /* which we have not signed */
	refused(&f, "not_granted", "is not here, or not signed by all");
	f.message->agreement_version = 3;
	refused(&f, "not_granted", "is not here, or not signed by all");
	f.message->agreement_version = 0;
	refused(&f, "not_granted", "is not here, or not signed by all");
	f.message->agreement_version = 1;
	f.message->agreement = tb_arena_str(&f.arena, "another");
	refused(&f, "not_granted", "is not here, or not signed by all");
	f.message->agreement = tb_arena_str(&f.arena, id);
	taken(&f);
	forgery_clear(&f);
	pair_free(pair);
}

static void test_a_message_of_a_case_that_cites_another_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	struct forgery f;
	char id[64], number[32];
	agreed(pair, id);
	for (int i = 0; i < 3; i++) {
		OK(submit(pair, number));
		pair_pass(pair, TB_MINUTE);
		pair->parted = true;
		OK(pair_act(pair, &pair->window, number, "CONSULT", "R_WIN", "\"detail\":{\"note\":\"?\"}"));
		pair->parted = false;
		forgery_take(&f, pair, &pair->window);
		if (i == 0)
			f.message->agreement_version = 2;
		else if (i == 1)
			f.message->agreement = tb_arena_str(&f.arena, "another");
		else
			f.message->agreement = tb_arena_str(&f.arena, "");
		refused(&f, "invalid", "stands on another agreement");
		forgery_clear(&f);
		pair_pass(pair, TB_HOUR);
	}
	pair_free(pair);
}

static void test_what_its_window_had_ended_carries_no_case(void **state)
{
	struct pair *pair = pair_new(*state);
	struct forgery f;
	char id[64];
	agreed(pair, id);
	begin(pair, &f);
	end(pair, &pair->window, id);
	pair_pass(pair, 2 * TB_MINUTE);
	refused(&f, "not_granted", "had been ended when the case began");
	forgery_clear(&f);
	pair_free(pair);
}

static void test_what_the_home_region_ended_carries_cases_until_its_window_knows(void **state)
{
	struct pair *pair = pair_new(*state);
	struct forgery early, late;
	char id[64];
	agreed(pair, id);
	begin(pair, &early);
	pair->parted = true; /* the window does not hear of it */
	end(pair, &pair->home, id);
	for (int day = 0; day < 8; day++)
		pair_pass(pair, TB_DAY);
	begin(pair, &late);
	refused(&late, "not_granted", "had been ended when the case began");
	taken(&early);
	forgery_clear(&early);
	forgery_clear(&late);
	pair_free(pair);
}

static void test_what_was_replaced_long_ago_carries_no_new_case(void **state)
{
	struct pair *pair = pair_new(*state);
	struct forgery f;
	char id[64], json[512];
	agreed(pair, id);
	propose_a_second_version(pair, id);
	snprintf(json, sizeof(json), "{\"id\":\"%s\"}", id);
	pair_ask(pair, &pair->home, SERVICE "Sign", json);
	pair_pass(pair, 2 * TB_MINUTE);
	begin(pair, &f);
	assert_int_equal(f.message->agreement_version, 2);
	f.message->agreement_version = 1; /* on its way, it may have crossed the signature */
	taken(&f);
	forgery_clear(&f);
	for (int day = 0; day < 8; day++)
		pair_pass(pair, TB_DAY);
	begin(pair, &f);
	f.message->agreement_version = 1;
	refused(&f, "not_granted", "had been replaced by a later version when the case began");
	forgery_clear(&f);
	pair_free(pair);
}

int main(void)
{
	pair_describe_every = 5 * TB_MINUTE;
	const struct CMUnitTest tests[] = {
		TEST(test_every_message_of_a_case_cites_what_it_stands_on),
		TEST(test_a_package_that_cites_what_is_not_there_is_refused),
		TEST(test_a_message_of_a_case_that_cites_another_is_refused),
		TEST(test_what_its_window_had_ended_carries_no_case),
		TEST(test_what_the_home_region_ended_carries_cases_until_its_window_knows),
		TEST(test_what_was_replaced_long_ago_carries_no_new_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
