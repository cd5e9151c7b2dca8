#include "tests/pki/batches.h"

/* |text|: part of what the error must say, so that a test does not pass for another reason. */
static void assert_refused(struct tb_bytes bytes, const struct pki_expect *expect, enum tb_code code,
                           const char *text)
{
	struct tb_error err = {0};
	struct pki_batch *batch = (struct pki_batch *)&err;
	enum tb_code got = pki_batch_check(&batch, bytes, trust, expect, &err);
	if (got != code || !strstr(err.text, text))
		print_message("%s: %s\n", tb_code_name(got), err.text);
	assert_int_equal(got, code);
	assert_non_null(strstr(err.text, text));
	assert_null(batch);
}

/* ---- what is good */

static void test_pae_is_that_of_dsse(void **state)
{
	(void)state;
	struct tb_buf pae = {0};
	pki_dsse_pae(&pae, "http://example.com/HelloWorld", tb_bytes_str("hello world"));
	assert_string_equal(tb_buf_text(&pae), "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
	pae.size = 0;
	pki_dsse_pae(&pae, "", (struct tb_bytes){0});
	assert_string_equal(tb_buf_text(&pae), "DSSEv1 0  0 ");
	tb_buf_clear(&pae);
}

static void test_batch_arrives_as_it_was_sent(void **state)
{
	(void)state;
	struct tb_error err = {0};
	struct tb_buf wire = {0};
	struct pki_batch_head head = queries_head();
	struct pki_batch *sent = build_signed(&head, 5, &a.message);
	pki_batch_encode(&wire, sent);
	struct pki_expect expect = queries_expected();
	struct pki_batch *got = NULL;
	assert_int_equal(pki_batch_check(&got, tb_buf_bytes(&wire), trust, &expect, &err), TB_OK);
	assert_int_equal(got->items_count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_true(tb_bytes_equal(pki_batch_message(got, i), tb_bytes_str(TEXTS[i])));
		assert_true(tb_bytes_equal(got->items[i], sent->items[i]));
		struct pki_digest leaf = pki_merkle_leaf(got->items[i]);
		assert_memory_equal(&leaf, &got->leaves[i], sizeof(leaf));
	}
	struct pki_digest root = pki_merkle_root(got->leaves, 5);
	assert_true(tb_bytes_equal(pki_batch_root(got), tb_bytes_of(root.bytes, sizeof(root.bytes))));
	assert_true(tb_bytes_equal(got->header_bytes, sent->header_bytes));
	assert_true(tb_bytes_equal(got->signature, sent->signature));
	assert_int_equal(got->chain_count, 1);
	assert_true(tb_bytes_equal(got->chain[0], a.message.chain[0]));
	assert_int_equal(got->header->version, 1);
	assert_int_equal(got->header->count, 5);
	assert_string_equal(got->header->sender, "320400");
	assert_string_equal(got->header->receiver, "330100");
	assert_int_equal(got->header->sent_at_ms, NOW);
	assert_int_equal(got->header->expires_at_ms, NOW + TB_BATCH_LIFE_MS);
	struct tb_buf again = {0};
	pki_batch_encode(&again, got);
	assert_true(tb_bytes_equal(tb_buf_bytes(&again), tb_buf_bytes(&wire)));
	tb_buf_clear(&again);
	tb_buf_clear(&wire);
	pki_batch_free(got);
	pki_batch_free(sent);
}

static void test_batch_salts_and_nonces_are_all_different(void **state)
{
	(void)state;
	struct pki_batch_head head = queries_head();
	struct pki_batch *first = build(&head, 5);
	struct pki_batch *second = build(&head, 5);
	struct pki_batch *both[2] = {first, second};
	for (size_t i = 0; i < 10; i++) {
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(both[i / 5]->items[i % 5].data,
			                        both[j / 5]->items[j % 5].data, TB_SALT_BYTES);
	}
	assert_int_equal(first->header->nonce.len, 16);
	assert_memory_not_equal(first->header->nonce.data, second->header->nonce.data, 16);
	pki_batch_free(second);
	pki_batch_free(first);
}

static void test_batch_answer_names_its_request(void **state)
{
	(void)state;
	struct tb_error err = {0};
	struct pki_batch_head head = queries_head();
	struct pki_batch *request = build(&head, 3);
	struct pki_batch_head reply = {.kind = PB_BATCH_KIND__ANSWERS,
	                               .sender = "330100",
	                               .receiver = "320400",
	                               .sent_at = NOW,
	                               .expires_at = NOW + 1000,
	                               .in_reply_to = pki_batch_root(request)};
	struct tb_buf wire = encoded(&reply, 3, &b.message);
	struct pki_expect expect = {.kind = PB_BATCH_KIND__ANSWERS,
	                            .sender = "330100",
	                            .receiver = "320400",
	                            .in_reply_to = pki_batch_root(request),
	                            .items_count = 3,
	                            .now = NOW};
	struct pki_batch *got = NULL;
	assert_int_equal(pki_batch_check(&got, tb_buf_bytes(&wire), trust, &expect, &err), TB_OK);
	pki_batch_free(got);

	struct pki_expect other = expect;
	uint8_t root[32] = {1};
	other.in_reply_to = tb_bytes_of(root, sizeof(root));
	assert_refused(tb_buf_bytes(&wire), &other, TB_EREPLAY, "answers another request");
	other.in_reply_to = (struct tb_bytes){0};
	assert_refused(tb_buf_bytes(&wire), &other, TB_EREPLAY, "a request that answers one");
	other = expect;
	other.items_count = 4;
	assert_refused(tb_buf_bytes(&wire), &other, TB_EMALFORMED, "3 answers to 4 questions");
	tb_buf_clear(&wire);
	pki_batch_free(request);
}

static void test_batch_of_the_largest_count_passes(void **state)
{
	(void)state;
	struct tb_error err = {0};
	struct tb_arena arena = {0};
	struct tb_bytes *messages = tb_arena_alloc(&arena, TB_BATCH_ITEMS_MAX * sizeof(*messages));
	for (size_t i = 0; i < TB_BATCH_ITEMS_MAX; i++)
		messages[i] = tb_bytes_of(tb_arena_alloc(&arena, 300), 300);
	struct pki_batch_head head = queries_head();
	struct pki_batch *batch = pki_batch_build(&head, messages, TB_BATCH_ITEMS_MAX, drawn);
	assert_int_equal(pki_batch_sign(batch, a.message.key, a.message.chain, 1, &err), TB_OK);
	struct tb_buf wire = {0};
	pki_batch_encode(&wire, batch);
	pki_batch_free(batch);
	struct pki_expect expect = queries_expected();
	assert_int_equal(pki_batch_check(&batch, tb_buf_bytes(&wire), trust, &expect, &err), TB_OK);
	assert_int_equal(batch->items_count, TB_BATCH_ITEMS_MAX);
	pki_batch_free(batch);

	struct forgery forgery;
	forgery_init(&forgery, tb_buf_bytes(&wire));
	ProtobufCBinaryData more[TB_BATCH_ITEMS_MAX + 1];
	memcpy(more, forgery.wire->items, TB_BATCH_ITEMS_MAX * sizeof(more[0]));
	more[TB_BATCH_ITEMS_MAX] = more[0];
	forgery.wire->items = more;
	forgery.wire->n_items = TB_BATCH_ITEMS_MAX + 1;
	assert_refused(forgery_bytes(&forgery), &expect, TB_ETOOBIG, "1025 items");
	tb_arena_clear(&forgery.arena);
	tb_buf_clear(&wire);
	tb_arena_clear(&arena);
}

static void test_batch_signs_only_with_a_chain_that_passes(void **state)
{
	(void)state;
	struct tb_error err = {0};
	struct pki_batch_head head = queries_head();
	struct pki_batch *batch = build(&head, 1);
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX + 1];
	for (size_t i = 0; i <= TB_CHAIN_CERTS_MAX; i++)
		chain[i] = a.message.chain[0];
	assert_int_equal(pki_batch_sign(batch, a.message.key, chain, 0, &err), TB_EINVALID);
	assert_int_equal(pki_batch_sign(batch, a.message.key, chain, TB_CHAIN_CERTS_MAX + 1, &err),
	                 TB_EINVALID);
	chain[0].size = TB_CERT_BYTES_MAX + 1;
	assert_int_equal(pki_batch_sign(batch, a.message.key, chain, 1, &err), TB_EINVALID);
	assert_int_equal(batch->signature.size, 0);
	pki_batch_free(batch);
}

