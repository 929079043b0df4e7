package tlsconfig

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what older keys name; it only derives the key here
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
)

// Encrypted keys come in two forms: PKCS #8 with PBES2 (RFC 8018), what today's tools write and the standard library does
// not read, and the PEM encryption of RFC 1423, which it reads.

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}

	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}

	aesKeyLengths = []struct {
		oid    asn1.ObjectIdentifier
		length int
	}{
		{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, 16},
		{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, 24},
		{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, 32},
	}

	errWrongPassphrase = errors.New("does not open ssl.key")
)

type encryptedKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2Params struct{ KeyDerivation, Encryption pkix.AlgorithmIdentifier }

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// decryptKey gives the PEM of the key without encryption. A key that is not encrypted comes back as it is.
func decryptKey(text, passphrase []byte) ([]byte, error) {
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return text, nil
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" {
			der, err := decryptPBES2(block.Bytes, passphrase)
			if err != nil {
				return nil, err
			}
			return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
		}
		if x509.IsEncryptedPEMBlock(block) { //nolint:staticcheck // insecure by today's standards, but what the user has
			der, err := x509.DecryptPEMBlock(block, passphrase) //nolint:staticcheck // as above
			if err != nil || !isPrivateKey(der) {
				return nil, errWrongPassphrase
			}
			return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
		}
	}
}

func decryptPBES2(der, passphrase []byte) ([]byte, error) {
	var info encryptedKeyInfo
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("reading the encrypted key: %w", err)
	}
	var scheme pbes2Params
	var derive pbkdf2Params
	var iv []byte
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, errors.New("the key's encryption is not PBES2; write it anew with openssl pkcs8 -topk8 -v2 aes256")
	}
	if _, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, fmt.Errorf("reading the key's encryption: %w", err)
	}
	if !scheme.KeyDerivation.Algorithm.Equal(oidPBKDF2) {
		return nil, errors.New("the key's derivation is not PBKDF2; write it anew with openssl pkcs8 -topk8 -v2 aes256")
	}
	if _, err := asn1.Unmarshal(scheme.KeyDerivation.Parameters.FullBytes, &derive); err != nil {
		return nil, fmt.Errorf("reading the key's derivation: %w", err)
	}
	if _, err := asn1.Unmarshal(scheme.Encryption.Parameters.FullBytes, &iv); err != nil || len(iv) != aes.BlockSize {
		return nil, errors.New("the key's cipher is not AES in CBC mode; write it anew with openssl pkcs8 -topk8 -v2 aes256")
	}
	var hasher func() hash.Hash
	switch prf := derive.PRF.Algorithm; {
	case len(prf) == 0 || prf.Equal(oidHMACSHA1):
		hasher = sha1.New
	case prf.Equal(oidHMACSHA256):
		hasher = sha256.New
	default:
		return nil, errors.New("the key's derivation uses an unknown hash; write it anew with openssl pkcs8 -topk8 -v2 aes256")
	}
	for _, known := range aesKeyLengths {
		if !scheme.Encryption.Algorithm.Equal(known.oid) {
			continue
		}
		key, err := pbkdf2.Key(hasher, string(passphrase), derive.Salt, derive.Iterations, known.length)
		if err != nil {
			return nil, fmt.Errorf("deriving the key: %w", err)
		}
		return decryptCBC(key, iv, info.Data)
	}
	return nil, errors.New("the key's cipher is unknown; write it anew with openssl pkcs8 -topk8 -v2 aes256")
}

func decryptCBC(key, iv, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("preparing the cipher: %w", err)
	}
	if len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errors.New("the encrypted key is cut off")
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > aes.BlockSize {
		return nil, errWrongPassphrase
	}
	for _, b := range plain[len(plain)-padding:] {
		if int(b) != padding {
			return nil, errWrongPassphrase
		}
	}
	plain = plain[:len(plain)-padding]
	if !isPrivateKey(plain) {
		return nil, errWrongPassphrase
	}
	return plain, nil
}

// isPrivateKey tells whether der is a key in one of the forms that PEM files hold. The padding alone does not show that a passphrase was
// right: after one wrong passphrase in 256 it looks whole by chance.
func isPrivateKey(der []byte) bool {
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return true
	}
	_, err := x509.ParseECPrivateKey(der)
	return err == nil
}
