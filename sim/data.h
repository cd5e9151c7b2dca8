/* The shipped tables, compiled in (cmake/embed.cmake). */
#pragma once

#include <stddef.h>

extern const unsigned char data_regions[];
extern const size_t data_regions_size;
extern const unsigned char data_workdays[];
extern const size_t data_workdays_size;
