/*
 * What becomes of the lines of an inetd.conf and the entries of xinetd: each
 * is a service that lets in no more than before, or a comment that says why.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/import.h"
#include "tests/unit/guard.h"

#define ROOM 4096
#define HEAD "# Carried over from f; see tcpmuxd-import(7).\n"
#define LONG 300

static struct guard input;

typedef char *importer(const char *, const char *, size_t);

static int
map_guard(void **state)
{
	(void)state;
	return guard_init(&input, ROOM);
}

static int
unmap_guard(void **state)
{
	(void)state;
	guard_clear(&input);
	return 0;
}

/* Write text; what is composed here is never as long as ROOM. */
static void __attribute__((format(printf, 2, 3)))
compose(char *text, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, ROOM / 2, format, ap);
	va_end(ap);
	assert_in_range(n, 0, ROOM / 2 - 1);
}

/* The text of len bytes, carried over, is want behind the first line. */
static void
check_bytes(importer *import, const char *text, size_t len, const char *want)
{
	char *got = import("f", guard_copy(&input, text, len), len);

	assert_non_null(got);
	assert_memory_equal(got, HEAD, strlen(HEAD));
	assert_string_equal(got + strlen(HEAD), want);
	free(got);
}

static void
check_inetd(const char *text, const char *want)
{
	check_bytes(import_inetd, text, strlen(text), want);
}

static void
check_xinetd(const char *text, const char *want)
{
	check_bytes(import_xinetd, text, strlen(text), want);
}

/* One line of inetd.conf is not carried over, for this reason. */
static void
check_inetd_refused(const char *line, const char *why, const char *shown)
{
	char want[ROOM];

	compose(want, "\n# f:1: not carried over: %s\n#\t%s\n", why, shown);
	check_inetd(line, want);
}

/* A service of xinetd with these lines in it, and all that it needs. */
static const char *
xinetd_service(const char *lines)
{
	static char text[ROOM];

	compose(text,
	    "service x\n{\nsocket_type = stream\nwait = no\nuser = u\n"
	    "server = /b/p\n%s}\n",
	    lines);
	return text;
}

/* With these lines it is carried over with these options. */
static void
check_option(const char *lines, const char *options)
{
	char want[ROOM];

	compose(want,
	    "\n# f:1\nservice \"x\" {\n\texec = {\"/b/p\"}\n\targv0 = \"p\"\n"
	    "\tuser = \"u\"\n\tgroups = {}\n%s}\n",
	    options);
	check_xinetd(xinetd_service(lines), want);
}

/* With these lines it is not carried over, for this reason. */
static void
check_refused(const char *lines, const char *why)
{
	char want[ROOM];

	compose(want, "\n# f:1: not carried over: %s\n#\tx\n", why);
	check_xinetd(xinetd_service(lines), want);
}

static void
comments_are_passed_over(void **state)
{
	(void)state;
	check_inetd("", "");
	check_inetd("# x\n\n \t\n  # y\r\n", "");
	check_xinetd("# x\n\n \t\n  # y\r\n", "");
}

static void
plus_means_that_the_mux_replies(void **state)
{
	(void)state;
	check_inetd("tcpmux/+date stream tcp nowait guest /bin/date date -u\n",
	    "\n# f:1\nservice \"date\" {\n\texec = {\"/bin/date\", \"-u\"}\n"
	    "\targv0 = \"date\"\n\tuser = \"guest\"\n\tstderr = socket\n}\n");
}

static void
without_plus_the_program_replies(void **state)
{
	(void)state;
	check_inetd("tcpmux/book\tstream\ttcp\tnowait\tu\t/b/p\t/b/p",
	    "\n# f:1\nservice \"book\" {\n\texec = {\"/b/p\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n\treply = service\n}\n");
}

static void
a_service_with_a_port_gets_its_reply_from_the_mux(void **state)
{
	(void)state;
	check_inetd("ftp stream tcp nowait root /usr/sbin/tcpd in.ftpd -l\n",
	    "\n# f:1\nservice \"ftp\" {\n"
	    "\texec = {\"/usr/sbin/tcpd\", \"-l\"}\n"
	    "\targv0 = \"in.ftpd\"\n\tuser = \"root\"\n\tstderr = socket\n"
	    "\tno-new-privileges = false\n}\n");
}

static void
a_program_without_arguments_has_the_last_part_of_its_path(void **state)
{
	(void)state;
	check_inetd("x stream tcp nowait u /b/p",
	    "\n# f:1\nservice \"x\" {\n\texec = {\"/b/p\"}\n"
	    "\targv0 = \"p\"\n\tuser = \"u\"\n\tstderr = socket\n}\n");
}

static void
inetd_limits(void **state)
{
	static const char *const texts[][2] = {
		{ ".50", "\trate = \"50/1m\"\n" },
		{ ":50", "\trate = \"50/1m\"\n" },
		{ "/3", "\tmax = 3\n" },
		{ "/3/0/2", "\tmax = 3\n\tmax-per-source = 2\n" },
		{ "/0", "" },
	};
	char text[ROOM], want[ROOM];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		compose(text, "x stream tcp nowait%s u /b/p /b/p", texts[i][0]);
		compose(want,
		    "\n# f:1\nservice \"x\" {\n\texec = {\"/b/p\"}\n"
		    "\tuser = \"u\"\n\tstderr = socket\n%s}\n",
		    texts[i][1]);
		check_inetd(text, want);
	}
}

