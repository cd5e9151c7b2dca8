#include "sim/disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "sim/disk_priv.h"

enum {
	DISK_BUCKETS = 4096,
	COPIED_BYTES = 64 * 1024, /* of a file, at once */
	IMAGES_KEPT = 1 << 20,    /* bytes of undo memory that are kept while no file needs them */
	MILLION = 1000000,
	USED_TRIES = 256,
	MAPPED_LEAST = 1 << 20, /* bytes */
};

static struct sim_disk *buckets[DISK_BUCKETS]; /* by the hash of the directory's path */

/* ---- randomness: splitmix64, one stream a disk */

uint64_t disk_random(struct sim_disk *disk)
{
	uint64_t z = disk->random += 0x9E3779B97F4A7C15;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
	return z ^ (z >> 31);
}

bool disk_chance(struct sim_disk *disk, uint32_t ppm)
{
	return ppm > 0 && disk_random(disk) % MILLION < ppm;
}

/* ---- finding a disk by path */

static uint32_t hash_step(uint32_t hash, char c)
{
	return (hash ^ (uint8_t)c) * 16777619u; /* FNV-1a */
}

static uint32_t hash_path(const char *path)
{
	uint32_t hash = 2166136261u;
	for (; *path; path++)
		hash = hash_step(hash, *path);
	return hash;
}

struct sim_disk *disk_of_path(const char *path)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0;; i++) {
		if (i > 0 && (path[i] == '/' || path[i] == '\0')) {
			struct sim_disk *disk = buckets[hash % DISK_BUCKETS];
			for (; disk; disk = disk->chained) {
				if (disk->dir_size == i && memcmp(disk->dir, path, i) == 0)
					return disk;
			}
		}
		if (path[i] == '\0')
			return NULL;
		hash = hash_step(hash, path[i]);
	}
}

void disk_each(void (*visit)(struct sim_disk *disk, void *ctx), void *ctx)
{
	for (size_t i = 0; i < DISK_BUCKETS; i++) {
		for (struct sim_disk *disk = buckets[i]; disk; disk = disk->chained)
			visit(disk, ctx);
	}
}

/* DIR.shadow/NUMBER, DIR.backup and so on. */
static void beside(char out[DISK_PATH_MAX], const struct sim_disk *disk, const char *suffix, uint64_t number)
{
	int size = number ? snprintf(out, DISK_PATH_MAX, "%s%s/%llu", disk->dir, suffix,
	                             (unsigned long long)number)
	                  : snprintf(out, DISK_PATH_MAX, "%s%s", disk->dir, suffix);
	assert(size < DISK_PATH_MAX);
}

/* ---- trees of files */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)place;
	return kind == FTW_DP ? disk_real_rmdir(path) : disk_real_unlink(path);
}

static void remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void copy_file(const char *from, const char *to)
{
	int in = disk_real_openat(AT_FDCWD, from, O_RDONLY | O_CLOEXEC, 0);
	int out = disk_real_openat(AT_FDCWD, to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint8_t *block = tb_alloc(COPIED_BYTES);
	ssize_t got;
	assert(in >= 0 && out >= 0);
	for (off_t at = 0; (got = pread(in, block, COPIED_BYTES, at)) > 0; at += got) {
		ssize_t wrote = disk_real_pwrite(out, block, (size_t)got, at);
		assert(wrote == got);
	}
	assert(got == 0);
	free(block);
	disk_real_close(in);
	disk_real_close(out);
}

/* nftw() has no argument of the caller's. */
static struct {
	const char *to;
	size_t from_size;
} copying;

static int copy_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	char to[DISK_PATH_MAX];
	(void)status;
	(void)place;
	int size = snprintf(to, sizeof(to), "%s%s", copying.to, path + copying.from_size);
	assert(size < (int)sizeof(to));
	if (kind == FTW_D)
		return disk_real_mkdir(to);
	const char *name = strrchr(path, '/') + 1;
	/* A lock file is made when it is needed; the one in use must not be touched. */
	if (strcmp(name, "lock.mdb") != 0 && strcmp(name, "lock") != 0)
		copy_file(path, to);
	return 0;
}

static void copy_tree(const char *from, const char *to)
{
	copying.to = to;
	copying.from_size = strlen(from);
	int rc = nftw(from, copy_one, 16, FTW_PHYS);
	assert(rc == 0);
	copying.to = NULL;
}

static uint64_t tree_bytes;

