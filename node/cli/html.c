#include "node/cli/html.h"

void html_text(struct tb_buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			tb_buf_str(out, "&lt;");
		else if (*text == '>')
			tb_buf_str(out, "&gt;");
		else if (*text == '&')
			tb_buf_str(out, "&amp;");
		else if (*text == '"')
			tb_buf_str(out, "&quot;");
		else
			tb_buf_add(out, text, 1);
	}
}