static void
a_limit_that_we_do_not_have_is_said(void **state)
{
	(void)state;
	check_inetd("x stream tcp nowait/3/60 u /b/p /b/p",
	    "\n# f:1\n#\tnowait/3/60: there is no limit a minute and source "
	    "here\nservice \"x\" {\n\texec = {\"/b/p\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n\tmax = 3\n}\n");
}

static void
inetd_users(void **state)
{
	static const char *const texts[][3] = {
		{ "u:g", "", "\tuser = \"u\"\n\tgroup = \"g\"\n" },
		{ "u.g", "", "\tuser = \"u\"\n\tgroup = \"g\"\n" },
		{ "u.v:g", "", "\tuser = \"u.v\"\n\tgroup = \"g\"\n" },
		{ "u/c", "#\tc: there are no login classes here\n",
		    "\tuser = \"u\"\n" },
		{ "u:g/c", "#\tc: there are no login classes here\n",
		    "\tuser = \"u\"\n\tgroup = \"g\"\n" },
	};
	char text[ROOM], want[ROOM];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		compose(text, "x stream tcp nowait %s /b/p /b/p", texts[i][0]);
		compose(want,
		    "\n# f:1\n%sservice \"x\" {\n\texec = {\"/b/p\"}\n"
		    "%s\tstderr = socket\n}\n",
		    texts[i][1], texts[i][2]);
		check_inetd(text, want);
	}
}

static void
arguments_may_be_quoted_and_continued(void **state)
{
	(void)state;
	check_inetd("x stream tcp nowait u /b/p /b/p \"a b\" 'c\"'\n\t-d e\n"
		    " y stream tcp nowait u /b/q /b/q\n",
	    "\n# f:1\nservice \"x\" {\n\texec = {\"/b/p\", \"a b\", "
	    "\"c\\\"\", \"-d\", \"e\"}\n\tuser = \"u\"\n\tstderr = socket\n}\n"
	    "\n# f:3\nservice \"y\" {\n\texec = {\"/b/q\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n}\n");
}

static void
what_the_configuration_would_expand_is_quoted(void **state)
{
	(void)state;
	check_inetd("x stream tcp nowait u /b/p /b/p ${HOME}\\n \xff",
	    "\n# f:1\nservice \"x\" {\n\texec = {\"/b/p\", "
	    "\"\\${HOME}\\\\n\", \"\\xff\"}\n\tuser = \"u\"\n"
	    "\tstderr = socket\n}\n");
}

static void
the_mux_needs_no_service(void **state)
{
	(void)state;
	check_inetd("tcpmux stream tcp nowait root internal",
	    "\n# f:1\n#\ttcpmux: it is always served\n");
}

static void
the_address_of_the_mux_is_a_listener(void **state)
{
	(void)state;
	check_inetd("10.0.0.1:tcpmux stream tcp nowait root internal\n"
		    "10.0.0.1:x stream tcp nowait u /b/p /b/p\n",
	    "\n# f:1\nlisten \"10.0.0.1\" {\n\tport = 1\n}\n"
	    "\n# f:2\nservice \"x\" {\n\texec = {\"/b/p\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n}\n");
	check_inetd("tcpmux stream tcp4 nowait root internal",
	    "\n# f:1\nlisten \"0.0.0.0\" {\n\tport = 1\n}\n");
	check_inetd("[::1]:tcpmux stream tcp nowait root internal",
	    "\n# f:1\nlisten \"::1\" {\n\tport = 1\n}\n");
	check_inetd("localhost:tcpmux stream tcp nowait root internal",
	    "\n# f:1\nlisten \"127.0.0.1\" {\n\tport = 1\n}\n");
	check_inetd("1.1.1.1,2.2.2.2:tcpmux stream tcp nowait root internal",
	    "\n# f:1\nlisten \"1.1.1.1\" {\n\tport = 1\n}\n"
	    "\n# f:1\nlisten \"2.2.2.2\" {\n\tport = 1\n}\n");
}

static void
what_was_bound_to_loopback_is_for_this_machine(void **state)
{
	(void)state;
	check_inetd("127.0.0.1:\nx stream tcp nowait u /b/p /b/p\n*:\n"
		    "y stream tcp nowait u /b/p /b/p\n",
	    "\n# f:2\nservice \"x\" {\n\texec = {\"/b/p\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n"
	    "\tfrom = {\"127.0.0.0/8\", \"::1\"}\n}\n"
	    "\n# f:4\nservice \"y\" {\n\texec = {\"/b/p\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n}\n");
}

static void
what_was_bound_elsewhere_is_not_opened(void **state)
{
	static const char why[] = "it was bound to an address, and the mux "
				  "is not: write it with a from = {...}";

	(void)state;
	check_inetd_refused("10.0.0.1:x stream tcp nowait u /b/p /b/p", why,
	    "10.0.0.1:x stream tcp nowait u /b/p /b/p");
	check_inetd_refused("host:x stream tcp nowait u /b/p /b/p", why,
	    "host:x stream tcp nowait u /b/p /b/p");
}

