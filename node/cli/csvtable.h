/* Small tables as CSV (RFC 4180), one message a line under a head line. Lists within a cell are separated by
 * ';'. */
#pragma once

#include "node/cli/cli.h"

/* Puts |cell| into |row|; false: there is no column |head|. The texts are to be copied. */
typedef bool csv_set(struct cli *cli, void *row, const char *head, char *cell);

/* The rows of |text|, which is cut up, as messages of |type|. TB_EINVALID names the line; at most |rows_max|.
 */
TB_MUST_CHECK enum tb_code csvtable_read(struct cli *cli, char *text, const proto_type *type, size_t rows_max,
                                         csv_set *set, proto_message ***rows, size_t *count);
char **csvtable_list(struct cli *cli, const char *cell, size_t *count);
/* Reads |path|, as CSV if it ends so: *csv. The text is in cli->arena. */
TB_MUST_CHECK enum tb_code csvtable_file(struct cli *cli, const char *path, char **text, bool *csv);
