#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pki/vault.h"

static const uint8_t key_a[PKI_VAULT_KEY_BYTES] = {1};
static const uint8_t key_b[PKI_VAULT_KEY_BYTES] = {2};
static const uint8_t nonce[12] = {9, 8, 7};

static struct tb_buf sealed(struct pki_vault *vault, const char *plain, const char *bound)
{
	struct tb_buf out = {0};
	pki_vault_seal(vault, &out, tb_bytes_str(plain), tb_bytes_str(bound), nonce);
	assert_int_equal(out.size, strlen(plain) + PKI_VAULT_OVERHEAD);
	return out;
}

static void assert_refused(struct pki_vault *vault, struct tb_bytes bytes, const char *bound)
{
	struct tb_error err = {0};
	struct tb_buf out = {0};
	tb_buf_str(&out, "kept");
	assert_int_equal(pki_vault_open(vault, &out, bytes, tb_bytes_str(bound), &err), TB_ECORRUPT);
	assert_int_equal(err.code, TB_ECORRUPT);
	assert_string_equal(tb_buf_text(&out), "kept");
	tb_buf_clear(&out);
}

static void test_vault_opens_what_it_sealed(void **state)
{
	(void)state;
	struct pki_vault *vault = pki_vault_new(key_a);
	struct pki_vault *same = pki_vault_new(key_a);
	static const char *const plains[] = {"", "x", "a longer value, over one block of the cipher"};
	static const char *const bounds[] = {"", "cases/17"};
	for (size_t i = 0; i < 6; i++) {
		struct tb_buf box = sealed(vault, plains[i / 2], bounds[i % 2]);
		struct tb_buf out = {0};
		tb_buf_str(&out, "kept ");
		assert_memory_equal(box.data, nonce, sizeof(nonce));
		assert_int_equal(
			pki_vault_open(same, &out, tb_buf_bytes(&box), tb_bytes_str(bounds[i % 2]), NULL),
			TB_OK);
		assert_int_equal(out.size, 5 + strlen(plains[i / 2]));
		assert_string_equal(tb_buf_text(&out) + 5, plains[i / 2]);
		tb_buf_clear(&out);
		tb_buf_clear(&box);
	}
	pki_vault_free(vault);
	pki_vault_free(same);
	pki_vault_free(NULL);
}

static void test_vault_refuses_a_value_moved_to_another_key(void **state)
{
	(void)state;
	struct pki_vault *vault = pki_vault_new(key_a);
	struct tb_buf box = sealed(vault, "value", "cases/17");
	assert_refused(vault, tb_buf_bytes(&box), "cases/18");
	assert_refused(vault, tb_buf_bytes(&box), "");
	assert_refused(vault, tb_buf_bytes(&box), "cases/17 ");
	tb_buf_clear(&box);
	pki_vault_free(vault);
}

static void test_vault_refuses_a_value_sealed_with_another_key(void **state)
{
	(void)state;
	struct pki_vault *vault = pki_vault_new(key_a);
	struct pki_vault *other = pki_vault_new(key_b);
	struct tb_buf box = sealed(vault, "value", "cases/17");
	assert_refused(other, tb_buf_bytes(&box), "cases/17");
	tb_buf_clear(&box);
	pki_vault_free(vault);
	pki_vault_free(other);
}

static void test_vault_refuses_every_flipped_bit(void **state)
{
	(void)state;
	struct pki_vault *vault = pki_vault_new(key_a);
	struct tb_buf box = sealed(vault, "value", "cases/17");
	for (size_t i = 0; i < box.size * 8; i++) {
		box.data[i / 8] ^= (uint8_t)(1u << (i % 8));
		assert_refused(vault, tb_buf_bytes(&box), "cases/17");
		box.data[i / 8] ^= (uint8_t)(1u << (i % 8));
	}
	struct tb_buf out = {0};
	/* A refused value leaves the handle good for the next. */
	assert_int_equal(pki_vault_open(vault, &out, tb_buf_bytes(&box), tb_bytes_str("cases/17"), NULL),
	                 TB_OK);
	assert_string_equal(tb_buf_text(&out), "value");
	tb_buf_clear(&out);
	tb_buf_clear(&box);
	pki_vault_free(vault);
}

static void test_vault_refuses_a_value_cut_short(void **state)
{
	(void)state;
	struct pki_vault *vault = pki_vault_new(key_a);
	struct tb_buf box = sealed(vault, "value", "cases/17");
	for (size_t size = 0; size < box.size; size++)
		assert_refused(vault, tb_bytes_of(box.data, size), "cases/17");
	tb_buf_str(&box, "x");
	assert_refused(vault, tb_buf_bytes(&box), "cases/17");
	tb_buf_clear(&box);
	pki_vault_free(vault);
}