static void
an_address_means_nothing_behind_the_mux(void **state)
{
	(void)state;
	check_inetd("10.0.0.1:tcpmux/+a:b stream tcp nowait u /b/p /b/p",
	    "\n# f:1\nservice \"a:b\" {\n\texec = {\"/b/p\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n}\n");
}

static void
internal_services(void **state)
{
	(void)state;
	check_inetd("echo stream tcp nowait root internal\n"
		    "discard stream tcp nowait root internal\n"
		    "daytime stream tcp nowait root internal\n",
	    "\n# f:1\nservice \"echo\" {\n\tbuiltin = echo\n}\n"
	    "\n# f:2\nservice \"discard\" {\n\tbuiltin = discard\n}\n"
	    "\n# f:3\nservice \"daytime\" {\n\tbuiltin = daytime\n}\n");
	check_inetd_refused("chargen stream tcp nowait root internal",
	    "tcpmuxd has no such service of its own",
	    "chargen stream tcp nowait root internal");
}

static void
what_is_nothing_for_a_mux_says_why(void **state)
{
	static const char *const lines[][2] = {
		{ "x", "it has too few fields" },
		{ "x stream tcp nowait u", "it has too few fields" },
		{ "x dgram udp wait u /b/p",
		    "only streams go through the mux" },
		{ "x stream unix nowait u /b/p",
		    "only TCP goes through the "
		    "mux" },
		{ "x/1 stream rpc/tcp wait u /b/p",
		    "RPC finds its services "
		    "by port" },
		{ "x stream tcp wait u /b/p /b/p",
		    "its program wants to accept "
		    "connections itself" },
		{ "x stream tcp later u /b/p /b/p",
		    "its fourth field is neither "
		    "wait nor nowait" },
		{ "x stream tcp nowait.x u /b/p /b/p",
		    "its limits are not numbers" },
		{ "x stream tcp nowait. u /b/p /b/p",
		    "its limits are not numbers" },
		{ "x stream tcp nowait/1/1/1/1 u /b/p /b/p",
		    "its limits are not "
		    "numbers" },
		{ "x stream tcp nowaits3 u /b/p /b/p",
		    "its limits are not numbers" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		check_inetd_refused(lines[i][0], lines[i][1], lines[i][0]);
}

static void
what_is_no_service_of_ours_says_why(void **state)
{
	(void)state;
	check_inetd_refused("tcpmux/+HELP stream tcp nowait u /b/p /b/p",
	    "its name is reserved", "HELP");
	check_inetd_refused("tcpmux/tcpmux stream tcp nowait u /b/p /b/p",
	    "its name is reserved", "tcpmux");
	check_inetd_refused("tcpmux/++x stream tcp nowait u /b/p /b/p",
	    "its name begins like a reply", "+x");
	check_inetd_refused("tcpmux/ stream tcp nowait u /b/p /b/p",
	    "it has no name", "");
	check_inetd_refused("\x80 stream tcp nowait u /b/p /b/p",
	    "its name is not printable ASCII", "\\x80");
	check_inetd_refused("x stream tcp nowait u b/p",
	    "the path of its program does not begin with /", "x");
	check_inetd_refused("x stream tcp nowait :g /b/p /b/p",
	    "it has no user", "x");
}

static void
a_name_too_long_is_shown_in_part(void **state)
{
	char text[LONG + ROOM] = { 0 }, want[ROOM];

	(void)state;
	memset(text, 'n', LONG);
	compose(want,
	    "\n# f:1: not carried over: its name is longer than 255 bytes\n"
	    "#\t%.200s...\n",
	    text);
	compose(text + LONG, " stream tcp nowait u /b/p /b/p");
	check_inetd(text, want);
}

static void
the_first_of_two_with_one_name_is_served(void **state)
{
	(void)state;
	check_inetd(
	    "x stream tcp nowait u /b/p /b/p\nX stream tcp nowait u /b/q /b/q\n",
	    "\n# f:1\nservice \"x\" {\n\texec = {\"/b/p\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n}\n"
	    "\n# f:2: not carried over: another service has its name "
	    "already\n#\tX\n");
}

static void
a_name_behind_the_mux_keeps_its_service(void **state)
{
	(void)state;
	check_inetd("x stream tcp nowait u /b/p /b/p\n"
		    "tcpmux/+x stream tcp nowait u /b/q /b/q\n",
	    "\n# f:1: not carried over: another service has its name "
	    "already\n#\tx\n"
	    "\n# f:2\nservice \"x\" {\n\texec = {\"/b/q\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n}\n");
}

static void
a_nul_is_not_carried_over(void **state)
{
	static const char text[] = "1.1.1.\0:\n"
				   "x stream tcp nowait u /b/p a\0b\n"
				   "y stream tcp nowait u /b/p a\n b\0c\n";

	(void)state;
	check_bytes(import_inetd, text, sizeof(text) - 1,
	    "\n# f:1: not carried over: there is a NUL in it\n"
	    "#\t1.1.1.\\x00:\n"
	    "\n# f:2: not carried over: there is a NUL in it\n"
	    "#\tx stream tcp nowait u /b/p a\\x00b\n"
	    "\n# f:3: not carried over: there is a NUL in it\n"
	    "#\ty stream tcp nowait u /b/p a\n");
	check_inetd_refused("x stream tcp nowait u\a /b/p",
	    "it has control characters where none can be", "x");
}

static void
variants_of_tcp_are_the_listeners(void **state)
{
	(void)state;
	check_inetd("x stream tcp6 nowait u /b/p /b/p\n"
		    "y stream tcp,rcvbuf=16k nowait u /b/p /b/p\n",
	    "\n# f:1\n#\ttcp6: the listeners decide about IPv4 and IPv6\n"
	    "service \"x\" {\n\texec = {\"/b/p\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n}\n"
	    "\n# f:2\n#\ttcp,rcvbuf=16k: the sizes of buffers are the "
	    "system's\nservice \"y\" {\n\texec = {\"/b/p\"}\n"
	    "\tuser = \"u\"\n\tstderr = socket\n}\n");
}

static void
xinetd_types(void **state)
{
	(void)state;
	check_option("", "\tstderr = socket\n");
	check_option("type = TCPMUXPLUS UNLISTED\n", "\tstderr = socket\n");
	check_option("type = TCPMUX\n",
	    "\tstderr = socket\n\treply = service\n");
	check_refused("type = RPC\n", "RPC finds its services by port");
	check_refused("type = NEW\n", "its type is not known");
	check_refused("type =\n", "an attribute of it has no value");
	check_refused("type = INTERNAL\n",
	    "tcpmuxd has no such service of its own");
}

static void
xinetd_names_and_arguments(void **state)
{
	(void)state;
	check_xinetd("service x\n{\nsocket_type = stream\nwait=no\nuser\t=u\n"
		     "server = /s/tcpd\nserver_args = /s/in.x -a\n"
		     "flags = NAMEINARGS\n}\n",
	    "\n# f:1\nservice \"x\" {\n\texec = {\"/s/tcpd\", \"-a\"}\n"
	    "\targv0 = \"/s/in.x\"\n\tuser = \"u\"\n\tgroups = {}\n"
	    "\tstderr = socket\n}\n");
	check_refused("flags = NAMEINARGS\n",
	    "its program is given no argv[0]");
}

static void
xinetd_identity(void **state)
{
	(void)state;
	check_xinetd(xinetd_service("group = g\ngroups = yes\n"),
	    "\n# f:1\nservice \"x\" {\n\texec = {\"/b/p\"}\n\targv0 = \"p\"\n"
	    "\tuser = \"u\"\n\tgroup = \"g\"\n\tstderr = socket\n}\n");
	check_refused("groups = maybe\n", "its groups is neither yes nor no");
	check_xinetd("service x\n{\nsocket_type = stream\nwait = no\n"
		     "server = /b/p\n}\n",
	    "\n# f:1: not carried over: it has no user\n#\tx\n");
}

static void
xinetd_environment_of_a_program(void **state)
{
	(void)state;
	check_option("umask = 027\n", "\tumask = 027\n\tstderr = socket\n");
	check_option("nice = -5\n", "\tnice = -5\n\tstderr = socket\n");
	check_option("env = A=b\nenv += C=d=e\n",
	    "\tenvironment = {\"A=b\", \"C=d=e\"}\n\tstderr = socket\n");
	check_option("env = A=b\nenv = C=d\n",
	    "\tenvironment = {\"C=d\"}\n\tstderr = socket\n");
	check_option("rlimit_as = 8m\nrlimit_cpu = 20\nrlimit_files = 64\n",
	    "\trlimits = {\"as=8M\", \"cpu=20\", \"nofile=64\"}\n"
	    "\tstderr = socket\n");
	check_option("env = A=b\nenv += C=d A=e\n",
	    "\tenvironment = {\"A=e\", \"C=d\"}\n\tstderr = socket\n");
	check_refused("umask = 8\n", "its umask is not an octal number");
	check_refused("nice = -\n", "its nice is not a number");
	check_refused("env = A\n", "its env has a word without =");
	check_refused("env -= A\n", "env cannot be taken away from");
	check_refused("rlimit_as = K\n", "its rlimits are not numbers");
}

static void
xinetd_limits(void **state)
{
	(void)state;
	check_option("instances = 3\nper_source = 2\ncps = 25 30\n",
	    "\tstderr = socket\n\tmax = 3\n\tmax-per-source = 2\n"
	    "\trate = \"25/1s\"\n");
	check_option("instances = UNLIMITED\nper_source = UNLIMITED\n",
	    "\tstderr = socket\n");
	check_refused("instances = 0\n",
	    "its limit is 0, which lets nobody in");
	check_refused("instances = many\n", "its limits are not numbers");
	check_refused("cps = x 3\n", "its limits are not numbers");
}

static void
xinetd_hosts(void **state)
{
	static const char *const lists[][2] = {
		{ "10.1.2.3", "\"10.1.2.3\"" },
		{ "10.1.2.0", "\"10.1.2.0/24\"" },
		{ "192.168.0.0", "\"192.168.0.0/16\"" },
		{ "127.0.0.0", "\"127.0.0.0/8\"" },
		{ "0.0.0.0", "\"0.0.0.0/0\"" },
		{ "10.1.2.3/8", "\"10.0.0.0/8\"" },
		{ "10.1.{2,3}", "\"10.1.2.0/24\", \"10.1.3.0/24\"" },
		{ "10.1.2.{3,0}", "\"10.1.2.3\", \"10.1.2.0\"" },
		{ "{10,11}", "\"10.0.0.0/8\", \"11.0.0.0/8\"" },
		{ "2001:db8::1", "\"2001:db8::1\"" },
		{ "2001:db8::/32", "\"2001:db8::/32\"" },
		{ "::", "\"::/0\"" },
		{ "localhost", "\"127.0.0.1\", \"::1\"" },
		{ "1.1.1.1 2.2.2.2", "\"1.1.1.1\", \"2.2.2.2\"" },
		{ "1.1.1.1\nonly_from += 2.2.2.2", "\"1.1.1.1\", \"2.2.2.2\"" },
		{ "1.1.1.1 2.2.2.2\nonly_from -= 1.1.1.1", "\"2.2.2.2\"" },
		{ "1.1.1.1\nonly_from = 2.2.2.2", "\"2.2.2.2\"" },
	};
	char lines[ROOM], want[ROOM];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		compose(lines, "only_from = %s\n", lists[i][0]);
		compose(want, "\tstderr = socket\n\tfrom = {%s}\n",
		    lists[i][1]);
		check_option(lines, want);
	}
	check_option("no_access = 10.0.0.0\n",
	    "\tstderr = socket\n\tnot-from = {\"10.0.0.0/8\"}\n");
}

static void
xinetd_hosts_that_are_not_understood(void **state)
{
	static const char *const lists[] = { "10.1.{2", "10.1.{}", "10.{256}",
		"10.1.{2,,3}", "10.1.{2}.3", "1.2.3.4.{5}", "10..{2}", "a.{2}",
		"10.1{2}" };
	char lines[ROOM];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		compose(lines, "only_from = %s\n", lists[i]);
		check_refused(lines,
		    "it has an address that is not understood");
	}
	check_refused("only_from = 1.1.1.1,2.2.2.2\n",
	    "it has a comma between hosts");
}

