#include "node/core/cataloguecheck.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/ident.h"

struct findings {
	struct catalogue_finding *list;
	size_t count;
	size_t room;
	struct tb_arena *arena;
};

static void add(struct findings *findings, enum catalogue_fault fault, const PbItem *item,
                const PbMaterialNeed *material, const char *with)
{
	if (findings->count == findings->room) {
		size_t room = findings->room ? 2 * findings->room : 64;
		struct catalogue_finding *list = tb_arena_alloc(findings->arena, room * sizeof(*list));
		if (findings->count > 0)
			memcpy(list, findings->list, findings->count * sizeof(*list));
		findings->list = list;
		findings->room = room;
	}
	findings->list[findings->count++] =
		(struct catalogue_finding){.fault = fault, .item = item, .material = material, .with = with};
}

static bool has_mode(const PbItem *item, const char *mode)
{
	for (size_t i = 0; i < item->n_modes; i++) {
		if (strcmp(item->modes[i], mode) == 0)
			return true;
	}
	return false;
}

/* ---- circles: an item needs a certificate of a type; another item of the list issues that type */

/* An item that issues a type of certificates. */
struct source {
	const char *type;
	size_t item;
};

struct walk {
	const PbCatalogue *catalogue;
	struct tb_arena *arena;
	struct source *sources; /* by type, then by item */
	size_t sources_count;
	size_t *queue;
	bool *had;      /* by item: what it issues can be had without a circle */
	bool *seen;     /* by item */
	size_t *before; /* the item that led here */
};

static int by_type(const void *a, const void *b)
{
	const struct source *x = a, *y = b;
	int order = strcmp(x->type, y->type);
	return order ? order : (x->item > y->item) - (x->item < y->item);
}

static void walk_init(struct walk *walk, const PbCatalogue *catalogue, struct tb_arena *arena)
{
	size_t count = catalogue->n_items + 1;
	*walk = (struct walk){.catalogue = catalogue,
	                      .arena = arena,
	                      .sources = tb_arena_alloc(arena, count * sizeof(*walk->sources)),
	                      .queue = tb_arena_alloc(arena, count * sizeof(*walk->queue)),
	                      .had = tb_arena_alloc(arena, count * sizeof(*walk->had)),
	                      .seen = tb_arena_alloc(arena, count * sizeof(*walk->seen)),
	                      .before = tb_arena_alloc(arena, count * sizeof(*walk->before))};
	for (size_t i = 0; i < catalogue->n_items; i++) {
		const char *type = catalogue->items[i]->result_type;
		if (type[0])
			walk->sources[walk->sources_count++] = (struct source){type, i};
	}
	qsort(walk->sources, walk->sources_count, sizeof(*walk->sources), by_type);
}

/* The items that issue what |need| asks for with nothing else in its place: from the one returned on, *count.
 * None if one of them gives it anyway: a renewal shows what the first issue gave. */
static const struct source *issuers(const struct walk *walk, const PbMaterialNeed *need, size_t *count)
{
	size_t low = 0, high = walk->sources_count;
	*count = 0;
	if (!need->required || need->n_credential_types != 1)
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(walk->sources[middle].type, need->credential_types[0]) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + *count < walk->sources_count &&
	       strcmp(walk->sources[low + *count].type, need->credential_types[0]) == 0)
		++*count;
	for (size_t i = 0, all = *count; i < all; i++) {
		if (walk->had[walk->sources[low + i].item])
			*count = 0;
	}
	return walk->sources + low;
}

static bool can_be_had(const struct walk *walk, const PbItem *item)
{
	for (size_t m = 0; m < item->n_materials; m++) {
		size_t count;
		issuers(walk, item->materials[m], &count);
		if (count > 0)
			return false;
	}
	return true;
}

/* Each round but the last finds an item at least. */
static void find_obtainable(struct walk *walk)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < walk->catalogue->n_items; i++) {
			if (walk->had[i] || !can_be_had(walk, walk->catalogue->items[i]))
				continue;
			walk->had[i] = true;
			more = true;
		}
	}
}

/* The items that lead from |from| back to |goal|, by breadth, so that the shortest circle is told. */
static bool leads_back(struct walk *walk, size_t from, size_t goal)
{
	size_t head = 0, tail = 0;
	memset(walk->seen, 0, walk->catalogue->n_items * sizeof(*walk->seen));
	walk->queue[tail++] = from;
	walk->seen[from] = true;
	while (head < tail) {
		size_t at = walk->queue[head++];
		const PbItem *item = walk->catalogue->items[at];
		if (at == goal)
			return true;
		for (size_t m = 0; m < item->n_materials; m++) {
			size_t count;
			const struct source *next = issuers(walk, item->materials[m], &count);
			for (size_t i = 0; i < count; i++) {
				if (walk->seen[next[i].item])
					continue;
				walk->seen[next[i].item] = true;
				walk->before[next[i].item] = at;
				walk->queue[tail++] = next[i].item;
			}
		}
	}
	return false;
}

