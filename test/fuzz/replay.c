/*
 * A fuzz target without a fuzzer: runs it on each file of the folders and files
 * that are named, in the order of their names. An input that it does not like
 * ends the program with that input's name as the last line.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX 65536
#define PATH_LENGTH 1024

static unsigned nr_inputs;

static void
replay_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	uint8_t *copy;
	size_t size;

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, sizeof(data), file);
	(void)fclose(file);
	printf("# %s\n", path);
	(void)fflush(stdout);
	/* Of just that size: reading beyond it is found. */
	copy = malloc(size + (size == 0));
	if (copy == NULL)
		exit(1);
	memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	nr_inputs++;
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
replay_folder(const char *folder)
{
	struct dirent **entries;
	char path[PATH_LENGTH];
	int nr = scandir(folder, &entries, is_visible, alphasort);

	if (nr < 0) {
		perror(folder);
		exit(1);
	}
	for (int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder,
			 entries[i]->d_name);
		replay_file(path);
		free(entries[i]);
	}
	free((void *)entries);
}

int
main(int argc, char **argv)
{
	struct stat info;

	(void)LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode))
			replay_folder(argv[i]);
		else
			replay_file(argv[i]);
	}
	printf("1..1\n%s 1 - %u inputs\n", nr_inputs > 0 ? "ok" : "not ok",
	       nr_inputs);
	return nr_inputs > 0 ? 0 : 1;
}
