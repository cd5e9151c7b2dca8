/* The audit log as others check it: proofs, growth, checkpoints, and what the node itself finds changed. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"
#include "pki/note.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

/* A log of the home node with |least| leaves or more, each in a turn of its own and some in one. */
static struct pair *pair_with_log(struct scratch *scratch, uint64_t least)
{
	static const char list[] =
		"{\"items\":[{\"code\":\"" ITEM "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
		"\"departmentName\":\"常州市司法局\","
		"\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15,\"materials\":[{\"code\":\"M1\","
		"\"name\":\"申请表\","
		"\"required\":true,\"basis\":\"公证程序规则\"}]}]}";
	struct pair *pair = pair_new(scratch);
	char number[32];
	pair_submit(pair, true, number);
	while (pair->home.core->audit.size < least)
		pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load", list);
	pair_pass(pair, TB_MINUTE);
	return pair;
}

static PbCheckpointResponse *checkpoint(struct pair *pair)
{
	return (PbCheckpointResponse *)(void *)pair_ask(pair, &pair->home,
	                                                "/tongban.v1.AuditService/Checkpoint", "{}");
}

static PbAuditVerifyResponse *verify(struct pair *pair)
{
	return (PbAuditVerifyResponse *)(void *)pair_ask(pair, &pair->home, "/tongban.v1.AuditService/Verify",
	                                                 "{}");
}

static struct pki_digest digest_of(ProtobufCBinaryData data)
{
	struct pki_digest digest;
	assert_int_equal(data.len, PKI_HASH_BYTES);
	memcpy(digest.bytes, data.data, PKI_HASH_BYTES);
	return digest;
}

static size_t path_of(struct pki_digest path[PKI_PATH_MAX + 1], const ProtobufCBinaryData *data, size_t count)
{
	assert_true(count <= PKI_PATH_MAX + 1);
	for (size_t i = 0; i < count; i++)
		path[i] = digest_of(data[i]);
	return count;
}

/* |a| and |b| are the values of the fields |first| and |second|; NULL leaves one out. */
static enum tb_code ask(struct pair *pair, const char *method, const char *first, uint64_t a,
                        const char *second, uint64_t b, proto_message **reply)
{
	char path[64], json[128];
	enum tb_code code;
	snprintf(path, sizeof(path), "/tongban.v1.AuditService/%s", method);
	snprintf(json, sizeof(json), "{\"%s\":%llu%s%s", first, (unsigned long long)a, second ? ",\"" : "}",
	         second ? second : "");
	if (second)
		snprintf(json + strlen(json), sizeof(json) - strlen(json), "\":%llu}", (unsigned long long)b);
	*reply = pair_call(pair, &pair->home, path, json, &code);
	return code;
}

static void test_every_leaf_is_proved_in_the_log_of_any_size(void **state)
{
	struct pair *pair = pair_with_log(*state, 40);
	proto_message *reply;
	uint64_t size = checkpoint(pair)->size;
	for (uint64_t at = 1; at <= size; at += at < 20 ? 1 : 7) {
		struct pki_digest whole, path[PKI_PATH_MAX + 1];
		for (uint64_t i = 0; i < at; i++) {
			OK(ask(pair, "Prove", "index", i, "size", at, &reply));
			PbAuditProof *proof = (PbAuditProof *)(void *)reply;
			struct pki_digest leaf = pki_merkle_leaf(proto_bytes(proof->leaf));
			struct pki_digest root = digest_of(proof->root);
			size_t steps = path_of(path, proof->path, proof->n_path);
			assert_int_equal(proof->size, at);
			assert_true(pki_merkle_included(&root, at, i, &leaf, path, steps));
			if (i > 0)
				assert_memory_equal(&root, &whole, sizeof(root));
			whole = root;
			leaf.bytes[0] ^= 1;
			assert_false(pki_merkle_included(&root, at, i, &leaf, path, steps));
		}
	}
	/* Size 0 means the newest. */
	OK(ask(pair, "Prove", "index", 0, NULL, 0, &reply));
	assert_int_equal(((PbAuditProof *)(void *)reply)->size, size);
	assert_int_equal(ask(pair, "Prove", "index", size, NULL, 0, &reply), TB_ENOTFOUND);
	assert_int_equal(ask(pair, "Prove", "index", 0, "size", size + 1, &reply), TB_ENOTFOUND);
	assert_int_equal(ask(pair, "Prove", "index", 3, "size", 3, &reply), TB_ENOTFOUND);
	pair_free(pair);
}

