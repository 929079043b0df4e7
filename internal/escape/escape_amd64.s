//go:build !purego

#include "textflag.h"

DATA quotes<>+0(SB)/8, $0x2222222222222222
DATA quotes<>+8(SB)/8, $0x2222222222222222
DATA quotes<>+16(SB)/8, $0x2222222222222222
DATA quotes<>+24(SB)/8, $0x2222222222222222
DATA quotes<>+32(SB)/8, $0x2222222222222222
DATA quotes<>+40(SB)/8, $0x2222222222222222
DATA quotes<>+48(SB)/8, $0x2222222222222222
DATA quotes<>+56(SB)/8, $0x2222222222222222
GLOBL quotes<>(SB), RODATA|NOPTR, $64

DATA slashes<>+0(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA slashes<>+8(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA slashes<>+16(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA slashes<>+24(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA slashes<>+32(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA slashes<>+40(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA slashes<>+48(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA slashes<>+56(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL slashes<>(SB), RODATA|NOPTR, $64

DATA spaces<>+0(SB)/8, $0x2020202020202020
DATA spaces<>+8(SB)/8, $0x2020202020202020
DATA spaces<>+16(SB)/8, $0x2020202020202020
DATA spaces<>+24(SB)/8, $0x2020202020202020
DATA spaces<>+32(SB)/8, $0x2020202020202020
DATA spaces<>+40(SB)/8, $0x2020202020202020
DATA spaces<>+48(SB)/8, $0x2020202020202020
DATA spaces<>+56(SB)/8, $0x2020202020202020
GLOBL spaces<>(SB), RODATA|NOPTR, $64

// func put(dst *byte, key, s string) (written, state int)
//
// Per 64 bytes: a bit for each quote and backslash. If there is one, each half of 32 bytes is spread over backslashes by
// VPEXPANDB, with a mask that leaves one out before each such byte. Loads of fewer than 64 bytes are masked, and so read nothing
// behind the text; stores are whole. Only registers from Z16 on are used: they need no VZEROUPPER.
TEXT ·put(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ key_base+8(FP), BX
	MOVQ key_len+16(FP), CX
	MOVQ s_base+24(FP), SI
	MOVQ s_len+32(FP), DX
	MOVQ $-1, R9
	XORL R14, R14 // 1 as soon as there is a byte from 0x80 on
	TESTQ CX, CX
	JZ text
	BZHIQ CX, R9, AX
	KMOVQ AX, K1
	VMOVDQU8.Z (BX), K1, Z16
	VMOVDQU64 Z16, (DI)
	ADDQ CX, DI

text:
	CMPQ DX, $64
	JB tail

block:
	VMOVDQU64 (SI), Z16
	VPCMPB $1, spaces<>(SB), Z16, K4 // of signed bytes: control characters, and all from 0x80 on
	VPCMPEQB quotes<>(SB), Z16, K2
	VPCMPEQB slashes<>(SB), Z16, K3
	KORTESTQ K4, K4
	JNZ odd

even:
	KORQ K2, K3, K2
	KMOVQ K2, AX
	ADDQ $64, SI
	SUBQ $64, DX
	TESTQ AX, AX
	JNZ special
	VMOVDQU64 Z16, (DI)
	ADDQ $64, DI
	CMPQ DX, $64
	JAE block
	JMP tail

special:
	MOVQ $0x5555555555555555, R12
	MOVQ $0xaaaaaaaaaaaaaaaa, R13
	MOVL AX, R10
	SHRQ $32, AX
	POPCNTQ R10, CX
	POPCNTQ AX, R11
	PDEPQ R12, R10, R10
	PDEPQ R12, AX, AX
	ORQ R13, R10
	ORQ R13, AX
	PEXTQ R10, R13, R10
	PEXTQ AX, R13, AX
	KMOVQ R10, K2
	KMOVQ AX, K3
	VEXTRACTI64X4 $1, Z16, Y18
	VMOVDQU64 slashes<>(SB), Z17
	VMOVDQA64 Z17, Z19
	VPEXPANDB Z16, K2, Z17
	VPEXPANDB Z18, K3, Z19
	VMOVDQU64 Z17, (DI)
	VMOVDQU64 Z19, 32(DI)(CX*1)
	ADDQ R11, CX
	LEAQ 64(DI)(CX*1), DI
	CMPQ DX, $64
	JAE block

tail: // DX < 64
	TESTQ DX, DX
	JZ done
	BZHIQ DX, R9, AX
	KMOVQ AX, K1
	VMOVDQU8.Z (SI), K1, Z16
	VPCMPB $1, spaces<>(SB), Z16, K1, K4
	VPCMPEQB quotes<>(SB), Z16, K2
	VPCMPEQB slashes<>(SB), Z16, K3
	KORTESTQ K4, K4
	JNZ oddTail

last: // DX < 64 bytes of Z16
	KORQ K2, K3, K2
	KMOVQ K2, AX
	ADDQ DX, SI
	TESTQ AX, AX
	JNZ lastSpecial
	VMOVDQU64 Z16, (DI)
	ADDQ DX, DI

done:
	MOVW $0x2c22, (DI) // ",
	MOVQ s_base+24(FP), AX
	ADDQ s_len+32(FP), AX
	SUBQ SI, AX
	LEAQ (R14)(AX*2), AX
	SUBQ dst+0(FP), DI
	MOVQ DI, written+40(FP)
	MOVQ AX, state+48(FP)
	RET

lastSpecial:
	MOVQ $0x5555555555555555, R12
	MOVQ $0xaaaaaaaaaaaaaaaa, R13
	MOVL AX, R10
	SHRQ $32, AX
	POPCNTQ R10, CX
	POPCNTQ AX, R11
	PDEPQ R12, R10, R10
	PDEPQ R12, AX, AX
	ORQ R13, R10
	ORQ R13, AX
	PEXTQ R10, R13, R10
	PEXTQ AX, R13, AX
	KMOVQ R10, K2
	KMOVQ AX, K3
	VEXTRACTI64X4 $1, Z16, Y18
	VMOVDQU64 slashes<>(SB), Z17
	VMOVDQA64 Z17, Z19
	VPEXPANDB Z16, K2, Z17
	VPEXPANDB Z18, K3, Z19
	VMOVDQU64 Z17, (DI)
	VMOVDQU64 Z19, 32(DI)(CX*1)
	ADDQ R11, CX
	ADDQ DX, CX
	ADDQ CX, DI
	JMP done

odd:
	VPMOVB2M Z16, K5
	KANDNQ K4, K5, K4 // control characters
	KORTESTQ K4, K4
	JNZ control
	MOVL $1, R14
	JMP even

oddTail:
	VPMOVB2M Z16, K5
	KANDNQ K4, K5, K4
	KORTESTQ K4, K4
	JNZ control
	MOVL $1, R14
	JMP last

control: // what stands before the first of them is the last that is written
	KORTESTQ K5, K5
	JZ ascii
	MOVL $1, R14

ascii:
	KMOVQ K4, AX
	TZCNTQ AX, DX
	BZHIQ DX, R9, AX
	KMOVQ AX, K1
	KANDQ K1, K2, K2
	KANDQ K1, K3, K3
	JMP last
