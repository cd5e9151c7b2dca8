/* Item lists over time: versions with their days, cases that stand on what was, lists that travel in parts.
 */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

/* One item; |more| are JSON members. */
static void item(struct tb_buf *json, const char *code, const char *name, const char *more)
{
	tb_buf_printf(json,
	              "%s{\"code\":\"%s\",\"name\":\"%s\",\"department\":\"11320400014109045T\","
	              "\"departmentName\":\"d\",\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15%s%s}",
	              json->size ? "," : "", code, name, more[0] ? "," : "", more);
}

static enum tb_code load(struct pair *pair, struct tb_buf *items)
{
	enum tb_code code;
	struct tb_buf json = {0};
	tb_buf_printf(&json, "{\"items\":[%s]}", items->size ? tb_buf_text(items) : "");
	pair_call(pair, &pair->home, "/tongban.v1.CatalogueService/Load", tb_buf_text(&json), &code);
	tb_buf_clear(&json);
	tb_buf_clear(items);
	return code;
}

/* A list of the ordinary item with one required material more: |needs| codes. */
static void load_one(struct pair *pair, const char *more)
{
	struct tb_buf items = {0};
	item(&items, ITEM, "机动车驾驶证公证", more);
	OK(load(pair, &items));
	pair_pass(pair, 2 * TB_MINUTE);
}

static PbCatalogueListResponse *list(struct pair *pair, struct side *side, const char *more)
{
	char json[256];
	enum tb_code code;
	snprintf(json, sizeof(json), "{\"region\":\"" HOME "\"%s}", more);
	return (PbCatalogueListResponse *)(void *)pair_call(pair, side, "/tongban.v1.CatalogueService/List",
	                                                    json, &code);
}

static const char *day_text(struct pair *pair, int days)
{
	static char text[4][11];
	static unsigned next;
	char *out = text[next++ % 4];
	tb_day_format(out, tb_day_at(pair->now) + days);
	return out;
}

static enum tb_code submit(struct pair *pair, char number[32])
{
	return pair_submit_as(pair, &pair->window, "DS", "R_WIN", false, number);
}

#define NEED(code) "{\"code\":\"" code "\",\"name\":\"材料" code "\",\"required\":true,\"basis\":\"b\"}"

static void test_a_version_takes_new_cases_from_its_first_day_to_its_last(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], more[256];
	snprintf(more, sizeof(more), "\"effectiveFrom\":\"%s\",\"materials\":[" NEED("M1") "]",
	         day_text(pair, 2));
	load_one(pair, more);
	assert_int_equal(submit(pair, number), TB_ESTATE);
	assert_non_null(strstr(pair_refusal(&pair->window), "takes no cases before"));
	pair_pass(pair, 2 * TB_DAY);
	OK(submit(pair, number));
	snprintf(more, sizeof(more), "\"cancelledOn\":\"%s\",\"materials\":[" NEED("M1") "]",
	         day_text(pair, 1));
	load_one(pair, more);
	OK(submit(pair, number));
	pair_pass(pair, TB_DAY);
	char late[32];
	assert_int_equal(submit(pair, late), TB_ESTATE);
	assert_non_null(strstr(pair_refusal(&pair->window), "takes no new cases since"));
	/* What was handed in in time goes on. */
	OK(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""));
	OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
	pair_pass(pair, TB_MINUTE);
	assert_string_equal(pair_case(pair, &pair->home, number)->owner, HOME);
	pair_free(pair);
}

static void test_the_next_version_takes_over_on_its_day(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf items = {0};
	char first[32], second[32], more[256];
	tb_buf_printf(&items,
	              "{\"code\":\"" ITEM "\",\"name\":\"one\",\"department\":\"d\",\"modes\":[\"DS\"],"
	              "\"promisedDays\":4,\"legalDays\":15,\"version\":1,\"cancelledOn\":\"%s\","
	              "\"materials\":[" NEED("M1") "]}",
	              day_text(pair, 1));
	snprintf(more, sizeof(more), "\"version\":2,\"effectiveFrom\":\"%s\",\"materials\":[" NEED("M1") "]",
	         day_text(pair, 1));
	item(&items, ITEM, "two", more);
	OK(load(pair, &items));
	pair_pass(pair, 2 * TB_MINUTE);
	OK(submit(pair, first));
	assert_int_equal(pair_case(pair, &pair->window, first)->log[0]->detail->application->item_version, 1);
	pair_pass(pair, TB_DAY);
	OK(submit(pair, second));
	assert_string_equal(pair_case(pair, &pair->window, second)->item_name, "two");
	/* Each is accepted with what its version promises. */
	const char *numbers[] = {first, second};
	const uint32_t promised[] = {4, 5};
	for (int i = 0; i < 2; i++) {
		OK(pair_act(pair, &pair->window, numbers[i], "CHECK", "R_WIN", ""));
		OK(pair_act(pair, &pair->window, numbers[i], "SEND", "R_WIN", ""));
		pair_pass(pair, TB_MINUTE);
		OK(pair_act(pair, &pair->home, numbers[i], "ACCEPT", "H_WIN", ""));
		PbCaseView *view = pair_case(pair, &pair->home, numbers[i]);
		assert_int_equal(view->log[view->n_log - 1]->detail->promised_days, promised[i]);
	}
	pair_free(pair);
}

