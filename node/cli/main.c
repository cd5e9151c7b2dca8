/* The command: finds the verb, parses its options, runs it. */
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli/cli.h"

static const struct option global_options[] = {
	{"dir", OPTION_VALUE, "DIR", TEXT_O_DIR},     {"json", OPTION_FLAG, NULL, TEXT_O_JSON},
	{"lang", OPTION_VALUE, "zh|en", TEXT_O_LANG}, {"help", OPTION_FLAG, NULL, TEXT_O_HELP},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

static const struct cli_verb *const groups[] = {
	cmd_init_verbs,       cmd_run_verbs,        cmd_status_verbs,
	cmd_peer_verbs,       cmd_catalogue_verbs,  cmd_catalogue_file_verbs,
	cmd_credential_verbs, cmd_case_verbs,       cmd_catalogue_compare_verbs,
	cmd_hall_verbs,       cmd_commitment_verbs, cmd_stats_verbs,
	cmd_trace_verbs,      cmd_agreement_verbs,  cmd_matter_verbs,
	cmd_material_verbs,   cmd_evidence_verbs,   cmd_audit_verbs,
	cmd_token_verbs,      cmd_openapi_verbs,    cmd_webhook_verbs,
	cmd_export_verbs,     cmd_import_verbs,     cmd_archive_verbs,
	cmd_prune_verbs,      cmd_hold_verbs,       cmd_erase_verbs,
	cmd_progress_verbs,   cmd_readiness_verbs,  cmd_zone_verbs,
};
enum { GROUPS_COUNT = sizeof(groups) / sizeof(groups[0]) };

/* True if the verb's name is |first| or "|first| |second|"; *words says which. */
static bool is_verb(const struct cli_verb *verb, const char *first, const char *second, size_t *words)
{
	size_t size = strlen(first);
	if (strncmp(verb->name, first, size) != 0)
		return false;
	*words = verb->name[size] == 0 ? 1 : 2;
	return verb->name[size] == 0 ||
	       (verb->name[size] == ' ' && second && strcmp(verb->name + size + 1, second) == 0);
}

/* The longest that fits: "status requeue" before "status". */
static const struct cli_verb *find_verb(const char *first, const char *second, size_t *words)
{
	const struct cli_verb *found = NULL;
	size_t found_words = 0;
	for (size_t g = 0; g < GROUPS_COUNT; g++) {
		for (const struct cli_verb *verb = groups[g]; verb->name; verb++) {
			size_t these;
			if (is_verb(verb, first, second, &these) && these > found_words) {
				found = verb;
				found_words = these;
			}
		}
	}
	*words = found_words;
	return found;
}

static bool is_group(const struct cli_verb *verbs, const char *first)
{
	size_t size = strlen(first);
	return strncmp(verbs->name, first, size) == 0 && (verbs->name[size] == ' ' || verbs->name[size] == 0);
}

/* ---- help */

static void print_options(const struct option *options)
{
	static const struct table_column columns[] = {{TEXT_EMPTY, false}, {TEXT_EMPTY, false}};
	struct table *table = TABLE_NEW(columns);
	struct tb_buf name = {0};
	for (const struct option *o = options; o && o->name; o++) {
		name.size = 0;
		tb_buf_printf(&name, "  --%s%s%s%s", o->name, o->kind == OPTION_FLAG ? "" : " ",
		              o->value ? o->value : "", o->kind == OPTION_LIST ? " ..." : "");
		TABLE_ROW(table, tb_buf_text(&name), text(o->about));
	}
	table_end(table, stdout);
	tb_buf_clear(&name);
}

static int help_verb(const struct cli_verb *verb)
{
	bool operands = verb->operands[0] != 0;
	text_say(stdout, TEXT_M_USAGE, verb->name, operands ? " " : "", verb->operands, NULL);
	puts(text(verb->about));
	if (verb->options) {
		printf("\n%s\n", text(TEXT_M_OPTIONS));
		print_options(verb->options);
	}
	printf("\n%s\n", text(TEXT_M_GLOBAL_OPTIONS));
	print_options(global_options);
	printf("\n%s\n  %s\n", text(TEXT_M_EXAMPLE), verb->example);
	return CLI_DONE;
}

/* All verbs, or those of the group |first|. */
static void list_verbs(const char *first, FILE *stream)
{
	static const struct table_column columns[] = {{TEXT_EMPTY, false}, {TEXT_EMPTY, false}};
	struct table *table = TABLE_NEW(columns);
	struct tb_buf name = {0};
	for (size_t g = 0; g < GROUPS_COUNT; g++) {
		if (first && !is_group(groups[g], first))
			continue;
		for (const struct cli_verb *verb = groups[g]; verb->name; verb++) {
			name.size = 0;
			tb_buf_printf(&name, "  %s%s%s", verb->name, verb->operands[0] ? " " : "",
			              verb->operands);
			TABLE_ROW(table, tb_buf_text(&name), text(verb->about));
		}
	}
	table_end(table, stream);
	tb_buf_clear(&name);
}

static int help_all(void)
{
	puts(text(TEXT_M_HELP_HEAD));
	list_verbs(NULL, stdout);
	printf("\n%s\n", text(TEXT_M_GLOBAL_OPTIONS));
	print_options(global_options);
	puts("");
	puts(text(TEXT_M_HELP_EXIT));
	return CLI_DONE;
}

/* "tongban case": true if there is such a group, whose verbs were then listed. */
static bool help_group(const char *first, FILE *stream)
{
	for (size_t g = 0; g < GROUPS_COUNT; g++) {
		if (is_group(groups[g], first)) {
			list_verbs(first, stream);
			return true;
		}
	}
	return false;
}

static int unknown_verb(struct cli *cli, const char *first, const char *second)
{
	struct tb_buf said = {0};
	const char *best = NULL;
	size_t best_distance = 4;
	tb_buf_str(&said, first);
	if (second)
		tb_buf_printf(&said, " %s", second);
	for (size_t g = 0; g < GROUPS_COUNT; g++) {
		for (const struct cli_verb *verb = groups[g]; verb->name; verb++) {
			bool two = strchr(verb->name, ' ') != NULL;
			size_t distance = options_distance(two ? tb_buf_text(&said) : first, verb->name);
			if (distance < best_distance) {
				best = verb->name;
				best_distance = distance;
			}
		}
	}
	text_fail(&cli->error, TB_EINVALID, best ? TEXT_M_VERB_UNKNOWN_NEAR : TEXT_M_VERB_UNKNOWN,
	          tb_buf_text(&said), best ? best : "", NULL);
	tb_buf_clear(&said);
	return cli_usage(cli);
}

/* ---- running */

/* The words of the command line that are neither global options nor their values: at most two, the rest is
 * the verb's. */
static size_t leading_words(int argc, char *const *argv, int words[2])
{
	size_t count = 0;
	for (int i = 0; i < argc && count < 2; i++) {
		const char *word = argv[i];
		if (strncmp(word, "--", 2) != 0 || word[2] == 0) {
			words[count++] = i;
			continue;
		}
		const struct option *option = options_find(NULL, global_options, word + 2, strlen(word + 2));
		if (!option && !strchr(word, '='))
			break; /* The verb's options have begun. */
		if (option && option->kind == OPTION_VALUE)
			i++;
	}
	return count;
}

/* The value of --name before anything is parsed: errors of parsing should be in the right language. */
static const char *early_value(int argc, char *const *argv, const char *name)
{
	size_t size = strlen(name);
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strncmp(argv[i], name, size) != 0)
			continue;
		if (argv[i][size] == '=')
			return argv[i] + size + 1;
		if (argv[i][size] == 0 && i + 1 < argc)
			return argv[i + 1];
	}
	return NULL;
}

