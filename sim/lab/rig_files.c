#include "sim/lab/rig_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 256 * 1024, PATH_ROOM = 4096, DEPTH_MAX = 8, OPEN_MAX_FTW = 16 };

bool rig_file_read(struct tb_buf *out, const char *path, size_t most)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	for (size_t got = 1; got > 0 && most > 0; most -= got) {
		size_t want = most < BLOCK_BYTES ? most : BLOCK_BYTES;
		tb_buf_reserve(out, want);
		got = fread(out->data + out->size, 1, want, file);
		out->size += got;
	}
	bool good = !ferror(file);
	fclose(file);
	return good;
}

bool rig_file_write(const char *path, struct tb_bytes text)
{
	FILE *file = fopen(path, "we");
	if (!file)
		return false;
	bool good = fwrite(text.data, 1, text.size, file) == text.size;
	return fclose(file) == 0 && good;
}

/* A store is a sparse file at times: its length is kept, its bytes are copied as they are read. */
static bool copy_file(const char *from, const char *to, mode_t mode)
{
	bool good = false;
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);
	uint8_t *block = tb_alloc(BLOCK_BYTES);
	if (out >= 0) {
		ssize_t got;
		while ((got = read(in, block, BLOCK_BYTES)) > 0) {
			if (write(out, block, (size_t)got) != got)
				break;
		}
		good = got == 0;
	}
	int why = errno;
	free(block);
	if (in >= 0)
		close(in);
	if (out >= 0)
		good = close(out) == 0 && good;
	errno = why;
	return good;
}

static bool copy_level(const char *from, const char *to, unsigned depth);

static bool copy_entry(const char *from, const char *to, const char *name, unsigned depth)
{
	char source[PATH_ROOM], target[PATH_ROOM];
	struct stat st;
	if (snprintf(source, sizeof(source), "%s/%s", from, name) >= PATH_ROOM ||
	    snprintf(target, sizeof(target), "%s/%s", to, name) >= PATH_ROOM) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (lstat(source, &st) != 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return copy_level(source, target, depth + 1);
	return !S_ISREG(st.st_mode) || copy_file(source, target, st.st_mode);
}

static bool copy_level(const char *from, const char *to, unsigned depth)
{
	struct stat st;
	if (depth > DEPTH_MAX) {
		errno = ELOOP;
		return false;
	}
	if (stat(from, &st) != 0 || mkdir(to, st.st_mode & 0777) != 0)
		return false;
	DIR *dir = opendir(from);
	bool good = dir != NULL;
	for (struct dirent *entry; good && (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			good = copy_entry(from, to, entry->d_name, depth);
	}
	if (dir)
		closedir(dir);
	return good;
}

bool rig_tree_copy(const char *from, const char *to)
{
	return copy_level(from, to, 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

bool rig_tree_remove(const char *path)
{
	return nftw(path, remove_one, OPEN_MAX_FTW, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
}
