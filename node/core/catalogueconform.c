#include "node/core/catalogueconform.h"

#include <string.h>

struct findings {
	struct conform_finding *list;
	size_t count;
	size_t room;
	struct tb_arena *arena;
};

static void add(struct findings *findings, const struct conform_finding *finding)
{
	if (findings->count == findings->room) {
		size_t room = findings->room ? 2 * findings->room : 64;
		struct conform_finding *list = tb_arena_alloc(findings->arena, room * sizeof(*list));
		if (findings->count > 0)
			memcpy(list, findings->list, findings->count * sizeof(*list));
		findings->list = list;
		findings->room = room;
	}
	findings->list[findings->count++] = *finding;
}

static bool among(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

/* Does |item| accept everybody whom |base| does? */
static bool accepts(const PbItem *item, const PbItem *base)
{
	bool all = item->n_eligible > 0;
	for (size_t i = 0; i < base->n_eligible && all; i++) {
		bool one = strcmp(item->eligible[0], "anybody") == 0;
		for (size_t j = 0; j < item->n_eligible && !one; j++)
			one = strcmp(item->eligible[j], base->eligible[i]) == 0;
		all = one;
	}
	return all;
}

/* Is the region free to differ in it? */
static bool local(const char *field, const PbItem *base, const PbItem *item)
{
	static const char *const names[] = {"code",
	                                    "version",
	                                    "listed",
	                                    "handling_code",
	                                    "department",
	                                    "department_name",
	                                    "effective_from",
	                                    "cancelled_on",
	                                    "criteria",
	                                    "window_class",
	                                    "external",
	                                    "address",
	                                    "phone",
	                                    "service_hours",
	                                    "promised_days_note",
	                                    "year",
	                                    "national_name",
	                                    "due_on",
	                                    "credit_months",
	                                    NULL};
	if (strcmp(field, "promised_days") == 0)
		return item->promised_days <= base->promised_days;
	if (strcmp(field, "onsite_runs") == 0)
		return item->onsite_runs <= base->onsite_runs;
	if (strcmp(field, "eligible") == 0)
		return accepts(item, base);
	/* Papers and fees are looked at by their names. */
	return among(field, names) || strncmp(field, "materials", 9) == 0 || strncmp(field, "fees", 4) == 0 ||
	       strncmp(field, "mode_regions", 12) == 0;
}

static void compare_elements(struct findings *findings, const PbItem *base, const PbItem *item)
{
	static const char *const identity[] = {"name", "base_code", "basis", "item_type", NULL};
	struct proto_difference *differences;
	size_t count = proto_differences(&base->base, &item->base, findings->arena, &differences);
	for (size_t i = 0; i < count; i++) {
		const char *field = differences[i].field;
		if (!differences[i].before[0] || local(field, base, item))
			continue; /* The base says nothing of it. */
		add(findings, &(struct conform_finding){.kind = among(field, identity) ? CONFORM_IDENTITY
		                                                                       : CONFORM_ELEMENT,
		                                        .base = base,
		                                        .item = item,
		                                        .field = field,
		                                        .wanted = differences[i].before,
		                                        .found = differences[i].after});
	}
}

static void compare_papers(struct findings *findings, const PbItem *base, const PbItem *item)
{
	for (size_t i = 0; i < item->n_materials && base->n_materials > 0; i++) {
		bool known = !item->materials[i]->required;
		for (size_t j = 0; j < base->n_materials && !known; j++)
			known = strcmp(base->materials[j]->name, item->materials[i]->name) == 0;
		if (!known)
			add(findings, &(struct conform_finding){.kind = CONFORM_PAPER,
			                                        .base = base,
			                                        .item = item,
			                                        .field = item->materials[i]->name,
			                                        .wanted = "",
			                                        .found = item->materials[i]->code});
	}
}

bool catalogue_same_item(const PbItem *base, const PbItem *item)
{
	if (base->base_code[0])
		return strcmp(base->base_code, item->base_code) == 0;
	return strcmp(base->name, item->name) == 0 || strcmp(base->name, item->national_name) == 0;
}

size_t catalogue_conform(const PbCatalogue *list, const PbCatalogue *base, struct tb_arena *arena,
                         struct conform_finding **out)
{
	struct findings findings = {.arena = arena};
	bool *matched = tb_arena_alloc(arena, list->n_items + 1);
	for (size_t i = 0; i < base->n_items; i++) {
		bool claimed = false;
		for (size_t j = 0; j < list->n_items; j++) {
			if (!catalogue_same_item(base->items[i], list->items[j]))
				continue;
			claimed = matched[j] = true;
			compare_elements(&findings, base->items[i], list->items[j]);
			compare_papers(&findings, base->items[i], list->items[j]);
		}
		if (!claimed)
			add(&findings, &(struct conform_finding){.kind = CONFORM_UNCLAIMED,
			                                         .base = base->items[i],
			                                         .field = "",
			                                         .wanted = "",
			                                         .found = ""});
	}
	for (size_t j = 0; j < list->n_items; j++) {
		if (!matched[j] && list->items[j]->base_code[0])
			add(&findings, &(struct conform_finding){.kind = CONFORM_OUTSIDE,
			                                         .item = list->items[j],
			                                         .field = "",
			                                         .wanted = "",
			                                         .found = ""});
	}
	*out = findings.list;
	return findings.count;
}
