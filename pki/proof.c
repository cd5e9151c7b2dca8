#include "pki/batch_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static ProtobufCBinaryData copy(struct tb_bytes bytes, struct tb_arena *arena)
{
	return proto_data(tb_arena_bytes(arena, bytes));
}

void pki_proof_make(PbProof *proof, const struct pki_batch *batch, size_t index, struct tb_arena *arena)
{
	assert(index < batch->items_count);
	assert(batch->signature.size > 0);
	pb_proof__init(proof);
	proof->header = copy(batch->header_bytes, arena);
	proof->signature = copy(batch->signature, arena);
	proof->n_chain = batch->chain_count;
	proof->chain = tb_arena_alloc(arena, batch->chain_count * sizeof(*proof->chain));
	for (size_t i = 0; i < batch->chain_count; i++)
		proof->chain[i] = copy(batch->chain[i], arena);
	proof->item = copy(batch->items[index], arena);
	proof->index = (uint32_t)index;
	struct pki_digest path[PKI_PATH_MAX];
	proof->n_path = pki_merkle_kept_path(path, batch->leaves, batch->items_count, index);
	proof->path = tb_arena_alloc(arena, proof->n_path * sizeof(*proof->path));
	for (size_t i = 0; i < proof->n_path; i++)
		proof->path[i] = copy(tb_bytes_of(path[i].bytes, PKI_HASH_BYTES), arena);
}

static enum tb_code check_sizes(const PbProof *proof, struct tb_error *err)
{
	enum tb_code code = pki_signed_sizes(proto_bytes(proof->header), proto_bytes(proof->signature),
	                                     proof->chain, proof->n_chain, err);
	if (code != TB_OK)
		return code;
	if (proof->item.len < TB_SALT_BYTES)
		return tb_fail(err, TB_EMALFORMED, "proof: an item of %zu bytes, less than its salt",
		               proof->item.len);
	if (proof->item.len > TB_MESSAGE_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "proof: an item of %zu bytes", proof->item.len);
	if (proof->n_path > PKI_PATH_MAX)
		return tb_fail(err, TB_ETOOBIG, "proof: a path of %zu hashes", proof->n_path);
	for (size_t i = 0; i < proof->n_path; i++) {
		if (proof->path[i].len != PKI_HASH_BYTES)
			return tb_fail(err, TB_EMALFORMED, "proof: hash %zu of the path has %zu bytes", i,
			               proof->path[i].len);
	}
	return TB_OK;
}

static bool is_included(const PbProof *proof, const PbBatchHeader *header, const struct pki_digest *leaf)
{
	struct pki_digest root;
	struct pki_digest path[PKI_PATH_MAX];
	memcpy(root.bytes, header->root.data, PKI_HASH_BYTES);
	for (size_t i = 0; i < proof->n_path; i++)
		memcpy(path[i].bytes, proof->path[i].data, PKI_HASH_BYTES);
	return pki_merkle_included(&root, header->count, proof->index, leaf, path, proof->n_path);
}

enum tb_code pki_proof_check(struct pki_proven *out, const PbProof *proof, struct pki_trust *trust,
                             struct tb_arena *arena, struct tb_error *err)
{
	*out = (struct pki_proven){0};
	if (!proof)
		return tb_fail(err, TB_EMALFORMED, "proof: none");
	enum tb_code code = check_sizes(proof, err);
	PbBatchHeader *header = NULL;
	if (code == TB_OK)
		code = pki_header_decode(&header, proto_bytes(proof->header), arena, err);
	if (code != TB_OK)
		return code;
	if (proof->index >= header->count)
		return tb_fail(err, TB_EMALFORMED, "proof: item %" PRIu32 " of %" PRIu32, proof->index,
		               header->count);
	/* A certificate vouches for what was signed while it was valid; that was then, not now. */
	const struct pki_identity *signer = NULL;
	code = pki_header_verify(&signer, header, proto_bytes(proof->header), proto_bytes(proof->signature),
	                         pki_slices(proof->chain, proof->n_chain, arena), proof->n_chain, trust,
	                         header->sent_at_ms, err);
	if (code != TB_OK)
		return code;
	struct pki_digest leaf = pki_merkle_leaf(proto_bytes(proof->item));
	if (!is_included(proof, header, &leaf))
		return tb_fail(err, TB_EUNTRUSTED,
		               "proof: the item is not part of the batch that was signed");
	out->header = header;
	out->signer = signer;
	out->message = tb_bytes_of(proof->item.data + TB_SALT_BYTES, proof->item.len - TB_SALT_BYTES);
	out->leaf = leaf;
	return TB_OK;
}
