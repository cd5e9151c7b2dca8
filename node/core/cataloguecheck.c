#include "node/core/cataloguecheck.h"

#include <string.h>

struct findings {
	struct catalogue_finding *list;
	size_t count;
};

static void add(struct findings *findings, enum catalogue_fault fault, const PbItem *item,
                const PbMaterialNeed *material, const char *with)
{
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

struct walk {
	const PbCatalogue *catalogue;
	struct tb_arena *arena;
	bool *seen;     /* by item */
	size_t *before; /* the item that led here */
};

/* Does |need| ask for what |item| issues, with nothing else in its place? */
static bool asks_for(const PbMaterialNeed *need, const PbItem *item)
{
	return need->required && need->n_credential_types == 1 && item->result_type[0] &&
	       strcmp(need->credential_types[0], item->result_type) == 0;
}

/* The items that lead from |from| back to |goal|, by breadth, so that the shortest circle is told. */
static bool leads_back(struct walk *walk, size_t from, size_t goal)
{
	size_t count = walk->catalogue->n_items, head = 0, tail = 0;
	size_t *queue = tb_arena_alloc(walk->arena, (count + 1) * sizeof(*queue));
	memset(walk->seen, 0, count * sizeof(*walk->seen));
	queue[tail++] = from;
	walk->seen[from] = true;
	while (head < tail) {
		size_t at = queue[head++];
		const PbItem *item = walk->catalogue->items[at];
		if (at == goal)
			return true;
		for (size_t m = 0; m < item->n_materials; m++) {
			for (size_t next = 0; next < count; next++) {
				if (walk->seen[next] ||
				    !asks_for(item->materials[m], walk->catalogue->items[next]))
					continue;
				walk->seen[next] = true;
				walk->before[next] = at;
				queue[tail++] = next;
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

static void find_circles(struct findings *findings, const PbCatalogue *catalogue, size_t at,
                         struct tb_arena *arena)
{
	const PbItem *item = catalogue->items[at];
	struct walk walk = {.catalogue = catalogue,
	                    .arena = arena,
	                    .seen = tb_arena_alloc(arena, (catalogue->n_items + 1) * sizeof(bool)),
	                    .before = tb_arena_alloc(arena, (catalogue->n_items + 1) * sizeof(size_t))};
	for (size_t m = 0; m < item->n_materials; m++) {
		for (size_t next = 0; next < catalogue->n_items; next++) {
			if (!asks_for(item->materials[m], catalogue->items[next]) ||
			    !leads_back(&walk, next, at))
				continue;
			add(findings, CATALOGUE_CIRCLE, item, item->materials[m], way_text(&walk, next, at));
			break;
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

size_t catalogue_findings(const PbCatalogue *catalogue, struct tb_arena *arena,
                          struct catalogue_finding **out)
{
	struct findings findings = {0};
	size_t most = 0;
	for (size_t i = 0; i < catalogue->n_items; i++)
		most += 2 + 3 * catalogue->items[i]->n_materials;
	findings.list = tb_arena_alloc(arena, (most + 1) * sizeof(*findings.list));
	for (size_t i = 0; i < catalogue->n_items; i++) {
		check_item(&findings, catalogue->items[i]);
		find_circles(&findings, catalogue, i, arena);
	}
	*out = findings.list;
	return findings.count;
}