static void
hosts_by_name_let_nobody_in(void **state)
{
	(void)state;
	check_xinetd(xinetd_service("only_from = 1.1.1.1 .a.example b\n"),
	    "\n# f:1\n#\t.a.example: hosts known by name only are not let in "
	    "here\nservice \"x\" {\n\texec = {\"/b/p\"}\n\targv0 = \"p\"\n"
	    "\tuser = \"u\"\n\tgroups = {}\n\tstderr = socket\n"
	    "\tfrom = {\"1.1.1.1\"}\n}\n");
	check_refused("only_from = .a.example\n",
	    "only_from lets nobody in that is known by address");
	check_refused("only_from =\n",
	    "only_from lets nobody in that is known by address");
	check_refused("no_access = 1.1.1.1 b\n",
	    "no_access has hosts by name, and they are not looked up here");
}

static void
restrictions_that_we_do_not_have_close_a_service(void **state)
{
	(void)state;
	check_refused("access_times = 2:00-3:00\n",
	    "there are no times of access here");
	check_refused("flags = IDONLY\n",
	    "nobody is asked who he is (RFC 1413) here");
	check_refused("flags = SENSOR\n", "there are no sensors here");
	check_refused("flags = LABELED\n",
	    "labels of SELinux are not passed on here");
	check_refused("flags = NEW\n", "it has a flag that is not known");
	check_refused("bind = 10.0.0.1\n",
	    "it was bound to an address, and the mux is not: write it with a "
	    "from = {...}");
	check_refused("bind = 127.0.0.1\nonly_from = 10.0.0.1\n",
	    "it was bound to this machine and let others in: write it with a "
	    "from = {...}");
}

