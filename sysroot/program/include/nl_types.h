// Message catalogues: there are none, so that programs print the messages that they bring.
#ifndef BAREFLOW_NL_TYPES_H
#define BAREFLOW_NL_TYPES_H

typedef void *nl_catd;
typedef int nl_item;

#define NL_SETD 1
#define NL_CAT_LOCALE 1

#ifdef __cplusplus
extern "C" {
#endif
nl_catd catopen(const char *name, int flag);
char *catgets(nl_catd catalogue, int set, int message, const char *text);
int catclose(nl_catd catalogue);
#ifdef __cplusplus
}
#endif

#endif
