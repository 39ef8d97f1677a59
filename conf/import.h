/*
 * The configurations of inetd and xinetd, carried over into ours.
 *
 * Pure: text in, text out, whatever the text.  What cannot be carried over
 * becomes a comment with the reason, so that nothing is lost in silence.
 */

#ifndef CONF_IMPORT_H
#define CONF_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "tcpmux.h"

/* The most bytes of a file that are looked at. */
#define IMPORT_MAX 1048576

/* The most bytes that are written. */
#define IMPORT_WRITTEN_MAX 16777216

/*
 * Does this text look like xinetd's, with service { }, rather than inetd's?
 */
bool import_is_xinetd(const char *text, size_t len);

/*
 * Write the services of an inetd.conf, of the BSD and GNU kind, in our form.
 * file is for comments.  Returns text, the caller's to free(), or NULL with
 * ENOMEM, or with E2BIG if len is over IMPORT_MAX or if more than
 * IMPORT_WRITTEN_MAX bytes would be written.
 */
char *import_inetd(const char *file, const char *text, size_t len);

/*
 * The same for xinetd's: one text with the main file and all that it includes
 * in order, put together by whoever reads them.  A line of the text that reads
 *
 *	#line NUMBER "FILE"
 *
 * says that the next one is this line of that file; so whoever puts files
 * together writes one before and behind each that is included.  An include
 * that is still in the text becomes a comment.
 */
char *import_xinetd(const char *file, const char *text, size_t len);

/* A line of xinetd's text that includes other files. */
struct import_include {
	size_t begin; /* where it stands in the text */
	size_t end;   /* and where the next one begins */
	int line;     /* its number, from 1 */
	struct tcpmux_span path;
	bool is_folder; /* all files there but those with a dot or ~ behind */
};

/*
 * Find the first such line, or the next one behind *found, which is all zero
 * at first.  Returns whether there is one.
 */
bool import_find_include(const char *text, size_t len,
    struct import_include *found);

#endif
