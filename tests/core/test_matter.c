/* Matters between two regions: 会商、咨询、投诉、异议、督办. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define SERVICE "/tongban.v1.MatterService/"
#define BOTH "\"parties\":[\"" WINDOW "\",\"" HOME "\"]"

static void open_matter(struct pair *pair, struct side *side, const char *more, char matter[64])
{
	char json[2048];
	snprintf(json, sizeof(json),
	         "{\"post\":{\"actor\":{\"role\":\"LIAISON\",\"id\":\"l1\"},\"subject\":\"材料认定\","
	         "\"text\":\"请看\"," BOTH ",%s}}",
	         more);
	PbMatterView *view = (PbMatterView *)(void *)pair_ask(pair, side, SERVICE "Open", json);
	snprintf(matter, 64, "%s", view->matter);
	pair_pass(pair, TB_MINUTE);
}

static enum tb_code post(struct pair *pair, struct side *side, const char *matter, const char *more)
{
	char json[2048];
	enum tb_code code;
	snprintf(json, sizeof(json),
	         "{\"post\":{\"matter\":\"%s\",\"actor\":{\"role\":\"LIAISON\",\"id\":\"l2\"},\"text\":"
	         "\"好\",%s}}",
	         matter, more);
	pair_call(pair, side, SERVICE "Post", json, &code);
	pair_pass(pair, TB_MINUTE);
	return code;
}

static PbMatterView *get(struct pair *pair, struct side *side, const char *matter)
{
	char json[128];
	snprintf(json, sizeof(json), "{\"matter\":\"%s\"}", matter);
	return (PbMatterView *)(void *)pair_ask(pair, side, SERVICE "Get", json);
}

static void test_both_sides_see_what_was_said(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64], file[512], more[1024];
	open_matter(pair, &pair->window, "\"about\":\"CONSULTATION\",\"video\":\"room 7\"", matter);
	pair_upload(pair, &pair->home, 4000, 3, file);
	snprintf(more, sizeof(more), "\"kind\":\"POST_SAYS\",\"files\":[{\"need\":\"x\",%s}]", file);
	assert_int_equal(post(pair, &pair->home, matter, more), TB_OK);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_SAYS\""), TB_OK);
	PbMatterView *view = get(pair, &pair->window, matter);
	assert_int_equal(view->n_posts, 3);
	assert_string_equal(view->posts[1]->region, HOME);
	assert_int_equal(get(pair, &pair->home, matter)->n_posts, 3);
	PbMaterialListResponse *list = (PbMaterialListResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.MaterialService/List", "{}");
	assert_int_equal(list->n_materials, 1);
	assert_true(list->materials[0]->complete);
	pair_free(pair);
}

static void test_a_post_that_was_given_up_unseen_is_sent_again(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64];
	open_matter(pair, &pair->window, "\"about\":\"CONSULTATION\"", matter);
	pair_pass(pair, TB_MINUTE);
	pair->parted = true;
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_SAYS\""), TB_OK);
	pair->now += 7 * TB_DAY + TB_SECOND;
	pair_run(pair);
	const PbDeadLettersResponse *letters =
		(const void *)pair_ask(pair, &pair->window, "/tongban.v1.NodeService/DeadLetters", "{}");
	assert_int_equal(letters->n_letters, 1);
	pair->parted = false;
	pair_pass(pair, 10 * TB_MINUTE);
	assert_int_equal(get(pair, &pair->home, matter)->n_posts, 2);
	letters = (const void *)pair_ask(pair, &pair->window, "/tongban.v1.NodeService/DeadLetters", "{}");
	assert_int_equal(letters->n_letters, 0);
	pair_free(pair);
}

static void test_posts_arrive_once_whatever_the_wire_does(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64];
	pair->parted = true;
	open_matter(pair, &pair->window, "\"about\":\"ENQUIRY\",\"asked\":\"" HOME "\",\"days\":5", matter);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_SAYS\""), TB_OK);
	pair_crash(pair, &pair->window);
	pair->parted = false;
	pair_pass(pair, 20 * TB_MINUTE);
	assert_int_equal(get(pair, &pair->home, matter)->n_posts, 2);
	pair_free(pair);
}

static void test_who_is_asked_answers_and_who_opened_closes(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64];
	open_matter(pair, &pair->window, "\"about\":\"ENQUIRY\",\"asked\":\"" HOME "\",\"days\":5", matter);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_ANSWERS\""), TB_EDENIED);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_CLOSES\""), TB_EDENIED);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_ANSWERS\""), TB_OK);
	assert_int_equal(get(pair, &pair->window, matter)->state, PB_MATTER_STATE__MATTER_ANSWERED);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_CLOSES\""), TB_OK);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_SAYS\""), TB_ESTATE);
	for (int day = 0; day < 20; day++)
		pair_pass(pair, TB_DAY);
	assert_false(get(pair, &pair->window, matter)->overdue);
	pair_free(pair);
}

static void test_what_is_not_answered_in_time_is_overdue_on_both_sides(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64], json[1024];
	snprintf(json, sizeof(json),
	         "{\"post\":{\"actor\":{\"role\":\"SUPERVISOR\",\"id\":\"s\"},\"subject\":\"督办\",\"text\":"
	         "\"请速办\"," BOTH ",\"about\":\"SUPERVISION\",\"asked\":\"" HOME "\",\"days\":3}}");
	PbMatterView *view = (PbMatterView *)(void *)pair_ask(pair, &pair->window, SERVICE "Open", json);
	snprintf(matter, sizeof(matter), "%s", view->matter);
	for (int day = 0; day < 12; day++)
		pair_pass(pair, TB_DAY);
	assert_true(get(pair, &pair->window, matter)->overdue);
	assert_true(get(pair, &pair->home, matter)->overdue);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_ANSWERS\""), TB_OK);
	pair_free(pair);
}

static void test_a_dispute_marks_the_case_and_needs_an_outcome(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64], number[32], more[256];
	pair_submit(pair, true, number);
	snprintf(more, sizeof(more),
	         "\"about\":\"DISPUTE\",\"asked\":\"" HOME "\",\"days\":15,\"caseNumber\":\"%s\"", number);
	open_matter(pair, &pair->window, more, matter);
	assert_true(pair_case(pair, &pair->window, number)->dispute);
	assert_true(pair_case(pair, &pair->home, number)->dispute);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_ANSWERS\""), TB_EINVALID);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_ANSWERS\",\"outcome\":\"UPHELD\""),
	                 TB_OK);
	assert_int_equal(get(pair, &pair->window, matter)->outcome, PB_OUTCOME__UPHELD);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_CLOSES\""), TB_OK);
	assert_false(pair_case(pair, &pair->home, number)->dispute);
	pair_free(pair);
}

static void test_what_cannot_be_meant_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	static const char *const bad[] = {
		"{}",
		"{\"post\":{\"actor\":{\"role\":\"LIAISON\"},\"subject\":\"x\",\"text\":\"x\"," BOTH "}}",
		"{\"post\":{\"actor\":{\"role\":\"LIAISON\"},\"subject\":\"x\",\"about\":\"ENQUIRY\"," BOTH
		"}}",
		"{\"post\":{\"actor\":{\"role\":\"LIAISON\"},\"subject\":\"x\",\"text\":\"x\",\"about\":"
		"\"ENQUIRY\","
		"\"parties\":[\"320400\"]}}",
		"{\"post\":{\"actor\":{\"role\":\"LIAISON\"},\"subject\":\"x\",\"text\":\"x\",\"about\":"
		"\"ENQUIRY\","
		"\"asked\":\"441300\"," BOTH "}}",
	};
	enum tb_code code;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pair_call(pair, &pair->window, SERVICE "Open", bad[i], &code);
		assert_int_equal(code, TB_EINVALID);
	}
	pair_call(pair, &pair->window, SERVICE "Open",
	          "{\"post\":{\"actor\":{\"role\":\"LIAISON\"},\"subject\":\"x\",\"text\":\"x\",\"about\":"
	          "\"SUPERVISION\","
	          "\"asked\":\"320400\",\"days\":3," BOTH "}}",
	          &code);
	assert_int_equal(code, TB_EDENIED);
	pair_free(pair);
}

static void test_a_matter_that_cannot_be_is_not_opened(void **state)
{
#define PERSON "\"actor\":{\"role\":\"LIAISON\",\"id\":\"l\"},\"subject\":\"s\",\"text\":\"t\""
	static const struct {
		const char *post;
		enum tb_code code;
	} wrong[] = {
		{"\"subject\":\"s\",\"text\":\"t\",\"about\":\"ENQUIRY\"," BOTH, TB_EINVALID},
		{"\"actor\":{\"id\":\"l\"},\"subject\":\"s\",\"text\":\"t\",\"about\":\"ENQUIRY\"," BOTH,
	         TB_EINVALID},
		{PERSON "," BOTH, TB_EINVALID},
		{PERSON ",\"about\":\"ENQUIRY\"", TB_EINVALID},
		{PERSON ",\"about\":\"ENQUIRY\",\"parties\":[\"" HOME "\"]", TB_EINVALID},
		{PERSON ",\"about\":\"ENQUIRY\",\"parties\":[\"" WINDOW "\",\"330100\"]", TB_ENOTFOUND},
		{PERSON ",\"about\":\"ENQUIRY\",\"parties\":[\"" WINDOW "\",\"" HOME "\",\"" HOME "\"]",
	         TB_EINVALID},
		{PERSON ",\"about\":\"ENQUIRY\",\"asked\":\"330100\"," BOTH, TB_EINVALID},
		{PERSON ",\"about\":\"ENQUIRY\",\"days\":3," BOTH, TB_EINVALID},
		{PERSON ",\"about\":\"ENQUIRY\",\"asked\":\"" HOME "\",\"days\":100000," BOTH, TB_EINVALID},
		{PERSON ",\"about\":\"SUPERVISION\",\"asked\":\"" HOME "\"," BOTH, TB_EDENIED},
		{PERSON ",\"about\":\"SUPERVISION\",\"asked\":\"" HOME "\",\"days\":3," BOTH, TB_EDENIED},
		{"\"actor\":{\"role\":\"LIAISON\",\"id\":\"l\"},\"text\":\"t\",\"about\":\"ENQUIRY\"," BOTH,
	         TB_EINVALID},
		{"\"actor\":{\"role\":\"LIAISON\",\"id\":\"l\"},\"subject\":\"s\",\"about\":"
	         "\"ENQUIRY\"," BOTH,
	         TB_EINVALID},
		{PERSON ",\"about\":\"ENQUIRY\"," BOTH
	                ",\"files\":[{\"name\":\"a\",\"mediaType\":\"a/b\",\"size\":1,\"root\":"
	                "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"sha256\":"
	                "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}]",
	         TB_ENOTFOUND},
		{PERSON ",\"about\":\"DISPUTE\",\"caseNumber\":\"1\"," BOTH, TB_ENOTFOUND},
	};
#undef PERSON
	struct pair *pair = pair_new(*state);
	enum tb_code code;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char json[1024];
		snprintf(json, sizeof(json), "{\"post\":{%s}}", wrong[i].post);
		pair_call(pair, &pair->window, SERVICE "Open", json, &code);
		if (code != wrong[i].code)
			print_message("%zu: %s: %s\n", i, tb_code_name(code), pair_refusal(&pair->window));
		assert_int_equal(code == TB_OK, wrong[i].code == TB_OK);
	}
	assert_int_equal(hostile_count(&pair->window, KV_MATTER), 0);
	pair_call(pair, &pair->window, SERVICE "Get", "{}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_call(pair, &pair->window, SERVICE "Get", "{\"matter\":\"x\"}", &code);
	assert_int_equal(code, TB_ENOTFOUND);
	assert_int_equal(post(pair, &pair->window, "x", "\"kind\":\"POST_SAYS\""), TB_ENOTFOUND);
	pair_free(pair);
}

static void test_matters_are_listed_by_case_and_by_state(void **state)
{
	struct pair *pair = pair_new(*state);
	char first[64], second[64], number[32], more[256], json[128];
	pair_submit(pair, true, number);
	open_matter(pair, &pair->window, "\"about\":\"ENQUIRY\",\"asked\":\"" HOME "\",\"days\":5", first);
	snprintf(more, sizeof(more),
	         "\"about\":\"COMPLAINT\",\"asked\":\"" HOME "\",\"days\":5,\"caseNumber\":\"%s\"", number);
	open_matter(pair, &pair->window, more, second);
	assert_int_equal(
		post(pair, &pair->home, second, "\"kind\":\"POST_ANSWERS\",\"outcome\":\"NOT_UPHELD\""),
		TB_OK);
	struct side *sides[] = {&pair->window, &pair->home};
	for (size_t i = 0; i < 2; i++) {
		snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\"}", number);
		PbMatterListResponse *list =
			(PbMatterListResponse *)(void *)pair_ask(pair, sides[i], SERVICE "List", json);
		assert_int_equal(list->n_matters, 1);
		assert_string_equal(list->matters[0]->matter, second);
		list = (PbMatterListResponse *)(void *)pair_ask(pair, sides[i], SERVICE "List", "{}");
		assert_int_equal(list->n_matters, 2);
		list = (PbMatterListResponse *)(void *)pair_ask(pair, sides[i], SERVICE "List",
		                                                "{\"limit\":1}");
		assert_int_equal(list->n_matters, 1);
		list = (PbMatterListResponse *)(void *)pair_ask(
			pair, sides[i], SERVICE "List", "{\"state\":\"MATTER_ANSWERED\",\"limit\":5000}");
		assert_int_equal(list->n_matters, 1);
		assert_string_equal(list->matters[0]->matter, second);
	}
	pair_free(pair);
}

/* ---- what a hostile peer says */

