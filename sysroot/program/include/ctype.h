#ifndef BAREFLOW_PROGRAM_CTYPE_H
#define BAREFLOW_PROGRAM_CTYPE_H

#include_next <ctype.h>

#define _tolower(character) tolower(character)
#define _toupper(character) toupper(character)

#endif
