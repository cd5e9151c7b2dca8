/* Materials in the store: those that are here, and those that a case waits for. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

enum { BIG = 2 * 1024 * 1024 + 17, CHUNKS = 9 }; /* three parts */

struct waiting {
	struct pair *pair;
	char material[512];
	char number[32];
	char root[64]; /* base64 */
	uint8_t bytes[PKI_HASH_BYTES];
};

static PbMaterialView *view_of(struct waiting *w)
{
	char json[128];
	snprintf(json, sizeof(json), "{\"root\":\"%s\"}", w->root);
	return (PbMaterialView *)(void *)pair_ask(w->pair, &w->pair->home, "/tongban.v1.MaterialService/Get",
	                                          json);
}

/* A case at the home region whose material came in part, and then the wire was cut. */
static void wait_for_material(struct waiting *w, struct scratch *scratch, unsigned cuts)
{
	char json[2048];
	*w = (struct waiting){.pair = pair_new(scratch)};
	struct pair *pair = w->pair;
	pair_upload(pair, &pair->window, BIG, 3, w->material);
	pair->home.fetches_cut = cuts;
	pair_application(json, w->material, "", true);
	PbCaseView *view =
		(PbCaseView *)(void *)pair_ask(pair, &pair->window, "/tongban.v1.CaseService/Submit", json);
	snprintf(w->number, sizeof(w->number), "%s", view->number);
	pair->parted = true;
	const char *root = strstr(w->material, "\"root\":\"") + 8;
	struct tb_buf bytes = {0};
	snprintf(w->root, sizeof(w->root), "%.*s", (int)strcspn(root, "\""), root);
	assert_true(tb_unbase64(&bytes, w->root, strlen(w->root)));
	memcpy(w->bytes, bytes.data, PKI_HASH_BYTES);
	tb_buf_clear(&bytes);
	assert_int_equal(pair_case(pair, &pair->home, w->number)->materials_missing, 1);
}

static PbStoredMaterial *record_of(struct waiting *w, struct tb_arena *arena)
{
	struct side *home = &w->pair->home;
	struct kv kv = {.vault = pki_vault_new(home->setup.vault_key)};
	struct kv_key key = kv_key_of(tb_bytes_of(w->bytes, PKI_HASH_BYTES));
	PbStoredMaterial *record;
	struct tb_error err;
	OK(store_read(&kv.txn, home->setup.store, &err));
	OK(KV_GET(&kv, KV_MATERIAL, &key, stored_material, arena, &record, &err));
	store_abort(kv.txn);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	return record;
}

