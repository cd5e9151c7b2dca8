/* Stored records that are damaged, one after the other, in every table: whatever is called then is answered,
 * by a coded error where the damage is in the way; nothing damaged is shown, and no call ends the process. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TYPE "11100000000013338W032"
#define ISSUER "11320400014109045T"
#define WANG "11010519491231002X"

enum { KEYS_MAX = 2 }; /* damaged of each table */

struct story {
	struct pair *pair;
	char open[32];    /* under review */
	char granted[32]; /* with a certificate */
	char waiting[32]; /* with messages that have no receipt, both ways */
	char lost[32];    /* its package is a dead letter */
	char identifier[TB_ID_BYTES_MAX + 1];
	char evidence[8][64];
	size_t evidence_count;
	char root[64]; /* of a material, base64 */
	char matter[64];
	char agreement[64]; /* in force */
	uint8_t root_bytes[PKI_HASH_BYTES];
};

/* ---- files */

static void copy_file(const char *from, const char *to)
{
	char block[65536];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	assert_true(in && out);
	for (size_t got; (got = fread(block, 1, sizeof(block), in)) > 0;)
		assert_int_equal(fwrite(block, 1, got, out), got);
	fclose(in);
	fclose(out);
}

static void keep(struct story *story, bool back)
{
	struct side *sides[] = {&story->pair->window, &story->pair->home};
	for (size_t i = 0; i < 2; i++) {
		char data[200], kept[200];
		snprintf(data, sizeof(data), "%s/store/data.mdb", sides[i]->dir);
		snprintf(kept, sizeof(kept), "%s/kept.mdb", sides[i]->dir);
		pair_close(sides[i]);
		copy_file(back ? kept : data, back ? data : kept);
		pair_open(story->pair, sides[i]);
	}
}

enum damage {
	FLIPPED, /* a bit */
	CUT,     /* to a few bytes */
	STRANGE, /* sealed as it must be, and no message of ours */
	GONE,
	DAMAGES
};

static struct tb_bytes sealed_rubbish(struct side *side, int table, const struct kv_key *key,
                                      struct tb_buf *out)
{
	static const uint8_t nonce[12] = {9};
	struct pki_vault *vault = pki_vault_new(side->setup.vault_key);
	uint8_t bound[STORE_KEY_BYTES_MAX + 1] = {(uint8_t)table};
	memcpy(bound + 1, key->bytes, key->size);
	pki_vault_seal(vault, out, tb_bytes_str("\xff\xff\xff"), tb_bytes_of(bound, key->size + 1), nonce);
	pki_vault_free(vault);
	return tb_buf_bytes(out);
}

static void damage(struct side *side, int table, const struct kv_key *key, enum damage how)
{
	struct store_txn *txn;
	struct tb_bytes value;
	struct tb_error err;
	struct tb_buf bytes = {0};
	OK(store_write(&txn, side->setup.store, &err));
	assert_true(store_get(txn, (unsigned)table, kv_key_bytes(key), &value));
	switch (how) {
	case FLIPPED:
		tb_buf_add(&bytes, value.data, value.size);
		bytes.data[value.size / 2] ^= 0x10;
		break;
	case CUT:
		tb_buf_add(&bytes, value.data, value.size < 5 ? value.size / 2 : 5);
		break;
	case STRANGE:
		sealed_rubbish(side, table, key, &bytes);
		break;
	case GONE:
	case DAMAGES:
		break;
	}
	if (how == GONE)
		store_delete(txn, (unsigned)table, kv_key_bytes(key));
	else
		store_put(txn, (unsigned)table, kv_key_bytes(key), tb_buf_bytes(&bytes));
	OK(store_commit(txn, &err));
	tb_buf_clear(&bytes);
}

/* Up to KEYS_MAX keys of a table, first and last among them. */
static size_t keys_of(struct side *side, int table, struct kv_key keys[KEYS_MAX])
{
	struct store_txn *txn;
	struct store_cursor cursor;
	struct tb_bytes key, value;
	struct tb_error err;
	size_t count = 0;
	OK(store_read(&txn, side->setup.store, &err));
	store_cursor(&cursor, txn, (unsigned)table, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &value)) {
		if (value.size == 0)
			continue;
		size_t at = count < KEYS_MAX ? count++ : KEYS_MAX - 1;
		keys[at] = kv_key_of(key);
	}
	store_cursor_end(&cursor);
	store_abort(txn);
	return count;
}

