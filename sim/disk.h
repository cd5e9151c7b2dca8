/* The disk of a simulated node: real files in a directory, whose system calls pass through here.
 *
 * The program's own open(), pwrite(), fdatasync(), rename() and so on stand before the C library's, for LMDB
 * too (so programs are linked with their symbols exported). Files below a disk's directory are followed; all
 * others go straight on, and so does LMDB's lock file, which is no data. A write that was not synced keeps
 * what it replaced, so that a loss of power can take it back by 512-byte sectors; a name that was made, moved
 * or removed can be taken back until its directory was synced. One thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sim_disk;

/* Chances are in millionths of a call. */
struct sim_disk_faults {
	uint32_t write_fails;      /* EIO, nothing written */
	uint32_t write_fails_late; /* EIO, but all was written */
	uint32_t write_short;      /* only a part is written, and said so */
	/* EIO, and the kernel forgets that the pages were dirty: the next sync succeeds and does not write
	 * them. Only writing them again helps. */
	uint32_t sync_fails;
	uint32_t sync_slow;  /* adds to sim_disk_slow() */
	uint64_t room_bytes; /* the most that all files may hold: beyond it ENOSPC; 0: no limit */
};

struct sim_disk_counts {
	uint64_t writes;
	uint64_t syncs;
	uint64_t faults;       /* calls that were made to fail */
	uint64_t sectors_lost; /* by losses of power */
	uint64_t sectors_kept; /* unsynced, and yet kept */
	uint64_t names_lost;   /* creations, renamings and removals taken back */
	uint64_t losses;       /* of power */
};

/* |dir| is absolute, is made, with its parents there; put it on a tmpfs. DIR.shadow and DIR.backup belong to
 * it. The same seed and calls give the same faults. */
struct sim_disk *sim_disk_new(const char *dir, uint64_t seed);
/* Removes the directory. All its files must be closed. NULL is fine. */
void sim_disk_free(struct sim_disk *disk);
const char *sim_disk_dir(const struct sim_disk *disk);
/* All that was done so far is durable, as if everything had been synced: for what an operator sets up before
 * the node's first start, such as directories. All files must be closed. */
void sim_disk_settle(struct sim_disk *disk);

void sim_disk_set_faults(struct sim_disk *disk, const struct sim_disk_faults *faults);
const struct sim_disk_counts *sim_disk_counts(const struct sim_disk *disk);
/* What its files, those that a loss of power would bring back and its backup take. */
struct sim_disk_size {
	uint64_t bytes;
	uint64_t memory_bytes; /* of those: all on a tmpfs, elsewhere what the kernel keeps */
};
struct sim_disk_size sim_disk_size(const struct sim_disk *disk);
/* If all disks together grew by |growth| bytes or more since the last time, those that are not on a tmpfs are
 * written out and leave the memory, to which they come back as they are used. No disk holds anything else
 * afterwards. Returns what they had in memory before, 0 if nothing was done. */
uint64_t sim_disks_cool(uint64_t growth);
/* The same for one, though it did not grow: after all of it was read. */
void sim_disk_cool(struct sim_disk *disk);
/* Brings its stores back at once: before all of them is read. */
void sim_disk_warm(struct sim_disk *disk);
/* Microseconds of slow syncs since the last call. */
int64_t sim_disk_slow(struct sim_disk *disk);
/* The power goes off in the |calls|-th next call that changes the disk or syncs it. That call and all later
 * ones fail; of it alone a part may have happened. 0: never. */
void sim_disk_cut_after(struct sim_disk *disk, uint64_t calls);
bool sim_disk_is_cut(const struct sim_disk *disk);
/* Files and directories of the disk that are open now. */
unsigned sim_disk_open_count(const struct sim_disk *disk);

/* Power is lost: takes back a random part of what was not synced, sector by sector, newest first; names not
 * synced (created, renamed, removed) too. All files must be closed first. Power is back afterwards. */
void sim_disk_power_loss(struct sim_disk *disk);
/* Only the process died: everything written stays, though not synced, and a cut that has not come yet is
 * called off. All files must be closed. */
void sim_disk_crash(struct sim_disk *disk);

/* Copies all files aside, and back (an operator's backup). All files must be closed for restoring. */
void sim_disk_backup(struct sim_disk *disk);
bool sim_disk_restore(struct sim_disk *disk); /* false: there is no backup */

/* Flips one bit in a random used (not zero) byte of |name| below the directory. False if there is none. */
bool sim_disk_rot(struct sim_disk *disk, const char *name);