static void
xinetd_sorts_that_are_nothing_for_a_mux(void **state)
{
	(void)state;
	check_refused("protocol = udp\n", "only TCP goes through the mux");
	check_xinetd("service x\n{\nsocket_type = dgram\nwait = yes\n}\n",
	    "\n# f:1: not carried over: only streams go through the mux\n"
	    "#\tx\n");
	check_xinetd("service x\n{\nprotocol = tcp\nwait = yes\n}\n",
	    "\n# f:1: not carried over: its program wants to accept "
	    "connections itself\n#\tx\n");
	check_xinetd("service x\n{\nsocket_type = stream\n}\n",
	    "\n# f:1: not carried over: it says nothing of wait, so xinetd "
	    "does not start it\n#\tx\n");
}

static void
redirect_is_a_relay(void **state)
{
	static const char *const places[][2] = {
		{ "10.0.0.1 23", "10.0.0.1:23" },
		{ "::1 23", "[::1]:23" },
		{ "host.example 65535", "host.example:65535" },
	};
	char lines[ROOM], want[ROOM];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		compose(lines, "redirect = %s\n", places[i][0]);
		compose(want, "\n# f:1\nservice \"x\" {\n\trelay = \"%s\"\n}\n",
		    places[i][1]);
		check_xinetd(xinetd_service(lines), want);
	}
	check_refused("redirect = 10.0.0.1 telnet\n",
	    "the port of its redirect is not a number");
	check_refused("redirect = 10.0.0.1 65536\n",
	    "the port of its redirect is not a number");
	check_refused("redirect = 10.0.0.1 23\ntype = TCPMUX\n",
	    "its back end says + itself, and here the relay does");
}

