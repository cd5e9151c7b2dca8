#include "sim/scenario.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/limits.h"
#include "sim/scenario_priv.h"

/* What a verb's keys are: where the value goes, how it is read, whether it must be there. */
enum value_kind {
	V_NODE,
	V_GROUP,
	V_NEW_CASE,
	V_CASE,
	V_WORD,
	V_TEXT,
	V_NUMBER,
	V_BYTES,
	V_SPAN,
	V_STEP,
	V_FLAG
};

struct key_row {
	const char *key;
	enum value_kind kind;
	size_t at; /* offset in struct sim_step */
	bool required;
	const char *choices; /* V_WORD: "a|b|c"; NULL: any */
	int64_t most;        /* V_NUMBER: from 0, or from minus |most| where |low| is set */
	bool low;
};

enum { KEYS_MAX = 6 };

struct verb_row {
	const char *word;
	bool expects; /* belongs under expect */
	struct key_row keys[KEYS_MAX];
};

#define AT(field) offsetof(struct sim_step, field)
#define EVENTS                                                                                        \
	"check|ask|bring|send|post|lost|sign|return|fix|close|accept|notify|supplement|refuse|start|" \
	"suspend|"                                                                                    \
	"resume|extend|grant|deny|dispatch|hand_over|evaluate|withdraw|consult"
#define STATES                                                                                     \
	"draft|received|checking|window_waits|transfer|signed_for|returned|accepted|not_accepted|" \
	"correction|"                                                                              \
	"review|special|granted|denied|delivering|closed|withdrawn|terminated"
#define NODE                                   \
	{                                      \
		"node", V_NODE, AT(node), true \
	}
#define FOR                                    \
	{                                      \
		"for", V_SPAN, AT(span), false \
	}
#define LINK                                                              \
	{"from", V_NODE, AT(node), true}, {"to", V_NODE, AT(peer), true}, \
	{                                                                 \
		"one-way", V_FLAG, AT(flag), false                        \
	}

static const struct verb_row verbs[SIM_VERBS] = {
	[SIM_STEP_SUBMIT] = {"submit",
                             false,
                             {{"case", V_NEW_CASE, AT(case_label), true},
                              {"window", V_NODE, AT(node), true},
                              {"home", V_NODE, AT(peer), true},
                              {"material", V_BYTES, AT(number), false},
                              {"by-hand", V_FLAG, AT(flag), false},
                              {"originals", V_FLAG, AT(originals), false}}},
	[SIM_STEP_ACT] = {"act",
                          false,
                          {{"case", V_CASE, AT(case_label), true},
                           {"event", V_WORD, AT(word), true, EVENTS},
                           {"side", V_WORD, AT(side), true, "window|home"},
                           {"reason", V_TEXT, AT(text), false},
                           {"days", V_NUMBER, AT(number), false, NULL, 365},
                           {"grade", V_NUMBER, AT(number), false, NULL, 5}}},
	[SIM_STEP_VERIFY] = {"verify",
                             false,
                             {{"from", V_NODE, AT(node), true},
                              {"to", V_NODE, AT(peer), true},
                              {"times", V_NUMBER, AT(number), false, NULL, 100000}}},
	[SIM_STEP_CRASH] = {"crash", false, {NODE, FOR}},
	[SIM_STEP_POWER_LOSS] = {"power-loss", false, {NODE, FOR}},
	[SIM_STEP_PAUSE] = {"pause", false, {NODE, FOR}},
	[SIM_STEP_START] = {"start", false, {NODE}},
	[SIM_STEP_BACKUP] = {"backup", false, {NODE}},
	[SIM_STEP_RESTORE] = {"restore", false, {NODE}},
	[SIM_STEP_UPGRADE] = {"upgrade", false, {NODE}},
	[SIM_STEP_CLOCK] = {"clock",
                            false,
                            {NODE,
                             {"step", V_STEP, AT(span), false},
                             {"drift-ppm", V_NUMBER, AT(number), false, NULL, 100000, true}}},
	[SIM_STEP_DISK] = {"disk",
                           false,
                           {NODE, {"is", V_WORD, AT(word), true, "full|failing|slow|well"}, FOR}},
	[SIM_STEP_ROT] = {"rot", false, {NODE, {"file", V_TEXT, AT(text), true}}},
	[SIM_STEP_CUT] = {"cut", false, {LINK, FOR}},
	[SIM_STEP_SLOW] = {"slow", false, {LINK, {"by", V_SPAN, AT(delay), true}, FOR}},
	[SIM_STEP_LOSE] = {"lose", false, {LINK, {"percent", V_NUMBER, AT(number), true, NULL, 100}, FOR}},
	[SIM_STEP_SPLIT] = {"split", false, {{"nodes", V_GROUP, AT(group), true}, FOR}},
	[SIM_STEP_HEAL] = {"heal", false, {{0}}},
	[SIM_STEP_HOSTILE] = {"hostile",
                              false,
                              {NODE, {"to", V_NODE, AT(peer), false}, {"does", V_WORD, AT(word), true}}},
	[SIM_EXPECT_CASE] = {"case-is",
                             true,
                             {{"case", V_CASE, AT(case_label), true},
                              NODE,
                              {"state", V_WORD, AT(word), true, STATES}}},
	[SIM_EXPECT_MARK] = {"mark",
                             true,
                             {{"name", V_WORD, AT(word), true},
                              {"times", V_NUMBER, AT(number), false, NULL, 1000000}}},
	[SIM_EXPECT_QUIET] = {"quiet", true, {{0}}},
};