/* ---- the story */

static void import(struct pair *pair, const char *line)
{
	char json[1024];
	snprintf(json, sizeof(json),
	         "{\"importId\":\"i\",\"format\":\"CSV\",\"header\":\"type,number,name,holder_code_type,"
	         "holder_code,issuer,issued_on\","
	         "\"firstLine\":\"2\",\"lines\":[\"%s\"],\"endOffset\":\"10\"}",
	         line);
	pair_ask(pair, &pair->home, "/tongban.v1.CredentialService/Import", json);
}

static void remember(struct story *story)
{
	PbCaseView *view = pair_case(story->pair, &story->pair->home, story->granted);
	for (size_t i = 0; i < view->n_evidence && story->evidence_count < 6; i++)
		snprintf(story->evidence[story->evidence_count++], 64, "%s", view->evidence[i]);
	const PbMaterial *material = view->log[0]->detail->application->materials[0];
	struct tb_buf text = {0};
	tb_base64(&text, proto_bytes(material->root));
	snprintf(story->root, sizeof(story->root), "%s", tb_buf_text(&text));
	memcpy(story->root_bytes, material->root.data, PKI_HASH_BYTES);
	tb_buf_clear(&text);
	for (size_t i = 0; i < view->n_log; i++) {
		if (view->log[i]->event == PB_CASE_EVENT__GRANT)
			snprintf(story->identifier, sizeof(story->identifier), "%s",
			         view->log[i]->detail->decision->credential_identifier);
	}
}

/* A matter with a file, and an agreement that both sides have signed. */
static void agree(struct story *story)
{
	struct pair *pair = story->pair;
	char json[2048], file[512];
	bool parted = pair->parted;
	pair->parted = false;
	pair_upload(pair, &pair->window, 500, 77, file);
	snprintf(json, sizeof(json),
	         "{\"post\":{\"actor\":{\"role\":\"LIAISON\",\"id\":\"l\"},\"subject\":\"s\",\"text\":\"t\","
	         "\"about\":\"ENQUIRY\",\"asked\":\"" HOME "\",\"days\":3,\"parties\":[\"" WINDOW "\",\"" HOME
	         "\"],\"files\":[{\"need\":\"x\",%s}],\"caseNumber\":\"%s\"}}",
	         file, story->open);
	PbMatterView *matter =
		(PbMatterView *)(void *)pair_ask(pair, &pair->window, "/tongban.v1.MatterService/Open", json);
	snprintf(story->matter, sizeof(story->matter), "%s", matter->matter);
	PbAgreementView *view = (PbAgreementView *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.AgreementService/Propose",
		"{\"agreement\":{\"title\":\"t\",\"parties\":[\"" HOME "\",\"" WINDOW
		"\"],\"validFrom\":\"2020-01-01\",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"],"
		"\"rights\":["
		"\"NOTIFY_ONCE\",\"DELIVER_RESULTS\"]}]}}");
	snprintf(story->agreement, sizeof(story->agreement), "%s", view->agreement->id);
	pair_pass(pair, 2 * TB_MINUTE);
	snprintf(json, sizeof(json), "{\"id\":\"%s\"}", story->agreement);
	pair_ask(pair, &pair->home, "/tongban.v1.AgreementService/Sign", json);
	pair_pass(pair, 2 * TB_MINUTE);
	pair->parted = parted;
}

