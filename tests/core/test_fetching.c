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

/* Uploads the content at the window; its root is known from then on. */
static void know_content(struct waiting *w)
{
	pair_upload(w->pair, &w->pair->window, BIG, 3, w->material);
	const char *root = strstr(w->material, "\"root\":\"") + 8;
	struct tb_buf bytes = {0};
	snprintf(w->root, sizeof(w->root), "%.*s", (int)strcspn(root, "\""), root);
	assert_true(tb_unbase64(&bytes, w->root, strlen(w->root)));
	memcpy(w->bytes, bytes.data, PKI_HASH_BYTES);
	tb_buf_clear(&bytes);
}

/* A case at the home region whose material came in part, and then the wire was cut. */
static void wait_for_material(struct waiting *w, struct scratch *scratch, unsigned cuts)
{
	char json[2048];
	*w = (struct waiting){.pair = pair_new(scratch)};
	struct pair *pair = w->pair;
	know_content(w);
	pair->home.fetches_cut = cuts;
	pair_application(json, w->material, "", true);
	PbCaseView *view =
		(PbCaseView *)(void *)pair_ask(pair, &pair->window, "/tongban.v1.CaseService/Submit", json);
	snprintf(w->number, sizeof(w->number), "%s", view->number);
	pair->parted = true;
	assert_int_equal(pair_case(pair, &pair->home, w->number)->materials_missing, 1);
}

/* NULL: there is none. */
static PbStoredMaterial *stored(struct waiting *w, struct tb_arena *arena)
{
	struct side *home = &w->pair->home;
	struct kv kv = {.vault = pki_vault_new(home->setup.vault_key)};
	struct kv_key key = kv_key_of(tb_bytes_of(w->bytes, PKI_HASH_BYTES));
	PbStoredMaterial *record;
	struct tb_error err;
	OK(store_read(&kv.txn, home->setup.store, &err));
	enum tb_code code = KV_GET(&kv, KV_MATERIAL, &key, stored_material, arena, &record, &err);
	store_abort(kv.txn);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	return code == TB_OK ? record : NULL;
}

static PbStoredMaterial *record_of(struct waiting *w, struct tb_arena *arena)
{
	PbStoredMaterial *record = stored(w, arena);
	assert_non_null(record);
	return record;
}

static const PbStoredClaim *claim_of(const PbStoredMaterial *record)
{
	assert_int_equal(record->n_claims, 1);
	return record->claims[0];
}

