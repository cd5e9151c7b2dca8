#include "pki/batch_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pki/pki_priv.h"

enum {
	HEADER_VERSION = 1,
	NONCE_BYTES = 16,
};

/* The end of the year 9999, the last moment that a certificate can name (RFC 5280, 4.1.2.5). */
static const tb_time TIME_MAX = 253402300799999;

static bool is_region(const char *text)
{
	return pki_region_valid(text, strlen(text));
}

struct tb_bytes *pki_slices(const ProtobufCBinaryData *data, size_t count, struct tb_arena *arena)
{
	struct tb_bytes *out = tb_arena_alloc(arena, count * sizeof(*out));
	for (size_t i = 0; i < count; i++)
		out[i] = proto_bytes(data[i]);
	return out;
}

static ProtobufCBinaryData *data_array(const struct tb_bytes *slices, size_t count, struct tb_arena *arena)
{
	ProtobufCBinaryData *out = tb_arena_alloc(arena, count * sizeof(*out));
	for (size_t i = 0; i < count; i++)
		out[i] = proto_data(slices[i]);
	return out;
}

void pki_dsse_pae(struct tb_buf *out, const char *type, struct tb_bytes body)
{
	tb_buf_printf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, body.size);
	tb_buf_add(out, body.data, body.size);
}

/* ---- making */

/* Salts and nonce are drawn at once: sixteen bytes a call cost as much as a kilobyte. */
static struct tb_bytes build_items(struct pki_batch *batch, const struct tb_bytes *messages, size_t count,
                                   struct pki_random *random)
{
	size_t salts_size = count * TB_SALT_BYTES;
	uint8_t *drawn = tb_arena_alloc(&batch->arena, salts_size + NONCE_BYTES);
	pki_random_bytes(random, drawn, salts_size + NONCE_BYTES);
	size_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += TB_SALT_BYTES + messages[i].size;
	uint8_t *to = tb_arena_alloc(&batch->arena, size);
	batch->items = tb_arena_alloc(&batch->arena, count * sizeof(*batch->items));
	batch->items_count = count;
	for (size_t i = 0; i < count; i++) {
		batch->items[i] = tb_bytes_of(to, TB_SALT_BYTES + messages[i].size);
		memcpy(to, drawn + i * TB_SALT_BYTES, TB_SALT_BYTES);
		if (messages[i].size > 0)
			memcpy(to + TB_SALT_BYTES, messages[i].data, messages[i].size);
		to += batch->items[i].size;
	}
	return tb_bytes_of(drawn + salts_size, NONCE_BYTES);
}

/* Hashes the items and the tree above them; returns the root, in the batch's arena. */
static struct tb_bytes build_tree(struct pki_batch *batch)
{
	size_t room = pki_merkle_room(batch->items_count);
	batch->leaves = tb_arena_alloc(&batch->arena, room * sizeof(*batch->leaves));
	pki_merkle_leaves(batch->leaves, batch->items, batch->items_count);
	pki_merkle_fill(batch->leaves, batch->items_count);
	return tb_bytes_of(batch->leaves[room - 1].bytes, PKI_HASH_BYTES);
}

static void assert_head(const struct pki_batch_head *head)
{
	bool seal = head->kind == PB_BATCH_KIND__SEAL;
	assert(head->kind != PB_BATCH_KIND__BATCH_KIND_UNSPECIFIED);
	assert(is_region(head->sender));
	assert(seal ? !head->receiver || !*head->receiver : is_region(head->receiver));
	assert(seal ? head->issuer && *head->issuer && strlen(head->issuer) <= TB_ID_BYTES_MAX
	            : !head->issuer);
	assert(head->in_reply_to.size == 0 || (!seal && head->in_reply_to.size == PKI_HASH_BYTES));
	assert(head->sent_at >= 0 && head->sent_at <= head->expires_at && head->expires_at <= TIME_MAX);
}

