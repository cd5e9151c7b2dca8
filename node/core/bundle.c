/* 一件事: several items under one entry of a list, applied for together. What is applied for is a joint case
 * (多地联办, joint.c); here it gets its parts. */
#include <string.h>

#include "node/core/turn.h"

/* By its code, or by the basic code that it has in every region. */
static enum tb_code find(struct kv *kv, const char *region, const char *code, tb_day day,
                         struct tb_arena *arena, PbItem **out, struct tb_error *err)
{
	struct tb_error why;
	enum tb_code found = catalogue_item(kv, region, code, day, arena, out, err);
	if (found == TB_ENOTFOUND && catalogue_base_item(kv, region, code, day, arena, out, &why) == TB_OK)
		return TB_OK;
	return found;
}

/* Who decides |part|: the bundle says so, or the applicant does, or else it is the receiving region. */
static const char *home_of(const PbBundlePart *part, const PbApplication *application, const char *self)
{
	if (part->region[0])
		return part->region;
	for (size_t i = 0; i < application->n_parts; i++) {
		if (strcmp(application->parts[i]->item, part->code) == 0)
			return application->parts[i]->home;
	}
	return self;
}

/* What the applicant says of the bundle's parts. */
static enum tb_code check_given(const PbItem *bundle, const PbApplication *application, struct tb_error *err)
{
	for (size_t i = 0; i < application->n_parts; i++) {
		const PbCasePart *given = application->parts[i];
		const PbBundlePart *part = NULL;
		for (size_t j = 0; j < bundle->n_bundle && !part; j++)
			part = strcmp(bundle->bundle[j]->code, given->item) == 0 ? bundle->bundle[j] : NULL;
		if (!part)
			return tb_fail(err, TB_EINVALID,
			               "application.parts[%zu].item: not the code of a part of the bundle",
			               i);
		if (part->region[0] && strcmp(part->region, given->home) != 0)
			return tb_fail(err, TB_EINVALID, "application.parts[%zu].home: the bundle names %.8s",
			               i, part->region);
	}
	return TB_OK;
}

static void set_after(const PbItem *bundle, size_t index, PbCasePart *out, struct tb_arena *arena)
{
	const PbBundlePart *part = bundle->bundle[index];
	out->after = tb_arena_alloc(arena, (index + 1) * sizeof(*out->after));
	for (size_t i = 0; i < index; i++) {
		for (size_t j = 0; j < part->n_after; j++) {
			if (strcmp(part->after[j], bundle->bundle[i]->code) != 0)
				continue;
			out->after[out->n_after++] = (uint32_t)i;
			break;
		}
	}
}

static enum tb_code part_of(struct kv *kv, const PbItem *bundle, size_t index, const char *home, tb_day day,
                            struct tb_arena *arena, PbCasePart **out, struct tb_error *err)
{
	const PbBundlePart *part = bundle->bundle[index];
	PbItem *item;
	struct tb_error why;
	if (find(kv, home, part->item, day, arena, &item, &why))
		return tb_fail_at(err, why.code, &why, "application.parts[%zu]", index);
	*out = PROTO_NEW(PbCasePart, case_part, arena);
	(*out)->home = tb_arena_str(arena, home);
	(*out)->item = item->code;
	(*out)->item_name = part->name[0] ? part->name : item->name;
	set_after(bundle, index, *out, arena);
	return TB_OK;
}

enum tb_code bundle_apply(struct kv *kv, const char *self, tb_day day, PbApplication *application,
                          struct tb_arena *arena, struct tb_error *err)
{
	const char *list = application->list[0] ? application->list : self;
	PbItem *bundle;
	enum tb_code code = find(kv, list, application->item, day, arena, &bundle, err);
	if (code)
		return code;
	if (bundle->n_bundle == 0 || bundle->n_bundle > TB_PARTS_MAX)
		return tb_fail(err, TB_EINVALID, "application.item: %.60s is not a bundle of items",
		               bundle->code);
	PbCasePart **parts = tb_arena_alloc(arena, bundle->n_bundle * sizeof(PbCasePart *));
	code = check_given(bundle, application, err);
	for (size_t i = 0; i < bundle->n_bundle && code == TB_OK; i++)
		code = part_of(kv, bundle, i, home_of(bundle->bundle[i], application, self), day, arena,
		               &parts[i], err);
	if (code)
		return code;
	application->parts = parts;
	application->n_parts = bundle->n_bundle;
	application->item = bundle->code;
	application->item_name = bundle->name;
	application->list = tb_arena_str(arena, list);
	application->catalogue_version = bundle->listed;
	application->item_version = bundle->version;
	return TB_OK;
}
