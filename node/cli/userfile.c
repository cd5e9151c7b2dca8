#include "node/cli/userfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_standard(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

enum tb_code userfile_read(struct tb_buf *out, const char *path, size_t max, struct tb_error *err)
{
	char block[16384];
	FILE *stream = is_standard(path) ? stdin : fopen(path, "rbe");
	if (!stream)
		return tb_fail(err, errno == ENOENT ? TB_ENOTFOUND : TB_EIO, "%s: %s", path, strerror(errno));
	enum tb_code code = TB_OK;
	for (size_t size; !code && (size = fread(block, 1, sizeof(block), stream)) > 0;) {
		if (size > max - out->size)
			code = tb_fail(err, TB_ETOOBIG, "%s: more than %zu bytes", path, max);
		else
			tb_buf_add(out, block, size);
	}
	if (!code && ferror(stream))
		code = tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
	if (stream != stdin)
		fclose(stream);
	return code;
}

enum tb_code userfile_out_open(struct userfile_out *out, const char *path, struct tb_error *err)
{
	*out = (struct userfile_out){.stream = stdout};
	if (is_standard(path))
		return TB_OK;
	struct tb_buf name = {0};
	tb_buf_printf(&name, "%s.XXXXXX", path);
	out->temporary = tb_strdup(tb_buf_text(&name));
	tb_buf_clear(&name);
	/* 0600: what comes out of a node is about people. */
	int fd = mkstemp(out->temporary);
	out->stream = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!out->stream) {
		enum tb_code code = tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
		if (fd >= 0) {
			close(fd);
			unlink(out->temporary);
		}
		free(out->temporary);
		*out = (struct userfile_out){0};
		return code;
	}
	out->path = tb_strdup(path);
	return TB_OK;
}

enum tb_code userfile_out_close(struct userfile_out *out, bool keep, struct tb_error *err)
{
	enum tb_code code = TB_OK;
	if (!out->path)
		return fflush(out->stream) == 0 ? TB_OK : tb_fail(err, TB_EIO, "%s", strerror(errno));
	if (keep && (fflush(out->stream) != 0 || fsync(fileno(out->stream)) != 0))
		code = tb_fail(err, TB_EIO, "%s: %s", out->path, strerror(errno));
	if (fclose(out->stream) != 0 && keep && !code)
		code = tb_fail(err, TB_EIO, "%s: %s", out->path, strerror(errno));
	if (keep && !code && rename(out->temporary, out->path) != 0)
		code = tb_fail(err, TB_EIO, "%s: %s", out->path, strerror(errno));
	if (!keep || code)
		unlink(out->temporary);
	free(out->path);
	free(out->temporary);
	*out = (struct userfile_out){0};
	return code;
}

enum tb_code userfile_write(const char *path, struct tb_bytes content, struct tb_error *err)
{
	struct userfile_out out;
	enum tb_code code = userfile_out_open(&out, path, err);
	if (code)
		return code;
	bool good = fwrite(content.data, 1, content.size, out.stream) == content.size;
	if (!good)
		code = tb_fail(err, TB_EIO, "%s: %s", path ? path : "-", strerror(errno));
	struct tb_error late;
	enum tb_code closed = userfile_out_close(&out, good, &late);
	return code ? code : closed ? tb_fail_like(err, closed, &late) : TB_OK;
}

const char *userfile_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}
