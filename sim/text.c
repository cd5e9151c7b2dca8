#include "sim/text.h"

#include <assert.h>
#include <string.h>

/* Bytes of the character that begins with |byte|; 0: none does. */
static size_t char_bytes(uint8_t byte)
{
	if (byte < 0x80)
		return 1;
	if (byte >= 0xC2 && byte < 0xE0)
		return 2;
	if (byte >= 0xE0 && byte < 0xF0)
		return 3;
	return byte >= 0xF0 && byte < 0xF5 ? 4 : 0;
}

void sim_text_cut(char *out, size_t room, const char *text)
{
	size_t used = 0;
	assert(room > 0);
	while (*text) {
		size_t size = char_bytes((uint8_t)*text);
		size_t have = size ? strnlen(text, size) : 0;
		bool good = size > 0 && have == size && tb_utf8_valid(tb_bytes_of(text, size));
		if (used + (good ? size : 1) >= room)
			break;
		if (good) {
			memcpy(out + used, text, size);
			used += size;
			text += size;
		} else {
			out[used++] = '?';
			text++;
		}
	}
	out[used] = '\0';
}

void sim_text_json(struct tb_buf *out, const char *text)
{
	tb_buf_str(out, "\"");
	for (; *text; text++) {
		uint8_t byte = (uint8_t)*text;
		if (byte == '"' || byte == '\\')
			tb_buf_printf(out, "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			tb_buf_printf(out, "\\u%04x", byte);
		else
			tb_buf_add(out, text, 1);
	}
	tb_buf_str(out, "\"");
}

void sim_text_xml(struct tb_buf *out, const char *text)
{
	for (; *text; text++) {
		uint8_t byte = (uint8_t)*text;
		switch (byte) {
		case '<':
			tb_buf_str(out, "&lt;");
			break;
		case '>':
			tb_buf_str(out, "&gt;");
			break;
		case '&':
			tb_buf_str(out, "&amp;");
			break;
		case '"':
			tb_buf_str(out, "&quot;");
			break;
		case '\'':
			tb_buf_str(out, "&#39;");
			break;
		default:
			tb_buf_add(out, byte < 0x20 || byte == 0x7f ? " " : text, 1);
			break;
		}
	}
}