struct reading {
	yaml_document_t *document;
	struct sim_scenario *scenario;
	const char *name;
	tb_time last; /* time of the step before */
	struct tb_error *err;
};

const char *sim_verb_word(enum sim_verb verb)
{
	return verbs[verb].word;
}

/* ---- the document */

static yaml_node_t *at_index(const struct reading *reading, int index)
{
	return yaml_document_get_node(reading->document, index);
}

static unsigned line_of(const yaml_node_t *node)
{
	return (unsigned)node->start_mark.line + 1;
}

#define REFUSE(reading, node, ...) refuse((reading)->err, (reading)->name, line_of(node), __VA_ARGS__)

TB_PRINTF(4, 5)
static enum tb_code refuse(struct tb_error *err, const char *name, unsigned line, const char *fmt, ...)
{
	char text[TB_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return tb_fail(err, TB_EINVALID, "%s, line %u: %s", name, line, text);
}

/* The text of a scalar; NULL if |node| is something else or holds a NUL. */
static const char *text_of(const yaml_node_t *node)
{
	if (node->type != YAML_SCALAR_NODE)
		return NULL;
	const char *text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

static const char *keep(struct reading *reading, const char *text)
{
	return tb_arena_str(&reading->scenario->arena, text);
}

static size_t items_count(const yaml_node_t *list)
{
	return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static yaml_node_t *item_at(const struct reading *reading, const yaml_node_t *list, size_t i)
{
	return at_index(reading, list->data.sequence.items.start[i]);
}

/* The value of |key|, NULL if it is not there. */
static yaml_node_t *value_of(const struct reading *reading, const yaml_node_t *map, const char *key)
{
	for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top;
	     pair++) {
		const char *text = text_of(at_index(reading, pair->key));
		if (text && strcmp(text, key) == 0)
			return at_index(reading, pair->value);
	}
	return NULL;
}

/* That |map| is a mapping without a key twice, and that every key is among |known|, ended by NULL. */
static enum tb_code check_keys(struct reading *reading, const yaml_node_t *map, const char *what,
                               const char *const *known)
{
	if (map->type != YAML_MAPPING_NODE)
		return REFUSE(reading, map, "%s is not a list of keys and values", what);
	for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top;
	     pair++) {
		const yaml_node_t *key = at_index(reading, pair->key);
		const char *text = text_of(key);
		size_t i = 0;
		while (known[i] && text && strcmp(known[i], text) != 0)
			i++;
		if (!text || !known[i])
			return REFUSE(reading, key, "%s: there is no \"%s\" here", what, text ? text : "?");
		if (value_of(reading, map, text) != at_index(reading, pair->value))
			return REFUSE(reading, key, "%s: \"%s\" is here twice", what, text);
	}
	return TB_OK;
}

/* ---- values of steps */

static enum tb_code read_node(struct reading *reading, const yaml_node_t *node, uint32_t *out)
{
	const char *text = text_of(node);
	const struct sim_scenario *scenario = reading->scenario;
	for (size_t i = 0; text && i < scenario->nodes_count; i++) {
		if (strcmp(scenario->nodes[i].region, text) == 0) {
			*out = (uint32_t)i;
			return TB_OK;
		}
	}
	return REFUSE(reading, node, "\"%s\" is not among the nodes", text ? text : "?");
}

static enum tb_code read_group(struct reading *reading, const yaml_node_t *node, struct sim_step *step)
{
	if (node->type != YAML_SEQUENCE_NODE || items_count(node) == 0)
		return REFUSE(reading, node, "not a list of nodes");
	size_t count = items_count(node);
	uint32_t *group = tb_arena_alloc(&reading->scenario->arena, count * sizeof(*group));
	for (size_t i = 0; i < count; i++) {
		enum tb_code code = read_node(reading, item_at(reading, node, i), &group[i]);
		if (code != TB_OK)
			return code;
	}
	step->group = group;
	step->group_count = count;
	return TB_OK;
}

static enum tb_code read_case(struct reading *reading, const yaml_node_t *node, bool is_new, uint32_t *out)
{
	struct sim_scenario *scenario = reading->scenario;
	const char *text = text_of(node);
	if (!text || !*text || strlen(text) > TB_ID_BYTES_MAX)
		return REFUSE(reading, node, "not the name of a case");
	size_t i = 0;
	while (i < scenario->cases_count && strcmp(scenario->cases[i], text) != 0)
		i++;
	if (is_new && i < scenario->cases_count)
		return REFUSE(reading, node, "case %s was handed in before", text);
	if (!is_new && i == scenario->cases_count)
		return REFUSE(reading, node, "case %s was not handed in before", text);
	if (is_new)
		scenario->cases[scenario->cases_count++] = keep(reading, text); /* room for every step */
	*out = (uint32_t)i;
	return TB_OK;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t size = strlen(text);
	for (const char *at = choices; *at;) {
		size_t word = strcspn(at, "|");
		if (word == size && memcmp(at, text, size) == 0)
			return true;
		at += word + (at[word] == '|');
	}
	return false;
}

static enum tb_code read_flag(struct reading *reading, const yaml_node_t *node, bool *out)
{
	const char *text = text_of(node);
	bool yes = text && strcmp(text, "true") == 0;
	if (!yes && (!text || strcmp(text, "false") != 0))
		return REFUSE(reading, node, "neither true nor false");
	*out = yes;
	return TB_OK;
}

/* Values that are one text. */
static enum tb_code read_scalar(struct reading *reading, const yaml_node_t *node, const struct key_row *row,
                                void *to)
{
	const char *text = text_of(node);
	bool good = text != NULL && *text && strlen(text) <= TB_TEXT_BYTES_MAX;
	switch (good ? row->kind : V_FLAG) {
	case V_WORD:
	case V_TEXT:
		good = !row->choices || is_choice(row->choices, text);
		*(const char **)to = good ? keep(reading, text) : NULL;
		break;
	case V_NUMBER:
		good = scenario_number(text, row->low ? -row->most : 0, row->most, to);
		break;
	case V_BYTES:
		good = scenario_bytes(text, to);
		break;
	case V_SPAN:
	case V_STEP:
		good = scenario_span(text, row->kind == V_STEP, to);
		break;
	default:
		good = false;
		break;
	}
	if (!good)
		return REFUSE(reading, node, "%s: \"%.64s\" is not possible here%s%s", row->key,
		              text ? text : "?", row->choices ? "; possible are " : "",
		              row->choices ? row->choices : "");
	return TB_OK;
}

static enum tb_code read_value(struct reading *reading, const yaml_node_t *node, const struct key_row *row,
                               struct sim_step *step)
{
	void *to = (char *)step + row->at;
	switch (row->kind) {
	case V_NODE:
		return read_node(reading, node, to);
	case V_GROUP:
		return read_group(reading, node, step);
	case V_NEW_CASE:
	case V_CASE:
		return read_case(reading, node, row->kind == V_NEW_CASE, to);
	case V_FLAG:
		return read_flag(reading, node, to);
	case V_WORD:
	case V_TEXT:
	case V_NUMBER:
	case V_BYTES:
	case V_SPAN:
	case V_STEP:
		return read_scalar(reading, node, row, to);
	}
	return TB_OK;
}

/* ---- steps */

static enum tb_code read_verb(struct reading *reading, const yaml_node_t *node, struct sim_step *step)
{
	const struct verb_row *row = &verbs[step->verb];
	const char *known[KEYS_MAX + 1] = {NULL};
	for (size_t i = 0; i < KEYS_MAX && row->keys[i].key; i++)
		known[i] = row->keys[i].key;
	enum tb_code code = check_keys(reading, node, row->word, known);
	for (size_t i = 0; code == TB_OK && known[i]; i++) {
		const yaml_node_t *value = value_of(reading, node, known[i]);
		if (value)
			code = read_value(reading, value, &row->keys[i], step);
		else if (row->keys[i].required)
			code = REFUSE(reading, node, "%s: \"%s\" is missing", row->word, known[i]);
	}
	if (code == TB_OK && step->node == step->peer && step->node != SIM_NOWHERE)
		code = REFUSE(reading, node, "%s: both sides are the same node", row->word);
	return code;
}

static enum tb_code read_at(struct reading *reading, const yaml_node_t *map, bool expects, tb_time *out)
{
	const struct sim_scenario *scenario = reading->scenario;
	const yaml_node_t *node = value_of(reading, map, "at");
	if (!node && expects) {
		*out = scenario->starts + scenario->lasts;
	} else {
		const char *text = node ? text_of(node) : NULL;
		if (!text || !scenario_at(text, scenario->starts, reading->last, out))
			return REFUSE(reading, node ? node : map, "no time that a step may have");
	}
	if (*out < reading->last)
		return REFUSE(reading, map, "before the step above it, or before the start");
	if (*out > scenario->starts + scenario->lasts)
		return REFUSE(reading, map, "after the end of the story");
	reading->last = *out;
	return TB_OK;
}

/* One step is a time and one verb. */
static enum tb_code read_step(struct reading *reading, const yaml_node_t *map, bool expects,
                              struct sim_step *step)
{
	const char *known[SIM_VERBS + 2] = {"at"};
	const yaml_node_t *found = NULL;
	size_t count = 1;
	for (size_t i = 0; i < SIM_VERBS; i++) {
		if (verbs[i].expects == expects)
			known[count++] = verbs[i].word;
	}
	*step = (struct sim_step){
		.line = line_of(map), .node = SIM_NOWHERE, .peer = SIM_NOWHERE, .case_label = SIM_NOWHERE};
	enum tb_code code = check_keys(reading, map, expects ? "expect" : "step", known);
	for (size_t i = 0; code == TB_OK && i < SIM_VERBS; i++) {
		const yaml_node_t *node = value_of(reading, map, verbs[i].word);
		if (!node)
			continue;
		if (found)
			return REFUSE(reading, map, "two things in one step");
		found = node;
		step->verb = (enum sim_verb)i;
	}
	if (code == TB_OK && !found)
		code = REFUSE(reading, map, "a step without anything to do");
	if (code == TB_OK)
		code = read_at(reading, map, expects, &step->at);
	return code == TB_OK ? read_verb(reading, found, step) : code;
}

static enum tb_code read_steps(struct reading *reading, const yaml_node_t *root, bool expects,
                               struct sim_step **out, size_t *count)
{
	const char *key = expects ? "expect" : "steps";
	const yaml_node_t *list = value_of(reading, root, key);
	reading->last = reading->scenario->starts;
	if (!list && expects)
		return TB_OK; /* Then only the invariants must hold. */
	if (!list || list->type != YAML_SEQUENCE_NODE)
		return REFUSE(reading, list ? list : root, "\"%s\" is not a list", key);
	if (items_count(list) > SIM_SCENARIO_STEPS_MAX)
		return REFUSE(reading, list, "over %d steps", SIM_SCENARIO_STEPS_MAX);
	*out = tb_arena_alloc(&reading->scenario->arena, items_count(list) * sizeof(**out));
	if (!expects)
		reading->scenario->cases =
			tb_arena_alloc(&reading->scenario->arena, items_count(list) * sizeof(char *));
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < items_count(list) && code == TB_OK; i++)
		code = read_step(reading, item_at(reading, list, i), expects, &(*out)[(*count)++]);
	return code;
}

