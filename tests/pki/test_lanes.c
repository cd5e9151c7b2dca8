#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/pki_priv.h"

enum { MESSAGES = 200, TEXT_BYTES = 4096 };

static uint8_t text[TEXT_BYTES];

static int make_text(void **state)
{
	(void)state;
	uint32_t x = 1;
	for (size_t i = 0; i < TEXT_BYTES; i++) {
		x = x * 1664525 + 1013904223; /* Knuth's quick generator */
		text[i] = (uint8_t)(x >> 24);
	}
	return 0;
}

static struct pki_digest plain(uint8_t prefix, struct tb_bytes message)
{
	struct pki_digest digest;
	struct pki_hash *hash = pki_hash_new();
	pki_hash_add(hash, tb_bytes_of(&prefix, 1));
	pki_hash_add(hash, message);
	pki_hash_end(hash, digest.bytes);
	pki_hash_free(hash);
	return digest;
}

static void assert_all_plain(uint8_t prefix, const struct tb_bytes *messages, size_t count)
{
	struct pki_digest digests[MESSAGES];
	pki_sha256_many(digests, prefix, messages, count);
	for (size_t i = 0; i < count; i++) {
		struct pki_digest expected = plain(prefix, messages[i]);
		assert_memory_equal(&digests[i], &expected, sizeof(expected));
	}
	pki_sha256_each(digests, messages, count);
	for (size_t i = 0; i < count; i++) {
		struct pki_digest expected;
		pki_sha256(expected.bytes, messages[i]);
		assert_memory_equal(&digests[i], &expected, sizeof(expected));
	}
}

static void test_lanes_hash_every_length_as_one_message_alone(void **state)
{
	(void)state;
	struct tb_bytes messages[MESSAGES];
	for (size_t i = 0; i < MESSAGES; i++)
		messages[i] = tb_bytes_of(text + i, i);
	assert_all_plain(0x00, messages, MESSAGES);
	assert_all_plain(0x01, messages, MESSAGES);
}

static void test_lanes_hash_any_number_of_messages(void **state)
{
	(void)state;
	struct tb_bytes messages[MESSAGES];
	for (size_t i = 0; i < MESSAGES; i++)
		messages[i] = tb_bytes_of(text, 64);
	for (size_t count = 0; count < 20; count++)
		assert_all_plain(0x01, messages, count);
}

/* A long message stays in its lane while short ones come and go in the others. */
static void test_lanes_hash_a_long_message_among_short_ones(void **state)
{
	(void)state;
	struct tb_bytes messages[MESSAGES];
	for (size_t i = 0; i < MESSAGES; i++)
		messages[i] = tb_bytes_of(text, i % 50 == 3 ? TEXT_BYTES - i : i % 5);
	assert_all_plain(0x00, messages, MESSAGES);
}

static void test_lanes_know_the_digest_of_the_standard(void **state)
{
	(void)state;
	/* FIPS 180-4's example "abc": the prefix is its first letter. */
	static const char known[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct pki_digest digests[4];
	struct tb_bytes messages[4] = {tb_bytes_str("bc"), tb_bytes_str(""), tb_bytes_str("bc"),
	                               tb_bytes_str("b")};
	char hex[2 * PKI_HASH_BYTES + 1];
	pki_sha256_many(digests, 'a', messages, 4);
	tb_hex(hex, digests[0].bytes, PKI_HASH_BYTES);
	assert_string_equal(hex, known);
	assert_memory_equal(&digests[0], &digests[2], sizeof(digests[0]));
}

static void test_lanes_make_the_same_keyed_hashes(void **state)
{
	(void)state;
	struct tb_bytes messages[MESSAGES];
	struct pki_digest digests[MESSAGES];
	struct pki_mac *mac = pki_mac_new(tb_bytes_of(text, 32));
	for (size_t i = 0; i < MESSAGES; i++)
		messages[i] = tb_bytes_of(text + 2 * i, i);
	pki_mac_many(mac, digests, messages, MESSAGES);
	for (size_t i = 0; i < MESSAGES; i++) {
		struct pki_digest expected;
		pki_mac_run(mac, expected.bytes, messages[i]);
		assert_memory_equal(&digests[i], &expected, sizeof(expected));
	}
	pki_mac_free(mac);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lanes_hash_every_length_as_one_message_alone),
		cmocka_unit_test(test_lanes_hash_any_number_of_messages),
		cmocka_unit_test(test_lanes_hash_a_long_message_among_short_ones),
		cmocka_unit_test(test_lanes_make_the_same_keyed_hashes),
		cmocka_unit_test(test_lanes_know_the_digest_of_the_standard),
	};
	return cmocka_run_group_tests(tests, make_text, NULL);
}
