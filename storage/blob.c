#include "storage/blob.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/store_priv.h"

enum {
	NAME_BYTES_MAX = 128,
	WRITE_OUT_BYTES = 8 << 20, /* written back early at this rhythm, so that the final sync is short */
};

struct blob_dir {
	int fd;
	int partial_fd;
	size_t chunk_bytes; /* of every stored chunk but the last */
};

struct blob_writer {
	struct blob_dir *dir; /* borrowed */
	int fd;
	char name[NAME_BYTES_MAX + 1];
	uint64_t size;        /* bytes written */
	uint64_t written_out; /* bytes that the kernel was asked to write back */
	bool named;           /* the directory entry is durable */
	bool ended;           /* the last chunk was a short one */
	bool unsynced;        /* a sync failed */
};

struct blob_reader {
	int fd;
	size_t chunk_bytes;
};

static enum tb_code fail(struct tb_error *err, const char *what, int error)
{
	return tb_fail(err, store_engine_code(error), "blob: %s: %s", what, strerror(error));
}

/* Names become file names: nothing but hex may pass. */
static bool name_valid(const char *name)
{
	size_t size = strnlen(name, NAME_BYTES_MAX + 1);
	return size >= 2 && size <= NAME_BYTES_MAX && strspn(name, "0123456789abcdef") == size;
}

static enum tb_code name_fail(struct tb_error *err)
{
	return tb_fail(err, TB_EINVALID, "blob: name is not lower-case hex of 2 to %d characters",
	               NAME_BYTES_MAX);
}

/* Makes |name| in |at| if it is missing, and opens it. The parent is synced in any case: an earlier process
 * may have made it and died before it could. */
static int subdir_open(int at, const char *name)
{
	if (mkdirat(at, name, 0700) != 0 && errno != EEXIST)
		return -1;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = parent < 0 || fsync(parent) != 0 ? errno : 0;
	if (parent >= 0)
		close(parent);
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

/* ---- directory */

enum tb_code blob_dir_open(struct blob_dir **out, const char *dir, size_t stored_chunk_bytes,
                           struct tb_error *err)
{
	assert(stored_chunk_bytes > 0);
	*out = NULL;
	int fd = subdir_open(AT_FDCWD, dir);
	if (fd < 0)
		return fail(err, "opening the directory", errno);
	int partial_fd = subdir_open(fd, "partial");
	if (partial_fd < 0) {
		int error = errno;
		close(fd);
		return fail(err, "opening the directory of partials", error);
	}
	*out = tb_alloc(sizeof(**out));
	**out = (struct blob_dir){fd, partial_fd, stored_chunk_bytes};
	return TB_OK;
}

void blob_dir_close(struct blob_dir *dir)
{
	if (!dir)
		return;
	close(dir->fd);
	close(dir->partial_fd);
	free(dir);
}

void blob_sweep(struct blob_dir *dir, bool (*keep)(void *ctx, const char *name), void *ctx)
{
	int fd = openat(dir->partial_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	if (!list) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
		/* What was not made by this file is not removed by it either. */
		if (name_valid(entry->d_name) && !keep(ctx, entry->d_name))
			(void)unlinkat(dir->partial_fd, entry->d_name, 0);
	}
	closedir(list);
	(void)fsync(dir->partial_fd);
}

/* ---- writing */

enum tb_code blob_writer_open(struct blob_writer **out, struct blob_dir *dir, const char *name,
                              uint32_t chunks, struct tb_error *err)
{
	*out = NULL;
	if (!name_valid(name))
		return name_fail(err);
	int fd = openat(dir->partial_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat stat;
	if (fd < 0 || fstat(fd, &stat) != 0) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		return fail(err, "opening a partial", error);
	}
	uint64_t size = (uint64_t)chunks * dir->chunk_bytes;
	uint64_t have = (uint64_t)stat.st_size;
	/* The last known chunk may be the blob's last and short. */
	bool ended = chunks > 0 && have < size && have > size - dir->chunk_bytes;
	if (have < size && !ended) {
		close(fd);
		return tb_fail(err, TB_ECORRUPT, "blob: a partial is shorter than its %u known chunks",
		               chunks);
	}
	if (have > size && ftruncate(fd, (off_t)size) != 0) {
		int error = errno;
		close(fd);
		return fail(err, "cutting a partial", error);
	}
	struct blob_writer *writer = tb_alloc(sizeof(*writer));
	writer->dir = dir;
	writer->fd = fd;
	memcpy(writer->name, name, strlen(name));
	writer->size = ended ? have : size;
	writer->written_out = writer->size;
	writer->ended = ended;
	*out = writer;
	return TB_OK;
}

enum tb_code blob_write(struct blob_writer *writer, struct tb_bytes chunk, struct tb_error *err)
{
	assert(chunk.size > 0);
	assert(chunk.size <= writer->dir->chunk_bytes);
	if (writer->ended)
		return tb_fail(err, TB_ESTATE, "blob: a chunk after the last, which was short");
	size_t done = 0;
	while (done < chunk.size) {
		ssize_t wrote = pwrite(writer->fd, chunk.data + done, chunk.size - done,
		                       (off_t)(writer->size + done));
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0) {
			int error = wrote < 0 ? errno : EIO;
			/* Half a chunk is none. If it stays, the next opening cuts it. */
			(void)!ftruncate(writer->fd, (off_t)writer->size);
			return fail(err, "writing a chunk", error);
		}
		done += (size_t)wrote;
	}
	writer->size += chunk.size;
	writer->ended = chunk.size < writer->dir->chunk_bytes;
	if (writer->size - writer->written_out >= WRITE_OUT_BYTES) {
		(void)sync_file_range(writer->fd, (off_t)writer->written_out,
		                      (off_t)(writer->size - writer->written_out), SYNC_FILE_RANGE_WRITE);
		writer->written_out = writer->size;
	}
	return TB_OK;
}

