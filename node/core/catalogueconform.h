/* A region's list held against a base catalogue (基本目录): what should be the same everywhere is.
 *
 * 四级四同: name, code, legal basis and type of an item are those of the base; the other elements (要素) as
 * well, as far as the base gives them. A promise may be shorter than the base's, a region may accept more
 * applicants, have fewer runs and papers of its own; address, telephone and hours are local. */
#pragma once

#include "proto/codec.h"

enum conform_kind {
	CONFORM_UNCLAIMED, /* 应领未领: the base has it, the list has not */
	CONFORM_IDENTITY,  /* name, code, basis or type is another one */
	CONFORM_ELEMENT,   /* another element is */
	CONFORM_PAPER,     /* a required material that the base does not ask for */
	CONFORM_OUTSIDE,   /* its basic code is not one of the base */
};

struct conform_finding {
	enum conform_kind kind;
	const PbItem *base; /* NULL: OUTSIDE */
	const PbItem *item; /* NULL: UNCLAIMED */
	const char *field;  /* IDENTITY, ELEMENT: as in the .proto; PAPER: the material's name; else "" */
	const char *wanted; /* what the base has, as JSON */
	const char *found;
};

/* Is |item| of a list the one that |base| of a base catalogue means? By their basic codes, or where the base
 * gives none by its name of the item. */
bool catalogue_same_item(const PbItem *base, const PbItem *item);

/* Returns how many findings; the list is in |arena|, in the order of the base, what is outside of it at the
 * end. */
size_t catalogue_conform(const PbCatalogue *list, const PbCatalogue *base, struct tb_arena *arena,
                         struct conform_finding **out);