/* ---- what is not */

static void test_batch_refuses_every_changed_byte(void **state)
{
	(void)state;
	struct pki_batch_head head = queries_head();
	struct tb_buf wire = encoded(&head, 3, &a.message);
	struct pki_expect expect = queries_expected();
	for (size_t i = 0; i < wire.size; i++) {
		struct pki_batch *batch = NULL;
		wire.data[i] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(pki_batch_check(&batch, tb_buf_bytes(&wire), trust, &expect, NULL),
		                     TB_OK);
		assert_null(batch);
		wire.data[i] ^= (uint8_t)(1 << i % 8);
	}
	tb_buf_clear(&wire);
}

static void test_batch_refuses_every_cut(void **state)
{
	(void)state;
	struct pki_batch_head head = queries_head();
	struct tb_buf wire = encoded(&head, 3, &a.message);
	struct pki_expect expect = queries_expected();
	for (size_t size = 0; size < wire.size; size++) {
		struct pki_batch *batch = NULL;
		/* A copy of exactly that size, so that reading on is noticed. */
		uint8_t *cut = tb_alloc(size);
		memcpy(cut, wire.data, size);
		assert_int_not_equal(pki_batch_check(&batch, tb_bytes_of(cut, size), trust, &expect, NULL),
		                     TB_OK);
		free(cut);
	}
	tb_buf_clear(&wire);
}