static void story_new(struct story *story, struct scratch *scratch)
{
	struct pair *pair = pair_new(scratch);
	*story = (struct story){.pair = pair};
	import(pair, TYPE ",N1,公证书,111," WANG "," ISSUER ",2024-01-31");
	import(pair, TYPE ",N2,公证书,111," WANG "," ISSUER ",2024-01-31");
	pair_submit(pair, true, story->granted);
	OK(pair_act(pair, &pair->home, story->granted, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, story->granted, "START", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, story->granted, "GRANT", "H_DEPT",
	            "\"issue\":{\"typeName\":\"公证书\"}"));
	pair_submit(pair, true, story->open);
	OK(pair_act(pair, &pair->home, story->open, "ACCEPT", "H_WIN", ""));
	pair->parted = true;
	pair_submit(pair, true, story->lost);
	pair->now += 7 * TB_DAY + TB_MINUTE;
	pair_run(pair);
	pair->parted = false;
	pair_submit(pair, true, story->waiting);
	pair_pass(pair, TB_MINUTE);
	pair->parted = true;
	OK(pair_act(pair, &pair->home, story->waiting, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->window, story->waiting, "WITHDRAW", "APPLICANT", ""));
	pair_ask(pair, &pair->home, "/tongban.v1.CredentialService/Find",
	         "{\"type\":\"" TYPE "\",\"number\":\"N1\"}");
	remember(story);
	agree(story);
}

/* ---- everything that can be called */

static void call(struct story *story, struct side *side, const char *path, const char *fmt, ...)
	TB_PRINTF(4, 5);
static void call(struct story *story, struct side *side, const char *path, const char *fmt, ...)
{
	char json[4096], whole[128];
	enum tb_code code;
	va_list args;
	va_start(args, fmt);
	vsnprintf(json, sizeof(json), fmt, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "/tongban.v1.%s", path);
	proto_message *reply = pair_call(story->pair, side, whole, json, &code);
	if ((reply != NULL) != (code == TB_OK))
		fail_msg("%s: %s beside a reply", path, tb_code_name(code));
	assert_true(code == TB_OK || pair_refusal(side)[0]);
}

static void read_all(struct story *story, struct side *side)
{
	const char *numbers[] = {story->open, story->granted, story->waiting, story->lost};
	call(story, side, "NodeService/Status", "{}");
	call(story, side, "NodeService/DeadLetters", "{}");
	call(story, side, "PeerService/List", "{}");
	call(story, side, "CredentialService/ImportStatus", "{\"importId\":\"i\"}");
	call(story, side, "CredentialService/Get", "{\"identifier\":\"%s\"}", story->identifier);
	call(story, side, "CredentialService/Find", "{\"type\":\"" TYPE "\",\"number\":\"N1\"}");
	call(story, side, "CredentialService/Find",
	     "{\"holder\":{\"codeType\":\"111\",\"code\":\"" WANG "\"}}");
	call(story, side, "CatalogueService/List", "{}");
	call(story, side, "CatalogueService/List", "{\"region\":\"" HOME "\"}");
	for (size_t i = 0; i < COUNT(numbers); i++)
		call(story, side, "CaseService/Get", "{\"number\":\"%s\"}", numbers[i]);
	call(story, side, "CaseService/List", "{\"limit\":2}");
	call(story, side, "CaseService/List", "{\"state\":\"ACCEPTED\",\"peer\":\"%s\"}", HOME);
	call(story, side, "MaterialService/Get", "{\"root\":\"%s\"}", story->root);
	call(story, side, "MaterialService/List", "{}");
	for (size_t i = 0; i < story->evidence_count; i++)
		call(story, side, "EvidenceService/Export", "{\"reference\":\"%s\"}", story->evidence[i]);
	for (int i = 1; i < 6; i++)
		call(story, side, "EvidenceService/Export", "{\"reference\":\"answer:%d:0\"}", i);
	call(story, side, "MatterService/Get", "{\"matter\":\"%s\"}", story->matter);
	call(story, side, "MatterService/List", "{}");
	call(story, side, "AgreementService/Get", "{\"id\":\"%s\"}", story->agreement);
	call(story, side, "AgreementService/List", "{}");
	call(story, side, "AgreementService/Diff", "{\"peer\":\"%s\"}",
	     side == &story->pair->home ? WINDOW : HOME);
	call(story, side, "EventService/List", "{\"limit\":500}");
	call(story, side, "TokenService/List", "{}");
	call(story, side, "AuditService/Checkpoint", "{}");
	call(story, side, "AuditService/Prove", "{\"index\":\"0\"}");
	call(story, side, "AuditService/Consistency", "{\"oldSize\":\"3\"}");
	call(story, side, "AuditService/List", "{\"limit\":1000}");
}

