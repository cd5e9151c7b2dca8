/* What disk.c (disks, what is not synced, losses) and disk_calls.c (the calls that stand before the C
 * library's) share. */
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "sim/disk.h"

enum {
	DISK_SECTOR = 512,
	DISK_PATH_MAX = 512,   /* bytes of a path, NUL counted */
	DISK_PARTS_MAX = 256,  /* of one writev(); LMDB uses 64 */
	DISK_MAPPED_AFTER = 8, /* uses */
};

/* What an unsynced call replaced. */
struct disk_undo {
	uint64_t at;       /* offset in the file, a whole sector's */
	size_t size;       /* bytes, whole sectors */
	uint64_t old_size; /* of the file */
	uint64_t new_size;
	size_t image;   /* offset in the file's |images| */
	bool forgotten; /* a sync of it failed: no later one will write it */
};

/* One inode of a disk, while it is open or not synced. */
struct disk_file {
	struct disk_file *next;
	uint64_t inode;
	uint64_t size;
	unsigned opens;
	int fd;                  /* our own, read and write; -1 until the first write */
	unsigned uses;           /* since then, up to DISK_MAPPED_AFTER */
	uint8_t *map;            /* of the file, shared, for one that is written often; NULL: none */
	uint64_t mapped;         /* bytes, of which |size| are there */
	void *users_map;         /* LMDB's, while it has the file open; NULL: none */
	uint64_t users_mapped;   /* bytes */
	struct disk_undo *undos; /* oldest first */
	size_t undos_count;
	size_t undos_room;
	struct tb_buf images;
};

enum disk_name_kind { DISK_CREATED, DISK_MADE_DIR, DISK_RENAMED, DISK_UNLINKED };

/* A change of names whose directories were not synced. */
struct disk_name {
	struct disk_name *older;
	enum disk_name_kind kind;
	uint64_t dirs[2]; /* inodes of directories still to be synced; 0: done or none */
	char *path;       /* the old one of a renaming */
	char *to;         /* of a renaming */
	uint64_t shadow;  /* number of the file kept in DIR.shadow; 0: none */
};

struct sim_disk {
	struct sim_disk *chained; /* next in the table of directories */
	char *dir;
	size_t dir_size;
	uint64_t random;
	struct disk_file *files; /* oldest first */
	struct disk_name *names; /* newest first */
	uint64_t shadows;        /* numbers given */
	unsigned opens;
	struct sim_disk_faults faults;
	struct sim_disk_counts counts;
	int64_t slow_us;
	uint64_t cut_in; /* calls until the power goes; 0: never */
	bool cut;
	uint64_t used_bytes; /* kept while there is a limit */
	bool backed_up;
	bool stored; /* on a file system that is not itself memory */
};

/* ---- disk.c */

/* The disk that |path|, absolute, lies below; NULL if none. */
struct sim_disk *disk_of_path(const char *path);
/* Calls |visit| with each disk there is. */
void disk_each(void (*visit)(struct sim_disk *disk, void *ctx), void *ctx);
uint64_t disk_random(struct sim_disk *disk);
bool disk_chance(struct sim_disk *disk, uint32_t ppm);

struct disk_file *disk_file_open(struct sim_disk *disk, uint64_t inode, uint64_t size);
void disk_file_close(struct sim_disk *disk, struct disk_file *file);
/* Keeps what a write of |size| bytes at |at|, or a change to |new_size|, is about to replace. */
void disk_undo_add(struct sim_disk *disk, struct disk_file *file, uint64_t at, uint64_t size,
                   uint64_t new_size);
/* Memory that is |size| bytes of the file at |at|, all of them below its end; NULL: it is not mapped. Writing
 * there, without a call of the kernel, is what write() would do. */
uint8_t *disk_file_memory(struct disk_file *file, uint64_t at, uint64_t size);
/* The newest is durable after all. */
void disk_undo_settle_newest(struct sim_disk *disk, struct disk_file *file);
void disk_file_synced(struct sim_disk *disk, struct disk_file *file);
void disk_file_sync_failed(struct disk_file *file);
void disk_dir_synced(struct sim_disk *disk, uint64_t inode);

/* Notes a change of names. |path| and |to| are absolute; |shadow| as in struct disk_name. */
void disk_name_add(struct sim_disk *disk, enum disk_name_kind kind, const char *path, const char *to,
                   uint64_t shadow);
/* Gives the file |path| a second name in DIR.shadow. 0: it is not there. */
uint64_t disk_shadow(struct sim_disk *disk, const char *path);
void disk_unshadow(struct sim_disk *disk, uint64_t number); /* 0 is fine */
void disk_grew(struct sim_disk *disk, int64_t bytes);

/* ---- disk_memory.c */

/* Is |dir| on a file system that is not itself memory? */
bool disk_is_stored(const char *dir);
/* A stored disk takes |bytes| more. */
void disk_memory_grew(uint64_t bytes);
/* The last descriptor of a file of a stored disk: closed once the file has left the memory. Taken. */
void disk_cool_later(int fd);

/* ---- disk_calls.c: the kernel's own */

int disk_real_openat(int at, const char *path, int flags, mode_t mode);
int disk_real_close(int fd);
void *disk_real_mmap(void *want, size_t size, int protection, int flags, int fd, off_t at);
ssize_t disk_real_pwrite(int fd, const void *data, size_t size, off_t at);
int disk_real_ftruncate(int fd, off_t size);
int disk_real_mkdir(const char *path);
int disk_real_rename(const char *path, const char *to);
int disk_real_unlink(const char *path);
int disk_real_rmdir(const char *path);