static void
what_xinetd_passes_over_is_said(void **state)
{
	(void)state;
	check_xinetd(xinetd_service("user = root\nnice = 1 2\nnew = 1\n"
				    "wait += no\ndisabled = x\n"),
	    "\n# f:1\n#\tuser = root: xinetd passes over it\n"
	    "#\tnice = 1 2: xinetd passes over it\n"
	    "#\tnew = 1: xinetd knows no such attribute\n"
	    "#\twait += no: xinetd passes over it\n"
	    "#\tdisabled = x: xinetd knows no such attribute\n"
	    "service \"x\" {\n\texec = {\"/b/p\"}\n\targv0 = \"p\"\n"
	    "\tuser = \"u\"\n\tgroups = {}\n\tstderr = socket\n}\n");
}

static void
what_xinetd_does_not_start_is_not_started(void **state)
{
	(void)state;
	check_refused("disable = yes\n", "it is disabled");
	check_refused("flags = DISABLE\n", "it is disabled");
	check_refused("disable = perhaps\n",
	    "its disable is neither yes nor no");
	check_xinetd("service x\n{\nno sign\n}\n",
	    "\n# f:1: not carried over: a line of it is not understood\n"
	    "#\tx\n#\tno sign: this line\n");
	check_xinetd("service x {\n}\n",
	    "\n# f:2: not carried over: there is no line with { behind it\n"
	    "#\tservice x {\n");
	check_xinetd("service x\n{\nwait = no\n",
	    "\n# f:1: not carried over: it has no } at its end\n#\tx\n");
	check_xinetd("serve x\n{\n}\n",
	    "\n# f:1: not carried over: it is neither a service nor defaults\n"
	    "#\tserve x\n");
	check_xinetd("includedir /etc/xinetd.d\n",
	    "\n# f:1: not carried over: the files that it includes are not "
	    "here\n#\tincludedir /etc/xinetd.d\n");
}

static void
defaults_are_for_all(void **state)
{
	char text[ROOM];

	(void)state;
	compose(text,
	    "defaults\n{\nonly_from = 1.1.1.1\nonly_from = 2.2.2.2\n"
	    "instances = 5\ngroups = yes\numask = 077\n}\n%s",
	    xinetd_service("only_from -= 1.1.1.1\ninstances = 6\n"));
	check_xinetd(text,
	    "\n# f:1\n\n# f:9\nservice \"x\" {\n\texec = {\"/b/p\"}\n"
	    "\targv0 = \"p\"\n\tuser = \"u\"\n\tumask = 077\n"
	    "\tstderr = socket\n\tfrom = {\"2.2.2.2\"}\n\tmax = 6\n}\n");
}

static void
lists_of_defaults_are_for_what_comes_behind(void **state)
{
	char text[ROOM];

	(void)state;
	compose(text, "%sdefaults\n{\nonly_from = 1.1.1.1\ninstances = 5\n}\n",
	    xinetd_service(""));
	check_xinetd(text,
	    "\n# f:1\nservice \"x\" {\n\texec = {\"/b/p\"}\n\targv0 = \"p\"\n"
	    "\tuser = \"u\"\n\tgroups = {}\n\tstderr = socket\n\tmax = 5\n}\n"
	    "\n# f:8\n");
}

static void
services_can_be_listed_by_id(void **state)
{
	char text[ROOM];

	(void)state;
	compose(text, "defaults\n{\ndisabled = y x-id\n}\n%s",
	    xinetd_service("id = x-id\n"));
	check_xinetd(text,
	    "\n# f:1\n\n# f:5: not carried over: it is in the list of those "
	    "disabled\n#\tx\n");
	compose(text, "defaults\n{\nenabled = x\n}\n%s",
	    xinetd_service("id = x-id\n"));
	check_xinetd(text,
	    "\n# f:1\n\n# f:5: not carried over: it is not in the list of "
	    "those enabled\n#\tx\n");
}

static void
an_id_stands_in_for_a_name_that_is_taken(void **state)
{
	char text[ROOM];
	size_t len;

	(void)state;
	compose(text, "%s", xinetd_service(""));
	len = strlen(text);
	compose(text + len, "%s", xinetd_service("id = x2\n"));
	check_xinetd(text,
	    "\n# f:1\nservice \"x\" {\n\texec = {\"/b/p\"}\n\targv0 = \"p\"\n"
	    "\tuser = \"u\"\n\tgroups = {}\n\tstderr = socket\n}\n"
	    "\n# f:8\n#\tx: another service has this name, so its id is used\n"
	    "service \"x2\" {\n\texec = {\"/b/p\"}\n\targv0 = \"p\"\n"
	    "\tuser = \"u\"\n\tgroups = {}\n\tstderr = socket\n}\n");
}

