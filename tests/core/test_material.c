/* Materials on their way in and out: what a peer may send of them, and what it may ask for. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

enum { SIZE = 3 * TB_CHUNK_BYTES + 1000, CHUNKS = 4 };

/* A material of the window that the home region fetches, part by part, as the test makes them. */
struct transfer {
	struct pair *pair;
	struct core_fetch fetch;
	struct material_sink *sink;
	struct tb_arena arena;
	uint8_t *bytes;
	struct pki_digest leaves[CHUNKS];
	struct tb_error err;
};

static void transfer_begin(struct transfer *t, struct pair *pair)
{
	static unsigned made; /* every transfer is of another material */
	struct tb_error err = {0};
	*t = (struct transfer){.pair = pair, .bytes = malloc(SIZE)};
	for (size_t i = 0; i < SIZE; i++)
		t->bytes[i] = (uint8_t)(i * 7 + i / 251 + made);
	made++;
	for (size_t i = 0; i < CHUNKS; i++) {
		size_t size = i + 1 < CHUNKS ? TB_CHUNK_BYTES : SIZE - (CHUNKS - 1) * TB_CHUNK_BYTES;
		t->leaves[i] = pki_merkle_leaf(tb_bytes_of(t->bytes + i * TB_CHUNK_BYTES, size));
	}
	struct pki_digest root = pki_merkle_root(t->leaves, CHUNKS);
	memcpy(t->fetch.root, root.bytes, PKI_HASH_BYTES);
	pki_sha256(t->fetch.sha256, tb_bytes_of(t->bytes, SIZE));
	t->fetch.size = SIZE;
	strcpy(t->fetch.peer, WINDOW);
	static const uint8_t seed[32] = {3};
	OK(material_sink_new(&t->sink, &pair->home.setup, &t->fetch, seed, &err));
}

static PbMaterialPart *part_of(struct transfer *t, uint32_t first, uint32_t count, bool head)
{
	PbMaterialPart *part = PROTO_NEW(PbMaterialPart, material_part, &t->arena);
	part->first_chunk = first;
	part->n_chunks = count;
	part->chunks = tb_arena_alloc(&t->arena, (count + 1) * sizeof(*part->chunks));
	for (uint32_t i = 0; i < count; i++) {
		size_t from = (size_t)(first + i) * TB_CHUNK_BYTES;
		size_t size = from + TB_CHUNK_BYTES <= SIZE ? TB_CHUNK_BYTES : from < SIZE ? SIZE - from : 0;
		part->chunks[i] = proto_data(tb_bytes_of(t->bytes + from, size));
	}
	if (head) {
		part->size = SIZE;
		part->leaves = proto_data(tb_bytes_of(t->leaves, sizeof(t->leaves)));
	}
	return part;
}

static enum tb_code give(struct transfer *t, const PbMaterialPart *part)
{
	bool progress;
	struct tb_bytes bytes = proto_encode_arena(&t->arena, &part->base);
	enum tb_code code = material_sink_part(t->sink, bytes, &progress, &t->err);
	if (code == TB_OK)
		material_sink_digest(t->sink, bytes);
	return code;
}

static enum tb_code transfer_end(struct transfer *t)
{
	enum tb_code code = material_sink_end(t->sink, &t->err);
	free(t->bytes);
	free((void *)(uintptr_t)t->fetch.leaves.data);
	tb_arena_clear(&t->arena);
	return code;
}

static bool is_kept(struct transfer *t)
{
	struct blob_reader *reader;
	char name[2 * PKI_HASH_BYTES + 1];
	struct tb_error err;
	tb_hex(name, t->fetch.root, PKI_HASH_BYTES);
	bool exists = blob_reader_open(&reader, t->pair->home.setup.blobs, name, &err) == TB_OK;
	if (exists)
		blob_reader_close(reader);
	return exists;
}

static void test_a_true_material_is_taken_in_parts_of_any_size(void **state)
{
	struct pair *pair = pair_new(*state);
	struct transfer t;
	transfer_begin(&t, pair);
	OK(give(&t, part_of(&t, 0, 1, true)));
	OK(give(&t, part_of(&t, 1, 2, false)));
	OK(give(&t, part_of(&t, 3, 0, false)));
	OK(give(&t, part_of(&t, 3, 1, false)));
	assert_int_equal(t.fetch.error.code, TB_OK);
	OK(transfer_end(&t));
	assert_int_equal(t.fetch.chunks, CHUNKS);
	assert_true(is_kept(&t));
	pair_free(pair);
}

