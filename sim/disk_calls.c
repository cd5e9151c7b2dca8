/* The calls that stand before the C library's. What storage/ and LMDB call on files is here; what they never
 * call (truncate, link, read, dup of a data file) is not. The kernel is called by syscall(), so that the
 * order in which libraries and sanitizers are loaded plays no part. */
#undef _FORTIFY_SOURCE

#include "sim/disk_priv.h"

#include <assert.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"

/* An open file of a disk; |disk| is NULL for all others. */
struct handle {
	struct sim_disk *disk;
	struct disk_file *file;
	char *path;
	bool is_dir;
	bool syncs; /* O_DSYNC or O_SYNC */
	off_t at;   /* its position; the kernel's is not used */
};

static struct handle *handles; /* by file descriptor */
static int handles_count;

/* ---- the kernel's own */

int disk_real_openat(int at, const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_openat, at, path, flags, mode);
}

int disk_real_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

void *disk_real_mmap(void *want, size_t size, int protection, int flags, int fd, off_t at)
{
	return (void *)syscall(SYS_mmap, want, size, (long)protection, (long)flags, (long)fd, at);
}

ssize_t disk_real_pwrite(int fd, const void *data, size_t size, off_t at)
{
	return syscall(SYS_pwrite64, fd, data, size, at);
}

int disk_real_ftruncate(int fd, off_t size)
{
	return (int)syscall(SYS_ftruncate, fd, size);
}

int disk_real_mkdir(const char *path)
{
	return (int)syscall(SYS_mkdirat, AT_FDCWD, path, 0700);
}

int disk_real_rename(const char *path, const char *to)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, to, 0);
}

