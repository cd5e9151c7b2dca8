/* Halls and windows (大厅、窗口): where people go, from the province to the village. Pure checks, any thread.
 */
#pragma once

#include "base/time.h"
#include "proto/codec.h"

struct calendar; /* node/core/calendar.h */

/* The level that an area code (GB/T 2260, GB/T 10114, statistical codes of villages) is of. */
enum hall_level { HALL_NOWHERE, HALL_PROVINCE, HALL_CITY, HALL_COUNTY, HALL_TOWN, HALL_VILLAGE };
enum hall_level hall_level(const char *area);
const char *hall_level_text(enum hall_level level, bool zh);

/* Is |hall| in order, and in |region|? TB_EINVALID or TB_ETOOBIG; |err| names the place. */
TB_MUST_CHECK enum tb_code hall_check(const PbHall *hall, const char *region, struct tb_error *err);

/* Is |department| in order? The same errors. */
TB_MUST_CHECK enum tb_code department_check_one(const PbDepartment *department, struct tb_error *err);

/* Is it open at |at|? Service hours are not working days: noon and Saturday count if the hall says so.
 * TB_ECALENDAR: whether that day is worked is not known. */
TB_MUST_CHECK enum tb_code hall_open(const PbHall *hall, const struct calendar *calendar, tb_time at,
                                     bool *open, struct tb_error *err);
