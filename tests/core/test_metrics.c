/* What a node has counted, as machines read it. */
#include "tests/core/pair.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define METRICS "/tongban.v1.NodeService/Metrics"

static const char *text_of(struct pair *pair, struct side *side)
{
	return ((const PbMetricsResponse *)(const void *)pair_ask(pair, side, METRICS, "{}"))->text;
}

/* The value of a line that begins with |name|, labels and all. */
static double value(struct pair *pair, struct side *side, const char *name)
{
	const char *text = text_of(pair, side);
	size_t size = strlen(name);
	for (const char *line = text; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, name, size) == 0 && line[size] == ' ')
			return strtod(line + size, NULL);
	}
	fail_msg("no %s in %s", name, text);
	return 0;
}

static void check(struct pair *pair, struct side *side, const char *name, double expected)
{
	double is = value(pair, side, name);
	if (is < expected || is > expected)
		fail_msg("%s is %f, not %f", name, is, expected);
}

/* Prometheus, "Exposition formats", text format 0.0.4; and "Metric and label naming". */
static void test_every_metric_is_described_once_and_named_by_the_conventions(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], name[128] = "", type[16] = "";
	pair_submit(pair, true, number);
	pair_run(pair);
	char *text = tb_strdup(text_of(pair, &pair->window)), *save = NULL;
	assert_int_equal(text[strlen(text) - 1], '\n');
	size_t metrics = 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char word[128];
		if (sscanf(line, "# HELP %127s", word) == 1) {
			/* What is described is followed by its type and its values, and comes once. */
			assert_true(strncmp(word, "tongban_", 8) == 0);
			assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz_"), strlen(word));
			assert_null(strstr(save, line));
			assert_true(strlen(line) > strlen("# HELP ") + strlen(word) + 4);
			snprintf(name, sizeof(name), "%s", word);
			type[0] = 0;
			metrics++;
		} else if (line[0] == '#') {
			assert_int_equal(sscanf(line, "# TYPE %127s %15s", word, type), 2);
			assert_string_equal(word, name);
			bool counter = strcmp(type, "counter") == 0;
			assert_true(counter || strcmp(type, "gauge") == 0);
			size_t size = strlen(name);
			assert_int_equal(counter, strcmp(name + size - 6, "_total") == 0);
		} else {
			size_t size = strlen(name);
			assert_true(type[0] && strncmp(line, name, size) == 0);
			const char *number_at = strrchr(line, ' ');
			char *end;
			assert_true(line[size] == '{' || line + size == number_at);
			strtod(number_at + 1, &end);
			assert_true(end > number_at + 1 && *end == 0);
		}
	}
	assert_in_range(metrics, 20, 60);
	free(text);
	pair_free(pair);
}

static void test_nothing_personal_is_in_it(void **state)
{
	static const char *const personal[] = {"王", "11010519491231002X", "620100-", ITEM};
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	pair_run(pair);
	for (size_t i = 0; i < sizeof(personal) / sizeof(personal[0]); i++)
		assert_null(strstr(text_of(pair, &pair->home), personal[i]));
	pair_free(pair);
}

static void test_cases_are_counted_by_state_also_after_a_restart(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	check(pair, &pair->window, "tongban_cases{state=\"DRAFT\"}", 0);
	OK(pair_submit_as(pair, &pair->window, "DS", "R_WIN", false, number));
	check(pair, &pair->window, "tongban_cases{state=\"RECEIVED\"}", 1);
	OK(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""));
	OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
	pair_run(pair);
	for (int i = 0; i < 2; i++) {
		check(pair, &pair->window, "tongban_cases{state=\"RECEIVED\"}", 0);
		check(pair, &pair->window, "tongban_cases{state=\"SIGNED_FOR\"}", 1);
		check(pair, &pair->home, "tongban_cases{state=\"SIGNED_FOR\"}", 1);
		pair_crash(pair, &pair->window);
		pair_crash(pair, &pair->home);
	}
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	check(pair, &pair->home, "tongban_cases{state=\"SIGNED_FOR\"}", 0);
	check(pair, &pair->home, "tongban_cases{state=\"ACCEPTED\"}", 1);
	pair_free(pair);
}

