/* What an agreement covers, from when until when, and which one cannot be. */
#include "tests/core/pair.h"

#include "node/core/agreement_priv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SERVICE "/tongban.v1.AgreementService/"
#define PARTIES "\"parties\":[\"320400\",\"620100\"],\"proposer\":\"320400\""

/* |json| are the members of an agreement of 320400 and 620100. */
static PbAgreement *agreement(struct tb_arena *arena, const char *json)
{
	proto_message *message;
	struct tb_error err;
	struct tb_bytes text = tb_bytes_str(tb_arena_printf(
		arena, "{\"id\":\"a\",\"version\":1,\"title\":\"t\",\"validFrom\":\"2020-01-01\",%s}", json));
	if (proto_json_decode(&message, &pb_agreement__descriptor, text, arena, &err))
		fail_msg("%s: %s", json, err.text);
	return (PbAgreement *)(void *)message;
}

static void test_a_term_covers_what_it_names_between_whom_it_names(void **state)
{
	static const struct {
		const char *term;
		const char *mode;
		bool covered;
	} rows[] = {
		{"\"items\":[\"I1\"],\"modes\":[\"DS\"]", "DS", true},
		{"\"items\":[\"I1\"],\"modes\":[\"DS\"]", "QC", false},
		{"\"items\":[\"*\"],\"modes\":[\"QC\",\"DS\"]", "DS", true},
		{"\"items\":[\"B1\"],\"modes\":[\"DS\"]", "DS", true}, /* by the basic code */
		{"\"items\":[\"I2\"],\"modes\":[\"DS\"]", "DS", false},
		{"\"items\":[\"I1\"],\"modes\":[\"DS\"],\"homes\":[\"320400\"]", "DS", true},
		{"\"items\":[\"I1\"],\"modes\":[\"DS\"],\"homes\":[\"620100\"]", "DS", false},
		{"\"items\":[\"I1\"],\"modes\":[\"DS\"],\"windows\":[\"620100\"]", "DS", true},
		{"\"items\":[\"I1\"],\"modes\":[\"DS\"],\"windows\":[\"320400\"]", "DS", false},
		{"\"items\":[\"I1\"],\"modes\":[\"DS\"],\"from\":\"2026-09-21\"", "DS", true},
		{"\"items\":[\"I1\"],\"modes\":[\"DS\"],\"from\":\"2026-09-22\"", "DS", false},
		/* Deciding in another region's name needs the right to. */
		{"\"items\":[\"I1\"],\"modes\":[\"YB\"]", "YB", false},
		{"\"items\":[\"I1\"],\"modes\":[\"YB\"],\"rights\":[\"ACCEPT_CASES\"]", "YB", false},
		{"\"items\":[\"I1\"],\"modes\":[\"YB\"],\"rights\":[\"ACCEPT_CASES\",\"DECIDE_CASES\"]", "YB",
	         true},
		{"\"items\":[\"I1\"],\"modes\":[\"YS\"],\"rights\":[\"ACCEPT_CASES\"]", "YS", true},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tb_arena arena = {0};
		struct agreement_ask ask = {.window = WINDOW,
		                            .home = HOME,
		                            .item = "I1",
		                            .base_code = "B1",
		                            .mode = rows[i].mode};
		const PbAgreement *one =
			agreement(&arena, tb_arena_printf(&arena, PARTIES ",\"terms\":[{%s}]", rows[i].term));
		if (agreement_covers(one, &ask, NOW) != rows[i].covered)
			fail_msg("%s in %s", rows[i].term, rows[i].mode);
		/* Nobody else is bound. */
		ask.window = "330100";
		assert_false(agreement_covers(one, &ask, NOW));
		ask.window = WINDOW;
		ask.home = "330100";
		assert_false(agreement_covers(one, &ask, NOW));
		tb_arena_clear(&arena);
	}
}

