/* What is refused as a whole is in the audit log, and a flood of it does not fill the log. */
#include "tests/core/hostile.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

enum { FLOOD = 500 };

/* The LEAF_REFUSED of |side| with this subject: how many, and what they count in all. */
struct tally {
	size_t leaves;
	uint32_t count;
	uint32_t last; /* of the last one */
	char peer[16];
};

static struct tally refused(struct pair *pair, struct side *side, const char *subject)
{
	struct tally found = {0};
	uint64_t first = 0, size = 1;
	while (first < size) {
		char json[64];
		snprintf(json, sizeof(json), "{\"first\":%llu,\"limit\":1000}", (unsigned long long)first);
		PbAuditListResponse *page = (PbAuditListResponse *)(void *)pair_ask(
			pair, side, "/tongban.v1.AuditService/List", json);
		for (size_t i = 0; i < page->n_rows; i++) {
			const PbAuditRow *row = page->rows[i];
			if (strcmp(row->kind, "LEAF_REFUSED") != 0 || strcmp(row->subject, subject) != 0)
				continue;
			found.leaves++;
			found.count += row->count;
			found.last = row->count;
			snprintf(found.peer, sizeof(found.peer), "%s", row->peer);
		}
		size = page->size;
		first += page->n_rows ? page->n_rows : size;
	}
	return found;
}

static enum tb_code garbage(struct pair *pair, enum core_call call)
{
	return pair_inject(pair, &pair->home, call, WINDOW, tb_bytes_str("no batch at all"), NULL);
}

static void test_bytes_that_are_no_batch_leave_a_leaf(void **state)
{
	struct pair *pair = pair_new(*state);
	assert_int_equal(garbage(pair, CORE_DELIVER), TB_EMALFORMED);
	struct tally found = refused(pair, &pair->home, "deliver: TB_EMALFORMED");
	assert_int_equal(found.leaves, 1);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.peer, WINDOW);
	pair_free(pair);
}

static void test_each_kind_of_call_and_reason_has_a_leaf_of_its_own(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf bytes = {0};
	struct tb_bytes message = tb_bytes_str("x");
	assert_int_equal(garbage(pair, CORE_DELIVER), TB_EMALFORMED);
	assert_int_equal(garbage(pair, CORE_VERIFY), TB_EMALFORMED);
	assert_int_equal(garbage(pair, CORE_DESCRIBE), TB_EMALFORMED);
	/* Signed by the wrong one: the home region's own key says that it is the window. */
	hostile_batch(pair, &bytes, PB_BATCH_KIND__MESSAGES, WINDOW, HOME, &pair->home.region.message,
	              &message, 1);
	assert_int_not_equal(pair_inject(pair, &pair->home, CORE_DELIVER, WINDOW, tb_buf_bytes(&bytes), NULL),
	                     TB_OK);
	tb_buf_clear(&bytes);
	assert_int_equal(refused(pair, &pair->home, "deliver: TB_EMALFORMED").leaves, 1);
	assert_int_equal(refused(pair, &pair->home, "verify: TB_EMALFORMED").leaves, 1);
	assert_int_equal(refused(pair, &pair->home, "describe: TB_EMALFORMED").leaves, 1);
	assert_int_equal(refused(pair, &pair->home, "deliver: TB_EUNTRUSTED").leaves, 1);
	pair_free(pair);
}

static void test_a_flood_leaves_one_leaf_a_minute_and_all_of_it_is_counted(void **state)
{
	struct pair *pair = pair_new(*state);
	for (int i = 0; i < FLOOD; i++)
		assert_int_equal(garbage(pair, CORE_DELIVER), TB_EMALFORMED);
	assert_int_equal(refused(pair, &pair->home, "deliver: TB_EMALFORMED").leaves, 1);
	pair_pass(pair, TB_MINUTE);
	struct tally found = refused(pair, &pair->home, "deliver: TB_EMALFORMED");
	assert_int_equal(found.leaves, 2);
	assert_int_equal(found.count, FLOOD);
	for (int i = 0; i < FLOOD; i++)
		assert_int_equal(garbage(pair, CORE_DELIVER), TB_EMALFORMED);
	pair_pass(pair, TB_MINUTE);
	found = refused(pair, &pair->home, "deliver: TB_EMALFORMED");
	assert_int_equal(found.leaves, 3);
	assert_int_equal(found.count, 2 * FLOOD);
	pair_pass(pair, TB_HOUR);
	assert_int_equal(refused(pair, &pair->home, "deliver: TB_EMALFORMED").leaves, 3);
	pair_free(pair);
}

