/* Tables that are compiled in, from data/<name>.tsv. Each ends in a NUL that its size does not count. */
#pragma once

#include <stddef.h>

extern const unsigned char data_regions[];
extern const size_t data_regions_size;
extern const unsigned char data_regions_direct_county[];
extern const size_t data_regions_direct_county_size;
extern const unsigned char data_workdays[];
extern const size_t data_workdays_size;