struct said {
	const char *what;
	void (*alter)(struct forgery *f, PbMatterPost *post);
};

#define SAID(name, ...)                                         \
	static void name(struct forgery *f, PbMatterPost *post) \
	{                                                       \
		(void)f;                                        \
		__VA_ARGS__;                                    \
	}

static char *text_of(struct forgery *f, size_t size)
{
	char *text = tb_arena_alloc(&f->arena, size + 1);
	memset(text, '6', size);
	return text;
}

static char *word(struct forgery *f, const char *text)
{
	return tb_arena_str(&f->arena, text);
}

static void one_file(struct forgery *f, PbMatterPost *post, size_t root, size_t sha256, uint64_t size)
{
	PbMaterial *file = PROTO_NEW(PbMaterial, material, &f->arena);
	file->name = word(f, "a");
	file->media_type = word(f, "a/b");
	file->size = size;
	file->root = proto_data(tb_bytes_of(text_of(f, root), root));
	file->sha256 = proto_data(tb_bytes_of(text_of(f, sha256), sha256));
	post->files = tb_arena_alloc(&f->arena, sizeof(*post->files));
	post->files[0] = file;
	post->n_files = 1;
}

SAID(of_another_region, post->region = word(f, HOME))
SAID(by_nobody, post->actor = NULL)
SAID(of_no_kind, post->kind = PB_POST_KIND__POST_KIND_UNSPECIFIED)
SAID(of_unknown_kind, post->kind = (PbPostKind)77)
SAID(of_nothing, post->text = word(f, ""))
SAID(without_us, post->parties[1] = word(f, "330100"))
SAID(without_itself, post->parties[0] = word(f, "330100"))
SAID(without_parties, post->n_parties = 0)
SAID(numbered_by_us, post->matter = word(f, HOME "-1-1"))
SAID(numbered_long, post->matter = text_of(f, 4000); memcpy(post->matter, WINDOW, 6))
SAID(numbered_not, post->matter = word(f, ""))
SAID(about_nothing, post->about = PB_MATTER_KIND__MATTER_KIND_UNSPECIFIED)
SAID(asks_a_third, post->asked = word(f, "330100"))
SAID(asks_for_ages, post->days = UINT32_MAX)
SAID(orders, post->about = PB_MATTER_KIND__SUPERVISION)
SAID(a_file_without_digest, one_file(f, post, 32, 0, 10))
SAID(a_file_with_a_short_digest, one_file(f, post, 32, 31, 10))
SAID(a_file_with_a_long_root, one_file(f, post, 600, 32, 10))
SAID(a_file_of_any_size, one_file(f, post, 32, 32, UINT64_MAX))
SAID(closes_what_is_not, post->kind = PB_POST_KIND__POST_CLOSES; post->matter = text_of(f, 4000))
SAID(says_in_what_has_no_name, post->kind = PB_POST_KIND__POST_SAYS; post->matter = word(f, ""))

