/* What MCUboot has to say goes to the standard output. */
#pragma once
#include <stdio.h>
#define MCUBOOT_LOG_MODULE_DECLARE(name)
#define MCUBOOT_LOG_MODULE_REGISTER(name)
#define MCUBOOT_LOG_ERR(...) (printf("    " __VA_ARGS__), printf("\n"))
#define MCUBOOT_LOG_WRN MCUBOOT_LOG_ERR
#define MCUBOOT_LOG_INF MCUBOOT_LOG_ERR
#define MCUBOOT_LOG_DBG(...) ((void)0)
#define MCUBOOT_LOG_SIM(...) ((void)0)
