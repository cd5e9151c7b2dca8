/* A side gets an older store back: what it forgot, its partner remembers (docs/operations.md, section 11). */
#include "tests/core/pair.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

static void copy_file(const char *from, const char *to)
{
	static uint8_t block[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t got;
	assert_true(in >= 0 && out >= 0);
	while ((got = read(in, block, sizeof(block))) > 0)
		assert_int_equal(write(out, block, (size_t)got), got);
	assert_int_equal(got, 0);
	close(in);
	close(out);
}

/* The store of |side| goes into a file, or comes from there; in between it is closed. */
static void swap_store(struct pair *pair, struct side *side, bool back)
{
	char store[256], backup[256];
	snprintf(store, sizeof(store), "%s/store/data.mdb", side->dir);
	snprintf(backup, sizeof(backup), "%s/backup", pair->scratch->dir);
	pair_close(side);
	copy_file(back ? backup : store, back ? store : backup);
	pair_open(pair, side);
}

static enum tb_code act(struct pair *pair, struct side *side, const char *number, const char *event,
                        const char *role)
{
	enum tb_code code = pair_act(pair, side, number, event, role, "\"detail\":{\"reason\":\"x\"}");
	pair_pass(pair, TB_MINUTE);
	return code;
}

static void test_a_window_that_forgot_a_hand_over_sees_the_dispute_when_it_sends_again(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, false, number);
	assert_int_equal(act(pair, &pair->window, number, "CHECK", "R_WIN"), TB_OK);
	swap_store(pair, &pair->window, false);
	assert_int_equal(act(pair, &pair->window, number, "SEND", "R_WIN"), TB_OK);
	assert_string_equal(pair_case(pair, &pair->window, number)->owner, HOME);
	swap_store(pair, &pair->window, true);
	assert_string_equal(pair_case(pair, &pair->window, number)->owner, WINDOW);
	assert_int_equal(act(pair, &pair->window, number, "SEND", "R_WIN"), TB_OK);
	/* The home region owns it and refuses: the window may not go on as if nothing were. */
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->log[view->n_log - 1]->event, PB_CASE_EVENT__BOUNCE);
	assert_true(view->dispute);
	view = pair_case(pair, &pair->home, number);
	assert_string_equal(view->owner, HOME);
	assert_int_equal(view->n_log, 4);
	pair_free(pair);
}

static void test_a_package_that_is_not_granted_is_no_dispute(void **state)
{
	struct pair *pair = pair_new(*state);
	struct peer_set *none = peer_set_new();
	struct peer peer = {.region = WINDOW, .name = "w", .endpoint = "wire:1"};
	struct tb_error err = {0};
	char number[32];
	pair_submit(pair, false, number);
	assert_int_equal(act(pair, &pair->window, number, "CHECK", "R_WIN"), TB_OK);
	assert_int_equal(peer_set_add(none, &peer, tb_buf_bytes(&pair->window.region.ca_pem), &err), TB_OK);
	pair_set_peers(pair, &pair->home, none);
	assert_int_equal(act(pair, &pair->window, number, "SEND", "R_WIN"), TB_OK);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->log[view->n_log - 1]->event, PB_CASE_EVENT__BOUNCE);
	assert_false(view->dispute);
	assert_string_equal(view->owner, WINDOW);
	pair_free(pair);
}

static void test_what_a_window_forgot_of_the_owners_log_is_sent_to_it_again(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	pair_pass(pair, TB_MINUTE);
	swap_store(pair, &pair->window, false);
	assert_int_equal(act(pair, &pair->home, number, "ACCEPT", "H_WIN"), TB_OK);
	assert_int_equal(act(pair, &pair->home, number, "START", "H_DEPT"), TB_OK);
	swap_store(pair, &pair->window, true);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__SIGNED_FOR);
	assert_int_equal(act(pair, &pair->home, number, "DENY", "H_DEPT"), TB_OK);
	pair_pass(pair, 30 * TB_MINUTE);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__DENIED);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_window_that_forgot_a_hand_over_sees_the_dispute_when_it_sends_again),
		TEST(test_what_a_window_forgot_of_the_owners_log_is_sent_to_it_again),
		TEST(test_a_package_that_is_not_granted_is_no_dispute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
