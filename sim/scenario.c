#include "sim/scenario.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/limits.h"
#include "sim/faults.h"
#include "sim/hostile.h"
#include "sim/marks.h"
#include "sim/scenario_priv.h"

struct reading {
	yaml_document_t *document;
	struct sim_scenario *scenario;
	const char *name;
	tb_time last;      /* time of the step before */
	const char *verb;  /* what is being read, for messages; NULL: none */
	const char *field; /* of it; NULL: none */
	struct tb_error *err;
};

/* ---- the document */

static yaml_node_t *at_index(const struct reading *reading, int index)
{
	return yaml_document_get_node(reading->document, index);
}

static unsigned line_of(const yaml_node_t *node)
{
	return (unsigned)node->start_mark.line + 1;
}

/* "story.yaml, line 7: crash: for: " and the reason. */
TB_PRINTF(3, 4)
static enum tb_code refuse(const struct reading *reading, const yaml_node_t *node, const char *fmt, ...)
{
	char text[TB_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return tb_fail(reading->err, TB_EINVALID, "%s, line %u: %s%s%s%s%s", reading->name, line_of(node),
	               reading->verb ? reading->verb : "", reading->verb ? ": " : "",
	               reading->field ? reading->field : "", reading->field ? ": " : "", text);
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
static enum tb_code check_keys(struct reading *reading, const yaml_node_t *map, const char *const *known)
{
	if (map->type != YAML_MAPPING_NODE)
		return refuse(reading, map, "not a list of keys and values");
	for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top;
	     pair++) {
		const yaml_node_t *key = at_index(reading, pair->key);
		const char *text = text_of(key);
		size_t i = 0;
		while (known[i] && text && strcmp(known[i], text) != 0)
			i++;
		if (!text || !known[i])
			return refuse(reading, key, "there is no \"%s\" here", text ? text : "?");
		if (value_of(reading, map, text) != at_index(reading, pair->value))
			return refuse(reading, key, "\"%s\" is here twice", text);
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
	return refuse(reading, node, "\"%s\" is not among the nodes", text ? text : "?");
}

static enum tb_code read_group(struct reading *reading, const yaml_node_t *node, struct sim_step *step)
{
	if (node->type != YAML_SEQUENCE_NODE || items_count(node) == 0)
		return refuse(reading, node, "not a list of nodes");
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

static void label_add(struct reading *reading, struct sim_labels *labels, const char *text)
{
	struct tb_arena *arena = &reading->scenario->arena;
	if (labels->count == labels->room) {
		size_t room = labels->room ? 2 * labels->room : 16;
		const char **names = tb_arena_alloc(arena, room * sizeof(*names));
		if (labels->count > 0)
			memcpy(names, labels->names, labels->count * sizeof(*names));
		labels->names = names;
		labels->room = room;
	}
	labels->names[labels->count++] = keep(reading, text);
}

static enum tb_code read_label(struct reading *reading, const yaml_node_t *node, struct sim_labels *labels,
                               bool is_new, uint32_t *out)
{
	const char *text = text_of(node);
	if (!text || !*text || strlen(text) > TB_ID_BYTES_MAX)
		return refuse(reading, node, "not a name");
	size_t i = 0;
	while (i < labels->count && strcmp(labels->names[i], text) != 0)
		i++;
	if (is_new && i < labels->count)
		return refuse(reading, node, "%s is the name of another one", text);
	if (!is_new && i == labels->count)
		return refuse(reading, node, "nothing before is called %s", text);
	if (is_new)
		label_add(reading, labels, text);
	*out = (uint32_t)i;
	return TB_OK;
}

static enum tb_code read_flag(struct reading *reading, const yaml_node_t *node, bool *out)
{
	const char *text = text_of(node);
	bool yes = text && strcmp(text, "true") == 0;
	if (!yes && (!text || strcmp(text, "false") != 0))
		return refuse(reading, node, "neither true nor false");
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
		good = good && (!row->choices || scenario_is_choice(row->choices, text));
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
		return refuse(reading, node, "\"%.64s\" is not possible here%s%s", text ? text : "?",
		              row->choices ? "; possible are " : "", row->choices ? row->choices : "");
	return TB_OK;
}

static enum tb_code read_value(struct reading *reading, const yaml_node_t *node, const struct key_row *row,
                               struct sim_step *step)
{
	struct sim_scenario *scenario = reading->scenario;
	void *to = (char *)step + row->at;
	switch (row->kind) {
	case V_NODE:
		return read_node(reading, node, to);
	case V_GROUP:
		return read_group(reading, node, step);
	case V_NEW_CASE:
	case V_CASE:
		return read_label(reading, node, &scenario->cases, row->kind == V_NEW_CASE, to);
	case V_NEW_AGREEMENT:
	case V_AGREEMENT:
		return read_label(reading, node, &scenario->agreements, row->kind == V_NEW_AGREEMENT, to);
	case V_NEW_MATTER:
	case V_MATTER:
		return read_label(reading, node, &scenario->matters, row->kind == V_NEW_MATTER, to);
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

/* Words that only the rest of the simulator knows. */
static enum tb_code check_words(struct reading *reading, const yaml_node_t *node, const struct sim_step *step)
{
	enum sim_act act;
	unsigned mark = 0;
	while (step->verb == SIM_EXPECT_MARK && mark < SIM_MARKS &&
	       strcmp(sim_mark_word((enum sim_mark)mark), step->word) != 0)
		mark++;
	if (mark == SIM_MARKS)
		return refuse(reading, node, "name: there is no mark \"%s\"", step->word);
	if (step->verb == SIM_STEP_HOSTILE && !sim_act_find(step->word, &act))
		return refuse(reading, node, "does: there is no hostile act \"%s\"", step->word);
	return TB_OK;
}

/* The parts of a joint case are cases, too. */
static enum tb_code read_parts(struct reading *reading, const yaml_node_t *node, const struct sim_step *step)
{
	char name[TB_ID_BYTES_MAX + 16];
	struct sim_labels *cases = &reading->scenario->cases;
	if (step->group_count > SIM_SCENARIO_GROUP_MAX)
		return refuse(reading, node, "over %d regions", SIM_SCENARIO_GROUP_MAX);
	for (size_t i = 0; i < step->group_count && step->verb == SIM_STEP_JOINT; i++) {
		snprintf(name, sizeof(name), "%s.%zu", cases->names[step->case_label], i + 1);
		for (size_t k = 0; k < cases->count; k++) {
			if (strcmp(cases->names[k], name) == 0)
				return refuse(reading, node, "%s is the name of another one", name);
		}
		label_add(reading, cases, name);
	}
	return TB_OK;
}

static enum tb_code read_fields(struct reading *reading, const yaml_node_t *node, struct sim_step *step)
{
	const struct verb_row *row = &scenario_verbs[step->verb];
	const char *known[KEYS_MAX + 1] = {NULL};
	for (size_t i = 0; i < KEYS_MAX && row->keys[i].key; i++)
		known[i] = row->keys[i].key;
	enum tb_code code = check_keys(reading, node, known);
	for (size_t i = 0; code == TB_OK && known[i]; i++) {
		const yaml_node_t *value = value_of(reading, node, known[i]);
		reading->field = known[i];
		if (value)
			code = read_value(reading, value, &row->keys[i], step);
		else if (row->keys[i].required)
			code = refuse(reading, node, "is missing");
	}
	reading->field = NULL;
	return code;
}

static enum tb_code read_verb(struct reading *reading, const yaml_node_t *node, struct sim_step *step)
{
	reading->verb = scenario_verbs[step->verb].word;
	enum tb_code code = read_fields(reading, node, step);
	if (code == TB_OK && step->node == step->peer && step->node != SIM_NOWHERE)
		code = refuse(reading, node, "both sides are the same node");
	if (code == TB_OK)
		code = check_words(reading, node, step);
	if (code == TB_OK && (step->verb == SIM_STEP_JOINT || step->verb == SIM_STEP_PROPOSE))
		code = read_parts(reading, node, step);
	reading->verb = NULL;
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
			return refuse(reading, node ? node : map, "at: %s",
			              node ? "no time that a step may have" : "is missing");
	}
	if (*out < reading->last)
		return refuse(reading, map, "at: before the step above it, or before the start");
	if (*out > scenario->starts + scenario->lasts)
		return refuse(reading, map, "at: after the end of the story");
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
		if (scenario_verbs[i].expects == expects)
			known[count++] = scenario_verbs[i].word;
	}
	*step = (struct sim_step){
		.line = line_of(map), .node = SIM_NOWHERE, .peer = SIM_NOWHERE, .case_label = SIM_NOWHERE};
	reading->verb = expects ? "expect" : "step";
	enum tb_code code = check_keys(reading, map, known);
	reading->verb = NULL;
	for (size_t i = 0; code == TB_OK && i < SIM_VERBS; i++) {
		const yaml_node_t *node = value_of(reading, map, scenario_verbs[i].word);
		if (!node)
			continue;
		if (found)
			return refuse(reading, map, "two things in one step");
		found = node;
		step->verb = (enum sim_verb)i;
	}
	if (code == TB_OK && !found)
		code = refuse(reading, map, "a step without anything to do");
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
		return refuse(reading, list ? list : root, "%s: not a list", key);
	if (items_count(list) > SIM_SCENARIO_STEPS_MAX)
		return refuse(reading, list, "%s: over %d", key, SIM_SCENARIO_STEPS_MAX);
	*out = tb_arena_alloc(&reading->scenario->arena, items_count(list) * sizeof(**out));
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
		enum tb_code code = check_keys(reading, node, known);
		if (code != TB_OK)
			return code;
		region = value_of(reading, node, "region");
		hostile = value_of(reading, node, "hostile");
	}
	const char *text = region ? text_of(region) : NULL;
	if (!is_region(text) || (hostile && !text_of(hostile)))
		return refuse(reading, node, "a node is six digits, or {region: six digits, hostile: word}");
	enum sim_act act;
	if (hostile && !sim_act_find(text_of(hostile), &act))
		return refuse(reading, hostile, "hostile: there is no hostile act \"%s\"", text_of(hostile));
	for (size_t i = 0; i < scenario->nodes_count; i++) {
		if (strcmp(scenario->nodes[i].region, text) == 0)
			return refuse(reading, node, "node %s is here twice", text);
	}
	scenario->nodes[scenario->nodes_count++] = (struct sim_scenario_node){
		keep(reading, text), hostile ? keep(reading, text_of(hostile)) : NULL};
	return TB_OK;
}

static enum tb_code read_nodes(struct reading *reading, const yaml_node_t *root)
{
	const yaml_node_t *list = value_of(reading, root, "nodes");
	if (!list || list->type != YAML_SEQUENCE_NODE || items_count(list) < 2)
		return refuse(reading, list ? list : root, "nodes: not a list of two regions or more");
	if (items_count(list) > SIM_SCENARIO_NODES_MAX)
		return refuse(reading, list, "nodes: over %d", SIM_SCENARIO_NODES_MAX);
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
	enum tb_code code = check_keys(reading, node, known);
	if (code != TB_OK)
		return code;
	const yaml_node_t *at = value_of(reading, node, "at");
	const yaml_node_t *to = value_of(reading, node, "to");
	const yaml_node_t *verify = value_of(reading, node, "verify");
	const yaml_node_t *cases = value_of(reading, node, "cases");
	if (!at || !to)
		return refuse(reading, node, "a grant says \"at\" and \"to\"");
	reading->field = "at";
	code = read_node(reading, at, &out->at);
	reading->field = "to";
	if (code == TB_OK)
		code = read_node(reading, to, &out->to);
	reading->field = "cases";
	if (code == TB_OK && cases)
		code = read_flag(reading, cases, &out->cases);
	reading->field = NULL;
	if (code == TB_OK && verify) {
		const char *text = text_of(verify);
		if (!text || !scenario_is_choice("none|status|match|document", text))
			return refuse(reading, verify, "verify: none, status, match or document");
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
		return refuse(reading, list, "grants: not a list, or over %d", SIM_SCENARIO_GRANTS_MAX);
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
		return refuse(reading, node ? node : root, "%s: is missing, too long or not a text", key);
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
	enum tb_code code = check_keys(reading, root, known);
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
		return refuse(reading, value_of(reading, root, "starts"),
		              "starts: not of the form 2026-09-21 09:00");
	if (!scenario_span(lasts, false, &scenario->lasts) || scenario->lasts == 0)
		return refuse(reading, value_of(reading, root, "lasts"),
		              "lasts: not of the form 3d or 1h30m");
	if (!scenario_number(seed, 0, INT64_MAX, &number))
		return refuse(reading, value_of(reading, root, "seed"), "seed: not a number");
	if (!sim_preset_find(scenario->preset))
		return refuse(reading, value_of(reading, root, "preset"), "preset: there is no \"%.64s\"",
		              scenario->preset);
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
	scenario->file = tb_arena_str(&scenario->arena, name);
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
