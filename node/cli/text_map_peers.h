/* The texts about what peers' codes mean and what peers can do; see text_map.h. */
#pragma once

/* clang-format off */
#define TEXT_MAP_PEERS(XX) \
	XX(TEXT_M_CODES_KNOWN, "{1} 的代码都有对应", "every code of {1} has a meaning here") \
	XX(TEXT_M_CODES_MORE, "还有更多代码未列出", "there are more codes than are shown") \
	XX(TEXT_M_CODES_HOW, "对照表写在 {1}/peers/{2}.yaml 的 maps 中，然后执行 tongban peer reload。", "Their meaning is written in {1}/peers/{2}.yaml, maps; then tongban peer reload.") \
	XX(TEXT_V_PEER_CODES, "列出对方使用而本地没有对应的代码", "list codes of a peer that nothing explains") \
	XX(TEXT_O_CODES_ALL, "包括已有对应的", "also those that are known") \
	XX(TEXT_H_CODE_HERE, "本地代码", "here") \
	XX(TEXT_H_SEEN_IN, "出处", "seen in") \
	XX(TEXT_H_TYPE_HERE, "本地类型代码", "type here") \
	XX(TEXT_W_SEEN_ASKED, "查询", "query") \
	XX(TEXT_W_SEEN_LISTED, "清单", "list") \
	XX(TEXT_W_CODE_SAME, "相同", "the same") \
	XX(TEXT_W_CODE_CREDENTIAL_TYPE, "证照类型", "certificate type") \
	XX(TEXT_W_CODE_HOLDER_TYPE, "证件类型", "holder type") \
	XX(TEXT_W_CODE_MATERIAL, "材料", "material")
/* clang-format on */