int disk_real_unlink(const char *path)
{
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int disk_real_rmdir(const char *path)
{
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

/* ---- handles */

static struct handle *handle_of(int fd)
{
	return fd >= 0 && fd < handles_count && handles[fd].disk ? &handles[fd] : NULL;
}

static void handle_drop(int fd)
{
	struct handle *handle = handle_of(fd);
	if (!handle)
		return;
	struct handle old = *handle;
	*handle = (struct handle){0};
	old.disk->opens--;
	if (old.file)
		disk_file_close(old.disk, old.file);
	free(old.path);
}

/* The disk of |path| below |at|, and the whole path into |whole|; NULL: not ours. LMDB locks its lock file by
 * process: a descriptor of ours, once closed, would free the lock. */
static struct sim_disk *resolve(char whole[DISK_PATH_MAX], int at, const char *path)
{
	int size;
	if (path[0] == '/') {
		size = snprintf(whole, DISK_PATH_MAX, "%s", path);
	} else {
		const struct handle *dir = handle_of(at);
		if (!dir)
			return NULL;
		size = snprintf(whole, DISK_PATH_MAX, "%s/%s", dir->path, path);
	}
	const char *name = strrchr(path, '/');
	name = name ? name + 1 : path;
	if (strcmp(name, "lock.mdb") == 0 || strcmp(name, "lock") == 0)
		return NULL;
	struct sim_disk *disk = disk_of_path(whole);
	assert(!disk || size < DISK_PATH_MAX);
	return disk;
}

/* ---- faults */

enum verdict { GOES, FAILS, FAILS_LATE };

/* Counts a call that changes the disk; decides what becomes of it. The call in which the power goes may have
 * happened or not. */
static enum verdict change(struct sim_disk *disk)
{
	if (disk->cut)
		return FAILS;
	disk->counts.writes++;
	if (disk->cut_in > 0 && --disk->cut_in == 0) {
		disk->cut = true;
		return disk_random(disk) & 1 ? FAILS : FAILS_LATE;
	}
	if (disk_chance(disk, disk->faults.write_fails)) {
		disk->counts.faults++;
		return FAILS;
	}
	if (disk_chance(disk, disk->faults.write_fails_late)) {
		disk->counts.faults++;
		return FAILS_LATE;
	}
	return GOES;
}

static int eio(void)
{
	errno = EIO;
	return -1;
}

/* For calls that give 0 or -1. */
static int changed(enum verdict verdict, int rc)
{
	return rc == 0 && verdict == FAILS_LATE ? eio() : rc;
}

static int synced(const struct handle *handle)
{
	struct sim_disk *disk = handle->disk;
	if (disk->cut)
		return eio();
	disk->counts.syncs++;
	if (disk->cut_in > 0 && --disk->cut_in == 0) {
		disk->cut = true;
		return eio();
	}
	if (disk_chance(disk, disk->faults.sync_slow))
		disk->slow_us += 10000 + (int64_t)(disk_random(disk) % 2000000);
	if (disk_chance(disk, disk->faults.sync_fails)) {
		disk->counts.faults++;
		if (!handle->is_dir)
			disk_file_sync_failed(handle->file);
		return eio();
	}
	if (handle->is_dir)
		disk_dir_synced(disk, handle->file->inode);
	else
		disk_file_synced(disk, handle->file);
	return 0;
}

/* How many of |size| bytes at |at| the disk has room for. */
static size_t room_for(const struct sim_disk *disk, const struct disk_file *file, uint64_t at, size_t size)
{
	uint64_t limit = disk->faults.room_bytes;
	uint64_t end = at + size;
	if (limit == 0 || end <= file->size)
		return size;
	uint64_t left = limit > disk->used_bytes ? limit - disk->used_bytes : 0;
	uint64_t last = file->size + left; /* the file may end here */
	if (end <= last)
		return size;
	return last > at ? (size_t)(last - at) : 0;
}

/* ---- writing */

/* LMDB's descriptor for its meta pages can't be read, and what is not synced outlives the caller's. */
static void own_descriptor(int fd, struct disk_file *file)
{
	char path[32];
	if (file->fd >= 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	file->fd = disk_real_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	assert(file->fd >= 0);
}

/* The first |size| bytes of |parts|. */
static void fill_parts(uint8_t *memory, const struct iovec *parts, size_t size)
{
	for (; size > 0; parts++) {
		size_t part = parts->iov_len < size ? parts->iov_len : size;
		memcpy(memory, parts->iov_base, part);
		memory += part;
		size -= part;
	}
}

static ssize_t write_parts(int fd, const struct iovec *parts, int count, size_t size, uint64_t at)
{
	struct iovec cut[DISK_PARTS_MAX];
	int used = 0;
	size_t left = size;
	assert(count <= DISK_PARTS_MAX);
	for (int i = 0; i < count && left > 0; i++) {
		cut[used] = parts[i];
		if (cut[used].iov_len > left)
			cut[used].iov_len = left;
		left -= cut[used++].iov_len;
	}
	return syscall(SYS_pwritev, fd, cut, (long)used, (long)at, 0L);
}

static ssize_t write_at(int fd, const struct handle *handle, const struct iovec *parts, int count,
                        uint64_t at)
{
	struct sim_disk *disk = handle->disk;
	struct disk_file *file = handle->file;
	size_t size = 0;
	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	enum verdict verdict = change(disk);
	if (verdict == FAILS)
		return eio();
	if (size == 0)
		return 0;
	size_t fits = room_for(disk, file, at, size);
	if (fits < size)
		disk->counts.faults++;
	if (fits == 0) {
		errno = ENOSPC;
		return -1;
	}
	size = fits;
	if (size > 1 && disk_chance(disk, disk->faults.write_short)) {
		disk->counts.faults++;
		size = 1 + (size_t)(disk_random(disk) % (size - 1));
	}
	uint64_t new_size = at + size > file->size ? at + size : file->size;
	own_descriptor(fd, file);
	uint8_t *memory = disk_file_memory(file, at, size); /* none where it grows */
	disk_undo_add(disk, file, at, size, new_size);
	if (memory)
		fill_parts(memory, parts, size);
	ssize_t wrote = memory ? (ssize_t)size : write_parts(fd, parts, count, size, at);
	assert(wrote == (ssize_t)size);
	if (handle->syncs && verdict == GOES)
		disk_undo_settle_newest(disk, file);
	return verdict == FAILS_LATE ? eio() : wrote;
}

/* At the file's own position, which moves. */
static ssize_t write_on(int fd, struct handle *handle, const struct iovec *parts, int count)
{
	ssize_t wrote = write_at(fd, handle, parts, count, (uint64_t)handle->at);
	if (wrote > 0)
		handle->at += wrote;
	return wrote;
}

static int resize(int fd, const struct handle *handle, uint64_t size)
{
	struct sim_disk *disk = handle->disk;
	struct disk_file *file = handle->file;
	enum verdict verdict = change(disk);
	if (verdict == FAILS)
		return eio();
	if (size > file->size && room_for(disk, file, file->size, size - file->size) < size - file->size) {
		disk->counts.faults++;
		errno = ENOSPC;
		return -1;
	}
	uint64_t low = size < file->size ? size : file->size;
	own_descriptor(fd, file);
	disk_undo_add(disk, file, low, file->size - low, size);
	return changed(verdict, disk_real_ftruncate(fd, (off_t)size));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	const struct handle *handle = handle_of(fd);
	struct iovec part = {(void *)(uintptr_t)data, size};
	return handle ? write_at(fd, handle, &part, 1, (uint64_t)at) : disk_real_pwrite(fd, data, size, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	const struct handle *handle = handle_of(fd);
	return handle ? write_at(fd, handle, parts, count, (uint64_t)at)
	              : syscall(SYS_pwritev, fd, parts, (long)count, (long)at, 0L);
}

ssize_t write(int fd, const void *data, size_t size)
{
	struct handle *handle = handle_of(fd);
	struct iovec part = {(void *)(uintptr_t)data, size};
	return handle ? write_on(fd, handle, &part, 1) : syscall(SYS_write, fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	struct handle *handle = handle_of(fd);
	return handle ? write_on(fd, handle, parts, count) : syscall(SYS_writev, fd, parts, (long)count);
}

/* Only writing goes on from a position: nobody calls read() on these files. */
off_t lseek(int fd, off_t by, int from)
{
	struct handle *handle = handle_of(fd);
	if (!handle || handle->is_dir)
		return (off_t)syscall(SYS_lseek, fd, by, from);
	if (from == SEEK_CUR)
		by += handle->at;
	else if (from == SEEK_END)
		by += (off_t)handle->file->size;
	if (by < 0) {
		errno = EINVAL;
		return -1;
	}
	handle->at = by;
	return by;
}

int ftruncate(int fd, off_t size)
{
	const struct handle *handle = handle_of(fd);
	return handle ? resize(fd, handle, (uint64_t)size) : disk_real_ftruncate(fd, size);
}

int fsync(int fd)
{
	const struct handle *handle = handle_of(fd);
	return handle ? synced(handle) : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	const struct handle *handle = handle_of(fd);
	return handle ? synced(handle) : (int)syscall(SYS_fdatasync, fd);
}

/* ---- opening and closing */

static void handle_keep(int fd, struct sim_disk *disk, const char *path, int flags, const struct stat *stat)
{
	if (fd >= handles_count) {
		int count = (fd + 256) / 256 * 256;
		handles = tb_realloc(handles, (size_t)count * sizeof(*handles));
		memset(handles + handles_count, 0, (size_t)(count - handles_count) * sizeof(*handles));
		handles_count = count;
	}
	handle_drop(fd); /* Closed behind our back. */
	handles[fd] = (struct handle){
		.disk = disk,
		.file = disk_file_open(disk, stat->st_ino, (uint64_t)stat->st_size),
		.path = tb_strdup(path),
		.is_dir = S_ISDIR(stat->st_mode),
		.syncs = (flags & O_DSYNC) != 0,
	};
	disk->opens++;
}

static int open_followed(struct sim_disk *disk, const char *path, int flags, mode_t mode)
{
	struct stat stat;
	bool creates = (flags & O_CREAT) && fstatat(AT_FDCWD, path, &stat, AT_SYMLINK_NOFOLLOW) != 0;
	enum verdict verdict = creates ? change(disk) : GOES;
	if (verdict == FAILS)
		return eio();
	int fd = disk_real_openat(AT_FDCWD, path, flags & ~O_TRUNC, mode);
	if (fd < 0)
		return fd;
	if (creates)
		disk_name_add(disk, DISK_CREATED, path, NULL, 0);
	int rc = verdict == FAILS_LATE ? eio() : fstat(fd, &stat);
	if (rc == 0) {
		handle_keep(fd, disk, path, flags, &stat);
		if ((flags & O_TRUNC) && stat.st_size > 0)
			rc = resize(fd, &handles[fd], 0);
	}
	if (rc != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int open_any(int at, const char *path, int flags, mode_t mode)
{
	char whole[DISK_PATH_MAX];
	struct sim_disk *disk = resolve(whole, at, path);
	if (disk)
		return open_followed(disk, whole, flags, mode);
	int fd = disk_real_openat(at, path, flags, mode);
	handle_drop(fd); /* Closed behind our back. */
	return fd;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_list args;
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
	mode_t mode = 0;
	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_list args;
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return open_any(at, path, flags, mode);
}

int close(int fd)
{
	const struct handle *handle = handle_of(fd);
	bool last = handle && handle->disk->stored && !handle->is_dir && handle->file->opens == 1;
	handle_drop(fd);
	if (!last)
		return disk_real_close(fd);
	disk_cool_later(fd);
	return 0;
}

void *mmap(void *want, size_t size, int protection, int flags, int fd, off_t at)
{
	const struct handle *handle = handle_of(fd);
	void *map = disk_real_mmap(want, size, protection, flags, fd, at);
	if (handle && handle->disk->stored && map != MAP_FAILED) {
		(void)madvise(map, size, MADV_RANDOM); /* as for our own */
		own_descriptor(fd, handle->file);
		handle->file->users_map = map;
		handle->file->users_mapped = size;
	}
	return map;
}

int closedir(DIR *list)
{
	static int (*real)(DIR *);
	handle_drop(dirfd(list)); /* The C library closes it by itself. */
	if (!real) {
		void *found = dlsym(RTLD_NEXT, "closedir");
		memcpy(&real, &found, sizeof(real)); /* ISO C has no cast from one to the other. */
		assert(real);
	}
	return real(list);
}

/* ---- names */

static uint64_t size_of(const char *path)
{
	struct stat stat;
	return fstatat(AT_FDCWD, path, &stat, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)stat.st_size : 0;
}

static void keep_errno_unshadow(struct sim_disk *disk, uint64_t shadow)
{
	int error = errno;
	disk_unshadow(disk, shadow);
	errno = error;
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
	char from_whole[DISK_PATH_MAX];
	char to_whole[DISK_PATH_MAX];
	struct sim_disk *disk = resolve(from_whole, from_at, from);
	if (!disk)
		return (int)syscall(SYS_renameat2, from_at, from, to_at, to, 0);
	struct sim_disk *same = resolve(to_whole, to_at, to);
	assert(same == disk);
	enum verdict verdict = change(disk);
	if (verdict == FAILS)
		return eio();
	uint64_t gone = size_of(to_whole);
	uint64_t shadow = disk_shadow(disk, to_whole);
	int rc = disk_real_rename(from_whole, to_whole);
	if (rc == 0) {
		disk_grew(disk, -(int64_t)gone);
		disk_name_add(disk, DISK_RENAMED, from_whole, to_whole, shadow);
	} else {
		keep_errno_unshadow(disk, shadow);
	}
	return changed(verdict, rc);
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int at, const char *path, int flags)
{
	char whole[DISK_PATH_MAX];
	struct sim_disk *disk = resolve(whole, at, path);
	if (!disk || (flags & AT_REMOVEDIR))
		return (int)syscall(SYS_unlinkat, at, path, flags);
	enum verdict verdict = change(disk);
	if (verdict == FAILS)
		return eio();
	uint64_t gone = size_of(whole);
	uint64_t shadow = disk_shadow(disk, whole);
	int rc = disk_real_unlink(whole);
	if (rc == 0) {
		disk_grew(disk, -(int64_t)gone);
		disk_name_add(disk, DISK_UNLINKED, whole, NULL, shadow);
	} else {
		keep_errno_unshadow(disk, shadow);
	}
	return changed(verdict, rc);
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int mkdirat(int at, const char *path, mode_t mode)
{
	char whole[DISK_PATH_MAX];
	struct stat stat;
	struct sim_disk *disk = resolve(whole, at, path);
	if (!disk || fstatat(AT_FDCWD, whole, &stat, AT_SYMLINK_NOFOLLOW) == 0)
		return (int)syscall(SYS_mkdirat, at, path, mode);
	enum verdict verdict = change(disk);
	if (verdict == FAILS)
		return eio();
	int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, whole, mode);
	if (rc == 0)
		disk_name_add(disk, DISK_MADE_DIR, whole, NULL, 0);
	return changed(verdict, rc);
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

/* A disk with a limit shows it. */
int fstatvfs(int fd, struct statvfs *out)
{
	static int (*real)(int, struct statvfs *);
	if (!real) {
		void *found = dlsym(RTLD_NEXT, "fstatvfs");
		memcpy(&real, &found, sizeof(real));
		assert(real);
	}
	int rc = real(fd, out);
	const struct handle *handle = handle_of(fd);
	if (rc != 0 || !handle || handle->disk->faults.room_bytes == 0)
		return rc;
	uint64_t limit = handle->disk->faults.room_bytes;
	uint64_t used = handle->disk->used_bytes;
	out->f_blocks = limit / out->f_frsize;
	out->f_bfree = (limit > used ? limit - used : 0) / out->f_frsize;
	out->f_bavail = out->f_bfree;
	return 0;
}
