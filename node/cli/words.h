/* Enum values in words: the name that programs see, and what it means. */
#pragma once

#include "node/cli/text.h"
#include "proto/codec.h"

/* "" for the value 0, "?" for one without a meaning. */
const char *words_result(PbVerifyResult result);
const char *words_state(PbCredentialState state);
const char *words_receipt(PbReceiptKind kind);
