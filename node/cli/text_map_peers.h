/* The texts about what peers' codes mean and what peers can do; see text_map.h. */
#pragma once

/* clang-format off */
#define TEXT_MAP_PEERS(XX) \
	XX(TEXT_M_CODES_KNOWN, "{1} 的代码都有对应", "every code of {1} has a meaning here") \
	XX(TEXT_M_CODES_MORE, "还有更多代码未列出", "there are more codes than are shown") \
	XX(TEXT_M_CODES_HOW, "对照表写在 {1}/peers/{2}.yaml 的 maps 中，然后执行 tongban peer reload。", "Their meaning is written in {1}/peers/{2}.yaml, maps; then tongban peer reload.") \
	XX(TEXT_V_PEER_CODES, "列出对方使用而本地没有对应的代码", "list codes of a peer that nothing explains") \
	XX(TEXT_O_CODES_ALL, "包括已有对应的", "also those that are known") \
	XX(TEXT_H_PROTOCOL, "协议版本", "protocol") \
	XX(TEXT_H_SOFTWARE, "软件版本", "software") \
	XX(TEXT_H_INTEGRATIONS, "对接能力", "integrations") \
	XX(TEXT_H_TAKES, "受理本地模式", "takes in modes") \
	XX(TEXT_H_MATTERS, "协商事务", "matters") \
	XX(TEXT_H_RIGHTS, "协议权限", "agreements") \
	XX(TEXT_H_ASKED_MAX, "核验额度", "queries") \
	XX(TEXT_H_SIZES_MAX, "大小上限", "sizes") \
	XX(TEXT_M_ASKED_MAX, "{1}，每秒 {2} 次，一次至多 {3}", "{1}, {2} a second, {3} at once") \
	XX(TEXT_M_SIZES_MAX, "材料 {1} 字节，报文 {2} 字节，批 {3} 项", "material {1} bytes, message {2} bytes, batch {3}") \
	XX(TEXT_M_RIGHTS, "{1}；至多 {2} 方", "{1}; up to {2} parties") \
	XX(TEXT_W_UNIFIED_IDENTITY, "统一认证", "identity") \
	XX(TEXT_W_DATA_SHARING, "数据共享", "data") \
	XX(TEXT_W_INTERFACES, "接口", "interfaces") \
	XX(TEXT_W_CREDENTIAL_RECOGNITION, "证照互认", "certificates") \
	XX(TEXT_W_APPLICATION_INTEGRATION, "应用集成", "applications") \
	XX(TEXT_W_AGGREGATION, "汇聚", "aggregation") \
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
