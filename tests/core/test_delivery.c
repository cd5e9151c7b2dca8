/* The outbox and the inbox: when is sent again, in which order, what becomes of what never arrives. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

#define NOTE "\"detail\":{\"note\":\"x\"}"
#define NEEDS "\"detail\":{\"needs\":[{\"code\":\"M2\",\"name\":\"驾驶证\"}]}"

/* ---- when is sent again */

enum { CALLS_MAX = 256 };

/* The times at which the window tried to deliver. */
struct tries {
	tb_time at[CALLS_MAX];
	size_t count;
	enum fate fate;
};

static enum fate noted(struct pair *pair, const struct core_outbound *outbound)
{
	struct tries *tries = pair->test;
	if (outbound->call != CORE_DELIVER || strcmp(outbound->peer, HOME) != 0)
		return ARRIVES;
	assert_true(tries->count < CALLS_MAX);
	tries->at[tries->count++] = pair->now;
	return tries->fate;
}

/* 1 s x 1.6, and no longer than 5 minutes; each 20 % sooner or later. */
static void assert_growing(const struct tries *tries)
{
	double wait = 1000;
	bool capped = false;
	for (size_t i = 1; i < tries->count; i++) {
		double gap = (double)(tries->at[i] - tries->at[i - 1]);
		if (gap < 0.8 * wait - 1 || gap > 1.2 * wait + 1)
			fail_msg("try %zu came after %.0f ms, not about %.0f", i, gap, wait);
		capped = capped || wait == 300000;
		wait = wait * 1.6 < 300000 ? wait * 1.6 : 300000;
	}
	assert_true(capped);
}

static void test_a_peer_that_is_away_is_tried_at_longer_and_longer_intervals(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tries tries = {.fate = REQUEST_LOST};
	char number[32];
	pair->fate = noted;
	pair->test = &tries;
	pair_submit(pair, true, number);
	pair_pass(pair, 2 * TB_HOUR);
	assert_true(tries.count > 30 && tries.count < 60);
	assert_growing(&tries);
	PbPeerListResponse *peers = (PbPeerListResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.PeerService/List", "{}");
	assert_int_equal(peers->peers[0]->outbox, 1);
	assert_int_equal(pair_case(pair, &pair->window, number)->handing_over, true);
	/* It is back: everything goes at once, and the next trouble begins with a second again. */
	tries.fate = ARRIVES;
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__SIGNED_FOR);
	tries.count = 0;
	tries.fate = REQUEST_LOST;
	OK(pair_act(pair, &pair->window, number, "CONSULT", "R_WIN", NOTE));
	pair_pass(pair, TB_HOUR);
	assert_growing(&tries);
	pair_free(pair);
}

/* The home region asks for a supplement of |number|, and then has a calendar of another year: it cannot
 * settle what comes. The calendar is to be freed. */
static struct calendar *lose_calendar(struct pair *pair, const char *number)
{
	struct calendar *old;
	struct tb_error err;
	OK(pair_act(pair, &pair->home, number, "NOTIFY", "H_WIN", NEEDS));
	OK(calendar_parse(&old, tb_bytes_str("2020-01-01\tH\n"), &err));
	pair->home.setup.calendar = old;
	pair_crash(pair, &pair->home);
	return old;
}

static void test_a_peer_that_answers_and_settles_nothing_is_tried_as_seldom(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tries tries = {.fate = ARRIVES};
	char number[32];
	pair_submit(pair, true, number);
	struct calendar *old = lose_calendar(pair, number);
	pair_pass(pair, TB_MINUTE); /* its first description */
	pair->fate = noted;
	pair->test = &tries;
	OK(pair_act(pair, &pair->window, number, "SUPPLEMENT", "R_WIN", ""));
	pair_pass(pair, TB_HOUR);
	assert_growing(&tries);
	assert_true(pair->home.logged_errors >= tries.count);
	calendar_free(old);
	pair_free(pair);
}

