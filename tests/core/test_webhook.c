/* Webhooks: what is sent follows the cursor, in order and signed; the cursor moves with a yes only. */
#include "tests/core/hostile.h"

#include "node/core/webhook.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ADD "/tongban.v1.WebhookService/Add"
#define LIST "/tongban.v1.WebhookService/List"
#define URL "https://hooks.example.gov/tongban?a=b"

static const char *const allowed[] = {"hooks.example.gov", "other.example:8443", "127.0.0.1:80", "[::1]:9000",
                                      NULL};

static struct pair *pair_allowed(struct scratch *scratch)
{
	struct pair *pair = pair_new(scratch);
	pair->window.setup.webhook_hosts = allowed;
	pair->window.core->setup.webhook_hosts = allowed;
	return pair;
}

/* Makes one, and gives its secret. */
static void add(struct pair *pair, const char *name, const char *more, struct tb_buf *secret)
{
	char json[512];
	snprintf(json, sizeof(json), "{\"name\":\"%s\",\"url\":\"" URL "\"%s}", name, more);
	const PbWebhookAddResponse *reply = (const void *)pair_ask(pair, &pair->window, ADD, json);
	assert_int_equal(strncmp(reply->secret, "whsec_", 6), 0);
	if (secret)
		assert_true(tb_unbase64(secret, reply->secret + 6, strlen(reply->secret + 6)));
}

static const PbWebhookView *view(struct pair *pair, const char *name)
{
	const PbWebhookListResponse *reply = (const void *)pair_ask(pair, &pair->window, LIST, "{}");
	for (size_t i = 0; i < reply->n_webhooks; i++) {
		if (strcmp(reply->webhooks[i]->name, name) == 0)
			return reply->webhooks[i];
	}
	fail_msg("%s is not listed", name);
	return NULL;
}

/* What is to be sent to the only one; NULL: nothing. */
static struct webhook_job *job(struct pair *pair)
{
	struct webhook_due due;
	struct webhook_job *out;
	struct tb_error err;
	size_t count;
	uint64_t seen;
	assert_int_equal(webhook_dues(&pair->window.setup, &due, 1, &count, &err), TB_OK);
	if (count == 0)
		return NULL;
	assert_int_equal(webhook_job_new(&out, &pair->window.setup, &due, due.cursor, &seen, pair->now, &err),
	                 TB_OK);
	return out;
}

static void answered(struct pair *pair, struct webhook_job *sent, unsigned status)
{
	struct queue *waiting = &pair->window.waiting;
	sent->status = status;
	waiting->events[waiting->count++] =
		(struct core_event){.kind = CORE_REQUEST, .request = webhook_done(sent)};
	pair_run(pair);
}

static bool says(const struct webhook_job *sent, const char *text)
{
	return memmem(sent->body.data, sent->body.size, text, strlen(text)) != NULL;
}

static void test_only_urls_of_one_form_and_of_listed_hosts_are_taken(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		enum tb_code code;
	} rows[] = {
		{URL, TB_OK},
		{"https://hooks.example.gov:443/", TB_OK},
		{"https://other.example:8443/a/b", TB_OK},
		{"http://127.0.0.1/x", TB_OK},
		{"https://[::1]:9000/x", TB_OK},
		{"https://other.example/", TB_EDENIED},
		{"https://hooks.example.gov.evil.example/", TB_EDENIED},
		{"https://169.254.169.254/latest", TB_EDENIED},
		{"https://hooks.example.gov:8443/", TB_EDENIED},
		{"http://hooks.example.gov/", TB_EINVALID},
		{"https://user@hooks.example.gov/", TB_EINVALID},
		{"https://evil.example\\@hooks.example.gov/", TB_EINVALID},
		{"https://Hooks.example.gov/", TB_EINVALID},
		{"https://hooks.example.gov", TB_EINVALID},
		{"https://hooks.example.gov/#x", TB_EINVALID},
		{"https://hooks.example.gov/a b", TB_EINVALID},
		{"https://hooks.example.gov/\r\nx: y", TB_EINVALID},
		{"https://hooks.example.gov:0/", TB_EINVALID},
		{"https://hooks.example.gov:65536/", TB_EINVALID},
		{"https:///", TB_EINVALID},
		{"https://[::1/", TB_EINVALID},
		{"ftp://hooks.example.gov/", TB_EINVALID},
		{"file:///etc/passwd", TB_EINVALID},
		{"", TB_EINVALID},
	};
	struct tb_error err;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum tb_code code = webhook_url_check(rows[i].url, allowed, &err);
		if (code != rows[i].code)
			fail_msg("%s: %s", rows[i].url, tb_code_name(code));
	}
	/* An operator who lists nothing allows nothing. */
	assert_int_equal(webhook_url_check(URL, NULL, &err), TB_EDENIED);
}

