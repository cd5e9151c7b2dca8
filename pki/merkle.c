#include "pki/merkle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pki/pki_priv.h"

/* Prefixes that keep a leaf from passing as a node: RFC 6962, section 2.1. */
enum { LEAF_PREFIX = 0x00, NODE_PREFIX = 0x01 };
enum { PAIRS_AT_ONCE = 64 };

/* |out| may be one of the two. */
static void hash_node(struct pki_hash *hash, const struct pki_digest *left, const struct pki_digest *right,
                      struct pki_digest *out)
{
	uint8_t block[1 + 2 * PKI_HASH_BYTES];
	block[0] = NODE_PREFIX;
	memcpy(block + 1, left->bytes, PKI_HASH_BYTES);
	memcpy(block + 1 + PKI_HASH_BYTES, right->bytes, PKI_HASH_BYTES);
	pki_hash_add(hash, tb_bytes_of(block, sizeof(block)));
	pki_hash_end(hash, out->bytes);
}

static bool digest_equal(const struct pki_digest *a, const struct pki_digest *b)
{
	return memcmp(a->bytes, b->bytes, PKI_HASH_BYTES) == 0;
}

static struct pki_digest empty_root(void)
{
	struct pki_digest out;
	pki_sha256(out.bytes, (struct tb_bytes){0});
	return out;
}

struct pki_digest pki_merkle_leaf(struct tb_bytes leaf)
{
	struct pki_digest out;
	pki_merkle_leaves(&out, &leaf, 1);
	return out;
}

void pki_merkle_leaves(struct pki_digest *out, const struct tb_bytes *leaves, size_t count)
{
	pki_sha256_many(out, LEAF_PREFIX, leaves, count);
}

struct pki_digest pki_merkle_node(const struct pki_digest *left, const struct pki_digest *right)
{
	struct pki_hash *hash = pki_hash_new();
	struct pki_digest out;
	hash_node(hash, left, right, &out);
	pki_hash_free(hash);
	return out;
}

/* The root over |leaves| as a binary counter: stack[k] is the root of the complete subtree of 2^k leaves
 * that the bit k of the number of leaves so far stands for. */
static struct pki_digest range_root(struct pki_hash *hash, const struct pki_digest *leaves, size_t count)
{
	struct pki_digest stack[PKI_PATH_MAX];
	assert(count > 0);
	for (size_t i = 0; i < count; i++) {
		struct pki_digest node = leaves[i];
		unsigned level = 0;
		for (; i >> level & 1; level++)
			hash_node(hash, &stack[level], &node, &node);
		stack[level] = node;
	}
	unsigned level = (unsigned)__builtin_ctzll(count);
	struct pki_digest root = stack[level];
	for (level++; level < PKI_PATH_MAX && count >> level; level++) {
		if (count >> level & 1)
			hash_node(hash, &stack[level], &root, &root);
	}
	return root;
}

struct pki_digest pki_merkle_root(const struct pki_digest *leaves, size_t count)
{
	if (count == 0)
		return empty_root();
	struct pki_hash *hash = pki_hash_new();
	struct pki_digest root = range_root(hash, leaves, count);
	pki_hash_free(hash);
	return root;
}

/* The largest power of two below |count|: where RFC 6962 divides a tree. */
static uint64_t split(uint64_t count)
{
	assert(count > 1);
	return (uint64_t)1 << (63 - __builtin_clzll(count - 1));
}

static void reverse(struct pki_digest *path, size_t size)
{
	for (size_t i = 0; i < size / 2; i++) {
		struct pki_digest keep = path[i];
		path[i] = path[size - 1 - i];
		path[size - 1 - i] = keep;
	}
}

size_t pki_merkle_path(struct pki_digest path[PKI_PATH_MAX], const struct pki_digest *leaves, size_t count,
                       size_t index)
{
	assert(index < count);
	struct pki_hash *hash = pki_hash_new();
	size_t size = 0;
	while (count > 1) {
		size_t half = (size_t)split(count);
		if (index < half) {
			path[size++] = range_root(hash, leaves + half, count - half);
			count = half;
		} else {
			path[size++] = range_root(hash, leaves, half);
			leaves += half;
			index -= half;
			count -= half;
		}
	}
	pki_hash_free(hash);
	reverse(path, size);
	return size;
}

/* ---- a tree kept whole. Pairing level by level, where a last node without a partner moves up as it is,
 * gives the same tree as RFC 6962's division at the largest power of two. */

size_t pki_merkle_room(size_t count)
{
	size_t room = count;
	while (count > 1) {
		count = (count + 1) / 2;
		room += count;
	}
	return room;
}

