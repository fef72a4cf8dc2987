/* countersign_gate.h's settings under Zephyr: Kconfig, and partitions by their labels in the devicetree. */
#ifndef COUNTERSIGN_ZEPHYR_H
#define COUNTERSIGN_ZEPHYR_H
#include <zephyr/devicetree.h>
#include <zephyr/storage/flash_map.h>

#define COUNTERSIGN_DOCUMENTS_AREA FIXED_PARTITION_ID(countersign_documents)

#ifdef CONFIG_COUNTERSIGN_GATE
#define COUNTERSIGN_STATE_AREA FIXED_PARTITION_ID(countersign_state)
#define COUNTERSIGN_SECTOR_BYTES CONFIG_COUNTERSIGN_SECTOR_BYTES
#ifdef CONFIG_COUNTERSIGN_HEAD_IN_TLV
#define COUNTERSIGN_HEAD_IN_TLV 1
#endif
#endif

#endif
