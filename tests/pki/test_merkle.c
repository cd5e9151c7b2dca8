#include "pki/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEAVES_MAX = 130 };

/* The leaves of the reference tests of Certificate Transparency and the roots over the first n of them. */
static const char *const KNOWN_LEAVES[8] = {
	"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
};
static const char *const KNOWN_ROOTS[9] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void assert_digest(const struct pki_digest *digest, const char *hex)
{
	char text[2 * PKI_HASH_BYTES + 1];
	tb_hex(text, digest->bytes, PKI_HASH_BYTES);
	assert_string_equal(text, hex);
}

static struct pki_digest known_leaf(size_t i)
{
	uint8_t bytes[16];
	size_t size = strlen(KNOWN_LEAVES[i]) / 2;
	assert_true(tb_unhex(bytes, size, KNOWN_LEAVES[i]));
	return pki_merkle_leaf(tb_bytes_of(bytes, size));
}

static void number_leaves(struct pki_digest *leaves, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t number[4];
		tb_put_u32(number, (uint32_t)i);
		leaves[i] = pki_merkle_leaf(tb_bytes_of(number, sizeof(number)));
	}
}

/* RFC 6962, section 2.1, word for word: what everything else is held against. */
static struct pki_digest plain_root(const struct pki_digest *leaves, size_t count)
{
	if (count == 1)
		return leaves[0];
	size_t half = 1;
	while (half * 2 < count)
		half *= 2;
	struct pki_digest left = plain_root(leaves, half);
	struct pki_digest right = plain_root(leaves + half, count - half);
	return pki_merkle_node(&left, &right);
}

/* ---- a store in memory; |hidden| is the number of the read that fails. */

struct memory {
	struct pki_digest nodes[9][LEAVES_MAX];
	bool present[9][LEAVES_MAX];
	size_t reads;
	size_t hidden;
	size_t puts;
};

static bool memory_get(void *ctx, unsigned level, uint64_t index, struct pki_digest *out)
{
	struct memory *memory = ctx;
	assert_true(level < 9 && index < LEAVES_MAX);
	if (++memory->reads == memory->hidden)
		return false;
	assert_true(memory->present[level][index]);
	*out = memory->nodes[level][index];
	return true;
}

static void memory_put(void *ctx, unsigned level, uint64_t index, const struct pki_digest *hash)
{
	struct memory *memory = ctx;
	assert_true(level < 9 && index < LEAVES_MAX);
	assert_false(memory->present[level][index]);
	memory->present[level][index] = true;
	memory->nodes[level][index] = *hash;
	memory->puts++;
}

static struct pki_tree_io memory_io(struct memory *memory)
{
	return (struct pki_tree_io){memory_get, memory_put, memory};
}

static struct memory *memory_of(const struct pki_digest *leaves, size_t count)
{
	struct memory *memory = tb_alloc(sizeof(*memory));
	struct pki_tree_io io = memory_io(memory);
	for (size_t i = 0; i < count; i++)
		assert_true(pki_tree_append(&io, i, &leaves[i]));
	return memory;
}

/* ---- tests */

static void test_merkle_gives_the_known_roots(void **state)
{
	(void)state;
	struct pki_digest leaves[8];
	for (size_t i = 0; i < 8; i++)
		leaves[i] = known_leaf(i);
	for (size_t n = 0; n <= 8; n++) {
		struct pki_digest root = pki_merkle_root(leaves, n);
		assert_digest(&root, KNOWN_ROOTS[n]);
	}
}

