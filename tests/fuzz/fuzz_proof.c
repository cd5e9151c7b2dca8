/* pki_proof_check(). The first byte says how: 0, the rest is a Proof; else item, path and changes of the
 * header, signed by the message key (odd) or the seal key (even). */
#include "tests/fuzz/fuzz_region.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const PbProof *proof, struct tb_arena *arena)
{
	struct pki_proven proven;
	struct tb_error err = {0};
	enum tb_code code = pki_proof_check(&proven, proof, fuzz_region()->trust, arena, &err);
	assert((code == TB_OK) == (proven.signer != NULL));
	if (code != TB_OK) {
		assert(err.code == code && err.text[0]);
		return;
	}
	bool seal = proven.header->kind == PB_BATCH_KIND__SEAL;
	assert(proven.signer->role == (seal ? PKI_ROLE_SEAL : PKI_ROLE_MESSAGE));
	assert(strcmp(proven.signer->region, proven.header->sender) == 0);
	assert(!seal || strcmp(proven.signer->issuer, proven.header->issuer) == 0);
	assert(proven.message.size + TB_SALT_BYTES == proof->item.len);
}

static void check_signed(struct fuzz_input *in, bool seal, struct tb_arena *arena)
{
	enum { PATH_ROOM = 4 };
	struct fuzz_region *region = fuzz_region();
	PbProof *proof = PROTO_NEW(PbProof, proof, arena);
	ProtobufCBinaryData path[PATH_ROOM];
	ProtobufCBinaryData cert = proto_data(region->certs[seal]);
	proof->item = fuzz_bytes(in, 64, arena);
	proof->n_path = fuzz_number(in, 1) % (PATH_ROOM + 1);
	proof->path = path;
	/* The path of leaf 0 in a tree of 2^n: a root that fits it is easily had. */
	struct pki_digest root = pki_merkle_leaf(proto_bytes(proof->item));
	for (size_t i = 0; i < proof->n_path; i++) {
		struct pki_digest next = {0};
		ProtobufCBinaryData some = fuzz_bytes(in, PKI_HASH_BYTES + 1, arena);
		bool fits = some.len <= PKI_HASH_BYTES;
		memcpy(next.bytes, some.data, fits ? some.len : PKI_HASH_BYTES);
		struct tb_bytes whole = tb_arena_bytes(arena, tb_bytes_of(next.bytes, PKI_HASH_BYTES));
		path[i] = fits ? proto_data(whole) : some;
		root = pki_merkle_node(&root, &next);
	}
	proof->index = (uint32_t)fuzz_number(in, 1);
	PbBatchHeader *header = fuzz_header(in, seal, 1U << proof->n_path, &root, arena);
	struct tb_bytes header_bytes = proto_encode_arena(arena, &header->base);
	proof->header = proto_data(header_bytes);
	proof->signature = fuzz_sign(region->keys[seal], header_bytes, arena);
	proof->n_chain = 1;
	proof->chain = &cert;
	check(proof, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tb_arena arena = {0};
	struct fuzz_input in = {data, size};
	uint64_t mode = fuzz_number(&in, 1);
	PbProof *proof = NULL;
	if (mode != 0)
		check_signed(&in, mode % 2 == 0, &arena);
	else if (PROTO_DECODE(&proof, proof, tb_bytes_of(in.data, in.size), &arena, NULL) == TB_OK)
		check(proof, &arena);
	tb_arena_clear(&arena);
	return 0;
}
