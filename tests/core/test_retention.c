/* Archives, holds, pruning and erasing: nothing goes silently, and the proofs hold without it. */
#include "tests/core/hostile.h"

#include <dirent.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

#define S "/tongban.v1."
#define PRUNE S "RetentionService/Prune"
#define ERASE S "RetentionService/Erase"
#define HOLD S "RetentionService/Hold"

static enum tb_code call(struct pair *pair, struct side *side, const char *path, const char *json)
{
	enum tb_code code;
	pair_call(pair, side, path, json, &code);
	return code;
}

/* The test region's certificates don't last as long as cases are kept. */
static void assert_log_holds(struct pair *pair, struct side *side)
{
	tb_time now = pair->now;
	pair->now = *(const tb_time *)pair->test;
	const PbAuditVerifyResponse *reply =
		(const void *)pair_ask(pair, side, S "AuditService/Verify", "{}");
	if (!reply->intact)
		fail_msg("%s", reply->problem);
	pair->now = now;
}

/* A case of the window that both have and that has ended. */
static void ended_case(struct pair *pair, char number[32])
{
	pair_submit(pair, true, number);
	pair_run(pair);
	assert_int_equal(pair_act(pair, &pair->home, number, "REFUSE", "H_WIN",
	                          "\"detail\":{\"reason\":\"王伟不符合条件\"}"),
	                 TB_OK);
	pair_run(pair);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__NOT_ACCEPTED);
}

static const PbEvidence *archive(struct pair *pair, struct side *side, const char *number)
{
	char json[128];
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\"}", number);
	return (const void *)pair_ask(pair, side, S "RetentionService/Archive", json);
}

static enum tb_code archived(struct pair *pair, struct side *side, const char *number, unsigned entries)
{
	char json[256];
	snprintf(json, sizeof(json),
	         "{\"caseNumber\":\"%s\",\"entries\":%u,\"digest\":"
	         "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}",
	         number, entries);
	return call(pair, side, S "RetentionService/Archived", json);
}

static const PbPruneResponse *prune(struct pair *pair, struct side *side, const char *json)
{
	return (const void *)pair_ask(pair, side, PRUNE, json);
}

static void years(struct side *side, unsigned cases, unsigned materials)
{
	side->core->setup.case_years = cases;
	side->core->setup.material_years = materials;
}

/* Is |text| in any value of the store? */
static bool is_kept(struct side *side, const char *text)
{
	static const enum kv_table sealed_tables[] = {KV_CASE,  KV_ENTRY,      KV_OUTBOX,  KV_BATCH,
	                                              KV_INBOX, KV_CREDENTIAL, KV_MATERIAL};
	struct kv kv = {.vault = pki_vault_new(side->setup.vault_key)};
	struct tb_error err;
	bool kept = false;
	assert_int_equal(store_read(&kv.txn, side->setup.store, &err), TB_OK);
	for (size_t i = 0; i < sizeof(sealed_tables) / sizeof(sealed_tables[0]) && !kept; i++) {
		struct store_cursor cursor;
		struct tb_bytes key, sealed, plain;
		store_cursor(&cursor, kv.txn, sealed_tables[i], tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
		while (!kept && store_next(&cursor, &key, &sealed)) {
			struct tb_arena arena = {0};
			assert_int_equal(kv_open(&kv, sealed_tables[i], key, sealed, &arena, &plain, &err),
			                 TB_OK);
			kept = memmem(plain.data, plain.size, text, strlen(text)) != NULL;
			tb_arena_clear(&arena);
		}
		store_cursor_end(&cursor);
	}
	store_abort(kv.txn);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	return kept;
}

/* Does a mark lead from a person to the case? */
static bool is_marked(struct side *side, const char *number)
{
	struct store_txn *txn;
	struct store_cursor cursor;
	struct tb_bytes key, nothing;
	struct tb_error err;
	bool marked = false;
	assert_int_equal(store_read(&txn, side->setup.store, &err), TB_OK);
	store_cursor(&cursor, txn, KV_APPLICANT, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (!marked && store_next(&cursor, &key, &nothing))
		marked = memmem(key.data, key.size, number, strlen(number)) != NULL;
	store_cursor_end(&cursor);
	store_abort(txn);
	return marked;
}

static unsigned files(struct side *side)
{
	char command[256];
	unsigned count = 0;
	snprintf(command, sizeof(command),
	         "find '%s' -type f -regextype posix-extended -regex '.*/[0-9a-f]{64}' | grep -v partial | "
	         "wc -l",
	         side->dir);
	FILE *out = popen(command, "r");
	assert_non_null(out);
	assert_int_equal(fscanf(out, "%u", &count), 1);
	pclose(out);
	return count;
}

static void test_what_has_not_ended_is_neither_archived_nor_erased(void **state)
{
	struct pair *pair = pair_new(*state);
	tb_time began = pair->now;
	pair->test = &began;
	char number[32], json[128];
	pair_submit(pair, false, number);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\"}", number);
	assert_int_equal(call(pair, &pair->window, S "RetentionService/Archive", json), TB_ESTATE);
	assert_int_equal(archived(pair, &pair->window, number, 1), TB_ESTATE);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"x\"}", number);
	assert_int_equal(call(pair, &pair->window, ERASE, json), TB_ESTATE);
	assert_int_equal(call(pair, &pair->window, ERASE, "{\"reason\":\"x\"}"), TB_EINVALID);
	years(&pair->window, 1, 1);
	pair->now += 800 * TB_DAY;
	assert_int_equal(prune(pair, &pair->window, "{}")->n_pruned, 0);
	pair_free(pair);
}

