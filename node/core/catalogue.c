#include "node/core/catalogue.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "node/core/casetable.h"

enum {
	DIGEST_BYTES = 32,
	NEED_TYPES_MAX = 64,
};

/* 电子证照根代码: certificate identifiers of GB/T 36904 begin with it, the type code follows. */
static const char identifier_root[] = "1.2.156.3005.2.";

static enum tb_code check_text(const char *text, size_t max, bool needed, const char *what,
                               struct tb_error *err)
{
	struct tb_bytes bytes = tb_bytes_str(text);
	if (needed && case_text_blank(text))
		return tb_fail(err, TB_EINVALID, "%s is missing", what);
	if (bytes.size > max)
		return tb_fail(err, TB_ETOOBIG, "%s is longer than %zu bytes", what, max);
	if (!tb_text_printable(bytes))
		return tb_fail(err, TB_EINVALID, "%s is not plain UTF-8 text", what);
	return TB_OK;
}

/* ---- items */

static enum tb_code check_modes(const PbItem *item, struct tb_error *err)
{
	if (item->n_modes == 0)
		return tb_fail(err, TB_EINVALID, "modes: there is none");
	for (size_t i = 0; i < item->n_modes; i++) {
		if (!case_mode_find(item->modes[i]))
			return tb_fail(err, TB_EINVALID, "modes[%zu] is unknown", i);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(item->modes[i], item->modes[j]) == 0)
				return tb_fail(err, TB_EINVALID, "modes[%zu] stands there twice", i);
		}
	}
	return TB_OK;
}

static enum tb_code check_limits(const PbItem *item, struct tb_error *err)
{
	if (item->legal_days > CASE_LEGAL_DAYS_MAX)
		return tb_fail(err, TB_EINVALID, "legal_days: more than %d", CASE_LEGAL_DAYS_MAX);
	if (item->promised_days < 1)
		return tb_fail(err, TB_EINVALID, "promised_days: at least 1");
	if (item->promised_days > item->legal_days)
		return tb_fail(err, TB_EINVALID, "promised_days: %u, but the law gives %u",
		               item->promised_days, item->legal_days);
	return TB_OK;
}

static enum tb_code check_need(const PbMaterialNeed *need, size_t index, struct tb_error *err)
{
	char what[64];
	snprintf(what, sizeof(what), "materials[%zu].code", index);
	enum tb_code code = check_text(need->code, TB_ID_BYTES_MAX, true, what, err);
	if (code != TB_OK)
		return code;
	snprintf(what, sizeof(what), "materials[%zu].name", index);
	code = check_text(need->name, TB_NAME_BYTES_MAX, true, what, err);
	if (code != TB_OK)
		return code;
	/* 要求提供材料依据: what has no basis in law is not asked for. */
	snprintf(what, sizeof(what), "materials[%zu].basis", index);
	code = check_text(need->basis, TB_TEXT_BYTES_MAX, need->required, what, err);
	if (code != TB_OK)
		return code;
	if (need->n_credential_types > NEED_TYPES_MAX)
		return tb_fail(err, TB_ETOOBIG, "materials[%zu].credential_types: more than %d", index,
		               NEED_TYPES_MAX);
	snprintf(what, sizeof(what), "materials[%zu].credential_types", index);
	for (size_t i = 0; i < need->n_credential_types && code == TB_OK; i++)
		code = check_text(need->credential_types[i], TB_ID_BYTES_MAX, true, what, err);
	return code;
}

static enum tb_code check_needs(const PbItem *item, struct tb_error *err)
{
	if (item->n_materials > TB_NEEDS_MAX)
		return tb_fail(err, TB_ETOOBIG, "materials: more than %d", TB_NEEDS_MAX);
	for (size_t i = 0; i < item->n_materials; i++) {
		enum tb_code code = check_need(item->materials[i], i, err);
		if (code != TB_OK)
			return code;
		for (size_t j = 0; j < i; j++) {
			if (strcmp(item->materials[i]->code, item->materials[j]->code) == 0)
				return tb_fail(err, TB_EINVALID, "materials[%zu].code is that of %zu, too", i,
				               j);
		}
	}
	return TB_OK;
}

