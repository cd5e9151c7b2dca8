#include "node/core/kvcache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct tb_bytes key_of(char out[16], unsigned number)
{
	snprintf(out, 16, "k%u", number);
	return tb_bytes_str(out);
}

static void test_the_last_put_is_what_is_got_in_its_table_only(void **state)
{
	(void)state;
	struct kv_cache *cache = kv_cache_new();
	struct tb_bytes plain;
	assert_false(kv_cache_get(cache, 1, tb_bytes_str("a"), &plain));
	kv_cache_put(cache, 1, tb_bytes_str("a"), tb_bytes_str("first"), false);
	kv_cache_put(cache, 2, tb_bytes_str("a"), tb_bytes_str("other"), false);
	kv_cache_put(cache, 1, tb_bytes_str("a"), tb_bytes_str("a longer one"), true);
	kv_cache_put(cache, 1, tb_bytes_str("a"), tb_bytes_str("short"), true);
	assert_true(kv_cache_get(cache, 1, tb_bytes_str("a"), &plain));
	assert_true(tb_bytes_equal(plain, tb_bytes_str("short")));
	assert_true(kv_cache_get(cache, 2, tb_bytes_str("a"), &plain));
	assert_true(tb_bytes_equal(plain, tb_bytes_str("other")));
	assert_false(kv_cache_get(cache, 1, tb_bytes_str("ab"), &plain));
	kv_cache_put(cache, 1, tb_bytes_str("a"), tb_bytes_of(NULL, 0), false);
	assert_true(kv_cache_get(cache, 1, tb_bytes_str("a"), &plain));
	assert_int_equal(plain.size, 0);
	kv_cache_free(cache);
	kv_cache_free(NULL);
}

static void test_what_was_changed_is_given_once_in_the_order_of_its_first_change(void **state)
{
	(void)state;
	enum { MANY = 20000 }; /* several in every bucket */
	struct kv_cache *cache = kv_cache_new();
	struct tb_bytes key, plain;
	unsigned table, given = 0;
	char name[16];
	for (unsigned i = 0; i < MANY; i++)
		kv_cache_put(cache, 3, key_of(name, i), tb_bytes_of(&i, sizeof(i)), i % 2);
	for (unsigned i = MANY; i-- > 0;)
		kv_cache_put(cache, 3, key_of(name, i), tb_bytes_of(&i, sizeof(i)), i % 2);
	while (kv_cache_take_changed(cache, &table, &key, &plain)) {
		unsigned number = 2 * given + 1;
		assert_int_equal(table, 3);
		assert_true(tb_bytes_equal(key, key_of(name, number)));
		assert_memory_equal(plain.data, &number, sizeof(number));
		given++;
	}
	assert_int_equal(given, MANY / 2);
	for (unsigned i = 0; i < MANY; i++) {
		assert_true(kv_cache_get(cache, 3, key_of(name, i), &plain));
		assert_memory_equal(plain.data, &i, sizeof(i));
	}
	/* So many are not kept. */
	kv_cache_trim(cache);
	assert_false(kv_cache_get(cache, 3, key_of(name, 1), &plain));
	kv_cache_free(cache);
}

static void test_a_cache_that_holds_much_is_emptied_and_one_that_holds_little_is_not(void **state)
{
	(void)state;
	static uint8_t big[1 << 20];
	struct kv_cache *cache = kv_cache_new();
	struct tb_bytes plain;
	char name[16];
	for (unsigned i = 0; i < 3; i++)
		kv_cache_put(cache, 1, key_of(name, i), tb_bytes_of(big, sizeof(big)), false);
	kv_cache_trim(cache);
	assert_true(kv_cache_get(cache, 1, key_of(name, 1), &plain));
	for (unsigned i = 3; i < 6; i++)
		kv_cache_put(cache, 1, key_of(name, i), tb_bytes_of(big, sizeof(big)), false);
	kv_cache_trim(cache);
	assert_false(kv_cache_get(cache, 1, key_of(name, 1), &plain));
	kv_cache_free(cache);
}

static void test_what_is_used_again_and_again_outlives_what_is_not(void **state)
{
	(void)state;
	static uint8_t record[64 * 1024];
	struct kv_cache *cache = kv_cache_new();
	struct tb_bytes plain;
	char name[16];
	kv_cache_put(cache, 1, tb_bytes_str("asked for"), tb_bytes_str("here"), false);
	kv_cache_put(cache, 1, tb_bytes_str("left alone"), tb_bytes_str("here"), false);
	for (unsigned i = 0; i < 200; i++) {
		kv_cache_put(cache, 1, key_of(name, i), tb_bytes_of(record, sizeof(record)), false);
		assert_true(kv_cache_get(cache, 1, tb_bytes_str("asked for"), &plain));
		kv_cache_trim(cache);
	}
	assert_true(kv_cache_get(cache, 1, tb_bytes_str("asked for"), &plain));
	assert_false(kv_cache_get(cache, 1, tb_bytes_str("left alone"), &plain));
	assert_false(kv_cache_get(cache, 1, key_of(name, 1), &plain));
	assert_true(kv_cache_get(cache, 1, key_of(name, 199), &plain));
	kv_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_last_put_is_what_is_got_in_its_table_only),
		cmocka_unit_test(test_what_was_changed_is_given_once_in_the_order_of_its_first_change),
		cmocka_unit_test(test_a_cache_that_holds_much_is_emptied_and_one_that_holds_little_is_not),
		cmocka_unit_test(test_what_is_used_again_and_again_outlives_what_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
