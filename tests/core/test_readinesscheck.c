/* What two regions still lack before cases are taken between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/core/readinesscheck.h"

static struct tb_arena arena;

static int setup(void **state)
{
	(void)state;
	arena = (struct tb_arena){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tb_arena_clear(&arena);
	return 0;
}

static void *read_json(const proto_type *type, const char *json)
{
	proto_message *out;
	struct tb_error err = {0};
	if (proto_json_decode(&out, type, tb_bytes_str(json), &arena, &err))
		fail_msg("%s", err.text);
	return out;
}

#define NOW tb_day_start(tb_day_of(2026, 11, 22))
#define ITEM(code) \
	"{\"items\":[{\"code\":\"" code "\",\"modes\":[\"DS\"],\"promisedDays\":1,\"legalDays\":1}]}"
#define STATUS                                                                                        \
	"{\"region\":\"620100\",\"peers\":[{\"region\":\"320400\",\"link\":\"up\",\"lastContactMs\":" \
	"\"1795276800000\"}]}"
#define AGREEMENT                                                                                         \
	"{\"agreements\":[{\"state\":\"IN_FORCE\",\"agreement\":{\"id\":\"X-1\",\"parties\":[\"320400\"," \
	"\"620100\"],\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"]}],\"postage\":\"PAID_BY_HOME\","    \
	"\"contacts\":[{\"region\":\"320400\",\"phone\":\"1\"},{\"region\":\"620100\",\"phone\":\"2\"}]}}]}"
#define HALLS                                                                                            \
	"{\"halls\":[{\"code\":\"1\",\"area\":\"620102\",\"receives\":true,\"address\":\"a\",\"phone\":" \
	"\"1\","                                                                                         \
	"\"hours\":[{\"days\":\"workdays\",\"from\":\"09:00\",\"to\":\"17:00\"}]}]}"
#define TOKENS                                                                                           \
	"{\"tokens\":[{\"name\":\"w\",\"roles\":[\"TOKEN_WINDOW\"]},{\"name\":\"h\",\"roles\":[\"TOKEN_" \
	"HEAD\"]}]}"
#define NOTES                                                                                              \
	"{\"notes\":[{\"topic\":\"training\",\"text\":\"42人\",\"doneOn\":\"2026-10-01\"},{\"topic\":"    \
	"\"trial\",\"peer\":\"320400\",\"text\":\"t\",\"doneOn\":\"2026-11-01\"},{\"topic\":\"backup\","   \
	"\"text\":\"b\",\"doneOn\":\"2026-11-02\"},{\"topic\":\"publicity\",\"peer\":\"310000\",\"text\":" \
	"\"p\","                                                                                           \
	"\"doneOn\":\"2026-11-02\"}]}"

static struct readiness_facts everything(void)
{
	return (struct readiness_facts){
		.peer = "320400",
		.now = NOW,
		.status = read_json(&pb_status_response__descriptor, STATUS),
		.list = read_json(&pb_catalogue__descriptor, ITEM("a")),
		.peer_list = read_json(&pb_catalogue__descriptor, ITEM("b")),
		.agreements = read_json(&pb_agreement_list_response__descriptor, AGREEMENT),
		.halls = read_json(&pb_hall_list__descriptor, HALLS),
		.peer_halls = read_json(&pb_hall_list__descriptor, HALLS),
		.tokens = read_json(&pb_token_list_response__descriptor, TOKENS),
		.notes = read_json(&pb_readiness_notes_response__descriptor, NOTES),
	};
}

static PbReadinessState state_of(const PbReadinessReport *report, enum readiness_topic topic)
{
	assert_int_equal(report->n_lines, READINESS_TOPICS);
	assert_string_equal(report->lines[topic]->topic, readiness_word(topic));
	return report->lines[topic]->state;
}

static void test_where_all_is_there_nothing_lacks(void **state)
{
	struct readiness_facts facts = everything();
	(void)state;
	const PbReadinessReport *report = readiness_check(&facts, &arena);
	assert_int_equal(report->lacking, 0);
	for (int i = 0; i < READINESS_TOPICS; i++) {
		/* The elements of a list this short are not all given; nothing was published for this peer.
		 */
		bool left = i == READINESS_ELEMENTS || i == READINESS_PUBLICITY;
		assert_int_equal(state_of(report, (enum readiness_topic)i),
		                 left ? PB_READINESS_STATE__ADVISABLE : PB_READINESS_STATE__READY);
	}
	assert_string_equal(report->lines[READINESS_AGREEMENT]->what, "X-1");
	assert_string_equal(report->lines[READINESS_TRAINING]->what, "2026-10-01 42人");
	assert_string_equal(report->lines[READINESS_ITEMS]->what, "620100 1, 320400 1");
}

