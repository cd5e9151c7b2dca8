#include "node/core/catalogue.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "node/core/casetable.h"
#include "node/core/peer.h"

enum {
	DIGEST_BYTES = 32,
	NEED_TYPES_MAX = 64,
	COPIES_MAX = 100,
	CODES_MAX = 16,
	FEES_MAX = 32,
	REGIONS_MAX = 400,
	CREDIT_MONTHS_MAX = 36,
	YEAR_MIN = 2000,
	YEAR_MAX = 2100,
};

/* 电子证照根代码: certificate identifiers of GB/T 36904 begin with it, the type code follows. */
static const char identifier_root[] = "1.2.156.3005.2.";

static enum tb_code check_text(const char *text, size_t max, bool needed, const char *what,
                               struct tb_error *err)
{
	struct tb_bytes bytes = tb_bytes_str(text);
	if (needed && case_text_blank(text))
		return tb_refuse(err, TB_REASON_FIELD_MISSING, what, NULL);
	if (bytes.size > max)
		return tb_refuse(err, TB_REASON_FIELD_LONG, what, TB_NUMBER(max), NULL);
	if (!tb_text_printable(bytes))
		return tb_refuse(err, TB_REASON_FIELD_TEXT, what, NULL);
	return TB_OK;
}

/* ---- items */

static enum tb_code check_modes(const PbItem *item, struct tb_error *err)
{
	if (item->n_modes == 0)
		return tb_refuse(err, TB_REASON_ITEM_NO_MODE, NULL);
	for (size_t i = 0; i < item->n_modes; i++) {
		if (!case_mode_find(item->modes[i]))
			return tb_refuse(err, TB_REASON_ITEM_MODE_UNKNOWN, TB_NUMBER(i), NULL);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(item->modes[i], item->modes[j]) == 0)
				return tb_refuse(err, TB_REASON_ITEM_MODE_TWICE, TB_NUMBER(i), NULL);
		}
	}
	return TB_OK;
}

static enum tb_code check_limits(const PbItem *item, struct tb_error *err)
{
	if (item->legal_days > CASE_LEGAL_DAYS_MAX)
		return tb_refuse(err, TB_REASON_ITEM_LEGAL_DAYS, TB_NUMBER(CASE_LEGAL_DAYS_MAX), NULL);
	if (item->promised_days < 1)
		return tb_refuse(err, TB_REASON_ITEM_PROMISED_NONE, NULL);
	if (item->promised_days > item->legal_days)
		return tb_refuse(err, TB_REASON_ITEM_PROMISED_LONG, TB_NUMBER(item->promised_days),
		                 TB_NUMBER(item->legal_days), NULL);
	return TB_OK;
}

/* Texts of a message that are only to be read: a field, its most bytes, whether it must be there. */
struct text_rule {
	const char *name;
	size_t offset;
	size_t max;
	bool needed;
};

static enum tb_code check_texts(const void *message, const char *place, const struct text_rule *rules,
                                size_t count, struct tb_error *err)
{
	for (size_t i = 0; i < count; i++) {
		char what[96];
		const char *const *text = (const void *)((const uint8_t *)message + rules[i].offset);
		snprintf(what, sizeof(what), "%s%s", place, rules[i].name);
		enum tb_code code = check_text(*text, rules[i].max, rules[i].needed, what, err);
		if (code)
			return code;
	}
	return TB_OK;
}
#define CHECK_TEXTS(message, place, rules, err) \
	check_texts(message, place, rules, sizeof(rules) / sizeof((rules)[0]), err)

#define NEED_TEXT(field, max, needed)                                \
	{                                                            \
#field, offsetof(PbMaterialNeed, field), max, needed \
	}
