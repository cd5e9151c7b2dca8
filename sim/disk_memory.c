/* What disks take of the memory. Their files are read and written through the kernel's page cache, which on a
 * file system that is not itself memory keeps all of a world's day for as long as nobody else asks for
 * memory; most of it is never looked at again. */
#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "sim/disk_priv.h"

enum {
	CLOSED_MOST = 1024,      /* descriptors that wait */
	WINDOW_BYTES = 16 << 20, /* of a file that is looked at */
	PAGE_BYTES_LEAST = 4 << 10,
};

static const unsigned WRITTEN_OUT =
	SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

static int closed[CLOSED_MOST];
static size_t closed_count;
static uint64_t grown; /* since the last time, of stored disks */

bool disk_is_stored(const char *dir)
{
	struct statfs found;
	return statfs(dir, &found) == 0 && found.f_type != TMPFS_MAGIC && found.f_type != RAMFS_MAGIC;
}

void disk_memory_grew(uint64_t bytes)
{
	grown += bytes;
}

/* ---- counting */

static uint64_t resident_window(void *map, size_t size)
{
	unsigned char pages[WINDOW_BYTES / PAGE_BYTES_LEAST];
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t found = 0;
	if (mincore(map, size, pages) != 0)
		return 0;
	for (size_t i = 0; i * page < size; i++)
		found += (pages[i] & 1) ? page : 0;
	return found;
}

/* Bytes of the file that the page cache has. */
static uint64_t resident(int fd, uint64_t size)
{
	uint64_t found = 0;
	for (uint64_t at = 0; at < size; at += WINDOW_BYTES) {
		size_t window = size - at < WINDOW_BYTES ? (size_t)(size - at) : WINDOW_BYTES;
		void *map = disk_real_mmap(NULL, window, PROT_READ, MAP_SHARED, fd, (off_t)at);
		if (map == MAP_FAILED)
			continue;
		found += resident_window(map, window);
		munmap(map, window);
	}
	return found;
}

/* nftw() has no argument of the caller's. */
static struct sim_disk_size size;
static bool all_in_memory;

static int add_file(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	uint64_t blocks = (uint64_t)status->st_blocks * DISK_SECTOR;
	(void)place;
	size.bytes += blocks;
	if (all_in_memory)
		size.memory_bytes += blocks;
	int fd = !all_in_memory && kind == FTW_F ? disk_real_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0)
	                                         : -1;
	if (fd >= 0) {
		size.memory_bytes += resident(fd, (uint64_t)status->st_size);
		disk_real_close(fd);
	}
	return 0;
}

struct sim_disk_size sim_disk_size(const struct sim_disk *disk)
{
	static const char *const parts[] = {"", ".shadow", ".backup"};
	char path[DISK_PATH_MAX];
	size = (struct sim_disk_size){0};
	all_in_memory = !disk->stored;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int written = snprintf(path, sizeof(path), "%s%s", disk->dir, parts[i]);
		assert(written < DISK_PATH_MAX);
		(void)nftw(path, add_file, 16, FTW_PHYS);
	}
	return size;
}

/* ---- giving back */

/* Those that are closed are not looked at again, or long after. */
static void cool_closed(void)
{
	for (size_t i = 0; i < closed_count; i++)
		(void)sync_file_range(closed[i], 0, 0, SYNC_FILE_RANGE_WRITE);
	for (size_t i = 0; i < closed_count; i++) {
		(void)sync_file_range(closed[i], 0, 0, WRITTEN_OUT);
		(void)posix_fadvise(closed[i], 0, 0, POSIX_FADV_DONTNEED);
		disk_real_close(closed[i]);
	}
	closed_count = 0;
}

void disk_cool_later(int fd)
{
	if (closed_count == CLOSED_MOST)
		cool_closed();
	closed[closed_count++] = fd;
}

static void write_out(struct sim_disk *disk, void *ctx)
{
	(void)ctx;
	for (struct disk_file *file = disk->stored ? disk->files : NULL; file; file = file->next) {
		if (file->fd >= 0)
			(void)sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
}

/* Only pages that are clean and that nobody has mapped can leave. |ctx|, if given, counts what was there. */
static void cool(struct sim_disk *disk, void *ctx)
{
	uint64_t *before = ctx;
	for (struct disk_file *file = disk->stored ? disk->files : NULL; file; file = file->next) {
		if (file->fd < 0)
			continue;
		if (before)
			*before += resident(file->fd, file->size);
		(void)sync_file_range(file->fd, 0, 0, WRITTEN_OUT);
		if (file->map)
			(void)madvise(file->map, file->mapped, MADV_DONTNEED);
		if (file->users_map)
			(void)madvise(file->users_map, file->users_mapped, MADV_DONTNEED);
		(void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
	}
}

void sim_disk_cool(struct sim_disk *disk)
{
	cool_closed();
	cool(disk, NULL);
}

void sim_disk_warm(struct sim_disk *disk)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	for (struct disk_file *file = disk->stored ? disk->files : NULL; file; file = file->next) {
		size_t whole = (size_t)(file->size / page * page);
		if (file->fd < 0 || !file->users_map)
			continue;
		/* One by one, each page would be a fault and a read of its own. */
		(void)posix_fadvise(file->fd, 0, (off_t)whole, POSIX_FADV_WILLNEED);
		(void)madvise(file->users_map, whole < file->users_mapped ? whole : file->users_mapped,
		              MADV_POPULATE_READ);
	}
}

uint64_t sim_disks_cool(uint64_t growth)
{
	uint64_t before = 0;
	struct stat status;
	if (grown < growth)
		return 0;
	grown = 0;
	for (size_t i = 0; i < closed_count; i++) {
		if (fstat(closed[i], &status) == 0)
			before += (uint64_t)status.st_size;
	}
	disk_each(write_out, NULL);
	cool_closed();
	disk_each(cool, &before);
	return before;
}
