/* Merkle trees by RFC 6962, section 2.1, SHA-256. All functions are pure. */
#pragma once

#include "pki/key.h"

struct pki_digest {
	uint8_t bytes[PKI_HASH_BYTES];
};

enum { PKI_PATH_MAX = 64 }; /* hashes of any inclusion path; a consistency path has one more at most */

struct pki_digest pki_merkle_leaf(struct tb_bytes leaf); /* SHA-256(0x00 || leaf) */
/* The same for |count| leaves. */
void pki_merkle_leaves(struct pki_digest *out, const struct tb_bytes *leaves, size_t count);
struct pki_digest pki_merkle_node(const struct pki_digest *left, const struct pki_digest *right);
struct pki_digest pki_merkle_root(const struct pki_digest *leaves, size_t count); /* of none: SHA-256("") */

/* The inclusion path of leaf |index|, from the leaf up; returns its length, at most PKI_PATH_MAX. */
size_t pki_merkle_path(struct pki_digest path[PKI_PATH_MAX], const struct pki_digest *leaves, size_t count,
                       size_t index);
/* A tree kept whole: |count| leaves, then the levels above them up to the root, which is the last one. */
size_t pki_merkle_room(size_t count);                        /* digests of such a tree */
void pki_merkle_fill(struct pki_digest *tree, size_t count); /* from the leaves in tree[0 .. count) */
size_t pki_merkle_kept_path(struct pki_digest path[PKI_PATH_MAX], const struct pki_digest *tree, size_t count,
                            size_t index);
/* All inclusion paths at once cost O(n log n) hashes one by one; this keeps the levels. paths[i] has
 * path_sizes[i] entries, in |arena|. */
void pki_merkle_paths(struct pki_digest **paths, size_t *path_sizes, const struct pki_digest *leaves,
                      size_t count, struct tb_arena *arena);
/* RFC 9162, section 2.1.3.2. */
bool pki_merkle_included(const struct pki_digest *root, uint64_t count, uint64_t index,
                         const struct pki_digest *leaf, const struct pki_digest *path, size_t path_size);
/* RFC 9162, section 2.1.4.2. */
bool pki_merkle_consistent(uint64_t old_count, const struct pki_digest *old_root, uint64_t new_count,
                           const struct pki_digest *new_root, const struct pki_digest *path,
                           size_t path_size);

/* ---- a tree that grows: the audit log keeps it in the store and asks through callbacks.
 * Stored are the hashes of complete subtrees: level 0 are leaves, node (level, i) covers leaves
 * [i << level, (i + 1) << level). */
struct pki_tree_io {
	/* Reads a stored hash; false if it is missing (a damaged log). */
	bool (*get)(void *ctx, unsigned level, uint64_t index, struct pki_digest *out);
	void (*put)(void *ctx, unsigned level, uint64_t index, const struct pki_digest *hash);
	void *ctx;
};

/* Appends a leaf as number |count|: puts it, and every subtree that it completes. */
TB_MUST_CHECK bool pki_tree_append(const struct pki_tree_io *io, uint64_t count,
                                   const struct pki_digest *leaf);
TB_MUST_CHECK bool pki_tree_root(const struct pki_tree_io *io, uint64_t count, struct pki_digest *root);
TB_MUST_CHECK bool pki_tree_path(const struct pki_tree_io *io, uint64_t count, uint64_t index,
                                 struct pki_digest path[PKI_PATH_MAX], size_t *path_size);
TB_MUST_CHECK bool pki_tree_consistency(const struct pki_tree_io *io, uint64_t old_count, uint64_t new_count,
                                        struct pki_digest path[PKI_PATH_MAX + 1], size_t *path_size);
