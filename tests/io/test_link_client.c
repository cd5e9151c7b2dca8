/* Calls to peers, and fetching materials. */
#include "link_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
	struct node a, b;
};

static int pair_setup(void **state)
{
	struct pair *pair = tb_alloc(sizeof(*pair));
	node_start(&pair->a, &changzhou, peers_of(&hangzhou, NULL));
	node_start(&pair->b, &hangzhou, peers_of(&changzhou, NULL));
	*state = pair;
	return 0;
}

static int pair_teardown(void **state)
{
	struct pair *pair = *state;
	node_stop(&pair->a);
	node_stop(&pair->b);
	free(pair);
	return 0;
}

static void test_link_send_brings_back_refusals(void **state)
{
	struct pair *pair = *state;
	const char *text = node_call_fails(&pair->a, &hangzhou, pair->b.endpoint, "malformed", TB_EMALFORMED);
	assert_non_null(strstr(text, "peer 330100: batch: malformed"));
	/* Its core learns of what it refused before any turn, and of nothing else. */
	assert_int_equal(node_refused_count(&pair->b), 1);
	assert_string_equal(pair->b.refused.peer, changzhou.code);
	assert_string_equal(pair->b.refused.what, "verify");
	assert_int_equal(pair->b.refused.code, TB_EMALFORMED);
	text = node_call_fails(&pair->a, &hangzhou, pair->b.endpoint, "denied", TB_EDENIED);
	assert_non_null(strstr(text, "items[3]: not granted"));
	/* The peer's own trouble: fate unknown, and no inner text leaves it. */
	text = node_call_fails(&pair->a, &hangzhou, pair->b.endpoint, "broken", TB_EUNREACHABLE);
	assert_null(strstr(text, "secret"));
	node_call_fails(&pair->a, &hangzhou, pair->b.endpoint, "strange", TB_EREPLAY);
	assert_int_equal(node_refused_count(&pair->b), 1);
}

static void test_link_send_refuses_what_is_too_big(void **state)
{
	struct pair *pair = *state;
	node_call_fails(&pair->a, &hangzhou, pair->b.endpoint, "big", TB_ETOOBIG);
	assert_int_equal(node_inbound_count(&pair->b), 0);
}

/* A port on which nobody listens, since this socket is bound and does not. */
static int dead_port(char *endpoint, size_t room)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	snprintf(endpoint, room, "127.0.0.1:%d", ntohs(at.sin_port));
	return fd;
}

static void test_link_send_says_unreachable_at_once(void **state)
{
	struct pair *pair = *state;
	char endpoint[64];
	int fd = dead_port(endpoint, sizeof(endpoint));
	/* With an hour's patience: it must not be used. */
	node_send(&pair->a, &hangzhou, endpoint, "hello", TB_HOUR);
	struct core_outbound *outbound = node_wait_called(&pair->a);
	assert_int_equal(outbound->error.code, TB_EUNREACHABLE);
	outbound_free(outbound);
	assert_string_equal(link_peer_state(pair->a.link, "330100"), "failing");
	node_call_fails(&pair->a, &hangzhou, "", "hello", TB_EUNREACHABLE);
	node_call_fails(&pair->a, &hangzhou, "[::1", "hello", TB_EUNREACHABLE);
	/* The same region elsewhere: the old channel is not in the way. */
	outbound = node_call(&pair->a, &hangzhou, pair->b.endpoint, "hello");
	assert_int_equal(outbound->error.code, TB_OK);
	outbound_free(outbound);
	close(fd);
}

static void test_link_send_ends_in_time(void **state)
{
	struct pair *pair = *state;
	pair->b.hold = true;
	node_send(&pair->a, &hangzhou, pair->b.endpoint, "wait", 300);
	struct core_outbound *outbound = node_wait_called(&pair->a);
	assert_int_equal(outbound->error.code, TB_ETIMEOUT);
	outbound_free(outbound);
}

static void test_link_send_carries_many_at_once(void **state)
{
	struct pair *pair = *state;
	for (int i = 0; i < 400; i++)
		node_send(&pair->a, &hangzhou, pair->b.endpoint, "hello", 30000);
	for (int i = 0; i < 400; i++) {
		struct core_outbound *outbound = node_wait_called(&pair->a);
		if (outbound->error.code != TB_OK)
			print_error("%s\n", outbound->error.text);
		assert_int_equal(outbound->error.code, TB_OK);
		assert_string_equal(outbound_answer(outbound), "320400:0:hello");
		outbound_free(outbound);
	}
	assert_int_equal(node_inbound_count(&pair->b), 400);
}