/* The nodes over |count| pairs: a pair's hashes lie side by side, as they are hashed. */
static void fill_level(struct pki_digest *above, const struct pki_digest *pairs, size_t count)
{
	struct tb_bytes messages[PAIRS_AT_ONCE];
	for (size_t done = 0; done < count;) {
		size_t some = 0;
		for (; some < PAIRS_AT_ONCE && done + some < count; some++)
			messages[some] = tb_bytes_of(&pairs[2 * (done + some)], 2 * sizeof(*pairs));
		pki_sha256_many(above + done, NODE_PREFIX, messages, some);
		done += some;
	}
}

void pki_merkle_fill(struct pki_digest *tree, size_t count)
{
	for (; count > 1; count = (count + 1) / 2) {
		struct pki_digest *above = tree + count;
		fill_level(above, tree, count / 2);
		if (count & 1)
			above[count / 2] = tree[count - 1];
		tree = above;
	}
}

size_t pki_merkle_kept_path(struct pki_digest path[PKI_PATH_MAX], const struct pki_digest *tree, size_t count,
                            size_t index)
{
	assert(index < count);
	size_t size = 0;
	for (; count > 1; count = (count + 1) / 2) {
		if ((index ^ 1) < count)
			path[size++] = tree[index ^ 1];
		tree += count;
		index >>= 1;
	}
	return size;
}

void pki_merkle_paths(struct pki_digest **paths, size_t *path_sizes, const struct pki_digest *leaves,
                      size_t count, struct tb_arena *arena)
{
	if (count == 0)
		return;
	size_t room = pki_merkle_room(count);
	struct pki_digest *tree = tb_alloc(room * sizeof(*tree));
	memcpy(tree, leaves, count * sizeof(*tree));
	pki_merkle_fill(tree, count);
	for (size_t i = 0; i < count; i++) {
		struct pki_digest path[PKI_PATH_MAX];
		path_sizes[i] = pki_merkle_kept_path(path, tree, count, i);
		paths[i] = tb_arena_copy(arena, path, path_sizes[i] * sizeof(path[0]));
	}
	free(tree);
}

/* ---- checking */

bool pki_merkle_included(const struct pki_digest *root, uint64_t count, uint64_t index,
                         const struct pki_digest *leaf, const struct pki_digest *path, size_t path_size)
{
	if (index >= count || path_size > PKI_PATH_MAX)
		return false;
	struct pki_hash *hash = pki_hash_new();
	struct pki_digest at = *leaf;
	uint64_t node = index;
	uint64_t last = count - 1;
	size_t i = 0;
	/* |last| is 0 when the root is reached: a path that is longer or shorter is refused. */
	for (; i < path_size && last != 0; i++) {
		if ((node & 1) || node == last) {
			hash_node(hash, &path[i], &at, &at);
			while (!(node & 1) && node != 0) {
				node >>= 1;
				last >>= 1;
			}
		} else {
			hash_node(hash, &at, &path[i], &at);
		}
		node >>= 1;
		last >>= 1;
	}
	pki_hash_free(hash);
	return i == path_size && last == 0 && digest_equal(&at, root);
}

static bool fold_consistency(uint64_t node, uint64_t last, const struct pki_digest *old_root,
                             const struct pki_digest *new_root, const struct pki_digest *first,
                             const struct pki_digest *path, size_t path_size)
{
	struct pki_hash *hash = pki_hash_new();
	struct pki_digest old_at = *first;
	struct pki_digest new_at = *first;
	size_t i = 0;
	for (; i < path_size && last != 0; i++) {
		if ((node & 1) || node == last) {
			hash_node(hash, &path[i], &old_at, &old_at);
			hash_node(hash, &path[i], &new_at, &new_at);
			while (!(node & 1) && node != 0) {
				node >>= 1;
				last >>= 1;
			}
		} else {
			hash_node(hash, &new_at, &path[i], &new_at);
		}
		node >>= 1;
		last >>= 1;
	}
	pki_hash_free(hash);
	return i == path_size && last == 0 && digest_equal(&old_at, old_root) &&
	       digest_equal(&new_at, new_root);
}