static void test_batch_refuses_what_follows_it(void **state)
{
	(void)state;
	static const uint8_t zeros[2] = {0};
	static const uint8_t text[] = "\x0a\x03"
				      "abc";
	struct pki_batch_head head = queries_head();
	struct tb_buf wire = encoded(&head, 3, &a.message);
	struct pki_expect expect = queries_expected();
	size_t size = wire.size;
	tb_buf_add(&wire, zeros, 1);
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EMALFORMED, "");
	tb_buf_add(&wire, zeros, 1);
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EMALFORMED, "");
	/* A second header takes the place of the first; it is not what was signed. */
	wire.size = size;
	tb_buf_add(&wire, text, 5);
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EMALFORMED, "");
	tb_buf_clear(&wire);
}

static void test_batch_refuses_what_is_too_large(void **state)
{
	(void)state;
	struct pki_expect expect = queries_expected();
	uint8_t *large = tb_alloc(TB_MESSAGE_BYTES_MAX + 1);
	assert_refused(tb_bytes_of(large, TB_MESSAGE_BYTES_MAX + 1), &expect, TB_ETOOBIG, "1048577 bytes");

	struct pki_batch_head head = queries_head();
	struct tb_buf wire = encoded(&head, 1, &a.message);
	struct forgery forgery;
	forgery_init(&forgery, tb_buf_bytes(&wire));
	ProtobufCBinaryData keep = forgery.wire->header;
	forgery.wire->header = proto_data(tb_bytes_of(large, TB_HEADER_BYTES_MAX + 1));
	assert_refused(forgery_bytes(&forgery), &expect, TB_ETOOBIG, "a header of 1025 bytes");
	forgery.wire->header = (ProtobufCBinaryData){0};
	assert_refused(forgery_bytes(&forgery), &expect, TB_EMALFORMED, "no header");
	forgery.wire->header = keep;

	keep = forgery.wire->signature;
	forgery.wire->signature = proto_data(tb_bytes_of(large, TB_SIGNATURE_BYTES_MAX + 1));
	assert_refused(forgery_bytes(&forgery), &expect, TB_ETOOBIG, "a signature of 257 bytes");
	forgery.wire->signature = (ProtobufCBinaryData){0};
	assert_refused(forgery_bytes(&forgery), &expect, TB_EMALFORMED, "no signature");
	forgery.wire->signature = keep;

	ProtobufCBinaryData certs[TB_CHAIN_CERTS_MAX + 1];
	for (size_t i = 0; i <= TB_CHAIN_CERTS_MAX; i++)
		certs[i] = forgery.wire->chain[0];
	forgery.wire->chain = certs;
	forgery.wire->n_chain = TB_CHAIN_CERTS_MAX + 1;
	assert_refused(forgery_bytes(&forgery), &expect, TB_ETOOBIG, "a chain of 5");
	forgery.wire->n_chain = 0;
	assert_refused(forgery_bytes(&forgery), &expect, TB_EMALFORMED, "no certificate chain");
	forgery.wire->n_chain = 1;
	certs[0] = proto_data(tb_bytes_of(large, TB_CERT_BYTES_MAX + 1));
	assert_refused(forgery_bytes(&forgery), &expect, TB_ETOOBIG, "certificate 0 has 4097 bytes");
	tb_arena_clear(&forgery.arena);
	tb_buf_clear(&wire);
	free(large);
}

