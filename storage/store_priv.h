/* What the files of storage/ share. */
#pragma once

#include "base/error.h"

/* Our code for what LMDB or the operating system returned: an MDB_ code (negative) or an errno. */
enum tb_code store_engine_code(int rc);

/* Checks the data file |fd| before LMDB maps it, since LMDB itself believes what it finds there: a page
 * behind the end of the file is SIGBUS when it is touched, not an error. TB_ECORRUPT: not a data file, or
 * damaged. */
TB_MUST_CHECK enum tb_code store_damage_check(int fd, struct tb_error *err);

/* Writes the heads of the data file |fd| again as they read, and syncs. After a commit that failed, what is
 * read may not be on the disk (the write came back with an error, but its page was kept), or the other way
 * round (LMDB took the head back, unsynced): a loss of power would turn one outcome into the other after
 * somebody has acted on it. */
TB_MUST_CHECK enum tb_code store_settle(int fd, struct tb_error *err);
