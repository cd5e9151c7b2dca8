#include "node/core/peer.h"

#include <stdio.h>

#include "tests/pki/region.h"

#define OK(call) assert_int_equal((call), TB_OK)

static const char *const all[] = {"*", NULL};
static const char *const two[] = {"T1", "T2", NULL};
static const char *const ds[] = {"DS", NULL};
static const char *const none[] = {NULL};

static enum tb_code add(struct peer_set *set, const struct region *region, struct peer peer)
{
	struct tb_error err;
	peer.region = region->code;
	peer.name = "n";
	peer.endpoint = "e:1";
	return peer_set_add(set, &peer, tb_buf_bytes(&region->ca_pem), &err);
}

static void test_nothing_is_granted_that_is_not_said(void **state)
{
	(void)state;
	struct region region;
	struct peer_set *set = peer_set_new();
	region_init(&region, "320400", PKI_P256);
	OK(add(set, &region, (struct peer){0}));
	const struct peer *peer = peer_find(set, "320400");
	assert_int_equal(peer_may_verify(peer, "T1"), PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED);
	assert_false(peer_may_send(peer, "I1", "DS"));
	assert_null(peer_find(set, "330100"));
	peer_set_unref(set);
	region_clear(&region);
}

static void test_the_widest_grant_for_a_type_counts(void **state)
{
	(void)state;
	const struct peer_verify_grant grants[] = {
		{.types = all, .disclosure = PB_DISCLOSURE__STATUS},
		{.types = two, .disclosure = PB_DISCLOSURE__DOCUMENT},
		{.types = two, .disclosure = PB_DISCLOSURE__MATCH},
		{.types = none, .disclosure = PB_DISCLOSURE__DOCUMENT},
		{.types = NULL, .disclosure = PB_DISCLOSURE__DOCUMENT},
	};
	struct region region;
	struct peer_set *set = peer_set_new();
	region_init(&region, "320400", PKI_P256);
	OK(add(set, &region, (struct peer){.verify = grants, .verify_count = 5}));
	const struct peer *peer = peer_set_at(set, 0);
	assert_int_equal(peer_may_verify(peer, "T1"), PB_DISCLOSURE__DOCUMENT);
	assert_int_equal(peer_may_verify(peer, "T2"), PB_DISCLOSURE__DOCUMENT);
	assert_int_equal(peer_may_verify(peer, "T"), PB_DISCLOSURE__STATUS);
	assert_int_equal(peer_may_verify(peer, ""), PB_DISCLOSURE__STATUS);
	peer_set_unref(set);
	region_clear(&region);
}

static void test_a_case_needs_item_and_mode_in_one_grant(void **state)
{
	(void)state;
	const struct peer_case_grant grants[] = {
		{.items = two, .modes = ds},
		{.items = none, .modes = ds},
		{.items = all, .modes = none},
	};
	struct region region;
	struct peer_set *set = peer_set_new();
	region_init(&region, "320400", PKI_P256);
	OK(add(set, &region, (struct peer){.cases = grants, .cases_count = 3}));
	const struct peer *peer = peer_find(set, "320400");
	assert_true(peer_may_send(peer, "T1", "DS"));
	assert_false(peer_may_send(peer, "T3", "DS"));
	assert_false(peer_may_send(peer, "T1", "XX"));
	peer_set_unref(set);
	region_clear(&region);
}

static void test_a_set_owns_what_it_was_given(void **state)
{
	(void)state;
	struct region region;
	struct peer_set *set = peer_set_new();
	char item[] = "T1", *items[] = {item, NULL};
	struct peer_case_grant grant = {.items = (const char *const *)(void *)items, .modes = ds};
	region_init(&region, "320400", PKI_P256);
	OK(add(set, &region, (struct peer){.cases = &grant, .cases_count = 1}));
	strcpy(item, "XX");
	grant.modes = none;
	assert_true(peer_may_send(peer_find(set, "320400"), "T1", "DS"));
	struct peer_set *again = peer_set_ref(set);
	peer_set_unref(set);
	assert_int_equal(peer_set_count(again), 1);
	peer_set_unref(again);
	peer_set_unref(NULL);
	region_clear(&region);
}

static void test_a_region_is_configured_once_and_with_anchors_of_its_own(void **state)
{
	(void)state;
	struct region region, other;
	struct peer_set *set = peer_set_new();
	struct peer peer = {.region = "330100", .name = "n", .endpoint = ""};
	struct tb_error err;
	region_init(&region, "320400", PKI_P256);
	region_init(&other, "330100", PKI_P256);
	OK(add(set, &region, (struct peer){0}));
	assert_int_equal(add(set, &region, (struct peer){0}), TB_EEXISTS);
	assert_int_not_equal(peer_set_add(set, &peer, tb_buf_bytes(&region.ca_pem), &err), TB_OK);
	assert_int_equal(peer_set_count(set), 1);
	OK(add(set, &other, (struct peer){0}));
	assert_int_equal(peer_set_count(set), 2);
	peer_set_unref(set);
	region_clear(&region);
	region_clear(&other);
}

static void test_a_set_grows(void **state)
{
	(void)state;
	enum { MANY = 20 };
	struct peer_set *set = peer_set_new();
	struct region regions[MANY];
	char names[MANY][8];
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "32%04u", i);
		region_init(&regions[i], names[i], PKI_P256);
		OK(add(set, &regions[i], (struct peer){0}));
	}
	for (unsigned i = 0; i < MANY; i++) {
		assert_string_equal(peer_set_at(set, i)->region, names[i]);
		assert_ptr_equal(peer_find(set, names[i]), peer_set_at(set, i));
		region_clear(&regions[i]);
	}
	peer_set_unref(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_granted_that_is_not_said),
		cmocka_unit_test(test_the_widest_grant_for_a_type_counts),
		cmocka_unit_test(test_a_case_needs_item_and_mode_in_one_grant),
		cmocka_unit_test(test_a_set_owns_what_it_was_given),
		cmocka_unit_test(test_a_region_is_configured_once_and_with_anchors_of_its_own),
		cmocka_unit_test(test_a_set_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