static const char *way_text(const struct walk *walk, size_t from, size_t goal)
{
	const char *text = walk->catalogue->items[goal]->code;
	for (size_t at = goal; at != from;) {
		at = walk->before[at];
		text = tb_arena_printf(walk->arena, "%s > %s", walk->catalogue->items[at]->code, text);
	}
	return text;
}

static void find_circles(struct findings *findings, struct walk *walk, size_t at)
{
	const PbItem *item = walk->catalogue->items[at];
	for (size_t m = 0; m < item->n_materials; m++) {
		size_t count;
		const struct source *next = issuers(walk, item->materials[m], &count);
		for (size_t i = 0; i < count; i++) {
			if (!leads_back(walk, next[i].item, at))
				continue;
			add(findings, CATALOGUE_CIRCLE, item, item->materials[m],
			    way_text(walk, next[i].item, at));
			break;
		}
	}
}

/* ---- elements */

/* The 23 elements that are the same in all regions; the runs (跑动次数) may be none. */
static const char *const item_elements[] = {"name",       "handling_code",       "basis",     "subjects",
                                            "theme",      "conditions",          "level",     "channels",
                                            "form",       "acceptance_standard", "procedure", "flow_chart",
                                            "legal_days", "promised_days",       "case_type", "online_depth",
                                            NULL};
static const char *const material_elements[] = {"name", "basis", "source", "issuer", "kind", "format", NULL};

static bool is_given(const proto_message *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	assert(field);
	const uint8_t *base = (const uint8_t *)message;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)(const void *)(base + field->quantifier_offset) > 0;
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return (*(char *const *)(const void *)(base + field->offset))[0] != '\0';
	return *(const uint32_t *)(const void *)(base + field->offset) != 0;
}

static void check_elements(struct findings *findings, const PbItem *item)
{
	if (ident_item_check(item->code, NULL))
		add(findings, CATALOGUE_CODE, item, NULL, "");
	if (item->onsite_runs > 0 && !item->onsite_reason[0])
		add(findings, CATALOGUE_ONSITE, item, NULL, "");
	for (const char *const *name = item_elements; *name; name++) {
		if (!is_given(&item->base, *name))
			add(findings, CATALOGUE_ELEMENT, item, NULL, *name);
	}
	for (size_t i = 0; i < item->n_materials; i++) {
		for (const char *const *name = material_elements; *name; name++) {
			if (!is_given(&item->materials[i]->base, *name))
				add(findings, CATALOGUE_ELEMENT, item, item->materials[i], *name);
		}
	}
}

/* ---- the rest */

static void check_item(struct findings *findings, const PbItem *item)
{
	if (item->legal_days && item->promised_days > item->legal_days)
		add(findings, CATALOGUE_LIMITS, item, NULL, "");
	if (has_mode(item, "YB") && (!item->base_code[0] || !item->criteria[0]))
		add(findings, CATALOGUE_NO_CRITERIA, item, NULL, "");
	for (size_t i = 0; i < item->n_materials; i++) {
		const PbMaterialNeed *need = item->materials[i];
		if (need->required && !need->basis[0])
			add(findings, CATALOGUE_NO_BASIS, item, need, "");
		if (has_mode(item, "QC") && need->required && need->original && need->n_credential_types == 0)
			add(findings, CATALOGUE_PAPER_ONLINE, item, need, "");
	}
}

/* The items of a bundle that this region decides by itself. */
static void check_bundle(struct findings *findings, const PbCatalogue *catalogue, const PbItem *bundle)
{
	for (size_t i = 0; i < bundle->n_bundle; i++) {
		const PbBundlePart *part = bundle->bundle[i];
		bool good = part->region[0] && strcmp(part->region, catalogue->region) != 0;
		for (size_t j = 0; j < catalogue->n_items && !good; j++) {
			const PbItem *item = catalogue->items[j];
			bool named = strcmp(item->code, part->item) == 0 ||
			             strcmp(item->base_code, part->item) == 0;
			good = named && item->n_bundle == 0 && has_mode(item, "LB");
		}
		if (!good)
			add(findings, CATALOGUE_BUNDLE, bundle, NULL, part->item);
	}
}

size_t catalogue_findings(const PbCatalogue *catalogue, bool elements, struct tb_arena *arena,
                          struct catalogue_finding **out)
{
	struct findings findings = {.arena = arena};
	struct walk walk;
	walk_init(&walk, catalogue, arena);
	find_obtainable(&walk);
	for (size_t i = 0; i < catalogue->n_items; i++) {
		check_item(&findings, catalogue->items[i]);
		check_bundle(&findings, catalogue, catalogue->items[i]);
		find_circles(&findings, &walk, i);
		if (elements)
			check_elements(&findings, catalogue->items[i]);
	}
	*out = findings.list;
	return findings.count;
}
