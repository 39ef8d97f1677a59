/*
 * Runs every file named, and every file in every directory named, through a
 * fuzzer once: a corpus as a test, for compilers without libFuzzer.
 */

#include <err.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static unsigned int files;

static int
replay(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	static uint8_t data[1 << 20];
	size_t size;
	FILE *file;

	(void)sb, (void)ftw;
	if (type == FTW_D)
		return 0;
	if (type != FTW_F || (file = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	size = fread(data, 1, sizeof(data), file);
	if (ferror(file) || !feof(file))
		errx(1, "%s: cannot be read, or is too large", path);
	(void)fclose(file); /* It was only read. */
	/* The name, should this one crash. */
	(void)fprintf(stderr, "%s\n", path);
	(void)LLVMFuzzerTestOneInput(data, size);
	files++;
	return 0;
}

int
main(int argc, char *argv[])
{
	int i;

	for (i = 1; i < argc; i++)
		if (nftw(argv[i], replay, 16, FTW_PHYS) == -1)
			err(1, "%s", argv[i]);
	if (files == 0)
		errx(1, "no input was found");
	(void)printf("%u inputs\n", files);
	return 0;
}
