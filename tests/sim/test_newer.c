#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/codec.h"
#include "sim/newer.h"

static struct tb_bytes encoded(struct tb_arena *arena, bool newer)
{
	PbQuery *query = PROTO_NEW(PbQuery, query, arena);
	query->number = tb_arena_str(arena, "N1");
	sim_newer_speaks(newer);
	struct tb_bytes bytes = proto_encode_arena(arena, &query->base);
	sim_newer_speaks(false);
	return bytes;
}

static void test_a_newer_node_says_more_and_an_older_one_reads_what_it_knows(void **state)
{
	struct tb_arena arena = {0};
	struct tb_error err;
	PbQuery *query;
	(void)state;
	struct tb_bytes plain = encoded(&arena, false), longer = encoded(&arena, true);
	assert_true(longer.size > plain.size);
	assert_memory_equal(longer.data, plain.data, plain.size);
	assert_int_equal(PROTO_DECODE(&query, query, longer, &arena, &err), TB_OK);
	assert_string_equal(query->number, "N1");
	assert_int_equal(query->base.n_unknown_fields, 0);
	assert_int_equal(PROTO_DECODE_OWN(&query, query, longer, &arena, &err), TB_OK);
	assert_int_equal(query->base.n_unknown_fields, 0); /* a node that went back */
	tb_arena_clear(&arena);
}

static void test_what_stays_in_the_node_is_encoded_as_ever(void **state)
{
	struct tb_arena arena = {0};
	PbCaseRecord *record = PROTO_NEW(PbCaseRecord, case_record, &arena);
	(void)state;
	record->seq = 7;
	struct tb_bytes plain = proto_encode_arena(&arena, &record->base);
	sim_newer_speaks(true);
	struct tb_bytes same = proto_encode_arena(&arena, &record->base);
	sim_newer_speaks(false);
	assert_int_equal(plain.size, same.size);
	tb_arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_newer_node_says_more_and_an_older_one_reads_what_it_knows),
		cmocka_unit_test(test_what_stays_in_the_node_is_encoded_as_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