static void test_every_growth_of_the_log_is_consistent(void **state)
{
	struct pair *pair = pair_with_log(*state, 40);
	proto_message *reply;
	uint64_t size = checkpoint(pair)->size;
	struct pki_digest path[PKI_PATH_MAX + 1];
	for (uint64_t from = 0; from <= size; from++) {
		OK(ask(pair, "Consistency", "oldSize", from, NULL, 0, &reply));
		PbConsistencyResponse *proof = (PbConsistencyResponse *)(void *)reply;
		struct pki_digest before = digest_of(proof->old_root), after = digest_of(proof->new_root);
		size_t steps = path_of(path, proof->path, proof->n_path);
		assert_int_equal(proof->new_size, size);
		assert_true(pki_merkle_consistent(from, &before, size, &after, path, steps));
		before.bytes[0] ^= 1;
		if (from > 0)
			assert_false(pki_merkle_consistent(from, &before, size, &after, path, steps));
	}
	OK(ask(pair, "Consistency", "oldSize", 3, "newSize", 7, &reply));
	assert_int_equal(((PbConsistencyResponse *)(void *)reply)->new_size, 7);
	assert_int_equal(ask(pair, "Consistency", "oldSize", size + 1, NULL, 0, &reply), TB_ENOTFOUND);
	assert_int_equal(ask(pair, "Consistency", "oldSize", 8, "newSize", 7, &reply), TB_ENOTFOUND);
	assert_int_equal(ask(pair, "Consistency", "oldSize", 0, "newSize", size + 1, &reply), TB_ENOTFOUND);
	pair_free(pair);
}

static void test_a_checkpoint_is_signed_and_names_the_root_of_all_leaves(void **state)
{
	struct pair *pair = pair_with_log(*state, 20);
	struct tb_error err;
	proto_message *reply;
	PbCheckpointResponse *shown = checkpoint(pair);
	const struct pki_identity *signer;
	struct pki_checkpoint read;
	assert_true(shown->n_chain > 0);
	OK(pki_chain_check(&signer, pair->home.setup.anchors, pair->home.setup.message.chain,
	                   pair->home.setup.message.chain_count, PKI_ROLE_MESSAGE, pair->now, &err));
	OK(pki_note_check(&read, tb_bytes_str(shown->note), signer, &err));
	assert_string_equal(read.origin, "tongban/" HOME);
	assert_int_equal(read.size, shown->size);
	assert_memory_equal(read.root.bytes, shown->root.data, PKI_HASH_BYTES);
	OK(ask(pair, "Prove", "index", 0, NULL, 0, &reply));
	assert_memory_equal(((PbAuditProof *)(void *)reply)->root.data, read.root.bytes, PKI_HASH_BYTES);
	PbAuditVerifyResponse *verified = verify(pair);
	assert_true(verified->intact);
	assert_true(verified->checkpoints > 0);
	assert_memory_equal(verified->root.data, read.root.bytes, PKI_HASH_BYTES);
	pair_free(pair);
}

