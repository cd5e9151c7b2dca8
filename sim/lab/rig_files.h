/* Whole files and whole directories. False means that it failed, and errno says why. */
#pragma once

#include "base/bytes.h"

/* Appends the file to |out|, at most |most| bytes of it. */
bool rig_file_read(struct tb_buf *out, const char *path, size_t most);
bool rig_file_write(const char *path, struct tb_bytes text);
/* Copies directories and plain files with their modes; |to| must not be there. */
bool rig_tree_copy(const char *from, const char *to);
/* True, too, if it was not there. */
bool rig_tree_remove(const char *path);