static void test_batch_refuses_changed_items(void **state)
{
	(void)state;
	struct pki_batch_head head = queries_head();
	struct tb_buf wire = encoded(&head, 3, &a.message);
	struct pki_expect expect = queries_expected();
	struct forgery forgery;
	forgery_init(&forgery, tb_buf_bytes(&wire));
	PbSignedBatch *batch = forgery.wire;
	const char *root = "do not give the root";
	for (size_t i = 0; i < 3; i++) {
		batch->items[i].data[0] ^= 1;
		assert_refused(forgery_bytes(&forgery), &expect, TB_EUNTRUSTED, root);
		batch->items[i].data[0] ^= 1;
	}
	ProtobufCBinaryData keep = batch->items[0];
	batch->items[0] = batch->items[2];
	batch->items[2] = keep;
	assert_refused(forgery_bytes(&forgery), &expect, TB_EUNTRUSTED, root);
	batch->items[2] = batch->items[0];
	batch->items[0] = keep;
	batch->items[1].len = TB_SALT_BYTES - 1;
	assert_refused(forgery_bytes(&forgery), &expect, TB_EMALFORMED, "item 1 has 15 bytes");
	batch->items[1].len = TB_SALT_BYTES;
	batch->n_items = 2;
	assert_refused(forgery_bytes(&forgery), &expect, TB_EMALFORMED, "2 items, but the header counts 3");
	batch->n_items = 0;
	assert_refused(forgery_bytes(&forgery), &expect, TB_EMALFORMED, "0 items, but the header counts 3");
	batch->n_items = 3;
	struct pki_batch *good = NULL;
	assert_int_equal(pki_batch_check(&good, forgery_bytes(&forgery), trust, &expect, NULL), TB_OK);
	pki_batch_free(good);
	tb_arena_clear(&forgery.arena);
	tb_buf_clear(&wire);
}

static void test_batch_refuses_another_signature(void **state)
{
	(void)state;
	struct pki_batch_head head = queries_head();
	struct tb_buf wire = encoded(&head, 3, &a.message);
	struct pki_expect expect = queries_expected();
	struct forgery forgery;
	const char *text = "the signature over the header does not hold";
	forgery_init(&forgery, tb_buf_bytes(&wire));
	/* The header is still in order, but not the one that was signed. */
	forgery.header->nonce.data[3] ^= 1;
	forgery.wire->header = proto_data(proto_encode_arena(&forgery.arena, &forgery.header->base));
	assert_refused(forgery_bytes(&forgery), &expect, TB_EUNTRUSTED, text);
	forgery_sign(&forgery, b.message.key);
	assert_refused(forgery_bytes(&forgery), &expect, TB_EUNTRUSTED, text);
	forgery.wire->signature.len--;
	assert_refused(forgery_bytes(&forgery), &expect, TB_EUNTRUSTED, text);
	/* Signed without DSSE's frame: no signature for another purpose passes here. */
	struct tb_buf bare = {0};
	assert_int_equal(pki_sign(a.message.key, proto_bytes(forgery.wire->header), &bare, NULL), TB_OK);
	forgery.wire->signature = proto_data(tb_buf_bytes(&bare));
	assert_refused(forgery_bytes(&forgery), &expect, TB_EUNTRUSTED, text);
	forgery_sign(&forgery, a.message.key);
	struct pki_batch *good = NULL;
	assert_int_equal(pki_batch_check(&good, forgery_bytes(&forgery), trust, &expect, NULL), TB_OK);
	pki_batch_free(good);
	tb_buf_clear(&bare);
	tb_arena_clear(&forgery.arena);
	tb_buf_clear(&wire);
}

static void change_version(PbBatchHeader *h)
{
	h->version = 2;
}

static void change_kind_none(PbBatchHeader *h)
{
	h->kind = PB_BATCH_KIND__BATCH_KIND_UNSPECIFIED;
}

static void change_kind_unknown(PbBatchHeader *h)
{
	h->kind = (PbBatchKind)99;
}

static void change_sender(PbBatchHeader *h)
{
	h->sender[5] = 'x';
}

static void change_sender_short(PbBatchHeader *h)
{
	h->sender[5] = 0;
}

static void change_receiver(PbBatchHeader *h)
{
	h->receiver[0] = 0;
}

static void change_nonce(PbBatchHeader *h)
{
	h->nonce.len = 15;
}