static void test_an_open_case_keeps_the_version_that_it_stands_on(void **state)
{
	struct pair *pair = pair_new(*state);
	char old[32], new[32];
	load_one(pair, "\"materials\":[" NEED("M1") "]");
	OK(submit(pair, old));
	load_one(pair, "\"materials\":[" NEED("M1") "," NEED("M2") "]");
	OK(submit(pair, new));
	OK(pair_act(pair, &pair->window, old, "CHECK", "R_WIN", ""));
	OK(pair_act(pair, &pair->window, new, "CHECK", "R_WIN", ""));
	OK(pair_act(pair, &pair->window, old, "SEND", "R_WIN", ""));
	assert_int_equal(pair_act(pair, &pair->window, new, "SEND", "R_WIN", ""), TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&pair->window), "materials are missing: M2"));
	pair_pass(pair, TB_MINUTE);
	assert_string_equal(pair_case(pair, &pair->home, old)->owner, HOME);
	/* The item goes; the case goes on. */
	struct tb_buf none = {0};
	OK(load(pair, &none));
	pair_pass(pair, 2 * TB_MINUTE);
	assert_int_equal(list(pair, &pair->window, "")->catalogue->n_items, 0);
	OK(pair_act(pair, &pair->home, old, "ACCEPT", "H_WIN", ""));
	assert_int_equal(submit(pair, new), TB_ENOTFOUND);
	PbCatalogueListResponse *history =
		list(pair, &pair->window, ",\"code\":\"" ITEM "\",\"history\":true");
	assert_int_equal(history->n_replaced, 3);
	assert_int_equal(history->replaced[1]->n_materials, 1);
	assert_int_equal(history->replaced[2]->n_materials, 2);
	pair_free(pair);
}

static void test_a_package_by_a_list_that_was_replaced_long_ago_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load_one(pair, "\"materials\":[" NEED("M1") "]");
	pair->parted = true; /* the window does not hear of the next list */
	load_one(pair, "\"materials\":[" NEED("M1") "," NEED("M2") "]");
	pair_pass(pair, 11 * TB_DAY);
	OK(submit(pair, number));
	OK(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""));
	OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
	pair->parted = false;
	pair_pass(pair, 10 * TB_MINUTE);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->log[view->n_log - 1]->event, PB_CASE_EVENT__BOUNCE);
	assert_non_null(strstr(view->log[view->n_log - 1]->detail->reason, "was replaced"));
	pair_free(pair);
}

static void test_an_item_is_offered_to_the_regions_of_its_mode_only(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load_one(pair, "\"modeRegions\":[{\"mode\":\"DS\",\"regions\":[\"310000\"]}],\"materials\":[" NEED(
			       "M1") "]");
	assert_int_equal(submit(pair, number), TB_EDENIED);
	load_one(pair, "\"modeRegions\":[{\"mode\":\"DS\",\"regions\":[\"310000\",\"620000\"]}],"
	               "\"materials\":[" NEED("M1") "]");
	OK(submit(pair, number));
	load_one(pair, "\"external\":\"https://example.cn/x\",\"materials\":[" NEED("M1") "]");
	assert_int_equal(submit(pair, number), TB_ESTATE);
	assert_non_null(strstr(pair_refusal(&pair->window), "another system"));
	pair_free(pair);
}

/* ---- parts */

struct counted {
	unsigned describes;
	size_t items; /* in all descriptions */
	size_t removed;
	size_t most; /* bytes of the largest */
};

