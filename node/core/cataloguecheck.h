/* What is wrong with an item list beyond its form: things that its publisher should see before others do.
 *
 * 国办发〔2020〕35号 and 国发〔2016〕48号: no paper without a legal basis, no circular proofs. */
#pragma once

#include "proto/codec.h"

enum catalogue_fault {
	CATALOGUE_NO_BASIS,     /* a required material names no legal basis */
	CATALOGUE_LIMITS,       /* the promised limit is over the legal one */
	CATALOGUE_CIRCLE,       /* a proof that can be had only by giving it (循环证明) */
	CATALOGUE_NO_CRITERIA,  /* YB, but no basic code or criteria to decide by */
	CATALOGUE_PAPER_ONLINE, /* QC, but a paper original is required that no certificate stands for */
	CATALOGUE_BUNDLE, /* a bundle's item is not in this list, is not for LB, or is a bundle itself */
	/* Of the elements: */
	CATALOGUE_ELEMENT, /* one of the 23 that all regions state alike (应统尽统) is not given */
	CATALOGUE_CODE,    /* the code is of neither generation (GB/T 39046; GB/T 39554.1) */
	CATALOGUE_ONSITE,  /* one must come, but no law is named that says so */
};

struct catalogue_finding {
	enum catalogue_fault fault;
	const PbItem *item;
	const PbMaterialNeed *material; /* NULL where it is about the item */
	const char *with; /* CIRCLE: the items on the way; ELEMENT: the field, as in the .proto; BUNDLE: the
	                     item; else "" */
};

/* Returns how many findings; the list is in |arena|, in the order of the items. |elements|: looks at these,
 * too. */
size_t catalogue_findings(const PbCatalogue *catalogue, bool elements, struct tb_arena *arena,
                          struct catalogue_finding **out);