static void test_a_chunk_that_is_not_the_right_one_is_not_written(void **state)
{
	struct pair *pair = pair_new(*state);
	struct transfer t;
	/* Each lie comes after one good chunk, which stays. */
	for (int lie = 0; lie < 9; lie++) {
		enum tb_code expected = TB_EMALFORMED;
		transfer_begin(&t, pair);
		OK(give(&t, part_of(&t, 0, 1, true)));
		PbMaterialPart *part = part_of(&t, 1, 1, false);
		uint8_t *copy = tb_arena_copy(&t.arena, part->chunks[0].data, part->chunks[0].len);
		switch (lie) {
		case 0: /* a wrong digest */
			copy[77] ^= 1;
			part->chunks[0].data = copy;
			expected = TB_EUNTRUSTED;
			break;
		case 1: /* the next but one */
			part->first_chunk = 2;
			break;
		case 2: /* one that is here */
			part->first_chunk = 0;
			break;
		case 3: /* too short */
			part->chunks[0].len--;
			break;
		case 4: /* empty */
			part->chunks[0].len = 0;
			break;
		case 5: /* one too many in a part, all empty */
			part->n_chunks = TB_PART_CHUNKS_MAX + 1;
			part->chunks = tb_arena_alloc(&t.arena, part->n_chunks * sizeof(*part->chunks));
			expected = TB_ETOOBIG;
			break;
		case 6: /* other leaves, halfway */
			part->size = SIZE;
			t.leaves[2].bytes[0] ^= 1;
			part->leaves = proto_data(tb_bytes_of(t.leaves, sizeof(t.leaves)));
			expected = TB_EUNTRUSTED;
			break;
		case 7: /* another size, halfway */
			part->size = SIZE + 1;
			part->leaves = proto_data(tb_bytes_of(t.leaves, sizeof(t.leaves)));
			expected = TB_EUNTRUSTED;
			break;
		default: /* leaves of another count */
			part->size = SIZE;
			part->leaves = proto_data(tb_bytes_of(t.leaves, sizeof(t.leaves) - 32));
			break;
		}
		assert_int_equal(give(&t, part), expected);
		assert_int_equal(transfer_end(&t), TB_EUNREACHABLE);
		assert_int_equal(t.fetch.chunks, 1);
		assert_false(is_kept(&t));
	}
	pair_free(pair);
}

static void test_a_stream_that_does_not_end_is_cut_at_the_announced_size(void **state)
{
	struct pair *pair = pair_new(*state);
	struct transfer t;
	transfer_begin(&t, pair);
	OK(give(&t, part_of(&t, 0, 4, true)));
	PbMaterialPart *part = part_of(&t, 0, 1, false);
	part->first_chunk = CHUNKS;
	assert_int_equal(give(&t, part), TB_ETOOBIG);
	OK(transfer_end(&t));
	pair_free(pair);
}

static void test_a_first_part_without_the_right_leaves_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	struct transfer t;
	transfer_begin(&t, pair);
	assert_int_equal(give(&t, part_of(&t, 0, 1, false)), TB_EMALFORMED);
	assert_int_equal(material_sink_part(t.sink, tb_bytes_str("\xff\xff\xff"), &(bool){false}, &t.err),
	                 TB_EMALFORMED);
	uint8_t *huge = calloc(1, TB_PART_BYTES_MAX + 1);
	assert_int_equal(
		material_sink_part(t.sink, tb_bytes_of(huge, TB_PART_BYTES_MAX + 1), &(bool){false}, &t.err),
		TB_ETOOBIG);
	free(huge);
	assert_int_equal(transfer_end(&t), TB_EUNREACHABLE);
	assert_int_equal(t.fetch.chunks, 0);
	pair_free(pair);
}

static void test_a_material_whose_two_digests_differ_is_not_kept(void **state)
{
	struct pair *pair = pair_new(*state);
	struct transfer t;
	transfer_begin(&t, pair);
	t.fetch.sha256[0] ^= 1;
	OK(give(&t, part_of(&t, 0, 4, true)));
	assert_int_equal(transfer_end(&t), TB_EUNTRUSTED);
	assert_int_equal(t.fetch.chunks, 0);
	assert_false(is_kept(&t));
	pair_free(pair);
}

static void test_a_size_that_no_material_has_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	static const uint64_t sizes[] = {0, (uint64_t)TB_MATERIAL_CHUNKS_MAX * TB_CHUNK_BYTES + 1, UINT64_MAX,
	                                 UINT64_MAX - TB_CHUNK_BYTES + 1};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct core_fetch fetch = {.size = sizes[i]};
		struct material_sink *sink;
		struct tb_error err = {0};
		static const uint8_t seed[32] = {3};
		assert_int_equal(material_sink_new(&sink, &pair->home.setup, &fetch, seed, &err), TB_ETOOBIG);
		assert_null(sink);
	}
	pair_free(pair);
}

