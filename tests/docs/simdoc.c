/* tongban-simdoc: the tables of docs/simulator.md, from what the simulator itself runs on.
 *
 *   tongban-simdoc FILE           status 1 if a table of FILE is not what it should be
 *   tongban-simdoc --write FILE   brings them up to date
 *
 * A table stands between "<!-- name -->" and "<!-- end -->". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check.h"
#include "sim/faults.h"
#include "sim/hostile.h"
#include "sim/report_priv.h"
#include "sim/scenario.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static void rules(struct tb_buf *out)
{
	tb_buf_str(out, "| invariant | what must always hold | |\n|---|---|---|\n");
	for (unsigned i = 0; i < SIM_RULES; i++) {
		const char *word = sim_rule_word((enum sim_rule)i), *zh = report_zh(word);
		tb_buf_printf(out, "| `%s` | %s | %s |\n", word, sim_rule_sentence((enum sim_rule)i),
		              zh ? zh : "");
	}
}

static void marks(struct tb_buf *out)
{
	tb_buf_str(out, "| mark | in every standard campaign | what was reached | |\n|---|---|---|---|\n");
	for (unsigned i = 0; i < SIM_MARKS; i++) {
		const char *word = sim_mark_word((enum sim_mark)i), *zh = report_zh(word);
		tb_buf_printf(out, "| `%s` | %s | %s | %s |\n", word,
		              sim_mark_required((enum sim_mark)i) ? "yes" : "",
		              sim_mark_sentence((enum sim_mark)i), zh ? zh : "");
	}
}

static void acts(struct tb_buf *out)
{
	static const char *const told[][2] = {
#define XX(name, word, sentence) {word, sentence},
		SIM_ACT_MAP(XX)
#undef XX
	};
	tb_buf_str(out, "| act | what a hostile node does |\n|---|---|\n");
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		tb_buf_printf(out, "| `%s` | %s |\n", told[i][0], told[i][1]);
}

static void verbs(struct tb_buf *out, bool expects)
{
	tb_buf_printf(out, "| %s | fields | |\n|---|---|---|\n", expects ? "expectation" : "verb");
	for (unsigned i = 0; i < SIM_VERBS; i++) {
		if (sim_verb_expects((enum sim_verb)i) != expects)
			continue;
		tb_buf_printf(out, "| `%s` | ", sim_verb_word((enum sim_verb)i));
		sim_verb_fields(out, (enum sim_verb)i);
		tb_buf_printf(out, " | %s |\n", sim_verb_sentence((enum sim_verb)i));
	}
}

static void steps(struct tb_buf *out)
{
	verbs(out, false);
}

static void expectations(struct tb_buf *out)
{
	verbs(out, true);
}

static void decisions(struct tb_buf *out)
{
	for (unsigned i = 0; i < SIM_DECISION_KINDS; i++)
		tb_buf_printf(out, "%s`%s`", i ? ", " : "", sim_decision_word((enum sim_decision_kind)i));
	tb_buf_str(out, "\n");
}

static void presets(struct tb_buf *out)
{
	const struct sim_preset *preset;
	for (size_t i = 0; (preset = sim_preset_at(i)); i++)
		tb_buf_printf(out, "%s`%s`", i ? ", " : "", sim_preset_name(preset));
	tb_buf_str(out, "\n");
}

static const struct {
	const char *name;
	void (*write)(struct tb_buf *out);
} tables[] = {{"presets", presets}, {"verbs", steps}, {"expectations", expectations}, {"invariants", rules},
              {"marks", marks},     {"acts", acts},   {"decisions", decisions}};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

/* |text| with every table as it should be; false: one is missing, or has no end. */
static bool renew(struct tb_buf *out, const char *text)
{
	size_t found = 0;
	for (const char *at = text; *at;) {
		const char *line = at;
		size_t size = strcspn(at, "\n");
		at += size + (at[size] == '\n');
		tb_buf_add(out, line, (size_t)(at - line));
		for (size_t i = 0; i < TABLES; i++) {
			char head[64];
			snprintf(head, sizeof(head), "<!-- %s -->", tables[i].name);
			if (size != strlen(head) || memcmp(line, head, size) != 0)
				continue;
			tb_buf_str(out, "\n");
			tables[i].write(out);
			tb_buf_str(out, "\n");
			at = strstr(at, "<!-- end -->");
			found++;
			if (!at)
				return false;
			break;
		}
	}
	return found == TABLES;
}

static char *read_all(const char *path)
{
	static char text[FILE_BYTES_MAX];
	FILE *file = fopen(path, "rb");
	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

/* Names that are new want their Chinese, for the report. */
static bool chinese(void)
{
	bool all = true;
	for (unsigned i = 0; i < SIM_RULES + SIM_MARKS; i++) {
		const char *word = i < SIM_RULES ? sim_rule_word((enum sim_rule)i)
		                                 : sim_mark_word((enum sim_mark)(i - SIM_RULES));
		if (report_zh(word))
			continue;
		fprintf(stderr, "sim/report_words.c: no Chinese for %s\n", word);
		all = false;
	}
	return all;
}

int main(int argc, char **argv)
{
	struct tb_buf out = {0};
	bool writes = argc == 3 && strcmp(argv[1], "--write") == 0;
	if (argc != 2 && !writes) {
		fputs("tongban-simdoc [--write] FILE\n", stderr);
		return 2;
	}
	const char *path = argv[argc - 1], *text = read_all(path);
	bool whole = renew(&out, text), same = strcmp(tb_buf_text(&out), text) == 0;
	if (!whole)
		fprintf(stderr, "%s: a table's place is missing, or its end\n", path);
	if (whole && writes) {
		FILE *file = fopen(path, "wb");
		whole = file && fwrite(out.data, 1, out.size, file) == out.size;
		whole = (!file || fclose(file) == 0) && whole;
	} else if (whole && !same) {
		fprintf(stderr, "%s: tables are not those of the program; bin/tongban-simdoc --write %s\n",
		        path, path);
	}
	tb_buf_clear(&out);
	return whole && chinese() && (same || writes) ? 0 : 1;
}