struct pki_batch *pki_batch_build(const struct pki_batch_head *head, const struct tb_bytes *messages,
                                  size_t count, struct pki_random *random)
{
	assert_head(head);
	assert(count > 0 && count <= TB_BATCH_ITEMS_MAX);
	struct pki_batch *batch = tb_alloc(sizeof(*batch));
	struct tb_bytes nonce = build_items(batch, messages, count, random);
	PbBatchHeader *header = PROTO_NEW(PbBatchHeader, batch_header, &batch->arena);
	header->version = HEADER_VERSION;
	header->kind = head->kind;
	header->sender = tb_arena_str(&batch->arena, head->sender);
	header->receiver = tb_arena_str(&batch->arena, head->receiver);
	header->sent_at_ms = head->sent_at;
	header->expires_at_ms = head->expires_at;
	header->nonce = proto_data(nonce);
	header->count = (uint32_t)count;
	header->root = proto_data(build_tree(batch));
	header->in_reply_to = proto_data(tb_arena_bytes(&batch->arena, head->in_reply_to));
	header->issuer = tb_arena_str(&batch->arena, head->issuer);
	batch->header = header;
	batch->header_bytes = proto_encode_arena(&batch->arena, &header->base);
	assert(batch->header_bytes.size <= TB_HEADER_BYTES_MAX);
	return batch;
}

enum tb_code pki_batch_sign(struct pki_batch *batch, const struct pki_key *key, const struct tb_bytes *chain,
                            size_t chain_count, struct tb_error *err)
{
	if (chain_count == 0 || chain_count > TB_CHAIN_CERTS_MAX)
		return tb_fail(err, TB_EINVALID, "signing a batch: a chain of %zu certificates, not 1 to %d",
		               chain_count, TB_CHAIN_CERTS_MAX);
	for (size_t i = 0; i < chain_count; i++) {
		if (chain[i].size == 0 || chain[i].size > TB_CERT_BYTES_MAX)
			return tb_fail(err, TB_EINVALID, "signing a batch: certificate %zu has %zu bytes", i,
			               chain[i].size);
	}
	struct tb_buf pae = {0};
	struct tb_buf signature = {0};
	pki_dsse_pae(&pae, PKI_BATCH_TYPE, batch->header_bytes);
	enum tb_code code = pki_sign(key, tb_buf_bytes(&pae), &signature, err);
	if (code == TB_OK) {
		assert(signature.size <= TB_SIGNATURE_BYTES_MAX);
		batch->signature = tb_arena_bytes(&batch->arena, tb_buf_bytes(&signature));
		batch->chain = tb_arena_alloc(&batch->arena, chain_count * sizeof(*chain));
		for (size_t i = 0; i < chain_count; i++)
			batch->chain[i] = tb_arena_bytes(&batch->arena, chain[i]);
		batch->chain_count = chain_count;
	}
	tb_buf_clear(&signature);
	tb_buf_clear(&pae);
	return code;
}

void pki_batch_encode(struct tb_buf *out, const struct pki_batch *batch)
{
	assert(batch->signature.size > 0);
	struct tb_arena arena = {0};
	PbSignedBatch *wire = PROTO_NEW(PbSignedBatch, signed_batch, &arena);
	wire->header = proto_data(batch->header_bytes);
	wire->signature = proto_data(batch->signature);
	wire->n_chain = batch->chain_count;
	wire->chain = data_array(batch->chain, batch->chain_count, &arena);
	wire->n_items = batch->items_count;
	wire->items = data_array(batch->items, batch->items_count, &arena);
	proto_encode(out, &wire->base);
	tb_arena_clear(&arena);
}

void pki_batch_free(struct pki_batch *batch)
{
	if (!batch)
		return;
	tb_arena_clear(&batch->arena);
	free(batch);
}

struct tb_bytes pki_batch_root(const struct pki_batch *batch)
{
	return proto_bytes(batch->header->root);
}