static void test_a_post_that_no_node_would_send_is_refused_or_deferred(void **state)
{
	static const struct said altered[] = {
		{"of another region", of_another_region},
		{"by nobody", by_nobody},
		{"of no kind", of_no_kind},
		{"of an unknown kind", of_unknown_kind},
		{"nothing", of_nothing},
		{"without us", without_us},
		{"without itself", without_itself},
		{"without parties", without_parties},
		{"our number", numbered_by_us},
		{"a long number", numbered_long},
		{"no number", numbered_not},
		{"about nothing", about_nothing},
		{"asks a third", asks_a_third},
		{"days without end", asks_for_ages},
		{"an order", orders},
		{"no digest", a_file_without_digest},
		{"a short digest", a_file_with_a_short_digest},
		{"a long root", a_file_with_a_long_root},
		{"a size without end", a_file_of_any_size},
		{"closes an unknown one", closes_what_is_not},
		{"speaks in one without a name", says_in_what_has_no_name},
	};
	struct pair *pair = pair_new(*state);
	char matter[64];
	pair->parted = true;
	open_matter(pair, &pair->window, "\"about\":\"ENQUIRY\",\"asked\":\"" HOME "\",\"days\":5", matter);
	for (size_t i = 0; i < sizeof(altered) / sizeof(altered[0]); i++) {
		struct forgery f;
		struct pair_reply reply;
		forgery_take(&f, pair, &pair->window);
		assert_non_null(f.message->post);
		altered[i].alter(&f, f.message->post);
		const PbReceipt *receipt = forgery_send(&f, &reply);
		if (receipt->kind == PB_RECEIPT_KIND__DURABLE)
			fail_msg("%s: taken", altered[i].what);
		pair_reply_clear(&reply);
		forgery_clear(&f);
	}
	assert_int_equal(hostile_count(&pair->home, KV_MATTER), 0);
	assert_int_equal(hostile_count(&pair->home, KV_WANTED), 0);
	/* The true one arrives. */
	pair->parted = false;
	pair_pass(pair, 20 * TB_MINUTE);
	assert_int_equal(get(pair, &pair->home, matter)->n_posts, 1);
	pair_free(pair);
}