static void test_link_finds_a_peer_that_was_started_again(void **state)
{
	struct pair *pair = *state;
	char endpoint[64];
	memcpy(endpoint, pair->b.endpoint, sizeof(endpoint));
	struct core_outbound *outbound = node_call(&pair->a, &hangzhou, endpoint, "hello");
	assert_int_equal(outbound->error.code, TB_OK);
	outbound_free(outbound);
	node_stop(&pair->b);
	node_call_fails(&pair->a, &hangzhou, endpoint, "hello", TB_EUNREACHABLE);
	/* In the meantime another program may have got the port: then there is nothing to be seen. */
	if (!node_start_at(&pair->b, &hangzhou, peers_of(&changzhou, NULL), endpoint)) {
		node_start(&pair->b, &hangzhou, peers_of(&changzhou, NULL));
		skip();
	}
	/* The pause after a failure, in which calls are refused at once, is a short one. */
	enum tb_code code = TB_EUNREACHABLE;
	while (code == TB_EUNREACHABLE) {
		outbound = node_call(&pair->a, &hangzhou, endpoint, "hello");
		code = outbound->error.code;
		outbound_free(outbound);
	}
	assert_int_equal(code, TB_OK);
}

static void test_link_drops_channels_of_peers_that_are_gone(void **state)
{
	struct pair *pair = *state;
	struct core_outbound *outbound = node_call(&pair->a, &hangzhou, pair->b.endpoint, "hello");
	outbound_free(outbound);
	assert_string_equal(link_peer_state(pair->a.link, "330100"), "ready");
	/* There, at the same place: kept. */
	struct peer_set *set = peer_set_new();
	struct peer peer = {.region = "330100", .name = "", .endpoint = pair->b.endpoint};
	assert_int_equal(peer_set_add(set, &peer, tb_buf_bytes(&hangzhou.ca), NULL), TB_OK);
	node_set_peers(&pair->a, set);
	link_peers_changed(pair->a.link);
	assert_string_equal(link_peer_state(pair->a.link, "330100"), "ready");
	/* Elsewhere, as peers_of() has no address. */
	node_set_peers(&pair->a, peers_of(&hangzhou, NULL));
	link_peers_changed(pair->a.link);
	assert_string_equal(link_peer_state(pair->a.link, "330100"), "unused");
}

static void expect_fetched(struct node *node, enum tb_code code, uint32_t chunks, const char *text)
{
	struct core_fetch *fetch = node_wait_fetched(node);
	if (fetch->error.code != code)
		print_error("%s: %s\n", tb_code_name(fetch->error.code), fetch->error.text);
	assert_int_equal(fetch->error.code, code);
	assert_int_equal(fetch->chunks, chunks);
	if (text)
		assert_non_null(strstr(fetch->error.text, text));
	assert_null(strstr(fetch->error.text, "secret"));
	free(fetch);
}

static void test_link_fetch_takes_every_part(void **state)
{
	struct pair *pair = *state;
	node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 20, 0, 0);
	expect_fetched(&pair->a, TB_OK, 20, NULL);
	assert_int_equal(pair->a.progress_count, 10);
	/* None at all is fine as well. */
	node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 0, 0, 0);
	expect_fetched(&pair->a, TB_OK, 0, NULL);
}

static void test_link_fetches_beside_each_other_and_beside_calls(void **state)
{
	struct pair *pair = *state;
	for (int i = 0; i < 4; i++)
		node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 8, 0, 0);
	struct core_outbound *outbound = node_call(&pair->a, &hangzhou, pair->b.endpoint, "hello");
	assert_int_equal(outbound->error.code, TB_OK);
	outbound_free(outbound);
	for (int i = 0; i < 4; i++)
		expect_fetched(&pair->a, TB_OK, 8, NULL);
}

static void test_link_bounds_the_fetches_of_one_peer(void **state)
{
	struct pair *pair = *state;
	sources_wait(true);
	for (size_t i = 0; i < LINK_PEER_FETCHES_MAX + 1; i++)
		node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 2, 0, 3);
	expect_fetched(&pair->a, TB_ETHROTTLED, 0, NULL);
	/* Its other calls are answered. */
	struct core_outbound *outbound = node_call(&pair->a, &hangzhou, pair->b.endpoint, "hello");
	assert_int_equal(outbound->error.code, TB_OK);
	outbound_free(outbound);
	sources_wait(false);
	for (size_t i = 0; i < LINK_PEER_FETCHES_MAX; i++)
		expect_fetched(&pair->a, TB_OK, 2, NULL);
	/* Those that have ended leave their room. */
	for (size_t i = 0; i < 3; i++) {
		node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 2, 0, 0);
		expect_fetched(&pair->a, TB_OK, 2, NULL);
	}
}