static void test_more_kinds_than_are_kept_apart_are_counted_together(void **state)
{
	static const enum tb_code codes[] = {TB_EMALFORMED, TB_ETOOBIG,    TB_EINVALID,
	                                     TB_EDENIED,    TB_EUNTRUSTED, TB_EEXPIRED};
	struct pair *pair = pair_new(*state);
	size_t before = hostile_leaves(pair, &pair->home, "LEAF_REFUSED");
	for (enum core_call call = CORE_VERIFY; call <= CORE_DESCRIBE; call++) {
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
			struct tb_error err = {.code = codes[i]};
			struct core_event event = {.kind = CORE_REFUSED,
			                           .refusal = core_refusal_of(WINDOW, core_call_word(call),
			                                                      tb_bytes_str("x"), &err)};
			pair->home.waiting.events[pair->home.waiting.count++] = event;
		}
	}
	pair_run(pair);
	pair_pass(pair, TB_MINUTE);
	/* One for each slot, and one more for what the last slot counted. */
	assert_int_equal(hostile_leaves(pair, &pair->home, "LEAF_REFUSED"), before + REFUSED_KINDS + 1);
	pair_free(pair);
}

static void test_what_is_no_fault_of_the_peer_leaves_none(void **state)
{
	static const enum tb_code codes[] = {TB_ESTATE, TB_EUNREACHABLE, TB_ESTORAGE, TB_EBUSY};
	struct pair *pair = pair_new(*state);
	size_t before = hostile_leaves(pair, &pair->home, "LEAF_REFUSED");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct tb_error err = {.code = codes[i]};
		pair->home.waiting.events[pair->home.waiting.count++] = (struct core_event){
			.kind = CORE_REFUSED,
			.refusal = core_refusal_of(WINDOW, "material", tb_bytes_str("x"), &err)};
	}
	pair_run(pair);
	pair_pass(pair, TB_HOUR);
	assert_int_equal(hostile_leaves(pair, &pair->home, "LEAF_REFUSED"), before);
	pair_free(pair);
}

static void test_a_clock_that_is_set_back_holds_nothing_back(void **state)
{
	struct pair *pair = pair_new(*state);
	assert_int_equal(garbage(pair, CORE_DELIVER), TB_EMALFORMED);
	assert_int_equal(garbage(pair, CORE_DELIVER), TB_EMALFORMED);
	pair_set_back(pair, TB_DAY);
	assert_int_equal(garbage(pair, CORE_DELIVER), TB_EMALFORMED);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(refused(pair, &pair->home, "deliver: TB_EMALFORMED").count, 3);
	pair_free(pair);
}

static void test_what_a_removed_peer_sent_is_in_the_log_too(void **state)
{
	struct pair *pair = pair_new(*state);
	pair_set_peers(pair, &pair->home, peer_set_new());
	for (int i = 0; i < 3; i++)
		assert_int_equal(garbage(pair, CORE_VERIFY), TB_EDENIED);
	pair_pass(pair, TB_MINUTE);
	struct tally found = refused(pair, &pair->home, "verify: TB_EDENIED");
	assert_int_equal(found.leaves, 2);
	assert_int_equal(found.count, 3);
	pair_free(pair);
}