/* ---- the rest of the file */

static bool is_region(const char *text)
{
	return text && strlen(text) == 6 && strspn(text, "0123456789") == 6;
}

static enum tb_code read_one_node(struct reading *reading, const yaml_node_t *node)
{
	static const char *const known[] = {"region", "hostile", NULL};
	struct sim_scenario *scenario = reading->scenario;
	const yaml_node_t *region = node;
	const yaml_node_t *hostile = NULL;
	if (node->type == YAML_MAPPING_NODE) {
		enum tb_code code = check_keys(reading, node, "node", known);
		if (code != TB_OK)
			return code;
		region = value_of(reading, node, "region");
		hostile = value_of(reading, node, "hostile");
	}
	const char *text = region ? text_of(region) : NULL;
	if (!is_region(text) || (hostile && !text_of(hostile)))
		return REFUSE(reading, node, "a node is six digits, or {region: six digits, hostile: word}");
	for (size_t i = 0; i < scenario->nodes_count; i++) {
		if (strcmp(scenario->nodes[i].region, text) == 0)
			return REFUSE(reading, node, "node %s is here twice", text);
	}
	scenario->nodes[scenario->nodes_count++] = (struct sim_scenario_node){
		keep(reading, text), hostile ? keep(reading, text_of(hostile)) : NULL};
	return TB_OK;
}

