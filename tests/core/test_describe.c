/* Item lists: the own one as it is loaded, and those of peers as they are learned. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

static void add_item(struct tb_buf *json, unsigned number, const char *name, size_t needs)
{
	tb_buf_printf(json,
	              "{\"code\":\"1232040000000000133200010%05uA\",\"name\":\"%s\",\"department\":"
	              "\"11320400014109045T\",\"departmentName\":\"d\",\"modes\":[\"DS\"],\"promisedDays\":5,"
	              "\"legalDays\":15,\"materials\":[",
	              number, name);
	for (size_t i = 0; i < needs; i++)
		tb_buf_printf(json,
		              "%s{\"code\":\"M%zu\",\"name\":\"%0250zu\",\"required\":true,\"basis\":\"b\"}",
		              i ? "," : "", i, i);
	tb_buf_str(json, "]}");
}

static enum tb_code load(struct pair *pair, struct tb_buf *json, uint64_t *version)
{
	enum tb_code code;
	tb_buf_str(json, "]}");
	PbCatalogueLoadResponse *reply = (PbCatalogueLoadResponse *)(void *)pair_call(
		pair, &pair->home, "/tongban.v1.CatalogueService/Load", tb_buf_text(json), &code);
	if (reply)
		*version = reply->version;
	tb_buf_clear(json);
	return code;
}

static void begin(struct tb_buf *json)
{
	tb_buf_clear(json);
	tb_buf_str(json, "{\"items\":[");
}

static PbCatalogue *list(struct pair *pair, struct side *side, const char *region)
{
	char json[64];
	enum tb_code code;
	snprintf(json, sizeof(json), "{\"region\":\"%s\"}", region);
	proto_message *reply = pair_call(pair, side, "/tongban.v1.CatalogueService/List", json, &code);
	if (!reply)
		assert_int_equal(code, TB_ENOTFOUND);
	return reply ? ((PbCatalogueListResponse *)(void *)reply)->catalogue : NULL;
}

static void test_a_list_is_replaced_as_a_whole_and_its_version_rises(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf json = {0};
	uint64_t version = 0, before = list(pair, &pair->home, "")->version;
	begin(&json);
	add_item(&json, 1, "a", 1);
	tb_buf_str(&json, ",");
	add_item(&json, 2, "b", 0);
	OK(load(pair, &json, &version));
	assert_int_equal(version, before + 1);
	PbCatalogue *now = list(pair, &pair->home, "");
	assert_int_equal(now->n_items, 2);
	assert_string_equal(now->region, HOME);
	assert_int_equal(list(pair, &pair->home, HOME)->version, version);
	assert_null(list(pair, &pair->home, WINDOW));
	/* The window learns it with its next description, and the one after that as well. */
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(list(pair, &pair->window, HOME)->version, version);
	begin(&json);
	OK(load(pair, &json, &version));
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(list(pair, &pair->window, HOME)->n_items, 0);
	assert_int_equal(list(pair, &pair->window, HOME)->version, before + 2);
	pair_free(pair);
}

static void test_a_bad_list_is_refused_and_the_old_one_stays(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf json = {0};
	uint64_t version, before = list(pair, &pair->home, "")->version;
	begin(&json);
	add_item(&json, 1, "a", 1);
	tb_buf_str(&json, ",");
	add_item(&json, 1, "b", 1);
	assert_int_equal(load(pair, &json, &version), TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&pair->home), "items[1].code"));
	begin(&json);
	add_item(&json, 1, "a", 1);
	tb_buf_str(&json, ",");
	add_item(&json, 2, "", 1);
	assert_int_equal(load(pair, &json, &version), TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&pair->home), "items[1]"));
	begin(&json);
	for (unsigned i = 0; i <= TB_ITEMS_MAX; i++) {
		tb_buf_str(&json, i ? "," : "");
		add_item(&json, i, "a", 0);
	}
	assert_int_equal(load(pair, &json, &version), TB_ETOOBIG);
	assert_int_equal(list(pair, &pair->home, "")->version, before);
	assert_string_equal(list(pair, &pair->home, "")->items[0]->code, ITEM);
	pair_free(pair);
}

static void test_a_list_that_cannot_be_read_is_followed_by_a_later_one(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *home = &pair->home;
	struct kv_key key = kv_key_str(HOME);
	struct tb_buf json = {0};
	struct store_txn *txn;
	struct tb_error err;
	enum tb_code code;
	uint64_t version = 0, known = list(pair, &pair->window, HOME)->version;
	OK(store_write(&txn, home->setup.store, &err));
	store_put(txn, KV_CATALOGUE, kv_key_bytes(&key), tb_bytes_str("damaged"));
	OK(store_commit(txn, &err));
	pair_call(pair, home, "/tongban.v1.CatalogueService/List", "{}", &code);
	assert_int_equal(code, TB_ECORRUPT);
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(list(pair, &pair->window, HOME)->version, known);
	begin(&json);
	add_item(&json, 1, "new", 1);
	OK(load(pair, &json, &version));
	assert_true(version > known);
	pair_pass(pair, 6 * TB_MINUTE);
	assert_string_equal(list(pair, &pair->window, HOME)->items[0]->name, "new");
	pair_free(pair);
}