static void test_who_settles_nothing_is_not_tried_sooner_because_it_calls(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tries tries = {.fate = ARRIVES};
	char number[32];
	pair_submit(pair, true, number);
	struct calendar *old = lose_calendar(pair, number);
	pair_pass(pair, TB_MINUTE);
	OK(pair_act(pair, &pair->window, number, "SUPPLEMENT", "R_WIN", ""));
	pair_pass(pair, TB_HOUR);
	pair->fate = noted;
	pair->test = &tries;
	for (unsigned minute = 0; minute < 60; minute++) {
		struct tb_bytes message = tb_bytes_str("?");
		struct pair_reply reply;
		struct tb_buf bytes = {0};
		hostile_batch(pair, &bytes, PB_BATCH_KIND__MESSAGES, HOME, WINDOW, &pair->home.region.message,
		              &message, 1);
		OK(pair_inject(pair, &pair->window, CORE_DELIVER, HOME, tb_buf_bytes(&bytes), &reply));
		pair_reply_clear(&reply);
		tb_buf_clear(&bytes);
		pair_pass(pair, TB_MINUTE);
	}
	assert_in_range(tries.count, 9, 16);
	calendar_free(old);
	pair_free(pair);
}

static void test_who_calls_is_called_back_without_waiting_out_a_long_retry(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	pair->parted = true;
	OK(pair_act(pair, &pair->window, number, "CONSULT", "R_WIN", NOTE));
	pair_pass(pair, TB_HOUR);
	pair->parted = false;
	/* The window would wait for minutes; what the home region sends ends that. */
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	pair_pass(pair, 2 * TB_SECOND);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 0);
	pair_free(pair);
}

static void test_a_peer_that_cannot_be_called_gets_nothing_until_it_can(void **state)
{
	struct pair *pair = pair_new(*state);
	static const char *const all[] = {"*", NULL};
	struct peer_case_grant cases = {.items = all, .modes = all};
	struct peer peer = {.region = HOME, .name = "h", .endpoint = "", .cases = &cases, .cases_count = 1};
	struct peer_set *set = peer_set_new();
	struct tb_error err;
	char number[32];
	OK(peer_set_add(set, &peer, tb_buf_bytes(&pair->home.region.ca_pem), &err));
	pair_set_peers(pair, &pair->window, set);
	unsigned calls = pair->calls;
	pair_submit(pair, true, number);
	for (int i = 0; i < 100; i++)
		pair_run(pair);
	assert_int_equal(pair->calls, calls);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 1);
	peer.endpoint = "wire:1";
	set = peer_set_new();
	OK(peer_set_add(set, &peer, tb_buf_bytes(&pair->home.region.ca_pem), &err));
	pair_set_peers(pair, &pair->window, set);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_free(pair);
}

/* ---- order */

static void test_a_case_that_waits_keeps_its_order_and_no_other_case_waits(void **state)
{
	struct pair *pair = pair_new(*state);
	char stuck[32], free_one[32];
	pair_submit(pair, true, stuck);
	pair_submit(pair, true, free_one);
	struct calendar *old = lose_calendar(pair, stuck);
	pair->parted = true;
	OK(pair_act(pair, &pair->window, stuck, "SUPPLEMENT", "R_WIN", "")); /* needs the calendar */
	OK(pair_act(pair, &pair->window, free_one, "CONSULT", "R_WIN", NOTE));
	OK(pair_act(pair, &pair->window, stuck, "CONSULT", "R_WIN", NOTE));
	pair->parted = false;
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 2); /* both of the case that waits */
	uint32_t seq = pair_case(pair, &pair->home, stuck)->seq;
	PbCaseView *view = pair_case(pair, &pair->home, free_one);
	assert_int_equal(view->log[view->seq - 1]->event, PB_CASE_EVENT__CONSULT);
	pair->home.setup.calendar = pair->calendar;
	pair_crash(pair, &pair->home);
	pair_pass(pair, 6 * TB_MINUTE);
	view = pair_case(pair, &pair->home, stuck);
	assert_int_equal(view->seq, seq + 2);
	assert_int_equal(view->log[seq]->event, PB_CASE_EVENT__SUPPLEMENT);
	assert_int_equal(view->log[seq + 1]->event, PB_CASE_EVENT__CONSULT);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 0);
	pair_assert_equal_logs(pair, stuck);
	calendar_free(old);
	pair_free(pair);
}

/* How much the last call to the home region carried, and how many there were. */
struct carried {
	size_t items;
	size_t most; /* of any call */
	size_t calls;
};