static void test_an_archive_is_the_whole_log_signed(void **state)
{
	struct pair *pair = pair_new(*state);
	tb_time began = pair->now;
	pair->test = &began;
	char number[32];
	ended_case(pair, number);
	const PbFinishedResponse *finished = (const void *)pair_ask(
		pair, &pair->window, S "RetentionService/Finished", "{\"before\":\"2999-01-01\"}");
	assert_int_equal(finished->n_numbers, 1);
	assert_string_equal(finished->numbers[0], number);
	const PbEvidence *evidence = archive(pair, &pair->window, number);
	struct tb_arena arena = {0};
	struct tb_error err;
	struct pki_proven proven;
	PbCaseArchive *inside;
	assert_int_equal(pki_proof_check(&proven, evidence->claim, pair->window.setup.anchors, &arena, &err),
	                 TB_OK);
	assert_int_equal(PROTO_DECODE(&inside, case_archive, proven.message, &arena, &err), TB_OK);
	unsigned entries = (unsigned)inside->n_entries;
	tb_arena_clear(&arena);
	assert_int_equal(entries, pair_case(pair, &pair->window, number)->seq);
	/* It is said to be archived with as many entries as it has. */
	assert_int_equal(archived(pair, &pair->window, number, entries - 1), TB_ESTATE);
	assert_int_equal(archived(pair, &pair->window, number, entries), TB_OK);
	assert_int_equal(hostile_leaves(pair, &pair->window, "LEAF_ARCHIVED"), 1);
	finished = (const void *)pair_ask(pair, &pair->window, S "RetentionService/Finished",
	                                  "{\"before\":\"2999-01-01\"}");
	assert_int_equal(finished->n_numbers, 0);
	finished = (const void *)pair_ask(pair, &pair->home, S "RetentionService/Finished",
	                                  "{\"before\":\"2001-01-01\"}");
	assert_int_equal(finished->n_numbers, 0);
	pair_free(pair);
}

