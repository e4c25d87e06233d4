/* There are no arguments but a file's name, and that of standard input. */
#define getopt(...) (-1)
#define optind qbe_argument
static char *optarg;
