/* Opening, limits, the server's routes, draining, closing. */
#include "link_fixture.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_answer(struct node *from, struct node *to, const char *text, const char *answer)
{
	struct core_outbound *outbound = node_call(from, to->region, to->endpoint, text);
	if (outbound->error.code != TB_OK)
		print_error("%s\n", outbound->error.text);
	assert_int_equal(outbound->error.code, TB_OK);
	assert_string_equal(outbound_answer(outbound), answer);
	outbound_free(outbound);
}

static void test_link_calls_both_ways(void **state)
{
	(void)state;
	struct node a, b;
	node_start(&a, &changzhou, peers_of(&hangzhou, NULL));
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	expect_answer(&a, &b, "hello", "320400:0:hello");
	expect_answer(&a, &b, "deliver", "320400:1:deliver");
	expect_answer(&a, &b, "describe", "320400:2:describe");
	expect_answer(&b, &a, "back", "330100:0:back");
	assert_string_equal(link_peer_state(a.link, "330100"), "ready");
	assert_string_equal(link_peer_state(a.link, "510100"), "unused");
	node_stop(&a);
	node_stop(&b);
}

static void test_link_refuses_a_port_that_is_taken(void **state)
{
	(void)state;
	struct node a;
	node_start(&a, &changzhou, peers_of(&hangzhou, NULL));
	struct link_setup setup = node_setup(&a);
	struct link *link = NULL;
	struct tb_error err = {0};
	setup.listen = a.endpoint;
	assert_int_equal(link_open(&link, &setup, &err), TB_EBUSY);
	assert_null(link);
	assert_non_null(strstr(err.text, a.endpoint));
	node_stop(&a);
}

static void test_link_refuses_what_is_no_address(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
	                                  "127.0.0.1",
	                                  "127.0.0.1:",
	                                  ":7443",
	                                  "127.0.0.1:65536",
	                                  "127.0.0.1:x",
	                                  "127.0.0.1:74x",
	                                  "127.0.0.1:-1"};
	struct node node = {.region = &changzhou};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct link_setup setup = node_setup(&node);
		struct link *link = NULL;
		setup.listen = bad[i];
		assert_int_equal(link_open(&link, &setup, NULL), TB_EINVALID);
		assert_null(link);
	}
}

static void test_link_refuses_what_is_no_key_or_certificate(void **state)
{
	(void)state;
	struct node node = {.region = &changzhou};
	struct link *link = NULL;
	struct link_setup setup = node_setup(&node);
	setup.tls_key_pem = tb_bytes_str("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n");
	assert_int_not_equal(link_open(&link, &setup, NULL), TB_OK);
	assert_null(link);
	setup = node_setup(&node);
	setup.tls_chain_pem = tb_bytes_str("no certificate");
	assert_int_not_equal(link_open(&link, &setup, NULL), TB_OK);
	assert_null(link);
}

static void test_link_answers_health_and_refuses_unknown_methods(void **state)
{
	(void)state;
	struct node b;
	struct tb_buf answer = {0};
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	static const char health[] = "/grpc.health.v1.Health/Check";
	assert_int_equal(raw_call(&changzhou, b.endpoint, health, "", 0, &answer), 0);
	assert_int_equal(answer.size, 2);
	assert_memory_equal(answer.data, "\x08\x01", 2);
	tb_buf_clear(&answer);
	assert_int_equal(raw_call(&changzhou, b.endpoint, health, "\x0A\x13tongban.v1.Exchange", 21, &answer),
	                 0);
	assert_memory_equal(answer.data, "\x08\x01", 2);
	tb_buf_clear(&answer);
	assert_int_equal(raw_call(&changzhou, b.endpoint, health, "\x0A\x01x", 3, &answer), 5);
	assert_int_equal(raw_call(&changzhou, b.endpoint, "/tongban.v1.Exchange/Erase", "", 0, &answer), 12);
	assert_int_equal(raw_call(&changzhou, b.endpoint, "/", "", 0, &answer), 12);
	assert_int_equal(answer.size, 0);
	assert_int_equal(node_inbound_count(&b), 0);
	node_stop(&b);
}

static void test_link_refuses_messages_over_the_limit(void **state)
{
	(void)state;
	struct node b;
	struct tb_buf answer = {0};
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	size_t size = TB_MESSAGE_BYTES_MAX;
	char *bytes = tb_alloc(size + 1);
	memset(bytes, 'x', size + 1);
	static const char path[] = "/tongban.v1.Exchange/Verify";
	assert_int_equal(raw_call(&changzhou, b.endpoint, path, bytes, size + 1, &answer), 8);
	assert_int_equal(node_inbound_count(&b), 0);
	/* The answer is longer by the caller's name, so one message of the full size has no answer: the node
	 * must say so instead of sending what the peer will not take. */
	assert_int_equal(raw_call(&changzhou, b.endpoint, path, bytes, size, &answer), 3);
	assert_int_equal(node_inbound_count(&b), 1);
	assert_int_equal(raw_call(&changzhou, b.endpoint, path, bytes, size - 9, &answer), 0);
	assert_int_equal(answer.size, size);
	free(bytes);
	tb_buf_clear(&answer);
	node_stop(&b);
}