static void test_only_what_is_old_archived_and_not_held_is_pruned(void **state)
{
	struct pair *pair = pair_new(*state);
	tb_time began = pair->now;
	pair->test = &began;
	struct side *side = &pair->home;
	char number[32], json[128];
	ended_case(pair, number);
	unsigned entries = pair_case(pair, side, number)->seq;
	assert_int_equal(call(pair, side, PRUNE, "{}"), TB_ESTATE); /* no policy */
	years(side, 3, 0);
	assert_int_equal(archived(pair, side, number, entries), TB_OK);
	assert_int_equal(prune(pair, side, "{}")->n_pruned, 0); /* not old */
	pair->now += 4 * 366 * TB_DAY;
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"复议\"}", number);
	assert_int_equal(call(pair, side, HOLD, json), TB_OK);
	assert_int_equal(call(pair, side, HOLD, json), TB_EEXISTS);
	assert_int_equal(prune(pair, side, "{}")->held, 1);
	assert_int_equal(call(pair, side, ERASE, json), TB_ESTATE);
	assert_int_equal(call(pair, side, S "RetentionService/Release", json), TB_OK);
	assert_int_equal(hostile_leaves(pair, side, "LEAF_HOLD"), 2);
	/* Shown, and still there. */
	assert_int_equal(prune(pair, side, "{\"dryRun\":true}")->n_pruned, 1);
	assert_int_equal(pair_case(pair, side, number)->seq, entries);
	assert_int_equal(files(side), 1);
	assert_true(is_marked(side, number));
	const PbPruneResponse *reply = prune(pair, side, "{}");
	assert_int_equal(reply->n_pruned, 1);
	assert_string_equal(reply->pruned[0]->case_number, number);
	assert_int_equal(reply->pruned[0]->entries, entries);
	assert_int_equal(reply->pruned[0]->materials, 1);
	pair_run(pair);
	snprintf(json, sizeof(json), "{\"number\":\"%s\"}", number);
	assert_int_equal(call(pair, side, S "CaseService/Get", json), TB_ENOTFOUND);
	assert_false(is_kept(side, "11010519491231002X"));
	assert_false(is_marked(side, number));
	assert_int_equal(files(side), 0);
	assert_int_equal(hostile_leaves(pair, side, "LEAF_PRUNED"), 1);
	assert_log_holds(pair, side);
	pair_crash(pair, side);
	assert_log_holds(pair, side);
	pair_free(pair);
}

static void test_what_is_not_archived_stays_and_is_counted(void **state)
{
	struct pair *pair = pair_new(*state);
	tb_time began = pair->now;
	pair->test = &began;
	char number[32];
	ended_case(pair, number);
	years(&pair->window, 1, 0);
	pair->now += 800 * TB_DAY;
	const PbPruneResponse *reply = prune(pair, &pair->window, "{}");
	assert_int_equal(reply->n_pruned, 0);
	assert_int_equal(reply->not_archived, 1);
	assert_true(pair_case(pair, &pair->window, number)->seq > 0);
	pair_free(pair);
}

static void test_materials_may_go_before_their_case_and_a_crash_in_between_loses_nothing(void **state)
{
	struct pair *pair = pair_new(*state);
	tb_time began = pair->now;
	pair->test = &began;
	struct side *side = &pair->home;
	char number[32];
	ended_case(pair, number);
	unsigned entries = pair_case(pair, side, number)->seq;
	assert_int_equal(archived(pair, side, number, entries), TB_OK);
	years(side, 10, 1);
	pair->now += 800 * TB_DAY;
	/* The turn that prunes commits; the one that removes the file does not come. */
	struct store_txn *txn;
	struct tb_error err;
	struct core_effects effects = {0};
	struct core_request *request;
	assert_int_equal(core_request_new(&request, core_method_find(PRUNE), tb_bytes_str("{}"), &err),
	                 TB_OK);
	assert_int_equal(store_write(&txn, side->setup.store, &err), TB_OK);
	struct core_event event = {.kind = CORE_REQUEST, .request = request};
	core_apply(side->core, txn, pair->now, &event, &effects);
	core_finish(side->core, txn, pair->now, &effects);
	assert_int_equal(store_commit(txn, &err), TB_OK);
	core_request_free(request);
	for (struct core_effect *effect = effects.first; effect; effect = effect->next) {
		if (effect->kind != CORE_SEND)
			continue;
		free(effect->outbound->core);
		core_outbound_free(effect->outbound);
	}
	core_effects_clear(&effects);
	assert_int_equal(files(side), 1);
	pair_crash(pair, side);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(files(side), 0);
	assert_int_equal(pair_case(pair, side, number)->seq, entries);
	years(side, 10, 1);
	assert_int_equal(prune(pair, side, "{}")->n_pruned, 0); /* once */
	assert_log_holds(pair, side);
	pair_free(pair);
}

