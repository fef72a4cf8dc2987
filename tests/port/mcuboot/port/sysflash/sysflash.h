/* The flash areas of the boards of this folder. */
#pragma once
enum { AREA_PRIMARY = 1, AREA_SECONDARY, AREA_STATE, AREA_DOCUMENTS, AREA_SCRATCH, AREAS };
#define FLASH_AREA_IMAGE_PRIMARY(image) ((void)(image), AREA_PRIMARY)
#define FLASH_AREA_IMAGE_SECONDARY(image) ((void)(image), AREA_SECONDARY)
#define FLASH_AREA_IMAGE_SCRATCH AREA_SCRATCH
#define SECTOR_BYTES 1024u
