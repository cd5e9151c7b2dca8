#include "node/io/config_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODES_MAX = 8, CREDENTIAL_TYPES_MAX = 32, DAYS_MAX = 3660, RUNS_MAX = 100 };

struct need_yaml {
	char *code;
	char *name;
	int required; /* 0 or 1 */
	char *basis;
	char **credential_types;
	unsigned credential_types_count;
	int original; /* 0 or 1 */
};

struct item_yaml {
	char *code;
	char *name;
	char *department;
	char *department_name;
	char **modes;
	unsigned modes_count;
	unsigned promised_days;
	unsigned legal_days;
	unsigned onsite_runs;
	char *result_type;
	char *base_code;
	char *criteria;
	struct need_yaml *materials;
	unsigned materials_count;
};

struct catalogue_yaml {
	struct item_yaml *items;
	unsigned items_count;
};

static const cyaml_schema_value_t id_value = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, TB_ID_BYTES_MAX)};

/* libcyaml's own boolean takes every word that it does not know for true. */
static const cyaml_strval_t truths[] = {{"false", 0}, {"true", 1}};

static const cyaml_schema_field_t need_fields[] = {
	CYAML_FIELD_STRING_PTR("code", CYAML_FLAG_POINTER, struct need_yaml, code, 1, TB_ID_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct need_yaml, name, 1, TB_NAME_BYTES_MAX),
	CYAML_FIELD_ENUM("required", CYAML_FLAG_STRICT, struct need_yaml, required, truths,
                         CYAML_ARRAY_LEN(truths)),
	CYAML_FIELD_STRING_PTR("basis", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct need_yaml, basis, 0,
                               TB_TEXT_BYTES_MAX),
	CYAML_FIELD_SEQUENCE("credential_types", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct need_yaml,
                             credential_types, &id_value, 0, CREDENTIAL_TYPES_MAX),
	CYAML_FIELD_ENUM("original", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct need_yaml, original,
                         truths, CYAML_ARRAY_LEN(truths)),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t need_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct need_yaml, need_fields)};