/* A store of an earlier version has no counts. */
static void test_a_store_that_has_not_counted_is_counted_at_the_start(void **state)
{
	struct pair *pair = pair_new(*state);
	struct store_txn *txn;
	struct tb_error err;
	struct kv_key key = kv_key_str("cases_counted");
	char number[32];
	for (int i = 0; i < 3; i++)
		OK(pair_submit_as(pair, &pair->window, "DS", "R_WIN", false, number));
	OK(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""));
	struct kv kv = {.vault = pair->window.core->vault, .random = pair->window.core->random};
	struct tb_arena arena = {0};
	PbCaseRecord *record;
	struct kv_key at = kv_key_str(number);
	OK(store_write(&txn, pair->window.setup.store, &err));
	kv.txn = txn;
	assert_true(store_delete(txn, KV_META, kv_key_bytes(&key)));
	kv_set_number(&kv, "cases_20", 0); /* RECEIVED */
	kv_set_number(&kv, "cases_22", 0); /* CHECKING */
	OK(KV_GET(&kv, KV_CASE, &at, case_record, &arena, &record, &err));
	record->counted = PB_CASE_STATE__CASE_STATE_UNSPECIFIED;
	kv_put_message(&kv, KV_CASE, &at, &record->base);
	OK(store_commit(txn, &err));
	tb_buf_clear(&kv.scratch);
	tb_arena_clear(&arena);
	pair_crash(pair, &pair->window);
	check(pair, &pair->window, "tongban_cases{state=\"RECEIVED\"}", 2);
	check(pair, &pair->window, "tongban_cases{state=\"CHECKING\"}", 1);
	pair_free(pair);
}

static void test_what_waits_for_a_peer_is_counted_with_its_age(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	check(pair, &pair->window, "tongban_peer_up{peer=\"" HOME "\"}", 1);
	check(pair, &pair->window, "tongban_peer_outbox_oldest_age_seconds{peer=\"" HOME "\"}", 0);
	pair->parted = true;
	pair_submit(pair, true, number);
	pair_pass(pair, TB_HOUR);
	check(pair, &pair->window, "tongban_peer_up{peer=\"" HOME "\"}", 0);
	check(pair, &pair->window, "tongban_outbox_messages", 1);
	check(pair, &pair->window, "tongban_peer_outbox_messages{peer=\"" HOME "\"}", 1);
	check(pair, &pair->window, "tongban_peer_outbox_oldest_age_seconds{peer=\"" HOME "\"}", 3600);
	pair->parted = false;
	pair_pass(pair, 10 * TB_MINUTE);
	check(pair, &pair->window, "tongban_outbox_messages", 0);
	check(pair, &pair->window, "tongban_peer_up{peer=\"" HOME "\"}", 1);
	check(pair, &pair->window, "tongban_peer_clock_offset_seconds{peer=\"" HOME "\"}", 0);
	check(pair, &pair->window, "tongban_dead_letters", 0);
	pair_free(pair);
}

static void test_queries_are_counted_by_result_on_both_sides(void **state)
{
	struct pair *pair = pair_new(*state);
	pair_ask(pair, &pair->window, "/tongban.v1.CredentialService/Verify",
	         "{\"region\":\"" HOME
	         "\",\"queries\":[{\"type\":\"11100000MB0143028R001\",\"number\":\"none\","
	         "\"purpose\":\"p\",\"basis\":\"b\",\"disclosure\":\"STATUS\"}]}");
	double asked = 0, answered = 0;
	for (int i = 1; i < CORE_VERIFY_RESULTS; i++) {
		char name[128];
		const char *result = proto_enum_name(&pb_verify_result__descriptor, i);
		snprintf(name, sizeof(name), "tongban_verifications_asked_total{result=\"%s\"}", result);
		asked += value(pair, &pair->window, name);
		snprintf(name, sizeof(name), "tongban_verifications_answered_total{result=\"%s\"}", result);
		answered += value(pair, &pair->home, name);
	}
	assert_true(asked > 0.5 && asked < 1.5 && answered > 0.5 && answered < 1.5);
	check(pair, &pair->window, "tongban_verifications_failed_total", 0);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_metric_is_described_once_and_named_by_the_conventions),
		TEST(test_nothing_personal_is_in_it),
		TEST(test_cases_are_counted_by_state_also_after_a_restart),
		TEST(test_a_store_that_has_not_counted_is_counted_at_the_start),
		TEST(test_what_waits_for_a_peer_is_counted_with_its_age),
		TEST(test_queries_are_counted_by_result_on_both_sides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
