/* What the files of storage/ share. */
#pragma once

#include "base/error.h"

/* Our code for what LMDB or the operating system returned: an MDB_ code (negative) or an errno. */
enum tb_code store_engine_code(int rc);

/* Checks the data file |fd| before LMDB maps it, since LMDB itself believes what it finds there: a page
 * behind the end of the file is SIGBUS when it is touched, not an error. TB_ECORRUPT: not a data file, or
 * damaged. */
TB_MUST_CHECK enum tb_code store_damage_check(int fd, struct tb_error *err);