static enum fate weighed(struct pair *pair, const struct core_outbound *outbound)
{
	struct carried *carried = pair->test;
	if (outbound->call == CORE_DELIVER && strcmp(outbound->peer, HOME) == 0) {
		carried->items = outbound->batch->items_count;
		carried->most = carried->items > carried->most ? carried->items : carried->most;
		carried->calls++;
	}
	return ARRIVES;
}

static void test_what_is_behind_a_message_that_waits_is_not_sent_again_and_again(void **state)
{
	struct pair *pair = pair_new(*state);
	struct carried carried = {0};
	char stuck[32];
	pair_submit(pair, true, stuck);
	struct calendar *old = lose_calendar(pair, stuck);
	pair_pass(pair, TB_MINUTE);
	OK(pair_act(pair, &pair->window, stuck, "SUPPLEMENT", "R_WIN", "")); /* needs the calendar */
	for (int i = 0; i < 3; i++)
		OK(pair_act(pair, &pair->window, stuck, "CONSULT", "R_WIN", NOTE));
	pair->fate = weighed;
	pair->test = &carried;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(carried.items, 1);
	assert_in_range(carried.calls, 9, 25);
	pair->home.setup.calendar = pair->calendar;
	pair_crash(pair, &pair->home);
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 0);
	pair_assert_equal_logs(pair, stuck);
	calendar_free(old);
	pair_free(pair);
}

static void test_a_case_does_not_wait_out_the_retry_of_another(void **state)
{
	struct pair *pair = pair_new(*state);
	char stuck[32], free_one[32];
	pair_submit(pair, true, stuck);
	pair_submit(pair, true, free_one);
	struct calendar *old = lose_calendar(pair, stuck);
	pair_pass(pair, TB_MINUTE);
	OK(pair_act(pair, &pair->window, stuck, "SUPPLEMENT", "R_WIN", ""));
	pair_pass(pair, TB_HOUR); /* by now it is tried every five minutes */
	uint32_t seq = pair_case(pair, &pair->home, free_one)->seq;
	OK(pair_act(pair, &pair->window, free_one, "CONSULT", "R_WIN", NOTE));
	pair_pass(pair, 2 * TB_SECOND);
	assert_int_equal(pair_case(pair, &pair->home, free_one)->seq, seq + 1);
	calendar_free(old);
	pair_free(pair);
}

/* The window sends what the home region had asked for in each of |count| cases, and the home region cannot
 * take it: its calendar is lost. It is to be freed. */
static struct calendar *stick(struct pair *pair, char numbers[][32], size_t count)
{
	struct calendar *old;
	struct tb_error err;
	for (size_t i = 0; i < count; i++) {
		pair_submit(pair, true, numbers[i]);
		OK(pair_act(pair, &pair->home, numbers[i], "NOTIFY", "H_WIN", NEEDS));
	}
	OK(calendar_parse(&old, tb_bytes_str("2020-01-01\tH\n"), &err));
	pair->home.setup.calendar = old;
	pair_crash(pair, &pair->home);
	pair->parted = true;
	for (size_t i = 0; i < count; i++)
		OK(pair_act(pair, &pair->window, numbers[i], "SUPPLEMENT", "R_WIN", ""));
	pair->parted = false;
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), count);
	return old;
}

static void test_cases_that_wait_hold_up_no_other_however_many_they_are(void **state)
{
	enum { STUCK = 520 }; /* more than a call carries */
	static char stuck[STUCK][32];
	struct pair *pair = pair_new(*state);
	struct carried carried = {0};
	char free_one[32];
	pair_submit(pair, true, free_one);
	struct calendar *old = stick(pair, stuck, STUCK);
	/* Another case goes on at once, again and again. */
	uint32_t seq = pair_case(pair, &pair->home, free_one)->seq;
	for (uint32_t i = 1; i <= 5; i++) {
		OK(pair_act(pair, &pair->window, free_one, "CONSULT", "R_WIN", NOTE));
		assert_int_equal(pair_case(pair, &pair->home, free_one)->seq, seq + i);
		pair_pass(pair, TB_HOUR);
	}
	/* Nor after a restart, when the node does not know which ones wait. */
	pair->parted = true;
	OK(pair_act(pair, &pair->window, free_one, "CONSULT", "R_WIN", NOTE));
	pair_crash(pair, &pair->window);
	pair->parted = false;
	pair_pass(pair, 2 * TB_SECOND);
	assert_int_equal(pair_case(pair, &pair->home, free_one)->seq, seq + 6);
	pair_pass(pair, TB_HOUR);
	/* What waits is tried seldom, and not all of it at a time. */
	pair->fate = weighed;
	pair->test = &carried;
	pair_pass(pair, TB_HOUR);
	assert_in_range(carried.calls, 20, 60);
	assert_in_range(carried.most, 1, 256);
	/* The calendar is back: all goes within minutes. */
	pair->home.setup.calendar = pair->calendar;
	pair_crash(pair, &pair->home);
	pair_pass(pair, 7 * TB_MINUTE);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 0);
	for (size_t i = 0; i < STUCK; i += 50)
		pair_assert_equal_logs(pair, stuck[i]);
	calendar_free(old);
	pair_free(pair);
}