static void test_a_resumed_fetch_goes_on_where_it_was_cut_and_starts_anew_if_that_is_damaged(void **state)
{
	struct pair *pair = pair_new(*state);
	static const uint8_t seed[32] = {9};
	enum { WHOLE, DAMAGED, CUT, GONE };
	for (int damaged = WHOLE; damaged <= GONE; damaged++) {
		struct transfer t;
		transfer_begin(&t, pair);
		OK(give(&t, part_of(&t, 0, 2, true)));
		assert_int_equal(material_sink_end(t.sink, &t.err), TB_EUNREACHABLE);
		assert_int_equal(t.fetch.chunks, 2);
		t.fetch.first_chunk = t.fetch.chunks;
		char path[320], name[2 * PKI_HASH_BYTES + 1];
		tb_hex(name, t.fetch.root, PKI_HASH_BYTES);
		snprintf(path, sizeof(path), "%s/blobs/partial/%s", pair->home.dir, name);
		if (damaged == GONE)
			assert_int_equal(unlink(path), 0);
		else if (damaged == CUT)
			assert_int_equal(truncate(path, 1000), 0);
		else if (damaged == DAMAGED) {
			FILE *file = fopen(path, "r+b");
			assert_non_null(file);
			fseek(file, 5000, SEEK_SET);
			fputs("damage", file);
			fclose(file);
		}
		OK(material_sink_new(&t.sink, &pair->home.setup, &t.fetch, seed, &t.err));
		assert_int_equal(t.fetch.first_chunk, damaged ? 0 : 2);
		OK(give(&t, part_of(&t, t.fetch.first_chunk, 4 - t.fetch.first_chunk, true)));
		OK(transfer_end(&t));
		assert_true(is_kept(&t));
	}
	pair_free(pair);
}

/* ---- who may have what */

static void root_of(struct pair *pair, struct side *side, const char *number, uint8_t root[PKI_HASH_BYTES])
{
	PbCaseView *view = pair_case(pair, side, number);
	memcpy(root, view->log[0]->detail->application->materials[0]->root.data, PKI_HASH_BYTES);
}

static void test_a_material_goes_to_the_peer_of_its_case_and_to_nobody_else(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbStoredMaterial *record;
	uint8_t root[PKI_HASH_BYTES], unknown[PKI_HASH_BYTES] = {1};
	char number[32];
	pair_submit(pair, true, number);
	root_of(pair, &pair->window, number, root);
	OK(core_material_for(&pair->window.setup, HOME, root, &arena, &record, &err));
	OK(core_material_for(&pair->window.setup, "", root, &arena, &record, &err)); /* local programs */
	assert_int_equal(core_material_for(&pair->window.setup, "330100", root, &arena, &record, &err),
	                 TB_ENOTFOUND);
	assert_null(record);
	assert_int_equal(core_material_for(&pair->window.setup, HOME, unknown, &arena, &record, &err),
	                 TB_ENOTFOUND);
	assert_int_equal(core_material_for(&pair->window.setup, "", unknown, &arena, &record, &err),
	                 TB_ENOTFOUND);
	/* Nor does who fetched it become a source for the next. */
	assert_int_equal(core_material_for(&pair->home.setup, WINDOW, root, &arena, &record, &err),
	                 TB_ENOTFOUND);
	tb_arena_clear(&arena);
	pair_free(pair);
}

static void test_a_material_is_not_given_before_its_case_is_sent(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbStoredMaterial *record;
	uint8_t root[PKI_HASH_BYTES];
	char number[32];
	pair_submit(pair, false, number);
	root_of(pair, &pair->window, number, root);
	assert_int_equal(core_material_for(&pair->window.setup, HOME, root, &arena, &record, &err),
	                 TB_ENOTFOUND);
	OK(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""));
	assert_int_equal(core_material_for(&pair->window.setup, HOME, root, &arena, &record, &err),
	                 TB_ENOTFOUND);
	OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
	OK(core_material_for(&pair->window.setup, HOME, root, &arena, &record, &err));
	tb_arena_clear(&arena);
	pair_free(pair);
}

static void spoil(struct pair *pair, struct side *to, struct tb_buf *part)
{
	(void)to;
	if (*(int *)pair->test)
		part->data[part->size - 1] ^= 1;
}

static void test_a_peer_that_sends_other_bytes_delays_only_its_own_case(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	int spoiling = 1;
	pair->test = &spoiling;
	pair->sending_part = spoil;
	pair_submit(pair, true, number);
	pair_pass(pair, TB_HOUR);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->materials_missing, 1);
	assert_int_equal(view->state, PB_CASE_STATE__TRANSFER);
	assert_int_equal(hostile_count(&pair->home, KV_WANTED), 1);
	assert_int_equal(pair_act(pair, &pair->home, number, "SIGN", "H_WIN", ""), TB_ESTATE);
	spoiling = 0;
	pair_pass(pair, TB_HOUR);
	view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->materials_missing, 0);
	assert_int_equal(view->state, PB_CASE_STATE__SIGNED_FOR);
	assert_int_equal(hostile_count(&pair->home, KV_WANTED), 0);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_true_material_is_taken_in_parts_of_any_size),
		TEST(test_a_chunk_that_is_not_the_right_one_is_not_written),
		TEST(test_a_stream_that_does_not_end_is_cut_at_the_announced_size),
		TEST(test_a_first_part_without_the_right_leaves_is_refused),
		TEST(test_a_material_whose_two_digests_differ_is_not_kept),
		TEST(test_a_size_that_no_material_has_is_refused),
		TEST(test_a_resumed_fetch_goes_on_where_it_was_cut_and_starts_anew_if_that_is_damaged),
		TEST(test_a_material_goes_to_the_peer_of_its_case_and_to_nobody_else),
		TEST(test_a_material_is_not_given_before_its_case_is_sent),
		TEST(test_a_peer_that_sends_other_bytes_delays_only_its_own_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