static void test_checkpoints_come_with_the_leaves_and_not_without(void **state)
{
	struct pair *pair = pair_new(*state);
	struct peer_set *none = peer_set_new();
	pair_set_peers(pair, &pair->home, none); /* nobody asks, nobody is asked */
	pair_pass(pair, TB_MINUTE);
	uint64_t notes = hostile_count(&pair->home, KV_NOTE);
	pair->parted = true;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(hostile_count(&pair->home, KV_NOTE), notes);
	char material[512];
	for (int i = 0; i < 5; i++)
		pair_upload(pair, &pair->home, 10, (uint8_t)(i + 1), material);
	assert_true(hostile_count(&pair->home, KV_NOTE) <= notes + 1);
	pair_pass(pair, 11 * TB_SECOND);
	uint64_t after = hostile_count(&pair->home, KV_NOTE);
	assert_true(after > notes && after <= notes + 2);
	/* A clock that is set back does not put the next one off. */
	pair_set_back(pair, TB_DAY);
	pair_upload(pair, &pair->home, 10, 99, material);
	pair_pass(pair, 21 * TB_SECOND);
	assert_int_equal(hostile_count(&pair->home, KV_NOTE), after + 1);
	assert_true(verify(pair)->intact);
	pair_free(pair);
}

static void test_the_log_is_listed_in_pages(void **state)
{
	struct pair *pair = pair_with_log(*state, 60);
	proto_message *reply;
	uint64_t size = checkpoint(pair)->size, seen = 0;
	for (unsigned limit = 1; limit <= 13; limit += 4) {
		for (seen = 0; seen < size;) {
			OK(ask(pair, "List", "first", seen, "limit", limit, &reply));
			PbAuditListResponse *page = (PbAuditListResponse *)(void *)reply;
			assert_int_equal(page->size, size);
			assert_true(page->n_rows > 0 && page->n_rows <= limit);
			for (size_t i = 0; i < page->n_rows; i++) {
				assert_int_equal(page->rows[i]->index, seen++);
				assert_true(page->rows[i]->kind[0]);
			}
		}
	}
	OK(ask(pair, "List", "first", size, NULL, 0, &reply));
	assert_int_equal(((PbAuditListResponse *)(void *)reply)->n_rows, 0);
	OK(ask(pair, "List", "limit", 100000, NULL, 0, &reply));
	assert_int_equal(((PbAuditListResponse *)(void *)reply)->n_rows, size);
	pair_free(pair);
}

static void test_a_log_goes_on_after_a_crash_as_if_there_had_been_none(void **state)
{
	struct pair *pair = pair_new(*state);
	char material[512];
	for (unsigned i = 0; i < 70; i++) {
		pair_upload(pair, &pair->home, 3, (uint8_t)(i + 1), material);
		pair_crash(pair, &pair->home);
	}
	PbAuditVerifyResponse *reply = verify(pair);
	assert_string_equal(reply->problem, "");
	assert_true(reply->intact && reply->leaves >= 70);
	pair_free(pair);
}

/* ---- what someone does to the store behind the node's back, with its key */

static struct kv kv_begin(struct side *side)
{
	struct kv kv = {0};
	struct tb_error err;
	uint8_t seed[32] = {5};
	OK(store_write(&kv.txn, side->setup.store, &err));
	kv.vault = pki_vault_new(side->setup.vault_key);
	kv.random = pki_random_new(seed);
	return kv;
}

static void kv_end(struct kv *kv)
{
	struct tb_error err;
	OK(store_commit(kv->txn, &err));
	pki_vault_free(kv->vault);
	pki_random_free(kv->random);
	tb_buf_clear(&kv->scratch);
}

