#include "node/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum tb_code fail_errno(struct tb_error *err, const char *path, const char *doing)
{
	int error = errno;
	enum tb_code code = TB_EIO;
	if (error == ENOENT || error == ENOTDIR)
		code = TB_ENOTFOUND;
	else if (error == EACCES || error == EPERM || error == EROFS)
		code = TB_EPERMISSIONS;
	else if (error == ENOSPC || error == EDQUOT)
		code = TB_EFULL;
	return tb_fail(err, code, "%s: cannot %s: %s", path, doing, strerror(error));
}

static enum tb_code refuse_owner(const struct stat *st, const char *path, struct tb_error *err)
{
	return tb_refuse(err, TB_REASON_FILE_OWNER, path, TB_NUMBER(st->st_uid), TB_NUMBER(geteuid()),
	                 TB_NUMBER(geteuid()), path, NULL);
}

static enum tb_code check_owner(const struct stat *st, const char *path, struct tb_error *err)
{
	return st->st_uid == geteuid() ? TB_OK : refuse_owner(st, path, err);
}

/* Who can write to a file that the node trusts could put another region's anchor there. */
static enum tb_code check_trusted(const struct stat *st, const char *path, struct tb_error *err)
{
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return refuse_owner(st, path, err);
	if (st->st_mode & 022)
		return tb_refuse(err, TB_REASON_FILE_OTHERS_WRITE, path,
		                 TB_OCTAL((unsigned)(st->st_mode & 07777)), path, NULL);
	return TB_OK;
}

static enum tb_code read_open(struct tb_buf *out, int fd, const char *path, size_t bytes_max,
                              struct tb_error *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return fail_errno(err, path, "look at it");
	if (!S_ISREG(st.st_mode))
		return tb_refuse(err, TB_REASON_FILE_NOT_REGULAR, path, NULL);
	enum tb_code code = check_trusted(&st, path, err);
	if (code != TB_OK)
		return code;
	if ((uint64_t)st.st_size > bytes_max)
		return tb_refuse(err, TB_REASON_FILE_BIG, path, TB_NUMBER(bytes_max), NULL);
	for (;;) {
		/* The file may grow while it is read. */
		if (out->size > bytes_max)
			return tb_refuse(err, TB_REASON_FILE_BIG, path, TB_NUMBER(bytes_max), NULL);
		tb_buf_reserve(out, 4096);
		ssize_t got = read(fd, out->data + out->size, out->room - out->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, path, "read");
		if (got == 0)
			break;
		out->size += (size_t)got;
	}
	tb_buf_text(out);
	return TB_OK;
}

enum tb_code file_read(struct tb_buf *out, const char *path, size_t bytes_max, struct tb_error *err)
{
	tb_buf_clear(out);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail_errno(err, path, "open");
	enum tb_code code = read_open(out, fd, path, bytes_max, err);
	close(fd);
	if (code != TB_OK)
		tb_buf_clear(out);
	return code;
}

/* The directory part of |path|, or "."; |*name| is the rest. */
static char *dir_of(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	*name = slash ? slash + 1 : path;
	if (!slash)
		return tb_strdup(".");
	return tb_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static enum tb_code sync_dir(const char *dir, struct tb_error *err)
{
	int fd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (fd < 0)
		return fail_errno(err, dir, "open");
	int rc = fsync(fd);
	enum tb_code code = rc == 0 ? TB_OK : fail_errno(err, dir, "sync");
	close(fd);
	return code;
}

static enum tb_code write_sync(int fd, const char *path, struct tb_bytes bytes, unsigned mode,
                               struct tb_error *err)
{
	size_t done = 0;
	while (done < bytes.size) {
		ssize_t wrote = write(fd, bytes.data + done, bytes.size - done);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return fail_errno(err, path, "write");
		done += (size_t)wrote;
	}
	/* The umask does not count: the mode is what the caller says. */
	if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
		return fail_errno(err, path, "sync");
	return TB_OK;
}

enum tb_code file_replace(const char *path, struct tb_bytes bytes, unsigned mode, struct tb_error *err)
{
	struct tb_buf tmp = {0};
	const char *name;
	char *dir = dir_of(path, &name);
	/* A leading dot: readers of the directory pass over it. */
	tb_buf_printf(&tmp, "%s/.%s.%ld.tmp", dir, name, (long)getpid());
	const char *tmp_path = tb_buf_text(&tmp);

	enum tb_code code = TB_OK;
	int fd = open(tmp_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		code = fail_errno(err, path, "create");
		goto out;
	}
	code = write_sync(fd, path, bytes, mode, err);
	close(fd);
	if (code == TB_OK && rename(tmp_path, path) != 0)
		code = fail_errno(err, path, "replace");
	if (code != TB_OK)
		unlink(tmp_path);
	else
		code = sync_dir(dir, err);
out:
	tb_buf_clear(&tmp);
	free(dir);
	return code;
}

enum tb_code file_remove(const char *path, struct tb_error *err)
{
	if (unlink(path) != 0)
		return fail_errno(err, path, "remove");
	const char *name;
	char *dir = dir_of(path, &name);
	enum tb_code code = sync_dir(dir, err);
	free(dir);
	return code;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

enum tb_code file_check_private(const char *path, struct tb_error *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return fail_errno(err, path, "look at it");
	if (!S_ISREG(st.st_mode))
		return tb_refuse(err, TB_REASON_FILE_NOT_REGULAR, path, NULL);
	enum tb_code code = check_owner(&st, path, err);
	if (code != TB_OK)
		return code;
	if (st.st_mode & 077)
		return tb_refuse(err, TB_REASON_FILE_OTHERS, path, TB_OCTAL((unsigned)(st.st_mode & 07777)),
		                 path, NULL);
	return TB_OK;
}

enum tb_code file_check_dir(const char *path, bool private, struct tb_error *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return fail_errno(err, path, "look at it");
	if (!S_ISDIR(st.st_mode))
		return tb_fail(err, TB_EINVALID, "%s: not a directory", path);
	enum tb_code code = check_owner(&st, path, err);
	if (code != TB_OK)
		return code;
	if (private && (st.st_mode & 077))
		return tb_refuse(err, TB_REASON_DIR_OTHERS, path, TB_OCTAL((unsigned)(st.st_mode & 07777)),
		                 path, NULL);
	if (st.st_mode & 022)
		return tb_refuse(err, TB_REASON_DIR_OTHERS_WRITE, path,
		                 TB_OCTAL((unsigned)(st.st_mode & 07777)), path, NULL);
	return TB_OK;
}
