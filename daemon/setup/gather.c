/*
 * What inetd or xinetd is configured by, read and carried over into ours.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/import.h"
#include "daemon/setup/gather.h"
#include "os/file.h"

/* How deep the files of xinetd may include each other. */
#define DEPTH_MAX 8

/* The longest path, with a NUL. */
#define PATH_SIZE 4096

static int gather(FILE *out, const char *path, unsigned int depth);

/*
 * Errors of the stream, which can only be a lack of memory, are seen when it
 * is closed.
 */
static void
put(FILE *out, const char *text, size_t len)
{
	(void)fwrite(text, 1, len, out);
}

/* The next line is this one of path. */
static void
put_place(FILE *out, int line, const char *path)
{
	(void)fprintf(out, "#line %d \"%s\"\n", line, path);
}

/* xinetd reads no file with a dot in its name, nor what editors leave. */
static int
is_read(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return strpbrk(d->d_name, ".\n") == NULL && d->d_name[len - 1] != '~';
}

/*
 * Put together the files of a folder, by name.  One that cannot be read stays
 * an include, which becomes a comment.
 */
static int
gather_folder(FILE *out, const char *path, unsigned int depth)
{
	struct dirent **names;
	char file[PATH_SIZE];
	int i, n, len;

	n = scandir(path, &names, is_read, alphasort);
	if (n == -1)
		return -1;
	for (i = 0; i < n; i++) {
		len = snprintf(file, sizeof(file), "%s/%s", path,
		    names[i]->d_name);
		if (len >= (int)sizeof(file) ||
		    gather(out, file, depth + 1) == -1)
			(void)fprintf(out, "include %s\n", file);
		free(names[i]);
	}
	free(names);
	return 0;
}

/* Put together the text of the file at path and all that it includes. */
static void
gather_text(FILE *out, const char *path, const char *text, size_t len,
    unsigned int depth)
{
	struct import_include found = { 0 };
	char included[PATH_SIZE];
	size_t done = 0;

	put_place(out, 1, path);
	while (import_find_include(text, len, &found)) {
		if (found.path.len >= sizeof(included))
			continue;
		memcpy(included, found.path.p, found.path.len);
		included[found.path.len] = '\0';
		put(out, text + done, found.begin - done);
		done = found.end;
		if (gather(out, included, depth + 1) == -1)
			put(out, text + found.begin, found.end - found.begin);
		put_place(out, found.line + 1, path);
	}
	put(out, text + done, len - done);
	if (len > 0 && text[len - 1] != '\n')
		put(out, "\n", 1);
}

/* Put together what is at path; or return -1 with errno, and write nothing. */
static int
gather(FILE *out, const char *path, unsigned int depth)
{
	struct stat st;
	size_t len;
	char *text;

	if (depth > DEPTH_MAX) {
		errno = ELOOP;
		return -1;
	}
	if (stat(path, &st) == -1)
		return -1;
	if (S_ISDIR(st.st_mode))
		return gather_folder(out, path, depth);
	text = file_read(path, IMPORT_MAX, &len, &st);
	if (text == NULL)
		return -1;
	if (depth > 0 || import_is_xinetd(text, len))
		gather_text(out, path, text, len, depth);
	else
		put(out, text, len);
	free(text);
	return 0;
}

char *
gather_import(const char *path)
{
	char *text = NULL, *ours = NULL;
	size_t len;
	int error = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	if (gather(out, path, 0) == -1)
		error = errno;
	if (fclose(out) == EOF && error == 0)
		error = errno;
	if (error == 0) {
		ours = import_is_xinetd(text, len) ?
		    import_xinetd(path, text, len) :
		    import_inetd(path, text, len);
		error = errno;
	}
	free(text);
	errno = error;
	return ours;
}