static void count(struct pair *pair, struct side *from, const struct core_inbound *inbound,
                  struct tb_buf *bytes)
{
	struct counted *counted = pair->test;
	struct tb_arena arena = {0};
	PbDescription *description;
	if (inbound->call != CORE_DESCRIBE || from != &pair->home)
		return;
	OK(PROTO_DECODE(&description, description, pki_batch_message(inbound->answer, 0), &arena, NULL));
	counted->describes++;
	if (description->catalogue) {
		counted->items += description->catalogue->n_items;
		counted->removed += description->catalogue->n_removed;
	}
	counted->most = bytes->size > counted->most ? bytes->size : counted->most;
	tb_arena_clear(&arena);
}

static void many(struct tb_buf *items, unsigned first, unsigned end, const char *name)
{
	struct tb_buf more = {0};
	tb_buf_printf(&more, "\"conditions\":\"%03500d\"", 7);
	for (unsigned i = first; i < end; i++) {
		char code[32];
		snprintf(code, sizeof(code), "item-%04u", i);
		item(items, code, name, tb_buf_text(&more));
	}
	tb_buf_clear(&more);
}

static void test_a_long_list_travels_in_parts_and_then_only_what_changed(void **state)
{
	struct pair *pair = pair_new(*state);
	struct counted counted = {0};
	struct tb_buf items = {0};
	pair->answering = count;
	pair->test = &counted;
	many(&items, 0, 1000, "a");
	OK(load(pair, &items));
	pair_pass(pair, 2 * TB_MINUTE);
	assert_int_equal(counted.items, 1000);
	assert_int_equal(counted.removed, 1); /* the ordinary item */
	assert_true(counted.describes >= 5);
	assert_in_range(counted.most, 600 * 1024, TB_BATCH_BYTES_AIM);
	assert_int_equal(list(pair, &pair->window, "")->catalogue->n_items, 1000);
	/* One changes, one goes, one comes. */
	counted = (struct counted){0};
	many(&items, 0, 499, "a");
	many(&items, 499, 500, "changed");
	many(&items, 501, 1001, "a");
	OK(load(pair, &items));
	pair_pass(pair, 2 * TB_MINUTE);
	assert_int_equal(counted.items, 2);
	assert_int_equal(counted.removed, 1);
	assert_true(counted.most < 20000);
	PbCatalogue *there = list(pair, &pair->window, "")->catalogue;
	uint64_t version = there->version;
	assert_int_equal(there->n_items, 1000);
	assert_string_equal(there->items[499]->name, "changed");
	assert_string_equal(there->items[500]->code, "item-0501");
	PbCatalogue *here = list(pair, &pair->home, "")->catalogue;
	assert_int_equal(here->version, version);
	assert_string_equal(here->items[999]->code, "item-1000");
	pair_free(pair);
}

/* Only the first part of the list gets through. */
static enum fate first_part(struct pair *pair, const struct core_outbound *outbound)
{
	unsigned *let = pair->test;
	if (outbound->call != CORE_DESCRIBE || strcmp(outbound->peer, HOME) != 0)
		return ARRIVES;
	if (*let == 0)
		return REQUEST_LOST;
	--*let;
	return ARRIVES;
}

static void test_a_side_that_crashes_between_parts_has_the_whole_list_in_the_end(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf items = {0};
	unsigned let = 1;
	uint64_t before = list(pair, &pair->window, "")->catalogue->version;
	many(&items, 0, 600, "a");
	OK(load(pair, &items));
	pair->fate = first_part;
	pair->test = &let;
	pair_pass(pair, 2 * TB_MINUTE);
	PbCatalogue *there = list(pair, &pair->window, "")->catalogue;
	assert_int_equal(there->version, before);
	assert_in_range(there->n_items, 100, 400);
	/* The asker forgets where it was, and the list changes. */
	pair_crash(pair, &pair->window);
	many(&items, 0, 599, "b");
	OK(load(pair, &items));
	let = 1000;
	pair_pass(pair, 3 * TB_MINUTE);
	there = list(pair, &pair->window, "")->catalogue;
	assert_int_equal(there->n_items, 599);
	for (size_t i = 0; i < there->n_items; i++)
		assert_string_equal(there->items[i]->name, "b");
	/* It changes while the asker knows where it was. */
	many(&items, 0, 600, "c");
	OK(load(pair, &items));
	let = 1;
	pair_pass(pair, 2 * TB_MINUTE);
	many(&items, 0, 600, "d");
	OK(load(pair, &items));
	let = 1000;
	pair_pass(pair, 3 * TB_MINUTE);
	there = list(pair, &pair->window, "")->catalogue;
	assert_int_equal(there->n_items, 600);
	assert_string_equal(there->items[0]->name, "d");
	assert_string_equal(there->items[599]->name, "d");
	pair_free(pair);
}

