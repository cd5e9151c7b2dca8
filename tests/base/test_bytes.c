#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal) tb_bytes_of(literal, sizeof(literal) - 1)

static void test_bytes_compares_by_content(void **state)
{
	(void)state;
	assert_int_equal(tb_bytes_str(NULL).size, 0);
	assert_int_equal(tb_bytes_str("abc").size, 3);
	assert_true(tb_bytes_equal(tb_bytes_str(NULL), tb_bytes_str("")));
	assert_true(tb_bytes_equal(TEXT("a\0b"), TEXT("a\0b")));
	assert_false(tb_bytes_equal(TEXT("a\0b"), TEXT("a\0c")));
	assert_false(tb_bytes_equal(TEXT("ab"), TEXT("abc")));
	assert_true(tb_equal_ct("secret", "secret", 6));
	assert_false(tb_equal_ct("secret", "secreT", 6));
	assert_false(tb_equal_ct("Secret", "secret", 6));
	assert_true(tb_equal_ct("a", "b", 0));
}

static void test_alloc_gives_zeroed_memory(void **state)
{
	(void)state;
	static const uint8_t zeroes[256];
	uint8_t *data = tb_alloc(sizeof(zeroes));
	assert_memory_equal(data, zeroes, sizeof(zeroes));
	free(data);
	free(tb_alloc(0));
	char *copy = tb_strndup("verify", 3);
	assert_string_equal(copy, "ver");
	free(copy);
	copy = tb_strdup("deliver");
	assert_string_equal(copy, "deliver");
	free(copy);
}

static void test_buf_keeps_what_is_added(void **state)
{
	(void)state;
	struct tb_buf buf = {0};
	assert_string_equal(tb_buf_text(&buf), "");
	assert_int_equal(buf.size, 0);
	tb_buf_add(&buf, NULL, 0);
	tb_buf_str(&buf, "seq ");
	tb_buf_printf(&buf, "%d of %s", 7, "many");
	assert_string_equal(tb_buf_text(&buf), "seq 7 of many");
	assert_int_equal(buf.size, 13);
	for (int i = 0; i < 10000; i++)
		tb_buf_printf(&buf, "%04d", i);
	assert_int_equal(buf.size, 13 + 40000);
	assert_memory_equal(buf.data + 13 + 4 * 4321, "43214322", 8);
	assert_true(buf.room >= buf.size);
	size_t room = buf.room;
	tb_buf_reserve(&buf, room - buf.size);
	assert_int_equal(buf.room, room);
	tb_buf_clear(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.size + buf.room, 0);
}

static void test_arena_gives_aligned_zeroed_blocks(void **state)
{
	(void)state;
	static const uint8_t zeroes[70000];
	struct tb_arena arena = {0};
	for (size_t size = 0; size < 70000; size = size * 2 + 1) {
		uint8_t *data = tb_arena_alloc(&arena, size);
		assert_non_null(data);
		assert_int_equal((uintptr_t)data % 16, 0);
		assert_memory_equal(data, zeroes, size);
		memset(data, 0xAA, size); /* The next block must not see it. */
	}
	tb_arena_clear(&arena);
	assert_null(arena.blocks);
	tb_arena_clear(&arena);
}

static void test_arena_copies_outlive_growth(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	char *first = tb_arena_str(&arena, "first");
	char *printed = tb_arena_printf(&arena, "%s-%d", "case", 42);
	struct tb_bytes bytes = tb_arena_bytes(&arena, TEXT("a\0b"));
	for (int i = 0; i < 5000; i++)
		assert_int_equal(*(char *)tb_arena_copy(&arena, "x", 1), 'x');
	assert_non_null(tb_arena_alloc(&arena, 3 << 20));
	assert_non_null(tb_arena_alloc(&arena, 1));
	assert_string_equal(first, "first");
	assert_string_equal(printed, "case-42");
	assert_true(tb_bytes_equal(bytes, TEXT("a\0b")));
	assert_string_equal(tb_arena_str(&arena, NULL), "");
	tb_arena_clear(&arena);
}

/* Memory that was used before is not clean. */
static void test_arena_ends_copies_with_nul(void **state)
{
	(void)state;
	static const char text[] = "0123456789abcdef0123456789abcdef";
	for (int round = 0; round < 2; round++) {
		struct tb_arena arena = {0};
		for (size_t size = 0; size < sizeof(text); size++) {
			char *copy = tb_arena_copy(&arena, text, size);
			assert_memory_equal(copy, text, size);
			assert_int_equal(copy[size], 0);
			memset(copy, 0xAA, size + 1);
		}
		tb_arena_clear(&arena);
	}
}

