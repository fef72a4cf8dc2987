/* MCUboot's configuration of the boards of this folder; the mode comes by -D. */
#pragma once
#define MCUBOOT_SIGN_EC256
#ifdef PLAIN /* without the gate, to compare (bench/mcuboot.mjs) */
#define MCUBOOT_USE_TINYCRYPT
#else
#define MCUBOOT_USE_CUSTOM_CRYPTO
#define MCUBOOT_IMAGE_ACCESS_HOOKS
#endif
#ifndef NO_PRIMARY
#define MCUBOOT_VALIDATE_PRIMARY_SLOT
#endif
#define MCUBOOT_USE_FLASH_AREA_GET_SECTORS
#ifndef MCUBOOT_IMAGE_NUMBER
#define MCUBOOT_IMAGE_NUMBER 1
#endif
#define MCUBOOT_MAX_IMG_SECTORS 16
#define MCUBOOT_BOOT_MAX_ALIGN 8
#define MCUBOOT_WATCHDOG_FEED() do { } while (0)
#define MCUBOOT_CPU_IDLE() do { } while (0)
#ifdef VERBOSE
#define MCUBOOT_HAVE_LOGGING 1
#endif
