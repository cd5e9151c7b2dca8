/* pki_batch_check(). The first byte says how: 0, the rest is the SignedBatch as it would arrive; else the
 * rest is cut into items and changes of the header, and signed by the right key, so that what lies behind
 * the signature is reached. What passes must encode, pass again, and give a proof that holds. */
#include "tests/fuzz/fuzz_region.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct tb_bytes bytes)
{
	struct fuzz_region *region = fuzz_region();
	struct pki_expect expect = {
		.kind = PB_BATCH_KIND__QUERIES, .sender = "320400", .receiver = "330100", .now = FUZZ_NOW};
	struct pki_batch *batch = NULL;
	struct tb_error err = {0};
	enum tb_code code = pki_batch_check(&batch, bytes, region->trust, &expect, &err);
	assert((code == TB_OK) == (batch != NULL));
	assert(code == TB_OK || (err.code == code && err.text[0]));
	if (!batch)
		return;
	assert(batch->items_count == batch->header->count);
	struct tb_buf again = {0};
	struct pki_batch *second = NULL;
	pki_batch_encode(&again, batch);
	fuzz_must(pki_batch_check(&second, tb_buf_bytes(&again), region->trust, &expect, NULL));
	struct tb_arena arena = {0};
	PbProof proof;
	struct pki_proven proven;
	size_t last = batch->items_count - 1;
	pki_proof_make(&proof, second, last, &arena);
	fuzz_must(pki_proof_check(&proven, &proof, region->trust, &arena, NULL));
	assert(tb_bytes_equal(proven.message, pki_batch_message(batch, last)));
	tb_arena_clear(&arena);
	tb_buf_clear(&again);
	pki_batch_free(second);
	pki_batch_free(batch);
}

static void check_signed(struct fuzz_input *in)
{
	enum { ITEMS_MAX = 16 };
	struct fuzz_region *region = fuzz_region();
	struct tb_arena arena = {0};
	PbSignedBatch *wire = PROTO_NEW(PbSignedBatch, signed_batch, &arena);
	ProtobufCBinaryData items[ITEMS_MAX];
	struct pki_digest leaves[ITEMS_MAX];
	size_t count = fuzz_number(in, 1) % (ITEMS_MAX + 1);
	for (size_t i = 0; i < count; i++) {
		items[i] = fuzz_bytes(in, 64, &arena);
		leaves[i] = pki_merkle_leaf(proto_bytes(items[i]));
	}
	struct pki_digest root = pki_merkle_root(leaves, count);
	PbBatchHeader *header = fuzz_header(in, false, (uint32_t)count, &root, &arena);
	struct tb_bytes header_bytes = proto_encode_arena(&arena, &header->base);
	ProtobufCBinaryData cert = proto_data(region->certs[0]);
	wire->header = proto_data(header_bytes);
	wire->signature = fuzz_sign(region->keys[0], header_bytes, &arena);
	wire->n_chain = 1;
	wire->chain = &cert;
	wire->n_items = count;
	wire->items = items;
	check(proto_encode_arena(&arena, &wire->base));
	tb_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	if (fuzz_number(&in, 1) == 0)
		check(tb_bytes_of(in.data, in.size));
	else
		check_signed(&in);
	return 0;
}
