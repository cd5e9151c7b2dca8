/* Whole files, bounded, and files that appear complete or not at all. */
#pragma once

#include <stdio.h>

#include "base/bytes.h"

/* Appends the content of |path|; "-" is the standard input. TB_ENOTFOUND, TB_EIO, TB_ETOOBIG over |max|
 * bytes. */
TB_MUST_CHECK enum tb_code userfile_read(struct tb_buf *out, const char *path, size_t max,
                                         struct tb_error *err);

/* A file being written under another name; |path| NULL or "-" is the standard output. */
struct userfile_out {
	FILE *stream;
	char *path;      /* NULL: standard output */
	char *temporary; /* beside |path| */
};
TB_MUST_CHECK enum tb_code userfile_out_open(struct userfile_out *out, const char *path,
                                             struct tb_error *err);
/* Syncs and gives it its name, if |keep|; removes it otherwise. Closes in every case. */
TB_MUST_CHECK enum tb_code userfile_out_close(struct userfile_out *out, bool keep, struct tb_error *err);
/* The same for content that is there. */
TB_MUST_CHECK enum tb_code userfile_write(const char *path, struct tb_bytes content, struct tb_error *err);

/* The last part of a path. */
const char *userfile_base(const char *path);