static void write_all(struct story *story, struct side *side)
{
	char material[512], application[2048];
	struct tb_arena arena = {0};
	struct tb_error err;
	PbStoredMaterial *record;
	call(story, side, "CredentialService/SetState",
	     "{\"identifier\":\"%s\",\"state\":\"REVOKED\",\"reason\":\"x\"}", story->identifier);
	call(story, side, "CredentialService/Import",
	     "{\"importId\":\"i\",\"format\":\"CSV\",\"header\":\"type,number,name,holder_code_type,holder_"
	     "code,issuer,issued_on\","
	     "\"firstLine\":\"2\",\"lines\":[\"" TYPE ",N1,公证书,111," WANG "," ISSUER
	     ",2024-01-31\",\"" TYPE ",N3,公证书,111," WANG "," ISSUER ",2024-01-31\"]}");
	call(story, side, "CaseService/Act",
	     "{\"number\":\"%s\",\"event\":\"START\",\"actor\":{\"role\":\"H_DEPT\",\"id\":\"a\"}}",
	     story->open);
	call(story, side, "CaseService/Act",
	     "{\"number\":\"%s\",\"event\":\"GRANT\",\"actor\":{\"role\":\"H_DEPT\",\"id\":\"a\"},\"issue\":{"
	     "\"typeName\":\"t\"}}",
	     story->open);
	call(story, side, "CaseService/Act",
	     "{\"number\":\"%s\",\"event\":\"CONSULT\",\"actor\":{\"role\":\"R_WIN\",\"id\":\"a\"},"
	     "\"detail\":{\"note\":\"n\"}}",
	     story->open);
	call(story, side, "NodeService/Requeue", "{\"peer\":\"" HOME "\",\"seq\":\"3\"}");
	pair_upload(story->pair, side, 1000, 3, material);
	for (int request = 1; request <= 2; request++) {
		pair_application(application, material, request == 1 ? "r1" : "", true);
		call(story, side, "CaseService/Submit", "%s", application);
	}
	call(story, side, "CatalogueService/Load", "{}");
	enum tb_code code = core_material_for(&side->setup, HOME, story->root_bytes, &arena, &record, &err);
	assert_true(code == TB_OK || err.text[0]);
	tb_arena_clear(&arena);
	call(story, side, "MatterService/Post",
	     "{\"post\":{\"matter\":\"%s\",\"kind\":\"POST_SAYS\",\"text\":\"t\",\"actor\":{\"role\":"
	     "\"LIAISON\",\"id\":"
	     "\"l\"}}}",
	     story->matter);
	call(story, side, "AgreementService/Sign", "{\"id\":\"%s\"}", story->agreement);
	call(story, side, "AgreementService/End", "{\"id\":\"%s\",\"reason\":\"r\"}", story->agreement);
	/* What waits goes on its way, both ways. */
	story->pair->parted = false;
	pair_pass(story->pair, 6 * TB_MINUTE);
	call(story, side, "CredentialService/Verify",
	     "{\"region\":\"%s\",\"queries\":[{\"type\":\"" TYPE
	     "\",\"number\":\"N1\",\"purpose\":\"p\",\"basis\":\"b\",\"disclosure\":"
	     "\"DOCUMENT\"}]}",
	     side == &story->pair->home ? WINDOW : HOME);
	/* Then clocks run out and messages expire, all at once. */
	story->pair->now += 8 * TB_DAY;
	pair_pass(story->pair, TB_MINUTE);
	story->pair->parted = true;
}

/* What nobody may take away, and of most of it nobody may change a byte. */
static const struct {
	int table;
	bool changes;
} for_ever[] = {
	{KV_CHAIN, false},     {KV_BATCH, false},      {KV_ENTRY, false},   {KV_INBOX, false},
	{KV_RECEIPT, false},   {KV_AUDIT_LEAF, false}, {KV_NOTE, false},    {KV_OUTBOX, true},
	{KV_CREDENTIAL, true}, {KV_CASE, true},        {KV_MATERIAL, true},
};

enum { KEPT_MAX = 2048 };

struct kept {
	int table;
	struct kv_key key;
	uint8_t hash[PKI_HASH_BYTES]; /* of the sealed value, if it may not change */
};

