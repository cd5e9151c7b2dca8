/* Evidence files. The first byte says how: 0, the rest is the file; else it chooses a subject, and the rest
 * becomes a claim and a question that the region's own key signs, so that what they say is read. */
#include "node/cli/evidence_check.h"
#include "tests/fuzz/fuzz_region.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_BYTES_MAX = 4096 };

static void check(const PbEvidence *evidence, struct tb_arena *arena)
{
	struct tb_error err = {0};
	struct tb_buf report = {0};
	proto_message *claim = NULL;
	enum tb_code code = evidence_check(&report, &claim, evidence, fuzz_region()->trust, arena, &err);
	assert((code == TB_OK) == (claim != NULL));
	assert(code == TB_OK || (err.code == code && err.text[0] && tb_utf8_valid(tb_bytes_str(err.text))));
	assert(tb_utf8_valid(tb_buf_bytes(&report)));
	tb_buf_clear(&report);
}

static PbProof *sign(PbBatchKind kind, struct tb_bytes message, struct tb_bytes in_reply_to,
                     struct tb_arena *arena)
{
	static const uint8_t seed[32] = {3};
	struct fuzz_region *region = fuzz_region();
	struct pki_random *random = pki_random_new(seed);
	const struct pki_batch_head head = {.kind = kind,
	                                    .sender = "320400",
	                                    .receiver = "320400",
	                                    .sent_at = FUZZ_NOW,
	                                    .expires_at = FUZZ_NOW + 1000,
	                                    .in_reply_to = in_reply_to};
	struct pki_batch *batch = pki_batch_build(&head, &message, 1, random);
	fuzz_must(pki_batch_sign(batch, region->keys[0], region->certs, 1, NULL));
	PbProof *proof = PROTO_NEW(PbProof, proof, arena);
	PbProof *copy;
	pki_proof_make(proof, batch, 0, arena);
	fuzz_must(PROTO_DECODE(&copy, proof, proto_encode_arena(arena, &proof->base), arena, NULL));
	pki_batch_free(batch);
	pki_random_free(random);
	return copy;
}

static struct tb_bytes take(struct fuzz_input *in, size_t size)
{
	struct tb_bytes out = {in->data, size < in->size ? size : in->size};
	in->data += out.size;
	in->size -= out.size;
	return out;
}

static void check_signed(struct fuzz_input *in, unsigned how, struct tb_arena *arena)
{
	static const struct {
		const char *subject;
		PbBatchKind claim;
		PbBatchKind question;
	} kinds[] = {
		{"answer", PB_BATCH_KIND__ANSWERS, PB_BATCH_KIND__QUERIES},
		{"receipt", PB_BATCH_KIND__RECEIPTS, PB_BATCH_KIND__MESSAGES},
		{"package", PB_BATCH_KIND__MESSAGES, PB_BATCH_KIND__BATCH_KIND_UNSPECIFIED},
		{"entry", PB_BATCH_KIND__MESSAGES, PB_BATCH_KIND__BATCH_KIND_UNSPECIFIED},
	};
	unsigned kind = how % 4;
	PbEvidence evidence = PB_EVIDENCE__INIT;
	struct tb_bytes in_reply_to = {0};
	evidence.version = 1;
	evidence.subject = tb_arena_str(arena, kinds[kind].subject);
	if (kinds[kind].question) {
		struct tb_bytes asked = take(in, fuzz_number(in, 2) % MESSAGE_BYTES_MAX);
		evidence.question = sign(kinds[kind].question, asked, in_reply_to, arena);
		struct pki_digest root = pki_merkle_leaf(proto_bytes(evidence.question->item));
		in_reply_to = tb_arena_bytes(arena, tb_bytes_of(root.bytes, PKI_HASH_BYTES));
	}
	struct tb_bytes said = take(in, MESSAGE_BYTES_MAX);
	PbAnswer *answer;
	/* An answer that fits but for the digest of its query is made to fit. */
	if (kind == 0 && PROTO_DECODE(&answer, answer, said, arena, NULL) == TB_OK) {
		answer->query = proto_data(in_reply_to);
		said = proto_encode_arena(arena, &answer->base);
	}
	evidence.claim = sign(kinds[kind].claim, said, in_reply_to, arena);
	check(&evidence, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tb_arena arena = {0};
	struct fuzz_input in = {data, size};
	struct tb_error err = {0};
	PbEvidence *evidence = NULL;
	unsigned how = (unsigned)fuzz_number(&in, 1);
	if (how != 0) {
		text_use(how & 4);
		check_signed(&in, how, &arena);
	} else if (evidence_read(&evidence, tb_bytes_of(in.data, in.size), &arena, &err) == TB_OK) {
		check(evidence, &arena);
	}
	tb_arena_clear(&arena);
	return 0;
}