static void test_hex_goes_both_ways(void **state)
{
	(void)state;
	char text[9];
	uint8_t back[4];
	tb_hex(text, "\x00\x7f\x80\xff", 4);
	assert_string_equal(text, "007f80ff");
	assert_true(tb_unhex(back, 4, "007F80fF"));
	assert_memory_equal(back, "\x00\x7f\x80\xff", 4);
	assert_true(tb_unhex(back, 0, ""));
	static const char *const bad[] = {"", "007f80f", "007f80ff0", "007f80fg", "007f 0ff", "0x7f80ff"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(tb_unhex(back, 4, bad[i]));
}

/* RFC 4648, section 10. */
static void test_base64_gives_the_standard_vectors(void **state)
{
	(void)state;
	static const char *const vectors[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
	};
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct tb_buf text = {0};
		struct tb_buf back = {0};
		tb_base64(&text, tb_bytes_str(vectors[i][0]));
		assert_string_equal(tb_buf_text(&text), vectors[i][1]);
		assert_true(tb_unbase64(&back, vectors[i][1], strlen(vectors[i][1])));
		assert_string_equal(tb_buf_text(&back), vectors[i][0]);
		size_t bare = strcspn(vectors[i][1], "=");
		back.size = 0;
		assert_true(tb_unbase64(&back, vectors[i][1], bare));
		assert_string_equal(tb_buf_text(&back), vectors[i][0]);
		tb_buf_clear(&text);
		tb_buf_clear(&back);
	}
}

static void test_base64_takes_both_alphabets(void **state)
{
	(void)state;
	struct tb_buf back = {0};
	assert_true(tb_unbase64(&back, "+/8-_w", 6));
	assert_true(tb_bytes_equal(tb_buf_bytes(&back), TEXT("\xfb\xff\x3e\xff")));
	tb_buf_clear(&back);
}

static void test_base64_refuses_what_is_not(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"A",      "AAAAA", "Zg=",   "Zg===",  "Zm8==", "====", "=",    "==",   "Zm9v=",
		"Zm9v==", "Z=g=",  "Zm 9v", "Zm9v\n", "Zh==",  "Zm9=", "Zm.9", "AA=A", "\xc3\xa9\xc3\xa9",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tb_buf back = {0};
		if (tb_unbase64(&back, bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
		tb_buf_clear(&back);
	}
}

static void test_numbers_sort_as_their_bytes(void **state)
{
	(void)state;
	uint8_t a[8];
	uint8_t b[8];
	static const uint64_t numbers[] = {0, 1, 255, 256, 0xFFFFFFFF, 0x100000000, INT64_MAX, UINT64_MAX};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		tb_put_u64(a, numbers[i]);
		assert_true(tb_get_u64(a) == numbers[i]);
		if (i > 0) {
			tb_put_u64(b, numbers[i - 1]);
			assert_true(memcmp(b, a, 8) < 0);
		}
		tb_put_u32(a, (uint32_t)numbers[i]);
		assert_true(tb_get_u32(a) == (uint32_t)numbers[i]);
	}
	tb_put_u32(a, 0x01020304);
	assert_memory_equal(a, "\x01\x02\x03\x04", 4);
}