static enum tb_code read_nodes(struct reading *reading, const yaml_node_t *root)
{
	const yaml_node_t *list = value_of(reading, root, "nodes");
	if (!list || list->type != YAML_SEQUENCE_NODE || items_count(list) == 0)
		return REFUSE(reading, list ? list : root, "\"nodes\" is not a list of regions");
	if (items_count(list) > SIM_SCENARIO_NODES_MAX)
		return REFUSE(reading, list, "over %d nodes", SIM_SCENARIO_NODES_MAX);
	struct sim_scenario *scenario = reading->scenario;
	scenario->nodes = tb_arena_alloc(&scenario->arena, items_count(list) * sizeof(*scenario->nodes));
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < items_count(list) && code == TB_OK; i++)
		code = read_one_node(reading, item_at(reading, list, i));
	return code;
}

static enum tb_code read_grant(struct reading *reading, const yaml_node_t *node,
                               struct sim_scenario_grant *out)
{
	static const char *const known[] = {"at", "to", "verify", "cases", NULL};
	*out = (struct sim_scenario_grant){.verify = "none"};
	enum tb_code code = check_keys(reading, node, "grant", known);
	if (code != TB_OK)
		return code;
	const yaml_node_t *at = value_of(reading, node, "at");
	const yaml_node_t *to = value_of(reading, node, "to");
	const yaml_node_t *verify = value_of(reading, node, "verify");
	const yaml_node_t *cases = value_of(reading, node, "cases");
	if (!at || !to)
		return REFUSE(reading, node, "a grant says \"at\" and \"to\"");
	code = read_node(reading, at, &out->at);
	if (code == TB_OK)
		code = read_node(reading, to, &out->to);
	if (code == TB_OK && cases)
		code = read_flag(reading, cases, &out->cases);
	if (code == TB_OK && verify) {
		const char *text = text_of(verify);
		if (!text || !is_choice("none|status|match|document", text))
			return REFUSE(reading, verify, "verify: none, status, match or document");
		out->verify = keep(reading, text);
	}
	return code;
}