static void test_a_case_with_a_long_queue_that_waits_holds_up_nobody(void **state)
{
	enum { MANY = 1100 }; /* more than a turn looks at */
	struct pair *pair = pair_new(*state);
	char stuck[1][32], free_one[32];
	pair_submit(pair, true, free_one);
	struct calendar *old = stick(pair, stuck, 1);
	for (int i = 0; i < MANY; i++)
		OK(pair_act(pair, &pair->window, stuck[0], "CONSULT", "R_WIN", NOTE));
	pair_crash(pair, &pair->window);
	uint32_t seq = pair_case(pair, &pair->home, free_one)->seq;
	OK(pair_act(pair, &pair->window, free_one, "CONSULT", "R_WIN", NOTE));
	pair_pass(pair, 2 * TB_SECOND);
	assert_int_equal(pair_case(pair, &pair->home, free_one)->seq, seq + 1);
	seq = pair_case(pair, &pair->home, stuck[0])->seq;
	pair->home.setup.calendar = pair->calendar;
	pair_crash(pair, &pair->home);
	pair_pass(pair, 7 * TB_MINUTE);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 0);
	assert_int_equal(pair_case(pair, &pair->home, stuck[0])->seq, seq + 1 + MANY);
	calendar_free(old);
	pair_free(pair);
}

static void test_a_long_queue_goes_in_batches_that_fit_and_keeps_its_order(void **state)
{
	enum { MANY = 560, PROSE = 1800 }; /* over 512 messages, and over 900 KiB */
	struct pair *pair = pair_new(*state);
	struct tries tries = {.fate = ARRIVES};
	char number[32], more[PROSE + 64];
	pair_submit(pair, true, number);
	pair->parted = true;
	for (int i = 0; i < MANY; i++) {
		snprintf(more, sizeof(more), "\"detail\":{\"note\":\"%0*d\"}", PROSE, i);
		OK(pair_act(pair, &pair->window, number, "CONSULT", "R_WIN", more));
	}
	pair->parted = false;
	pair->fate = noted;
	pair->test = &tries;
	pair_pass(pair, 2 * TB_MINUTE);
	assert_true(tries.count >= 2 && tries.count <= 4);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	uint32_t first = view->seq - MANY;
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(atoi(view->log[first + i]->detail->note), i);
	pair_free(pair);
}

/* ---- what never arrives */

static PbDeadLettersResponse *dead(struct pair *pair, struct side *side)
{
	return (PbDeadLettersResponse *)(void *)pair_ask(pair, side, "/tongban.v1.NodeService/DeadLetters",
	                                                 "{}");
}

static enum tb_code requeue(struct pair *pair, struct side *side, const char *peer, uint64_t seq)
{
	char json[128];
	enum tb_code code;
	snprintf(json, sizeof(json), "{\"peer\":\"%s\",\"seq\":\"%llu\"}", peer, (unsigned long long)seq);
	pair_call(pair, side, "/tongban.v1.NodeService/Requeue", json, &code);
	return code;
}

/* Lets the life of what waits run out. */
static void expire_all(struct pair *pair)
{
	pair->now += 7 * TB_DAY + TB_SECOND;
	pair_run(pair);
}