static void test_link_fetch_stops_at_a_bad_part(void **state)
{
	struct pair *pair = *state;
	node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 40, 4, 0);
	expect_fetched(&pair->a, TB_EUNTRUSTED, 3, "part 3: wrong digest");
	/* The server's side has ended, too. */
	link_drain(pair->b.link, 30000);
	assert_int_equal(link_running(pair->b.link), 0);
}

static void test_link_fetch_brings_back_refusals(void **state)
{
	struct pair *pair = *state;
	node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 3, 0, 1);
	expect_fetched(&pair->a, TB_EDENIED, 0, "not in a case of yours");
	node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 3, 0, 2);
	expect_fetched(&pair->a, TB_EUNREACHABLE, 1, "330100");
	char endpoint[64];
	int fd = dead_port(endpoint, sizeof(endpoint));
	node_fetch(&pair->a, &hangzhou, endpoint, 3, 0, 0);
	expect_fetched(&pair->a, TB_EUNREACHABLE, 0, NULL);
	close(fd);
	/* A request that is none. */
	struct tb_buf answer = {0};
	assert_int_equal(raw_call(&changzhou, pair->b.endpoint, "/tongban.v1.Exchange/FetchMaterial",
	                          "\x0A\x01x", 3, &answer),
	                 3);
}

static void test_link_fetch_rests_while_it_is_lent(void **state)
{
	struct pair *pair = *state;
	pair->a.keep_lent = true;
	node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 5, 0, 0);
	struct core_fetch *lent = node_wait_lent(&pair->a);
	assert_int_equal(lent->chunks, 2);
	link_fetch_resume(pair->a.link, lent);
	lent = node_wait_lent(&pair->a);
	assert_int_equal(lent->chunks, 4);
	assert_int_equal(pair->a.fetched_count, 0);
	link_fetch_resume(pair->a.link, lent);
	expect_fetched(&pair->a, TB_OK, 5, NULL);
}

static void test_link_closes_with_a_fetch_under_way(void **state)
{
	struct pair *pair = *state;
	pair->a.keep_lent = true;
	node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 50, 0, 0);
	assert_non_null(node_wait_lent(&pair->a));
	link_close(pair->a.link);
	pair->a.link = NULL;
	assert_int_equal(pair->a.fetched_count, 1);
	expect_fetched(&pair->a, TB_EUNREACHABLE, pair->a.fetched[0]->chunks, NULL);
}

static void test_link_closes_while_a_fetch_is_being_lent(void **state)
{
	struct pair *pair = *state;
	/* The call is cut, and only then is the loan given back, from within the callback. */
	pair->a.after = &pair->b;
	node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 200, 0, 0);
	node_wait_progress(&pair->a);
	link_close(pair->a.link);
	pair->a.link = NULL;
	assert_int_equal(pair->a.fetched_count, 1);
	expect_fetched(&pair->a, TB_EUNREACHABLE, pair->a.fetched[0]->chunks, NULL);
}

static void test_link_fetch_ends_when_the_peer_goes_away(void **state)
{
	struct pair *pair = *state;
	pair->a.keep_lent = true;
	node_fetch(&pair->a, &hangzhou, pair->b.endpoint, 200, 0, 0);
	struct core_fetch *lent = node_wait_lent(&pair->a);
	link_close(pair->b.link);
	pair->b.link = NULL;
	pair->a.keep_lent = false;
	link_fetch_resume(pair->a.link, lent);
	struct core_fetch *fetch = node_wait_fetched(&pair->a);
	assert_int_equal(fetch->error.code, TB_EUNREACHABLE);
	assert_in_range(fetch->chunks, 2, 199); /* what was good stays */
	free(fetch);
}

#define PAIR(test) cmocka_unit_test_setup_teardown(test, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(test_link_send_brings_back_refusals),
		PAIR(test_link_send_refuses_what_is_too_big),
		PAIR(test_link_send_says_unreachable_at_once),
		PAIR(test_link_send_ends_in_time),
		PAIR(test_link_send_carries_many_at_once),
		PAIR(test_link_finds_a_peer_that_was_started_again),
		PAIR(test_link_drops_channels_of_peers_that_are_gone),
		PAIR(test_link_fetch_takes_every_part),
		PAIR(test_link_fetches_beside_each_other_and_beside_calls),
		PAIR(test_link_bounds_the_fetches_of_one_peer),
		PAIR(test_link_fetch_stops_at_a_bad_part),
		PAIR(test_link_fetch_brings_back_refusals),
		PAIR(test_link_fetch_rests_while_it_is_lent),
		PAIR(test_link_closes_with_a_fetch_under_way),
		PAIR(test_link_closes_while_a_fetch_is_being_lent),
		PAIR(test_link_fetch_ends_when_the_peer_goes_away),
	};
	return cmocka_run_group_tests(tests, regions_setup, regions_teardown);
}