static void test_posts_of_an_author_follow_one_another(void **state)
{
	struct pair *pair = pair_new(*state);
	struct forgery f;
	struct pair_reply reply;
	char matter[64];
	open_matter(pair, &pair->window, "\"about\":\"CONSULTATION\"", matter);
	pair->parted = true;
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_SAYS\""), TB_OK);
	static const struct {
		uint32_t number;
		PbReceiptKind kind;
	} tries[] = {{5, PB_RECEIPT_KIND__DEFERRED},
	             {1, PB_RECEIPT_KIND__REJECTED},
	             {0, PB_RECEIPT_KIND__REJECTED},
	             {2, PB_RECEIPT_KIND__DURABLE},
	             {2, PB_RECEIPT_KIND__REJECTED}};
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		forgery_take(&f, pair, &pair->window);
		f.message->post->number = tries[i].number;
		const PbReceipt *receipt = forgery_send(&f, &reply);
		if (receipt->kind != tries[i].kind)
			fail_msg("%zu: %s", i, receipt->reason);
		pair_reply_clear(&reply);
		forgery_clear(&f);
	}
	assert_int_equal(get(pair, &pair->home, matter)->n_posts, 2);
	pair_free(pair);
}

/* |count| times |one|, as a JSON list. */
static char *list_of(struct tb_arena *arena, const char *one, size_t count)
{
	struct tb_buf text = {0};
	for (size_t i = 0; i < count; i++)
		tb_buf_printf(&text, "%s%s", i ? "," : "[", one);
	tb_buf_str(&text, "]");
	char *copy = tb_arena_str(arena, tb_buf_text(&text));
	tb_buf_clear(&text);
	return copy;
}