static void test_an_agreement_that_cannot_be_is_refused_with_the_field(void **state)
{
#define TERM(more) PARTIES ",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"]" more "}]"
	static const struct {
		const char *json;
		const char *says; /* NULL: it is good */
	} rows[] = {
		{TERM(""), NULL},
		{TERM(",\"rights\":[\"NOTIFY_ONCE\"]"), NULL},
		{TERM("") ",\"clocks\":[{\"clock\":\"T5_DECIDE\",\"days\":3}]", NULL},
		{TERM("") ",\"validUntil\":\"2030-12-31\"", NULL},
		{"\"parties\":[\"320400\"],\"proposer\":\"320400\"", "parties: 2 to"},
		{"\"parties\":[\"620100\",\"320400\"],\"proposer\":\"320400\"", "ascending"},
		{"\"parties\":[\"320400\",\"320400\"],\"proposer\":\"320400\"", "ascending"},
		{"\"parties\":[\"320400\",\"6201000\"],\"proposer\":\"320400\"", "parties[1]"},
		{"\"parties\":[\"320400\",\"620100\"],\"proposer\":\"330100\"", "proposer"},
		{TERM("") ",\"validUntil\":\"soon\"", "valid_until"},
		{TERM(",\"from\":\"2026-02-30\""), "terms[0]"},
		{TERM(",\"rights\":[\"RIGHT_UNSPECIFIED\"]"), "terms[0].rights"},
		{PARTIES ",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"ZZ\"]}]", "terms[0].modes"},
		{PARTIES ",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"LS\"]}]", "terms[0].modes"},
		{PARTIES ",\"terms\":[{\"modes\":[\"DS\"]}]", "terms[0]"},
		{TERM("") ",\"clocks\":[{\"clock\":\"T5_DECIDE\"}]", "clocks[0]"},
		{TERM("") ",\"clocks\":[{\"days\":3}]", "clocks[0]"},
		{TERM("") ",\"clocks\":[{\"clock\":\"T5_DECIDE\",\"days\":100000}]", "clocks[0]"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tb_arena arena = {0};
		struct tb_error err = {0};
		enum tb_code code = agreement_check(agreement(&arena, rows[i].json), &err);
		if ((code == TB_OK) != !rows[i].says || (rows[i].says && !strstr(err.text, rows[i].says)))
			fail_msg("%s: %s", rows[i].json, err.text);
		tb_arena_clear(&arena);
	}
}

static void test_an_agreement_has_a_name_and_parties_in_bounds(void **state)
{
	struct tb_arena arena = {0};
	struct tb_error err;
	char text[TB_NAME_BYTES_MAX + 2], *parties[TB_AGREEMENT_PARTIES_MAX + 1];
	(void)state;
	PbAgreement *one = agreement(&arena, PARTIES);
	OK(agreement_check(one, &err));
	memset(text, 'x', sizeof(text));
	text[TB_NAME_BYTES_MAX + 1] = 0;
	one->title = text;
	assert_int_equal(agreement_check(one, &err), TB_EINVALID);
	text[TB_NAME_BYTES_MAX] = 0;
	OK(agreement_check(one, &err));
	one->id = text;
	assert_int_equal(agreement_check(one, &err), TB_EINVALID);
	text[TB_ID_BYTES_MAX] = 0;
	OK(agreement_check(one, &err));
	one->version = 0;
	assert_int_equal(agreement_check(one, &err), TB_EINVALID);
	one->version = 1;
	for (size_t i = 0; i < COUNT(parties); i++)
		parties[i] = tb_arena_printf(&arena, "%06zu", 110000 + i);
	one->parties = parties;
	one->proposer = parties[0];
	one->n_parties = TB_AGREEMENT_PARTIES_MAX;
	OK(agreement_check(one, &err));
	one->n_parties++;
	assert_int_equal(agreement_check(one, &err), TB_EINVALID);
	tb_arena_clear(&arena);
}

/* ---- in time */

static PbAgreementState state_of(struct pair *pair, struct side *side, const char *id)
{
	char json[128];
	snprintf(json, sizeof(json), "{\"id\":\"%s\"}", id);
	return ((PbAgreementView *)(void *)pair_ask(pair, side, SERVICE "Get", json))->state;
}

static void test_an_agreement_is_in_force_from_its_first_day_to_its_last(void **state)
{
	struct pair *pair = pair_new(*state);
	char json[512], id[64], from[11], until[11], number[32];
	tb_day_format(from, tb_day_at(pair->now) + 2);
	tb_day_format(until, tb_day_at(pair->now) + 3);
	/* It covers another mode only: while it is in force nothing else goes between the two. */
	snprintf(json, sizeof(json),
	         "{\"agreement\":{\"title\":\"t\",\"parties\":[\"" HOME "\",\"" WINDOW
	         "\"],\"validFrom\":\"%s\",\"validUntil\":\"%s\",\"terms\":[{\"items\":[\"*\"],\"modes\":["
	         "\"QC\"]}]}}",
	         from, until);
	const PbAgreementView *view = (const void *)pair_ask(pair, &pair->window, SERVICE "Propose", json);
	snprintf(id, sizeof(id), "%s", view->agreement->id);
	pair_pass(pair, 4 * TB_MINUTE);
	assert_int_equal(state_of(pair, &pair->home, id), PB_AGREEMENT_STATE__PROPOSED);
	snprintf(json, sizeof(json), "{\"id\":\"%s\"}", id);
	pair_ask(pair, &pair->home, SERVICE "Sign", json);
	pair_pass(pair, 4 * TB_MINUTE);
	static const struct {
		PbAgreementState state;
		enum tb_code submitted;
	} days[] = {
		{PB_AGREEMENT_STATE__SIGNED, TB_OK},        {PB_AGREEMENT_STATE__SIGNED, TB_OK},
		{PB_AGREEMENT_STATE__IN_FORCE, TB_EDENIED}, {PB_AGREEMENT_STATE__IN_FORCE, TB_EDENIED},
		{PB_AGREEMENT_STATE__ENDED, TB_OK},
	};
	for (size_t i = 0; i < COUNT(days); i++) {
		assert_int_equal(state_of(pair, &pair->window, id), days[i].state);
		assert_int_equal(state_of(pair, &pair->home, id), days[i].state);
		assert_int_equal(pair_submit_as(pair, &pair->window, "DS", "R_WIN", true, number),
		                 days[i].submitted);
		pair_pass(pair, TB_DAY);
	}
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_term_covers_what_it_names_between_whom_it_names),
		cmocka_unit_test(test_an_agreement_that_cannot_be_is_refused_with_the_field),
		cmocka_unit_test(test_an_agreement_has_a_name_and_parties_in_bounds),
		TEST(test_an_agreement_is_in_force_from_its_first_day_to_its_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
