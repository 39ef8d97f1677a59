/*
 * The exit statuses that in.tcpmuxd uses, for an analyser whose own library
 * lacks them.
 */

#ifndef PROVE_SYSEXITS_H
#define PROVE_SYSEXITS_H

enum { EX_OK = 0, EX_USAGE = 64, EX_OSERR = 71, EX_IOERR = 74 };

#endif
