/* A partner that sends much: what its messages may take of this node's memory and disk. */
#include "tests/core/hostile.h"

#include <stdlib.h>
#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

enum { MANY = 60000, ITEMS = 7, BULK = 900 * 1024 };

/* A message of many empty materials: two bytes each on the wire, a hundred times that in memory. */
static struct tb_bytes swelling(struct tb_arena *arena)
{
	PbCaseMessage *message = PROTO_NEW(PbCaseMessage, case_message, arena);
	PbMaterial *empty = PROTO_NEW(PbMaterial, material, arena);
	message->proposal = PROTO_NEW(PbCaseProposal, case_proposal, arena);
	message->proposal->detail = PROTO_NEW(PbCaseDetail, case_detail, arena);
	message->proposal->detail->materials = tb_arena_alloc(arena, MANY * sizeof(PbMaterial *));
	message->proposal->detail->n_materials = MANY;
	for (size_t i = 0; i < MANY; i++)
		message->proposal->detail->materials[i] = empty;
	message->case_number = tb_arena_str(arena, "620100202601010000001X");
	message->id = proto_data(tb_arena_bytes(arena, tb_bytes_str("sixteen bytes id")));
	return proto_encode_arena(arena, &message->base);
}

static void test_a_batch_that_swells_is_decoded_in_part(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	struct tb_buf bytes = {0};
	struct tb_bytes messages[ITEMS];
	struct tb_error err;
	for (size_t i = 0; i < ITEMS; i++)
		messages[i] = swelling(&arena);
	hostile_batch(pair, &bytes, PB_BATCH_KIND__MESSAGES, WINDOW, HOME, &pair->window.region.message,
	              messages, ITEMS);
	struct core_inbound *inbound = core_inbound_new(&pair->home.setup, pair->home.peers, CORE_DELIVER,
	                                                WINDOW, tb_buf_bytes(&bytes), pair->now, &err);
	assert_non_null(inbound);
	assert_non_null(inbound->messages[0]);
	assert_null(inbound->messages[ITEMS - 1]);
	assert_true(inbound->batch->arena.bytes < 3 * (size_t)TB_BATCH_MEMORY_AIM);
	core_inbound_free(inbound);
	tb_buf_clear(&bytes);
	tb_arena_clear(&arena);
	pair_free(pair);
}

static void test_a_batch_of_which_nothing_is_remembered_is_not_kept(void **state)
{
	struct pair *pair = pair_new(*state);
	struct pair_reply reply;
	struct forgery f;
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	uint64_t before = hostile_count(&pair->home, KV_BATCH);
	forgery_take(&f, pair, &pair->window);
	f.message->id.len = 15;
	assert_string_equal(forgery_send(&f, &reply)->code, "malformed");
	pair_reply_clear(&reply);
	forgery_clear(&f);
	assert_int_equal(hostile_count(&pair->home, KV_BATCH), before);
	for (int again = 0; again < 3; again++) { /* taken, and known from then on */
		forgery_take(&f, pair, &pair->window);
		f.same_id = true;
		assert_int_equal(forgery_send(&f, &reply)->kind, PB_RECEIPT_KIND__DURABLE);
		pair_reply_clear(&reply);
		forgery_clear(&f);
		assert_int_equal(hostile_count(&pair->home, KV_BATCH), before + 1);
	}
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	hostile_assert_works(pair);
	pair_free(pair);
}

static void test_who_sends_only_what_is_refused_waits_for_the_next_hour(void **state)
{
	struct pair *pair = pair_new(*state);
	struct pair_reply reply;
	struct forgery f;
	char number[32];
	size_t refused = 0;
	PbReceiptKind kind = PB_RECEIPT_KIND__REJECTED;
	pair->parted = true;
	pair_submit(pair, true, number);
	ProtobufCBinaryData bulk = {BULK, tb_alloc(BULK)};
	memset(bulk.data, 0xFF, bulk.len);
	for (; refused < 200 && kind == PB_RECEIPT_KIND__REJECTED; refused++) {
		forgery_take(&f, pair, &pair->window);
		f.raw = true;
		f.message->package->entries = &bulk;
		f.message->package->n_entries = 1;
		const PbReceipt *receipt = forgery_send(&f, &reply);
		kind = receipt->kind;
		assert_string_equal(receipt->code,
		                    kind == PB_RECEIPT_KIND__REJECTED ? "invalid" : "throttled");
		pair_reply_clear(&reply);
		forgery_clear(&f);
	}
	assert_int_equal(kind, PB_RECEIPT_KIND__DEFERRED);
	assert_int_equal(refused, TB_REFUSED_BYTES_HOUR / BULK + 2);
	/* Nor is anything else new of it taken, until the hour is over. */
	pair->parted = false;
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(hostile_count(&pair->home, KV_CASE), 0);
	pair_pass(pair, TB_HOUR);
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__SIGNED_FOR);
	hostile_assert_works(pair);
	free(bulk.data);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_batch_that_swells_is_decoded_in_part),
		TEST(test_a_batch_of_which_nothing_is_remembered_is_not_kept),
		TEST(test_who_sends_only_what_is_refused_waits_for_the_next_hour),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