/* The first or the last bundle of leaves, decoded, and its key. */
static PbAuditBundle *bundle_of(struct kv *kv, bool last, struct kv_key *at, struct tb_arena *arena)
{
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	PbAuditBundle *bundle;
	struct tb_error err;
	if (last)
		store_cursor_last(&cursor, kv->txn, KV_AUDIT_LEAF, tb_bytes_of(NULL, 0));
	else
		store_cursor(&cursor, kv->txn, KV_AUDIT_LEAF, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	assert_true(store_next(&cursor, &key, &sealed));
	OK(kv_open(kv, KV_AUDIT_LEAF, key, sealed, arena, &plain, &err));
	OK(PROTO_DECODE_OWN(&bundle, audit_bundle, plain, arena, &err));
	*at = kv_key_of(key);
	store_cursor_end(&cursor);
	return bundle;
}

static void change_leaf(struct kv *kv)
{
	struct tb_arena arena = {0};
	struct kv_key at;
	PbAuditBundle *bundle = bundle_of(kv, false, &at, &arena);
	PbAuditLeaf *leaf;
	struct tb_error err;
	OK(PROTO_DECODE_OWN(&leaf, audit_leaf, proto_bytes(bundle->leaves[0]), &arena, &err));
	leaf->at_ms++;
	bundle->leaves[0] = proto_data(proto_encode_arena(&arena, &leaf->base));
	kv_put_message(kv, KV_AUDIT_LEAF, &at, &bundle->base);
	tb_arena_clear(&arena);
}

static void empty_bundle(struct kv *kv)
{
	struct tb_arena arena = {0};
	struct kv_key at;
	PbAuditBundle *bundle = bundle_of(kv, false, &at, &arena);
	bundle->n_leaves = 0;
	kv_put_message(kv, KV_AUDIT_LEAF, &at, &bundle->base);
	tb_arena_clear(&arena);
}

static void garble_bundle(struct kv *kv)
{
	struct tb_arena arena = {0};
	struct kv_key at;
	bundle_of(kv, false, &at, &arena);
	kv_put(kv, KV_AUDIT_LEAF, &at, tb_bytes_str("\xff\xff\xff"));
	tb_arena_clear(&arena);
}

static void drop_first(struct kv *kv)
{
	struct tb_arena arena = {0};
	struct kv_key at;
	bundle_of(kv, false, &at, &arena);
	kv_delete(kv, KV_AUDIT_LEAF, &at);
	tb_arena_clear(&arena);
}

static void drop_last(struct kv *kv)
{
	struct tb_arena arena = {0};
	struct kv_key at;
	bundle_of(kv, true, &at, &arena);
	kv_delete(kv, KV_AUDIT_LEAF, &at);
	tb_arena_clear(&arena);
}

static void first_of(struct kv *kv, int table, struct kv_key *at, uint8_t *value, size_t *size)
{
	struct store_cursor cursor;
	struct tb_bytes key, found;
	store_cursor(&cursor, kv->txn, (unsigned)table, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	assert_true(store_next(&cursor, &key, &found));
	*at = kv_key_of(key);
	*size = found.size;
	memcpy(value, found.data, found.size);
	store_cursor_end(&cursor);
}

static void change_hash(struct kv *kv)
{
	uint8_t value[4096];
	size_t size;
	struct kv_key at;
	first_of(kv, KV_AUDIT_NODE, &at, value, &size);
	value[0] ^= 1;
	store_put(kv->txn, KV_AUDIT_NODE, kv_key_bytes(&at), tb_bytes_of(value, size));
}

static void cut_hashes(struct kv *kv)
{
	uint8_t value[4096];
	size_t size;
	struct kv_key at;
	first_of(kv, KV_AUDIT_NODE, &at, value, &size);
	store_put(kv->txn, KV_AUDIT_NODE, kv_key_bytes(&at), tb_bytes_of(value, size - 1));
}

static void drop_hashes(struct kv *kv)
{
	uint8_t value[4096];
	size_t size;
	struct kv_key at;
	first_of(kv, KV_AUDIT_NODE, &at, value, &size);
	kv_delete(kv, KV_AUDIT_NODE, &at);
}

/* A true checkpoint in the place of another. */
static void move_checkpoint(struct kv *kv)
{
	uint8_t value[4096];
	size_t size;
	struct kv_key at;
	first_of(kv, KV_NOTE, &at, value, &size);
	kv_delete(kv, KV_NOTE, &at);
	uint64_t number = tb_get_u64(at.bytes);
	struct kv_key elsewhere = kv_key_u64(number - 1);
	store_put(kv->txn, KV_NOTE, kv_key_bytes(&elsewhere), tb_bytes_of(value, size));
}

static void change_checkpoint(struct kv *kv)
{
	uint8_t value[4096];
	size_t size;
	struct kv_key at;
	first_of(kv, KV_NOTE, &at, value, &size);
	value[20] ^= 1;
	store_put(kv->txn, KV_NOTE, kv_key_bytes(&at), tb_bytes_of(value, size));
}

static void test_verifying_finds_whatever_was_changed(void **state)
{
	static const struct {
		const char *what;
		void (*change)(struct kv *kv);
		const char *problem;
		bool at_start; /* a start of the node finds it too */
	} changes[] = {
		{"a leaf", change_leaf, "differs from its hash", false},
		{"a bundle without leaves", empty_bundle, "damaged", false},
		{"a bundle that is none", garble_bundle, "damaged", false},
		{"the first leaves are gone", drop_first, "missing", false},
		{"the last leaves are gone", drop_last, "missing", true},
		{"a hash", change_hash, "differs from its hash", false},
		{"a hash is cut", cut_hashes, "differs from its hash", false},
		{"hashes are gone", drop_hashes, "differs from its hash", false},
		{"a checkpoint is moved", move_checkpoint, "another root", false},
		{"a checkpoint", change_checkpoint, "signature", false},
	};
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct scratch *scratch = *state;
		char dir[64];
		snprintf(dir, sizeof(dir), "%s", scratch->dir);
		snprintf(scratch->dir, sizeof(scratch->dir), "%.50s/%zu", dir, i);
		mkdir(scratch->dir, 0700);
		struct pair *pair = pair_with_log(scratch, 20);
		struct tb_error err;
		assert_true(verify(pair)->intact);
		struct kv kv = kv_begin(&pair->home);
		changes[i].change(&kv);
		kv_end(&kv);
		PbAuditVerifyResponse *reply = verify(pair);
		if (reply->intact || !strstr(reply->problem, changes[i].problem))
			fail_msg("%s: \"%s\"", changes[i].what, reply->problem);
		pair_close(&pair->home);
		enum tb_code code = pair_try_open(pair, &pair->home, &err);
		if (changes[i].at_start)
			assert_int_equal(code, TB_ECORRUPT);
		pair_free(pair);
		snprintf(scratch->dir, sizeof(scratch->dir), "%s", dir);
	}
}

static void test_a_log_with_a_hole_gives_no_proofs_over_it(void **state)
{
	struct pair *pair = pair_with_log(*state, 40);
	proto_message *reply;
	struct kv kv = kv_begin(&pair->home);
	drop_hashes(&kv);
	drop_first(&kv);
	kv_end(&kv);
	assert_int_equal(ask(pair, "Prove", "index", 0, NULL, 0, &reply), TB_ECORRUPT);
	assert_int_equal(ask(pair, "Consistency", "oldSize", 3, NULL, 0, &reply), TB_ECORRUPT);
	assert_int_equal(ask(pair, "List", "first", 0, NULL, 0, &reply), TB_OK);
	pair_free(pair);
}

static void test_a_leaf_that_is_gone_is_not_proved_though_its_hash_is_here(void **state)
{
	struct pair *pair = pair_with_log(*state, 40);
	proto_message *reply;
	struct kv kv = kv_begin(&pair->home);
	drop_first(&kv);
	kv_end(&kv);
	assert_int_equal(ask(pair, "Prove", "index", 0, NULL, 0, &reply), TB_ECORRUPT);
	OK(ask(pair, "Prove", "index", 39, NULL, 0, &reply));
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_leaf_is_proved_in_the_log_of_any_size),
		TEST(test_every_growth_of_the_log_is_consistent),
		TEST(test_a_checkpoint_is_signed_and_names_the_root_of_all_leaves),
		TEST(test_checkpoints_come_with_the_leaves_and_not_without),
		TEST(test_the_log_is_listed_in_pages),
		TEST(test_a_log_goes_on_after_a_crash_as_if_there_had_been_none),
		TEST(test_verifying_finds_whatever_was_changed),
		TEST(test_a_log_with_a_hole_gives_no_proofs_over_it),
		TEST(test_a_leaf_that_is_gone_is_not_proved_though_its_hash_is_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
