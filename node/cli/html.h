/* Pages that stand alone: no scripts, nothing from outside. */
#pragma once

#include "base/bytes.h"

/* Appends |text| so that it is text, between tags and in a quoted attribute. */
void html_text(struct tb_buf *out, const char *text);