static const struct text_rule need_texts[] = {
	NEED_TEXT(code, TB_ID_BYTES_MAX, true),       NEED_TEXT(name, TB_NAME_BYTES_MAX, true),
	NEED_TEXT(basis, TB_TEXT_BYTES_MAX, false),   NEED_TEXT(source, TB_NAME_BYTES_MAX, false),
	NEED_TEXT(issuer, TB_NAME_BYTES_MAX, false),  NEED_TEXT(kind, TB_NAME_BYTES_MAX, false),
	NEED_TEXT(format, TB_NAME_BYTES_MAX, false),  NEED_TEXT(blank, TB_NAME_BYTES_MAX, false),
	NEED_TEXT(example, TB_NAME_BYTES_MAX, false), NEED_TEXT(standard, TB_TEXT_BYTES_MAX, false),
};

static enum tb_code check_need(const PbMaterialNeed *need, size_t index, struct tb_error *err)
{
	char what[64];
	snprintf(what, sizeof(what), "materials[%zu].", index);
	enum tb_code code = CHECK_TEXTS(need, what, need_texts, err);
	if (code != TB_OK)
		return code;
	/* 要求提供材料依据: what has no basis in law is not asked for. */
	if (need->required && case_text_blank(need->basis))
		return tb_refuse(err, TB_REASON_ITEM_BASIS, what, NULL);
	if (need->copies > COPIES_MAX)
		return tb_fail(err, TB_EINVALID, "%scopies: more than %d", what, COPIES_MAX);
	if (need->disposition && !need->original)
		return tb_fail(err, TB_EINVALID, "%sdisposition: only of an original", what);
	if (need->n_credential_types > NEED_TYPES_MAX)
		return tb_fail(err, TB_ETOOBIG, "%scredential_types: more than %d", what, NEED_TYPES_MAX);
	snprintf(what, sizeof(what), "materials[%zu].credential_types", index);
	for (size_t i = 0; i < need->n_credential_types && code == TB_OK; i++)
		code = check_text(need->credential_types[i], TB_ID_BYTES_MAX, true, what, err);
	return code;
}

static enum tb_code check_needs(const PbItem *item, struct tb_error *err)
{
	if (item->n_materials > TB_NEEDS_MAX)
		return tb_refuse(err, TB_REASON_ITEM_MATERIALS_MANY, TB_NUMBER(TB_NEEDS_MAX), NULL);
	for (size_t i = 0; i < item->n_materials; i++) {
		enum tb_code code = check_need(item->materials[i], i, err);
		if (code != TB_OK)
			return code;
		for (size_t j = 0; j < i; j++) {
			if (strcmp(item->materials[i]->code, item->materials[j]->code) == 0)
				return tb_refuse(err, TB_REASON_ITEM_MATERIAL_TWICE, TB_NUMBER(i),
				                 TB_NUMBER(j), NULL);
		}
	}
	return TB_OK;
}

#define ITEM_TEXT(field, max, needed)                        \
	{                                                    \
#field, offsetof(PbItem, field), max, needed \
	}