enum tb_code catalogue_check_item(const PbItem *item, struct tb_error *err)
{
	enum tb_code code = check_text(item->code, TB_ID_BYTES_MAX, true, "code", err);
	if (code == TB_OK)
		code = check_text(item->name, TB_NAME_BYTES_MAX, true, "name", err);
	if (code == TB_OK)
		code = check_text(item->department, TB_ID_BYTES_MAX, true, "department", err);
	if (code == TB_OK)
		code = check_text(item->department_name, TB_NAME_BYTES_MAX, false, "department_name", err);
	if (code == TB_OK)
		code = check_text(item->result_type, TB_ID_BYTES_MAX, false, "result_type", err);
	if (code == TB_OK)
		code = check_text(item->base_code, TB_ID_BYTES_MAX, false, "base_code", err);
	if (code == TB_OK)
		code = check_text(item->criteria, TB_ID_BYTES_MAX, false, "criteria", err);
	if (code == TB_OK)
		code = check_modes(item, err);
	if (code == TB_OK)
		code = check_limits(item, err);
	if (code == TB_OK)
		code = check_needs(item, err);
	return code;
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
		return tb_fail(
			err, TB_EINVALID,
			"materials[%zu] is neither a file nor a certificate, an original or a commitment",
			index);
	snprintf(what, sizeof(what), "materials[%zu].commitment", index);
	code = check_text(material->commitment, TB_TEXT_BYTES_MAX, false, what, err);
	if (code != TB_OK)
		return code;
	/* What a valid certificate shows may not be demanded as an original. */
	if (credential && material->original)
		return tb_fail(err, TB_EINVALID, "materials[%zu]: a certificate stands in for the original",
		               index);
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
		return tb_fail(err, TB_ETOOBIG, "materials: more than %d", TB_MATERIALS_MAX);
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
static bool type_listed(const PbMaterialNeed *need, const char *identifier)
{
	size_t root = sizeof(identifier_root) - 1;
	if (need->n_credential_types == 0)
		return false;
	if (strncmp(identifier, identifier_root, root) != 0)
		return true;
	const char *type = identifier + root;
	size_t size = strcspn(type, ".");
	for (size_t i = 0; i < need->n_credential_types; i++) {
		const char *listed = need->credential_types[i];
		if (strlen(listed) == size && memcmp(listed, type, size) == 0)
			return true;
	}
	return false;
}

static enum tb_code check_for_need(const PbMaterialNeed *need, const PbMaterial *material, size_t index,
                                   struct tb_error *err)
{
	if (material->credential[0] != '\0' && !type_listed(need, material->credential))
		return tb_fail(err, TB_EINVALID, "materials[%zu]: no certificate of this type stands for %s",
		               index, need->code);
	if (material->commitment[0] != '\0' && !need->commitment)
		return tb_fail(err, TB_EINVALID, "materials[%zu]: no commitment stands in for %s", index,
		               need->code);
	if (material->original && !need->original)
		return tb_fail(err, TB_EINVALID, "materials[%zu]: the original of %s is not asked for", index,
		               need->code);
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
		return tb_fail(err, TB_EINVALID, "materials are missing: %s", text);
	return tb_fail(err, TB_EINVALID, "materials are missing: %s and %zu more", text, left);
}

enum tb_code catalogue_check_application(const PbItem *item, const PbApplication *application,
                                         struct tb_error *err)
{
	bool met[TB_NEEDS_MAX] = {false};
	bool allowed = false;
	if (strcmp(application->item, item->code) != 0)
		return tb_fail(err, TB_EINVALID, "item is not the one that it is checked against");
	for (size_t i = 0; i < item->n_modes; i++)
		allowed = allowed || strcmp(item->modes[i], case_mode_listed(application->mode)) == 0;
	if (!allowed)
		return tb_fail(err, TB_EINVALID, "mode is not one of the item's");
	if (item->n_materials > TB_NEEDS_MAX)
		return tb_fail(err, TB_ETOOBIG, "the item's materials: more than %d", TB_NEEDS_MAX);
	enum tb_code code = catalogue_check_supplement(application->materials, application->n_materials, err);
	for (size_t i = 0; i < application->n_materials && code == TB_OK; i++) {
		const PbMaterial *material = application->materials[i];
		size_t index = need_index(item, material->need);
		if (index == item->n_materials)
			return tb_fail(err, TB_EINVALID, "materials[%zu].need is not one of the item's", i);
		code = check_for_need(item->materials[index], material, i, err);
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
