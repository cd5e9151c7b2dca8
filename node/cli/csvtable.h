/* Small tables as CSV (RFC 4180): under a head row of field names, one message a row. Lists within a cell are
 * separated by ';'. */
#pragma once

#include "node/cli/cli.h"

/* Puts |cell| into |row|, for columns that are lists of messages; false: there is no column |head|. The texts
 * are to be copied. */
typedef bool csv_set(struct cli *cli, void *row, const char *head, const char *cell);

struct csvtable {
	const proto_type *request;
	const char *rows; /* the field of |request| that lists them */
	size_t rows_max;
	csv_set *set; /* NULL: texts, numbers, truth values and lists of texts only */
};

/* Reads the file that is the operand as a request: CSV if its name ends so, otherwise YAML. TB_EINVALID names
 * the line, or says that there is none, without --empty. The request is in cli->arena. */
TB_MUST_CHECK enum tb_code csvtable_load(proto_message **request, struct cli *cli,
                                         const struct options *options, const struct csvtable *table);
extern const struct option csvtable_options[];
char **csvtable_list(struct cli *cli, const char *cell, size_t *count);
