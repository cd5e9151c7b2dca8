#include "tests/cli/verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char reply_text[8][2048];
static const char *replies[9];
static size_t replies_count;

int verbs_setup(void **state)
{
	(void)state;
	replies_count = 0;
	memset(replies, 0, sizeof(replies));
	return 0;
}

static void reply_as(const char *status, const char *json)
{
	assert_true(replies_count < sizeof(reply_text) / sizeof(reply_text[0]));
	snprintf(reply_text[replies_count], sizeof(reply_text[0]),
	         "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
	         strlen(json), json);
	replies[replies_count] = reply_text[replies_count];
	replies_count++;
}

void verbs_reply_with(const char *json)
{
	reply_as("200 OK", json);
}

void verbs_refuse_with(const char *json)
{
	reply_as("400 Bad Request", json);
}

const struct cli_verb *verbs_find(const struct cli_verb *verbs, const char *name)
{
	for (const struct cli_verb *verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
	}
	fail_msg("no verb %s", name);
	return NULL;
}

int verbs_run(const struct cli_verb *verbs, const char *name, const char *const *words, struct tb_buf *seen,
              struct tb_error *err)
{
	struct server server;
	struct options options;
	struct cli cli = {.verb = verbs_find(verbs, name), .json = true};
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

void verbs_check(const struct cli_verb *verbs, const char *name, const char *const *words,
                 const char *const *sent)
{
	struct tb_buf seen;
	struct tb_error err;
	assert_int_equal(verbs_run(verbs, name, words, &seen, &err), CLI_DONE);
	for (; *sent; sent++) {
		if (!strstr(tb_buf_text(&seen), *sent))
			fail_msg("%s did not send %s: %s", name, *sent, tb_buf_text(&seen));
	}
	tb_buf_clear(&seen);
}

void verbs_check_usage(const struct cli_verb *verbs, const char *name, const char *const *words,
                       const char *says, const char *unsent)
{
	struct tb_buf seen;
	struct tb_error err;
	assert_int_equal(verbs_run(verbs, name, words, &seen, &err), CLI_USAGE);
	if (!strstr(err.text, says))
		fail_msg("%s says %s", name, err.text);
	assert_null(strstr(tb_buf_text(&seen), unsent));
	tb_buf_clear(&seen);
}
