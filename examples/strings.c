// The C library's functions on strings, characters and memory.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int sign(int value) { return (value > 0) - (value < 0); }

static void copying(void) {
  char buffer[32];
  memset(buffer, '#', sizeof buffer);
  strcpy(buffer, "grow");
  strcat(buffer, " to ");
  strncat(buffer, "shrinking", 6);
  printf("[%s] length %zu, byte after the end '%c'\n", buffer, strlen(buffer),
         buffer[strlen(buffer) + 1]);
  strncpy(buffer, "ab", 5);
  printf("strncpy pads: %d %d %d '%c'\n", buffer[2], buffer[3], buffer[4], buffer[5]);
  strcpy(buffer, "0123456789");
  memmove(buffer + 2, buffer, 6);
  printf("memmove up: %s\n", buffer);
  strcpy(buffer, "0123456789");
  memmove(buffer, buffer + 3, 6);
  printf("memmove down: %s\n", buffer);
  char *copy = strdup("duplicate");
  printf("strdup: %s\n", copy ? copy : "(none)");
  free(copy);
}

static void comparing(void) {
  printf("strcmp %d %d %d %d\n", sign(strcmp("abc", "abd")), sign(strcmp("abc", "abc")),
         sign(strcmp("abc", "ab")), sign(strcmp("\x80", "\x7f")));
  printf("strncmp %d %d\n", sign(strncmp("abcX", "abcY", 3)), sign(strncmp("abcX", "abcY", 4)));
  printf("strcasecmp %d %d\n", sign(strcasecmp("BareFlow", "bareflow")),
         sign(strncasecmp("BareMetal", "bareflow", 5)));
  printf("memcmp %d %d\n", sign(memcmp("\0a", "\0b", 2)), sign(memcmp("\0a", "\0b", 1)));
}

static void searching(void) {
  const char *text = "the quick brown fox jumps over the lazy dog";
  printf("strchr %td, strrchr %td, strchr of zero %td\n", strchr(text, 'o') - text,
         strrchr(text, 'o') - text, strchr(text, '\0') - text);
  printf("strstr %td, none %d, empty %td\n", strstr(text, "the lazy") - text,
         strstr(text, "cat") == NULL, strstr(text, "") - text);
  printf("strspn %zu, strcspn %zu, strpbrk %td\n", strspn(text, "eht "), strcspn(text, "xyz"),
         strpbrk(text, "xyz") - text);
  printf("memchr %td, none %d\n", (const char *)memchr(text, 'q', 10) - text,
         memchr(text, 'z', 10) == NULL);
}

static void splitting(void) {
  char line[] = "one,,two;three , four";
  int count = 0;
  for (char *word = strtok(line, ",; "); word; word = strtok(NULL, ",; "))
    printf("%s%d:%s", count ? " " : "", count, word), count++;
  printf("\n");
  char outer[] = "a=1&b=2&c=3", *rest = NULL;
  for (char *pair = strtok_r(outer, "&", &rest); pair; pair = strtok_r(NULL, "&", &rest)) {
    char *inner = NULL;
    char *key = strtok_r(pair, "=", &inner);
    char *value = strtok_r(NULL, "=", &inner);
    printf("%s is %s%s", key, value, *rest ? ", " : "\n");
  }
}

static void numbers(void) {
  char *end;
  printf("strtol %ld %ld %ld %ld\n", strtol("  -42xyz", NULL, 10), strtol("0x1F", NULL, 0),
         strtol("0777", NULL, 0), strtol("zz", NULL, 36));
  printf("strtoul %lu, strtoull %llx\n", strtoul("4000000000", NULL, 10),
         strtoull("ffffffffffffffff", NULL, 16));
  long value = strtol("12ab", &end, 10);
  printf("%ld, rest \"%s\"\n", value, end);
  errno = 0;
  value = strtol("99999999999999999999", NULL, 10);
  printf("overflow: %d %d\n", value == LONG_MAX, errno == ERANGE);
  printf("atoi %d, atol %ld, atof %.3f\n", atoi("-17 apples"), atol("123456789012"),
         atof("2.5e-1"));
  printf("strtod %.17g %.17g %.17g %.17g\n", strtod("0.1", NULL), strtod("1e308", NULL),
         strtod("0x1.8p3", NULL), strtod("4.9406564584124654e-324", NULL));
  int day = 0, year = 0;
  char month[16] = "";
  int fields = sscanf("14 July 1789", "%d %15s %d", &day, month, &year);
  printf("sscanf %d: %d/%s/%d\n", fields, day, month, year);
}

static void characters(void) {
  int counts[6] = {0};
  for (int c = 0; c < 128; c++) {
    counts[0] += isalpha(c) != 0;
    counts[1] += isdigit(c) != 0;
    counts[2] += isspace(c) != 0;
    counts[3] += ispunct(c) != 0;
    counts[4] += isprint(c) != 0;
    counts[5] += isxdigit(c) != 0;
  }
  printf("alpha %d digit %d space %d punct %d print %d xdigit %d\n", counts[0], counts[1],
         counts[2], counts[3], counts[4], counts[5]);
  for (const char *text = "Hello, World 42!"; *text; text++)
    putchar(isupper((unsigned char)*text) ? tolower((unsigned char)*text)
                                          : toupper((unsigned char)*text));
  putchar('\n');
}

int main(void) {
  copying();
  comparing();
  searching();
  splitting();
  numbers();
  characters();
  puts("done");
  return 0;
}