static int run_verb(struct cli *cli, int argc, char *const *argv)
{
	struct options options;
	const struct cli_verb *verb = cli->verb;
	if (options_parse(&options, verb->options, global_options, argc, argv, &cli->arena, &cli->error))
		return cli_usage(cli);
	if (options_flag(&options, "help"))
		return help_verb(verb);
	const char *lang = options_value(&options, "lang");
	if (lang && strcmp(lang, "zh") != 0 && strcmp(lang, "en") != 0) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, "lang", "zh, en", NULL);
		return cli_usage(cli);
	}
	if (options.operands_count < verb->operands_min || options.operands_count > verb->operands_max) {
		text_fail(&cli->error, TB_EINVALID,
		          options.operands_count < verb->operands_min ? TEXT_M_OPERANDS_MISSING
		                                                      : TEXT_M_OPERANDS_MANY,
		          verb->operands[0] ? verb->operands : "-", NULL);
		return cli_usage(cli);
	}
	const char *dir = getenv("TONGBAN_DIR");
	cli->dir = options_value_or(&options, "dir", dir && dir[0] ? dir : NULL);
	cli->json = options_flag(&options, "json");
	if (!cli->dir && !verb->offline) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_NO_DIR, NULL);
		return cli_usage(cli);
	}
	return verb->run(cli, &options);
}

