/* Runs a verb against a node that answers what the test says. */
#pragma once

#include "node/cli/cli.h"
#include "tests/cli/server.h"

#define WORDS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

/* cmocka's setup of each test: no answers yet. */
int verbs_setup(void **state);
/* The node's next answer; at most eight. */
void verbs_reply_with(const char *json);
/* The same, with HTTP status 400. */
void verbs_refuse_with(const char *json);
const struct cli_verb *verbs_find(const struct cli_verb *verbs, const char *name); /* or fails */
/* Runs |name| of |verbs| with |words|, and gives its status; *seen is all that was sent, to be cleared. */
int verbs_run(const struct cli_verb *verbs, const char *name, const char *const *words, struct tb_buf *seen,
              struct tb_error *err);
/* It succeeds, and sends each text of |sent|. */
void verbs_check(const struct cli_verb *verbs, const char *name, const char *const *words,
                 const char *const *sent);
/* The verb is refused as wrong usage in words that hold |says|, and nothing that holds |unsent| was sent. */
void verbs_check_usage(const struct cli_verb *verbs, const char *name, const char *const *words,
                       const char *says, const char *unsent);