/* ---- what a peer says of itself */

struct said {
	const char *region;
	uint64_t version;
	size_t items;
	bool empty;        /* no list at all */
	bool garbage;      /* no description */
	bool hostile;      /* no honest peer would say it */
	const char *halls; /* whose halls it shows; NULL: none */
	uint8_t digest;    /* of the list, all bytes; 0: not told */
	uint64_t lacks;    /* the version of halls that it says there are, and does not give */
};

static void say(struct pair *pair, struct side *from, const struct core_inbound *inbound,
                struct tb_buf *bytes)
{
	const struct said *said = pair->test;
	PbDescription description = PB_DESCRIPTION__INIT;
	PbCatalogue catalogue = PB_CATALOGUE__INIT;
	PbItem item = PB_ITEM__INIT;
	PbHallList halls = PB_HALL_LIST__INIT;
	struct tb_arena arena = {0};
	if (inbound->call != CORE_DESCRIBE || from != &pair->home)
		return;
	item.code = tb_arena_str(&arena, ITEM);
	item.name = tb_arena_str(&arena, "false");
	catalogue.region = tb_arena_str(&arena, said->region);
	catalogue.version = said->version;
	catalogue.n_items = said->items;
	catalogue.items = tb_arena_alloc(&arena, said->items * sizeof(PbItem *));
	for (size_t i = 0; i < said->items; i++)
		catalogue.items[i] = &item;
	description.region = tb_arena_str(&arena, HOME);
	description.catalogue_version = said->version;
	if (said->digest) {
		uint8_t *digest = tb_arena_alloc(&arena, PKI_HASH_BYTES);
		memset(digest, said->digest, PKI_HASH_BYTES);
		description.catalogue_digest = proto_data(tb_bytes_of(digest, PKI_HASH_BYTES));
	}
	description.halls_version = said->lacks;
	description.catalogue = said->empty ? NULL : &catalogue;
	halls.region = tb_arena_str(&arena, said->halls ? said->halls : "");
	halls.version = 99;
	description.halls = said->halls ? &halls : NULL;
	struct tb_bytes message =
		said->garbage ? tb_bytes_str("\xff\xff") : proto_encode_arena(&arena, &description.base);
	bytes->size = 0;
	hostile_answer(pair, bytes, PB_BATCH_KIND__DESCRIPTION, HOME, WINDOW, &from->region.message,
	               pki_batch_root(inbound->batch), &message, 1);
	tb_arena_clear(&arena);
}

static void test_what_a_peer_says_is_taken_only_if_it_is_its_own_newer_list(void **state)
{
	struct pair *pair = pair_new(*state);
	uint64_t version = list(pair, &pair->window, HOME)->version;
	const struct said refused[] = {
		{.region = "330100", .version = 99, .items = 1, .hostile = true},
		{.region = WINDOW, .version = 99, .items = 1, .hostile = true},
		{.region = HOME, .version = version, .items = 1},
		{.region = HOME, .version = version - 1, .items = 1},
		{.region = HOME, .version = 99, .items = TB_ITEMS_MAX + 1, .hostile = true},
		{.region = HOME, .empty = true, .halls = "330100", .hostile = true},
		{.region = HOME, .empty = true},
		{.region = HOME, .garbage = true, .hostile = true},
	};
	struct said good = {.region = HOME, .version = version + 1, .items = 1};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		pair->test = (void *)(uintptr_t)&refused[i];
		pair->answering = say;
		size_t leaves = hostile_leaves(pair, &pair->window, "LEAF_REFUSED");
		pair_pass(pair, 6 * TB_MINUTE);
		if (refused[i].hostile != (hostile_leaves(pair, &pair->window, "LEAF_REFUSED") > leaves))
			fail_msg("%zu: a leaf is missing, or one too many", i);
		PbCatalogue *now = list(pair, &pair->window, HOME);
		if (now->version != version || strcmp(now->items[0]->name, "false") == 0)
			fail_msg("%zu was taken", i);
		assert_null(list(pair, &pair->window, WINDOW));
		assert_null(list(pair, &pair->window, "330100"));
	}
	pair->test = &good;
	pair_pass(pair, 6 * TB_MINUTE);
	assert_string_equal(list(pair, &pair->window, HOME)->items[0]->name, "false");
	pair_free(pair);
}

static void test_what_a_peer_has_and_never_gives_is_asked_for_less_and_less(void **state)
{
	struct pair *pair = pair_new(*state);
	struct said said = {.region = HOME, .version = 1, .empty = true, .lacks = 7};
	pair->test = &said;
	pair->answering = say;
	pair_pass(pair, 5 * TB_MINUTE);
	unsigned calls = pair->calls;
	pair_pass(pair, 10 * TB_MINUTE);
	assert_in_range(pair->calls - calls, 18, 24); /* both sides, once a minute */
	pair_free(pair);
}

