package tape

// CloudTrail writes the members of a record in the same order as in the record before, and the same few hundred keys all
// day. So a Tape remembers every key with what stood around it, as a tree of paths, and with the key that followed it last
// time and the other one that followed before. Where the bytes at hand are one of these, which is so for nearly all, they are
// compared and not read: length, code, identity and "not twice in this object" are known. Parsing costs two thirds of what
// it costs without.

const (
	// maxKnown is how many keys are remembered. At this number all are forgotten, so that keys which come once do not drive
	// out the others for good.
	maxKnown = 4096
	// maxKnownKey is the length from which on a key is not remembered, in bytes.
	maxKnownKey = 96
	// maxProbes is how many places of the table are looked at. What finds no place is not remembered, so that keys made to
	// collide cost no more than others.
	maxProbes = 8
	// keyChunk is how much memory is allocated at once for the texts of keys, in bytes.
	keyChunk = 4 << 10
)

// known is a key below the members that lead to it. Elements of arrays count as the array, so all objects of an array share
// their keys.
type known struct {
	text   string
	quoted string // the key as compact JSON writes it, with its colon; empty where it needs escapes
	hash   uint32 // java.lang.String.hashCode
	parent int32
	next   int32  // the key that followed last time in the same object, 0 for none
	other  int32  // the one that followed before next did, 0 for none
	first  int32  // the key that came first in the object below this key, 0 for none
	seen   uint64 // the number of the object that had this key last

	repeats *repeats // nil unless its objects are kept
}

// stands reports whether the key stands at src[p] as compact JSON writes it, and something behind its colon.
func (e *known) stands(src []byte, p int) bool {
	return e.quoted != "" && len(src)-p > len(e.quoted) && string(src[p:p+len(e.quoted)]) == e.quoted
}

// knownKeys finds keys by parent and text. Key 0 is that of the root, which has none.
type knownKeys struct {
	keys       []known
	table      []int32 // open, by parent and hash
	chunk      []byte  // of texts; it is never written twice, as others hold them
	strange    []known // of the text at hand only, with numbers from maxKnown on
	generation int     // how often all was forgotten

	repeats []*repeats
	kept    uint64 // the number of the object that was kept last
}

// begin forgets what belonged to the text before.
func (k *knownKeys) begin() {
	k.strange = k.strange[:0]
	for _, r := range k.repeats {
		r.node = None
	}
	if len(k.keys) > 0 && len(k.keys) < maxKnown {
		return
	}
	if k.table == nil {
		k.table = make([]int32, 2*maxKnown)
	}
	clear(k.table)
	clear(k.keys)
	k.keys = append(k.keys[:0], known{})
	k.generation++
}

func (k *knownKeys) at(key int32) *known {
	if key < maxKnown {
		return &k.keys[key]
	}
	return &k.strange[key-maxKnown]
}

// find gives the key with this text below parent, which it remembers. Where it cannot, strange says so, and the key is text
// itself.
func (k *knownKeys) find(parent int32, text []byte) (key int32, strange bool) {
	hash := hashKey(text)
	if parent < maxKnown && len(text) < maxKnownKey {
		at := (hash ^ uint32(parent)*0x85ebca6b) * 0x9e3779b1 >> 16
		for range maxProbes {
			at &= 2*maxKnown - 1
			key = k.table[at]
			if key == 0 {
				if len(k.keys) == maxKnown {
					break
				}
				key = int32(len(k.keys))
				k.table[at] = key
				k.keys = append(k.keys, k.newKnown(text, hash, parent))
				return key, false
			}
			if e := &k.keys[key]; e.hash == hash && e.parent == parent && e.text == string(text) {
				return key, false
			}
			at++
		}
	}
	k.strange = append(k.strange, known{text: view(text), hash: hash})
	return int32(maxKnown + len(k.strange) - 1), true
}

func (k *knownKeys) newKnown(text []byte, hash uint32, parent int32) known {
	from := len(k.chunk)
	if cap(k.chunk)-from < len(text)+3 {
		k.chunk, from = make([]byte, 0, max(keyChunk, len(text)+3)), 0
	}
	k.chunk = append(k.chunk, '"')
	k.chunk = append(k.chunk, text...)
	k.chunk = append(k.chunk, `":`...)
	quoted := view(k.chunk[from:])
	e := known{text: quoted[1 : len(text)+1], quoted: quoted, hash: hash, parent: parent, repeats: k.repeatsOf(parent, text)}
	for _, c := range text {
		if c < 0x20 || c == '"' || c == '\\' {
			e.quoted = ""
		}
	}
	return e
}
