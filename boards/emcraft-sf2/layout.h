/* Where things stand in the NOR of this board, counted from its first byte. The agent's regions are board.json's, and begin there;
 * what is here lies behind them: the port lets the agent reach none of it. */
#ifndef COUNTERSIGN_LAYOUT_H
#define COUNTERSIGN_LAYOUT_H

#define NOR_SECTOR_BYTES 0x10000u
#define NOR_SEED 0x230000u /* two sectors: seed.c */
#define NOR_SEED_END 0x250000u
#define NOR_NETWORK 0x250000u /* one sector: settings of the network, ../net/settings.h */
#endif
