/* Stored records that are damaged, one after the other, in every table: whatever is called then is answered,
 * by a coded error where the damage is in the way; nothing damaged is shown, and no call ends the process. */
#include "tests/core/damage_story.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { KEYS_MAX = 2 }; /* damaged of each table */

/* ---- files */

static void keep(struct story *story, bool back)
{
	struct side *sides[] = {&story->pair->window, &story->pair->home};
	for (size_t i = 0; i < 2; i++) {
		char data[200], kept[200];
		snprintf(data, sizeof(data), "%s/store/data.mdb", sides[i]->dir);
		snprintf(kept, sizeof(kept), "%s/kept.mdb", sides[i]->dir);
		pair_close(sides[i]);
		story_copy_file(back ? kept : data, back ? data : kept);
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
		story_read_all(story, side);
		story_write_all(story, side);
		assert_all_kept(side, kept, count, core_tables[table]);
		story_remove_all(story, side);
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
	story_read_all(&story, &story.pair->home);
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
	story_copy_file(data, kept);
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
	story_copy_file(kept, data);
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
	story_read_all(&story, home);
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