static const cyaml_schema_field_t item_fields[] = {
	CYAML_FIELD_STRING_PTR("code", CYAML_FLAG_POINTER, struct item_yaml, code, 1, TB_ID_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct item_yaml, name, 1, TB_NAME_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("department", CYAML_FLAG_POINTER, struct item_yaml, department, 1,
                               TB_ID_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("department_name", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct item_yaml,
                               department_name, 0, TB_NAME_BYTES_MAX),
	CYAML_FIELD_SEQUENCE("modes", CYAML_FLAG_POINTER, struct item_yaml, modes, &id_value, 1, MODES_MAX),
	CYAML_FIELD_UINT("promised_days", CYAML_FLAG_DEFAULT, struct item_yaml, promised_days),
	CYAML_FIELD_UINT("legal_days", CYAML_FLAG_DEFAULT, struct item_yaml, legal_days),
	CYAML_FIELD_UINT("onsite_runs", CYAML_FLAG_OPTIONAL, struct item_yaml, onsite_runs),
	CYAML_FIELD_STRING_PTR("result_type", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct item_yaml,
                               result_type, 0, TB_ID_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("base_code", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct item_yaml,
                               base_code, 0, TB_ID_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("criteria", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct item_yaml,
                               criteria, 0, TB_ID_BYTES_MAX),
	CYAML_FIELD_SEQUENCE("materials", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct item_yaml,
                             materials, &need_value, 0, TB_NEEDS_MAX),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t item_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct item_yaml, item_fields)};

static const cyaml_schema_field_t catalogue_fields[] = {
	CYAML_FIELD_SEQUENCE("items", CYAML_FLAG_POINTER, struct catalogue_yaml, items, &item_value, 0,
                             TB_ITEMS_MAX),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t catalogue_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct catalogue_yaml, catalogue_fields)};

static char **copy_texts(struct tb_arena *arena, char **texts, size_t count)
{
	char **copy = tb_arena_alloc(arena, count * sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = tb_arena_str(arena, texts[i]);
	return copy;
}

static PbMaterialNeed *copy_need(struct tb_arena *arena, const struct need_yaml *from)
{
	PbMaterialNeed *need = PROTO_NEW(PbMaterialNeed, material_need, arena);
	need->code = tb_arena_str(arena, from->code);
	need->name = tb_arena_str(arena, from->name);
	need->required = from->required != 0;
	need->basis = tb_arena_str(arena, from->basis);
	need->n_credential_types = from->credential_types_count;
	need->credential_types = copy_texts(arena, from->credential_types, from->credential_types_count);
	need->original = from->original != 0;
	return need;
}

static PbItem *copy_item(struct tb_arena *arena, const struct item_yaml *from)
{
	PbItem *item = PROTO_NEW(PbItem, item, arena);
	item->code = tb_arena_str(arena, from->code);
	item->name = tb_arena_str(arena, from->name);
	item->department = tb_arena_str(arena, from->department);
	item->department_name = tb_arena_str(arena, from->department_name);
	item->n_modes = from->modes_count;
	item->modes = copy_texts(arena, from->modes, from->modes_count);
	item->promised_days = from->promised_days;
	item->legal_days = from->legal_days;
	item->onsite_runs = from->onsite_runs;
	item->result_type = tb_arena_str(arena, from->result_type);
	item->base_code = tb_arena_str(arena, from->base_code);
	item->criteria = tb_arena_str(arena, from->criteria);
	item->n_materials = from->materials_count;
	item->materials = tb_arena_alloc(arena, from->materials_count * sizeof(PbMaterialNeed *));
	for (size_t i = 0; i < from->materials_count; i++)
		item->materials[i] = copy_need(arena, &from->materials[i]);
	return item;
}

struct text_rule {
	const char *name;
	const char *text;
};

static enum tb_code check_item_texts(const struct yamldoc *doc, const struct item_yaml *item, size_t index,
                                     struct tb_error *err)
{
	char field[96];
	const struct text_rule texts[] = {
		{"code", item->code},
		{"name", item->name},
		{"department", item->department},
		{"department_name", item->department_name},
		{"result_type", item->result_type},
		{"base_code", item->base_code},
		{"criteria", item->criteria},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(field, sizeof(field), "items[%zu].%s", index, texts[i].name);
		if (texts[i].text && !tb_text_printable(tb_bytes_str(texts[i].text)))
			return yamldoc_fail(doc, field, item->code, 0, err,
			                    "control characters are not allowed");
	}
	return TB_OK;
}

static enum tb_code check_needs(const struct yamldoc *doc, const struct item_yaml *item, size_t index,
                                struct tb_error *err)
{
	char field[96];
	for (size_t i = 0; i < item->materials_count; i++) {
		const struct need_yaml *need = &item->materials[i];
		snprintf(field, sizeof(field), "items[%zu].materials[%zu].code", index, i);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(item->materials[k].code, need->code) == 0)
				return yamldoc_fail(doc, field, item->code, 0, err,
				                    "%s is there twice in the item that begins on this line",
				                    need->code);
		}
		if (!tb_text_printable(tb_bytes_str(need->code)) ||
		    !tb_text_printable(tb_bytes_str(need->name)) ||
		    (need->basis && !tb_text_printable(tb_bytes_str(need->basis))))
			return yamldoc_fail(doc, field, need->code, 0, err,
			                    "control characters are not allowed");
	}
	return TB_OK;
}

static enum tb_code check_item(const struct yamldoc *doc, const struct item_yaml *item, size_t index,
                               struct tb_error *err)
{
	char field[96];
	enum tb_code code = check_item_texts(doc, item, index, err);
	if (code != TB_OK)
		return code;
	snprintf(field, sizeof(field), "items[%zu].promised_days", index);
	if (item->promised_days > DAYS_MAX || item->legal_days > DAYS_MAX)
		return yamldoc_fail(doc, field, item->code, 0, err, "over %d working days", DAYS_MAX);
	/* 承诺办结时限 may only shorten 法定办结时限; where no other law sets one, article 42 does: 20 days.
	 */
	if (item->promised_days > item->legal_days)
		return yamldoc_fail(doc, field, item->code, 0, err,
		                    "%u is more than legal_days, %u (item %s)", item->promised_days,
		                    item->legal_days, item->code);
	snprintf(field, sizeof(field), "items[%zu].onsite_runs", index);
	if (item->onsite_runs > RUNS_MAX)
		return yamldoc_fail(doc, field, item->code, 0, err, "over %d", RUNS_MAX);
	return check_needs(doc, item, index, err);
}

static int compare_codes(const void *a, const void *b)
{
	const PbItem *const *x = a;
	const PbItem *const *y = b;
	return strcmp((*x)->code, (*y)->code);
}

static enum tb_code check_codes_differ(const struct yamldoc *doc, PbItem *const *items, size_t count,
                                       struct tb_error *err)
{
	struct tb_arena scratch = {0};
	enum tb_code code = TB_OK;
	PbItem **sorted = tb_arena_copy(&scratch, items, count * sizeof(*items));
	qsort(sorted, count, sizeof(PbItem *), compare_codes);
	for (size_t i = 1; i < count && code == TB_OK; i++) {
		if (strcmp(sorted[i - 1]->code, sorted[i]->code) == 0)
			code = yamldoc_fail(doc, "items.code", sorted[i]->code, 1, err, "%s is there twice",
			                    sorted[i]->code);
	}
	tb_arena_clear(&scratch);
	return code;
}

enum tb_code config_catalogue(PbItem ***items, size_t *items_count, const char *file, struct tb_bytes text,
                              struct tb_arena *arena, struct tb_error *err)
{
	*items = NULL;
	*items_count = 0;
	if (text.size > TB_FILE_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "%s: over %d bytes", file, TB_FILE_BYTES_MAX);
	struct yamldoc doc;
	enum tb_code code = yamldoc_load(&doc, file, text, &catalogue_value, err);
	if (code != TB_OK)
		return code;
	const struct catalogue_yaml *catalogue = doc.data;
	PbItem **list = tb_arena_alloc(arena, catalogue->items_count * sizeof(*list));
	for (size_t i = 0; i < catalogue->items_count && code == TB_OK; i++) {
		code = check_item(&doc, &catalogue->items[i], i, err);
		list[i] = copy_item(arena, &catalogue->items[i]);
	}
	if (code == TB_OK && catalogue->items_count > 1)
		code = check_codes_differ(&doc, list, catalogue->items_count, err);
	if (code == TB_OK) {
		*items = list;
		*items_count = catalogue->items_count;
	}
	yamldoc_free(&doc);
	return code;
}
