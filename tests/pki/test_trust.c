#include "chain_fixture.h"

#include <pthread.h>

/* ---- trust sets */

static void assert_add_refused(struct pki_trust *trust, const char *region, const struct tb_buf *pem,
                               enum tb_code want)
{
	struct tb_error err = {0};
	assert_int_equal(pki_trust_add(trust, region, tb_buf_bytes(pem), &err), want);
	assert_int_equal(err.code, want);
	assert_false(pki_trust_knows(trust, region));
}

static void test_trust_takes_only_cas_of_the_region(void **state)
{
	(void)state;
	struct party a = party_ca(REGION_A);
	struct party b = party_ca(REGION_B);
	struct party leaf = party_leaf(&a, REGION_A, PKI_ROLE_NODE);
	struct pki_trust *trust = pki_trust_new();
	struct tb_buf pem = {0};
	assert_add_refused(trust, REGION_A, &pem, TB_EMALFORMED);
	tb_buf_str(&pem, "no PEM");
	assert_add_refused(trust, REGION_A, &pem, TB_EMALFORMED);
	assert_add_refused(trust, REGION_A, &leaf.pem, TB_EMALFORMED);
	assert_add_refused(trust, REGION_A, &b.pem, TB_EINVALID);
	assert_add_refused(trust, "32040", &a.pem, TB_EINVALID);
	assert_add_refused(trust, "jiangsu", &a.pem, TB_EINVALID);

	/* All or nothing. */
	pem.size = 0;
	tb_buf_add(&pem, a.pem.data, a.pem.size);
	tb_buf_add(&pem, b.pem.data, b.pem.size);
	assert_add_refused(trust, REGION_A, &pem, TB_EINVALID);
	assert_add_refused(trust, REGION_B, &pem, TB_EINVALID);
	tb_buf_clear(&pem);
	pki_trust_unref(trust);
	party_clear(&a);
	party_clear(&b);
	party_clear(&leaf);
}

static void test_trust_keeps_regions_apart(void **state)
{
	(void)state;
	static const char *const regions[] = {"500000", "110000", "320400", "310000", "650000",
	                                      "330100", "440300", "820000", "120000", "460000"};
	enum { REGIONS = sizeof(regions) / sizeof(regions[0]) };
	struct party cas[REGIONS];
	struct pki_trust *trust = pki_trust_new();
	for (size_t i = 0; i < REGIONS; i++) {
		cas[i] = party_ca(regions[i]);
		assert_false(pki_trust_knows(trust, regions[i]));
		assert_int_equal(pki_trust_add(trust, regions[i], tb_buf_bytes(&cas[i].pem), NULL), TB_OK);
	}
	assert_false(pki_trust_knows(trust, "000000"));
	assert_false(pki_trust_knows(trust, "999999"));
	assert_false(pki_trust_knows(trust, ""));
	for (size_t i = 0; i < REGIONS; i++) {
		struct party leaf = party_leaf(&cas[i], regions[i], PKI_ROLE_NODE);
		struct party stray = party_leaf(&cas[i], regions[(i + 1) % REGIONS], PKI_ROLE_NODE);
		assert_true(pki_trust_knows(trust, regions[i]));
		assert_string_equal(GOOD(trust, PKI_ROLE_NODE, NOW, &leaf)->region, regions[i]);
		BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "issuer certificate", &stray);
		party_clear(&leaf);
		party_clear(&stray);
	}
	pki_trust_unref(trust);
	for (size_t i = 0; i < REGIONS; i++)
		party_clear(&cas[i]);
}

static void test_trust_takes_eight_anchors_of_a_region(void **state)
{
	(void)state;
	struct party cas[TB_ANCHORS_MAX + 1];
	struct pki_trust *trust = pki_trust_new();
	struct tb_buf all = {0};
	for (size_t i = 0; i < TB_ANCHORS_MAX; i++) {
		cas[i] = party_ca(REGION_A);
		tb_buf_add(&all, cas[i].pem.data, cas[i].pem.size);
	}
	cas[TB_ANCHORS_MAX] = party_ca(REGION_A);
	assert_int_equal(pki_trust_add(trust, REGION_A, tb_buf_bytes(&cas[0].pem), NULL), TB_OK);
	/* Twice the same is once. */
	assert_int_equal(pki_trust_add(trust, REGION_A, tb_buf_bytes(&cas[0].pem), NULL), TB_OK);
	for (size_t i = 1; i < TB_ANCHORS_MAX; i++)
		assert_int_equal(pki_trust_add(trust, REGION_A, tb_buf_bytes(&cas[i].pem), NULL), TB_OK);
	assert_int_equal(pki_trust_add(trust, REGION_A, tb_buf_bytes(&cas[TB_ANCHORS_MAX].pem), NULL),
	                 TB_EMALFORMED);
	assert_int_equal(pki_trust_add(trust, REGION_B, tb_buf_bytes(&all), NULL), TB_EINVALID);
	for (size_t i = 0; i <= TB_ANCHORS_MAX; i++) {
		struct party leaf = party_leaf(&cas[i], REGION_A, PKI_ROLE_NODE);
		if (i < TB_ANCHORS_MAX)
			GOOD(trust, PKI_ROLE_NODE, NOW, &leaf);
		else
			BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "certificate", &leaf);
		party_clear(&leaf);
	}
	pki_trust_unref(trust);
	tb_buf_clear(&all);
	for (size_t i = 0; i <= TB_ANCHORS_MAX; i++)
		party_clear(&cas[i]);
}