static void test_a_material_of_two_cases_goes_with_the_second(void **state)
{
	struct pair *pair = pair_new(*state);
	tb_time began = pair->now;
	pair->test = &began;
	struct side *side = &pair->home;
	char first[32], second[32], json[128];
	ended_case(pair, first);
	ended_case(pair, second);
	assert_int_equal(files(side), 1);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"x\"}", first);
	assert_int_equal(call(pair, side, ERASE, json), TB_OK);
	pair_run(pair);
	assert_int_equal(files(side), 1);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"x\"}", second);
	assert_int_equal(call(pair, side, ERASE, json), TB_OK);
	pair_run(pair);
	assert_int_equal(files(side), 0);
	/* Brought again, it is there again. */
	char material[512];
	pair_upload(pair, side, 300 * 1024, 7, material);
	assert_int_equal(files(side), 1);
	pair_free(pair);
}

static void test_what_was_of_a_person_is_erased_and_the_proofs_hold(void **state)
{
	struct pair *pair = pair_new(*state);
	tb_time began = pair->now;
	pair->test = &began;
	char number[32], json[160];
	ended_case(pair, number);
	for (unsigned i = 0; i < 2; i++) {
		struct side *side = i ? &pair->home : &pair->window;
		const PbCaseView *before = pair_case(pair, side, number);
		char last[65], first[65];
		unsigned seq = before->seq;
		snprintf(first, sizeof(first), "%s", before->log_digests[0]);
		snprintf(last, sizeof(last), "%s", before->log_digests[seq - 1]);
		assert_true(is_kept(side, "11010519491231002X"));
		assert_true(is_marked(side, number));
		snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"本人申请\"}", number);
		assert_int_equal(call(pair, side, ERASE, json), TB_OK);
		pair_run(pair);
		assert_false(is_kept(side, "11010519491231002X"));
		assert_false(is_kept(side, "王伟"));
		assert_false(is_marked(side, number));
		assert_int_equal(files(side), 0);
		const PbCaseView *after = pair_case(pair, side, number);
		assert_int_equal(after->seq, seq);
		assert_string_equal(after->log_digests[0], first);
		assert_string_equal(after->log_digests[seq - 1], last);
		assert_string_equal(after->applicant_name, "");
		assert_int_equal(after->log[0]->event, PB_CASE_EVENT__SUBMIT);
		assert_int_equal(hostile_leaves(pair, side, "LEAF_ERASED"), 1);
		assert_log_holds(pair, side);
		/* Twice is not possible, nor is what would tell others of it. */
		assert_int_equal(call(pair, side, ERASE, json), TB_ESTATE);
		assert_int_equal(archived(pair, side, number, seq), TB_ESTATE);
		pair_crash(pair, side);
		assert_log_holds(pair, side);
	}
	pair_free(pair);
}

static size_t partials(const struct side *side)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/blobs/partial", side->dir);
	DIR *dir = opendir(path);
	size_t count = 0;
	assert_non_null(dir);
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* A scan that is still coming when its case is erased does not stay. */
static void test_what_is_fetched_while_its_case_is_erased_goes_too(void **state)
{
	enum { WHOLE, CUT, CRASHED, ENDS };
	for (int end = WHOLE; end < ENDS; end++) {
		struct pair *pair = pair_new(*state);
		struct side *side = &pair->home;
		char number[32], json[2048], material[512];
		pair_upload(pair, &pair->window, 3 * 1024 * 1024, 7, material);
		pair->holding = true;
		pair_application(json, material, "", true);
		snprintf(number, sizeof(number), "%s",
		         ((PbCaseView *)(void *)pair_ask(pair, &pair->window,
		                                         "/tongban.v1.CaseService/Submit", json))
		                 ->number);
		assert_non_null(pair->held);
		assert_int_equal(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT", ""), TB_OK);
		snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"x\"}", number);
		assert_int_equal(call(pair, side, ERASE, json), TB_OK);
		pair_run(pair);
		side->fetches_cut = end == CUT;
		unsigned errors = side->logged_errors;
		pair_fetch_held(pair);
		assert_int_equal(files(side), end != CUT);
		if (end == CRASHED)
			pair_crash(pair, side);
		pair_pass(pair, TB_MINUTE);
		assert_int_equal(files(side), 0);
		assert_int_equal(partials(side), 0);
		assert_int_equal(side->logged_errors, errors);
		pair_free(pair);
		scratch_teardown(state);
		scratch_setup(state);
	}
}