static void test_link_bounds_the_calls_of_one_peer(void **state)
{
	(void)state;
	struct node a[3], b, c;
	node_start(&b, &hangzhou, peers_of(&changzhou, &chengdu));
	b.hold = true;
	for (size_t i = 0; i < 3; i++)
		node_start(&a[i], &changzhou, peers_of(&hangzhou, NULL));
	node_start(&c, &chengdu, peers_of(&hangzhou, NULL));
	/* Two connections, each full. */
	for (size_t i = 0; i < LINK_PEER_CALLS_MAX; i++)
		node_send(&a[i % 2], &hangzhou, b.endpoint, "wait", 30000);
	node_wait_held(&b, LINK_PEER_CALLS_MAX);
	node_call_fails(&a[2], &hangzhou, b.endpoint, "one more", TB_ETHROTTLED);
	/* Others are not hindered by it. */
	node_send(&c, &hangzhou, b.endpoint, "other", 30000);
	node_wait_held(&b, LINK_PEER_CALLS_MAX + 1);
	for (size_t i = 0; i < LINK_PEER_CALLS_MAX + 1; i++)
		link_answer(b.link, node_take_held(&b));
	for (size_t i = 0; i < LINK_PEER_CALLS_MAX; i++) {
		struct core_outbound *outbound = node_wait_called(&a[i % 2]);
		assert_int_equal(outbound->error.code, TB_OK);
		outbound_free(outbound);
	}
	struct core_outbound *outbound = node_wait_called(&c);
	assert_string_equal(outbound_answer(outbound), "510100:0:other");
	outbound_free(outbound);
	for (size_t i = 0; i < 3; i++)
		node_stop(&a[i]);
	node_stop(&c);
	node_stop(&b);
}

static const char verify_path[] = "/tongban.v1.Exchange/Verify";

static void wait_running(const struct node *node, size_t count)
{
	while (link_running(node->link) != count)
		sched_yield();
}

static void test_link_ends_calls_whose_message_does_not_come(void **state)
{
	(void)state;
	struct node a, b;
	struct raw_hold *holds[2];
	test_message_ms = 400;
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	test_message_ms = 0;
	node_start(&a, &changzhou, peers_of(&hangzhou, NULL));
	for (size_t i = 0; i < 2; i++)
		holds[i] = raw_hold_new(&changzhou, b.endpoint, verify_path, LINK_PEER_STREAMS_MAX);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(raw_hold_end(holds[i]), 4); /* DEADLINE_EXCEEDED */
	wait_running(&b, 0);
	struct core_outbound *outbound = node_call(&a, &hangzhou, b.endpoint, "hello");
	assert_int_equal(outbound->error.code, TB_OK);
	outbound_free(outbound);
	assert_int_equal(node_inbound_count(&b), 1);
	node_stop(&a);
	node_stop(&b);
}

static void test_link_has_room_for_each_peer_whatever_others_hold(void **state)
{
	(void)state;
	enum { CROWD = LINK_CALLS_MAX / LINK_PEER_CALLS_MAX, HOLDS = LINK_CALLS_MAX / LINK_PEER_STREAMS_MAX };
	static const char *const codes[CROWD] = {"110100", "120100", "130100", "140100",
	                                         "150100", "210100", "220100", "230100"};
	struct region crowd[CROWD] = {0};
	struct raw_hold *holds[HOLDS];
	struct tb_error err = {0};
	struct node b, c;
	struct peer_set *peers = peers_of(&chengdu, NULL);
	for (size_t i = 0; i < CROWD; i++) {
		crowd[i].code = codes[i];
		region_make(&crowd[i]);
		const struct peer peer = {.region = codes[i], .name = "", .endpoint = ""};
		assert_int_equal(peer_set_add(peers, &peer, tb_buf_bytes(&crowd[i].ca), &err), TB_OK);
	}
	node_start(&b, &hangzhou, peers);
	node_start(&c, &chengdu, peers_of(&hangzhou, NULL));
	b.hold = true;
	for (size_t i = 0; i < HOLDS; i++)
		holds[i] = raw_hold_new(&crowd[i / 2], b.endpoint, verify_path, LINK_PEER_STREAMS_MAX);
	wait_running(&b, LINK_CALLS_MAX);
	for (size_t i = 1; i <= LINK_PEER_CALLS_SURE; i++) {
		node_send(&c, &hangzhou, b.endpoint, "hello", 30000);
		node_wait_held(&b, i);
	}
	node_call_fails(&c, &hangzhou, b.endpoint, "one more", TB_ETHROTTLED);
	for (size_t i = 0; i < HOLDS; i++)
		raw_hold_cancel(holds[i]);
	for (size_t i = 0; i < LINK_PEER_CALLS_SURE; i++) {
		link_answer(b.link, node_take_held(&b));
		struct core_outbound *outbound = node_wait_called(&c);
		assert_int_equal(outbound->error.code, TB_OK);
		outbound_free(outbound);
	}
	node_stop(&c);
	node_stop(&b);
	for (size_t i = 0; i < CROWD; i++)
		region_free(&crowd[i]);
}