static char *word_of(struct tb_arena *arena, size_t size)
{
	char *text = tb_arena_alloc(arena, size + 1);
	memset(text, 'x', size);
	return text;
}

static void test_a_matter_without_end_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	const struct {
		const char *member;
		enum tb_code code;
		const char *says;
	} rows[] = {
		{"\"about\":\"MATTER_KIND_UNSPECIFIED\"", TB_EINVALID, "post.about"},
		{"\"about\":\"CONSULTATION\",\"subject\":\" \"", TB_EINVALID, "post.subject"},
		{tb_arena_printf(&arena, "\"about\":\"CONSULTATION\",\"subject\":\"%s\"",
	                         word_of(&arena, 513)),
	         TB_EINVALID, "post.subject"},
		{tb_arena_printf(&arena, "\"about\":\"CONSULTATION\",\"video\":\"%s\"", word_of(&arena, 513)),
	         TB_ETOOBIG, "post.video"},
		{"\"about\":\"CONSULTATION\",\"text\":\" \"", TB_EINVALID, "nothing is said"},
		{tb_arena_printf(&arena, "\"about\":\"CONSULTATION\",\"files\":%s",
	                         list_of(&arena, "{}", 51)),
	         TB_ETOOBIG, "post.files"},
		{"\"about\":\"CONSULTATION\",\"parties\":[]", TB_EINVALID, "post.parties"},
		{"\"about\":\"CONSULTATION\",\"parties\":[\"" HOME "\"]", TB_EINVALID, "post.parties"},
		{tb_arena_printf(&arena, "\"about\":\"CONSULTATION\",\"parties\":%s",
	                         list_of(&arena, "\"" WINDOW "\"", TB_MATTER_PARTIES_MAX + 1)),
	         TB_EINVALID, "post.parties"},
		{"\"about\":\"CONSULTATION\",\"asked\":\"330100\"", TB_EINVALID, "post.asked"},
		{"\"about\":\"ENQUIRY\",\"days\":3", TB_EINVALID, "post.days"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const char *const fields[] = {"subject", "text", "parties"};
		static const char *const usual[] = {"\"subject\":\"s\"", "\"text\":\"t\"", BOTH};
		struct tb_buf json = {0};
		enum tb_code code;
		tb_buf_printf(&json, "{\"post\":{\"actor\":{\"role\":\"LIAISON\",\"id\":\"l1\"},%s",
		              rows[i].member);
		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
			char name[16];
			snprintf(name, sizeof(name), "\"%s\":", fields[k]);
			if (!strstr(rows[i].member, name))
				tb_buf_printf(&json, ",%s", usual[k]);
		}
		tb_buf_str(&json, "}}");
		pair_call(pair, &pair->window, SERVICE "Open", tb_buf_text(&json), &code);
		if (code != rows[i].code || !strstr(pair_refusal(&pair->window), rows[i].says))
			fail_msg("%zu: %s, %s", i, tb_code_name(code), pair_refusal(&pair->window));
		tb_buf_clear(&json);
	}
	tb_arena_clear(&arena);
	pair_free(pair);
}