static void test_a_certificate_in_force_is_not_erased_and_one_that_ended_is(void **state)
{
	static const char import[] = "{\"format\":\"JSONL\",\"importId\":\"x\",\"firstLine\":1,\"lines\":["
				     "\"{\\\"type\\\":\\\"11100000MB0143028R001\\\",\\\"number\\\":"
				     "\\\"N1\\\",\\\"name\\\":\\\"营业执照\\\","
				     "\\\"holders\\\":[{\\\"codeType\\\":\\\"111\\\",\\\"code\\\":"
				     "\\\"11010519491231002X\\\",\\\"name\\\":\\\"王伟\\\"}],"
				     "\\\"issuer\\\":\\\"320400\\\",\\\"issuedOn\\\":\\\"2020-01-01\\\"}\","
				     "\"{\\\"type\\\":\\\"11100000MB0143028R001\\\",\\\"number\\\":"
				     "\\\"N2\\\",\\\"name\\\":\\\"营业执照\\\","
				     "\\\"holders\\\":[{\\\"codeType\\\":\\\"111\\\",\\\"code\\\":"
				     "\\\"110101199003074530\\\",\\\"name\\\":\\\"李强\\\"}],"
				     "\\\"issuer\\\":\\\"320400\\\",\\\"issuedOn\\\":\\\"2020-01-01\\\"}\"]}";
	static const char find[] = "{\"type\":\"11100000MB0143028R001\",\"number\":\"N1\"}";
	char again[sizeof(import)];
	memcpy(again, import, sizeof(import));
	strstr(again, "\"x\"")[1] = 'y'; /* an import of another name */
	struct pair *pair = pair_new(*state);
	tb_time began = pair->now;
	pair->test = &began;
	struct side *side = &pair->home;
	char json[256], identifier[128];
	const PbImportResponse *imported =
		(const void *)pair_ask(pair, side, S "CredentialService/Import", import);
	if (imported->n_bad)
		fail_msg("%s", imported->bad[0]->reason);
	const PbCredentialFindResponse *found =
		(const void *)pair_ask(pair, side, S "CredentialService/Find", find);
	assert_int_equal(found->n_credentials, 1);
	snprintf(identifier, sizeof(identifier), "%s", found->credentials[0]->credential->identifier);
	snprintf(json, sizeof(json), "{\"credential\":\"%s\",\"reason\":\"x\"}", identifier);
	assert_int_equal(call(pair, side, ERASE, json), TB_ESTATE);
	char cancel[256];
	snprintf(cancel, sizeof(cancel), "{\"identifier\":\"%s\",\"state\":\"CANCELLED\",\"reason\":\"x\"}",
	         identifier);
	assert_int_equal(call(pair, side, S "CredentialService/SetState", cancel), TB_OK);
	assert_int_equal(call(pair, side, ERASE, json), TB_OK);
	assert_false(is_kept(side, "王伟"));
	found = (const void *)pair_ask(pair, side, S "CredentialService/Find", find);
	assert_int_equal(found->n_credentials, 0);
	/* Nor does it come back, valid, with the next import of what it came from. */
	imported = (const void *)pair_ask(pair, side, S "CredentialService/Import", again);
	assert_int_equal(imported->n_bad, 1);
	assert_non_null(strstr(imported->bad[0]->reason, "erased"));
	/* Its neighbour under the same seal is proved as before. */
	found = (const void *)pair_ask(pair, side, S "CredentialService/Find",
	                               "{\"type\":\"11100000MB0143028R001\",\"number\":\"N2\"}");
	assert_int_equal(found->n_credentials, 1);
	assert_true(found->credentials[0]->seal_valid);
	assert_log_holds(pair, side);
	pair_free(pair);
}

