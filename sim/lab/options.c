#include "sim/lab/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPAN_MOST_S = 24 * 3600, RATE_MOST = 600 };

static const struct {
	const char *word;
	double rate;
	const char *sentence;
} faults[] = {
#define XX(name, word, rate, sentence) {word, rate, sentence},
	LAB_FAULT_MAP(XX)
#undef XX
};

const char *lab_fault_word(enum lab_fault fault)
{
	return faults[fault].word;
}

/* "90", "90s", "3m", "1h" */
static bool parse_span(const char *text, int64_t *out)
{
	char *end;
	double value = strtod(text, &end);
	double unit = *end == 'm' ? 60 : *end == 'h' ? 3600 : 1;
	if (end == text || !isfinite(value) || (*end && (!strchr("smh", *end) || end[1])))
		return false;
	if (value * unit < 1 || value * unit > SPAN_MOST_S)
		return false;
	*out = (int64_t)(value * unit * 1000);
	return true;
}

static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);
	if (end == text || *end || text[0] == '-' || value < least || value > most)
		return false;
	*out = value;
	return true;
}

/* One of "kill" and "kill=2". */
static bool parse_fault(struct lab_options *options, const char *text, size_t size)
{
	const char *equals = memchr(text, '=', size);
	size_t word = equals ? (size_t)(equals - text) : size;
	for (size_t i = 0; i < LAB_FAULTS; i++) {
		if (strlen(faults[i].word) != word || strncmp(faults[i].word, text, word) != 0)
			continue;
		options->rates[i] = faults[i].rate;
		if (!equals)
			return true;
		char *end;
		double rate = strtod(equals + 1, &end);
		options->rates[i] = rate;
		return end == text + size && end != equals + 1 && rate >= 0 && rate <= RATE_MOST;
	}
	return false;
}

static bool parse_faults(struct lab_options *options, const char *text)
{
	memset(options->rates, 0, sizeof(options->rates));
	if (strcmp(text, "none") == 0)
		return true;
	for (;;) {
		size_t size = strcspn(text, ",");
		if (!parse_fault(options, text, size))
			return false;
		if (!text[size])
			return true;
		text += size + 1;
	}
}

static bool parse_one(struct lab_options *options, const char *name, const char *value)
{
	uint64_t number;
	if (strcmp(name, "--nodes") == 0) {
		bool good = parse_number(value, 2, LAB_NODES_MAX, &number);
		options->nodes = good ? (unsigned)number : 0;
		return good;
	}
	if (strcmp(name, "--seed") == 0)
		return parse_number(value, 0, UINT64_MAX, &options->seed);
	if (strcmp(name, "--for") == 0)
		return parse_span(value, &options->span_ms);
	if (strcmp(name, "--quiet") == 0)
		return parse_span(value, &options->quiet_ms);
	if (strcmp(name, "--faults") == 0)
		return parse_faults(options, value);
	const char **text = strcmp(name, "--tongban") == 0  ? &options->program
	                    : strcmp(name, "--dir") == 0    ? &options->dir
	                    : strcmp(name, "--report") == 0 ? &options->report
	                                                    : NULL;
	if (text)
		*text = value;
	return text && value[0];
}

enum tb_code lab_options_parse(struct lab_options *options, int argc, char **argv, struct tb_error *err)
{
	/* A delivery waits 5 minutes and a fifth at most before it is tried again (docs/operations.md). */
	*options = (struct lab_options){.nodes = 4, .span_ms = 60000, .quiet_ms = 420000, .seed = 1};
	for (size_t i = 0; i < LAB_FAULTS; i++)
		options->rates[i] = faults[i].rate;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--no-excuse") == 0) {
			options->no_excuse = true;
			continue;
		}
		if (i + 1 == argc || !parse_one(options, argv[i], argv[i + 1]))
			return tb_fail(err, TB_EINVALID,
			               "%.40s: unknown, or its value is missing or not possible", argv[i]);
		i++;
	}
	return TB_OK;
}

void lab_options_usage(FILE *file)
{
	fputs("usage: tongban-lab run [--nodes N] [--for 3m] [--seed N] [--faults WORD[=RATE],...|none]\n"
	      "                       [--dir DIR] [--report DIR] [--tongban PROGRAM] [--quiet 7m] "
	      "[--no-excuse]\n"
	      "faults, and how many are expected in a minute if nothing else is said:\n",
	      file);
	for (size_t i = 0; i < LAB_FAULTS; i++)
		fprintf(file, "  %-8s %4g  %s\n", faults[i].word, faults[i].rate, faults[i].sentence);
	fputs("exit status: 0 held, 1 no result, 2 usage, 127 a node crashed by itself, 128 not live, 129 a "
	      "rule broke\n",
	      file);
}
