/* Texts in the simulator's reports: cut, and escaped for JSON and XML. */
#pragma once

#include <stddef.h>

#include "base/bytes.h"

/* Copies what fits into |room| bytes, never half a character; what is no UTF-8 becomes "?". */
void sim_text_cut(char *out, size_t room, const char *text);
/* A JSON string with its quotes (RFC 8259, section 7). */
void sim_text_json(struct tb_buf *out, const char *text);
/* Character data or an attribute's value; control characters, which XML 1.0 has not, become spaces. */
void sim_text_xml(struct tb_buf *out, const char *text);
