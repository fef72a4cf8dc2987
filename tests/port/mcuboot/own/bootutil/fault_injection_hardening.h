/* MCUboot's profile without hardening. */
#pragma once
typedef int fih_ret;
enum { FIH_SUCCESS = 0, FIH_FAILURE = -1, FIH_BOOT_HOOK_REGULAR = 0x5aa5 };
#define FIH_DECLARE(name, value) fih_ret name = value
#define FIH_CALL(function, result, ...) ((result) = function(__VA_ARGS__))
#define FIH_RET(value) return (value)
#define FIH_EQ(a, b) ((a) == (b))
#define FIH_NOT_EQ(a, b) ((a) != (b))