bool pki_merkle_consistent(uint64_t old_count, const struct pki_digest *old_root, uint64_t new_count,
                           const struct pki_digest *new_root, const struct pki_digest *path, size_t path_size)
{
	if (old_count > new_count || path_size > PKI_PATH_MAX + 1)
		return false;
	if (old_count == 0) {
		/* Every tree goes on from the empty one; RFC 9162 leaves the case out. */
		struct pki_digest empty = empty_root();
		return path_size == 0 && digest_equal(old_root, &empty) &&
		       (new_count > 0 || digest_equal(new_root, &empty));
	}
	if (old_count == new_count)
		return path_size == 0 && digest_equal(old_root, new_root);
	if (path_size == 0)
		return false;
	uint64_t node = old_count - 1;
	uint64_t last = new_count - 1;
	while (node & 1) {
		node >>= 1;
		last >>= 1;
	}
	/* An old tree that is complete is itself the first node of the path. */
	if ((old_count & (old_count - 1)) == 0)
		return fold_consistency(node, last, old_root, new_root, old_root, path, path_size);
	return fold_consistency(node, last, old_root, new_root, &path[0], path + 1, path_size - 1);
}

/* ---- the tree that grows */

bool pki_tree_append(const struct pki_tree_io *io, uint64_t count, const struct pki_digest *leaf)
{
	assert(count < UINT64_MAX);
	/* All reads come first: a damaged log is left as it was. */
	struct pki_digest nodes[PKI_PATH_MAX + 1];
	unsigned levels = 0;
	nodes[0] = *leaf;
	struct pki_hash *hash = pki_hash_new();
	for (; count >> levels & 1; levels++) {
		struct pki_digest left;
		if (!io->get(io->ctx, levels, (count >> levels) - 1, &left)) {
			pki_hash_free(hash);
			return false;
		}
		hash_node(hash, &left, &nodes[levels], &nodes[levels + 1]);
	}
	pki_hash_free(hash);
	for (unsigned level = 0; level <= levels; level++)
		io->put(io->ctx, level, count >> level, &nodes[level]);
	return true;
}

/* The root over the leaves [first, first + count), where |first| is a multiple of a power of two that is at
 * least |count|: the complete subtrees are those of the bits of |count|, the smallest rightmost. */
static bool stored_root(const struct pki_tree_io *io, struct pki_hash *hash, uint64_t first, uint64_t count,
                        struct pki_digest *root)
{
	assert(count > 0);
	uint64_t rest = count;
	for (bool started = false; rest != 0; started = true) {
		unsigned level = (unsigned)__builtin_ctzll(rest);
		rest &= rest - 1;
		struct pki_digest node;
		if (!io->get(io->ctx, level, (first + rest) >> level, &node))
			return false;
		if (started)
			hash_node(hash, &node, root, root);
		else
			*root = node;
	}
	return true;
}

bool pki_tree_root(const struct pki_tree_io *io, uint64_t count, struct pki_digest *root)
{
	if (count == 0) {
		*root = empty_root();
		return true;
	}
	struct pki_hash *hash = pki_hash_new();
	bool ok = stored_root(io, hash, 0, count, root);
	pki_hash_free(hash);
	return ok;
}

bool pki_tree_path(const struct pki_tree_io *io, uint64_t count, uint64_t index,
                   struct pki_digest path[PKI_PATH_MAX], size_t *path_size)
{
	assert(index < count);
	struct pki_hash *hash = pki_hash_new();
	uint64_t first = 0;
	size_t size = 0;
	bool ok = true;
	while (ok && count > 1) {
		uint64_t half = split(count);
		if (index - first < half) {
			ok = stored_root(io, hash, first + half, count - half, &path[size++]);
			count = half;
		} else {
			ok = stored_root(io, hash, first, half, &path[size++]);
			first += half;
			count -= half;
		}
	}
	pki_hash_free(hash);
	reverse(path, size);
	*path_size = ok ? size : 0;
	return ok;
}

bool pki_tree_consistency(const struct pki_tree_io *io, uint64_t old_count, uint64_t new_count,
                          struct pki_digest path[PKI_PATH_MAX + 1], size_t *path_size)
{
	assert(old_count <= new_count);
	*path_size = 0;
	if (old_count == 0 || old_count == new_count)
		return true;
	/* RFC 6962, section 2.1.2: SUBPROOF(old, D[first:first + count], first == 0), from the root down. */
	struct pki_hash *hash = pki_hash_new();
	uint64_t first = 0;
	uint64_t count = new_count;
	size_t size = 0;
	bool ok = true;
	while (ok && old_count - first < count) {
		uint64_t half = split(count);
		if (old_count - first <= half) {
			ok = stored_root(io, hash, first + half, count - half, &path[size++]);
			count = half;
		} else {
			ok = stored_root(io, hash, first, half, &path[size++]);
			first += half;
			count -= half;
		}
	}
	/* What is left is a subtree of the old tree; if it is the whole of it, the checker has its root. */
	if (ok && first != 0)
		ok = stored_root(io, hash, first, count, &path[size++]);
	pki_hash_free(hash);
	reverse(path, size);
	*path_size = ok ? size : 0;
	return ok;
}