static void test_one_is_made_listed_and_removed_and_its_secret_shown_once(void **state)
{
	struct pair *pair = pair_allowed(*state);
	struct tb_buf secret = {0};
	enum tb_code code;
	add(pair, "archive", "", &secret);
	assert_int_equal(secret.size, 32);
	tb_buf_clear(&secret);
	assert_string_equal(view(pair, "archive")->url, URL);
	pair_call(pair, &pair->window, ADD, "{\"name\":\"archive\",\"url\":\"" URL "\"}", &code);
	assert_int_equal(code, TB_EEXISTS);
	pair_call(pair, &pair->window, ADD, "{\"name\":\"b\",\"url\":\"https://x.example/\"}", &code);
	assert_int_equal(code, TB_EDENIED);
	pair_call(pair, &pair->window, ADD, "{\"name\":\"b\",\"url\":\"" URL "\",\"token\":\"none\"}", &code);
	assert_int_equal(code, TB_ENOTFOUND);
	pair_ask(pair, &pair->window, "/tongban.v1.WebhookService/Remove", "{\"name\":\"archive\"}");
	const PbWebhookListResponse *reply = (const void *)pair_ask(pair, &pair->window, LIST, "{}");
	assert_int_equal(reply->n_webhooks, 0);
	assert_int_equal(hostile_leaves(pair, &pair->window, "LEAF_WEBHOOK"), 2);
	pair_free(pair);
}

static void test_what_follows_the_cursor_is_sent_signed_and_once_more_until_it_is_taken(void **state)
{
	struct pair *pair = pair_allowed(*state);
	struct tb_buf secret = {0}, signed_text = {0}, signature = {0};
	char number[32], first_id[128];
	uint8_t mac[PKI_HASH_BYTES];
	add(pair, "archive", "", &secret);
	pair_run(pair);
	assert_null(job(pair));
	pair_submit(pair, false, number);
	struct webhook_job *sent = job(pair);
	assert_non_null(sent);
	assert_string_equal(sent->url, URL);
	assert_int_equal(sent->events, 1);
	assert_true(says(sent, number) && says(sent, "\"event\":\"SUBMIT\""));
	assert_false(says(sent, "11010519491231002X"));
	tb_buf_printf(&signed_text, "%s.%s.", sent->id, sent->timestamp);
	tb_buf_add(&signed_text, sent->body.data, sent->body.size);
	pki_hmac(mac, tb_buf_bytes(&secret), tb_buf_bytes(&signed_text));
	tb_buf_str(&signature, "v1,");
	tb_base64(&signature, tb_bytes_of(mac, sizeof(mac)));
	assert_string_equal(sent->signature, tb_buf_text(&signature));
	/* Not taken: it comes again, as the same, also after a crash. */
	snprintf(first_id, sizeof(first_id), "%s", sent->id);
	answered(pair, sent, 503);
	pair_crash(pair, &pair->window);
	sent = job(pair);
	assert_string_equal(sent->id, first_id);
	uint64_t next = sent->next;
	answered(pair, sent, 204);
	assert_int_equal(view(pair, "archive")->cursor, next);
	assert_int_equal(view(pair, "archive")->delivered, 1);
	assert_int_equal(view(pair, "archive")->failures, 0);
	assert_null(job(pair));
	pair_crash(pair, &pair->window);
	pair->window.core->setup.webhook_hosts = allowed;
	assert_null(job(pair));
	assert_int_equal(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""), TB_OK);
	sent = job(pair);
	assert_true(says(sent, "\"event\":\"CHECK\""));
	assert_false(says(sent, "\"event\":\"SUBMIT\""));
	webhook_job_free(sent);
	tb_buf_clear(&secret);
	tb_buf_clear(&signed_text);
	tb_buf_clear(&signature);
	pair_free(pair);
}

static void test_an_outcome_of_one_that_was_removed_moves_no_other(void **state)
{
	struct pair *pair = pair_allowed(*state);
	char number[32];
	add(pair, "archive", "", NULL);
	pair_submit(pair, false, number);
	struct webhook_job *sent = job(pair);
	pair_ask(pair, &pair->window, "/tongban.v1.WebhookService/Remove", "{\"name\":\"archive\"}");
	pair->now += TB_SECOND;
	add(pair, "archive", ",\"fromBeginning\":true", NULL);
	answered(pair, sent, 200);
	assert_int_equal(view(pair, "archive")->cursor, 0);
	assert_int_equal(view(pair, "archive")->delivered, 0);
	pair_free(pair);
}