static enum tb_code read_grants(struct reading *reading, const yaml_node_t *root)
{
	struct sim_scenario *scenario = reading->scenario;
	const yaml_node_t *list = value_of(reading, root, "grants");
	scenario->grants_all = !list;
	if (!list)
		return TB_OK;
	if (list->type != YAML_SEQUENCE_NODE || items_count(list) > SIM_SCENARIO_GRANTS_MAX)
		return REFUSE(reading, list, "\"grants\" is not a list, or over %d", SIM_SCENARIO_GRANTS_MAX);
	scenario->grants = tb_arena_alloc(&scenario->arena, items_count(list) * sizeof(*scenario->grants));
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < items_count(list) && code == TB_OK; i++)
		code = read_grant(reading, item_at(reading, list, i),
		                  &scenario->grants[scenario->grants_count++]);
	return code;
}

/* The text under |key|; |otherwise| if it is not there, NULL there: it must be. */
static enum tb_code read_text(struct reading *reading, const yaml_node_t *root, const char *key,
                              const char *otherwise, const char **out)
{
	const yaml_node_t *node = value_of(reading, root, key);
	const char *text = node ? text_of(node) : otherwise;
	if (!text || strlen(text) > TB_TEXT_BYTES_MAX)
		return REFUSE(reading, node ? node : root, "\"%s\" is missing, too long or not a text", key);
	*out = keep(reading, text);
	return TB_OK;
}

