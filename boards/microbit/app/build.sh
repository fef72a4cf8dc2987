#!/bin/sh
# Builds both versions of the demonstration application, bit for bit as the .hex files in this folder:
#   boards/microbit/app/build.sh [FOLDER]     FOLDER defaults to this one
# The compiler is part of the recipe: arm-none-eabi-gcc 12.2.1 (Debian 12, gcc-arm-none-eabi 15:12.2.rel1-1).
set -eu
to=$(cd "${1:-$(dirname "$0")}" && pwd)
cd "$(dirname "$0")"

build() { # version, blink time in ms
  arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb -std=gnu11 -Os -Wall -Wextra -Werror -ffreestanding -nostdlib \
    -ffunction-sections -fdata-sections -Wl,--gc-sections -Wl,--build-id=none \
    -DVERSION="\"$1\"" -DBLINK_MS="$2" -T app.ld main.c -lgcc -o "$to/app-$1.elf"
  arm-none-eabi-objcopy -O ihex "$to/app-$1.elf" "$to/app-$1.hex"
  rm "$to/app-$1.elf"
}

build 1.0.0 500
build 1.1.0 250