static size_t list_kept(struct side *side, struct kept *kept)
{
	struct store_txn *txn;
	struct tb_error err;
	size_t count = 0;
	OK(store_read(&txn, side->setup.store, &err));
	for (size_t t = 0; t < COUNT(for_ever); t++) {
		struct store_cursor cursor;
		struct tb_bytes key, value;
		store_cursor(&cursor, txn, (unsigned)for_ever[t].table, tb_bytes_of(NULL, 0),
		             tb_bytes_of(NULL, 0));
		while (store_next(&cursor, &key, &value)) {
			assert_true(count < KEPT_MAX);
			kept[count].table = for_ever[t].table;
			kept[count].key = kv_key_of(key);
			memset(kept[count].hash, 0, PKI_HASH_BYTES);
			if (!for_ever[t].changes)
				pki_sha256(kept[count].hash, value);
			count++;
		}
		store_cursor_end(&cursor);
	}
	store_abort(txn);
	return count;
}

static void assert_all_kept(struct side *side, const struct kept *kept, size_t count, const char *what)
{
	struct store_txn *txn;
	struct tb_error err;
	OK(store_read(&txn, side->setup.store, &err));
	for (size_t i = 0; i < count; i++) {
		static const uint8_t changes[PKI_HASH_BYTES];
		struct tb_bytes value;
		uint8_t hash[PKI_HASH_BYTES];
		if (!store_get(txn, (unsigned)kept[i].table, kv_key_bytes(&kept[i].key), &value))
			fail_msg("damage of %s lost a key of %s", what, core_tables[kept[i].table]);
		pki_sha256(hash, value);
		if (memcmp(kept[i].hash, changes, sizeof(hash)) != 0 &&
		    memcmp(kept[i].hash, hash, sizeof(hash)) != 0)
			fail_msg("damage of %s overwrote a value of %s", what, core_tables[kept[i].table]);
	}
	store_abort(txn);
}

/* Some damage is told at the start already; with the rest, everything is called. */
static void live_with(struct story *story, struct side *side, int table, const struct kv_key *key,
                      enum damage how)
{
	static struct kept kept[KEPT_MAX];
	struct tb_error err;
	damage(side, table, key, how);
	size_t count = list_kept(side, kept);
	pair_close(side);
	if (pair_try_open(story->pair, side, &err) == TB_OK) {
		read_all(story, side);
		write_all(story, side);
		assert_all_kept(side, kept, count, core_tables[table]);
	} else {
		assert_true(err.code == TB_ECORRUPT || (table == KV_META && err.code == TB_EINVALID));
		assert_true(err.text[0]);
	}
}

static void test_no_damaged_record_of_any_table_ends_the_process_or_loses_others(void **state)
{
	struct story story;
	size_t damaged = 0;
	story_new(&story, *state);
	keep(&story, false);
	for (int table = 0; table < KV_TABLES; table++) {
		for (unsigned which = 0; which < 2 * DAMAGES; which++) {
			struct side *side = which % 2 ? &story.pair->home : &story.pair->window;
			struct kv_key keys[KEYS_MAX];
			size_t count = keys_of(side, table, keys);
			for (size_t i = 0; i < count; i++) {
				tb_time now = story.pair->now;
				/* A counter that vanished without a trace is one that never was. */
				if (table == KV_META && which / 2 == GONE)
					continue;
				live_with(&story, side, table, &keys[i], (enum damage)(which / 2));
				damaged++;
				story.pair->now = now;
				keep(&story, true);
			}
		}
	}
	assert_true(damaged > 120);
	read_all(&story, &story.pair->home);
	pair_free(story.pair);
}

