#include "node/core/casetable.h"

#include <string.h>

#include "base/limits.h"

bool case_text_blank(const char *text)
{
	static const char wide[] = "\xe3\x80\x80"; /* U+3000, the space of Chinese input methods */
	while (*text) {
		if (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')
			text++;
		else if (strncmp(text, wide, 3) == 0)
			text += 3;
		else
			return false;
	}
	return true;
}

/* ---- what may happen */

const struct case_mode *case_mode_find(const char *code)
{
	for (size_t i = 0; case_modes[i]; i++) {
		if (strcmp(case_modes[i]->code, code) == 0)
			return case_modes[i];
	}
	return NULL;
}

const char *case_mode_listed(const char *code)
{
	const struct case_mode *mode = case_mode_find(code);
	return mode && mode->listed_as ? mode->listed_as : code;
}

const struct case_row *case_row_find(const struct case_mode *mode, PbCaseState from, PbCaseEvent event)
{
	for (size_t i = 0; i < mode->rows_count; i++) {
		if (mode->rows[i].from == from && mode->rows[i].event == event)
			return &mode->rows[i];
	}
	return NULL;
}

bool case_row_starts(const struct case_row *row, PbClock clock)
{
	for (size_t i = 0; i < CASE_OPS_MAX; i++) {
		if (row->ops[i].clock == clock && row->ops[i].op == CASE_CLOCK_START)
			return true;
	}
	return false;
}

bool case_state_final(PbCaseState state)
{
	return state == PB_CASE_STATE__NOT_ACCEPTED || state == PB_CASE_STATE__CLOSED ||
	       state == PB_CASE_STATE__WITHDRAWN || state == PB_CASE_STATE__TERMINATED;
}

PbCaseEvent case_clock_event(const struct case_mode *mode, PbCaseState state, PbClock clock)
{
	for (size_t i = 0; i < mode->rows_count && clock != PB_CLOCK__CLOCK_UNSPECIFIED; i++) {
		if (mode->rows[i].from == state && mode->rows[i].after == clock)
			return mode->rows[i].event;
	}
	return PB_CASE_EVENT__OVERDUE;
}

/* The sides on which a role may act at all: no node speaks for the other's officers. */
static unsigned role_sides(PbRole role)
{
	switch (role) {
	case PB_ROLE__R_WIN:
	case PB_ROLE__R_DEPT:
	case PB_ROLE__R_HEAD:
		return CASE_AT_WINDOW;
	case PB_ROLE__H_WIN:
	case PB_ROLE__H_DEPT:
	case PB_ROLE__H_HEAD:
		return CASE_AT_HOME;
	case PB_ROLE__APPLICANT:
	case PB_ROLE__LIAISON:
	case PB_ROLE__SUPERVISOR:
	case PB_ROLE__SYSTEM:
		return CASE_AT_WINDOW | CASE_AT_HOME;
	case PB_ROLE__ROLE_UNSPECIFIED:
	case _PB_ROLE_IS_INT_SIZE:
		break;
	}
	return 0;
}

bool case_row_takes(const struct case_row *row, PbRole role, unsigned side)
{
	unsigned sides = role_sides(role);
	return sides != 0 && (row->roles >> (unsigned)role & 1U) != 0 && (row->sides & sides & side) != 0;
}

static enum tb_code check_waybill(const PbWaybill *waybill, struct tb_error *err)
{
	if (!waybill || case_text_blank(waybill->carrier) || case_text_blank(waybill->number))
		return tb_refuse(err, TB_REASON_DETAIL_WAYBILL, NULL);
	if (strlen(waybill->carrier) > TB_NAME_BYTES_MAX || strlen(waybill->number) > TB_ID_BYTES_MAX)
		return tb_refuse(err, TB_REASON_DETAIL_WAYBILL_LONG, NULL);
	if (waybill->n_contents > TB_MATERIALS_MAX)
		return tb_refuse(err, TB_REASON_DETAIL_WAYBILL_CONTENTS, TB_NUMBER(TB_MATERIALS_MAX), NULL);
	return TB_OK;
}

static enum tb_code check_list(const PbCaseDetail *detail, struct tb_error *err)
{
	if (detail->n_needs == 0)
		return tb_refuse(err, TB_REASON_DETAIL_NEEDS, NULL);
	if (detail->n_needs > TB_NEEDS_MAX)
		return tb_refuse(err, TB_REASON_DETAIL_NEEDS_MANY, TB_NUMBER(TB_NEEDS_MAX), NULL);
	for (size_t i = 0; i < detail->n_needs; i++) {
		const PbMaterialNeed *need = detail->needs[i];
		if (case_text_blank(need->code) && case_text_blank(need->name))
			return tb_refuse(err, TB_REASON_DETAIL_NEED_EMPTY, TB_NUMBER(i), NULL);
	}
	return TB_OK;
}

static enum tb_code check_fee(const PbFee *fee, struct tb_error *err)
{
	if (!fee || case_text_blank(fee->reference) || fee->state < PB_FEE_STATE__FEE_DUE ||
	    fee->state > PB_FEE_STATE__FEE_REFUNDED)
		return tb_refuse(err, TB_REASON_DETAIL_FEE, NULL);
	if (strlen(fee->reference) > TB_ID_BYTES_MAX || strlen(fee->name) > TB_NAME_BYTES_MAX ||
	    strlen(fee->payer) > TB_NAME_BYTES_MAX)
		return tb_refuse(err, TB_REASON_DETAIL_FEE_LONG, NULL);
	return fee->amount_fen <= CASE_FEE_FEN_MAX
	               ? TB_OK
	               : tb_refuse(err, TB_REASON_DETAIL_FEE_AMOUNT, TB_NUMBER(CASE_FEE_FEN_MAX), NULL);
}

static enum tb_code check_way(const PbCaseDetail *detail, bool remote, struct tb_error *err)
{
	if (detail->way < PB_DELIVERY_WAY__COURIER || detail->way > PB_DELIVERY_WAY__NETWORK)
		return tb_refuse(err, TB_REASON_DETAIL_WAY, NULL);
	if (remote && detail->way != PB_DELIVERY_WAY__COURIER && detail->way != PB_DELIVERY_WAY__NETWORK)
		return tb_refuse(err, TB_REASON_DETAIL_WAY_NOBODY, NULL);
	return detail->way == PB_DELIVERY_WAY__COURIER ? check_waybill(detail->waybill, err) : TB_OK;
}

static enum tb_code check_clock(const struct case_mode *mode, const struct case_row *row, PbClock clock,
                                struct tb_error *err)
{
	if (clock < PB_CLOCK__T1_NOTIFY || clock > PB_CLOCK__T10_OBJECT)
		return tb_refuse(err, TB_REASON_DETAIL_CLOCK, NULL);
	PbCaseEvent due = case_clock_event(mode, row->from, clock);
	if (due != row->event)
		return tb_refuse(err, TB_REASON_DETAIL_CLOCK_EVENT, case_clock_name(clock),
		                 case_state_name(row->from), case_event_name(due), NULL);
	return TB_OK;
}

static enum tb_code check_detail(const struct case_mode *mode, const struct case_row *row,
                                 const PbCaseDetail *detail, struct tb_error *err)
{
	enum tb_code code = TB_OK;
	/* What was applied for is fixed by SUBMIT; what was decided is said by the decision. */
	if (detail->application && row->event != PB_CASE_EVENT__SUBMIT)
		return tb_refuse(err, TB_REASON_DETAIL_APPLICATION, NULL);
	if (detail->decision && row->event != PB_CASE_EVENT__GRANT && row->event != PB_CASE_EVENT__DENY)
		return tb_refuse(err, TB_REASON_DETAIL_DECISION, NULL);
	if (row->needs & CASE_NEEDS_REASON && case_text_blank(detail->reason))
		return tb_refuse(err, TB_REASON_DETAIL_REASON, NULL);
	if (row->needs & CASE_NEEDS_NOTE && case_text_blank(detail->note))
		return tb_refuse(err, TB_REASON_DETAIL_NOTE, NULL);
	if (row->needs & CASE_NEEDS_DAYS && (detail->days < 1 || detail->days > row->days_max))
		return tb_refuse(err, TB_REASON_DETAIL_DAYS, TB_NUMBER(row->days_max), NULL);
	if (row->needs & CASE_NEEDS_GRADE && (detail->grade < 1 || detail->grade > 5))
		return tb_refuse(err, TB_REASON_DETAIL_GRADE, NULL);
	if (row->needs & CASE_NEEDS_FILES && detail->n_materials == 0)
		return tb_refuse(err, TB_REASON_DETAIL_MATERIALS, NULL);
	if (row->needs & CASE_NEEDS_LIST)
		code = check_list(detail, err);
	if (code == TB_OK && row->needs & CASE_NEEDS_WAY)
		code = check_way(detail, (row->needs & CASE_REMOTE_WAY) != 0, err);
	if (code == TB_OK && row->needs & CASE_NEEDS_WAYBILL)
		code = check_waybill(detail->waybill, err);
	if (code == TB_OK && row->needs & CASE_NEEDS_FEE)
		code = check_fee(detail->fee, err);
	if (code == TB_OK && row->needs & CASE_NEEDS_CLOCK)
		code = check_clock(mode, row, detail->clock, err);
	return code;
}

enum tb_code case_allowed(const struct case_row **out, const struct case_mode *mode, PbCaseState from,
                          PbCaseEvent event, PbRole role, unsigned side, const PbCaseDetail *detail,
                          struct tb_error *err)
{
	*out = NULL;
	const char *state_name = case_state_name(from);
	const char *event_name = case_event_name(event);
	const struct case_row *row = case_row_find(mode, from, event);
	if (!row)
		return tb_refuse(err, TB_REASON_CASE_STATE, event_name, TB_NUMBER(event), state_name,
		                 TB_NUMBER(from), NULL);
	if (!case_row_takes(row, role, side)) {
		const char *where = row->sides & side ? "" : " at this node";
		return tb_refuse(err, TB_REASON_CASE_ROLE, event_name, case_role_name(role), where,
		                 state_name, NULL);
	}
	static const PbCaseDetail empty = PB_CASE_DETAIL__INIT;
	enum tb_code code = check_detail(mode, row, detail ? detail : &empty, err);
	if (code == TB_OK)
		*out = row;
	return code;
}

size_t case_possible(const struct case_mode *mode, PbCaseState from, unsigned side, PbCaseEvent *out,
                     size_t room)
{
	size_t count = 0;
	for (size_t i = 0; i < mode->rows_count && count < room; i++) {
		const struct case_row *row = &mode->rows[i];
		bool taken = false;
		for (PbRole role = PB_ROLE__APPLICANT; role <= PB_ROLE__R_HEAD; role++)
			taken = taken || (role != PB_ROLE__SYSTEM && case_row_takes(row, role, side));
		if (row->from == from && taken)
			out[count++] = row->event;
	}
	return count;
}
