/* Every maximum that input from outside must meet, checked before anything is allocated for it.
 * docs/protocol.md lists the ones that a second implementation must know. */
#pragma once

enum {
	/* The wire. */
	TB_MESSAGE_BYTES_MAX =
		1 << 20, /* one gRPC message but MaterialPart (grpc.max_receive_message_length) */
	TB_PART_BYTES_MAX = (2 << 20) + 4096, /* one MaterialPart */
	TB_BATCH_ITEMS_MAX = 1024,            /* items of a SignedBatch */
	TB_BATCH_BYTES_AIM = 900 * 1024,      /* a sender closes a batch at this size */
	TB_HEADER_BYTES_MAX = 1024,           /* encoded BatchHeader */
	TB_SIGNATURE_BYTES_MAX = 256,
	TB_CHAIN_CERTS_MAX = 4,           /* certificates in a chain, leaf first, anchor left out */
	TB_CERT_BYTES_MAX = 4096,         /* one DER certificate */
	TB_SALT_BYTES = 16,               /* random bytes before every item */
	TB_BATCH_LIFE_MS = 5 * 60 * 1000, /* expires_at - sent_at at most; also the skew that is borne */

	/* Protobuf, before decoding (proto/scan.h). */
	TB_PROTO_DEPTH_MAX = 12,
	TB_PROTO_FIELDS_MAX = 65536, /* fields in one message, nested ones counted */
	TB_BATCH_MEMORY_AIM =
		16 << 20, /* items of a batch behind those that take so much decoded are malformed */

	/* Texts, in bytes of UTF-8. */
	TB_ID_BYTES_MAX = 128,    /* identifiers, codes, numbers */
	TB_NAME_BYTES_MAX = 512,  /* names of people, papers, items, files */
	TB_TEXT_BYTES_MAX = 4096, /* reasons, notes, addresses */

	/* Certificates. */
	TB_HOLDERS_MAX = 64,
	TB_ATTRIBUTES_MAX = 64,
	TB_CREDENTIAL_BYTES_MAX = 64 * 1024, /* encoded Credential */
	TB_MATCH_FIELDS_MAX = 16,

	/* Cases. */
	TB_MATERIALS_MAX = 200,
	TB_NEEDS_MAX = 200,
	TB_PARTS_MAX = 16, /* of a joint case */

	TB_MATTER_PARTIES_MAX = 16,
	TB_MATTER_POSTS_MAX = 1000,     /* of a matter, in equal shares of its parties */
	TB_MATTER_FILES_MAX = 50,       /* of a post */
	TB_MATTER_FILES_MIB_MAX = 4096, /* of files of matters that are to come from one peer */

	TB_STATS_ROWS_MAX = 2000,   /* of one answer */
	TB_STATS_CASES_MAX = 20000, /* that one call looks at */
	TB_STATS_REASONS_MAX = 64,  /* of one row */

	/* Halls. */
	TB_HALLS_MAX = 2000,
	TB_HALLS_BYTES_MAX = 256 * 1024, /* of a region's list */
	TB_DEPARTMENTS_MAX = 500,        /* of a region */

	/* Agreements. */
	TB_AGREEMENTS_MAX = 512,        /* kept by a node, versions counted */
	TB_AGREEMENTS_OWN_ROOM = 64,    /* of them, which no partner can fill */
	TB_AGREEMENTS_PARTNER_MAX = 64, /* of them, that one partner has proposed */
	TB_AGREEMENTS_OPEN_MAX = 16, /* of a partner's, or of ours to a partner, that wait for signatures */
	TB_AGREEMENT_STEP_MAX = 64,  /* a version above the latest that is here */
	TB_AGREEMENT_FIRST_MAX = 1000000, /* a version of what was not heard of before */
	TB_AGREEMENT_PARTIES_MAX = 64,
	TB_AGREEMENT_BYTES_MAX = 64 * 1024,
	TB_ENTRIES_MAX = 4096, /* log entries of one case */
	TB_CASE_MESSAGE_BYTES_MAX = 512 * 1024,
	TB_REFUSED_BYTES_HOUR =
		64 << 20, /* of a partner's messages; behind them all of it wait for the next hour */

	/* Materials. */
	TB_CHUNK_BYTES = 256 * 1024,
	TB_PART_CHUNKS_MAX = 8,        /* as many as are hashed at once (pki/lanes.c) */
	TB_MATERIAL_CHUNKS_MAX = 8192, /* 2 GiB */

	/* API tokens. */
	TB_TOKENS_MAX = 1000, /* revoked ones counted */
	TB_TOKEN_NAME_BYTES_MAX = 40,
	TB_TOKEN_ITEMS_MAX = 200,

	/* Webhooks. */
	TB_WEBHOOKS_MAX = 32,
	TB_WEBHOOK_URL_BYTES_MAX = 512,
	TB_WEBHOOK_EVENTS_MAX = 100,            /* of one delivery */
	TB_WEBHOOK_REPLY_BYTES_MAX = 64 * 1024, /* of a receiver's answer, which is thrown away */

	/* Local API. */
	TB_API_BODY_BYTES_MAX = 16 << 20,
	TB_IMPORT_LINE_BYTES_MAX = 64 * 1024,
	TB_IMPORT_LINES_MAX = 20000,  /* lines of one Import call */
	TB_VERIFY_QUERIES_MAX = 4096, /* queries of one Verify call */
	TB_PAGE_ROWS_MAX = 1000,

	/* Catalogue and peers. */
	TB_ITEMS_MAX = 2000,            /* versions of items in a list */
	TB_ITEM_BYTES_MAX = 256 * 1024, /* encoded Item */
	TB_PEERS_MAX = 4000,
	TB_ANCHORS_MAX = 8,                /* of one region */
	TB_FILE_BYTES_MAX = 4 << 20,       /* a YAML or peer file */
	TB_ITEM_FILE_BYTES_MAX = 16 << 20, /* a list of items as a file */

	/* Certificates and keys as text. */
	TB_PEM_BYTES_MAX = 16 * 1024, /* PEM of one certificate or key, with the explanations around it */

	/* JSON of the local API, before it is parsed. */
	TB_JSON_DEPTH_MAX = 32,       /* brackets */
	TB_JSON_VALUES_MAX = 1 << 19, /* lists, objects and what they hold */

	/* Checkpoints. */
	TB_NOTE_BYTES_MAX = 128 * 1024, /* a signed note: 16 signatures of 5 kB must fit (C2SP signed-note) */
};