static void test_a_store_whose_counters_are_damaged_is_not_opened(void **state)
{
	struct story story;
	struct tb_error err;
	struct kv_key keys[64];
	size_t count = 0;
	story_new(&story, *state);
	struct side *window = &story.pair->window;
	keep(&story, false);
	struct store_txn *txn;
	struct store_cursor cursor;
	struct tb_bytes key, value;
	OK(store_read(&txn, window->setup.store, &err));
	store_cursor(&cursor, txn, KV_META, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (count < COUNT(keys) && store_next(&cursor, &key, &value))
		keys[count++] = kv_key_of(key);
	store_cursor_end(&cursor);
	store_abort(txn);
	assert_true(count >= 5);
	for (size_t i = 0; i < count; i++) {
		damage(window, KV_META, &keys[i], FLIPPED);
		pair_close(window);
		assert_int_equal(pair_try_open(story.pair, window, &err), TB_ECORRUPT);
		keep(&story, true);
	}
	pair_free(story.pair);
}

/* ---- messages and what is remembered of them */

/* The only key of |table| that begins with the other side's region, newest. */
static struct kv_key newest(struct side *side, int table, const char *prefix)
{
	struct store_txn *txn;
	struct store_cursor cursor;
	struct tb_bytes key, value;
	struct tb_error err;
	struct kv_key found;
	OK(store_read(&txn, side->setup.store, &err));
	store_cursor_last(&cursor, txn, (unsigned)table, tb_bytes_str(prefix));
	assert_true(store_next(&cursor, &key, &value));
	found = kv_key_of(key);
	store_cursor_end(&cursor);
	store_abort(txn);
	return found;
}

/* What the home region says does not arrive: only receipts could tell the window anything. */
static enum fate home_is_mute(struct pair *pair, const struct core_outbound *outbound)
{
	(void)pair;
	return outbound->call == CORE_DELIVER && strcmp(outbound->peer, WINDOW) == 0 ? REQUEST_LOST : ARRIVES;
}

static enum fate home_is_mute_and_its_receipts_are_lost(struct pair *pair,
                                                        const struct core_outbound *outbound)
{
	if (outbound->call == CORE_DELIVER && strcmp(outbound->peer, HOME) == 0)
		return ANSWER_LOST;
	return home_is_mute(pair, outbound);
}

static void test_a_message_whose_receipt_cannot_be_read_is_neither_applied_again_nor_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *home = &pair->home;
	char number[32], kept[200], data[200];
	pair->fate = home_is_mute_and_its_receipts_are_lost;
	pair_submit(pair, true, number);
	snprintf(data, sizeof(data), "%s/store/data.mdb", home->dir);
	snprintf(kept, sizeof(kept), "%s/kept.mdb", home->dir);
	pair_close(home);
	copy_file(data, kept);
	pair_open(pair, home);
	struct kv_key key = newest(home, KV_INBOX, WINDOW);
	damage(home, KV_INBOX, &key, FLIPPED);
	uint32_t seq = pair_case(pair, home, number)->seq;
	pair->fate = home_is_mute;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, home, number)->seq, seq);
	assert_true(pair_case(pair, &pair->window, number)->handing_over);
	/* Nor when the window gives it up. */
	pair->now += 8 * TB_DAY;
	pair_pass(pair, TB_HOUR);
	assert_true(pair_case(pair, &pair->window, number)->handing_over);
	/* The store comes back from a copy, and all is well. */
	pair_close(home);
	copy_file(kept, data);
	pair_open(pair, home);
	pair_pass(pair, TB_HOUR);
	assert_string_equal(pair_case(pair, &pair->window, number)->owner, HOME);
	pair_free(pair);
}

