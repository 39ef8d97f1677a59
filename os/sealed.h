/*
 * Texts in memory that are passed as descriptors, and that nobody can change
 * any more.
 */

#ifndef OS_SEALED_H
#define OS_SEALED_H

/* An empty one, to be written; the caller's to close.  Or -1 with errno. */
int sealed_new(void);

/*
 * For somebody else: the text of a whole one, which cannot be changed from now
 * on, to be read from its start; the caller's to close.  It takes no memory
 * more where there is a /proc.  Returns -1 with errno.
 */
int sealed_copy(int from);

#endif