static void test_it_is_tried_later_each_time_and_given_up_where_people_see_it(void **state)
{
	struct pair *pair = pair_allowed(*state);
	char number[32];
	add(pair, "archive", "", NULL);
	pair_submit(pair, false, number);
	tb_time began = pair->now, wait_before = 0;
	unsigned tries = 0;
	while (!view(pair, "archive")->given_up_ms) {
		answered(pair, job(pair), 500);
		const PbWebhookView *hook = view(pair, "archive");
		tb_time wait = hook->retry_ms - pair->now;
		assert_string_equal(hook->last_error, "HTTP status 500");
		assert_int_equal(hook->failures, ++tries);
		assert_true(wait > 0 && wait <= 12 * TB_MINUTE);
		assert_true(tries > 9 || wait > wait_before);
		wait_before = wait;
		pair->now = hook->retry_ms;
		assert_true(tries < 1000);
	}
	assert_true(pair->now - began >= 3 * TB_DAY && pair->now - began < 4 * TB_DAY);
	assert_null(job(pair));
	const PbStatusResponse *status =
		(const void *)pair_ask(pair, &pair->window, "/tongban.v1.NodeService/Status", "{}");
	assert_int_equal(status->webhooks, 1);
	assert_int_equal(status->webhooks_given_up, 1);
	assert_int_equal(hostile_leaves(pair, &pair->window, "LEAF_WEBHOOK"), 2);
	/* From where it stopped. */
	pair_ask(pair, &pair->window, "/tongban.v1.WebhookService/Resume", "{\"name\":\"archive\"}");
	struct webhook_job *sent = job(pair);
	assert_true(says(sent, number));
	answered(pair, sent, 200);
	assert_true(view(pair, "archive")->delivered > 0); /* limits ran out meanwhile, too */
	pair_free(pair);
}

static void test_who_says_that_he_is_gone_is_believed(void **state)
{
	struct pair *pair = pair_allowed(*state);
	char number[32];
	add(pair, "archive", "", NULL);
	pair_submit(pair, false, number);
	answered(pair, job(pair), 410);
	assert_true(view(pair, "archive")->given_up_ms > 0);
	pair_free(pair);
}

static void test_kinds_and_a_token_narrow_what_is_sent(void **state)
{
	struct pair *pair = pair_allowed(*state);
	struct side *side = &pair->window;
	char number[32];
	pair_ask(pair, side, "/tongban.v1.TokenService/Add",
	         "{\"name\":\"its\",\"roles\":[\"TOKEN_WINDOW\"],\"items\":[\"other\"]}");
	add(pair, "archive", ",\"kinds\":[\"EVENT_CATALOGUE\"]", NULL);
	pair_submit(pair, true, number);
	assert_null(job(pair));
	pair_ask(pair, side, "/tongban.v1.WebhookService/Remove", "{\"name\":\"archive\"}");
	pair->now++;
	add(pair, "its", ",\"token\":\"its\",\"fromBeginning\":true", NULL);
	struct webhook_job *sent = job(pair);
	if (sent) {
		assert_false(says(sent, number));
		answered(pair, sent, 200);
	}
	/* Who is revoked is told nothing any more. */
	pair_ask(pair, side, "/tongban.v1.TokenService/Revoke", "{\"name\":\"its\"}");
	sent = job(pair);
	assert_int_equal(sent->error.code, TB_EUNTRUSTED);
	answered(pair, sent, 0);
	assert_true(view(pair, "its")->given_up_ms > 0);
	pair_free(pair);
}

static void test_a_host_that_is_no_longer_allowed_is_not_sent_to(void **state)
{
	static const char *const none[] = {NULL};
	struct pair *pair = pair_allowed(*state);
	char number[32];
	add(pair, "archive", "", NULL);
	pair_submit(pair, false, number);
	pair->window.setup.webhook_hosts = none;
	struct webhook_job *sent = job(pair);
	assert_int_equal(sent->error.code, TB_EDENIED);
	answered(pair, sent, 0);
	assert_int_equal(view(pair, "archive")->failures, 1);
	assert_int_equal(view(pair, "archive")->delivered, 0);
	pair_free(pair);
}

