/* Items (事项), and what an application for one must hold.
 *
 * The rules: nothing is asked for without a basis; what a valid certificate shows is not asked for on paper;
 * the promise is within the law; a case is handed in complete or not at all. Pure checks, any thread. Texts
 * of errors name codes of the catalogue and places, nothing personal. */
#pragma once

#include "proto/codec.h"

struct peer; /* node/core/peer.h */

/* Is |item| fit to be published? TB_EINVALID or TB_ETOOBIG; |err| names the place. */
TB_MUST_CHECK enum tb_code catalogue_check_item(const PbItem *item, struct tb_error *err);

/* Are all (code, version) of |items| different? TB_EINVALID names the second of a pair. */
TB_MUST_CHECK enum tb_code catalogue_check_versions(PbItem *const *items, size_t count, struct tb_error *err);

/* Do |item|'s limits to regions (限定地区) leave |mode|, as its list says it, to the windows of |window|? */
bool catalogue_for_window(const PbItem *item, const char *mode, const char *window);
/* Is |item| offered in |mode| (as a case says it) to the windows of |window|? A region of the list covers
 * those below it, by GB/T 2260: 320000 covers 320400. TB_EDENIED; TB_ESTATE: another system takes the
 * applications, or it is a bundle. */
TB_MUST_CHECK enum tb_code catalogue_check_offer(const PbItem *item, const char *mode, const char *window,
                                                 struct tb_error *err);

/* Does |home| accept who applies, by its conditions (地域条件) and what |application| states? Anywhere below
 * the region counts as in it. TB_EINVALID tells what is accepted. */
TB_MUST_CHECK enum tb_code catalogue_check_eligible(const PbItem *item, const char *home,
                                                    const PbApplication *application, struct tb_error *err);

/* Does |application| hold all that |item| requires, in a mode that it allows, of somebody whom the region
 * accepts and who is known well enough? |item| has passed catalogue_check_item(). A need is met by a file, by
 * a certificate of a type that it lists, or, where it asks for the original, by the original.
 *
 * Types of certificates are compared by the map of |other|, the other region of the case; NULL: as they are.
 *
 * TB_EINVALID names the first material that is not in order, or else all needs that are not met
 * TB_ETOOBIG  too many materials, or a file over 2 GiB */
TB_MUST_CHECK enum tb_code catalogue_check_application(const PbItem *item, const PbApplication *application,
                                                       const struct peer *other, struct tb_error *err);

/* Do paper originals travel with |application|? Those that the item asks for, be there a scan or not, and
 * those that the applicant gives. A certificate stands in for the original, too: who shows one cannot be made
 * to send the paper. */
bool catalogue_needs_originals(const PbItem *item, const PbApplication *application);

/* Are the materials of BRING and SUPPLEMENT in order by themselves? None at all is. */
TB_MUST_CHECK enum tb_code catalogue_check_supplement(PbMaterial *const *materials, size_t count,
                                                      struct tb_error *err);