static int add_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)path;
	(void)place;
	if (kind == FTW_F)
		tree_bytes += (uint64_t)status->st_size;
	return 0;
}

static void count_used(struct sim_disk *disk)
{
	tree_bytes = 0;
	(void)nftw(disk->dir, add_one, 16, FTW_PHYS);
	disk->used_bytes = tree_bytes;
}

void disk_grew(struct sim_disk *disk, int64_t bytes)
{
	if (disk->stored && bytes > 0)
		disk_memory_grew((uint64_t)bytes);
	disk->used_bytes = (uint64_t)((int64_t)disk->used_bytes + bytes);
}

/* ---- open files and what they would lose */

/* The undo memory for the next file that is written: mostly only one is not synced. */
static struct tb_buf spare;

static void undos_drop(struct disk_file *file)
{
	file->undos_count = 0;
	file->images.size = 0;
	if (file->images.room > spare.room && file->images.room <= IMAGES_KEPT) {
		struct tb_buf smaller = spare;
		spare = file->images;
		file->images = smaller;
	}
	tb_buf_clear(&file->images);
}

/* Gone once nobody has it open and all of it is synced. Until then our descriptor keeps the inode from being
 * given to another file. */
static void file_release(struct sim_disk *disk, struct disk_file *file)
{
	if (file->opens > 0 || file->undos_count > 0)
		return;
	struct disk_file **link = &disk->files;
	while (*link != file)
		link = &(*link)->next;
	*link = file->next;
	if (file->map)
		munmap(file->map, file->mapped);
	if (file->fd >= 0)
		disk_real_close(file->fd);
	tb_buf_clear(&file->images);
	free(file->undos);
	free(file);
}

struct disk_file *disk_file_open(struct sim_disk *disk, uint64_t inode, uint64_t size)
{
	struct disk_file **link = &disk->files;
	while (*link && (*link)->inode != inode)
		link = &(*link)->next;
	if (!*link) {
		*link = tb_alloc(sizeof(**link));
		**link = (struct disk_file){.inode = inode, .size = size, .fd = -1};
	}
	(*link)->opens++;
	return *link;
}

void disk_file_close(struct sim_disk *disk, struct disk_file *file)
{
	assert(file->opens > 0);
	file->opens--;
	file->users_map = NULL; /* unmapped before it is closed */
	file_release(disk, file);
}