static void
the_mux_of_xinetd_is_a_listener(void **state)
{
	(void)state;
	check_xinetd(
	    "service tcpmux\n{\ntype = INTERNAL\nsocket_type = stream\n"
	    "wait = no\n}\n",
	    "\n# f:1\n#\ttcpmux: it is always served\n");
	check_xinetd("service tcpmux\n{\ntype = INTERNAL UNLISTED\n"
		     "socket_type = stream\nwait = no\nport = 7101\n"
		     "bind = 127.0.0.1\nonly_from = 127.0.0.0\n"
		     "no_access = 127.0.0.9\ninstances = 3\n}\n",
	    "\n# f:1\n#\ttcpmux: limits are of each service here: see max and "
	    "rate\nlisten \"127.0.0.1\" {\n\tport = 7101\n"
	    "\tfrom = {\"127.0.0.0/8\"}\n\tnot-from = {\"127.0.0.9\"}\n}\n");
	check_xinetd("service tcpmux\n{\ntype = INTERNAL UNLISTED\n"
		     "socket_type = stream\nwait = no\nport = 65536\n}\n",
	    "\n# f:1: not carried over: its port is not a number\n#\ttcpmux\n");
}

static void
places_are_those_of_the_files(void **state)
{
	(void)state;
	check_xinetd("#line 7 \"/etc/xinetd.d/x\"\nnonsense\n}\n"
		     "#line 3 \"f\"\nmore\n}\n#line 0 \"g\"\nmore\n",
	    "\n# /etc/xinetd.d/x:7: not carried over: it is neither a service "
	    "nor defaults\n#\tnonsense\n"
	    "\n# f:3: not carried over: it is neither a service nor defaults\n"
	    "#\tmore\n"
	    "\n# f:6: not carried over: it is neither a service nor defaults\n"
	    "#\tmore\n");
}

static void
each_file_may_have_defaults(void **state)
{
	(void)state;
	check_xinetd("defaults\n{\n}\ndefaults\n{\n}\n#line 1 \"g\"\n"
		     "defaults\n{\n}\n",
	    "\n# f:1\n\n# f:5: not carried over: xinetd passes over second "
	    "defaults\n#\tdefaults\n\n# g:1\n");
}

static void
the_two_are_told_apart(void **state)
{
	static const char *const xinetd[] = { "defaults\n{", "service ftp\n{",
		"# x\n\nincludedir /etc/xinetd.d\n", "include /x",
		"service x" };
	static const char *const inetd[] = { "", "# x\n",
		"service stream tcp nowait root /b/p /b/p\n", "127.0.0.1:\n",
		"ftp\tstream tcp nowait root /b/p /b/p\n", "nonsense" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(xinetd) / sizeof(xinetd[0]); i++)
		assert_true(import_is_xinetd(xinetd[i], strlen(xinetd[i])));
	for (i = 0; i < sizeof(inetd) / sizeof(inetd[0]); i++)
		assert_false(import_is_xinetd(inetd[i], strlen(inetd[i])));
}

static void
includes_are_found_in_order(void **state)
{
	static const char text[] = "# include /no\ninclude /a\n"
				   "service x\n{\ninclude /no\n}\n"
				   "includedir /b\nincludedir\n";
	struct import_include found = { 0 };
	const char *p = guard_copy(&input, text, strlen(text));

	(void)state;
	assert_true(import_find_include(p, strlen(text), &found));
	assert_int_equal(found.line, 2);
	assert_int_equal(found.begin, strlen("# include /no\n"));
	assert_int_equal(found.end, strlen("# include /no\ninclude /a\n"));
	assert_false(found.is_folder);
	assert_int_equal(found.path.len, 2);
	assert_memory_equal(found.path.p, "/a", 2);
	assert_true(import_find_include(p, strlen(text), &found));
	assert_int_equal(found.line, 7);
	assert_true(found.is_folder);
	assert_memory_equal(found.path.p, "/b", 2);
	assert_false(import_find_include(p, strlen(text), &found));
}

static void
what_is_too_much_is_refused(void **state)
{
	char *text = malloc(IMPORT_MAX + 1), *got;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', IMPORT_MAX + 1);
	errno = 0;
	assert_null(import_inetd("f", text, IMPORT_MAX + 1));
	assert_int_equal(errno, E2BIG);
	errno = 0;
	assert_null(import_xinetd("f", text, IMPORT_MAX + 1));
	assert_int_equal(errno, E2BIG);
	got = import_inetd("f", text, IMPORT_MAX);
	assert_string_equal(got, HEAD);
	free(got);
	/* Half a million lines, each with a comment on what is wrong. */
	memset(text, 'x', IMPORT_MAX);
	for (size_t i = 1; i < IMPORT_MAX; i += 2)
		text[i] = '\n';
	errno = 0;
	assert_null(import_inetd("f", text, IMPORT_MAX));
	assert_int_equal(errno, E2BIG);
	free(text);
}

