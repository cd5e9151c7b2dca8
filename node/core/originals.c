/* Paper originals: whether the deciding region keeps them in its archive or gives them back (存档、退还).
 * What is to go back has gone before a case is closed. */
#include <string.h>

#include "node/core/casetable.h"
#include "node/core/turn.h"

enum { LEFT_TEXT_BYTES = 120 };

static bool names(char *const *list, size_t count, const char *code)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], code) == 0)
			return true;
	}
	return false;
}

static void add(char ***list, size_t *count, char *const *more, size_t more_count, struct tb_arena *arena)
{
	if (more_count == 0)
		return;
	char **all = tb_arena_alloc(arena, (*count + more_count) * sizeof(*all));
	if (*count > 0)
		memcpy(all, *list, *count * sizeof(*all));
	memcpy(all + *count, more, more_count * sizeof(*all));
	*list = all;
	*count += more_count;
}

/* What the log says of papers. */
struct papers {
	char **originals; /* what was handed in on paper: codes of needs */
	size_t originals_count;
	char **returned;
	size_t returned_count;
};

/* The paper goes with a scan of it, too, where the list asks for the original and the package has to have it.
 * Of a joint case the lead does, since all is received in one place. */
static void take_materials(struct papers *papers, const PbCaseRecord *record, const PbItem *item,
                           PbMaterial *const *materials, size_t count, struct tb_arena *arena)
{
	for (size_t i = 0; i < count; i++) {
		const PbMaterial *material = materials[i];
		bool asked = false;
		bool held = record->needs_originals || record->n_parts > 0;
		for (size_t j = 0; held && j < item->n_materials; j++)
			asked = asked || (item->materials[j]->original &&
			                  strcmp(item->materials[j]->code, material->need) == 0);
		if (!material->credential[0] && !material->commitment[0] && (asked || material->original))
			add(&papers->originals, &papers->originals_count, &materials[i]->need, 1, arena);
	}
}

static enum tb_code read_log(struct kv *kv, const PbCaseRecord *record, const PbItem *item,
                             struct papers *papers, struct tb_arena *arena, struct tb_error *err)
{
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct kv_key key = case_entry_key(record->number, seq);
		PbCaseEntry *entry;
		if (KV_GET(kv, KV_ENTRY, &key, case_entry, arena, &entry, err))
			return tb_fail(err, TB_ECORRUPT, "case %.40s: entry %u cannot be read",
			               record->number, seq);
		const PbCaseDetail *detail = entry->detail;
		if (!detail)
			continue;
		if (detail->application)
			take_materials(papers, record, item, detail->application->materials,
			               detail->application->n_materials, arena);
		take_materials(papers, record, item, detail->materials, detail->n_materials, arena);
		add(&papers->returned, &papers->returned_count, detail->returned, detail->n_returned, arena);
	}
	return TB_OK;
}

/* Paper may also come with a supplement to a package that needed none. All papers of a joint case are handed
 * in at its lead, and given back there with all results: it is held to the parts' lists. */
static enum tb_code read_papers(struct kv *kv, const PbCaseRecord *record, PbItem **item,
                                struct papers *papers, struct tb_arena *arena, struct tb_error *err)
{
	*item = NULL;
	*papers = (struct papers){0};
	enum tb_code code = record->n_parts > 0 ? joint_papers(kv, record, arena, item, err)
	                                        : catalogue_item_of(kv, record, arena, item, err);
	/* Without the list, of a case that needed no paper, nothing is left. */
	if (code == TB_ENOTFOUND && !record->needs_originals) {
		*item = NULL;
		return TB_OK;
	}
	return code ? code : read_log(kv, record, *item, papers, arena, err);
}

static size_t left(const PbItem *item, const struct papers *papers, char **codes)
{
	size_t count = 0;
	for (size_t i = 0; item && i < item->n_materials; i++) {
		const PbMaterialNeed *need = item->materials[i];
		if (need->disposition == PB_DISPOSITION__RETURNED_ORIGINAL &&
		    names(papers->originals, papers->originals_count, need->code) &&
		    !names(papers->returned, papers->returned_count, need->code))
			codes[count++] = need->code;
	}
	return count;
}

enum tb_code originals_left(struct kv *kv, const PbCaseRecord *record, struct tb_arena *arena, char ***codes,
                            size_t *count, struct tb_error *err)
{
	struct papers papers;
	PbItem *item;
	*count = 0;
	enum tb_code code = read_papers(kv, record, &item, &papers, arena, err);
	if (code || !item)
		return code;
	*codes = tb_arena_alloc(arena, (item->n_materials + 1) * sizeof(**codes));
	*count = left(item, &papers, *codes);
	return TB_OK;
}

enum tb_code originals_check(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event,
                             const PbCaseDetail *detail, struct tb_error *err)
{
	struct papers papers;
	PbItem *item;
	bool closes = event == PB_CASE_EVENT__HAND_OVER;
	size_t given = detail ? detail->n_returned : 0;
	if (given > TB_NEEDS_MAX)
		return tb_fail(err, TB_ETOOBIG, "detail.returned: more than %d", TB_NEEDS_MAX);
	if (given > 0 && !closes && event != PB_CASE_EVENT__DISPATCH)
		return tb_fail(err, TB_EINVALID, "detail.returned: only with DISPATCH and HAND_OVER");
	if (given == 0 && !closes)
		return TB_OK;
	enum tb_code code = read_papers(&turn->kv, record, &item, &papers, &turn->arena, err);
	for (size_t i = 0; i < given && code == TB_OK; i++) {
		if (!names(papers.originals, papers.originals_count, detail->returned[i]))
			code = tb_fail(err, TB_EINVALID, "detail.returned[%zu]: no original of the case", i);
	}
	/* What was lost on its way, say: then it is said why. */
	if (code || !closes || !item || (detail && !case_text_blank(detail->reason)))
		return code;
	add(&papers.returned, &papers.returned_count, detail ? detail->returned : NULL, given, &turn->arena);
	char **codes = tb_arena_alloc(&turn->arena, (item->n_materials + 1) * sizeof(*codes));
	if (left(item, &papers, codes) == 0)
		return TB_OK;
	return tb_fail(err, TB_ESTATE, "originals were not returned: %.*s", LEFT_TEXT_BYTES, codes[0]);
}

/* What a parcel of originals holds, where nobody wrote it down: each, and what becomes of it. */
void originals_fill_parcel(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event,
                           PbCaseDetail *detail)
{
	static const char *const words[] = {"", [PB_DISPOSITION__ARCHIVED_ORIGINAL] = "（存档）",
	                                    [PB_DISPOSITION__RETURNED_ORIGINAL] = "（退还）"};
	struct papers papers;
	PbItem *item;
	PbWaybill *waybill = detail->waybill;
	if (event != PB_CASE_EVENT__POST || !waybill || waybill->n_contents > 0 ||
	    read_papers(&turn->kv, record, &item, &papers, &turn->arena, NULL) || !item)
		return;
	waybill->contents = tb_arena_alloc(&turn->arena, (item->n_materials + 1) * sizeof(char *));
	for (size_t i = 0; i < item->n_materials; i++) {
		const PbMaterialNeed *need = item->materials[i];
		size_t word = (size_t)need->disposition;
		if (names(papers.originals, papers.originals_count, need->code))
			waybill->contents[waybill->n_contents++] =
				tb_arena_printf(&turn->arena, "%s %s%s", need->code, need->name,
			                        word < sizeof(words) / sizeof(words[0]) ? words[word] : "");
	}
}