static void test_a_fetch_that_fails_is_tried_at_longer_and_longer_intervals(void **state)
{
	struct waiting w;
	tb_time before = 0;
	wait_for_material(&w, *state, 1);
	for (unsigned attempt = 0; attempt < 20; attempt++) {
		struct tb_arena arena = {0};
		const PbStoredClaim *claim = claim_of(record_of(&w, &arena));
		tb_time wait = claim->retry_ms - w.pair->now;
		assert_int_equal(claim->attempts, attempt + 1);
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
static void bring_from(struct waiting *w, const char *peer, uint64_t size, enum tb_code code, uint32_t chunks)
{
	struct core_fetch fetch = {.size = size, .chunks = chunks, .error = {.code = code}};
	uint8_t leaves[CHUNKS * PKI_HASH_BYTES] = {0};
	struct side *home = &w->pair->home;
	struct tb_arena arena = {0};
	PbStoredMaterial *record = stored(w, &arena);
	for (size_t i = 0; record && i < record->n_claims; i++) {
		if (strcmp(record->claims[i]->peer, peer) == 0)
			memcpy(fetch.sha256, record->claims[i]->sha256.data, PKI_HASH_BYTES);
	}
	strcpy(fetch.peer, peer);
	memcpy(fetch.root, w->bytes, PKI_HASH_BYTES);
	fetch.leaves = tb_bytes_of(leaves, sizeof(leaves));
	home->waiting.events[home->waiting.count++] =
		(struct core_event){.kind = CORE_FETCHED, .fetch = core_fetch_copy(&fetch)};
	tb_arena_clear(&arena);
	pair_run(w->pair);
}

static void bring(struct waiting *w, enum tb_code code, uint32_t chunks)
{
	bring_from(w, WINDOW, BIG, code, chunks);
}

static void test_progress_is_noted_and_survives_a_crash(void **state)
{
	struct waiting w;
	struct tb_arena arena = {0};
	wait_for_material(&w, *state, 1);
	uint32_t attempts = claim_of(record_of(&w, &arena))->attempts;
	bring(&w, TB_EBUSY, 7);
	pair_crash(w.pair, &w.pair->home);
	assert_int_equal(view_of(&w)->chunks_present, 7);
	assert_false(view_of(&w)->complete);
	/* Progress is no failure. */
	PbStoredMaterial *record = record_of(&w, &arena);
	assert_int_equal(record->leaves.len, CHUNKS * PKI_HASH_BYTES);
	assert_true(claim_of(record)->attempts <= attempts + 1);
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
	/* And one of a material that nobody wants changes nothing. */
	unsigned errors = w.pair->home.logged_errors;
	w.bytes[0] ^= 1;
	bring(&w, TB_OK, CHUNKS);
	assert_int_equal(w.pair->home.logged_errors, errors);
	w.bytes[0] ^= 1;
	assert_true(view_of(&w)->complete);
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

/* ---- what is said of a content, and what it is */

/* Another case of the window's that names the same content, as |alter| has it. */
static void name_again(struct waiting *w, void (*alter)(PbMaterial *material), PbReceiptKind expected)
{
	struct forgery f;
	struct pair_reply reply;
	char json[2048];
	bool parted = w->pair->parted;
	w->pair->parted = true;
	pair_application(json, w->material, "", true);
	pair_ask(w->pair, &w->pair->window, "/tongban.v1.CaseService/Submit", json);
	forgery_take(&f, w->pair, &w->pair->window);
	alter(f.entries[0]->detail->application->materials[0]);
	const PbReceipt *receipt = forgery_send(&f, &reply);
	if (receipt->kind != expected)
		fail_msg("receipt %d: %s", (int)receipt->kind, receipt->reason);
	if (expected == PB_RECEIPT_KIND__REJECTED)
		assert_non_null(strstr(receipt->reason, "materials[0]"));
	pair_reply_clear(&reply);
	forgery_clear(&f);
	w->pair->parted = parted;
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

static void test_a_peer_says_one_thing_of_a_content(void **state)
{
	struct waiting w;
	struct tb_arena arena = {0};
	wait_for_material(&w, *state, 1);
	pair_pass(w.pair, TB_MINUTE);
	uint32_t attempts = claim_of(record_of(&w, &arena))->attempts, chunks = view_of(&w)->chunks_present;
	assert_true(attempts > 3 && chunks > 0);
	name_again(&w, nothing, PB_RECEIPT_KIND__DURABLE);
	assert_true(claim_of(record_of(&w, &arena))->attempts >= attempts);
	assert_int_equal(view_of(&w)->n_cases, 2);
	/* Something else about it is refused, and what is here stays. */
	name_again(&w, other_digest, PB_RECEIPT_KIND__REJECTED);
	name_again(&w, other_size, PB_RECEIPT_KIND__REJECTED);
	assert_true(claim_of(record_of(&w, &arena))->attempts >= attempts);
	assert_int_equal(view_of(&w)->chunks_present, chunks);
	assert_int_equal(view_of(&w)->n_cases, 2);
	tb_arena_clear(&arena);
	pair_free(w.pair);
}

#define OTHER "330100"

/* A third region is a peer of the home region. */
static void meet_third(struct pair *pair, struct region *third)
{
	static const char *const all[] = {"*", NULL};
	struct hostile_grant grant = {.items = all, .types = all, .disclosure = PB_DISCLOSURE__DOCUMENT};
	struct peer_set *set = peer_set_new();
	region_init(third, OTHER, PKI_P256);
	hostile_add_peer(set, &pair->window.region, &grant);
	hostile_add_peer(set, third, &grant);
	pair_set_peers(pair, &pair->home, set);
}

/* A matter of the third region with one file: |root|, of which it says |size| and a digest of its own. */
static PbReceiptKind post_file(struct pair *pair, const struct region *third, const char *matter,
                               const uint8_t root[PKI_HASH_BYTES], uint64_t size)
{
	PbMatterPost post = PB_MATTER_POST__INIT;
	PbMaterial file = PB_MATERIAL__INIT, *files[] = {&file};
	PbActor actor = PB_ACTOR__INIT;
	uint8_t sha256[PKI_HASH_BYTES] = {1};
	char region[] = OTHER, home[] = HOME, subject[] = "form", *parties[] = {region, home}, name[] = "f";
	struct pair_reply reply;
	actor.role = PB_ROLE__LIAISON;
	file.name = name;
	file.size = size;
	file.root = proto_data(tb_bytes_of(root, PKI_HASH_BYTES));
	file.sha256 = proto_data(tb_bytes_of(sha256, sizeof(sha256)));
	post.matter = (char *)(uintptr_t)matter;
	post.number = 1;
	post.region = region;
	post.actor = &actor;
	post.at_ms = pair->now;
	post.kind = PB_POST_KIND__POST_OPENS;
	post.about = PB_MATTER_KIND__CONSULTATION;
	post.subject = subject;
	post.parties = parties;
	post.n_parties = 2;
	post.files = files;
	post.n_files = 1;
	const PbReceipt *receipt = hostile_post(pair, third, &pair->home, &post, &reply);
	PbReceiptKind kind = receipt->kind;
	pair_reply_clear(&reply);
	return kind;
}

static void assert_is_the_content(struct waiting *w)
{
	struct tb_buf sha256 = {0};
	PbMaterialView *view = view_of(w);
	assert_true(view->complete);
	assert_int_equal(view->size, BIG);
	assert_int_equal(view->chunks_present, CHUNKS);
	tb_base64(&sha256, proto_bytes(view->sha256));
	assert_non_null(strstr(w->material, tb_buf_text(&sha256)));
	tb_buf_clear(&sha256);
}

static void test_what_another_region_said_first_of_a_content_does_not_become_it(void **state)
{
	for (int fetched = 0; fetched < 2; fetched++) {
		struct waiting w = {.pair = pair_new(*state)};
		struct region third;
		char json[2048], material[512];
		know_content(&w);
		meet_third(w.pair, &third);
		assert_int_equal(post_file(w.pair, &third, OTHER "-1", w.bytes, 1), PB_RECEIPT_KIND__DURABLE);
		assert_false(view_of(&w)->complete);
		if (fetched) {
			pair_application(json, w.material, "", true);
			PbCaseView *view = (PbCaseView *)(void *)pair_ask(
				w.pair, &w.pair->window, "/tongban.v1.CaseService/Submit", json);
			snprintf(w.number, sizeof(w.number), "%s", view->number);
			pair_pass(w.pair, 11 * TB_MINUTE);
			assert_int_equal(pair_case(w.pair, &w.pair->home, w.number)->state,
			                 PB_CASE_STATE__SIGNED_FOR);
		} else {
			size_t leaves = hostile_leaves(w.pair, &w.pair->home, "LEAF_REFUSED");
			pair_upload(w.pair, &w.pair->home, BIG, 3, material);
			assert_int_equal(hostile_leaves(w.pair, &w.pair->home, "LEAF_REFUSED"), leaves + 1);
		}
		assert_is_the_content(&w);
		assert_int_equal(hostile_count(&w.pair->home, KV_WANTED), 0);
		pair_free(w.pair);
		region_clear(&third);
		scratch_teardown(state);
		scratch_setup(state);
	}
}

static void test_what_another_region_says_of_a_content_does_not_turn_its_fetch(void **state)
{
	struct waiting w;
	struct region third;
	wait_for_material(&w, *state, 1);
	meet_third(w.pair, &third);
	uint32_t chunks = view_of(&w)->chunks_present;
	assert_int_equal(post_file(w.pair, &third, OTHER "-1", w.bytes, BIG), PB_RECEIPT_KIND__DURABLE);
	/* Not even a late end of a fetch that another size was said for. */
	bring_from(&w, OTHER, 5000, TB_EUNREACHABLE, 1);
	assert_int_equal(view_of(&w)->chunks_present, chunks);
	assert_int_equal(view_of(&w)->size, BIG);
	w.pair->parted = false;
	pair_pass(w.pair, 11 * TB_MINUTE);
	assert_is_the_content(&w);
	assert_int_equal(pair_case(w.pair, &w.pair->home, w.number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_free(w.pair);
	region_clear(&third);
}

static void test_who_contradicts_itself_waits_while_another_is_asked(void **state)
{
	struct waiting w = {.pair = pair_new(*state)};
	struct region third;
	char json[2048];
	know_content(&w);
	meet_third(w.pair, &third);
	w.pair->parted = true;
	assert_int_equal(post_file(w.pair, &third, OTHER "-1", w.bytes, BIG), PB_RECEIPT_KIND__DURABLE);
	pair_application(json, w.material, "", true);
	w.pair->parted = false;
	pair_ask(w.pair, &w.pair->window, "/tongban.v1.CaseService/Submit", json);
	bring_from(&w, OTHER, BIG, TB_EUNTRUSTED, 0);
	pair_pass(w.pair, 11 * TB_SECOND);
	assert_is_the_content(&w);
	pair_free(w.pair);
	region_clear(&third);
}

static void test_what_is_said_of_a_content_that_is_here_is_what_it_is(void **state)
{
	struct waiting w;
	struct region third;
	char json[2048];
	enum tb_code code;
	wait_for_material(&w, *state, 1);
	w.pair->parted = false;
	pair_pass(w.pair, TB_MINUTE);
	assert_true(view_of(&w)->complete);
	meet_third(w.pair, &third);
	name_again(&w, other_digest, PB_RECEIPT_KIND__REJECTED);
	name_again(&w, other_size, PB_RECEIPT_KIND__REJECTED);
	name_again(&w, nothing, PB_RECEIPT_KIND__DURABLE);
	assert_int_equal(post_file(w.pair, &third, OTHER "-1", w.bytes, 1), PB_RECEIPT_KIND__REJECTED);
	assert_is_the_content(&w);
	/* Nor is it sent by who has it. */
	char *size = strstr(w.material, "\"size\":2") + 7;
	*size = '1';
	pair_application(json, w.material, "", true);
	pair_call(w.pair, &w.pair->window, "/tongban.v1.CaseService/Submit", json, &code);
	assert_int_equal(code, TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&w.pair->window), "materials[0]"));
	*size = '2';
	char *digest = strstr(w.material, "\"sha256\":\"") + 10;
	*digest = *digest == 'A' ? 'B' : 'A';
	pair_application(json, w.material, "", true);
	pair_call(w.pair, &w.pair->window, "/tongban.v1.CaseService/Submit", json, &code);
	assert_int_equal(code, TB_EINVALID);
	pair_free(w.pair);
	region_clear(&third);
}

/* ---- fairness */

static void test_a_peer_that_brings_nothing_holds_up_nobody(void **state)
{
	enum { MANY = 600 };
	struct pair *pair = pair_new(*state);
	struct region third;
	char number[32];
	meet_third(pair, &third);
	pair->parted = true;
	for (unsigned i = 0; i < MANY; i++) {
		uint8_t root[PKI_HASH_BYTES] = {0}; /* before all others */
		char matter[32];
		root[30] = (uint8_t)(i >> 8);
		root[31] = (uint8_t)i;
		snprintf(matter, sizeof(matter), OTHER "-%u", i);
		assert_int_equal(post_file(pair, &third, matter, root, 1000), PB_RECEIPT_KIND__DURABLE);
	}
	assert_int_equal(hostile_count(&pair->home, KV_WANTED), MANY);
	/* Also of a peer that is none any more. */
	for (int gone = 0; gone < 2; gone++) {
		pair->parted = false;
		pair_submit(pair, true, number);
		pair_pass(pair, TB_MINUTE);
		assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__SIGNED_FOR);
		assert_int_equal(hostile_count(&pair->home, KV_WANTED), MANY);
		struct peer_set *set = peer_set_new();
		static const char *const all[] = {"*", NULL};
		struct hostile_grant grant = {
			.items = all, .types = all, .disclosure = PB_DISCLOSURE__DOCUMENT};
		hostile_add_peer(set, &pair->window.region, &grant);
		pair_set_peers(pair, &pair->home, set);
	}
	pair_free(pair);
	region_clear(&third);
}

static void test_every_material_of_a_peer_gets_its_turn(void **state)
{
	enum { MANY = 300 };
	struct pair *pair = pair_new(*state);
	struct region third;
	struct tb_arena arena = {0};
	meet_third(pair, &third);
	for (unsigned i = 0; i < MANY; i++) {
		uint8_t root[PKI_HASH_BYTES] = {0};
		char matter[32];
		root[30] = (uint8_t)(i >> 8);
		root[31] = (uint8_t)i;
		snprintf(matter, sizeof(matter), OTHER "-%u", i);
		assert_int_equal(post_file(pair, &third, matter, root, 1000), PB_RECEIPT_KIND__DURABLE);
	}
	pair_pass(pair, TB_MINUTE);
	for (unsigned i = 0; i < MANY; i++) {
		struct waiting w = {.pair = pair};
		w.bytes[30] = (uint8_t)(i >> 8);
		w.bytes[31] = (uint8_t)i;
		assert_true(claim_of(record_of(&w, &arena))->attempts > 0);
	}
	tb_arena_clear(&arena);
	pair_free(pair);
	region_clear(&third);
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
		TEST(test_a_peer_says_one_thing_of_a_content),
		TEST(test_what_another_region_said_first_of_a_content_does_not_become_it),
		TEST(test_what_another_region_says_of_a_content_does_not_turn_its_fetch),
		TEST(test_who_contradicts_itself_waits_while_another_is_asked),
		TEST(test_what_is_said_of_a_content_that_is_here_is_what_it_is),
		TEST(test_a_peer_that_brings_nothing_holds_up_nobody),
		TEST(test_every_material_of_a_peer_gets_its_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
