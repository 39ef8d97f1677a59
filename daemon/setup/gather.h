/*
 * What inetd or xinetd is configured by, read and carried over into ours.
 */

#ifndef DAEMON_SETUP_GATHER_H
#define DAEMON_SETUP_GATHER_H

/*
 * Read the file at path, of inetd or xinetd, with all that it includes, or
 * the folder of xinetd there, and write the same in our form.  Returns text,
 * the caller's to free(); or NULL with errno: as file_read(), scandir(3),
 * open_memstream(3) and import_inetd(), or ELOOP if it includes itself.
 */
char *gather_import(const char *path);

#endif
