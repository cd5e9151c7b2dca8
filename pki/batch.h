/* Signed batches: the one thing that nodes exchange, and the one kind of evidence.
 *
 * A batch is a list of items, each 16 random bytes followed by an encoded message. The items are the leaves
 * of a Merkle tree; a header names sender, receiver, times, nonce, count and root; one DSSE signature (DSSE
 * v1, "PAE(type, body)") covers the header. An item, its inclusion path and the header stand alone as
 * evidence and show nothing of the neighbours. Certificates are sealed the same way (kind SEAL).
 * docs/protocol.md, section 3. */
#pragma once

#include "base/limits.h"
#include "pki/cert.h"
#include "pki/merkle.h"
#include "proto/codec.h"

#define PKI_BATCH_TYPE "application/vnd.tongban.batch.v1+protobuf"

/* A batch, built or checked. Everything is in |arena|, which the batch owns; nothing changes once made. */
struct pki_batch {
	struct tb_arena arena;
	struct PbBatchHeader *header; /* decoded */
	struct tb_bytes header_bytes; /* the signed bytes */
	struct tb_bytes signature;    /* empty until signed */
	struct tb_bytes *chain;       /* DER, leaf first */
	size_t chain_count;
	struct tb_bytes *items; /* salt || message */
	struct pki_digest
		*leaves; /* leaf hash of each item; the tree above them follows, see pki_merkle_fill() */
	size_t items_count;
};

struct pki_batch_head {
	PbBatchKind kind;
	const char *sender;
	const char *receiver;
	const char *issuer; /* SEAL, else NULL */
	tb_time sent_at;
	tb_time expires_at;
	struct tb_bytes in_reply_to; /* 32 bytes or empty */
};

/* Builds a batch of |count| encoded messages, 1 to TB_BATCH_ITEMS_MAX; salts and nonce come from |random|.
 * The messages are copied. */
struct pki_batch *pki_batch_build(const struct pki_batch_head *head, const struct tb_bytes *messages,
                                  size_t count, struct pki_random *random);
/* Signs |batch| with |key| and notes |chain|; any thread that owns the batch. */
TB_MUST_CHECK enum tb_code pki_batch_sign(struct pki_batch *batch, const struct pki_key *key,
                                          const struct tb_bytes *chain, size_t chain_count,
                                          struct tb_error *err);
/* Appends the encoded SignedBatch. */
void pki_batch_encode(struct tb_buf *out, const struct pki_batch *batch);
void pki_batch_free(struct pki_batch *batch);
struct tb_bytes pki_batch_root(const struct pki_batch *batch);
/* Message of item |i|, without the salt. */
struct tb_bytes pki_batch_message(const struct pki_batch *batch, size_t i);

struct pki_expect {
	PbBatchKind kind;
	const char *sender; /* region that the connection or the call says it is */
	const char *receiver;
	struct tb_bytes in_reply_to; /* root of the request; empty for requests */
	size_t items_count;          /* of an answer; 0: any */
	tb_time now;
};

/* Decodes and checks a SignedBatch: form, limits, chain (role MESSAGE, region of the sender), signature,
 * sender, receiver, kind, in_reply_to, times (|now| within [sent_at - skew, expires_at + skew], life at most
 * TB_BATCH_LIFE_MS; skew TB_BATCH_LIFE_MS), count, root. The items are not decoded.
 *
 * TB_EMALFORMED, TB_ETOOBIG  form          TB_EUNTRUSTED  chain, signature, root, or not who it should be
 * TB_EEXPIRED  certificate or header       TB_EREPLAY     answers another request, or meant for another node
 */
TB_MUST_CHECK enum tb_code pki_batch_check(struct pki_batch **out, struct tb_bytes bytes,
                                           struct pki_trust *trust, const struct pki_expect *expect,
                                           struct tb_error *err);

/* Appends PAE(type, body), the bytes that DSSE signs (dsse/protocol.md, "Signature Definition"). */
void pki_dsse_pae(struct tb_buf *out, const char *type, struct tb_bytes body);

/* ---- one item as evidence */

/* Fills |proof| (in |arena|) from item |index| of a signed batch. */
void pki_proof_make(PbProof *proof, const struct pki_batch *batch, size_t index, struct tb_arena *arena);

struct pki_proven {
	PbBatchHeader *header;             /* decoded, in the caller's arena */
	const struct pki_identity *signer; /* lives as long as |trust| */
	struct tb_bytes message;           /* the item without its salt; points into |proof| */
	struct pki_digest leaf;
};

/* Checks a proof offline: signature, chain at the time of signing, inclusion. For kind SEAL the signer must
 * have role SEAL and be header.issuer, otherwise role MESSAGE; its region must be header.sender. */
TB_MUST_CHECK enum tb_code pki_proof_check(struct pki_proven *out, const PbProof *proof,
                                           struct pki_trust *trust, struct tb_arena *arena,
                                           struct tb_error *err);