/* The home region's list is put back to an older one, as from a backup: the rows and the head. */
static void test_a_list_from_an_older_backup_is_followed_by_a_whole_one(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf items = {0};
	struct tb_arena arena = {0};
	struct kv kv = {.vault = pair->home.core->vault, .random = pair->home.core->random};
	struct kv_key key = kv_key_str(HOME);
	struct tb_error err;
	struct tb_bytes head;
	OK(store_read(&kv.txn, pair->home.setup.store, &err));
	OK(kv_get(&kv, KV_CATALOGUE, &key, &arena, &head, &err));
	store_abort(kv.txn);
	for (int i = 0; i < 3; i++) {
		many(&items, 0, 3, "lost");
		OK(load(pair, &items));
		pair_pass(pair, 2 * TB_MINUTE);
	}
	/* What was loaded since is lost. */
	OK(store_write(&kv.txn, pair->home.setup.store, &err));
	kv_put(&kv, KV_CATALOGUE, &key, head);
	for (unsigned i = 0; i < 3; i++) {
		char code[32];
		struct kv_key row = kv_key_str(HOME);
		snprintf(code, sizeof(code), "item-%04u", i);
		kv_key_add(&row, tb_bytes_of("", 1));
		kv_key_add_str(&row, code);
		kv_key_add(&row, tb_bytes_of("", 1));
		kv_key_add_u32(&row, 0);
		assert_true(store_delete(kv.txn, KV_ITEM, kv_key_bytes(&row)));
	}
	OK(store_commit(kv.txn, &err));
	tb_buf_clear(&kv.scratch);
	tb_arena_clear(&arena);
	pair_pass(pair, 2 * TB_MINUTE);
	assert_int_equal(list(pair, &pair->window, "")->catalogue->n_items, 3); /* nothing older is taken */
	many(&items, 7, 9, "found");
	OK(load(pair, &items));
	pair_pass(pair, 2 * TB_MINUTE);
	PbCatalogue *there = list(pair, &pair->window, "")->catalogue;
	assert_int_equal(there->n_items, 2);
	assert_string_equal(there->items[0]->name, "found");
	pair_free(pair);
}

/* The home region's list is as it was when |head| was kept; of what was loaded since |items| codes are lost.
 */
static void put_back(struct pair *pair, struct tb_bytes head, unsigned first, unsigned end)
{
	struct kv kv = {.vault = pair->home.core->vault, .random = pair->home.core->random};
	struct kv_key key = kv_key_str(HOME);
	struct tb_error err;
	OK(store_write(&kv.txn, pair->home.setup.store, &err));
	kv_put(&kv, KV_CATALOGUE, &key, head);
	for (unsigned i = first; i < end; i++) {
		char code[32];
		struct kv_key row = kv_key_str(HOME);
		snprintf(code, sizeof(code), "item-%04u", i);
		kv_key_add(&row, tb_bytes_of("", 1));
		kv_key_add_str(&row, code);
		kv_key_add(&row, tb_bytes_of("", 1));
		kv_key_add_u32(&row, 0);
		assert_true(store_delete(kv.txn, KV_ITEM, kv_key_bytes(&row)));
	}
	OK(store_commit(kv.txn, &err));
	tb_buf_clear(&kv.scratch);
}

static struct tb_bytes kept_head(struct pair *pair, struct tb_arena *arena)
{
	struct kv kv = {.vault = pair->home.core->vault, .random = pair->home.core->random};
	struct kv_key key = kv_key_str(HOME);
	struct tb_error err;
	struct tb_bytes head;
	OK(store_read(&kv.txn, pair->home.setup.store, &err));
	OK(kv_get(&kv, KV_CATALOGUE, &key, arena, &head, &err));
	store_abort(kv.txn);
	tb_buf_clear(&kv.scratch);
	return head;
}

