/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker that was taken over (taken.c) can be told, a word each, done in turn:
 *
 *   put:OFFSET:HEX             bytes into its memory
 *   text:OFFSET:TEXT           a text and its NUL
 *   get:OFFSET:LENGTH          tells bytes of its memory, in hex
 *   call:NUMBER,ARGUMENT,...   a system call; arguments that are not given are all ones. One is a
 *                              number, @OFFSET (an address), $ (the last call's result), $N (that
 *                              of the Nth) or $S (the last stream that the monitor handed over)
 *   ipc:TYPE:OFFSET[:FD]       a message of this type to the monitor, its body from memory
 *   hear:TYPE:MS               messages from the monitor, until one is of this type
 */
#ifndef ANCHORHOLD_ATTACK_TAKEN_H
#define ANCHORHOLD_ATTACK_TAKEN_H

#include <stddef.h>
#include <stdio.h>

#define TAKEN_STREAM_FD 9 /* where the warden keeps the last stream for those to come */

/* What came of it, in memory that outlives the one who wrote it. */
struct taken_text {
	size_t len;
	char bytes[512 * 1024];
};

void taken_say(struct taken_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void taken_words(char *const *words, size_t count, struct taken_text *text);

/* Where the bodies of messages have their fields, and the types' numbers, a line each. */
void taken_layout(FILE *out);

#endif
