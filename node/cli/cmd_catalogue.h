/* What the verbs of the catalogue share. */
#pragma once

#include "node/cli/cli.h"
#include "node/io/itemfile.h"

/* Reads an item list; |word| names its format, NULL: the end of |path| does. What is wrong inside is in
 * |out|. */
TB_MUST_CHECK enum tb_code catalogue_file_read(struct cli *cli, const char *path, const char *word,
                                               struct itemfile *out);
/* Reads a base catalogue (基本目录); its faults are said on stderr. */
TB_MUST_CHECK enum tb_code catalogue_base_read(struct cli *cli, const char *path, PbCatalogue *out);
/* Says on stderr what is wrong in |file|, a line each. */
void catalogue_file_faults(struct cli *cli, const char *path, const struct itemfile *file);

/* CatalogueService.List; |region| "": the own one, |code| "": all items. */
TB_MUST_CHECK enum tb_code catalogue_list(struct cli *cli, const char *region, const char *code, bool history,
                                          PbCatalogueListResponse **out);