static void test_a_fetch_that_fails_is_tried_at_longer_and_longer_intervals(void **state)
{
	struct waiting w;
	tb_time before = 0;
	wait_for_material(&w, *state, 1);
	for (unsigned attempt = 0; attempt < 20; attempt++) {
		struct tb_arena arena = {0};
		PbStoredMaterial *record = record_of(&w, &arena);
		tb_time wait = record->retry_ms - w.pair->now;
		assert_int_equal(record->attempts, attempt + 1);
		assert_true(wait >= (attempt ? before : TB_SECOND));
		assert_true(wait <= 5 * TB_MINUTE && wait <= (attempt ? before * 8 / 5 : TB_SECOND));
		before = wait;
		pair_pass(w.pair, wait);
		tb_arena_clear(&arena);
	}
	assert_int_equal(before, 5 * TB_MINUTE);
	w.pair->parted = false;
	pair_pass(w.pair, 6 * TB_MINUTE);
	assert_true(view_of(&w)->complete);
	assert_int_equal(pair_case(w.pair, &w.pair->home, w.number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_free(w.pair);
}

static void test_a_clock_set_back_does_not_put_a_fetch_off(void **state)
{
	struct waiting w;
	wait_for_material(&w, *state, 1);
	pair_pass(w.pair, TB_HOUR);
	pair_set_back(w.pair, 12 * TB_HOUR);
	w.pair->parted = false;
	pair_pass(w.pair, 11 * TB_MINUTE);
	assert_true(view_of(&w)->complete);
	pair_free(w.pair);
}

static void test_what_was_wanted_from_a_peer_may_be_uploaded_here(void **state)
{
	struct waiting w;
	char material[512];
	wait_for_material(&w, *state, 1);
	PbMaterialView *view = view_of(&w);
	assert_false(view->complete);
	assert_in_range(view->chunks_present, 1, CHUNKS - 1);
	assert_int_equal(view->chunks, CHUNKS);
	assert_int_equal(view->n_cases, 1);
	assert_string_equal(view->cases[0], w.number);
	pair_upload(w.pair, &w.pair->home, BIG, 3, material);
	assert_string_equal(material, w.material);
	view = view_of(&w);
	assert_true(view->complete);
	assert_int_equal(view->chunks_present, CHUNKS);
	assert_int_equal(pair_case(w.pair, &w.pair->home, w.number)->state, PB_CASE_STATE__SIGNED_FOR);
	assert_int_equal(hostile_count(&w.pair->home, KV_WANTED), 0);
	pair_free(w.pair);
}

/* What the driver brings back of a fetch of |w|. */
static void bring(struct waiting *w, enum tb_code code, uint32_t chunks)
{
	struct core_fetch fetch = {.size = BIG, .chunks = chunks, .error = {.code = code}};
	uint8_t leaves[CHUNKS * PKI_HASH_BYTES] = {0};
	struct side *home = &w->pair->home;
	strcpy(fetch.peer, WINDOW);
	memcpy(fetch.root, w->bytes, PKI_HASH_BYTES);
	fetch.leaves = tb_bytes_of(leaves, sizeof(leaves));
	home->waiting.events[home->waiting.count++] =
		(struct core_event){.kind = CORE_FETCHED, .fetch = core_fetch_copy(&fetch)};
	pair_run(w->pair);
}

static void test_progress_is_noted_and_survives_a_crash(void **state)
{
	struct waiting w;
	struct tb_arena arena = {0};
	wait_for_material(&w, *state, 1);
	uint32_t attempts = record_of(&w, &arena)->attempts;
	bring(&w, TB_EBUSY, 7);
	pair_crash(w.pair, &w.pair->home);
	assert_int_equal(view_of(&w)->chunks_present, 7);
	assert_false(view_of(&w)->complete);
	/* Progress is no failure. */
	PbStoredMaterial *record = record_of(&w, &arena);
	assert_int_equal(record->leaves.len, CHUNKS * PKI_HASH_BYTES);
	assert_true(record->attempts <= attempts + 1);
	tb_arena_clear(&arena);
	pair_free(w.pair);
}

static void test_what_is_here_is_not_undone_by_a_late_fetch(void **state)
{
	struct waiting w;
	wait_for_material(&w, *state, 0 + 1);
	w.pair->parted = false;
	pair_pass(w.pair, TB_MINUTE);
	assert_true(view_of(&w)->complete);
	bring(&w, TB_EUNREACHABLE, 2);
	bring(&w, TB_EBUSY, 2);
	assert_true(view_of(&w)->complete);
	assert_int_equal(view_of(&w)->chunks_present, CHUNKS);
	/* False parts are an offence even where the whole has come another way. */
	size_t leaves = hostile_leaves(w.pair, &w.pair->home, "LEAF_REFUSED");
	bring(&w, TB_EUNTRUSTED, 2);
	assert_int_equal(hostile_leaves(w.pair, &w.pair->home, "LEAF_REFUSED"), leaves + 1);
	/* And one of a material that nobody wants is told, and changes nothing. */
	unsigned errors = w.pair->home.logged_errors;
	w.bytes[0] ^= 1;
	bring(&w, TB_OK, CHUNKS);
	assert_int_equal(w.pair->home.logged_errors, errors + 1);
	pair_free(w.pair);
}

static void test_nothing_is_fetched_from_a_peer_that_was_removed_until_it_is_back(void **state)
{
	struct waiting w;
	wait_for_material(&w, *state, 1);
	struct side *home = &w.pair->home;
	struct peer_set *back = peer_set_ref(home->peers);
	pair_set_peers(w.pair, home, peer_set_new());
	w.pair->parted = false;
	pair_pass(w.pair, TB_HOUR);
	assert_false(view_of(&w)->complete);
	pair_set_peers(w.pair, home, back);
	pair_pass(w.pair, 6 * TB_MINUTE);
	assert_true(view_of(&w)->complete);
	pair_free(w.pair);
}

static void test_all_materials_of_a_case_come_though_few_travel_at_once(void **state)
{
	enum { MANY = 7 };
	struct pair *pair = pair_new(*state);
	char material[512], number[32];
	struct tb_buf json = {0};
	tb_buf_str(&json,
	           "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"DS\",\"home\":\"" HOME "\","
	           "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	           "\"delivery\":\"NETWORK\",\"materials\":[");
	for (unsigned i = 0; i < MANY; i++) {
		pair_upload(pair, &pair->window, 1000, (uint8_t)(i + 1), material);
		tb_buf_printf(&json, "%s{\"need\":\"M1\",%s}", i ? "," : "", material);
	}
	/* The same content for two needs is fetched once. */
	tb_buf_printf(&json, ",{\"need\":\"M2\",%s}", material);
	tb_buf_str(&json, "]},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}");
	PbCaseView *view = (PbCaseView *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.CaseService/Submit", tb_buf_text(&json));
	snprintf(number, sizeof(number), "%s", view->number);
	tb_buf_clear(&json);
	view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->materials_missing, 0);
	assert_int_equal(view->state, PB_CASE_STATE__SIGNED_FOR);
	PbMaterialListResponse *list = (PbMaterialListResponse *)(void *)pair_ask(
		pair, &pair->home, "/tongban.v1.MaterialService/List", "{\"limit\":3}");
	assert_int_equal(list->n_materials, 3);
	list = (PbMaterialListResponse *)(void *)pair_ask(pair, &pair->home,
	                                                  "/tongban.v1.MaterialService/List", "{}");
	assert_int_equal(list->n_materials, MANY);
	for (size_t i = 0; i < list->n_materials; i++)
		assert_true(list->materials[i]->complete);
	pair_free(pair);
}

static void test_an_upload_that_comes_again_is_one_material(void **state)
{
	struct pair *pair = pair_new(*state);
	char first[512], second[512];
	enum tb_code code;
	pair_upload(pair, &pair->window, 1000, 1, first);
	size_t leaves = hostile_leaves(pair, &pair->window, "LEAF_MATERIAL");
	pair_upload(pair, &pair->window, 1000, 1, second);
	assert_string_equal(first, second);
	assert_int_equal(hostile_count(&pair->window, KV_MATERIAL), 1);
	assert_int_equal(hostile_leaves(pair, &pair->window, "LEAF_MATERIAL"), leaves);
	pair_call(pair, &pair->window, "/tongban.v1.MaterialService/Get", "{\"root\":\"AAAA\"}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_call(pair, &pair->window, "/tongban.v1.MaterialService/Get",
	          "{\"root\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}", &code);
	assert_int_equal(code, TB_ENOTFOUND);
	pair_free(pair);
}

/* Another case of the window's that names the same content, as |alter| has it. */
static void name_again(struct waiting *w, void (*alter)(PbMaterial *material))
{
	struct forgery f;
	struct pair_reply reply;
	char json[2048];
	pair_application(json, w->material, "", true);
	pair_ask(w->pair, &w->pair->window, "/tongban.v1.CaseService/Submit", json);
	forgery_take(&f, w->pair, &w->pair->window);
	alter(f.entries[0]->detail->application->materials[0]);
	assert_int_equal(forgery_send(&f, &reply)->kind, PB_RECEIPT_KIND__DURABLE);
	pair_reply_clear(&reply);
	forgery_clear(&f);
}

static void nothing(PbMaterial *material)
{
	(void)material;
}

static void other_digest(PbMaterial *material)
{
	material->sha256.data[0] ^= 1;
}

static void other_size(PbMaterial *material)
{
	material->size -= TB_CHUNK_BYTES;
}

static void test_who_names_a_content_last_is_asked_next(void **state)
{
	struct waiting w;
	struct tb_arena arena = {0};
	wait_for_material(&w, *state, 1);
	pair_pass(w.pair, TB_MINUTE);
	uint32_t attempts = record_of(&w, &arena)->attempts, chunks = view_of(&w)->chunks_present;
	assert_true(attempts > 3 && chunks > 0);
	name_again(&w, nothing);
	assert_true(record_of(&w, &arena)->attempts >= attempts);
	assert_int_equal(view_of(&w)->n_cases, 2);
	/* Another digest of the same chunks: what is here stays, and the waiting begins anew. */
	name_again(&w, other_digest);
	assert_true(record_of(&w, &arena)->attempts <= 1);
	assert_int_equal(view_of(&w)->chunks_present, chunks);
	/* With another size, not even that is of use. */
	name_again(&w, other_size);
	assert_int_equal(view_of(&w)->chunks_present, 0);
	assert_int_equal(view_of(&w)->n_cases, 4);
	tb_arena_clear(&arena);
	pair_free(w.pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_fetch_that_fails_is_tried_at_longer_and_longer_intervals),
		TEST(test_a_clock_set_back_does_not_put_a_fetch_off),
		TEST(test_what_was_wanted_from_a_peer_may_be_uploaded_here),
		TEST(test_progress_is_noted_and_survives_a_crash),
		TEST(test_what_is_here_is_not_undone_by_a_late_fetch),
		TEST(test_nothing_is_fetched_from_a_peer_that_was_removed_until_it_is_back),
		TEST(test_all_materials_of_a_case_come_though_few_travel_at_once),
		TEST(test_an_upload_that_comes_again_is_one_material),
		TEST(test_who_names_a_content_last_is_asked_next),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