static void test_a_message_lives_for_seven_days(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	unsigned errors = pair->window.logged_errors;
	pair->now += 7 * TB_DAY;
	pair_run(pair);
	assert_int_equal(dead(pair, &pair->window)->n_letters, 0);
	pair_pass(pair, 6 * TB_MINUTE);
	PbDeadLettersResponse *letters = dead(pair, &pair->window);
	assert_int_equal(letters->n_letters, 1);
	assert_string_equal(letters->letters[0]->peer, HOME);
	assert_string_equal(letters->letters[0]->case_number, number);
	assert_true(letters->letters[0]->reason[0]);
	assert_true(pair->window.logged_errors > errors);
	assert_int_equal(hostile_leaves(pair, &pair->window, "LEAF_DEAD_LETTER"), 1);
	/* The notice is never given up: until it has its receipt, nobody knows what became of the message. */
	pair_pass(pair, 20 * TB_DAY);
	assert_int_equal(dead(pair, &pair->window)->n_letters, 1);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 1);
	pair->parted = false;
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(dead(pair, &pair->window)->n_letters, 0);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 0);
	assert_string_equal(pair_case(pair, &pair->window, number)->owner, WINDOW);
	pair_free(pair);
}

static enum fate answers_lost(struct pair *pair, const struct core_outbound *outbound)
{
	(void)pair;
	return outbound->call == CORE_DELIVER ? ANSWER_LOST : ARRIVES;
}

