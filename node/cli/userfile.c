#include "node/cli/userfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/text.h"

enum tb_code userfile_fail(struct tb_error *err, const char *path, int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return text_fail(err, TB_ENOTFOUND, TEXT_M_FILE_NONE, path, NULL);
	case EACCES:
	case EPERM:
	case EROFS:
		return text_fail(err, TB_EDENIED, TEXT_M_FILE_DENIED, path, strerror(error), NULL);
	case EISDIR:
		return text_fail(err, TB_EINVALID, TEXT_M_FILE_DIRECTORY, path, NULL);
	case ENOSPC:
	case EDQUOT:
		return text_fail(err, TB_EFULL, TEXT_M_FILE_FULL, path, strerror(error), NULL);
	default:
		return tb_fail(err, TB_EIO, "%s: %s", path, strerror(error));
	}
}

static bool is_standard(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

enum tb_code userfile_read(struct tb_buf *out, const char *path, size_t max, struct tb_error *err)
{
	char block[16384];
	FILE *stream = is_standard(path) ? stdin : fopen(path, "rbe");
	if (!stream)
		return userfile_fail(err, path, errno);
	enum tb_code code = TB_OK;
	for (size_t size; !code && (size = fread(block, 1, sizeof(block), stream)) > 0;) {
		if (size > max - out->size)
			code = tb_fail(err, TB_ETOOBIG, "%s: more than %zu bytes", path, max);
		else
			tb_buf_add(out, block, size);
	}
	if (!code && ferror(stream))
		code = userfile_fail(err, path ? path : "-", errno);
	if (stream != stdin)
		fclose(stream);
	return code;
}

/* True if |path| is there and no regular file: a device, a pipe or a link, which a rename would replace. */
static bool is_kept(const char *path)
{
	struct stat about;
	return lstat(path, &about) == 0 && !S_ISREG(about.st_mode);
}

static enum tb_code open_kept(struct userfile_out *out, const char *path, struct tb_error *err)
{
	struct stat about;
	if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
		return userfile_fail(err, path, EISDIR);
	out->stream = fopen(path, "wbe");
	return out->stream ? TB_OK : userfile_fail(err, path, errno);
}

static enum tb_code open_beside(struct userfile_out *out, const char *path, struct tb_error *err)
{
	struct tb_buf name = {0};
	tb_buf_printf(&name, "%s.XXXXXX", path);
	out->temporary = tb_strdup(tb_buf_text(&name));
	tb_buf_clear(&name);
	/* 0600: what comes out of a node is about people. */
	int fd = mkstemp(out->temporary);
	out->stream = fd < 0 ? NULL : fdopen(fd, "wb");
	if (out->stream)
		return TB_OK;
	enum tb_code code = userfile_fail(err, path, errno);
	if (fd >= 0) {
		close(fd);
		unlink(out->temporary);
	}
	free(out->temporary);
	out->temporary = NULL;
	return code;
}

enum tb_code userfile_out_open(struct userfile_out *out, const char *path, struct tb_error *err)
{
	*out = (struct userfile_out){.stream = stdout};
	if (is_standard(path))
		return TB_OK;
	enum tb_code code = is_kept(path) ? open_kept(out, path, err) : open_beside(out, path, err);
	if (code)
		*out = (struct userfile_out){0};
	else
		out->path = tb_strdup(path);
	return code;
}

enum tb_code userfile_out_close(struct userfile_out *out, bool keep, struct tb_error *err)
{
	enum tb_code code = TB_OK;
	if (!out->path)
		return fflush(out->stream) == 0 ? TB_OK : tb_fail(err, TB_EIO, "%s", strerror(errno));
	if (keep && (fflush(out->stream) != 0 || (out->temporary && fsync(fileno(out->stream)) != 0)))
		code = userfile_fail(err, out->path, errno);
	if (fclose(out->stream) != 0 && keep && !code)
		code = userfile_fail(err, out->path, errno);
	if (out->temporary && keep && !code && rename(out->temporary, out->path) != 0)
		code = userfile_fail(err, out->path, errno);
	if (out->temporary && (!keep || code))
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
		code = userfile_fail(err, path ? path : "-", errno);
	struct tb_error late;
	enum tb_code closed = userfile_out_close(&out, good, &late);
	return code ? code : closed ? tb_fail_like(err, closed, &late) : TB_OK;
}

const char *userfile_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}