/* ---- what one party may add */

static void test_every_party_of_a_matter_has_its_share(void **state)
{
	enum { SHARE = TB_MATTER_POSTS_MAX / 2 };
	static const struct {
		uint32_t number;
		PbPostKind kind;
		PbReceiptKind receipt;
	} tries[] = {{SHARE + 1, PB_POST_KIND__POST_CLOSES, PB_RECEIPT_KIND__REJECTED},
	             {SHARE, PB_POST_KIND__POST_SAYS, PB_RECEIPT_KIND__REJECTED},
	             {SHARE, PB_POST_KIND__POST_CLOSES, PB_RECEIPT_KIND__DEFERRED},
	             {SHARE - 1, PB_POST_KIND__POST_SAYS, PB_RECEIPT_KIND__DEFERRED}};
	struct pair *pair = pair_new(*state);
	struct forgery f;
	struct pair_reply reply;
	char matter[64], json[512];
	enum tb_code code = TB_OK;
	open_matter(pair, &pair->window, "\"about\":\"CONSULTATION\"", matter);
	pair->parted = true;
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_SAYS\""), TB_OK);
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		forgery_take(&f, pair, &pair->window);
		f.message->post->number = tries[i].number;
		f.message->post->kind = tries[i].kind;
		f.message->post->at_ms = 0;
		const PbReceipt *receipt = forgery_send(&f, &reply);
		if (receipt->kind != tries[i].receipt)
			fail_msg("%zu: %s", i, receipt->reason);
		pair_reply_clear(&reply);
		forgery_clear(&f);
	}
	/* Nor do we say more ourselves: two posts were said before. */
	for (unsigned said = 2; code == TB_OK && said <= TB_MATTER_POSTS_MAX; said++) {
		snprintf(json, sizeof(json),
		         "{\"post\":{\"matter\":\"%s\",\"actor\":{\"role\":\"LIAISON\",\"id\":\"l2\"},"
		         "\"text\":\"x\",\"kind\":\"POST_SAYS\"}}",
		         matter);
		pair_call(pair, &pair->window, SERVICE "Post", json, &code);
		assert_true(code == TB_OK || said == SHARE - 1);
	}
	assert_int_equal(code, TB_ETOOBIG);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_CLOSES\""), TB_OK);
	assert_int_equal(get(pair, &pair->window, matter)->n_posts, SHARE);
	pair_free(pair);
}

