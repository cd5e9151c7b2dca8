/* Small files that the node trusts, read and replaced as a whole; and who may read or write them. */
#pragma once

#include "base/bytes.h"

/* Reads |path| into |out| (cleared first; a NUL follows, not counted). TB_ENOTFOUND; TB_ETOOBIG over
 * |bytes_max|; TB_EPERMISSIONS: it cannot be opened, or belongs to neither this user nor root, or others can
 * write to it (|err| says which chown or chmod helps); TB_EIO. */
TB_MUST_CHECK enum tb_code file_read(struct tb_buf *out, const char *path, size_t bytes_max,
                                     struct tb_error *err);
/* Puts |bytes| at |path| so that after a crash the old content is there or the new one: a temporary file
 * beside it, fsync, rename, fsync of the directory. */
TB_MUST_CHECK enum tb_code file_replace(const char *path, struct tb_bytes bytes, unsigned mode,
                                        struct tb_error *err);
/* Removes |path| durably. TB_ENOTFOUND. */
TB_MUST_CHECK enum tb_code file_remove(const char *path, struct tb_error *err);
bool file_exists(const char *path);

/* A regular file of this user that nobody else may read or write. TB_EPERMISSIONS says which chmod helps. */
TB_MUST_CHECK enum tb_code file_check_private(const char *path, struct tb_error *err);
/* A directory of this user; nobody else may write there, nor read there if |private|. */
TB_MUST_CHECK enum tb_code file_check_dir(const char *path, bool private, struct tb_error *err);
