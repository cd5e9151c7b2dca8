/* Whole files, bounded, and files that appear complete or not at all. */
#pragma once

#include <stdio.h>

#include "base/bytes.h"

/* What |error|, an errno, means at |path|: TB_ENOTFOUND, TB_EDENIED, TB_EINVALID (a directory), TB_EFULL, or
 * TB_EIO for all others. */
enum tb_code userfile_fail(struct tb_error *err, const char *path, int error);

/* Appends the content of |path|; "-" is the standard input. As userfile_fail(), and TB_ETOOBIG over |max|
 * bytes. */
TB_MUST_CHECK enum tb_code userfile_read(struct tb_buf *out, const char *path, size_t max,
                                         struct tb_error *err);

/* A file being written under another name, so that what is there is replaced whole or not at all. What is no
 * regular file (a device, a pipe, a link to another file) is written to as it stands. |path| NULL or "-" is
 * the standard output. As userfile_fail(). */
struct userfile_out {
	FILE *stream;
	char *path;      /* NULL: standard output */
	char *temporary; /* beside |path|; NULL: |path| itself is written */
};
TB_MUST_CHECK enum tb_code userfile_out_open(struct userfile_out *out, const char *path,
                                             struct tb_error *err);
/* Syncs and gives it its name, if |keep|; removes it otherwise. Closes in every case. What went to a device,
 * a pipe or through a link cannot be taken back. */
TB_MUST_CHECK enum tb_code userfile_out_close(struct userfile_out *out, bool keep, struct tb_error *err);
/* The same for content that is there. */
TB_MUST_CHECK enum tb_code userfile_write(const char *path, struct tb_bytes content, struct tb_error *err);

/* The last part of a path. */
const char *userfile_base(const char *path);