/* The key derivation and the form are what stores on disk depend on: computed apart with Python's hmac and
 * an AES-GCM of its own. */
static void test_vault_keeps_its_form(void **state)
{
	(void)state;
	struct pki_vault *vault = pki_vault_new(key_a);
	struct tb_buf box = sealed(vault, "value", "cases/17");
	char text[128];
	tb_hex(text, box.data, box.size);
	assert_string_equal(text, "090807000000000000000000451045d8cc39a9845ec8b64742ff531c7e779fa4a2");
	uint8_t index[PKI_HASH_BYTES];
	pki_vault_index(vault, index, "holder", tb_bytes_str("value"));
	tb_hex(text, index, sizeof(index));
	assert_string_equal(text, "b6a85c647df7afeca7afb96ce6884f9b36f5304a438ddda5fa1a76b4445b3990");
	tb_buf_clear(&box);
	pki_vault_free(vault);
}

static void test_index_depends_on_key_label_and_value(void **state)
{
	(void)state;
	struct pki_vault *vault = pki_vault_new(key_a);
	struct pki_vault *other = pki_vault_new(key_b);
	uint8_t hashes[5][PKI_HASH_BYTES];
	pki_vault_index(vault, hashes[0], "holder", tb_bytes_str("value"));
	pki_vault_index(vault, hashes[1], "holder", tb_bytes_str("Value"));
	pki_vault_index(vault, hashes[2], "number", tb_bytes_str("value"));
	pki_vault_index(other, hashes[3], "holder", tb_bytes_str("value"));
	pki_vault_index(vault, hashes[4], "holder", tb_bytes_str(""));
	for (size_t i = 0; i < 5; i++) {
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(hashes[i], hashes[k], PKI_HASH_BYTES);
	}
	/* More labels than are kept ready: the first must come out the same when it is derived again. */
	for (int i = 0; i < 40; i++) {
		char label[16];
		uint8_t hash[PKI_HASH_BYTES];
		snprintf(label, sizeof(label), "label%d", i);
		pki_vault_index(vault, hash, label, tb_bytes_str("value"));
		assert_memory_not_equal(hash, hashes[0], PKI_HASH_BYTES);
	}
	uint8_t again[PKI_HASH_BYTES];
	pki_vault_index(vault, again, "holder", tb_bytes_str("value"));
	assert_memory_equal(again, hashes[0], PKI_HASH_BYTES);
	pki_vault_free(vault);
	pki_vault_free(other);
}

/* FIPS 197: the zero block under the zero key. */
static void test_random_stream_is_aes_in_counter_mode(void **state)
{
	(void)state;
	static const uint8_t seed[32];
	struct pki_random *random = pki_random_new(seed);
	uint8_t out[16];
	char text[33];
	pki_random_bytes(random, out, sizeof(out));
	tb_hex(text, out, sizeof(out));
	assert_string_equal(text, "dc95c078a2408989ad48a21492842087");
	pki_random_free(random);
	pki_random_free(NULL);
}

static void test_random_stream_does_not_depend_on_how_it_is_cut(void **state)
{
	(void)state;
	struct pki_random *whole = pki_random_new(key_a);
	struct pki_random *parts = pki_random_new(key_a);
	struct pki_random *other = pki_random_new(key_b);
	static uint8_t a[5000];
	static uint8_t b[5000];
	pki_random_bytes(whole, a, sizeof(a));
	size_t at = 0;
	for (size_t step = 0; at < sizeof(b); step = (step * 7 + 1) % 1500) {
		size_t part = step < sizeof(b) - at ? step : sizeof(b) - at;
		pki_random_bytes(parts, b + at, part);
		at += part;
	}
	assert_memory_equal(a, b, sizeof(a));
	pki_random_bytes(other, b, sizeof(b));
	assert_memory_not_equal(a, b, 32);
	pki_random_bytes(whole, b, sizeof(b));
	assert_memory_not_equal(a, b, 32);
	pki_random_free(whole);
	pki_random_free(parts);
	pki_random_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vault_opens_what_it_sealed),
		cmocka_unit_test(test_vault_refuses_a_value_moved_to_another_key),
		cmocka_unit_test(test_vault_refuses_a_value_sealed_with_another_key),
		cmocka_unit_test(test_vault_refuses_every_flipped_bit),
		cmocka_unit_test(test_vault_refuses_a_value_cut_short),
		cmocka_unit_test(test_vault_keeps_its_form),
		cmocka_unit_test(test_index_depends_on_key_label_and_value),
		cmocka_unit_test(test_random_stream_is_aes_in_counter_mode),
		cmocka_unit_test(test_random_stream_does_not_depend_on_how_it_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
