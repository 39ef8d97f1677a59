/*
 * What a program is, before it is started: its path, its loader, its rights.
 */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cmd/offer/binary.h"

/* A script's interpreter may be one, and so on; the kernel stops sooner. */
#define SCRIPTS_MAX 5

/* The beginning of a file; "#!" and a path fit, as do the program headers. */
#define HEAD_MAX 4096

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* Is it a file that may be run? */
static bool
may_run(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return false;
	}
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

int
binary_find(const char *name, char path[static PATH_MAX])
{
	const char *folder = getenv("PATH");
	int length, why = ENOENT;

	if (strchr(name, '/') != NULL) {
		length = snprintf(path, PATH_MAX, "%s", name);
		if (length < PATH_MAX)
			return may_run(path) ? 0 : -1;
		errno = ENAMETOOLONG;
		return -1;
	}
	for (folder = folder != NULL ? folder : DEFAULT_PATH; *name != '\0';
	     folder++) {
		length = (int)strcspn(folder, ":");
		if (snprintf(path, PATH_MAX, "%.*s/%s", length > 0 ? length : 1,
			length > 0 ? folder : ".", name) < PATH_MAX) {
			if (may_run(path))
				return 0;
			if (errno == EACCES)
				why = EACCES;
		}
		folder += length;
		if (*folder == '\0')
			break;
	}
	errno = why;
	return -1;
}

/* Does the program get other rights?  Then the loader ignores what we ask. */
static bool
changes_rights(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return false;
	if ((st.st_mode & S_ISUID && st.st_uid != getuid()) ||
	    (st.st_mode & S_ISGID && st.st_gid != getgid()))
		return true;
	return geteuid() != 0 &&
	    getxattr(path, "security.capability", NULL, 0) > 0;
}

static ssize_t
read_at(const char *path, void *buf, size_t size, off_t at)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = pread(fd, buf, size, at);
	(void)close(fd); /* it was only read */
	return n;
}

/* What a file is, to whoever would preload a library into it. */
enum kind {
	KIND_UNKNOWN, /* no program, or one that cannot be read */
	KIND_FOREIGN, /* for another kind of machine */
	KIND_STATIC,  /* it needs no loader */
	KIND_DYNAMIC,
};

/* Is it for the machine that we are for? */
static bool
is_native(const ElfW(Ehdr) * file)
{
	ElfW(Ehdr) own;

	return read_at("/proc/self/exe", &own, sizeof(own), 0) !=
	    (ssize_t)sizeof(own) ||
	    (file->e_ident[EI_CLASS] == own.e_ident[EI_CLASS] &&
		file->e_machine == own.e_machine);
}

/* Find the loader that the program at path names. */
static enum kind
find_loader(const char *path, char loader[static PATH_MAX])
{
	unsigned char head[HEAD_MAX];
	ElfW(Ehdr) file;
	ElfW(Phdr) part;
	ssize_t n = read_at(path, head, sizeof(head), 0);
	size_t i, at;

	if (n < (ssize_t)sizeof(file))
		return KIND_UNKNOWN;
	memcpy(&file, head, sizeof(file));
	if (memcmp(file.e_ident, ELFMAG, SELFMAG) != 0)
		return KIND_UNKNOWN;
	if (!is_native(&file))
		return KIND_FOREIGN;
	for (i = 0; i < file.e_phnum; i++) {
		at = file.e_phoff + i * file.e_phentsize;
		if (at > (size_t)n - sizeof(part))
			return KIND_UNKNOWN;
		memcpy(&part, head + at, sizeof(part));
		if (part.p_type != PT_INTERP)
			continue;
		if (part.p_filesz == 0 || part.p_filesz > PATH_MAX)
			return KIND_UNKNOWN;
		n = read_at(path, loader, part.p_filesz, (off_t)part.p_offset);
		if (n != (ssize_t)part.p_filesz || loader[n - 1] != '\0')
			return KIND_UNKNOWN;
		return KIND_DYNAMIC;
	}
	return KIND_STATIC;
}

/*
 * If the file at path is a script, write its interpreter over path and return
 * true.  That of "env" is searched for, as env does it.
 */
static bool
follow_script(char path[static PATH_MAX])
{
	char line[HEAD_MAX], found[PATH_MAX], *word, *next;
	const ssize_t n = read_at(path, line, sizeof(line) - 1, 0);

	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	word = strtok_r(line + 2, " \t", &next);
	if (word == NULL || strlen(word) >= PATH_MAX)
		return false;
	memcpy(path, word, strlen(word) + 1);
	if (strlen(word) < 4 || strcmp(word + strlen(word) - 4, "/env") != 0)
		return true;
	do
		word = strtok_r(NULL, " \t", &next);
	while (word != NULL && (*word == '-' || strchr(word, '=') != NULL));
	if (word != NULL && binary_find(word, found) == 0)
		memcpy(path, found, strlen(found) + 1);
	return true;
}

const char *
binary_why_not(const char *path)
{
	char own[PATH_MAX], loader[PATH_MAX], file[PATH_MAX];
	int i;

	if (strlen(path) >= sizeof(file))
		return NULL;
	memcpy(file, path, strlen(path) + 1);
	/* The rights of a script's file mean nothing. */
	i = 0;
	while (i < SCRIPTS_MAX && follow_script(file))
		i++;
	if (changes_rights(file))
		return "runs with other rights than ours (set-user-ID, "
		       "set-group-ID or capabilities), so that no library can "
		       "be preloaded into it";
	switch (find_loader(file, loader)) {
	case KIND_FOREIGN:
		return "is for another kind of machine than we are";
	case KIND_STATIC:
		return "is linked statically, so that no library can be "
		       "preloaded into it";
	case KIND_DYNAMIC:
		if (find_loader("/proc/self/exe", own) == KIND_DYNAMIC &&
		    strcmp(own, loader) != 0)
			return "is linked with another C library than we are";
		return NULL;
	case KIND_UNKNOWN:
		break;
	}
	return NULL; /* execvp() will know */
}