struct tb_bytes pki_batch_message(const struct pki_batch *batch, size_t i)
{
	assert(i < batch->items_count);
	struct tb_bytes item = batch->items[i];
	return tb_bytes_of(item.data + TB_SALT_BYTES, item.size - TB_SALT_BYTES);
}

/* ---- checking */

enum tb_code pki_signed_sizes(struct tb_bytes header, struct tb_bytes signature,
                              const ProtobufCBinaryData *chain, size_t chain_count, struct tb_error *err)
{
	if (header.size == 0)
		return tb_fail(err, TB_EMALFORMED, "batch: no header");
	if (header.size > TB_HEADER_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "batch: a header of %zu bytes", header.size);
	if (signature.size == 0)
		return tb_fail(err, TB_EMALFORMED, "batch: no signature");
	if (signature.size > TB_SIGNATURE_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "batch: a signature of %zu bytes", signature.size);
	if (chain_count == 0)
		return tb_fail(err, TB_EMALFORMED, "batch: no certificate chain");
	if (chain_count > TB_CHAIN_CERTS_MAX)
		return tb_fail(err, TB_ETOOBIG, "batch: a chain of %zu certificates", chain_count);
	for (size_t i = 0; i < chain_count; i++) {
		if (chain[i].len > TB_CERT_BYTES_MAX)
			return tb_fail(err, TB_ETOOBIG, "batch: certificate %zu has %zu bytes", i,
			               chain[i].len);
	}
	return TB_OK;
}

static enum tb_code check_header_parties(const PbBatchHeader *header, struct tb_error *err)
{
	if (!is_region(header->sender))
		return tb_fail(err, TB_EMALFORMED, "header: the sender is not a region code");
	if (header->kind == PB_BATCH_KIND__SEAL) {
		if (*header->receiver)
			return tb_fail(err, TB_EMALFORMED, "header: a seal has a receiver");
		if (!*header->issuer)
			return tb_fail(err, TB_EMALFORMED, "header: a seal has no issuer");
		if (header->in_reply_to.len != 0)
			return tb_fail(err, TB_EMALFORMED, "header: a seal answers a request");
	} else {
		if (!is_region(header->receiver))
			return tb_fail(err, TB_EMALFORMED, "header: the receiver is not a region code");
		if (*header->issuer)
			return tb_fail(err, TB_EMALFORMED, "header: an issuer, but it is not a seal");
	}
	if (strlen(header->issuer) > TB_ID_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "header: an issuer of %zu bytes", strlen(header->issuer));
	return TB_OK;
}

static enum tb_code check_header(const PbBatchHeader *header, struct tb_error *err)
{
	if (header->version != HEADER_VERSION)
		return tb_fail(err, TB_EMALFORMED, "header: version %" PRIu32 ", not %d", header->version,
		               HEADER_VERSION);
	/* The enum is open on the wire. */
	int kind = (int)header->kind;
	if (kind <= PB_BATCH_KIND__BATCH_KIND_UNSPECIFIED || kind > PB_BATCH_KIND__ARCHIVE)
		return tb_fail(err, TB_EMALFORMED, "header: unknown kind %d", kind);
	enum tb_code code = check_header_parties(header, err);
	if (code != TB_OK)
		return code;
	if (header->nonce.len != NONCE_BYTES)
		return tb_fail(err, TB_EMALFORMED, "header: a nonce of %zu bytes", header->nonce.len);
	if (header->root.len != PKI_HASH_BYTES)
		return tb_fail(err, TB_EMALFORMED, "header: a root of %zu bytes", header->root.len);
	if (header->in_reply_to.len != 0 && header->in_reply_to.len != PKI_HASH_BYTES)
		return tb_fail(err, TB_EMALFORMED, "header: in_reply_to of %zu bytes",
		               header->in_reply_to.len);
	/* All empty batches have one root, so an answer to one would answer any other. */
	if (header->count == 0)
		return tb_fail(err, TB_EMALFORMED, "header: a batch of nothing");
	if (header->count > TB_BATCH_ITEMS_MAX)
		return tb_fail(err, TB_ETOOBIG, "header: %" PRIu32 " items", header->count);
	if (header->sent_at_ms < 0 || header->sent_at_ms > header->expires_at_ms ||
	    header->expires_at_ms > TIME_MAX)
		return tb_fail(err, TB_EMALFORMED, "header: sent_at_ms and expires_at_ms are not in order");
	return TB_OK;
}