static void test_a_hold_names_a_case_and_a_reason_and_ends_with_one(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *side = &pair->home;
	char first[32], second[32], json[128], hold[2][128];
	ended_case(pair, first);
	pair_submit(pair, true, second);
	assert_int_equal(
		call(pair, side, HOLD, "{\"caseNumber\":\"62010020260101000000110\",\"reason\":\"r\"}"),
		TB_ENOTFOUND);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\"}", first);
	assert_int_equal(call(pair, side, HOLD, json), TB_EINVALID);
	assert_int_equal(call(pair, side, S "RetentionService/Release", json), TB_EINVALID);
	assert_int_equal(call(pair, side, S "RetentionService/Release", "{\"reason\":\"r\"}"), TB_ENOTFOUND);
	for (int i = 0; i < 2; i++) {
		snprintf(hold[i], sizeof(hold[i]), "{\"caseNumber\":\"%s\",\"reason\":\"复议%d\"}",
		         i ? second : first, i);
		assert_int_equal(call(pair, side, S "RetentionService/Release", hold[i]), TB_ENOTFOUND);
		assert_int_equal(call(pair, side, HOLD, hold[i]), TB_OK);
	}
	const PbHoldListResponse *list = (const void *)pair_ask(pair, side, S "RetentionService/Holds", "{}");
	assert_int_equal(list->n_holds, 2);
	assert_string_equal(list->holds[0]->case_number, first);
	assert_string_equal(list->holds[1]->reason, "复议1");
	assert_int_equal(list->holds[0]->at_ms, pair->now);
	snprintf(json, sizeof(json), "{\"after\":\"%s\"}", first);
	list = (const void *)pair_ask(pair, side, S "RetentionService/Holds", json);
	assert_int_equal(list->n_holds, 1);
	assert_string_equal(list->holds[0]->case_number, second);
	pair_free(pair);
}

static void test_finished_cases_are_listed_by_the_day_of_their_end(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *side = &pair->home;
	char first[32], second[32], open[32], json[128], day[11];
	ended_case(pair, first);
	pair_pass(pair, TB_DAY);
	ended_case(pair, second);
	pair_submit(pair, true, open);
	tb_day_format(day, tb_day_at(pair->now));
	snprintf(json, sizeof(json), "{\"before\":\"%s\"}", day);
	const PbFinishedResponse *page =
		(const void *)pair_ask(pair, side, S "RetentionService/Finished", json);
	assert_int_equal(page->n_numbers, 1);
	assert_string_equal(page->numbers[0], first);
	assert_int_equal(call(pair, side, S "RetentionService/Finished", "{\"before\":\"soon\"}"),
	                 TB_EINVALID);
	/* Whoever goes on behind the first finds the second. */
	snprintf(json, sizeof(json), "{\"before\":\"2999-01-01\",\"after\":\"%s\"}", first);
	page = (const void *)pair_ask(pair, side, S "RetentionService/Finished", json);
	assert_int_equal(page->n_numbers, 1);
	assert_string_equal(page->numbers[0], second);
	assert_false(page->more);
	/* What was archived is not there to be archived again, nor what was erased. */
	assert_int_equal(archived(pair, side, first, pair_case(pair, side, first)->seq), TB_OK);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"r\"}", second);
	assert_int_equal(call(pair, side, ERASE, json), TB_OK);
	page = (const void *)pair_ask(pair, side, S "RetentionService/Finished",
	                              "{\"before\":\"2999-01-01\"}");
	assert_int_equal(page->n_numbers, 0);
	pair_free(pair);
}

