/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of mbedTLS that a node has: the hashes, and HMAC over them (mbedtls/md.h).
 * The relay signs and checks kernel messages with it; nothing here does ciphers, keys or TLS,
 * and what is not compiled in cannot be reached.
 */
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_MD_C
#define MBEDTLS_SHA224_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C
#define MBEDTLS_PLATFORM_C