static void change_root_size(PbBatchHeader *h)
{
	h->root = (ProtobufCBinaryData){33, spare};
}

static void change_root(PbBatchHeader *h)
{
	h->root.data[31] ^= 1;
}

static void change_in_reply_to_size(PbBatchHeader *h)
{
	h->in_reply_to = (ProtobufCBinaryData){16, spare};
}

static void change_in_reply_to(PbBatchHeader *h)
{
	h->in_reply_to = (ProtobufCBinaryData){32, spare};
}

static void change_count(PbBatchHeader *h)
{
	h->count = 4;
}

static void change_count_none(PbBatchHeader *h)
{
	h->count = 0;
}

static void change_count_large(PbBatchHeader *h)
{
	h->count = TB_BATCH_ITEMS_MAX + 1;
}

static void change_order(PbBatchHeader *h)
{
	h->expires_at_ms = h->sent_at_ms - 1;
}

static void change_before_1970(PbBatchHeader *h)
{
	h->sent_at_ms = INT64_MIN;
}

static void change_after_9999(PbBatchHeader *h)
{
	h->expires_at_ms = INT64_MAX;
}

static void change_life(PbBatchHeader *h)
{
	h->expires_at_ms = h->sent_at_ms + TB_BATCH_LIFE_MS + 1;
}

static void change_issuer(PbBatchHeader *h)
{
	static char issuer[] = SEAL_ISSUER;
	h->issuer = issuer;
}

static void change_into_seal(PbBatchHeader *h)
{
	h->kind = PB_BATCH_KIND__SEAL;
	h->receiver[0] = 0;
	change_issuer(h);
}

/* What the right key signs is still held against every rule of its own. */
static void test_batch_refuses_signed_headers_that_break_a_rule(void **state)
{
	(void)state;
	static const struct {
		void (*change)(PbBatchHeader *);
		enum tb_code code;
		const char *text;
	} rows[] = {
		{change_version, TB_EMALFORMED, "version 2"},
		{change_kind_none, TB_EMALFORMED, "unknown kind 0"},
		{change_kind_unknown, TB_EMALFORMED, "unknown kind 99"},
		{change_sender, TB_EMALFORMED, "the sender is not a region code"},
		{change_sender_short, TB_EMALFORMED, "the sender is not a region code"},
		{change_receiver, TB_EMALFORMED, "the receiver is not a region code"},
		{change_nonce, TB_EMALFORMED, "a nonce of 15 bytes"},
		{change_root_size, TB_EMALFORMED, "a root of 33 bytes"},
		{change_root, TB_EUNTRUSTED, "do not give the root"},
		{change_in_reply_to_size, TB_EMALFORMED, "in_reply_to of 16 bytes"},
		{change_in_reply_to, TB_EREPLAY, "a request that answers one"},
		{change_count, TB_EMALFORMED, "the header counts 4"},
		{change_count_none, TB_EMALFORMED, "a batch of nothing"},
		{change_count_large, TB_ETOOBIG, "1025 items"},
		{change_order, TB_EMALFORMED, "not in order"},
		{change_before_1970, TB_EMALFORMED, "not in order"},
		{change_after_9999, TB_EMALFORMED, "not in order"},
		{change_life, TB_EEXPIRED, "lives 300001 ms"},
		{change_issuer, TB_EMALFORMED, "it is not a seal"},
		{change_into_seal, TB_EMALFORMED, "kind 7 where kind 1 belongs"},
	};
	struct pki_batch_head head = queries_head();
	struct pki_expect expect = queries_expected();
	struct tb_buf wire = encoded(&head, 3, &a.message);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct forgery forgery;
		forgery_init(&forgery, tb_buf_bytes(&wire));
		rows[i].change(forgery.header);
		forgery_sign(&forgery, a.message.key);
		assert_refused(forgery_bytes(&forgery), &expect, rows[i].code, rows[i].text);
		tb_arena_clear(&forgery.arena);
	}
	tb_buf_clear(&wire);
}

static void test_batch_refuses_wrong_parties_and_kind(void **state)
{
	(void)state;
	struct pki_batch_head head = queries_head();
	struct tb_buf wire = encoded(&head, 3, &a.message);
	struct pki_expect expect = queries_expected();
	expect.sender = "330100";
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EUNTRUSTED, "sender 320400 on the connection");
	expect = queries_expected();
	expect.receiver = "440100";
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EREPLAY, "meant for region 330100, not for 440100");
	expect = queries_expected();
	expect.kind = PB_BATCH_KIND__MESSAGES;
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EMALFORMED, "kind 1 where kind 3 belongs");
	tb_buf_clear(&wire);
}

