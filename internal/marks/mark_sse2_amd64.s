//go:build !purego

#include "textflag.h"

// func mark128(dst *uint64, src *byte, blocks int) (high uint64)
//
// Per 16 bytes: compare with the quote, with the backslash, and with the lesser of the byte and 0x1f, which is the byte itself
// for control characters only; one bit for each byte that is equal to any.
TEXT ·mark128(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	MOVQ $0x2222222222222222, AX
	MOVQ AX, X8
	PUNPCKLQDQ X8, X8 // quotes
	MOVQ $0x5c5c5c5c5c5c5c5c, AX
	MOVQ AX, X9
	PUNPCKLQDQ X9, X9 // backslashes
	MOVQ $0x1f1f1f1f1f1f1f1f, AX
	MOVQ AX, X10
	PUNPCKLQDQ X10, X10 // the last control characters
	PXOR X11, X11 // all bytes, or'ed

block:
	MOVOU (SI), X0
	MOVOA X0, X1
	MOVOA X0, X2
	MOVOA X0, X3
	POR X0, X11
	PCMPEQB X8, X1
	PCMPEQB X9, X2
	PMINUB X10, X3
	PCMPEQB X0, X3
	POR X2, X1
	POR X3, X1
	PMOVMSKB X1, R8

	MOVOU 16(SI), X0
	MOVOA X0, X1
	MOVOA X0, X2
	MOVOA X0, X3
	POR X0, X11
	PCMPEQB X8, X1
	PCMPEQB X9, X2
	PMINUB X10, X3
	PCMPEQB X0, X3
	POR X2, X1
	POR X3, X1
	PMOVMSKB X1, R9

	MOVOU 32(SI), X0
	MOVOA X0, X1
	MOVOA X0, X2
	MOVOA X0, X3
	POR X0, X11
	PCMPEQB X8, X1
	PCMPEQB X9, X2
	PMINUB X10, X3
	PCMPEQB X0, X3
	POR X2, X1
	POR X3, X1
	PMOVMSKB X1, R10

	MOVOU 48(SI), X0
	MOVOA X0, X1
	MOVOA X0, X2
	MOVOA X0, X3
	POR X0, X11
	PCMPEQB X8, X1
	PCMPEQB X9, X2
	PMINUB X10, X3
	PCMPEQB X0, X3
	POR X2, X1
	POR X3, X1
	PMOVMSKB X1, R11

	SHLQ $16, R9
	SHLQ $32, R10
	SHLQ $48, R11
	ORQ R9, R8
	ORQ R11, R10
	ORQ R10, R8
	MOVQ R8, (DI)
	ADDQ $64, SI
	ADDQ $8, DI
	DECQ CX
	JNZ block

	PMOVMSKB X11, AX
	MOVQ AX, high+24(FP)
	RET