static void test_intermediate_may_itself_be_the_anchor(void **state)
{
	(void)state;
	struct pki_issue issue = issue_ca_of(REGION_A, "middle");
	struct party root = party_ca(REGION_A);
	struct party middle = party_issue(&root, PKI_P256, &issue);
	struct party leaf = party_leaf(&middle, REGION_A, PKI_ROLE_NODE);
	struct party stray = party_leaf(&root, REGION_A, PKI_ROLE_NODE);
	struct pki_trust *trust = trust_of(&middle, NULL);
	GOOD(trust, PKI_ROLE_NODE, NOW, &leaf);
	GOOD(trust, PKI_ROLE_NODE, NOW, &leaf, &middle);
	BAD(trust, PKI_ROLE_NODE, NOW, TB_EUNTRUSTED, "issuer certificate", &stray);
	pki_trust_unref(trust);
	party_clear(&root);
	party_clear(&middle);
	party_clear(&leaf);
	party_clear(&stray);
}

/* ---- the cache */

static void test_one_leaf_is_one_identity_whatever_comes_with_it(void **state)
{
	(void)state;
	struct party root = party_ca(REGION_A);
	struct party leaf = party_leaf(&root, REGION_A, PKI_ROLE_NODE);
	struct party other = party_leaf(&root, REGION_A, PKI_ROLE_NODE);
	struct pki_trust *trust = trust_of(&root, NULL);
	struct pki_trust *again = pki_trust_ref(trust);
	const struct pki_identity *identity = GOOD(trust, PKI_ROLE_NODE, NOW, &leaf);
	assert_ptr_equal(GOOD(trust, PKI_ROLE_NODE, NOW, &leaf), identity);
	assert_ptr_equal(GOOD(trust, PKI_ROLE_NODE, NOW, &leaf, &root), identity);
	assert_ptr_equal(GOOD(trust, PKI_ROLE_NODE, NOW, &leaf, &other), identity);
	assert_ptr_not_equal(GOOD(trust, PKI_ROLE_NODE, NOW, &other, &leaf), identity);
	pki_trust_unref(trust);
	/* The set and its identities live on with the other reference. */
	assert_string_equal(identity->region, REGION_A);
	assert_ptr_equal(GOOD(again, PKI_ROLE_NODE, NOW, &leaf), identity);
	pki_trust_unref(again);
	pki_trust_unref(NULL);
	party_clear(&root);
	party_clear(&leaf);
	party_clear(&other);
}

static void test_cache_forgets_the_oldest_chain_but_no_identity(void **state)
{
	(void)state;
	enum { EXTRAS = 5 };
	struct party root = party_ca(REGION_A);
	struct party leaf = party_leaf(&root, REGION_A, PKI_ROLE_NODE);
	struct party extras[EXTRAS];
	struct pki_trust *trust = trust_of(&root, NULL);
	pki_trust_bound(trust, 16, 1);
	for (size_t i = 0; i < EXTRAS; i++)
		extras[i] = party_leaf(&root, REGION_A, PKI_ROLE_NODE);
	const struct pki_identity *identity = GOOD(trust, PKI_ROLE_NODE, NOW, &leaf);
	/* 25 chains of one leaf and two certificates that it does not need, twice round: each is in the cache
	 * when it is asked for again at once, and dropped when it comes round. */
	for (size_t n = 0; n < 50; n++) {
		const struct party *a = &extras[n % EXTRAS];
		const struct party *b = &extras[n / EXTRAS % EXTRAS];
		assert_ptr_equal(GOOD(trust, PKI_ROLE_NODE, NOW, &leaf, a, b), identity);
		assert_ptr_equal(GOOD(trust, PKI_ROLE_NODE, NOW, &leaf, a, b), identity);
	}
	assert_ptr_equal(GOOD(trust, PKI_ROLE_NODE, NOW, &leaf), identity);
	BAD(trust, PKI_ROLE_NODE, UNTIL, TB_EEXPIRED, "expired", &leaf);
	pki_trust_unref(trust);
	for (size_t i = 0; i < EXTRAS; i++)
		party_clear(&extras[i]);
	party_clear(&root);
	party_clear(&leaf);
}

