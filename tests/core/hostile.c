#include "tests/core/hostile.h"

#include "node/core/kv.h"

static struct kv kv_begin(struct side *side)
{
	struct kv kv = {0};
	struct tb_error err = {0};
	assert_int_equal(store_read(&kv.txn, side->setup.store, &err), TB_OK);
	kv.vault = pki_vault_new(side->setup.vault_key);
	return kv;
}

static void kv_end(struct kv *kv)
{
	store_abort(kv->txn);
	pki_vault_free(kv->vault);
	tb_buf_clear(&kv->scratch);
}

static struct pki_random *drawn(struct pair *pair)
{
	uint8_t seed[32];
	memset(seed, ++pair->seed, sizeof(seed));
	seed[0] = 99;
	tb_put_u32(seed + 1, pair->calls);
	return pki_random_new(seed);
}

/* ---- case messages */

static void take_entries(struct forgery *f, const ProtobufCBinaryData *data, size_t count)
{
	f->count = count;
	/* Room for entries that a test adds. */
	f->entries = tb_arena_alloc(&f->arena, (count + 8) * sizeof(*f->entries));
	for (size_t i = 0; i < count; i++)
		assert_int_equal(
			PROTO_DECODE(&f->entries[i], case_entry, proto_bytes(data[i]), &f->arena, NULL),
			TB_OK);
	f->head = proto_bytes(f->entries[0]->previous);
}

void forgery_take(struct forgery *f, struct pair *pair, struct side *from)
{
	struct kv kv = kv_begin(from);
	struct store_cursor cursor;
	struct tb_bytes key, value;
	PbOutboxRecord *record;
	*f = (struct forgery){
		.pair = pair, .from = from, .to = from == &pair->home ? &pair->window : &pair->home};
	store_cursor_last(&cursor, kv.txn, KV_OUTGOING, tb_bytes_str(f->to->region.code));
	assert_true(store_next(&cursor, &key, &value));
	struct kv_key out = kv_key_of(key);
	store_cursor_end(&cursor);
	assert_int_equal(KV_GET(&kv, KV_OUTBOX, &out, outbox_record, &f->arena, &record, NULL), TB_OK);
	assert_int_equal(
		PROTO_DECODE(&f->message, case_message, proto_bytes(record->message), &f->arena, NULL),
		TB_OK);
	kv_end(&kv);
	if (f->message->package)
		take_entries(f, f->message->package->entries, f->message->package->n_entries);
	else if (f->message->entries)
		take_entries(f, f->message->entries->entries, f->message->entries->n_entries);
}

void forgery_clear(struct forgery *f)
{
	tb_arena_clear(&f->arena);
	*f = (struct forgery){0};
}

static void chain(struct forgery *f, ProtobufCBinaryData **data, size_t *count)
{
	struct tb_bytes head = f->head;
	*data = tb_arena_alloc(&f->arena, (f->count + 1) * sizeof(**data));
	*count = f->count;
	for (size_t i = 0; i < f->count; i++) {
		uint8_t digest[PKI_HASH_BYTES];
		if (!f->unchained)
			f->entries[i]->previous = proto_data(head);
		(*data)[i] = proto_data(proto_encode_arena(&f->arena, &f->entries[i]->base));
		pki_sha256(digest, proto_bytes((*data)[i]));
		head = tb_arena_bytes(&f->arena, tb_bytes_of(digest, sizeof(digest)));
	}
}

struct tb_bytes forgery_encode(struct forgery *f)
{
	if (!f->same_id && f->message->id.len == 16) {
		struct pki_random *random = drawn(f->pair);
		uint8_t id[16];
		pki_random_bytes(random, id, sizeof(id));
		pki_random_free(random);
		f->message->id = proto_data(tb_arena_bytes(&f->arena, tb_bytes_of(id, sizeof(id))));
	}
	if (!f->raw && f->message->package)
		chain(f, &f->message->package->entries, &f->message->package->n_entries);
	else if (!f->raw && f->message->entries)
		chain(f, &f->message->entries->entries, &f->message->entries->n_entries);
	return proto_encode_arena(&f->arena, &f->message->base);
}