static void test_utf8_takes_every_length(void **state)
{
	(void)state;
	assert_true(tb_utf8_valid(TEXT("")));
	assert_true(tb_utf8_valid(TEXT("a\x7f")));
	assert_true(tb_utf8_valid(TEXT("\xc2\x80\xdf\xbf")));
	assert_true(tb_utf8_valid(TEXT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf")));
	assert_true(tb_utf8_valid(TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
	assert_true(tb_utf8_valid(TEXT("营业执照\t\r\n")));
}

/* RFC 3629, sections 3 and 10. */
static void test_utf8_refuses_what_is_not(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2\x41",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xe4\xb8",
		"\xe4\xb8\x41",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x90\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
		"\xd6\xd0\xb9\xfa",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(tb_utf8_valid(tb_bytes_str(bad[i])));
		assert_false(tb_text_printable(tb_bytes_str(bad[i])));
	}
	assert_false(tb_utf8_valid(TEXT("a\0b")));
	assert_false(tb_text_printable(TEXT("a\0b")));
}

static void test_printable_refuses_controls_and_overrides(void **state)
{
	(void)state;
	for (int c = 0; c < 0x20; c++) {
		char text[1] = {(char)c};
		assert_false(tb_text_printable(tb_bytes_of(text, 1)));
	}
	static const char *const bad[] = {
		"\x7f",         "\xc2\x80",     "\xc2\x9f",     "\xe2\x80\xa8", "\xe2\x80\xa9",
		"\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9", "张\xe2\x80\xae三",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(tb_text_printable(tb_bytes_str(bad[i])));
	assert_true(tb_text_printable(TEXT("")));
	assert_true(tb_text_printable(TEXT(" ~\xc2\xa0")));
	assert_true(tb_text_printable(TEXT("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa")));
	assert_true(tb_text_printable(TEXT("南京市江宁区 (Ω) 𠮷")));
}

/* RFC 3629, section 4, a character at a time; then what tb_text_printable() says of itself. */
static void judge(const uint8_t *at, size_t size, bool *utf8, bool *printable)
{
	*printable = true;
	for (*utf8 = false; size > 0;) {
		size_t more = *at < 0x80 ? 0 : *at < 0xE0 ? 1 : *at < 0xF0 ? 2 : 3;
		uint8_t least = *at == 0xE0 ? 0xA0 : *at == 0xF0 ? 0x90 : 0x80;
		uint8_t most = *at == 0xED ? 0x9F : *at == 0xF4 ? 0x8F : 0xBF;
		uint32_t point = more ? *at & (0x3FU >> more) : *at;
		bool good = *at != 0 && (*at < 0x80 || *at >= 0xC2) && *at <= 0xF4 && size > more;
		for (size_t i = 1; good && i <= more; i++) {
			good = at[i] >= (i == 1 ? least : 0x80) && at[i] <= (i == 1 ? most : 0xBF);
			point = point << 6 | (at[i] & 0x3FU);
		}
		if (!good) {
			*printable = false;
			return;
		}
		if (point < 0x20 || (point >= 0x7F && point <= 0x9F) || point == 0x2028 || point == 0x2029 ||
		    (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069))
			*printable = false;
		at += more + 1;
		size -= more + 1;
	}
	*utf8 = true;
}

/* The short cuts, which take eight bytes or a Han character at a time, change nothing. */
static void test_short_cuts_change_nothing(void **state)
{
	(void)state;
	static const uint8_t next[] = {0x00, 0x1F, 0x20, 0x7E, 0x7F, 0x80, 0x81, 0x8F, 0x90,
	                               0x9F, 0xA0, 0xA8, 0xAE, 0xBF, 0xC0, 0xE4, 0xFF};
	enum { NEXT = sizeof(next) };
	static const char around[] = "abcdefgh张zABCDEFGHIJ";
	for (unsigned i = 0; i < 256 * NEXT * NEXT; i++) {
		uint8_t piece[] = {(uint8_t)(i / (NEXT * NEXT)), next[i / NEXT % NEXT], next[i % NEXT], 0x80};
		for (size_t size = 1; size <= sizeof(piece); size++) {
			/* The places turn, so that each sequence need not be tried at all of them. */
			size_t before = (i + 5 * size) % 14;
			size_t after = (i / 14 + size) % 10;
			uint8_t *text = malloc(before + size + after);
			assert_non_null(text);
			memcpy(text, around, before);
			memcpy(text + before, piece, size);
			memcpy(text + before + size, around, after);
			bool utf8 = false;
			bool printable = false;
			judge(text, before + size + after, &utf8, &printable);
			struct tb_bytes bytes = tb_bytes_of(text, before + size + after);
			if (tb_utf8_valid(bytes) != utf8 || tb_text_printable(bytes) != printable)
				fail_msg("%02x %02x %02x, %zu bytes after %zu", piece[0], piece[1], piece[2],
				         size, before);
			free(text);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_compares_by_content),
		cmocka_unit_test(test_alloc_gives_zeroed_memory),
		cmocka_unit_test(test_buf_keeps_what_is_added),
		cmocka_unit_test(test_arena_gives_aligned_zeroed_blocks),
		cmocka_unit_test(test_arena_copies_outlive_growth),
		cmocka_unit_test(test_arena_ends_copies_with_nul),
		cmocka_unit_test(test_hex_goes_both_ways),
		cmocka_unit_test(test_base64_gives_the_standard_vectors),
		cmocka_unit_test(test_base64_takes_both_alphabets),
		cmocka_unit_test(test_base64_refuses_what_is_not),
		cmocka_unit_test(test_numbers_sort_as_their_bytes),
		cmocka_unit_test(test_utf8_takes_every_length),
		cmocka_unit_test(test_utf8_refuses_what_is_not),
		cmocka_unit_test(test_printable_refuses_controls_and_overrides),
		cmocka_unit_test(test_short_cuts_change_nothing),
	};
	return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
