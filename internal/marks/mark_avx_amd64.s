//go:build !purego

#include "textflag.h"

// What is marked: bytes below a space, which are up to the last control character; quotes; backslashes.
DATA spaces<>+0(SB)/4, $0x20202020
GLOBL spaces<>(SB), RODATA|NOPTR, $4
DATA controls<>+0(SB)/4, $0x1f1f1f1f
GLOBL controls<>(SB), RODATA|NOPTR, $4
DATA quotes<>+0(SB)/4, $0x22222222
GLOBL quotes<>(SB), RODATA|NOPTR, $4
DATA slashes<>+0(SB)/4, $0x5c5c5c5c
GLOBL slashes<>(SB), RODATA|NOPTR, $4

// func mark512(dst *uint64, src *byte, n int) (high uint64)
//
// Registers from Z16 on need no VZEROUPPER. The load of the tail is masked: it reads nothing behind it.
TEXT ·mark512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VPBROADCASTD spaces<>(SB), Z20
	VPBROADCASTD quotes<>(SB), Z21
	VPBROADCASTD slashes<>(SB), Z22
	VPXORQ Z24, Z24, Z24 // all bytes, or'ed
	SUBQ $64, CX
	JB tail

block:
	VMOVDQU64 (SI), Z16
	VPCMPUB $1, Z20, Z16, K1
	VPCMPEQB Z21, Z16, K2
	VPCMPEQB Z22, Z16, K3
	VPORQ Z16, Z24, Z24
	KORQ K1, K2, K1
	KORQ K3, K1, K1
	KMOVQ K1, (DI)
	ADDQ $64, SI
	ADDQ $8, DI
	SUBQ $64, CX
	JAE block

tail:
	ADDQ $64, CX
	JZ empty
	MOVQ $-1, AX
	BZHIQ CX, AX, AX
	KMOVQ AX, K4
	VMOVDQU8.Z (SI), K4, Z16 // zeros behind the text, which are marked
	VPCMPUB $1, Z20, Z16, K1
	VPCMPEQB Z21, Z16, K2
	VPCMPEQB Z22, Z16, K3
	VPORQ Z16, Z24, Z24
	KORQ K1, K2, K1
	KORQ K3, K1, K1
	KMOVQ K1, (DI)
	VPMOVB2M Z24, K1
	KMOVQ K1, high+24(FP)
	RET

empty:
	MOVQ $-1, (DI)
	VPMOVB2M Z24, K1
	KMOVQ K1, high+24(FP)
	RET

// func mark256(dst *uint64, src *byte, blocks int) (high uint64)
//
// As mark128 does it, in halves of 32 bytes.
TEXT ·mark256(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	VPBROADCASTD controls<>(SB), Y10
	VPBROADCASTD quotes<>(SB), Y8
	VPBROADCASTD slashes<>(SB), Y9
	VPXOR Y11, Y11, Y11 // all bytes, or'ed

block:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y4
	VPCMPEQB Y8, Y0, Y1
	VPCMPEQB Y8, Y4, Y5
	VPCMPEQB Y9, Y0, Y2
	VPCMPEQB Y9, Y4, Y6
	VPMINUB Y10, Y0, Y3
	VPMINUB Y10, Y4, Y7
	VPCMPEQB Y0, Y3, Y3
	VPCMPEQB Y4, Y7, Y7
	VPOR Y1, Y2, Y2
	VPOR Y5, Y6, Y6
	VPOR Y2, Y3, Y3
	VPOR Y6, Y7, Y7
	VPOR Y0, Y11, Y11
	VPOR Y4, Y11, Y11
	VPMOVMSKB Y3, AX
	VPMOVMSKB Y7, BX
	SHLQ $32, BX
	ORQ BX, AX
	MOVQ AX, (DI)
	ADDQ $64, SI
	ADDQ $8, DI
	DECQ CX
	JNZ block

	VPMOVMSKB Y11, AX
	MOVQ AX, high+24(FP)
	VZEROUPPER
	RET