static void test_what_is_said_to_be_archived_has_a_digest(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], json[160];
	ended_case(pair, number);
	unsigned entries = pair_case(pair, &pair->home, number)->seq;
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"entries\":%u,\"digest\":\"AAAA\"}", number,
	         entries);
	assert_int_equal(call(pair, &pair->home, S "RetentionService/Archived", json), TB_EINVALID);
	assert_int_equal(archived(pair, &pair->home, "62010020260101000000110", entries), TB_ENOTFOUND);
	assert_int_equal(call(pair, &pair->home, S "RetentionService/Archive",
	                      "{\"caseNumber\":\"62010020260101000000110\"}"),
	                 TB_ENOTFOUND);
	pair_free(pair);
}

/* A year counted back from the last of February ends on its 28th. */
static void test_a_leap_day_counts_as_the_day_before(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *side = &pair->home;
	char number[32];
	ended_case(pair, number);
	assert_int_equal(archived(pair, side, number, pair_case(pair, side, number)->seq), TB_OK);
	years(side, 2, 1);
	pair->now = tb_day_start(tb_day_of(2028, 2, 29)) + TB_HOUR;
	const PbPruneResponse *reply = prune(pair, side, "{\"dryRun\":true}");
	assert_int_equal(reply->n_pruned, 1);
	assert_true(reply->pruned[0]->materials_only);
	pair->now = tb_day_start(tb_day_of(2028, 9, 30));
	reply = prune(pair, side, "{\"dryRun\":true}");
	assert_int_equal(reply->n_pruned, 1);
	assert_false(reply->pruned[0]->materials_only);
	pair_free(pair);
}

static void test_an_applicant_that_acted_alone_is_erased_too(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], json[160];
	pair_submit(pair, true, number);
	assert_int_equal(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT",
	                          "\"detail\":{\"note\":\"李强撤回\"}"),
	                 TB_OK);
	pair_run(pair);
	for (unsigned i = 0; i < 2; i++) {
		struct side *side = i ? &pair->home : &pair->window;
		const PbCaseView *view = pair_case(pair, side, number);
		assert_int_equal(view->state, PB_CASE_STATE__WITHDRAWN);
		assert_true(view->log[view->n_log - 1]->actor->id[0]);
		snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"r\"}", number);
		assert_int_equal(call(pair, side, ERASE, json), TB_OK);
		pair_run(pair);
		view = pair_case(pair, side, number);
		assert_int_equal(view->log[view->n_log - 1]->event, PB_CASE_EVENT__WITHDRAW);
		assert_string_equal(view->log[view->n_log - 1]->actor->id, "");
		assert_true(view->log[0]->actor->id[0]); /* an officer's name is of the office */
		assert_false(is_kept(side, "李强撤回"));
	}
	pair_free(pair);
}

static void test_what_is_to_be_erased_is_one_thing_that_is_there(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], json[256];
	ended_case(pair, number);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"credential\":\"1.2.3\",\"reason\":\"r\"}",
	         number);
	assert_int_equal(call(pair, &pair->home, ERASE, json), TB_EINVALID);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\"}", number);
	assert_int_equal(call(pair, &pair->home, ERASE, json), TB_EINVALID); /* no reason */
	assert_int_equal(call(pair, &pair->home, ERASE,
	                      "{\"caseNumber\":\"62010020260101000000110\",\"reason\":\"r\"}"),
	                 TB_ENOTFOUND);
	assert_int_equal(
		call(pair, &pair->home, ERASE,
	             "{\"credential\":\"1.2.156.3005.2.11100000MB0143028R001.X.Y.001.Z\",\"reason\":\"r\"}"),
		TB_ENOTFOUND);
	assert_true(is_kept(&pair->home, "11010519491231002X"));
	pair_free(pair);
}

static void act(struct pair *pair, struct side *side, const char *number, const char *event, const char *role,
                const char *more)
{
	if (pair_act(pair, side, number, event, role, more))
		fail_msg("%s by %s: %s", event, role, pair_refusal(side));
}