static void test_a_webhook_that_cannot_be_is_refused(void **state)
{
	static const struct {
		const char *json;
		enum tb_code code;
	} wrong[] = {
		{"{\"url\":\"" URL "\"}", TB_EINVALID},
		{"{\"name\":\"A\",\"url\":\"" URL "\"}", TB_EINVALID},
		{"{\"name\":\"a b\",\"url\":\"" URL "\"}", TB_EINVALID},
		{"{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"url\":\"" URL "\"}", TB_EINVALID},
		{"{\"name\":\"a\",\"url\":\"" URL "\",\"kinds\":[\"EVENT_KIND_UNSPECIFIED\"]}", TB_EINVALID},

	};
	struct pair *pair = pair_allowed(*state);
	enum tb_code code;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		pair_call(pair, &pair->window, ADD, wrong[i].json, &code);
		if (code != wrong[i].code)
			fail_msg("%s: %s", wrong[i].json, tb_code_name(code));
	}
	char url[700];
	struct tb_error err;
	memset(url, 'a', sizeof(url));
	memcpy(url, "https://hooks.example.gov/", 26);
	url[TB_WEBHOOK_URL_BYTES_MAX + 1] = 0;
	assert_int_equal(webhook_url_check(url, allowed, &err), TB_ETOOBIG);
	url[TB_WEBHOOK_URL_BYTES_MAX] = 0;
	assert_int_equal(webhook_url_check(url, allowed, &err), TB_OK);
	memset(url + 8, 'a', 300);
	assert_int_equal(webhook_url_check(url, allowed, &err), TB_EINVALID);
	pair_free(pair);
}

static void test_there_are_only_so_many_and_what_is_not_there_is_said(void **state)
{
	static const char *const paths[] = {"/tongban.v1.WebhookService/Remove",
	                                    "/tongban.v1.WebhookService/Resume"};
	struct pair *pair = pair_allowed(*state);
	enum tb_code code;
	char name[16];
	for (int i = 0; i < TB_WEBHOOKS_MAX; i++) {
		snprintf(name, sizeof(name), "h%d", i);
		add(pair, name, "", NULL);
	}
	pair_call(pair, &pair->window, ADD, "{\"name\":\"more\",\"url\":\"" URL "\"}", &code);
	assert_int_equal(code, TB_EFULL);
	for (size_t i = 0; i < COUNT(paths); i++) {
		pair_call(pair, &pair->window, paths[i], "{\"name\":\"none\"}", &code);
		assert_int_equal(code, TB_ENOTFOUND);
		pair_call(pair, &pair->window, paths[i], "{}", &code);
		assert_int_equal(code, TB_EINVALID);
	}
	const PbWebhookListResponse *reply = (const void *)pair_ask(pair, &pair->window, LIST, "{}");
	assert_int_equal(reply->n_webhooks, TB_WEBHOOKS_MAX);
	pair_free(pair);
}

static void test_resuming_one_that_works_changes_nothing_that_was_delivered(void **state)
{
	struct pair *pair = pair_allowed(*state);
	char number[32];
	add(pair, "archive", "", NULL);
	pair_submit(pair, false, number);
	answered(pair, job(pair), 200);
	uint64_t cursor = view(pair, "archive")->cursor;
	size_t leaves = hostile_leaves(pair, &pair->window, "LEAF_WEBHOOK");
	pair_ask(pair, &pair->window, "/tongban.v1.WebhookService/Resume", "{\"name\":\"archive\"}");
	assert_int_equal(view(pair, "archive")->cursor, cursor);
	assert_int_equal(hostile_leaves(pair, &pair->window, "LEAF_WEBHOOK"), leaves);
	/* The operator's own patience counts. */
	pair->window.core->setup.webhook_patience = TB_HOUR;
	assert_int_equal(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""), TB_OK);
	answered(pair, job(pair), 500);
	pair->now += 2 * TB_HOUR;
	answered(pair, job(pair), 500);
	assert_true(view(pair, "archive")->given_up_ms > 0);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_urls_of_one_form_and_of_listed_hosts_are_taken),
		TEST(test_one_is_made_listed_and_removed_and_its_secret_shown_once),
		TEST(test_what_follows_the_cursor_is_sent_signed_and_once_more_until_it_is_taken),
		TEST(test_an_outcome_of_one_that_was_removed_moves_no_other),
		TEST(test_it_is_tried_later_each_time_and_given_up_where_people_see_it),
		TEST(test_who_says_that_he_is_gone_is_believed),
		TEST(test_kinds_and_a_token_narrow_what_is_sent),
		TEST(test_a_host_that_is_no_longer_allowed_is_not_sent_to),
		TEST(test_a_webhook_that_cannot_be_is_refused),
		TEST(test_there_are_only_so_many_and_what_is_not_there_is_said),
		TEST(test_resuming_one_that_works_changes_nothing_that_was_delivered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