#define OTHER "330100"

/* Opens a matter of the third region with |count| files of |sizes|; their roots begin with |mark|, but for
 * |root|, if it is given, which is the first one's. */
static PbReceiptKind open_with_files(struct pair *pair, const struct region *third, uint8_t mark,
                                     const uint64_t *sizes, size_t count, const char *code,
                                     const PbMaterialView *first)
{
	PbMatterPost said = PB_MATTER_POST__INIT;
	PbMaterial files[3], *list[3];
	PbActor actor = PB_ACTOR__INIT;
	uint8_t roots[3][PKI_HASH_BYTES] = {{0}};
	char matter[32], region[] = OTHER, home[] = HOME, text[] = "x", *parties[] = {region, home};
	struct pair_reply reply;
	snprintf(matter, sizeof(matter), OTHER "-%u", mark);
	for (size_t i = 0; i < count; i++) {
		files[i] = (PbMaterial)PB_MATERIAL__INIT;
		list[i] = &files[i];
		roots[i][0] = mark;
		roots[i][1] = (uint8_t)i;
		files[i].name = text;
		files[i].size = sizes[i];
		files[i].root = files[i].sha256 = proto_data(tb_bytes_of(roots[i], PKI_HASH_BYTES));
	}
	if (first) {
		files[0].size = first->size;
		files[0].root = first->root;
		files[0].sha256 = first->sha256;
	}
	actor.role = PB_ROLE__LIAISON;
	said.matter = matter;
	said.number = 1;
	said.region = region;
	said.actor = &actor;
	said.at_ms = pair->now;
	said.kind = PB_POST_KIND__POST_OPENS;
	said.about = PB_MATTER_KIND__CONSULTATION;
	said.subject = said.text = text;
	said.parties = parties;
	said.n_parties = 2;
	said.files = list;
	said.n_files = count;
	const PbReceipt *receipt = hostile_post(pair, third, &pair->home, &said, &reply);
	PbReceiptKind kind = receipt->kind;
	assert_string_equal(receipt->code, code);
	pair_reply_clear(&reply);
	return kind;
}

static void meet_third(struct pair *pair, struct region *third, const struct hostile_grant *grant)
{
	struct peer_set *set = peer_set_new();
	region_init(third, OTHER, PKI_P256);
	hostile_add_peer(set, &pair->window.region, grant);
	hostile_add_peer(set, third, grant);
	pair_set_peers(pair, &pair->home, set);
}

