//go:build !purego

#include "textflag.h"

// PART spreads the next 8 bytes: behind them stand backslashes, and a row of the table says which of these 16 goes where.
#define PART(at) \
	MOVBLZX R8, AX; \
	SHRQ $8, R8; \
	MOVQ at(SI), X0; \
	PUNPCKLQDQ X9, X0; \
	MOVL AX, BX; \
	SHLL $4, BX; \
	MOVOU (R9)(BX*1), X1; \
	PSHUFB X1, X0; \
	MOVOU X0, (DI); \
	POPCNTL AX, AX; \
	LEAQ 8(DI)(AX*1), DI

// func spread(dst, src *byte, mask uint64, table *[256][16]byte) (written int)
TEXT ·spread(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ mask+16(FP), R8
	MOVQ table+24(FP), R9
	MOVQ $0x5c5c5c5c5c5c5c5c, AX
	MOVQ AX, X9
	MOVQ $0x1f1f1f1f1f1f1f1f, AX
	MOVQ AX, X8
	PUNPCKLQDQ X8, X8

	// The least of the bytes in each of 16 places: one below a space is a control character.
	MOVOU (SI), X2
	MOVOU 16(SI), X3
	MOVOU 32(SI), X4
	MOVOU 48(SI), X5
	PMINUB X3, X2
	PMINUB X5, X4
	PMINUB X4, X2
	PMINUB X2, X8
	PCMPEQB X2, X8
	PMOVMSKB X8, AX
	TESTL AX, AX
	JNZ control

	PART(0)
	PART(8)
	PART(16)
	PART(24)
	PART(32)
	PART(40)
	PART(48)
	PART(56)
	SUBQ dst+0(FP), DI
	MOVQ DI, written+32(FP)
	RET

control:
	MOVQ $0, written+32(FP)
	RET