static void test_free_texts_among_what_is_counted_are_erased_too(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *home = &pair->home;
	char number[32], json[160];
	pair_ask(pair, home, S "CatalogueService/Load",
	         "{\"items\":[{\"code\":\"" ITEM "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
	         "\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15,\"materials\":[{\"code\":\"M1\","
	         "\"name\":"
	         "\"无犯罪记录\",\"required\":true,\"basis\":\"x\",\"commitment\":true}]}]}");
	pair_pass(pair, 6 * TB_MINUTE);
	const PbCaseView *view =
		(const void *)pair_ask(pair, &pair->window, S "CaseService/Submit",
	                               "{\"application\":{\"item\":\"" ITEM
	                               "\",\"mode\":\"DS\",\"home\":\"" HOME "\",\"applicant\":{\"name\":"
	                               "\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	                               "\"delivery\":\"NETWORK\",\"materials\":["
	                               "{\"need\":\"M1\",\"commitment\":\"本人王伟承诺无犯罪记录\"}]},"
	                               "\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}");
	snprintf(number, sizeof(number), "%s", view->number);
	pair_run(pair);
	act(pair, home, number, "RETURN", "H_WIN", "\"detail\":{\"reason\":\"李强的照片不清\"}");
	act(pair, &pair->window, number, "FIX", "R_WIN", "");
	act(pair, &pair->window, number, "SEND", "R_WIN", "");
	act(pair, home, number, "ACCEPT", "H_WIN", "");
	act(pair, home, number, "FEE", "H_WIN",
	    "\"detail\":{\"fee\":{\"reference\":\"P1\",\"state\":\"FEE_PAID\",\"amountFen\":\"5\",\"payer\":"
	    "\"赵敏\"}}");
	act(pair, home, number, "START", "H_DEPT", "");
	act(pair, home, number, "DENY", "H_DEPT", "\"detail\":{\"reason\":\"r\"}");
	act(pair, home, number, "DISPATCH", "H_WIN", "\"detail\":{\"way\":\"NETWORK\"}");
	act(pair, home, number, "HAND_OVER", "H_WIN", "");
	for (unsigned i = 0; i < 2; i++) {
		static const char *const texts[] = {"王伟", "李强", "赵敏"};
		struct side *side = i ? home : &pair->window;
		snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"r\"}", number);
		assert_int_equal(call(pair, side, ERASE, json), TB_OK);
		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
			if (is_kept(side, texts[t]))
				fail_msg("%s is kept at %s", texts[t], side->setup.region);
		}
		/* What is counted without a text stays. */
		const PbStatsCasesResponse *stats =
			(const void *)pair_ask(pair, side, S "StatsService/Cases", "{}");
		assert_int_equal(stats->rows[0]->returns, 1);
		assert_int_equal(stats->rows[0]->n_reasons, 0);
		assert_int_equal(stats->rows[0]->denied, 1);
		const PbCommitmentListResponse *list =
			(const void *)pair_ask(pair, side, S "CommitmentService/List", "{}");
		assert_int_equal(list->n_commitments, 0);
	}
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_has_not_ended_is_neither_archived_nor_erased),
		TEST(test_an_archive_is_the_whole_log_signed),
		TEST(test_only_what_is_old_archived_and_not_held_is_pruned),
		TEST(test_what_is_not_archived_stays_and_is_counted),
		TEST(test_materials_may_go_before_their_case_and_a_crash_in_between_loses_nothing),
		TEST(test_a_material_of_two_cases_goes_with_the_second),
		TEST(test_what_was_of_a_person_is_erased_and_the_proofs_hold),
		TEST(test_what_is_fetched_while_its_case_is_erased_goes_too),
		TEST(test_a_certificate_in_force_is_not_erased_and_one_that_ended_is),
		TEST(test_a_hold_names_a_case_and_a_reason_and_ends_with_one),
		TEST(test_finished_cases_are_listed_by_the_day_of_their_end),
		TEST(test_what_is_said_to_be_archived_has_a_digest),
		TEST(test_a_leap_day_counts_as_the_day_before),
		TEST(test_an_applicant_that_acted_alone_is_erased_too),
		TEST(test_what_is_to_be_erased_is_one_thing_that_is_there),
		TEST(test_free_texts_among_what_is_counted_are_erased_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
