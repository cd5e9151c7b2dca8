#include "node/io/config_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { CODES_MAX = 2000 }; /* entries of one kind */

#define CODE_FIELDS                                                                             \
	CYAML_FIELD_STRING_PTR("theirs", CYAML_FLAG_POINTER, struct config_code, theirs, 1,     \
	                       TB_ID_BYTES_MAX),                                                \
		CYAML_FIELD_STRING_PTR("ours", CYAML_FLAG_POINTER, struct config_code, ours, 1, \
	                               TB_ID_BYTES_MAX),                                        \
		CYAML_FIELD_END
static const cyaml_schema_field_t code_fields[] = {CODE_FIELDS};
static const cyaml_schema_field_t material_fields[] = {
	CYAML_FIELD_STRING_PTR("item", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_code, item, 1,
                               TB_ID_BYTES_MAX),
	CODE_FIELDS,
};
static const cyaml_schema_value_t code_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_code, code_fields)};
static const cyaml_schema_value_t material_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_code, material_fields)};

#define MAP_FIELD(key, index, value)                                                                       \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, struct config_maps, \
	                           of[index].codes, of[index].count, value, 0, CODES_MAX)
const cyaml_schema_field_t config_maps_fields[] = {
	MAP_FIELD("certificate_types", 0, &code_value), MAP_FIELD("holder_types", 1, &code_value),
	MAP_FIELD("materials", 2, &material_value),     MAP_FIELD("certificate_states", 3, &code_value),
	MAP_FIELD("case_states", 4, &code_value),       CYAML_FIELD_END,
};

/* The same order. */
static const struct {
	const char *key;
	PbCodeKind kind;
	const proto_enum *states; /* of which |ours| is one */
	bool asked;               /* what a peer asks, and is asked, is translated */
} kinds[CONFIG_MAPS] = {
	{"certificate_types", PB_CODE_KIND__CODE_CREDENTIAL_TYPE, NULL, true},
	{"holder_types", PB_CODE_KIND__CODE_HOLDER_TYPE, NULL, true},
	{"materials", PB_CODE_KIND__CODE_MATERIAL, NULL, false},
	{"certificate_states", PB_CODE_KIND__CODE_CREDENTIAL_STATE, &pb_credential_state__descriptor, false},
	{"case_states", PB_CODE_KIND__CODE_CASE_STATE, &pb_case_state__descriptor, false},
};

/* A state by its name in the contract, written in capitals or not; NULL if there is none. */
static const char *state_name(const proto_enum *type, const char *word)
{
	char name[64];
	int value;
	size_t size = strlen(word);
	if (size >= sizeof(name))
		return NULL;
	for (size_t i = 0; i <= size; i++)
		name[i] = word[i] == '-' ? '_' : (char)toupper((unsigned char)word[i]);
	return proto_enum_value(type, name, &value) && value != 0 ? proto_enum_name(type, value) : NULL;
}

static bool same_item(const struct config_code *a, const struct config_code *b)
{
	return strcmp(a->item ? a->item : "", b->item ? b->item : "") == 0;
}

static enum tb_code check_code(const struct yamldoc *doc, size_t k, const struct config_map *map, unsigned i,
                               struct tb_error *err)
{
	const struct config_code *code = &map->codes[i];
	char field[96];
	snprintf(field, sizeof(field), "maps.%s[%u].theirs", kinds[k].key, i);
	if (!tb_text_printable(tb_bytes_str(code->theirs)) || !tb_text_printable(tb_bytes_str(code->ours)) ||
	    (code->item && !tb_text_printable(tb_bytes_str(code->item))))
		return yamldoc_fail(doc, field, NULL, 0, err, "control characters are not allowed");
	for (unsigned j = 0; j < map->count; j++) {
		const struct config_code *other = &map->codes[j];
		if (j < i && same_item(code, other) && strcmp(code->theirs, other->theirs) == 0)
			return yamldoc_fail(doc, field, code->theirs, 1, err, "%s stands there twice",
			                    code->theirs);
		/* A question with it could be meant in either region's codes. */
		if (kinds[k].asked && strcmp(code->theirs, other->ours) == 0 &&
		    strcmp(code->ours, code->theirs) != 0)
			return yamldoc_fail(doc, field, code->theirs, 0, err,
			                    "%s is also one of ours: what is asked with it would be unclear",
			                    code->theirs);
	}
	snprintf(field, sizeof(field), "maps.%s[%u].ours", kinds[k].key, i);
	if (kinds[k].states && !state_name(kinds[k].states, code->ours))
		return yamldoc_fail(doc, field, code->ours, 0, err, "%s is no state", code->ours);
	return TB_OK;
}

enum tb_code config_maps_check(const struct yamldoc *doc, const struct config_maps *maps,
                               struct tb_error *err)
{
	enum tb_code code = TB_OK;
	for (size_t k = 0; k < CONFIG_MAPS; k++) {
		for (unsigned i = 0; i < maps->of[k].count && code == TB_OK; i++)
			code = check_code(doc, k, &maps->of[k], i, err);
	}
	return code;
}

const struct peer_code *config_maps_of(const struct config_maps *maps, size_t *count, struct tb_arena *arena)
{
	size_t room = 0;
	for (size_t k = 0; k < CONFIG_MAPS; k++)
		room += maps->of[k].count;
	struct peer_code *codes = tb_arena_alloc(arena, room * sizeof(*codes));
	*count = 0;
	for (size_t k = 0; k < CONFIG_MAPS; k++) {
		for (unsigned i = 0; i < maps->of[k].count; i++) {
			const struct config_code *from = &maps->of[k].codes[i];
			codes[(*count)++] = (struct peer_code){
				.kind = kinds[k].kind,
				.item = from->item ? from->item : "",
				.theirs = from->theirs,
				.ours = kinds[k].states ? state_name(kinds[k].states, from->ours)
			                                : from->ours};
		}
	}
	return codes;
}
