/* Runs a fuzz target over files, without a fuzzer: replay FILE|DIR ... Fails if there was none, since a
 * corpus that is not found proves nothing. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 1 << 20, PATH_ROOM = 4096 };

static size_t replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(1);
	}
	uint8_t *data = tb_alloc(INPUT_BYTES_MAX);
	size_t size = fread(data, 1, INPUT_BYTES_MAX, file);
	fclose(file);
	/* Exactly as large as the input: a step too far is noticed. */
	uint8_t *exact = tb_alloc(size);
	for (size_t i = 0; i < size; i++)
		exact[i] = data[i];
	free(data);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 1;
}

static size_t replay_dir(const char *path)
{
	struct dirent **entries;
	size_t done = 0;
	int count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		char name[PATH_ROOM];
		int size = snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && size > 0 && size < PATH_ROOM)
			done += replay_file(name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return done;
}

int main(int argc, char **argv)
{
	size_t done = 0;
	for (int i = 1; i < argc; i++) {
		struct stat info;
		bool dir = stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode);
		done += dir ? replay_dir(argv[i]) : replay_file(argv[i]);
	}
	printf("%zu inputs\n", done);
	return done > 0 ? 0 : 1;
}