static void test_an_entry_waits_while_the_proposal_that_it_names_cannot_be_read(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *window = &pair->window;
	struct store_txn *txn;
	struct tb_bytes value;
	struct tb_error err;
	uint8_t good[256];
	char number[32];
	pair_submit(pair, true, number);
	pair->parted = true;
	OK(pair_act(pair, window, number, "WITHDRAW", "APPLICANT", ""));
	struct kv_key key = newest(window, KV_PROPOSED, HOME);
	OK(store_read(&txn, window->setup.store, &err));
	assert_true(store_get(txn, KV_PROPOSED, kv_key_bytes(&key), &value));
	struct tb_bytes whole = tb_bytes_of(good, value.size);
	memcpy(good, value.data, value.size);
	store_abort(txn);
	damage(window, KV_PROPOSED, &key, FLIPPED);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__WITHDRAWN);
	assert_int_not_equal(pair_case(pair, window, number)->state, PB_CASE_STATE__WITHDRAWN);
	assert_false(pair_case(pair, &pair->home, number)->dispute);
	OK(store_write(&txn, window->setup.store, &err));
	store_put(txn, KV_PROPOSED, kv_key_bytes(&key), whole);
	OK(store_commit(txn, &err));
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, window, number)->state, PB_CASE_STATE__WITHDRAWN);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_the_clock_of_a_case_that_cannot_be_read_is_not_forgotten(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *home = &pair->home;
	struct store_txn *txn;
	struct tb_bytes value;
	struct tb_error err;
	struct tb_buf good = {0};
	char number[32];
	pair_submit(pair, true, number);
	struct kv_key key = kv_key_str(number);
	OK(store_read(&txn, home->setup.store, &err));
	assert_true(store_get(txn, KV_CASE, kv_key_bytes(&key), &value));
	tb_buf_add(&good, value.data, value.size);
	store_abort(txn);
	damage(home, KV_CASE, &key, FLIPPED);
	pair_crash(pair, home);
	unsigned errors = home->logged_errors;
	pair_pass(pair, 20 * TB_DAY);
	assert_true(home->logged_errors > errors);
	assert_int_equal(hostile_count(home, KV_TIMER), 1);
	OK(store_write(&txn, home->setup.store, &err));
	store_put(txn, KV_CASE, kv_key_bytes(&key), tb_buf_bytes(&good));
	OK(store_commit(txn, &err));
	tb_buf_clear(&good);
	pair_pass(pair, 2 * TB_HOUR);
	assert_int_equal(pair_case(pair, home, number)->state, PB_CASE_STATE__ACCEPTED);
	pair_free(pair);
}

/* ---- what is damaged is not shown */

static enum tb_code code_of(struct story *story, struct side *side, const char *path, const char *json)
{
	enum tb_code code;
	pair_call(story->pair, side, path, json, &code);
	return code;
}

static void test_a_damaged_record_is_told_where_it_is_asked_for(void **state)
{
	struct story story;
	char json[256];
	story_new(&story, *state);
	struct side *home = &story.pair->home, *window = &story.pair->window;
	keep(&story, false);
	snprintf(json, sizeof(json), "{\"number\":\"%s\"}", story.open);
	struct kv_key key = kv_key_str(story.open);
	damage(home, KV_CASE, &key, FLIPPED);
	assert_int_equal(code_of(&story, home, "/tongban.v1.CaseService/Get", json), TB_ECORRUPT);
	assert_int_equal(pair_act(story.pair, home, story.open, "START", "H_DEPT", ""), TB_ECORRUPT);
	assert_int_equal(code_of(&story, home, "/tongban.v1.CaseService/List", "{}"), TB_ECORRUPT);

	snprintf(json, sizeof(json), "{\"identifier\":\"%s\"}", story.identifier);
	key = kv_key_u64(3);
	damage(home, KV_CREDENTIAL, &key, FLIPPED);
	assert_int_equal(code_of(&story, home, "/tongban.v1.CredentialService/Get", json), TB_ECORRUPT);

	key = kv_key_of(tb_bytes_of(story.root_bytes, PKI_HASH_BYTES));
	snprintf(json, sizeof(json), "{\"root\":\"%s\"}", story.root);
	damage(window, KV_MATERIAL, &key, FLIPPED);
	assert_int_equal(code_of(&story, window, "/tongban.v1.MaterialService/Get", json), TB_ECORRUPT);
	assert_int_equal(code_of(&story, window, "/tongban.v1.MaterialService/List", "{}"), TB_ECORRUPT);

	key = kv_key_str(HOME);
	damage(window, KV_CATALOGUE, &key, FLIPPED);
	assert_int_equal(
		code_of(&story, window, "/tongban.v1.CatalogueService/List", "{\"region\":\"" HOME "\"}"),
		TB_ECORRUPT);

	key = kv_key_str("i");
	damage(home, KV_IMPORT, &key, FLIPPED);
	assert_int_equal(
		code_of(&story, home, "/tongban.v1.CredentialService/ImportStatus", "{\"importId\":\"i\"}"),
		TB_ECORRUPT);
	pair_free(story.pair);
}