uint8_t *disk_file_memory(struct disk_file *file, uint64_t at, uint64_t size)
{
	if (at + size > file->size)
		return NULL;
	if (file->uses < DISK_MAPPED_AFTER) {
		file->uses++;
		return NULL;
	}
	if (at + size > file->mapped) {
		uint64_t most = MAPPED_LEAST;
		while (most < file->size)
			most *= 2;
		if (file->map)
			munmap(file->map, file->mapped);
		void *map = disk_real_mmap(NULL, most, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
		assert(map != MAP_FAILED);
		/* Pages that come back from a file system must not bring their cold neighbours. */
		(void)madvise(map, most, MADV_RANDOM);
		file->map = map;
		file->mapped = most;
	}
	return file->map + at;
}

/* Reads whole sectors; zeros stand behind the end. */
static void read_sectors(struct disk_file *file, uint8_t *out, uint64_t at, size_t size)
{
	uint64_t there = at < file->size ? file->size - at : 0;
	ssize_t got = (ssize_t)(there < size ? there : size);
	const uint8_t *memory = got > 0 ? disk_file_memory(file, at, (uint64_t)got) : NULL;
	if (memory)
		memcpy(out, memory, (size_t)got);
	else if (got > 0)
		got = pread(file->fd, out, size, (off_t)at);
	assert(got >= 0);
	memset(out + got, 0, size - (size_t)got);
}

void disk_undo_add(struct sim_disk *disk, struct disk_file *file, uint64_t at, uint64_t size,
                   uint64_t new_size)
{
	uint64_t start = at / DISK_SECTOR * DISK_SECTOR;
	uint64_t end = (at + size + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR;
	if (file->undos_count == file->undos_room) {
		file->undos_room = file->undos_room ? 2 * file->undos_room : 8;
		file->undos = tb_realloc(file->undos, file->undos_room * sizeof(*file->undos));
	}
	if (!file->images.data) {
		file->images = spare;
		spare = (struct tb_buf){0};
	}
	tb_buf_reserve(&file->images, (size_t)(end - start));
	file->undos[file->undos_count++] = (struct disk_undo){
		.at = start,
		.size = (size_t)(end - start),
		.old_size = file->size,
		.new_size = new_size,
		.image = file->images.size,
	};
	if (end > start)
		read_sectors(file, file->images.data + file->images.size, start, (size_t)(end - start));
	file->images.size += (size_t)(end - start);
	disk_grew(disk, (int64_t)(new_size - file->size));
	file->size = new_size;
}

/* What |done| wrote is durable as it is now: older ones, if they are still not, must not take it back. */
static void settle(struct disk_file *file, const struct disk_undo *done, struct disk_undo *older)
{
	uint64_t low = done->at > older->at ? done->at : older->at;
	uint64_t done_end = done->at + done->size;
	uint64_t older_end = older->at + older->size;
	uint64_t high = done_end < older_end ? done_end : older_end;
	if (low < high)
		read_sectors(file, file->images.data + older->image + (low - older->at), low,
		             (size_t)(high - low));
	if (done->new_size > done->old_size && older->old_size < done->new_size)
		older->old_size = done->new_size;
}

void disk_undo_settle_newest(struct sim_disk *disk, struct disk_file *file)
{
	(void)disk;
	assert(file->undos_count > 0);
	const struct disk_undo done = file->undos[--file->undos_count];
	for (size_t i = 0; i < file->undos_count; i++)
		settle(file, &done, &file->undos[i]);
	file->images.size = done.image;
}

void disk_file_synced(struct sim_disk *disk, struct disk_file *file)
{
	size_t kept = 0;
	for (size_t i = 0; i < file->undos_count; i++) {
		if (file->undos[i].forgotten) {
			file->undos[kept++] = file->undos[i];
			continue;
		}
		const struct disk_undo done = file->undos[i];
		for (size_t k = 0; k < kept; k++)
			settle(file, &done, &file->undos[k]);
	}
	file->undos_count = kept;
	if (kept == 0)
		undos_drop(file);
	(void)disk;
}

void disk_file_sync_failed(struct disk_file *file)
{
	for (size_t i = 0; i < file->undos_count; i++)
		file->undos[i].forgotten = true;
}

/* ---- names */

static uint64_t parent_inode(const char *path)
{
	char dir[DISK_PATH_MAX];
	struct stat stat;
	size_t size = (size_t)(strrchr(path, '/') - path);
	memcpy(dir, path, size);
	dir[size] = '\0';
	return fstatat(AT_FDCWD, dir, &stat, 0) == 0 ? stat.st_ino : 0;
}

void disk_name_add(struct sim_disk *disk, enum disk_name_kind kind, const char *path, const char *to,
                   uint64_t shadow)
{
	struct disk_name *name = tb_alloc(sizeof(*name));
	*name = (struct disk_name){
		.older = disk->names,
		.kind = kind,
		.dirs = {parent_inode(path), to ? parent_inode(to) : 0},
		.path = tb_strdup(path),
		.to = to ? tb_strdup(to) : NULL,
		.shadow = shadow,
	};
	disk->names = name;
}

static void unshadow(const struct sim_disk *disk, uint64_t number)
{
	char path[DISK_PATH_MAX];
	if (number == 0)
		return;
	beside(path, disk, ".shadow", number);
	(void)disk_real_unlink(path);
}

/* Takes |name|, which is durable or taken back now. */
static void name_free(struct sim_disk *disk, struct disk_name *name)
{
	unshadow(disk, name->shadow);
	free(name->path);
	free(name->to);
	free(name);
}

void disk_dir_synced(struct sim_disk *disk, uint64_t inode)
{
	for (struct disk_name **link = &disk->names; *link;) {
		struct disk_name *name = *link;
		for (int i = 0; i < 2; i++) {
			if (name->dirs[i] == inode)
				name->dirs[i] = 0;
		}
		if (name->dirs[0] == 0 && name->dirs[1] == 0) {
			*link = name->older;
			name_free(disk, name);
		} else {
			link = &name->older;
		}
	}
}

uint64_t disk_shadow(struct sim_disk *disk, const char *path)
{
	char shadow[DISK_PATH_MAX];
	uint64_t number = disk->shadows + 1;
	beside(shadow, disk, ".shadow", number);
	if (linkat(AT_FDCWD, path, AT_FDCWD, shadow, 0) != 0)
		return 0;
	disk->shadows = number;
	return number;
}

void disk_unshadow(struct sim_disk *disk, uint64_t number)
{
	unshadow(disk, number);
}

/* A directory that was never on the disk takes with it what was made in it, synced or not. What went before
 * it in the log is undone later, so failures mean that it was in such a directory. */
static void name_undo(struct sim_disk *disk, const struct disk_name *name)
{
	char shadow[DISK_PATH_MAX];
	switch (name->kind) {
	case DISK_CREATED:
		(void)disk_real_unlink(name->path);
		break;
	case DISK_MADE_DIR:
		remove_tree(name->path);
		break;
	case DISK_RENAMED:
		(void)disk_real_rename(name->to, name->path);
		break;
	case DISK_UNLINKED:
		break;
	}
	if (name->shadow) {
		beside(shadow, disk, ".shadow", name->shadow);
		(void)disk_real_rename(shadow, name->kind == DISK_RENAMED ? name->to : name->path);
	}
	disk->counts.names_lost++;
}

static void names_drop(struct sim_disk *disk)
{
	while (disk->names) {
		struct disk_name *name = disk->names;
		disk->names = name->older;
		name_free(disk, name);
	}
}

/* File systems keep the order in which names changed, so what is lost is the newest part. */
static void names_lose(struct sim_disk *disk)
{
	uint64_t count = 0;
	for (const struct disk_name *name = disk->names; name; name = name->older)
		count++;
	uint64_t lost = count ? disk_random(disk) % (count + 1) : 0;
	for (; lost > 0; lost--) {
		struct disk_name *name = disk->names;
		disk->names = name->older;
		name_undo(disk, name);
		name_free(disk, name);
	}
	names_drop(disk);
}

/* ---- loss of power */

static uint64_t actual_size(const struct disk_file *file)
{
	struct stat stat;
	int rc = fstat(file->fd, &stat);
	assert(rc == 0);
	return (uint64_t)stat.st_size;
}

static void put_back(const struct disk_file *file, const uint8_t *bytes, uint64_t at, size_t size,
                     uint64_t end)
{
	if (at >= end)
		return;
	if (at + size > end)
		size = (size_t)(end - at);
	ssize_t wrote = disk_real_pwrite(file->fd, bytes, size, (off_t)at);
	assert(wrote == (ssize_t)size);
}

/* Takes back each sector of |undo| with the chance |ppm|, and the file's size with the same. */
static void undo_lose(struct sim_disk *disk, struct disk_file *file, const struct disk_undo *undo,
                      uint32_t ppm)
{
	const uint8_t *image = file->images.data + undo->image;
	uint64_t size = actual_size(file);
	bool resized = undo->new_size != undo->old_size && disk_chance(disk, ppm);
	if (undo->new_size < undo->old_size) {
		/* A cutting off that did not happen leaves all that was there. */
		if (!resized || size >= undo->old_size)
			return;
		int rc = disk_real_ftruncate(file->fd, (off_t)undo->old_size);
		assert(rc == 0);
		put_back(file, image, undo->at, undo->size, undo->old_size);
		return;
	}
	for (size_t i = 0; i < undo->size; i += DISK_SECTOR) {
		if (disk_chance(disk, ppm)) {
			put_back(file, image + i, undo->at + i, DISK_SECTOR, size);
			disk->counts.sectors_lost++;
		} else {
			disk->counts.sectors_kept++;
		}
	}
	if (resized && size > undo->old_size) {
		int rc = disk_real_ftruncate(file->fd, (off_t)undo->old_size);
		assert(rc == 0);
	}
}

static void power_back(struct sim_disk *disk)
{
	disk->cut = false;
	disk->cut_in = 0;
	if (disk->faults.room_bytes > 0)
		count_used(disk);
}

void sim_disk_power_loss(struct sim_disk *disk)
{
	/* Sometimes the kernel had written next to all, sometimes next to nothing. */
	static const uint32_t chances[] = {20000, 100000, 500000, 500000, 900000, MILLION};
	uint32_t ppm = chances[disk_random(disk) % (sizeof(chances) / sizeof(chances[0]))];
	assert(disk->opens == 0);
	for (struct disk_file *file = disk->files; file;) {
		struct disk_file *next = file->next;
		for (size_t i = file->undos_count; i > 0; i--)
			undo_lose(disk, file, &file->undos[i - 1], ppm);
		undos_drop(file);
		file_release(disk, file);
		file = next;
	}
	names_lose(disk);
	disk->counts.losses++;
	power_back(disk);
}

void sim_disk_crash(struct sim_disk *disk)
{
	assert(disk->opens == 0);
	power_back(disk);
}

/* ---- disks */

struct sim_disk *sim_disk_new(const char *dir, uint64_t seed)
{
	char shadow[DISK_PATH_MAX];
	struct sim_disk *disk = tb_alloc(sizeof(*disk));
	assert(dir[0] == '/');
	disk->dir = tb_strdup(dir);
	disk->dir_size = strlen(dir);
	disk->random = seed;
	/* LMDB takes and gives back some 300 KiB at each opening: without this the kernel maps and clears
	 * them each time, and reopening is four times slower. */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
	beside(shadow, disk, ".shadow", 0);
	int rc = disk_real_mkdir(dir);
	assert(rc == 0);
	rc = disk_real_mkdir(shadow);
	assert(rc == 0);
	disk->stored = disk_is_stored(dir);
	struct sim_disk **bucket = &buckets[hash_path(dir) % DISK_BUCKETS];
	disk->chained = *bucket;
	*bucket = disk;
	return disk;
}

void sim_disk_settle(struct sim_disk *disk)
{
	assert(disk->opens == 0);
	while (disk->files) {
		undos_drop(disk->files);
		file_release(disk, disk->files);
	}
	names_drop(disk);
}

void sim_disk_free(struct sim_disk *disk)
{
	char path[DISK_PATH_MAX];
	if (!disk)
		return;
	sim_disk_settle(disk);
	struct sim_disk **link = &buckets[hash_path(disk->dir) % DISK_BUCKETS];
	while (*link != disk)
		link = &(*link)->chained;
	*link = disk->chained;
	remove_tree(disk->dir);
	beside(path, disk, ".shadow", 0);
	remove_tree(path);
	beside(path, disk, ".backup", 0);
	remove_tree(path);
	free(disk->dir);
	free(disk);
}

const char *sim_disk_dir(const struct sim_disk *disk)
{
	return disk->dir;
}

void sim_disk_set_faults(struct sim_disk *disk, const struct sim_disk_faults *faults)
{
	disk->faults = *faults;
	if (faults->room_bytes > 0)
		count_used(disk);
}

const struct sim_disk_counts *sim_disk_counts(const struct sim_disk *disk)
{
	return &disk->counts;
}

int64_t sim_disk_slow(struct sim_disk *disk)
{
	int64_t us = disk->slow_us;
	disk->slow_us = 0;
	return us;
}

void sim_disk_cut_after(struct sim_disk *disk, uint64_t calls)
{
	disk->cut_in = calls;
}

bool sim_disk_is_cut(const struct sim_disk *disk)
{
	return disk->cut;
}

unsigned sim_disk_open_count(const struct sim_disk *disk)
{
	return disk->opens;
}

/* ---- backup and rot */

void sim_disk_backup(struct sim_disk *disk)
{
	char path[DISK_PATH_MAX];
	beside(path, disk, ".backup", 0);
	remove_tree(path);
	copy_tree(disk->dir, path);
	disk->backed_up = true;
}

bool sim_disk_restore(struct sim_disk *disk)
{
	char path[DISK_PATH_MAX];
	if (!disk->backed_up)
		return false;
	sim_disk_settle(disk);
	beside(path, disk, ".backup", 0);
	remove_tree(disk->dir);
	copy_tree(path, disk->dir);
	power_back(disk);
	return true;
}

bool sim_disk_rot(struct sim_disk *disk, const char *name)
{
	char path[DISK_PATH_MAX];
	struct stat stat;
	int size = snprintf(path, sizeof(path), "%s/%s", disk->dir, name);
	assert(size < (int)sizeof(path));
	int fd = disk_real_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	bool done = false;
	if (fd < 0)
		return false;
	int rc = fstat(fd, &stat);
	assert(rc == 0);
	for (int i = 0; i < USED_TRIES && !done && stat.st_size > 0; i++) {
		off_t at = (off_t)(disk_random(disk) % (uint64_t)stat.st_size);
		uint8_t byte = 0;
		done = pread(fd, &byte, 1, at) == 1 && byte != 0;
		if (!done)
			continue;
		byte ^= (uint8_t)(1u << disk_random(disk) % 8);
		done = disk_real_pwrite(fd, &byte, 1, at) == 1;
	}
	disk_real_close(fd);
	return done;
}