static int help(struct cli *cli, int argc, char *const *argv)
{
	int at[2] = {0, 0};
	size_t count = leading_words(argc, argv, at), words;
	if (count == 0)
		return help_all();
	const char *first = argv[at[0]], *second = count > 1 ? argv[at[1]] : NULL;
	const struct cli_verb *verb = find_verb(first, second, &words);
	if (verb)
		return help_verb(verb);
	return !second && help_group(first, stdout) ? CLI_DONE : unknown_verb(cli, first, second);
}

static bool has_word(int argc, char *const *argv, const char *word)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], word) == 0)
			return true;
	}
	return false;
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
	int at[2] = {0, 0};
	size_t count = leading_words(argc, argv, at);
	size_t words;
	if (has_word(count > 0 ? at[0] : argc, argv, "--version")) {
		printf("tongban %s\n", TONGBAN_VERSION);
		return CLI_DONE;
	}
	bool asked = has_word(argc, argv, "--help");
	if (count == 0) {
		help_all();
		return asked ? CLI_DONE : CLI_USAGE;
	}
	const char *first = argv[at[0]];
	const char *second = count > 1 ? argv[at[1]] : NULL;
	if (strcmp(first, "help") == 0)
		return help(cli, argc - at[0] - 1, argv + at[0] + 1);
	cli->verb = find_verb(first, second, &words);
	if (!cli->verb && !second && help_group(first, asked ? stdout : stderr))
		return asked ? CLI_DONE : CLI_USAGE;
	if (!cli->verb)
		return unknown_verb(cli, first, second);
	/* What is left are the verb's options and operands. */
	int left = 0;
	for (int i = 0; i < argc; i++) {
		if (i != at[0] && (words < 2 || i != at[1]))
			argv[left++] = argv[i];
	}
	return run_verb(cli, left, argv);
}

int main(int argc, char **argv)
{
	struct cli cli = {0};
	/* A pipe that was closed is an error of the write, which is seen below. */
	signal(SIGPIPE, SIG_IGN);
	text_use(text_language(early_value(argc - 1, argv + 1, "--lang"), getenv("LC_ALL"),
	                       getenv("LC_MESSAGES"), getenv("LANG")));
	int status = argc > 0 ? dispatch(&cli, argc - 1, argv + 1) : CLI_USAGE;
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_DONE) {
		text_fail(&cli.error, TB_EIO, TEXT_M_STDOUT, NULL);
		status = cli_fail(&cli, TB_EIO);
	}
	client_free(cli.client);
	tb_arena_clear(&cli.arena);
	return status;
}
