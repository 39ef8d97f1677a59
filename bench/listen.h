/*
 * Sockets to listen on, and telling whoever has started us where.
 *
 * Both return a descriptor that does not block; what fails ends the program.
 */

#ifndef BENCH_LISTEN_H
#define BENCH_LISTEN_H

/* At a Unix socket of this type, for everybody; prints 0. */
int listen_at(const char *path, int type);

/* At a TCP port of 127.0.0.1 that the kernel chooses, and prints. */
int listen_somewhere(void);

#endif
