package tlsconfig

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what older keys name
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"hash"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sealing is one way to write an encrypted PKCS #8 key. The zero value of a name is what today's tools write.
type sealing struct {
	scheme, kdf, prf, cipher asn1.ObjectIdentifier
	hasher                   func() hash.Hash
	length                   int
	// omitPRF leaves out what is the default of the form.
	omitPRF bool
}

var (
	oidScrypt  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidDES3    = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
	oidPBES1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 10}
	oidSHA3MAC = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 14}
)

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	der, err := asn1.Marshal(v)
	require.NoError(t, err)
	return der
}

// seal writes key as an encrypted PKCS #8 block.
func (s sealing) seal(t *testing.T, key *ecdsa.PrivateKey, passphrase string) []byte {
	t.Helper()
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	salt, iv := make([]byte, 16), make([]byte, aes.BlockSize)
	_, _ = rand.Read(salt)
	_, _ = rand.Read(iv)
	const iterations = 2048
	secret, err := pbkdf2.Key(s.hasher, passphrase, salt, iterations, s.length)
	require.NoError(t, err)
	block, err := aes.NewCipher(secret)
	require.NoError(t, err)
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	data := append(plain, bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)

	derive := pbkdf2Params{Salt: salt, Iterations: iterations}
	if !s.omitPRF {
		derive.PRF = pkix.AlgorithmIdentifier{Algorithm: s.prf, Parameters: asn1.NullRawValue}
	}
	params := pbes2Params{
		KeyDerivation: pkix.AlgorithmIdentifier{Algorithm: s.kdf, Parameters: asn1.RawValue{FullBytes: marshal(t, derive)}},
		Encryption:    pkix.AlgorithmIdentifier{Algorithm: s.cipher, Parameters: asn1.RawValue{FullBytes: marshal(t, iv)}},
	}
	der := marshal(t, encryptedKeyInfo{
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: s.scheme, Parameters: asn1.RawValue{FullBytes: marshal(t, params)}},
		Data:      data,
	})
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
}

// newKey makes a key for one test, as the repository holds none.
func newKey(t *testing.T) (key *ecdsa.PrivateKey, der []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err = x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	return key, der
}

// opened is the key in PEM text, in either of its plain forms.
func opened(t *testing.T, text []byte) *ecdsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	key, ok := parsed.(*ecdsa.PrivateKey)
	require.True(t, ok)
	return key
}

func TestEncryptedKeys(t *testing.T) {
	key, der := newKey(t)
	aes128, aes192, aes256 := aesKeyLengths[0].oid, aesKeyLengths[1].oid, aesKeyLengths[2].oid
	sealed := map[string]sealing{
		"AES-128, SHA-1 by default": {scheme: oidPBES2, kdf: oidPBKDF2, omitPRF: true, cipher: aes128, hasher: sha1.New, length: 16},
		"AES-192, SHA-1":            {scheme: oidPBES2, kdf: oidPBKDF2, prf: oidHMACSHA1, cipher: aes192, hasher: sha1.New, length: 24},
		"AES-256, SHA-256":          {scheme: oidPBES2, kdf: oidPBKDF2, prf: oidHMACSHA256, cipher: aes256, hasher: sha256.New, length: 32},
	}
	texts := map[string][]byte{}
	for name, s := range sealed {
		texts[name] = s.seal(t, key, "correct")
	}
	block, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", der, []byte("correct"), x509.PEMCipherAES128) //nolint:staticcheck // what older tools write
	require.NoError(t, err)
	texts["RFC 1423"] = pem.EncodeToMemory(block)

	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			got, err := decryptKey(text, []byte("correct"))
			require.NoError(t, err)
			assert.True(t, key.Equal(opened(t, got)))
			_, err = decryptKey(text, []byte("wrong"))
			require.ErrorIs(t, err, errWrongPassphrase)
		})
	}
}

// With a wrong passphrase the padding is right in one of 256 tries. 3,000 tries hit that about 12 times.
func TestPaddingThatIsRightByChance(t *testing.T) {
	_, der := newKey(t)
	block, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", der, []byte("correct"), x509.PEMCipherAES128) //nolint:staticcheck // what older tools write
	require.NoError(t, err)
	text := pem.EncodeToMemory(block)
	for try := range 3000 {
		_, err := decryptKey(text, []byte{'w', byte(try), byte(try >> 8)})
		require.ErrorIs(t, err, errWrongPassphrase, try)
	}
}

func TestPlainKeyStaysAsItIs(t *testing.T) {
	_, der := newKey(t)
	text := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	got, err := decryptKey(text, []byte("any"))
	require.NoError(t, err)
	assert.Equal(t, text, got)
}

func TestKeysInOtherFormsAreRefused(t *testing.T) {
	key, _ := newKey(t)
	aes256 := aesKeyLengths[2].oid
	for name, s := range map[string]sealing{
		"scrypt":       {scheme: oidPBES2, kdf: oidScrypt, prf: oidHMACSHA256, cipher: aes256},
		"triple DES":   {scheme: oidPBES2, kdf: oidPBKDF2, prf: oidHMACSHA256, cipher: oidDES3},
		"PBES1":        {scheme: oidPBES1, kdf: oidPBKDF2, prf: oidHMACSHA256, cipher: aes256},
		"unknown hash": {scheme: oidPBES2, kdf: oidPBKDF2, prf: oidSHA3MAC, cipher: aes256},
	} {
		t.Run(name, func(t *testing.T) {
			s.hasher, s.length = sha256.New, 32
			_, err := decryptKey(s.seal(t, key, "correct"), []byte("correct"))
			require.ErrorContains(t, err, "openssl pkcs8 -topk8 -v2 aes256")
		})
	}
}

func TestTornKeyIsRefused(t *testing.T) {
	key, _ := newKey(t)
	s := sealing{scheme: oidPBES2, kdf: oidPBKDF2, prf: oidHMACSHA256, cipher: aesKeyLengths[2].oid, hasher: sha256.New, length: 32}
	block, _ := pem.Decode(s.seal(t, key, "correct"))
	var info encryptedKeyInfo
	_, err := asn1.Unmarshal(block.Bytes, &info)
	require.NoError(t, err)
	info.Data = info.Data[:len(info.Data)-1]
	_, err = decryptPBES2(marshal(t, info), []byte("correct"))
	require.ErrorContains(t, err, "cut off")
	_, err = decryptPBES2(block.Bytes[:20], []byte("correct"))
	require.Error(t, err)
}