/* After a sync that failed the kernel takes the pages for clean: another one would succeed and write nothing.
 * Only a new writer, which writes behind its known chunks again, can go on. */
static enum tb_code data_sync(struct blob_writer *writer, struct tb_error *err)
{
	if (!writer->unsynced && fdatasync(writer->fd) == 0)
		return TB_OK;
	int error = writer->unsynced ? EIO : errno;
	writer->unsynced = true;
	return fail(err, "syncing a partial", error);
}

enum tb_code blob_sync(struct blob_writer *writer, struct tb_error *err)
{
	enum tb_code code = data_sync(writer, err);
	if (code != TB_OK)
		return code;
	if (!writer->named && fsync(writer->dir->partial_fd) != 0)
		return fail(err, "syncing the directory of partials", errno);
	writer->named = true;
	return TB_OK;
}

/* Renames the partial to its final name; both directories are durable afterwards. */
static enum tb_code rename_final(const struct blob_writer *writer, const char *root, struct tb_error *err)
{
	const struct blob_dir *dir = writer->dir;
	char shard[3] = {root[0], root[1], 0};
	int fd = subdir_open(dir->fd, shard);
	if (fd < 0)
		return fail(err, "opening a directory", errno);
	enum tb_code code = TB_OK;
	if (renameat(dir->partial_fd, writer->name, fd, root) != 0)
		code = fail(err, "renaming to the final name", errno);
	else if (fsync(fd) != 0 || fsync(dir->partial_fd) != 0)
		code = fail(err, "syncing a directory", errno);
	close(fd);
	return code;
}

enum tb_code blob_finish(struct blob_writer *writer, const char *root, struct tb_error *err)
{
	enum tb_code code = TB_OK;
	if (!name_valid(root))
		code = name_fail(err);
	else
		code = data_sync(writer, err);
	if (code == TB_OK)
		code = rename_final(writer, root, err);
	blob_writer_close(writer, false);
	return code;
}

void blob_writer_close(struct blob_writer *writer, bool remove)
{
	if (!writer)
		return;
	if (remove)
		(void)unlinkat(writer->dir->partial_fd, writer->name, 0);
	close(writer->fd);
	free(writer);
}

/* ---- reading */

static void final_path(char out[NAME_BYTES_MAX + 4], const char *root)
{
	out[0] = root[0];
	out[1] = root[1];
	out[2] = '/';
	strcpy(out + 3, root);
}

bool blob_exists(struct blob_dir *dir, const char *root)
{
	char path[NAME_BYTES_MAX + 4];
	if (!name_valid(root))
		return false;
	final_path(path, root);
	return faccessat(dir->fd, path, F_OK, 0) == 0;
}

enum tb_code blob_remove(struct blob_dir *dir, const char *root, struct tb_error *err)
{
	char path[NAME_BYTES_MAX + 4], sub[3];
	if (!name_valid(root))
		return name_fail(err);
	if (unlinkat(dir->partial_fd, root, 0) == 0 ? fsync(dir->partial_fd) != 0 : errno != ENOENT)
		return fail(err, "removing a partial", errno);
	final_path(path, root);
	if (unlinkat(dir->fd, path, 0) != 0)
		return errno == ENOENT ? TB_OK : fail(err, "removing", errno);
	snprintf(sub, sizeof(sub), "%.2s", root);
	int fd = openat(dir->fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 || fsync(fd) != 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return error ? fail(err, "removing", error) : TB_OK;
}

static enum tb_code reader_open(struct blob_reader **out, const struct blob_dir *dir, int at,
                                const char *path, struct tb_error *err)
{
	int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail(err, "opening for reading", errno);
	*out = tb_alloc(sizeof(**out));
	**out = (struct blob_reader){fd, dir->chunk_bytes};
	return TB_OK;
}

enum tb_code blob_reader_open(struct blob_reader **out, struct blob_dir *dir, const char *root,
                              struct tb_error *err)
{
	char path[NAME_BYTES_MAX + 4];
	*out = NULL;
	if (!name_valid(root))
		return name_fail(err);
	final_path(path, root);
	return reader_open(out, dir, dir->fd, path, err);
}

enum tb_code blob_reader_open_partial(struct blob_reader **out, struct blob_dir *dir, const char *name,
                                      struct tb_error *err)
{
	*out = NULL;
	if (!name_valid(name))
		return name_fail(err);
	return reader_open(out, dir, dir->partial_fd, name, err);
}

enum tb_code blob_read(struct blob_reader *reader, uint32_t index, struct tb_buf *chunk, struct tb_error *err)
{
	uint64_t start = (uint64_t)index * reader->chunk_bytes;
	chunk->size = 0;
	tb_buf_reserve(chunk, reader->chunk_bytes);
	while (chunk->size < reader->chunk_bytes) {
		ssize_t got = pread(reader->fd, chunk->data + chunk->size, reader->chunk_bytes - chunk->size,
		                    (off_t)(start + chunk->size));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int error = errno;
			chunk->size = 0;
			return fail(err, "reading a chunk", error);
		}
		if (got == 0)
			break;
		chunk->size += (size_t)got;
	}
	return TB_OK;
}

void blob_reader_close(struct blob_reader *reader)
{
	if (!reader)
		return;
	close(reader->fd);
	free(reader);
}