static void test_who_has_no_grant_and_no_case_shows_no_files(void **state)
{
	static const uint64_t size = 1000;
	struct pair *pair = pair_new(*state);
	struct region third;
	meet_third(pair, &third, &(struct hostile_grant){0});
	assert_int_equal(open_with_files(pair, &third, 1, &size, 1, "not_granted", NULL),
	                 PB_RECEIPT_KIND__REJECTED);
	assert_int_equal(hostile_count(&pair->home, KV_WANTED), 0);
	assert_int_equal(open_with_files(pair, &third, 1, NULL, 0, "", NULL), PB_RECEIPT_KIND__DURABLE);
	/* Whom we ask may show us something. */
	char matter[64], file[512], more[1024];
	open_matter(pair, &pair->home, "\"about\":\"ENQUIRY\",\"asked\":\"" WINDOW "\",\"days\":5", matter);
	pair_upload(pair, &pair->window, 4000, 3, file);
	snprintf(more, sizeof(more), "\"kind\":\"POST_ANSWERS\",\"files\":[{\"need\":\"x\",%s}]", file);
	assert_int_equal(post(pair, &pair->window, matter, more), TB_OK);
	assert_int_equal(get(pair, &pair->home, matter)->n_posts, 2);
	pair_free(pair);
	region_clear(&third);
}

static void test_files_of_matters_that_are_to_come_from_a_peer_have_a_measure(void **state)
{
	static const char *const all[] = {"*", NULL};
	static const uint64_t gib2 = (uint64_t)2 << 30;
	struct pair *pair = pair_new(*state);
	struct region third;
	char file[512];
	meet_third(pair, &third, &(struct hostile_grant){.items = all});
	pair_upload(pair, &pair->window, 4000, 3, file);
	PbMaterialListResponse *had = (PbMaterialListResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.MaterialService/List", "{}");
	PbMaterialView content = *had->materials[0];
	uint8_t root[PKI_HASH_BYTES], sha256[PKI_HASH_BYTES];
	memcpy(root, content.root.data, sizeof(root));
	memcpy(sha256, content.sha256.data, sizeof(sha256));
	content.root = proto_data(tb_bytes_of(root, sizeof(root)));
	content.sha256 = proto_data(tb_bytes_of(sha256, sizeof(sha256)));
	const uint64_t over[] = {gib2, gib2, 1}, fills[] = {4000, gib2, gib2 - 4000}, one = 1;
	assert_int_equal(open_with_files(pair, &third, 1, over, 3, "invalid", NULL),
	                 PB_RECEIPT_KIND__REJECTED);
	assert_int_equal(open_with_files(pair, &third, 1, fills, 3, "", &content), PB_RECEIPT_KIND__DURABLE);
	assert_int_equal(open_with_files(pair, &third, 2, &one, 1, "", NULL), PB_RECEIPT_KIND__DEFERRED);
	pair_crash(pair, &pair->home);
	assert_int_equal(open_with_files(pair, &third, 2, &one, 1, "", NULL), PB_RECEIPT_KIND__DEFERRED);
	/* What has come makes room. */
	pair_upload(pair, &pair->home, 4000, 3, file);
	assert_int_equal(open_with_files(pair, &third, 2, &one, 1, "", NULL), PB_RECEIPT_KIND__DURABLE);
	pair_free(pair);
	region_clear(&third);
}

int main(void)
{
	pair_describe_every = 5 * TB_MINUTE;
	const struct CMUnitTest tests[] = {
		TEST(test_both_sides_see_what_was_said),
		TEST(test_a_post_that_was_given_up_unseen_is_sent_again),
		TEST(test_posts_arrive_once_whatever_the_wire_does),
		TEST(test_who_is_asked_answers_and_who_opened_closes),
		TEST(test_what_is_not_answered_in_time_is_overdue_on_both_sides),
		TEST(test_a_dispute_marks_the_case_and_needs_an_outcome),
		TEST(test_what_cannot_be_meant_is_refused),
		TEST(test_a_matter_that_cannot_be_is_not_opened),
		TEST(test_matters_are_listed_by_case_and_by_state),
		TEST(test_a_post_that_no_node_would_send_is_refused_or_deferred),
		TEST(test_posts_of_an_author_follow_one_another),
		TEST(test_a_matter_without_end_is_refused),
		TEST(test_every_party_of_a_matter_has_its_share),
		TEST(test_who_has_no_grant_and_no_case_shows_no_files),
		TEST(test_files_of_matters_that_are_to_come_from_a_peer_have_a_measure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