static void test_a_code_that_is_tried_leaves_a_leaf_for_its_token(void **state)
{
	struct pair *pair = pair_new(*state);
	for (int i = 0; i < 3; i++) {
		pair->home.waiting.events[pair->home.waiting.count++] = (struct core_event){
			.kind = CORE_REFUSED,
			.refusal = core_refusal_of_code("kiosk-1", "620100-20260105-000001", TB_ETHROTTLED)};
		pair->home.waiting.events[pair->home.waiting.count++] = (struct core_event){
			.kind = CORE_REFUSED,
			.refusal = core_refusal_of_code("kiosk-2", "620100-20260105-000001", TB_EDENIED)};
	}
	pair_run(pair);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(refused(pair, &pair->home, "openWith: TB_ETHROTTLED, token kiosk-1").count, 3);
	assert_int_equal(refused(pair, &pair->home, "openWith: TB_EDENIED, token kiosk-2").count, 3);
	pair_free(pair);
}

static void spoil(struct pair *pair, struct side *from, const struct core_inbound *inbound,
                  struct tb_buf *bytes)
{
	(void)from;
	(void)inbound;
	bytes->data[bytes->size - 1] ^= 1;
	pair->answering = NULL;
}

static void test_an_answer_that_does_not_hold_leaves_a_leaf(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	size_t before = hostile_leaves(pair, &pair->window, "LEAF_REFUSED");
	pair->answering = spoil;
	pair_submit(pair, true, number);
	pair_run(pair);
	assert_null(pair->answering);
	assert_int_equal(hostile_leaves(pair, &pair->window, "LEAF_REFUSED"), before + 1);
	/* The message itself is sent again. */
	pair_pass(pair, TB_MINUTE);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void spoil_part(struct pair *pair, struct side *to, struct tb_buf *part)
{
	(void)to;
	if (part->size < 2048)
		return;
	part->data[part->size - 1] ^= 1;
	pair->sending_part = NULL;
}

static void test_an_altered_part_of_a_material_leaves_a_leaf(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair->sending_part = spoil_part;
	pair_submit(pair, true, number);
	pair_pass(pair, TB_MINUTE);
	assert_null(pair->sending_part);
	struct tally found = refused(pair, &pair->home, "part: TB_EUNTRUSTED");
	assert_int_equal(found.leaves, 1);
	assert_string_equal(found.peer, WINDOW);
	assert_int_equal(pair_case(pair, &pair->home, number)->materials_missing, 0);
	pair_free(pair);
}

static void test_an_agreement_that_is_none_leaves_a_leaf(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	struct tb_buf bytes = {0};
	PbDescribeRequest request = PB_DESCRIBE_REQUEST__INIT;
	PbSignedAgreement shown = PB_SIGNED_AGREEMENT__INIT, *list = &shown;
	shown.agreement = proto_data(tb_bytes_str("no agreement"));
	request.agreements = &list;
	request.n_agreements = 1;
	struct tb_bytes item = proto_encode_arena(&arena, &request.base);
	hostile_batch(pair, &bytes, PB_BATCH_KIND__DESCRIBE, WINDOW, HOME, &pair->window.region.message,
	              &item, 1);
	assert_int_equal(pair_inject(pair, &pair->home, CORE_DESCRIBE, WINDOW, tb_buf_bytes(&bytes), NULL),
	                 TB_OK);
	struct tally found = refused(pair, &pair->home, "agreement: TB_EINVALID");
	assert_int_equal(found.leaves, 1);
	assert_string_equal(found.peer, WINDOW);
	tb_buf_clear(&bytes);
	tb_arena_clear(&arena);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bytes_that_are_no_batch_leave_a_leaf),
		TEST(test_each_kind_of_call_and_reason_has_a_leaf_of_its_own),
		TEST(test_a_flood_leaves_one_leaf_a_minute_and_all_of_it_is_counted),
		TEST(test_more_kinds_than_are_kept_apart_are_counted_together),
		TEST(test_what_is_no_fault_of_the_peer_leaves_none),
		TEST(test_a_clock_that_is_set_back_holds_nothing_back),
		TEST(test_what_a_removed_peer_sent_is_in_the_log_too),
		TEST(test_a_code_that_is_tried_leaves_a_leaf_for_its_token),
		TEST(test_an_answer_that_does_not_hold_leaves_a_leaf),
		TEST(test_an_altered_part_of_a_material_leaves_a_leaf),
		TEST(test_an_agreement_that_is_none_leaves_a_leaf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
