/* JSON as text: checks and cuts it without building anything, so that a million queries and answers pass
 * through at the cost of looking at each byte once. Grammar: RFC 8259. */
#pragma once

#include "base/bytes.h"

enum { JSONTEXT_DEPTH_MAX = 64 };

/* The size of the JSON value at the start of |text|, blanks before it included; 0 if there is none or it is
 * cut off, not UTF-8, or nested deeper than JSONTEXT_DEPTH_MAX. */
size_t jsontext_value(struct tb_bytes text);
/* True if |text| is one object and nothing else but blanks. */
bool jsontext_is_object(struct tb_bytes text);

/* The elements of the array that is member |name| of the object |text|. Starts with *at = 0; false after the
 * last, when there is no such member, or when |text| is malformed. |name| has no escapes. */
bool jsontext_element(struct tb_bytes text, const char *name, size_t *at, struct tb_bytes *element);
/* Appends the text that member |name| of the object |text| holds; false if it holds none, or half a surrogate
 * pair or a NUL. */
bool jsontext_string(struct tb_bytes text, const char *name, struct tb_buf *out);
