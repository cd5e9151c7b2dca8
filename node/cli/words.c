#include "node/cli/words.h"

/* By value; 0 has no words. */
static const enum text_id results[] = {
	TEXT_EMPTY,
	[PB_VERIFY_RESULT__CONFIRMED] = TEXT_W_CONFIRMED,
	[PB_VERIFY_RESULT__NOT_CONFIRMED] = TEXT_W_NOT_CONFIRMED,
	[PB_VERIFY_RESULT__MISMATCH] = TEXT_W_MISMATCH,
	[PB_VERIFY_RESULT__NOT_FOUND] = TEXT_W_NOT_FOUND,
	[PB_VERIFY_RESULT__NOT_GRANTED] = TEXT_W_NOT_GRANTED,
	[PB_VERIFY_RESULT__THROTTLED] = TEXT_W_THROTTLED,
	[PB_VERIFY_RESULT__BAD_QUERY] = TEXT_W_BAD_QUERY,
};
static const enum text_id states[] = {
	TEXT_EMPTY,
	[PB_CREDENTIAL_STATE__VALID] = TEXT_W_VALID,
	[PB_CREDENTIAL_STATE__SUSPENDED] = TEXT_W_SUSPENDED,
	[PB_CREDENTIAL_STATE__REVOKED] = TEXT_W_REVOKED,
	[PB_CREDENTIAL_STATE__CANCELLED] = TEXT_W_CANCELLED,
	[PB_CREDENTIAL_STATE__SUPERSEDED] = TEXT_W_SUPERSEDED,
	[PB_CREDENTIAL_STATE__EXPIRED] = TEXT_W_EXPIRED,
	[PB_CREDENTIAL_STATE__NOT_YET_VALID] = TEXT_W_NOT_YET_VALID,
};
static const enum text_id receipts[] = {
	TEXT_EMPTY,
	[PB_RECEIPT_KIND__DURABLE] = TEXT_W_DURABLE,
	[PB_RECEIPT_KIND__REJECTED] = TEXT_W_REJECTED,
	[PB_RECEIPT_KIND__DEFERRED] = TEXT_W_DEFERRED,
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* A peer's newer version may send a value that is not here. */
static const char *word(const enum text_id *list, size_t count, int value)
{
	return value >= 0 && (size_t)value < count ? text(list[value]) : "?";
}

const char *words_result(PbVerifyResult result)
{
	return word(results, COUNT(results), (int)result);
}

const char *words_state(PbCredentialState state)
{
	return word(states, COUNT(states), (int)state);
}

const char *words_receipt(PbReceiptKind kind)
{
	return word(receipts, COUNT(receipts), (int)kind);
}