static enum tb_code read_head(struct reading *reading, const yaml_node_t *root)
{
	static const char *const known[] = {"title", "teaches", "preset", "seed",   "starts", "lasts",
	                                    "nodes", "grants",  "steps",  "expect", NULL};
	struct sim_scenario *scenario = reading->scenario;
	const char *starts = NULL;
	const char *lasts = NULL;
	const char *seed = NULL;
	enum tb_code code = check_keys(reading, root, "scenario", known);
	if (code == TB_OK)
		code = read_text(reading, root, "title", NULL, &scenario->title);
	if (code == TB_OK)
		code = read_text(reading, root, "teaches", "", &scenario->teaches);
	if (code == TB_OK)
		code = read_text(reading, root, "preset", "calm", &scenario->preset);
	if (code == TB_OK)
		code = read_text(reading, root, "starts", NULL, &starts);
	if (code == TB_OK)
		code = read_text(reading, root, "lasts", NULL, &lasts);
	if (code == TB_OK)
		code = read_text(reading, root, "seed", "1", &seed);
	if (code != TB_OK)
		return code;
	int64_t number = 0;
	if (!scenario_moment(starts, &scenario->starts))
		return REFUSE(reading, root, "starts: not of the form 2026-09-21 09:00");
	if (!scenario_span(lasts, false, &scenario->lasts) || scenario->lasts == 0)
		return REFUSE(reading, root, "lasts: not of the form 3d or 1h30m");
	if (!scenario_number(seed, 0, INT64_MAX, &number))
		return REFUSE(reading, root, "seed: not a number");
	scenario->seed = (uint64_t)number;
	return TB_OK;
}

static enum tb_code read_root(struct reading *reading, const yaml_node_t *root)
{
	struct sim_scenario *scenario = reading->scenario;
	enum tb_code code = read_head(reading, root);
	if (code == TB_OK)
		code = read_nodes(reading, root);
	if (code == TB_OK)
		code = read_grants(reading, root);
	if (code == TB_OK)
		code = read_steps(reading, root, false, &scenario->steps, &scenario->steps_count);
	if (code == TB_OK)
		code = read_steps(reading, root, true, &scenario->expects, &scenario->expects_count);
	return code;
}

enum tb_code sim_scenario_read(struct sim_scenario **out, struct tb_bytes yaml, const char *name,
                               struct tb_error *err)
{
	yaml_parser_t parser;
	yaml_document_t document;
	*out = NULL;
	if (yaml.size > TB_FILE_BYTES_MAX)
		return tb_fail(err, TB_EMALFORMED, "%s: over %d bytes", name, TB_FILE_BYTES_MAX);
	int ready = yaml_parser_initialize(&parser);
	assert(ready == 1);
	yaml_parser_set_input_string(&parser, yaml.data, yaml.size);
	if (yaml_parser_load(&parser, &document) != 1) {
		enum tb_code code =
			tb_fail(err, TB_EMALFORMED, "%s, line %zu: %s", name, parser.problem_mark.line + 1,
		                parser.problem ? parser.problem : "?");
		yaml_parser_delete(&parser);
		return code;
	}
	struct sim_scenario *scenario = tb_alloc(sizeof(*scenario));
	struct reading reading = {.document = &document, .scenario = scenario, .name = name, .err = err};
	const yaml_node_t *root = yaml_document_get_root_node(&document);
	enum tb_code code =
		root ? read_root(&reading, root) : tb_fail(err, TB_EINVALID, "%s: nothing is in it", name);
	if (code == TB_OK) {
		*out = scenario;
		scenario = NULL; /* Handed over. */
	}
	sim_scenario_free(scenario);
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	return code;
}

void sim_scenario_free(struct sim_scenario *scenario)
{
	if (!scenario)
		return;
	tb_arena_clear(&scenario->arena);
	free(scenario);
}
