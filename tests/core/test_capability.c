/* What a peer can do, as it says in its description. */
#include "tests/core/hostile.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

static const PbPeerView *peer_of(struct pair *pair, struct side *side)
{
	PbPeerListResponse *reply =
		(PbPeerListResponse *)(void *)pair_ask(pair, side, "/tongban.v1.PeerService/List", "{}");
	assert_int_equal(reply->n_peers, 1);
	return reply->peers[0];
}

static void test_a_peer_says_what_it_can_do_for_who_asks(void **state)
{
	static const char *const items[] = {"I1", NULL}, *const modes[] = {"DS", "YS", NULL},
				 *const no_modes[] = {"XX", NULL};
	struct pair *pair = pair_new(*state);
	const PbPeerView *view = peer_of(pair, &pair->window);
	assert_int_equal(view->protocol, 1);
	assert_int_equal(view->capabilities->n_modes, 5);
	assert_int_equal(view->capabilities->n_matters, 5);
	assert_int_equal(view->capabilities->disclosure, PB_DISCLOSURE__DOCUMENT);
	assert_int_equal(view->capabilities->n_integrations, 4);
	assert_int_equal(view->capabilities->integrations[3], PB_INTEGRATION__CREDENTIAL_RECOGNITION);

	/* Its operator grants less: that is heard with the next description. */
	const struct peer_case_grant cases[] = {{.items = items, .modes = modes},
	                                        {.items = items, .modes = no_modes}};
	struct peer peer = {.region = WINDOW,
	                    .name = "w",
	                    .endpoint = "wire:1",
	                    .cases = cases,
	                    .cases_count = 2,
	                    .queries_per_second = 7,
	                    .queries_burst = 9};
	struct peer_set *set = peer_set_new();
	struct tb_error err;
	OK(peer_set_add(set, &peer, tb_buf_bytes(&pair->window.region.ca_pem), &err));
	pair_set_peers(pair, &pair->home, set);
	pair_pass(pair, 2 * TB_MINUTE);
	view = peer_of(pair, &pair->window);
	assert_int_equal(view->capabilities->n_modes, 2);
	assert_string_equal(view->capabilities->modes[0], "DS");
	assert_string_equal(view->capabilities->modes[1], "YS");
	assert_int_equal(view->capabilities->disclosure, PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED);
	assert_int_equal(view->capabilities->queries_per_second, 7);
	assert_int_equal(view->capabilities->n_integrations, 3);
	assert_int_equal(view->capabilities->integrations[2], PB_INTEGRATION__INTERFACES);
	pair_free(pair);
}

static void say_nothing_of_it(struct pair *pair, struct side *from, const struct core_inbound *inbound,
                              struct tb_buf *bytes)
{
	PbDescription description = PB_DESCRIPTION__INIT;
	PbCapabilities capabilities = PB_CAPABILITIES__INIT;
	struct tb_arena arena = {0};
	const size_t *modes = pair->test;
	if (inbound->call != CORE_DESCRIBE || from != &pair->home)
		return;
	description.region = tb_arena_str(&arena, HOME);
	capabilities.n_modes = *modes;
	capabilities.modes = tb_arena_alloc(&arena, *modes * sizeof(char *));
	for (size_t i = 0; i < *modes; i++)
		capabilities.modes[i] = tb_arena_str(&arena, "DS");
	description.capabilities = *modes ? &capabilities : NULL;
	struct tb_bytes message = proto_encode_arena(&arena, &description.base);
	bytes->size = 0;
	hostile_answer(pair, bytes, PB_BATCH_KIND__DESCRIPTION, HOME, WINDOW, &from->region.message,
	               pki_batch_root(inbound->batch), &message, 1);
	tb_arena_clear(&arena);
}

/* An older peer does not know the field; a hostile one fills it. */
static void test_a_peer_need_not_say_and_may_not_say_too_much(void **state)
{
	static size_t modes[] = {0, 20, 2000};
	struct pair *pair = pair_new(*state);
	pair->answering = say_nothing_of_it;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		pair->test = &modes[i];
		pair_pass(pair, 2 * TB_MINUTE);
		const PbPeerView *view = peer_of(pair, &pair->window);
		if (i == 1)
			assert_int_equal(view->capabilities->n_modes, 20);
		else
			assert_null(view->capabilities);
	}
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_peer_says_what_it_can_do_for_who_asks),
		TEST(test_a_peer_need_not_say_and_may_not_say_too_much),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