/* RFC 6962 tests of Certificate Transparency: path of leaf 5 (counted from 0) in the tree of 8. */
static void test_merkle_gives_a_known_path(void **state)
{
	(void)state;
	struct pki_digest leaves[8];
	for (size_t i = 0; i < 8; i++)
		leaves[i] = known_leaf(i);
	struct pki_digest path[PKI_PATH_MAX];
	assert_int_equal(pki_merkle_path(path, leaves, 8, 5), 3);
	assert_digest(&path[0], "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b");
	assert_digest(&path[1], "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0");
	assert_digest(&path[2], "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
}

/* The same source: from 6 to 8 leaves. */
static void test_tree_gives_a_known_consistency_proof(void **state)
{
	(void)state;
	struct pki_digest leaves[8];
	for (size_t i = 0; i < 8; i++)
		leaves[i] = known_leaf(i);
	struct memory *memory = memory_of(leaves, 8);
	struct pki_tree_io io = memory_io(memory);
	struct pki_digest path[PKI_PATH_MAX + 1];
	size_t size;
	assert_true(pki_tree_consistency(&io, 6, 8, path, &size));
	assert_int_equal(size, 3);
	assert_digest(&path[0], "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a");
	assert_digest(&path[1], "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0");
	assert_digest(&path[2], "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
	free(memory);
}

static void test_merkle_roots_agree_with_the_rule(void **state)
{
	(void)state;
	struct pki_digest leaves[LEAVES_MAX];
	struct pki_digest kept[3 * LEAVES_MAX];
	number_leaves(leaves, LEAVES_MAX);
	for (size_t n = 1; n <= LEAVES_MAX; n++) {
		struct pki_digest want = plain_root(leaves, n);
		struct pki_digest root = pki_merkle_root(leaves, n);
		assert_memory_equal(&root, &want, sizeof(root));
		size_t room = pki_merkle_room(n);
		assert_true(room <= 3 * LEAVES_MAX);
		memcpy(kept, leaves, n * sizeof(leaves[0]));
		pki_merkle_fill(kept, n);
		assert_memory_equal(&kept[room - 1], &want, sizeof(want));
	}
}

static void test_merkle_leaves_are_hashed_as_one_by_one(void **state)
{
	(void)state;
	static const uint8_t text[] = "abc";
	struct tb_bytes leaves[3] = {{text, 0}, {text, 1}, {text, 3}};
	struct pki_digest out[3];
	pki_merkle_leaves(out, leaves, 3);
	for (size_t i = 0; i < 3; i++) {
		struct pki_digest one = pki_merkle_leaf(leaves[i]);
		assert_memory_equal(&one, &out[i], sizeof(one));
	}
}

/* Every change of one hash, and every path too short or too long, must be refused. */
static void refuses_changed_path(const struct pki_digest *root, size_t n, size_t index,
                                 const struct pki_digest *leaf, const struct pki_digest *path, size_t size)
{
	struct pki_digest changed[PKI_PATH_MAX + 1];
	memcpy(changed, path, size * sizeof(*path));
	for (size_t i = 0; i < size; i++) {
		changed[i].bytes[i % PKI_HASH_BYTES] ^= 1;
		assert_false(pki_merkle_included(root, n, index, leaf, changed, size));
		changed[i].bytes[i % PKI_HASH_BYTES] ^= 1;
	}
	changed[size] = *leaf;
	assert_false(pki_merkle_included(root, n, index, leaf, changed, size + 1));
	if (size > 0)
		assert_false(pki_merkle_included(root, n, index, leaf, path, size - 1));
	struct pki_digest other = *leaf;
	other.bytes[31] ^= 0x80;
	assert_false(pki_merkle_included(root, n, index, &other, path, size));
	other = *root;
	other.bytes[0] ^= 0x80;
	assert_false(pki_merkle_included(&other, n, index, leaf, path, size));
}

static void test_merkle_proves_every_leaf_and_refuses_changes(void **state)
{
	(void)state;
	struct pki_digest leaves[LEAVES_MAX];
	number_leaves(leaves, LEAVES_MAX);
	for (size_t n = 1; n <= LEAVES_MAX; n++) {
		struct tb_arena arena = {0};
		struct pki_digest *paths[LEAVES_MAX];
		size_t sizes[LEAVES_MAX];
		struct pki_digest root = plain_root(leaves, n);
		pki_merkle_paths(paths, sizes, leaves, n, &arena);
		for (size_t i = 0; i < n; i++) {
			assert_true(pki_merkle_included(&root, n, i, &leaves[i], paths[i], sizes[i]));
			refuses_changed_path(&root, n, i, &leaves[i], paths[i], sizes[i]);
		}
		tb_arena_clear(&arena);
	}
}

static void test_merkle_ways_to_a_path_agree(void **state)
{
	(void)state;
	struct pki_digest leaves[LEAVES_MAX];
	number_leaves(leaves, LEAVES_MAX);
	struct memory *memory = memory_of(leaves, LEAVES_MAX);
	struct pki_tree_io io = memory_io(memory);
	for (size_t n = 1; n <= LEAVES_MAX; n++) {
		struct tb_arena arena = {0};
		struct pki_digest *paths[LEAVES_MAX];
		size_t sizes[LEAVES_MAX];
		pki_merkle_paths(paths, sizes, leaves, n, &arena);
		for (size_t i = 0; i < n; i++) {
			struct pki_digest path[PKI_PATH_MAX];
			assert_int_equal(pki_merkle_path(path, leaves, n, i), sizes[i]);
			assert_memory_equal(path, paths[i], sizes[i] * sizeof(path[0]));
			size_t size;
			assert_true(pki_tree_path(&io, n, i, path, &size));
			assert_int_equal(size, sizes[i]);
			assert_memory_equal(path, paths[i], sizes[i] * sizeof(path[0]));
		}
		tb_arena_clear(&arena);
	}
	free(memory);
}

static void test_merkle_refuses_a_leaf_in_another_place(void **state)
{
	(void)state;
	struct pki_digest leaves[13];
	number_leaves(leaves, 13);
	struct pki_digest root = pki_merkle_root(leaves, 13);
	for (size_t i = 0; i < 13; i++) {
		struct pki_digest path[PKI_PATH_MAX];
		size_t size = pki_merkle_path(path, leaves, 13, i);
		for (size_t j = 0; j < 20; j++)
			assert_int_equal(pki_merkle_included(&root, 13, j, &leaves[i], path, size), i == j);
	}
	assert_false(pki_merkle_included(&root, 0, 0, &leaves[0], NULL, 0));
	assert_false(pki_merkle_included(&root, UINT64_MAX, UINT64_MAX, &leaves[0], NULL, 0));
}

/* A node of the tree, given out as a leaf, would prove what nobody put in. */
static void test_merkle_leaf_is_no_node(void **state)
{
	(void)state;
	struct pki_digest leaves[2];
	number_leaves(leaves, 2);
	struct pki_digest node = pki_merkle_node(&leaves[0], &leaves[1]);
	struct pki_digest leaf = pki_merkle_leaf(tb_bytes_of(leaves, sizeof(leaves)));
	assert_memory_not_equal(&node, &leaf, sizeof(node));
}

static void test_tree_roots_agree_with_the_rule(void **state)
{
	(void)state;
	struct pki_digest leaves[LEAVES_MAX];
	number_leaves(leaves, LEAVES_MAX);
	struct memory *memory = memory_of(leaves, LEAVES_MAX);
	struct pki_tree_io io = memory_io(memory);
	struct pki_digest root;
	assert_true(pki_tree_root(&io, 0, &root));
	assert_digest(&root, KNOWN_ROOTS[0]);
	for (size_t n = 1; n <= LEAVES_MAX; n++) {
		struct pki_digest want = plain_root(leaves, n);
		assert_true(pki_tree_root(&io, n, &root));
		assert_memory_equal(&root, &want, sizeof(root));
	}
	free(memory);
}

static void refuses_changed_proof(size_t old, const struct pki_digest *old_root, size_t n,
                                  const struct pki_digest *root, struct pki_digest *path, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		path[i].bytes[i % PKI_HASH_BYTES] ^= 1;
		assert_false(pki_merkle_consistent(old, old_root, n, root, path, size));
		path[i].bytes[i % PKI_HASH_BYTES] ^= 1;
	}
	struct pki_digest longer[PKI_PATH_MAX + 2];
	memcpy(longer, path, size * sizeof(*path));
	longer[size] = *root;
	assert_false(pki_merkle_consistent(old, old_root, n, root, longer, size + 1));
	if (size > 0)
		assert_false(pki_merkle_consistent(old, old_root, n, root, path, size - 1));
	struct pki_digest other = *root;
	other.bytes[7] ^= 4;
	assert_false(pki_merkle_consistent(old, old_root, n, &other, path, size));
	other = *old_root;
	other.bytes[9] ^= 4;
	assert_false(pki_merkle_consistent(old, &other, n, root, path, size));
}

static void test_tree_proves_every_growth_and_refuses_changes(void **state)
{
	(void)state;
	struct pki_digest leaves[LEAVES_MAX];
	struct pki_digest roots[LEAVES_MAX + 1];
	number_leaves(leaves, LEAVES_MAX);
	struct memory *memory = memory_of(leaves, LEAVES_MAX);
	struct pki_tree_io io = memory_io(memory);
	for (size_t n = 0; n <= LEAVES_MAX; n++)
		roots[n] = pki_merkle_root(leaves, n);
	for (size_t n = 1; n <= LEAVES_MAX; n++) {
		for (size_t old = 1; old <= n; old++) {
			struct pki_digest path[PKI_PATH_MAX + 1];
			size_t size;
			assert_true(pki_tree_consistency(&io, old, n, path, &size));
			assert_true(pki_merkle_consistent(old, &roots[old], n, &roots[n], path, size));
			refuses_changed_proof(old, &roots[old], n, &roots[n], path, size);
			if (old < n)
				assert_false(
					pki_merkle_consistent(n, &roots[n], old, &roots[old], path, size));
		}
	}
	free(memory);
}

static void test_tree_goes_on_from_nothing(void **state)
{
	(void)state;
	struct pki_digest leaves[3];
	number_leaves(leaves, 3);
	struct memory *memory = memory_of(leaves, 3);
	struct pki_tree_io io = memory_io(memory);
	struct pki_digest path[PKI_PATH_MAX + 1];
	size_t size = 9;
	assert_true(pki_tree_consistency(&io, 0, 3, path, &size));
	assert_int_equal(size, 0);
	struct pki_digest none = pki_merkle_root(NULL, 0);
	struct pki_digest root = pki_merkle_root(leaves, 3);
	assert_true(pki_merkle_consistent(0, &none, 3, &root, NULL, 0));
	assert_true(pki_merkle_consistent(0, &none, 0, &none, NULL, 0));
	assert_false(pki_merkle_consistent(0, &root, 3, &root, NULL, 0));
	assert_false(pki_merkle_consistent(0, &none, 0, &root, NULL, 0));
	assert_false(pki_merkle_consistent(0, &none, 3, &root, leaves, 1));
	free(memory);
}

static void test_merkle_refuses_another_history(void **state)
{
	(void)state;
	struct pki_digest leaves[LEAVES_MAX];
	number_leaves(leaves, LEAVES_MAX);
	for (size_t changed = 0; changed < 11; changed++) {
		struct pki_digest old_root = pki_merkle_root(leaves, 11);
		struct pki_digest forged[20];
		memcpy(forged, leaves, sizeof(forged));
		forged[changed].bytes[0] ^= 1;
		struct memory *memory = memory_of(forged, 20);
		struct pki_tree_io io = memory_io(memory);
		struct pki_digest root;
		struct pki_digest path[PKI_PATH_MAX + 1];
		size_t size;
		assert_true(pki_tree_root(&io, 20, &root));
		assert_true(pki_tree_consistency(&io, 11, 20, path, &size));
		assert_false(pki_merkle_consistent(11, &old_root, 20, &root, path, size));
		free(memory);
	}
}

/* Level k is written once for every 2^k leaves: n leaves make fewer than 2n hashes. */
static void test_tree_stores_complete_subtrees_only(void **state)
{
	(void)state;
	struct pki_digest leaves[LEAVES_MAX];
	number_leaves(leaves, LEAVES_MAX);
	struct memory *memory = memory_of(leaves, LEAVES_MAX);
	size_t want = 0;
	for (size_t n = LEAVES_MAX; n > 0; n /= 2)
		want += n;
	assert_int_equal(memory->puts, want);
	for (unsigned level = 0; level < 9; level++) {
		for (size_t i = 0; i < LEAVES_MAX; i++)
			assert_int_equal(memory->present[level][i], (i + 1) << level <= LEAVES_MAX);
	}
	free(memory);
}

static void test_tree_says_that_a_hash_is_missing(void **state)
{
	(void)state;
	struct pki_digest leaves[LEAVES_MAX];
	number_leaves(leaves, LEAVES_MAX);
	struct memory *memory = memory_of(leaves, 127);
	struct pki_tree_io io = memory_io(memory);
	struct pki_digest path[PKI_PATH_MAX + 1];
	size_t size;
	for (size_t hidden = 1; hidden <= 7; hidden++) {
		size_t puts = memory->puts;
		memory->hidden = hidden;
		memory->reads = 0;
		assert_false(pki_tree_append(&io, 127, &leaves[127]));
		assert_int_equal(memory->puts, puts);
		memory->reads = 0;
		assert_false(pki_tree_root(&io, 127, &path[0]));
	}
	memory->hidden = 2;
	memory->reads = 0;
	assert_false(pki_tree_path(&io, 100, 3, path, &size));
	assert_int_equal(size, 0);
	memory->reads = 0;
	assert_false(pki_tree_consistency(&io, 71, 100, path, &size));
	assert_int_equal(size, 0);
	free(memory);
}

static void test_a_path_without_end_is_refused_before_it_is_walked(void **state)
{
	static struct pki_digest path[PKI_PATH_MAX + 2];
	struct pki_digest root = {{1}}, leaf = {{2}};
	(void)state;
	assert_false(pki_merkle_included(&root, UINT64_MAX, 0, &leaf, path, PKI_PATH_MAX + 1));
	assert_false(pki_merkle_consistent(1, &root, UINT64_MAX, &leaf, path, PKI_PATH_MAX + 2));
	assert_false(pki_merkle_consistent(2, &root, 1, &leaf, path, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merkle_gives_the_known_roots),
		cmocka_unit_test(test_merkle_gives_a_known_path),
		cmocka_unit_test(test_tree_gives_a_known_consistency_proof),
		cmocka_unit_test(test_merkle_roots_agree_with_the_rule),
		cmocka_unit_test(test_merkle_leaves_are_hashed_as_one_by_one),
		cmocka_unit_test(test_merkle_proves_every_leaf_and_refuses_changes),
		cmocka_unit_test(test_merkle_ways_to_a_path_agree),
		cmocka_unit_test(test_merkle_refuses_a_leaf_in_another_place),
		cmocka_unit_test(test_merkle_leaf_is_no_node),
		cmocka_unit_test(test_tree_roots_agree_with_the_rule),
		cmocka_unit_test(test_tree_proves_every_growth_and_refuses_changes),
		cmocka_unit_test(test_tree_goes_on_from_nothing),
		cmocka_unit_test(test_merkle_refuses_another_history),
		cmocka_unit_test(test_tree_stores_complete_subtrees_only),
		cmocka_unit_test(test_tree_says_that_a_hash_is_missing),
		cmocka_unit_test(test_a_path_without_end_is_refused_before_it_is_walked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