static void test_where_nothing_is_there_everything_lacks(void **state)
{
	struct readiness_facts facts = {.peer = "320400",
	                                .now = NOW,
	                                .status = read_json(&pb_status_response__descriptor,
	                                                    "{\"region\":\"620100\",\"deadLetters\":\"2\"}")};
	(void)state;
	const PbReadinessReport *report = readiness_check(&facts, &arena);
	for (int i = 0; i < READINESS_TOPICS; i++)
		assert_int_not_equal(state_of(report, (enum readiness_topic)i), PB_READINESS_STATE__READY);
	assert_int_equal(report->lacking, 12);
	assert_string_equal(report->lines[READINESS_LETTERS]->what, "2");
	assert_non_null(strstr(report->lines[READINESS_TOKENS]->what, "TOKEN_WINDOW"));
}

static void test_what_is_there_in_part_does_not_count(void **state)
{
	struct readiness_facts facts = everything();
	(void)state;
	facts.now = NOW + TB_DAY; /* nothing was heard for a day */
	assert_int_equal(state_of(readiness_check(&facts, &arena), READINESS_LINK),
	                 PB_READINESS_STATE__LACKING);
	facts = everything();
	facts.agreements->agreements[0]->state = PB_AGREEMENT_STATE__PROPOSED;
	const PbReadinessReport *report = readiness_check(&facts, &arena);
	assert_int_equal(state_of(report, READINESS_AGREEMENT), PB_READINESS_STATE__LACKING);
	assert_string_equal(report->lines[READINESS_AGREEMENT]->what, "X-1 ?");
	assert_int_equal(state_of(report, READINESS_ITEMS), PB_READINESS_STATE__LACKING);
	facts = everything();
	facts.tokens->tokens[0]->revoked_ms = 1;
	facts.halls->halls[0]->n_hours = 0;
	facts.agreements->agreements[0]->agreement->n_contacts = 1;
	report = readiness_check(&facts, &arena);
	assert_int_equal(state_of(report, READINESS_TOKENS), PB_READINESS_STATE__ADVISABLE);
	assert_int_equal(state_of(report, READINESS_HALLS), PB_READINESS_STATE__LACKING);
	assert_int_equal(state_of(report, READINESS_CONTACTS), PB_READINESS_STATE__LACKING);
}

/* 限定地区: what is for other regions' windows only is no item between the two. */
static void test_items_that_are_for_others_do_not_count(void **state)
{
#define FOR(region)                                                                                          \
	"{\"items\":[{\"code\":\"b\",\"modes\":[\"DS\"],\"promisedDays\":1,\"legalDays\":1,\"modeRegions\":" \
	"["                                                                                                  \
	"{\"mode\":\"DS\",\"regions\":[\"" region "\"]}]}]}"
	struct readiness_facts facts = everything();
	(void)state;
	facts.peer_list = read_json(&pb_catalogue__descriptor, FOR("310000"));
	const PbReadinessReport *report = readiness_check(&facts, &arena);
	assert_int_equal(state_of(report, READINESS_ITEMS), PB_READINESS_STATE__ADVISABLE);
	assert_string_equal(report->lines[READINESS_ITEMS]->what, "620100 1, 320400 0");
	facts.list = read_json(&pb_catalogue__descriptor, FOR("310000"));
	report = readiness_check(&facts, &arena);
	assert_int_equal(state_of(report, READINESS_ITEMS), PB_READINESS_STATE__LACKING);
	facts.peer_list = read_json(&pb_catalogue__descriptor, FOR("620000"));
	report = readiness_check(&facts, &arena);
	assert_string_equal(report->lines[READINESS_ITEMS]->what, "620100 0, 320400 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_where_all_is_there_nothing_lacks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_where_nothing_is_there_everything_lacks, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(test_what_is_there_in_part_does_not_count, setup, teardown),
		cmocka_unit_test_setup_teardown(test_items_that_are_for_others_do_not_count, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
