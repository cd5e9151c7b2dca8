/* Options and operands of a verb, by table: --name VALUE, --name=VALUE, flags, lists, "--" ends options. */
#pragma once

#include "node/cli/text.h"

enum option_kind {
	OPTION_FLAG,
	OPTION_VALUE, /* once */
	OPTION_LIST,  /* any number of times */
};

struct option {
	const char *name; /* without the dashes; NULL ends a table */
	enum option_kind kind;
	const char *value;  /* what stands for the value in a help text: "FILE" */
	enum text_id about; /* one line */
};

/* What was given. The texts are argv's. */
struct options {
	const struct option *own;
	const struct option *global;
	struct option_given {
		const struct option *option;
		const char *value; /* "" for a flag */
	} * given;
	size_t given_count;
	const char **operands;
	size_t operands_count;
};

/* Parses |argc| words. |own| and |global| are tables; either may be NULL. TB_EINVALID names the word, and the
 * nearest option when one is unknown. Lives in |arena|. */
TB_MUST_CHECK enum tb_code options_parse(struct options *out, const struct option *own,
                                         const struct option *global, int argc, char *const *argv,
                                         struct tb_arena *arena, struct tb_error *err);
/* The option of one of the tables, or NULL; |size| bytes of |name| count. */
const struct option *options_find(const struct option *own, const struct option *global, const char *name,
                                  size_t size);

/* All assert that |name| is in the tables: a misspelt name is a bug, not an absent option. */
bool options_flag(const struct options *options, const char *name);
const char *options_value(const struct options *options, const char *name); /* NULL: not given */
const char *options_value_or(const struct options *options, const char *name, const char *otherwise);
/* Walks a list: *at starts at 0. NULL after the last. */
const char *options_next(const struct options *options, const char *name, size_t *at);
/* A whole decimal number from |min| to |max|; |otherwise| if it is not given. TB_EINVALID. */
TB_MUST_CHECK enum tb_code options_number(const struct options *options, const char *name, uint64_t min,
                                          uint64_t max, uint64_t otherwise, uint64_t *out,
                                          struct tb_error *err);
/* The same for any text; |name| is for the error: "--days", "INDEX". */
TB_MUST_CHECK enum tb_code options_parse_number(const char *value, const char *name, uint64_t min,
                                                uint64_t max, uint64_t *out, struct tb_error *err);
/* Splits "LEFT=RIGHT" into |arena|; neither may be empty. |name| is for the error: "--waybill". */
TB_MUST_CHECK enum tb_code options_split(const char *value, char between, const char *name, const char **left,
                                         const char **right, struct tb_arena *arena, struct tb_error *err);
/* Edits (insert, delete, replace, swap neighbours) from |a| to |b|, for "did you mean". */
size_t options_distance(const char *a, const char *b);