static void test_batch_keeps_to_its_times(void **state)
{
	(void)state;
	struct pki_batch_head head = queries_head();
	struct tb_buf wire = encoded(&head, 3, &a.message);
	struct pki_expect expect = queries_expected();
	static const tb_time good[] = {-TB_BATCH_LIFE_MS, 0, TB_BATCH_LIFE_MS, 2 * TB_BATCH_LIFE_MS};
	for (size_t i = 0; i < 4; i++) {
		struct pki_batch *batch = NULL;
		expect.now = NOW + good[i];
		assert_int_equal(pki_batch_check(&batch, tb_buf_bytes(&wire), trust, &expect, NULL), TB_OK);
		pki_batch_free(batch);
	}
	expect.now = NOW - TB_BATCH_LIFE_MS - 1;
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EEXPIRED, "in the future");
	expect.now = NOW + 2 * TB_BATCH_LIFE_MS + 1;
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EEXPIRED, "expired 300001 ms ago");
	tb_buf_clear(&wire);
}

static void test_batch_refuses_an_expired_certificate(void **state)
{
	(void)state;
	struct pki_batch_head head = queries_head();
	head.sent_at = NOW + 31 * TB_DAY;
	head.expires_at = head.sent_at + 1000;
	struct tb_buf wire = encoded(&head, 1, &a.message);
	struct pki_expect expect = queries_expected();
	expect.now = head.sent_at;
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EEXPIRED, "");
	tb_buf_clear(&wire);
}

/* The CA of region B tries to speak as region A, in every way that it can. */
static void test_batch_refuses_another_regions_ca(void **state)
{
	(void)state;
	struct pki_batch_head head = queries_head();
	struct pki_expect expect = queries_expected();
	struct tb_buf wire = encoded(&head, 1, &b.message);
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EUNTRUSTED, "the chain is region 330100's");
	tb_buf_clear(&wire);

	struct credential posing = {0};
	issue(&b, &posing, PKI_P256, PKI_ROLE_MESSAGE, "spiffe://320400/message");
	wire = encoded(&head, 1, &posing);
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EUNTRUSTED, "");
	tb_buf_clear(&wire);
	pki_key_free(posing.key);

	/* A region that nobody here trusts. */
	struct region stranger;
	region_init(&stranger, "320400", PKI_P256);
	wire = encoded(&head, 1, &stranger.message);
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EUNTRUSTED, "");
	tb_buf_clear(&wire);
	region_clear(&stranger);
}

static void test_batch_refuses_keys_with_other_roles(void **state)
{
	(void)state;
	struct pki_batch_head head = queries_head();
	struct pki_expect expect = queries_expected();
	struct tb_buf wire = encoded(&head, 1, &a.node);
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EUNTRUSTED, "");
	tb_buf_clear(&wire);
	wire = encoded(&head, 1, &a.seal);
	assert_refused(tb_buf_bytes(&wire), &expect, TB_EUNTRUSTED, "");
	tb_buf_clear(&wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pae_is_that_of_dsse),
		EACH_SUITE(test_batch_arrives_as_it_was_sent),
		EACH_SUITE(test_batch_salts_and_nonces_are_all_different),
		EACH_SUITE(test_batch_answer_names_its_request),
		EACH_SUITE(test_batch_of_the_largest_count_passes),
		EACH_SUITE(test_batch_signs_only_with_a_chain_that_passes),
		EACH_SUITE(test_batch_refuses_every_changed_byte),
		EACH_SUITE(test_batch_refuses_every_cut),
		EACH_SUITE(test_batch_refuses_what_follows_it),
		EACH_SUITE(test_batch_refuses_what_is_too_large),
		EACH_SUITE(test_batch_refuses_changed_items),
		EACH_SUITE(test_batch_refuses_another_signature),
		EACH_SUITE(test_batch_refuses_signed_headers_that_break_a_rule),
		EACH_SUITE(test_batch_refuses_wrong_parties_and_kind),
		EACH_SUITE(test_batch_keeps_to_its_times),
		EACH_SUITE(test_batch_refuses_an_expired_certificate),
		EACH_SUITE(test_batch_refuses_another_regions_ca),
		EACH_SUITE(test_batch_refuses_keys_with_other_roles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
