/* 线上专区: one page of what can be done across regions here, in Chinese and English, for a portal to embed.
 */
#pragma once

#include "base/time.h"
#include "proto/codec.h"

/* A region whose items the windows here receive. */
struct zone_partner {
	const char *region;
	const char *name;
	const PbCatalogue *list;
};

struct zone_facts {
	const char *region;
	const char *name;
	tb_time now;
	const PbCatalogue *list; /* the own one; NULL: none */
	const PbHallList *halls; /* NULL: none */
	PbAgreementView *const *agreements;
	size_t agreements_count;
	const struct zone_partner *partners;
	size_t partners_count;
};

/* Appends the page: the partners' items that may be handed in here, by the agreements in force; the own items
 * that are handled all online, or that a partner's windows receive; the halls. It holds no script and asks
 * for nothing from outside, and its policy (CSP) says so. */
void zone_write(struct tb_buf *out, const struct zone_facts *facts);