static void test_link_drains(void **state)
{
	(void)state;
	struct node a, b, c;
	node_start(&a, &changzhou, peers_of(&hangzhou, NULL));
	node_start(&b, &hangzhou, peers_of(&changzhou, &chengdu));
	node_start(&c, &chengdu, peers_of(&hangzhou, NULL));
	b.hold = true;
	node_send(&a, &hangzhou, b.endpoint, "begun", 30000);
	node_wait_held(&b, 1);
	link_drain_begin(b.link);
	assert_int_equal(link_running(b.link), 1);
	/* No new connection, no new call; what had begun is answered. */
	node_call_fails(&c, &hangzhou, b.endpoint, "late", TB_EUNREACHABLE);
	link_answer(b.link, node_take_held(&b));
	struct core_outbound *outbound = node_wait_called(&a);
	assert_int_equal(outbound->error.code, TB_OK);
	assert_string_equal(outbound_answer(outbound), "320400:0:begun");
	outbound_free(outbound);
	link_drain(b.link, 30000);
	assert_int_equal(link_running(b.link), 0);
	assert_int_equal(node_inbound_count(&b), 1);
	node_stop(&a);
	node_stop(&c);
	node_stop(&b);
}

static void test_link_drain_cuts_what_does_not_end(void **state)
{
	(void)state;
	struct node a, b;
	node_start(&a, &changzhou, peers_of(&hangzhou, NULL));
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	b.hold = true;
	node_send(&a, &hangzhou, b.endpoint, "begun", 30000);
	node_wait_held(&b, 1);
	link_drain(a.link, 1);
	struct core_outbound *outbound = node_wait_called(&a);
	assert_int_equal(outbound->error.code, TB_EUNREACHABLE);
	outbound_free(outbound);
	node_stop(&a);
	node_stop(&b);
}

static void test_link_closes_with_calls_under_way(void **state)
{
	(void)state;
	struct node a, b;
	node_start(&a, &changzhou, peers_of(&hangzhou, NULL));
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	b.hold = true;
	for (int i = 0; i < 10; i++)
		node_send(&a, &hangzhou, b.endpoint, "wait", 30000);
	node_wait_held(&b, 10);
	/* The server closes although the driver holds what came in; the caller learns of it. */
	node_stop(&b);
	for (int i = 0; i < 10; i++) {
		struct core_outbound *outbound = node_wait_called(&a);
		assert_int_equal(outbound->error.code, TB_EUNREACHABLE);
		outbound_free(outbound);
	}
	/* The client closes while calls wait: each comes back. */
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	b.hold = true;
	for (int i = 0; i < 10; i++)
		node_send(&a, &hangzhou, b.endpoint, "wait", 30000);
	node_wait_held(&b, 10);
	link_close(a.link);
	a.link = NULL;
	assert_int_equal(a.called_count, 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(a.called[i]->error.code, TB_EUNREACHABLE);
	node_stop(&a);
	node_stop(&b);
}

static void test_link_answers_a_peer_that_no_longer_waits(void **state)
{
	(void)state;
	struct node a, b;
	node_start(&a, &changzhou, peers_of(&hangzhou, NULL));
	node_start(&b, &hangzhou, peers_of(&changzhou, NULL));
	b.hold = true;
	node_send(&a, &hangzhou, b.endpoint, "wait", 30000);
	node_wait_held(&b, 1);
	node_stop(&a);
	link_answer(b.link, node_take_held(&b));
	link_drain(b.link, 30000);
	assert_int_equal(link_running(b.link), 0);
	node_stop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_calls_both_ways),
		cmocka_unit_test(test_link_refuses_a_port_that_is_taken),
		cmocka_unit_test(test_link_refuses_what_is_no_address),
		cmocka_unit_test(test_link_refuses_what_is_no_key_or_certificate),
		cmocka_unit_test(test_link_answers_health_and_refuses_unknown_methods),
		cmocka_unit_test(test_link_refuses_messages_over_the_limit),
		cmocka_unit_test(test_link_bounds_the_calls_of_one_peer),
		cmocka_unit_test(test_link_ends_calls_whose_message_does_not_come),
		cmocka_unit_test(test_link_has_room_for_each_peer_whatever_others_hold),
		cmocka_unit_test(test_link_drains),
		cmocka_unit_test(test_link_drain_cuts_what_does_not_end),
		cmocka_unit_test(test_link_closes_with_calls_under_way),
		cmocka_unit_test(test_link_answers_a_peer_that_no_longer_waits),
	};
	return cmocka_run_group_tests(tests, regions_setup, regions_teardown);
}