static void test_a_package_that_was_applied_before_it_expired_is_handed_over(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair->fate = answers_lost;
	pair_submit(pair, true, number);
	pair->parted = true;
	expire_all(pair);
	assert_int_equal(dead(pair, &pair->window)->n_letters, 1);
	pair->fate = NULL;
	pair->parted = false;
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(dead(pair, &pair->window)->n_letters, 0);
	assert_string_equal(pair_case(pair, &pair->window, number)->owner, HOME);
	assert_string_equal(pair_case(pair, &pair->home, number)->owner, HOME);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	pair_pass(pair, 6 * TB_MINUTE);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_entries_that_expired_unseen_are_sent_again_and_applied_ones_are_not(void **state)
{
	struct pair *pair = pair_new(*state);
	char unseen[32], applied[32];
	pair_submit(pair, true, unseen);
	pair_submit(pair, true, applied);
	pair->fate = answers_lost;
	OK(pair_act(pair, &pair->home, applied, "ACCEPT", "H_WIN", ""));
	pair->parted = true;
	OK(pair_act(pair, &pair->home, unseen, "ACCEPT", "H_WIN", ""));
	expire_all(pair);
	assert_int_equal(dead(pair, &pair->home)->n_letters, 2);
	pair->fate = NULL;
	pair->parted = false;
	pair_pass(pair, 10 * TB_MINUTE);
	assert_int_equal(dead(pair, &pair->home)->n_letters, 0);
	assert_int_equal(hostile_count(&pair->home, KV_OUTGOING), 0);
	pair_assert_equal_logs(pair, unseen);
	pair_assert_equal_logs(pair, applied);
	assert_int_equal(pair_case(pair, &pair->window, unseen)->state, PB_CASE_STATE__ACCEPTED);
	assert_int_equal(pair_case(pair, &pair->window, applied)->state, PB_CASE_STATE__ACCEPTED);
	assert_false(pair_case(pair, &pair->home, unseen)->dispute);
	pair_free(pair);
}

/* Simulator, seeds 121 of the swarm and 268 of rolling power: the region was down while its message expired,
 * and what it ordered as it came back was refused, since it followed what never came. */
static void test_entries_behind_one_that_expired_unseen_are_sent_again_too(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	pair->parted = true;
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	expire_all(pair);
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	expire_all(pair); /* both are given up, the second with its own notice */
	OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", ""));
	assert_int_equal(dead(pair, &pair->home)->n_letters, 2);
	pair->parted = false;
	pair_pass(pair, 10 * TB_MINUTE);
	assert_int_equal(dead(pair, &pair->home)->n_letters, 0);
	assert_int_equal(hostile_count(&pair->home, KV_OUTGOING), 0);
	assert_false(pair_case(pair, &pair->home, number)->dispute);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__GRANTED);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_return_that_expired_unseen_is_sent_again(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	pair->parted = true;
	OK(pair_act(pair, &pair->home, number, "RETURN", "H_WIN",
	            "\"detail\":{\"reason\":\"the photograph is missing\"}"));
	expire_all(pair);
	pair->parted = false;
	pair_pass(pair, 10 * TB_MINUTE);
	assert_false(pair_case(pair, &pair->home, number)->dispute);
	assert_string_equal(pair_case(pair, &pair->window, number)->owner, WINDOW);
	assert_string_equal(pair_case(pair, &pair->home, number)->owner, WINDOW);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_proposal_that_expired_unseen_is_told_to_who_proposed(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	pair->parted = true;
	OK(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT", ""));
	expire_all(pair);
	pair->parted = false;
	pair_pass(pair, 10 * TB_MINUTE);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_not_equal(view->state, PB_CASE_STATE__WITHDRAWN);
	assert_non_null(strstr(view->proposal, "expired"));
	/* It may be proposed again. */
	OK(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT", ""));
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__WITHDRAWN);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_dead_letter_can_be_sent_again(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	expire_all(pair);
	uint64_t seq = dead(pair, &pair->window)->letters[0]->seq;
	assert_int_equal(requeue(pair, &pair->window, HOME, seq + 1), TB_ENOTFOUND);
	assert_int_equal(requeue(pair, &pair->window, "330100", seq), TB_ENOTFOUND);
	assert_int_equal(requeue(pair, &pair->window, "", seq), TB_ENOTFOUND);
	OK(requeue(pair, &pair->window, HOME, seq));
	assert_int_equal(requeue(pair, &pair->window, HOME, seq), TB_ENOTFOUND);
	assert_int_equal(dead(pair, &pair->window)->n_letters, 0);
	pair_crash(pair, &pair->window);
	pair->parted = false;
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__SIGNED_FOR);
	assert_string_equal(pair_case(pair, &pair->window, number)->owner, HOME);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 0);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_peer_that_is_removed_during_a_call_keeps_what_waits_for_it(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *window = &pair->window;
	char number[32];
	pair_submit(pair, true, number);
	pair->parted = true;
	OK(pair_act(pair, window, number, "CONSULT", "R_WIN", NOTE));
	/* The answer of the call in flight comes when the peer is gone, and when it is back. */
	pair->parted = false;
	struct peer_set *back = peer_set_ref(window->peers);
	window->waiting.events[window->waiting.count++] =
		(struct core_event){.kind = CORE_PEERS, .peers = peer_set_new()};
	pair->now += TB_MINUTE;
	struct peer_set *none = window->waiting.events[0].peers;
	peer_set_unref(window->peers);
	window->peers = none;
	pair_run(pair);
	assert_int_equal(requeue(pair, window, HOME, 1), TB_ENOTFOUND);
	assert_int_equal(hostile_count(window, KV_OUTGOING), 1);
	pair_set_peers(pair, window, back);
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(hostile_count(window, KV_OUTGOING), 0);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->log[view->seq - 1]->event, PB_CASE_EVENT__CONSULT);
	pair_free(pair);
}

/* ---- notices and ids that no node of ours would send */

static const PbReceipt *send_notice(struct forgery *f, const void *id, size_t id_size, size_t digest_size,
                                    struct pair_reply *reply)
{
	static uint8_t zeros[1024];
	f->message->package = NULL;
	f->message->entries = NULL;
	f->message->proposal = NULL;
	f->message->expired = PROTO_NEW(PbExpiredNotice, expired_notice, &f->arena);
	f->message->expired->id = proto_data(tb_bytes_of(id, id_size));
	f->message->expired->digest = proto_data(tb_bytes_of(zeros, digest_size));
	f->message->expired->case_seq = 1;
	return forgery_send(f, reply);
}

static void test_a_notice_with_an_id_of_any_length_is_answered(void **state)
{
	static const uint8_t id[1024] = {7};
	static const size_t sizes[][2] = {{0, 32},    {15, 32}, {17, 32}, {494, 32},
	                                  {1024, 32}, {16, 0},  {16, 32}};
	struct pair *pair = pair_new(*state);
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct forgery f;
		struct pair_reply reply;
		forgery_take(&f, pair, &pair->window);
		const PbReceipt *receipt = send_notice(&f, id, sizes[i][0], sizes[i][1], &reply);
		assert_int_equal(receipt->kind, PB_RECEIPT_KIND__DURABLE);
		assert_string_equal(receipt->code, "unseen");
		pair_reply_clear(&reply);
		forgery_clear(&f);
	}
	pair_free(pair);
}

static void test_a_notice_of_a_refused_message_says_that_it_took_no_effect(void **state)
{
	struct pair *pair = pair_new(*state);
	struct forgery f;
	struct pair_reply reply;
	char number[32];
	uint8_t id[16];
	pair_submit(pair, true, number);
	pair->parted = true;
	OK(pair_act(pair, &pair->window, number, "CONSULT", "R_WIN", NOTE));
	forgery_take(&f, pair, &pair->window);
	f.message->proposal->event = PB_CASE_EVENT__GRANT;
	const PbReceipt *receipt = forgery_send(&f, &reply);
	assert_int_equal(receipt->kind, PB_RECEIPT_KIND__REJECTED);
	memcpy(id, receipt->id.data, sizeof(id));
	pair_reply_clear(&reply);
	receipt = send_notice(&f, id, sizeof(id), PKI_HASH_BYTES, &reply);
	assert_string_equal(receipt->code, "unseen");
	pair_reply_clear(&reply);
	forgery_clear(&f);
	pair_free(pair);
}

static const PbReceipt *send_naming(struct forgery *f, struct pair *pair, const char *node, size_t size,
                                    struct pair_reply *reply)
{
	static uint8_t zeros[1024];
	forgery_take(f, pair, &pair->home);
	f->entries[0]->proposal = proto_data(tb_bytes_of(zeros, size));
	f->entries[0]->node = tb_arena_str(&f->arena, node);
	return forgery_send(f, reply);
}

static void test_an_entry_that_names_a_proposal_of_any_length_is_answered(void **state)
{
	struct pair *pair = pair_new(*state);
	struct forgery f;
	struct pair_reply reply;
	char number[32];
	pair_submit(pair, true, number);
	pair->parted = true;
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	for (size_t size = 0; size <= 1024; size += size < 16 ? 8 : 252) {
		assert_int_equal(send_naming(&f, pair, WINDOW, size, &reply)->kind,
		                 PB_RECEIPT_KIND__REJECTED);
		pair_reply_clear(&reply);
		forgery_clear(&f);
	}
	/* In an entry of the owner's own it means nothing, whatever it is. */
	pair->parted = false;
	pair_submit(pair, true, number);
	pair_pass(pair, 6 * TB_MINUTE);
	pair->parted = true;
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	assert_int_equal(send_naming(&f, pair, HOME, 1024, &reply)->kind, PB_RECEIPT_KIND__DURABLE);
	pair_reply_clear(&reply);
	forgery_clear(&f);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_peer_that_is_away_is_tried_at_longer_and_longer_intervals),
		TEST(test_a_peer_that_answers_and_settles_nothing_is_tried_as_seldom),
		TEST(test_who_settles_nothing_is_not_tried_sooner_because_it_calls),
		TEST(test_who_calls_is_called_back_without_waiting_out_a_long_retry),
		TEST(test_a_peer_that_cannot_be_called_gets_nothing_until_it_can),
		TEST(test_a_case_that_waits_keeps_its_order_and_no_other_case_waits),
		TEST(test_what_is_behind_a_message_that_waits_is_not_sent_again_and_again),
		TEST(test_a_case_does_not_wait_out_the_retry_of_another),
		TEST(test_cases_that_wait_hold_up_no_other_however_many_they_are),
		TEST(test_a_case_with_a_long_queue_that_waits_holds_up_nobody),
		TEST(test_a_long_queue_goes_in_batches_that_fit_and_keeps_its_order),
		TEST(test_a_message_lives_for_seven_days),
		TEST(test_a_package_that_was_applied_before_it_expired_is_handed_over),
		TEST(test_entries_that_expired_unseen_are_sent_again_and_applied_ones_are_not),
		TEST(test_entries_behind_one_that_expired_unseen_are_sent_again_too),
		TEST(test_a_return_that_expired_unseen_is_sent_again),
		TEST(test_a_proposal_that_expired_unseen_is_told_to_who_proposed),
		TEST(test_a_dead_letter_can_be_sent_again),
		TEST(test_a_peer_that_is_removed_during_a_call_keeps_what_waits_for_it),
		TEST(test_a_notice_with_an_id_of_any_length_is_answered),
		TEST(test_a_notice_of_a_refused_message_says_that_it_took_no_effect),
		TEST(test_an_entry_that_names_a_proposal_of_any_length_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