static void test_region_that_shows_too_many_leaves_harms_only_itself(void **state)
{
	(void)state;
	enum { LEAVES = 20 };
	struct party a = party_ca(REGION_A);
	struct party b = party_ca(REGION_B);
	struct pki_trust *trust = trust_of(&a, &b);
	struct party leaves[LEAVES + 1];
	const struct pki_identity *seen[LEAVES];
	pki_trust_bound(trust, 16, LEAVES);
	for (size_t i = 0; i <= LEAVES; i++)
		leaves[i] = party_leaf(&a, REGION_A, PKI_ROLE_MESSAGE);
	for (size_t i = 0; i < LEAVES; i++)
		seen[i] = GOOD(trust, PKI_ROLE_MESSAGE, NOW, &leaves[i]);
	BAD(trust, PKI_ROLE_MESSAGE, NOW, TB_EUNTRUSTED, "more than 20", &leaves[LEAVES]);
	for (size_t i = 0; i < LEAVES; i++)
		assert_ptr_equal(GOOD(trust, PKI_ROLE_MESSAGE, NOW, &leaves[i]), seen[i]);
	struct party other = party_leaf(&b, REGION_B, PKI_ROLE_MESSAGE);
	GOOD(trust, PKI_ROLE_MESSAGE, NOW, &other);
	pki_trust_unref(trust);
	for (size_t i = 0; i <= LEAVES; i++)
		party_clear(&leaves[i]);
	party_clear(&other);
	party_clear(&a);
	party_clear(&b);
}

enum { SHARED_LEAVES = 8, SHARED_THREADS = 4 };

struct shared {
	struct pki_trust *trust;
	struct party leaves[SHARED_LEAVES];
	const struct pki_identity *seen[SHARED_THREADS][SHARED_LEAVES];
	pthread_barrier_t start;
	int next; /* thread number; under |lock| */
	pthread_mutex_t lock;
};

static void *check_all(void *arg)
{
	struct shared *shared = arg;
	pthread_mutex_lock(&shared->lock);
	int me = shared->next++;
	pthread_mutex_unlock(&shared->lock);
	pthread_barrier_wait(&shared->start);
	for (size_t i = 0; i < SHARED_LEAVES; i++) {
		struct tb_bytes der = tb_buf_bytes(&shared->leaves[i].der);
		if (pki_chain_check(&shared->seen[me][i], shared->trust, &der, 1, PKI_ROLE_NODE, NOW, NULL) !=
		    TB_OK)
			shared->seen[me][i] = NULL;
	}
	return NULL;
}

static void test_threads_that_check_at_once_get_one_identity(void **state)
{
	(void)state;
	struct shared shared = {0};
	struct party root = party_ca(REGION_A);
	pthread_t threads[SHARED_THREADS];
	shared.trust = trust_of(&root, NULL);
	for (size_t i = 0; i < SHARED_LEAVES; i++)
		shared.leaves[i] = party_leaf(&root, REGION_A, PKI_ROLE_NODE);
	pthread_mutex_init(&shared.lock, NULL);
	pthread_barrier_init(&shared.start, NULL, SHARED_THREADS);
	for (size_t i = 0; i < SHARED_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, check_all, &shared), 0);
	for (size_t i = 0; i < SHARED_THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (size_t i = 0; i < SHARED_LEAVES; i++) {
		assert_non_null(shared.seen[0][i]);
		for (size_t k = 1; k < SHARED_THREADS; k++)
			assert_ptr_equal(shared.seen[k][i], shared.seen[0][i]);
		party_clear(&shared.leaves[i]);
	}
	pthread_barrier_destroy(&shared.start);
	pthread_mutex_destroy(&shared.lock);
	pki_trust_unref(shared.trust);
	party_clear(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trust_takes_only_cas_of_the_region),
		cmocka_unit_test(test_trust_keeps_regions_apart),
		cmocka_unit_test(test_trust_takes_eight_anchors_of_a_region),
		cmocka_unit_test(test_intermediate_may_itself_be_the_anchor),
		cmocka_unit_test(test_one_leaf_is_one_identity_whatever_comes_with_it),
		cmocka_unit_test(test_cache_forgets_the_oldest_chain_but_no_identity),
		cmocka_unit_test(test_region_that_shows_too_many_leaves_harms_only_itself),
		cmocka_unit_test(test_threads_that_check_at_once_get_one_identity),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