/* A line with more of something than is carried over. */
static void
check_many(importer *import, const char *before, const char *each, size_t n,
    const char *behind, const char *want)
{
	size_t size = strlen(before) + n * strlen(each) + strlen(behind) + 1;
	char *text = malloc(size), *got;
	size_t i;

	assert_non_null(text);
	(void)strcpy(text, before); /* It has been measured. */
	for (i = 0; i < n; i++)
		memcpy(text + strlen(before) + i * strlen(each), each,
		    strlen(each) + 1);
	(void)strcat(text, behind); /* Likewise. */
	got = import("f", text, strlen(text));
	assert_non_null(got);
	assert_non_null(strstr(got, want));
	free(got);
	free(text);
}

static void
too_many_are_refused(void **state)
{
	static const char begin[] = "service x\n{\nsocket_type = stream\n"
				    "wait = no\nuser = u\nserver = /b/p\n";
	char text[ROOM];
	size_t i;

	(void)state;
	check_many(import_inetd, "x stream tcp nowait u /b/p /b/p", " a", 257,
	    "", "f:1: not carried over: it has too many arguments");
	compose(text, "%sserver_args =", begin);
	check_many(import_xinetd, text, " a", 256, "\n}\n",
	    "f:1: not carried over: it has too many arguments");
	compose(text, "%senv =", begin);
	check_many(import_xinetd, text, " a=", 257, "\n}\n",
	    "environment = {\"a=\"}\n");
	compose(text, "%sonly_from =", begin);
	check_many(import_xinetd, text, " 1.1.1.1", 513, "\n}\n",
	    "f:1: not carried over: it lists too many hosts");
	compose(text, "%sonly_from = 1.1.1.{1", begin);
	check_many(import_xinetd, text, ",1", 512, "}\n}\n",
	    "f:1: not carried over: it lists too many hosts");
	compose(text, "%senv =", begin);
	for (i = 0; i <= 256; i++)
		compose(text + strlen(text), " v%zu=", i);
	check_many(import_xinetd, text, " v256=", 1, "\n}\n",
	    "f:1: not carried over: its env is too long");
	compose(text, "%s", begin);
	check_many(import_xinetd, text, "banner =\n", 8000, "}\n",
	    "and more that is too long");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_are_passed_over),
		cmocka_unit_test(plus_means_that_the_mux_replies),
		cmocka_unit_test(without_plus_the_program_replies),
		cmocka_unit_test(
		    a_service_with_a_port_gets_its_reply_from_the_mux),
		cmocka_unit_test(
		    a_program_without_arguments_has_the_last_part_of_its_path),
		cmocka_unit_test(inetd_limits),
		cmocka_unit_test(a_limit_that_we_do_not_have_is_said),
		cmocka_unit_test(inetd_users),
		cmocka_unit_test(arguments_may_be_quoted_and_continued),
		cmocka_unit_test(what_the_configuration_would_expand_is_quoted),
		cmocka_unit_test(the_mux_needs_no_service),
		cmocka_unit_test(the_address_of_the_mux_is_a_listener),
		cmocka_unit_test(
		    what_was_bound_to_loopback_is_for_this_machine),
		cmocka_unit_test(what_was_bound_elsewhere_is_not_opened),
		cmocka_unit_test(an_address_means_nothing_behind_the_mux),
		cmocka_unit_test(internal_services),
		cmocka_unit_test(what_is_nothing_for_a_mux_says_why),
		cmocka_unit_test(what_is_no_service_of_ours_says_why),
		cmocka_unit_test(a_name_too_long_is_shown_in_part),
		cmocka_unit_test(the_first_of_two_with_one_name_is_served),
		cmocka_unit_test(a_name_behind_the_mux_keeps_its_service),
		cmocka_unit_test(a_nul_is_not_carried_over),
		cmocka_unit_test(variants_of_tcp_are_the_listeners),
		cmocka_unit_test(xinetd_types),
		cmocka_unit_test(xinetd_names_and_arguments),
		cmocka_unit_test(xinetd_identity),
		cmocka_unit_test(xinetd_environment_of_a_program),
		cmocka_unit_test(xinetd_limits),
		cmocka_unit_test(xinetd_hosts),
		cmocka_unit_test(xinetd_hosts_that_are_not_understood),
		cmocka_unit_test(hosts_by_name_let_nobody_in),
		cmocka_unit_test(
		    restrictions_that_we_do_not_have_close_a_service),
		cmocka_unit_test(xinetd_sorts_that_are_nothing_for_a_mux),
		cmocka_unit_test(redirect_is_a_relay),
		cmocka_unit_test(what_xinetd_passes_over_is_said),
		cmocka_unit_test(what_xinetd_does_not_start_is_not_started),
		cmocka_unit_test(defaults_are_for_all),
		cmocka_unit_test(lists_of_defaults_are_for_what_comes_behind),
		cmocka_unit_test(services_can_be_listed_by_id),
		cmocka_unit_test(an_id_stands_in_for_a_name_that_is_taken),
		cmocka_unit_test(the_mux_of_xinetd_is_a_listener),
		cmocka_unit_test(places_are_those_of_the_files),
		cmocka_unit_test(each_file_may_have_defaults),
		cmocka_unit_test(the_two_are_told_apart),
		cmocka_unit_test(includes_are_found_in_order),
		cmocka_unit_test(what_is_too_much_is_refused),
		cmocka_unit_test(too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, map_guard, unmap_guard);
}
