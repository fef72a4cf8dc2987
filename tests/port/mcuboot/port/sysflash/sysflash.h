/* The flash areas of the boards of this folder. */
#pragma once
enum { AREA_PRIMARY = 1, AREA_SECONDARY, AREA_STATE, AREA_DOCUMENTS, AREAS };
#define FLASH_AREA_IMAGE_PRIMARY(image) ((void)(image), AREA_PRIMARY)
#define FLASH_AREA_IMAGE_SECONDARY(image) ((void)(image), AREA_SECONDARY)
#define SECTOR_BYTES 1024u