const PbReceipt *forgery_send(struct forgery *f, struct pair_reply *reply)
{
	struct tb_bytes message = forgery_encode(f);
	struct tb_buf bytes = {0};
	hostile_batch(f->pair, &bytes, PB_BATCH_KIND__MESSAGES, f->from->region.code, f->to->region.code,
	              &f->from->region.message, &message, 1);
	if (pair_inject(f->pair, f->to, CORE_DELIVER, f->from->region.code, tb_buf_bytes(&bytes), reply))
		fail_msg("the batch was refused: %s", reply->error.text);
	tb_buf_clear(&bytes);
	return (const PbReceipt *)(const void *)reply->messages[0];
}

/* ---- batches */

void hostile_answer(struct pair *pair, struct tb_buf *out, PbBatchKind kind, const char *from, const char *to,
                    const struct credential *signer, struct tb_bytes in_reply_to,
                    const struct tb_bytes *messages, size_t count)
{
	struct tb_error err = {0};
	struct pki_random *random = drawn(pair);
	struct pki_batch_head head = {.kind = kind,
	                              .sender = from,
	                              .receiver = to,
	                              .sent_at = pair->now,
	                              .expires_at = pair->now + TB_MINUTE,
	                              .in_reply_to = in_reply_to};
	struct pki_batch *batch = pki_batch_build(&head, messages, count, random);
	assert_int_equal(pki_batch_sign(batch, signer->key, signer->chain, signer->chain_count, &err), TB_OK);
	pki_batch_encode(out, batch);
	pki_batch_free(batch);
	pki_random_free(random);
}

void hostile_batch(struct pair *pair, struct tb_buf *out, PbBatchKind kind, const char *from, const char *to,
                   const struct credential *signer, const struct tb_bytes *messages, size_t count)
{
	hostile_answer(pair, out, kind, from, to, signer, tb_bytes_of(NULL, 0), messages, count);
}

const PbReceipt *hostile_post(struct pair *pair, const struct region *author, struct side *to,
                              PbMatterPost *post, struct pair_reply *reply)
{
	PbCaseMessage message = PB_CASE_MESSAGE__INIT;
	struct pki_random *random = drawn(pair);
	struct tb_arena arena = {0};
	struct tb_buf bytes = {0};
	uint8_t id[16];
	pki_random_bytes(random, id, sizeof(id));
	pki_random_free(random);
	message.id = proto_data(tb_bytes_of(id, sizeof(id)));
	message.seq = ++pair->calls;
	message.case_number = post->matter;
	message.issued_at_ms = pair->now;
	message.expires_at_ms = pair->now + TB_DAY;
	message.post = post;
	struct tb_bytes encoded = proto_encode_arena(&arena, &message.base);
	hostile_batch(pair, &bytes, PB_BATCH_KIND__MESSAGES, author->code, to->region.code, &author->message,
	              &encoded, 1);
	if (pair_inject(pair, to, CORE_DELIVER, author->code, tb_buf_bytes(&bytes), reply))
		fail_msg("the batch was refused: %s", reply->error.text);
	tb_buf_clear(&bytes);
	tb_arena_clear(&arena);
	return (const PbReceipt *)(const void *)reply->messages[0];
}

/* ---- what may not change */

uint64_t hostile_count(struct side *side, int table)
{
	struct kv kv = kv_begin(side);
	uint64_t count = store_count(kv.txn, (unsigned)table);
	kv_end(&kv);
	return count;
}

char *hostile_state(struct pair *pair, struct side *side, const char *number)
{
	/* Not among them: what keeps the proof that something was received and refused. */
	static const int tables[] = {KV_CREDENTIAL, KV_FIND,   KV_CASE,     KV_ENTRY,      KV_REQUEST,
	                             KV_TIMER,      KV_OUTBOX, KV_DEAD,     KV_CASE_PROOF, KV_WANTED,
	                             KV_CATALOGUE,  KV_IMPORT, KV_MATERIAL, KV_OUTGOING,   KV_MATERIAL_FOR};
	struct tb_buf text = {0};
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		tb_buf_printf(&text, "%s %llu\n", core_tables[tables[i]],
		              (unsigned long long)hostile_count(side, tables[i]));
	if (number)
		proto_json_encode_pretty(&text, &pair_case(pair, side, number)->base);
	char *copy = strdup(tb_buf_text(&text));
	tb_buf_clear(&text);
	return copy;
}

