/* What the verbs of a matter send, and what they show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/cli/cli.h"
#include "tests/cli/server.h"

static char reply_text[4][2048];
static const char *replies[5];
static size_t replies_count;

static int setup(void **state)
{
	(void)state;
	replies_count = 0;
	memset(replies, 0, sizeof(replies));
	return 0;
}

static void reply_with(const char *json)
{
	snprintf(reply_text[replies_count], sizeof(reply_text[0]),
	         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	         strlen(json), json);
	replies[replies_count] = reply_text[replies_count];
	replies_count++;
}

static const struct cli_verb *find_verb(const char *name)
{
	for (const struct cli_verb *verb = cmd_matter_verbs; verb->name; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
	}
	fail_msg("no verb %s", name);
	return NULL;
}

#define WORDS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

/* Runs |name| with |words| against the replies, and gives its status; *seen is all that was sent. */
static int run(const char *name, const char *const *words, struct tb_buf *seen, struct tb_error *err)
{
	struct server server;
	struct options options;
	struct cli cli = {.verb = find_verb(name), .json = true};
	int count = 0;
	char *argv[32];
	for (; words[count]; count++)
		argv[count] = cli_pb(words[count]);
	server_start(&server, replies);
	cli.dir = server.dir;
	assert_int_equal(options_parse(&options, cli.verb->options, NULL, count, argv, &cli.arena, err),
	                 TB_OK);
	int status = cli.verb->run(&cli, &options);
	*err = cli.error;
	client_free(cli.client);
	tb_arena_clear(&cli.arena);
	server_stop(&server);
	*seen = server.seen;
	return status;
}

static void check(const char *name, const char *const *words, const char *const *sent)
{
	struct tb_buf seen;
	struct tb_error err;
	assert_int_equal(run(name, words, &seen, &err), CLI_DONE);
	for (; *sent; sent++) {
		if (!strstr(tb_buf_text(&seen), *sent))
			fail_msg("%s did not send %s: %s", name, *sent, tb_buf_text(&seen));
	}
	tb_buf_clear(&seen);
}

static void check_usage(const char *name, const char *const *words, const char *says)
{
	struct tb_buf seen;
	struct tb_error err;
	assert_int_equal(run(name, words, &seen, &err), CLI_USAGE);
	if (!strstr(err.text, says))
		fail_msg("%s says %s", name, err.text);
	assert_null(strstr(tb_buf_text(&seen), "MatterService"));
	tb_buf_clear(&seen);
}

static void test_a_matter_is_between_this_region_who_is_asked_and_who_is_named(void **state)
{
	(void)state;
	reply_with("{\"region\":\"441300\"}");
	reply_with("{\"matter\":\"441300-1\"}");
	check("matter open",
	      WORDS("--about", "dispute", "--subject", "S", "--text", "T", "--ask", "320400", "--days", "15",
	            "--party", "310000", "--party", "441300", "--party", "320400", "--case", "N1", "--actor",
	            "l1"),
	      WORDS("/tongban.v1.NodeService/Status", "/tongban.v1.MatterService/Open",
	            "\"about\":\"DISPUTE\"", "\"parties\":[\"441300\",\"320400\",\"310000\"]",
	            "\"asked\":\"320400\"", "\"days\":15", "\"caseNumber\":\"N1\"", "\"role\":\"LIAISON\"",
	            "\"id\":\"l1\""));
}

static void test_a_supervision_order_comes_from_a_supervisor(void **state)
{
	(void)state;
	reply_with("{\"region\":\"441300\"}");
	reply_with("{\"matter\":\"441300-1\"}");
	check("matter open",
	      WORDS("--about", "supervision", "--subject", "S", "--text", "T", "--ask", "320400", "--days",
	            "5"),
	      WORDS("\"about\":\"SUPERVISION\"", "\"role\":\"SUPERVISOR\""));
}

static void test_a_matter_of_no_known_kind_is_not_sent(void **state)
{
	(void)state;
	check_usage("matter open", WORDS("--about", "quarrel", "--text", "T"), "about");
	check_usage("matter open", WORDS("--text", "T"), "about");
	check_usage("matter open", WORDS("--about", "dispute", "--days", "0"), "days");
	check_usage("matter answer", WORDS("M1", "--outcome", "perhaps", "--text", "T"), "outcome");
	check_usage("matter list", WORDS("--state", "lost"), "state");
}

static void test_what_is_said_is_of_the_kind_that_the_verb_names(void **state)
{
	static const struct {
		const char *verb;
		const char *kind;
	} rows[] = {
		{"matter say", "\"kind\":\"POST_SAYS\""},
		{"matter answer", "\"kind\":\"POST_ANSWERS\""},
		{"matter close", "\"kind\":\"POST_CLOSES\""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(NULL);
		reply_with("{\"matter\":\"M1\"}");
		check(rows[i].verb, WORDS("M1", "--text", "T", "--video", "room 7"),
		      WORDS("/tongban.v1.MatterService/Post", rows[i].kind, "\"matter\":\"M1\"",
		            "\"text\":\"T\"", "\"video\":\"room 7\""));
	}
	setup(NULL);
	reply_with("{\"matter\":\"M1\"}");
	check("matter answer", WORDS("M1", "--outcome", "partly-upheld", "--text", "T"),
	      WORDS("\"outcome\":\"PARTLY_UPHELD\""));
}

static void test_a_list_is_of_one_state_or_one_case(void **state)
{
	(void)state;
	reply_with("{}");
	check("matter list", WORDS("--state", "answered", "--case", "N1"),
	      WORDS("/tongban.v1.MatterService/List", "\"state\":\"MATTER_ANSWERED\"",
	            "\"caseNumber\":\"N1\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_matter_is_between_this_region_who_is_asked_and_who_is_named,
	                               setup),
		cmocka_unit_test_setup(test_a_supervision_order_comes_from_a_supervisor, setup),
		cmocka_unit_test_setup(test_a_matter_of_no_known_kind_is_not_sent, setup),
		cmocka_unit_test_setup(test_what_is_said_is_of_the_kind_that_the_verb_names, setup),
		cmocka_unit_test_setup(test_a_list_is_of_one_state_or_one_case, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