/* Restored from a backup while nobody could ask it, a region gives the same versions to other lists. */
static void test_another_list_under_the_same_version_is_seen_and_fetched_anew(void **state)
{
	struct pair *pair = pair_new(*state);
	struct counted counted = {0};
	struct tb_buf items = {0};
	struct tb_arena arena = {0};
	struct tb_bytes head = kept_head(pair, &arena);
	many(&items, 0, 3, "lost");
	OK(load(pair, &items));
	pair_pass(pair, 2 * TB_MINUTE);
	uint64_t version = list(pair, &pair->window, "")->catalogue->version;
	/* The second list comes in parts, the third has less. */
	const unsigned first[] = {0, 100, 800}, end[] = {3, 700, 802};
	for (size_t i = 1; i < 3; i++) {
		pair->parted = true;
		put_back(pair, head, first[i - 1], end[i - 1]);
		many(&items, first[i], end[i], "other");
		OK(load(pair, &items));
		size_t leaves = hostile_leaves(pair, &pair->window, "LEAF_REFUSED");
		pair->parted = false;
		pair_pass(pair, 3 * TB_MINUTE);
		PbCatalogue *there = list(pair, &pair->window, "")->catalogue;
		assert_int_equal(there->version, version);
		assert_int_equal(there->n_items, end[i] - first[i]);
		assert_string_equal(there->items[0]->name, "other");
		assert_true(hostile_leaves(pair, &pair->window, "LEAF_REFUSED") > leaves);
	}
	/* That was all. */
	pair->answering = count;
	pair->test = &counted;
	pair_pass(pair, 20 * TB_MINUTE);
	assert_int_equal(counted.items, 0);
	assert_in_range(counted.describes, 19, 21);
	tb_arena_clear(&arena);
	pair_free(pair);
}

/* A store of an earlier version has no digests. */
static void test_lists_without_digests_get_them(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *sides[] = {&pair->window, &pair->home};
	struct tb_arena arena = {0};
	for (int i = 0; i < 2; i++) {
		struct kv kv = {.vault = sides[i]->core->vault, .random = sides[i]->core->random};
		struct kv_key key = kv_key_str(HOME);
		struct tb_error err;
		PbCatalogueHead *head;
		OK(store_write(&kv.txn, sides[i]->setup.store, &err));
		OK(KV_GET(&kv, KV_CATALOGUE, &key, catalogue_head, &arena, &head, &err));
		assert_int_equal(head->digest.len, PKI_HASH_BYTES);
		head->digest.len = 0;
		kv_put_message(&kv, KV_CATALOGUE, &key, &head->base);
		OK(store_commit(kv.txn, &err));
		tb_buf_clear(&kv.scratch);
	}
	pair_pass(pair, 2 * TB_MINUTE);
	struct tb_bytes digests[2];
	for (int i = 0; i < 2; i++) {
		struct kv kv = {.vault = sides[i]->core->vault};
		struct tb_error err;
		PbCatalogueHead *head;
		OK(store_read(&kv.txn, sides[i]->setup.store, &err));
		OK(catalogue_head(&kv, HOME, &arena, &head, &err));
		digests[i] = tb_arena_bytes(&arena, proto_bytes(head->digest));
		store_abort(kv.txn);
		tb_buf_clear(&kv.scratch);
	}
	assert_int_equal(digests[0].size, PKI_HASH_BYTES);
	assert_true(tb_bytes_equal(digests[0], digests[1]));
	tb_arena_clear(&arena);
	pair_free(pair);
}

static void test_a_new_list_is_known_to_peers_in_seconds(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf items = {0};
	pair_pass(pair, 2 * TB_MINUTE + 30 * TB_SECOND);
	unsigned calls = pair->calls;
	many(&items, 0, 3, "a");
	OK(load(pair, &items));
	pair_pass(pair, 3 * TB_SECOND);
	assert_int_equal(list(pair, &pair->window, "")->catalogue->n_items, 3);
	assert_int_equal(pair->calls - calls, 2); /* it was told, and asked */
	/* Twenty more, one after the other. */
	calls = pair->calls;
	for (unsigned i = 1; i <= 20; i++) {
		many(&items, 0, i, "b");
		OK(load(pair, &items));
	}
	pair_pass(pair, 5 * TB_SECOND);
	assert_int_equal(list(pair, &pair->window, "")->catalogue->n_items, 20);
	assert_true(pair->calls - calls < 60);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_version_takes_new_cases_from_its_first_day_to_its_last),
		TEST(test_the_next_version_takes_over_on_its_day),
		TEST(test_an_open_case_keeps_the_version_that_it_stands_on),
		TEST(test_a_package_by_a_list_that_was_replaced_long_ago_is_refused),
		TEST(test_an_item_is_offered_to_the_regions_of_its_mode_only),
		TEST(test_a_long_list_travels_in_parts_and_then_only_what_changed),
		TEST(test_a_side_that_crashes_between_parts_has_the_whole_list_in_the_end),
		TEST(test_a_list_from_an_older_backup_is_followed_by_a_whole_one),
		TEST(test_another_list_under_the_same_version_is_seen_and_fetched_anew),
		TEST(test_lists_without_digests_get_them),
		TEST(test_a_new_list_is_known_to_peers_in_seconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