enum tb_code pki_header_decode(PbBatchHeader **out, struct tb_bytes bytes, struct tb_arena *arena,
                               struct tb_error *err)
{
	enum tb_code code = PROTO_DECODE(out, batch_header, bytes, arena, err);
	return code != TB_OK ? code : check_header(*out, err);
}

enum tb_code pki_header_verify(const struct pki_identity **out, const PbBatchHeader *header,
                               struct tb_bytes header_bytes, struct tb_bytes signature,
                               const struct tb_bytes *chain, size_t chain_count, struct pki_trust *trust,
                               tb_time at, struct tb_error *err)
{
	enum pki_role role = header->kind == PB_BATCH_KIND__SEAL ? PKI_ROLE_SEAL : PKI_ROLE_MESSAGE;
	const struct pki_identity *signer = NULL;
	*out = NULL;
	enum tb_code code = pki_chain_check(&signer, trust, chain, chain_count, role, at, err);
	if (code != TB_OK)
		return code;
	if (strcmp(signer->region, header->sender) != 0)
		return tb_fail(err, TB_EUNTRUSTED, "batch: the chain is region %s's, the sender %s",
		               signer->region, header->sender);
	if (role == PKI_ROLE_SEAL && strcmp(signer->issuer, header->issuer) != 0)
		return tb_fail(err, TB_EUNTRUSTED, "batch: the seal key is another issuer's");
	struct tb_buf pae = {0};
	pki_dsse_pae(&pae, PKI_BATCH_TYPE, header_bytes);
	code = pki_verify(signer, tb_buf_bytes(&pae), signature, err);
	tb_buf_clear(&pae);
	if (code == TB_EUNTRUSTED)
		return tb_fail(err, code, "batch: the signature over the header does not hold");
	if (code == TB_OK)
		*out = signer;
	return code;
}

static enum tb_code check_items(const struct pki_batch *batch, struct tb_error *err)
{
	if (batch->items_count > TB_BATCH_ITEMS_MAX)
		return tb_fail(err, TB_ETOOBIG, "batch: %zu items", batch->items_count);
	for (size_t i = 0; i < batch->items_count; i++) {
		if (batch->items[i].size < TB_SALT_BYTES)
			return tb_fail(err, TB_EMALFORMED,
			               "batch: item %zu has %zu bytes, less than its salt", i,
			               batch->items[i].size);
	}
	return TB_OK;
}

static enum tb_code check_expected(const PbBatchHeader *header, const struct pki_expect *expect,
                                   struct tb_error *err)
{
	if (header->kind != expect->kind)
		return tb_fail(err, TB_EMALFORMED, "batch: kind %d where kind %d belongs", (int)header->kind,
		               (int)expect->kind);
	if (strcmp(header->sender, expect->sender) != 0)
		return tb_fail(err, TB_EUNTRUSTED, "batch: sender %s on the connection of region %s",
		               header->sender, expect->sender);
	if (strcmp(header->receiver, expect->receiver) != 0)
		return tb_fail(err, TB_EREPLAY, "batch: meant for region %s, not for %s", header->receiver,
		               expect->receiver);
	if (!tb_bytes_equal(proto_bytes(header->in_reply_to), expect->in_reply_to))
		return tb_fail(err, TB_EREPLAY, "batch: %s",
		               expect->in_reply_to.size ? "answers another request"
		                                        : "a request that answers one");
	if (expect->items_count != 0 && header->count != expect->items_count)
		return tb_fail(err, TB_EMALFORMED, "batch: %" PRIu32 " answers to %zu questions",
		               header->count, expect->items_count);
	return TB_OK;
}

