#include "node/cli/options.h"

#include <assert.h>
#include <string.h>

enum { OPTION_WORD_MAX = 64 }; /* longer words are like no option */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment distance. */
size_t options_distance(const char *a, const char *b)
{
	size_t a_size = strlen(a);
	size_t b_size = strlen(b);
	if (a_size > OPTION_WORD_MAX || b_size > OPTION_WORD_MAX)
		return OPTION_WORD_MAX;
	size_t rows[OPTION_WORD_MAX + 1][OPTION_WORD_MAX + 1];
	for (size_t i = 0; i <= a_size; i++)
		rows[i][0] = i;
	for (size_t j = 0; j <= b_size; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		for (size_t j = 1; j <= b_size; j++) {
			size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
			size_t best = least(rows[i - 1][j] + 1, rows[i][j - 1] + 1);
			best = least(best, rows[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = least(best, rows[i - 2][j - 2] + 1);
			rows[i][j] = best;
		}
	}
	return rows[a_size][b_size];
}

const struct option *options_find(const struct option *own, const struct option *global, const char *name,
                                  size_t size)
{
	const struct option *const tables[] = {own, global};
	for (size_t t = 0; t < 2; t++) {
		for (const struct option *o = tables[t]; o && o->name; o++) {
			if (strlen(o->name) == size && memcmp(o->name, name, size) == 0)
				return o;
		}
	}
	return NULL;
}

static enum tb_code unknown(const struct option *own, const struct option *global, const char *word,
                            size_t size, struct tb_error *err)
{
	char name[OPTION_WORD_MAX + 1];
	size = least(size, OPTION_WORD_MAX);
	memcpy(name, word, size);
	name[size] = 0;
	const struct option *best = NULL;
	size_t best_distance = OPTION_WORD_MAX;
	const struct option *const tables[] = {own, global};
	for (size_t t = 0; t < 2; t++) {
		for (const struct option *o = tables[t]; o && o->name; o++) {
			size_t distance = options_distance(name, o->name);
			if (distance < best_distance) {
				best = o;
				best_distance = distance;
			}
		}
	}
	/* A third of the word may be wrong; beyond that a guess confuses more than it helps. */
	if (best && best_distance <= 1 + strlen(name) / 3)
		return text_fail(err, TB_EINVALID, TEXT_OPTION_UNKNOWN_NEAR, name, best->name, NULL);
	return text_fail(err, TB_EINVALID, TEXT_OPTION_UNKNOWN, name, NULL);
}

static bool is_given(const struct options *options, const struct option *option)
{
	for (size_t i = 0; i < options->given_count; i++) {
		if (options->given[i].option == option)
			return true;
	}
	return false;
}

/* Takes the option at argv[*at]; steps over its value. */
static enum tb_code take_option(struct options *out, int argc, char *const *argv, int *at,
                                struct tb_error *err)
{
	const char *name = argv[*at] + 2;
	const char *equals = strchr(name, '=');
	size_t size = equals ? (size_t)(equals - name) : strlen(name);
	const struct option *option = options_find(out->own, out->global, name, size);
	if (!option)
		return unknown(out->own, out->global, name, size, err);
	const char *value = "";
	if (option->kind == OPTION_FLAG) {
		if (equals)
			return text_fail(err, TB_EINVALID, TEXT_OPTION_TAKES_NONE, option->name, NULL);
	} else if (equals) {
		value = equals + 1;
	} else {
		if (*at + 1 >= argc)
			return text_fail(err, TB_EINVALID, TEXT_OPTION_WANTS_VALUE, option->name,
			                 option->value, NULL);
		value = argv[++*at];
	}
	if (option->kind == OPTION_VALUE && is_given(out, option))
		return text_fail(err, TB_EINVALID, TEXT_OPTION_TWICE, option->name, NULL);
	out->given[out->given_count++] = (struct option_given){option, value};
	return TB_OK;
}

enum tb_code options_parse(struct options *out, const struct option *own, const struct option *global,
                           int argc, char *const *argv, struct tb_arena *arena, struct tb_error *err)
{
	*out = (struct options){.own = own, .global = global};
	out->given = tb_arena_alloc(arena, ((size_t)argc + 1) * sizeof(*out->given));
	out->operands = tb_arena_alloc(arena, ((size_t)argc + 1) * sizeof(*out->operands));
	bool only_operands = false;
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		if (only_operands || word[0] != '-' || word[1] == 0) {
			out->operands[out->operands_count++] = word;
		} else if (strcmp(word, "--") == 0) {
			only_operands = true;
		} else if (word[1] != '-') {
			return text_fail(err, TB_EINVALID, TEXT_OPTION_SHORT, word, NULL);
		} else {
			enum tb_code code = take_option(out, argc, argv, &i, err);
			if (code)
				return code;
		}
	}
	return TB_OK;
}

const char *options_next(const struct options *options, const char *name, size_t *at)
{
	const struct option *option = options_find(options->own, options->global, name, strlen(name));
	assert(option);
	while (*at < options->given_count) {
		const struct option_given *given = &options->given[(*at)++];
		if (given->option == option)
			return given->value;
	}
	return NULL;
}

const char *options_value(const struct options *options, const char *name)
{
	size_t at = 0;
	return options_next(options, name, &at);
}

const char *options_value_or(const struct options *options, const char *name, const char *otherwise)
{
	const char *value = options_value(options, name);
	return value ? value : otherwise;
}

bool options_flag(const struct options *options, const char *name)
{
	return options_value(options, name) != NULL;
}

enum tb_code options_parse_number(const char *value, const char *name, uint64_t min, uint64_t max,
                                  uint64_t *out, struct tb_error *err)
{
	uint64_t number = 0;
	bool good = value[0] != 0;
	for (const char *p = value; good && *p; p++) {
		good = *p >= '0' && *p <= '9' && number <= (UINT64_MAX - (uint64_t)(*p - '0')) / 10;
		if (good)
			number = number * 10 + (uint64_t)(*p - '0');
	}
	if (!good || number < min || number > max) {
		char low[24];
		char high[24];
		snprintf(low, sizeof(low), "%llu", (unsigned long long)min);
		snprintf(high, sizeof(high), "%llu", (unsigned long long)max);
		return text_fail(err, TB_EINVALID, TEXT_OPTION_NUMBER, name, low, high, NULL);
	}
	*out = number;
	return TB_OK;
}

enum tb_code options_number(const struct options *options, const char *name, uint64_t min, uint64_t max,
                            uint64_t otherwise, uint64_t *out, struct tb_error *err)
{
	const char *value = options_value(options, name);
	*out = otherwise;
	char said[OPTION_WORD_MAX + 3];
	snprintf(said, sizeof(said), "--%s", name);
	return value ? options_parse_number(value, said, min, max, out, err) : TB_OK;
}

enum tb_code options_split(const char *value, char between, const char *name, const char **left,
                           const char **right, struct tb_arena *arena, struct tb_error *err)
{
	const char *at = strchr(value, between);
	const char form[] = {'A', between, 'B', 0};
	*left = *right = NULL;
	if (!at || at == value || !at[1])
		return text_fail(err, TB_EINVALID, TEXT_OPTION_PAIR, name, form, NULL);
	char *head = tb_arena_alloc(arena, (size_t)(at - value) + 1);
	memcpy(head, value, (size_t)(at - value));
	*left = head;
	*right = at + 1;
	return TB_OK;
}
