/* YAML by schema, for the files of node/io only: the one place that shows libcyaml's types.
 *
 * (Named yamldoc_, since libyaml exports names like yaml_free() that ours would take the place of.)
 *
 * An error reads "file:line: field: what". Unknown and repeated fields, aliases and further documents are
 * errors. */
#pragma once

#include <cyaml/cyaml.h>

#include "base/bytes.h"

struct yamldoc {
	const char *file;     /* for errors; borrowed */
	struct tb_bytes text; /* borrowed */
	const cyaml_schema_value_t *schema;
	void *data; /* as the schema says */
};

/* |schema| is a pointer to a mapping. */
TB_MUST_CHECK enum tb_code yamldoc_load(struct yamldoc *doc, const char *file, struct tb_bytes text,
                                        const cyaml_schema_value_t *schema, struct tb_error *err);
void yamldoc_free(struct yamldoc *doc);

/* TB_EINVALID for |field| (its path), whose |value| (NULL: any) breaks a rule that the schema cannot say. The
 * line is that of the |nth| such value, from 0. */
enum tb_code yamldoc_fail(const struct yamldoc *doc, const char *field, const char *value, size_t nth,
                          struct tb_error *err, const char *fmt, ...) TB_PRINTF(6, 7);
/* Appends |text| as a double-quoted YAML scalar. */
void yamldoc_quote(struct tb_buf *out, const char *text);