static enum tb_code check_times(const PbBatchHeader *header, tb_time now, struct tb_error *err)
{
	const tb_time skew = TB_BATCH_LIFE_MS;
	if (header->expires_at_ms - header->sent_at_ms > TB_BATCH_LIFE_MS)
		return tb_fail(err, TB_EEXPIRED, "batch: lives %" PRId64 " ms, more than %d",
		               header->expires_at_ms - header->sent_at_ms, TB_BATCH_LIFE_MS);
	if (header->sent_at_ms - skew > now)
		return tb_fail(err, TB_EEXPIRED,
		               "batch: sent %" PRId64 " ms in the future: compare the clocks",
		               header->sent_at_ms - now);
	if (header->expires_at_ms + skew < now)
		return tb_fail(err, TB_EEXPIRED, "batch: expired %" PRId64 " ms ago",
		               now - header->expires_at_ms);
	return TB_OK;
}

static enum tb_code check_signed(struct pki_batch *batch, const PbSignedBatch *wire, struct pki_trust *trust,
                                 const struct pki_expect *expect, struct tb_error *err)
{
	batch->header_bytes = proto_bytes(wire->header);
	batch->signature = proto_bytes(wire->signature);
	enum tb_code code =
		pki_signed_sizes(batch->header_bytes, batch->signature, wire->chain, wire->n_chain, err);
	if (code != TB_OK)
		return code;
	batch->chain = pki_slices(wire->chain, wire->n_chain, &batch->arena);
	batch->chain_count = wire->n_chain;
	batch->items = pki_slices(wire->items, wire->n_items, &batch->arena);
	batch->items_count = wire->n_items;
	code = check_items(batch, err);
	if (code == TB_OK)
		code = pki_header_decode(&batch->header, batch->header_bytes, &batch->arena, err);
	if (code != TB_OK)
		return code;
	if (batch->header->count != batch->items_count)
		return tb_fail(err, TB_EMALFORMED, "batch: %zu items, but the header counts %" PRIu32,
		               batch->items_count, batch->header->count);
	code = check_expected(batch->header, expect, err);
	if (code == TB_OK)
		code = check_times(batch->header, expect->now, err);
	const struct pki_identity *signer = NULL;
	if (code == TB_OK)
		code = pki_header_verify(&signer, batch->header, batch->header_bytes, batch->signature,
		                         batch->chain, batch->chain_count, trust, expect->now, err);
	if (code != TB_OK)
		return code;
	if (!tb_bytes_equal(build_tree(batch), proto_bytes(batch->header->root)))
		return tb_fail(err, TB_EUNTRUSTED, "batch: the items do not give the root that was signed");
	return TB_OK;
}

enum tb_code pki_batch_check(struct pki_batch **out, struct tb_bytes bytes, struct pki_trust *trust,
                             const struct pki_expect *expect, struct tb_error *err)
{
	assert(expect->kind != PB_BATCH_KIND__SEAL);
	*out = NULL;
	if (bytes.size > TB_MESSAGE_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "batch: %zu bytes", bytes.size);
	struct pki_batch *batch = tb_alloc(sizeof(*batch));
	PbSignedBatch *wire = NULL;
	enum tb_code code = PROTO_DECODE(&wire, signed_batch, bytes, &batch->arena, err);
	if (code == TB_OK)
		code = check_signed(batch, wire, trust, expect, err);
	if (code == TB_OK) {
		*out = batch;
		batch = NULL; /* Handed over. */
	}
	pki_batch_free(batch);
	return code;
}