/* The reference is in the key: one bit of it is turned. */
static void test_a_damaged_reference_to_evidence_is_not_shown(void **state)
{
	struct story story;
	struct store_txn *txn;
	struct store_cursor cursor;
	struct tb_bytes found, value;
	struct tb_error err;
	char json[256];
	story_new(&story, *state);
	struct side *home = &story.pair->home;
	struct kv_key prefix = kv_key_str(story.open);
	snprintf(json, sizeof(json), "{\"number\":\"%s\"}", story.open);
	assert_int_equal(code_of(&story, home, "/tongban.v1.CaseService/Get", json), TB_OK);
	OK(store_write(&txn, home->setup.store, &err));
	store_cursor(&cursor, txn, KV_CASE_PROOF, kv_key_bytes(&prefix), tb_bytes_of(NULL, 0));
	assert_true(store_next(&cursor, &found, &value));
	struct kv_key key = kv_key_of(found);
	struct tb_buf sealed = {0};
	tb_buf_add(&sealed, value.data, value.size);
	store_cursor_end(&cursor);
	store_delete(txn, KV_CASE_PROOF, kv_key_bytes(&key));
	key.bytes[key.size - 1] ^= 0x80;
	store_put(txn, KV_CASE_PROOF, kv_key_bytes(&key), tb_buf_bytes(&sealed));
	OK(store_commit(txn, &err));
	tb_buf_clear(&sealed);
	assert_int_equal(code_of(&story, home, "/tongban.v1.CaseService/Get", json), TB_ECORRUPT);
	pair_free(story.pair);
}

static PbAuditVerifyResponse *audit_of(struct story *story, struct side *side)
{
	return (PbAuditVerifyResponse *)(void *)pair_ask(story->pair, side, "/tongban.v1.AuditService/Verify",
	                                                 "{}");
}

static void test_every_damage_of_the_audit_log_is_found(void **state)
{
	static const int tables[] = {KV_AUDIT_LEAF, KV_AUDIT_NODE, KV_NOTE};
	struct story story;
	story_new(&story, *state);
	struct side *home = &story.pair->home;
	pair_pass(story.pair, TB_MINUTE);
	keep(&story, false);
	assert_true(audit_of(&story, home)->intact);
	for (size_t t = 0; t < COUNT(tables); t++) {
		struct kv_key keys[KEYS_MAX];
		size_t count = keys_of(home, tables[t], keys);
		assert_true(count > 0);
		for (size_t i = 0; i < count; i++) {
			damage(home, tables[t], &keys[i], FLIPPED);
			PbAuditVerifyResponse *reply = audit_of(&story, home);
			if (reply->intact || !reply->problem[0])
				fail_msg("table %s, key %zu: not found", core_tables[tables[t]], i);
			keep(&story, true);
		}
	}
	assert_true(audit_of(&story, home)->intact);
	pair_free(story.pair);
}

static void test_a_store_is_opened_by_its_own_node_only(void **state)
{
	struct story story;
	struct tb_error err = {0};
	story_new(&story, *state);
	struct side *home = &story.pair->home;
	struct core_setup setup = home->setup;
	pair_close(home);
	home->setup.vault_key[0] ^= 1;
	assert_int_equal(pair_try_open(story.pair, home, &err), TB_ECORRUPT);
	assert_non_null(strstr(err.text, "vault key"));
	memcpy(home->setup.vault_key, setup.vault_key, sizeof(setup.vault_key));
	home->setup.region = "330100";
	assert_int_equal(pair_try_open(story.pair, home, &err), TB_EINVALID);
	assert_non_null(strstr(err.text, HOME));
	home->setup.region = setup.region;
	OK(pair_try_open(story.pair, home, &err));
	read_all(&story, home);
	pair_free(story.pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_damaged_record_of_any_table_ends_the_process_or_loses_others),
		TEST(test_a_store_whose_counters_are_damaged_is_not_opened),
		TEST(test_a_message_whose_receipt_cannot_be_read_is_neither_applied_again_nor_refused),
		TEST(test_an_entry_waits_while_the_proposal_that_it_names_cannot_be_read),
		TEST(test_the_clock_of_a_case_that_cannot_be_read_is_not_forgotten),
		TEST(test_a_damaged_record_is_told_where_it_is_asked_for),
		TEST(test_a_damaged_reference_to_evidence_is_not_shown),
		TEST(test_every_damage_of_the_audit_log_is_found),
		TEST(test_a_store_is_opened_by_its_own_node_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