static const struct text_rule item_texts[] = {
	ITEM_TEXT(code, TB_ID_BYTES_MAX, true),
	ITEM_TEXT(name, TB_NAME_BYTES_MAX, true),
	ITEM_TEXT(department, TB_ID_BYTES_MAX, true),
	ITEM_TEXT(department_name, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(result_type, TB_ID_BYTES_MAX, false),
	ITEM_TEXT(base_code, TB_ID_BYTES_MAX, false),
	ITEM_TEXT(criteria, TB_ID_BYTES_MAX, false),
	ITEM_TEXT(handling_code, TB_ID_BYTES_MAX, false),
	ITEM_TEXT(basis, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(theme, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(conditions, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(acceptance_standard, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(form, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(procedure, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(flow_chart, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(legal_days_note, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(promised_days_note, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(onsite_reason, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(online_depth, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(application_ways, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(review_procedure, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(result_delivery, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(national_name, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(window_class, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(special_procedure, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(joint_departments, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(external, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(address, TB_TEXT_BYTES_MAX, false),
	ITEM_TEXT(phone, TB_NAME_BYTES_MAX, false),
	ITEM_TEXT(service_hours, TB_NAME_BYTES_MAX, false),
};

/* 地域条件, in the order in which they are told. */
static const char *const grounds[] = {"anybody",  "registered", "resident", "employed",    "insured",
                                      "enrolled", "property",   "family",   "established", NULL};

static bool among(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

static enum tb_code check_grounds(const PbItem *item, struct tb_error *err)
{
	for (size_t i = 0; i < item->n_eligible; i++) {
		if (!among(item->eligible[i], grounds))
			return tb_fail(err, TB_EINVALID, "eligible[%zu]: no such condition", i);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(item->eligible[i], item->eligible[j]) == 0)
				return tb_fail(err, TB_EINVALID, "eligible[%zu] stands there twice", i);
		}
		if (item->n_eligible > 1 && strcmp(item->eligible[i], grounds[0]) == 0)
			return tb_fail(err, TB_EINVALID, "eligible: %s, and conditions beside it",
			               grounds[0]);
	}
	return TB_OK;
}

/* One of the codes of GB/T 39046, appendix A; "" where it is not given. */
static enum tb_code check_code(const char *value, const char *const *codes, const char *what,
                               struct tb_error *err)
{
	if (!value[0])
		return TB_OK;
	for (; *codes; codes++) {
		if (strcmp(*codes, value) == 0)
			return TB_OK;
	}
	return tb_refuse(err, TB_REASON_FIELD_CODE, what, NULL);
}

static enum tb_code check_codes(const PbItem *item, struct tb_error *err)
{
	static const char *const subjects[] = {"1", "2", "3", "4", "5", "6", NULL};    /* A.4 */
	static const char *const levels[] = {"1", "2", "3", "4", "5", "6", "7", NULL}; /* A.2 */
	static const char *const channels[] = {"1", "2", "3", "4", "9", NULL};         /* A.5 */
	static const char *const cases[] = {"1", "2", "9", NULL};                      /* A.6 */
	enum tb_code code = check_code(item->level, levels, "level", err);
	if (code == TB_OK)
		code = check_code(item->case_type, cases, "case_type", err);
	/* A.1: 00 to 10, 20, and extensions. */
	if (code == TB_OK && item->item_type[0] &&
	    (strlen(item->item_type) != 2 || strspn(item->item_type, "0123456789") != 2))
		code = tb_refuse(err, TB_REASON_ITEM_TYPE, NULL);
	if (code == TB_OK && (item->n_subjects > CODES_MAX || item->n_channels > CODES_MAX))
		code = tb_fail(err, TB_ETOOBIG, "subjects, channels: more than %d", CODES_MAX);
	for (size_t i = 0; i < item->n_subjects && code == TB_OK; i++)
		code = check_code(item->subjects[i], subjects, "subjects", err);
	for (size_t i = 0; i < item->n_channels && code == TB_OK; i++)
		code = check_code(item->channels[i], channels, "channels", err);
	return code;
}

static enum tb_code check_dates(const PbItem *item, struct tb_error *err)
{
	tb_day from = 0, end = 0, due;
	if (item->effective_from[0] && !tb_day_parse(item->effective_from, &from))
		return tb_refuse(err, TB_REASON_ITEM_FROM, NULL);
	if (item->cancelled_on[0] && !tb_day_parse(item->cancelled_on, &end))
		return tb_refuse(err, TB_REASON_ITEM_UNTIL, NULL);
	if (item->effective_from[0] && item->cancelled_on[0] && end <= from)
		return tb_refuse(err, TB_REASON_ITEM_UNTIL_EARLY, NULL);
	if (item->due_on[0] && !tb_day_parse(item->due_on, &due))
		return tb_fail(err, TB_EINVALID, "due_on is not a date");
	if (item->credit_months > CREDIT_MONTHS_MAX)
		return tb_fail(err, TB_EINVALID, "credit_months: more than %d", CREDIT_MONTHS_MAX);
	if (item->year && (item->year < YEAR_MIN || item->year > YEAR_MAX))
		return tb_fail(err, TB_EINVALID, "year: %d to %d", YEAR_MIN, YEAR_MAX);
	return TB_OK;
}

static bool has_mode(const PbItem *item, const char *mode)
{
	for (size_t i = 0; i < item->n_modes; i++) {
		if (strcmp(item->modes[i], mode) == 0)
			return true;
	}
	return false;
}

static enum tb_code check_fees_and_regions(const PbItem *item, struct tb_error *err)
{
	static const struct text_rule fee_texts[] = {
		{"name", offsetof(PbItemFee, name), TB_NAME_BYTES_MAX, true},
		{"standard", offsetof(PbItemFee, standard), TB_TEXT_BYTES_MAX, true},
		{"basis", offsetof(PbItemFee, basis), TB_TEXT_BYTES_MAX, true},
	};
	char what[64];
	enum tb_code code = TB_OK;
	if (item->n_fees > FEES_MAX)
		return tb_fail(err, TB_ETOOBIG, "fees: more than %d", FEES_MAX);
	for (size_t i = 0; i < item->n_fees && code == TB_OK; i++) {
		snprintf(what, sizeof(what), "fees[%zu].", i);
		code = CHECK_TEXTS(item->fees[i], what, fee_texts, err);
	}
	if (code)
		return code;
	for (size_t i = 0; i < item->n_mode_regions; i++) {
		const PbItemMode *mode = item->mode_regions[i];
		if (!has_mode(item, mode->mode))
			return tb_fail(err, TB_EINVALID, "mode_regions[%zu].mode is not one of the modes", i);
		if (mode->n_regions > REGIONS_MAX)
			return tb_fail(err, TB_ETOOBIG, "mode_regions[%zu].regions: more than %d", i,
			               REGIONS_MAX);
		for (size_t j = 0; j < mode->n_regions; j++) {
			if (strlen(mode->regions[j]) != 6 || strspn(mode->regions[j], "0123456789") != 6)
				return tb_fail(err, TB_EINVALID,
				               "mode_regions[%zu].regions[%zu]: six digits are expected", i,
				               j);
		}
		snprintf(what, sizeof(what), "mode_regions[%zu].note", i);
		code = check_text(mode->note, TB_TEXT_BYTES_MAX, false, what, err);
		if (code)
			return code;
	}
	return TB_OK;
}

static enum tb_code check_part(const PbItem *item, size_t index, struct tb_error *err)
{
	static const struct text_rule texts[] = {
		{"code", offsetof(PbBundlePart, code), TB_ID_BYTES_MAX, true},
		{"item", offsetof(PbBundlePart, item), TB_ID_BYTES_MAX, true},
		{"name", offsetof(PbBundlePart, name), TB_NAME_BYTES_MAX, false},
	};
	const PbBundlePart *part = item->bundle[index];
	char what[64];
	snprintf(what, sizeof(what), "bundle[%zu].", index);
	enum tb_code code = CHECK_TEXTS(part, what, texts, err);
	if (code)
		return code;
	if (part->region[0] && (strlen(part->region) != 6 || strspn(part->region, "0123456789") != 6))
		return tb_fail(err, TB_EINVALID, "%sregion: six digits are expected", what);
	for (size_t i = 0; i < index; i++) {
		if (strcmp(item->bundle[i]->code, part->code) == 0)
			return tb_fail(err, TB_EINVALID, "%scode is that of %zu, too", what, i);
	}
	/* Only backwards: so there is no circle. */
	for (size_t i = 0; i < part->n_after; i++) {
		size_t before = 0;
		while (before < index && strcmp(item->bundle[before]->code, part->after[i]) != 0)
			before++;
		if (before == index)
			return tb_fail(err, TB_EINVALID,
			               "%safter[%zu]: codes of parts before it are expected", what, i);
	}
	return TB_OK;
}

/* 一件事: it asks for what its items ask for, and nothing else. */
static enum tb_code check_bundle(const PbItem *item, struct tb_error *err)
{
	enum tb_code code = TB_OK;
	if (item->n_bundle == 0)
		return TB_OK;
	if (item->n_bundle < 2 || item->n_bundle > TB_PARTS_MAX)
		return tb_fail(err, TB_EINVALID, "bundle: 2 to %d expected", TB_PARTS_MAX);
	if (item->n_modes != 1 || strcmp(item->modes[0], "LB") != 0)
		return tb_fail(err, TB_EINVALID, "modes: a bundle has LB alone");
	if (item->n_materials > 0)
		return tb_fail(err, TB_EINVALID, "materials: a bundle has those of its items");
	for (size_t i = 0; i < item->n_bundle && code == TB_OK; i++)
		code = check_part(item, i, err);
	return code;
}

enum tb_code catalogue_check_item(const PbItem *item, struct tb_error *err)
{
	enum tb_code code = CHECK_TEXTS(item, "", item_texts, err);
	if (code == TB_OK)
		code = check_modes(item, err);
	if (code == TB_OK)
		code = check_limits(item, err);
	if (code == TB_OK)
		code = check_codes(item, err);
	if (code == TB_OK)
		code = check_grounds(item, err);
	if (code == TB_OK)
		code = check_dates(item, err);
	if (code == TB_OK)
		code = check_fees_and_regions(item, err);
	if (code == TB_OK)
		code = check_needs(item, err);
	if (code == TB_OK)
		code = check_bundle(item, err);
	if (code == TB_OK && protobuf_c_message_get_packed_size(&item->base) > TB_ITEM_BYTES_MAX)
		code = tb_fail(err, TB_ETOOBIG, "all of it is over %d bytes", TB_ITEM_BYTES_MAX);
	return code;
}

struct listed {
	const PbItem *item;
	size_t index;
};

static int by_code(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int order = strcmp(x->item->code, y->item->code);
	if (order == 0)
		order = (x->item->version > y->item->version) - (x->item->version < y->item->version);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

enum tb_code catalogue_check_versions(PbItem *const *items, size_t count, struct tb_error *err)
{
	struct listed *sorted = tb_alloc((count + 1) * sizeof(*sorted));
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < count; i++)
		sorted[i] = (struct listed){items[i], i};
	qsort(sorted, count, sizeof(*sorted), by_code);
	for (size_t i = 1; i < count && code == TB_OK; i++) {
		if (strcmp(sorted[i].item->code, sorted[i - 1].item->code) == 0 &&
		    sorted[i].item->version == sorted[i - 1].item->version)
			code = tb_fail(err, TB_EINVALID,
			               "items[%zu].code: with its version the same as items[%zu]",
			               sorted[i].index, sorted[i - 1].index);
	}
	free(sorted);
	return code;
}

/* Does a code of GB/T 2260 cover another one? Its trailing pairs of zeros stand for everything below. */
static bool covers(const char *region, const char *other)
{
	size_t digits = strcmp(region, "100000") == 0     ? 0
	                : strcmp(region + 2, "0000") == 0 ? 2
	                : strcmp(region + 4, "00") == 0   ? 4
	                                                  : 6;
	return strncmp(region, other, digits) == 0;
}

bool catalogue_for_window(const PbItem *item, const char *mode, const char *window)
{
	for (size_t i = 0; i < item->n_mode_regions; i++) {
		const PbItemMode *offer = item->mode_regions[i];
		bool covered = offer->n_regions == 0;
		if (strcmp(offer->mode, mode) != 0)
			continue;
		for (size_t j = 0; j < offer->n_regions && !covered; j++)
			covered = strlen(offer->regions[j]) == 6 && covers(offer->regions[j], window);
		if (!covered)
			return false;
	}
	return true;
}

enum tb_code catalogue_check_offer(const PbItem *item, const char *mode, const char *window,
                                   struct tb_error *err)
{
	const char *listed = case_mode_listed(mode);
	if (item->external[0])
		return tb_refuse(err, TB_REASON_ITEM_EXTERNAL, item->code, item->external, NULL);
	if (item->n_bundle > 0)
		return tb_refuse(err, TB_REASON_ITEM_BUNDLE, item->code, NULL);
	if (!catalogue_for_window(item, listed, window))
		return tb_refuse(err, TB_REASON_ITEM_WINDOW, item->code, listed, window, NULL);
	return TB_OK;
}

/* ---- materials */

static enum tb_code check_name(const char *name, size_t index, struct tb_error *err)
{
	char what[64];
	snprintf(what, sizeof(what), "materials[%zu].name", index);
	enum tb_code code = check_text(name, TB_NAME_BYTES_MAX, false, what, err);
	if (code != TB_OK)
		return code;
	/* A name is a label, but somebody will save a file under it. */
	if (strpbrk(name, "/\\") || strstr(name, ".."))
		return tb_fail(err, TB_EINVALID, "%s holds a slash, a backslash or two dots", what);
	return TB_OK;
}

static enum tb_code check_file(const PbMaterial *material, size_t index, struct tb_error *err)
{
	if (material->root.len != DIGEST_BYTES)
		return tb_fail(err, TB_EINVALID, "materials[%zu].root is not 32 bytes", index);
	if (material->sha256.len != DIGEST_BYTES)
		return tb_fail(err, TB_EINVALID, "materials[%zu].sha256 is not 32 bytes", index);
	if (material->size == 0)
		return tb_fail(err, TB_EINVALID, "materials[%zu].size is 0", index);
	if (material->size > (uint64_t)TB_MATERIAL_CHUNKS_MAX * TB_CHUNK_BYTES)
		return tb_fail(err, TB_ETOOBIG, "materials[%zu].size is over 2 GiB", index);
	return TB_OK;
}

/* A material by itself, whatever need it is for. */
static enum tb_code check_material(const PbMaterial *material, size_t index, struct tb_error *err)
{
	bool file = material->root.len > 0 || material->sha256.len > 0 || material->size > 0;
	bool credential = material->credential[0] != '\0';
	char what[64];
	snprintf(what, sizeof(what), "materials[%zu].need", index);
	enum tb_code code = check_text(material->need, TB_ID_BYTES_MAX, false, what, err);
	if (code != TB_OK)
		return code;
	snprintf(what, sizeof(what), "materials[%zu].media_type", index);
	code = check_text(material->media_type, TB_ID_BYTES_MAX, false, what, err);
	if (code != TB_OK)
		return code;
	bool commitment = material->commitment[0] != '\0';
	if (!file && !credential && !material->original && !commitment)
		return tb_refuse(err, TB_REASON_MATERIAL_NOT_ONE, TB_NUMBER(index), NULL);
	snprintf(what, sizeof(what), "materials[%zu].commitment", index);
	code = check_text(material->commitment, TB_TEXT_BYTES_MAX, false, what, err);
	if (code != TB_OK)
		return code;
	/* What a valid certificate shows may not be demanded as an original. */
	if (credential && material->original)
		return tb_fail(err, TB_EINVALID, "materials[%zu]: a certificate stands in for the original",
		               index);
	snprintf(what, sizeof(what), "materials[%zu].reused", index);
	code = check_text(material->reused, TB_ID_BYTES_MAX, false, what, err);
	if (code != TB_OK)
		return code;
	snprintf(what, sizeof(what), "materials[%zu].credential", index);
	code = check_text(material->credential, TB_ID_BYTES_MAX, credential, what, err);
	if (code == TB_OK)
		code = check_name(material->name, index, err);
	if (code == TB_OK && file)
		code = check_file(material, index, err);
	return code;
}

enum tb_code catalogue_check_supplement(PbMaterial *const *materials, size_t count, struct tb_error *err)
{
	if (count > TB_MATERIALS_MAX)
		return tb_refuse(err, TB_REASON_ITEM_MATERIALS_MANY, TB_NUMBER(TB_MATERIALS_MAX), NULL);
	for (size_t i = 0; i < count; i++) {
		enum tb_code code = check_material(materials[i], i, err);
		if (code != TB_OK)
			return code;
	}
	return TB_OK;
}

/* ---- applications */

static size_t need_index(const PbItem *item, const char *code)
{
	size_t i = 0;
	while (i < item->n_materials && strcmp(item->materials[i]->code, code) != 0)
		i++;
	return i;
}

/* An identifier of the national form names its type, and that must be one of the list. Others (a region's own
 * form) do not; the verification tells. */
static bool type_listed(const PbMaterialNeed *need, const char *identifier, const struct peer *other)
{
	size_t root = sizeof(identifier_root) - 1;
	char type[TB_ID_BYTES_MAX + 1];
	if (need->n_credential_types == 0)
		return false;
	if (strncmp(identifier, identifier_root, root) != 0)
		return true;
	snprintf(type, sizeof(type), "%.*s", (int)strcspn(identifier + root, "."), identifier + root);
	for (size_t i = 0; i < need->n_credential_types; i++) {
		if (peer_code_same(other, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, need->credential_types[i],
		                   type))
			return true;
	}
	return false;
}

static enum tb_code check_for_need(const PbMaterialNeed *need, const PbMaterial *material, size_t index,
                                   const struct peer *other, struct tb_error *err)
{
	if (material->credential[0] != '\0' && !type_listed(need, material->credential, other))
		return tb_refuse(err, TB_REASON_MATERIAL_CREDENTIAL_TYPE, TB_NUMBER(index), need->code, NULL);
	if (material->commitment[0] != '\0' && !need->commitment)
		return tb_refuse(err, TB_REASON_MATERIAL_COMMITMENT, TB_NUMBER(index), need->code, NULL);
	if (material->original && !need->original)
		return tb_refuse(err, TB_REASON_MATERIAL_ORIGINAL, TB_NUMBER(index), need->code, NULL);
	return TB_OK;
}

/* Lists as many codes as the text holds, and says how many more there are. */
static enum tb_code missing(const PbItem *item, const bool *met, struct tb_error *err)
{
	char text[TB_ERROR_TEXT_MAX - 64];
	size_t used = 0;
	size_t left = 0;
	text[0] = '\0';
	for (size_t i = 0; i < item->n_materials; i++) {
		const PbMaterialNeed *need = item->materials[i];
		size_t size = strlen(need->code);
		if (!need->required || met[i])
			continue;
		if (left > 0 || used + size + 3 > sizeof(text)) {
			left++;
			continue;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used > 0 ? ", " : "",
		                         need->code);
	}
	if (used == 0 && left == 0)
		return TB_OK;
	if (left == 0)
		return tb_refuse(err, TB_REASON_MATERIALS_MISSING, text, NULL);
	return tb_refuse(err, TB_REASON_MATERIALS_MISSING_MORE, text, TB_NUMBER(left), NULL);
}

static enum tb_code check_claims(const PbApplication *application, struct tb_error *err)
{
	if (application->n_eligibility > CODES_MAX)
		return tb_fail(err, TB_ETOOBIG, "eligibility: more than %d", CODES_MAX);
	for (size_t i = 0; i < application->n_eligibility; i++) {
		const PbEligibilityClaim *claim = application->eligibility[i];
		if (!among(claim->ground, grounds))
			return tb_fail(err, TB_EINVALID, "eligibility[%zu].ground: no such condition", i);
		if (strlen(claim->area) != 6 || strspn(claim->area, "0123456789") != 6)
			return tb_fail(err, TB_EINVALID, "eligibility[%zu].area: six digits are expected", i);
	}
	return TB_OK;
}

enum tb_code catalogue_check_eligible(const PbItem *item, const char *home, const PbApplication *application,
                                      struct tb_error *err)
{
	char text[TB_ERROR_TEXT_MAX / 2] = "";
	size_t used = 0;
	enum tb_code code = check_claims(application, err);
	if (code || item->n_eligible == 0 || strcmp(item->eligible[0], grounds[0]) == 0)
		return code;
	for (size_t i = 0; i < item->n_eligible; i++) {
		for (size_t j = 0; j < application->n_eligibility; j++) {
			const PbEligibilityClaim *claim = application->eligibility[j];
			if (strcmp(claim->ground, item->eligible[i]) == 0 && covers(home, claim->area))
				return TB_OK;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
		                         item->eligible[i]);
		used = used < sizeof(text) ? used : sizeof(text) - 1;
	}
	return tb_fail(
		err, TB_EINVALID,
		"eligibility: the item is for who is, in %.8s, one of: %s; the application states none", home,
		text);
}

/* Somebody must have looked who applies: at a window an officer does, online nobody would. */
static enum tb_code check_identity(const PbItem *item, const PbApplication *application, struct tb_error *err)
{
	PbAssurance least = item->identity, given = PB_ASSURANCE__ASSURANCE_UNSPECIFIED;
	if (!least && strcmp(application->mode, "QC") == 0)
		least = PB_ASSURANCE__MATCHED;
	if (application->identity)
		given = application->identity->level;
	if (given >= least)
		return TB_OK;
	return tb_refuse(err, TB_REASON_ITEM_ASSURANCE,
	                 proto_enum_name(&pb_assurance__descriptor, (int)least),
	                 proto_enum_name(&pb_assurance__descriptor, (int)given), NULL);
}

enum tb_code catalogue_check_application(const PbItem *item, const PbApplication *application,
                                         const struct peer *other, struct tb_error *err)
{
	bool met[TB_NEEDS_MAX] = {false};
	bool allowed = has_mode(item, case_mode_listed(application->mode));
	if (strcmp(application->item, item->code) != 0)
		return tb_fail(err, TB_EINVALID, "item is not the one that it is checked against");
	if (!allowed)
		return tb_refuse(err, TB_REASON_ITEM_MODE, NULL);
	if (item->n_materials > TB_NEEDS_MAX)
		return tb_fail(err, TB_ETOOBIG, "the item's materials: more than %d", TB_NEEDS_MAX);
	enum tb_code code = check_identity(item, application, err);
	if (code == TB_OK)
		code = catalogue_check_eligible(item, application->home, application, err);
	if (code == TB_OK)
		code = catalogue_check_supplement(application->materials, application->n_materials, err);
	for (size_t i = 0; i < application->n_materials && code == TB_OK; i++) {
		const PbMaterial *material = application->materials[i];
		size_t index = need_index(item, material->need);
		if (index == item->n_materials)
			return tb_refuse(err, TB_REASON_MATERIAL_NEED_UNKNOWN, TB_NUMBER(i), NULL);
		code = check_for_need(item->materials[index], material, i, other, err);
		met[index] = true;
	}
	return code == TB_OK ? missing(item, met, err) : code;
}

static bool shown_by_certificate(const PbApplication *application, const char *need)
{
	for (size_t i = 0; i < application->n_materials; i++) {
		const PbMaterial *material = application->materials[i];
		if (material->credential[0] != '\0' && strcmp(material->need, need) == 0)
			return true;
	}
	return false;
}

bool catalogue_needs_originals(const PbItem *item, const PbApplication *application)
{
	for (size_t i = 0; i < application->n_materials; i++) {
		const PbMaterial *material = application->materials[i];
		size_t index = need_index(item, material->need);
		if (material->original)
			return true;
		if (index < item->n_materials && item->materials[index]->original &&
		    !shown_by_certificate(application, material->need))
			return true;
	}
	return false;
}