void hostile_assert_unchanged(struct pair *pair, struct side *side, const char *number, char *before,
                              const char *what)
{
	char *after = hostile_state(pair, side, number);
	if (strcmp(before, after) != 0)
		fail_msg("%s changed something.\nBefore:\n%s\nAfter:\n%s", what, before, after);
	free(before);
	free(after);
}

size_t hostile_leaves(struct pair *pair, struct side *side, const char *kind)
{
	size_t count = 0;
	uint64_t first = 0, size = 1;
	while (first < size) {
		char json[64];
		snprintf(json, sizeof(json), "{\"first\":%llu,\"limit\":1000}", (unsigned long long)first);
		PbAuditListResponse *page = (PbAuditListResponse *)(void *)pair_ask(
			pair, side, "/tongban.v1.AuditService/List", json);
		for (size_t i = 0; i < page->n_rows; i++)
			count += strcmp(page->rows[i]->kind, kind) == 0;
		size = page->size;
		first += page->n_rows ? page->n_rows : size;
	}
	return count;
}

void hostile_add_peer(struct peer_set *set, const struct region *region, const struct hostile_grant *grant)
{
	static const char *const modes[] = {"DS", NULL};
	struct peer_verify_grant verify = {.types = grant->types, .disclosure = grant->disclosure};
	struct peer_case_grant cases = {.items = grant->items, .modes = modes};
	struct peer peer = {.region = region->code,
	                    .name = "test",
	                    .endpoint = "wire:1",
	                    .verify = &verify,
	                    .verify_count = grant->types ? 1 : 0,
	                    .cases = &cases,
	                    .cases_count = grant->items ? 1 : 0,
	                    .queries_per_second = grant->per_second ? grant->per_second : 100000,
	                    .queries_burst = grant->burst ? grant->burst : 100000};
	struct tb_error err = {0};
	assert_int_equal(peer_set_add(set, &peer, tb_buf_bytes(&region->ca_pem), &err), TB_OK);
}

/* ---- the same lie in many forms */

char *forgery_word(struct forgery *f, const char *text)
{
	return tb_arena_str(&f->arena, text);
}

PbApplication *forgery_application(struct forgery *f)
{
	return f->entries[0]->detail->application;
}

PbMaterial *forgery_material(struct forgery *f)
{
	return forgery_application(f)->materials[0];
}

static void assert_refused(const struct alteration *a, const PbReceipt *receipt)
{
	if (receipt->kind != PB_RECEIPT_KIND__REJECTED || strcmp(receipt->code, a->code) != 0 ||
	    !strstr(receipt->reason, a->reason))
		fail_msg("%s: receipt %d, code '%s', reason '%s'", a->what, (int)receipt->kind, receipt->code,
		         receipt->reason);
}

void hostile_refuse_altered(struct pair *pair, struct side *from, struct side *to, const char *number,
                            size_t entries, const struct alteration *a)
{
	struct forgery f;
	struct pair_reply reply;
	char *before = hostile_state(pair, to, number);
	forgery_take(&f, pair, from);
	assert_int_equal(f.count, entries);
	if (f.message->proposal && !f.message->proposal->detail)
		f.message->proposal->detail = PROTO_NEW(PbCaseDetail, case_detail, &f.arena);
	a->alter(&f);
	assert_refused(a, forgery_send(&f, &reply));
	hostile_assert_unchanged(pair, to, number, before, a->what);
	pair_reply_clear(&reply);
	forgery_clear(&f);
}

void hostile_refuse_each(struct pair *pair, struct side *from, struct side *to, size_t entries,
                         const struct alteration *alterations, size_t count,
                         void (*say)(struct pair *pair, const char *number))
{
	for (size_t i = 0; i < count; i++) {
		char number[32];
		pair_submit(pair, true, number);
		pair_pass(pair, TB_MINUTE);
		say(pair, number);
		hostile_refuse_altered(pair, from, to, number, entries, &alterations[i]);
		pair->parted = false;
		pair->fate = NULL;
		pair_pass(pair, TB_HOUR);
	}
	hostile_assert_works(pair);
}

void hostile_assert_works(struct pair *pair)
{
	char number[32];
	pair_submit(pair, true, number);
	assert_int_equal(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""), TB_OK);
	assert_int_equal(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""), TB_OK);
	assert_int_equal(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", ""), TB_OK);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__GRANTED);
	pair_assert_equal_logs(pair, number);
}