static void test_a_digest_that_never_fits_is_told_once_and_does_not_make_it_ask_more(void **state)
{
	struct pair *pair = pair_new(*state);
	struct said said = {.region = HOME,
	                    .version = list(pair, &pair->window, HOME)->version + 1,
	                    .items = 1,
	                    .digest = 7};
	pair->test = &said;
	pair->answering = say;
	pair_pass(pair, 2 * TB_MINUTE);
	assert_string_equal(list(pair, &pair->window, HOME)->items[0]->name, "false");
	size_t leaves = hostile_leaves(pair, &pair->window, "LEAF_REFUSED");
	assert_int_equal(leaves, 1);
	unsigned calls = pair->calls;
	pair_pass(pair, 10 * TB_MINUTE);
	assert_int_equal(hostile_leaves(pair, &pair->window, "LEAF_REFUSED"), leaves);
	assert_in_range(pair->calls - calls, 18, 22); /* both sides, once a minute */
	pair_free(pair);
}

enum { CALLS_MAX = 256 };

struct asked {
	tb_time at[CALLS_MAX];
	size_t count;
	enum fate fate;
};

static enum fate noted(struct pair *pair, const struct core_outbound *outbound)
{
	struct asked *asked = pair->test;
	if (outbound->call != CORE_DESCRIBE)
		return ARRIVES;
	if (strcmp(outbound->peer, HOME) != 0)
		return asked->fate; /* who is down does not ask either */
	assert_true(asked->count < CALLS_MAX);
	asked->at[asked->count++] = pair->now;
	return asked->fate;
}

static void test_a_peer_that_does_not_answer_is_asked_soon_and_then_seldom(void **state)
{
	static const tb_time waits[] = {2, 4, 8, 16, 32, 60, 60, 60};
	struct pair *pair = pair_new(*state);
	struct asked asked = {.fate = REQUEST_LOST};
	pair->fate = noted;
	pair->test = &asked;
	pair_pass(pair, 15 * TB_MINUTE);
	assert_true(asked.count > sizeof(waits) / sizeof(waits[0]));
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		assert_int_equal(asked.at[i + 1] - asked.at[i], waits[i] * TB_SECOND);
	/* Back again, it is asked at its ordinary pace; a clock set back changes nothing in that. */
	asked.fate = ARRIVES;
	pair_pass(pair, 10 * TB_MINUTE);
	pair_set_back(pair, 12 * TB_HOUR);
	asked.count = 0;
	pair_pass(pair, 12 * TB_MINUTE);
	assert_in_range(asked.count, 10, 13);
	pair_free(pair);
}

static void test_an_item_that_is_not_known_makes_the_list_be_asked_for_at_once(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf json = {0};
	char material[512], application[2048];
	uint64_t version;
	enum tb_code code;
	/* The window has lost the list, and could not ask for it. */
	begin(&json);
	tb_buf_str(&json, "{\"code\":\"" ITEM "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
	                  "\"departmentName\":\"d\",\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15}");
	pair_pass(pair, 10 * TB_SECOND);
	struct store_txn *txn;
	struct tb_error err;
	struct kv_key key = kv_key_str(HOME);
	OK(store_write(&txn, pair->window.setup.store, &err));
	store_delete(txn, KV_CATALOGUE, kv_key_bytes(&key));
	kv_key_add(&key, tb_bytes_of("", 1));
	kv_key_add_str(&key, ITEM);
	kv_key_add(&key, tb_bytes_of("", 1));
	kv_key_add_u32(&key, 0);
	assert_true(store_delete(txn, KV_ITEM, kv_key_bytes(&key)));
	OK(store_commit(txn, &err));
	pair->parted = true;
	pair_crash(pair, &pair->window);
	OK(load(pair, &json, &version));
	pair_pass(pair, 20 * TB_SECOND); /* it asks again only in a while */
	pair->parted = false;
	pair_upload(pair, &pair->window, 10, 1, material);
	pair_application(application, material, "", false);
	pair_call(pair, &pair->window, "/tongban.v1.CaseService/Submit", application, &code);
	assert_int_equal(code, TB_EUNREACHABLE);
	assert_int_equal(list(pair, &pair->window, HOME)->version, version);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_list_is_replaced_as_a_whole_and_its_version_rises),
		TEST(test_a_bad_list_is_refused_and_the_old_one_stays),
		TEST(test_a_list_that_cannot_be_read_is_followed_by_a_later_one),
		TEST(test_what_a_peer_says_is_taken_only_if_it_is_its_own_newer_list),
		TEST(test_what_a_peer_has_and_never_gives_is_asked_for_less_and_less),
		TEST(test_a_digest_that_never_fits_is_told_once_and_does_not_make_it_ask_more),
		TEST(test_a_peer_that_does_not_answer_is_asked_soon_and_then_seldom),
		TEST(test_an_item_that_is_not_known_makes_the_list_be_asked_for_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
